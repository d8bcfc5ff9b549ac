"""The Danish way to write numbers, dates, enumerations and municipalities, for everything that people read. Pure functions.

What belongs here: writing. What does not: what tables, columns and answers are called (`schemas`), and times of the clock,
which only the portal shows.
"""

import datetime as dt
from collections.abc import Iterable
from functools import cache

import polars as pl

from pipelines.ingest.limits import danish
from pipelines.reference.municipalities import municipalities
from pipelines.statistics.rounding import rounded

_FULL_NAMES = {"101": "Københavns Kommune", "400": "Bornholms Regionskommune"}


def number(value: int) -> str:
    """A whole number as `1.234`."""
    return danish(value)


def decimal(value: float, decimals: int) -> str:
    """A number to so many decimals as `1.234,50`, halves away from zero."""
    shown = f"{rounded(pl.Series([value]), decimals)[0]:,.{decimals}f}"
    return shown.translate(str.maketrans(",.", ".,"))


def date(value: dt.date) -> str:
    """A day as `01-10-2022`."""
    return f"{value:%d-%m-%Y}"


def joined(words: Iterable[str]) -> str:
    """Words as an enumeration: `a, b og c`."""
    *first, last = words
    return f"{', '.join(first)} og {last}" if first else last


def noun(count: int, one: str, several: str) -> str:
    """A noun as it follows a count."""
    return one if count == 1 else several


@cache
def municipality_names() -> dict[str, str]:
    """The names of the 98 municipalities by code, in the order of their names."""
    named = municipalities().select("municipality_code", "municipality_name").iter_rows()
    return dict(sorted(named, key=lambda entry: _alphabetical(entry[1])))


def _alphabetical(name: str) -> str:
    """A key that sorts `æ`, `ø` and `å` last, as Danish does; `Aa` is `Å`."""
    return name.casefold().replace("aa", "å").translate(str.maketrans("æøå", "{|}"))


def municipality(code: str) -> str:
    """What the municipality with this code calls itself, as `Ishøj Kommune`."""
    return _FULL_NAMES.get(code) or f"{municipality_names()[code]} Kommune"
