"""What made a release: the tables with their data versions and runs, the deliveries, the population and the code.

One JSON file beside each release (`releases/<round>/<release id>.provenance.json`), so that the answer outlives the run
history. It names runs and times, which a release itself must not. What belongs here: the document, and writing and reading
it. What does not: following one value back through it (`trace`), and asking who ran what (the caller's).
"""

import contextlib
import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.release.contents import SHARED
from schemas import lineage, management_tables, tables
from schemas.errors import ReleaseError
from schemas.extracts import load_form
from schemas.periods import Period

# The tables of a release that are protected: the asset that makes the shared one has a name of its own.
PROTECTED = {
    table.name: f"shared_{table.name}"
    for table in (
        *(tables.TARGET_GROUPS, tables.PROVIDER_TYPES, tables.QUESTION_ANSWERS, tables.KEY_FINDINGS),
        management_tables.SERVICE_AREA_BENCHMARKS,
    )
}


class Made(NamedTuple):
    """Which run made a table, and what it made.

    Attributes:
        data_version: of a table the HMAC-SHA-256 of its parquet file by the data root's secret: equal ones are equal tables,
            and a small count cannot be guessed from it. Of a source what its asset gave.
        run: the run's id.
        at: when (UTC).
        code_version: that of the asset.
        rows: how many rows it has; None where nobody said.
    """

    data_version: str
    run: str
    at: dt.datetime
    code_version: str
    rows: int | None = None


class Night(NamedTuple):
    """The run that gathers what made a release.

    Attributes:
        run: its id.
        at: when it gathered it (UTC).
        made: the tables and sources that the release follows from, by asset; what is neither is left out.
        upstream: by asset, the assets that it is made from; of sources too.
        made_the_release: whether it is the run that made the release. A later one, where that one was cut off, knows the
            tables only as they are now.
    """

    run: str
    at: dt.datetime
    made: Mapping[str, Made]
    upstream: Mapping[str, Iterable[str]]
    made_the_release: bool


class RoundBefore(NamedTuple):
    """The round before, as the changes between rounds were computed from it.

    Attributes:
        name: the round.
        made: its tables, by asset; `case_rates` at least.
        delivery_log: its deliveries.
        population_note: as `population.note_of` tells of its quarter.
    """

    name: str
    made: Mapping[str, Made]
    delivery_log: pl.DataFrame
    population_note: Mapping[str, Any]


def provenance(
    manifest: Mapping[str, Any],
    night: Night,
    delivery_log: pl.DataFrame,
    population_note: Mapping[str, Any],
    round_: Period,
    before: RoundBefore | None,
) -> dict[str, Any]:
    """What made a release, as a document of plain lists, mappings, texts and numbers.

    Args:
        manifest: the release's.
        night: the run that made it, or a later one.
        delivery_log: the round's deliveries.
        population_note: as `population.note_of` tells of the quarter that the rates divide by.
        round_: the survey round.
        before: the round before; None without one.

    Raises:
        TableError: a table of the release is unknown to the lineage.
    """
    files = {
        resource["path"]: asset_of(resource["path"])
        for resource in manifest["resources"]
        if resource["format"] == "parquet" and asset_of(resource["path"]) != tables.CHANGES.name
    }
    known = {*lineage.sources_of(round_.questionnaire), *lineage.tables_with_lineage(round_.questionnaire)}
    return {
        "release": manifest["id"],
        "round": round_.name,
        "codeVersion": manifest["codeVersion"],
        "methodVersion": manifest["methodVersion"],
        "run": night.run,
        "madeAt": night.at.isoformat(),
        "reconstructed": not night.made_the_release,
        "tables": {
            asset: _made(asset, made, round_.name) | {"upstream": sorted(night.upstream.get(asset, ()))}
            for asset, made in sorted(night.made.items())
            if asset in known
        },
        "deliveries": _deliveries(delivery_log, round_.name),
        "population": dict(population_note),
        "roundBefore": None
        if before is None
        else {
            "round": before.name,
            "tables": {asset: _made(asset, made, before.name) for asset, made in sorted(before.made.items())},
            "deliveries": _deliveries(before.delivery_log, before.name),
            "population": dict(before.population_note),
        },
        "files": dict(sorted(files.items())),
        "columns": _columns(files.values(), round_.questionnaire),
    }


def asset_of(path: str) -> str:
    """The asset whose rows a parquet file of a release holds, by its path within the release.

    A municipality's own breakdown holds the country's rows of the shared table besides.
    """
    folder, _, name = path.rpartition("/")
    table = name.removesuffix(".parquet")
    return PROTECTED.get(table, table) if folder == SHARED else table


def _made(asset: str, made: Made, round_name: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "dataVersion": made.data_version,
        "run": made.run,
        "madeAt": made.at.isoformat(),
        "codeVersion": made.code_version,
    }
    if asset not in (*lineage.SOURCES, *lineage.YEAR_SOURCES):
        name = storage.ALL if asset in lineage.OF_ALL_YEARS else round_name
        told["file"] = f"warehouse/{asset}/{name}.parquet"
    return told if made.rows is None else told | {"rows": made.rows}


def _deliveries(delivery_log: pl.DataFrame, round_name: str) -> list[dict[str, Any]]:
    """The files of a round's inbox, in the log's order; without their names, which a sender may have put anything into.

    Of a year those of every extract.
    """
    columns = ("inbox", "municipality_code", "received_at", "sha256", "status")
    inbox = pl.col("extract") if "extract" in delivery_log.columns else pl.lit(round_name)
    ordered = delivery_log.with_columns(inbox=inbox).sort("inbox", "delivery")
    return [
        {
            "municipalityCode": code,
            "folder": f"inbox/{inbox}/{code}",
            "receivedAt": received_at.isoformat(),
            "sha256": sha256,
            "status": status,
        }
        for inbox, code, received_at, sha256, status in ordered.select(columns).iter_rows()
    ]


def _columns(assets: Iterable[str], questionnaire: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The columns of tables, and of all that they follow from, with label, formula, function and sources."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    known = lineage.tables_with_lineage(questionnaire)
    wanted = {*assets, *(asset for asset in PROTECTED.values() if asset in known)}
    while wanted:
        asset = wanted.pop()
        labels = _labels(asset, questionnaire)
        origins = lineage.origins(asset, questionnaire)
        found[asset] = {
            column: {
                "label": labels.get(column, column),
                "formula": origin.formula_da,
                "function": origin.function,
                "sources": [list(source) for source in origin.sources],
            }
            for column, origin in origins.items()
        }
        wanted |= {table for origin in origins.values() for table, _ in origin.sources} - found.keys()
    return dict(sorted(found.items()))


def _labels(asset: str, questionnaire: str) -> dict[str, str]:
    """The Danish label of each column of an asset's table; of the inbox what the form asks."""
    table = lineage.tables_with_lineage(questionnaire).get(asset)
    if table is None:
        return {question.key: question.text_da for question in load_form(questionnaire).questions}
    return {field.name: field.label_da for field in table.fields}


def write(root: UPath, round_name: str, document: Mapping[str, Any]) -> None:
    """Writes the document beside its release. One that is there already stays: it is nearest to what made the release.

    Raises:
        StorageError: an object store refused it.
        OSError: this machine did.
    """
    content = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    with contextlib.suppress(FileExistsError):
        storage.write_once(beside(storage.releases(root, round_name) / document["release"]), content.encode())


def read(root: UPath, round_name: str, release: str) -> dict[str, Any]:
    """The document of a release.

    Raises:
        ReleaseError: there is none, or it cannot be read.
    """
    path = beside(storage.releases(root, round_name) / release)
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise ReleaseError(
            f"release {release} has no {path.name}: it was made before releases said what made them, or the file was not "
            "copied with it"
        ) from None
    except (ValueError, TypeError):
        raise ReleaseError(f"{path}: is not valid JSON; restore it from a backup") from None


def beside(release: UPath) -> UPath:
    """Where the document of a release lies, given the release's folder."""
    return release.parent / f"{release.name}.provenance.json"
