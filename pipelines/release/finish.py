"""From a release's tables to its files: each as parquet, workbook and CSV, stamped with where it comes from.

A release's id follows from its tables before they are stamped (`manifest.content_of`), so the id can stand in them.
"""

import io
from collections.abc import Iterable, Iterator
from functools import cache

import polars as pl

from pipelines.reference.municipalities import municipalities
from pipelines.release.basis import METHOD_VERSION, Basis, code_version
from pipelines.release.contents import ReleaseFile
from pipelines.release.export import About, table_csv, table_workbook
from pipelines.release.manifest import sources, title
from schemas.fields import Field
from schemas.labels_da import UNITS_DA
from schemas.tables import Table


def finished(files: Iterable[ReleaseFile], basis: Basis, release: str) -> Iterator[ReleaseFile]:
    """The files of tables, three for each.

    Args:
        files: the tables as parquet files, unstamped.
        basis: what they are made from.
        release: the release's id.
    """
    for file in files:
        if file.table is None:
            yield file
            continue
        frame = pl.read_parquet(io.BytesIO(file.content))
        stem = file.path.removesuffix(".parquet")
        about = _about(file, basis, release)
        yield file._replace(content=_stamped(file.content, file.table, basis, release))
        yield file._replace(path=f"{stem}.xlsx", content=table_workbook(file.table, frame, about))
        yield file._replace(path=f"{stem}.csv", content=table_csv(frame, file.table))


def _about(file: ReleaseFile, basis: Basis, release: str) -> About:
    code = file.path.split("/")[1] if file.path.startswith("municipalities/") else None
    return About(
        title_da=title(basis.round_),
        release=release,
        round_=basis.round_,
        path=file.path.removesuffix(".parquet") + ".xlsx",
        population_quarter=basis.population_quarter,
        sources=sources(basis),
        schema_version=str(file.table.version) if file.table else "",
        method_version=METHOD_VERSION,
        figures_from=basis.figures_from,
        municipality_code=code,
        municipality_name=_names()[code] if code else None,
    )


@cache
def _names() -> dict[str, str]:
    return dict(municipalities().select("municipality_code", "municipality_name").iter_rows())


def _described(field: Field) -> str:
    return field.label_da + (f" ({UNITS_DA[field.unit]})" if field.unit else "")


def _stamped(content: bytes, table: Table, basis: Basis, release: str) -> bytes:
    """A parquet file with its release, versions and inputs as metadata, and a Danish description of every column."""
    import pyarrow as pa  # noqa: PLC0415 - only a new release needs it, and it takes long to import
    import pyarrow.parquet as pq  # noqa: PLC0415

    read = pq.read_table(io.BytesIO(content))
    stamps = {
        "release": release,
        "round": basis.round_.name,
        "schema_version": str(table.version),
        "method_version": METHOD_VERSION,
        "code_version": code_version(),
        "deliveries_sha256": basis.deliveries_sha256,
        "population_sha256": basis.population_sha256,
        "population_quarter": basis.population_quarter,
    }
    fields = [
        of_file.with_metadata((of_file.metadata or {}) | {b"description": _described(field).encode()})
        for of_file, field in zip(read.schema, table.fields, strict=True)
    ]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(read.columns, schema=pa.schema(fields, metadata=stamps)), buffer)
    return buffer.getvalue()
