"""The gate on the demonstration data: each fault, put in by itself, stops the release and leaves the old one serving."""

import shutil
from dataclasses import replace

import dagster as dg
import polars as pl
import pytest

import assets.benchmark
import assets.disclosure
from assets.definitions import build_defs
from assets.resources import DataRoot, StatBank
from pipelines.demo.deliveries import deliveries
from pipelines.release.life import current_release
from pipelines.release.manifest import differences
from schemas import tables
from tests.assets.graph import failures, files_below, table
from tests.scenario import CATALOGUE, NO_STATBANK, ROUND, hand_in, row
from tests.upstream.statbank_server import StatBankServer

pytestmark = pytest.mark.slow


def night(root, statbank_url=NO_STATBANK):
    """A night on a data root, with the checks that did not pass: their severity by asset and name."""
    overrides = {"data": DataRoot(location=str(root)), "statbank": StatBank(url=statbank_url)}
    job = build_defs(resource_overrides=overrides).resolve_job_def("nightly")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(partition_key=ROUND.name, instance=instance, raise_on_error=False)
        checks = {
            (check.asset_key.path[-1], check.check_name): check
            for check in result.get_asset_check_evaluations()
            if not check.passed
        }
    return result, checks


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The demonstration round with one release, on the population of its own quarter."""
    root = tmp_path_factory.mktemp("demonstration") / "data"
    for file in deliveries(ROUND, CATALOGUE):
        path = root / "inbox" / ROUND.name / file.municipality_code / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    with StatBankServer(quarters=(ROUND.population_quarter,)) as statbank:
        result, checks = night(root, statbank.url)
    assert failures(result) == []
    assert all(check.severity == dg.AssetCheckSeverity.WARN for check in checks.values())
    return root


@pytest.fixture
def root(released, tmp_path):
    """The same in a data root of a test's own."""
    return shutil.copytree(released, tmp_path / "data")


def stopped(root, step, asset, check):
    """What a night with a fault says: this step fails, this check of this asset with severity ERROR, nothing is released."""
    before, serving = files_below(root / "releases"), current_release(root, ROUND.name)
    result, checks = night(root)
    assert not result.success
    told = dict(failures(result))
    assert set(told) == {step}
    assert checks[asset, check].severity == dg.AssetCheckSeverity.ERROR
    assert files_below(root / "releases") == before
    assert current_release(root, ROUND.name) == serving
    assert differences(root / "releases" / ROUND.name / serving) == []
    return told[step], checks[asset, check]


def gate(root, asset, expectation):
    """What the gate says of an expectation that stops the release: the message, the check, and the row of its report."""
    message, check = stopped(root, "judge_quality", asset, expectation)
    found = table(root, "quality_report").row(by_predicate=pl.col("expectation") == expectation, named=True)
    assert (found["severity"], found["met"]) == ("stop", False)
    assert expectation in message
    assert check.metadata["rows_failing"].value == found["rows_failing"] > 0
    assert check.metadata["what_to_do"].value == found["action_da"]
    assert found["expectation"] in (root / "documentation" / ROUND.name / "quality" / "index.html").read_text("utf-8")
    return found


def test_a_breakdown_that_does_not_add_up_stops_the_release(root, monkeypatch):
    right = assets.benchmark.breakdowns.provider_types

    def one_case_too_many(counts, rates):
        found = right(counts, rates)
        is_odense = (pl.col("area_code") == "461") & (pl.col("provider_type") == "private")
        return found.with_columns(cases=pl.col("cases") + is_odense.cast(pl.Int64))

    monkeypatch.setattr(assets.benchmark.breakdowns, "provider_types", one_case_too_many)
    found = gate(root, "provider_types", "provider_types_add_up_to_cases")
    assert found["failing_keys"] == ["municipality 461 provider_type"]


def test_a_population_quarter_that_is_missing_stops_the_release(root):
    shutil.rmtree(root / "reference")
    found = gate(root, "population", "population_is_no_older_than_released")
    assert (found["rows_checked"], found["rows_failing"]) == (1, 1)
    assert set(table(root, "population")["population_quarter"]) == {"2020K1"}


def test_half_of_the_municipalities_gone_stops_the_release(root):
    participants = table(root, "case_rates")["municipality_code"].to_list()
    gone = participants[::2]
    for code in gone:
        shutil.rmtree(root / "inbox" / ROUND.name / code)
    found = gate(root, "case_rates", "released_participants_take_part")
    assert found["failing_keys"] == gone


def test_an_answer_share_far_outside_stops_the_release(root):
    cases = dict(table(root, "case_rates").select("municipality_code", "cases").iter_rows())
    for code, number in cases.items():
        # Everybody hands in anew, and nobody's behaviour decides any more: the published report has 86 %.
        rows = [row(code, i, behaviour_decisive="Nej") for i in range(number)]
        hand_in(root, code, rows, name="20260101T080000Z__ny.csv")
    found = gate(root, "key_findings", "findings_are_not_far_from_the_report")
    assert "behaviour_decisive" in found["failing_keys"]


def test_a_schema_change_that_nobody_declared_stops_the_release(root, monkeypatch):
    kept = tuple(field for field in tables.AREA_AVERAGES.fields if field.name != "dispersion")
    right = assets.benchmark.statistics.with_spread
    monkeypatch.setattr(assets.benchmark.statistics, "with_spread", lambda *a: right(*a).drop("dispersion"))
    monkeypatch.setattr(tables, "AREA_AVERAGES", replace(tables.AREA_AVERAGES, fields=kept))
    found = gate(root, "quality_report", "released_columns_are_kept")
    assert found["failing_keys"] == ["area_averages.dispersion"]


def test_a_schema_change_that_is_declared_passes(root, monkeypatch):
    kept = tuple(field for field in tables.AREA_AVERAGES.fields if field.name != "dispersion")
    right = assets.benchmark.statistics.with_spread
    monkeypatch.setattr(assets.benchmark.statistics, "with_spread", lambda *a: right(*a).drop("dispersion"))
    declared = replace(tables.AREA_AVERAGES, fields=kept, version=tables.AREA_AVERAGES.version + 1)
    monkeypatch.setattr(tables, "AREA_AVERAGES", declared)
    result, _ = night(root)
    assert "released_columns_are_kept" not in str(failures(result))


def test_a_count_left_in_where_it_is_hidden_stops_the_release(root, monkeypatch):
    right = assets.disclosure.protected_tables
    truth = table(root, "question_answers").select("area_type", "area_code", "question", "answer", exact="share")

    def with_shares(*arguments, **options):
        shared = right(*arguments, **options)
        keyed = shared["question_answers"].join(
            truth, on=["area_type", "area_code", "question", "answer"], how="left", maintain_order="left"
        )
        return shared | {"question_answers": keyed.with_columns(share="exact").drop("exact")}

    monkeypatch.setattr(assets.disclosure, "protected_tables", with_shares)
    before, serving = files_below(root / "releases"), current_release(root, ROUND.name)
    result, checks = night(root)
    told = dict(failures(result))
    # The audit says that it tells small counts, and the gate that a hidden count has a share beside it.
    assert set(told) == {"disclosure_audit", "judge_quality"}
    for asset, check in (
        ("disclosure_audit", "gives_no_small_count_away"),
        ("shared_question_answers", "hidden_question_answers_show_nothing"),
    ):
        assert checks[asset, check].severity == dg.AssetCheckSeverity.ERROR
    assert "hidden_question_answers_show_nothing" in told["judge_quality"]
    assert files_below(root / "releases") == before
    assert current_release(root, ROUND.name) == serving
