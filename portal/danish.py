"""The Danish way to write numbers, dates, times, sizes and municipalities. Pure functions."""

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.ingest.limits import danish
from pipelines.reference.municipalities import municipalities
from pipelines.statistics.rounding import rounded

_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_KILO = 1_000
_FULL_NAMES = {"101": "Københavns Kommune", "400": "Bornholms Regionskommune"}


def number(value: int) -> str:
    """A whole number as `1.234`."""
    return danish(value)


def decimal(value: float, decimals: int) -> str:
    """A number to so many decimals as `1.234,50`, halves away from zero."""
    shown = f"{rounded(pl.Series([value]), decimals)[0]:,.{decimals}f}"
    return shown.translate(str.maketrans(",.", ".,"))


def day(moment: dt.datetime) -> dt.date:
    """The day that it is in Denmark at a moment (UTC)."""
    return moment.astimezone(_COPENHAGEN).date()


def date(value: dt.date) -> str:
    """A date as `01-10-2022`; of a moment (UTC), the Danish one."""
    if isinstance(value, dt.datetime):
        value = day(value)
    return f"{value:%d-%m-%Y}"


def time(moment: dt.datetime) -> str:
    """A moment (UTC) in Danish local time, as `01-10-2022 kl. 14.05`."""
    return f"{moment.astimezone(_COPENHAGEN):%d-%m-%Y kl. %H.%M}"


def size(value: int) -> str:
    """Bytes as `940 byte`, `12 kB` or `1,5 MB`, of thousands as file managers and networks count."""
    if value < _KILO:
        return f"{value} byte"
    if value < _KILO**2:
        return f"{number(round(value / _KILO))} kB"
    return f"{decimal(value / _KILO**2, 1)} MB"


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
