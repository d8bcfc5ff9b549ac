"""The form as a person fills it in and corrects it: with a spreadsheet program of another make than the one that wrote it."""

import io

import openpyxl
from openpyxl.cell import Cell
from openpyxl.utils import get_column_letter

from tests.scenario import CATALOGUE

FRONT, CASES = "Forside", "Skema"


def place(key: str, row: int) -> str:
    """The cell of a question."""
    return f"{get_column_letter(CATALOGUE.keys.index(key) + 1)}{row}"


def filled(form: bytes, code: str, cases: list[dict[str, str]]) -> bytes:
    """The empty form with these cases."""
    book = openpyxl.load_workbook(io.BytesIO(form))
    front = {label.value: value for label, value in book[FRONT].iter_rows(min_row=1, max_row=10, max_col=2)}
    front["Kommunekode"].value, front["Antal sager"].value = code, len(cases)
    for number, case in enumerate(cases, start=2):
        for key, answer in case.items():
            book[CASES][place(key, number)] = answer
    return saved(book)


def corrected(marked: bytes, cell: str, answer: str) -> bytes:
    """A workbook with another answer in one cell of the cases; nothing else is touched."""
    book = openpyxl.load_workbook(io.BytesIO(marked))
    book[CASES][cell] = answer
    return saved(book)


def marked_cells(content: bytes) -> dict[str, Cell]:
    """The cells of the cases that carry a note, by place."""
    rows = openpyxl.load_workbook(io.BytesIO(content))[CASES].iter_rows()
    return {cell.coordinate: cell for row in rows for cell in row if cell.comment is not None}


def coloured_cells(content: bytes) -> set[str]:
    """The cells of the cases below the headings that have a background."""
    rows = openpyxl.load_workbook(io.BytesIO(content))[CASES].iter_rows(min_row=2)
    return {cell.coordinate for row in rows for cell in row if cell.fill.fill_type is not None}


def saved(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
