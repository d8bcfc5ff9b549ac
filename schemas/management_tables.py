"""The tables of management information, and of the extracts that it is made from. As `tables`, which says how to check one."""

from schemas.extracts import GRANTS as GRANTS_FORM
from schemas.tables import Table, fields_named, released

EXTRACT_LOG = Table(
    "extract_log",
    "One row per file below inbox/<extract>/, with what became of it. Key: extract and delivery (names may be masked).",
    ("extract", "delivery"),
    fields_named(
        "extract",
        "delivery",
        "municipality_code",
        "file",
        "received_at",
        "status",
        ("rule", "file_rule"),
        "message",
        "rows",
        "accepted",
        "rejected",
        "sha256",
        "warnings",
    ),
    frozenset({"rule", "message", "rows", "accepted", "rejected", "sha256"}),
)
EXTRACT_REJECTED_ROWS = Table(
    "extract_rejected_rows",
    "One row per broken rule of a rejected row of an extract that counts. Key: extract, file, row, question and rule.",
    ("extract", "municipality_code", "file", "row", "question", "rule"),
    fields_named(
        "extract",
        "municipality_code",
        "file",
        "row",
        ("question", "question_number"),
        ("rule", "extract_row_rule"),
        "message",
    ),
    frozenset({"question"}),
)
EXTRACT_WARNINGS = Table(
    "extract_warnings",
    "One row per accepted row of a grants extract that overlaps an earlier row of the same citizen and service area; both "
    "count, the citizen's days once. Key: municipality_code and row.",
    ("municipality_code", "row"),
    fields_named("municipality_code", "file", "row", "message"),
)
GRANTS = Table(
    "grants",
    "One row per accepted row of the grants extracts that count. Key: municipality_code and row. Source: the "
    "municipalities' systems. Known lies: what ended before an extract reaches back is not in it.",
    ("municipality_code", "row"),
    fields_named(
        "municipality_code",
        "row",
        "citizen_id",
        "birth_year",
        "service_area",
        "provider",
        "start_date",
        "end_date",
        "price_dkk",
        "price_unit",
        "own_payment_dkk",
        "initiative",
        "as_of",
    ),
    frozenset({"end_date", "own_payment_dkk", "initiative"}),
)
BUDGETS = Table(
    "budgets",
    "One row per municipality, year and line of a forecast. Income is negative.",
    ("municipality_code", "year", "line"),
    fields_named("municipality_code", "year", ("line", "forecast_line"), "budget_dkk"),
)
PLANNED_CHANGES = Table(
    "planned_changes",
    "One row per accepted row of the planned inflow and outflow. Key: municipality_code and row.",
    ("municipality_code", "row"),
    fields_named(
        "municipality_code",
        "row",
        "year",
        "direction",
        "citizens",
        "service_area",
        "start_month",
        "yearly_price_dkk",
    ),
)
INITIATIVES = Table(
    "initiatives",
    "One row per municipality, initiative and year.",
    ("municipality_code", "initiative", "year"),
    fields_named(
        "municipality_code",
        "initiative",
        "initiative_name",
        "legal_basis",
        "start_date",
        "citizens",
        "saving_dkk_per_month",
        "year",
        "estimated_effect_dkk",
        "is_counted",
    ),
)
YEAR_POPULATION = Table(
    "year_population",
    "One row per municipality, 98 rows. Key: municipality_code. Source: Statistics Denmark, FOLK1A, ages 18 to 66.",
    ("municipality_code",),
    fields_named("municipality_code", "population_18_66", "population_quarter", "source"),
)
MONTHLY_ACTIVE_CASES = Table(
    "monthly_active_cases",
    "One row per participating municipality, month and service area or all of them, zeros included: unique active citizens.",
    ("municipality_code", "month", "service_area"),
    fields_named("municipality_code", "month", "basis", "as_of", "service_area", "active_cases"),
)
_AREA_OF_YEAR = ("municipality_code", "year", "basis", "as_of", "service_area_level", "service_area")
FULL_YEAR_CASES = Table(
    "full_year_cases",
    "One row per participating municipality and service area, group and all of them, zeros included. A case is a citizen in "
    "a service area: groups and `all` are sums.",
    ("municipality_code", "year", "service_area_level", "service_area"),
    fields_named(*_AREA_OF_YEAR, "citizens", "full_year_cases", "cost_dkk", "unit_cost_dkk"),
    frozenset({"unit_cost_dkk"}),
)
UNIT_COSTS = Table(
    "unit_costs",
    "One row per participating municipality, year (this one and the three before) and service area, group and all of them: "
    "the development of cost per full-year case, in current and in fixed prices.",
    ("municipality_code", "year", "service_area_level", "service_area"),
    fields_named(
        *_AREA_OF_YEAR,
        "full_year_cases",
        "cost_dkk",
        "unit_cost_dkk",
        "unit_cost_fixed_dkk",
        "price_level_year",
        "unit_cost_change_fixed_dkk",
    ),
    frozenset({"unit_cost_dkk", "unit_cost_fixed_dkk", "unit_cost_change_fixed_dkk"}),
)
CASES_OVER_THRESHOLD = Table(
    "cases_over_threshold",
    "One row per participating municipality: citizens in residential care on the snapshot date whose botilbud and dagtilbud "
    "cost the threshold or more a year.",
    ("municipality_code", "year"),
    fields_named("municipality_code", "year", "basis", "as_of", ("cases", "cases_over_threshold")),
)
THRESHOLD_RECONCILIATION = Table(
    "threshold_reconciliation",
    "One row per municipality with a grants extract or a delivery to the screening of the same year: cases by the one beside "
    "cases by the other.",
    ("municipality_code", "year"),
    fields_named("municipality_code", "year", ("cases", "cases_over_threshold"), "cases_reported", "difference"),
    frozenset({"cases", "cases_reported", "difference"}),
)
REFUNDS = Table(
    "refunds",
    "One row per participating municipality: state refund for particularly expensive single cases, SEL § 176.",
    ("municipality_code", "year"),
    fields_named("municipality_code", "year", "basis", "as_of", "refund_dkk", "citizens"),
)
FORECAST = Table(
    "forecast",
    "One row per participating municipality and line: what the year is told to cost beside its budget.",
    ("municipality_code", "year", "line"),
    fields_named(
        "municipality_code",
        "year",
        "basis",
        "as_of",
        ("line", "forecast_line"),
        "forecast_dkk",
        "forecast_ci95_lower_dkk",
        "forecast_ci95_upper_dkk",
        "budget_dkk",
        "deviation_dkk",
    ),
    frozenset({"budget_dkk", "deviation_dkk"}),
)
INITIATIVE_EFFECTS = Table(
    "initiative_effects",
    "One row per municipality and initiative, subtotal of a legal basis, and total: estimated beside realised effect. "
    "Initiatives that are only shown are in no subtotal and no total.",
    ("municipality_code", "year", "initiative_level", "legal_basis", "initiative"),
    fields_named(
        "municipality_code",
        "year",
        "initiative_level",
        "legal_basis",
        "initiative",
        "initiative_name",
        "is_counted",
        "estimated_effect_dkk",
        "realised_effect_dkk",
        "realised_from_grants_dkk",
    ),
    frozenset({"realised_from_grants_dkk"}),
)
COST_DRIVERS = Table(
    "cost_drivers",
    "One row per participating municipality: the change of cost from the year before, split into volume, price and mix, "
    "which add up to it.",
    ("municipality_code", "year"),
    fields_named(
        "municipality_code",
        "year",
        "basis",
        "as_of",
        "earlier_cost_dkk",
        "later_cost_dkk",
        "volume_effect_dkk",
        "price_effect_dkk",
        "mix_effect_dkk",
    ),
)
_BENCHMARK = (
    "year",
    "area_type",
    "area_code",
    "area_name",
    "service_area_level",
    "service_area",
    "basis",
    "municipalities",
    "population_18_66",
    "population_quarter",
    "full_year_cases",
    "full_year_cases_per_1000",
    "full_year_cases_ci95_lower",
    "full_year_cases_ci95_upper",
    "value_status",
    "rounding_base",
    "unit_cost_dkk",
    "unit_cost_ci95_lower_dkk",
    "unit_cost_ci95_upper_dkk",
    "unit_cost_status",
    "unit_cost_rounding_dkk",
    *(
        f"{what}_comparison_{area}"
        for what in ("volume", "unit_cost")
        for area in ("country", "region", "municipality_group")
    ),
)
_HIDDEN = frozenset(_BENCHMARK[_BENCHMARK.index("full_year_cases") :]) - {"value_status", "unit_cost_status"}
SERVICE_AREA_BENCHMARKS = Table(
    "service_area_benchmarks",
    "One row per area and service area, group and all of them: full-year cases per 1,000 residents aged 18-66 and unit cost, "
    "exact, with intervals and compared with country, region and municipality group.",
    ("year", "area_type", "area_code", "service_area_level", "service_area"),
    fields_named(*_BENCHMARK),
    _HIDDEN,
)
SHARED_SERVICE_AREA_BENCHMARKS = Table(
    "shared_service_area_benchmarks",
    "As service_area_benchmarks, as every participant may see it: full-year cases are rounded, unit costs are rounded, or "
    "hidden where few citizens are behind them.",
    SERVICE_AREA_BENCHMARKS.key,
    SERVICE_AREA_BENCHMARKS.fields,
    SERVICE_AREA_BENCHMARKS.nullable,
)
BENCHMARK_AUDIT = Table(
    "benchmark_audit",
    "One row per kind of area: what the audit found in the shared benchmark. Key: audited. Holds numbers of figures, never a "
    "figure.",
    ("year", "audited"),
    fields_named(
        "year",
        "audited",
        "cells",
        "hidden_cells",
        "rounded_cells",
        "exposed_cells",
        "faulty_figures",
        "candidate_sha256",
    ),
)
MANAGEMENT_QUALITY = Table(
    "management_quality",
    "One row per expectation of the quality gate: whether the tables of a year are as expected. Key: expectation.",
    ("year", "expectation"),
    fields_named(
        "year",
        "expectation",
        "about",
        "severity",
        "expected_da",
        "met",
        "rows_checked",
        "rows_failing",
        "failing_keys",
        "action_da",
        "candidate_sha256",
    ),
    frozenset({"action_da"}),
)

_OF_ALL = (SERVICE_AREA_BENCHMARKS,)
_OF_ONE = (
    EXTRACT_LOG,
    EXTRACT_REJECTED_ROWS,
    EXTRACT_WARNINGS,
    MONTHLY_ACTIVE_CASES,
    FULL_YEAR_CASES,
    UNIT_COSTS,
    CASES_OVER_THRESHOLD,
    THRESHOLD_RECONCILIATION,
    REFUNDS,
    FORECAST,
    INITIATIVE_EFFECTS,
    COST_DRIVERS,
)


def released_tables(questionnaire: str) -> dict[str, Table]:
    """The tables that the releases of a round or (form `grants`) a year hold, by name."""
    if questionnaire == GRANTS_FORM:
        return {table.name: table for table in (*_OF_ALL, *_OF_ONE)}
    return released(questionnaire)
