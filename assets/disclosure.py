"""Group `disclosure`: the breakdowns that every participant may see."""

from dataclasses import replace

import dagster as dg
import polars as pl

from assets.delivering import Events, checked, table_assets
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
        nullable=table.nullable | {"numerator"} & {field.name for field in table.fields},
    )


SHARED_TARGET_GROUPS = _shared(tables.TARGET_GROUPS)
SHARED_PROVIDER_TYPES = _shared(tables.PROVIDER_TYPES)
SHARED_QUESTION_ANSWERS = _shared(tables.QUESTION_ANSWERS)
SHARED_KEY_FINDINGS = _shared(tables.KEY_FINDINGS)


@table_assets(
    (SHARED_TARGET_GROUPS, GROUP),
    (SHARED_PROVIDER_TYPES, GROUP),
    (SHARED_QUESTION_ANSWERS, GROUP),
    (SHARED_KEY_FINDINGS, GROUP),
    name="share",
)
def share(
    context: dg.AssetExecutionContext,
    case_rates: pl.DataFrame,
    target_groups: pl.DataFrame,
    provider_types: pl.DataFrame,
    question_answers: pl.DataFrame,
    key_findings: pl.DataFrame,
) -> Events:
    """Breakdowns and findings of the areas that may be shown."""
    areas = shared_areas(case_rates, find_round(context.partition_key).disclosure_threshold)
    yield from checked(
        (shared_breakdown(target_groups, areas), SHARED_TARGET_GROUPS),
        (shared_breakdown(provider_types, areas), SHARED_PROVIDER_TYPES),
        (shared_breakdown(question_answers, areas), SHARED_QUESTION_ANSWERS),
        (shared_key_findings(key_findings, areas), SHARED_KEY_FINDINGS),
    )
