"""Warnings that a consultant accepted: `accepted_warnings/<round>/<warning id>.json`, each written once.

A warning's id follows from the expectation and the rows that do not meet it, with all their numbers: an acceptance holds
for what was looked at. Another municipality, another answer or another number makes another warning.
"""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.ingest.text import in_one_line, is_written, printable
from pipelines.release.basis import checksum
from schemas.errors import QualityError

_ID_CHARACTERS = 12


class Acceptance(NamedTuple):
    """Who accepted a warning, why and when (UTC)."""

    by: str
    reason: str
    at: dt.datetime


def warning_id(round_name: str, expectation: str, failing: Iterable[Sequence[Any]]) -> str:
    """The id of a warning: what a consultant accepts.

    Args:
        round_name: the round.
        expectation: the code of the expectation.
        failing: the rows that do not meet it, in an order of their own.
    """
    return checksum([round_name, expectation, [list(row) for row in failing]])[:_ID_CHARACTERS]


def is_open() -> pl.Expr:
    """Whether a row of a quality report is a warning that nobody accepted."""
    return is_warning() & pl.col("accepted_by").is_null()


def is_warning() -> pl.Expr:
    """Whether a row of a quality report is a warning, accepted or not."""
    return (pl.col("severity") == "look") & ~pl.col("met")


def is_stopping() -> pl.Expr:
    """Whether a row of a quality report stops the release."""
    return (pl.col("severity") == "stop") & ~pl.col("met")


def told_warnings(report: pl.DataFrame) -> list[dict[str, Any]]:
    """The warnings of a quality report as a release's manifest tells them, in the report's order."""
    warnings = report.filter(is_warning())
    return [
        {
            "expectation": row["expectation"],
            "about": row["about"],
            "expected": row["expected_da"],
            "failingKeys": row["failing_keys"],
            "warningId": row["warning_id"],
            "accepted": None
            if row["accepted_by"] is None
            else {
                "by": row["accepted_by"],
                "reason": row["accepted_reason"],
                "at": row["accepted_at"].isoformat(),
            },
        }
        for row in warnings.iter_rows(named=True)
    ]


def acceptances(root: UPath, round_name: str) -> dict[str, Acceptance]:
    """What was accepted in a round, by warning id."""
    found = storage.files_below(storage.accepted_warnings(root, round_name))
    return {
        name.removesuffix(".json"): _acceptance(path) for name, path in sorted(found.items()) if name.endswith(".json")
    }


def _acceptance(path: UPath) -> Acceptance:
    try:
        content = json.loads(path.read_bytes())
        return Acceptance(content["by"], content["reason"], dt.datetime.fromisoformat(content["at"]))
    except (ValueError, KeyError, TypeError):
        raise QualityError(
            f"{path}: is no acceptance that this program wrote; restore it from a backup or remove it"
        ) from None


def accept(root: UPath, report: pl.DataFrame, warning: str, acceptance: Acceptance) -> None:
    """Accepts a warning of a round's quality report.

    Args:
        root: the data root.
        report: the round's `quality_report`, as last materialised.
        warning: the warning's id.
        acceptance: who, why and when.

    Raises:
        QualityError: the report has no such warning, it was accepted already, or name or reason is missing.
    """
    warnings = report.filter(is_warning())
    if warning not in warnings["warning_id"]:
        raise QualityError(f"the quality report has no warning {printable(warning)!r}")
    if not is_written(acceptance.by) or not is_written(acceptance.reason):
        raise QualityError("accepting a warning needs the name of who accepts and a reason")
    content = {
        "by": in_one_line(acceptance.by),
        "reason": in_one_line(acceptance.reason),
        "at": acceptance.at.isoformat(),
    }
    path = storage.accepted_warnings(root, report["round"][0]) / f"{warning}.json"
    try:
        storage.write_once(path, (json.dumps(content, ensure_ascii=False) + "\n").encode())
    except FileExistsError:
        raise QualityError(f"warning {warning} was accepted already") from None
