"""Unique active citizens month by month.

What belongs here: who is active in a month. What does not: for how much of it (`full_year_cases`).
"""

import polars as pl

from pipelines.benchmark.cases import require_participants
from pipelines.management_information.full_year_cases import Grants
from pipelines.management_information.participants import basis
from pipelines.management_information.parts import CASE, MONTHS, calendar_of, in_year, with_short_keys
from schemas.service_areas import ALL, service_areas


def monthly_active_cases(grants: Grants, participants: pl.DataFrame, year: int) -> pl.DataFrame:
    """How many citizens have a service on any day of each month, each once whatever the number of services.

    Grain: participating municipality, month, and service area or all of them, zeros included, in that order.
    Columns: municipality_code, month (`2023-01`), basis, as_of, service_area, active_cases. `all` is not a sum: a citizen
    in two service areas counts once.

    Args:
        grants: as the table of this name; what has no end goes on until the end of the year.
        participants: one row per participating municipality: municipality_code, as_of.
        year: the calendar year.

    Raises:
        BotilbudError: a participant stands twice.
        ConservationError: there are grants of a municipality that does not participate; they would be lost silently.
    """
    months = [f"{year}-{month:02}" for month in range(1, MONTHS + 1)]
    cases = in_year(grants.lazy(), year).pipe(with_short_keys).group_by(CASE).agg(_is_active(year, months))
    citizens = cases.group_by("municipality_code", "citizen_id").agg(pl.col(months).any())
    counted = pl.concat(
        kept.group_by("municipality_code", area)
        .agg(pl.col(months).sum().cast(pl.Int64))
        .with_columns(pl.col("municipality_code", "service_area").cast(pl.String))
        for kept, area in ((cases, pl.col("service_area")), (citizens, pl.lit(ALL).alias("service_area")))
    ).collect(engine="streaming")
    require_participants(counted, participants)
    areas = [*service_areas(), ALL]
    return (
        participants.join(pl.DataFrame({"month": months}), how="cross")
        .join(pl.DataFrame({"service_area": areas}), how="cross")
        .join(
            counted.unpivot(
                months,
                index=["municipality_code", "service_area"],
                variable_name="month",
                value_name="active_cases",
            ),
            on=["municipality_code", "month", "service_area"],
            how="left",
        )
        .select(
            "municipality_code",
            "month",
            basis(pl.col("as_of"), year).alias("basis"),
            "as_of",
            "service_area",
            pl.col("active_cases").fill_null(0),
        )
        .sort("municipality_code", "month", pl.col("service_area").cast(pl.Enum(areas)))
    )


def _is_active(year: int, months: list[str]) -> list[pl.Expr]:
    """Whether any of a case's grants touches a month, a column each."""
    ends = calendar_of(year, "days").ends.tolist()
    return [
        ((pl.col("first_day") <= end) & (pl.col("last_day") > end_before)).any().alias(month)
        for month, end_before, end in zip(months, ends, ends[1:], strict=False)
    ]
