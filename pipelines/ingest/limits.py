"""How large a delivery may be, and the way a file is rejected whole. Imported by the reading child: no polars here.

How forms differ in that, and in what their parts are called, stands here too.
"""

from typing import NamedTuple

FILE_BYTES = 10_000_000
UNPACKED_BYTES = 100_000_000
ARCHIVE_PARTS = 1_000
CASE_ROWS = 20_000
GRANT_ROWS = 100_000  # every grant of a large municipality through several years, a row for each change of price
CELL_CHARACTERS = 32_767

# One file's share of the machine. An ordinary delivery takes a few milliseconds and megabytes.
CPU_SECONDS = 5
WALL_SECONDS = 8.0
MEMORY_BYTES = 480_000_000
# Reading 100,000 grants takes 2 to 4 seconds and up to 350 MB on a quiet machine: the memory is enough, a busy one needs
# more time.
GRANTS_TIMES = 3

FORMATS = (".xlsx", ".ods", ".csv", ".parquet")


class FileRejectedError(Exception):
    """A delivery that is rejected whole: the rule it breaks and a Danish message without any answer in it."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.message = message


def unreadable(message: str) -> FileRejectedError:
    """A file whose content cannot be read as what its name says."""
    return FileRejectedError("unreadable", message)


def too_long_cell(row: int) -> FileRejectedError:
    """A file with a cell beyond the limit."""
    return unreadable(
        f"Række {row} har en celle med flere end {danish(CELL_CHARACTERS)} tegn. Forkort teksten, og aflever igen."
    )


def danish(number: int) -> str:
    """A whole number with Danish thousands separators."""
    return f"{number:,}".replace(",", ".")


class Traits(NamedTuple):
    """How a form differs from others for those who read its deliveries: their size, and what their parts are called.

    Attributes:
        rows: how many a delivery may hold.
        most_da: that number with its unit.
        times: how many times the time of an ordinary delivery reading one may take.
        rows_da: what its rows are called.
        question_da: what a question is called.
        questions_da: what several are.
    """

    rows: int
    most_da: str
    times: int
    rows_da: str
    question_da: str
    questions_da: str

    @property
    def count_da(self) -> str:
        """The field of the front sheet that says how many rows there are."""
        return f"Antal {self.rows_da}"


def _extract_of(rows: int, *, times: int) -> Traits:
    return Traits(
        rows, f"{danish(rows)} rækker", times, rows_da="rækker", question_da="kolonne", questions_da="kolonner"
    )


SCREENING = Traits(
    CASE_ROWS,
    f"{danish(CASE_ROWS)} sager (rækker)",
    times=1,
    rows_da="sager",
    question_da="spørgsmål",
    questions_da="spørgsmål",
)
EXTRACT = _extract_of(CASE_ROWS, times=1)
GRANTS_EXTRACT = _extract_of(GRANT_ROWS, times=GRANTS_TIMES)


def too_many_rows(traits: Traits) -> FileRejectedError:
    """A file with more rows than a delivery of the form may hold."""
    return unreadable(f"Filen har flere end {traits.most_da}. Kontakt KL, hvis tallet er rigtigt.")
