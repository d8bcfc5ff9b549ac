"""Full-year cases (helårssager) and what they cost, per service area, group and all of them.

What belongs here: cases by the part of the year they are active, citizens, cost and unit cost of one year. What does not:
their development over years (`unit_costs`, `cost_drivers`) and residents.

A case is a citizen in a service area, so groups and all of them are sums: a citizen in two service areas all year is one
full-year case in each of them and two together.
"""

from fractions import Fraction

import polars as pl

from pipelines.benchmark.cases import require_participants
from pipelines.management_information.participants import basis
from pipelines.management_information.parts import (
    calendar_of,
    case_parts,
    cost_dkk,
    in_year,
    with_cost,
    with_short_keys,
)
from pipelines.statistics.rounding import rounded
from schemas.service_areas import ALL, labels_da, service_areas
from schemas.years import FullYearMethod

# A scan of the stored table reads only the columns and rows that a step uses; tests pass small frames.
Grants = pl.DataFrame | pl.LazyFrame

_AREA = ("municipality_code", "service_area")
_SUMS = ("citizens", "active_parts", "cost_dkk")


def full_year_cases(grants: Grants, participants: pl.DataFrame, year: int, method: FullYearMethod) -> pl.DataFrame:
    """Full-year cases, citizens, cost and unit cost of every participating municipality.

    Grain: participating municipality and service area, group and all of them, zeros included, in that order.
    Columns: municipality_code, year, basis, as_of, service_area_level, service_area, citizens (in groups and `all` once
    per service area), full_year_cases (unrounded), cost_dkk (whole kroner, before state refund and own payment, of every
    grant), unit_cost_dkk (whole kroner per full-year case; null without cases).
    Published kroner add up: a service area's cost is rounded once, at the end, and groups and `all` are sums of those.

    Args:
        grants: as the table of this name; what has no end goes on until the end of the year.
        participants: one row per participating municipality: municipality_code, as_of.
        year: the calendar year.
        method: how a part of the year is counted.

    Raises:
        BotilbudError: a participant stands twice.
        ConservationError: there are grants of a municipality that does not participate; they would be lost silently.

    Source: the definitions of helårssag and enhedsudgift in the management information of Center for Beskæftigelse og
    Social (April 2025).
    """
    year_parts = calendar_of(year, method).year_parts
    sums = case_sums(grants, participants, year, method)
    return sums.select(
        "municipality_code",
        pl.lit(year, pl.Int64).alias("year"),
        basis(pl.col("as_of"), year).alias("basis"),
        "as_of",
        "service_area_level",
        "service_area",
        "citizens",
        cases_in(sums, year_parts).alias("full_year_cases"),
        "cost_dkk",
        unit_cost_dkk(sums, year_parts).alias("unit_cost_dkk"),
    )


def cases_in(sums: pl.DataFrame, year_parts: int) -> pl.Series:
    """Full-year cases (Float64), the number nearest to the exact one.

    Args:
        sums: as `case_sums` makes them.
        year_parts: the parts of a full-year case.
    """
    # By numpy: polars multiplies by 1 / year_parts instead, which is off in the last digit.
    return pl.Series(sums["active_parts"].to_numpy() / year_parts)


def unit_cost_dkk(sums: pl.DataFrame, year_parts: int, price_ratio: Fraction = Fraction(1)) -> pl.Series:
    """Cost per full-year case in whole kroner (Int64), halves up; null without cases.

    Args:
        sums: as `case_sums` makes them.
        year_parts: the parts of a full-year case.
        price_ratio: what a krone of the year is in the prices that are wanted.
    """
    # Whole numbers divided once, so that a half is a half.
    unit_costs = [
        cost * year_parts * price_ratio.numerator / (parts * price_ratio.denominator) if parts else None
        for cost, parts in sums.select("cost_dkk", "active_parts").iter_rows()
    ]
    return rounded(pl.Series(unit_costs, dtype=pl.Float64), 0).cast(pl.Int64)


def case_sums(grants: Grants, participants: pl.DataFrame, year: int, method: FullYearMethod) -> pl.DataFrame:
    """What full-year cases are made from, in whole numbers.

    Grain and order: those of `full_year_cases`. Columns: municipality_code, as_of, service_area_level, service_area,
    citizens, active_parts (parts of the year, `Calendar.year_parts` a full-year case), cost_dkk; all Int64.

    Args and raises: as `full_year_cases`.
    """
    found = _found(grants.lazy(), year, method)
    require_participants(found, participants)
    areas = pl.DataFrame({"service_area": list(service_areas())})
    of_areas = (
        participants.select("municipality_code", "as_of")
        .join(areas, how="cross")
        .join(found, on=_AREA, how="left")
        .with_columns(pl.col(_SUMS).fill_null(0))
    )
    group_of = {code: area.group for code, area in service_areas().items()}
    levels = {
        "service_area": pl.col("service_area"),
        "group": pl.col("service_area").replace_strict(group_of),
        ALL: pl.lit(ALL),
    }
    return pl.concat(
        of_areas.group_by(
            "municipality_code",
            "as_of",
            pl.lit(level).alias("service_area_level"),
            code.alias("service_area"),
        ).agg(pl.col(_SUMS).sum())
        for level, code in levels.items()
    ).sort("municipality_code", pl.col("service_area").cast(pl.Enum(list(labels_da()))))


def _found(grants: pl.LazyFrame, year: int, method: FullYearMethod) -> pl.DataFrame:
    """The sums of every municipality and service area with a grant in the year."""
    # Read once: the rows of one year are few beside those that are stored, and both sums need them.
    rows = in_year(grants, year, ("price_dkk", "price_unit")).pipe(with_short_keys).collect(engine="streaming").lazy()
    costs = (
        rows.pipe(with_cost, year, method)
        .group_by(_AREA)
        .agg(pl.col("year_money", "month_money", "day_money").sum())
        .select(*_AREA, cost_dkk=cost_dkk(calendar_of(year, method)))
    )
    cases = (
        rows.pipe(case_parts, year, method)
        .group_by(_AREA)
        .agg(pl.col("active_parts").sum(), citizens=pl.len().cast(pl.Int64))
    )
    found = costs.join(cases, on=_AREA, validate="1:1").collect(engine="streaming")
    return found.with_columns(pl.col(_AREA).cast(pl.String))
