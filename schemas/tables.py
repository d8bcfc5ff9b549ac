"""Every table: grain, key, columns, and the Pandera schema that they make. No I/O, no computing.

`failures` is the one way to check a frame. A table is an eager frame when it is checked: Pandera looks only at column
names and types of lazy ones.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

from schemas.errors import TableError
from schemas.fields import FIELDS, Field
from schemas.questionnaire import Catalogue, Question, load_catalogue

if os.environ.get("PANDERA_VALIDATION_ENABLED", "True").lower() not in ("true", "1"):
    raise TableError("PANDERA_VALIDATION_ENABLED is off, which would let every table through: unset it")

_AREA = ("round", "area_type", "area_code", "area_name")
_SHARE = ("share", "share_ci95_lower", "share_ci95_upper")
_MEASURES = ("cases", *_SHARE, "rate_per_1000", "ci95_lower", "ci95_upper", "value_status", "rounding_base")


@dataclass(frozen=True)
class Table:
    """A table: what one row is, the columns that tell rows apart, the columns, and which of them may be null.

    `version` counts the breaking changes of a published table: a column gone, renamed or of another type, unit or key. A
    release that breaks what the one before promised is refused unless the number is raised.
    """

    name: str
    description: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    nullable: frozenset[str] = frozenset()
    version: int = 1

    @cached_property
    def schema(self) -> pa.DataFrameSchema:
        """The Pandera schema: exactly these columns in this order, with their bounds, and the key unique."""
        return pa.DataFrameSchema(
            {field.name: _column(field, nullable=field.name in self.nullable) for field in self.fields},
            strict=True,
            ordered=True,
            unique=list(self.key),
        )

    @property
    def empty(self) -> pl.DataFrame:
        """The table without a row."""
        return pl.DataFrame(schema=dict(self.dtypes))

    @property
    def dtypes(self) -> Mapping[str, pl.DataType]:
        """The polars types by column."""
        return {field.name: field.dtype for field in self.fields}


def _column(field: Field, *, nullable: bool) -> pa.Column:
    checks = []
    if field.values is not None:
        checks.append(pa.Check.isin(field.values))
    if field.minimum is not None:
        checks.append(pa.Check.ge(field.minimum))
    if field.maximum is not None:
        checks.append(pa.Check.le(field.maximum))
    if field.pattern is not None:
        checks.append(pa.Check.str_matches(field.pattern))
    if field.dtype == pl.Float64():
        # Infinity passes `ge=0`, and NaN counts as null.
        checks.append(pa.Check(_is_finite, name="is_finite"))
    return pa.Column(field.dtype, checks=checks, nullable=nullable)


def _is_finite(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).is_finite())


def failures(frame: pl.DataFrame, table: Table) -> dict[str, int]:
    """How many rows fail each check of a table, as `column: check`; empty where the frame is sound. Holds no value."""
    try:
        table.schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        counts: dict[str, int] = {}
        for error in errors.schema_errors:
            column = getattr(error.schema, "name", None) or "table"
            check = getattr(error.check, "name", None) or error.reason_code.name.lower()
            cases = error.failure_cases.height if isinstance(error.failure_cases, pl.DataFrame) else 1
            counts[f"{column}: {check}"] = counts.get(f"{column}: {check}", 0) + cases
        return counts
    return {}


def fields_named(*names: str | tuple[str, str]) -> tuple[Field, ...]:
    """Fields of the dictionary; a pair is a column name and the field it is."""
    return tuple(FIELDS[name] if isinstance(name, str) else replace(FIELDS[name[1]], name=name[0]) for name in names)


def answer_fields(catalogue: Catalogue) -> tuple[Field, ...]:
    """The answers to the form as accepted values, in the form's order."""
    return tuple(_answer_field(question) for question in catalogue.questions)


def _answer_field(question: Question) -> Field:
    description = f"Question {question.number}: {question.kind}"
    match question.kind:
        case "code":
            return FIELDS["municipality_code"]
        case "integer" | "amount":
            unit = "DKK a year" if question.kind == "amount" else None
            bounds = (question.minimum, question.maximum)
            return Field(question.key, pl.Int64(), question.text_da, description, unit, *bounds)
        case "single":
            return Field(question.key, pl.Enum(question.codes), question.text_da, description)
        case "multiple":
            code = "|".join(question.codes)
            pattern = rf"^(?:{code})(?:;(?:{code}))*$"
            description += ", codes separated by semicolons"
            return Field(question.key, pl.String(), question.text_da, description, pattern=pattern)
        case "date":
            return Field(question.key, pl.Date(), question.text_da, description)
        case "text":
            return Field(question.key, pl.String(), question.text_da, description)


@cache
def responses(questionnaire: str) -> Table:
    """The accepted rows of a round that uses this version of the form."""
    catalogue = load_catalogue(questionnaire)
    return Table(
        "responses",
        "One row per accepted row of the deliveries that count, answers as codes. Key: file and row. Source: the "
        "municipalities' deliveries. Known lies: what a municipality believes of its own cases.",
        ("municipality_code", "file", "row"),
        (
            *fields_named("round"),
            *answer_fields(catalogue),
            *fields_named("total_cost_dkk", "eligible", "out_of_scope_reason", "file", "row"),
        ),
        frozenset(question.key for question in catalogue.questions if question.optional) | {"out_of_scope_reason"},
    )


@cache
def delivered_rows(questionnaire: str) -> Table:
    """The case rows as delivered, in a round that uses this version of the form."""
    catalogue = load_catalogue(questionnaire)
    return Table(
        "delivered_rows",
        "One row per case row of every delivery that could be read, answers as delivered (spaces, dashes and character "
        "forms folded, CPR numbers removed). Key: delivery and row.",
        ("delivery", "row"),
        (
            *fields_named("delivery", "row", "folder_code", "surplus_fields", "cpr_elsewhere"),
            *(Field(q.key, pl.String(), q.text_da, f"Question {q.number} as delivered") for q in catalogue.questions),
        ),
        frozenset(catalogue.keys),
    )


DELIVERED_FILES = Table(
    "delivered_files",
    "One row per file in the round's inbox, as read. Key: delivery. Source: the inbox.",
    ("delivery",),
    fields_named(
        "delivery",
        "municipality_code",
        "file",
        "received_at",
        "sha256",
        ("rule", "file_rule"),
        "message",
        "rows",
        "is_workbook",
        "places",
        "warnings",
    ),
    frozenset({"sha256", "rule", "message", "rows", "is_workbook", "places"}),
)
DELIVERY_LOG = Table(
    "delivery_log",
    "One row per file in the round's inbox, with what became of it. Key: delivery (names may be masked).",
    ("delivery",),
    fields_named(
        "delivery",
        "municipality_code",
        "file",
        "received_at",
        "status",
        ("rule", "file_rule"),
        "message",
        "rows",
        ("eligible", "eligible_rows"),
        "out_of_scope",
        "rejected",
        "sha256",
        "warnings",
    ),
    frozenset({"rule", "message", "rows", "eligible", "out_of_scope", "rejected", "sha256"}),
)
REJECTED_ROWS = Table(
    "rejected_rows",
    "One row per broken rule of a rejected row of a delivery that counts. Key: file, row, question and rule.",
    ("municipality_code", "file", "row", "question", "rule"),
    fields_named("municipality_code", "file", "row", ("question", "question_number"), ("rule", "row_rule"), "message"),
    frozenset({"question"}),
)
MUNICIPALITIES = Table(
    "municipalities",
    "One row per municipality, 98 rows. Key: municipality_code. Source: Statistics Denmark's classifications.",
    ("municipality_code",),
    fields_named(
        "municipality_code",
        "municipality_name",
        "region_code",
        "region_name",
        "municipality_group_code",
        "municipality_group",
    ),
)
POPULATION = Table(
    "population",
    "One row per municipality, 98 rows. Key: municipality_code. Source: Statistics Denmark, FOLK1A, ages 18 to 66.",
    ("municipality_code",),
    fields_named("municipality_code", "population_18_66", "population_quarter", "source"),
)
CASE_RATES = Table(
    "case_rates",
    "One row per participating municipality; no cases is rate 0. Key: municipality_code.",
    ("round", "municipality_code"),
    fields_named(
        "round",
        "municipality_code",
        "municipality_name",
        "region_code",
        "region_name",
        "municipality_group_code",
        "municipality_group",
        "population_18_66",
        "population_quarter",
        "cases",
        "rate_per_1000",
        "rank",
        "reports_for",
        "ci95_lower",
        "ci95_upper",
        "ci998_lower",
        "ci998_upper",
        "interval_method",
        "comparison_country",
        "comparison_region",
        "comparison_municipality_group",
        "funnel_label",
        "funnel_label_overdispersed",
        "eb_rate_per_1000",
        "eb_ci95_lower",
        "eb_ci95_upper",
        "rank_ci95_lower",
        "rank_ci95_upper",
        *(f"rank_if_{change}_{cases}" for change in ("plus", "minus") for cases in (1, 2, 3)),
        "reliability",
    ),
    frozenset({"reports_for"}),
)
AREA_AVERAGES = Table(
    "area_averages",
    "One row per area: country, region, municipality group. Key: area_type and area_code.",
    ("round", "area_type", "area_code"),
    fields_named(
        *_AREA,
        "municipalities",
        "cases",
        "population_18_66",
        "pooled_rate_per_1000",
        "unweighted_mean_rate_per_1000",
        "min_rate_per_1000",
        "lower_quartile_rate_per_1000",
        "median_rate_per_1000",
        "upper_quartile_rate_per_1000",
        "max_rate_per_1000",
        "dispersion",
        "eb_b",
        "eb_s2",
        "eb_a",
    ),
    frozenset({"dispersion"}),
)
FUNNEL_LIMITS = Table(
    "funnel_limits",
    "One row per number of residents: the lines of the country's funnel, to draw. Key: population_18_66.",
    ("round", "population_18_66"),
    fields_named(
        "round",
        "baseline_rate_per_1000",
        "population_18_66",
        "expected_cases",
        "limit998_lower",
        "limit95_lower",
        "limit95_upper",
        "limit998_upper",
    ),
)
ROUND_CHANGES = Table(
    "round_changes",
    "One row per municipality in this round and the one before. Key: municipality_code. Known lies: two snapshots show no "
    "development.",
    ("earlier_round", "later_round", "municipality_code"),
    fields_named(
        "municipality_code",
        "municipality_name",
        *(
            (f"{when}_{name}", name)
            for name in ("round", "cases", "population_18_66", "rate_per_1000")
            for when in ("earlier", "later")
        ),
        "rate_ratio",
        "rate_ratio_ci95_lower",
        "rate_ratio_ci95_upper",
        "change",
        "warning_da",
    ),
    frozenset({"rate_ratio", "rate_ratio_ci95_upper"}),
)
DISCLOSURE_AUDIT = Table(
    "disclosure_audit",
    "One row per kind of area: what the audit found in the shared files of the release candidate. Key: audited. Holds "
    "numbers of counts, never a count.",
    ("round", "audited"),
    fields_named(
        "round",
        "audited",
        "cells",
        "hidden_cells",
        "rounded_cells",
        "small_cells",
        "narrowest_interval",
        "exposed_cells",
        "faulty_figures",
        "attackers",
        "candidate_sha256",
        "earlier_releases",
    ),
    frozenset({"narrowest_interval"}),
)
QUALITY_REPORT = Table(
    "quality_report",
    "One row per expectation of the quality gate: whether the tables of the release candidate meet it. Key: expectation. "
    "Holds numbers of rows and codes, never a value.",
    ("round", "expectation"),
    fields_named(
        "round",
        "expectation",
        "about",
        "severity",
        "expected_da",
        "met",
        "rows_checked",
        "rows_failing",
        "failing_keys",
        "action_da",
        "warning_id",
        "accepted_by",
        "accepted_reason",
        "accepted_at",
        "candidate_sha256",
    ),
    frozenset({"action_da", "warning_id", "accepted_by", "accepted_reason", "accepted_at"}),
)
ANSWER_COUNTS = Table(
    "answer_counts",
    "One row per participating municipality and answer to a closed question or group of a roll-up, zeros included.",
    ("municipality_code", "question", "answer"),
    fields_named("municipality_code", "question", "answer", "cases", "answered"),
)
_HIDDEN = frozenset(_MEASURES) - {"value_status"}
TARGET_GROUPS = Table(
    "target_groups",
    "One row per area and main or detailed target group, zeros included.",
    ("round", "area_type", "area_code", "target_group_level", "target_group"),
    fields_named(*_AREA, "target_group_level", ("target_group", "target_group_code"), *_MEASURES),
    _HIDDEN,
)
PROVIDER_TYPES = Table(
    "provider_types",
    "One row per area and provider type, zeros included.",
    ("round", "area_type", "area_code", "provider_type"),
    fields_named(*_AREA, "provider_type", *_MEASURES),
    _HIDDEN,
)
QUESTION_ANSWERS = Table(
    "question_answers",
    "One row per area, closed question and answer, zeros included.",
    ("round", "area_type", "area_code", "question", "answer"),
    fields_named(*_AREA, "question", "answer", *_MEASURES),
    _HIDDEN,
)
KEY_FINDINGS = Table(
    "key_findings",
    "One row per headline finding of the published report. Key: finding.",
    ("round", "finding"),
    fields_named("round", "finding", "label_da", "numerator", "denominator", *_SHARE),
    frozenset(_SHARE),
)


def _released(table: Table) -> Table:
    return replace(
        table,
        description=f"{table.description} Small counts are rounded or suppressed, but in a municipality's own folder its own.",
        fields=(*table.fields, FIELDS["figures_from_release"]),
        nullable=table.nullable | ({"numerator"} & {field.name for field in table.fields}) | {"figures_from_release"},
    )


# As they stand in a release.
RELEASED_TARGET_GROUPS = _released(TARGET_GROUPS)
RELEASED_PROVIDER_TYPES = _released(PROVIDER_TYPES)
RELEASED_QUESTION_ANSWERS = _released(QUESTION_ANSWERS)
RELEASED_KEY_FINDINGS = _released(KEY_FINDINGS)


def released(questionnaire: str) -> dict[str, Table]:
    """The tables that the releases of a round with this version of the form hold, by name.

    Those of a year of management information are in `management_tables.released_tables`.
    """
    of_all = (CASE_RATES, AREA_AVERAGES, FUNNEL_LIMITS, ROUND_CHANGES, RELEASED_KEY_FINDINGS)
    breakdowns = (RELEASED_TARGET_GROUPS, RELEASED_PROVIDER_TYPES, RELEASED_QUESTION_ANSWERS)
    of_one = (DELIVERY_LOG, REJECTED_ROWS, responses(questionnaire))
    return {table.name: table for table in (*of_all, *breakdowns, *of_one)}


CHANGES = Table(
    "changes",
    "One row per value that differs from the round's release before. Key: file, row and column. For KL alone: it holds what "
    "changed in the municipalities' own files.",
    ("file", "key", "column"),
    fields_named(
        ("file", "changed_file"), ("key", "changed_key"), ("column", "changed_column"), "old", "new", "reason"
    ),
    frozenset({"old", "new"}),
)
