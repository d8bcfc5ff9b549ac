"""The whole graph on a small round, through Dagster in-process."""

import json

import dagster as dg
import polars as pl
import pytest

from assets.reference import folk1a
from pipelines.release.manifest import differences
from tests.assets.graph import definitions, files_below, materialise, table
from tests.scenario import COMMENT, ROUND, hand_in, row, small_round
from tests.upstream.statbank_server import AGES, Reply, StatBankServer, figures, persons, reply_body, reply_lines

CPR_LIKE = "010190-0000"  # made up


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """One night on the small round, with a CPR-like number planted and the population from a local StatBank."""
    root = tmp_path_factory.mktemp("night")
    small_round(root)
    hand_in(root, "165", [row("165", 1), row("165", 2), row("165", 3, comment=CPR_LIKE)], name=f"{CPR_LIKE}.csv")
    with dg.DagsterInstance.ephemeral() as instance, StatBankServer(quarters=("2022K4",)) as statbank:
        result = materialise(root, instance, statbank.url)
        assert result.success
        yield root, instance, result


def test_a_rate_is_eligible_cases_per_1000_residents_of_the_rounds_quarter(night):
    root, _, _ = night
    rates = {
        code: (cases, rate)
        for code, cases, rate in table(root, "case_rates")
        .select("municipality_code", "cases", "rate_per_1000")
        .iter_rows()
    }
    residents = sum(persons("461", age) for age in AGES)
    assert rates["461"] == (4, 4 / residents * 1_000)
    assert rates["563"] == (0, 0)
    assert set(rates) == {"101", "147", "151", "153", "157", "165", "183", "461", "563"}
    assert set(table(root, "case_rates")["population_quarter"]) == {"2022K4"}


def test_every_row_handed_in_is_accounted_for(night):
    root, _, _ = night
    log = table(root, "delivery_log")
    assert log["rows"].sum() == 3 + 2 + 3 + 1 + 1 + 3 + 2 + 6 + 0
    assert (log["eligible"].sum(), log["out_of_scope"].sum(), log["rejected"].sum()) == (17, 2, 2)
    assert table(root, "responses").height == 17 + 2


def test_no_answer_and_no_cpr_number_reaches_an_event_a_log_entry_or_metadata(night):
    _, instance, result = night
    told = "\n".join(
        [repr(event) for event in instance.all_logs(result.run_id)] + [repr(event) for event in result.all_events]
    )
    for secret in (COMMENT, CPR_LIKE, CPR_LIKE.replace("-", ""), "sag-1", "Regjonen", "1.999.999"):
        assert secret not in told


def test_no_cpr_number_lies_outside_the_inbox(night):
    root, _, _ = night
    for path, content in files_below(root).items():
        if not path.startswith("inbox"):
            assert CPR_LIKE.encode() not in content, path
            assert CPR_LIKE.encode() not in path.encode()
    for path in (root / "warehouse").rglob("*.parquet"):
        frame = pl.read_parquet(path).select(pl.selectors.string())
        assert not any(CPR_LIKE in (value or "") for column in frame for value in column), path


def test_the_release_agrees_with_its_manifest_and_tells_the_population_it_divides_by(night):
    root, _, result = night
    folder = root / "releases" / ROUND.name
    latest = json.loads((folder / "latest.json").read_bytes())
    assert differences(folder / latest["release"]) == []
    assert latest["population_quarter"] == "2022K4"
    materialised = result.asset_materializations_for_node("release")[0].metadata
    assert materialised["release"].value == latest["release"]


def test_shared_files_show_a_single_municipalitys_main_groups_and_providers_rounded_and_nothing_else_of_it(night):
    root, _, _ = night
    release = next(p for p in (root / "releases" / ROUND.name).iterdir() if p.is_dir())
    for name in ("target_groups", "provider_types", "question_answers"):
        frame = pl.read_parquet(release / "shared" / f"{name}.parquet")
        own = frame.filter(pl.col("area_type") == "municipality")
        assert set(frame["area_type"]) - {"municipality"} == {"country", "region", "municipality_group"}
        assert set(own["value_status"]) == (set() if name == "question_answers" else {"rounded"})
        assert (own["cases"] % 3).sum() == 0
        assert own.filter(pl.col("rounding_base") != 3).is_empty()
        if name == "target_groups":
            assert set(own["target_group_level"]) == {"main"}
        others = frame.filter(pl.col("area_type") != "municipality")
        assert set(others["value_status"]) <= {"published", "suppressed"}
        small = others.filter(pl.col("cases").is_between(1, 4))
        assert small.is_empty()
    assert "comment" not in {c for p in (release / "shared").glob("*.parquet") for c in pl.read_parquet_schema(p)}


def test_a_region_with_too_few_participants_is_suppressed_and_never_absent(night):
    root, _, _ = night
    shared = table(root, "shared_provider_types")
    # Syddanmark has 2 participants, Hovedstaden 7: Syddanmark alone would be the country less Hovedstaden.
    regions = shared.filter(pl.col("area_type") == "region")
    assert regions["area_code"].unique().sort().to_list() == ["083", "084"]
    assert set(regions["value_status"]) == {"suppressed"}
    assert regions["cases"].null_count() == regions.height == 6


def test_a_municipalitys_folder_holds_its_own_rows_only(night):
    root, _, _ = night
    release = next(p for p in (root / "releases" / ROUND.name).iterdir() if p.is_dir())
    for folder in (release / "municipalities").iterdir():
        for path in folder.glob("*.parquet"):
            frame = pl.read_parquet(path)
            if "municipality_code" in frame.columns:
                assert set(frame["municipality_code"]) <= {folder.name}, path
            if "area_type" in frame.columns:
                areas = frame.select("area_type", "area_code").unique().rows()
                assert set(areas) == {("country", "000"), ("municipality", folder.name)}
    assert (release / "municipalities" / "461" / "correction.xlsx").exists()
    assert not (release / "municipalities" / "183" / "correction.xlsx").exists()


def test_validation_shows_as_asset_checks(night):
    _, _, result = night
    checks = {(c.asset_key.to_user_string(), c.check_name): c for c in result.get_asset_check_evaluations()}
    assert all(c.passed for (_, name), c in checks.items() if name == "follows_its_schema")
    assert len([name for _, name in checks if name == "follows_its_schema"]) == 22
    assert checks["disclosure_audit", "gives_no_small_count_away"].passed
    assert checks["delivery_log", "conserves_rows"].passed
    assert checks["population", "is_of_the_rounds_quarter"].passed
    rejected = checks["rejected_rows", "rejects_no_row"]
    assert (rejected.passed, rejected.severity, rejected.metadata["rejected_rows"].value) == (
        False,
        dg.AssetCheckSeverity.WARN,
        2,
    )


@pytest.mark.slow
def test_a_second_night_writes_the_same_bytes_and_no_new_release(tmp_path):
    small_round(tmp_path)
    nights = []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(3):
            assert materialise(tmp_path, instance).success
            nights.append(files_below(tmp_path))
    heartbeat, quality = (
        f"heartbeat/{ROUND.name}.json",
        ("warehouse/quality_report/", f"documentation/{ROUND.name}/quality/"),
    )
    assert nights[0].keys() == nights[1].keys() == nights[2].keys()
    # From the second night on the gate has a release to compare with.
    assert all(path == heartbeat or path.startswith(quality) for path in differing(*nights[:2]))
    assert differing(*nights[1:]) == {heartbeat}


def differing(one, other):
    return {path for path in one if one[path] != other[path]}


@pytest.mark.slow
def test_a_changed_delivery_makes_a_new_release_and_leaves_the_old_one_as_it_was(tmp_path):
    small_round(tmp_path)
    releases = tmp_path / "releases" / ROUND.name
    with dg.DagsterInstance.ephemeral() as instance:
        materialise(tmp_path, instance)
        first = json.loads((releases / "latest.json").read_bytes())["release"]
        before = files_below(releases / first)
        hand_in(tmp_path, "101", [row("101", i) for i in range(5)], name="20221102T080000Z__ny.csv")
        materialise(tmp_path, instance)
    second = json.loads((releases / "latest.json").read_bytes())["release"]
    assert second != first
    assert files_below(releases / first) == before
    assert differences(releases / second) == []


@pytest.mark.slow
def test_an_incomplete_population_stops_the_night_and_leaves_the_last_release(tmp_path):
    small_round(tmp_path)
    releases = tmp_path / "releases" / ROUND.name
    with dg.DagsterInstance.ephemeral() as instance, StatBankServer(quarters=("2022K4",)) as statbank:
        materialise(tmp_path, instance)
        before = files_below(releases)
        hand_in(tmp_path, "101", [row("101", i) for i in range(5)], name="20221102T080000Z__ny.csv")
        areas = figures()
        del areas["461"]
        statbank.scripted.append(Reply(200, reply_body(reply_lines(areas, "2022K4"))))
        result = materialise(tmp_path, instance, statbank.url)
    assert not result.success
    failures = [e.step_key for e in result.all_events if e.is_step_failure]
    assert failures == ["population"]
    assert files_below(releases) == before


def test_a_population_of_another_quarter_is_a_warning_and_stands_in_the_release(tmp_path):
    small_round(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialise(tmp_path, instance)
    check = next(c for c in result.get_asset_check_evaluations() if c.check_name == "is_of_the_rounds_quarter")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    releases = tmp_path / "releases" / ROUND.name
    latest = json.loads((releases / "latest.json").read_bytes())
    document = json.loads((releases / latest["release"] / "datapackage.json").read_bytes())
    assert (latest["population_quarter"], document["populationQuarter"]) == ("2020K1", "2020K1")
    assert "2022K4 kunne ikke hentes" in document["description"]


def test_an_empty_inbox_succeeds_and_makes_no_release(tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise(tmp_path, instance).success
    assert not (tmp_path / "releases").exists()


def test_one_municipality_alone_shows_no_breakdown_to_others(tmp_path):
    hand_in(tmp_path, "101", [row("101", 1), row("101", 2)])
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise(tmp_path, instance).success
    assert (
        table(tmp_path, "shared_question_answers")["cases"].null_count()
        == table(tmp_path, "shared_question_answers").height
    )
    findings = table(tmp_path, "shared_key_findings")
    assert findings["numerator"].null_count() == findings["share"].null_count() == findings.height


def test_dagsters_own_tools_can_load_the_code_location(tmp_path):
    # Names of jobs and of what makes assets share one space, which only a whole repository looks at.
    assert definitions(tmp_path).get_repository_def().get_all_jobs()


def test_every_asset_says_what_it_is(tmp_path):
    specs = definitions(tmp_path).resolve_asset_graph()
    of_rounds = {"deliveries", "responses", "reference", "benchmark", "disclosure", "quality", "release"}
    assert {node.group_name for node in specs.asset_nodes} == of_rounds | {"extracts", "management_information"}
    for node in specs.asset_nodes:
        assert node.description, node.key
        assert node.owners, node.key
        assert node.kinds, node.key
        assert node.tags, node.key
        if node.key == folk1a.key:
            continue
        assert node.code_version, node.key
        if node.key.path[-1] not in ("inbox", "release", "extracts", "management_release"):
            columns = node.metadata["dagster/column_schema"].columns
            assert all(column.description and column.type for column in columns), node.key
