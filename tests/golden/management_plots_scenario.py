"""Made-up tables as they lie in one municipality's folder of a year's release, for the tests of their plots.

What belongs here: tables small enough to add up by hand. Their figures are made up (opdigtet), except where a test says whose
they are.
"""

import polars as pl

from pipelines.plots.style import Context
from schemas.labels_da import GRANTS_SOURCE
from schemas.management_tables import FORECAST, FULL_YEAR_CASES, MONTHLY_ACTIVE_CASES, UNIT_COSTS
from schemas.service_areas import groups, service_areas
from schemas.tables import Table

CONTEXT = Context("0123456789abcdef", "året 2025", GRANTS_SOURCE)
ISHOEJ = "183"
AS_OF = "2025-02-28"
LINES = ("existing_cases", "inflow_and_outflow", "refund")


def unit_costs(code: str = ISHOEJ, **developments: tuple[tuple[float, int], ...]) -> pl.DataFrame:
    """The years 2022 to 2025, the last a forecast: by group (full-year cases, unit cost in fixed prices) of each year.

    Groups that are not named have no cases.
    """
    rows = []
    for n, year in enumerate(range(2022, 2026)):
        of_groups = {group: developments.get(group, ((0.0, 0),) * 4)[n] for group in groups()}
        total = sum(cases for cases, _ in of_groups.values())
        for level, area, (cases, price) in (
            *(("group", group, figures) for group, figures in of_groups.items()),
            ("all", "all", (total, 1)),
        ):
            rows.append(
                {
                    "municipality_code": code,
                    "year": year,
                    "basis": "forecast" if year == 2025 else "result",
                    "as_of": AS_OF,
                    "service_area_level": level,
                    "service_area": area,
                    "full_year_cases": float(cases),
                    "cost_dkk": round(cases * price),
                    "unit_cost_dkk": price if cases else None,
                    "unit_cost_fixed_dkk": price if cases else None,
                    "price_level_year": 2025,
                    "unit_cost_change_fixed_dkk": None,
                }
            )
    return _as(UNIT_COSTS, rows)


def results(costs: pl.DataFrame) -> pl.DataFrame:
    """The same unit costs in an extract that was made when all years were over."""
    return costs.with_columns(basis=pl.lit("result"), as_of=pl.lit("2026-01-15"))


def monthly(of_all: tuple[int, ...], as_of: str = AS_OF, year: int = 2025, **areas: tuple[int, ...]) -> pl.DataFrame:
    """Active cases of each month, for all services and for service areas; those that are not named have none."""
    counts = {area: areas.get(area, (0,) * 12) for area in service_areas()} | {"all": of_all}
    rows = [
        {
            "municipality_code": ISHOEJ,
            "month": f"{year}-{month:02}",
            "basis": "result" if as_of > f"{year}-12-31" else "forecast",
            "as_of": as_of,
            "service_area": area,
            "active_cases": of_months[month - 1],
        }
        for month in range(1, 13)
        for area, of_months in counts.items()
    ]
    return _as(MONTHLY_ACTIVE_CASES, rows)


def forecast(
    amounts: tuple[int, int, int],
    budgets: tuple[int | None, int | None, int | None],
    half: int = 0,
    basis: str = "forecast",
) -> pl.DataFrame:
    """Existing cases, inflow and outflow, refund; the interval reaches `half` to either side of the second."""
    totals = {"total_before_refund": LINES[:2], "total": LINES}
    told, planned = dict(zip(LINES, amounts, strict=True)), dict(zip(LINES, budgets, strict=True))
    for total, parts in totals.items():
        told[total] = sum(told[part] for part in parts)
        planned[total] = None if None in [planned[part] for part in parts] else sum(planned[part] for part in parts)
    rows = []
    for line in ("existing_cases", "inflow_and_outflow", "total_before_refund", "refund", "total"):
        reach = 0 if line in {"existing_cases", "refund"} else half
        rows.append(
            {
                "municipality_code": ISHOEJ,
                "year": 2025,
                "basis": basis,
                "as_of": AS_OF if basis == "forecast" else "2026-01-15",
                "line": line,
                "forecast_dkk": told[line],
                "forecast_ci95_lower_dkk": told[line] - reach,
                "forecast_ci95_upper_dkk": told[line] + reach,
                "budget_dkk": planned[line],
                "deviation_dkk": None if planned[line] is None else told[line] - planned[line],
            }
        )
    return _as(FORECAST, rows)


def cases_of(told: pl.DataFrame, full_year_cases: float = 120.5) -> pl.DataFrame:
    """The full-year cases that a forecast's existing cases are, all in one service area."""
    existing = told.filter(line="existing_cases").row(0, named=True)
    keys = {key: existing[key] for key in ("municipality_code", "year", "basis", "as_of")}
    figures = {"citizens": 130, "full_year_cases": full_year_cases, "cost_dkk": existing["forecast_dkk"]}
    levels = (("service_area", "sel_108"), ("group", "residential_care"), ("all", "all"))
    return _as(
        FULL_YEAR_CASES,
        [
            {**keys, "service_area_level": level, "service_area": area, **figures, "unit_cost_dkk": None}
            for level, area in levels
        ],
    )


def _as(table: Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(table.dtypes), infer_schema_length=None)
