"""The document of what made a release: its content, and that the first one stays."""

import datetime as dt
import hashlib
import json

import polars as pl
import pytest
from upath import UPath

from pipelines import storage
from pipelines.documentation.table_pages import table_pages
from pipelines.reference.population import PACKAGED_CSV, PACKAGED_QUARTER, note_of, population
from pipelines.release import life, provenance
from schemas import tables
from schemas.errors import ReleaseError
from schemas.lineage import SOURCES, origins
from schemas.questionnaire import load_catalogue
from tests.release_scenario import filled, released
from tests.scenario import ROUND
from tests.upstream.statbank_server import StatBankServer

CASES = {"101": 3, "147": 2}
AT = dt.datetime(2022, 12, 1, 2, tzinfo=dt.UTC)
NOTE = {"table": "FOLK1A", "quarter": "2022K4"}
MADE = provenance.Made("a" * 64, "run 1", AT, "1", 2)


def log():
    rows = [
        {"delivery": 1, "municipality_code": "147", "file": "b.csv", "received_at": AT, "sha256": None},
        {"delivery": 0, "municipality_code": "101", "file": "a.csv", "received_at": AT, "sha256": "b" * 64},
    ]
    return filled(tables.DELIVERY_LOG, rows).with_columns(status=pl.Series(["rejected", "current"]))


def document(root, run="run 1", before=None, made=None, made_the_release=True):
    release = released(root, CASES).release
    made = made or {"population": MADE, "case_rates": MADE._replace(rows=None)}
    night = provenance.Night(run, AT, made, {"case_rates": {"responses", "population"}}, made_the_release)
    manifest = life.manifest_of(UPath(root), ROUND.name, release)
    return provenance.provenance(manifest, night, log(), NOTE, ROUND, before)


def test_it_tells_what_made_each_table_and_what_came_from_outside(tmp_path):
    found = document(tmp_path)
    assert (found["run"], found["madeAt"], found["round"]) == ("run 1", "2022-12-01T02:00:00+00:00", ROUND.name)
    assert found["tables"] == {
        "case_rates": {
            "dataVersion": "a" * 64,
            "run": "run 1",
            "madeAt": "2022-12-01T02:00:00+00:00",
            "codeVersion": "1",
            "file": f"warehouse/case_rates/{ROUND.name}.parquet",
            "upstream": ["population", "responses"],
        },
        "population": {
            "dataVersion": "a" * 64,
            "run": "run 1",
            "madeAt": "2022-12-01T02:00:00+00:00",
            "codeVersion": "1",
            "file": f"warehouse/population/{ROUND.name}.parquet",
            "rows": 2,
            "upstream": [],
        },
    }
    assert [(d["folder"], d["sha256"], d["status"]) for d in found["deliveries"]] == [
        (f"inbox/{ROUND.name}/101", "b" * 64, "current"),
        (f"inbox/{ROUND.name}/147", None, "rejected"),
    ]
    assert "a.csv" not in str(found)
    assert (found["population"], found["roundBefore"]) == (NOTE, None)
    assert found["files"] == {"shared/case_rates.parquet": "case_rates"}


def test_a_source_has_no_table_and_what_is_neither_is_left_out(tmp_path):
    found = document(tmp_path, made={"inbox": MADE, "release": MADE, "responses": MADE})
    assert {asset: "file" in told for asset, told in found["tables"].items()} == {"inbox": False, "responses": True}


def test_it_tells_of_the_round_before(tmp_path):
    found = document(tmp_path, before=provenance.RoundBefore("2020-10-01", {"case_rates": MADE}, log(), NOTE))
    assert found["roundBefore"]["round"] == "2020-10-01"
    assert found["roundBefore"]["tables"]["case_rates"]["file"] == "warehouse/case_rates/2020-10-01.parquet"
    assert found["roundBefore"]["deliveries"][0]["folder"] == "inbox/2020-10-01/101"


def test_every_column_of_a_release_leads_to_a_source_or_to_one_without_any(tmp_path):
    columns = document(tmp_path)["columns"]
    for asset, of in columns.items():
        assert list(of) == list(origins(asset, ROUND.questionnaire))
        for told in of.values():
            assert set(told) == {"label", "formula", "function", "sources"}
            assert all(column in columns[table] for table, column in told["sources"])
    assert set(SOURCES) <= columns.keys()
    assert columns["case_rates"]["rate_per_1000"]["label"] == "Sager pr. 1.000 18-66-årige"
    assert columns["inbox"]["age"]["label"] == load_catalogue(ROUND.questionnaire).question("age").text_da


def test_a_file_is_the_shared_table_only_where_everybody_may_see_it():
    assert provenance.asset_of("shared/target_groups.parquet") == "shared_target_groups"
    assert provenance.asset_of("shared/case_rates.parquet") == "case_rates"
    assert provenance.asset_of("municipalities/101/target_groups.parquet") == "target_groups"
    assert provenance.asset_of("municipalities/101/responses.parquet") == "responses"


def test_the_first_run_made_the_release_and_stays(tmp_path):
    first, second = document(tmp_path), document(tmp_path, run="run 2")
    for made in (first, second):
        provenance.write(UPath(tmp_path), ROUND.name, made)
    assert provenance.read(UPath(tmp_path), ROUND.name, first["release"]) == json.loads(json.dumps(first))
    names = {path.name for path in storage.releases(UPath(tmp_path), ROUND.name).iterdir()}
    assert names == {first["release"], f"{first['release']}.provenance.json", "latest.json"}


def test_what_a_later_run_gathered_says_so_as_do_its_pages(tmp_path):
    first, later = document(tmp_path), document(tmp_path, run="run 2", made_the_release=False)
    assert (first["reconstructed"], later["reconstructed"]) == (False, True)
    for made, told in ((first, "<dt>Lavet</dt>"), (later, "<dt>Herkomsten samlet</dt>")):
        pages = table_pages(made | {"population": note_of("2022K4", UPath(tmp_path))}, ROUND.questionnaire)
        for page in ("tables/index.html", "tables/case_rates.html"):
            facts = [line for line in pages[page].decode().splitlines() if f"kørsel <code>{made['run']}</code>" in line]
            assert [line.startswith(told) for line in facts] == [True]


def test_the_same_night_gives_the_same_bytes(tmp_path):
    written = []
    for root in (tmp_path / "a", tmp_path / "b"):
        made = document(root)
        provenance.write(UPath(root), ROUND.name, made)
        written.append(provenance.beside(storage.releases(UPath(root), ROUND.name) / made["release"]).read_bytes())
    assert written[0] == written[1]


def test_a_release_without_one_and_a_damaged_one_are_told_apart(tmp_path):
    root, release = UPath(tmp_path), released(tmp_path, CASES).release
    with pytest.raises(ReleaseError, match=rf"release {release} has no {release}\.provenance\.json"):
        provenance.read(root, ROUND.name, release)
    provenance.beside(storage.releases(root, ROUND.name) / release).write_text("{", encoding="utf-8")
    with pytest.raises(ReleaseError, match="is not valid JSON"):
        provenance.read(root, ROUND.name, release)


def test_what_lies_beside_a_release_is_no_release_of_the_round(tmp_path):
    made = document(tmp_path)
    provenance.write(UPath(tmp_path), ROUND.name, made)
    assert life.releases(UPath(tmp_path), ROUND.name) == [made["release"]]


def test_the_note_of_packaged_figures_names_the_packaged_file(tmp_path):
    note = note_of(PACKAGED_QUARTER, UPath(tmp_path))
    assert note["sha256"] == hashlib.sha256(PACKAGED_CSV.read_bytes()).hexdigest()
    assert (note["fetchedAt"], note["file"]) == (None, "pipelines/reference/population_18_66_2020K1.csv")


def test_the_note_of_fetched_figures_names_the_reply_that_was_kept(tmp_path):
    cache = UPath(tmp_path) / "reference"
    with StatBankServer() as statbank:
        population("2022K4", cache_dir=cache, url=statbank.url, fetched_at=AT)
    note = note_of("2022K4", cache)
    assert note["sha256"] == hashlib.sha256((tmp_path / note["file"]).read_bytes()).hexdigest()
    assert (note["quarter"], note["fetchedAt"]) == ("2022K4", "2022-12-01T02:00:00+00:00")


def test_figures_whose_reply_is_gone_have_a_note_without_a_file(tmp_path):
    note = note_of("2022K4", UPath(tmp_path))
    assert note == {
        "table": "FOLK1A",
        "quarter": "2022K4",
        "source": "Danmarks Statistik, FOLK1A, befolkningen 18-66 år, 2022K4 (CC BY 4.0)",
        "fetchedAt": None,
        "sha256": None,
        "file": None,
    }
