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


def is_too_long(text: str) -> bool:
    """Whether a spreadsheet could not hold the text: it counts the units of UTF-16, of which some characters take two."""
    return len(text) > CELL_CHARACTERS // 2 and len(text.encode("utf-16-le", "surrogatepass")) // 2 > CELL_CHARACTERS


class FoldedTexts(dict[str, str]):
    """Folded texts of one file by text as found: most cells hold what others hold."""

    def __missing__(self, text: str) -> str:
        """Fold a text met for the first time.

        Raises:
            CellTooLongError: the text is longer than a cell may be.
        """
        folded = fold(text)
        if is_too_long(text) or is_too_long(folded):
            raise CellTooLongError
        self[text] = folded
        return folded
