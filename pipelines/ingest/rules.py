"""The row rules of every form, and those of the screening format: which answers are broken, and by which rule.

Rules of one answer give at most one broken rule per cell; `duplicate`, `unit`, `columns` and `cpr` in an unknown column
come on top. A row that breaks any is rejected once. What only extracts can break stands in `extract_rules`; messages are
written in `messages`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from pipelines.ingest import answers
from pipelines.ingest.text import CPR_REMOVED
from schemas.questionnaire import Catalogue, Question

UNIT_BELOW_DKK = 10_000
"""A yearly total above 0 and below this looks like thousands or millions of kroner."""

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""The years that a date may be in."""

ROW_KEY = ["delivery", "row"]


class RowRule(NamedTuple):
    """A rule of several answers, or of several rows: its name, the key of the question it is told of, when it is broken.

    `is_broken` is an expression of the answers and, by `value_name`, their values.
    """

    name: str
    key: str
    is_broken: pl.Expr


def parse(rows: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The answers to the screening as values, as in `parsed`, with the total cost."""
    return parsed(rows, catalogue).with_columns(
        total_cost_dkk=pl.col("residential_cost_dkk") + pl.col("day_programme_cost_dkk")
    )


def parsed(rows: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The answers as values, row by row: codes, lists of codes, whole numbers, dates, text; null where blank or broken."""
    return rows.select(*ROW_KEY, "folder_code", *(_value(question, rows) for question in catalogue.questions))


def _value(question: Question, rows: pl.DataFrame) -> pl.Expr:
    text = pl.when(pl.col(question.key) != CPR_REMOVED).then(pl.col(question.key))
    match question.kind:
        case "code":
            value = answers.municipality_code(text)
        case "single":
            value = answers.option(text, question)
        case "multiple":
            # Taking lists apart is dear, and many rows hold the same ones.
            given = rows.select(pl.col(question.key).drop_nulls().unique())
            codes = given.select(answers.options(pl.col(question.key), question)).to_series()
            value = text.replace_strict(given.to_series(), codes, default=None, return_dtype=pl.String)
        case "integer":
            value = answers.integer(text)
        case "amount":
            value = answers.amount_dkk(text)
        case "date":
            value = answers.date(text)
        case "text":
            value = text
    return value.alias(question.key)


def broken_rules(rows: pl.DataFrame, values: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The broken rules of screening forms, as in `broken_by`.

    Args:
        rows: the answers as text, one row per case row of every delivery.
        values: `parse(rows)`.
        catalogue: the form.
    """
    screening = [
        RowRule("duplicate", "case_id", _is_duplicate()),
        RowRule("unit", "residential_cost_dkk", _is_unit_error()),
    ]
    return broken_by(screening, rows, values, catalogue)


def broken_by(
    row_rules: Sequence[RowRule], rows: pl.DataFrame, values: pl.DataFrame, catalogue: Catalogue
) -> pl.DataFrame:
    """One row per broken rule: delivery, row, question (number, null where none fits), rule, found (folded text).

    Args:
        row_rules: the form's own, besides those of single answers and of any row.
        rows: the answers as text, one row per row of every delivery.
        values: the answers as values.
        catalogue: the form.
    """
    both = rows.hstack(values.drop(*ROW_KEY, "folder_code").rename(value_name))
    per_cell = [
        both.select(
            *ROW_KEY,
            question=pl.lit(question.number, pl.Int64),
            rule=cell_rule(question),
            found=pl.col(question.key),
        ).filter(pl.col("rule").is_not_null())
        for question in catalogue.questions
    ]
    per_row = [
        *(_broken(both, is_broken, name, catalogue.question(key)) for name, key, is_broken in row_rules),
        _broken(both, pl.col("surplus_fields"), "columns", None),
        _broken(both, pl.col("cpr_elsewhere"), "cpr", None),
    ]
    return pl.concat([*per_cell, *per_row]).sort(*ROW_KEY, "question", "rule", nulls_last=True)


def value_name(key: str) -> str:
    """The column of an answer's value beside that of its text."""
    return f"{key}_value"


def cell_rule(question: Question) -> pl.Expr:
    """The rule that an answer breaks by itself; null where it breaks none."""
    text, value = pl.col(question.key), pl.col(value_name(question.key))
    rule: Any = pl.when(text == CPR_REMOVED).then(pl.lit("cpr"))
    if not question.optional:
        rule = rule.when(text.is_null()).then(pl.lit("missing"))
    match question.kind:
        case "code":
            rule = rule.when(value.is_null() | (value != pl.col("folder_code"))).then(pl.lit("municipality"))
        case "single":
            rule = rule.when(text.is_not_null() & value.is_null()).then(pl.lit("option"))
        case "multiple":
            has_answers = text.str.strip_chars("; ") != ""
            rule = rule.when(has_answers & value.is_null()).then(pl.lit("option"))
        case "integer" | "amount":
            rule = rule.when(text.is_not_null() & value.is_null()).then(pl.lit(question.kind))
            rule = rule.when(~value.is_between(question.minimum, question.maximum)).then(pl.lit("range"))
        case "date":
            rule = rule.when(text.is_not_null() & value.is_null()).then(pl.lit("date"))
            rule = rule.when(~value.dt.year().is_between(FIRST_YEAR, LAST_YEAR)).then(pl.lit("range"))
        case "text":
            pass
    return rule.otherwise(pl.lit(None, pl.String))  # type: ignore[no-any-return]  # polars' chained `when`


def _broken(both: pl.DataFrame, is_broken: pl.Expr, rule: str, question: Question | None) -> pl.DataFrame:
    return both.filter(is_broken).select(
        *ROW_KEY,
        question=pl.lit(question.number if question else None, pl.Int64),
        rule=pl.lit(rule),
        found=pl.col(question.key) if question else pl.lit(None, pl.String),
    )


def _is_duplicate() -> pl.Expr:
    """Whether an earlier row of the same delivery has the same case id."""
    key = answers.case_key(pl.col(value_name("case_id")))
    return key.is_not_null() & (pl.col("row") > pl.col("row").min().over("delivery", key))


def _is_unit_error() -> pl.Expr:
    residential, day = (pl.col(value_name(f"{kind}_cost_dkk")) for kind in ("residential", "day_programme"))
    return (
        (residential >= 0) & (day >= 0) & pl.col(value_name("total_cost_dkk")).is_between(1, UNIT_BELOW_DKK - 1)
    ).fill_null(value=False)


def with_eligibility(values: pl.DataFrame, threshold_dkk: int) -> pl.DataFrame:
    """The accepted rows with `eligible` and, where not, `out_of_scope_reason`.

    Eligible: in residential care on the snapshot date, and residential plus day programme cost of at least
    `threshold_dkk` kroner a year before state refund (KL and Komponent 2023: "2 mio. kr. årligt og opefter").
    """
    reason = (
        pl.when(pl.col("in_residential_care") != "yes")
        .then(pl.lit("not_in_residential_care"))
        .when(pl.col("total_cost_dkk") < threshold_dkk)
        .then(pl.lit("below_threshold"))
        .otherwise(pl.lit(None, pl.String))
    )
    return values.with_columns(out_of_scope_reason=reason).with_columns(
        eligible=pl.col("out_of_scope_reason").is_null()
    )
