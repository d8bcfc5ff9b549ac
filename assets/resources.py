"""What assets reach the outside through: the data root and Statistics Denmark."""

import hashlib
from collections.abc import Collection, Iterator, Sequence

import dagster as dg
import polars as pl
from upath import UPath

from assets.cli_operations import progress
from pipelines import storage
from pipelines.release.contents import ReleaseFile
from pipelines.release.editions import Edition
from schemas.extracts import EXTRACTS
from schemas.rounds import load_rounds
from schemas.years import Year


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


class Reports:
    """Whoever makes the reports of a release; tests of anything else put somebody there who makes none."""

    def files(
        self, content: Sequence[ReleaseFile], edition: Edition, municipalities: Collection[str]
    ) -> Iterator[ReleaseFile]:
        """The reports of a release as files of it, with a bar on a terminal."""
        # Drawing and setting take a second to import, and most nights make no release.
        from pipelines.release.report_files import report_files  # noqa: PLC0415

        batches = report_files(content, edition, municipalities)
        for batch in progress(batches, 1 + len(municipalities), "Rapporter"):
            yield from batch

    def year_files(
        self, content: Sequence[ReleaseFile], year: Year, release: str, municipalities: int
    ) -> Iterator[ReleaseFile]:
        """The figures of a year's release as files of it, with a bar on a terminal."""
        from pipelines.release.year_figure_files import year_figure_files  # noqa: PLC0415 - as above

        for batch in progress(year_figure_files(content, year, release), municipalities, "Figurer"):
            yield from batch


def table_of_round_before(data: DataRoot, table: str, round_name: str) -> tuple[str, pl.DataFrame] | None:
    """The round before a round and its table as last materialised; None without one."""
    before = [name for name in load_rounds() if name < round_name]
    path = storage.table_file(data.path, table, before[-1]) if before else None
    return (before[-1], storage.read_parquet(path)) if path is not None and path.exists() else None


def inbox_fingerprint(data: DataRoot, round_name: str) -> str | None:
    """A checksum over names, sizes and modification times of a round's deliveries; null where there are none.

    The names themselves do not reach the cursor: a sender may have put anything into them.
    """
    folder = storage.inbox(data.path, round_name)
    states = sorted(_local_states(folder) if storage.is_local(folder) else _object_states(folder))
    return hashlib.sha256(repr(states).encode("utf-8", "surrogateescape")).hexdigest() if states else None


def extracts_fingerprint(data: DataRoot) -> str | None:
    """The same of the extracts of management information, all together; null where there are none."""
    states = {name: inbox_fingerprint(data, name) for name in EXTRACTS}
    return hashlib.sha256(repr(states).encode()).hexdigest() if any(states.values()) else None


def _local_states(folder: UPath) -> Iterator[tuple[str, int, float]]:
    for path in folder.glob("*/*") if folder.exists() else []:
        try:
            state = path.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield str(path.relative_to(folder)), state.st_size, state.st_mtime


def _object_states(folder: UPath) -> Iterator[tuple[str, int, float]]:
    for name, found in storage.objects(folder).items():
        yield name, found["size"], found["LastModified"].timestamp()
