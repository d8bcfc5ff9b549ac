"""The figures that README shows, drawn from the demonstration data, which is made up. Run by `make figures`.

What belongs here: from made-up deliveries to two pictures. What does not: what a picture shows (`pipelines.plots`).
"""

import datetime as dt
import tempfile
from pathlib import Path

from pipelines.benchmark import averages, rates
from pipelines.benchmark.cases import participants
from pipelines.demo.deliveries import deliveries
from pipelines.ingest.intake import take_inbox
from pipelines.plots.funnel import funnel
from pipelines.plots.ranked_dots import ranked_dots
from pipelines.plots.style import Context
from pipelines.reference.municipalities import municipalities
from pipelines.reference.population import packaged
from pipelines.statistics import tables as statistics
from schemas.labels_da import FIGURES_SOURCE
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
ROUND = "2022-10-01"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def figures() -> dict[str, bytes]:
    """The pictures as SVG, by file name: the same bytes whenever and wherever they are drawn."""
    round_ = find_round(ROUND)
    catalogue = load_catalogue(round_.questionnaire)
    with tempfile.TemporaryDirectory() as folder:
        inbox = Path(folder)
        for file in deliveries(round_, catalogue):
            (inbox / file.municipality_code).mkdir(exist_ok=True)
            (inbox / file.municipality_code / file.name).write_bytes(file.content)
        taken = take_inbox(inbox, round_, catalogue, now=NOW)
    taking_part = participants(taken.delivery_log)
    plain = rates.case_rates(taken.responses, packaged(), municipalities(), taking_part, round_)
    of_areas = averages.area_averages(plain)
    case_rates = statistics.with_statistics(plain, of_areas)
    area_averages = statistics.with_spread(of_areas, case_rates)
    context = Context("demonstration (opdigtede tal)", f"opgjort pr. {round_.snapshot_date:%d-%m-%Y}", FIGURES_SOURCE)
    plots = (
        ranked_dots(case_rates, area_averages, context),
        funnel(case_rates, statistics.funnel_limits(case_rates), context),
    )
    return {f"{plot.name}.svg": plot.svg for plot in plots}


def main() -> None:
    """Write them."""
    FIGURES.mkdir(exist_ok=True)
    for name, content in figures().items():
        (FIGURES / name).write_bytes(content)


if __name__ == "__main__":
    main()
