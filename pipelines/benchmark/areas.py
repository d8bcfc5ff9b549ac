"""The areas that figures are shown for, and which municipalities make each of them.

What belongs here: who participates, for whom they report, how many residents that makes, and the country, regions and
municipality groups they form. What does not: counting cases, and deciding which areas may be published.
"""

import polars as pl

from schemas.errors import BotilbudError, named_codes
from schemas.periods import Period

COUNTRY_CODE = "000"
COUNTRY_NAME = "Hele landet"
AREA = ("area_type", "area_code", "area_name")


def coverage(participants: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Whose cases a participating municipality's figures hold: its own, and those it reports for.

    A municipality that hands in its own cases is not covered, whatever the period says (`unexpected_participants` names
    it): its residents count once, with its own cases.

    Grain: covered municipality, sorted by the one that reports, itself first.
    Columns: municipality_code (reports), covered_municipality_code (is covered).
    """
    codes = participants["municipality_code"].sort().to_list()
    pairs = [
        (code, covered)
        for code in codes
        for covered in (code, *(other for other in period.reports_for.get(code, ()) if other not in codes))
    ]
    schema = {"municipality_code": pl.String, "covered_municipality_code": pl.String}
    return pl.DataFrame(pairs, schema=schema, orient="row")


def unexpected_participants(participants: pl.DataFrame, period: Period) -> list[str]:
    """The municipalities that handed in their own cases though the period says that a participant reports for them."""
    codes = set(participants["municipality_code"])
    return sorted(other for code in codes for other in period.reports_for.get(code, ()) if other in codes)


def reporting_units(
    participants: pl.DataFrame, population: pl.DataFrame, municipalities: pl.DataFrame, period: Period
) -> pl.DataFrame:
    """The participating municipalities with their names, areas and residents.

    Grain: participating municipality, sorted. Residents are those of all municipalities that it reports for.
    Columns: those of `municipalities`, population_18_66 (persons), population_quarter, reports_for (the others' codes).

    Raises:
        BotilbudError: a participating or covered municipality has no population or is none of the municipalities.
    """
    covered = coverage(participants, period)
    _require_each(covered, municipalities, "is not in the table of municipalities: correct its code")
    counted = population.drop_nulls("population_18_66")
    _require_each(covered, counted, "has no population: add it to the population table")
    other = pl.col("covered_municipality_code")
    others = other.filter(other != pl.col("municipality_code"))
    residents = (
        covered.join(population, left_on="covered_municipality_code", right_on="municipality_code")
        .group_by("municipality_code")
        .agg(
            pl.col("population_18_66").sum(),
            pl.col("population_quarter").min(),
            reports_for=others.sort().str.join(";"),
        )
        .with_columns(pl.when(pl.col("reports_for") != "").then("reports_for"))
    )
    return municipalities.join(residents, on="municipality_code").sort("municipality_code")


def area_members(case_rates: pl.DataFrame) -> pl.DataFrame:
    """Which participating municipalities make each area.

    Grain: area x participating municipality; every municipality stands in four areas: the country, its region, its
    municipality group and itself. The country is the participants, not all municipalities. Sorted: country, regions,
    groups, municipalities, each by code, then by municipality.
    Columns: area_type ('country', 'region', 'municipality_group', 'municipality'), area_code, area_name, then those of
    `case_rates`.
    """
    areas = {
        "country": (pl.lit(COUNTRY_CODE), pl.lit(COUNTRY_NAME)),
        "region": (pl.col("region_code"), pl.col("region_name")),
        "municipality_group": (pl.col("municipality_group_code"), pl.col("municipality_group")),
        "municipality": (pl.col("municipality_code"), pl.col("municipality_name")),
    }
    return pl.concat(
        case_rates.select(
            pl.lit(area_type).alias("area_type"), code.alias("area_code"), name.alias("area_name"), pl.all()
        ).sort("area_code", "municipality_code")
        for area_type, (code, name) in areas.items()
    )


def _require_each(covered: pl.DataFrame, table: pl.DataFrame, fault: str) -> None:
    missing = covered.join(table, left_on="covered_municipality_code", right_on="municipality_code", how="anti")
    if codes := sorted(missing["covered_municipality_code"]):
        raise BotilbudError(f"Municipality {named_codes(codes)} {fault}")
