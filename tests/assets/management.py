"""Running the extracts and a year of management information in-process on a data root of a test's own."""

from pathlib import Path

import dagster as dg
import polars as pl

from pipelines.demo.extracts import extracts, reference_tables
from tests.assets.graph import definitions

YEAR = "2022"


def hand_in_extracts(root: Path) -> None:
    """The demonstration extracts with the reference tables of their years; all made up."""
    for file in extracts():
        folder = root / "inbox" / file.extract / file.municipality_code
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_bytes(file.content)
    (root / "reference").mkdir(exist_ok=True)
    for name, content in reference_tables().items():
        (root / "reference" / name).write_bytes(content)


def hand_in_grants(root: Path, code: str, rows: list[str]) -> None:
    """An extract of grants of a municipality, as lines of CSV in the order of the form, without own payment."""
    folder = root / "inbox" / "grants" / code
    folder.mkdir(parents=True)
    header = "citizen_id;birth_year;service_area;provider;start_date;end_date;price_dkk;price_unit;initiative"
    (folder / "20250228T100000Z__opdigtet.csv").write_text("\n".join([header, *rows]), encoding="utf-8")


def run(root: Path, instance: dg.DagsterInstance, year: str = YEAR) -> dg.ExecuteInProcessResult:
    """The extracts, and then a year."""
    read = (
        definitions(root)
        .resolve_job_def("nightly_extracts")
        .execute_in_process(instance=instance, raise_on_error=False)
    )
    assert read.success
    return run_year(root, instance, year)


def run_year(root: Path, instance: dg.DagsterInstance, year: str = YEAR) -> dg.ExecuteInProcessResult:
    """A year of the extracts that were read last."""
    job = definitions(root).resolve_job_def("management_information")
    return job.execute_in_process(partition_key=year, instance=instance, raise_on_error=False)


def table(root: Path, name: str, year: str = YEAR) -> pl.DataFrame:
    return pl.read_parquet(root / "warehouse" / name / f"{year}.parquet")
