"""Both methods, each applied to all counts of a round.

What belongs here: what becomes of every cell. What does not: which cells are hidden (`suppression`), what a count is
rounded to (`rounding`), and tables (`shared`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pipelines.disclosure.audit import Interval, rounded
from pipelines.disclosure.rounding import Released, Rounding
from pipelines.disclosure.suppression import (
    MUNICIPAL_BREAKDOWNS,
    Municipal,
    Tables,
    Zeros,
    cell_key,
    hidden_of_release,
)


@dataclass(frozen=True)
class Protection:
    """What becomes of every cell of the shared tables, by `cell_key`.

    Attributes:
        hidden: the cells that are not shown.
        rounded: what is shown instead of the exact count.
        base: what is rounded to; None where nothing is.
        unsafe: small counts that the search could not prove safe; whether they are is the audit's to say.
    """

    hidden: frozenset[str]
    rounded: Mapping[str, int]
    base: int | None
    unsafe: frozenset[str]

    @property
    def intervals(self) -> dict[str, Interval]:
        """What each rounded count can be."""
        return {cell: rounded(shown, self.base) for cell, shown in self.rounded.items()} if self.base else {}


def suppression(tables: Tables, threshold: int, zeros: Zeros = "hidden") -> Protection:
    """Municipalities, areas and the country with small counts hidden, and as many others as that needs.

    Args:
        tables: the round's counts.
        threshold: counts of 1 to threshold - 1 are small.
        zeros: whether the zeros of a municipality's breakdown are hidden as well.

    Raises:
        BotilbudError: the threshold is below 3.
    """
    pattern = hidden_of_release(tables, threshold, Municipal(zeros=zeros))
    return Protection(pattern.hidden, {}, None, pattern.unsafe)


def rounding(tables: Tables, threshold: int, base: int, *, secret: bytes, released: Released) -> Protection:
    """Municipalities with every count rounded; areas and the country as under suppression.

    A municipality's row is drawn again where its small counts could be computed, until none can.

    Args:
        tables: the round's counts.
        threshold: counts of 1 to threshold - 1 are small, in areas and the country.
        base: what is rounded to, 3 or 5.
        secret: the data root's secret.
        released: what earlier releases of the round showed (`earlier.released_numbers`).

    Raises:
        BotilbudError: the threshold is below 3, or the base is not offered.
    """
    name = tables.case_rates["round"].first()
    drawn = Rounding(
        municipal_rows(tables),
        secret=secret,
        round_name=str(name),
        base=base,
        # A municipality may be all there is of an area that is not shown, whose counts are small below the threshold.
        threshold=max(base, threshold),
        released=released,
    )
    while True:
        pattern = hidden_of_release(tables, threshold, Municipal(drawn.intervals, base))
        again = sorted(
            row for row, cells in drawn.rows.items() if not pattern.unsafe.isdisjoint(cells & drawn.shown.keys())
        )
        if not again:
            return Protection(pattern.hidden, drawn.shown, base, pattern.unsafe)
        for row in again:
            drawn.draw_again(row)


def municipal_rows(tables: Tables) -> dict[str, dict[str, int]]:
    """The true counts of the municipalities' breakdowns: by row, its cells."""
    rows: dict[str, dict[str, int]] = {}
    counts = tables.answer_counts.filter(pl.col("question").is_in(MUNICIPAL_BREAKDOWNS))
    for code, question, answer, cases in counts.select("municipality_code", "question", "answer", "cases").iter_rows():
        rows.setdefault(f"{code}/{question}", {})[cell_key("municipality", code, question, answer)] = cases
    return rows
