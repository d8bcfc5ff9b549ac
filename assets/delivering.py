"""What every asset of a table has: attributes for the catalogue, checks, and errors that hold no value.

An asset is a generator: it takes frames, calls one pipeline function, and yields `checked` frames.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec

import dagster as dg
import polars as pl

from assets.partitions import rounds
from assets.untold import values_untold
from schemas.errors import TableError
from schemas.tables import Table, failures

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
OWNERS = ["team:kl"]
CODE_VERSION = "1"
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
        "tags": {"data": "cases" if group in ("deliveries", "responses") else "figures"},
        "code_version": CODE_VERSION,
        "metadata": {"dagster/column_schema": column_schema(table)},
    }


def column_schema(table: Table) -> dg.TableSchema:
    """The columns with type, unit, Danish label and constraints."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=field.name,
                type=str(field.dtype),
                description=f"{field.label_da}. {field.description}" + (f" ({field.unit})" if field.unit else ""),
                constraints=dg.TableColumnConstraints(
                    nullable=field.name in table.nullable, other=list(field.constraints)
                ),
            )
            for field in table.fields
        ]
    )


def table_asset(table: Table, group: str, **options: Any) -> Callable[[Callable[..., Events]], dg.AssetsDefinition]:  # noqa: ANN401
    """`dg.asset` for one partitioned table with its schema check; further `check_specs` may be given."""
    checks = [dg.AssetCheckSpec(SCHEMA_CHECK, asset=table.name, blocking=True), *options.pop("check_specs", [])]

    def decorate(asset: Callable[..., Events]) -> dg.AssetsDefinition:
        make = dg.asset(
            name=table.name,
            partitions_def=rounds,
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
        make = dg.multi_asset(name=name, outs=outs, partitions_def=rounds, check_specs=checks, **options)
        made: dg.AssetsDefinition = make(without_values(asset))
        return made

    return decorate


def checked(*made: tuple[pl.DataFrame, Table]) -> Events:
    """The checks of tables against their schemas, then the tables; where one is broken, none of them is written.

    Raises:
        TableError: a table breaks its schema; counts per column and check.
    """
    broken = {table.name: failures(frame, table) for frame, table in made}
    for frame, table in made:
        yield dg.AssetCheckResult(
            passed=not broken[table.name],
            asset_key=table.name,
            check_name=SCHEMA_CHECK,
            metadata={"rows": frame.height, **broken[table.name]},
        )
    if any(broken.values()):
        told = "; ".join(f"table {name}: {counts}" for name, counts in broken.items() if counts)
        raise TableError(f"tables break their schemas: {told}")
    for frame, table in made:
        yield dg.MaterializeResult(asset_key=table.name, value=frame, metadata={"dagster/row_count": frame.height})


def check(
    asset: str, name: str, *, passed: bool, severity: dg.AssetCheckSeverity, **metadata: str | int | list[str]
) -> dg.AssetCheckResult:
    """The result of a further check of an asset."""
    return dg.AssetCheckResult(passed=passed, asset_key=asset, check_name=name, severity=severity, metadata=metadata)
