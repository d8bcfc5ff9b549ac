"""The sample deliveries of round 2022-10-01 (made up) and what a correct ingest makes of them, where they are at hand.

They lie beside a developer's checkout and are no part of the project; a clone without them skips these tests.
"""

import json
import shutil
import subprocess
import sys

import dagster as dg
import polars as pl
import pytest

from assets.settings import PROJECT
from pipelines.disclosure.candidate import Release, audit_candidate
from pipelines.disclosure.protected_tables import Exact, protected_tables
from tests.assets.graph import failures, materialise
from tests.scenario import CATALOGUE, ROUND

SHARED = PROJECT.parent / "shared"
pytestmark = pytest.mark.skipif(not (SHARED / "samples").exists(), reason="the sample deliveries are not at hand")

PUBLISHED_PERCENT = {
    "under_35": 61,
    "above_threshold_since_age_18": 41,
    "intellectual_disability": 52,
    "behaviour_decisive": 86,
    "sentence": 19,
    "only_existing_choice": 54,
    "provider_municipal": 41,
    "provider_regional": 20,
    "provider_private": 39,
    "over_8_places": 66,
    "alone_in_placement": 9,
    "viso_involved": 34,
}


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    root = tmp_path_factory.mktemp("samples") / "data"
    shutil.copytree(SHARED / "samples" / ROUND.name, root / "inbox" / ROUND.name)
    with dg.DagsterInstance.ephemeral() as instance:
        assert failures(materialise(root, instance)) == []
    return root


def table(root, name):
    return pl.read_parquet(root / "warehouse" / name / f"{ROUND.name}.parquet")


def test_the_ingest_is_as_expected(night):
    checked = subprocess.run(
        [sys.executable, SHARED / "check-samples", night, SHARED / "samples" / f"expected-{ROUND.name}.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout.strip().endswith(" 0 differences"), checked.stdout + checked.stderr


def shared(root, name):
    folder = root / "releases" / ROUND.name
    release = json.loads((folder / "latest.json").read_bytes())["release"]
    return pl.read_parquet(folder / release / "shared" / f"{name}.parquet")


@pytest.mark.parametrize("name", ["target_groups", "provider_types"])
def test_every_municipality_is_shown_with_an_error_of_at_most_2(night, name):
    key = [
        column
        for column in ("target_group_level", "target_group", "provider_type")
        if column in shared(night, name).columns
    ]
    own = shared(night, name).filter(area_type="municipality")
    truth = table(night, name).select("area_type", "area_code", *key, exact="cases")
    errors = own.join(truth, on=["area_type", "area_code", *key])
    assert own["value_status"].unique().to_list() == ["rounded"]
    assert own["area_code"].n_unique() == 59
    assert errors.height == own.height
    distances = (errors["cases"] - errors["exact"]).abs()
    assert distances.max() <= 2
    assert distances.mean() < 1


def test_the_audit_of_the_release_is_clean(night):
    found = table(night, "disclosure_audit")
    assert found.select(pl.col("exposed_cells", "faulty_figures").sum()).row(0) == (0, 0)
    assert found["attackers"].unique().to_list() == [1 + 59]


@pytest.mark.slow
def test_suppression_at_5_passes_the_audit_and_leaves_more_cases_than_a_greedy_pattern(night):
    exact = Exact(*(table(night, name) for name in Exact._fields))
    suppressed = ROUND.model_copy(update={"disclosure_method": "suppression"})
    tables = protected_tables(exact, suppressed, CATALOGUE, secret=b"", earlier=[])
    candidate = Release(tables | {"case_rates": exact.case_rates}, exact.answer_counts)
    assert audit_candidate(candidate, [], CATALOGUE, threshold=5).is_clean

    def visible(frame):
        return frame.filter(area_type="municipality")["cases"].sum() / exact.case_rates["cases"].sum()

    assert visible(tables["target_groups"]) >= 0.27
    assert visible(tables["provider_types"]) >= 0.41


def test_the_findings_are_the_published_ones(night):
    found = table(night, "key_findings").select("finding", "numerator", "denominator", "share")
    findings = {f: (n, d, share) for f, n, d, share in found.iter_rows()}
    assert {f: round(findings[f][2] * 100) for f in PUBLISHED_PERCENT} == PUBLISHED_PERCENT
    cases, of, share = findings["special_psychiatric_place"]
    assert (cases, of, round(share * 100, 1)) == (11, 845, 1.3)


def test_the_rates_are_the_published_ones(night):
    country = table(night, "area_averages").row(0, named=True)
    assert (country["municipalities"], country["cases"]) == (59, 845)
    assert round(country["unweighted_mean_rate_per_1000"], 1) == 0.5
    rates = table(night, "case_rates")["rate_per_1000"]
    assert rates.max() > 5 * rates.filter(rates > 0).min()
