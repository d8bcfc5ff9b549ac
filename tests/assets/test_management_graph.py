"""A year of management information through Dagster in-process: from extracts to the release. The extracts are made up."""

import io
import json
import os

import dagster as dg
import polars as pl
import pytest
from upath import UPath

from pipelines.release.manifest import differences
from pipelines.release.trace import trace
from schemas.years import load_years
from tests.assets.graph import definitions, failures, files_below, untimed_files_below
from tests.assets.management import YEAR, hand_in_extracts, hand_in_grants, run, run_year, table
from tests.assets.test_data_versions import stale

pytestmark = pytest.mark.slow

# Made up, and nothing else looks like them.
CITIZEN, INITIATIVE, CPR_LIKE, PRICE = "plantet-borger-4711", "plantet-tiltag-4712", "010190-0000", 1_987_601

# What others read, as they were promised it.
PROMISED = {
    "monthly_active_cases": ("municipality_code", "month", "service_area", "active_cases"),
    "full_year_cases": (
        *("municipality_code", "year", "service_area", "full_year_cases", "cost_dkk", "unit_cost_dkk"),
        "basis",
    ),
    "cases_over_threshold": ("municipality_code", "year", "cases"),
    "refunds": ("municipality_code", "year", "refund_dkk", "citizens"),
    "forecast": ("municipality_code", "year", "line", "forecast_dkk", "budget_dkk", "deviation_dkk"),
}


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """One night of one year on the demonstration extracts, and one with planted marks."""
    root = tmp_path_factory.mktemp("year")
    hand_in_extracts(root)
    planted = [f"{CITIZEN}-{n};1980;sel_108;private;01-01-2022;;{PRICE + n};year;{INITIATIVE}" for n in range(9)]
    hand_in_grants(root, "147", [*planted, f"{CPR_LIKE};1980;sel_108;private;01-01-2022;;{PRICE};year;"])
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(root, instance)
        assert result.success, failures(result)
        yield root, instance, result


def release_of(root, year=YEAR):
    folder = root / "releases" / year
    return folder / json.loads((folder / "latest.json").read_bytes())["release"]


def test_every_asset_of_the_group_is_partitioned_by_year(tmp_path):
    graph = definitions(tmp_path).resolve_asset_graph()
    nodes = [node for node in graph.asset_nodes if node.group_name == "management_information"]
    assert len(nodes) == 15
    assert all(node.partitions_def.get_partition_keys() == list(load_years()) for node in nodes)


@pytest.mark.parametrize("name", PROMISED)
def test_the_tables_that_others_read_have_the_columns_they_were_promised(night, name):
    root, _, _ = night
    assert set(PROMISED[name]) <= set(table(root, name).columns)


def test_areas_add_up_and_every_participant_has_every_area(night):
    root, _, _ = night
    cases = table(root, "full_year_cases")
    assert cases.group_by("municipality_code").len()["len"].unique().to_list() == [14 + 6 + 1]
    sums = cases.group_by("municipality_code", "service_area_level").agg(pl.col("cost_dkk").sum())
    assert sums.group_by("municipality_code").agg(pl.col("cost_dkk").n_unique())["cost_dkk"].unique().to_list() == [1]


def test_every_row_of_an_extract_that_counts_is_accounted_for(night):
    root, _, _ = night
    log = table(root, "extract_log", "all").filter(status="current")
    assert log["rows"].sum() == log["accepted"].sum() + log["rejected"].sum() > 0
    assert log.filter(extract="grants")["accepted"].sum() == table(root, "grants", "all").height


def test_every_check_of_the_year_is_met_but_those_that_ask_for_a_look(night):
    _, _, result = night
    unmet = {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}
    assert unmet == {"is_of_the_years_quarter"}
    names = {check.check_name for check in result.get_asset_check_evaluations()}
    assert {"costs_of_areas_add_up", "gives_no_price_away", "agrees_with_the_screening"} <= names


def test_the_release_agrees_with_its_manifest_and_shows_each_municipality_its_own_alone(night):
    root, _, _ = night
    release = release_of(root)
    assert differences(release) == []
    assert sorted(path.name for path in (release / "shared").iterdir()) == [
        f"service_area_benchmarks.{extension}" for extension in ("csv", "parquet", "xlsx")
    ]
    for folder in (release / "municipalities").iterdir():
        for path in folder.glob("*.parquet"):
            frame = pl.read_parquet(path)
            if "municipality_code" in frame.columns:
                assert set(frame["municipality_code"]) <= {folder.name}, path
            else:
                areas = frame.select("area_type", "area_code").unique().rows()
                assert set(areas) == {("country", "000"), ("municipality", folder.name)}


def test_no_unit_cost_of_few_citizens_is_shared(night):
    root, _, _ = night
    shared = pl.read_parquet(release_of(root) / "shared" / "service_area_benchmarks.parquet")
    behind = (
        table(root, "full_year_cases")
        .rename({"municipality_code": "area_code"})
        .select("area_code", "service_area", "citizens")
    )
    few = (
        shared.filter(area_type="municipality")
        .join(behind, on=["area_code", "service_area"])
        .filter(pl.col("citizens").is_between(1, 4))
    )
    assert few.height > 0
    assert few["unit_cost_dkk"].null_count() == few.height
    assert set(few["unit_cost_status"]) == {"suppressed"}
    assert (shared["full_year_cases"].drop_nulls() % 3 == 0).all()


def test_no_case_level_value_reaches_an_event_a_log_entry_or_metadata_or_what_others_see(night):
    root, instance, _ = night
    told = "\n".join(repr(event) for run_ in instance.get_runs() for event in instance.all_logs(run_.run_id))
    assert len(instance.get_runs()) == 2
    own = f"municipalities{os.sep}147"
    others = {path: content for path, content in files_below(release_of(root)).items() if own not in path}
    tables = "\n".join(
        pl.read_parquet(io.BytesIO(content)).select(~pl.selectors.nested()).write_csv()
        for path, content in others.items()
        if path.endswith("parquet")
    )
    assert table(root, "grants", "all")["citizen_id"].str.contains(CITIZEN.replace("-", "")).sum() == 9
    for mark in (CITIZEN, CITIZEN.replace("-", ""), INITIATIVE, INITIATIVE.replace("-", ""), str(PRICE)):
        assert mark not in told
        assert mark not in tables
        assert not [path for path, content in others.items() if mark.encode() in content]


def test_no_cpr_number_of_an_extract_lies_outside_the_inbox(night):
    root, instance, _ = night
    assert table(root, "extract_rejected_rows", "all").filter(municipality_code="147")["rule"].to_list() == ["cpr"]
    for mark in (CPR_LIKE, CPR_LIKE.replace("-", "")):
        assert mark not in "\n".join(repr(e) for run_ in instance.get_runs() for e in instance.all_logs(run_.run_id))
        for path in root.rglob("*.parquet"):
            if "inbox" not in path.parts:
                assert mark not in pl.read_parquet(path).select(pl.selectors.string()).write_csv(), path


def test_a_shared_figure_is_traced_to_the_extracts_and_the_population(night):
    root, _, _ = night
    file = UPath(release_of(root)) / "shared" / "service_area_benchmarks.parquet"
    found = trace(
        file, "area_type=municipality,area_code=461,service_area_level=all", "full_year_cases_per_1000"
    ).document()
    assert found["table"] == "shared_service_area_benchmarks"
    (inputs,) = found["inputs"]
    assert {delivery["municipality_code"] for delivery in inputs["deliveries"]} == {"461"}
    assert inputs["population"]["quarter"] == "2020K1"
    assert {each["table"] for each in inputs["tables"]} >= {"grants", "extract_log", "extracts", "folk1a"}


def test_an_unchanged_night_writes_the_same_bytes_and_no_new_release(tmp_path):
    hand_in_extracts(tmp_path)
    nights = []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            assert run(tmp_path, instance).success
            assert stale(instance, tmp_path, YEAR) == set()
            found = untimed_files_below(tmp_path)
            nights.append({path: content for path, content in found.items() if "management_quality" not in path})
    assert nights[0] == nights[1]


def test_a_year_without_thresholds_stops_what_needs_them_and_names_the_line_to_add(tmp_path):
    hand_in_extracts(tmp_path)
    (tmp_path / "reference" / "refund_thresholds.csv").unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(tmp_path, instance, "2023")
    assert not result.success
    ((step, message),) = failures(result)
    assert step == "refunds"
    assert "reference/refund_thresholds.csv: there are no thresholds for 2023; add the line `2023;" in message
    assert table(tmp_path, "full_year_cases", "2023").height > 0
    assert not (tmp_path / "releases" / "2023").exists()


def test_a_new_extract_makes_a_new_release_whose_changes_are_explained_and_leaves_the_old_one(tmp_path):
    hand_in_extracts(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(tmp_path, instance).success
        first = release_of(tmp_path)
        before = files_below(first)
        rows = [f"opdigtet-{n};1980;sel_104;private;01-01-2022;;{20_000 + n};month;" for n in range(9)]
        hand_in_grants(tmp_path, "101", rows)
        result = run(tmp_path, instance)
        assert result.success, failures(result)
    second = release_of(tmp_path)
    assert second != first
    assert files_below(first) == before
    assert differences(second) == []
    changes = pl.read_parquet(second / "changes.parquet")
    assert set(changes["reason"]) == {"late_delivery"}


def test_tables_of_another_reading_of_the_extracts_make_no_release(tmp_path):
    hand_in_extracts(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(tmp_path, instance).success
        next((tmp_path / "inbox" / "grants" / "461").iterdir()).unlink()
        job = definitions(tmp_path).resolve_job_def("nightly_extracts")
        assert job.execute_in_process(instance=instance, raise_on_error=False).success
        job = definitions(tmp_path).resolve_job_def("management_information")
        alone = job.execute_in_process(
            partition_key=YEAR,
            instance=instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey("management_release")],
        )
    assert not alone.success
    ((step, message),) = failures(alone)
    assert step == "management_release"
    assert "materialise the whole" in message


def test_without_extracts_a_year_succeeds_and_makes_no_release(tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions(tmp_path).resolve_job_def("nightly_extracts")
        assert job.execute_in_process(instance=instance, raise_on_error=False).success
        result = run_year(tmp_path, instance)
    assert result.success, failures(result)
    assert not (tmp_path / "releases").exists()
