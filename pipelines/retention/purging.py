"""What of the data root is kept no longer, and its removal. Only closed rounds lose anything here.

Dagster's own history is none of this module's; it belongs to `assets/`. Nothing here tells a delivered file's name: a
delivery is told by its municipality, its time and its checksum.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.alerts.telling import FOLDER as ALERTS
from pipelines.ingest.inbox import InboxFile, find_files
from pipelines.storage import StorageError
from schemas.retention import Kept, Rule
from schemas.rounds import Round

# As `status` of the delivery log says; of what stands not in the log nothing is known, and it stays.
_NOT_COUNTING = ("superseded", "rejected")


class Due(NamedTuple):
    """One file that is kept no longer; of a delivery also whose it is, when it was received and its SHA-256."""

    what: Kept
    round_name: str
    path: UPath
    municipality_code: str | None = None
    received_at: dt.datetime | None = None
    sha256: str | None = None

    def told(self) -> dict[str, Any]:
        """What may be said of it."""
        received_at = self.received_at.isoformat() if self.received_at else None
        said = {"municipality_code": self.municipality_code, "received_at": received_at, "sha256": self.sha256}
        return {"what": self.what, "round": self.round_name} | {
            k: value for k, value in said.items() if value is not None
        }


def due_files(root: UPath, rounds: Iterable[Round], rules: dict[Kept, Rule], now: dt.datetime) -> Iterator[Due]:
    """The files of closed rounds that the rules keep no longer, round by round, sorted.

    Args:
        root: the data root.
        rounds: every round; open ones are passed over.
        rules: how long each kind of thing is kept.
        now: the moment to judge by (UTC).
    """
    for round_ in rounds:
        if round_.open:
            continue
        over = round_.deadline or round_.snapshot_date
        due = {what for what, rule in rules.items() if (now.date() - over).days > rule.days}
        if "deliveries_not_counting" in due:
            yield from _deliveries(root, round_.name, now)
        single: tuple[tuple[Kept, UPath], ...] = (
            ("delivered_rows", storage.table_file(root, "delivered_rows", round_.name)),
            ("told_alerts", root / ALERTS / f"{round_.name}.json"),
        )
        yield from (Due(what, round_.name, path) for what, path in single if what in due and path.exists())


def _deliveries(root: UPath, round_name: str, now: dt.datetime) -> Iterator[Due]:
    """The deliveries that the round's last night found not to count, of municipalities whose one that counts is there."""
    path = storage.table_file(root, "delivery_log", round_name)
    if not path.exists():
        return
    log = storage.read_parquet(path)
    counting = set(log.filter(pl.col("status") == "current").select("municipality_code", "sha256").iter_rows())
    inbox = storage.inbox(root, round_name)
    with storage.local_inbox(inbox) as folder:
        found = [(file, _sha256(file)) for file in find_files(folder, now=now)[0]]
    lost = {code for code, _ in counting - {(file.municipality_code, sha256) for file, sha256 in found}}
    for file, sha256 in found:
        if file.municipality_code not in lost and _counts_not(log, file, sha256):
            delivered = inbox / file.municipality_code / file.name
            known = (file.municipality_code, file.received_at, sha256)
            yield Due("deliveries_not_counting", round_name, delivered, *known)


def _counts_not(log: pl.DataFrame, file: InboxFile, sha256: str | None) -> bool:
    """Whether the log has this very file, and nowhere as one that counts. Names in it may be masked, so several may fit."""
    named = log.filter(
        (pl.col("municipality_code") == file.municipality_code)
        & (pl.col("file") == file.shown_name)
        & (pl.col("received_at") == file.received_at)
    )
    fitting = named.filter(pl.col("sha256").is_null() | (pl.col("sha256") == (sha256 or "")))
    return not fitting.is_empty() and bool(fitting["status"].is_in(_NOT_COUNTING).all())


def _sha256(file: InboxFile) -> str | None:
    """The checksum of a delivery; None for what is no regular file, which the inbox has refused to open."""
    path = Path(file.path)
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def note(root: UPath, told: Sequence[dict[str, Any]], now: dt.datetime) -> None:
    """Appends what goes to `purged/<date>.jsonl`, one line each; written before anything goes, so that nothing goes untold."""
    path = root / "purged" / f"{now:%Y-%m-%d}.jsonl"
    before = path.read_bytes() if path.exists() else b""
    lines = "".join(json.dumps({"at": now.isoformat(), **entry}) + "\n" for entry in told)
    storage.write_bytes(path, before + lines.encode())


def remove(due: Due) -> None:
    """Removes a file; one that is gone already stays gone, and so does a folder that was handed in as one stay.

    Raises:
        StorageError: this machine refused it.
    """
    try:
        due.path.unlink(missing_ok=True)
    except IsADirectoryError:
        return
    except OSError as error:
        raise StorageError(f"a file of round {due.round_name} cannot be removed ({error.strerror})") from None
