"""Declared lineage of management information against the code: one input column is changed at a time.

Only columns that declare it may change, in rows that stay, and every column that declares it directly does. The rows are
made up; values are changed validly, so that no step refuses them.
"""

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

import polars as pl
import pytest

from pipelines.management_information.active_cases import monthly_active_cases
from pipelines.management_information.benchmarks import service_area_benchmarks
from pipelines.management_information.cost_drivers import cost_drivers
from pipelines.management_information.forecast import forecast
from pipelines.management_information.full_year_cases import full_year_cases
from pipelines.management_information.initiatives import initiative_effects
from pipelines.management_information.participants import grant_participants
from pipelines.management_information.refunds import refunds
from pipelines.management_information.threshold_cases import cases_over_threshold, reconciliation
from pipelines.management_information.unit_costs import unit_costs
from pipelines.reference.municipalities import municipalities
from pipelines.reference.price_index import PriceIndex
from pipelines.reference.refund_thresholds import RefundThresholds, Step
from schemas import management_tables as tables
from schemas.extracts import GRANTS
from schemas.lineage import origins, upstream
from schemas.service_areas import service_areas
from schemas.years import find_year

YEAR = find_year("2022")
METHOD = YEAR.full_year_method
STEPS = RefundThresholds({2022: (Step(860_000, 25), Step(1_680_000, 50), Step(2_120_000, 75))}, "made up")
INDEX = PriceIndex({2019 + n: 100 + 3 * n for n in range(7)}, "made up")
CODES = ("101", "147", "183", "461", "751")
AREAS = tuple(service_areas())
Frames = dict[str, pl.DataFrame]


def grants() -> pl.DataFrame:
    """Some citizens in every service area of every municipality; some over 67, some dear, some of an initiative."""
    rows = []
    for place, code in enumerate(CODES):
        for n in range(70):
            area = AREAS[(n * 5 + place) % len(AREAS)]
            start = dt.date(2019 + n % 4, 1 + n % 12, 1 + n % 28)
            rows.append(
                {
                    "municipality_code": code,
                    "row": n + 2,
                    "citizen_id": f"b{n // 2}",
                    "birth_year": 1950 + n % 50,
                    "service_area": area,
                    "provider": "private",
                    "start_date": start,
                    "end_date": None if n % 3 else dt.date(2022, 3 + n % 9, 1 + n % 27),
                    "price_dkk": (900_000 + 61_000 * n, 90_000 + 4_000 * n, 3_000 + 100 * n)[n % 3],
                    "price_unit": ("year", "month", "day")[n % 3],
                    "own_payment_dkk": 20_000 + n if n % 2 else None,
                    "initiative": "t1" if n % 4 == 0 else None,
                    "as_of": "2022-06-30",
                }
            )
    return pl.DataFrame(rows, schema=dict(tables.GRANTS.dtypes))


def material() -> Frames:
    log = pl.DataFrame(
        [
            {
                "extract": "grants",
                "delivery": n,
                "municipality_code": code,
                "file": "a.csv",
                "received_at": dt.datetime(2022, 6, 30, 9, tzinfo=dt.UTC),
                "status": "current",
                "warnings": [],
            }
            for n, code in enumerate(CODES)
        ],
        schema=dict(tables.EXTRACT_LOG.dtypes),
    )
    lines = ("existing_cases", "inflow_and_outflow", "refund")
    budgets = [(code, 2022, line, 1_000_000 * n) for code in CODES for n, line in enumerate(lines, start=1)]
    planned = [
        (code, n, 2022, direction, 3 + n, "sel_107", 4 + n, 800_000 + n)
        for code in CODES
        for n, direction in enumerate(("inflow", "outflow"), start=2)
    ]
    initiatives = [
        (code, key, f"Tiltag {key}", basis, dt.date(2022, 3, 1), 5, 40_000, 2022, 900_000, True)
        for code in CODES
        for key, basis in (("t1", "sel_107"), ("t2", "residential_care"), ("t3", "sel_103"))
    ]
    return {
        "grants": grants(),
        "extract_log": log,
        "budgets": pl.DataFrame(budgets, schema=dict(tables.BUDGETS.dtypes), orient="row"),
        "planned_changes": pl.DataFrame(planned, schema=dict(tables.PLANNED_CHANGES.dtypes), orient="row"),
        "initiatives": pl.DataFrame(initiatives, schema=dict(tables.INITIATIVES.dtypes), orient="row"),
        "year_population": municipalities().select(
            "municipality_code",
            population_18_66=pl.col("municipality_code").cast(pl.Int64) * 100,
            population_quarter=pl.lit("2022K1"),
            source=pl.lit("opdigtet"),
        ),
        "screening": pl.DataFrame({"municipality_code": CODES, "cases": [3, 4, 5, 6, 7]}),
        "municipalities": municipalities(),
    }


def made(given: Frames) -> Frames:
    """Every table of the year, by the code under test."""
    taking_part = grant_participants(given["extract_log"])
    rows = given["grants"]
    cases = full_year_cases(rows, taking_part, YEAR.number, METHOD)
    refunded = refunds(rows, taking_part, YEAR.number, METHOD, STEPS)
    over = cases_over_threshold(rows, taking_part, YEAR)
    return {
        "monthly_active_cases": monthly_active_cases(rows, taking_part, YEAR.number),
        "full_year_cases": cases,
        "unit_costs": unit_costs(rows, taking_part, YEAR, INDEX.values),
        "cases_over_threshold": over,
        "threshold_reconciliation": reconciliation(over, given["screening"], YEAR),
        "refunds": refunded,
        "forecast": forecast(
            cases, rows, given["planned_changes"], given["budgets"], refunded, taking_part, YEAR.number, METHOD
        ),
        "initiative_effects": initiative_effects(given["initiatives"], rows, YEAR.number, METHOD),
        "cost_drivers": cost_drivers(rows, taking_part, YEAR.number, METHOD),
        "service_area_benchmarks": service_area_benchmarks(
            rows, taking_part, given["year_population"], given["municipalities"], YEAR
        ),
    }


class Change(NamedTuple):
    """A column of an input, and what is put in its place."""

    table: str
    column: str
    new: pl.Expr


def one_in_three(new: pl.Expr) -> Callable[[str], pl.Expr]:
    return lambda column: pl.when(pl.int_range(pl.len()) % 3 == 0).then(new).otherwise(pl.col(column)).alias(column)


CHANGES = [
    Change(table, column, one_in_three(new)(column))
    for table, column, new in (
        ("grants", "citizen_id", pl.lit("b1")),
        ("grants", "birth_year", pl.lit(1930, pl.Int64)),
        ("grants", "service_area", pl.lit("sel_108")),
        ("grants", "provider", pl.lit("region")),
        ("grants", "start_date", pl.lit(dt.date(2022, 2, 3))),
        ("grants", "end_date", pl.lit(dt.date(2022, 11, 3))),
        ("grants", "price_dkk", pl.lit(1_234_567, pl.Int64)),
        ("grants", "price_unit", pl.lit("month")),
        ("grants", "own_payment_dkk", pl.lit(190_000, pl.Int64)),
        ("grants", "initiative", pl.lit("t3")),
        (
            "extract_log",
            "received_at",
            pl.lit(dt.datetime(2023, 2, 1, 9, tzinfo=dt.UTC)).cast(pl.Datetime("us", "UTC")),
        ),
        ("extract_log", "file", pl.lit("b.csv")),
        ("budgets", "budget_dkk", pl.lit(77, pl.Int64)),
        ("planned_changes", "direction", pl.lit("outflow")),
        ("planned_changes", "citizens", pl.lit(1, pl.Int64)),
        ("planned_changes", "service_area", pl.lit("sel_85_own")),
        ("planned_changes", "start_month", pl.lit(11, pl.Int64)),
        ("planned_changes", "yearly_price_dkk", pl.lit(1, pl.Int64)),
        ("initiatives", "initiative_name", pl.lit("et andet navn")),
        ("initiatives", "start_date", pl.lit(dt.date(2022, 8, 1))),
        ("initiatives", "citizens", pl.lit(9, pl.Int64)),
        ("initiatives", "saving_dkk_per_month", pl.lit(1, pl.Int64)),
        ("initiatives", "estimated_effect_dkk", pl.lit(1, pl.Int64)),
        ("initiatives", "is_counted", pl.lit(value=False)),
        ("year_population", "population_18_66", pl.lit(90_000, pl.Int64)),
        ("screening", "cases", pl.lit(90, pl.Int64)),
        ("municipalities", "municipality_name", pl.lit("Et navn")),
    )
]
# What declares a column and does not change with this one: limits and comparisons that are what they were, or a column that
# only rows of other values show.
UNMOVED = {
    ("forecast", "forecast_ci95_lower_dkk"),
    ("forecast", "forecast_ci95_upper_dkk"),
}
BEFORE = material()
TABLES = made(BEFORE)


def changed_columns(before: pl.DataFrame, now: pl.DataFrame, key: tuple[str, ...]) -> set[str]:
    """The columns in which a row that stays differs."""
    joined = before.join(now, on=key, how="inner", nulls_equal=True, suffix="/now")
    values = [name for name in before.columns if name not in key]
    return {name for name in values if joined.filter(pl.col(name).ne_missing(pl.col(f"{name}/now"))).height}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.table}.{change.column}")
def test_only_columns_that_declare_an_input_change_with_it_and_those_do(change):
    altered = BEFORE | {change.table: BEFORE[change.table].with_columns(change.new)}
    now = made(altered)
    moved = {
        (name, column)
        for name, table in TABLES.items()
        for column in changed_columns(table, now[name], getattr(tables, name.upper()).key)
    }
    source = (change.table, change.column)
    undeclared = {place for place in moved if source not in upstream(*place, GRANTS)}
    assert not undeclared
    declared = {
        (name, column)
        for name, table in TABLES.items()
        for column, origin in origins(name, GRANTS).items()
        if source in origin.sources and column not in getattr(tables, name.upper()).key and column in table.columns
    }
    if change.table in ("budgets", "initiatives", "year_population", "screening"):
        still = {place for place in declared - moved - UNMOVED if "_comparison_" not in place[1]}
        assert not still
    assert bool(moved) == (change.column not in ("provider", "file"))


def test_the_scenario_shows_every_table_with_figures():
    for name, table in TABLES.items():
        assert table.height, name
    assert TABLES["refunds"]["refund_dkk"].min() > 0
    assert set(TABLES["full_year_cases"]["basis"]) == {"forecast"}
