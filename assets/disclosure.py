"""Group `disclosure`: the breakdowns that every participant may see."""

from dataclasses import replace

import dagster as dg
import polars as pl

from assets.delivering import Events, checked, table_asset
from pipelines.disclosure.areas import shared_areas, shared_breakdown, shared_key_findings
from schemas import tables
from schemas.rounds import find_round
from schemas.tables import Table

GROUP = "disclosure"


def _shared(table: Table) -> Table:
    return replace(
        table,
        name=f"shared_{table.name}",
        description=f"{table.description} Country and regions; areas with few participants are suppressed.",
        nullable=table.nullable | {"numerator", "share"} & {field.name for field in table.fields},
    )


def _areas(context: dg.AssetExecutionContext, case_rates: pl.DataFrame) -> pl.DataFrame:
    return shared_areas(case_rates, find_round(context.partition_key).disclosure_threshold)


SHARED_TARGET_GROUPS = _shared(tables.TARGET_GROUPS)
SHARED_PROVIDER_TYPES = _shared(tables.PROVIDER_TYPES)
SHARED_QUESTION_ANSWERS = _shared(tables.QUESTION_ANSWERS)
SHARED_KEY_FINDINGS = _shared(tables.KEY_FINDINGS)


@table_asset(SHARED_TARGET_GROUPS, GROUP)
def shared_target_groups(
    context: dg.AssetExecutionContext, target_groups: pl.DataFrame, case_rates: pl.DataFrame
) -> Events:
    """Target groups of the areas that may be shown."""
    yield from checked(shared_breakdown(target_groups, _areas(context, case_rates)), SHARED_TARGET_GROUPS)


@table_asset(SHARED_PROVIDER_TYPES, GROUP)
def shared_provider_types(
    context: dg.AssetExecutionContext, provider_types: pl.DataFrame, case_rates: pl.DataFrame
) -> Events:
    """Provider types of the areas that may be shown."""
    yield from checked(shared_breakdown(provider_types, _areas(context, case_rates)), SHARED_PROVIDER_TYPES)


@table_asset(SHARED_QUESTION_ANSWERS, GROUP)
def shared_question_answers(
    context: dg.AssetExecutionContext, question_answers: pl.DataFrame, case_rates: pl.DataFrame
) -> Events:
    """Answers of the areas that may be shown."""
    yield from checked(shared_breakdown(question_answers, _areas(context, case_rates)), SHARED_QUESTION_ANSWERS)


@table_asset(SHARED_KEY_FINDINGS, GROUP)
def shared_findings(context: dg.AssetExecutionContext, key_findings: pl.DataFrame, case_rates: pl.DataFrame) -> Events:
    """Headline findings, where enough municipalities participate."""
    yield from checked(shared_key_findings(key_findings, _areas(context, case_rates)), SHARED_KEY_FINDINGS)
