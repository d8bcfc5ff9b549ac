"""Releases: the manifest, what verifying finds, and that a release appears whole or not at all."""

import json
import os
from importlib import resources

import jsonschema
import polars as pl
import pyarrow.parquet as pq
import pytest
from upath import UPath

from pipelines.release import finish, life
from pipelines.release import publish as publishing
from pipelines.release.basis import METHOD_VERSION, checksum
from pipelines.release.manifest import ID_CHARACTERS, _content_of, differences, release_id
from pipelines.storage import remove_abandoned, temporary_beside, write_bytes
from schemas import tables
from schemas.errors import ReleaseError
from tests.release_scenario import CORRECTION, basis, rates, released, warning
from tests.scenario import ROUND

CASES = {"101": 3, "147": 2, "151": 1}


def folder(root):
    return root / "releases" / ROUND.name


def manifest_of(root, outcome):
    return json.loads((folder(root) / outcome.release / "datapackage.json").read_bytes())


def latest(root):
    return json.loads((folder(root) / "latest.json").read_bytes())["release"]


def test_the_id_follows_from_the_content_and_the_release_before_and_nothing_else(tmp_path):
    first = released(tmp_path / "a", CASES)
    second = released(tmp_path / "b", CASES)
    other = released(tmp_path / "c", CASES | {"101": 4})
    assert first == second
    assert len(first.release) == ID_CHARACTERS
    assert first.release != other.release
    # The same figures again, after others: not the same release.
    released(tmp_path / "b", CASES | {"101": 4}, files="second")
    third = released(tmp_path / "b", CASES, files="third")
    assert third.release not in (first.release, other.release)
    assert manifest_of(tmp_path / "b", third)["number"] == 3


def test_warnings_are_part_of_what_a_release_says(tmp_path):
    plain = released(tmp_path / "a", CASES)
    warned = released(tmp_path / "b", CASES, warnings=[warning()])
    assert warned.release != plain.release
    assert manifest_of(tmp_path / "b", warned)["warnings"] == [warning()]
    assert differences(UPath(folder(tmp_path / "b") / warned.release)) == []
    path = folder(tmp_path / "b") / warned.release / "datapackage.json"
    path.write_text(path.read_text("utf-8").replace("Befolkningen er fra", "Befolkningen er"), "utf-8")
    assert "the id is" in differences(UPath(path.parent))[0]


def test_a_release_from_before_there_were_warnings_still_agrees_with_its_manifest(tmp_path):
    release = folder(tmp_path) / released(tmp_path, CASES).release
    document = json.loads((release / "datapackage.json").read_bytes())
    said = {key: value for key, value in _content_of(document).items() if key != "warnings"}
    id_ = release_id(checksum(said), None)
    del document["warnings"]
    document |= {"id": id_, "contentSha256": checksum(said)}
    (release / "datapackage.json").write_text(json.dumps(document), "utf-8")
    assert differences(UPath(release.rename(release.with_name(id_)))) == []


def test_a_release_with_another_population_is_another_release_and_says_so(tmp_path):
    wanted = released(tmp_path / "a", CASES)
    stand_in = released(tmp_path / "b", CASES, quarter="2020K1")
    assert wanted.release != stand_in.release
    assert "2020K1 er brugt i stedet" in manifest_of(tmp_path / "b", stand_in)["description"]


def test_the_manifest_tells_checksum_bytes_rows_and_columns_of_every_file(tmp_path):
    document = manifest_of(tmp_path, released(tmp_path, CASES))
    by_path = {resource["path"]: resource for resource in document["resources"]}
    workbook, table = by_path[CORRECTION], by_path["shared/case_rates.parquet"]
    assert table["rows"] == 3
    assert [f["name"] for f in table["schema"]["fields"]] == [f.name for f in tables.CASE_RATES.fields]
    assert table["schema"]["primaryKey"] == ["round", "municipality_code"]
    assert (workbook["bytes"], workbook["rows"]) == (len(b"a workbook"), 1)
    assert workbook["hash"].startswith("sha256:")
    assert document["participants"] == ["101", "147", "151"]
    assert set(by_path) == {CORRECTION} | {
        f"{stem}.{extension}" for stem in ("shared/case_rates", "changes") for extension in ("parquet", "xlsx", "csv")
    }


def test_the_manifest_is_a_data_package_of_version_2(tmp_path):
    document = manifest_of(tmp_path, released(tmp_path, CASES))
    # The profile as it is published, from a package that carries it; it refers to nothing outside itself.
    profile = json.loads((resources.files("dplib") / "profiles" / "2.0" / "datapackage.json").read_bytes())
    assert document["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    jsonschema.Draft7Validator(profile).validate(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(profile).validate(document | {"resources": []})


def test_a_parquet_file_tells_where_it_comes_from_and_what_its_columns_are_in_danish(tmp_path):
    outcome = released(tmp_path, CASES)
    path = folder(tmp_path) / outcome.release / "shared" / "case_rates.parquet"
    schema = pq.read_schema(path)
    told = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert told == {
        "release": outcome.release,
        "round": ROUND.name,
        "schema_version": "1",
        "method_version": METHOD_VERSION,
        "code_version": finish.code_version(),
        "deliveries_sha256": basis(CASES).deliveries_sha256,
        "population_sha256": basis(CASES).population_sha256,
        "population_quarter": ROUND.population_quarter,
    }
    assert schema.field("population_18_66").metadata[b"description"].decode() == "Befolkning 18-66 år (indbyggere)"
    assert all(field.metadata[b"description"] for field in schema)
    assert pl.read_parquet(path).equals(rates(CASES))


def test_publishing_the_same_content_again_changes_nothing(tmp_path):
    first = released(tmp_path, CASES)
    assert first.is_new
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    again = released(tmp_path, CASES)
    assert (again.release, again.is_new) == (first.release, False)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before
    assert differences(UPath(folder(tmp_path) / first.release)) == []


def test_a_failure_while_writing_leaves_the_pointer_and_no_half_release(tmp_path, monkeypatch):
    first = released(tmp_path, CASES)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "_rename", full_disk)
    with pytest.raises(OSError, match="No space left"):
        released(tmp_path, CASES | {"101": 4}, files="second")
    assert latest(tmp_path) == first.release
    assert sorted(p.name for p in folder(tmp_path).iterdir()) == sorted([first.release, "latest.json"])


def test_a_release_that_a_killed_run_made_but_did_not_point_at_is_taken_up(tmp_path, monkeypatch):
    first = released(tmp_path, CASES)
    changed = {"101": 4, "147": 2, "151": 1}
    monkeypatch.setattr(life, "point_at", lambda *_: None)
    made = released(tmp_path, changed, files="second")
    assert latest(tmp_path) == first.release
    monkeypatch.undo()
    assert released(tmp_path, changed, files="second").release == made.release == latest(tmp_path)
    assert len(list(folder(tmp_path).iterdir())) == 3


def test_a_release_that_was_changed_is_refused_and_left_as_it_is(tmp_path):
    outcome = released(tmp_path, CASES)
    file = folder(tmp_path) / outcome.release / CORRECTION
    file.write_bytes(b"a workbooK")
    with pytest.raises(ReleaseError, match="the checksum differs"):
        released(tmp_path, CASES)
    assert file.read_bytes() == b"a workbooK"


def rates_in(document):
    return next(r for r in document["resources"] if r["path"] == "shared/case_rates.parquet")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: rates_in(d).update(rows=2), "holds 3 rows, the manifest says 2"),
        (lambda d: rates_in(d)["schema"]["fields"].pop(), "its columns differ"),
        (lambda d: rates_in(d).update(bytes=1), "the manifest says 1"),
        (lambda d: rates_in(d).update(contentSha256="0"), "but the content gives"),
        (lambda d: d.update(previous="0123456789abcdef"), "but the content gives"),
        (lambda d: d.pop("settings"), "but the content gives None"),
        (lambda d: d["resources"].pop(), "is not in the manifest"),
        (lambda d: d.update(round="2023-01-01"), "but the content gives"),
    ],
)
def test_a_changed_manifest_is_found(tmp_path, change, told):
    outcome = released(tmp_path, CASES)
    release, document = folder(tmp_path) / outcome.release, manifest_of(tmp_path, outcome)
    change(document)
    (release / "datapackage.json").write_text(json.dumps(document), encoding="utf-8")
    assert any(told in line for line in differences(UPath(release)))


@pytest.mark.parametrize("content", [None, b"no json", b"[]", b"{}", b'{"resources": [1]}'])
def test_a_folder_without_a_readable_manifest_is_no_release(tmp_path, content):
    if content is not None:
        (tmp_path / "datapackage.json").write_bytes(content)
    with pytest.raises(ReleaseError):
        differences(UPath(tmp_path))


def test_what_a_killed_process_left_is_removed_and_what_a_running_one_writes_is_not(tmp_path):
    no_process = 2**22 + 1  # above Linux's largest process number
    abandoned = tmp_path / f".latest.json.{no_process}-1-00aa.partial"
    half_release = tmp_path / f".0123456789abcdef.{no_process}-1-00aa.partial"
    running = temporary_beside(tmp_path / "latest.json")
    same_number = tmp_path / f".latest.json.{os.getpid()}-1-00aa.partial"
    for path in (abandoned, same_number, running):
        path.write_bytes(b"{")
    half_release.mkdir()
    (half_release / "file").write_bytes(b"")
    remove_abandoned(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [running.name]


def test_writing_replaces_the_whole_file_and_leaves_nothing_else(tmp_path):
    path = UPath(tmp_path / "a" / "b.json")
    write_bytes(path, b"first")
    write_bytes(path, b"second")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.json"]
    assert path.read_bytes() == b"second"
