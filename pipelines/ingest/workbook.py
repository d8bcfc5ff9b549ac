"""Reading workbooks (.xlsx, .ods) into sheets of cell texts. Runs in the reading child only."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import python_calamine

from pipelines.ingest import archive
from pipelines.ingest.limits import too_long_cell, unreadable
from pipelines.ingest.sheet import CellTooLongError, FoldedTexts, Row, Sheet
from pipelines.ingest.text import fold

_ODS_MIMETYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_XLSX_WORKBOOK = re.compile(
    rb"application/vnd\.openxmlformats-officedocument\.spreadsheetml\.(sheet|template)\.main\+xml"
)
_XLSX_HIDDEN = re.compile(rb'<(?:\w+:)?(?:row|col)\b[^>]*\shidden=["\'](?:1|true)["\']')
_ODS_HIDDEN = re.compile(rb'<table:table-(?:row|column)\b[^>]*\stable:visibility=["\'](?:collapse|filter)["\']')
_ODS_ENCRYPTED = re.compile(rb"<manifest:encryption-data\b")
HIDDEN_CELLS = "Skemaet har skjulte rækker eller kolonner. De er læst med."


def read(content: bytes, extension: str) -> tuple[list[Sheet], list[str]]:
    """The sheets of a workbook, and warnings.

    Raises:
        FileRejectedError: the content is not what the extension says, is protected, damaged or beyond a limit.
    """
    if content.startswith(archive.OLE2):
        raise unreadable(archive.ole2_message(content))
    if not content.startswith(archive.ZIP):
        raise unreadable(_not_a_workbook(content, extension))
    parts = archive.unpack(content)
    archive.refuse_doctype(parts)
    if extension == ".xlsx":
        _require_xlsx(parts)
        hidden = any(_XLSX_HIDDEN.search(data) for data in parts.values())
    else:
        _require_ods(parts)
        hidden = _ODS_HIDDEN.search(parts["content.xml"]) is not None
        parts["content.xml"] = archive.without_drawings(parts["content.xml"])
    return _sheets(parts), [HIDDEN_CELLS] if hidden else []


def _not_a_workbook(content: bytes, extension: str) -> str:
    start = content[:2_000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<"):
        found = "en HTML- eller XML-fil"
    elif b"\0" not in start:
        found = "en tekstfil (måske CSV)"
    else:
        found = "ikke en projektmappe"
    return (
        f"Filnavnet ender på {extension}, men indholdet er {found}. Åbn filen i Excel, vælg Gem som og "
        "Excel-projektmappe (.xlsx), og aflever igen."
    )


def _require_xlsx(parts: dict[str, bytes]) -> None:
    types = parts.get("[Content_Types].xml", b"")
    if b"macroEnabled" in types or any(name.lower().endswith("vbaproject.bin") for name in parts):
        raise unreadable(
            "Projektmappen indeholder makroer. Vælg Gem som og Excel-projektmappe (.xlsx), som ikke har makroer, "
            "og aflever igen."
        )
    if not _XLSX_WORKBOOK.search(types):
        found = (
            "et OpenDocument-regneark" if _ODS_MIMETYPE in parts.get("mimetype", b"") else "ikke en Excel-projektmappe"
        )
        raise unreadable(
            f"Filnavnet ender på .xlsx, men indholdet er {found}. Vælg Gem som og Excel-projektmappe (.xlsx)."
        )


def _require_ods(parts: dict[str, bytes]) -> None:
    if _ODS_ENCRYPTED.search(parts.get("META-INF/manifest.xml", b"")):
        raise unreadable(archive.PASSWORD)
    if parts.get("mimetype", b"").strip() != _ODS_MIMETYPE or "content.xml" not in parts:
        raise unreadable(
            "Filnavnet ender på .ods, men indholdet er ikke et OpenDocument-regneark. Vælg Gem som og OpenDocument-regneark "
            "(.ods) eller Excel-projektmappe (.xlsx)."
        )


def _sheets(parts: dict[str, bytes]) -> list[Sheet]:
    try:
        workbook = python_calamine.load_workbook(archive.repack(parts))
        sheets = []
        for metadata in workbook.sheets_metadata:
            if metadata.typ is not python_calamine.SheetTypeEnum.WorkSheet:
                continue
            cells = workbook.get_sheet_by_name(metadata.name)
            hidden = metadata.visible is not python_calamine.SheetVisibleEnum.Visible
            sheets.append(Sheet(metadata.name, hidden, _rows(cells)))
    except python_calamine.CalamineError:
        raise unreadable(
            "Projektmappen er beskadiget eller skrevet af et program, som vi ikke kan læse. Åbn den i Excel eller "
            "LibreOffice, gem på ny, og aflever igen."
        ) from None
    return sheets


def _rows(cells: python_calamine.CalamineSheet) -> Iterator[Row]:
    if cells.start is None:
        return
    margin = [""] * cells.start[1]
    folded = FoldedTexts()
    for number, values in enumerate(cells.iter_rows(), start=1):
        try:
            texts = [folded[value] if type(value) is str else text_of(value) for value in values]
        except CellTooLongError:
            raise too_long_cell(number) from None
        yield Row(number, margin + texts)


def text_of(value: Any) -> str:  # noqa: ANN401 - any type that a spreadsheet or a parquet file can hold
    """A typed cell as a Danish spreadsheet would show it in full; blank is the empty text.

    Numbers have a decimal comma and no grouping, booleans are SAND and FALSK, dates and times are ISO 8601, so that
    none of them passes for an option, and a date or time for no number.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, bool):
        return "SAND" if value else "FALSK"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return fold(str(value))


def _number(value: Decimal) -> str:
    if value.is_nan():
        return ""
    if value.is_infinite():
        return "∞" if value > 0 else "-∞"
    if value == value.to_integral_value():
        return str(int(value))
    return format(value, "f").replace(".", ",")
