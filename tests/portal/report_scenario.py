"""Reports and figures planted into a release, all made up, under the names that the pipeline gives them.

What belongs here: what tests of reports and figures start from. The lists of alt texts and the pages are made by the
pipeline's own writers; what is drawn is next to nothing, so that no night must draw.
"""

from collections.abc import Iterable
from pathlib import Path

from pipelines.release.contents import SHARED, ReleaseFile, folder_of
from pipelines.release.report_files import REPORT, figure_files
from pipelines.reports.document import Document, Paragraph, PlotBlock, Section
from pipelines.reports.html import report_html
from tests.portal import portal_scenario as scenario
from tests.scenario import ROUND

HEIGHT = 360
SHARED_PLOTS = (
    "ranked_dots",
    "funnel",
    "small_multiples_region",
    "heat_table_target_groups",
    "heat_table_provider_types",
)
OWN_PLOTS = ("ranked_dots", "spine")
PDF = b"%PDF-1.7 opdigtet"


def title(folder: str, name: str) -> str:
    return f'{name} i {folder}: "opdigtet" & tom'


def alt(folder: str, name: str) -> str:
    return f"Figur {name} i {folder}; opdigtet, <uden> tal."


def svg(folder: str, name: str) -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" class="marks" width="720" height="{HEIGHT}" '
        f'viewBox="0 0 720 {HEIGHT}"><rect width="720" height="{HEIGHT}" fill="#eee"/>'
        f'<text x="10" y="40">{name} {folder}</text></svg>'
    ).encode()


def page(folder: str, name: str = "ranked_dots") -> bytes:
    """A report that shows one plot."""
    plot = Section("Figurer", 1, [_plot(folder, name)])
    facts = {"Udgivelse": "opdigtet"}
    return report_html(Document(f"Rapport {folder}", "Opdigtet", Paragraph("Opdigtet."), [plot], facts))


def figures(folder: str, names: tuple[str, ...]) -> dict[str, bytes]:
    """The figures of a folder, as SVG alone, with the list of their alt texts; by path."""
    return _by_path(figure_files(folder, [_plot(folder, name) for name in names], with_pixels=False))


def report(folder: str) -> dict[str, bytes]:
    """The files of a report, by path."""
    return {f"{folder}/{REPORT}.html": page(folder), f"{folder}/{REPORT}.pdf": PDF}


def planted(root: Path, round_name: str = ROUND.name, own: tuple[str, ...] = OWN_PLOTS) -> str:
    """A newer release with reports and figures, shared ones and those of municipalities 183 and 461; its id."""
    files = report(SHARED) | figures(SHARED, SHARED_PLOTS) | {f"{SHARED}/figures/funnel.png": b"\x89PNG opdigtet"}
    for folder in map(folder_of, (scenario.OWN, scenario.OTHER)):
        files |= report(folder) | figures(folder, own)
    return scenario.added_files(root, files, round_name)


def _plot(folder: str, name: str) -> PlotBlock:
    return PlotBlock(name, svg(folder, name), title(folder, name), alt(folder, name))


def _by_path(files: Iterable[ReleaseFile]) -> dict[str, bytes]:
    return {file.path: file.content for file in files}
