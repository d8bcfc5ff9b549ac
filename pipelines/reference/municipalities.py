"""The 98 municipalities with their regions and comparison groups.

Source: Statistics Denmark's classifications of regions (NUTS) and of municipality groups (Danmarks Statistik,
"Kommunegrupper", 2018), as they stood at the rounds covered.
"""

from functools import cache
from pathlib import Path

import polars as pl

CSV = Path(__file__).with_name("municipalities.csv")


@cache
def municipalities() -> pl.DataFrame:
    """One row per municipality, 98 rows, sorted by code; all columns text.

    Columns: municipality_code, municipality_name, region_code, region_name, municipality_group_code,
    municipality_group.
    """
    return pl.read_csv(CSV, infer_schema=False).sort("municipality_code")
