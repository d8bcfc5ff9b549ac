"""The workbooks that a municipality fills in: the form of a round or an extract, and the one with what it must correct.

Only layout and Danish wording stand here. What a question asks is the catalogue's (schemas/questionnaire), what a cell
allows is `validation.py`'s, and what is wrong with a delivery is found by the ingest.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from math import ceil, inf
from typing import NamedTuple

import polars as pl
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from pipelines.form.validation import allowed_da, code_formula, kind_da, list_name, validation
from pipelines.ingest.forms import traits_of
from pipelines.ingest.limits import SCREENING, Traits, danish
from pipelines.ingest.messages import RULES_DA as ROW_RULES_DA
from pipelines.ingest.text import CPR_REMOVED
from pipelines.workbook import HIGHEST_ROW, LINE_HEIGHT, Book, Sheet, styled, workbook, written
from schemas.errors import BotilbudError
from schemas.extracts import BUDGETS, GRANTS, INITIATIVES, PLANNED_CHANGES, load_extract
from schemas.questionnaire import Catalogue, Question
from schemas.rounds import Round

FRONT_SHEET = "Forside"
CASES_SHEET = "Skema"
OPTIONS_SHEET = "Svarmuligheder"
GUIDE_SHEET = "Vejledning"
READ_ME_SHEET = "Læs mig"
ERRORS_SHEET = "Fejl"
REJECTED_FILES_SHEET = "Afviste filer"

TITLE_DA = "Screening af særligt dyre enkeltsager"
EXTRACT_TITLES_DA = {
    GRANTS: "Udtræk af bevilgede ydelser",
    BUDGETS: "Budget for det specialiserede voksenområde",
    PLANNED_CHANGES: "Forventet tilgang og afgang",
    INITIATIVES: "Tiltag, der ændrer udgifterne",
}

# When the form of an extract was made is nowhere said: any date that stays makes the bytes the same.
_NO_DATE = dt.date(2000, 1, 1)

# Rows of the form that have drop-downs and checks. A prefilled form has as many rows more as it holds cases.
EMPTY_ROWS = 500

TEXT_WIDTHS = (26, 100)

FILE_RULES_DA = {
    "unsupported_format": "Filtypen kan ikke bruges",
    "unreadable": "Filen kan ikke læses",
    "empty": "Ingen sager i filen",
    "duplicate_question": "Samme spørgsmål i to kolonner",
    "missing_questions": "Spørgsmål uden kolonne",
    "declared_count": "Antal sager på forsiden passer ikke",
    "too_many_rejected_rows": "For mange rækker med fejl",
}

_STYLES: dict[str, dict[str, object]] = {
    "title": {"bold": True, "font_size": 16},
    "label": {"bold": True, "valign": "top"},
    "body": {"text_wrap": True, "valign": "top", "align": "left"},
    "option": {"num_format": "@", "text_wrap": True, "valign": "top"},
    "date": {"num_format": "dd-mm-yyyy", "valign": "top", "align": "left"},
    "time": {"num_format": "dd-mm-yyyy hh:mm", "valign": "top", "align": "left"},
    "header": {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#DCE6F1", "border": 1},
    "answer": {"num_format": "@"},
    "day": {"num_format": "dd-mm-yyyy"},
    "faulty": {"num_format": "@", "bg_color": "#FFC7CE", "border": 1, "border_color": "#9C0006"},
    "input_text": {"num_format": "@", "bg_color": "#FFF9DB", "border": 1, "align": "left"},
    "input_number": {"num_format": "0", "bg_color": "#FFF9DB", "border": 1, "align": "left"},
}

Cell = str | int | dt.date | None


class _Error(NamedTuple):
    """A broken rule of a row; `row_here` is its row in this workbook, `question` is null for the whole row."""

    row: int
    row_here: int
    question: int | None
    rule: str
    message: str


def template(round_: Round, catalogue: Catalogue) -> bytes:
    """The empty form of a round as an .xlsx workbook.

    Sheets: `Forside` (whose, how many, how to), `Skema` (one column per question, one row per case), `Svarmuligheder`
    (the options, which the drop-downs point at) and `Vejledning` (every question and what it allows).

    Raises:
        BotilbudError: a text of the catalogue is longer than Excel takes; names the cell or the check.
    """
    content = BytesIO()
    with workbook(content, TITLE_DA, round_.snapshot_date) as file:
        book = styled(file, _STYLES)
        _write_front(book, round_, catalogue, municipality_code=None, cases=None)
        _write_cases(book, catalogue, cases=(), faults={})
        _write_options(book, catalogue)
        _write_guide(book, catalogue)
    return content.getvalue()


def extract_template(extract: str) -> bytes:
    """The empty form of an extract as an .xlsx workbook: the sheets of `template`, one column per column of the extract.

    Raises:
        CatalogueError: there is no such extract.
    """
    form = load_extract(extract)
    title = EXTRACT_TITLES_DA[extract]
    content = BytesIO()
    with workbook(content, title, _NO_DATE) as file:
        book = styled(file, _STYLES)
        sheet = _text_sheet(book, FRONT_SHEET, title)
        _write_fields(book, sheet, traits_of(form), municipality_code=None, cases=None)
        _write_notes(book, sheet, 6, _extract_guidance(form))
        _write_cases(book, form, cases=(), faults={})
        _write_options(book, form)
        _write_guide(book, form)
    return content.getvalue()


def correction(  # noqa: PLR0913 - each is a table or a name of its own in the warehouse
    round_: Round,
    catalogue: Catalogue,
    rows: pl.DataFrame,
    errors: pl.DataFrame,
    *,
    file: str,
    files: pl.DataFrame,
    municipality_code: str,
) -> bytes:
    """The form prefilled with a delivery, its faults marked, for the municipality to correct and hand in again.

    It holds every row, because a new delivery replaces the old one whole. The rows stand in the order of the delivery,
    the faulty cells are coloured and carry the message as a note without author.

    Args:
        round_: the round.
        catalogue: the round's questions.
        rows: every case row as delivered; `row` (Int64, its number in the delivered file) and one text column per
            question, null where blank, `CPR_REMOVED` or null where a CPR-like answer was taken out.
        errors: one row per broken rule; `row` (Int64), `question` (Int64, null for the whole row), `rule`, `message`.
        file: the delivered file's name, shown.
        files: one row per rejected file of this municipality; `file`, `received_at` (UTC), `rule`, `message`.
        municipality_code: whose delivery it is; three digits.

    Raises:
        BotilbudError: an error names a row that is not in `rows`, or a text is longer than Excel takes.
    """
    # A removed CPR number is blank here: its marker, handed in again, would pass for a case id or a comment.
    delivered = rows.select("row", *catalogue.keys).sort("row").rows()
    cases = [tuple(None if answer == CPR_REMOVED else answer for answer in answers) for _, *answers in delivered]
    listed = _located(errors, {row: row_here for row_here, (row, *_) in enumerate(delivered, start=2)})
    content = BytesIO()
    with workbook(content, f"{TITLE_DA}: ret og aflever igen", round_.snapshot_date) as opened:
        book = styled(opened, _STYLES)
        _write_read_me(book, round_, catalogue, file, _counts(len(cases), listed, files))
        _write_front(book, round_, catalogue, municipality_code=municipality_code, cases=len(cases))
        _write_cases(book, catalogue, cases, _faults(listed))
        _write_errors(book, catalogue, listed)
        _write_rejected_files(book, files)
        _write_options(book, catalogue)
        _write_guide(book, catalogue)
    return content.getvalue()


def _located(errors: pl.DataFrame, rows_here: Mapping[int, int]) -> list[_Error]:
    """The errors as they are listed: by row and question, those of whole rows last.

    Args:
        errors: as `correction` takes them.
        rows_here: the row of this workbook by the row of the delivered file.
    """
    found = errors.select("row", "question", "rule", "message").rows()
    lost = sorted({row for row, *_ in found} - rows_here.keys())
    if lost:
        raise BotilbudError(f"errors name rows {lost}, which are not in the delivery: pass the rows of the same file")
    listed = (_Error(row, rows_here[row], *error) for row, *error in found)
    return sorted(listed, key=lambda error: (error.row, error.question or inf, error.rule, error.message))


def _faults(listed: Iterable[_Error]) -> dict[tuple[int, int], str]:
    """The messages of each faulty cell, by row of this workbook and question number."""
    messages: dict[tuple[int, int], list[str]] = {}
    for error in listed:
        if error.question is not None:
            messages.setdefault((error.row_here, error.question), []).append(error.message)
    # A message names the cell as it was delivered; rows and columns can stand elsewhere here.
    return {cell: "\n".join(["I den afleverede fil:", *of]) for cell, of in messages.items()}


def _counts(cases: int, listed: Sequence[_Error], files: pl.DataFrame) -> dict[str, int]:
    return {
        "Rækker i alt": cases,
        "Rækker med fejl": len({error.row for error in listed}),
        "Fejl i alt": len(listed),
        "Afviste filer": files.height,
    }


def _write(sheet: Worksheet, row: int, column: int, value: Cell, style: Format) -> None:
    """Writes one cell by its type; text always as a string, whatever it starts with."""
    match value:
        case None:
            result = sheet.write_blank(row, column, None, style)
        case str():
            result = sheet.write_string(row, column, value, style)
        case int():
            result = sheet.write_number(row, column, value, style)
        case dt.date():
            result = sheet.write_datetime(row, column, value, style)
    if result != 0:
        written(result, f"cell {xl_rowcol_to_cell(row, column)} of sheet {sheet.get_name()}")


def _fit_height(sheet: Worksheet, row: int, values: Sequence[Cell], widths: Iterable[int]) -> None:
    """Makes a row as high as its wrapped texts need; not every spreadsheet does so itself when it opens a file."""
    lines = (ceil(len(value) / width) for value, width in zip(values, widths, strict=True) if isinstance(value, str))
    sheet.set_row(row, min(LINE_HEIGHT * max([1, *lines]), HIGHEST_ROW))


def _write_table(
    book: Book, name: str, columns: Mapping[str, int], rows: Iterable[Sequence[Cell]], styles: Sequence[str]
) -> None:
    """A sheet with a frozen header row; `columns` maps each heading to its width, `styles` has one per column."""
    widths = tuple(columns.values())
    sheet = book.sheet(name, widths)
    for row, values in enumerate([tuple(columns), *rows]):
        _fit_height(sheet, row, values, widths)
        for column, (value, style) in enumerate(zip(values, styles, strict=True)):
            if value is not None:
                _write(sheet, row, column, value, book.styles["header" if row == 0 else style])
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)


def _write_notes(book: Book, sheet: Worksheet, row: int, notes: Mapping[str, Cell]) -> None:
    """Headings in column A with their text, number or date in column B, from `row` (counted from 0) downwards."""
    for at, (heading, text) in enumerate(notes.items(), start=row):
        _fit_height(sheet, at, (heading, text), TEXT_WIDTHS)
        _write(sheet, at, 0, heading, book.styles["label"])
        _write(sheet, at, 1, text, book.styles["date" if isinstance(text, dt.date) else "body"])


def _text_sheet(book: Book, name: str, title: str) -> Worksheet:
    sheet = book.sheet(name, TEXT_WIDTHS)
    sheet.hide_gridlines(2)
    _write(sheet, 0, 0, title, book.styles["title"])
    return sheet


def _write_front(
    book: Book, round_: Round, catalogue: Catalogue, *, municipality_code: str | None, cases: int | None
) -> None:
    """The front sheet; the ingest reads `Kommunekode` and `Antal sager` in column A with the values beside them."""
    sheet = _text_sheet(book, FRONT_SHEET, TITLE_DA)
    _write_notes(book, sheet, 2, {"Opgørelsesdato": round_.snapshot_date})
    _write_fields(book, sheet, SCREENING, municipality_code=municipality_code, cases=cases)
    _write_notes(book, sheet, 6, _guidance(round_, catalogue))


def _write_fields(
    book: Book, sheet: Worksheet, traits: Traits, *, municipality_code: str | None, cases: int | None
) -> None:
    """The fields of the front sheet that are filled in; they stand in the same cells in every form."""
    fields: list[tuple[str, Cell, str, dict[str, object]]] = [
        (
            "Kommunekode",
            municipality_code,
            "input_text",
            {
                "validate": "custom",
                "value": code_formula("B4"),
                "input_message": "Tre cifre, fx 101.",
                "error_message": "Kommunekoden har tre cifre, fx 101.",
            },
        ),
        (
            traits.count_da,
            cases,
            "input_number",
            {
                "validate": "integer",
                "criteria": ">=",
                "value": 0,
                "input_message": f"Antal udfyldte rækker i arket Skema. Skriv 0, hvis kommunen ingen {traits.rows_da} har.",
                "error_message": "Skriv et helt tal, 0 eller større.",
            },
        ),
    ]
    for row, (label, value, style, rule) in enumerate(fields, start=3):
        _write(sheet, row, 0, label, book.styles["label"])
        _write(sheet, row, 1, value, book.styles[style])
        titles = {"input_title": label, "error_title": label, "error_type": "stop"}
        written(sheet.data_validation(row, 1, row, 1, rule | titles), f"the check of {label}")


def _guidance(round_: Round, catalogue: Catalogue) -> dict[str, Cell]:
    date = f"{round_.snapshot_date:%d-%m-%Y}"
    return {
        "Hvilke sager": (
            f"Borgere, der den {date} var i botilbud, og hvor den samlede årlige udgift til botilbud og dagtilbud er "
            f"{danish(round_.threshold_dkk)} kr. eller mere før statsrefusion. Svarene beskriver sagen på denne "
            "dato. Sager under beløbet er ikke en fejl; de bliver blot ikke talt med."
        ),
        "Ingen CPR-numre": (
            "Skriv aldrig et CPR-nummer, heller ikke i bemærkninger. Brug kommunens eget løbenummer som sagsnøgle. "
            "En række med noget, der ligner et CPR-nummer, bliver afvist."
        ),
        "Sådan udfylder I": (
            f"Skriv én række pr. sag i arket {CASES_SHEET}. Vælg fra listen, hvor der er en. Indsætter I svar fra et "
            f"andet ark, så indsæt dem som værdier, så bliver lister og formater bevaret. Arket {GUIDE_SHEET} "
            f"forklarer hvert spørgsmål, og arket {OPTIONS_SHEET} viser svarene. Overskrifterne må ikke ændres."
        ),
        "Sådan afleverer I": (
            "Udfyld Kommunekode og Antal sager ovenfor, gem filen som Excel-projektmappe (.xlsx) uden adgangskode, og "
            "aflever den det sted, som kommunen har fået oplyst. En ny aflevering erstatter hele den tidligere, så "
            "filen skal altid rumme alle sager."
        ),
        "Ingen sager": "Har kommunen ingen sager, så skriv 0 ud for Antal sager, og aflever skemaet uden rækker.",
        "Om skemaet": catalogue.note_da,
    }


def _extract_guidance(form: Catalogue) -> dict[str, Cell]:
    traits = traits_of(form)
    return {
        "Ingen CPR-numre": (
            "Skriv aldrig et CPR-nummer. Brug kommunens egne nøgler. En række med noget, der ligner et CPR-nummer, bliver "
            "afvist."
        ),
        "Sådan udfylder I": (
            f"Skriv eller indsæt rækkerne i arket {CASES_SHEET}, højst {traits.most_da}. Indsæt dem som værdier, så bliver "
            f"lister og formater bevaret. Arket {GUIDE_SHEET} forklarer hver kolonne, og arket {OPTIONS_SHEET} viser "
            "svarene. Overskrifterne må ikke ændres. Udtrækket kan også afleveres som CSV eller parquet med de samme "
            "overskrifter."
        ),
        "Sådan afleverer I": (
            "Udfyld Kommunekode ovenfor, gem filen som Excel-projektmappe (.xlsx) uden adgangskode, og aflever den det sted, "
            f"som kommunen har fået oplyst. {traits.count_da} kan stå tomt; er det udfyldt, skal det passe. En ny aflevering "
            "erstatter hele den tidligere, så filen skal altid rumme alle rækker."
        ),
        "Om udtrækket": form.note_da,
    }


def _write_cases(
    book: Book, catalogue: Catalogue, cases: Sequence[Sequence[str | None]], faults: Mapping[tuple[int, int], str]
) -> None:
    """The sheet with one column per question and one row per case.

    All answers but dates are cells of text, numbers too: a spreadsheet turns 1-5 and 1:1 into a date and a time
    otherwise, and where its language is English it reads 2.345 as a little more than two.

    Args:
        book: the workbook.
        catalogue: the form's questions.
        cases: the answers of each case in the order of the questions.
        faults: messages by row (as the spreadsheet counts) and question number.
    """
    sheet = book.file.add_worksheet(CASES_SHEET, Sheet)
    headers = [question.header for question in catalogue.questions]
    _fit_height(sheet, 0, headers, [_width(question) - 3 for question in catalogue.questions])  # headers are bold
    traits = traits_of(catalogue)
    last = len(cases) + EMPTY_ROWS if traits == SCREENING else traits.rows
    for column, question in enumerate(catalogue.questions):
        style = book.styles["day" if question.kind == "date" else "answer"]
        sheet.set_column(column, column, _width(question), style)
        _write(sheet, 0, column, question.header, book.styles["header"])
        first_cell, all_cells = xl_rowcol_to_cell(1, column), xl_range_abs(1, column, last, column)
        rule = validation(question, first_cell, all_cells, traits)
        written(sheet.data_validation(1, column, last, column, rule), f"the check of question {question.number}")
    for row, answers in enumerate(cases, start=1):
        for column, (question, answer) in enumerate(zip(catalogue.questions, answers, strict=True)):
            fault = faults.get((row + 1, question.number))
            if fault is not None:
                _write(sheet, row, column, answer, book.styles["faulty"])
                _write_comment(sheet, row, column, fault)
            elif answer is not None:
                _write(sheet, row, column, answer, book.styles["answer"])
    sheet.ignore_errors({"number_stored_as_text": xl_range_abs(1, 0, last, len(catalogue.questions) - 1)})
    sheet.freeze_panes(1, 2)


def _write_comment(sheet: Worksheet, row: int, column: int, text: str) -> None:
    lines = 2 + ceil(len(text) / 45)
    size = {"width": 320, "height": 16 * lines, "font_size": 9}  # pixels; about 45 characters a line
    result = sheet.write_comment(row, column, text, size)
    written(result, f"the note on cell {xl_rowcol_to_cell(row, column)}")


def _width(question: Question) -> int:
    if question.kind == "single":
        return max(16, *(len(option.label_da) + 4 for option in question.options))
    if question.kind == "multiple" or (question.kind == "text" and question.optional):
        return 44
    return 18


def _question_columns(catalogue: Catalogue) -> dict[str, int]:
    """What the columns that name a question are called, and how wide they are."""
    if traits_of(catalogue) == SCREENING:
        return {"Spørgsmål": 11, "Spørgsmålets tekst": 60}
    return {"Kolonne": 11, "Kolonnens tekst": 60}


def _write_options(book: Book, catalogue: Catalogue) -> None:
    """The options of every closed question; the drop-downs point at their names, so the rows must keep their order."""
    rows: list[tuple[Cell, ...]] = []
    for question in catalogue.closed_questions:
        first = len(rows) + 1
        rows += [(question.number, question.text_da, option.label_da, option.code) for option in question.options]
        labels = xl_range_abs(first, 2, len(rows), 2)
        written(
            book.file.define_name(list_name(question), f"={OPTIONS_SHEET}!{labels}"),
            f"the options of question {question.number}",
        )
    columns = _question_columns(catalogue) | {"Svar": 52, "Kode": 42}
    _write_table(book, OPTIONS_SHEET, columns, rows, ("body", "body", "option", "option"))


def _write_guide(book: Book, catalogue: Catalogue) -> None:
    traits = traits_of(catalogue)
    columns = _question_columns(catalogue) | {"Slags svar": 28, "Skal besvares": 14, "Tilladte svar": 80}
    rows = (
        (
            question.number,
            question.text_da,
            kind_da(question, traits),
            "Nej, må stå tomt" if question.optional else "Ja",
            allowed_da(question, traits),
        )
        for question in catalogue.questions
    )
    _write_table(book, GUIDE_SHEET, columns, rows, ("body", "body", "body", "body", "option"))


def _write_read_me(book: Book, round_: Round, catalogue: Catalogue, file: str, counts: Mapping[str, int]) -> None:
    sheet = _text_sheet(book, READ_ME_SHEET, "Ret og aflever igen")
    notes: dict[str, Cell] = {
        "Opgørelsesdato": round_.snapshot_date,
        "Afleveret fil": file,
        **counts,
        "Hvad filen er": (
            f"Arket {CASES_SHEET} rummer alle rækker fra den afleverede fil, som de blev afleveret, i samme "
            "rækkefølge. Svar, der lignede et CPR-nummer, er fjernet og skal udfyldes igen."
        ),
        "Aflever hele filen": (
            "En ny aflevering erstatter hele den tidligere. Filen skal derfor rumme alle sager: slet ikke de rækker, "
            "der er uden fejl."
        ),
        "Sådan retter I": (
            f"Celler med fejl i arket {CASES_SHEET} har rød baggrund og en note, der siger, hvad der er galt. Arket "
            f"{ERRORS_SHEET} viser de samme fejl som en liste, også fejl, der gælder en hel række. Beskederne "
            "nævner cellerne, som de hed i den afleverede fil. Farven og noten forsvinder ikke, når I retter svaret, "
            "og de betyder ikke noget for afleveringen."
        ),
        "Antal sager": f"Ret tallet i arket {FRONT_SHEET}, hvis I tilføjer eller sletter rækker.",
        "Sådan afleverer I": "Gem filen som Excel-projektmappe (.xlsx), og aflever den samme sted som den første.",
        "Om skemaet": catalogue.note_da,
    }
    _write_notes(book, sheet, 2, notes)


def _write_errors(book: Book, catalogue: Catalogue, listed: Iterable[_Error]) -> None:
    columns = {
        "Række i den afleverede fil": 14,
        "Række i denne fil": 14,
        "Spørgsmål": 11,
        "Spørgsmålets tekst": 50,
        "Fejl": 32,
        "Hvad der var galt i den afleverede fil": 80,
    }
    texts = {question.number: question.text_da for question in catalogue.questions} | {None: "Hele rækken"}
    rows = ((*error[:3], texts[error.question], ROW_RULES_DA[error.rule], error.message) for error in listed)
    _write_table(book, ERRORS_SHEET, columns, rows, ("body",) * len(columns))


def _write_rejected_files(book: Book, files: pl.DataFrame) -> None:
    columns = {"Fil": 50, "Modtaget (dansk tid)": 20, "Hvorfor": 36, "Hvad der er galt": 80}
    danish_time = pl.col("received_at").dt.convert_time_zone("Europe/Copenhagen").dt.replace_time_zone(None)
    listed = files.sort("received_at", "file").select("file", danish_time, "rule", "message")
    rows = ((file, received, FILE_RULES_DA[rule], message) for file, received, rule, message in listed.iter_rows())
    _write_table(book, REJECTED_FILES_SHEET, columns, rows, ("body", "time", "body", "body"))
