"""Group `disclosure`: the tables as every participant may see them, and the audit that a release must pass."""

import time
from dataclasses import replace

import dagster as dg
import polars as pl

from assets import settings
from assets.delivering import ERROR, WARN, Events, check, checked, table_asset, table_assets
from assets.resources import DataRoot
from pipelines import storage
from pipelines.disclosure.candidate import audit_candidate
from pipelines.disclosure.earlier import told_by
from pipelines.disclosure.protected_tables import Exact, protected_tables
from pipelines.disclosure.report import audit_table, refusal
from pipelines.disclosure.secret import rounding_secret
from pipelines.release.contents import Shared, read_back, require_schemas, shared_checksum, shared_files
from pipelines.release.history import earlier_releases, latest_tables
from pipelines.release.life import current_release
from schemas import tables
from schemas.errors import DisclosureError
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round
from schemas.tables import Table

GROUP = "disclosure"
SAFE, FRESH = "gives_no_small_count_away", "shows_the_figures_of_its_own_deliveries"


def _shared(table: Table) -> Table:
    return replace(table, name=f"shared_{table.name}")


SHARED_TARGET_GROUPS = _shared(tables.RELEASED_TARGET_GROUPS)
SHARED_PROVIDER_TYPES = _shared(tables.RELEASED_PROVIDER_TYPES)
SHARED_QUESTION_ANSWERS = _shared(tables.RELEASED_QUESTION_ANSWERS)
SHARED_KEY_FINDINGS = _shared(tables.RELEASED_KEY_FINDINGS)


@table_assets(
    (SHARED_TARGET_GROUPS, GROUP),
    (SHARED_PROVIDER_TYPES, GROUP),
    (SHARED_QUESTION_ANSWERS, GROUP),
    (SHARED_KEY_FINDINGS, GROUP),
    name="share",
)
def share(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    case_rates: pl.DataFrame,
    answer_counts: pl.DataFrame,
    target_groups: pl.DataFrame,
    provider_types: pl.DataFrame,
    question_answers: pl.DataFrame,
    key_findings: pl.DataFrame,
) -> Events:
    """Breakdowns and findings with small counts rounded or suppressed, by the round's method."""
    round_ = find_round(context.partition_key)
    releases = storage.releases(data.path, round_.name)
    earlier = earlier_releases(releases)
    exact = Exact(case_rates, answer_counts, target_groups, provider_types, question_answers, key_findings)
    shared = protected_tables(
        exact,
        round_,
        load_catalogue(round_.questionnaire),
        secret=rounding_secret(data.path, settings.rounding_secret()),
        earlier=list(earlier.values()),
        latest=latest_tables(releases, current_release(data.path, round_.name), earlier),
    )
    yield from checked(
        data,
        (shared["target_groups"], SHARED_TARGET_GROUPS),
        (shared["provider_types"], SHARED_PROVIDER_TYPES),
        (shared["question_answers"], SHARED_QUESTION_ANSWERS),
        (shared["key_findings"], SHARED_KEY_FINDINGS),
    )


@table_asset(
    tables.DISCLOSURE_AUDIT,
    GROUP,
    check_specs=[
        dg.AssetCheckSpec(SAFE, asset=tables.DISCLOSURE_AUDIT.name, blocking=True),
        dg.AssetCheckSpec(FRESH, asset=tables.DISCLOSURE_AUDIT.name),
    ],
)
def disclosure_audit(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    answer_counts: pl.DataFrame,
    case_rates: pl.DataFrame,
    area_averages: pl.DataFrame,
    funnel_limits: pl.DataFrame,
    round_changes: pl.DataFrame,
    shared_target_groups: pl.DataFrame,
    shared_provider_types: pl.DataFrame,
    shared_question_answers: pl.DataFrame,
    shared_key_findings: pl.DataFrame,
) -> Events:
    """What an outsider and each participant can compute from the shared files, read as they would be published."""
    round_ = find_round(context.partition_key)
    files = list(
        shared_files(
            Shared(
                case_rates,
                area_averages,
                funnel_limits,
                round_changes,
                shared_target_groups,
                shared_provider_types,
                shared_question_answers,
                shared_key_findings,
            )
        )
    )
    shared = read_back(files)
    require_schemas(files, shared)
    told = told_by(shared, answer_counts, earlier_releases(storage.releases(data.path, round_.name)))
    started = time.perf_counter()
    report = audit_candidate(
        told.release,
        list(told.beside.values()),
        load_catalogue(round_.questionnaire),
        threshold=round_.disclosure_threshold,
    )
    seconds = time.perf_counter() - started
    found = audit_table(report, round_.name, checksum=shared_checksum(files), earlier=list(told.beside))
    yield from checked(data, (found, tables.DISCLOSURE_AUDIT))
    sums = found.select(pl.col("cells", "hidden_cells", "rounded_cells", "exposed_cells", "faulty_figures").sum())
    narrowest = found["narrowest_interval"].min()
    yield check(
        tables.DISCLOSURE_AUDIT.name,
        SAFE,
        passed=report.is_clean,
        severity=ERROR,
        **sums.row(0, named=True),
        narrowest_interval="none" if narrowest is None else str(narrowest),
        attackers=report.attackers,
        seconds=f"{seconds:.1f}",
    )
    yield check(
        tables.DISCLOSURE_AUDIT.name,
        FRESH,
        passed=told.figures_from is None,
        severity=WARN,
        figures_from_release=told.figures_from or "this one",
        why="" if told.figures_from is None else "the difference to an earlier release would give small counts away",
    )
    if not report.is_clean:
        raise DisclosureError(refusal(report))
