"""The gate: a candidate that would give a small count away is not released, and the release before it stays.

Faults are put between the step that protects the tables and the audit, which reads the files as they would be released.
"""

import json
import shutil

import dagster as dg
import polars as pl
import pytest
from upath import UPath

import assets.disclosure
import assets.release
import pipelines.quality.expectations
from pipelines.release.gate import require_audited, require_judged
from pipelines.release.history import earlier_releases
from pipelines.release.manifest import differences
from schemas.errors import QualityError, ReleaseError
from tests.assets.graph import definitions, failures, files_below, materialise, table
from tests.scenario import ROUND, hand_in, row, small_round

pytestmark = pytest.mark.slow

PROTECT = assets.disclosure.protected_tables
IS_MUNICIPAL = pl.col("area_type") == "municipality"
PRIVATE = "Privat (herunder selvejende og fonde)"


@pytest.fixture(scope="module", autouse=True)
def _nothing_published_yet():
    """The quality gate would stop these rounds, whose cases answer alike, for being far from the published report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipelines.quality.expectations, "FINDING_SHARES", {})
        yield


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A round with one release; some of its municipalities have cases of both genders and two providers."""
    root = tmp_path_factory.mktemp("gate") / "data"
    small_round(root)
    for code in ("165", "167", "169"):
        mixed = [{"provider": PRIVATE, "gender": "Mand"}, {"provider": "Regionen", "gender": "Kvinde"}]
        hand_in(root, code, [row(code, i, **mixed[i % 2]) for i in range(11)])
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise(root, instance).success
    return root


@pytest.fixture
def root(released, tmp_path):
    """The same round in a data root of a test's own."""
    return shutil.copytree(released, tmp_path / "data")


def night(root, monkeypatch, fault=None):
    """Another night, with a fault put into the shared tables; its success, and why it failed."""
    if fault is not None:
        monkeypatch.setattr(assets.disclosure, "protected_tables", lambda *a, **k: fault(PROTECT(*a, **k)))
    with dg.DagsterInstance.ephemeral() as instance:
        result = materialise(root, instance)
    return result, failures(result)


def refused(root, monkeypatch, fault):
    """What the night says of a candidate that it must not release; nothing below the releases may change."""
    before = files_below(root / "releases")
    result, reasons = night(root, monkeypatch, fault)
    assert not result.success
    # The quality gate sees some of these faults as well.
    assert {step for step, _ in reasons} - {"judge_quality"} == {"disclosure_audit"}
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not checks["gives_no_small_count_away"].passed
    assert files_below(root / "releases") == before
    found = table(root, "disclosure_audit")
    assert found.select(pl.col("exposed_cells", "faulty_figures").sum()).row(0) != (0, 0)
    return dict(reasons)["disclosure_audit"]


def test_a_clean_candidate_is_released_with_its_audit_beside_it(released):
    found = table(released, "disclosure_audit")
    assert found["audited"].to_list() == [
        "country",
        "region",
        "municipality_group",
        "municipality",
        "finding",
        "difference",
    ]
    assert found.select(pl.col("exposed_cells", "faulty_figures").sum()).row(0) == (0, 0)
    assert found["attackers"].unique().to_list() == [1 + 11]
    municipal = found.row(3, named=True)
    assert municipal["rounded_cells"] == municipal["cells"] == 11 * (4 + 3)
    assert municipal["narrowest_interval"] >= 1


@pytest.mark.parametrize("column", ["share", "share_ci95_upper", "rate_per_1000", "ci95_lower"])
def test_a_derived_column_of_a_hidden_cell_is_refused(root, monkeypatch, column):
    truth = table(root, "question_answers").select("area_type", "area_code", "question", "answer", exact=column)

    def left_in(shared):
        keyed = shared["question_answers"].join(
            truth, on=["area_type", "area_code", "question", "answer"], how="left", maintain_order="left"
        )
        return shared | {"question_answers": keyed.with_columns(pl.col("exact").alias(column)).drop("exact")}

    why = refused(root, monkeypatch, left_in)
    assert f"question_answers.{column}: left in beside a hidden count" in why


def test_a_hidden_cell_that_a_second_table_gives_back_is_refused(root, monkeypatch):
    counts = table(root, "target_groups").filter(area_type="country", target_group_level="detailed")
    answers = counts.select("target_group", exact="cases")

    def shown(shared):
        # The same groups stand in the table of answers, where they are hidden.
        groups = shared["target_groups"].join(answers, on="target_group", how="left", maintain_order="left")
        is_it = (pl.col("area_type") == "country") & (pl.col("target_group_level") == "detailed")
        return shared | {
            "target_groups": groups.with_columns(
                cases=pl.when(is_it).then("exact").otherwise("cases"),
                value_status=pl.when(is_it).then(pl.lit("published")).otherwise("value_status"),
            ).drop("exact")
        }

    hidden = table(root, "shared_question_answers").filter(area_type="country", question="target_group")
    assert "suppressed" in hidden["value_status"].to_list()
    assert "small counts could be found out" in refused(root, monkeypatch, shown)


def test_an_exact_count_beside_a_rounded_one_is_refused(root, monkeypatch):
    truth = table(root, "provider_types").select("area_type", "area_code", "provider_type", exact="cases")

    def exact(shared):
        is_it = IS_MUNICIPAL & (pl.col("area_code") == "165")
        providers = shared["provider_types"].join(
            truth, on=["area_type", "area_code", "provider_type"], how="left", maintain_order="left"
        )
        return shared | {
            "provider_types": providers.with_columns(
                cases=pl.when(is_it).then("exact").otherwise("cases"),
                value_status=pl.when(is_it).then(pl.lit("published")).otherwise("value_status"),
                rounding_base=pl.when(~is_it).then("rounding_base"),
            ).drop("exact")
        }

    # 5 and 6 are no small counts: what is wrong is that the same cells were rounded in the release before.
    assert "exact beside a rounded count" in refused(root, monkeypatch, exact)


def test_a_share_of_the_true_count_beside_a_rounded_one_is_refused(root, monkeypatch):
    truth = table(root, "provider_types").select("area_type", "area_code", "provider_type", exact="share")

    def of_the_truth(shared):
        providers = shared["provider_types"].join(
            truth, on=["area_type", "area_code", "provider_type"], how="left", maintain_order="left"
        )
        return shared | {
            "provider_types": providers.with_columns(share=pl.when(IS_MUNICIPAL).then("exact").otherwise("share")).drop(
                "exact"
            )
        }

    assert "provider_types.share: not computed from the rounded count" in refused(root, monkeypatch, of_the_truth)


def pointer(root):
    return json.loads((root / "releases" / ROUND.name / "latest.json").read_bytes())["release"]


def test_a_late_municipality_is_released_beside_the_breakdowns_that_were_released_before(released, root, monkeypatch):
    # 1 woman and 6 men: the difference of the country's numbers before and after would tell.
    hand_in(root, "155", [row("155", i, provider=PRIVATE, gender="Mand" if i else "Kvinde") for i in range(7)])
    result, reasons = night(root, monkeypatch)
    assert result.success, reasons
    first, second = pointer(released), pointer(root)
    assert first != second
    folder = root / "releases" / ROUND.name
    rates = pl.read_parquet(folder / second / "shared" / "case_rates.parquet")
    assert rates.filter(municipality_code="155")["cases"].to_list() == [7]
    for name in ("target_groups", "provider_types", "question_answers", "key_findings"):
        before, after = (pl.read_parquet(folder / id_ / "shared" / f"{name}.parquet") for id_ in (first, second))
        assert after["figures_from_release"].unique().to_list() == [first]
        assert after.drop("figures_from_release").equals(before.drop("figures_from_release"))
    # What is its own it sees as it is.
    own = pl.read_parquet(folder / second / "municipalities" / "155" / "question_answers.parquet")
    women = own.filter(area_type="municipality", question="gender", answer="female")
    assert women.select("cases", "figures_from_release").row(0) == (1, None)
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not checks["shows_the_figures_of_its_own_deliveries"].passed
    assert checks["gives_no_small_count_away"].passed
    document = json.loads((folder / second / "datapackage.json").read_bytes())
    assert f"tallene er fra udgivelse {first}" in document["description"]
    # Nobody changes anything the next night: the same release.
    before = files_below(root / "releases")
    assert night(root, monkeypatch)[0].success
    assert files_below(root / "releases") == before


def test_breakdowns_are_made_anew_when_enough_has_changed(root, monkeypatch):
    first = pointer(root)
    for code in ("155", "159", "161", "163", "173", "175"):
        mixed = [{"provider": PRIVATE, "gender": "Mand"}, {"provider": "Regionen", "gender": "Kvinde"}]
        hand_in(root, code, [row(code, i, **mixed[i % 2]) for i in range(12)])
    result, reasons = night(root, monkeypatch)
    assert result.success, reasons
    shared = pl.read_parquet(root / "releases" / ROUND.name / pointer(root) / "shared" / "question_answers.parquet")
    assert pointer(root) != first
    assert shared["figures_from_release"].null_count() == shared.height
    assert table(root, "disclosure_audit")["earlier_releases"].to_list()[0] == [first]


def test_breakdowns_are_shown_from_as_many_participants_as_the_round_says(root, monkeypatch):
    shutil.rmtree(root / "releases")
    for participants, shown in ((12, False), (11, True)):
        waiting = ROUND.model_copy(update={"breakdowns_from_participants": participants})
        for module in (assets.disclosure, assets.release):
            monkeypatch.setattr(module, "find_round", lambda _, waiting=waiting: waiting)
        result, reasons = night(root, monkeypatch)
        assert result.success, reasons
        statuses = set(table(root, "shared_target_groups")["value_status"])
        assert (statuses != {"suppressed"}) == shown
        # What shows nothing limits nothing.
        assert table(root, "disclosure_audit")["earlier_releases"].to_list()[0] == []


def test_breakdowns_that_only_say_they_are_an_earlier_releases_are_refused(root, monkeypatch):
    first = pointer(root)
    exact = table(root, "question_answers").filter(~IS_MUNICIPAL)

    def pretended(shared):
        named = {name: frame.with_columns(figures_from_release=pl.lit(first)) for name, frame in shared.items()}
        return named | {"question_answers": exact.with_columns(figures_from_release=pl.lit(first))}

    before = files_below(root / "releases")
    result, reasons = night(root, monkeypatch, pretended)
    assert not result.success
    assert "not those of the release that they name" in reasons[0][1]
    assert files_below(root / "releases") == before


def test_a_cell_recoverable_through_an_earlier_release_is_refused(root, monkeypatch):
    hand_in(root, "155", [row("155", i, provider=PRIVATE, gender="Mand" if i else "Kvinde") for i in range(7)])
    # As if the step did not know the release before.
    monkeypatch.setattr(
        assets.disclosure, "protected_tables", lambda *a, **k: PROTECT(*a, **(k | {"earlier": [], "latest": None}))
    )
    before = files_below(root / "releases")
    result, reasons = night(root, monkeypatch)
    assert not result.success
    assert [step for step, _ in reasons] == ["disclosure_audit"]
    assert "part (exact by an outsider)" in reasons[0][1]
    assert files_below(root / "releases") == before


def test_shared_files_that_were_not_audited_are_no_release(released):
    answers, audit = table(released, "question_answers"), table(released, "disclosure_audit")
    with pytest.raises(ReleaseError, match="not those that were audited"):
        require_audited([], answers, audit, {})


def test_tables_that_the_quality_gate_did_not_judge_are_no_release(released):
    with pytest.raises(ReleaseError, match="not those that the quality gate judged"):
        require_judged("c" * 64, table(released, "quality_report"))


def test_tables_that_the_quality_gate_stops_are_no_release(released):
    report = table(released, "quality_report").with_columns(candidate_sha256=pl.lit("c" * 64))
    require_judged("c" * 64, report)
    unmet = report.with_columns(
        met=pl.col("expectation") != "rates_are_cases_by_population", action_da=pl.lit("Spørg.")
    )
    with pytest.raises(QualityError, match="rates_are_cases_by_population"):
        require_judged("c" * 64, unmet)


def test_a_release_that_the_audit_did_not_read_stops_the_next_one(root, monkeypatch):
    # The audit ran while the releases lay elsewhere; then they came back, and the release was made by itself.
    aside = root.parent / "aside"
    hand_in(root, "165", [row("165", i) for i in range(12)], name="20221102T080000Z__ny.csv")
    (root / "releases").rename(aside)
    assert night(root, monkeypatch)[0].success
    shutil.rmtree(root / "releases")
    aside.rename(root / "releases")
    before = files_below(root / "releases")
    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.define_asset_job("alone", selection="release")
        alone = dg.Definitions.merge(definitions(root), dg.Definitions(jobs=[job])).resolve_job_def("alone")
        result = alone.execute_in_process(partition_key=ROUND.name, instance=instance, raise_on_error=False)
    assert not result.success
    assert files_below(root / "releases") == before


def test_a_shared_table_with_a_column_besides_is_refused(root):
    rates = root / "warehouse" / "case_rates" / f"{ROUND.name}.parquet"
    pl.read_parquet(rates).with_columns(women=pl.lit(1)).write_parquet(rates)
    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.define_asset_job("audit", selection="disclosure_audit")
        alone = dg.Definitions.merge(definitions(root), dg.Definitions(jobs=[job])).resolve_job_def("audit")
        result = alone.execute_in_process(partition_key=ROUND.name, instance=instance, raise_on_error=False)
    assert not result.success


def test_a_lost_secret_changes_no_number_that_is_released(root, monkeypatch):
    before = files_below(root / "releases")
    (root / "secrets" / "rounding.key").unlink()
    assert night(root, monkeypatch)[0].success
    assert (root / "secrets" / "rounding.key").exists()
    assert files_below(root / "releases") == before


def test_a_release_holds_what_the_next_one_must_know_of_it(released):
    folder = released / "releases" / ROUND.name
    ((id_, one),) = earlier_releases(UPath(folder)).items()
    assert differences(UPath(folder / id_)) == []
    counts = table(released, "answer_counts").filter(question="gender").select("municipality_code", "answer", "cases")
    own = one.answer_counts.filter(question="gender").select("municipality_code", "answer", "cases")
    assert sorted(own.rows()) == sorted(counts.rows())


def test_no_secret_reaches_an_event(root, monkeypatch):
    result, _ = night(root, monkeypatch)
    secret = (root / "secrets" / "rounding.key").read_bytes()
    told = "\n".join(repr(event) for event in result.all_events)
    assert secret.hex() not in told
    assert repr(secret)[2:-1] not in told
