"""What is expected of a year of management information before it is released: the expectations and what they look at.

As `expectations` and `controls`, which hold what a survey round must meet. All of these stop a release; what a consultant
should look at is told by the checks of single tables.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from pipelines.quality import controls
from pipelines.quality.controls import WHERE, control
from pipelines.quality.expectations import PROGRAM_FAULT, STOP, Expectation, at_most, equal, true
from schemas import tables
from schemas.management_tables import released_tables
from schemas.service_areas import ALL, service_areas
from schemas.years import Year

_ROUNDING_ERROR = 1e-9


class YearMaterial(NamedTuple):
    """The tables of a year's release candidate that are judged."""

    year: Year
    full_year_cases: pl.DataFrame
    monthly_active_cases: pl.DataFrame
    forecast: pl.DataFrame
    cost_drivers: pl.DataFrame
    refunds: pl.DataFrame
    population: pl.DataFrame


def year_control_tables(material: YearMaterial, release: Mapping[str, Any] | None) -> dict[str, pl.DataFrame]:
    """Every control table of a year, by name.

    Args:
        material: the tables.
        release: the manifest of the year's current release; None without one.
    """
    promised = {**released_tables(material.year.questionnaire), tables.CHANGES.name: tables.CHANGES}
    participants = material.full_year_cases.select("municipality_code").unique().sort("municipality_code")
    return {
        "area_sums": _area_sums(material.full_year_cases),
        "months": _months(material.monthly_active_cases, material.full_year_cases),
        "drivers": _drivers(material.cost_drivers),
        "forecast_sums": _forecast_sums(material.forecast),
        "forecast_costs": _forecast_costs(material.forecast, material.full_year_cases),
        "refunds": _refunds(material.refunds, material.full_year_cases),
        "municipalities": controls.municipalities(material.population),
        "released_participants": controls.released_participants(participants, material.year, release),
        "released_columns": controls.released_columns(release, promised),
    }


def _of_all(full_year_cases: pl.DataFrame) -> pl.DataFrame:
    return full_year_cases.filter(service_area_level=ALL)


def _area_sums(full_year_cases: pl.DataFrame) -> pl.DataFrame:
    """Groups and all beside the sum of their service areas. Grain: municipality x group or all."""
    of_group = {code: area.group for code, area in service_areas().items()}
    single = full_year_cases.filter(service_area_level="service_area")
    sums = pl.concat(
        single.group_by("municipality_code", group).agg(
            summed_cost=pl.col("cost_dkk").sum(), summed_cases=pl.col("full_year_cases").sum()
        )
        for group in (
            pl.col("service_area").replace_strict(of_group, return_dtype=pl.String),
            pl.lit(ALL).alias("service_area"),
        )
    )
    stated = full_year_cases.filter(pl.col("service_area_level") != "service_area")
    joined = stated.join(sums, on=["municipality_code", "service_area"], how="left").with_columns(
        difference=(pl.col("full_year_cases") - pl.col("summed_cases")).abs() / (1 + pl.col("full_year_cases"))
    )
    return control(joined, ("municipality_code", "service_area"), "cost_dkk", "summed_cost", "difference")


def _months(monthly: pl.DataFrame, full_year_cases: pl.DataFrame) -> pl.DataFrame:
    """The active cases of a month beside the citizens of the year. Grain: municipality x month x service area."""
    citizens = full_year_cases.filter(service_area_level="service_area").select(
        "municipality_code", "service_area", "citizens"
    )
    joined = monthly.join(citizens, on=["municipality_code", "service_area"])
    return control(joined, ("municipality_code", "month", "service_area"), "active_cases", "citizens")


def _drivers(drivers: pl.DataFrame) -> pl.DataFrame:
    summed = pl.col("volume_effect_dkk") + pl.col("price_effect_dkk") + pl.col("mix_effect_dkk")
    change = pl.col("later_cost_dkk") - pl.col("earlier_cost_dkk")
    return control(drivers.with_columns(summed=summed, change=change), ("municipality_code",), "summed", "change")


def _forecast_sums(forecast: pl.DataFrame) -> pl.DataFrame:
    wide = forecast.pivot("line", index="municipality_code", values="forecast_dkk")
    if wide.is_empty():
        return pl.DataFrame(schema={WHERE: pl.String, "summed": pl.Int64, "total": pl.Int64})
    summed = pl.col("existing_cases") + pl.col("inflow_and_outflow") + pl.col("refund")
    return control(wide.with_columns(summed=summed), ("municipality_code",), "summed", "total")


def _forecast_costs(forecast: pl.DataFrame, full_year_cases: pl.DataFrame) -> pl.DataFrame:
    existing = forecast.filter(line="existing_cases").select("municipality_code", "forecast_dkk")
    joined = existing.join(_of_all(full_year_cases), on="municipality_code", how="left")
    return control(joined, ("municipality_code",), "forecast_dkk", "cost_dkk")


def _refunds(refunds: pl.DataFrame, full_year_cases: pl.DataFrame) -> pl.DataFrame:
    joined = refunds.select("municipality_code", "refund_dkk").join(
        _of_all(full_year_cases), on="municipality_code", how="left"
    )
    return control(joined, ("municipality_code",), "refund_dkk", "cost_dkk")


def _no_less(one: str, other: str) -> dict[str, Any]:
    arguments = {"column_A": one, "column_B": other, "or_equal": True}
    return {"rule": "ExpectColumnPairValuesAToBeGreaterThanB", "arguments": arguments}


YEAR_EXPECTATIONS = (
    Expectation(
        "costs_of_areas_add_up",
        "full_year_cases",
        STOP,
        "Udgiften i grupper og i alt er summen af ydelsernes. Ellers er en udgift talt to gange eller faldet ud.",
        PROGRAM_FAULT,
        "area_sums",
        **equal("cost_dkk", "summed_cost"),
    ),
    Expectation(
        "cases_of_areas_add_up",
        "full_year_cases",
        STOP,
        "Helårssagerne i grupper og i alt er summen af ydelsernes. Ellers er en sag talt to gange eller faldet ud.",
        PROGRAM_FAULT,
        "area_sums",
        **at_most("difference", _ROUNDING_ERROR),
    ),
    Expectation(
        "months_have_no_more_cases_than_the_year",
        "monthly_active_cases",
        STOP,
        "Ingen måned har flere aktive sager i en ydelse, end året har borgere i den. Ellers er en borger talt to gange.",
        PROGRAM_FAULT,
        "months",
        **_no_less("citizens", "active_cases"),
    ),
    Expectation(
        "cost_drivers_add_up",
        "cost_drivers",
        STOP,
        "Mængde, pris og sammensætning giver tilsammen udgiftens ændring. Ellers forklarer de noget andet.",
        PROGRAM_FAULT,
        "drivers",
        **equal("summed", "change"),
    ),
    Expectation(
        "forecast_adds_up",
        "forecast",
        STOP,
        "Prognosens linjer giver tilsammen prognosen i alt. Ellers kan kommunen ikke selv regne den efter.",
        PROGRAM_FAULT,
        "forecast_sums",
        **equal("summed", "total"),
    ),
    Expectation(
        "forecast_is_of_the_grants",
        "forecast",
        STOP,
        "Prognosens eksisterende sager koster det samme som årets bevillinger. Ellers bygger de to tabeller på hver sit.",
        PROGRAM_FAULT,
        "forecast_costs",
        **equal("forecast_dkk", "cost_dkk"),
    ),
    Expectation(
        "refunds_are_no_more_than_costs",
        "refunds",
        STOP,
        "Refusionen er ikke større end udgiften. Ellers er den beregnet af noget andet end årets bevillinger.",
        PROGRAM_FAULT,
        "refunds",
        **_no_less("cost_dkk", "refund_dkk"),
    ),
    Expectation(
        "year_population_has_every_municipality",
        "year_population",
        STOP,
        "Befolkningen har de 98 kommuner og ingen andre. Ellers er den hentet eller læst forkert.",
        "Fjern den hentede befolkning under reference, og kør natten igen.",
        "municipalities",
        **true("is_both"),
    ),
    Expectation(
        "released_extracts_are_kept",
        "service_area_benchmarks",
        STOP,
        "De kommuner, der er med i årets gældende udgivelse, er med endnu. Ellers er et udtræk forsvundet, og landets tal "
        "ændrer sig, uden at nogen har besluttet det.",
        "Læg kommunens filer tilbage i indbakken, eller træk den gældende udgivelse tilbage.",
        "released_participants",
        **true("takes_part"),
    ),
    Expectation(
        "released_year_columns_are_kept",
        "management_quality",
        STOP,
        "Tabellerne har de kolonner, typer, enheder og nøgler, som årets gældende udgivelse har, medmindre ændringen er "
        "erklæret. Ellers holder modtagernes programmer op med at virke.",
        "Sæt kolonnen tilbage, eller hæv tabellens version i schemas/management_tables.py for at erklære ændringen.",
        "released_columns",
        **at_most("breaks", 0),
    ),
)
