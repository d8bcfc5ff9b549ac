"""Group `release`: the immutable files that participants get, and the pointer to the latest."""

import dagster as dg
import polars as pl

from assets.delivering import CODE_VERSION, OWNERS, Events, without_values
from assets.partitions import rounds
from assets.resources import DataRoot
from pipelines import storage
from pipelines.release.contents import Benchmark, Shared, release_files
from pipelines.release.gate import require_audited
from pipelines.release.history import earlier_releases
from pipelines.release.manifest import manifest
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
    files = list(release_files(benchmark, round_, load_catalogue(round_.questionnaire)))
    figures_from = shared_key_findings["figures_from_release"][0]
    document = manifest(files, round_, population["population_quarter"][0], population["source"][0], figures_from)
    folder = storage.releases(data.path, round_.name)
    require_audited(files, question_answers, disclosure_audit, earlier_releases(folder))
    is_new = publish(folder, files, document)
    yield dg.MaterializeResult(
        metadata={"release": document["id"], "is_new": is_new, "files": len(files), "municipalities": case_rates.height}
    )
