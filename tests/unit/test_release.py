"""Releases: the manifest, what verifying finds, and that a release appears whole or not at all."""

import json
import os

import polars as pl
import pytest
from upath import UPath

from pipelines.release import publish as publishing
from pipelines.release.contents import ReleaseFile
from pipelines.release.manifest import ID_CHARACTERS, differences, manifest, release_id
from pipelines.release.publish import publish
from pipelines.storage import parquet_bytes, remove_abandoned, temporary_beside, write_bytes
from schemas import tables
from schemas.errors import ReleaseError
from tests.scenario import ROUND

SOURCE = "Danmarks Statistik, FOLK1A"


def averages(cases):
    row = {field.name: 1.5 if field.dtype == pl.Float64() else 7 for field in tables.AREA_AVERAGES.fields}
    row |= {"round": ROUND.name, "area_type": "country", "area_code": "000", "area_name": "Hele landet", "cases": cases}
    frame = pl.DataFrame([row], schema=dict(tables.AREA_AVERAGES.dtypes))
    return ReleaseFile("shared/area_averages.parquet", parquet_bytes(frame), tables.AREA_AVERAGES, 1)


def made(folder, cases=1, quarter=ROUND.population_quarter):
    files = [averages(cases), ReleaseFile("municipalities/101/rejected_rows.xlsx", b"a workbook", None, 1)]
    document = manifest(files, ROUND, quarter, SOURCE)
    return publish(UPath(folder), files, document), document


def test_the_id_follows_from_the_content_and_nothing_else(tmp_path):
    _, first = made(tmp_path / "a")
    _, second = made(tmp_path / "b")
    _, other = made(tmp_path / "c", cases=2)
    assert first == second
    assert first["id"] == release_id(first) != other["id"]
    assert len(first["id"]) == ID_CHARACTERS


def test_a_release_with_another_population_is_another_release_and_says_so(tmp_path):
    _, wanted = made(tmp_path)
    _, stand_in = made(tmp_path, quarter="2020K1")
    assert wanted["id"] != stand_in["id"]
    assert "2020K1 er brugt i stedet" in stand_in["description"]


def test_the_manifest_tells_checksum_bytes_rows_and_columns_of_every_file(tmp_path):
    _, document = made(tmp_path)
    workbook, table = document["resources"]
    assert (table["path"], table["rows"]) == ("shared/area_averages.parquet", 1)
    assert [f["name"] for f in table["schema"]["fields"]] == [f.name for f in tables.AREA_AVERAGES.fields]
    assert table["schema"]["primaryKey"] == ["round", "area_type", "area_code"]
    assert (workbook["bytes"], workbook["rows"]) == (len(b"a workbook"), 1)
    assert workbook["hash"].startswith("sha256:")


def test_publishing_the_same_content_again_changes_nothing(tmp_path):
    is_new, document = made(tmp_path)
    assert is_new
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    assert not made(tmp_path)[0]
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before
    assert differences(UPath(tmp_path / document["id"])) == []


def test_a_failure_while_writing_leaves_the_pointer_and_no_half_release(tmp_path, monkeypatch):
    _, first = made(tmp_path)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "_rename", full_disk)
    with pytest.raises(OSError, match="No space left"):
        made(tmp_path, cases=2)
    assert json.loads((tmp_path / "latest.json").read_bytes())["release"] == first["id"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([first["id"], "latest.json"])


def test_a_release_that_was_changed_is_refused_and_left_as_it_is(tmp_path):
    _, document = made(tmp_path)
    file = tmp_path / document["id"] / "municipalities" / "101" / "rejected_rows.xlsx"
    file.write_bytes(b"a workbooK")
    with pytest.raises(ReleaseError, match="the checksum differs"):
        made(tmp_path)
    assert file.read_bytes() == b"a workbooK"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["resources"][1].update(rows=2), "holds 1 rows, the manifest says 2"),
        (lambda d: d["resources"][1]["schema"]["fields"].pop(), "its columns differ"),
        (lambda d: d["resources"][1].update(bytes=1), "the manifest says 1"),
        (lambda d: d["resources"].pop(), "is not in the manifest"),
        (lambda d: d.update(round="2023-01-01"), "but the content gives"),
    ],
)
def test_a_changed_manifest_is_found(tmp_path, change, told):
    _, document = made(tmp_path)
    release = tmp_path / document["id"]
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
