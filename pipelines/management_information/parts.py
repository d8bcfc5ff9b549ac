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

from schemas.municipalities import municipality_codes
from schemas.service_areas import service_areas
from schemas.years import FullYearMethod

CASE = ("municipality_code", "citizen_id", "service_area")
"""A case: a citizen in a service area."""

MONTHS = 12
_BETWEEN_CASES = 400


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


def with_short_keys(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The same rows with municipality_code and service_area as Enum: grouping millions of rows takes less than with texts.

    Args:
        rows: with municipality_code and service_area, codes that there are.
    """
    return rows.with_columns(
        pl.col("municipality_code").cast(pl.Enum(sorted(municipality_codes()))),
        pl.col("service_area").cast(pl.Enum(list(service_areas()))),
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


def with_cost(rows: pl.LazyFrame, year: int, method: FullYearMethod) -> pl.LazyFrame:
    """What rows cost, as whole numbers whose sums `cost_dkk` makes kroner of.

    Grain: that of `rows`. Columns: those of `rows`, then, by the row's price_unit and 0 in the other two, year_money
    (kroner times parts of the year by the method), month_money (kroner times month parts) and day_money (kroner), all
    Int64: 500,000 rows of the highest price all year go into a sum (50 million kr. x 323,640 parts is 1.6e13, Int64 holds
    9.2e18). Every row is paid for its own days, those that others overlap too.

    Args:
        rows: with first_day and last_day, as `in_year` makes them, price_dkk and price_unit.
        year: their calendar year.
        method: how a part of the year is counted.
    """
    days = pl.col("first_day"), pl.col("last_day")
    per = {
        "year": parts_between(*days, year, method),
        "month": month_parts_between(*days, year),
        "day": (days[1] - days[0] + 1).cast(pl.Int64),
    }
    return rows.with_columns(
        pl.when(pl.col("price_unit") == unit).then(pl.col("price_dkk") * parts).otherwise(0).alias(f"{unit}_money")
        for unit, parts in per.items()
    )


def cost_dkk(of_year: Calendar) -> pl.Expr:
    """Whole kroner of sums of year_money, month_money and day_money, halves up (Int64). Nothing is rounded before.

    Args:
        of_year: the calendar of the year and the method that the sums were made by.
    """
    denominator = math.lcm(of_year.year_parts, of_year.month_parts)
    whole, rest = pl.col("day_money"), pl.lit(0, pl.Int64)
    for money, parts in (("year_money", of_year.year_parts), ("month_money", of_year.month_parts)):
        # The whole kroner first: what is left is small, and goes into Int64 in parts of the common denominator.
        whole += pl.col(money) // parts
        rest += pl.col(money) % parts * (denominator // parts)
    return whole + (2 * rest + denominator) // (2 * denominator)


def active_parts(rows: pl.LazyFrame, year: int, method: FullYearMethod) -> pl.LazyFrame:
    """The parts of the year that each row adds to its case: of days that several rows of a case have, one row has them.

    Grain: that of `rows`, sorted by case, first_day and last_day. Columns: those of `rows`, then active_parts (Int64): the
    sum over a case is the parts of the days on which any of its rows is active.

    Args:
        rows: as `in_year` makes them.
        year: their calendar year.
        method: how a part of the year is counted.
    """
    is_new_case = pl.any_horizontal(pl.col(column).ne_missing(pl.col(column).shift()) for column in CASE)
    # Cases lie further apart than a year is long, so that one running maximum never reaches from one into the next.
    start = is_new_case.cast(pl.Int64).cum_sum() * _BETWEEN_CASES
    reached = (start + pl.col("last_day")).cum_max().shift(fill_value=0)
    first_own_day = pl.max_horizontal(pl.col("first_day").cast(pl.Int64), reached + 1 - start)
    return rows.sort(*CASE, "first_day", "last_day").with_columns(
        active_parts=parts_between(first_own_day, pl.col("last_day").cast(pl.Int64), year, method)
    )


def case_parts(rows: pl.LazyFrame, year: int, method: FullYearMethod) -> pl.LazyFrame:
    """The parts of the year on which each case is active: days that several of its rows have count once.

    Grain: case, in no order. Columns: those of `CASE`, active_parts (Int64).

    Args:
        rows: as `in_year` makes them.
        year: their calendar year.
        method: how a part of the year is counted.
    """
    first_last = pl.col("first_day").min(), pl.col("last_day").max()
    cases = rows.group_by(CASE).agg(pl.len().alias("rows"), *first_last)
    # Most cases have one row a year: nothing of theirs is counted twice, and only the others need sorting.
    alone = cases.filter(pl.col("rows") == 1).select(
        *CASE, active_parts=parts_between(pl.col("first_day"), pl.col("last_day"), year, method)
    )
    several = (
        rows.join(cases.filter(pl.col("rows") > 1), on=CASE, how="semi")
        .pipe(active_parts, year, method)
        .group_by(CASE)
        .agg(pl.col("active_parts").sum())
    )
    return pl.concat([alone, several])
