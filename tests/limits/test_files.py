"""The built files are what they claim to be, told by readers that the project does not use for them.

A hostile file that is by mistake only broken would be rejected all the same, and its case prove nothing.
"""

import csv
import io
import zipfile
import zlib

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine

from tests.limits import cases_files, cases_parquet, cases_slow, files
from tests.limits.corpus import CODES

# The first code, as in the inboxes of the slow cases: what is built once serves both.
CODE = CODES[0]
EXPECTED = [[str(value) for value in row] for row in files.grid(files.good(CODE))]


def _calamine(data: bytes, sheet: str = "Skema") -> list[list[object]]:
    book = python_calamine.load_workbook(io.BytesIO(data))
    return book.get_sheet_by_name(sheet).to_python()


@pytest.mark.parametrize(
    "make",
    [
        cases_files.good_xlsx,
        lambda code: files.streamed(cases_files.good_parts(code)),
        lambda code: files.zip64(cases_files.good_parts(code)),
        cases_files._inline_only,
        cases_files._without_addresses,
        lambda code: files.packed(cases_files._prefixed(cases_files.good_parts(code))),
        lambda code: files.packed(files.renamed(cases_files.good_parts(code), "xl/ark/skema.dat")),
    ],
    ids=["plain", "streamed", "zip64", "inline", "without addresses", "prefixed", "renamed"],
)
@pytest.mark.filterwarnings("ignore:Workbook contains no default style")
def test_the_good_workbook_is_one_to_openpyxl_and_calamine(make):
    data = make(CODE)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Skema"]
    read = [[str(value or "").strip() for value in row] for row in sheet.iter_rows(values_only=True)]
    # The comments are blank, and a reader may leave the last column out.
    assert [row[:35] for row in read] == [row[:35] for row in EXPECTED]
    assert [[str(value).strip() for value in row[:35]] for row in _calamine(data)] == [row[:35] for row in EXPECTED]


def test_the_good_ods_csv_and_parquet_hold_the_same():
    assert [[str(value) for value in row[:35]] for row in _calamine(cases_files.good_ods(CODE))] == [
        row[:35] for row in EXPECTED
    ]
    assert list(csv.reader(io.StringIO(cases_files.good_csv(CODE).decode()), delimiter=";")) == EXPECTED
    table = pq.read_table(io.BytesIO(cases_files.good_parquet(CODE)))
    assert [list(row.values()) for row in table.to_pylist()] == EXPECTED[1:]


def test_excels_strict_format_has_other_namespaces_and_the_same_cells():
    parts = files.strict(cases_files.good_parts(CODE))
    assert not [name for name, data in parts.items() if files.MAIN.encode() in data]
    assert _calamine(files.packed(parts))[1][1] == "A-1"


def test_the_password_protected_workbooks_are_known_as_such(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(files.encrypted_xlsx())
    (tmp_path / "a.ods").write_bytes(files.encrypted_ods(files.o_sheet(files.grid(files.good(CODE)))))
    for path in tmp_path.iterdir():
        with pytest.raises(python_calamine.PasswordError):
            python_calamine.load_workbook(str(path))


def test_the_damaged_workbook_is_an_archive_with_one_bad_part():
    archive = zipfile.ZipFile(io.BytesIO(cases_files._damaged(cases_files.good_xlsx(CODE))))
    with pytest.raises((zlib.error, zipfile.BadZipFile)):
        archive.read("xl/worksheets/sheet1.xml")
    assert archive.read("xl/workbook.xml")


def test_the_utf_16_sheet_is_well_formed():
    from xml.etree import ElementTree as ET

    data = cases_files._utf16(cases_files.good_parts(CODE), cases_files.SHEET, "utf-16-le")
    sheet = zipfile.ZipFile(io.BytesIO(data)).read(cases_files.SHEET)
    assert len(ET.fromstring(sheet).findall(f".//{{{files.MAIN}}}row")) == 4  # noqa: S314 our own text


@pytest.mark.slow
def test_the_bombs_are_small_and_unpack_to_more_than_allowed():
    whole = cases_slow._sheet_bomb(CODE)
    assert len(whole) < 1_000_000
    assert zipfile.ZipFile(io.BytesIO(whole)).getinfo(cases_slow.SHEET).file_size > 100 * cases_slow.MIB
    for lying in (cases_slow._lying_bomb(CODE), cases_slow._deeply_lying_bomb(CODE)):
        told = zipfile.ZipFile(io.BytesIO(lying)).getinfo(cases_slow.SHEET)
        assert told.file_size < 50_000
        start = told.header_offset + 30 + len(told.filename)
        assert len(zlib.decompress(lying[start : start + told.compress_size], -15)) > 100 * cases_slow.MIB
    shared = zipfile.ZipFile(io.BytesIO(cases_slow._overlapping(CODE))).infolist()
    assert sum(part.file_size for part in shared) > 100 * cases_slow.MIB
    assert len({part.header_offset for part in shared}) < 10


@pytest.mark.slow
def test_the_many_rows_stay_within_the_other_limits():
    assert len(cases_slow._many_csv(20_001, CODE)) < 10_000_000
    assert len(cases_slow._wrong_everywhere(CODE)) < 10_000_000
    for data in (
        cases_slow._many_xlsx(20_001, CODE), cases_slow._many_ods(CODE), cases_slow._formatted_blanks(CODE),
        cases_slow._formatted_cells(CODE),
    ):  # fmt: skip
        assert len(data) < 10_000_000
        assert sum(part.file_size for part in zipfile.ZipFile(io.BytesIO(data)).infolist()) < 100_000_000


@pytest.mark.slow
def test_the_long_and_the_wide_parquet_files_are_small():
    long, wide = cases_slow._long_parquet(10_000_000, CODE), cases_slow._wide_parquet(CODE)
    assert pq.ParquetFile(io.BytesIO(long)).metadata.num_rows == 10_000_000
    assert len(long) < 200_000
    assert len(wide) < 1_000_000
    assert len(cases_slow._listed_parquet(CODE)) < 1_000_000


def test_the_encrypted_parquet_files_cannot_be_read_without_a_key():
    for plain_footer in (False, True):
        with pytest.raises((OSError, pa.ArrowException)):
            pq.read_table(io.BytesIO(cases_parquet.encrypted(CODE, plain_footer=plain_footer)))


def test_the_footer_that_promises_more_rows_does_so():
    [case] = [case for case in cases_parquet.FILES if "promises" in case.name]
    good = cases_files.good_parquet(CODE)
    assert good.replace(b"\x16\x06\x19", b"\x16\x08\x19") != good, case.name
