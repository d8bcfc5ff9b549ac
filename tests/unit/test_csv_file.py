"""Reading CSV: what was written comes back row by row whatever the dialect, and an open quote never swallows a row."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.ingest import csv_file
from pipelines.ingest.delivery import HEADER_QUESTIONS
from pipelines.ingest.limits import CELL_CHARACTERS, FileRejectedError
from pipelines.ingest.text import fold
from tests.unit.ingest_scenario import HEADER, HEADERS, property_test

KEYS = [question["key"] for question in HEADER.questions]


def read(content):
    sheet = csv_file.read(content, HEADER.count, HEADER_QUESTIONS)
    return [(row.number, row.cells) for row in sheet.rows]


def written(rows, separator=";", end="\r\n", quoting=csv.QUOTE_MINIMAL):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return out.getvalue()


def refused(content):
    with pytest.raises(FileRejectedError) as rejected:
        read(content)
    assert rejected.value.rule == "unreadable"
    return rejected.value.message


danish_cells = st.one_of(
    st.sampled_from(
        ["", "Ja", "1-2 år", "a;b", "a,b", "a\tb", 'sagde "nej"', '"', '""', "to\nlinjer", "Æbleø", "§ 107"]
    ),
    st.text(st.sampled_from('abÆå;,\t" \n-'), max_size=8),
)
tables = st.lists(st.lists(danish_cells, min_size=len(KEYS), max_size=len(KEYS)), max_size=4)


@property_test
@given(
    tables,
    st.sampled_from([separator + end for separator in ";,\t" for end in ("\r\n", "\n", "\r")]),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["whole", "last line end missing", "separator declared"]),
)
@example([[""] * len(KEYS)], ";\n", "utf-8", csv.QUOTE_MINIMAL, "whole")
def test_every_row_comes_back_in_its_place_whatever_the_dialect(rows, marks, encoding, quoting, form):
    separator, end = marks[0], marks[1:]
    # Python's writer leaves a line feed inside a cell bare where carriage returns end the lines.
    text = written([HEADERS, *rows], separator, end, csv.QUOTE_ALL if end == "\r" else quoting)
    if form == "last line end missing":
        text = text.removesuffix(end)
    if form == "separator declared":
        text = f"sep={separator}{end}{text}"
    expected = [[fold(cell) for cell in row] for row in [HEADERS, *rows]]
    assert read(text.encode(encoding)) == list(enumerate(expected, start=1))


def test_line_ends_may_be_mixed_and_blank_lines_count_as_rows():
    text = ";".join(KEYS) + "\r\n1;2\r3;4\n\n5;6"
    assert read(text.encode())[1:] == [(2, ["1", "2"]), (3, ["3", "4"]), (4, []), (5, ["5", "6"])]


def test_any_number_of_byte_order_marks_is_skipped():
    assert read(b"\xef\xbb\xbf" * 3 + ";".join(KEYS).encode()) == [(1, KEYS)]


def test_the_separator_is_the_one_that_shows_most_questions():
    header = written([[*HEADERS, "a;b", "c\td"]], ",")
    assert len(read(header.encode())[0][1]) == len(HEADERS) + 2


@pytest.mark.parametrize("separator", ["|", "^", ":"])
def test_a_declared_separator_counts_though_it_is_an_unusual_one(separator):
    text = f"SEP={separator}\n" + separator.join(KEYS)
    assert read(text.encode()) == [(1, KEYS)]


@property_test
@given(st.integers(0, 5), st.integers(0, 35), st.text(st.sampled_from("ab;å "), max_size=5), st.booleans())
def test_an_open_quote_is_refused_naming_its_line(row, place, text, ends):
    rows = [["x"] * len(KEYS) for _ in range(6)]
    rows[row][place] = f'"{text}'
    body = "\n".join(";".join(cells) for cells in [KEYS, *rows]) + ("\n" if ends else "")
    assert f"linje {row + 2} " in refused(body.encode())


@property_test
@given(st.integers(0, 4), st.integers(0, 35), st.integers(0, 35))
def test_an_open_quote_that_a_later_quoted_cell_seems_to_close_is_refused_too(row, place, later):
    rows = [["x"] * len(KEYS) for _ in range(6)]
    rows[row][place] = '"x'
    rows[5][later] = '"y;y"'
    body = "\n".join(";".join(cells) for cells in [KEYS, *rows])
    assert f"linje {row + 2} " in refused(body.encode())


def test_a_quote_inside_a_cell_that_is_not_quoted_is_a_character():
    assert read(f'{";".join(KEYS)}\n5" skærm;x\n'.encode())[1] == (2, ['5" skærm', "x"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "mac-roman", "cp865"])
def test_another_encoding_is_refused_suggesting_utf_8(encoding):
    header = written([[f"{text} æøåÆØÅ" for text in HEADERS], HEADERS])
    assert "CSV UTF-8" in refused(header.encode(encoding, "replace"))


def test_windows_1252_is_believed_only_where_the_header_fits():
    assert "CSV UTF-8" in refused("Æble;Ærø;Ål\n1;2;3\n".encode("cp1252"))


def test_a_cell_at_the_limit_is_read_and_one_beyond_is_refused_naming_its_row():
    header = ";".join(KEYS)
    assert len(read(f"{header}\n{'x' * CELL_CHARACTERS}".encode())[1][1][0]) == CELL_CHARACTERS
    assert "Række 3 " in refused(f"{header}\nx\n{'x' * (CELL_CHARACTERS + 1)}".encode())


@property_test
@given(
    st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda tail: ";".join(KEYS).encode() + b"\n" + tail))
)
def test_any_bytes_are_rows_or_refused(content):
    try:
        rows = read(content)
    except FileRejectedError:
        return
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
