"""The command `botilbud`, run as users run it."""

import contextlib
import json
import os
import pty
import shutil
import subprocess

import openpyxl
import polars as pl
import pytest

from tests.assets.commands import BOTILBUD, botilbud, environment
from tests.assets.graph import files_below
from tests.scenario import CATALOGUE, ROUND, csv, hand_in, row, small_round


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory):
    root = tmp_path_factory.mktemp("commands") / "data"
    small_round(root)
    return root, botilbud(root, "nightly", "--round", ROUND.name)


def test_a_night_says_what_it_did_in_danish_and_nothing_else(after_a_night):
    root, night = after_a_night
    latest = json.loads((root / "releases" / ROUND.name / "latest.json").read_bytes())
    assert night.returncode == 0
    assert night.stderr == ""
    assert night.stdout.splitlines() == [
        "Runde 2022-10-01: 8 kommuner, 15 sager; 0 filer og 1 række er afvist.",
        "  Advarsel: befolkningen for 2022K4 kunne ikke hentes fra Danmarks Statistik; raterne bygger på 2020K1.",
        "  Kvalitetskontrollen har 2 advarsler, som en konsulent skal se på.",
        f"  Udgivelse {latest['release']} i {root}/releases/2022-10-01.",
    ]


def test_verify_accepts_the_release_and_finds_every_kind_of_damage(after_a_night, tmp_path):
    root, _ = after_a_night
    release = next(p for p in (root / "releases" / ROUND.name).iterdir() if p.is_dir())
    accepted = botilbud(root, "verify", str(release))
    assert (accepted.returncode, accepted.stderr) == (0, "")

    def damaged(what):
        copy = tmp_path / what / release.name
        shutil.copytree(release, copy)
        return copy

    changed = damaged("changed")
    data = bytearray((changed / "shared" / "case_rates.parquet").read_bytes())
    data[100] ^= 1
    (changed / "shared" / "case_rates.parquet").write_bytes(data)
    missing = damaged("missing")
    (missing / "shared" / "key_findings.parquet").unlink()
    surplus = damaged("surplus")
    (surplus / "shared" / "ekstra.parquet").write_bytes(b"")
    renamed = damaged("renamed").rename(tmp_path / "renamed" / "0123456789abcdef")
    for folder, told in (
        (changed, "shared/case_rates.parquet: the checksum differs"),
        (missing, "shared/key_findings.parquet: is missing"),
        (surplus, "shared/ekstra.parquet: is not in the manifest"),
        (renamed, "the folder is named '0123456789abcdef'"),
    ):
        refused = botilbud(root, "verify", str(folder))
        assert refused.returncode == 1
        assert told in refused.stderr


def test_a_released_file_that_was_changed_stops_the_next_night_with_one_line(after_a_night, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(after_a_night[0], root)
    release = next(p for p in (root / "releases" / ROUND.name).iterdir() if p.is_dir())
    (release / "shared" / "case_rates.parquet").write_bytes(b"changed")
    night = botilbud(root, "nightly", "--round", ROUND.name)
    assert night.returncode == 1
    assert len(night.stderr.splitlines()) == 1
    assert "was changed after it was made" in night.stderr


def test_check_lists_the_faults_of_a_file_and_fails(tmp_path):
    file = tmp_path / "aflevering.csv"
    file.write_bytes(csv([row("147", i) for i in range(9)] + [row("147", 9, gender="Kvnde", age="17")]))
    checked = botilbud(tmp_path, "check", str(file), "--municipality", "147", "--round", ROUND.name)
    assert checked.returncode == 1
    assert 'Celle D11 (4. Borgerens køn): Fundet "Kvnde".' in checked.stdout
    assert 'Nærmeste svarmulighed er "Kvinde".' in checked.stdout
    assert 'Celle C11 (3. Borgerens alder på opgørelsesdatoen (år)): Fundet "17".' in checked.stdout
    assert "10 rækker læst: 9 medregnes, 0 er uden for afgrænsningen, 1 er afvist." in checked.stdout


def test_check_accepts_a_good_file_and_refuses_what_is_none(tmp_path):
    good, bad = tmp_path / "god.csv", tmp_path / "dårlig.xlsx"
    good.write_bytes(csv([row("147", 1)]))
    bad.write_bytes(b"no workbook")
    assert botilbud(tmp_path, "check", str(good), "--municipality", "147").returncode == 0
    refused = botilbud(tmp_path, "check", str(bad), "--municipality", "147")
    assert refused.returncode == 1
    assert "Afvist (unreadable)" in refused.stdout
    for arguments in (("mangler.csv", "--municipality", "147"), (str(good), "--municipality", "999")):
        wrong = botilbud(tmp_path, "check", *arguments)
        assert (wrong.returncode, len(wrong.stderr.splitlines())) == (1, 1)


def test_check_lists_every_fault_of_a_file_that_has_too_many(tmp_path):
    file = tmp_path / "aflevering.csv"
    file.write_bytes(csv([row("147", i, gender="Kvnde") for i in range(7)]))
    checked = botilbud(tmp_path, "check", str(file), "--municipality", "147")
    assert checked.stdout.count('Fundet "Kvnde"') == 7
    assert "Afvist (too_many_rejected_rows)" in checked.stdout


def test_a_data_root_that_cannot_be_written_is_one_line_per_step(tmp_path):
    root = tmp_path / "data"
    hand_in(root, "147", [row("147", 1)])
    (root / "warehouse").write_text("a file in the way", encoding="utf-8")
    night = botilbud(root, "nightly", "--round", ROUND.name)
    assert night.returncode == 1
    lines = night.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["municipalities", "population", "read_inbox"]
    assert all("Not a directory: warehouse/" in line for line in lines)


@pytest.mark.slow
def test_a_round_with_rejected_files_only_still_tells_each_municipality_what_is_wrong(tmp_path):
    root = tmp_path / "data"
    hand_in(root, "147", [row("147", i, gender="Kvnde") for i in range(7)])
    assert botilbud(root, "nightly", "--round", ROUND.name).returncode == 0
    release = next(p for p in (root / "releases" / ROUND.name).iterdir() if p.is_dir())
    log = pl.read_parquet(release / "municipalities" / "147" / "delivery_log.parquet")
    assert log["rule"].to_list() == ["too_many_rejected_rows"]


def test_what_is_written_is_nobody_elses(after_a_night):
    root, _ = after_a_night
    assert all(path.stat().st_mode & 0o007 == 0 for path in (root / "warehouse").rglob("*"))
    assert all(path.stat().st_mode & 0o007 == 0 for path in (root / "releases").rglob("*"))


def test_a_filled_in_template_passes(tmp_path):
    form = tmp_path / "skema.xlsx"
    assert botilbud(tmp_path, "template", "--round", ROUND.name, str(form)).returncode == 0
    workbook = openpyxl.load_workbook(form)
    front, sheet = workbook["Forside"], workbook["Skema"]
    for cells in front.iter_rows(max_col=2):
        if cells[0].value == "Kommunekode":
            cells[1].value = "147"
        if cells[0].value == "Antal sager":
            cells[1].value = 2
    for line in (2, 3):
        for column, key in enumerate(CATALOGUE.keys, start=1):
            sheet.cell(line, column).value = row("147", line)[key] or None
    workbook.save(form)
    checked = botilbud(tmp_path, "check", str(form), "--municipality", "147", "--round", ROUND.name)
    assert checked.stdout == "2 rækker læst: 2 medregnes, 0 er uden for afgrænsningen, 0 er afvist.\n"
    assert checked.returncode == 0


def test_the_demonstration_fills_an_empty_inbox_only(tmp_path):
    root = tmp_path / "data"
    written = botilbud(root, "demo", "--round", ROUND.name)
    assert "63 opdigtede afleveringer" in written.stdout
    before = files_below(root)
    again = botilbud(root, "demo", "--round", ROUND.name)
    assert "er ikke tom" in again.stdout
    assert files_below(root) == before


def test_an_unknown_round_is_one_line(tmp_path):
    wrong = botilbud(tmp_path, "nightly", "--round", "2021-01-01")
    assert wrong.returncode == 1
    assert wrong.stderr.splitlines() == ["there is no round '2021-01-01'; the rounds are: 2022-10-01, 2024-10-01"]


@pytest.mark.slow
def test_the_correction_workbook_corrected_and_handed_in_replaces_the_delivery(after_a_night, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(after_a_night[0], root)
    release = next(p for p in (root / "releases" / ROUND.name).iterdir() if p.is_dir())
    workbook = openpyxl.load_workbook(release / "municipalities" / "461" / "correction.xlsx")
    sheet = workbook["Skema"]
    column = CATALOGUE.question("provider").number
    for line in range(2, 8):
        if sheet.cell(line, column).value == "Regjonen":
            sheet.cell(line, column).value = "Regionen"
    target = root / "inbox" / ROUND.name / "461" / "20221201T080000Z__rettet.xlsx"
    workbook.save(target)
    assert botilbud(root, "nightly", "--round", ROUND.name).returncode == 0
    rates = pl.read_parquet(root / "warehouse" / "case_rates" / f"{ROUND.name}.parquet")
    assert rates.filter(pl.col("municipality_code") == "461")["cases"].item() == 4 + 1


@pytest.mark.slow
def test_a_municipality_with_a_rejected_newer_file_keeps_its_older_good_one(tmp_path):
    root = tmp_path / "data"
    hand_in(root, "147", [row("147", 1)])
    (root / "inbox" / ROUND.name / "147" / "20221201T080000Z__ny.xlsx").write_bytes(b"PK\x03\x04 broken")
    night = botilbud(root, "nightly", "--round", ROUND.name)
    assert "1 kommune, 1 sag; 1 fil og 0 rækker er afvist." in night.stdout


@pytest.mark.slow
def test_a_night_shows_its_steps_on_a_terminal(tmp_path):
    root = tmp_path / "data"
    hand_in(root, "147", [row("147", 1)])
    terminal, end = pty.openpty()
    with subprocess.Popen([BOTILBUD, "nightly", "--round", ROUND.name], env=environment(root), stdout=end, stderr=end):
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal's end
            while read := os.read(terminal, 4_096):
                shown += read
    lines = shown.decode().splitlines()
    assert lines[0] == "  inbox"
    assert "  release" in lines
    assert lines.index("  read_inbox") < lines.index("  judge_deliveries") < lines.index("  release")
