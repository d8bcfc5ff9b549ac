"""Where every column comes from: the columns it is computed from, the formula, and the function that makes it.

What belongs here: what holds for every round. What does not: which files and runs made one value (`provenance`).
"""

from typing import NamedTuple


class Origin(NamedTuple):
    """How a column is made.

    Attributes:
        formula_da: the formula in words and column names, Danish.
        function: the function that makes it, as `package.module.function`.
        sources: the columns it follows from, as (table, column); empty for columns of a source.
    """

    formula_da: str
    function: str
    sources: tuple[tuple[str, str], ...]


# What comes from outside; their columns follow from nothing of ours.
SOURCES = ("inbox", "folk1a")


def origins(table: str, questionnaire: str) -> dict[str, Origin]:
    """The origin of every column of a table, in the table's order.

    Args:
        table: the name of an asset's table, `case_rates`, or of a source, `folk1a`.
        questionnaire: the version of the form.

    Raises:
        TableError: there is no such table.
    """
    raise NotImplementedError(table, questionnaire)


def tags(table: str, column: str, questionnaire: str) -> frozenset[str]:
    """What must be known of a column: `personal`, `sensitive`, `published`."""
    raise NotImplementedError(table, column, questionnaire)
