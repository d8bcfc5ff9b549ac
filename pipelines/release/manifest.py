"""The manifest of a release (`datapackage.json`, Data Package v2) and the check of a release against it.

Source: https://datapackage.org/standard/data-package/. The manifest holds no clock and no run, so that the same content
after the same release gives the same manifest. The release id follows from the content of the tables, what they are made
from and the release before; the stamps that the files carry (the id among them) are no part of it.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import polars as pl
from upath import UPath

from pipelines.release.basis import Basis, checksum, code_version, origin
from pipelines.release.contents import CORRECTION, SUMMARY, ReleaseFile
from pipelines.storage import files_below
from schemas.errors import ReleaseError
from schemas.fields import Field
from schemas.labels_da import TABLES_DA
from schemas.periods import Period
from schemas.tables import Table

NAME = "datapackage.json"
ID_CHARACTERS = 16
_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "html": "text/html",
    "svg": "image/svg+xml",
    "png": "image/png",
}
# Of the files that hold no table.
_TITLES = {
    CORRECTION: "Kommunens skema med fejlene markeret, til at rette og aflevere igen",
    SUMMARY: "Resumé af udgivelsen",
    "report.pdf": "Rapport, til at udskrive",
    "report.html": "Rapport, til at læse på skærmen",
    "alt_texts.csv": "Figurernes titler og beskrivelser for dem, der ikke ser dem",
}
_FIGURE = "Figur fra rapporten, til præsentationer"
_TYPES: dict[pl.DataType, dict[str, str]] = {
    pl.String(): {"type": "string"},
    pl.Int64(): {"type": "integer"},
    pl.Float64(): {"type": "number"},
    pl.Boolean(): {"type": "boolean"},
    pl.Date(): {"type": "date"},
    pl.Datetime("us", "UTC"): {"type": "datetime"},
    pl.List(pl.String()): {"type": "array"},
}


class Place(NamedTuple):
    """Where a release stands among those of its round: its number from 1, and the id of the one it followed."""

    number: int
    previous: str | None


def content_of(files: Iterable[ReleaseFile], basis: Basis) -> dict[str, Any]:
    """What a release says, whatever it followed: what it is made from and its tables, the stamps in its files left out.

    Args:
        files: its tables as parquet files, unstamped.
        basis: what they are made from.
    """
    return {
        "round": basis.round_.name,
        "source": basis.population_source,
        "participants": basis.participants,
        "figuresFrom": basis.figures_from,
        **{key: value for key, value in origin(basis).items() if key != "inputs"},
        "warnings": list(basis.warnings),
        "tables": {file.path: [file.sha256, file.table.version] for file in files if file.table is not None},
    }


def manifest(files: Iterable[ReleaseFile], content: dict[str, Any], basis: Basis, place: Place) -> dict[str, Any]:
    """The manifest of these files, its release id included.

    Args:
        files: every file of the release but the manifest.
        content: `content_of` its tables.
        basis: what they are made from.
        place: where the release stands among those of its round.
    """
    round_ = basis.round_
    return {
        "$schema": _PROFILE,
        "name": f"botilbudsbenchmark-{round_.name}",
        "title": title(round_),
        "description": _description(basis),
        "round": round_.name,
        "populationQuarterWanted": round_.population_quarter,
        **origin(basis),
        "inputsSha256": basis.inputs_sha256,
        "codeVersion": code_version(),
        "participants": basis.participants,
        "figuresFrom": basis.figures_from,
        "warnings": list(basis.warnings),
        "number": place.number,
        "previous": place.previous,
        "sources": [{"title": source} for source in sources(basis)],
        "contentSha256": checksum(content),
        "resources": [_resource(file, content) for file in sorted(files, key=lambda file: file.path)],
        "id": release_id(checksum(content), place.previous),
    }


def title(round_: Period) -> str:
    """What the releases of a round or year are called."""
    return round_.title_da


def sources(basis: Basis) -> tuple[str, ...]:
    """Where the figures come from, the population first."""
    return (basis.population_source, basis.round_.source_da)


def _description(basis: Basis) -> str:
    described = f"Rater pr. 1.000 18-66-årige, befolkning pr. {basis.population_quarter}."
    if basis.population_quarter != basis.round_.population_quarter:
        described = (
            f"Rater pr. 1.000 18-66-årige. Befolkningen for {basis.round_.population_quarter} kunne ikke hentes fra Danmarks "
            f"Statistik; befolkningen for {basis.population_quarter} er brugt i stedet."
        )
    if basis.figures_from is not None:
        described += (
            f" De fælles fordelinger er ikke opgjort på ny: tallene er fra udgivelse {basis.figures_from}, fordi forskellen "
            "til den ville røbe små tal."
        )
    return described


def release_id(content_sha256: str, previous: str | None) -> str:
    """The id that follows from what a release says and which one it followed."""
    return checksum([content_sha256, previous])[:ID_CHARACTERS]


def _content_of(document: dict[str, Any]) -> dict[str, Any]:
    """`content_of` as a manifest tells it."""
    return {
        "source": document["sources"][0]["title"],
        **{
            key: document[key]
            for key in ("round", "participants", "figuresFrom", "populationQuarter", "methodVersion", "settings")
        },
        "tables": {
            resource["path"]: [resource["contentSha256"], resource["schemaVersion"]]
            for resource in document["resources"]
            if "contentSha256" in resource
        },
        # Releases from before there was a quality gate tell of no warnings.
        **({"warnings": document["warnings"]} if "warnings" in document else {}),
    }


def _resource(file: ReleaseFile, content: dict[str, Any]) -> dict[str, Any]:
    extension = file.path.rpartition(".")[2]
    resource: dict[str, Any] = {
        "name": re.sub("[^a-z0-9]", "-", file.path),
        "path": file.path,
        "format": extension,
        "mediatype": _MEDIA_TYPES[extension],
        "bytes": len(file.content),
        "hash": f"sha256:{file.sha256}",
        "rows": file.rows,
    }
    if file.table is None:
        return resource | {"title": _TITLES.get(file.path.rpartition("/")[2], _FIGURE)}
    resource |= {"title": TABLES_DA[file.table.name].title, "description": file.table.description}
    if extension == "parquet":
        resource |= {"schemaVersion": file.table.version, "schema": table_schema(file.table)}
    if file.path in content["tables"]:
        resource["contentSha256"] = content["tables"][file.path][0]
    return resource


def table_schema(table: Table) -> dict[str, Any]:
    """A table's columns and key as the manifest tells them."""
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
    if (expected := _expected_id(document)) != document.get("id"):
        wrong.append(f"{NAME}: the id is {document.get('id')!r}, but the content gives {expected!r}")
    if release.name != document.get("id"):
        wrong.append(f"{NAME}: the folder is named {release.name!r}, but the id is {document.get('id')!r}")
    wrong += [f"{path}: is not in the manifest" for path in found if path not in listed and path != NAME]

    def of_file(path: str) -> list[str]:
        return file_differences(found[path].read_bytes(), listed[path]) if path in found else [f"{path}: is missing"]

    # Several at a time: an object store takes its while for each.
    with ThreadPoolExecutor() as pool:
        for differing in pool.map(of_file, listed):
            wrong += differing
    return wrong


def _expected_id(document: dict[str, Any]) -> str | None:
    try:
        return release_id(checksum(_content_of(document)), document["previous"])
    except (KeyError, TypeError, IndexError):
        return None


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


def file_differences(content: bytes, resource: dict[str, Any]) -> list[str]:
    """In what a file's bytes, checksum, rows and columns differ from the manifest's."""
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
