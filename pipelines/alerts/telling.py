"""What is still to be told of a round, and what was (`alerts/<round>.json`).

A warning is told once per expectation: while deliveries come in, the rows that do not meet it may change every night. A
lateness is told once per last good night.
"""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.alerts import messages
from pipelines.alerts.channels import Channels
from pipelines.alerts.sending import send
from pipelines.heartbeat import Late
from pipelines.quality.acceptances import acceptances, is_open, is_stopping
from pipelines.release.life import current_release
from schemas.periods import Period
from schemas.tables import QUALITY_REPORT

FOLDER = "alerts"
_NEVER = "never"
_JUDGING = "judge_quality: "


class _Told(NamedTuple):
    """What was told of a round.

    Attributes:
        warnings: the expectations that were told of and still have an open warning, each with its id after the last night.
        late_since: the last good night (or none) that the round was said to be late since.
    """

    warnings: dict[str, str]
    late_since: str | None


def tell_of_night(
    root: UPath, round_: Period, failures: Sequence[str], channels: Channels, at: dt.datetime
) -> list[str]:
    """Tells what a night has to tell: that it failed, or else the warnings that were not told before.

    Args:
        root: the data root.
        round_: the round that was run.
        failures: one line per failed step, beginning with its name; empty after a good night.
        channels: where to.
        at: now (UTC).

    Returns:
        One line per channel that failed. What got through by none is tried again the next night.
    """
    if failures:
        stopping = _stopping(root, round_.name, failures)
        others = [line for line in failures if stopping.is_empty() or not line.startswith(_JUDGING)]
        try:
            release = current_release(root, round_.name)
        except (OSError, ValueError, KeyError):  # a broken pointer may be why the night failed, which must be told
            release = None
        return send(messages.failure(round_, stopping, others, release, channels.portal, at), channels)[1]
    return _tell_of_warnings(root, round_, channels, at)


def _tell_of_warnings(root: UPath, round_: Period, channels: Channels, at: dt.datetime) -> list[str]:
    before, accepted = _told(root, round_.name), acceptances(root, round_.name)
    found = _open_warnings(root, round_.name, accepted)
    ids = dict(found.select("expectation", "warning_id").iter_rows())
    # An expectation whose warning was accepted meanwhile, and that has another one now, is told of again.
    known = {of: ids[of] for of, id_ in before.warnings.items() if of in ids and id_ not in accepted}
    new = found.filter(~pl.col("expectation").is_in(list(known)))
    sent, faults = (
        (False, []) if new.is_empty() else send(messages.warnings(round_, new, channels.portal, at), channels)
    )
    now = before._replace(warnings=ids if sent else known)
    if now != before:
        _note(root, round_.name, now)
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


def _open_warnings(root: UPath, round_name: str, accepted: Iterable[str]) -> pl.DataFrame:
    """The warnings of the round's quality report that nobody has accepted, in the night or since.

    None before the round has a release: there is nothing yet that they could keep from being made final.
    """
    if current_release(root, round_name) is None:
        return QUALITY_REPORT.empty
    return _report(root, round_name).filter(is_open(), ~pl.col("warning_id").is_in(list(accepted)))


def _stopping(root: UPath, round_name: str, failures: Iterable[str]) -> pl.DataFrame:
    """What the quality gate stopped the release for; nothing where it is not the gate that failed, or that could not read."""
    if not any(line.startswith(_JUDGING) for line in failures):
        return QUALITY_REPORT.empty
    try:
        return _report(root, round_name).filter(is_stopping())
    except (OSError, pl.exceptions.PolarsError):  # what failed the step must not keep it from being told
        return QUALITY_REPORT.empty


def _report(root: UPath, round_name: str) -> pl.DataFrame:
    path = storage.table_file(root, QUALITY_REPORT.name, round_name)
    if not path.exists():  # a round that never ran, or a restored one
        return QUALITY_REPORT.empty
    return storage.read_parquet(path)


def _told(root: UPath, round_name: str) -> _Told:
    path = _path(root, round_name)
    if not path.exists():
        return _Told({}, None)
    try:
        content = json.loads(path.read_bytes())
        return _Told(dict(content["warnings"]), content["late_since"])
    except (ValueError, KeyError, TypeError):  # what cannot be read keeps nobody from being told, once more at worst
        return _Told({}, None)


def _note(root: UPath, round_name: str, told: _Told) -> None:
    storage.write_bytes(_path(root, round_name), (json.dumps(told._asdict()) + "\n").encode())


def _path(root: UPath, round_name: str) -> UPath:
    return root / FOLDER / f"{round_name}.json"
