"""The shared tables as everybody may see them.

What belongs here: the round's method applied to its tables, and a breakdown's rows with what is hidden or rounded. What
does not: which cells are hidden (`suppression`) and what a count is rounded to (`rounding`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipelines.benchmark.measures import PUBLISHED
from pipelines.disclosure.areas import SUPPRESSED
from pipelines.disclosure.audit import Interval, rounded
from pipelines.disclosure.rounding import Released, Rounding
from pipelines.disclosure.suppression import (
    MUNICIPAL_BREAKDOWNS,
    Municipal,
    Tables,
    Zeros,
    cell_key,
    finding_key,
    hidden_of_release,
)

ROUNDED = "rounded"
Method = Literal["rounding", "suppression"]
_LEVELS = {"main": "main_target_group", "detailed": "target_group"}


@dataclass(frozen=True)
class Protection:
    """What becomes of every cell of the shared tables, by `cell_key`.

    Attributes:
        hidden: the cells that are not shown.
        rounded: what is shown instead of the exact count.
        base: what is rounded to; None where nothing is.
        unsafe: small counts that somebody could compute all the same; a release with any is not made.
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


def rounding(
    tables: Tables, threshold: int, base: int, *, secret: bytes, released: Mapping[str, Released]
) -> Protection:
    """Municipalities with every count rounded; areas and the country as under suppression.

    A municipality's row is drawn again where its small counts could be computed, until none can.

    Args:
        tables: the round's counts.
        threshold: counts of 1 to threshold - 1 are small, in areas and the country.
        base: what is rounded to, 3 or 5.
        secret: the data root's secret.
        released: what earlier releases of the round showed, by cell (`released_counts`).

    Raises:
        BotilbudError: the threshold is below 3, or the base is not offered.
    """
    name = tables.case_rates["round"].first()
    drawn = Rounding(municipal_rows(tables), secret=secret, round_name=str(name), base=base, released=released)
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


def released_counts(tables: Tables, protection: Protection) -> dict[str, Released]:
    """What a later release of the round needs to know of this one; it holds true counts and is KL's alone."""
    if protection.base is None:
        return {}
    return {
        cell: Released(count, protection.base, protection.rounded[cell])
        for row in municipal_rows(tables).values()
        for cell, count in row.items()
        if cell in protection.rounded
    }


def published_cells(shared: Iterable[pl.DataFrame]) -> dict[str, int]:
    """The exact counts that shared tables show, by cell: what the next release of the round cannot hide any more.

    Args:
        shared: shared tables of target groups, provider types or answers, as `shared_table` makes them.
    """
    cells: dict[str, int] = {}
    for table in shared:
        question, answer = _names(table)
        key = pl.concat_str("area_type", "area_code", question, answer, separator="/")
        shown = table.filter(pl.col("value_status") == PUBLISHED).select(key.alias("cell"), "cases")
        cells.update(shown.iter_rows())
    return cells


def shared_table(breakdown: pl.DataFrame, case_rates: pl.DataFrame, protection: Protection) -> pl.DataFrame:
    """A breakdown as everybody may see it.

    Grain: that of the breakdown, for the country, regions, municipality groups and, of main target groups and provider
    types, municipalities. No row is absent: a reader sees that a figure exists and is not shown.
    Columns: those of the breakdown, and rounding_base (null where nothing is rounded). A hidden cell has no figure and
    the status `suppressed`. A rounded one has the status `rounded`, and its share (at most 1) and rate follow from the
    rounded count with the exact number of cases and residents.

    Args:
        breakdown: target_groups, provider_types or question_answers, exact.
        case_rates: of the same municipalities.
        protection: of the same round.
    """
    question, answer = _names(breakdown)
    population = case_rates.select("municipality_code", "population_18_66")
    keyed = breakdown.with_columns(_question=question).with_columns(
        _cell=pl.concat_str("area_type", "area_code", "_question", answer, separator="/"),
        _answered=pl.col("cases").sum().over("area_type", "area_code", "_question"),
    )
    is_municipal = pl.col("area_type") == "municipality"
    shown = keyed.filter(~is_municipal | pl.col("_question").is_in(MUNICIPAL_BREAKDOWNS))
    numbers = pl.DataFrame(
        {"_cell": list(protection.rounded), "_rounded": list(protection.rounded.values())},
        schema={"_cell": pl.String, "_rounded": pl.Int64},
    )
    is_rounded = pl.col("_rounded").is_not_null()
    share = pl.when(pl.col("_answered") > 0).then((pl.col("_rounded") / pl.col("_answered")).clip(upper_bound=1.0))
    rate = pl.col("_rounded") / pl.col("population_18_66") * 1_000
    is_hidden = pl.col("_cell").is_in(list(protection.hidden))
    return (
        shown.join(numbers, on="_cell", how="left", maintain_order="left")
        .join(population, left_on="area_code", right_on="municipality_code", how="left", maintain_order="left")
        .with_columns(
            pl.when(is_hidden).then(None).when(is_rounded).then("_rounded").otherwise("cases").alias("cases"),
            pl.when(is_hidden).then(None).when(is_rounded).then(share).otherwise("share").alias("share"),
            pl.when(is_hidden).then(None).when(is_rounded).then(rate).otherwise("rate_per_1000").alias("rate_per_1000"),
            pl.when(is_hidden)
            .then(pl.lit(SUPPRESSED))
            .when(is_rounded)
            .then(pl.lit(ROUNDED))
            .otherwise(pl.lit(PUBLISHED))
            .alias("value_status"),
            pl.when(is_rounded).then(pl.lit(protection.base, pl.Int64)).alias("rounding_base"),
        )
        .select(*breakdown.columns, "rounding_base")
    )


def _names(breakdown: pl.DataFrame) -> tuple[pl.Expr, str]:
    """The question of each row, and the column that holds the answer."""
    if "target_group_level" in breakdown.columns:
        return pl.col("target_group_level").replace_strict(_LEVELS), "target_group"
    if "provider_type" in breakdown.columns:
        return pl.lit("provider_type"), "provider_type"
    return pl.col("question"), "answer"


def shared_findings(key_findings: pl.DataFrame, protection: Protection) -> pl.DataFrame:
    """The headline findings, without the figures of those that are small or would give a hidden cell away."""
    hidden = [finding for finding in key_findings["finding"] if finding_key(finding) in protection.hidden]
    is_shown = ~pl.col("finding").is_in(hidden)
    return key_findings.with_columns(
        pl.when(is_shown).then(pl.col(name)).alias(name) for name in ("numerator", "share")
    )
