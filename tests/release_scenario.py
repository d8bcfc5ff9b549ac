"""Made-up releases of three municipalities, without the graph: tables filled by hand, everything else a constant."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from upath import UPath

from pipelines.reference.municipalities import municipalities
from pipelines.release.basis import Basis
from pipelines.release.contents import ReleaseFile
from pipelines.release.publish import Outcome, publish
from pipelines.storage import parquet_bytes
from schemas import tables
from schemas.tables import Table
from tests.scenario import ROUND

RESIDENTS = {"101": 1_000, "147": 2_000, "151": 500}
CORRECTION = "municipalities/101/correction.xlsx"


def filled(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a table; what is not given is null where it may be, else a constant."""
    constants = {pl.String(): "x", pl.Int64(): 7, pl.Float64(): 1.5, pl.Boolean(): True}

    def value(field: Any) -> Any:
        if field.name in table.nullable:
            return None
        return field.values[0] if field.values else constants.get(field.dtype)

    whole = [{field.name: row.get(field.name, value(field)) for field in table.fields} for row in rows]
    return pl.DataFrame(whole, schema=dict(table.dtypes), orient="row")


def rates(cases: dict[str, int], residents: dict[str, int] = RESIDENTS) -> pl.DataFrame:
    """`case_rates` of these municipalities; the rank is by cases alone."""
    order = sorted(cases, key=lambda code: -cases[code])
    names = {row["municipality_code"]: row for row in municipalities().iter_rows(named=True)}
    return filled(
        tables.CASE_RATES,
        [
            names[code]
            | {
                "round": ROUND.name,
                "population_18_66": residents[code],
                "population_quarter": ROUND.population_quarter,
                "cases": number,
                "rate_per_1000": number / residents[code] * 1_000,
                "rank": order.index(code) + 1,
            }
            for code, number in cases.items()
        ],
    )


def warning(accepted_by: str | None = None) -> dict[str, Any]:
    """A warning of the quality gate, accepted by somebody or by nobody, as manifests tell it."""
    at = "2023-01-02T08:00:00+00:00"
    return {
        "expectation": "population_is_of_the_round",
        "about": "population",
        "expected": "Befolkningen er fra rundens kvartal.",
        "failingKeys": ["population"],
        "warningId": "0123456789ab",
        "accepted": {"by": accepted_by, "reason": "Kvartalet er ikke ude.", "at": at} if accepted_by else None,
    }


def basis(
    cases: dict[str, int],
    *,
    quarter: str = ROUND.population_quarter,
    files: str = "first",
    warnings: Sequence[dict[str, Any]] = (),
) -> Basis:
    """What a release of these cases is made from; each municipality has one file, named by `files` and its cases."""
    return Basis(
        round_=ROUND,
        population_quarter=quarter,
        population_source="Danmarks Statistik, FOLK1A",
        population={code: RESIDENTS[code] for code in cases},
        deliveries={
            ROUND.name: {
                code: {"current": f"{files} {number}", "files": ["first", f"{files} {number}"]}
                for code, number in cases.items()
            }
        },
        figures_from=None,
        warnings=warnings,
    )


def content(cases: dict[str, int]) -> list[ReleaseFile]:
    """The tables of a release of these cases."""
    frame = rates(cases)
    return [ReleaseFile("shared/case_rates.parquet", parquet_bytes(frame), tables.CASE_RATES, frame.height)]


def no_others(_: str, __: pl.DataFrame | None) -> list[ReleaseFile]:
    return []


def released(root: Any, cases: dict[str, int], **options: Any) -> Outcome:
    """The release of these cases, published below a data root."""
    corrections = [ReleaseFile(CORRECTION, b"a workbook", None, 1)]
    return publish(UPath(root), content(cases), lambda _, __: corrections, basis(cases, **options))
