"""The data root: where things lie in it, and how files are written so that a killed run leaves the old or the new one.

Paths are universal paths: a folder of this machine or an `s3://` URL behave alike. Nothing else writes below the root.
"""

import contextlib
import io
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from upath import UPath

from pipelines.ingest.limits import FILE_BYTES

_PARTIAL = ".partial"


def is_local(path: UPath) -> bool:
    """Whether a path is in a file system of this machine."""
    return path.protocol in ("", "file", "local")


def inbox(root: UPath, round_name: str) -> UPath:
    """Where the deliveries of a round lie, a folder per municipality."""
    return root / "inbox" / round_name


def warehouse(root: UPath) -> UPath:
    """Where the tables of the assets lie; restricted, since they hold cases in clear."""
    return root / "warehouse"


def releases(root: UPath, round_name: str) -> UPath:
    """Where the releases of a round lie, and the pointer to the latest."""
    return root / "releases" / round_name


def reference(root: UPath) -> UPath:
    """Where fetched reference data are kept."""
    return root / "reference"


def write_bytes(path: UPath, content: bytes) -> None:
    """The content under a temporary name, then renamed; an object store writes whole objects anyway."""
    if not is_local(path):
        path.write_bytes(content)
        return
    folder = Path(str(path)).parent
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{path.name}.{secrets.token_hex(4)}{_PARTIAL}"
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(str(path))
    finally:
        temporary.unlink(missing_ok=True)


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """A frame as parquet; the same frame gives the same bytes."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def read_parquet(path: UPath) -> pl.DataFrame:
    """The frame in a parquet file that this project wrote."""
    return pl.read_parquet(_readable(path))


def scan_parquet(path: UPath) -> pl.LazyFrame:
    """The same, of which only what is asked for is read.

    Raises:
        FileNotFoundError: there is no such file; a scan itself would tell only when it is collected.
    """
    if not path.exists():
        raise FileNotFoundError(str(path))
    return pl.scan_parquet(_readable(path))


def _readable(path: UPath) -> Path | io.BytesIO:
    return Path(str(path)) if is_local(path) else io.BytesIO(path.read_bytes())


@contextlib.contextmanager
def local_inbox(folder: UPath) -> Iterator[Path]:
    """A round's inbox as a folder of this machine: itself, or a copy with its modification times.

    The readers open files without following links, which only a file system of this machine allows. Of a file beyond
    the size limit one byte more than the limit is copied: enough to reject it.
    """
    if is_local(folder):
        yield Path(str(folder))
        return
    with tempfile.TemporaryDirectory(prefix="inbox-") as name:
        copy = Path(name)
        for path in sorted(folder.glob("*/*"), key=str) if folder.exists() else []:
            target = copy / path.parent.name / path.name
            target.parent.mkdir(exist_ok=True)
            with path.open("rb") as source:
                target.write_bytes(source.read(FILE_BYTES + 1))
            modified = path.stat().st_mtime
            os.utime(target, (modified, modified))
        yield copy
