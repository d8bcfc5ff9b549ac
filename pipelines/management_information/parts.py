"""How much of a year a grant is active, and what that costs, in whole numbers that add up exactly.

What belongs here: clipping grants to a year, days to parts of it, prices to cost. What does not: what is counted by it.

Everything is a whole number of small parts until the last step, so that splitting a grant at any date, or adding grants up
in another order, changes nothing. A month is divided into parts that every day of every month of the year is a whole number
of (the least common multiple of the months' lengths); a year is twelve such months, or its days.
"""

import calendar
import datetime as dt
import math
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from schemas.years import FullYearMethod

CASE = ("municipality_code", "citizen_id", "service_area")
"""A case: a citizen in a service area."""

MONTHS = 12


class Calendar(NamedTuple):
    """A year by its days.

    Attributes:
        days: how many it has.
        month_parts: parts of one month.
        year_parts: parts of the year by the method.
        until: by day of the year from 0 to `days`, the month parts until its end (0: before the first).
        ends: by month from 0 to 12, the day of the year that it ends on (0: before January).
    """

    days: int
    month_parts: int
    year_parts: int
    until: np.ndarray
    ends: np.ndarray


@cache
def calendar_of(year: int, method: FullYearMethod) -> Calendar:
    """The calendar of a year.

    Args:
        year: the calendar year.
        method: `months`: every month weighs the same, and every day within it; `days`: every day of the year does.
    """
    lengths = [calendar.monthrange(year, month)[1] for month in range(1, MONTHS + 1)]
    month_parts = math.lcm(*lengths)
    days = sum(lengths)
    per_day = np.repeat([month_parts // length for length in lengths], lengths)
    return Calendar(
        days=days,
        month_parts=month_parts,
        year_parts=MONTHS * month_parts if method == "months" else days,
        until=np.concatenate([[0], np.cumsum(per_day)]).astype(np.int64),
        ends=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


def in_year(grants: pl.LazyFrame, year: int, columns: tuple[str, ...] = ()) -> pl.LazyFrame:
    """The grants that are active on any day of a year.

    Grain: grant. Columns: those of `CASE`, `columns`, and first_day and last_day (Int16, days of the year from 1, both
    included, within the year).

    Args:
        grants: with start_date and end_date (the last day; null where it goes on).
        year: the calendar year.
        columns: further columns to keep.
    """
    new_year, end = dt.date(year, 1, 1), dt.date(year, 12, 31)
    is_active = (pl.col("start_date") <= end) & (pl.col("end_date").is_null() | (pl.col("end_date") >= new_year))
    return grants.filter(is_active).select(
        *CASE,
        *columns,
        first_day=_day_of_year(pl.col("start_date").clip(lower_bound=new_year), new_year),
        last_day=_day_of_year(pl.col("end_date").fill_null(end).clip(upper_bound=end), new_year),
    )


def _day_of_year(date: pl.Expr, new_year: dt.date) -> pl.Expr:
    """1 on the first day of the year."""
    before = (new_year - dt.date(1970, 1, 1)).days - 1
    return (date.to_physical() - before).cast(pl.Int16)


def parts_between(first_day: pl.Expr, last_day: pl.Expr, year: int, method: FullYearMethod) -> pl.Expr:
    """The year's parts from one day to another, both included (Int64); none where the last is before the first."""
    last = pl.max_horizontal(last_day, first_day - 1)
    if method == "days":
        return (last - first_day + 1).cast(pl.Int64)
    return month_parts_between(first_day, last, year)


def month_parts_between(first_day: pl.Expr, last_day: pl.Expr, year: int) -> pl.Expr:
    """Parts of months from one day to the same or a later one, both included (Int64)."""
    until = pl.lit(pl.Series(calendar_of(year, "months").until))
    return until.gather(last_day.cast(pl.UInt32)) - until.gather((first_day - 1).cast(pl.UInt32))
