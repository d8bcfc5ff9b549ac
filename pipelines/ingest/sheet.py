"""What every format is read into: sheets of numbered rows of folded texts. Imported by the reading child: no polars."""

from collections.abc import Iterable
from typing import NamedTuple

from pipelines.ingest.limits import CELL_CHARACTERS
from pipelines.ingest.text import fold


class Row(NamedTuple):
    """A row of a sheet: its number as a spreadsheet shows it, and its cells as folded text ("" is blank)."""

    number: int
    cells: list[str]


class Sheet(NamedTuple):
    """A sheet; `rows` can be walked once, and reading stops with FileRejectedError at a cell beyond the limit."""

    name: str
    hidden: bool
    rows: Iterable[Row]


class CellTooLongError(Exception):
    """A cell beyond the limit; the reader knows its row."""


class FoldedTexts(dict[str, str]):
    """Folded texts of one file by text as found: most cells hold what others hold."""

    def __missing__(self, text: str) -> str:
        """Fold a text met for the first time.

        Raises:
            CellTooLongError: the text is longer than a cell may be.
        """
        if len(text) > CELL_CHARACTERS:
            raise CellTooLongError
        self[text] = folded = fold(text)
        return folded
