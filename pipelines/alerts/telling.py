"""What is still to be told of a round, and what was (`alerts/<round>.json`): a warning and a lateness are told once."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.alerts import messages
from pipelines.alerts.channels import Channels
from pipelines.alerts.sending import send
from pipelines.heartbeat import Late
from pipelines.quality.acceptances import acceptances
from pipelines.release.life import current_release
from schemas.rounds import Round
from schemas.tables import QUALITY_REPORT

FOLDER = "alerts"
_NEVER = "never"


class _Told(NamedTuple):
    """What was told of a round: the ids of warnings, and the last good night (or none) that it was said to be late since."""

    warnings: list[str]
    late_since: str | None


def tell_of_night(
    root: UPath, round_: Round, failures: Sequence[str], channels: Channels, at: dt.datetime
) -> list[str]:
    """Tells what a night has to tell: that it failed, or else the warnings that were not told before.

    Args:
        root: the data root.
        round_: the round that was run.
        failures: one line per failed step; empty after a good night.
        channels: where to.
        at: now (UTC).

    Returns:
        One line per channel that failed. What got through by none is tried again the next night.
    """
    if failures:
        message = messages.failure(round_, failures, current_release(root, round_.name), channels.portal, at)
        return send(message, channels)[1]
    told = _told(root, round_.name)
    new = _open_warnings(root, round_.name).filter(~pl.col("warning_id").is_in(told.warnings))
    if new.is_empty():
        return []
    sent, faults = send(messages.warnings(round_, new, channels.portal, at), channels)
    if sent:
        _note(root, round_.name, told._replace(warnings=sorted({*told.warnings, *new["warning_id"]})))
    return faults


def tell_of_lateness(root: UPath, late: Late, channels: Channels, at: dt.datetime) -> list[str]:
    """Tells that a round is late, once per last good night.

    Returns:
        As `tell_of_night`.
    """
    since = late.last.at.isoformat() if late.last else _NEVER
    told = _told(root, late.round_.name)
    if told.late_since == since:
        return []
    sent, faults = send(messages.lateness(late, channels.portal, at), channels)
    if sent:
        _note(root, late.round_.name, told._replace(late_since=since))
    return faults


def _open_warnings(root: UPath, round_name: str) -> pl.DataFrame:
    """The warnings of the round's quality report that nobody has accepted, since the night or before."""
    path = storage.warehouse(root) / "quality_report" / f"{round_name}.parquet"
    if not path.exists():  # a round without a delivery
        return QUALITY_REPORT.empty
    unmet = pl.col("warning_id").is_not_null() & ~pl.col("met") & pl.col("accepted_by").is_null()
    return storage.read_parquet(path).filter(unmet & ~pl.col("warning_id").is_in(list(acceptances(root, round_name))))


def _told(root: UPath, round_name: str) -> _Told:
    path = _path(root, round_name)
    if not path.exists():
        return _Told([], None)
    content = json.loads(path.read_bytes())
    return _Told(content["warnings"], content["late_since"])


def _note(root: UPath, round_name: str, told: _Told) -> None:
    storage.write_bytes(_path(root, round_name), (json.dumps(told._asdict()) + "\n").encode())


def _path(root: UPath, round_name: str) -> UPath:
    return root / FOLDER / f"{round_name}.json"
