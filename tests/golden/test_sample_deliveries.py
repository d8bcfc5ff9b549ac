"""The sample deliveries of round 2022-10-01 (made up) and what a correct ingest makes of them, where they are at hand.

They lie beside a developer's checkout and are no part of the project; a clone without them skips these tests.
"""

import shutil
import subprocess
import sys

import polars as pl
import pytest

from assets.settings import PROJECT
from tests.assets.commands import botilbud
from tests.scenario import ROUND

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
    done = botilbud(root, "nightly", "--round", ROUND.name)
    assert done.returncode == 0, done.stderr
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
