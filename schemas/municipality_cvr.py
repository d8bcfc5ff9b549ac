"""The municipalities by their number in the Central Business Register (CVR), by which an organisation signs in.

Source: Det Centrale Virksomhedsregister (CVR).
"""

import csv
from functools import cache

from schemas.data_files import SCHEMAS_DIR

CSV = SCHEMAS_DIR / "municipality_cvr.csv"


@cache
def municipality_by_cvr() -> dict[str, str]:
    """The codes of the 98 municipalities (three digits) by CVR number (eight digits)."""
    with CSV.open(encoding="utf-8", newline="") as file:
        return {row["cvr"]: row["municipality_code"] for row in csv.DictReader(file)}
