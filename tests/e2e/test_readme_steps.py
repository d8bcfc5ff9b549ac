"""README's way from nothing to a downloaded file, as it is written there."""

import re
import subprocess
import sys
from pathlib import Path

import openpyxl

from tests.assets.commands import environment
from tests.portal.portal_scenario import PROJECT

HEADING = "## From nothing to a downloaded file"
README = (PROJECT / "README.md").read_text(encoding="utf-8")
STEPS = re.search(rf"{HEADING}\n+```\n(.*?)```", README, re.DOTALL)[1].replace("\\\n", "").splitlines()
NIGHTLY, PORTAL, FETCH = STEPS


def test_the_two_make_targets_run_what_the_tests_of_the_journeys_run():
    for step, commands in ((NIGHTLY, ["demo", "nightly"]), (PORTAL, ["portal"])):
        target = step.partition("#")[0].split()
        assert target[0] == "make"
        shown = subprocess.run([*target, "-n", "-C", PROJECT], capture_output=True, text=True, check=True)
        run = [line.rpartition("botilbud ")[2] for line in shown.stdout.splitlines() if "/botilbud " in line]
        assert run == commands


def test_the_last_step_fetches_a_workbook_that_opens(site, tmp_path):
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    command = FETCH.replace("127.0.0.1:8080", f"127.0.0.1:{site.port}")
    assert command != FETCH
    assert "http://127.0.0.1:8080" in PORTAL
    subprocess.run(["bash", "-ec", command], cwd=tmp_path, env=environment(site.root), check=True, timeout=30)
    sheets = openpyxl.load_workbook(tmp_path / "case_rates.xlsx").worksheets
    assert any("Ishøj" in row for sheet in sheets for row in sheet.iter_rows(values_only=True))
