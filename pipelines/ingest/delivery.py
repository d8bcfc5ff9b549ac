"""From the sheets of one file to its rows: the header, the front sheet, the rows. Runs in the reading child only.

What breaks a rule of single answers is not decided here (see `rules`); only CPR numbers are, because they must not
leave the child: a cell that looks like one is replaced and reported.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain, islice
from typing import Any, TypedDict

from pipelines.ingest import csv_file, workbook
from pipelines.ingest.limits import SCREENING, FileRejectedError, Traits, too_many_rows
from pipelines.ingest.sheet import Row, Sheet
from pipelines.ingest.text import CPR_REMOVED, holds_cpr, is_cpr_without_its_zero, mask_cpr, match_key

HEADER_ROWS = 10
HEADER_QUESTIONS = 10
_NUMBERED = re.compile(r"\d{1,2} ?[.):-]? +(.+)")
# One number of at most five digits, with words around it: what has more digits may be a CPR number.
_DECLARED = re.compile(r"\D*?(\d{1,2}\.\d{3}|\d{1,5})\D*")


class QuestionColumn(TypedDict):
    """What the child must know of a question to find and read its column."""

    number: int
    key: str
    kind: str
    text_da: str
    optional: bool


class Form(TypedDict):
    """What the child must know of a form: its questions, and `Traits` as the list that JSON makes of them."""

    questions: list[QuestionColumn]
    traits: list[Any]


class Delivery(TypedDict):
    """The content of one file. `columns` holds the answers of every question as folded text, null where blank.

    `rows` are the spreadsheet's row numbers; `surplus_rows` those with more fields than the header; `cpr_cells` pairs
    of row number and question key (null: a cell of an unknown column); `places` has the letters of each question's column.
    """

    rows: list[int]
    columns: dict[str, list[str | None]]
    surplus_rows: list[int]
    cpr_cells: list[tuple[int, str | None]]
    places: dict[str, str]
    declared_cases: int | None
    declared_municipality: str | None
    is_workbook: bool
    warnings: list[str]


class Header:
    """The questions of the form, found by number and text, by text alone or by key.

    `enough` of them in one row make it the header.
    """

    def __init__(self, questions: list[QuestionColumn], traits: Traits = SCREENING) -> None:
        self.questions = questions
        self.traits = traits
        self.enough = min(HEADER_QUESTIONS, sum(not q["optional"] for q in questions))
        self._keys = {match_key(q["text_da"]): q["key"] for q in questions} | {q["key"]: q["key"] for q in questions}

    def recognise(self, cells: Iterable[str]) -> list[str | None]:
        """The question key of each cell, null where the cell names none."""
        return [self._key(cell) if cell else None for cell in cells]

    def count(self, cells: Iterable[str]) -> int:
        """How many different questions the cells name."""
        return len({key for cell in cells if cell and (key := self._key(cell))})

    def _key(self, cell: str) -> str | None:
        text = match_key(cell)
        if text in self._keys:
            return self._keys[text]
        numbered = _NUMBERED.fullmatch(text)
        return self._keys.get(numbered[1]) if numbered else None


def read(content: bytes, extension: str, header: Header) -> Delivery:
    """The case rows of a file.

    Raises:
        FileRejectedError: the file is rejected whole; rule and Danish message.
    """
    warnings: list[str] = []
    if extension == ".csv":
        sheets = [csv_file.read(content, header.count, header.enough)]
    elif extension == ".parquet":
        from pipelines.ingest import parquet_file  # noqa: PLC0415 - pyarrow takes longer to import than a file to read

        sheets = [parquet_file.read(content, header.traits)]
    else:
        sheets, warnings = workbook.read(content, extension)
    hidden = [mask_cpr(sheet.name) for sheet in sheets if sheet.hidden]
    if hidden:
        warnings.append(f"Projektmappen har skjulte ark ({', '.join(hidden)}). De er læst med.")
    front = [sheet for sheet in sheets if match_key(sheet.name) == "forside"]
    municipality, declared = _front_sheet(front[0], warnings, header.traits) if front else (None, None)
    rows, keys, header_cells = _find_table([sheet for sheet in sheets if sheet not in front], header)
    _require_columns(keys, header_cells, header)
    unknown = [mask_cpr(cell) for key, cell in zip(keys, header_cells, strict=True) if key is None and cell]
    if unknown:
        warnings.append(f"Kolonner, som ikke er i skemaet, er sprunget over: {'; '.join(unknown)}.")
    return _case_rows(rows, keys, header, is_csv=extension == ".csv") | {  # type: ignore[return-value]  # a union of two parts of the TypedDict
        "places": {key: column_letters(place) for place, key in enumerate(keys) if key},
        "declared_cases": declared,
        "declared_municipality": municipality,
        "is_workbook": extension in (".xlsx", ".ods"),
        "warnings": warnings,
    }


def _front_sheet(sheet: Sheet, warnings: list[str], traits: Traits = SCREENING) -> tuple[str | None, int | None]:
    values: dict[str, str] = {}
    for row in sheet.rows:
        if len(row.cells) > 1 and row.cells[1]:
            values.setdefault(match_key(row.cells[0]).rstrip(" :"), row.cells[1])
    declared = None
    if (count := match_key(traits.count_da)) in values:
        text = values[count]
        number = _DECLARED.fullmatch(text)
        if number:
            declared = int(number[1].replace(".", ""))
        else:
            warnings.append(f"Forsiden: feltet {traits.count_da} indeholder ikke et tal og er ikke brugt til kontrol.")
    return mask_cpr(values["kommunekode"]) if "kommunekode" in values else None, declared


def _find_table(sheets: list[Sheet], header: Header) -> tuple[Iterator[Row], list[str | None], list[str]]:
    named = [sheet for sheet in sheets if match_key(sheet.name) == "skema"]
    has_values = False
    for sheet in named[:1] or sheets:
        rows = iter(sheet.rows)
        top = list(islice(rows, HEADER_ROWS))
        for position, row in enumerate(top):
            keys = header.recognise(row.cells)
            if len({key for key in keys if key}) >= header.enough:
                return chain(top[position + 1 :], rows), keys, row.cells
        has_values = has_values or any(any(row.cells) for row in chain(top, rows))
    if not has_values:
        raise FileRejectedError("empty", "Filen er tom. Udfyld skemaet, og aflever igen.")
    raise FileRejectedError(
        "missing_questions",
        f"Ingen af de første {HEADER_ROWS} rækker ligner skemaets overskrifter (mindst {header.enough} "
        f"{header.traits.questions_da}). Brug skabelonen, og lad overskriftsrækken stå uændret.",
    )


def _require_columns(keys: list[str | None], cells: list[str], header: Header) -> None:
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        if key:
            places.setdefault(key, []).append(place)
    for question in header.questions:
        if len(places.get(question["key"], [])) > 1:
            columns = " og ".join(f"{column_letters(i)} ({mask_cpr(cells[i])})" for i in places[question["key"]])
            raise FileRejectedError(
                "duplicate_question",
                f"{header.traits.question_da.capitalize()} {question['number']} står i flere kolonner: {columns}. "
                "Behold kun den ene.",
            )
    missing = [q for q in header.questions if not q["optional"] and q["key"] not in places]
    if missing:
        names = "; ".join(f"{q['number']}. {q['text_da']}" for q in missing)
        raise FileRejectedError(
            "missing_questions", f"Skemaet mangler kolonner for: {names}. Brug skabelonens overskrifter."
        )


def column_letters(place: int) -> str:
    """The letters of a column as a spreadsheet shows them; `place` counts from 0."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _case_rows(rows: Iterator[Row], keys: list[str | None], header: Header, *, is_csv: bool) -> dict[str, Any]:
    width = len(keys)
    asked = [(place, key) for place, key in enumerate(keys) if key]
    texts = {q["key"] for q in header.questions if q["kind"] == "text"}
    numbers: list[int] = []
    answers: list[list[str | None]] = []
    surplus: list[int] = []
    cpr_cells: list[tuple[int, str | None]] = []
    is_cpr = cache(holds_cpr)  # most cells of a file hold what others hold
    for number, cells in rows:
        if len(cells) < width:
            cells = cells + [""] * (width - len(cells))  # noqa: PLW2901 - the same row, blanks where the line ended
        answer: list[str | None] = [cells[place] or None for place, _ in asked]
        if not any(answer):
            continue
        if len(numbers) == header.traits.rows:
            raise too_many_rows(header.traits)
        if is_csv and len(cells) > width:
            surplus.append(number)
        found = _cpr_places(cells, keys, texts, is_cpr)
        answer = [CPR_REMOVED if place in found else text for text, (place, _) in zip(answer, asked, strict=True)]
        cpr_cells += sorted({(number, keys[place] if place < width else None) for place in found}, key=str)
        numbers.append(number)
        answers.append(answer)
    columns: dict[str, list[str | None]] = {q["key"]: [None] * len(numbers) for q in header.questions}
    if answers:
        columns |= {key: list(column) for (_, key), column in zip(asked, zip(*answers, strict=True), strict=True)}
    return {"rows": numbers, "columns": columns, "surplus_rows": surplus, "cpr_cells": cpr_cells}


def _cpr_places(cells: list[str], keys: list[str | None], texts: set[str], is_cpr: Callable[[str], bool]) -> set[int]:
    found = set()
    for place, cell in enumerate(cells):
        if len(cell) >= 9 and (
            is_cpr(cell) or (place < len(keys) and keys[place] in texts and is_cpr_without_its_zero(cell))
        ):
            found.add(place)
    return found
