"""The schedule and the sensor."""

import datetime as dt
import json

import dagster as dg
import pytest

from assets.delivering import without_values
from assets.jobs import extracts_schedule, new_deliveries, new_extracts, nightly_schedule
from assets.resources import DataRoot
from assets.untold import UnexpectedError
from assets.watching import COMMAND_TAGS, read_extracts
from schemas.rounds import load_rounds
from schemas.years import open_years
from tests.scenario import ROUND, hand_in, row


def tick(root, cursor):
    context = dg.build_sensor_context(cursor=cursor, resources={"data": DataRoot(location=str(root))})
    result = new_deliveries(context)
    return (
        [request.partition_key for request in result.run_requests],
        [r.run_key for r in result.run_requests],
        result.cursor,
    )


def test_the_schedule_runs_at_two_danish_time_and_is_on():
    assert nightly_schedule.cron_schedule == "0 2 * * *"
    assert nightly_schedule.execution_timezone == "Europe/Copenhagen"
    assert nightly_schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_the_schedule_asks_for_every_open_round():
    context = dg.build_schedule_context(scheduled_execution_time=dt.datetime(2022, 12, 1, 1, tzinfo=dt.UTC))
    requested = [request.partition_key for request in nightly_schedule(context)]
    assert requested == [r.name for r in load_rounds().values() if r.open]


def test_the_sensor_starts_a_round_once_its_changed_inbox_lay_still_for_a_tick(tmp_path):
    assert tick(tmp_path, None)[0] == []
    hand_in(tmp_path, "101", [row("101", 1)])
    started, _, cursor = tick(tmp_path, None)
    assert started == []
    started, keys, cursor = tick(tmp_path, cursor)
    assert started == [ROUND.name]
    assert tick(tmp_path, cursor)[0] == []
    hand_in(tmp_path, "147", [row("147", 1)])
    started, _, cursor = tick(tmp_path, cursor)
    assert started == []
    hand_in(tmp_path, "151", [row("151", 1)])
    started, _, cursor = tick(tmp_path, cursor)
    assert started == [], "it still changes"
    started, more_keys, cursor = tick(tmp_path, cursor)
    assert started == [ROUND.name]
    assert keys != more_keys


def test_an_inbox_that_returns_to_an_earlier_state_is_a_change(tmp_path):
    hand_in(tmp_path, "101", [row("101", 1)])
    cursor = tick(tmp_path, None)[2]
    _, first, cursor = tick(tmp_path, cursor)
    extra = hand_in(tmp_path, "147", [row("147", 1)])
    cursor = tick(tmp_path, cursor)[2]
    _, second, cursor = tick(tmp_path, cursor)
    extra.unlink()
    cursor = tick(tmp_path, cursor)[2]
    _, third, _ = tick(tmp_path, cursor)
    assert len({*first, *second, *third}) == 3


def test_the_sensors_cursor_holds_no_file_name(tmp_path):
    hand_in(tmp_path, "101", [row("101", 1)], name="hemmelig.csv")
    cursor = tick(tmp_path, None)[2]
    assert "hemmelig" not in cursor
    assert set(json.loads(cursor)) == {r.name for r in load_rounds().values() if r.open}


def lay_extract(root, name="20250228T080000Z__udtraek.csv"):
    path = root / "inbox" / "grants" / "101" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("citizen_id", encoding="utf-8")


def asked_by_the_schedule(root):
    context = dg.build_schedule_context()
    (asked,) = extracts_schedule(context, data=DataRoot(location=str(root)))
    return asked


def test_the_schedule_reads_the_extracts_at_three_danish_time_once_there_are_some(tmp_path):
    assert extracts_schedule.cron_schedule == "0 3 * * *"
    assert extracts_schedule.execution_timezone == "Europe/Copenhagen"
    assert extracts_schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert isinstance(asked_by_the_schedule(tmp_path), dg.SkipReason)
    lay_extract(tmp_path)
    assert isinstance(asked_by_the_schedule(tmp_path), dg.RunRequest)


def test_the_sensor_reads_the_extracts_once_their_inboxes_lay_still_for_a_tick(tmp_path):
    def tick_of_extracts(cursor):
        context = dg.build_sensor_context(cursor=cursor, resources={"data": DataRoot(location=str(tmp_path))})
        result = new_extracts(context)
        return len(result.run_requests), result.cursor

    assert tick_of_extracts(None)[0] == 0
    lay_extract(tmp_path)
    started, cursor = tick_of_extracts(None)
    assert started == 0
    started, cursor = tick_of_extracts(cursor)
    assert started == 1
    assert tick_of_extracts(cursor)[0] == 0
    lay_extract(tmp_path, "20250301T080000Z__hemmelig.csv")
    started, cursor = tick_of_extracts(cursor)
    assert (started, "hemmelig" in cursor) == (0, False)
    assert tick_of_extracts(cursor)[0] == 1


@pytest.mark.parametrize(("tags", "started"), [({}, [year.name for year in open_years()]), (COMMAND_TAGS, [])])
def test_the_open_years_follow_when_the_daemon_has_read_the_extracts(tags, started):
    @dg.op
    def nothing():
        pass

    @dg.job(name="nightly_extracts")
    def extracts():
        nothing()

    with dg.DagsterInstance.ephemeral() as instance:
        run = extracts.execute_in_process(instance=instance, tags=tags)
        context = dg.build_run_status_sensor_context(
            sensor_name="read_extracts",
            dagster_instance=instance,
            dagster_run=run.dagster_run,
            dagster_event=run.get_run_success_event(),
        )
        requests = list(read_extracts(context))
    assert [request.partition_key for request in requests] == started
    assert len({request.run_key for request in requests}) == len(started)


class Panic(BaseException):
    """As polars raises it: no Exception."""


def test_a_panic_is_told_without_its_text_and_what_stops_the_process_passes():
    @without_values
    def asset(error):
        yield from ()
        raise error

    with pytest.raises(UnexpectedError) as told:
        list(asset(Panic("planted answer")))
    assert "planted answer" not in str(told.value)
    with pytest.raises(KeyboardInterrupt):
        list(asset(KeyboardInterrupt()))


def test_an_error_that_is_not_the_products_own_is_told_without_its_text():
    @without_values
    def asset():
        yield from ()
        int("planted answer")

    try:
        list(asset())
    except UnexpectedError as error:
        told = error
    assert "planted answer" not in str(told)
    assert "ValueError" in str(told)
    assert told.__suppress_context__
