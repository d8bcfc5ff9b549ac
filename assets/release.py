"""Group `release`: the immutable files that participants get, and the pointer to the latest."""

import base64
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.clock import now
from assets.delivering import OWNERS, TABLES_PAGE, Events, documentation, without_values
from assets.made import require_one_night, write_provenance
from assets.partitions import rounds
from assets.resources import DataRoot, Reports, table_of_round_before
from pipelines import storage
from pipelines.heartbeat import beat
from pipelines.quality.acceptances import told_warnings
from pipelines.release.basis import Basis, code_version, delivered
from pipelines.release.contents import (
    SHARED,
    Benchmark,
    ReleaseFile,
    Shared,
    candidate_checksum,
    correction_workbooks,
    read_back,
    table_files,
)
from pipelines.release.editions import FIGURES, Edition, is_demonstration, shared_changes
from pipelines.release.gate import require_audited, require_judged
from pipelines.release.history import earlier_releases
from pipelines.release.life import manifest_of
from pipelines.release.publish import publish
from pipelines.release.summary import Night, summary, summary_file
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round

# Started every night at two; at five it should be there, and a run of the afternoon before is no night.
FRESH = dg.FreshnessPolicy.cron("0 5 * * *", dt.timedelta(hours=4), timezone="Europe/Copenhagen")
NO_DELIVERIES = "none: there are no deliveries"
_PREVIEWED_ROWS = 5
_SHOWN_FIGURES = ("ranked_dots", "funnel")


@dg.asset(
    group_name="release",
    partitions_def=rounds,
    kinds={"parquet", "excel"},
    owners=OWNERS,
    tags={"data": "figures"},
    code_version=code_version(),
    freshness_policy=FRESH,
    description=(
        "The release of a round: `shared/` for every participant, `municipalities/<code>/` for each alone, a manifest, "
        "and `latest.json`. Its id follows from its content, so an unchanged night makes no new release."
    ),
)
@without_values
def release(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    reports: dg.ResourceParam[Reports],
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
    quality_report: pl.DataFrame,
) -> Events:
    """The round's files, whole or not at all, only as they were audited, and only if nothing unexpected stops them."""
    round_ = find_round(context.partition_key)
    night = Night(round_, delivery_log, rejected_rows, case_rates, population, shared_key_findings, quality_report)
    told = summary(night)
    if delivery_log.is_empty():
        _beat(context, data, None)
        yield dg.MaterializeResult(metadata={"release": NO_DELIVERIES, "summary": text(told)})
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
    require_one_night(context)
    require_judged(candidate_checksum(benchmark, population), quality_report)
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
        warnings=told_warnings(quality_report),
    )

    def others(release_id: str, changed: pl.DataFrame | None) -> Iterator[ReleaseFile]:
        yield from correction_workbooks(benchmark, round_, catalogue)
        yield summary_file(night)
        edition = Edition(round_, release_id, shared_changes(changed), is_demonstration(delivery_log))
        reporting = {*basis.participants, *delivery_log["municipality_code"]}
        yield from reports.files(content, edition, reporting)

    outcome = publish(data.path, content, others, basis)
    if outcome.release is not None and outcome.withdrawn is None:
        manifest = manifest_of(data.path, round_.name, outcome.release)
        write_provenance(context, data, manifest, delivery_log, population, is_new=outcome.is_new)
    _beat(context, data, outcome.release)
    yield dg.MaterializeResult(
        metadata={
            "release": outcome.release or "none",
            "is_new": outcome.is_new,
            "files": outcome.files,
            "municipalities": case_rates.height,
            "withdrawn": outcome.withdrawn or "none",
            "summary": text(told),
            "documentation": documentation(),
            "lineage": documentation(TABLES_PAGE),
            # Here and not on the tables themselves: only now they are known to be safe.
            **preview_of_shared(content),
            **(_figures(data, round_.name, outcome.release) if outcome.is_new and outcome.release else {}),
        },
        data_version=dg.DataVersion(outcome.release) if outcome.release is not None else None,
    )


def _deliveries_of_round_before(data: DataRoot, round_name: str) -> dict[str, Any]:
    """Whose deliveries the changes between rounds follow from as well."""
    before = table_of_round_before(data, "delivery_log", round_name)
    return {} if before is None else {before[0]: delivered(before[1])}


def _beat(context: dg.AssetExecutionContext, data: DataRoot, release_id: str | None) -> None:
    beat(data.path, context.partition_key, context.run.run_id, release_id, now())


def text(lines: Sequence[str]) -> dg.MarkdownMetadataValue:
    """Lines as a list."""
    return dg.MetadataValue.md("\n".join(f"- {line}" for line in lines))


def _figures(data: DataRoot, round_name: str, release_id: str) -> dict[str, dg.MarkdownMetadataValue]:
    """The pictures of a new release that say most, as every participant sees them; once, since they are large."""
    folder = storage.releases(data.path, round_name) / release_id / SHARED / FIGURES
    shown = {name: folder / f"{name}.svg" for name in _SHOWN_FIGURES}
    return {
        f"figure_{name}": dg.MetadataValue.md(
            f"![{name}](data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()})"
        )
        for name, path in shown.items()
        if path.exists()
    }


def preview_of_shared(content: Sequence[ReleaseFile]) -> dict[str, dg.TableMetadataValue]:
    """The first rows of every table that all participants see, as they see them."""
    shared = [file for file in content if file.path.startswith(f"{SHARED}/")]
    return {f"preview_{name}": _preview(frame) for name, frame in read_back(shared).items()}


def _preview(frame: pl.DataFrame) -> dg.TableMetadataValue:
    rows = frame.head(_PREVIEWED_ROWS).cast(pl.String).fill_null("").to_dicts()
    schema = dg.TableSchema([dg.TableColumn(column) for column in frame.columns])
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows], schema=schema)
