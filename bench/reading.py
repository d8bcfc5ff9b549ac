"""How many cases a second are read and validated, beside pandas and openpyxl reading the same files without validating?

    python bench/reading.py [--files 98] [--cases 100] [--runs 5]

The work: from a round's inbox with one filled-in form (.xlsx, sheets Forside and Skema) of every municipality to its
cases in one table. The product does it as the nightly job does: it finds the files, reads them in limited child
processes, folds every text, looks for CPR numbers and judges every row by every rule. The peers read the sheet Skema of
each file and put the frames together, as their users would write it, and validate nothing.

- The answers are made up: drawn with a fixed seed from the catalogue's options, nothing of any real case is in them.
- Every run is a fresh process; the contenders take turns. Imports (and the form's catalogue) are not part of the time;
  they are shown beside it. Starting the product's child processes, and their imports, are part of it.
- Before any time is shown, all values of all contenders are compared as text, and the run stops at the first difference.
- Memory is the peak of the process and the peaks of its children, added up, in a run of its own that is not timed.

The target is against the fastest of the peers that read with openpyxl. pandas with calamine, the reader that the product
itself builds on, is shown for what limits, folding and rules cost.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEED = 20221001
ROUND = "2022-10-01"
TARGET = 3
PRODUCT = "product"
PEERS = ("pandas_openpyxl", "openpyxl_read_only")
CONTENDERS = (PRODUCT, *PEERS, "pandas_calamine")
SAMPLED_EVERY_SECONDS = 0.005


# The data ------------------------------------------------------------------------------------------------------------


def write_inbox(inbox, files, cases):
    """A filled-in form of each of the first `files` municipalities, all answers as text and none of them wrong."""
    import xlsxwriter

    from pipelines.reference.municipalities import municipalities
    from schemas.questionnaire import load_catalogue

    questions = load_catalogue("2022").questions
    draw = random.Random(SEED)  # noqa: S311 - made-up answers, not secrets
    for code in municipalities()["municipality_code"].sort().head(files):
        path = inbox / code / "20221114T093000Z__Screening.xlsx"
        path.parent.mkdir(parents=True)
        with xlsxwriter.Workbook(path) as book:
            text = book.add_format({"num_format": "@"})
            front, sheet = book.add_worksheet("Forside"), book.add_worksheet("Skema")
            for row, (label, value) in enumerate((("Kommunekode", code), ("Antal sager", cases))):
                front.write_string(row, 0, label)
                front.write(row, 1, value)
            sheet.set_column(0, len(questions) - 1, 22, text)
            for column, question in enumerate(questions):
                sheet.write_string(0, column, question.header)
                for row in range(1, cases + 1):
                    answer = made_up(question, code, row, draw)
                    if answer is not None:
                        sheet.write_string(row, column, answer, text)


def made_up(question, code, row, draw):
    if question.optional and draw.random() < 0.4:
        return None
    match question.kind:
        case "code":
            return code
        case "text":
            return "Opdigtet til målingen." if question.optional else str(row)
        case "integer":
            return str(draw.randint(question.minimum, question.minimum + 70))
        case "amount":
            kroner = draw.randint(1_200_000, 8_000_000)
            return str(kroner) if row % 2 else f"{kroner:,}".replace(",", ".")
        case "single":
            return draw.choice(question.options).label_da
        case "multiple":
            return "; ".join(option.label_da for option in draw.sample(question.options, draw.randint(1, 3)))


# The contenders: each returns its step and, unmeasured, what makes of its result municipality, row and 36 texts -------


def product():
    import datetime as dt

    import polars as pl

    from pipelines.ingest.inbox import find_files
    from pipelines.ingest.intake import judge, read_files
    from schemas.questionnaire import load_catalogue
    from schemas.rounds import find_round

    round_ = find_round(ROUND)
    catalogue = load_catalogue(round_.questionnaire)

    def step(inbox):
        files, _ = find_files(inbox, now=dt.datetime.now(dt.UTC))
        read = read_files(files, catalogue)
        return read, judge(*read, round_, catalogue)

    def texts(result):
        read, judged = result
        if judged.responses.height != read.rows.height or not judged.rejected_rows.is_empty():
            sys.exit("the product rejects rows that are meant to be sound")
        return read.rows.select(pl.col("folder_code").alias("folder"), "row", *catalogue.keys)

    return step, texts


def pandas_step(engine):
    import pandas as pd

    if engine == "openpyxl":
        import openpyxl  # noqa: F401  read_excel imports it, which is not part of the time
    else:
        import python_calamine  # noqa: F401  the same

    def step(inbox):
        frames = {
            path.parent.name: pd.read_excel(path, sheet_name="Skema", dtype=str, engine=engine)
            for path in sorted(inbox.glob("*/*.xlsx"))
        }
        return pd.concat(frames, names=["folder", "position"])

    return step, texts_of_pandas


def openpyxl_step():
    import openpyxl
    import pandas as pd

    def cases(path):
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        rows = book["Skema"].values  # noqa: PD011 - a sheet's
        header = next(rows)
        frame = pd.DataFrame(rows, columns=header, dtype=str)
        book.close()
        return frame

    def step(inbox):
        frames = {path.parent.name: cases(path) for path in sorted(inbox.glob("*/*.xlsx"))}
        return pd.concat(frames, names=["folder", "position"])

    return step, texts_of_pandas


def texts_of_pandas(frame):
    import polars as pl

    from schemas.questionnaire import load_catalogue

    keys = {question.header: question.key for question in load_catalogue("2022").questions}
    columns = {key: [None if value != value else value for value in frame[header]] for header, key in keys.items()}  # noqa: PLR0124 - NaN
    folders, positions = zip(*frame.index, strict=True)
    return pl.DataFrame({"folder": folders, "row": [position + 2 for position in positions], **columns})


def contender(name):
    match name:
        case "product":
            return product()
        case "openpyxl_read_only":
            return openpyxl_step()
    return pandas_step(name.removeprefix("pandas_"))


# The runs ------------------------------------------------------------------------------------------------------------


@contextmanager
def peak_memory():
    """The peaks of this process and its children in MB, added up, in a list that is filled at the end.

    `ru_maxrss` would not do: a child starts with the peak of its parent as its own.
    """
    peaks, found, stop = {}, [], threading.Event()

    def look(process):
        for line in (process / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peaks[process.name] = int(line.split()[1]) / 1_000

    def watch():
        while not stop.wait(SAMPLED_EVERY_SECONDS):
            for task in Path("/proc/self/task").iterdir():
                with suppress(OSError):  # a thread or a child that has ended meanwhile
                    for child_id in (task / "children").read_text().split():
                        look(Path("/proc") / child_id)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        stop.set()
        watching.join()
        look(Path("/proc/self"))
        found.append(sum(peaks.values()))


def run_once(name, inbox):
    """One contender in this process: seconds of work and of imports."""
    start = time.perf_counter()
    step, _ = contender(name)
    imported = time.perf_counter()
    step(Path(inbox))
    done = time.perf_counter()
    print(json.dumps({"seconds": done - imported, "imports": imported - start}))


def keep(name, inbox, folder):
    """One contender in this process: its cases as texts into a file, and its peak memory."""
    step, texts = contender(name)
    with peak_memory() as peak:
        result = step(Path(inbox))
    texts(result).write_parquet(Path(folder) / f"{name}.parquet")
    print(json.dumps(*peak))


def compare(folder, cases):
    """Every contender holds the same texts of the same rows."""
    import polars as pl
    from polars.testing import assert_frame_equal

    mine, *others = (pl.read_parquet(Path(folder) / f"{name}.parquet") for name in CONTENDERS)
    if mine.height != int(cases):
        sys.exit(f"{mine.height} cases were read, {cases} were written")
    for theirs in others:
        assert_frame_equal(mine, theirs.select(mine.columns).cast(mine.schema), check_row_order=False)
    print(f"{mine.height:,} cases of {mine.width - 2} texts, the same in all {len(CONTENDERS)}; no row is rejected")


def child(*arguments):
    """This script in a fresh process."""
    command = [sys.executable, "-P", __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=98)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    cases = arguments.files * arguments.cases
    with tempfile.TemporaryDirectory() as folder:
        inbox = Path(folder) / "inbox"
        child("write", inbox, arguments.files, arguments.cases)
        size = sum(path.stat().st_size for path in inbox.glob("*/*"))
        print(f"{arguments.files} made-up workbooks of {arguments.cases} cases, {size / 1e6:.1f} MB")
        peak = {name: json.loads(child("keep", name, inbox, folder)) for name in CONTENDERS}
        print(child("compare", folder, cases), end="")
        runs = {name: [] for name in CONTENDERS}
        for _ in range(arguments.runs):
            for name in CONTENDERS:
                runs[name].append(json.loads(child("run", name, inbox)))
    print(f"{arguments.runs} runs of each, taking turns")
    print(
        f"{'':20}{'cases/s':>9}{'median s':>10}{'fastest s':>11}{'peak MB':>9}{'imports s':>11}{'product is faster by':>22}"
    )
    median = {name: statistics.median(run["seconds"] for run in of) for name, of in runs.items()}
    for name, of in runs.items():
        fastest = min(run["seconds"] for run in of)
        imports = statistics.median(run["imports"] for run in of)
        ratio = "" if name == PRODUCT else f"{median[name] / median[PRODUCT]:.1f} times"
        print(
            f"{name:20}{cases / median[name]:9,.0f}{median[name]:10.3f}{fastest:11.3f}{peak[name]:9.0f}{imports:11.2f}"
            f"{ratio:>22}"
        )
    best = min(PEERS, key=median.__getitem__)
    ratio = median[best] / median[PRODUCT]
    reached = "reached" if ratio >= TARGET else "not reached"
    print(f"target: at least {TARGET} times faster than {best}, the faster peer: {ratio:.1f} times, {reached}")


if __name__ == "__main__":
    # Run as a script, Python looks for modules beside the script; the product's are one level up.
    sys.path.insert(0, str(ROOT))
    match sys.argv[1:]:
        case ["write", inbox, files, cases]:
            write_inbox(Path(inbox), int(files), int(cases))
        case ["run", name, inbox]:
            run_once(name, inbox)
        case ["keep", name, inbox, folder]:
            keep(name, inbox, folder)
        case ["compare", folder, cases]:
            compare(folder, cases)
        case _:
            main()
