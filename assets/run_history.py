"""Dagster's own history: which runs and ticks are old, and their removal with all that the instance keeps of them."""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs.schema import RunTagsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from sqlalchemy import Connection

from assets.event_log import BUSY_SECONDS

_PARTITION = "dagster/partition"


def old_runs(instance: dg.DagsterInstance, before: dt.datetime) -> list[str]:
    """The runs that ended before a moment (UTC), newest first; each round's newest run and newest good run are kept."""
    kept: set[tuple[str | None, bool]] = set()
    old = []
    for record in instance.get_run_records():  # newest first
        run = record.dagster_run
        newest = {(run.tags.get(_PARTITION), False), (run.tags.get(_PARTITION), run.is_success)}
        ended = record.end_time or record.update_timestamp.timestamp()
        if newest <= kept and run.status in FINISHED_STATUSES and ended < before.timestamp():
            old.append(run.run_id)
        kept |= newest
    return old


def remove_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Removes a run, its events, its tags and the results of its checks (Dagster itself leaves the last two behind)."""
    instance.delete_run(run_id)
    events, runs = instance.event_log_storage, instance.run_storage
    if isinstance(events, SqlEventLogStorage):
        with events.index_connection() as connection:
            table = AssetCheckExecutionsTable
            connection.execute(table.delete().where(table.c.run_id == run_id))
    if isinstance(runs, SqlRunStorage):
        with runs.connect() as connection:
            connection.execute(RunTagsTable.delete().where(RunTagsTable.c.run_id == run_id))


def old_ticks(instance: dg.DagsterInstance, before: dt.datetime) -> int:
    """How many ticks of schedules and sensors are older than a moment (UTC)."""
    states = instance.all_instigator_state()
    before_seconds = before.timestamp()
    return sum(
        len(instance.get_ticks(state.instigator_origin_id, state.selector_id, before=before_seconds))
        for state in states
    )


def remove_ticks(instance: dg.DagsterInstance, before: dt.datetime) -> None:
    """Removes the ticks that are older than a moment (UTC)."""
    for state in instance.all_instigator_state():
        instance.purge_ticks(state.instigator_origin_id, state.selector_id, before.timestamp())


def give_back_space(instance: dg.DagsterInstance) -> bool:
    """Packs the SQLite files of the instance, which do not shrink by themselves.

    Returns:
        Whether all could be packed; one that another process is writing to is left for the next time.
    """
    try:
        for database in sorted(_databases(instance)):
            with contextlib.closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        return False
    return True


def _databases(instance: dg.DagsterInstance) -> Iterator[str]:
    events, runs, schedules = instance.event_log_storage, instance.run_storage, instance.schedule_storage
    if isinstance(events, SqlEventLogStorage):
        with events.index_connection() as connection:
            yield from _sqlite_file(connection)
    for storage in (runs, schedules):
        if isinstance(storage, (SqlRunStorage, SqlScheduleStorage)):
            with storage.connect() as connection:
                yield from _sqlite_file(connection)


def _sqlite_file(connection: Connection) -> Iterator[str]:
    url = connection.engine.url
    if url.get_backend_name() == "sqlite" and url.database:
        yield url.database
