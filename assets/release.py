"""Group `release`: the immutable files that participants get, and the pointer to the latest."""

from typing import Any

import dagster as dg
import polars as pl

from assets.delivering import CODE_VERSION, OWNERS, Events, without_values
from assets.partitions import rounds
from assets.resources import DataRoot, table_of_round_before
from pipelines import storage
from pipelines.release.basis import Basis, delivered
from pipelines.release.contents import Benchmark, Shared, correction_workbooks, table_files
from pipelines.release.gate import require_audited
from pipelines.release.history import earlier_releases
from pipelines.release.publish import publish
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round


@dg.asset(
    group_name="release",
    partitions_def=rounds,
    kinds={"parquet", "excel"},
    owners=OWNERS,
    tags={"data": "figures"},
    code_version=CODE_VERSION,
    description=(
        "The release of a round: `shared/` for every participant, `municipalities/<code>/` for each alone, a manifest, "
        "and `latest.json`. Its id follows from its content, so an unchanged night makes no new release."
    ),
)
@without_values
def release(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    population: pl.DataFrame,
    delivery_log: pl.DataFrame,
    responses: pl.DataFrame,
    rejected_rows: pl.DataFrame,
    delivered_rows: pl.DataFrame,
    case_rates: pl.DataFrame,
    area_averages: pl.DataFrame,
    funnel_limits: pl.DataFrame,
    round_changes: pl.DataFrame,
    target_groups: pl.DataFrame,
    provider_types: pl.DataFrame,
    question_answers: pl.DataFrame,
    shared_target_groups: pl.DataFrame,
    shared_provider_types: pl.DataFrame,
    shared_question_answers: pl.DataFrame,
    shared_key_findings: pl.DataFrame,
    disclosure_audit: pl.DataFrame,
) -> Events:
    """The round's files, whole or not at all, and only as they were audited."""
    round_ = find_round(context.partition_key)
    if delivery_log.is_empty():
        yield dg.MaterializeResult(metadata={"release": "none: there are no deliveries"})
        return
    shared = Shared(
        case_rates,
        area_averages,
        funnel_limits,
        round_changes,
        shared_target_groups,
        shared_provider_types,
        shared_question_answers,
        shared_key_findings,
    )
    benchmark = Benchmark(
        shared,
        delivery_log,
        responses,
        rejected_rows,
        delivered_rows,
        target_groups,
        provider_types,
        question_answers,
    )
    catalogue = load_catalogue(round_.questionnaire)
    content = list(table_files(benchmark, catalogue))
    require_audited(
        content, question_answers, disclosure_audit, earlier_releases(storage.releases(data.path, round_.name))
    )
    basis = Basis(
        round_=round_,
        population_quarter=population["population_quarter"][0],
        population_source=population["source"][0],
        population=dict(case_rates.select("municipality_code", "population_18_66").iter_rows()),
        deliveries={round_.name: delivered(delivery_log)} | _deliveries_of_round_before(data, round_.name),
        figures_from=shared_key_findings["figures_from_release"][0],
    )
    outcome = publish(data.path, content, correction_workbooks(benchmark, round_, catalogue), basis)
    yield dg.MaterializeResult(
        metadata={
            "release": outcome.release or "none",
            "is_new": outcome.is_new,
            "files": outcome.files,
            "municipalities": case_rates.height,
            "withdrawn": outcome.withdrawn or "none",
        }
    )


def _deliveries_of_round_before(data: DataRoot, round_name: str) -> dict[str, Any]:
    """Whose deliveries the changes between rounds follow from as well."""
    before = table_of_round_before(data, "delivery_log", round_name)
    return {} if before is None else {before[0]: delivered(before[1])}
