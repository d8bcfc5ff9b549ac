"""The data root: where things lie in it, and how files are written so that a killed run leaves the old or the new one.

Paths are universal paths: a folder of this machine or an `s3://` URL behave alike. Nothing else writes below the root.
"""

import contextlib
import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fsspec.config  # type: ignore[import-untyped]
import polars as pl
from upath import UPath

from pipelines.ingest.limits import FILE_BYTES
from pipelines.ingest.text import printable
from schemas.errors import BotilbudError

_PARTIAL = ".partial"
ALL = "all"
"""In place of a round or year: the name of a table that is of none."""

# s3fs would remember listings for as long as a process lives, and not see what another process writes meanwhile.
fsspec.config.conf.setdefault("s3", {})["use_listings_cache"] = False


class StorageError(BotilbudError):
    """A data root that cannot be reached, read or written; the message names it and never a delivery."""


def is_local(path: UPath) -> bool:
    """Whether a path is in a file system of this machine."""
    return isinstance(path, Path)


def located(location: str) -> UPath:
    """A folder, made absolute, or an `s3://` URL as a path. Nothing is asked yet.

    Raises:
        StorageError: it is a URL of another kind.
    """
    if "://" not in location:
        return UPath(Path(location).absolute())
    if not location.startswith("s3://"):
        raise StorageError(f"{location}: is neither a folder nor an s3:// URL; give one of these")
    return UPath(location)


def inbox(root: UPath, round_name: str) -> UPath:
    """Where the deliveries of a round lie, a folder per municipality."""
    return root / "inbox" / round_name


def warehouse(root: UPath) -> UPath:
    """Where the tables of the assets lie; restricted, since they hold cases in clear."""
    return root / "warehouse"


def table_file(root: UPath, table: str, round_name: str) -> UPath:
    """Where the table that an asset made of a round lies."""
    return warehouse(root) / table / f"{round_name}.parquet"


def releases(root: UPath, round_name: str) -> UPath:
    """Where the releases of a round lie, and the pointer to the latest."""
    return root / "releases" / round_name


def decisions(root: UPath, round_name: str) -> UPath:
    """What was decided of a round's releases, a folder per release."""
    return root / "decisions" / round_name


def accepted_warnings(root: UPath, round_name: str) -> UPath:
    """Which warnings of the quality gate a consultant accepted, a file each."""
    return root / "accepted_warnings" / round_name


def documentation(root: UPath, round_name: str) -> UPath:
    """A round's pages for analysts: what the quality gate found, and where every column comes from."""
    return root / "documentation" / round_name


def reference(root: UPath) -> UPath:
    """Where fetched reference data are kept."""
    return root / "reference"


def require_reachable(path: UPath) -> None:
    """Asks an object store for one name below a path; a folder of this machine is made when first written.

    Raises:
        StorageError: s3fs is not installed, or there is no such server or bucket, or no access to it.
    """
    if is_local(path):
        return
    bucket, _, key = path.path.partition("/")
    try:
        path.fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=f"{key}/".lstrip("/"), MaxKeys=1)
    except ImportError:
        raise StorageError(f"{path}: needs s3fs; install it with: pip install 'botilbudsbenchmark[s3]'") from None
    except Exception as error:  # noqa: BLE001 - s3fs lets through the errors of botocore, aiohttp and its own
        raise StorageError(
            f"{path}: cannot be reached ({_one_line(error)}); check the bucket's name and the AWS_ variables of the environment"
        ) from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def objects(folder: UPath) -> dict[str, dict[str, Any]]:
    """What an object store holds below a folder, by name relative to it, with `name`, `size` and `LastModified`.

    One listing, whatever the depth. The empty objects that some tools make to show a folder are left out.
    """
    prefix = f"{folder.path.rstrip('/')}/"
    found = folder.fs.find(folder.path, detail=True).items()
    return {name.removeprefix(prefix): o for name, o in found if name.startswith(prefix) and not name.endswith("/")}


def files_below(folder: UPath) -> dict[str, UPath]:
    """Every file below a folder, by name relative to it, sorted."""
    if not is_local(folder):
        return {name: folder / name for name in sorted(objects(folder))}
    paths = sorted(folder.rglob("*"), key=str)
    return {str(path.relative_to(folder)): path for path in paths if not path.is_dir()}


def write_objects(folder: UPath, contents: Mapping[str, bytes]) -> None:
    """Objects below a folder of an object store, many at a time; each appears whole, in no order.

    Raises:
        StorageError: the store refused one; others may be there.
    """
    try:
        folder.fs.pipe({(folder / name).path: content for name, content in contents.items()})
    except Exception as error:  # noqa: BLE001 - as in `require_reachable`
        raise StorageError(
            f"{folder}: cannot be written ({_one_line(error)}); check the bucket and its rights"
        ) from None


def temporary_beside(path: Path) -> Path:
    """A name for what is being written, hidden and telling which process writes it."""
    process = os.getpid()
    return path.with_name(f".{path.name}.{process}-{_started(process)}-{secrets.token_hex(4)}{_PARTIAL}")


def remove_abandoned(folder: Path, name: str = "*") -> None:
    """Removes what killed processes left in a folder under temporary names of `name`, and nothing of running ones."""
    for path in folder.glob(f".{name}.*-*{_PARTIAL}"):
        process, _, rest = path.name.removesuffix(_PARTIAL).rpartition(".")[2].partition("-")
        if process.isdecimal() and _started(int(process)) != rest.partition("-")[0]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _started(process: int) -> str:
    """When a process started, in the kernel's ticks; empty when it does not run. Numbers of processes are used again."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def write_bytes(path: UPath, content: bytes) -> None:
    """The content under a temporary name, then renamed; an object store writes whole objects anyway.

    Raises:
        StorageError: an object store refused it.
        OSError: this machine did.
    """
    if not is_local(path):
        write_objects(path.parent, {path.name: content})
        return
    folder = Path(str(path)).parent
    folder.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder, path.name)
    temporary = temporary_beside(folder / path.name)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(str(path))
    finally:
        temporary.unlink(missing_ok=True)


def write_once(path: UPath, content: bytes, *, mode: int = 0o666) -> None:
    """The content where nothing is yet; whole or not at all, and never in place of what another process wrote meanwhile.

    An object store is asked first, so that two at the same moment are not told apart there.

    Args:
        path: the file; folders above it are made.
        content: what it is to hold.
        mode: who may read it on this machine, less the umask.

    Raises:
        FileExistsError: there is something already.
    """
    if not is_local(path):
        if path.exists():
            raise FileExistsError
        write_objects(path.parent, {path.name: content})
        return
    target = Path(str(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(target)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def key_file(path: UPath, size: int) -> bytes:
    """The random key in a file for its owner alone; made the first time it is needed.

    Args:
        path: the file.
        size: the key's bytes.

    Raises:
        StorageError: the file holds another number of bytes, or an object store refused it.
    """
    if not path.exists():
        if is_local(path):
            Path(str(path.parent)).mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # then all read what was first
            write_once(path, secrets.token_bytes(size), mode=0o600)
    key = path.read_bytes()
    if len(key) != size:
        raise StorageError(f"{path}: is damaged; restore it, or remove it to have another one made")
    return key


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
    the size limit one byte more than the limit is copied: enough to reject it. What a killed run left is removed.

    Raises:
        StorageError: an object cannot be copied; leaving it out would drop a delivery unseen.
    """
    if is_local(folder):
        yield Path(str(folder))
        return
    inboxes = Path(tempfile.gettempdir()) / "botilbud-inbox"
    remove_abandoned(inboxes.parent, inboxes.name)
    copy = temporary_beside(inboxes)
    copy.mkdir(mode=0o700)
    try:
        for relative, found in objects(folder).items():
            parts = relative.split("/")
            try:
                _copy(folder, found, copy, parts)
            except Exception as error:  # noqa: BLE001 - as in `require_reachable`; the text may hold the file's name
                raise StorageError(
                    f"{folder}: an object below {printable(parts[0])} cannot be copied ({type(error).__name__}); rename it "
                    "if a part of its name is empty, dots alone or beyond 255 bytes, else check the rights to the bucket"
                ) from None
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _copy(folder: UPath, found: Mapping[str, Any], root: Path, parts: Sequence[str]) -> None:
    if not {"", ".", ".."}.isdisjoint(parts):
        raise ValueError("no file has that name")
    target = root.joinpath(*parts)
    # A store refuses to give a range of nothing.
    end = min(found["size"], FILE_BYTES + 1)
    content = folder.fs.cat_file(found["name"], start=0, end=end) if end else b""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    modified = found["LastModified"].timestamp()
    os.utime(target, (modified, modified))
