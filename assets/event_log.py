"""Dagster's event log in one SQLite file, over one connection pool. Named in `dagster.yaml`; holds nothing of its own.

Dagster's class opens the file anew, and compiles its statements anew, for every event and every question: two thirds of
what a night's bookkeeping takes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event

BUSY_SECONDS = 30


class PooledSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """The same log; a connection is used again, and writes need not reach the disk one by one (the file is a WAL)."""

    @cached_property
    def _engine(self) -> Engine:
        engine = create_engine(self._conn_string, connect_args={"timeout": BUSY_SECONDS})

        @event.listens_for(engine, "connect")
        def _relax(connection, _):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - SQLAlchemy's signature
            connection.execute("PRAGMA synchronous=NORMAL")

        return engine

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection
