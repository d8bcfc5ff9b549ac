"""What every format is read into: sheets of numbered rows of folded texts. Imported by the reading child: no polars."""

from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    """A row of a sheet: its number as a spreadsheet shows it, and its cells as folded text ("" is blank)."""

    number: int
    cells: list[str]


class Sheet(NamedTuple):
    """A sheet; `rows` can be walked once, and reading stops with FileRejectedError at a cell beyond the limit."""

    name: str
    hidden: bool
    rows: Iterable[Row]
