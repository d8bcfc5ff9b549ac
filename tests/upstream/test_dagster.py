"""What is leaned on of Dagster beyond its documented interface, and of polars' writer."""

import io

import dagster as dg
import polars as pl
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage

from assets.event_log import PooledSqliteEventLogStorage
from assets.instance import dagster_instance
from assets.settings import PROJECT
from pipelines.storage import parquet_bytes
from tests.assets.commands import dagster_home


def test_the_event_log_asks_for_every_connection_in_one_place(tmp_path):
    # When this breaks: see what ConsolidatedSqliteEventLogStorage calls instead of _connect, and override that. Without
    # the override everything works, slower; drop assets/event_log.py when Dagster keeps its connections.
    storage = PooledSqliteEventLogStorage(str(tmp_path))
    for name in ("_connect", "run_connection", "index_connection", "has_table"):
        assert hasattr(ConsolidatedSqliteEventLogStorage, name)
    with storage.index_connection() as first, storage.run_connection("run") as second:
        assert first.engine is second.engine
    with storage.index_connection() as again:
        assert again.exec_driver_sql("PRAGMA synchronous").scalar() == 1  # NORMAL


def test_an_instance_can_be_made_from_the_projects_settings_with_absolute_folders(tmp_path):
    # When this breaks: `botilbud nightly` cannot share its run history with `dagster dev`; set DAGSTER_HOME instead.
    ref = InstanceRef.from_dir(
        str(tmp_path),
        config_dir=str(PROJECT),
        overrides={
            "event_log_storage": {
                "module": "assets.event_log",
                "class": "PooledSqliteEventLogStorage",
                "config": {"base_dir": str(tmp_path)},
            }
        },
    )
    assert ref.event_storage_data.class_name == "PooledSqliteEventLogStorage"
    assert ref.settings["telemetry"] == {"enabled": False}


def test_a_dagster_home_is_used_when_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home(tmp_path / "home")))
    with dagster_instance() as instance:
        assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
        assert instance.telemetry_enabled is False
    assert (tmp_path / "home" / "storage").exists()


def test_an_error_raised_from_none_takes_no_other_error_into_the_event_log():
    # When this breaks: the text of a library's error, which may hold an answer, reaches the event log.
    @dg.op
    def fails():
        try:
            int("planted answer")
        except ValueError:
            raise RuntimeError("told") from None

    @dg.job
    def job():
        fails()

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        events = [repr(event) for event in instance.all_logs(result.run_id)]
    assert any("told" in event for event in events)
    assert not any("planted answer" in event for event in events)


def test_the_same_frame_gives_the_same_parquet_bytes_and_keeps_enum_text_for_others():
    # When this breaks: releases of unchanged nights get new ids; find the writer's option that brings in chance.
    frame = pl.DataFrame(
        {
            "code": ["007", None, "147"] * 5_000,
            "answer": pl.Series(["no", "yes", None] * 5_000, dtype=pl.Enum(["yes", "no"])),
        }
    )
    content = parquet_bytes(frame)
    assert all(parquet_bytes(frame) == content for _ in range(5))
    assert pl.read_parquet(io.BytesIO(content)).equals(frame)
