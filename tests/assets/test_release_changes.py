"""Two releases of the whole graph: what `changes.parquet` holds is what differs, and nothing unexplained is released."""

import json
import shutil

import dagster as dg
import polars as pl
import pytest

import assets.benchmark
from pipelines.release.manifest import differences
from tests.assets.commands import botilbud
from tests.assets.graph import materialise
from tests.scenario import ROUND, hand_in, row, small_round

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first_night(tmp_path_factory):
    root = tmp_path_factory.mktemp("changes") / "data"
    small_round(root)
    night(root)
    return root


@pytest.fixture
def root(first_night, tmp_path):
    return shutil.copytree(first_night, tmp_path / "data")


def night(root):
    with dg.DagsterInstance.ephemeral() as instance:
        return materialise(root, instance)


def folder(root):
    return root / "releases" / ROUND.name


def current(root):
    release = json.loads((folder(root) / "latest.json").read_bytes())["release"]
    return folder(root) / release


def cells(release):
    """Every value of every table but what tells where a row came from: written anew, without the product's comparison."""
    keys = {
        "case_rates": ["municipality_code"],
        "area_averages": ["area_type", "area_code"],
        "funnel_limits": ["population_18_66"],
        "round_changes": ["municipality_code"],
        "target_groups": ["area_type", "area_code", "target_group_level", "target_group"],
        "provider_types": ["area_type", "area_code", "provider_type"],
        "question_answers": ["area_type", "area_code", "question", "answer"],
        "key_findings": ["finding"],
        "responses": ["municipality_code", "case_id"],
        "rejected_rows": ["municipality_code", "row", "question", "rule"],
        "delivery_log": ["municipality_code", "received_at", "file"],
    }
    found = {}
    for path in sorted(release.rglob("*.parquet")):
        if path.stem == "changes":
            continue
        key = keys[path.stem]
        for each in pl.read_parquet(path).iter_rows(named=True):
            for column, value in each.items():
                places = {"round", "figures_from_release", *key}
                places |= {"delivery"} if path.stem == "delivery_log" else {"file"}
                places |= {"row"} if path.stem == "responses" else set()
                if column not in places and value is not None:
                    at = (str(path.relative_to(release)), tuple(str(each[name]) for name in key), column)
                    found[at] = str(value)
    return found


def test_after_one_corrected_row_the_changes_are_exactly_the_values_that_moved(root):
    before = current(root)
    hand_in(
        root, "183", [row("183", 1, provider="Egen kommune"), row("183", 2, age="31")], name="20221201T080000Z__ny.csv"
    )
    assert night(root).success
    after = current(root)
    assert after.name != before.name
    old, new = cells(before), cells(after)
    moved = {at: (old.get(at), new.get(at)) for at in old.keys() | new.keys() if old.get(at) != new.get(at)}
    changes = pl.read_parquet(after / "changes.parquet")
    assert changes.height == len(moved)
    assert {(file, column) for file, _, column in moved} == set(changes.select("file", "column").iter_rows())
    assert set(changes["reason"]) == {"corrected_delivery"}
    responses = changes.filter(pl.col("file") == "municipalities/183/responses.parquet").rows()
    assert responses == [
        (
            "municipalities/183/responses.parquet",
            "municipality_code=183; case_id=sag-2",
            "age",
            "51",
            "31",
            "corrected_delivery",
        )
    ]
    # No other municipality's own figures moved, and the rates of all are as they were.
    assert {file.split("/")[1] for file in changes["file"] if file.startswith("municipalities/")} == {"183"}
    assert "shared/case_rates.parquet" not in changes["file"].to_list()
    assert differences(after) == []


def test_a_late_delivery_and_a_correction_in_one_night_are_told_apart(root):
    hand_in(root, "165", [row("165", 1), row("165", 2)])
    hand_in(root, "147", [row("147", 0)], name="20221201T080000Z__ny.csv")
    assert night(root).success
    changes = pl.read_parquet(current(root) / "changes.parquet")
    rates = changes.filter(pl.col("file") == "shared/case_rates.parquet", pl.col("column") == "cases")
    assert rates.select("key", "old", "new", "reason").rows() == [
        ("municipality_code=147", "2", "1", "corrected_delivery"),
        ("municipality_code=165", None, "2", "late_delivery"),
    ]
    country = changes.filter(pl.col("key") == "area_type=country; area_code=000", pl.col("column") == "cases")
    assert country.filter(pl.col("file") == "shared/area_averages.parquet")["reason"].to_list() == [
        "late_delivery+corrected_delivery"
    ]


def test_a_figure_that_moves_without_a_reason_stops_the_release_and_the_pointer_stays(root, monkeypatch):
    before = current(root)
    plain = assets.benchmark.statistics.with_spread

    def other_median(*arguments):
        return plain(*arguments).with_columns(pl.col("median_rate_per_1000") * 1.5)

    monkeypatch.setattr(assets.benchmark.statistics, "with_spread", other_median)
    result = night(root)
    assert not result.success
    failures = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    assert [event.step_key for event in result.all_events if event.is_step_failure] == ["release"]
    error = failures[0]
    while error.cause is not None:
        error = error.cause
    assert "no delivery, population or method version explains it: shared/" in error.message
    assert current(root) == before
    # Declared, the same difference is released with its reason.
    monkeypatch.setattr("pipelines.release.basis.METHOD_VERSION", "2")
    assert night(root).success
    changes = pl.read_parquet(current(root) / "changes.parquet")
    assert set(changes["reason"]) == {"method_version"}


def test_a_consultant_accepts_promotes_and_withdraws_by_command_and_the_night_keeps_to_it(root):
    arguments = ["--round", ROUND.name, "--name", "En konsulent", "--reason", "Gennemgået med kommunerne"]
    warned = current(root)
    unaccepted = botilbud(root, "release", "promote", warned.name, *arguments)
    assert (unaccepted.returncode, unaccepted.stdout) == (1, "")
    assert f"release {warned.name} has warnings that nobody accepted" in unaccepted.stderr
    for warning in json.loads((warned / "datapackage.json").read_bytes())["warnings"]:
        assert botilbud(root, "quality", "accept", warning["warningId"], *arguments).returncode == 0
    assert night(root).success
    first = current(root)
    accepted = json.loads((first / "datapackage.json").read_bytes())["warnings"]
    assert {warning["accepted"]["by"] for warning in accepted} == {"En konsulent"}
    assert pl.read_parquet(first / "changes.parquet").is_empty()
    hand_in(root, "183", [row("183", 1)], name="20221201T080000Z__ny.csv")
    assert night(root).success
    second = current(root)
    promoted = botilbud(root, "release", "promote", first.name, *arguments)
    assert (promoted.returncode, promoted.stdout) == (0, f"Udgivelse {first.name} er nu endelig.\n")
    withdrawn = botilbud(root, "release", "withdraw", "latest", *arguments)
    assert withdrawn.stdout == f"Udgivelse {second.name} er trukket tilbage. Nu gælder udgivelse {first.name}.\n"
    assert current(root) == first
    night_after = botilbud(root, "nightly", "--round", ROUND.name)
    assert night_after.returncode == 0
    assert f"Intet nyt er udgivet: udgivelse {second.name} er trukket tilbage" in night_after.stdout
    assert current(root) == first
    listed = botilbud(root, "release", "list", "--round", ROUND.name).stdout.splitlines()
    assert [line.split() for line in listed if not line.startswith("  ")] == [
        [second.name, "trukket", "tilbage"],
        [first.name, "endelig"],
        [warned.name, "foreløbig"],
    ]
    refused = botilbud(root, "release", "promote", second.name, *arguments)
    assert (refused.returncode, refused.stderr) == (1, f"release {second.name} is withdrawn; it cannot become final\n")
