"""The one way to round a figure, at the very end: for showing, never before a comparison.

What belongs here: rounding of figures that are shown. What does not: rounding for disclosure control.
"""

from decimal import ROUND_HALF_UP, Decimal

import polars as pl


def rounded(values: pl.Series, decimals: int) -> pl.Series:
    """Values to so many decimals, halves away from zero; null stays null.

    A value is taken as the shortest decimal that names it, which is the one that people see: 1.005 becomes 1.01 though
    the nearest binary fraction lies just below it, which polars' own rounding lets decide.

    Source: IEEE 754, roundTiesToAway, in decimal.
    """
    unit = Decimal(1).scaleb(-decimals)
    return pl.Series(
        values.name,
        # ROUND_HALF_UP is away from zero on both sides.
        [None if x is None else float(Decimal(repr(x)).quantize(unit, ROUND_HALF_UP)) for x in values.cast(pl.Float64)],
        dtype=pl.Float64,
    )
