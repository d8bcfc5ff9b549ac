"""The forms of the extracts: what a municipality opens, and that the ingest reads what it fills in."""

import datetime as dt
import io

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from pipelines.form.form import EXTRACT_TITLES_DA, extract_template
from pipelines.form.validation import FORMULA_LIMIT, validation
from pipelines.ingest.extracts import check_extract
from pipelines.ingest.forms import traits_of
from pipelines.ingest.inbox import single_file
from schemas.errors import CatalogueError
from schemas.extracts import BUDGETS, EXTRACTS, GRANTS
from tests.unit.extract_scenario import FORMS, GOOD, grant

NOW = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
TEMPLATES = {extract: extract_template(extract) for extract in EXTRACTS}
EACH = pytest.mark.parametrize("extract", EXTRACTS)


def opened(extract):
    return openpyxl.load_workbook(io.BytesIO(TEMPLATES[extract]))


def values(sheet):
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def validations(extract):
    """The validations of Skema by column number."""
    found = {}
    for rule in opened(extract)["Skema"].data_validations.dataValidation:
        (cells,) = rule.sqref.ranges
        found[cells.min_col] = rule
    return found


@pytest.fixture
def check(tmp_path):
    """What the ingest makes of a form with these rows filled in."""

    def checked(extract, rows, **front):
        book = opened(extract)
        for cell, value in front.items():
            book["Forside"][cell] = value
        for number, row in enumerate(rows, start=2):
            for question in FORMS[extract].questions:
                # A value alone: the cell keeps the format that the form gives its column.
                book["Skema"].cell(number, question.number).value = row[question.key]
        book.save(tmp_path / "a.xlsx")
        return check_extract(single_file(tmp_path / "a.xlsx", "147", received_at=NOW), extract)

    return checked


@EACH
def test_the_same_extract_gives_the_same_bytes(extract):
    assert extract_template(extract) == TEMPLATES[extract]


@EACH
def test_a_form_has_its_sheets_and_the_columns_of_the_extract(extract):
    book = opened(extract)
    assert book.sheetnames == ["Forside", "Skema", "Svarmuligheder", "Vejledning"]
    assert values(book["Skema"])[0] == [question.header for question in FORMS[extract].questions]
    assert book["Forside"]["A1"].value == EXTRACT_TITLES_DA[extract]


@EACH
def test_dates_are_cells_of_dates_and_all_else_is_text(extract):
    columns = {
        number: width.number_format
        for width in opened(extract)["Skema"].column_dimensions.values()
        for number in range(width.min, width.max + 1)
    }
    expected = {q.number: "dd-mm-yyyy" if q.kind == "date" else "@" for q in FORMS[extract].questions}
    assert columns == expected


@EACH
def test_every_row_that_may_be_delivered_has_its_checks(extract):
    rules = validations(extract)
    last = 1 + traits_of(FORMS[extract]).rows
    for question in FORMS[extract].questions:
        rule = rules[question.number]
        column = get_column_letter(question.number)
        assert str(rule.sqref) == f"{column}2:{column}{last}"
        assert rule.promptTitle == f"Kolonne {question.number}"
        assert rule.prompt
        if rule.type:
            assert rule.error


def test_the_grants_form_has_100_000_rows_and_the_others_20_000():
    assert [traits_of(FORMS[extract]).rows for extract in EXTRACTS] == [100_000, 20_000, 20_000, 20_000]


@EACH
def test_a_drop_down_offers_exactly_the_labels_of_its_column(extract):
    book = opened(extract)
    for question in FORMS[extract].closed_questions:
        name = validations(extract)[question.number].formula1.removeprefix("=")
        ((sheet, cells),) = book.defined_names[name].destinations
        assert [row[0].value for row in book[sheet][cells]] == [option.label_da for option in question.options]


def test_a_date_is_checked_against_the_years_that_are_allowed():
    rule = validations(GRANTS)[FORMS[GRANTS].question("start_date").number]
    epoch = dt.date(1899, 12, 30)  # day 0 of Excel's calendar, counted from March 1900 on
    assert (rule.type, rule.operator) == ("date", None)  # the format's default is `between`
    assert (rule.formula1, rule.formula2) == ("1", str((dt.date(2200, 12, 31) - epoch).days))
    assert rule.error == "Skriv en dato i årene 1900 til 2200, fx 01-04-2023."


@EACH
def test_excel_takes_every_title_message_and_formula(extract):
    traits = traits_of(FORMS[extract])
    for question in FORMS[extract].questions:
        rule = validation(question, "AJ2", "$AJ$2:$AJ$100001", traits)
        assert len(rule["input_title"]) <= 32
        assert 0 < len(rule["input_message"]) <= 255
        assert len(rule.get("error_message", "")) <= 255
        assert len(str(rule.get("value", ""))) <= FORMULA_LIMIT


@EACH
def test_the_guide_explains_every_column_in_an_extracts_words(extract):
    guide = values(opened(extract)["Vejledning"])
    assert guide[0] == ["Kolonne", "Kolonnens tekst", "Slags svar", "Skal besvares", "Tilladte svar"]
    assert [row[:2] for row in guide[1:]] == [[q.number, q.text_da] for q in FORMS[extract].questions]
    assert all(all(row) for row in guide)
    kinds = {q.kind: row[2] for q, row in zip(FORMS[extract].questions, guide[1:], strict=True)}
    assert kinds.get("date", "Dato") == "Dato"
    assert kinds["amount"] == "Beløb i hele kroner"
    assert "pr. år" not in str([row[2] for row in guide])


def test_a_year_is_told_without_a_thousands_separator():
    guide = {row[1]: row[4] for row in values(opened(GRANTS)["Vejledning"])}
    assert guide["Borgerens fødselsår"] == "Et helt tal fra 1900 til 2030."


@EACH
def test_a_filled_in_form_is_read(extract, check):
    log, rejected, _ = check(extract, [GOOD[extract]], B4="147", B5=1)
    assert rejected["message"].to_list() == []
    assert log.select("status", "rows", "accepted", "warnings").rows() == [("current", 1, 1, [])]


def test_dates_that_are_filled_in_are_read_as_dates_or_as_text(check):
    rows = [
        grant("B-1", start_date=dt.date(2023, 4, 1), end_date=dt.datetime(2024, 12, 31)),  # noqa: DTZ001 - a cell
        grant("B-2", start_date="01-04-2023", end_date="31. december 2024"),
    ]
    log, rejected, _ = check(GRANTS, rows)
    assert rejected["message"].to_list() == []
    assert log["accepted"].to_list() == [2]


def test_a_declared_number_that_is_another_is_told(check):
    log, _, _ = check(BUDGETS, [GOOD[BUDGETS]], B5=3)
    assert log["rule"].to_list() == ["declared_count"]
    assert log["message"][0] == (
        "Forsiden angiver 3 rækker, men skemaet har 1 udfyldte rækker. Ret Antal rækker, eller tilføj eller slet "
        "rækker, så tallene stemmer."
    )


def test_an_untouched_form_holds_no_rows(check):
    log, _, _ = check(GRANTS, [])
    assert log["rule"].to_list() == ["empty"]


def test_an_extract_that_does_not_exist_is_refused():
    with pytest.raises(CatalogueError, match="there is no extract 'cases'"):
        extract_template("cases")
