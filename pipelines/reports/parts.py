"""What both reports of a survey round end with and draw by: plots in both widths, method, sources, citation, footer.

What belongs here: parts that are the same whoever reads. What does not: what one of the reports holds.
"""

from collections.abc import Callable, Mapping

from pipelines.danish import date, joined
from pipelines.plots.style import NARROW, WIDE, Context, Plot
from pipelines.reports import guide
from pipelines.reports.document import Bullets, Notice, Paragraph, PlotBlock, Section
from pipelines.reports.lookup import Tables
from schemas.labels_da import FIGURES_SOURCE, SCREENING_SOURCE
from schemas.questionnaire import Catalogue
from schemas.rounds import Round

_POPULATION_SOURCE = "Danmarks Statistik, Statistikbanken, tabel FOLK1A"


def context(round_: Round, release: str) -> Context:
    """What the plots say below their figures."""
    return Context(release, f"opgjort pr. {date(round_.snapshot_date)}", FIGURES_SOURCE)


def plot(draw: Callable[[int], Plot]) -> PlotBlock:
    """A plot for paper and wide screens, and the same for narrow ones; `draw` takes a width in pixels."""
    wide, narrow = draw(WIDE), draw(NARROW)
    return PlotBlock(wide.name, wide.svg, wide.title_da, wide.alt_da, narrow.svg)


def facts(round_: Round, release: str) -> Mapping[str, str]:
    """What stands in the footer and the document's properties."""
    return {
        "Opgjort pr.": date(round_.snapshot_date),
        "Udgivelse": release,
        "Kilder": f"{round_.source_da}; {_POPULATION_SOURCE}",
    }


def warnings(named: Tables, round_: Round) -> list[Notice]:
    """What must not be overlooked about the whole release: an older population, breakdowns of an earlier release."""
    told = []
    if (population := guide.population_stands_in(named, round_)) is not None:
        told.append(Notice("Ældre befolkningstal", population))
    if (earlier := guide.figures_from(named)) is not None:
        told.append(Notice("Fordelinger fra en tidligere udgivelse", earlier.text))
    return told


def method(named: Tables, catalogue: Catalogue) -> Section:
    """How the figures are made."""
    return Section("Sådan er tallene lavet", 1, [Bullets([*guide.method(named), Paragraph(catalogue.note_da)])])


def reading_guide() -> Section:
    """How to read the figures."""
    return Section("Sådan læses tallene", 1, [Bullets(guide.reading_guide())])


def sources(named: Tables, round_: Round, release: str) -> Section:
    """Where the figures come from, and how to cite them."""
    quarters = joined(
        named["case_rates"]["population_quarter"].unique().sort().to_list() or [round_.population_quarter]
    )
    lines = [
        Paragraph(f"{SCREENING_SOURCE}. Befolkningen er fra {_POPULATION_SOURCE}, {quarters}, CC BY 4.0."),
        Paragraph(
            f"Henvis sådan: {round_.title_da}. Udgivelse {release}, befolkning pr. {quarters}. KL. {FIGURES_SOURCE}."
        ),
    ]
    return Section("Kilder og henvisning", 1, lines)
