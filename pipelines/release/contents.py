"""What a release holds: which rows of which table lie in which file. Nothing is computed and nothing is written here.

`shared/` is what every participant may see; `municipalities/<code>/` what only that municipality may see.
"""

import hashlib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import polars as pl

from pipelines.form.form import correction
from pipelines.storage import parquet_bytes
from schemas import tables
from schemas.errors import TableError
from schemas.questionnaire import Catalogue
from schemas.rounds import Round
from schemas.tables import Table, failures

SHARED = "shared"
RATES = f"{SHARED}/case_rates.parquet"
CHANGES = "changes.parquet"
CORRECTION = "correction.xlsx"
SUMMARY = "summary.md"


class ReleaseFile(NamedTuple):
    """A file of a release: its path within it, its bytes, and the table it holds (a workbook holds none)."""

    path: str
    content: bytes
    table: Table | None
    rows: int | None

    @property
    def sha256(self) -> str:
        """Checksum of the bytes, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


class Shared(NamedTuple):
    """The tables that every participant may see, as they may be seen."""

    case_rates: pl.DataFrame
    area_averages: pl.DataFrame
    funnel_limits: pl.DataFrame
    round_changes: pl.DataFrame
    target_groups: pl.DataFrame
    provider_types: pl.DataFrame
    question_answers: pl.DataFrame
    key_findings: pl.DataFrame


class Benchmark(NamedTuple):
    """The tables that a release is made of, each checked already; the breakdowns are exact, those of `shared` are not."""

    shared: Shared
    delivery_log: pl.DataFrame
    responses: pl.DataFrame
    rejected_rows: pl.DataFrame
    delivered_rows: pl.DataFrame
    target_groups: pl.DataFrame
    provider_types: pl.DataFrame
    question_answers: pl.DataFrame


def table_files(benchmark: Benchmark, catalogue: Catalogue) -> Iterator[ReleaseFile]:
    """The tables of the release as parquet files, before they are stamped (`finish`)."""
    yield from shared_files(benchmark.shared)
    yield from _deliveries_files(benchmark)
    yield from _benchmark_files(benchmark, catalogue)


def shared_files(shared: Shared) -> Iterator[ReleaseFile]:
    """The files that every participant may see: what the audit reads before any of them is published."""
    for table, frame in zip(
        (
            tables.CASE_RATES,
            tables.AREA_AVERAGES,
            tables.FUNNEL_LIMITS,
            tables.ROUND_CHANGES,
            tables.RELEASED_TARGET_GROUPS,
            tables.RELEASED_PROVIDER_TYPES,
            tables.RELEASED_QUESTION_ANSWERS,
            tables.RELEASED_KEY_FINDINGS,
        ),
        shared,
        strict=True,
    ):
        yield parquet_file(SHARED, table, frame)


def read_back(files: Iterable[ReleaseFile]) -> dict[str, pl.DataFrame]:
    """The tables in files, by name, from their bytes."""
    return {file.table.name: pl.read_parquet(io.BytesIO(file.content)) for file in files if file.table is not None}


def require_schemas(files: Iterable[ReleaseFile], read: Mapping[str, pl.DataFrame]) -> None:
    """Stops at a file whose table, read back, is not exactly what its schema says: no column besides, no other status.

    Raises:
        TableError: counts per column and check, no value.
    """
    for file in files:
        if file.table is not None and (broken := failures(read[file.table.name], file.table)):
            raise TableError(f"{file.path} breaks its schema: {broken}")


def shared_checksum(files: Iterable[ReleaseFile]) -> str:
    """One checksum over the paths and contents of the shared files among these."""
    shared = sorted(f"{file.path} {file.sha256}" for file in files if file.path.startswith(f"{SHARED}/"))
    return hashlib.sha256("\n".join(shared).encode()).hexdigest()


def candidate_checksum(benchmark: Benchmark, population: pl.DataFrame) -> str:
    """One checksum over all that a release is made of: the tables, and the population behind its rates."""
    return frames_checksum((*benchmark.shared, *benchmark[1:], population))


def frames_checksum(frames: Iterable[pl.DataFrame]) -> str:
    """One checksum over tables, in their order."""
    return hashlib.sha256(b"".join(hashlib.sha256(parquet_bytes(frame)).digest() for frame in frames)).hexdigest()


def _deliveries_files(benchmark: Benchmark) -> Iterator[ReleaseFile]:
    """What became of its files and rows, for every municipality that handed in anything."""
    rejected = by_value(benchmark.rejected_rows, "municipality_code")
    for code, deliveries in by_value(benchmark.delivery_log, "municipality_code").items():
        # Numbered anew: the number in the round's inbox would tell how many files others handed in.
        numbered = deliveries.with_columns(delivery=pl.int_range(pl.len(), dtype=pl.Int64))
        yield parquet_file(folder_of(code), tables.DELIVERY_LOG, numbered)
        yield parquet_file(folder_of(code), tables.REJECTED_ROWS, rejected.get(code, benchmark.rejected_rows.clear()))


def _benchmark_files(benchmark: Benchmark, catalogue: Catalogue) -> Iterator[ReleaseFile]:
    """Its cases, and its breakdowns in full beside the country's as everybody sees them, for every participant."""
    participants = benchmark.shared.case_rates["municipality_code"].to_list()
    cases = by_value(benchmark.responses, "municipality_code")
    for code in participants:
        yield parquet_file(
            folder_of(code), tables.responses(catalogue.version), cases.get(code, benchmark.responses.clear())
        )
    for table, frame, shared in (
        (tables.RELEASED_TARGET_GROUPS, benchmark.target_groups, benchmark.shared.target_groups),
        (tables.RELEASED_PROVIDER_TYPES, benchmark.provider_types, benchmark.shared.provider_types),
        (tables.RELEASED_QUESTION_ANSWERS, benchmark.question_answers, benchmark.shared.question_answers),
    ):
        country = shared.filter(pl.col("area_type") == "country")
        own = by_value(frame.filter(pl.col("area_type") == "municipality"), "area_code")
        for code in participants:
            # Its own figures are always of this release.
            yield parquet_file(folder_of(code), table, pl.concat([country, own[code]], how="diagonal"))


def correction_workbooks(benchmark: Benchmark, round_: Round, catalogue: Catalogue) -> Iterator[ReleaseFile]:
    """The delivery that counts, whole, with its faulty cells marked: it can be corrected and handed in again."""
    deliveries = by_value(benchmark.delivery_log, "municipality_code")
    rows = by_value(benchmark.delivered_rows, "delivery")
    for code, errors in by_value(benchmark.rejected_rows, "municipality_code").items():
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
        yield ReleaseFile(f"{folder_of(code)}/{CORRECTION}", workbook, None, errors["row"].n_unique())


def own_files(files: Iterable[ReleaseFile], names: Collection[str]) -> dict[str, dict[str, bytes]]:
    """The tables of these names in each municipality's own folder as parquet, by its code and their name."""
    found: dict[str, dict[str, bytes]] = {}
    for file in files:
        match file.path.split("/"):
            case ["municipalities", code, _] if file.table is not None and file.table.name in names:
                found.setdefault(code, {})[file.table.name] = file.content
    return found


def folder_of(code: str) -> str:
    """The folder of what only a municipality may see."""
    return f"municipalities/{code}"


def by_value(frame: pl.DataFrame, column: str) -> dict[Any, pl.DataFrame]:
    """The rows of each value of a column, in their order."""
    parts = frame.partition_by(column, as_dict=True, maintain_order=True)
    return {key[0]: part for key, part in parts.items()}


def parquet_file(folder: str, table: Table, frame: pl.DataFrame) -> ReleaseFile:
    """A table as a file of a release."""
    return ReleaseFile(f"{folder}/{table.name}.parquet", parquet_bytes(frame), table, frame.height)
