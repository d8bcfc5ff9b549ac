"""What assets reach the outside through: the data root and Statistics Denmark."""

import dagster as dg
import polars as pl
from upath import UPath

from pipelines import storage
from schemas.rounds import load_rounds


class DataRoot(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The data root: a folder of this machine or an `s3://` URL."""

    location: str

    @property
    def path(self) -> UPath:
        """The root as a path."""
        return UPath(self.location)


class StatBank(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Statistics Denmark's data function."""

    url: str


def table_of_round_before(data: DataRoot, table: str, round_name: str) -> tuple[str, pl.DataFrame] | None:
    """The round before a round and its table as last materialised; None without one."""
    before = [name for name in load_rounds() if name < round_name]
    path = storage.warehouse(data.path) / table / f"{before[-1]}.parquet" if before else None
    return (before[-1], storage.read_parquet(path)) if path is not None and path.exists() else None
