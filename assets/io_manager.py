"""Tables to and from `warehouse/<asset>/<round or year>.parquet`; a table of neither is named `all`.

No table's content reaches a log or an event.

Dagster's UPathIOManager would do; it writes two log entries per table read, which was a fifth of a night's time.
"""

import dagster as dg
import polars as pl
from upath import UPath

from assets.untold import values_untold
from pipelines.storage import ALL, parquet_bytes, read_parquet, scan_parquet, write_bytes


class ParquetIOManager(dg.IOManager):
    """Whole frames, written under a temporary name and renamed; the same frame gives the same bytes."""

    def __init__(self, warehouse: UPath) -> None:
        """Keep tables below this folder."""
        self._warehouse = warehouse

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame) -> None:
        """Write a table of one round or year, or of neither."""
        with values_untold():
            name = context.partition_key if context.has_partition_key else ALL
            write_bytes(self._path(context.asset_key, name), parquet_bytes(obj))

    def load_input(self, context: dg.InputContext) -> pl.DataFrame | pl.LazyFrame:
        """Read a table; an input annotated as lazy is scanned, so that only the columns used are read."""
        path = self._path(context.asset_key, context.asset_partition_key if context.has_asset_partitions else ALL)
        with values_untold():
            return scan_parquet(path) if context.dagster_type.typing_type is pl.LazyFrame else read_parquet(path)

    def _path(self, asset: dg.AssetKey, name: str) -> UPath:
        return self._warehouse / asset.path[-1] / f"{name}.parquet"
