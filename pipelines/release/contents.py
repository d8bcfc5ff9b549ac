"""What a release holds: which rows of which table lie in which file. Nothing is computed and nothing is written here.

`shared/` is what every participant may see; `municipalities/<code>/` what only that municipality may see.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from pipelines.form.form import correction
from pipelines.storage import parquet_bytes
from schemas import tables
from schemas.questionnaire import Catalogue
from schemas.rounds import Round
from schemas.tables import Table


class ReleaseFile(NamedTuple):
    """A file of a release: its path within it, its bytes, and the table it holds (a workbook holds none)."""

    path: str
    content: bytes
    table: Table | None
    rows: int | None


class Benchmark(NamedTuple):
    """The tables that a release is made of, each checked already; `shared_*` hold what every participant may see."""

    delivery_log: pl.DataFrame
    responses: pl.DataFrame
    rejected_rows: pl.DataFrame
    delivered_rows: pl.DataFrame
    case_rates: pl.DataFrame
    area_averages: pl.DataFrame
    funnel_limits: pl.DataFrame
    round_changes: pl.DataFrame
    target_groups: pl.DataFrame
    provider_types: pl.DataFrame
    question_answers: pl.DataFrame
    shared_target_groups: pl.DataFrame
    shared_provider_types: pl.DataFrame
    shared_question_answers: pl.DataFrame
    shared_key_findings: pl.DataFrame


def release_files(benchmark: Benchmark, round_: Round, catalogue: Catalogue) -> Iterator[ReleaseFile]:
    """Every file of the release but its manifest."""
    yield from _shared_files(benchmark)
    yield from _deliveries_files(benchmark)
    yield from _benchmark_files(benchmark, catalogue)
    yield from _correction_workbooks(benchmark, round_, catalogue)


def _shared_files(benchmark: Benchmark) -> Iterator[ReleaseFile]:
    for table, frame in (
        (tables.CASE_RATES, benchmark.case_rates),
        (tables.AREA_AVERAGES, benchmark.area_averages),
        (tables.FUNNEL_LIMITS, benchmark.funnel_limits),
        (tables.ROUND_CHANGES, benchmark.round_changes),
        (tables.TARGET_GROUPS, benchmark.shared_target_groups),
        (tables.PROVIDER_TYPES, benchmark.shared_provider_types),
        (tables.QUESTION_ANSWERS, benchmark.shared_question_answers),
        (tables.KEY_FINDINGS, benchmark.shared_key_findings),
    ):
        yield _parquet("shared", table, frame)


def _deliveries_files(benchmark: Benchmark) -> Iterator[ReleaseFile]:
    """What became of its files and rows, for every municipality that handed in anything."""
    rejected = _by(benchmark.rejected_rows, "municipality_code")
    for code, deliveries in _by(benchmark.delivery_log, "municipality_code").items():
        # Numbered anew: the number in the round's inbox would tell how many files others handed in.
        numbered = deliveries.with_columns(delivery=pl.int_range(pl.len(), dtype=pl.Int64))
        yield _parquet(_folder(code), tables.DELIVERY_LOG, numbered)
        yield _parquet(_folder(code), tables.REJECTED_ROWS, rejected.get(code, benchmark.rejected_rows.clear()))


def _benchmark_files(benchmark: Benchmark, catalogue: Catalogue) -> Iterator[ReleaseFile]:
    """Its cases, and its breakdowns in full beside the country's as everybody sees them, for every participant."""
    participants = benchmark.case_rates["municipality_code"].to_list()
    cases = _by(benchmark.responses, "municipality_code")
    for code in participants:
        yield _parquet(_folder(code), tables.responses(catalogue.version), cases.get(code, benchmark.responses.clear()))
    for table, frame, shared in (
        (tables.TARGET_GROUPS, benchmark.target_groups, benchmark.shared_target_groups),
        (tables.PROVIDER_TYPES, benchmark.provider_types, benchmark.shared_provider_types),
        (tables.QUESTION_ANSWERS, benchmark.question_answers, benchmark.shared_question_answers),
    ):
        country = shared.filter(pl.col("area_type") == "country")
        own = _by(frame.filter(pl.col("area_type") == "municipality"), "area_code")
        for code in participants:
            yield _parquet(_folder(code), table, country.vstack(own[code]))


def _correction_workbooks(benchmark: Benchmark, round_: Round, catalogue: Catalogue) -> Iterator[ReleaseFile]:
    """The delivery that counts, whole, with its faulty cells marked: it can be corrected and handed in again."""
    deliveries = _by(benchmark.delivery_log, "municipality_code")
    rows = _by(benchmark.delivered_rows, "delivery")
    for code, errors in _by(benchmark.rejected_rows, "municipality_code").items():
        current = deliveries[code].filter(pl.col("status") == "current").row(0, named=True)
        workbook = correction(
            round_,
            catalogue,
            rows[current["delivery"]].select("row", *catalogue.keys),
            errors.select("row", "question", "rule", "message"),
            file=current["file"],
            files=deliveries[code]
            .filter(pl.col("status") == "rejected")
            .select("file", "received_at", "rule", "message"),
            municipality_code=code,
        )
        yield ReleaseFile(f"{_folder(code)}/rejected_rows.xlsx", workbook, None, errors["row"].n_unique())


def _folder(code: str) -> str:
    return f"municipalities/{code}"


def _by(frame: pl.DataFrame, column: str) -> dict[Any, pl.DataFrame]:
    """The rows of each value of a column, in their order."""
    parts = frame.partition_by(column, as_dict=True, maintain_order=True)
    return {key[0]: part for key, part in parts.items()}


def _parquet(folder: str, table: Table, frame: pl.DataFrame) -> ReleaseFile:
    return ReleaseFile(f"{folder}/{table.name}.parquet", parquet_bytes(frame), table, frame.height)
