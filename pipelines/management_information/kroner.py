"""What an amount is in kroner: a price of any unit as kroner a year, and small parts of kroner as whole ones.

What belongs here: these two steps. What does not: what grants cost in a part of the year (`parts`), and the rounding of
figures that were no whole numbers before (`pipelines.statistics.rounding`).
"""

import polars as pl

from pipelines.management_information.parts import MONTHS, calendar_of


def yearly_price(year: int) -> pl.Expr:
    """A grant's price_dkk as kroner a year, by its price_unit (Int64).

    Args:
        year: the calendar year, which a day price is paid for every day of.
    """
    per_year = {"day": calendar_of(year, "days").days, "month": MONTHS, "year": 1}
    return pl.col("price_dkk") * pl.col("price_unit").replace_strict(per_year, return_dtype=pl.Int64)


def whole_kroner(amount: pl.Expr, parts: int) -> pl.Expr:
    """An amount in whole kroner, halves away from zero (Int64); exact, since nothing becomes a fraction on the way.

    Args:
        amount: a whole number of 1 / `parts` of a krone.
        parts: into how many a krone is divided.
    """
    return (amount.sign() * ((2 * amount.abs() + parts) // (2 * parts))).cast(pl.Int64)
