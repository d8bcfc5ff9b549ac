"""Group `benchmark`: rates, averages, breakdowns, answers and headline findings of a round."""

import dagster as dg
import polars as pl

from assets.delivering import WARN, Events, check, checked, table_asset, table_assets
from assets.resources import DataRoot, table_of_round_before
from pipelines.benchmark import answer_counts as counts
from pipelines.benchmark import averages, breakdowns, rates
from pipelines.benchmark import key_findings as findings
from pipelines.benchmark import question_answers as answers
from pipelines.benchmark.areas import unexpected_participants
from pipelines.benchmark.cases import participants
from pipelines.statistics import rounds as changes
from pipelines.statistics import tables as statistics
from schemas import tables
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round

GROUP = "benchmark"


@table_asset(
    tables.CASE_RATES, GROUP, check_specs=[dg.AssetCheckSpec("participates_as_the_round_says", asset="case_rates")]
)
def case_rates(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    responses: pl.LazyFrame,
    delivery_log: pl.DataFrame,
    population: pl.DataFrame,
    municipalities: pl.DataFrame,
) -> Events:
    """One row per participating municipality: eligible cases per 1,000 residents aged 18-66, and how sure that is."""
    round_ = find_round(context.partition_key)
    taking_part = participants(delivery_log)
    plain = rates.case_rates(responses, population, municipalities, taking_part, round_)
    yield from checked(data, (statistics.with_statistics(plain, averages.area_averages(plain)), tables.CASE_RATES))
    surplus = unexpected_participants(taking_part, round_)
    yield check(
        "case_rates", "participates_as_the_round_says", passed=not surplus, severity=WARN, also_reported_for=surplus
    )


@table_asset(tables.AREA_AVERAGES, GROUP)
def area_averages(data: DataRoot, case_rates: pl.DataFrame) -> Events:
    """Pooled rate, unweighted mean and spread of country, regions and municipality groups."""
    yield from checked(
        data, (statistics.with_spread(averages.area_averages(case_rates), case_rates), tables.AREA_AVERAGES)
    )


@table_asset(tables.FUNNEL_LIMITS, GROUP)
def funnel_limits(data: DataRoot, case_rates: pl.DataFrame) -> Events:
    """The lines between which chance alone would put nearly every municipality."""
    yield from checked(data, (statistics.funnel_limits(case_rates), tables.FUNNEL_LIMITS))


@table_asset(tables.ROUND_CHANGES, GROUP)
def round_changes(context: dg.AssetExecutionContext, data: DataRoot, case_rates: pl.DataFrame) -> Events:
    """Rate ratios between the round before, as last materialised, and this one."""
    before = table_of_round_before(data, "case_rates", context.partition_key)
    earlier = case_rates.clear() if before is None else before[1]
    yield from checked(data, (changes.round_changes(earlier, case_rates), tables.ROUND_CHANGES))


@table_asset(tables.ANSWER_COUNTS, GROUP)
def answer_counts(
    context: dg.AssetExecutionContext, data: DataRoot, responses: pl.LazyFrame, delivery_log: pl.DataFrame
) -> Events:
    """Cases per municipality and answer: what every breakdown is summed from."""
    catalogue = load_catalogue(find_round(context.partition_key).questionnaire)
    yield from checked(
        data, (counts.answer_counts(responses, participants(delivery_log), catalogue), tables.ANSWER_COUNTS)
    )


@table_assets(
    (tables.TARGET_GROUPS, GROUP),
    (tables.PROVIDER_TYPES, GROUP),
    (tables.QUESTION_ANSWERS, GROUP),
    name="break_down",
)
def break_down(
    context: dg.AssetExecutionContext, data: DataRoot, answer_counts: pl.DataFrame, case_rates: pl.DataFrame
) -> Events:
    """Cases by target group, by provider type and by answer to every closed question, in every area."""
    catalogue = load_catalogue(find_round(context.partition_key).questionnaire)
    yield from checked(
        data,
        (breakdowns.target_groups(answer_counts, case_rates), tables.TARGET_GROUPS),
        (breakdowns.provider_types(answer_counts, case_rates), tables.PROVIDER_TYPES),
        (answers.question_answers(answer_counts, case_rates, catalogue), tables.QUESTION_ANSWERS),
    )


@table_asset(tables.KEY_FINDINGS, GROUP)
def key_findings(context: dg.AssetExecutionContext, data: DataRoot, responses: pl.LazyFrame) -> Events:
    """The headline findings of the published report."""
    found = findings.key_findings(responses, context.partition_key)
    yield from checked(data, (statistics.with_share_limits(found, "numerator", "denominator"), tables.KEY_FINDINGS))
