"""The pages that say what the quality gate found: `quality/index.html`, and a page per table.

What belongs here: words and order. What does not: what is expected of a table (`pipelines.quality`).
"""

from typing import Any

import polars as pl

from pipelines.documentation.rendering import date_da, render, time_da
from pipelines.ingest.limits import danish
from schemas.fields import SEVERITIES
from schemas.labels_da import VALUES_DA, table_title
from schemas.rounds import Round

_STOP = SEVERITIES[0]


def quality_pages(report: pl.DataFrame, round_: Round) -> dict[str, bytes]:
    """The pages by path below the round's documentation; what is not met stands first.

    Args:
        report: the round's `quality_report`.
        round_: the survey round.
    """
    ordered = report.with_row_index("_row").sort(
        "met", pl.col("severity") != _STOP, pl.col("accepted_by").is_not_null(), "_row"
    )
    rows = [_row(row) for row in ordered.iter_rows(named=True)]
    tables = sorted({row["about"] for row in rows})
    of = {about: [row for row in rows if row["about"] == about] for about in tables}
    day = date_da(round_.snapshot_date)
    footer = f"Botilbudsbenchmark, kvalitetskontrol af runden {day}. Siden kan åbnes uden netforbindelse."
    entrance = render(
        "quality.html",
        up="../",
        footer=footer,
        title="Kvalitetskontrol",
        lead=f"Om tallene i runden {day} er, som det kan forventes, før de udgives.",
        summary=_summary(rows),
        tables=[{"about": about, "title": table_title(about), "told": _told(of[about])} for about in tables],
        rows=rows,
    )
    return {"quality/index.html": entrance} | {
        f"quality/{about}.html": render(
            "quality.html",
            up="../",
            footer=footer,
            title=f"Kvalitetskontrol: {table_title(about)}",
            lead=f"Om tallene i tabellen {about} i runden {day} er, som det kan forventes.",
            summary=_summary(of[about]),
            tables=[],
            rows=of[about],
        )
        for about in tables
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    is_accepted = row["accepted_by"] is not None
    severity = VALUES_DA[SEVERITIES][row["severity"]]
    outcome, look = "Opfyldt", "met"
    if not row["met"]:
        outcome, look = ("Stopper", "stop") if row["severity"] == _STOP else ("Skal ses på", "look")
        if is_accepted:
            outcome, look = "Godkendt", "accepted"
    return {
        "expectation": row["expectation"],
        "expected": row["expected_da"],
        "outcome": outcome,
        "look": look,
        "severity": f"Hvis ikke: {severity}" if row["met"] else severity.capitalize(),
        "about": row["about"],
        "title": table_title(row["about"]),
        "checked": danish(row["rows_checked"]),
        "failing": danish(row["rows_failing"]),
        "where": row["failing_keys"],
        "action": row["action_da"],
        "accepted": {
            "by": row["accepted_by"],
            "at": time_da(row["accepted_at"]),
            "reason": row["accepted_reason"],
        }
        if is_accepted
        else None,
    }


def _summary(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    counts = {
        "Forventninger": len(rows),
        "Opfyldt": _number(rows, "met"),
        "Ikke opfyldt, stopper udgivelsen": _number(rows, "stop"),
        "Ikke opfyldt, skal ses på af en konsulent": _number(rows, "look"),
        "Ikke opfyldt, godkendt af en konsulent": _number(rows, "accepted"),
    }
    return [(name, danish(count)) for name, count in counts.items()]


def _told(rows: list[dict[str, Any]]) -> str:
    return f"{danish(_number(rows, 'met'))} af {danish(len(rows))} opfyldt"


def _number(rows: list[dict[str, Any]], look: str) -> int:
    return sum(row["look"] == look for row in rows)
