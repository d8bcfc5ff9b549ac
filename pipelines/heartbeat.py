"""The last good night of every round (`heartbeat/<round>.json` in the data root), whoever ran it, and which are late.

A night that never started raises no alarm of its own: what is told here is that nothing was heard.
"""

import datetime as dt
import json
from collections.abc import Iterable
from typing import NamedTuple

from upath import UPath

from pipelines import storage
from schemas.periods import Period

# Clocks of two machines may differ by this.
_TOLERANCE = dt.timedelta(minutes=5)


class Beat(NamedTuple):
    """A round's last good night: the run that made it, the release it ended with (None without one), and when (UTC)."""

    run: str
    release: str | None
    at: dt.datetime


class Late(NamedTuple):
    """An open round whose last good night is too long ago or yet to come; `last` is None where there has been none."""

    round_: Period
    last: Beat | None


def beat(root: UPath, round_name: str, run: str, release: str | None, at: dt.datetime) -> None:
    """Notes that a night of a round went well, in place of the one before.

    Args:
        root: the data root.
        round_name: the round.
        run: the id of the run.
        release: the release that the night ended with, new or not; None without one.
        at: when it ended (UTC).
    """
    content = {"round": round_name, "run": run, "release": release, "at": at.isoformat()}
    storage.write_bytes(_path(root, round_name), (json.dumps(content) + "\n").encode())


def last_beat(root: UPath, round_name: str) -> Beat | None:
    """The last good night of a round; None where there has been none."""
    path = _path(root, round_name)
    if not path.exists():
        return None
    content = json.loads(path.read_bytes())
    return Beat(content["run"], content["release"], dt.datetime.fromisoformat(content["at"]))


def late(root: UPath, rounds: Iterable[Period], now: dt.datetime) -> list[Late]:
    """The open rounds that have had no good night within their `fresh_within_hours`, in the order given.

    One from the future counts for nothing: a clock was wrong, and it would keep the round from being late for as long.
    """
    last = ((round_, last_beat(root, round_.name)) for round_ in rounds if round_.open)
    return [Late(round_, night) for round_, night in last if night is None or not _is_fresh(night, round_, now)]


def _is_fresh(night: Beat, round_: Period, now: dt.datetime) -> bool:
    return not is_to_come(night, now) and now - night.at <= dt.timedelta(hours=round_.fresh_within_hours)


def is_to_come(night: Beat, now: dt.datetime) -> bool:
    """Whether a night ended later than now, by more than clocks differ."""
    return night.at - now > _TOLERANCE


def _path(root: UPath, round_name: str) -> UPath:
    return root / "heartbeat" / f"{round_name}.json"
