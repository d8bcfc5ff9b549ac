"""The price index that costs are brought into one year's prices by, as a person keeps it in the data root.

What belongs here: where the index stands, what it must look like, and that a year of it is there. What does not: what is
computed with it.

No index comes with the program: which one municipalities compare by is theirs to say, and it is revised. The numbers are
index points of any base, since only ratios are used.
"""

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from upath import UPath

from pipelines import storage
from pipelines.reference.year_tables import read_years, shown
from schemas.errors import ReferenceTableError

FILE = "price_index.csv"
# Three digits after a point are thousands to some and decimals to others.
_POINTS = re.compile(r"(?=.*[1-9])[0-9]{1,9}(?:,[0-9]{1,6}|\.[0-9]{1,2})?")


class PriceIndex(NamedTuple):
    """The index.

    Attributes:
        values: index points by year; empty where there is no file.
        version: a checksum of the file; that of nothing where there is none.
    """

    values: Mapping[int, Decimal]
    version: str


def price_index(root: UPath) -> PriceIndex:
    """The index in `reference/price_index.csv`, with the header `year;index;source`; an empty one where there is no file.

    Args:
        root: the data root.

    Raises:
        ReferenceTableError: the file is not as it must be; one line per fault, with the line, what was found and what is
            allowed.
        OSError: it cannot be read.
    """
    try:
        content = (storage.reference(root) / FILE).read_bytes()
    except FileNotFoundError:
        return PriceIndex({}, _version(b""))
    years = read_years(content, f"reference/{FILE}", ("index",), _faults, _points)
    return PriceIndex(dict(sorted(years.items())), _version(content))


def required(index: Mapping[int, Decimal], year: int) -> Decimal:
    """The index points of a year.

    Raises:
        ReferenceTableError: the index does not have the year; the message says which line to add.
    """
    if year not in index:
        raise ReferenceTableError(
            f"reference/{FILE}: there is no index for {year}; add the line `{year};<index>;<kilde>`"
        )
    return index[year]


def _faults(cells: list[str]) -> list[str]:
    if _POINTS.fullmatch(cells[0]):
        return []
    allowed = "a number above 0, as 112,5 or 112.5 (a comma before more than two decimals, nothing between thousands)"
    return [f"index: must be {allowed}; found {shown(cells[0])}"]


def _points(cells: list[str]) -> Decimal:
    return Decimal(cells[0].replace(",", "."))


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
