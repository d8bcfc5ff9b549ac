"""Columns of shared tables that would give a count back which the table hides or rounds.

What belongs here: which columns may stand beside such a count, and what they must be. What does not: what sums say
about it (`audit`), and what releases say together (`candidate`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.statistics.intervals import rate_interval, wilson

BREAKDOWNS = ("target_groups", "provider_types", "question_answers")
FINDINGS = "key_findings"
LEVELS = {"main": "main_target_group", "detailed": "target_group"}
# Columns that say what a row is about, or that it is hidden; all others give a count back.
_ABOUT = {"round", "area_type", "area_code", "area_name", "value_status", "finding", "label_da"} | {
    *(
        "target_group_level",
        "target_group",
        "provider_type",
        "question",
        "answer",
        "denominator",
        "figures_from_release",
    )
}
_RELATIVE = 1e-9
_LEFT_IN, _NOT_COMPUTED = "left in beside a hidden count", "not computed from the rounded count"

_Floats = npt.NDArray[np.float64]


class Leak(NamedTuple):
    """A column that gives a hidden or rounded count back, or a count that is published in two ways. Holds no value."""

    table: str
    row: str
    column: str
    fault: str


def derived_leaks(shared: Mapping[str, pl.DataFrame]) -> tuple[Leak, ...]:
    """Columns that give a hidden count back, or that were not computed from the rounded one.

    Beside a hidden count every column is null that does not say what the row is about. A rounded one stands in the row
    of a municipality, is a multiple of its base, and share, rate and their 95 % limits follow from it, from the base and
    from the exact total and residents; there is no other column. What stands beside a published count is not looked at:
    who knows the count knows the rest.

    Args:
        shared: every shared table by name, as published; case_rates gives the totals (cases) and residents (persons
            aged 18-66).
    """
    leaks: list[Leak] = []
    rates = shared["case_rates"].select("municipality_code", "population_18_66", pl.col("cases").alias("_total"))
    for name in BREAKDOWNS:
        rows = shared[name].with_columns(_row=_row_key(shared[name]))
        is_rounded = pl.col("value_status") == "rounded"
        is_published = (pl.col("value_status") == "published") & pl.col("cases").is_not_null()
        leaks += _left_in(name, rows.filter(~is_rounded & ~is_published))
        leaks += _rounded_faults(name, rows.filter(is_rounded), rates)
    findings = shared[FINDINGS].with_columns(_row="finding")
    return (*leaks, *_left_in(FINDINGS, findings.filter(pl.col("numerator").is_null())))


def question_answer(columns: list[str]) -> tuple[pl.Expr, pl.Expr]:
    """The question and the answer that each row of a breakdown is about, whatever its columns are called."""
    if "target_group_level" in columns:
        return pl.col("target_group_level").replace_strict(LEVELS, return_dtype=pl.String), pl.col("target_group")
    if "provider_type" in columns:
        return pl.lit("provider_type"), pl.col("provider_type")
    return pl.col("question"), pl.col("answer")


def _row_key(breakdown: pl.DataFrame) -> pl.Expr:
    return pl.concat_str("area_type", "area_code", *question_answer(breakdown.columns), separator="/")


def _left_in(name: str, hidden: pl.DataFrame) -> list[Leak]:
    return [
        Leak(name, row, column, _LEFT_IN)
        for column in hidden.columns
        if column not in _ABOUT | {"_row"}
        for row in hidden.filter(pl.col(column).is_not_null())["_row"]
    ]


def _rounded_faults(name: str, rows: pl.DataFrame, rates: pl.DataFrame) -> list[Leak]:
    leaks: list[Leak] = []

    def refuse(refused: pl.Expr, column: str, fault: str) -> None:
        nonlocal rows
        leaks.extend(Leak(name, row, column, fault) for row in rows.filter(refused)["_row"])
        rows = rows.filter(~refused)

    rows = rows.join(rates, left_on="area_code", right_on="municipality_code", how="left", maintain_order="left")
    is_municipality = (pl.col("area_type") == "municipality") & pl.col("_total").is_not_null()
    refuse(~is_municipality, "value_status", "rounded, though it is no municipality's")
    if rows.is_empty():
        return leaks
    if "rounding_base" not in rows.columns:
        rows = rows.with_columns(rounding_base=pl.lit(None, pl.Int64))
    is_multiple = (pl.col("rounding_base") >= 2) & (pl.col("cases") >= 0)
    is_multiple &= pl.col("cases") % pl.col("rounding_base") == 0
    refuse(~is_multiple.fill_null(value=False), "cases", "not a multiple of the rounding base")
    follows = _follows(rows)
    for column in rows.columns:
        if column in _ABOUT | {"_row", "_total", "population_18_66", "cases", "rounding_base"}:
            continue
        wrong = rows[column].is_not_null().to_numpy()
        if column in follows and rows[column].dtype.is_numeric():
            value = rows[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
            wrong = ~np.isclose(value, follows[column], rtol=_RELATIVE, atol=0, equal_nan=True)
        leaks += [Leak(name, row, column, _NOT_COMPUTED) for row in rows.filter(pl.Series(wrong))["_row"]]
    return leaks


def _follows(rows: pl.DataFrame) -> dict[str, _Floats]:
    """What a rounded count gives, whoever computes it; not a number where a column must be null.

    The lower limits are those of the smallest count that it can stand for, the upper ones those of the largest.
    """
    count, base, total, residents = (
        rows[column].to_numpy() for column in ("cases", "rounding_base", "_total", "population_18_66")
    )
    smallest, largest = (np.clip(count + step, 0, total) for step in (1 - base, base - 1))
    of_one_thousand = [rate_interval(end, residents) for end in (smallest, largest)]
    return {
        "share": np.where(total > 0, np.minimum(count, total) / np.maximum(total, 1), np.nan),
        "share_ci95_lower": wilson(smallest, total).lower,
        "share_ci95_upper": wilson(largest, total).upper,
        "rate_per_1000": count / residents * 1_000,
        "ci95_lower": of_one_thousand[0].lower,
        "ci95_upper": of_one_thousand[1].upper,
    }
