"""Reading the small tables that a person keeps in the data root, one line a year: strictly, since nothing can check them.

What belongs here: the form of such a file, and how its faults are told. What does not: what its cells mean
(`price_index`, `refund_thresholds`).

A file is text in UTF-8 with `;` between: a header `year;<columns>;source`, then one line a year.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from pipelines.ingest.text import fold, is_written
from schemas.errors import ReferenceTableError

OfYear = TypeVar("OfYear")

_YEAR = re.compile(r"20[0-9]{2}")
_SEPARATOR = ";"
_SHOWN = 40


def read_years(
    content: bytes,
    file: str,
    columns: tuple[str, ...],
    faults_of: Callable[[list[str]], list[str]],
    value_of: Callable[[list[str]], OfYear],
) -> dict[int, OfYear]:
    """What a file says, by year, in the order of its lines.

    Args:
        content: the file's bytes.
        file: its name below the data root, for messages.
        columns: the columns between year and source, in their order.
        faults_of: what is wrong with the cells of these columns, a message each.
        value_of: what sound cells of these columns mean.

    Raises:
        ReferenceTableError: the file is not as it must be; one line per fault, with the line, what was found and what is
            allowed.
    """
    lines = _lines(content, file)
    _, header = next(lines, (1, []))
    wanted = ["year", *columns, "source"]
    if header != wanted:
        raise ReferenceTableError(
            f"{file}, line 1: the header must be `{_SEPARATOR.join(wanted)}`; found {shown(_SEPARATOR.join(header))}"
        )
    years: dict[int, OfYear] = {}
    faults: list[str] = []
    for line, cells in lines:
        found = _faults(cells, len(wanted)) or faults_of(cells[1:-1])
        if not found and int(cells[0]) in years:
            found = [f"{cells[0]} stands twice; keep one line a year"]
        if not found:
            years[int(cells[0])] = value_of(cells[1:-1])
        faults += [f"{file}, line {line}: {fault}" for fault in found]
    if faults:
        raise ReferenceTableError("\n".join(faults))
    return years


def shown(found: str) -> str:
    """What was found, as a message shows it."""
    return "nothing" if not found else repr(found if len(found) <= _SHOWN else f"{found[:_SHOWN]}...")


def _lines(content: bytes, file: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of every line that is not blank, with the line's number."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReferenceTableError(f"{file}: is not UTF-8; save it as CSV UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_SEPARATOR, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [fold(cell) for cell in cells]
    except csv.Error as error:
        raise ReferenceTableError(f"{file}, line {reader.line_num}: cannot be read ({error})") from None


def _faults(cells: list[str], width: int) -> list[str]:
    """What is wrong with a line whatever the table."""
    if len(cells) != width:
        return [f"there must be {width} cells with `{_SEPARATOR}` between; found {len(cells)}"]
    faults = []
    if not _YEAR.fullmatch(cells[0]):
        faults.append(f"year: must be a year of four digits, as 2024; found {shown(cells[0])}")
    if not is_written(cells[-1]):
        faults.append(f"source: must say where the numbers are from; found {shown(cells[-1])}")
    return faults
