"""The last good night of every round, and which rounds are late."""

import datetime as dt

import pytest
from upath import UPath

from pipelines.heartbeat import Beat, beat, last_beat, late
from pipelines.release.basis import _NOT_A_SETTING
from schemas.rounds import find_round

ROUND = find_round("2022-10-01")
CLOSED = ROUND.model_copy(update={"open": False})
NIGHT = dt.datetime(2022, 12, 1, 1, 5, tzinfo=dt.UTC)


@pytest.fixture
def root(tmp_path):
    return UPath(tmp_path)


def test_a_round_without_a_good_night_has_no_heartbeat_and_is_late(root):
    assert last_beat(root, ROUND.name) is None
    assert late(root, [ROUND], NIGHT) == [(ROUND, None)]


def test_the_last_good_night_replaces_the_one_before(root):
    beat(root, ROUND.name, "first", None, NIGHT - dt.timedelta(days=1))
    beat(root, ROUND.name, "second", "0123456789abcdef", NIGHT)
    assert last_beat(root, ROUND.name) == Beat("second", "0123456789abcdef", NIGHT)
    assert [path.name for path in (root / "heartbeat").iterdir()] == [f"{ROUND.name}.json"]


def test_a_round_is_late_once_its_hours_are_over_and_not_before(root):
    beat(root, ROUND.name, "run", None, NIGHT)
    allowed = dt.timedelta(hours=30)
    assert late(root, [ROUND], NIGHT + allowed) == []
    assert late(root, [ROUND], NIGHT + allowed + dt.timedelta(seconds=1)) == [(ROUND, Beat("run", None, NIGHT))]
    patient = ROUND.model_copy(update={"fresh_within_hours": 31})
    assert late(root, [patient], NIGHT + allowed + dt.timedelta(seconds=1)) == []


def test_a_night_from_the_future_is_late_unless_clocks_differ_by_so_little(root):
    beat(root, ROUND.name, "run", None, NIGHT)
    minutes = dt.timedelta(minutes=5)
    assert late(root, [ROUND], NIGHT - minutes) == []
    assert late(root, [ROUND], NIGHT - minutes - dt.timedelta(seconds=1)) == [(ROUND, Beat("run", None, NIGHT))]
    assert late(root, [CLOSED], NIGHT - dt.timedelta(days=400)) == []


def test_a_closed_round_is_never_late(root):
    assert late(root, [CLOSED], NIGHT) == []


def test_each_round_has_a_heartbeat_of_its_own(root):
    other = find_round("2024-10-01")
    beat(root, ROUND.name, "run", None, NIGHT)
    assert late(root, [ROUND, other], NIGHT) == [(other, None)]


def test_how_long_a_night_may_stay_away_is_no_setting_that_figures_depend_on():
    assert "fresh_within_hours" in _NOT_A_SETTING
    assert ROUND.fresh_within_hours == 30
