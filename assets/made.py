"""What Dagster knows of how tables were made: whether they follow from each other, and what to lay beside a release.

What belongs here: asking the event log. What does not: the document itself (`pipelines.release.provenance`).
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import dagster as dg
import polars as pl
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    INPUT_DATA_VERSION_TAG_PREFIX,
)

from assets.clock import now
from assets.resources import DataRoot, table_of_round_before
from pipelines import storage
from pipelines.documentation.table_pages import table_pages
from pipelines.reference.population import note_of
from pipelines.release import provenance
from schemas.errors import ReleaseError
from schemas.lineage import OF_ALL_YEARS
from schemas.rounds import Round
from schemas.years import find_period


def require_one_night(context: dg.AssetExecutionContext) -> None:
    """Stops a release of tables that do not follow from each other, as after some were materialised by themselves.

    Raises:
        ReleaseError: names the first table that was made of another state of what it follows from.
    """
    upstream = _upstream(context)
    tables = upstream.keys() - RELEASES  # the one before is of another night
    records = _records(context, sorted(tables), context.partition_key)
    for name, record in records.items():
        for parent in upstream[name]:
            used = record.tags.get(f"{INPUT_DATA_VERSION_TAG_PREFIX}/{parent}")
            if used is not None and parent in records and used not in _told_versions(records[parent].data_version):
                raise ReleaseError(
                    f"table {name} was made of another {parent} than the one there is now; materialise the whole round"
                )


def _told_versions(version: str) -> tuple[str, str]:
    """How a run notes the version of what it read: of an asset in partitions by its checksum."""
    return version, hashlib.sha256(version.encode()).hexdigest()


def _upstream(context: dg.AssetExecutionContext) -> dict[str, list[str]]:
    """By asset, the assets that it is made from."""
    graph = context.job_def.asset_layer.asset_graph
    return {node.key.path[-1]: sorted(key.path[-1] for key in node.parent_keys) for node in graph.asset_nodes}


# What tables are made for, and no table.
RELEASES = {"release", "management_release"}


def write_provenance(
    context: dg.AssetExecutionContext,
    data: DataRoot,
    manifest: Mapping[str, Any],
    delivery_log: pl.DataFrame,
    population: pl.DataFrame,
    *,
    is_new: bool,
) -> None:
    """Lays beside the release what made it, unless that is there, and draws the pages on its tables from that.

    Args:
        context: the release's.
        data: the data root.
        manifest: the release's.
        delivery_log: the deliveries that it follows from: of a round, or of all extracts.
        population: that the rates divide by.
        is_new: whether this run made the release.
    """
    round_ = find_period(manifest["round"])
    if not provenance.beside(storage.releases(data.path, round_.name) / manifest["id"]).exists():
        upstream = _upstream(context)
        night = provenance.Night(
            context.run.run_id, now(), _made(context, upstream, round_.name), upstream, made_the_release=is_new
        )
        document = provenance.provenance(
            manifest,
            night,
            delivery_log,
            note_of(population["population_quarter"][0], storage.reference(data.path)),
            round_,
            _round_before(context, data, round_.name) if isinstance(round_, Round) else None,
        )
        provenance.write(data.path, round_.name, document)
    folder = storage.documentation(data.path, round_.name)
    # From what is beside the release now: an unchanged night has made nothing, and its pages stay as they are.
    for path, content in table_pages(
        provenance.read(data.path, round_.name, manifest["id"]), round_.questionnaire
    ).items():
        storage.write_bytes(folder / path, content)


def _round_before(context: dg.AssetExecutionContext, data: DataRoot, round_name: str) -> provenance.RoundBefore | None:
    found = {
        name: table_of_round_before(data, name, round_name) for name in ("case_rates", "delivery_log", "population")
    }
    if any(table is None for table in found.values()):
        return None
    tables = {name: table[1] for name, table in found.items() if table is not None}
    before = next(table[0] for table in found.values() if table is not None)
    quarter = tables["population"]["population_quarter"][0]
    return provenance.RoundBefore(
        before,
        _made(context, tables, before),
        tables["delivery_log"],
        note_of(quarter, storage.reference(data.path)),
    )


class _Record(NamedTuple):
    """The newest materialisation of a table, as Dagster keeps it."""

    data_version: str
    run: str
    at: dt.datetime
    tags: Mapping[str, str]
    rows: int | None


def _records(context: dg.AssetExecutionContext, names: Iterable[str], round_name: str) -> dict[str, _Record]:
    """The newest materialisation of each table of a round or year; what was not made by a run is not in it.

    Tables of neither have one whatever the round.
    """
    found = {}
    for name in names:
        partition = None if name in OF_ALL_YEARS else round_name
        record = context.instance.get_latest_data_version_record(dg.AssetKey(name), partition_key=partition)
        materialization = record.asset_materialization if record is not None else None
        if record is None or materialization is None:
            continue
        tags, rows = materialization.tags or {}, materialization.metadata.get("dagster/row_count")
        found[name] = _Record(
            tags[DATA_VERSION_TAG],
            record.run_id,
            dt.datetime.fromtimestamp(record.timestamp, dt.UTC),
            tags,
            rows.value if isinstance(rows, dg.IntMetadataValue) else None,
        )
    return found


def _made(context: dg.AssetExecutionContext, names: Iterable[str], round_name: str) -> dict[str, provenance.Made]:
    """Which run made each table of a round as it is now."""
    return {
        name: provenance.Made(record.data_version, record.run, record.at, record.tags[CODE_VERSION_TAG], record.rows)
        for name, record in _records(context, names, round_name).items()
    }
