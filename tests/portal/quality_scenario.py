"""What the quality gate left in a data root: reports and warnings made by hand, without the gate."""

import datetime as dt

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.quality.acceptances import warning_id
from pipelines.release.manifest import NAME, to_bytes
from schemas import tables
from tests.portal import portal_scenario as scenario
from tests.scenario import ROUND

AT = dt.datetime(2026, 11, 22, 2, 5, tzinfo=dt.UTC)


def expectation(name: str, severity: str = "look", failing: tuple[str, ...] = (), about: str = "case_rates", **changes):
    """A row of the report; it is met where no key is failing."""
    warning = warning_id(ROUND.name, name, failing) if failing and severity == "look" else None
    return {
        "round": ROUND.name,
        "expectation": name,
        "about": about,
        "severity": severity,
        "expected_da": f"Forventning {name}.",
        "met": not failing,
        "rows_checked": 98,
        "rows_failing": len(failing),
        "failing_keys": list(failing),
        "action_da": f"Gør noget ved {name}." if failing else None,
        "warning_id": warning,
    } | changes


def report_of(root, *rows) -> pl.DataFrame:
    """Writes a report as the last night's."""
    columns = tables.QUALITY_REPORT.dtypes
    whole = [{name: row.get(name) for name in columns} | {"candidate_sha256": "c" * 64} for row in rows]
    report = pl.DataFrame(whole, schema=dict(columns))
    assert tables.failures(report, tables.QUALITY_REPORT) == {}
    folder = storage.warehouse(UPath(root)) / tables.QUALITY_REPORT.name
    storage.write_bytes(folder / f"{ROUND.name}.parquet", storage.parquet_bytes(report))
    return report


def warning(name: str, failing: tuple[str, ...], accepted: dict | None = None) -> dict:
    """A warning as a release's manifest tells of it."""
    return {
        "expectation": name,
        "about": "case_rates",
        "failingKeys": list(failing),
        "expected": f"Forventning {name}.",
        "warningId": warning_id(ROUND.name, name, failing),
        "accepted": accepted,
    }


def released_with(root, *warnings: dict) -> str:
    """The latest release, as if made with these warnings; its id."""
    release = scenario.latest(root)
    manifest = root / "releases" / ROUND.name / release / NAME
    manifest.write_bytes(to_bytes(scenario.manifest_of(root, release) | {"warnings": list(warnings)}))
    return release
