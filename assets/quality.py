"""Group `quality`: whether the tables of the release candidate are as can be expected, judged before a release is made.

The report is a table of its own; each of its rows is told as a check of the table that it is about.
"""

import dagster as dg
import polars as pl

from assets.delivering import ERROR, TABLES_PAGE, WARN, Events, check, checked, table_asset, without_values
from assets.resources import DataRoot, table_of_round_before
from pipelines import storage
from pipelines.documentation.quality_pages import quality_pages
from pipelines.documentation.rendering import STYLE, style
from pipelines.documentation.table_pages import no_pages_yet
from pipelines.quality.acceptances import acceptances, is_stopping
from pipelines.quality.expectations import EXPECTATIONS
from pipelines.quality.gate import Before, Material, require_met
from pipelines.quality.gate import quality_report as judged
from pipelines.release.contents import Benchmark, Shared, candidate_checksum
from pipelines.release.life import current_release, manifest_of
from schemas import tables
from schemas.rounds import find_round

GROUP = "quality"
PASSES = "lets_the_release_pass"


@table_asset(tables.QUALITY_REPORT, GROUP)
def quality_report(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    case_rates: pl.DataFrame,
    area_averages: pl.DataFrame,
    funnel_limits: pl.DataFrame,
    round_changes: pl.DataFrame,
    target_groups: pl.DataFrame,
    provider_types: pl.DataFrame,
    question_answers: pl.DataFrame,
    key_findings: pl.DataFrame,
    shared_target_groups: pl.DataFrame,
    shared_provider_types: pl.DataFrame,
    shared_question_answers: pl.DataFrame,
    shared_key_findings: pl.DataFrame,
    population: pl.DataFrame,
    delivery_log: pl.DataFrame,
    responses: pl.DataFrame,
    rejected_rows: pl.DataFrame,
    delivered_rows: pl.DataFrame,
) -> Events:
    """What Great Expectations finds in the candidate's tables, beside the release and the round before."""
    round_ = find_round(context.partition_key)
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
    # All that the release will be made of: the report is of exactly that.
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
    material = Material(
        round_,
        case_rates,
        area_averages,
        round_changes,
        target_groups,
        provider_types,
        question_answers,
        key_findings,
        shared._asdict(),
        population,
        delivery_log,
        candidate_checksum(benchmark, population),
    )
    report = judged(material, _before(data, round_.name), acceptances(data.path, round_.name))
    pages = quality_pages(report, round_)
    yield from checked(data, (report, tables.QUALITY_REPORT))
    folder = storage.documentation(data.path, round_.name)
    if not (folder / TABLES_PAGE).exists():
        pages |= no_pages_yet(round_.name)
    for path, content in {**pages, STYLE: style()}.items():
        storage.write_bytes(folder / path, content)


def _before(data: DataRoot, round_name: str) -> Before:
    current = current_release(data.path, round_name)
    found = {name: table_of_round_before(data, name, round_name) for name in ("case_rates", "shared_question_answers")}
    return Before(
        release=manifest_of(data.path, round_name, current) if current is not None else None,
        tables={name: before[1] for name, before in found.items() if before is not None},
    )


@dg.multi_asset_check(
    name="judge_quality",
    specs=[
        dg.AssetCheckSpec(PASSES, asset=tables.QUALITY_REPORT.name, blocking=True),
        *(
            dg.AssetCheckSpec(
                expectation.code,
                asset=expectation.about,
                description=expectation.expected_da,
                additional_deps=[tables.QUALITY_REPORT.name] if expectation.about != tables.QUALITY_REPORT.name else [],
            )
            for expectation in EXPECTATIONS
        ),
    ],
    can_subset=True,  # a table materialised by itself takes its own checks along
)
@without_values
def judge_quality(context: dg.AssetCheckExecutionContext, data: DataRoot) -> Events:
    """Each expectation as a check of its table; one that is not met and stops a release stops it here."""
    report = storage.read_parquet(storage.table_file(data.path, tables.QUALITY_REPORT.name, context.partition_key))
    asked = {(key.asset_key.path[-1], key.name) for key in context.selected_asset_check_keys}
    for row in report.iter_rows(named=True):
        if (row["about"], row["expectation"]) in asked:
            yield check(
                row["about"],
                row["expectation"],
                passed=row["met"],
                severity=ERROR if row["severity"] == "stop" else WARN,
                expected=row["expected_da"],
                rows_checked=row["rows_checked"],
                rows_failing=row["rows_failing"],
                where=row["failing_keys"],
                what_to_do=row["action_da"] or "",
                accepted_by=row["accepted_by"] or "",
            )
    if (tables.QUALITY_REPORT.name, PASSES) not in asked:
        return
    stopping = report.filter(is_stopping())
    yield check(
        tables.QUALITY_REPORT.name,
        PASSES,
        passed=stopping.is_empty(),
        severity=ERROR,
        met=int(report["met"].sum()),
        expectations=report.height,
        not_met=stopping["expectation"].to_list(),
    )
    require_met(report)
