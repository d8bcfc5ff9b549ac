"""The schedule and the sensor."""

import datetime as dt
import json

import dagster as dg
import pytest

from assets.delivering import without_values
from assets.jobs import new_deliveries, nightly_schedule
from assets.resources import DataRoot
from assets.untold import UnexpectedError
from schemas.rounds import load_rounds
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
