"""Grants of the same citizen and service area that run at the same time. They all count; that they do is worth a warning."""

import datetime as dt

import polars as pl

_CASE = ("municipality_code", "citizen_id", "service_area")
_NEVER = dt.date(9999, 12, 31)


def overlaps(grants: pl.DataFrame) -> pl.DataFrame:
    """The grants that overlap an earlier one of the same citizen and service area.

    Grain: grant. Columns: municipality_code, row, earlier_row: of those that started before it (on the same day: that
    stand before it), the one that ends last; of several the first.

    Args:
        grants: with the columns of `GRANTS`; both dates are included, and a grant without an end goes on for ever.
    """
    # In the order of their starts, a grant overlaps an earlier one just when it starts by the last end so far.
    end = pl.col("end_date").fill_null(_NEVER)
    return (
        grants.sort(*_CASE, "start_date", "row")
        .with_columns(last_end=end.cum_max().shift(1).over(_CASE))
        .with_columns(is_last=pl.col("last_end").is_null() | (end > pl.col("last_end")))
        .with_columns(earlier_row=pl.when("is_last").then("row").forward_fill().shift(1).over(_CASE))
        .filter(pl.col("start_date") <= pl.col("last_end"))
        .select("municipality_code", "row", "earlier_row")
        .sort("municipality_code", "row")
    )
