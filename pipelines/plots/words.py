"""How plots write shares, counts and names in Danish. Pure functions.

What belongs here: words that several plots use. What does not: how numbers are written (`pipelines.danish`), what tables,
statuses and comparisons are called (`schemas.labels_da`), and the sentences of one plot.
"""

from collections.abc import Sequence

from pipelines.danish import decimal, joined, number
from schemas.fields import VALUE_STATUSES
from schemas.labels_da import VALUES_DA

NO_PARTICIPANTS = "Ingen kommuner er med i opgørelsen"
_NAMED_AT_MOST = 2


def rate_da(rate: float) -> str:
    """A rate per 1,000."""
    return decimal(rate, 2)


def per_cent(share: float) -> str:
    """A share in whole per cent."""
    return f"{decimal(share * 100, 0)} %"


def counted(count: int, one: str, several: str) -> str:
    """A count with its noun: `1 kommune`, `1.200 kommuner`."""
    return f"{number(count)} {one if count == 1 else several}"


def municipalities(count: int) -> str:
    """So many municipalities."""
    return counted(count, "kommune", "kommuner")


def named(names: Sequence[str]) -> str:
    """Municipalities by name, or how many where they are many."""
    return joined(names) if len(names) <= _NAMED_AT_MOST else municipalities(len(names))


def not_shown(value_status: str) -> str:
    """Why a figure is not there, in the words of its status, short enough for a cell: `skjult`."""
    return VALUES_DA[VALUE_STATUSES][value_status].partition(":")[0]


def capitalised(sentence: str) -> str:
    """A sentence with its first letter as a capital, the others as they are."""
    return sentence[:1].upper() + sentence[1:]
