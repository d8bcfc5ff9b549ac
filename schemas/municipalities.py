"""The municipality codes that there are.

Source: Statistics Denmark's classifications of regions (NUTS) and of municipality groups (Danmarks Statistik,
"Kommunegrupper", 2018), as they stood at the rounds covered.
"""

import csv
from functools import cache

from schemas.data_files import SCHEMAS_DIR

CSV = SCHEMAS_DIR / "municipalities.csv"


@cache
def municipality_codes() -> frozenset[str]:
    """The codes of the 98 municipalities, text of three digits."""
    with CSV.open(encoding="utf-8", newline="") as file:
        return frozenset(row["municipality_code"] for row in csv.DictReader(file))
