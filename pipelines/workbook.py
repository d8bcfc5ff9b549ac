"""What every .xlsx workbook of the product has in common: how sheets look on paper, and how cells are written.

What belongs here: layout and XlsxWriter's ways. What does not: what a sheet says. Two things hold for every workbook: text
is written as text and never interpreted, and the same input gives the same bytes.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell_fast
from xlsxwriter.worksheet import CellNumberTuple, CellStringTuple, Worksheet

from schemas.errors import BotilbudError

A4 = 9  # Excel's number for the paper
LINE_HEIGHT = 15  # points
HIGHEST_ROW = 409  # points; Excel's limit


class Sheet(Worksheet):  # type: ignore[misc]  # XlsxWriter is not typed
    """A sheet written with less searching, and numbers with all their digits, of which XlsxWriter keeps 16.

    Of the time that a workbook takes, XlsxWriter spends a fifth on what cannot be found in ours: functions to prefix in
    formulas, and characters to escape in addresses and numbers of formats.
    """

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:  # noqa: ARG002
        return formula.removeprefix("=")

    def _write_cell(self, row: int, col: int, cell: object) -> None:
        if isinstance(cell, CellStringTuple) and cell.format:
            self.fh.write(f'<c {_at(row, col, cell.format)} t="s"><v>{cell.string}</v></c>')
        elif isinstance(cell, CellNumberTuple) and cell.format:
            self.fh.write(f"<c {_at(row, col, cell.format)}><v>{cell.number!r}</v></c>")
        else:
            super()._write_cell(row, col, cell)


def _at(row: int, column: int, style: Format) -> str:
    return f'r="{xl_rowcol_to_cell_fast(row, column)}" s="{style._get_xf_index()}"'  # noqa: SLF001


@dataclass(frozen=True)
class Book:
    """A workbook that is being written, and its formats by name."""

    file: Workbook
    styles: dict[str, Format]

    def sheet(self, name: str, widths: Iterable[int]) -> Worksheet:
        """A sheet that prints on landscape A4, as wide as the page; widths of its columns in characters."""
        sheet = self.file.add_worksheet(name, Sheet)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        return sheet


def workbook(content: BytesIO, title: str, date: dt.date) -> Workbook:
    """A workbook without author; a fixed time of creation makes the bytes the same."""
    file = Workbook(content, {"in_memory": True})
    file.set_properties({"title": title, "created": dt.datetime.combine(date, dt.time())})
    return file


def styled(file: Workbook, styles: dict[str, dict[str, object]]) -> Book:
    """A workbook with these formats."""
    return Book(file, {name: file.add_format(properties) for name, properties in styles.items()})


def written(result: int, what: str) -> None:
    """Stops where XlsxWriter dropped what breaks Excel's limits, of which it tells only in the number it returns.

    Raises:
        BotilbudError: it did; names what.
    """
    if result != 0:
        raise BotilbudError(f"Excel does not take {what} (XlsxWriter answered {result}): shorten its text")
