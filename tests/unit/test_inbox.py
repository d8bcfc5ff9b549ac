"""Which files are deliveries, of whom and of when. Nothing is opened here, so any bytes will do."""

import datetime as dt
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.inbox import InboxFile, find_files, single_file
from pipelines.ingest.text import CPR_REMOVED
from schemas.errors import BotilbudError
from tests.unit.ingest_scenario import property_test

NOW = dt.datetime(2022, 12, 1, tzinfo=dt.UTC)
MODIFIED = dt.datetime(2022, 11, 20, 8, 30, tzinfo=dt.UTC)


def put(inbox, name, code="147", content=b"x"):
    folder = inbox / code
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (MODIFIED.timestamp(), MODIFIED.timestamp()))
    return path


def found(inbox):
    files, warnings = find_files(inbox, now=NOW)
    assert warnings == []
    return files


def test_an_inbox_that_does_not_exist_or_is_empty_holds_nothing(tmp_path):
    assert find_files(tmp_path / "none", now=NOW) == ([], [])
    (tmp_path / "147").mkdir()
    assert find_files(tmp_path, now=NOW) == ([], [])


@pytest.mark.parametrize(
    "name",
    [
        ".svar.csv",
        "~$svar.xlsx",
        ".~lock.svar.ods#",
        "Thumbs.db",
        "THUMBS.DB",
        "desktop.ini",
        "svar.xlsx.partial",
        "SVAR.PARTIAL",
    ],
)
def test_what_programs_leave_behind_is_no_delivery(tmp_path, name):
    put(tmp_path, name)
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    ["svar.csv", "SVAR.CSV", "Svar.XlsX", "a.ods", "a.parquet", "svar.partial.csv", "x~$.csv", "mine thumbs.db.csv"],
)
def test_every_other_file_of_a_known_format_is_one(tmp_path, name):
    put(tmp_path, name)
    assert [(file.name, file.rejected) for file in found(tmp_path)] == [(name, None)]


@pytest.mark.parametrize(
    "name",
    ["svar.xls", "svar.xlsm", "svar.pdf", "svar", "svar.csv.zip", "csv", "svar.xlsx ", "010190-1234.010190-1234"],
)
def test_another_format_is_rejected_saying_how_to_save_it(tmp_path, name):
    put(tmp_path, name)
    [file] = found(tmp_path)
    assert file.rejected.rule == "unsupported_format"
    assert ".xlsx" in file.rejected.message
    assert "1234" not in file.rejected.message


def test_a_file_of_no_bytes_is_empty_whatever_its_name(tmp_path):
    put(tmp_path, "nulindberetning.csv", content=b"")
    put(tmp_path, "svar.pdf", content=b"")
    assert [file.rejected.rule for file in found(tmp_path)] == ["empty", "empty"]


def test_links_pipes_sockets_and_folders_are_rejected_unopened(tmp_path, monkeypatch):
    target = put(tmp_path, "svar.csv", code="101")
    (tmp_path / "147").mkdir()
    monkeypatch.chdir(tmp_path / "147")  # the path of a socket may have no more than 107 bytes
    Path("link.csv").symlink_to(target)
    Path("dangling.csv").symlink_to("/nowhere")
    os.mkfifo("pipe.csv")
    Path("folder.csv").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.csv")
        files = [file for file in found(tmp_path) if file.municipality_code == "147"]
    assert len(files) == 5
    assert {file.rejected.rule for file in files} == {"unreadable"}


def test_a_folder_that_is_no_municipality_is_a_warning_that_names_it_masked(tmp_path):
    for code in ("411", "0147", "010190-1234"):
        put(tmp_path, "svar.csv", code=code)
    (tmp_path / "101").write_bytes(b"a file, not a folder")
    (tmp_path / "147").symlink_to(tmp_path / "411")
    files, warnings = find_files(tmp_path, now=NOW)
    assert files == []
    assert len(warnings) == 5
    assert [warning.split(":")[0] for warning in warnings] == [CPR_REMOVED, "0147", "101", "147", "411"]


@pytest.mark.parametrize(
    ("name", "received_at", "is_warned"),
    [
        ("20221114T093000Z__svar.csv", dt.datetime(2022, 11, 14, 9, 30, tzinfo=dt.UTC), False),
        ("20221201T000000Z__svar.csv", NOW, False),
        ("svar.csv", MODIFIED, False),
        ("20221114T093000Z_svar.csv", MODIFIED, False),
        ("20221114__svar.csv", MODIFIED, False),
        ("x20221114T093000Z__svar.csv", MODIFIED, False),
        ("20221201T000001Z__fremtid.csv", MODIFIED, True),
        ("99991231T235959Z__fremtid.csv", MODIFIED, True),
        ("20221314T093000Z__svar.csv", MODIFIED, True),
        ("20221131T093000Z__svar.csv", MODIFIED, True),
        ("20221114T240000Z__svar.csv", MODIFIED, True),
        ("00000000T000000Z__svar.csv", MODIFIED, True),
    ],
)
def test_a_delivery_is_of_the_time_in_its_name_or_of_its_last_change(tmp_path, name, received_at, is_warned):
    put(tmp_path, name)
    [file] = found(tmp_path)
    assert file.received_at == received_at
    assert (file.warning is not None) == is_warned


def test_files_come_oldest_first_per_municipality_and_of_two_at_once_the_greater_name_is_newer(tmp_path):
    put(tmp_path, "20221115T000000Z__a.csv", "147")
    put(tmp_path, "20221114T000000Z__b.csv", "147")
    put(tmp_path, "20221114T000000Z__a.csv", "147")
    put(tmp_path, "20221116T000000Z__a.csv", "101")
    assert [(file.municipality_code, file.name[6:]) for file in found(tmp_path)] == [
        ("101", "16T000000Z__a.csv"),
        ("147", "14T000000Z__a.csv"),
        ("147", "14T000000Z__b.csv"),
        ("147", "15T000000Z__a.csv"),
    ]


@property_test
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.text("ab", min_size=1, max_size=3)), unique=True, min_size=1, max_size=8
    ).flatmap(lambda files: st.tuples(st.just(files), st.permutations(files)))
)
def test_the_order_in_which_files_are_met_does_not_matter(orders):
    def in_order(files):
        made = [InboxFile("147", n, n, NOW + dt.timedelta(seconds=at), None, None) for at, n in files]
        return sorted(made, key=lambda file: file.age_order)

    given_order, other_order = orders
    assert in_order(given_order) == in_order(other_order)
    newest = in_order(given_order)[-1]
    assert (newest.received_at, newest.name) == max((NOW + dt.timedelta(seconds=at), name) for at, name in given_order)


def test_names_that_are_no_utf8_are_found_and_shown_escaped(tmp_path):
    (tmp_path / "147").mkdir()
    path = os.fsencode(tmp_path / "147") + b"/sk\xe6ma.csv"
    with open(path, "wb") as file:  # noqa: PTH123 - bytes are no Path
        file.write(b"x")
    [found_file] = found(tmp_path)
    assert os.fsencode(found_file.path) == path
    assert found_file.shown_name == "sk\\xe6ma.csv"


def test_a_cpr_like_number_in_a_name_is_masked_where_it_is_shown_and_kept_where_it_is_opened(tmp_path):
    path = put(tmp_path, "20221114T093000Z__010190-1234.csv")
    [file] = found(tmp_path)
    assert file.path == str(path)
    assert file.shown_name == f"20221114T093000Z__{CPR_REMOVED}.csv"


def test_a_single_file_is_a_delivery_of_the_municipality_named(tmp_path):
    path = put(tmp_path, "svar.csv")
    file = single_file(path, "101", received_at=NOW)
    assert (file.municipality_code, file.name, file.received_at, file.rejected) == ("101", "svar.csv", NOW, None)


def test_a_single_file_that_is_not_there_or_of_nobody_is_an_error_that_names_it(tmp_path):
    with pytest.raises(BotilbudError, match=r"missing\.csv findes ikke"):
        single_file(tmp_path / "missing.csv", "147", received_at=NOW)
    with pytest.raises(BotilbudError, match="999 er ikke en kommunekode"):
        single_file(put(tmp_path, "svar.csv"), "999", received_at=NOW)
