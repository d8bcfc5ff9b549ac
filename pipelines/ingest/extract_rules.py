"""The row rules of the extracts: what the answers of a row must be to each other, and rows to the rows before them.

Rules of single answers, and of any row of any form, stand in `rules`; messages are written in `messages`.
"""

import datetime as dt

import polars as pl

from pipelines.ingest import answers, rules
from pipelines.ingest.rules import RowRule, value_name
from pipelines.ingest.text import holds_cpr, is_cpr_without_its_zero
from schemas.extracts import BUDGETS, GRANTS, INITIATIVES
from schemas.questionnaire import Catalogue
from schemas.service_areas import service_areas
from schemas.years import load_years

ADULT_AGE = 18
PRICES_A_YEAR = {"day": 365, "month": 12, "year": 1}

_KEYS = ("citizen_id", "initiative")


def parse(rows: pl.DataFrame, form: Catalogue) -> pl.DataFrame:
    """The answers as values, as in `rules.parsed`; keys of citizens and initiatives folded, so that equal ones are equal."""
    return rules.parsed(rows, form).with_columns(answers.case_key(pl.col(key)) for key in _KEYS if key in form.by_key)


def broken_rules(rows: pl.DataFrame, values: pl.DataFrame, form: Catalogue) -> pl.DataFrame:
    """The broken rules of an extract, as in `rules.broken_by`.

    Args:
        rows: the answers as text, one row per row of every delivery.
        values: `parse(rows)`.
        form: the extract's form.
    """
    of_keys = [
        RowRule("cpr", key, pl.col(value_name(key)).is_in(_cpr_like(values[key])))
        for key in _KEYS
        if key in form.by_key
    ]
    return rules.broken_by([*of_keys, *_row_rules(form)], rows, values, form)


def last_year() -> int:
    """The last year that grants may start in: the last that is described."""
    return max(year.number for year in load_years().values())


def _row_rules(form: Catalogue) -> list[RowRule]:
    match form.version:
        case version if version == GRANTS:
            return [
                RowRule("end_before_start", "end_date", _sound(form, "end_date") < _sound(form, "start_date")),
                RowRule("age", "birth_year", _is_minor(form)),
                RowRule("price", "price_dkk", _is_odd_price(form)),
                RowRule("future", "start_date", _sound(form, "start_date") > dt.date(last_year(), 12, 31)),
            ]
        case version if version == BUDGETS:
            return [RowRule("duplicate", "line", _is_repeated(form, "year", "line"))]
        case version if version == INITIATIVES:
            return [RowRule("duplicate", "initiative", _is_repeated(form, "initiative", "year"))]
    return []


def _sound(form: Catalogue, key: str) -> pl.Expr:
    """The value of an answer that breaks no rule by itself: what is wrong with one cell is told once."""
    return pl.when(rules.cell_rule(form.question(key)).is_null()).then(pl.col(value_name(key)))


def _cpr_like(keys: pl.Series) -> list[str]:
    """The folded keys that look like a CPR number: dashes and spaces between its digits have gone by now."""
    different = keys.drop_nulls().unique()
    of_many_digits = different.filter(different.str.contains(r"\d{9}"))
    return [key for key in of_many_digits if holds_cpr(key) or is_cpr_without_its_zero(key)]


def _is_minor(form: Catalogue) -> pl.Expr:
    return _sound(form, "start_date").dt.year() - _sound(form, "birth_year") < ADULT_AGE


def _is_odd_price(form: Catalogue) -> pl.Expr:
    """Whether the price of a year lies outside the service area's bounds (included)."""
    area = _sound(form, "service_area")
    lowest, highest = (
        area.replace_strict({a.code: getattr(a, bound) for a in service_areas().values()}, return_dtype=pl.Int64)
        for bound in ("price_min_dkk", "price_max_dkk")
    )
    times = _sound(form, "price_unit").replace_strict(PRICES_A_YEAR, return_dtype=pl.Int64)
    return ~(_sound(form, "price_dkk") * times).is_between(lowest, highest)


def _is_repeated(form: Catalogue, *keys: str) -> pl.Expr:
    """Whether an earlier row of the same delivery has the same answers to these questions."""
    answered = [_sound(form, key) for key in keys]
    return pl.all_horizontal(answer.is_not_null() for answer in answered) & (
        pl.col("row") > pl.col("row").min().over("delivery", *answered)
    )
