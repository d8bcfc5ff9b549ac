"""Reading CSV deliveries: encodings, separators and line ends as they really come. Runs in the reading child only."""

import csv
import io
import re
from collections.abc import Callable, Iterator

from pipelines.ingest.archive import OLE2, ZIP
from pipelines.ingest.limits import FILE_BYTES, too_long_cell, unreadable
from pipelines.ingest.sheet import CellTooLongError, FoldedTexts, Row, Sheet
from pipelines.ingest.text import fold

_SEPARATORS = ";\t,"
_SEPARATOR_LINE = re.compile(r"sep=(.)\n", re.IGNORECASE)
_HEADER_LINES = 10
csv.field_size_limit(FILE_BYTES)

CountQuestions = Callable[[list[str]], int]


def read(content: bytes, count_questions: CountQuestions, enough: int) -> Sheet:
    """The one sheet of a CSV file; `count_questions` tells how many questions a row of texts names.

    Text is UTF-8 if the whole file is, else Windows-1252 if the header (`enough` questions in a row) then fits.

    Raises:
        FileRejectedError: the content is no text, is in another encoding, has an open quote or is beyond a limit.
    """
    _refuse_other_formats(content)
    text = _decode(content, count_questions, enough)
    separator, body = _separator(text, count_questions)
    return Sheet("", hidden=False, rows=_rows(body, separator))


def _refuse_other_formats(content: bytes) -> None:
    start = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if content.startswith((ZIP, OLE2)):
        found = "en projektmappe. Gem den som Excel-projektmappe (.xlsx) med det rigtige filnavn"
    elif content.startswith(b"PAR1"):
        found = "en parquetfil. Giv den et filnavn, der ender på .parquet"
    elif start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml", b"%pdf")):
        found = "et dokument og ikke en tabel. Gem skemaet som Excel-projektmappe (.xlsx)"
    else:
        return
    raise unreadable(f"Filnavnet ender på .csv, men indholdet er {found}, og aflever igen.")


def _decode(content: bytes, count_questions: CountQuestions, enough: int) -> str:
    try:
        text = content.decode("utf-8").lstrip("\ufeff")
        is_utf8 = True
    except UnicodeDecodeError:
        text = "" if b"\0" in content else content.decode("cp1252", "replace")
        is_utf8 = False
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if (is_utf8 and "\0" not in text) or (
        "\ufffd" not in text and _header_fits(content, text, count_questions, enough)
    ):
        return text
    raise unreadable(
        "Filens tegnsæt kan ikke læses. Vælg Gem som og CSV UTF-8 (semikolonsepareret) i Excel, eller aflever skemaet "
        "som Excel-projektmappe (.xlsx)."
    )


def _header_fits(content: bytes, text: str, count_questions: CountQuestions, enough: int) -> bool:
    """Whether the text has a header, and no better one when its bytes are taken for damaged UTF-8."""
    found = _best(text, count_questions)[0]
    return found >= enough and found >= _best(content.decode("utf-8", "replace"), count_questions)[0]


def _separator(text: str, count_questions: CountQuestions) -> tuple[str, str]:
    declared = _SEPARATOR_LINE.match(text)
    if declared:
        # A spreadsheet does not show this line: its row 1 is the next one.
        return declared[1], text[declared.end() :]
    return _best(text, count_questions)[1], text


def _best(text: str, count_questions: CountQuestions) -> tuple[int, str]:
    """The largest number of questions that a row near the top names, and the separator that shows them."""
    counts = []
    for separator in _SEPARATORS:
        reader = csv.reader(_lines(text), delimiter=separator)
        found = 0
        for _ in range(_HEADER_LINES + 1):
            try:
                found = max(found, count_questions([fold(cell) if cell else "" for cell in next(reader, [])]))
            except csv.Error:
                break
        counts.append(found)
    most = max(counts)
    return most, _SEPARATORS[counts.index(most)]


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends; only a line feed ends one, unlike with str.splitlines."""
    return iter(io.StringIO(text, newline="\n"))


def _rows(text: str, separator: str) -> Iterator[Row]:
    lines = _Recorded(_lines(text if text.endswith("\n") else text + "\n"))
    reader = csv.reader(lines, delimiter=separator)
    folded = FoldedTexts()
    number = 0
    while True:
        first_line = lines.read + 1
        lines.record.clear()
        try:
            fields = next(reader, None)
        except csv.Error:
            raise _open_quote(first_line) from None
        if fields is None:
            return
        # Python's reader takes an open quote to the end of the file, or to the next quote and what follows it, for
        # one long cell. A record over several lines must therefore hold in strict reading too.
        if len(lines.record) > 1 and not _is_strict(lines.record, separator):
            raise _open_quote(first_line)
        if len(lines.record) == 1 and not _quotes_close(lines.record[0], fields):
            raise _open_quote(first_line)
        number += 1
        try:
            yield Row(number, [folded[field] for field in fields])
        except CellTooLongError:
            raise too_long_cell(number) from None


class _Recorded:
    """Lines, with those of the record that is being read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.read = 0
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.read += 1
            self.record.append(line)
            yield line


def _is_strict(lines: list[str], separator: str) -> bool:
    try:
        return len(list(csv.reader(lines, delimiter=separator, strict=True))) == 1
    except csv.Error:
        return False


def _quotes_close(line: str, fields: list[str]) -> bool:
    """Whether a record of one line ended at its line end: an open quote on the last line would have kept it."""
    return not (fields and fields[-1].endswith("\n") and '"' in line)


def _open_quote(line: int) -> Exception:
    return unreadable(
        f'Et citationstegn (") i linje {line} bliver ikke lukket, så cellerne efter det kan ikke skelnes. Ret linjen, eller '
        "aflever skemaet som Excel-projektmappe (.xlsx)."
    )
