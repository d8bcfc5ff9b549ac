"""Why cost changes from one year to the next: more cases, other prices, or another mix of service areas.

What belongs here: the decomposition of one change. What does not: the figures it is made from (`full_year_cases`).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import polars as pl

from pipelines.management_information.full_year_cases import Grants, case_sums
from pipelines.management_information.participants import basis
from pipelines.management_information.parts import calendar_of
from pipelines.statistics.rounding import rounded
from schemas.management_tables import COST_DRIVERS
from schemas.years import FullYearMethod

OfAreas = Mapping[str, tuple[Fraction, int]]
"""Full-year cases and their cost in kroner by service area, of those that have cases."""


class Effects(NamedTuple):
    """The parts of a change of cost, in kroner; the rest of the change is mix."""

    volume: Fraction
    price: Fraction


def cost_drivers(grants: Grants, participants: pl.DataFrame, year: int, method: FullYearMethod) -> pl.DataFrame:
    """The change of cost from the year before, split into volume, price and mix, which add up to it to the krone.

    Grain: participating municipality, sorted. Columns: municipality_code, year, basis, as_of, earlier_cost_dkk,
    later_cost_dkk, volume_effect_dkk, price_effect_dkk, mix_effect_dkk (whole kroner, current prices; mix is what the
    other two, each rounded once, leave).
    Known lies: what ended before an extract reaches back is missing in the earlier year.

    Args:
        grants: as the table of this name.
        participants: one row per participating municipality: municipality_code, as_of.
        year: the later year.
        method: how a part of a year is counted.

    Raises:
        BotilbudError, ConservationError: as `full_year_cases`.
    """
    earlier, later = (_by_municipality(grants, participants, number, method) for number in (year - 1, year))
    as_of = participants.sort("municipality_code").select("municipality_code", "as_of").rows()
    effects = [effects_of(earlier.get(code, {}), later.get(code, {})) for code, _ in as_of]
    costs = {
        when: [sum(cost for _, cost in of_municipalities.get(code, {}).values()) for code, _ in as_of]
        for when, of_municipalities in (("earlier", earlier), ("later", later))
    }
    return (
        pl.DataFrame(as_of, schema={"municipality_code": pl.String, "as_of": pl.String}, orient="row")
        .with_columns(
            pl.lit(year, pl.Int64).alias("year"),
            basis(pl.col("as_of"), year).alias("basis"),
            pl.Series("earlier_cost_dkk", costs["earlier"], pl.Int64),
            pl.Series("later_cost_dkk", costs["later"], pl.Int64),
            _whole_kroner("volume_effect_dkk", [effect.volume for effect in effects]),
            _whole_kroner("price_effect_dkk", [effect.price for effect in effects]),
        )
        .with_columns(
            mix_effect_dkk=pl.col("later_cost_dkk")
            - pl.col("earlier_cost_dkk")
            - pl.col("volume_effect_dkk")
            - pl.col("price_effect_dkk")
        )
        .select(list(COST_DRIVERS.dtypes))
    )


def effects_of(earlier: OfAreas, later: OfAreas) -> Effects:
    """Volume and price effect of a change of cost, exact.

    With V full-year cases, C cost and, per service area a, v[a] cases at the unit cost p[a], 0 the earlier and 1 the later
    year: volume is (V1 - V0) x C0 / V0, price the sum over a of v1[a] x (p1[a] - p0[a]), and mix, what is left of C1 - C0,
    is V1 x the sum over a of (v1[a] / V1 - v0[a] / V0) x p0[a]. A service area without cases in the earlier year has no
    earlier unit cost; it is given its later one, so that all of it is volume and mix. From a year without cases, or to
    one, everything is volume.

    Source: the usual decomposition of a change of cost into volume, price and mix; volume and mix are valued at the earlier
    year's unit costs (as in a Laspeyres quantity index), price at the later year's cases (as in a Paasche price index).
    """
    cases_before, cost_before = _total(earlier)
    cases_after, cost_after = _total(later)
    if not cases_before:
        return Effects(volume=Fraction(cost_after), price=Fraction(0))
    return Effects(
        volume=(cases_after - cases_before) * cost_before / cases_before,
        price=sum(
            (
                cost - cases * earlier[area][1] / earlier[area][0]
                for area, (cases, cost) in later.items()
                if area in earlier
            ),
            Fraction(0),
        ),
    )


def _total(of_areas: OfAreas) -> tuple[Fraction, int]:
    cases = sum((cases for cases, _ in of_areas.values()), Fraction(0))
    return cases, sum(cost for _, cost in of_areas.values())


def _by_municipality(
    grants: Grants, participants: pl.DataFrame, year: int, method: FullYearMethod
) -> dict[str, dict[str, tuple[Fraction, int]]]:
    """The service areas with cases of every municipality."""
    year_parts = calendar_of(year, method).year_parts
    sums = case_sums(grants, participants, year, method)
    found: dict[str, dict[str, tuple[Fraction, int]]] = {}
    for code, area, parts, cost in (
        sums.filter(pl.col("service_area_level") == "service_area", pl.col("active_parts") > 0)
        .select("municipality_code", "service_area", "active_parts", "cost_dkk")
        .iter_rows()
    ):
        found.setdefault(code, {})[area] = (Fraction(parts, year_parts), cost)
    return found


def _whole_kroner(name: str, exact: list[Fraction]) -> pl.Series:
    return rounded(pl.Series(name, [float(value) for value in exact], pl.Float64), 0).cast(pl.Int64)
