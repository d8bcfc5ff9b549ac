"""The municipalities with a grants extract, and whether a year was over when it was made.

What belongs here: who takes part, and how their figures are to be read. What does not: the figures.
"""

import polars as pl

from schemas.extracts import GRANTS
from schemas.fields import BASES

RESULT, FORECAST = BASES
DANISH_TIME = "Europe/Copenhagen"


def grant_participants(extract_log: pl.DataFrame) -> pl.DataFrame:
    """The municipalities with a grants extract that counts, those without a grant in it included.

    Grain: participating municipality, sorted. Columns: municipality_code, as_of (the Danish day on which the extract was
    received, ISO 8601 as text).

    Args:
        extract_log: one row per delivered extract, as the table of this name.
    """
    return (
        extract_log.filter(extract=GRANTS, status="current")
        .select(
            "municipality_code",
            as_of=pl.col("received_at").dt.convert_time_zone(DANISH_TIME).dt.date().dt.to_string("iso"),
        )
        .sort("municipality_code")
    )


def basis(as_of: pl.Expr, year: int) -> pl.Expr:
    """`result` where the year was over on the day of the extract, else `forecast`: what has not ended is taken to go on.

    Args:
        as_of: a Danish day, ISO 8601 as text.
        year: the calendar year that is computed.
    """
    return pl.when(as_of > f"{year}-12-31").then(pl.lit(RESULT)).otherwise(pl.lit(FORECAST))
