"""The reports of a release as files of it, and their figures for slides.

What belongs here: which report lies in which file, made by several processes where there are many. What does not: what a
report says (`pipelines.reports`). A municipality's report is made of its own folder and the shared one alone, as they lie
in the release; the national one of the shared folder alone.
"""

import csv
import io
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

import polars as pl

from pipelines.plots.style import pixels
from pipelines.release.contents import SHARED, ReleaseFile, folder_of, own_files, read_back
from pipelines.release.editions import FIGURES, Edition
from pipelines.reports.document import Document, PlotBlock
from pipelines.reports.html import report_html
from pipelines.reports.lookup import Own, Published
from pipelines.reports.municipal import municipal_report
from pipelines.reports.national import national_report
from pipelines.reports.pdf import report_pdf

REPORT = "report"
ALT_TEXTS = "alt_texts.csv"
# Processes, and how many reports one must have to make before starting another pays.
_PROCESSES, _WORTH_A_PROCESS = 2, 12


def report_files(
    content: Sequence[ReleaseFile], edition: Edition, municipalities: Iterable[str]
) -> Iterator[list[ReleaseFile]]:
    """The files of the national report, then those of each municipality's; PDF and page, the figures beside them.

    Args:
        content: the release's tables as parquet files.
        edition: of the release.
        municipalities: the codes of those that get one.
    """
    shared = Published(**read_back(file for file in content if file.path.startswith(f"{SHARED}/")))
    own = own_files(content, Own._fields)
    national = national_report(
        shared, edition.round_, edition.release, changes=edition.changes, is_made_up=edition.is_made_up
    )
    yield [*_report(SHARED, national), *figure_files(SHARED, plots_of(national), with_pixels=True)]
    asked = [(code, own.get(code, {})) for code in sorted(municipalities)]
    processes = min(_PROCESSES, len(asked) // _WORTH_A_PROCESS)
    if processes < _PROCESSES:
        for code, files in asked:
            yield _municipal_files(shared, edition, code, files)
        return
    # New processes, not copies of this one: copies of a process with threads may hang.
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(shared, edition)
    ) as pool:
        yield from pool.map(_municipal_files_of_process, asked, chunksize=4)


_COMMON: list[tuple[Published, Edition]] = []


def _begin(shared: Published, edition: Edition) -> None:
    _COMMON[:] = [(shared, edition)]


def _municipal_files_of_process(asked: tuple[str, Mapping[str, bytes]]) -> list[ReleaseFile]:
    ((shared, edition),) = _COMMON
    return _municipal_files(shared, edition, *asked)


def _municipal_files(shared: Published, edition: Edition, code: str, files: Mapping[str, bytes]) -> list[ReleaseFile]:
    own = Own(**{name: pl.read_parquet(io.BytesIO(content)) for name, content in files.items()})
    document = municipal_report(shared, own, edition.round_, code, edition.release, is_made_up=edition.is_made_up)
    folder = folder_of(code)
    return [*_report(folder, document), *figure_files(folder, plots_of(document), with_pixels=False)]


def _report(folder: str, document: Document) -> list[ReleaseFile]:
    return [
        ReleaseFile(f"{folder}/{REPORT}.pdf", report_pdf(document), None, None),
        ReleaseFile(f"{folder}/{REPORT}.html", report_html(document), None, None),
    ]


def plots_of(document: Document) -> list[PlotBlock]:
    """The plots of a report, in order."""
    return [block for section in document.sections for block in section.blocks if isinstance(block, PlotBlock)]


def figure_files(folder: str, plots: Sequence[PlotBlock], *, with_pixels: bool) -> Iterator[ReleaseFile]:
    """Plots as pictures to put on slides and pages, and one list of their titles and alt texts.

    Args:
        folder: where they lie in the release.
        plots: the plots.
        with_pixels: whether also as PNG, for programs that take no SVG.
    """
    if not plots:
        return
    for plot in plots:
        yield ReleaseFile(f"{folder}/{FIGURES}/{plot.name}.svg", plot.svg, None, None)
        if with_pixels:
            yield ReleaseFile(f"{folder}/{FIGURES}/{plot.name}.png", pixels(plot.svg), None, None)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(("fil", "titel", "alternativ tekst"))
    writer.writerows((f"{plot.name}.svg", plot.title, plot.alt) for plot in plots)
    yield ReleaseFile(f"{folder}/{FIGURES}/{ALT_TEXTS}", text.getvalue().encode("utf-8-sig"), None, None)
