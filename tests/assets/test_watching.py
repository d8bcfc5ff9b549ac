"""Who is told when: at the end of a night, by the sensors, by `botilbud heartbeat`; and what `botilbud purge` removes."""

import datetime as dt
import json
import re

import dagster as dg
import pytest
import stamina
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import TickData, TickStatus
from typer.testing import CliRunner
from upath import UPath

from assets import cli, cli_operations, watching
from assets.definitions import build_defs
from assets.instance import dagster_instance
from assets.run_history import give_back_space, old_runs, old_ticks, remove_run, remove_ticks
from assets.settings import PROJECT
from pipelines.heartbeat import beat
from schemas import rounds
from schemas.errors import BotilbudError, QualityError
from schemas.retention import load_rules
from tests.scenario import ROUND
from tests.unit.alerts_scenario import webhook

PLANTED = "planted remark 4711"
OTHER = "2024-10-01"


@pytest.fixture(autouse=True)
def quick_retries():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def posted(monkeypatch):
    """What a webhook of the settings was sent."""
    with webhook(200) as (address, contents):
        monkeypatch.setenv("BOTILBUD_ALERT_WEBHOOK", address)
        yield contents


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def failing_job(error):
    @dg.op
    def refuses():
        raise error

    @dg.job
    def nightly():
        refuses()

    return nightly


def run(job, instance, *, tags=None):
    tags = {"dagster/partition": ROUND.name} | (tags or {})
    return job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)


@dg.job(name="nightly")
def good_job():
    @dg.op
    def works():
        pass

    works()


def told(sensor, result, instance, event):
    """Lets a sensor see a run, as the daemon would."""
    run_ = instance.get_run_by_id(result.run_id)
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name, dagster_event=event, dagster_instance=instance, dagster_run=run_
    )
    sensor(context.for_run_failure() if sensor is watching.failed_night else context)


def failed(result, instance):
    told(watching.failed_night, result, instance, result.get_run_failure_event())


def test_a_failure_that_the_product_names_is_told_and_any_other_only_by_its_kind():
    with dg.DagsterInstance.ephemeral() as instance:
        ours = run(failing_job(QualityError("the gate stopped:\n two expectations")), instance)
        foreign = run(failing_job(ValueError(PLANTED)), instance)
        dressed = run(failing_job(RuntimeError(f"schemas.errors.QualityError: {PLANTED}")), instance)
    assert watching.failures_of(ours.all_events) == ["refuses: the gate stopped: two expectations"]
    hidden = "(its text may hold an answer and is not shown)"
    assert watching.failures_of(foreign.all_events) == [f"refuses: ValueError {hidden}"]
    assert watching.failures_of(dressed.all_events) == [f"refuses: RuntimeError {hidden}"]


def test_a_run_that_failed_before_its_first_step_says_so():
    assert watching.failures_of([]) == ["kørslen fejlede, før et trin gik i gang"]


def test_the_sensor_tells_of_a_run_that_the_daemon_made(posted):
    with dg.DagsterInstance.ephemeral() as instance:
        failed(run(failing_job(QualityError("stopped")), instance), instance)
        failed(run(failing_job(ValueError(PLANTED)), instance), instance)
    assert [content["kind"] for _, _, content in posted] == ["failure", "failure"]
    assert "- refuses: stopped\n" in posted[0][2]["text"]
    assert PLANTED not in str(posted)


@pytest.mark.parametrize("tags", [watching.COMMAND_TAGS, {"dagster/will_retry": "true"}])
def test_the_sensor_leaves_alone_what_the_command_tells_or_what_is_tried_again(posted, tags):
    with dg.DagsterInstance.ephemeral() as instance:
        failed(run(failing_job(QualityError("stopped")), instance, tags=tags), instance)
        good = run(good_job, instance, tags=tags)
        if tags is watching.COMMAND_TAGS:
            told(watching.good_night, good, instance, good.get_run_success_event())
    assert posted == []


def test_a_good_night_without_a_new_warning_tells_nothing(posted):
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(good_job, instance)
        told(watching.good_night, result, instance, result.get_run_success_event())
    assert posted == []


def test_without_a_channel_nothing_is_said_and_nothing_is_noted(capsys, tmp_path):
    watching.after_night(ROUND.name, ["release: stopped"])
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "data").exists()


def test_an_alert_that_cannot_be_sent_is_one_line_and_no_error(capsys, monkeypatch, unused_port):
    for address, line in (
        (f"http://127.0.0.1:{unused_port}/hemmelig", "the webhook at 127.0.0.1 cannot be used (ConnectError)"),
        ("hemmelig", "BOTILBUD_ALERT_WEBHOOK is no http:// or https:// address"),
    ):
        monkeypatch.setenv("BOTILBUD_ALERT_WEBHOOK", address)
        watching.after_night(ROUND.name, ["release: stopped"])
        assert capsys.readouterr().err == f"alert not sent: {line}\n"


def test_whatever_goes_wrong_while_an_alert_is_made_stops_no_night(capsys, monkeypatch, posted):
    def broken(*_):
        raise ValueError(PLANTED)

    monkeypatch.setattr(watching, "tell_of_night", broken)
    watching.after_night(ROUND.name, [])
    error = capsys.readouterr().err
    assert re.fullmatch(
        r"alert not sent: ValueError; at assets/watching\.py:\d+, .*\n|alert not sent: ValueError; .*\n", error
    )
    assert PLANTED not in error
    assert posted == []


@pytest.fixture
def one_open_round(monkeypatch):
    """Round 2022-10-01 is open, the other one closed."""
    closed = rounds.load_rounds()[OTHER].model_copy(update={"open": False})
    monkeypatch.setattr(rounds, "load_rounds", lambda: {ROUND.name: ROUND, OTHER: closed})


@pytest.mark.usefixtures("one_open_round")
def test_heartbeat_lists_every_round_and_is_content_with_a_fresh_one(tmp_path, posted):
    now = dt.datetime.now(dt.UTC)
    beat(UPath(tmp_path / "data"), ROUND.name, "run", None, now)
    heard = CliRunner().invoke(cli.app, ["heartbeat"])
    assert heard.exit_code == 0
    first, second = heard.stdout.splitlines()
    assert re.fullmatch(
        r"Runde 2022-10-01: Seneste vellykkede kørsel sluttede \d\d-\d\d-\d{4} kl\. \d\d\.\d\d\.", first
    )
    assert second == "Runde 2024-10-01: Lukket."
    assert posted == []


@pytest.mark.usefixtures("one_open_round")
def test_heartbeat_fails_for_a_late_round_and_tells_it_once(posted):
    for _ in range(2):
        heard = CliRunner().invoke(cli.app, ["heartbeat"])
        assert heard.exit_code == 1
        assert heard.stdout.splitlines()[0] == (
            "Runde 2022-10-01: Der er ingen vellykket kørsel. Forsinket: Nattens kørsel er endnu ikke lykkedes."
        )
        assert heard.stderr == ""
    assert [content["kind"] for _, _, content in posted] == ["lateness"]


@pytest.mark.usefixtures("one_open_round")
def test_heartbeat_names_how_late_a_round_is_or_that_a_clock_was_wrong(tmp_path):
    for hours, why in (
        (-31, "er ikke lykkedes i 30 timer."),
        (31, "er noteret med et tidspunkt, der endnu ikke er kommet"),
    ):
        at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
        beat(UPath(tmp_path / "data"), ROUND.name, "run", None, at)
        heard = CliRunner().invoke(cli.app, ["heartbeat"])
        assert heard.exit_code == 1
        assert f". Forsinket: Nattens kørsel {why}" in heard.stdout.splitlines()[0]


@pytest.mark.usefixtures("one_open_round")
def test_heartbeat_says_when_its_alert_cannot_be_sent(monkeypatch, unused_port):
    monkeypatch.setenv("BOTILBUD_ALERT_WEBHOOK", f"http://127.0.0.1:{unused_port}/hemmelig")
    heard = CliRunner().invoke(cli.app, ["heartbeat"])
    assert (heard.exit_code, heard.stderr.count("\n")) == (1, 1)
    assert heard.stderr.startswith("alert not sent: the webhook at 127.0.0.1")
    monkeypatch.setenv("BOTILBUD_ALERT_WEBHOOK", "hemmelig")
    heard = CliRunner().invoke(cli.app, ["heartbeat"])
    assert heard.stderr == "alert not sent: BOTILBUD_ALERT_WEBHOOK is no http:// or https:// address\n"


@pytest.mark.usefixtures("one_open_round")
def test_heartbeat_without_a_channel_says_nothing_of_alerts():
    heard = CliRunner().invoke(cli.app, ["heartbeat"])
    assert (heard.exit_code, heard.stderr) == (1, "")


@pytest.mark.usefixtures("home")
def test_of_each_round_the_newest_run_and_the_newest_good_one_are_kept():
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    bad_job = failing_job(QualityError("stopped"))
    with dagster_instance() as instance:
        first, second = run(good_job, instance), run(good_job, instance)
        third, fourth = run(bad_job, instance), run(bad_job, instance)
        other = run(good_job, instance, tags={"dagster/partition": OTHER})
        assert old_runs(instance, later) == [third.run_id, first.run_id]
        assert old_runs(instance, later - dt.timedelta(days=2)) == []
        remove_run(instance, first.run_id)
        assert instance.get_run_by_id(first.run_id) is None
        assert list(instance.all_logs(first.run_id)) == []
        for kept in (second, third, fourth, other):
            assert len(list(instance.all_logs(kept.run_id))) > 0


@pytest.mark.usefixtures("home")
def test_a_run_that_has_not_ended_is_never_old():
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    with dagster_instance() as instance:
        started = instance.create_run_for_job(
            good_job, status=dg.DagsterRunStatus.STARTED, tags={"dagster/partition": ROUND.name}
        )
        run(good_job, instance)
        assert old_runs(instance, later) == []
        assert instance.get_run_by_id(started.run_id) is not None


def checked_asset_job():
    @dg.asset(check_specs=[dg.AssetCheckSpec("fine", asset="table")])
    def table():
        yield dg.AssetCheckResult(passed=True, metadata={"note": "x" * 20_000})
        yield dg.MaterializeResult(metadata={"note": "x" * 20_000})

    job = dg.define_asset_job("nightly", selection="*")
    return dg.Definitions(assets=[table], jobs=[job]).resolve_job_def("nightly")


def rows_of(instance, run_id):
    """How many rows the instance's databases hold of a run, by table."""
    held = {}
    with instance.event_log_storage.index_connection() as connection:
        for table in ("event_logs", "asset_check_executions"):
            asked = f"SELECT count(*) FROM {table} WHERE run_id = ?"  # noqa: S608 - a name of ours
            held[table] = connection.exec_driver_sql(asked, (run_id,)).scalar()
    with instance.run_storage.connect() as connection:
        for table in ("runs", "run_tags"):
            asked = f"SELECT count(*) FROM {table} WHERE run_id = ?"  # noqa: S608 - a name of ours
            held[table] = connection.exec_driver_sql(asked, (run_id,)).scalar()
    return held


def test_a_run_goes_with_everything_that_dagster_keeps_of_it_and_its_space_is_given_back(home):
    # When this breaks: Dagster has got other tables; see what else names a run's id, and remove it in run_history.
    with dagster_instance() as instance:
        old = [run(checked_asset_job(), instance) for _ in range(4)]
        log = next(home.rglob("*.db"), None)
        assert log is not None
        before = rows_of(instance, old[0].run_id)
        assert all(count > 0 for count in before.values())
        full = sum(path.stat().st_size for path in home.rglob("*.db*"))
        for result in old[:3]:
            remove_run(instance, result.run_id)
        assert set(rows_of(instance, old[0].run_id).values()) == {0}
        assert all(count > 0 for count in rows_of(instance, old[3].run_id).values())
        assert give_back_space(instance)
        assert sum(path.stat().st_size for path in home.rglob("*.db*")) < full


def tick(instance, at):
    instance.create_tick(
        TickData(
            instigator_origin_id="origin",
            instigator_name="new_deliveries",
            instigator_type=InstigatorType.SENSOR,
            status=TickStatus.SKIPPED,
            timestamp=at.timestamp(),
            selector_id="selector",
        )
    )


@pytest.mark.usefixtures("home")
def test_old_ticks_go_and_young_ones_stay(monkeypatch):
    class State:
        instigator_origin_id = "origin"
        selector_id = "selector"

    now = dt.datetime.now(dt.UTC)
    with dagster_instance() as instance:
        monkeypatch.setattr(type(instance), "all_instigator_state", lambda _: [State()])
        tick(instance, now - dt.timedelta(days=31))
        tick(instance, now)
        assert old_ticks(instance, now - dt.timedelta(days=30)) == 1
        remove_ticks(instance, now - dt.timedelta(days=30))
        assert old_ticks(instance, now + dt.timedelta(days=1)) == 1


def purge(*arguments):
    return CliRunner().invoke(cli.app, ["purge", *arguments])


def after(days):
    return str(dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days))


@pytest.mark.usefixtures("home")
def test_a_dry_run_tells_and_removes_nothing_and_a_purge_notes_what_went(tmp_path, monkeypatch):
    with dagster_instance() as instance:
        first = run(good_job, instance)
        run(good_job, instance)
    half_a_year = load_rules()["dagster_runs"].days + 2
    dry = purge("--dry-run", "--today", after(half_a_year))
    assert dry.exit_code == 0
    assert dry.stdout.splitlines()[:2] == [
        "Det ville blive slettet:",
        "- 1 Dagster-kørsler med deres hændelser (gemmes i 180 dage)",
    ]
    assert not (tmp_path / "data").exists()
    assert purge().stdout.splitlines()[1].startswith("- 0 Dagster-kørsler"), "they are young"
    monkeypatch.setattr(cli_operations.clock, "now", lambda: dt.datetime.now(dt.UTC) + dt.timedelta(days=half_a_year))
    gone = purge()
    assert (gone.exit_code, gone.stderr) == (0, "")
    with dagster_instance() as instance:
        assert instance.get_run_by_id(first.run_id) is None
    (noted,) = (tmp_path / "data" / "purged").iterdir()
    assert noted.name == f"{after(half_a_year)}.jsonl"
    assert [(line["what"], line["run"]) for line in map(json.loads, noted.read_text().splitlines())] == [
        ("dagster_runs", first.run_id)
    ]
    assert purge().stdout.splitlines()[1].startswith("- 0 Dagster-kørsler")


@pytest.mark.usefixtures("home")
def test_a_purge_is_never_judged_by_another_day_than_today(tmp_path):
    refused = purge("--today", after(0))
    assert isinstance(refused.exception, BotilbudError)
    assert str(refused.exception).startswith("--today kan kun bruges sammen med --dry-run")
    assert not (tmp_path / "data").exists()


def test_the_project_tries_crashed_runs_again_and_no_refused_ones(tmp_path):
    settings = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    ref = InstanceRef.from_dir(str(tmp_path), config_dir=str(PROJECT))
    assert ref.settings["run_retries"] == settings["run_retries"]
    assert settings["run_retries"]["retry_on_asset_or_op_failure"] is False
    with dagster_instance() as instance:
        assert (instance.run_retries_enabled, instance.run_retries_max_retries) == (True, 2)
        assert instance.run_retries_retry_on_asset_or_op_failure is False
        assert (instance.run_monitoring_enabled, instance.run_monitoring_max_runtime_seconds) == (True, 7_200)
        assert instance.freshness_enabled


def test_the_code_location_has_the_sensors_and_a_release_that_must_be_fresh():
    definitions = build_defs()
    assert {"failed_night", "good_night"} <= {sensor.name for sensor in definitions.sensors}
    graph = definitions.resolve_asset_graph()
    assert graph.get(dg.AssetKey("release")).freshness_policy is not None
    assert watching.failed_night.default_status == dg.DefaultSensorStatus.RUNNING
    assert watching.good_night.default_status == dg.DefaultSensorStatus.RUNNING
