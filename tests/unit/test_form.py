import datetime as dt
import io
import re
import zipfile
from collections import Counter

import openpyxl
import polars as pl
import pytest
from openpyxl.utils import get_column_letter
from python_calamine import CalamineWorkbook, SheetVisibleEnum
from xlsxwriter.worksheet import Worksheet

from pipelines import workbook
from pipelines.form import form
from pipelines.form.validation import FORMULA_LIMIT, validation
from pipelines.ingest import delivery
from pipelines.ingest.text import CPR_REMOVED
from schemas.errors import BotilbudError
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round

ROUND = find_round("2022-10-01")
CATALOGUE = load_catalogue(ROUND.questionnaire)
HEADERS = [question.header for question in CATALOGUE.questions]

# A case whose answers a spreadsheet would turn into dates, times and numbers if it could.
CASE = {
    question.key: question.options[0].label_da if question.is_closed else None for question in CATALOGUE.questions
} | {
    "municipality_code": "147",
    "case_id": "001",
    "age": "34",
    "residential_cost_dkk": "2.345.678",
    "day_programme_cost_dkk": "0",
    "time_above_threshold": "1-2 år",
    "secondary_target_groups": "Autismespektrumforstyrrelse med udviklingshæmning; Socialt problem",
    "use_of_force": "1-5",
    "staffing": "1:1",
    "months_since_follow_up": "6",
    "comment": None,
}

TEMPLATE = form.template(ROUND, CATALOGUE)

ROWS = pl.DataFrame(
    [
        {"row": 7, **CASE, "case_id": "003", "age": "3-4", "use_of_force": "2022-05-01 00:00:00"},
        {"row": 2, **CASE},
        {"row": 5, **CASE, "case_id": "002", "staffing": None},
    ],
    schema={"row": pl.Int64} | dict.fromkeys(CATALOGUE.keys, pl.String),
)
ERRORS = pl.DataFrame(
    [
        (7, None, "columns", "Rækken har flere felter end overskriften."),
        (7, 20, "option", "Excel har lavet svaret om til en dato."),
        (7, 3, "integer", "Skriv et helt tal."),
        (7, 3, "cpr", "Cellen ligner et CPR-nummer."),
        (5, 25, "missing", "Svaret mangler."),
    ],
    schema={"row": pl.Int64, "question": pl.Int64, "rule": pl.String, "message": pl.String},
    orient="row",
)
FILES = pl.DataFrame(
    [
        ("anden.xls", dt.datetime(2022, 11, 14, 9, 30, tzinfo=dt.UTC), "unsupported_format", "Gem som .xlsx."),
        ("første.xlsx", dt.datetime(2022, 10, 20, 9, 30, tzinfo=dt.UTC), "unreadable", "Filen er beskadiget."),
    ],
    schema={"file": pl.String, "received_at": pl.Datetime("us", "UTC"), "rule": pl.String, "message": pl.String},
    orient="row",
)


def correction(rows=ROWS, errors=ERRORS, files=FILES):
    return form.correction(ROUND, CATALOGUE, rows, errors, file="Screening.xlsx", files=files, municipality_code="147")


CORRECTION = correction()
BOTH = pytest.mark.parametrize("content", [TEMPLATE, CORRECTION], ids=["template", "correction"])


def opened(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def values(sheet):
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def ingested(content):
    asked = [
        delivery.QuestionColumn(number=q.number, key=q.key, kind=q.kind, text_da=q.text_da, optional=q.optional)
        for q in CATALOGUE.questions
    ]
    return delivery.read(content, ".xlsx", delivery.Header(asked))


def validations(content):
    """The validations of Skema by question number."""
    found = {}
    for rule in opened(content)["Skema"].data_validations.dataValidation:
        (cells,) = rule.sqref.ranges
        assert cells.min_col == cells.max_col
        found[cells.min_col] = rule
    return found


def parts(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


# What both workbooks share


@BOTH
def test_the_same_input_gives_the_same_bytes(content):
    again = form.template(ROUND, CATALOGUE) if content is TEMPLATE else correction()
    assert again == content


def test_no_sheet_is_hidden_and_every_sheet_is_there():
    expected = {
        TEMPLATE: ["Forside", "Skema", "Svarmuligheder", "Vejledning"],
        CORRECTION: ["Læs mig", "Forside", "Skema", "Fejl", "Afviste filer", "Svarmuligheder", "Vejledning"],
    }
    for content, names in expected.items():
        sheets = CalamineWorkbook.from_filelike(io.BytesIO(content)).sheets_metadata
        assert [sheet.name for sheet in sheets] == names
        assert all(sheet.visible == SheetVisibleEnum.Visible for sheet in sheets)


@BOTH
def test_a_workbook_names_no_author_and_links_nowhere(content):
    files = parts(content)
    assert "<dc:creator></dc:creator>" in files["docProps/core.xml"]
    assert "<cp:lastModifiedBy></cp:lastModifiedBy>" in files["docProps/core.xml"]
    assert not [name for name in files if "external" in name.lower() or "hyperlink" in name.lower()]
    assert not [name for name, text in files.items() if 'TargetMode="External"' in text]
    assert {author for text in files.values() for author in re.findall(r"<author>(.*?)</author>", text)} <= {""}


@BOTH
def test_the_first_row_holds_the_headers_and_stays_in_view(content):
    sheet = opened(content)["Skema"]
    assert values(sheet)[0] == HEADERS
    assert CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("Skema").to_python()[0] == HEADERS
    assert sheet.freeze_panes == "C2"


@BOTH
def test_every_answer_column_is_text_so_that_nothing_becomes_a_date(content):
    sheet = opened(content)["Skema"]
    # Neighbours of the same width and format share one element.
    columns = {n: c.number_format for c in sheet.column_dimensions.values() for n in range(c.min, c.max + 1)}
    assert columns == {question.number: "@" for question in CATALOGUE.questions}
    assert {cell.number_format for row in sheet.iter_rows(min_row=2) for cell in row if cell.has_style} <= {"@"}


@BOTH
def test_no_validation_was_dropped_and_each_covers_the_rows_of_its_question(content):
    last = {TEMPLATE: 1 + 500, CORRECTION: 1 + 3 + 500}[content]
    rules = validations(content)
    kinds = {"single": "list", "integer": "custom", "amount": "custom", "code": "custom", "multiple": None}
    assert list(rules) == [question.number for question in CATALOGUE.questions]
    for question in CATALOGUE.questions:
        rule = rules[question.number]
        column = get_column_letter(question.number)
        assert str(rule.sqref) == f"{column}2:{column}{last}"
        if question.kind != "text":
            assert rule.type == kinds[question.kind]
        if rule.type:
            assert rule.showErrorMessage
            assert rule.errorStyle in (None, "stop")  # the format's default is to stop
            assert rule.error
        assert rule.showInputMessage
        assert rule.promptTitle == f"Spørgsmål {question.number}"
    assert rules[CATALOGUE.question("case_id").number].type == "custom"
    assert rules[CATALOGUE.question("comment").number].type is None


@BOTH
def test_a_drop_down_offers_exactly_the_options_of_its_question(content):
    book = opened(content)
    for question in CATALOGUE.questions:
        rule = validations(content)[question.number]
        if question.kind != "single":
            assert not rule.type or rule.type == "custom"
            continue
        name = rule.formula1.removeprefix("=")
        ((sheet, cells),) = book.defined_names[name].destinations
        assert [row[0].value for row in book[sheet][cells]] == [option.label_da for option in question.options]


def test_excel_takes_every_title_message_and_formula():
    for question in CATALOGUE.questions:
        # The longest addresses that a prefilled form can have: 20,000 cases and the empty rows after them.
        rule = validation(question, "AJ2", "$AJ$2:$AJ$20501")
        assert len(rule["input_title"]) <= 32
        assert 0 < len(rule["input_message"]) <= 255
        assert len(rule.get("error_message", "")) <= 255
        assert len(rule.get("value", "")) <= FORMULA_LIMIT


def test_a_number_is_checked_against_its_bounds_the_danish_way():
    formula = validations(TEMPLATE)[3].formula1
    number = '_xlfn.NUMBERVALUE(C2,",",".")'
    assert formula == f"IFERROR(AND({number}>=18,{number}<=110,{number}=INT({number})),FALSE)"
    assert ">=0," in validations(TEMPLATE)[7].formula1
    assert "<=50000000)" in validations(TEMPLATE)[7].formula1
    assert validations(TEMPLATE)[7].formula1.count("ISNUMBER(SEARCH(") == 3  # kr, dkk, mio


def test_every_rule_of_the_format_has_a_danish_name():
    row_rules = "missing option integer range amount unit municipality duplicate cpr columns"
    file_rules = (
        "unsupported_format unreadable empty duplicate_question missing_questions declared_count too_many_rejected_rows"
    )
    assert set(form.ROW_RULES_DA) == set(row_rules.split())
    assert set(form.FILE_RULES_DA) == set(file_rules.split())


@BOTH
def test_the_options_and_the_guide_list_every_question(content):
    book = opened(content)
    assert values(book["Svarmuligheder"])[1:] == [
        [question.number, question.text_da, option.label_da, option.code]
        for question in CATALOGUE.closed_questions
        for option in question.options
    ]
    guide = values(book["Vejledning"])
    assert [row[:2] for row in guide[1:]] == [[q.number, q.text_da] for q in CATALOGUE.questions]
    assert Counter(row[3] for row in guide[1:]) == {"Ja": 36 - 3, "Nej, må stå tomt": 3}
    assert guide[25][4] == "Under 1:1; 1:1; 2:1; Over 2:1"
    assert all(all(row) for row in guide)


def test_a_text_longer_than_a_cell_is_refused_and_not_dropped():
    question = CATALOGUE.question("comment").model_copy(update={"text_da": "x" * 32_768})
    catalogue = CATALOGUE.model_copy(update={"questions": (*CATALOGUE.questions[:-1], question)})
    with pytest.raises(BotilbudError, match="cell AJ1 of sheet Skema"):
        form.template(ROUND, catalogue)


# The empty form


def test_the_front_sheet_asks_for_the_municipality_and_the_number_of_cases():
    front = {row[0]: row[1] for row in values(opened(TEMPLATE)["Forside"]) if row[0]}
    assert front["Kommunekode"] is None
    assert front["Antal sager"] is None
    assert str(front["Opgørelsesdato"]) == "2022-10-01 00:00:00"
    assert "01-10-2022" in front["Hvilke sager"]
    assert "2.000.000 kr." in front["Hvilke sager"]
    assert "aldrig et CPR-nummer" in front["Ingen CPR-numre"]
    assert front["Om skemaet"] == CATALOGUE.note_da
    assert opened(TEMPLATE)["Forside"]["B3"].number_format == "dd-mm-yyyy"


def test_the_threshold_and_the_date_are_the_rounds_own():
    other = ROUND.model_copy(update={"name": "2024-10-01", "threshold_dkk": 2_500_000})
    text = str(values(opened(form.template(other, CATALOGUE))["Forside"]))
    assert "01-10-2024" in text
    assert "2.500.000 kr." in text
    assert "2.000.000" not in text


def test_an_untouched_form_holds_no_cases_and_declares_none():
    read = ingested(TEMPLATE)
    assert read["rows"] == []
    assert read["declared_cases"] is None
    assert read["declared_municipality"] is None
    assert read["warnings"] == []


def test_a_filled_in_form_is_read_as_it_was_filled_in():
    book = opened(TEMPLATE)
    book["Forside"]["B4"], book["Forside"]["B5"] = "147", 1
    for question in CATALOGUE.questions:
        book["Skema"].cell(2, question.number).value = CASE[question.key]
    filled = io.BytesIO()
    book.save(filled)
    read = ingested(filled.getvalue())
    assert read["declared_municipality"] == "147"
    assert read["declared_cases"] == 1
    assert {key: column[0] for key, column in read["columns"].items()} == CASE
    assert read["warnings"] == []


# The form to correct


def test_a_correction_holds_every_delivered_row_in_the_deliverys_order():
    read = ingested(CORRECTION)
    assert read["rows"] == [2, 3, 4]
    assert read["declared_municipality"] == "147"
    assert read["declared_cases"] == 3
    delivered = ROWS.sort("row").drop("row")
    assert pl.DataFrame(read["columns"], schema=delivered.schema).equals(delivered)


def test_notes_and_colour_stand_on_exactly_the_faulty_cells():
    sheet = opened(CORRECTION)["Skema"]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.coordinate: cell.comment.text for cell in cells if cell.comment} == {
        "Y3": "I den afleverede fil:\nSvaret mangler.",
        "C4": "I den afleverede fil:\nCellen ligner et CPR-nummer.\nSkriv et helt tal.",
        "T4": "I den afleverede fil:\nExcel har lavet svaret om til en dato.",
    }
    assert {cell.coordinate for cell in cells if cell.fill.fgColor.rgb == "FFFFC7CE"} == {"Y3", "C4", "T4"}


def test_the_error_sheet_lists_every_error_by_row_and_question_with_whole_rows_last():
    rows = values(opened(CORRECTION)["Fejl"])[1:]
    text = {question.number: question.text_da for question in CATALOGUE.questions}
    assert [row[:5] for row in rows] == [
        [5, 3, 25, text[25], "Svar mangler"],
        [7, 4, 3, text[3], "Ligner et CPR-nummer"],
        [7, 4, 3, text[3], "Ikke et helt tal"],
        [7, 4, 20, text[20], "Ikke en svarmulighed"],
        [7, 4, None, "Hele rækken", form.ROW_RULES_DA["columns"]],
    ]
    assert [row[5] for row in rows] == [
        "Svaret mangler.",
        "Cellen ligner et CPR-nummer.",
        "Skriv et helt tal.",
        "Excel har lavet svaret om til en dato.",
        "Rækken har flere felter end overskriften.",
    ]


def test_rejected_files_are_listed_oldest_first_in_danish_time():
    # 09:30 UTC is 11:30 in summer and 10:30 in winter.
    listed = [[str(value) for value in row] for row in values(opened(CORRECTION)["Afviste filer"])[1:]]
    assert listed == [
        ["første.xlsx", "2022-10-20 11:30:00", "Filen kan ikke læses", "Filen er beskadiget."],
        ["anden.xls", "2022-11-14 10:30:00", "Filtypen kan ikke bruges", "Gem som .xlsx."],
    ]


def test_the_read_me_counts_and_says_that_the_whole_file_must_be_handed_in():
    notes = {row[0]: row[1] for row in values(opened(CORRECTION)["Læs mig"]) if row[0]}
    assert notes["Afleveret fil"] == "Screening.xlsx"
    assert [notes[key] for key in ("Rækker i alt", "Rækker med fejl", "Fejl i alt", "Afviste filer")] == [3, 2, 5, 2]
    assert "erstatter hele den tidligere" in notes["Aflever hele filen"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "http://", "{="])
def test_an_answer_that_looks_like_a_formula_or_a_link_stays_text(start):
    attack = f'{start}HYPERLINK("http://127.0.0.1/";"x")'
    rows = ROWS.with_columns(comment=pl.lit(attack), case_id=pl.lit(attack))
    errors = ERRORS.with_columns(message=pl.lit(attack))
    content = correction(rows, errors, FILES.with_columns(file=pl.lit(attack), message=pl.lit(attack)))
    book = opened(content)
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value == attack]
    # Twice in each of 3 rows of Skema, once per error, twice per rejected file.
    assert len(found) == 2 * 3 + 5 + 2 * 2
    assert {cell.data_type for cell in found} == {"s"}
    assert not [name for name, text in parts(content).items() if "worksheets/sheet" in name and "<f>" in text]
    assert not [name for name, text in parts(content).items() if 'TargetMode="External"' in text]


def test_a_removed_cpr_number_is_blank_so_that_its_marker_is_never_handed_in_as_an_answer():
    rows = ROWS.with_columns(case_id=pl.lit(CPR_REMOVED), comment=pl.lit(CPR_REMOVED))
    content = correction(rows)
    assert ingested(content)["columns"]["case_id"] == [None] * 3
    assert CPR_REMOVED not in "".join(parts(content).values())


def test_a_delivery_without_rows_and_errors_gives_an_empty_form_that_declares_none():
    content = correction(ROWS.clear(), ERRORS.clear(), FILES.clear())
    read = ingested(content)
    assert read["rows"] == []
    assert read["declared_cases"] == 0
    assert len(values(opened(content)["Fejl"])) == 1
    assert len(values(opened(content)["Afviste filer"])) == 1


def test_an_error_about_a_row_of_another_file_is_refused_without_its_message():
    errors = ERRORS.with_columns(row=pl.lit(99, pl.Int64), message=pl.lit("hemmeligt"))
    with pytest.raises(BotilbudError, match=r"rows \[99\]") as refused:
        correction(errors=errors)
    assert "hemmeligt" not in str(refused.value)


def test_a_long_message_is_held_whole_in_a_row_no_higher_than_excel_takes():
    message = "Skemaet mangler kolonner. " * 200
    sheet = opened(correction(files=FILES.with_columns(message=pl.lit(message))))["Afviste filer"]
    assert sheet["D2"].value == message
    assert 400 < sheet.row_dimensions[2].height <= 409


def test_the_shortened_sheet_writes_the_bytes_of_the_plain_one(monkeypatch):
    # When this breaks: drop the subclass, or follow what XlsxWriter writes now.
    monkeypatch.setattr(form, "Sheet", Worksheet)
    monkeypatch.setattr(workbook, "Sheet", Worksheet)
    assert form.template(ROUND, CATALOGUE) == TEMPLATE
    assert correction() == CORRECTION
