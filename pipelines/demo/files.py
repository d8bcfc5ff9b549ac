"""A table of cells as bytes of the four file formats, the same bytes every time. No survey knowledge belongs here."""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from pipelines.demo.rows import Cell

# Written into the files in place of the time of writing, which would change their bytes every night.
WRITTEN_AT = dt.datetime(2022, 1, 1)  # noqa: DTZ001 - file formats hold times without a zone
ZIP_TIME = (2022, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook: its rows of cells from the top, the header among them."""

    name: str
    rows: Sequence[Sequence[Cell]]
    header_row: int | None = None


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """An Excel workbook (.xlsx). Text is written as text, also where it looks like a formula, a number or a date."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    book.set_properties({"created": WRITTEN_AT, "author": "", "company": ""})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    text = book.add_format({"num_format": "@"})
    date = book.add_format({"num_format": "dd-mm-yyyy"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        page.set_column(0, max((len(row) for row in sheet.rows), default=1) - 1, 22)
        for number, row in enumerate(sheet.rows):
            for column, cell in enumerate(row):
                match cell:
                    case None:
                        pass
                    case dt.date():
                        page.write_datetime(number, column, cell, date)
                    case int():
                        page.write_number(number, column, cell)
                    case _:
                        page.write_string(number, column, as_text(cell), bold if number == sheet.header_row else text)
        if sheet.header_row is not None:
            page.freeze_panes(sheet.header_row + 1, 2)
    book.close()
    return target.getvalue()


def open_document(sheets: Sequence[Sheet]) -> bytes:
    """An OpenDocument spreadsheet (.ods) as LibreOffice lays one out: repeated blanks, and rows down to the last."""
    tables = "".join(_table(sheet) for sheet in sheets)
    parts = {
        "content.xml": f"<office:document-content {_ODF_NAMESPACES}><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>",
        "styles.xml": f"<office:document-styles {_ODF_NAMESPACES}/>",
        "META-INF/manifest.xml": _ODF_MANIFEST,
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        # The format asks for this part first and unpacked, so that the type can be read off the file's first bytes.
        archive.writestr(_zip_entry("mimetype"), _ODS_TYPE, zipfile.ZIP_STORED)
        for name, xml in parts.items():
            document = f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}'
            archive.writestr(_zip_entry(name), document.encode(), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def delimited(rows: Sequence[Sequence[Cell]], encoding: str) -> bytes:
    """Fields separated by `;`, lines ended as on Windows; `encoding` as Python names it."""
    target = io.StringIO()
    csv.writer(target, delimiter=";", lineterminator="\r\n").writerows(
        [[as_text(cell) for cell in row] for row in rows]
    )
    return target.getvalue().encode(encoding)


def parquet(header: Sequence[str], rows: Sequence[Sequence[Cell]], categorical: Sequence[bool]) -> bytes:
    """A Parquet file with typed columns; those marked `categorical` are encoded as dictionaries."""
    columns = []
    for cells, is_categorical in zip(zip(*rows, strict=True), categorical, strict=True):
        column = pa.array([list(cell) if isinstance(cell, tuple) else cell for cell in cells])
        columns.append(column.dictionary_encode() if is_categorical else column)
    target = io.BytesIO()
    pq.write_table(pa.table(columns, names=list(header)), target)
    return target.getvalue()


def as_text(cell: Cell) -> str:
    """The cell as it is written where there is only text; several answers are separated by `; `."""
    match cell:
        case None:
            return ""
        case tuple():
            return "; ".join(cell)
        case dt.date():
            return cell.strftime("%d-%m-%Y")
    return str(cell)


_ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_ODF_NAMESPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3"'
)
_ODF_MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_ODS_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    '<manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)
_SHEET_ROWS = 1_048_576
_SHEET_COLUMNS = 16_384


def _zip_entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ZIP_TIME)
    entry.create_system = 0  # else the bytes tell Windows from Linux
    return entry


def _table(sheet: Sheet) -> str:
    rows = "".join(f"<table:table-row>{_cells(row)}</table:table-row>" for row in sheet.rows)
    below = (
        f'<table:table-row table:number-rows-repeated="{_SHEET_ROWS - len(sheet.rows)}">'
        f'<table:table-cell table:number-columns-repeated="{_SHEET_COLUMNS}"/></table:table-row>'
    )
    return f'<table:table table:name="{escape(sheet.name)}">{rows}{below}</table:table>'


def _cells(row: Sequence[Cell]) -> str:
    parts = []
    for is_blank, run in groupby(row, key=lambda cell: cell is None or as_text(cell) == ""):
        cells = list(run)
        if is_blank:
            parts.append(f'<table:table-cell table:number-columns-repeated="{len(cells)}"/>')
        else:
            parts += [_cell(cell) for cell in cells]
    return "".join(parts)


def _cell(cell: Cell) -> str:
    match cell:
        case dt.date():
            kind = f'office:value-type="date" office:date-value="{cell.isoformat()}"'
        case int():
            kind = f'office:value-type="float" office:value="{cell}"'
        case _:
            kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{escape(as_text(cell))}</text:p></table:table-cell>"
