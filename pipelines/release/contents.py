"""What a release holds: which rows of which table lie in which file. Nothing is computed and nothing is written here.

`shared/` is what every participant may see; `municipalities/<code>/` what only that municipality may see.
"""

from collections.abc import Iterator
from typing import NamedTuple

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
    for code in benchmark.delivery_log["municipality_code"].unique().sort():
        yield from _municipality_files(benchmark, code, round_, catalogue)


def _shared_files(benchmark: Benchmark) -> Iterator[ReleaseFile]:
    for table, frame in (
        (tables.CASE_RATES, benchmark.case_rates),
        (tables.AREA_AVERAGES, benchmark.area_averages),
        (tables.TARGET_GROUPS, benchmark.shared_target_groups),
        (tables.PROVIDER_TYPES, benchmark.shared_provider_types),
        (tables.QUESTION_ANSWERS, benchmark.shared_question_answers),
        (tables.KEY_FINDINGS, benchmark.shared_key_findings),
    ):
        yield _parquet("shared", table, frame)


def _municipality_files(
    benchmark: Benchmark, code: str, round_: Round, catalogue: Catalogue
) -> Iterator[ReleaseFile]:
    folder = f"municipalities/{code}"
    own = pl.col("municipality_code") == code
    deliveries = benchmark.delivery_log.filter(own)
    rejected = benchmark.rejected_rows.filter(own)
    yield _parquet(folder, tables.DELIVERY_LOG, deliveries)
    yield _parquet(folder, tables.REJECTED_ROWS, rejected)
    if (deliveries["status"] == "current").any():
        yield _parquet(folder, tables.responses(catalogue.version), benchmark.responses.filter(own))
        for table, frame, shared in (
            (tables.TARGET_GROUPS, benchmark.target_groups, benchmark.shared_target_groups),
            (tables.PROVIDER_TYPES, benchmark.provider_types, benchmark.shared_provider_types),
            (tables.QUESTION_ANSWERS, benchmark.question_answers, benchmark.shared_question_answers),
        ):
            yield _parquet(folder, table, _beside_the_country(frame, shared, code))
    if rejected.height:
        yield ReleaseFile(
            f"{folder}/rejected_rows.xlsx", _correction_workbook(benchmark, code, round_, catalogue), None, rejected.height
        )


def _parquet(folder: str, table: Table, frame: pl.DataFrame) -> ReleaseFile:
    return ReleaseFile(
        f"{folder}/{table.name}.parquet", parquet_bytes(frame), table, frame.height
    )


def _beside_the_country(frame: pl.DataFrame, shared: pl.DataFrame, code: str) -> pl.DataFrame:
    """The municipality's own rows in full, and the country's as every participant sees them."""
    own = frame.filter((pl.col("area_type") == "municipality") & (pl.col("area_code") == code))
    return pl.concat([shared.filter(pl.col("area_type") == "country"), own])


def _correction_workbook(benchmark: Benchmark, code: str, round_: Round, catalogue: Catalogue) -> bytes:
    """The delivery that counts, whole, with its faulty cells marked: it can be corrected and handed in again."""
    deliveries = benchmark.delivery_log.filter(pl.col("municipality_code") == code)
    current = deliveries.filter(pl.col("status") == "current").row(0, named=True)
    return correction(
        round_,
        catalogue,
        benchmark.delivered_rows.filter(pl.col("delivery") == current["delivery"]).select("row", *catalogue.keys),
        benchmark.rejected_rows.filter(pl.col("municipality_code") == code).select(
            "row", "question", "rule", "message"
        ),
        file=current["file"],
        files=deliveries.filter(pl.col("status") == "rejected").select("file", "received_at", "rule", "message"),
        municipality_code=code,
    )
