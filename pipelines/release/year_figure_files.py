"""The figures of a year's release as files of it: each municipality's own, in its own folder.

What belongs here: which figure lies in which file. What does not: what a figure shows (`pipelines.plots`).
"""

import io
from collections.abc import Iterator, Sequence

import polars as pl

from pipelines.plots.budget_waterfall import budget_waterfall
from pipelines.plots.development import full_year_case_development, unit_cost_development
from pipelines.plots.monthly_active_cases import monthly_active_cases
from pipelines.plots.style import Context, Plot
from pipelines.release.contents import ReleaseFile, folder_of, own_files
from pipelines.release.report_files import figure_files
from pipelines.reports.document import PlotBlock
from schemas import management_tables as tables
from schemas.labels_da import GRANTS_SOURCE
from schemas.years import Year

_DRAWN = (tables.MONTHLY_ACTIVE_CASES, tables.FULL_YEAR_CASES, tables.UNIT_COSTS, tables.FORECAST)


def year_figure_files(content: Sequence[ReleaseFile], year: Year, release: str) -> Iterator[list[ReleaseFile]]:
    """The figures of each participating municipality.

    Args:
        content: the release's tables as parquet files.
        year: the year.
        release: the release's id.
    """
    context = Context(release, year.named_da, GRANTS_SOURCE)
    for code, files in own_files(content, [table.name for table in _DRAWN]).items():
        if len(files) == len(_DRAWN):
            monthly, cases, costs, forecast = (pl.read_parquet(io.BytesIO(files[table.name])) for table in _DRAWN)
            plots = [
                monthly_active_cases(monthly, context),
                full_year_case_development(costs, context),
                unit_cost_development(costs, context),
                budget_waterfall(forecast, cases, context),
            ]
            yield list(figure_files(folder_of(code), [_block(plot) for plot in plots], with_pixels=False))


def _block(plot: Plot) -> PlotBlock:
    return PlotBlock(plot.name, plot.svg, plot.title_da, plot.alt_da)
