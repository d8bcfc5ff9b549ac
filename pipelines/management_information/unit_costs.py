"""How cost per full-year case develops over four years, in current and in fixed prices.

What belongs here: unit costs of several years side by side. What does not: one year's (`full_year_cases`), why cost changes
(`cost_drivers`) and where the index is from (`pipelines.reference.price_index`).
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import polars as pl

from pipelines.management_information.full_year_cases import Grants, case_sums, cases_in, unit_cost_dkk
from pipelines.management_information.participants import basis
from pipelines.management_information.parts import calendar_of
from pipelines.reference.price_index import required
from schemas.service_areas import labels_da
from schemas.years import Year

EARLIER_YEARS = 3


def unit_costs(
    grants: Grants, participants: pl.DataFrame, year: Year, price_index: Mapping[int, Decimal]
) -> pl.DataFrame:
    """Unit costs of the year and the three before, all by the year's own method and from the same grants.

    Grain: participating municipality, year, and service area, group and all of them, in that order.
    Columns: municipality_code, year, basis, as_of, service_area_level, service_area, full_year_cases, cost_dkk,
    unit_cost_dkk (kroner of the year), unit_cost_fixed_dkk (kroner of price_level_year: the unrounded unit cost times the
    index of price_level_year by that of the year), price_level_year, unit_cost_change_fixed_dkk (less that of the year
    before, as shown; null for the first year and without cases in both).
    Known lies: what ended before an extract reaches back is missing in the earlier years.

    Args:
        grants: as the table of this name.
        participants: one row per participating municipality: municipality_code, as_of.
        year: the latest of the years; says by which method and in whose prices.
        price_index: index points by year, any base.

    Raises:
        ReferenceTableError: the index has no points for a year with cases, or for price_level_year; the message says
            which line to add.
        BotilbudError, ConservationError: as `full_year_cases`.

    Source: the definition of enhedsudgift in the management information of Center for Beskæftigelse og Social (April
    2025): yearly cost per full-year case, in one price level.
    """
    area = ("municipality_code", "service_area_level", "service_area")
    of_years = [
        _of_year(grants, participants, year, number, price_index)
        for number in range(year.number - EARLIER_YEARS, year.number + 1)
    ]
    return (
        pl.concat(of_years)
        .sort("municipality_code", "year", pl.col("service_area").cast(pl.Enum(list(labels_da()))))
        .with_columns(unit_cost_change_fixed_dkk=pl.col("unit_cost_fixed_dkk").diff().over(area))
    )


def _of_year(
    grants: Grants, participants: pl.DataFrame, year: Year, number: int, price_index: Mapping[int, Decimal]
) -> pl.DataFrame:
    """The rows of one of the years, without the change."""
    sums = case_sums(grants, participants, number, year.full_year_method)
    has_cases = sums["active_parts"].sum() > 0
    ratio = _price_ratio(price_index, number, year.price_level_year) if has_cases else Fraction(1)
    year_parts = calendar_of(number, year.full_year_method).year_parts
    return sums.select(
        "municipality_code",
        pl.lit(number, pl.Int64).alias("year"),
        basis(pl.col("as_of"), number).alias("basis"),
        "as_of",
        "service_area_level",
        "service_area",
        cases_in(sums, year_parts).alias("full_year_cases"),
        "cost_dkk",
        unit_cost_dkk(sums, year_parts).alias("unit_cost_dkk"),
        unit_cost_dkk(sums, year_parts, ratio).alias("unit_cost_fixed_dkk"),
        pl.lit(year.price_level_year, pl.Int64).alias("price_level_year"),
    )


def _price_ratio(price_index: Mapping[int, Decimal], number: int, price_level_year: int) -> Fraction:
    """What a krone of a year is in the prices of another."""
    return Fraction(required(price_index, price_level_year)) / Fraction(required(price_index, number))
