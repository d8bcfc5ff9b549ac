"""The 98 municipalities with their regions and comparison groups (source: `schemas.municipalities`)."""

from functools import cache

import polars as pl

from schemas.municipalities import CSV


@cache
def municipalities() -> pl.DataFrame:
    """One row per municipality, 98 rows, sorted by code; all columns text.

    Columns: municipality_code, municipality_name, region_code, region_name, municipality_group_code,
    municipality_group.
    """
    return pl.read_csv(CSV, infer_schema=False).sort("municipality_code")
