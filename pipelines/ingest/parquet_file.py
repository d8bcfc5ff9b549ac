"""Reading parquet deliveries. Runs in the reading child only; pyarrow survived every mutation tried, polars' reader not."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.ingest.limits import UNPACKED_BYTES, Traits, too_long_cell, too_many_rows, unreadable
from pipelines.ingest.sheet import Row, Sheet, is_too_long
from pipelines.ingest.text import fold
from pipelines.ingest.workbook import text_of

_MAGIC = b"PAR1"
_MAGIC_ENCRYPTED = b"PARE"


def read(content: bytes, traits: Traits) -> Sheet:
    """The one sheet of a parquet file: the column names as row 1, the rows from 2 on, as a spreadsheet would show them.

    `traits` tell how many rows a delivery of the form may hold.

    Raises:
        FileRejectedError: the content is no parquet, is encrypted, damaged or beyond a limit.
    """
    if content.endswith(_MAGIC_ENCRYPTED):
        raise unreadable("Parquetfilen er krypteret. Gem den uden kryptering, og aflever igen.")
    if not (content.startswith(_MAGIC) and content.endswith(_MAGIC)):
        raise unreadable(
            "Filnavnet ender på .parquet, men indholdet er ikke en hel parquetfil. Gem på ny, og aflever igen."
        )
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        footer = file.metadata
        if footer.num_rows > traits.rows:
            raise too_many_rows(traits)
        if sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups)) > UNPACKED_BYTES:
            raise unreadable(f"Parquetfilen fylder mere end {UNPACKED_BYTES // 1_000_000} MB udpakket.")
        table = file.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, NotImplementedError):
        raise unreadable("Parquetfilen er beskadiget eller krypteret. Gem den på ny, og aflever igen.") from None
    return Sheet("", hidden=False, rows=_rows(table))


def _rows(table: pa.Table) -> Iterator[Row]:
    yield Row(1, [fold(name) for name in table.column_names])
    columns = [_values(column) for column in table.columns]
    for number in range(table.num_rows):
        cells = [_text(column[number]) for column in columns]
        if any(is_too_long(cell) for cell in cells):
            raise too_long_cell(number + 2)
        yield Row(number + 2, cells)


def _values(column: pa.ChunkedArray) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except (pa.ArrowException, ValueError, OverflowError):
        # A date or time outside Python's range: its text is enough, since it is no answer to any question.
        values = column.cast(pa.string()).to_pylist()
    return values


def _text(value: Any) -> str:  # noqa: ANN401 - any type that parquet can hold
    if isinstance(value, list):
        return "; ".join(text_of(item) for item in value)
    return text_of(value)
