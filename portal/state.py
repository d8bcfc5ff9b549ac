"""The portal's own database, one file in its state folder. Each module makes and reads its own tables."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

NAME = "portal.sqlite3"
_PATIENCE_SECONDS = 30


@contextmanager
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one transaction: committed at the end, rolled back by an error.

    Args:
        folder: the state folder; made, for its owner alone, where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(sqlite3.connect(folder / NAME, timeout=_PATIENCE_SECONDS)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection


class _Reader:
    """A connection that one thread reads by, again and again: opening it takes longer than what is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = sqlite3.connect(folder / NAME, timeout=_PATIENCE_SECONDS)
        self.connection.row_factory = sqlite3.Row
        # Opened as read-only, the file could not be read where no writer has its log open.
        self.connection.execute("PRAGMA query_only = ON")

    def __del__(self) -> None:
        """Closes it, when its thread ends or reads from another folder."""
        self.connection.close()


_OF_THREAD = threading.local()


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, what one moment held; it waits for no writer, and none waits for it.

    Args:
        folder: the state folder, in which the tables asked for were made by `database`.
    """
    reader: _Reader | None = getattr(_OF_THREAD, "reader", None)
    if reader is None or reader.folder != folder:
        _OF_THREAD.reader = reader = _Reader(folder)
    with reader.connection as connection:
        connection.execute("BEGIN")
        yield connection


@contextmanager
def kept_open(folder: Path) -> Iterator[None]:
    """Keeps the database open for as long as a process serves, which makes every `reading` several times faster.

    The last connection to close tidies up, and the next to open begins anew: with one that stays, none is the last.

    Args:
        folder: the state folder.
    """
    with closing(sqlite3.connect(folder / NAME, timeout=_PATIENCE_SECONDS)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        yield
