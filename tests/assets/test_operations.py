"""What docs/operations.md promises of alerts, of a restored backup, and of a closed round after a purge."""

import datetime as dt
import shutil

import dagster as dg
import pytest
from upath import UPath

from pipelines.heartbeat import last_beat
from pipelines.release.life import current_release, releases
from pipelines.release.manifest import differences
from pipelines.retention.purging import due_files, remove
from schemas.retention import load_rules
from tests.assets.commands import botilbud
from tests.assets.graph import failures, files_below, materialise, table
from tests.scenario import COMMENT, ROUND, hand_in, row, small_round
from tests.unit.alerts_scenario import webhook

SAVED = ("inbox", "releases", "decisions", "accepted_warnings", "secrets", "reference", "portal")
NEWER = "20221102T080000Z__rettet.csv"


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory):
    """A root after one night, in which 101 handed in twice."""
    root = tmp_path_factory.mktemp("night") / "data"
    small_round(root)
    hand_in(root, "101", [row("101", i) for i in range(4)], name=NEWER)
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise(root, instance).success
    return root


def night(root):
    with dg.DagsterInstance.ephemeral() as instance:
        return materialise(root, instance)


@pytest.mark.slow
def test_a_night_tells_its_warnings_once_and_its_failure_and_never_an_answer(tmp_path, monkeypatch):
    root = tmp_path / "data"
    small_round(root)
    with webhook(200) as (address, posted):
        monkeypatch.setenv("BOTILBUD_ALERT_WEBHOOK", address)
        for _ in range(2):
            good = botilbud(root, "nightly", "--round", ROUND.name)
            assert (good.returncode, good.stderr) == (0, "")
        assert [content["kind"] for _, _, content in posted] == ["warnings"]
        assert last_beat(UPath(root), ROUND.name).release == current_release(UPath(root), ROUND.name)
        shutil.rmtree(root / "inbox" / ROUND.name / "461")
        bad = botilbud(root, "nightly", "--round", ROUND.name)
    assert bad.returncode == 1
    assert [content["kind"] for _, _, content in posted] == ["warnings", "failure"]
    assert "Kvalitetskontrollen stopper udgivelsen." in posted[1][2]["text"]
    assert "Hvor: Odense (461)\n" in posted[1][2]["text"]
    for _, _, content in posted:
        assert COMMENT not in content["text"]
        assert "sager.csv" not in content["text"]


@pytest.mark.slow
def test_a_night_whose_alert_cannot_be_sent_ends_as_it_would_without(tmp_path, monkeypatch, unused_port):
    root = tmp_path / "data"
    hand_in(root, "147", [row("147", 1)])
    (root / "warehouse").write_text("a file in the way", encoding="utf-8")
    without = botilbud(root, "nightly", "--round", ROUND.name)
    monkeypatch.setenv("BOTILBUD_ALERT_WEBHOOK", f"http://127.0.0.1:{unused_port}/hemmelig")
    night = botilbud(root, "nightly", "--round", ROUND.name)
    assert (night.returncode, night.stdout) == (without.returncode, without.stdout) == (1, "")
    fault = "alert not sent: the webhook at 127.0.0.1 cannot be used (ConnectError)\n"
    assert night.stderr == without.stderr + fault


@pytest.mark.slow
def test_a_restored_backup_has_its_releases_whole_and_the_next_night_makes_no_new_one(after_a_night, tmp_path):
    root = tmp_path / "restored"
    for part in SAVED:
        if (after_a_night / part).exists():
            shutil.copytree(after_a_night / part, root / part)
    release = current_release(UPath(root), ROUND.name)
    before = files_below(root / "releases")
    assert differences(UPath(root) / "releases" / ROUND.name / release) == []
    assert night(root).success
    assert files_below(root / "releases") == before
    assert table(root, "responses").equals(table(after_a_night, "responses"))


@pytest.mark.slow
def test_a_closed_round_that_was_purged_keeps_its_release_and_says_so_when_it_is_run_again(after_a_night, tmp_path):
    root = tmp_path / "purged"
    shutil.copytree(after_a_night, root)
    closed = ROUND.model_copy(update={"open": False})
    later = dt.datetime(2024, 12, 31, tzinfo=dt.UTC)
    due = list(due_files(UPath(root), [closed], load_rules(), later))
    assert [entry.what for entry in due] == ["deliveries_not_counting", "delivered_rows"]
    for entry in due:
        remove(entry)
    assert [path.name for path in (root / "inbox" / ROUND.name / "101").iterdir()] == [NEWER]
    release = current_release(UPath(root), ROUND.name)
    ((step, message),) = failures(night(root))
    assert step == "release"
    assert "Lay back deliveries that are gone from the inbox" in message
    assert releases(UPath(root), ROUND.name) == [release]
    assert differences(UPath(root) / "releases" / ROUND.name / release) == []
    assert table(root, "responses").equals(table(after_a_night, "responses"))


@pytest.mark.slow
def test_a_delivery_that_counted_and_is_gone_stops_the_release(after_a_night, tmp_path):
    root = tmp_path / "lost"
    shutil.copytree(after_a_night, root)
    shutil.rmtree(root / "inbox" / ROUND.name / "461")
    release = current_release(UPath(root), ROUND.name)
    assert not night(root).success
    assert releases(UPath(root), ROUND.name) == [release]
