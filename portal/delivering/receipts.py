"""Receipts for what was handed in through the portal, and how they meet what the night made of it.

What belongs here: which deliveries a municipality has, by whatever way they came. What does not: how one is handed in
(`desk`). A receipt holds counts and the sender's file name, no answer.
"""

import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.ingest.text import printable
from portal import state

Status = Literal["pending", "current", "superseded", "rejected"]
STATUS_DA: dict[Status, str] = {
    "pending": "afventer nattens kørsel",
    "current": "tæller",
    "superseded": "erstattet",
    "rejected": "afvist",
}

_RECEIPT = """
    round_name TEXT NOT NULL,
    municipality_code TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    file TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    received_at TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    eligible INTEGER NOT NULL,
    out_of_scope INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
"""
_TABLES = (
    f"""
CREATE TABLE IF NOT EXISTS receipts ({_RECEIPT}
    PRIMARY KEY (round_name, municipality_code, sequence)
) STRICT
""",
    f"""
CREATE TABLE IF NOT EXISTS under_way ({_RECEIPT}
    draft TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (round_name, municipality_code)
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS confirmations (
    draft TEXT PRIMARY KEY,
    round_name TEXT NOT NULL,
    municipality_code TEXT NOT NULL,
    sequence INTEGER NOT NULL
) STRICT
""",
)


class Receipt(NamedTuple):
    """One file laid into the inbox: its name there, when it was received (UTC), and what the check found in it.

    `sequence` counts a municipality's deliveries of a round from 1; `sender_name` is as it may be shown.
    """

    round_name: str
    municipality_code: str
    sequence: int
    file: str
    sender_name: str
    received_at: dt.datetime
    sha256: str
    bytes: int
    rows: int
    eligible: int
    out_of_scope: int
    rejected: int


class UnderWay(NamedTuple):
    """A delivery that has begun to be laid into the inbox: the receipt it will have, its draft, and who confirmed it."""

    receipt: Receipt
    draft: str
    subject: str


class HandedIn(NamedTuple):
    """One delivery and what became of it.

    Counts are the night's where it has read the file, else the check's. `sender_name`, `bytes` and `draft` (under which
    the receipt is found) are None where it did not come through the portal; `rule` and `message` unless it is rejected.
    """

    municipality_code: str
    file: str
    sender_name: str | None
    received_at: dt.datetime
    status: Status
    sha256: str | None
    bytes: int | None
    rows: int | None
    eligible: int | None
    out_of_scope: int | None
    rejected: int | None
    rule: str | None
    message: str | None
    draft: str | None

    @property
    def status_da(self) -> str:
        """The status in words."""
        return STATUS_DA[self.status]


class Receipts:
    """The receipts of a state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with state.database(folder) as connection:
            for table in _TABLES:
                connection.execute(table)

    def begin(self, delivery: UnderWay) -> None:
        """Keeps what is about to be laid into the inbox, so that a stop in the middle can be put right."""
        with state.database(self._folder) as connection:
            _insert(connection, "under_way", [*_values(delivery.receipt), delivery.draft, delivery.subject])

    def finish(self, delivery: UnderWay) -> None:
        """Gives the receipt of what lies in the inbox, found again by the draft that was confirmed."""
        with state.database(self._folder) as connection:
            _insert(connection, "receipts", _values(delivery.receipt))
            _confirm(connection, delivery.receipt, delivery.draft)
            _no_longer_under_way(connection, delivery)

    def give_up(self, delivery: UnderWay) -> None:
        """Forgets what did not come into the inbox."""
        with state.database(self._folder) as connection:
            _no_longer_under_way(connection, delivery)

    def under_way(self) -> list[UnderWay]:
        """What has begun and not ended: by another thread right now, or stopped."""
        found = self._select("SELECT * FROM under_way", ())
        return [UnderWay(_receipt(row), row["draft"], row["subject"]) for row in found]

    def count_since(self, round_name: str, municipality_code: str, moment: dt.datetime) -> int:
        """How many receipts a municipality got in a round after a moment (UTC)."""
        found = self._select(
            "SELECT count(*) FROM receipts WHERE round_name = ? AND municipality_code = ? AND received_at > ?",
            (round_name, municipality_code, moment.replace(microsecond=0).isoformat()),
        )
        return int(found[0][0])

    def confirm_again(self, receipt: Receipt, draft: str) -> None:
        """Lets another draft of the same bytes find the receipt that there is."""
        with state.database(self._folder) as connection:
            _confirm(connection, receipt, draft)

    def of_draft(self, draft: str, round_name: str, municipality_code: str) -> Receipt | None:
        """The receipt of a confirmed draft, if it is this municipality's and for this round."""
        found = self._select(
            "SELECT r.* FROM confirmations c JOIN receipts r USING (round_name, municipality_code, sequence) "
            "WHERE c.draft = ? AND c.round_name = ? AND c.municipality_code = ?",
            (draft, round_name, municipality_code),
        )
        return _receipt(found[0]) if found else None

    def newest(self, round_name: str, municipality_code: str) -> Receipt | None:
        """The last receipt of a municipality in a round."""
        found = self._select(
            "SELECT * FROM receipts WHERE round_name = ? AND municipality_code = ? ORDER BY sequence DESC LIMIT 1",
            (round_name, municipality_code),
        )
        return _receipt(found[0]) if found else None

    def with_drafts(self, round_name: str, municipality_code: str | None) -> list[tuple[Receipt, str]]:
        """Every receipt of a round and the draft it was first given for; of one municipality, or of all (None)."""
        found = self._select(
            "SELECT r.*, MIN(c.rowid), c.draft FROM receipts r JOIN confirmations c "
            "USING (round_name, municipality_code, sequence) "
            "WHERE r.round_name = ?1 AND (?2 IS NULL OR r.municipality_code = ?2) "
            "GROUP BY r.municipality_code, r.sequence",
            (round_name, municipality_code),
        )
        return [(_receipt(row), row["draft"]) for row in found]

    def _select(self, query: str, values: tuple[str | None, ...]) -> list[sqlite3.Row]:
        with state.reading(self._folder) as connection:
            return connection.execute(query, values).fetchall()


def _values(receipt: Receipt) -> list[str | int]:
    return [value.isoformat() if isinstance(value, dt.datetime) else value for value in receipt]


def _insert(connection: sqlite3.Connection, table: str, values: list[str | int]) -> None:
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608 - ours


def _no_longer_under_way(connection: sqlite3.Connection, delivery: UnderWay) -> None:
    connection.execute(
        "DELETE FROM under_way WHERE round_name = ? AND municipality_code = ?",
        (delivery.receipt.round_name, delivery.receipt.municipality_code),
    )


def _confirm(connection: sqlite3.Connection, receipt: Receipt, draft: str) -> None:
    connection.execute(
        "INSERT INTO confirmations VALUES (?, ?, ?, ?)",
        (draft, receipt.round_name, receipt.municipality_code, receipt.sequence),
    )


def _receipt(row: sqlite3.Row) -> Receipt:
    values = {name: row[name] for name in Receipt._fields}
    return Receipt(**values | {"received_at": dt.datetime.fromisoformat(values["received_at"])})


def handed_in(
    root: UPath, receipts: list[tuple[Receipt, str]], round_name: str, municipality_code: str | None
) -> list[HandedIn]:
    """The deliveries of a round, newest first: those with a receipt and those that the last night found.

    Args:
        root: the data root; its `delivery_log` may not be there yet.
        receipts: of the same round and municipality, each with its draft.
        round_name: the round.
        municipality_code: whose; None for everybody's.
    """
    # The log shows a name as it may be shown, which can differ from the name on disk.
    by_name: dict[tuple[str, str], tuple[Receipt, str]] = {
        (receipt.municipality_code, printable(receipt.file)): (receipt, draft) for receipt, draft in receipts
    }
    found = []
    for row in _log(root, round_name, municipality_code):
        receipt, draft = by_name.pop((row["municipality_code"], row["file"]), None) or (None, None)
        found.append(
            HandedIn(
                **row,
                sender_name=receipt.sender_name if receipt else None,
                bytes=receipt.bytes if receipt else None,
                draft=draft,
            )
        )
    found += [_pending(receipt, draft) for receipt, draft in by_name.values()]
    return sorted(found, key=lambda one: (one.received_at, one.file), reverse=True)


def _log(root: UPath, round_name: str, municipality_code: str | None) -> list[dict[str, Any]]:
    try:
        log = storage.scan_parquet(storage.table_file(root, "delivery_log", round_name))
    except FileNotFoundError:
        return []
    if municipality_code is not None:
        log = log.filter(pl.col("municipality_code") == municipality_code)
    return log.select(
        "municipality_code",
        "file",
        "received_at",
        "status",
        "sha256",
        "rows",
        "eligible",
        "out_of_scope",
        "rejected",
        "rule",
        "message",
    ).collect().to_dicts()  # fmt: skip


def _pending(receipt: Receipt, draft: str) -> HandedIn:
    return HandedIn(
        municipality_code=receipt.municipality_code,
        file=printable(receipt.file),
        sender_name=receipt.sender_name,
        received_at=receipt.received_at,
        status="pending",
        sha256=receipt.sha256,
        bytes=receipt.bytes,
        rows=receipt.rows,
        eligible=receipt.eligible,
        out_of_scope=receipt.out_of_scope,
        rejected=receipt.rejected,
        rule=None,
        message=None,
        draft=draft,
    )
