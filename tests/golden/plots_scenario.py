"""Made-up tables as a release shares them, small enough to count by hand, for the tests of the plots."""

import polars as pl

from pipelines.benchmark.averages import area_averages
from pipelines.plots.style import Context
from pipelines.statistics.intervals import wilson
from pipelines.statistics.tables import funnel_limits, with_spread, with_statistics
from schemas.tables import (
    AREA_AVERAGES,
    CASE_RATES,
    FUNNEL_LIMITS,
    RELEASED_PROVIDER_TYPES,
    RELEASED_TARGET_GROUPS,
    Table,
)

ROUND = "2022-10-01"  # rounds single municipalities' counts to multiples of 3
CONTEXT = Context("0123456789abcdef", "opgjort pr. 01-10-2022", "Kilde: Opdigtede tal")
MAIN_GROUPS = ("cognitive", "mental", "physical", "social")
PROVIDERS = ("municipal", "regional", "private")


def case_rates(*municipalities: tuple[str, int, int]) -> pl.DataFrame:
    """Municipality 101, 102, ... with this name, these cases and residents; two regions and two groups take turns."""
    rows = [
        {
            "round": ROUND,
            "municipality_code": f"{101 + n}",
            "municipality_name": name,
            "region_code": f"08{1 + n % 2}",
            "region_name": f"Region {'AB'[n % 2]}",
            "municipality_group_code": f"{1 + n % 2}",
            "municipality_group": f"Gruppe {'AB'[n % 2]}",
            "population_18_66": population,
            "population_quarter": "2022K4",
            "cases": cases,
            "rate_per_1000": cases / population * 1_000,
        }
        for n, (name, cases, population) in enumerate(municipalities)
    ]
    if not rows:
        return CASE_RATES.empty
    rates = pl.DataFrame(rows).with_columns(
        rank=pl.col("rate_per_1000").rank("min", descending=True).cast(pl.Int64), reports_for=pl.lit(None, pl.String)
    )
    return with_statistics(rates, area_averages(rates)).select(*CASE_RATES.dtypes)


def averages(rates: pl.DataFrame) -> pl.DataFrame:
    return AREA_AVERAGES.empty if rates.is_empty() else with_spread(area_averages(rates), rates)


def limits(rates: pl.DataFrame) -> pl.DataFrame:
    return FUNNEL_LIMITS.empty if rates.is_empty() else funnel_limits(rates)


def target_groups(*rows: tuple[str, int, tuple[int | None, ...]], **changes: object) -> pl.DataFrame:
    """Municipality 101, 102, ... with this name, so many cases and these rounded counts; None is suppressed."""
    shared = _shared(rows, "target_group", MAIN_GROUPS).with_columns(target_group_level=pl.lit("main"))
    return _as(RELEASED_TARGET_GROUPS, shared, changes)


def provider_types(*rows: tuple[str, int, tuple[int | None, ...]], **changes: object) -> pl.DataFrame:
    """As `target_groups`."""
    return _as(RELEASED_PROVIDER_TYPES, _shared(rows, "provider_type", PROVIDERS), changes)


def _shared(rows: tuple[tuple[str, int, tuple[int | None, ...]], ...], column: str, groups: tuple[str, ...]):
    cells = [
        {
            "round": ROUND,
            "area_type": "municipality",
            "area_code": f"{101 + n}",
            "area_name": name,
            column: group,
            "cases": count,
            "share": min(count / total, 1) if count is not None and total else None,
            "share_ci95_lower": _limit(count, total, "lower"),
            "share_ci95_upper": _limit(count, total, "upper"),
            "value_status": "suppressed" if count is None else "rounded",
            "rounding_base": None if count is None else 3,
        }
        for n, (name, total, counts) in enumerate(rows)
        for group, count in zip(groups, counts, strict=True)
    ]
    return pl.DataFrame(cells, infer_schema_length=None)


def _limit(count: int | None, total: int, side: str) -> float | None:
    if count is None or not total:
        return None
    return float(getattr(wilson(min(count, total), total), side))


def _as(table: Table, frame: pl.DataFrame, changes: dict[str, object]) -> pl.DataFrame:
    """The frame with the table's columns and types; those that it lacks are null."""
    if frame.is_empty():
        return table.empty
    lacking = [pl.lit(None).alias(name) for name in table.dtypes if name not in frame.columns]
    changed = [pl.lit(value).alias(name) for name, value in changes.items()]
    return frame.with_columns(*lacking).with_columns(*changed).select(*table.dtypes).cast(dict(table.dtypes))
