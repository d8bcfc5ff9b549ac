"""What each way of protecting the municipalities' tables costs their readers.

What belongs here: the figures of `botilbud disclosure-report`. What does not: choosing a method (the round does).
"""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from pipelines.disclosure.audit import bounds
from pipelines.disclosure.protection import Protection, municipal_rows, rounding, suppression
from pipelines.disclosure.suppression import (
    MUNICIPAL_BREAKDOWNS,
    NARROWEST,
    Municipal,
    Tables,
    Zeros,
    public_knowledge,
    systems,
)

_BASES = (3, 5)
_THRESHOLDS = (3, 4, 5)
_ZEROS: tuple[Zeros, ...] = ("hidden", "shown")
_SCHEMA = {
    "method": pl.String,
    "setting": pl.Int64,
    "zeros": pl.String,
    "breakdown": pl.String,
    "non_zero_cells_visible_share": pl.Float64,
    "cases_visible_share": pl.Float64,
    "mean_error": pl.Float64,
    "largest_error": pl.Int64,
    "narrowest_interval": pl.Int64,
}


# So many settings are compared.
SETTINGS = len(_BASES) + len(_THRESHOLDS) * len(_ZEROS)


def utility(tables: Tables, threshold: int, secret: bytes) -> Iterator[pl.DataFrame]:
    """Both methods at every setting, one after the other, for the two breakdowns that are shown of single municipalities.

    Grain of all of them together: method x setting x zeros x breakdown. Columns: method ('rounding', 'suppression'),
    setting (base or threshold), zeros ('hidden', 'shown'; of rounding 'rounded'), breakdown, non_zero_cells_visible_share and
    cases_visible_share (shares of the true non-zero cells and of the cases that a number is shown for; null without
    any), mean_error and largest_error (cases, between shown and true count, over all cells that show a number),
    narrowest_interval (largest less smallest feasible value of a small count, in the eyes of an outsider, over the
    municipalities with at least 3 cases: the total of a smaller one leaves no more; null where there is none).

    Args:
        tables: the round's counts.
        threshold: of areas and the country, beside rounded municipalities.
        secret: the data root's secret.
    """
    municipal = _municipal_only(tables)
    for base in _BASES:
        done = rounding(municipal, threshold, base, secret=secret, released={})
        how = Municipal(done.intervals, base)
        figures_of = _figures(municipal, done, how, threshold)
        yield _frame([("rounding", base, "rounded", *figures) for figures in figures_of])
    for setting in _THRESHOLDS:
        for zeros in _ZEROS:
            done = suppression(municipal, setting, zeros)
            figures_of = _figures(municipal, done, Municipal(zeros=zeros), setting)
            yield _frame([("suppression", setting, zeros, *figures) for figures in figures_of])


def _frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _municipal_only(tables: Tables) -> Tables:
    """The breakdowns that are shown of municipalities, and the questions that they are roll-ups of."""
    questions = [rollup.question for rollup in tables.catalogue.rollups if rollup.key in MUNICIPAL_BREAKDOWNS]
    wanted = pl.col("question").is_in([*questions, *MUNICIPAL_BREAKDOWNS])
    return replace(tables, answer_counts=tables.answer_counts.filter(wanted))


def _figures(tables: Tables, done: Protection, how: Municipal, threshold: int) -> Iterator[tuple[object, ...]]:
    """Per breakdown, what `utility` says of it."""
    counts = {cell: count for row in municipal_rows(tables).values() for cell, count in row.items()}
    small = range(1, how.base if how.rounded is not None else threshold)
    rows = [row for row in municipal_rows(tables).values() if sum(row.values()) >= NARROWEST]
    targeted = {cell for row in rows for cell, count in row.items() if count in small}
    widths: dict[str, int] = {}
    for system in systems(tables, threshold, how):
        targets = [cell for cell in system.cells if cell in targeted]
        found = bounds(public_knowledge(system, done.hidden), system.relations, targets)
        widths |= {cell: high - low for cell, (low, high) in found.items()}
    for breakdown in MUNICIPAL_BREAKDOWNS:
        cells = {cell: count for cell, count in counts.items() if f"/{breakdown}/" in cell}
        shown = {cell: count for cell, count in cells.items() if cell not in done.hidden}
        errors = [abs(done.rounded.get(cell, count) - count) for cell, count in shown.items()]
        yield (
            breakdown,
            _share(sum(count > 0 for count in shown.values()), sum(count > 0 for count in cells.values())),
            _share(sum(shown.values()), sum(cells.values())),
            sum(errors) / len(errors) if errors else None,
            max(errors, default=None),
            min((width for cell, width in widths.items() if cell in cells), default=None),
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
