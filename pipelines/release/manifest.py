"""The manifest of a release (`datapackage.json`, Data Package v2) and the check of a release against it.

Source: https://datapackage.org/standard/data-package/. The manifest holds no clock and no run, so that the same content
gives the same manifest; the release id is the checksum of the manifest without the id.
"""

import hashlib
import io
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
from upath import UPath

from pipelines.release.contents import ReleaseFile
from pipelines.storage import files_below
from schemas.errors import ReleaseError
from schemas.fields import Field
from schemas.rounds import Round
from schemas.tables import Table

NAME = "datapackage.json"
ID_CHARACTERS = 16
_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_TYPES: dict[pl.DataType, dict[str, str]] = {
    pl.String(): {"type": "string"},
    pl.Int64(): {"type": "integer"},
    pl.Float64(): {"type": "number"},
    pl.Boolean(): {"type": "boolean"},
    pl.Datetime("us", "UTC"): {"type": "datetime"},
    pl.List(pl.String()): {"type": "list", "itemType": "string"},
}


def manifest(
    files: Iterable[ReleaseFile], round_: Round, population_quarter: str, source: str, figures_from: str | None = None
) -> dict[str, Any]:
    """The manifest of these files, its release id included.

    Args:
        files: every file of the release but the manifest.
        round_: the survey round.
        population_quarter: the quarter whose population the rates divide by.
        source: where the population comes from.
        figures_from: the release that made the shared breakdowns, where it is an earlier one.
    """
    document: dict[str, Any] = {
        "$schema": _PROFILE,
        "name": f"botilbudsbenchmark-{round_.name}",
        "title": f"Botilbudsbenchmark, opgjort pr. {round_.snapshot_date:%d-%m-%Y}",
        "description": _description(round_, population_quarter, figures_from),
        "round": round_.name,
        "populationQuarter": population_quarter,
        "populationQuarterWanted": round_.population_quarter,
        "sources": [{"title": source}, {"title": "Kommunernes screening af særligt dyre enkeltsager"}],
        "resources": [_resource(file) for file in sorted(files, key=lambda file: file.path)],
    }
    return document | {"id": release_id(document)}


def _description(round_: Round, population_quarter: str, figures_from: str | None) -> str:
    described = f"Rater pr. 1.000 18-66-årige, befolkning pr. {population_quarter}."
    if population_quarter != round_.population_quarter:
        described = (
            f"Rater pr. 1.000 18-66-årige. Befolkningen for {round_.population_quarter} kunne ikke hentes fra Danmarks "
            f"Statistik; befolkningen for {population_quarter} er brugt i stedet."
        )
    if figures_from is not None:
        described += (
            f" De fælles fordelinger er ikke opgjort på ny: tallene er fra udgivelse {figures_from}, fordi forskellen til "
            "den ville røbe små tal."
        )
    return described


def release_id(document: dict[str, Any]) -> str:
    """The id that follows from a manifest's content."""
    content = {key: value for key, value in document.items() if key != "id"}
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:ID_CHARACTERS]


def _resource(file: ReleaseFile) -> dict[str, Any]:
    extension = file.path.rpartition(".")[2]
    resource: dict[str, Any] = {
        "name": file.path.rpartition(".")[0].replace("/", "-"),
        "path": file.path,
        "format": extension,
        "mediatype": _MEDIA_TYPES[extension],
        "bytes": len(file.content),
        "hash": f"sha256:{file.sha256}",
        "rows": file.rows,
    }
    if file.table is not None:
        resource["description"] = file.table.description
        resource["schema"] = _schema(file.table)
    return resource


def _schema(table: Table) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": [_field(field) for field in table.fields]}
    if not table.nullable & set(table.key):
        schema["primaryKey"] = list(table.key)
    return schema


def _field(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {"name": field.name, "title": field.label_da, "description": field.description}
    if isinstance(field.dtype, pl.Enum):
        described |= {"type": "string", "constraints": {"enum": field.dtype.categories.to_list()}}
    else:
        described |= _TYPES[field.dtype]
    return described | ({"unit": field.unit} if field.unit else {})


def to_bytes(document: dict[str, Any]) -> bytes:
    """The manifest as it is written."""
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def differences(release: UPath) -> list[str]:
    """Every way in which a release folder does not agree with its manifest; empty where it does.

    Checks the id, the file list, and of every file the bytes, the checksum, the rows and the columns.

    Raises:
        ReleaseError: there is no readable manifest.
    """
    document = _read(release)
    found = files_below(release)
    listed = {resource["path"]: resource for resource in document["resources"]}
    wrong = []
    if document.get("id") != release_id(document):
        wrong.append(f"{NAME}: the id is {document.get('id')!r}, but the content gives {release_id(document)!r}")
    if release.name != document.get("id"):
        wrong.append(f"{NAME}: the folder is named {release.name!r}, but the id is {document.get('id')!r}")
    wrong += [f"{path}: is not in the manifest" for path in found if path not in listed and path != NAME]

    def of_file(path: str) -> list[str]:
        return _file_differences(found[path].read_bytes(), listed[path]) if path in found else [f"{path}: is missing"]

    # Several at a time: an object store takes its while for each.
    with ThreadPoolExecutor() as pool:
        for differing in pool.map(of_file, listed):
            wrong += differing
    return wrong


def changed_release(release: str, difference: str) -> ReleaseError:
    """What is told of a release that is not as it was made."""
    return ReleaseError(
        f"release {release} was changed after it was made ({difference}); restore it from a backup, or move the folder away "
        "so that it is made anew"
    )


def _read(release: UPath) -> dict[str, Any]:
    try:
        document = json.loads((release / NAME).read_bytes())
    except FileNotFoundError:
        raise ReleaseError(f"{release}: holds no {NAME}, so it is no release") from None
    except ValueError:
        raise ReleaseError(f"{release / NAME}: is not valid JSON") from None
    resources = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(resources, list) or not all(isinstance(r, dict) and "path" in r for r in resources):
        raise ReleaseError(f"{release / NAME}: lists no resources")
    return dict(document)


def _file_differences(content: bytes, resource: dict[str, Any]) -> list[str]:
    path = resource["path"]
    if len(content) != resource.get("bytes"):
        return [f"{path}: holds {len(content)} bytes, the manifest says {resource.get('bytes')}"]
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != resource.get("hash"):
        return [f"{path}: the checksum differs from the manifest's"]
    if resource.get("format") != "parquet":
        return []
    import pyarrow.parquet as pq  # noqa: PLC0415 - only a check needs it, and it takes long to import

    file = pq.ParquetFile(io.BytesIO(content))
    wrong = []
    if file.metadata.num_rows != resource.get("rows"):
        wrong.append(f"{path}: holds {file.metadata.num_rows} rows, the manifest says {resource.get('rows')}")
    columns = [field["name"] for field in resource["schema"]["fields"]]
    if file.schema_arrow.names != columns:
        wrong.append(f"{path}: its columns differ from the manifest's")
    return wrong
