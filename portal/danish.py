"""The Danish way to write moments and sizes, beside what `pipelines.danish` writes. Pure functions."""

import datetime as dt
from zoneinfo import ZoneInfo

from pipelines import danish
from pipelines.danish import decimal, municipality, municipality_names, number

__all__ = ["date", "day", "decimal", "municipality", "municipality_names", "number", "size", "time"]
_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_KILO = 1_000


def day(moment: dt.datetime) -> dt.date:
    """The day that it is in Denmark at a moment (UTC)."""
    return moment.astimezone(_COPENHAGEN).date()


def date(value: dt.date) -> str:
    """A date as `01-10-2022`; of a moment (UTC), the Danish one."""
    return danish.date(day(value) if isinstance(value, dt.datetime) else value)


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
