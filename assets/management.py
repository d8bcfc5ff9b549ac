"""Group `management_information`: what the extracts come to in one year, up to its release."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets import settings
from assets.clock import now
from assets.delivering import (
    ERROR,
    OWNERS,
    TABLES_PAGE,
    WARN,
    Events,
    check,
    checked,
    documentation,
    table_asset,
    table_assets,
    without_values,
)
from assets.made import require_one_night, write_provenance
from assets.partitions import years
from assets.release import FRESH, preview_of_shared, text
from assets.resources import DataRoot, Reports, StatBank
from pipelines import storage
from pipelines.disclosure.secret import rounding_secret
from pipelines.heartbeat import beat
from pipelines.management_information import benchmarks, participants
from pipelines.management_information.active_cases import monthly_active_cases as active_cases
from pipelines.management_information.benchmark_audit import audit_benchmark, require_audited
from pipelines.management_information.cost_drivers import cost_drivers as drivers
from pipelines.management_information.forecast import forecast as forecast_of
from pipelines.management_information.full_year_cases import full_year_cases as full_years
from pipelines.management_information.initiatives import initiative_effects as effects
from pipelines.management_information.refunds import refunds as refunds_of
from pipelines.management_information.shared_benchmarks import shared_benchmarks
from pipelines.management_information.threshold_cases import cases_over_threshold as threshold_cases
from pipelines.management_information.threshold_cases import reconciliation
from pipelines.management_information.unit_costs import unit_costs as costs
from pipelines.quality.gate import management_quality as judged
from pipelines.quality.gate import require_met
from pipelines.quality.year_expectations import YEAR_EXPECTATIONS, YearMaterial, year_control_tables
from pipelines.reference.municipalities import municipalities
from pipelines.reference.population import population as population_of
from pipelines.reference.price_index import price_index
from pipelines.reference.refund_thresholds import refund_thresholds
from pipelines.release.basis import Basis, code_version, delivered, delivered_extracts
from pipelines.release.contents import ReleaseFile, shared_checksum
from pipelines.release.life import current_release, manifest_of
from pipelines.release.publish import publish
from pipelines.release.year_contents import (
    YearTables,
    shared_year_file,
    year_checksum,
    year_files,
    year_summary,
    year_summary_file,
)
from schemas import management_tables as tables
from schemas.errors import ReleaseError
from schemas.rounds import load_rounds
from schemas.tables import Table
from schemas.years import Year, find_year, load_years

GROUP = "management_information"
NO_EXTRACTS = "none: there are no extracts of grants"
SAFE = "gives_no_price_away"


def _round_of(year: Year) -> str | None:
    """The screening of a year; the newest where there are several."""
    return next((name for name in reversed(load_rounds()) if name.startswith(year.name)), None)


_OF_ROUND = dg.AssetDep(
    "case_rates",
    partition_mapping=dg.StaticPartitionMapping(
        {name: year.name for year in load_years().values() for name in [_round_of(year)] if name is not None}
    ),
)
_OF_EVERY_ROUND = dg.AllPartitionMapping()


def year_asset(table: Table, **options: Any) -> Callable[[Callable[..., Events]], dg.AssetsDefinition]:  # noqa: ANN401
    """`table_asset` for a table of one year."""
    return table_asset(table, GROUP, partitions_def=years, **options)


def _year(context: dg.AssetExecutionContext) -> Year:
    return find_year(context.partition_key)


@year_asset(
    tables.YEAR_POPULATION,
    deps=[dg.AssetDep("folk1a", partition_mapping=_OF_EVERY_ROUND)],
    check_specs=[dg.AssetCheckSpec("is_of_the_years_quarter", asset="year_population")],
)
def year_population(context: dg.AssetExecutionContext, data: DataRoot, statbank: StatBank) -> Events:
    """Residents aged 18 to 66 of the 98 municipalities, in the year's quarter or the packaged one."""
    found = population_of(
        _year(context).population_quarter,
        cache_dir=storage.reference(data.path),
        url=statbank.url,
        fetched_at=dt.datetime.now(dt.UTC),
    )
    yield from checked(data, (found.frame, tables.YEAR_POPULATION))
    yield check(
        "year_population",
        "is_of_the_years_quarter",
        passed=found.warning is None,
        severity=WARN,
        quarter=found.frame["population_quarter"][0],
        **({"warning": found.warning} if found.warning else {}),
    )


@year_asset(tables.MONTHLY_ACTIVE_CASES)
def monthly_active_cases(
    context: dg.AssetExecutionContext, data: DataRoot, grants: pl.LazyFrame, extract_log: pl.DataFrame
) -> Events:
    """Unique active cases per municipality and month, for each service area and all."""
    made = active_cases(grants, participants.grant_participants(extract_log), _year(context).number)
    yield from checked(data, (made, tables.MONTHLY_ACTIVE_CASES))


@year_asset(tables.FULL_YEAR_CASES)
def full_year_cases(
    context: dg.AssetExecutionContext, data: DataRoot, grants: pl.LazyFrame, extract_log: pl.DataFrame
) -> Events:
    """Full-year cases, cost and unit cost per municipality, for each service area, group and all."""
    year = _year(context)
    made = full_years(grants, participants.grant_participants(extract_log), year.number, year.full_year_method)
    yield from checked(data, (made, tables.FULL_YEAR_CASES))


@year_asset(tables.UNIT_COSTS)
def unit_costs(
    context: dg.AssetExecutionContext, data: DataRoot, grants: pl.LazyFrame, extract_log: pl.DataFrame
) -> Events:
    """Unit costs of the year and the three before, in current and in fixed prices."""
    index = price_index(data.path)
    made = costs(grants, participants.grant_participants(extract_log), _year(context), index.values)
    yield from checked(data, (made, tables.UNIT_COSTS))


@table_assets(
    (tables.CASES_OVER_THRESHOLD, GROUP),
    (tables.THRESHOLD_RECONCILIATION, GROUP),
    name="count_cases_over_threshold",
    partitions_def=years,
    deps=[_OF_ROUND],
    check_specs=[dg.AssetCheckSpec("agrees_with_the_screening", asset="threshold_reconciliation")],
)
def count_cases_over_threshold(
    context: dg.AssetExecutionContext, data: DataRoot, grants: pl.LazyFrame, extract_log: pl.DataFrame
) -> Events:
    """Cases over the threshold by the screening's rule, beside those that the municipality reported."""
    year = _year(context)
    cases = threshold_cases(grants, participants.grant_participants(extract_log), year)
    reconciled = reconciliation(cases, _table_of_round(data, "case_rates", year), year)
    yield from checked(data, (cases, tables.CASES_OVER_THRESHOLD), (reconciled, tables.THRESHOLD_RECONCILIATION))
    differing = reconciled.filter(pl.col("difference") != 0).height
    yield check(
        "threshold_reconciliation",
        "agrees_with_the_screening",
        passed=differing == 0,
        severity=WARN,
        differing_municipalities=differing,
    )


def _table_of_round(data: DataRoot, table: str, year: Year) -> pl.DataFrame | None:
    """A table of the year's screening as last materialised; None without one."""
    name = _round_of(year)
    path = storage.table_file(data.path, table, name) if name is not None else None
    return storage.read_parquet(path) if path is not None and path.exists() else None


@year_asset(tables.REFUNDS)
def refunds(
    context: dg.AssetExecutionContext, data: DataRoot, grants: pl.LazyFrame, extract_log: pl.DataFrame
) -> Events:
    """State refund for particularly expensive single cases (SEL § 176), month by month."""
    year = _year(context)
    made = refunds_of(
        grants,
        participants.grant_participants(extract_log),
        year.number,
        year.full_year_method,
        refund_thresholds(data.path),
    )
    yield from checked(data, (made, tables.REFUNDS))


@year_asset(tables.FORECAST)
def forecast(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    full_year_cases: pl.DataFrame,
    refunds: pl.DataFrame,
    grants: pl.LazyFrame,
    planned_changes: pl.DataFrame,
    budgets: pl.DataFrame,
    extract_log: pl.DataFrame,
) -> Events:
    """Existing cases, planned inflow and outflow and refund beside the budget, with an interval."""
    year = _year(context)
    made = forecast_of(
        full_year_cases,
        grants,
        planned_changes,
        budgets,
        refunds,
        participants.grant_participants(extract_log),
        year.number,
        year.full_year_method,
    )
    yield from checked(data, (made, tables.FORECAST))


@year_asset(tables.INITIATIVE_EFFECTS)
def initiative_effects(
    context: dg.AssetExecutionContext, data: DataRoot, initiatives: pl.DataFrame, grants: pl.LazyFrame
) -> Events:
    """Estimated beside realised effect of every initiative, with subtotals and total."""
    year = _year(context)
    yield from checked(
        data, (effects(initiatives, grants, year.number, year.full_year_method), tables.INITIATIVE_EFFECTS)
    )


@year_asset(tables.COST_DRIVERS)
def cost_drivers(
    context: dg.AssetExecutionContext, data: DataRoot, grants: pl.LazyFrame, extract_log: pl.DataFrame
) -> Events:
    """The change of cost from the year before, split into volume, price and mix."""
    year = _year(context)
    made = drivers(grants, participants.grant_participants(extract_log), year.number, year.full_year_method)
    yield from checked(data, (made, tables.COST_DRIVERS))


@year_asset(tables.SERVICE_AREA_BENCHMARKS, deps=[dg.AssetDep("municipalities", partition_mapping=_OF_EVERY_ROUND)])
def service_area_benchmarks(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    grants: pl.LazyFrame,
    extract_log: pl.DataFrame,
    year_population: pl.DataFrame,
) -> Events:
    """Full-year cases per 1,000 residents and unit cost of every area and service area, compared with others."""
    made = benchmarks.service_area_benchmarks(
        grants, participants.grant_participants(extract_log), year_population, municipalities(), _year(context)
    )
    yield from checked(data, (made, tables.SERVICE_AREA_BENCHMARKS))


@year_asset(tables.SHARED_SERVICE_AREA_BENCHMARKS)
def shared_service_area_benchmarks(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    service_area_benchmarks: pl.DataFrame,
    grants: pl.LazyFrame,
    extract_log: pl.DataFrame,
) -> Events:
    """The benchmark as every participant may see it: rounded, and hidden where few citizens are behind a price."""
    year = _year(context)
    citizens = benchmarks.citizens_behind(grants, participants.grant_participants(extract_log), municipalities(), year)
    secret = rounding_secret(data.path, settings.rounding_secret())
    made = shared_benchmarks(service_area_benchmarks, citizens, year, secret)
    yield from checked(data, (made, tables.SHARED_SERVICE_AREA_BENCHMARKS))


@year_asset(
    tables.BENCHMARK_AUDIT, check_specs=[dg.AssetCheckSpec(SAFE, asset=tables.BENCHMARK_AUDIT.name, blocking=True)]
)
def benchmark_audit(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    shared_service_area_benchmarks: pl.DataFrame,
    service_area_benchmarks: pl.DataFrame,
    grants: pl.LazyFrame,
    extract_log: pl.DataFrame,
) -> Events:
    """What an outsider and each participant can compute from the shared benchmark, read as it would be published."""
    year = _year(context)
    taking_part = participants.grant_participants(extract_log)
    found = audit_benchmark(
        shared_service_area_benchmarks,
        benchmarks.citizens_behind(grants, taking_part, municipalities(), year),
        service_area_benchmarks,
        year,
        shared_checksum([shared_year_file(shared_service_area_benchmarks)]),
    )
    exposed, faulty = found.select(pl.col("exposed_cells", "faulty_figures").sum()).row(0)
    yield check(
        "benchmark_audit", SAFE, passed=exposed + faulty == 0, severity=ERROR, exposed=exposed, faulty_figures=faulty
    )
    require_audited(found)
    yield from checked(data, (found, tables.BENCHMARK_AUDIT))


_JUDGED = tuple(
    dg.AssetCheckSpec(
        f"{expectation.code}",
        asset=tables.MANAGEMENT_QUALITY.name,
        description=expectation.expected_da,
        blocking=True,
    )
    for expectation in YEAR_EXPECTATIONS
)


@year_asset(tables.MANAGEMENT_QUALITY, check_specs=list(_JUDGED))
def management_quality(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    extract_log: pl.DataFrame,
    extract_rejected_rows: pl.DataFrame,
    extract_warnings: pl.DataFrame,
    monthly_active_cases: pl.DataFrame,
    full_year_cases: pl.DataFrame,
    unit_costs: pl.DataFrame,
    cases_over_threshold: pl.DataFrame,
    threshold_reconciliation: pl.DataFrame,
    refunds: pl.DataFrame,
    forecast: pl.DataFrame,
    initiative_effects: pl.DataFrame,
    cost_drivers: pl.DataFrame,
    service_area_benchmarks: pl.DataFrame,
    shared_service_area_benchmarks: pl.DataFrame,
    year_population: pl.DataFrame,
) -> Events:
    """What Great Expectations finds in the year's tables; each expectation is a check of this table."""
    year = _year(context)
    candidate = YearTables(
        extract_log,
        extract_rejected_rows,
        extract_warnings,
        monthly_active_cases,
        full_year_cases,
        unit_costs,
        cases_over_threshold,
        threshold_reconciliation,
        refunds,
        forecast,
        initiative_effects,
        cost_drivers,
        service_area_benchmarks,
        shared_service_area_benchmarks,
    )
    material = YearMaterial(
        year, full_year_cases, monthly_active_cases, forecast, cost_drivers, refunds, year_population
    )
    current = current_release(data.path, year.name)
    controls = year_control_tables(material, manifest_of(data.path, year.name, current) if current else None)
    report = judged(year.number, year_checksum(candidate, year_population), controls, YEAR_EXPECTATIONS)
    for row in report.iter_rows(named=True):
        yield check(
            tables.MANAGEMENT_QUALITY.name,
            row["expectation"],
            passed=row["met"],
            severity=ERROR,
            about=row["about"],
            expected=row["expected_da"],
            rows_checked=row["rows_checked"],
            rows_failing=row["rows_failing"],
            where=row["failing_keys"],
            what_to_do=row["action_da"] or "",
        )
    require_met(report)
    yield from checked(data, (report, tables.MANAGEMENT_QUALITY))


@dg.asset(
    group_name=GROUP,
    partitions_def=years,
    kinds={"parquet", "excel"},
    owners=OWNERS,
    tags={"data": "figures"},
    code_version=code_version(),
    freshness_policy=FRESH,
    description=(
        "The release of a year of management information: `shared/` for every participant, `municipalities/<code>/` for each "
        "alone, a manifest, and `latest.json`. Its id follows from its content."
    ),
)
@without_values
def management_release(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    reports: dg.ResourceParam[Reports],
    extract_log: pl.DataFrame,
    extract_rejected_rows: pl.DataFrame,
    extract_warnings: pl.DataFrame,
    monthly_active_cases: pl.DataFrame,
    full_year_cases: pl.DataFrame,
    unit_costs: pl.DataFrame,
    cases_over_threshold: pl.DataFrame,
    threshold_reconciliation: pl.DataFrame,
    refunds: pl.DataFrame,
    forecast: pl.DataFrame,
    initiative_effects: pl.DataFrame,
    cost_drivers: pl.DataFrame,
    service_area_benchmarks: pl.DataFrame,
    shared_service_area_benchmarks: pl.DataFrame,
    year_population: pl.DataFrame,
    benchmark_audit: pl.DataFrame,
    management_quality: pl.DataFrame,
) -> Events:
    """The year's files, whole or not at all, only as they were audited, and only if they are as expected."""
    year = _year(context)
    candidate = YearTables(
        extract_log,
        extract_rejected_rows,
        extract_warnings,
        monthly_active_cases,
        full_year_cases,
        unit_costs,
        cases_over_threshold,
        threshold_reconciliation,
        refunds,
        forecast,
        initiative_effects,
        cost_drivers,
        service_area_benchmarks,
        shared_service_area_benchmarks,
    )
    quarter = year_population["population_quarter"][0]
    told = year_summary(year, candidate, quarter)
    if full_year_cases.is_empty():
        beat(data.path, year.name, context.run.run_id, None, now())
        yield dg.MaterializeResult(metadata={"release": NO_EXTRACTS, "summary": text(told)})
        return
    content = list(year_files(candidate))
    require_one_night(context)
    _require_judged(candidate, year_population, management_quality)
    _require_audited(content, benchmark_audit)
    own = shared_service_area_benchmarks.filter(area_type="municipality", service_area_level="all")
    log_of_round = _table_of_round(data, "delivery_log", year)
    basis = Basis(
        round_=year,
        population_quarter=quarter,
        population_source=year_population["source"][0],
        population=dict(own.select("area_code", "population_18_66").iter_rows()),
        deliveries={year.name: delivered_extracts(extract_log)}
        | ({} if log_of_round is None else {str(_round_of(year)): delivered(log_of_round)}),
        figures_from=None,
        reference_tables={
            "price_index": price_index(data.path).version,
            "refund_thresholds": refund_thresholds(data.path).version,
        },
    )

    def others(release_id: str, _: pl.DataFrame | None) -> Iterator[ReleaseFile]:
        yield year_summary_file(year, told)
        yield from reports.year_files(content, year, release_id, own.height)

    outcome = publish(data.path, content, others, basis)
    if outcome.release is not None and outcome.withdrawn is None:
        manifest = manifest_of(data.path, year.name, outcome.release)
        write_provenance(context, data, manifest, extract_log, year_population, is_new=outcome.is_new)
    beat(data.path, year.name, context.run.run_id, outcome.release, now())
    yield dg.MaterializeResult(
        metadata={
            "release": outcome.release or "none",
            "is_new": outcome.is_new,
            "files": outcome.files,
            "municipalities": own.height,
            "withdrawn": outcome.withdrawn or "none",
            "summary": text(told),
            "lineage": documentation(TABLES_PAGE),
            **preview_of_shared(content),
        },
        data_version=dg.DataVersion(outcome.release) if outcome.release is not None else None,
    )


def _require_judged(candidate: YearTables, population: pl.DataFrame, quality: pl.DataFrame) -> None:
    if quality["candidate_sha256"].unique().to_list() != [year_checksum(candidate, population)]:
        raise ReleaseError("the tables are not those that the quality gate judged; materialise the whole year")
    require_met(quality)


def _require_audited(content: list[Any], audit: pl.DataFrame) -> None:
    if audit["candidate_sha256"].unique().to_list() != [shared_checksum(content)]:
        raise ReleaseError("the shared files are not those that were audited; materialise the whole year")
    require_audited(audit)
