"""Unpacking within limits: what an archive claims of itself is never believed, and whatever it holds it ends well."""

import contextlib
import io
import struct
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest import archive
from pipelines.ingest.limits import ARCHIVE_PARTS, FileRejectedError
from tests.unit.ingest_scenario import property_test

names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
parts_at_random = st.dictionaries(names, st.binary(max_size=300), max_size=6)


def zipped(parts, method=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(content, "w", method) as file:
        warnings.simplefilter("ignore", UserWarning)  # a name that stands twice is meant
        for name, data in parts:
            file.writestr(zipfile.ZipInfo(name), data, method)
    return content.getvalue()


def refused(content):
    with pytest.raises(FileRejectedError) as rejected:
        archive.unpack(content)
    assert rejected.value.rule == "unreadable"
    return rejected.value.message


@property_test
@given(
    parts_at_random, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
)
def test_every_part_is_unpacked_and_packed_again_as_it_was(parts, method):
    assert archive.unpack(zipped(parts.items(), method)) == parts
    assert archive.unpack(archive.repack(parts).getvalue()) == parts


def test_a_part_that_stands_twice_counts_as_its_last():
    assert archive.unpack(zipped([("a", b"first"), ("a", b"last")])) == {"a": b"last"}


def test_a_thousand_parts_are_read_and_one_more_is_refused_naming_the_limit():
    parts = [(str(number), b"") for number in range(ARCHIVE_PARTS + 1)]
    assert len(archive.unpack(zipped(parts[:-1]))) == ARCHIVE_PARTS
    assert "1.000 dele" in refused(zipped(parts))


def test_the_unpacked_size_of_all_parts_together_is_counted(monkeypatch):
    monkeypatch.setattr(archive, "UNPACKED_BYTES", 3_000_000)
    half = bytes(1_500_000)
    assert len(archive.unpack(zipped([("a", half), ("b", half)]))) == 2
    assert "3 MB udpakket" in refused(zipped([("a", half), ("b", half), ("c", b"x")]))
    # A name that stands twice costs twice.
    assert "3 MB udpakket" in refused(zipped([("a", half), ("a", half), ("a", b"x")]))


@pytest.mark.parametrize("claimed", [0, 10, 4_000_000_000])
def test_a_false_size_is_refused_and_nothing_is_unpacked_beyond_it(claimed):
    content = bytearray(zipped([("a", b"sandheden")]))
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", claimed)
    if claimed >= 9:
        # The archive promises more than there is: what is there counts, as long as its checksum holds.
        assert archive.unpack(bytes(content)) == {"a": b"sandheden"}
    else:
        assert "beskadiget" in refused(bytes(content))


def test_a_password_is_told():
    content = bytearray(zipped([("a", b"hemmelig")]))
    for place in (6, content.index(b"PK\x01\x02") + 8):
        content[place] |= 0x1
    assert refused(bytes(content)) == archive.PASSWORD


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@property_test
@given(
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 400),
)
def test_a_damaged_archive_is_unpacked_or_refused_and_nothing_else(method, changes, cut):
    content = bytearray(zipped([("mimetype", b"x" * 50), ("content.xml", b"<a/>" * 40)], method))
    for place, value in changes:
        content[place % len(content)] = value
    with contextlib.suppress(FileRejectedError):
        archive.unpack(bytes(content[: len(content) - cut] if cut % 4 == 0 else content))


@property_test
@given(st.binary(max_size=100))
def test_bytes_that_are_no_archive_are_refused(content):
    assert "beskadiget" in refused(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["content.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.dat", "A"])
def test_a_document_type_is_refused_in_every_encoding_and_under_every_name(encoding, name):
    text = f"<?xml version='1.0'?>{' ' * 500}<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a/>"
    with pytest.raises(FileRejectedError) as rejected:
        archive.refuse_doctype({"a.png": b"", name: text.encode(encoding)})
    assert rejected.value.rule == "unreadable"
    assert "DOCTYPE" in rejected.value.message


def test_an_image_and_a_plain_part_have_no_document_type():
    archive.refuse_doctype({"a.png": b"\x89PNG <!DOCTYPE", "content.xml": b"<a>doctype</a>"})


def test_the_older_container_is_told_apart():
    assert archive.ole2_message(b"\0".join([b"", *(bytes([c]) for c in b"EncryptedPackage"), b""])) == archive.PASSWORD
    assert ".xls-format" in archive.ole2_message(archive.OLE2)
