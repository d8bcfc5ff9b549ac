"""`botilbud disclosure-report` on a small round."""

import pytest

from tests.assets.commands import botilbud
from tests.scenario import ROUND, small_round


@pytest.mark.slow
def test_the_report_shows_both_methods_at_every_setting_and_keeps_the_secret_to_its_owner(tmp_path):
    root = tmp_path / "data"
    small_round(root)
    assert botilbud(root, "nightly", "--round", ROUND.name).returncode == 0
    report = botilbud(root, "disclosure-report", "--round", ROUND.name)
    assert report.returncode == 0, report.stderr
    lines = report.stdout.splitlines()
    # Two bases, and three thresholds with zeros hidden and shown, for two breakdowns; and the heading.
    assert len(lines) == (2 + 3 * 2) * 2 + 1
    rounded = [line for line in lines if line.startswith("afrunding til 3")]
    assert all(line.split()[-5:-3] == ["100", "%"] for line in rounded)
    key = root / "secrets" / "rounding.key"
    assert key.stat().st_mode & 0o077 == 0
    assert key.read_bytes().hex() not in report.stdout


def test_a_round_that_has_not_run_is_one_line(tmp_path):
    report = botilbud(tmp_path / "data", "disclosure-report", "--round", ROUND.name)
    assert report.returncode == 1
    assert report.stderr == "Runde 2022-10-01 er ikke kørt endnu. Kør først: botilbud nightly --round 2022-10-01\n"
