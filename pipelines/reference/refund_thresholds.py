"""The thresholds and shares of the state refund for particularly expensive single cases (SEL § 176), by year.

What belongs here: the packaged thresholds, the operator's own, and the refusal of a file that is not as it must be. What
does not: what a refund comes to (`pipelines.management_information.refunds`).

The thresholds are regulated every year, and not every year's are published where they can be cited. Packaged are those that
are (`schemas/refund_thresholds.csv`); the lines of `reference/refund_thresholds.csv` in the data root, of the same form, add
to them or replace them. A year that neither has is never guessed.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from upath import UPath

from pipelines import storage
from pipelines.reference.year_tables import read_years, shown
from schemas.data_files import SCHEMAS_DIR
from schemas.errors import ReferenceTableError

FILE = "refund_thresholds.csv"
_COLUMNS = ("threshold_1_dkk", "share_1", "threshold_2_dkk", "share_2", "threshold_3_dkk", "share_3")
_WHOLE = re.compile(r"[0-9]{1,12}")


class Step(NamedTuple):
    """One step of a year's refund.

    Attributes:
        threshold_dkk: what a citizen's cost of a year must be above (kroner).
        share_percent: what is refunded of the cost from there to the next step (whole per cent).
    """

    threshold_dkk: int
    share_percent: int


Steps = tuple[Step, ...]
"""The two or three steps of a year, thresholds rising."""


class RefundThresholds(NamedTuple):
    """The steps that are known.

    Attributes:
        by_year: steps by calendar year.
        version: a checksum of the files that they are from.
    """

    by_year: Mapping[int, Steps]
    version: str

    def required(self, year: int) -> Steps:
        """The steps of a year.

        Raises:
            ReferenceTableError: there are none; the message says which line to add.
        """
        if year not in self.by_year:
            raise ReferenceTableError(
                f"reference/{FILE}: there are no thresholds for {year}; add the line "
                f"`{year};<1. grænse>;25;<2. grænse>;50;<3. grænse>;75;<kilde>`"
            )
        return self.by_year[year]


def refund_thresholds(root: UPath) -> RefundThresholds:
    """The packaged thresholds with those of `reference/refund_thresholds.csv`, where there is such a file.

    A file is as `year_tables` has it, with three pairs of columns: `threshold_1_dkk;share_1` and so on (kroner a year; whole
    per cent). A year of two steps has nothing in the third pair.

    Args:
        root: the data root.

    Raises:
        ReferenceTableError: a file is not as it must be; one line per fault, with the line, what was found and what is
            allowed.
        OSError: it cannot be read.
    """
    packaged, own = UPath(SCHEMAS_DIR / FILE), storage.reference(root) / FILE
    contents = {path: path.read_bytes() for path in (packaged, own) if path.exists()}
    by_year: dict[int, Steps] = {}
    for path, content in contents.items():
        by_year |= read_years(content, f"{path.parent.name}/{FILE}", _COLUMNS, _faults, _steps)
    checksums = b"".join(hashlib.sha256(content).digest() for content in contents.values())
    return RefundThresholds(dict(sorted(by_year.items())), hashlib.sha256(checksums).hexdigest())


def _faults(cells: list[str]) -> list[str]:
    # Only the third step may be left out, and only whole.
    written = cells if any(cells[4:]) else cells[:4]
    allowed = "a whole number, without anything between thousands"
    return [
        f"{column}: must be {allowed}; found {shown(cell)}"
        for column, cell in zip(_COLUMNS, written, strict=False)
        if not _WHOLE.fullmatch(cell)
    ] or list(_faults_of_steps(_steps(cells)))


def _faults_of_steps(steps: Steps) -> Iterator[str]:
    """What is wrong with a line whose cells are numbers."""
    thresholds = [0, *(step.threshold_dkk for step in steps)]
    if any(lower >= upper for lower, upper in pairwise(thresholds)):
        yield f"the thresholds must be above 0 and rise; found {', '.join(map(str, thresholds[1:]))}"
    if any(step.share_percent > 100 for step in steps):
        yield f"the shares must be 0 to 100 per cent; found {', '.join(str(step.share_percent) for step in steps)}"


def _steps(cells: list[str]) -> Steps:
    numbers = [int(cell) for cell in cells if cell]
    return tuple(Step(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True))
