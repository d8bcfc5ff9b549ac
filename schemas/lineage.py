"""Where every column comes from: the columns it is computed from, the formula, and the function that makes it.

What belongs here: what holds for every round, as `lineage.yaml` says it, and what must be known of a column before it is
shown. What does not: which files and runs made one value (`provenance`).

A column follows from another where a change in valid values of the other can change its value in a row that stays. What
is not repeated at each column: which rows a table has is what its key columns follow from, rows are matched by the key of
the table that they come from, and an answer that breaks a rule takes its whole row out.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from schemas import management_tables, tables
from schemas.data_files import SCHEMAS_DIR, Lines, load_yaml, read_as
from schemas.errors import TableError
from schemas.extracts import GRANTS, load_form
from schemas.questionnaire import Catalogue
from schemas.tables import Table


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
# The same of management information: for it, a round's rates come from outside too.
YEAR_SOURCES = ("extracts", "screening", "folk1a")

PERSONAL, SENSITIVE, PUBLISHED = "personal", "sensitive", "published"
# Tables in which a row is about one citizen, and what else a municipality wrote by hand and may name one in.
_OF_ONE_CITIZEN = (
    "delivered_rows",
    "responses",
    "rejected_rows",
    "grants",
    "extract_rejected_rows",
    "extract_warnings",
)
_WRITTEN_BY_HAND = {
    ("inbox", "file"),
    ("inbox", "content"),
    ("delivered_files", "file"),
    ("delivered_files", "warnings"),
    ("delivery_log", "file"),
    ("delivery_log", "warnings"),
    ("extracts", "file"),
    ("extracts", "content"),
    ("extract_log", "file"),
    ("extract_log", "warnings"),
    ("initiatives", "initiative"),
    ("initiatives", "initiative_name"),
    ("initiative_effects", "initiative"),
    ("initiative_effects", "initiative_name"),
}
# Answers that say nothing of health, behaviour, sentences or social problems; all others of a form do.
_ORDINARY = {
    "municipality_code",
    "case_id",
    "age",
    "gender",
    "municipality_role",
    "residential_cost_dkk",
    "day_programme_cost_dkk",
    "cost_trend",
    "price_negotiated",
    "months_since_follow_up",
}
# Besides the answers: what repeats them for one citizen.
_TELLS_ANSWERS = {
    ("inbox", "content"),
    ("responses", "eligible"),
    ("responses", "out_of_scope_reason"),
    ("rejected_rows", "message"),
    ("extracts", "content"),
    ("extract_rejected_rows", "message"),
    ("grants", "service_area"),
    ("grants", "provider"),
    ("grants", "initiative"),
    ("grants", "price_dkk"),
}
# Exact counts of answers, down to one citizen in one municipality, and every figure that gives such a count back.
_EXACT = (
    *("answer_counts", "target_groups", "provider_types", "question_answers", "key_findings"),
    *("monthly_active_cases", "full_year_cases", "unit_costs", "refunds", "service_area_benchmarks"),
)
_FIGURES = {
    "cases",
    "answered",
    "numerator",
    "denominator",
    "share",
    "share_ci95_lower",
    "share_ci95_upper",
    "rate_per_1000",
    "ci95_lower",
    "ci95_upper",
    "active_cases",
    "citizens",
    "full_year_cases",
    "full_year_cases_per_1000",
    "full_year_cases_ci95_lower",
    "full_year_cases_ci95_upper",
    "cost_dkk",
    "unit_cost_dkk",
    "unit_cost_fixed_dkk",
    "unit_cost_ci95_lower_dkk",
    "unit_cost_ci95_upper_dkk",
    "refund_dkk",
}
_ANSWERED_IN = ("inbox", "delivered_rows", "responses", "rejected_rows")
_SHARED = "shared_"
_MANAGEMENT_TABLES = (
    management_tables.EXTRACT_LOG,
    management_tables.EXTRACT_REJECTED_ROWS,
    management_tables.EXTRACT_WARNINGS,
    management_tables.GRANTS,
    management_tables.BUDGETS,
    management_tables.PLANNED_CHANGES,
    management_tables.INITIATIVES,
    tables.MUNICIPALITIES,
    management_tables.YEAR_POPULATION,
    management_tables.MONTHLY_ACTIVE_CASES,
    management_tables.FULL_YEAR_CASES,
    management_tables.UNIT_COSTS,
    management_tables.CASES_OVER_THRESHOLD,
    management_tables.THRESHOLD_RECONCILIATION,
    management_tables.REFUNDS,
    management_tables.FORECAST,
    management_tables.INITIATIVE_EFFECTS,
    management_tables.COST_DRIVERS,
    management_tables.SERVICE_AREA_BENCHMARKS,
    management_tables.SHARED_SERVICE_AREA_BENCHMARKS,
    management_tables.BENCHMARK_AUDIT,
    management_tables.MANAGEMENT_QUALITY,
)
# Tables of management information that are not of one year.
OF_ALL_YEARS = tuple(table.name for table in _MANAGEMENT_TABLES[:7])
_IN_SHARED_FILES = ("case_rates", "area_averages", "funnel_limits", "round_changes")


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    formula: StrictStr
    by: StrictStr
    sources: StrictStr = Field(alias="from")


class _Lineage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    patterns: dict[StrictStr, dict[StrictStr, _Entry]]
    together: dict[StrictStr, StrictStr]
    tables: dict[StrictStr, dict[StrictStr, _Entry]]


def origins(table: str, questionnaire: str) -> dict[str, Origin]:
    """The origin of every column of a table, in the table's order.

    Args:
        table: the name of an asset's table, `case_rates`, or of a source, `folk1a`.
        questionnaire: the version of the form.

    Raises:
        TableError: there is no such table.
    """
    return dict(_origins(table, questionnaire))


@cache
def upstream(table: str, column: str, questionnaire: str) -> frozenset[tuple[str, str]]:
    """Every column that a column follows from, as (table, column), directly or by others, down to the sources.

    Raises:
        TableError: there is no such table or column.
    """
    found: set[tuple[str, str]] = set()
    further = [(table, column)]
    while further:
        sources = set(_origin(*further.pop(), questionnaire).sources) - found
        found |= sources
        further += sources
    return frozenset(found)


def tags(table: str, column: str, questionnaire: str) -> frozenset[str]:
    """What must be known of a column before it is shown to anybody.

    `personal`: the row is about one citizen, whatever the column, or a municipality wrote the text by hand and may have
    named one in it (the name of a file). `sensitive`: health, behaviour, sentences and social problems (GDPR articles 9
    and 10) of one citizen, and exact counts of such answers, down to one citizen, with every figure that gives a count
    back. `published`: the column stands in the shared files of a release, where every participant may see it; a count of
    an answer is protected there. No column is both published and one of the other two.

    Raises:
        TableError: there is no such table or column.
    """
    _origin(table, column, questionnaire)
    is_answer = column in load_form(questionnaire).by_key and table in _ANSWERED_IN
    found = {
        PERSONAL: table in _OF_ONE_CITIZEN or (table, column) in _WRITTEN_BY_HAND or is_answer,
        SENSITIVE: (is_answer and column not in _ORDINARY)
        or (table, column) in _TELLS_ANSWERS
        or (table in _EXACT and column in _FIGURES),
        PUBLISHED: is_published(table),
    }
    return frozenset(tag for tag, holds in found.items() if holds)


def is_published(table: str) -> bool:
    """Whether a table stands in the shared files of a release, where every participant may see it."""
    return table in _IN_SHARED_FILES or table.startswith(_SHARED)


@cache
def tables_with_lineage(questionnaire: str) -> dict[str, Table]:
    """The table of every asset that has one, by the asset's name, in the order that data flows.

    Args:
        questionnaire: the version of the form: of a round, or `grants` for management information.
    """
    if questionnaire == GRANTS:
        return {table.name: table for table in _MANAGEMENT_TABLES}
    shared = (
        tables.RELEASED_TARGET_GROUPS,
        tables.RELEASED_PROVIDER_TYPES,
        tables.RELEASED_QUESTION_ANSWERS,
        tables.RELEASED_KEY_FINDINGS,
    )
    own = (
        tables.DELIVERED_FILES,
        tables.delivered_rows(questionnaire),
        tables.DELIVERY_LOG,
        tables.responses(questionnaire),
        tables.REJECTED_ROWS,
        tables.MUNICIPALITIES,
        tables.POPULATION,
        tables.CASE_RATES,
        tables.AREA_AVERAGES,
        tables.FUNNEL_LIMITS,
        tables.ROUND_CHANGES,
        tables.ANSWER_COUNTS,
        tables.TARGET_GROUPS,
        tables.PROVIDER_TYPES,
        tables.QUESTION_ANSWERS,
        tables.KEY_FINDINGS,
    )
    last = (tables.DISCLOSURE_AUDIT, tables.QUALITY_REPORT)
    return (
        {table.name: table for table in own}
        | {f"{_SHARED}{table.name}": table for table in shared}
        | {table.name: table for table in last}
    )


def sources_of(questionnaire: str) -> tuple[str, ...]:
    """What comes from outside, in the order that data flows."""
    return YEAR_SOURCES if questionnaire == GRANTS else SOURCES


def form_of(table: str, newest: str) -> str:
    """The version of the form that an asset's table belongs to.

    Args:
        table: its name.
        newest: the newest version of the screening form.
    """
    return newest if table in tables_with_lineage(newest) else GRANTS


def _origin(table: str, column: str, questionnaire: str) -> Origin:
    found = _origins(table, questionnaire)
    if column not in found:
        raise TableError(f"table {table} has no column {column!r}; it has: {', '.join(found)}")
    return found[column]


@cache
def _lineage() -> _Lineage:
    path = SCHEMAS_DIR / "lineage.yaml"
    return read_as(_Lineage, load_yaml(path), path.name, Lines(path))


@cache
def _origins(table: str, questionnaire: str) -> dict[str, Origin]:
    entries = _lineage().tables
    if table not in entries:
        raise TableError(f"there is no table {table!r} with lineage; those that have are: {', '.join(entries)}")
    catalogue = load_form(questionnaire)
    return {
        column: _read(entries[table], table, column, catalogue) for column in _columns(table, catalogue, entries[table])
    }


def _columns(table: str, catalogue: Catalogue, entries: dict[str, _Entry]) -> tuple[str, ...]:
    if table in (*SOURCES, *YEAR_SOURCES):
        named = tuple(column for column in entries if not column.startswith("<"))
        return (*named, *catalogue.keys) if "<any>" in entries else named
    return tuple(field.name for field in tables_with_lineage(catalogue.version)[table].fields)


def _read(entries: dict[str, _Entry], table: str, column: str, catalogue: Catalogue) -> Origin:
    kind = catalogue.question(column).kind if column in catalogue.by_key else ""
    entry = next((entries[name] for name in (column, f"<{kind}>", "<any>") if name in entries), None)
    if entry is None:
        raise TableError(f"lineage.yaml: tables.{table}: column {column!r} is missing")
    exact = table.removeprefix(_SHARED)
    sources = tuple(
        dict.fromkeys(
            source for text in entry.sources.split() for source in _expanded(text, catalogue, key=column, exact=exact)
        )
    )
    return Origin(entry.formula.replace("{exact}", exact), entry.by, sources)


def _expanded(text: str, catalogue: Catalogue, *, key: str, exact: str) -> Iterator[tuple[str, str]]:
    """The columns that one word of `from` stands for."""
    table, _, column = text.replace("{key}", key).replace("{exact}", exact).rpartition(".")
    group = re.fullmatch(r"\{(\w+)\}", column)
    if group is None:
        yield table, column
        return
    several = {
        "questions": catalogue.keys,
        "closed": tuple(question.key for question in catalogue.closed_questions),
        "all": tuple(f.name for f in tables_with_lineage(catalogue.version)[table].fields) if table else (),
    }
    is_of_table = bool(table) and group[1] in several
    for name in several[group[1]] if is_of_table else _lineage().together[group[1]].split():
        yield from _expanded(f"{table}.{name}" if table else name, catalogue, key=key, exact=exact)
