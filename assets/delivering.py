"""What every asset of a table has: attributes for the catalogue, checks, and errors that hold no value.

An asset is a generator: it takes frames, calls one pipeline function, and yields `checked` frames.
"""

import functools
import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec

import dagster as dg
import polars as pl

from assets import settings
from assets.partitions import rounds
from assets.resources import DataRoot
from assets.untold import values_untold
from pipelines.disclosure.secret import rounding_secret
from pipelines.documentation.table_pages import page_of
from pipelines.release.basis import code_version
from pipelines.storage import parquet_bytes
from schemas import lineage
from schemas.errors import TableError
from schemas.rounds import load_rounds
from schemas.tables import Table, failures

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
OWNERS = ["team:kl"]
QUALITY_PAGE, TABLES_PAGE = "quality/index.html", "tables/index.html"
# What the catalogue shows: the newest form. Each round is checked against the form it used.
NEWEST_FORM = list(load_rounds().values())[-1].questionnaire
SCHEMA_CHECK = "follows_its_schema"
Events = Iterator[Any]
P = ParamSpec("P")


def without_values(asset: Callable[P, Events]) -> Callable[P, Events]:
    """The same asset; an error that is not the product's own is told without its text, which may hold an answer."""

    @functools.wraps(asset)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Events:
        with values_untold():
            yield from asset(*args, **kwargs)

    return guarded


def attributes(table: Table, group: str, *, kinds: set[str] | None = None) -> dict[str, Any]:
    """What the catalogue shows of a table's asset, for `dg.asset` and `dg.AssetSpec` alike."""
    return {
        "description": table.description,
        "group_name": group,
        "owners": OWNERS,
        "kinds": {"polars", "parquet"} if kinds is None else kinds,
        "tags": {"data": "cases" if group in ("deliveries", "responses", "extracts") else "figures"},
        "code_version": code_version(),
        "metadata": {"dagster/column_schema": column_schema(table)},
    }


def column_schema(table: Table) -> dg.TableSchema:
    """The columns with type, unit, Danish label, constraints and tags."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=field.name,
                type=str(field.dtype),
                description=f"{field.label_da}. {field.description}" + (f" ({field.unit})" if field.unit else ""),
                constraints=dg.TableColumnConstraints(
                    nullable=field.name in table.nullable, other=list(field.constraints)
                ),
                tags=dict.fromkeys(sorted(lineage.tags(table.name, field.name, _form(table))), ""),
            )
            for field in table.fields
        ]
    )


def _form(table: Table) -> str:
    return lineage.form_of(table.name, NEWEST_FORM)


def column_lineage(table: Table) -> dg.TableColumnLineage:
    """Which columns each column is computed from."""
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(source), name) for source, name in origin.sources]
            for column, origin in lineage.origins(table.name, _form(table)).items()
        }
    )


def table_asset(table: Table, group: str, **options: Any) -> Callable[[Callable[..., Events]], dg.AssetsDefinition]:  # noqa: ANN401
    """`dg.asset` for one partitioned table with its schema check; further `check_specs` may be given."""
    checks = [dg.AssetCheckSpec(SCHEMA_CHECK, asset=table.name, blocking=True), *options.pop("check_specs", [])]

    def decorate(asset: Callable[..., Events]) -> dg.AssetsDefinition:
        make = dg.asset(
            name=table.name,
            partitions_def=options.pop("partitions_def", rounds),
            io_manager_key="parquet",
            check_specs=checks,
            **attributes(table, group),
            **options,
        )
        made: dg.AssetsDefinition = make(without_values(asset))
        return made

    return decorate


def table_assets(
    *tables: tuple[Table, str],
    name: str,
    **options: Any,  # noqa: ANN401 - passed on to Dagster
) -> Callable[[Callable[..., Events]], dg.AssetsDefinition]:
    """`dg.multi_asset` for several partitioned tables (with their groups) and their schema checks."""
    checks = [dg.AssetCheckSpec(SCHEMA_CHECK, asset=table.name, blocking=True) for table, _ in tables]
    checks += options.pop("check_specs", [])

    def decorate(asset: Callable[..., Events]) -> dg.AssetsDefinition:
        outs = {
            table.name: dg.AssetOut(key=table.name, io_manager_key="parquet", **attributes(table, group))
            for table, group in tables
        }
        partitions = options.pop("partitions_def", rounds)
        make = dg.multi_asset(name=name, outs=outs, partitions_def=partitions, check_specs=checks, **options)
        made: dg.AssetsDefinition = make(without_values(asset))
        return made

    return decorate


def checked(data: DataRoot, *made: tuple[pl.DataFrame, Table]) -> Events:
    """The checks of tables against their schemas, then the tables; where one is broken, none of them is written.

    Args:
        data: the data root, whose secret keys the data versions.
        *made: the tables.

    Raises:
        TableError: a table breaks its schema; counts per column and check.
    """
    broken = {table.name: failures(frame, table) for frame, table in made}
    for frame, table in made:
        yield dg.AssetCheckResult(
            passed=not broken[table.name],
            asset_key=table.name,
            check_name=SCHEMA_CHECK,
            metadata={"rows": frame.height, "documentation": documentation(), **broken[table.name]},
        )
    if any(broken.values()):
        told = "; ".join(f"table {name}: {counts}" for name, counts in broken.items() if counts)
        raise TableError(f"tables break their schemas: {told}")
    for frame, table in made:
        yield dg.MaterializeResult(
            asset_key=table.name,
            value=frame,
            metadata={
                "dagster/row_count": frame.height,
                "dagster/column_lineage": column_lineage(table),
                "lineage": documentation(f"tables/{page_of(table.name)}"),
                "documentation": documentation(),
            },
            data_version=_data_version(data, frame),
        )


def _data_version(data: DataRoot, frame: pl.DataFrame) -> dg.DataVersion:
    """Follows from the content, so that an unchanged table is no news to what depends on it.

    Keyed: whoever reads the event log could otherwise try all numbers that a hidden count may be.
    """
    key = rounding_secret(data.path, settings.rounding_secret())
    return dg.DataVersion(hmac.digest(key, parquet_bytes(frame), hashlib.sha256).hex())


def check(
    asset: str, name: str, *, passed: bool, severity: dg.AssetCheckSeverity, **metadata: str | int | list[str]
) -> dg.AssetCheckResult:
    """The result of a further check of an asset."""
    return dg.AssetCheckResult(
        passed=passed,
        asset_key=asset,
        check_name=name,
        severity=severity,
        metadata=metadata | {"documentation": documentation()},
    )


def documentation(page: str = QUALITY_PAGE) -> dg.UrlMetadataValue:
    """The address of a page on the round or year that is being run, as the portal serves it to KL.

    Of what is neither, the page where they begin.
    """
    context = dg.OpExecutionContext.get()
    if not context.has_partition_key:
        return dg.MetadataValue.url(f"{settings.portal_url()}/kl")
    return dg.MetadataValue.url(f"{settings.portal_url()}/kl/dokumentation/{context.partition_key}/{page}")
