"""How fast are a round's reports made, beside a bare `typst.compile` of the same pages?

    python bench/reports.py [--reports 98] [--runs 3]

The reports are those of a release of the demonstration round, which is made first, in a folder of its own: one of each
municipality, taking part or not, and the national one. All figures in them are made up.

- The bare contender gets the same words, tables and plots written out as Typst source, in the same fonts and sizes, and
  calls `typst.compile` once for each: no PDF/UA-1, no running captions, no contents. Its fonts are loaded once as well.
- Every run is a fresh process, as Typst remembers what it set before; the contenders take turns. Imports and fonts are not
  part of a report's time, but of the time of all.
- Beside it stand, in a process each: making the documents (sentences and plots), and the pages of HTML.
- The pages of both are counted, so that it shows when they are not the same.
"""

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import resources
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUND = "2022-10-01"
BOTILBUD = Path(sys.executable).with_name("botilbud")
REFUSES_AT_ONCE = "http://127.0.0.1:9"
TARGET_RATIO, TARGET_SECONDS = 2, 60
CONTENDERS = ("pdf", "bare")
PREAMBLE = """#set document(title: {title}, date: none)
#set page(paper: "a4", margin: (x: 54pt, top: 62pt, bottom: 58pt), numbering: "1")
#set text(font: "Arimo", size: 10pt, lang: "da", hyphenate: true)
#show figure: set block(breakable: true)
"""


# The release and the documents ---------------------------------------------------------------------------------------


def make_release(folder):
    """The folder of a release of the demonstration round."""
    home = folder / "dagster"
    home.mkdir()
    env = os.environ | {
        "BOTILBUD_DATA": str(folder / "data"),
        "DAGSTER_HOME": str(home),
        "BOTILBUD_STATBANK_URL": REFUSES_AT_ONCE,
    }
    for command in ("demo", "nightly"):
        done = subprocess.run(
            [BOTILBUD, command, "--round", ROUND], env=env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"botilbud {command} failed:\n{done.stdout}{done.stderr}")
    releases = folder / "data" / "releases" / ROUND
    return releases / json.loads((releases / "latest.json").read_text(encoding="utf-8"))["release"]


def write_documents(release, number, to):
    """Makes the documents, the national one last, and writes them; their seconds."""
    import polars as pl

    from pipelines.danish import municipality_names
    from pipelines.reports.lookup import Own, Published
    from pipelines.reports.municipal import municipal_report
    from pipelines.reports.national import national_report
    from schemas.rounds import find_round

    def tables(kind, folder):
        files = {field: folder / f"{field}.parquet" for field in kind._fields}
        return kind(**{field: pl.read_parquet(path) for field, path in files.items() if path.exists()})

    start = time.perf_counter()
    round_, published = find_round(ROUND), tables(Published, release / "shared")
    documents = [
        municipal_report(
            published, tables(Own, release / "municipalities" / code), round_, code, release.name, is_made_up=True
        )
        for code in sorted(municipality_names())[:number]
    ]
    documents.append(national_report(published, round_, release.name, is_made_up=True))
    seconds = time.perf_counter() - start
    to.write_bytes(pickle.dumps(documents))
    print(json.dumps(seconds))


# The contenders: each returns what makes one report --------------------------------------------------------------------


def pdf_reports(documents):
    from pipelines.reports.pdf import _fonts, report_pdf

    _fonts()
    return [lambda document=document: report_pdf(document) for document in documents]


def html_reports(documents):
    from pipelines.reports.html import report_html

    return [lambda document=document: report_html(document) for document in documents]


def bare_reports(documents):
    import typst

    sources = [bare_source(document).encode() for document in documents]
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(resources.files("fontpkg_arimo") / "files")])
    return [
        lambda source=source: typst.compile(source, font_paths=fonts, ignore_system_fonts=True, format="pdf")
        for source in sources
    ]


def bare_source(document):
    """The document written out in Typst."""
    parts = [PREAMBLE.format(title=literal(document.title))]
    parts += [f"#text(size: 23pt, {literal(document.title)})", f"#text(size: 12.5pt, {literal(document.subtitle)})"]
    parts += [f"#text(size: 12pt, {literal(document.lead.text)})"]
    for section in document.sections:
        parts.append(f"#heading(level: {section.level}, {literal(section.heading)})")
        parts += [bare_block(block) for block in section.blocks]
    return "\n\n".join(parts)


def bare_block(block):
    # The widths of columns and plots are the product's, so that the pages are.
    from pipelines.reports.pdf import _told_block

    told = _told_block(block)
    match told["kind"]:
        case "paragraph":
            return f"#par(text({literal(told['text'])}))"
        case "bullets":
            return f"#list({', '.join(literal(item) for item in told['items'])})"
        case "notice":
            return f"#rect(width: 100%, inset: 10pt)[*#{literal(told['heading'])}* \\ #{literal(told['text'])}]"
        case "plot":
            size = f"width: {told['width']}pt"
            return f'#image(bytes({literal(told["svg"])}), format: "svg", {size}, alt: {literal(told["alt"])})'
        case "table":
            columns = ", ".join(f"{width}pt" for width in told["widths"])
            right = ", ".join("right" if cell["is_number"] else "left" for cell in told["headings"])
            head = ", ".join(f"strong({literal(cell['text'])})" for cell in told["headings"])
            body = ", ".join(literal(cell["text"]) for row in told["rows"] for cell in row)
            return (
                f"#figure({{set text({told['size']}pt); table(columns: ({columns},), align: ({right},), inset: (x: 4.5pt, "
                f"y: 3.6pt), table.header({head}), {body})}}, kind: table, caption: {literal(told['caption'])})\n\n"
                f"#text(8pt, {literal(told['source'])})"
            )
    raise ValueError(told["kind"])


def literal(text):
    """A string of Typst."""
    return json.dumps(text, ensure_ascii=False)


def run_once(name, path):
    """One contender in this process: seconds of each report, and of all with imports and fonts; pages of each."""
    documents = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written by this script
    start = time.perf_counter()
    reports = {"pdf": pdf_reports, "bare": bare_reports, "html": html_reports}[name](documents)
    seconds, pages = [], []
    for report in reports:
        begin = time.perf_counter()
        made = report()
        seconds.append(time.perf_counter() - begin)
        pages.append(made)
    whole = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "whole": whole, "pages": [pages_of(made) for made in pages]}))


def pages_of(made):
    from pypdf import PdfReader

    return len(PdfReader(BytesIO(made)).pages) if made.startswith(b"%PDF") else 1


# The comparison ------------------------------------------------------------------------------------------------------


def child(*arguments):
    command = [sys.executable, "-P", __file__, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout)


def tell(name, runs):
    each = [statistics.median(of) for of in zip(*(run["seconds"] for run in runs), strict=True)]
    pages = runs[0]["pages"]
    whole = statistics.median(run["whole"] for run in runs)
    print(
        f"{name:6}{statistics.median(each[:-1]):12.3f}{max(each[:-1]):11.3f}{each[-1]:13.3f}{whole:9.1f}"
        f"{min(pages[:-1]):10}-{max(pages[:-1])}{pages[-1]:10}"
    )
    return each, whole


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=98)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "documents"
        making = child("write", make_release(folder), arguments.reports, path)
        runs = {name: [] for name in CONTENDERS}
        for _ in range(arguments.runs):
            for contender in CONTENDERS:
                runs[contender].append(child("run", contender, path))
        html = [child("run", "html", path)]
    print(f"{arguments.reports} reports of municipalities and the national one, all figures made up")
    print(f"{arguments.runs} runs of each, taking turns; sentences and plots of all: {making:.1f} s, in one process")
    print(f"{'':6}{'median s':>12}{'slowest s':>11}{'national s':>13}{'all s':>9}{'pages':>12}{'national':>10}")
    product, whole = tell("pdf", runs["pdf"])
    bare, _ = tell("bare", runs["bare"])
    tell("html", html)
    ratios = sorted(mine / theirs for mine, theirs in zip(product, bare, strict=True))
    reached = "reached" if ratios[-1] <= TARGET_RATIO else "not reached"
    print(
        f"target: each at most {TARGET_RATIO} times the bare one: median {statistics.median(ratios):.2f}, "
        f"worst {ratios[-1]:.2f} times, {reached}"
    )
    reached = "reached" if whole <= TARGET_SECONDS else "not reached"
    print(
        f"target: all PDFs in at most {TARGET_SECONDS} s: {whole:.1f} s, {reached}; with documents {making + whole:.1f} s"
    )


if __name__ == "__main__":
    # Run as a script, Python looks for modules beside the script; the product's are one level up.
    sys.path.insert(0, str(ROOT))
    match sys.argv[1:]:
        case ["write", release, number, to]:
            write_documents(Path(release), int(number), Path(to))
        case ["run", name, path]:
            run_once(name, path)
        case _:
            main()
