"""From cells to case rows: finding the header and the front sheet, and where CPR-like numbers are taken out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from pipelines.ingest import delivery
from pipelines.ingest.limits import CASE_ROWS, FileRejectedError
from pipelines.ingest.sheet import Row, Sheet, is_too_long
from pipelines.ingest.text import CPR_REMOVED
from tests.unit.ingest_scenario import CATALOGUE, HEADER, HEADERS, csv_bytes, property_test, read_csv

KEYS = list(CATALOGUE.keys)
TEXTS = [question.text_da for question in CATALOGUE.questions]
NUMBER = "010190-1234"  # made up: it only looks like a CPR number


def refused(rows, headers=HEADERS):
    with pytest.raises(FileRejectedError) as rejected:
        read_csv(rows, headers)
    return rejected.value.rule, rejected.value.message


def front(*rows):
    """What a front sheet declares (municipality, number of cases), and the warnings."""
    warnings = []
    sheet = Sheet("Forside", hidden=False, rows=[Row(i, list(cells)) for i, cells in enumerate(rows, start=1)])
    return delivery._front_sheet(sheet, warnings), warnings


@pytest.mark.parametrize("place", [0, 25, 26, 51, 52, 701, 702, 16_383])
def test_columns_have_the_letters_of_a_spreadsheet(place):
    assert delivery.column_letters(place) == get_column_letter(place + 1)


# --- the header ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        str,
        str.upper,
        str.lower,
        lambda header: f"  {header} \n",
        lambda header: header.replace(" ", "\n"),
        lambda header: header.replace(" ", "\u00a0  "),
        lambda header: header.replace("-", "–"),
        lambda header: header.replace("å", "a\u030a"),
    ],
)
def test_the_header_is_known_whatever_its_case_spaces_dashes_and_line_breaks(change):
    for headers in (HEADERS, TEXTS, KEYS):
        assert HEADER.recognise(map(change, headers)) == KEYS


@pytest.mark.parametrize("mark", [". ", ") ", ": ", " - ", " ", ".  "])
def test_the_number_may_be_marked_off_in_other_ways(mark):
    assert HEADER.recognise(f"{q.number}{mark}{q.text_da}" for q in CATALOGUE.questions) == KEYS


@pytest.mark.parametrize("cell", ["", "Alder", "99", "3.", "age2", "Borgerens alder", "Borgerens køn 2"])
def test_other_cells_name_no_question(cell):
    assert HEADER.recognise([cell]) == [None]


@property_test
@given(st.data())
def test_the_order_of_the_columns_and_unknown_ones_between_them_do_not_matter(data):
    order = data.draw(st.permutations(range(36)))
    headers, cells = [HEADERS[i] for i in order], [f"svar {i}" for i in order]
    for place in data.draw(st.lists(st.integers(0, 36), max_size=3)):
        headers.insert(place, "Ukendt")
        cells.insert(place, "ukendt")
    read = read_csv([cells], headers)
    assert read["columns"] == {key: [f"svar {i}"] for i, key in enumerate(KEYS)}
    assert {key: headers[_place(letters)] for key, letters in read["places"].items()} == dict(
        zip(KEYS, HEADERS, strict=True)
    )
    assert any("Ukendt" in warning for warning in read["warnings"]) == ("Ukendt" in headers)


def _place(letters):
    return [delivery.column_letters(i) for i in range(50)].index(letters)


@pytest.mark.parametrize("above", [0, 1, 9])
def test_the_header_may_stand_in_any_of_the_first_ten_rows(above):
    read = delivery.read(b"\n".join([b"Screening;2022"] * above + [csv_bytes([["147", "A-1"]])]), ".csv", HEADER)
    assert read["rows"] == [above + 2]


def test_a_header_below_the_tenth_row_is_none():
    with pytest.raises(FileRejectedError) as rejected:
        delivery.read(b"\n".join([b"Screening;2022"] * 10 + [csv_bytes([["147"]])]), ".csv", HEADER)
    assert rejected.value.rule == "missing_questions"


def test_ten_questions_make_a_header_and_nine_do_not():
    rule, message = refused([], HEADERS[:10])
    assert (rule, "11. " in message) == ("missing_questions", True)
    rule, message = refused([], HEADERS[:9])
    assert (rule, "mindst 10 spørgsmål" in message) == ("missing_questions", True)


def test_a_question_found_twice_is_refused_naming_both_columns():
    rule, message = refused([], [*HEADERS, "age"])
    assert rule == "duplicate_question"
    assert f"C ({HEADERS[2]}) og AK (age)" in message


def test_only_the_optional_questions_may_lack_their_column():
    optional = {question.header for question in CATALOGUE.questions if question.optional}
    read = read_csv([["147", "A-1"]], [header for header in HEADERS if header not in optional])
    assert read["columns"]["comment"] == [None]
    for header in HEADERS:
        if header not in optional:
            rule, message = refused([], [other for other in HEADERS if other != header])
            assert (rule, header in message) == ("missing_questions", True)


def test_a_file_of_blanks_is_empty_and_one_without_a_header_lacks_questions():
    for content in (b"\n", b";;;\n;;\n", b"\xef\xbb\xbf"):
        with pytest.raises(FileRejectedError) as rejected:
            delivery.read(content, ".csv", HEADER)
        assert rejected.value.rule == "empty"
    with pytest.raises(FileRejectedError) as rejected:
        delivery.read(b"a;b\n1;2\n", ".csv", HEADER)
    assert rejected.value.rule == "missing_questions"


# --- the rows --------------------------------------------------------------------------------------------------------


def test_rows_without_an_answer_are_no_case_rows_and_the_others_keep_their_numbers():
    blank = [""] * 36
    read = read_csv([["147"], blank, [*blank, "kun her"], [" \u00a0 "], ["147", "B"]], [*HEADERS, "Ukendt"])
    assert read["rows"] == [2, 6]
    assert read["columns"]["case_id"] == [None, "B"]


def test_a_line_with_more_fields_than_the_header_is_told_and_one_with_fewer_has_blanks():
    read = read_csv([["147"] * 36, ["147"] * 37, ["147"]])
    assert read["surplus_rows"] == [3]
    assert read["columns"]["comment"] == ["147", "147", None]


def test_as_many_case_rows_as_allowed_are_read_and_one_more_is_refused():
    row = ["147"]
    assert len(read_csv([row] * CASE_ROWS)["rows"]) == CASE_ROWS
    rule, message = refused([row] * (CASE_ROWS + 1))
    assert (rule, "20.000" in message) == ("unreadable", True)


# --- CPR-like numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_a_cpr_like_number_is_taken_out_of_any_question(key):
    read = read_csv([["147", "A-1"], [f"se {NUMBER}" if other == key else "svar" for other in KEYS]])
    assert read["columns"][key][1] == CPR_REMOVED
    assert read["cpr_cells"] == [(3, key)]
    assert "1234" not in str(read)


@pytest.mark.parametrize("key", KEYS)
def test_nine_digits_are_taken_out_of_text_questions_only(key):
    read = read_csv([["101901234" if other == key else "svar" for other in KEYS]])
    assert read["cpr_cells"] == ([(2, key)] if key in ("case_id", "comment") else [])


def test_a_cpr_like_number_outside_the_form_is_told_once_per_row_without_its_column():
    read = read_csv(
        [["147", *[""] * 35, NUMBER, NUMBER], ["147", *[""] * 35, "x", "y", NUMBER]], [*HEADERS, "Navn", "Note"]
    )
    assert read["cpr_cells"] == [(2, None), (3, None)]
    assert "1234" not in str(read)


def test_a_cpr_like_number_in_the_heading_of_an_unknown_column_is_masked():
    read = read_csv([["147"]], [*HEADERS, f"Sag {NUMBER}"])
    assert read["warnings"] == [f"Kolonner, som ikke er i skemaet, er sprunget over: Sag {CPR_REMOVED}."]


@property_test
@given(
    st.lists(
        st.tuples(st.integers(0, 39), st.sampled_from([NUMBER, "0101901234", "٠١٠١٩٠ ١٢٣٤", "a 010190.1234 b"])),
        max_size=6,
    )
)
def test_wherever_the_numbers_stand_none_is_left_and_every_cell_is_told(places):
    cells = ["svar"] * 40
    for place, number in places:
        cells[place] = number
    read = read_csv([cells], [*HEADERS, "Navn", "Note"])
    asked = {KEYS[place] for place, _ in places if place < 36}
    elsewhere = any(place >= 36 for place, _ in places)
    assert set(read["cpr_cells"]) == {(2, key) for key in asked} | ({(2, None)} if elsewhere else set())
    assert {key for key in KEYS if read["columns"][key] == [CPR_REMOVED]} == asked
    assert "1234" not in str(read)
    assert "١٢٣٤" not in str(read)


# --- the front sheet -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("6", 6), ("6 sager", 6), ("i alt 1.234 sager", 1234), ("007", 7), ("20000", 20_000)],
)
def test_a_declared_number_is_read_out_of_its_text(text, number):
    assert front(["Antal sager", text]) == ((None, number), [])


@pytest.mark.parametrize("text", ["ingen", "-", NUMBER, "101901234"])
def test_a_text_without_a_number_declares_none_and_is_told_without_being_shown(text):
    (municipality, declared), warnings = front(["Antal sager", text])
    assert (municipality, declared) == (None, None)
    assert len(warnings) == 1
    assert text not in warnings[0]


def test_the_front_sheet_is_read_by_its_first_column_in_any_case():
    assert front([], ["Screening"], [" KOMMUNEKODE : ", "147"], ["antal sager", "3"], ["Antal sager", "4"]) == (
        ("147", 3),
        [],
    )
    assert front(["Kommunekode", ""], ["Antal sager"]) == ((None, None), [])
    assert front(["Kommunekode", NUMBER])[0] == (CPR_REMOVED, None)


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("6 sager", 6),
        ("1.204", 1204),
        ("12345", 12345),
        ("0", 0),
        ("ca. 101901234", None),
        ("010190/1234", None),
        ("1019 01234", None),
    ],
)
def test_a_declared_number_has_five_digits_at_most_and_stands_alone(text, declared):
    # What has more digits may be a CPR number, and the number declared is shown in a message.
    front = Sheet("Forside", hidden=False, rows=[Row(1, ["Antal sager", text])])
    assert delivery._front_sheet(front, [])[1] == declared


def test_a_cell_is_as_long_as_a_spreadsheet_counts_it():
    assert not is_too_long("x" * 32_767)
    assert is_too_long("x" * 32_768)
    assert is_too_long("😀" * 16_384), "two units each"
