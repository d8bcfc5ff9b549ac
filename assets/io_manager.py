"""Tables to and from `warehouse/<asset>/<round>.parquet`. No table's content reaches a log or an event."""

import dagster as dg
import polars as pl
from upath import UPath

from pipelines.storage import parquet_bytes, read_parquet, write_bytes


class ParquetIOManager(dg.UPathIOManager):
    """Whole frames, written under a temporary name and renamed; the same frame gives the same bytes."""

    extension = ".parquet"

    def dump_to_path(self, context: dg.OutputContext, obj: pl.DataFrame, path: UPath) -> None:
        """Write a table."""
        del context
        write_bytes(path, parquet_bytes(obj))

    def load_from_path(self, context: dg.InputContext, path: UPath) -> pl.DataFrame:
        """Read a table."""
        del context
        return read_parquet(path)
