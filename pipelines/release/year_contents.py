"""What the release of a year of management information holds: which rows of which table lie in which file.

As `contents`, which has the same of a survey round. `shared/` is the benchmark as every participant may see it;
`municipalities/<code>/` what only that municipality may see: its own figures in full.
"""

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from pipelines.release.contents import (
    SHARED,
    SUMMARY,
    ReleaseFile,
    by_value,
    folder_of,
    frames_checksum,
    parquet_file,
)
from schemas import management_tables as tables
from schemas.years import Year


class YearTables(NamedTuple):
    """The tables that a year's release is made of, each checked already; the last is as everybody may see it."""

    extract_log: pl.DataFrame
    extract_rejected_rows: pl.DataFrame
    extract_warnings: pl.DataFrame
    monthly_active_cases: pl.DataFrame
    full_year_cases: pl.DataFrame
    unit_costs: pl.DataFrame
    cases_over_threshold: pl.DataFrame
    threshold_reconciliation: pl.DataFrame
    refunds: pl.DataFrame
    forecast: pl.DataFrame
    initiative_effects: pl.DataFrame
    cost_drivers: pl.DataFrame
    service_area_benchmarks: pl.DataFrame
    shared_service_area_benchmarks: pl.DataFrame


def year_checksum(year: YearTables, population: pl.DataFrame) -> str:
    """One checksum over all that a year's release is made of: the tables, and the population behind the rates."""
    return frames_checksum((*year, population))


def year_files(year: YearTables) -> Iterator[ReleaseFile]:
    """The tables of the release as parquet files, before they are stamped (`finish`)."""
    yield shared_year_file(year.shared_service_area_benchmarks)
    yield from _extract_files(year)
    yield from _own_files(year)


def shared_year_file(shared: pl.DataFrame) -> ReleaseFile:
    """The file that every participant may see: what the audit reads before it is published."""
    return parquet_file(SHARED, tables.SERVICE_AREA_BENCHMARKS, shared)


def _extract_files(year: YearTables) -> Iterator[ReleaseFile]:
    """What became of its files and rows, for every municipality that handed in anything."""
    rejected = by_value(year.extract_rejected_rows, "municipality_code")
    warned = by_value(year.extract_warnings, "municipality_code")
    for code, deliveries in sorted(by_value(year.extract_log, "municipality_code").items()):
        # Numbered anew: the number in the inbox would tell how many files others handed in.
        numbered = deliveries.with_columns(delivery=pl.int_range(pl.len(), dtype=pl.Int64).over("extract"))
        yield parquet_file(folder_of(code), tables.EXTRACT_LOG, numbered)
        for table, of_code, none in (
            (tables.EXTRACT_REJECTED_ROWS, rejected, year.extract_rejected_rows),
            (tables.EXTRACT_WARNINGS, warned, year.extract_warnings),
        ):
            yield parquet_file(folder_of(code), table, of_code.get(code, none.clear()))


def _own_files(year: YearTables) -> Iterator[ReleaseFile]:
    """Every participant's own figures, and its benchmark in full beside the country's as everybody sees it."""
    is_country, is_own = (pl.col("area_type") == kind for kind in ("country", "municipality"))
    country = year.shared_service_area_benchmarks.filter(is_country)
    benchmarks = by_value(year.service_area_benchmarks.filter(is_own), "area_code")
    own = {
        table: (by_value(getattr(year, table.name), "municipality_code"), getattr(year, table.name).clear())
        for table in (
            tables.MONTHLY_ACTIVE_CASES,
            tables.FULL_YEAR_CASES,
            tables.UNIT_COSTS,
            tables.CASES_OVER_THRESHOLD,
            tables.THRESHOLD_RECONCILIATION,
            tables.REFUNDS,
            tables.FORECAST,
            tables.INITIATIVE_EFFECTS,
            tables.COST_DRIVERS,
        )
    }
    for code in sorted(benchmarks):
        for table, (of_code, none) in own.items():
            yield parquet_file(folder_of(code), table, of_code.get(code, none))
        yield parquet_file(folder_of(code), tables.SERVICE_AREA_BENCHMARKS, pl.concat([country, benchmarks[code]]))


def year_summary(year: Year, tables_: YearTables, population_quarter: str) -> list[str]:
    """What the year's night came to, in Danish, a sentence or two a line."""
    of_all = tables_.full_year_cases.filter(service_area_level="all")
    rejected_files = tables_.extract_log.filter(pl.col("status") == "rejected").height
    rejected_rows = tables_.extract_rejected_rows.select("extract", "municipality_code", "row").n_unique()
    forecasts = of_all.filter(pl.col("basis") == "forecast").height
    counted = f"{of_all.height} kommuner med et udtræk, {_decimal(float(of_all['full_year_cases'].sum()))} helårssager"
    lines = [
        f"{counted}; {rejected_files} filer og {rejected_rows} rækker er afvist.",
        f"{of_all.height - forecasts} kommuners tal er resultater, {forecasts} kommuners er prognoser.",
    ]
    if population_quarter != year.population_quarter:
        lines.append(
            f"Advarsel: befolkningen for {year.population_quarter} kunne ikke hentes fra Danmarks Statistik; raterne bygger "
            f"på {population_quarter}."
        )
    return lines


def year_summary_file(year: Year, lines: list[str]) -> ReleaseFile:
    """The same as a file of the release; it follows from the release's tables and holds no clock."""
    text = "\n".join([f"# {year.title_da}", "", *(f"- {line}" for line in lines)])
    return ReleaseFile(SUMMARY, (text + "\n").encode(), None, None)


def _decimal(number: float) -> str:
    return f"{number:.1f}".replace(".", ",")
