"""The life of a release: preliminary when a night has made it, final by a consultant's decision, or withdrawn by one.

Decisions lie beside the releases, never in them: `decisions/<round>/<release id>/<number>.json`, each written once. A
release itself never changes, and a withdrawn one is kept: what was shown stays shown, and the audit reads it.
"""

import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from upath import UPath

from pipelines import storage
from pipelines.ingest.text import in_one_line, is_written
from pipelines.release.manifest import NAME
from schemas.errors import ReleaseError

Status = Literal["preliminary", "final", "withdrawn"]
PRELIMINARY: Status = "preliminary"
FINAL: Status = "final"
WITHDRAWN: Status = "withdrawn"
LATEST = "latest.json"
_LOCK = ".lock"
_FOLLOWS: dict[Status, frozenset[Status]] = {
    PRELIMINARY: frozenset({FINAL, WITHDRAWN}),
    FINAL: frozenset({WITHDRAWN}),
    WITHDRAWN: frozenset(),
}


class Decision(NamedTuple):
    """What was decided of a release, by whom, why and when (UTC)."""

    status: Status
    by: str
    reason: str
    at: dt.datetime


@contextmanager
def alone(root: UPath, round_name: str) -> Iterator[None]:
    """Waits until nobody else publishes, decides on or points at releases of a round, on this machine.

    An object store has no such lock: there the nights and the decisions of one round are for one machine.
    """
    folder = storage.decisions(root, round_name)
    if not storage.is_local(folder):
        yield
        return
    path = Path(str(folder)) / _LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        # Let go when the file is closed, by whatever end of the process.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def decisions(root: UPath, round_name: str, release: str) -> list[Decision]:
    """What was decided of a release, oldest first; a withdrawal's reason is its tombstone."""
    found = storage.files_below(storage.decisions(root, round_name) / release)
    return [_decision(path) for name, path in sorted(found.items()) if not name.startswith(".")]


def _decision(path: UPath) -> Decision:
    content = json.loads(path.read_bytes())
    return Decision(content["status"], content["by"], content["reason"], dt.datetime.fromisoformat(content["at"]))


def status(root: UPath, round_name: str, release: str) -> Status:
    """What a release is now."""
    decided = decisions(root, round_name, release)
    return decided[-1].status if decided else PRELIMINARY


def promote(root: UPath, round_name: str, release: str, *, by: str, reason: str, at: dt.datetime) -> None:
    """Makes a preliminary release final.

    Raises:
        ReleaseError: there is no such release, or it is final or withdrawn already, or name or reason is missing; or it has
            warnings that nobody accepted.
    """
    with alone(root, round_name):
        _decide(root, round_name, release, Decision(FINAL, by, reason, at))


def _require_accepted(manifest: Mapping[str, Any]) -> None:
    if "warnings" not in manifest:
        raise ReleaseError(
            f"release {manifest['id']} was made before there was a quality gate: make final one that a later night made"
        )
    if waiting := [warning["warningId"] for warning in manifest["warnings"] if warning["accepted"] is None]:
        raise ReleaseError(
            f"release {manifest['id']} has warnings that nobody accepted ({', '.join(waiting)}): accept them, and make final "
            "the release of the next night, which records that"
        )


def withdraw(root: UPath, round_name: str, release: str, *, by: str, reason: str, at: dt.datetime) -> None:
    """Withdraws a release and leaves the reason in its place.

    Raises:
        ReleaseError: as `promote`; or a release that still stands shows this one's figures.
    """
    with alone(root, round_name):
        showing = [
            id_
            for id_, manifest in manifests(storage.releases(root, round_name))
            if manifest.get("figuresFrom") == release and status(root, round_name, id_) != WITHDRAWN
        ]
        if showing:
            raise ReleaseError(
                f"release {release} cannot be withdrawn while release {', '.join(showing)} shows its breakdowns: withdraw "
                "that first"
            )
        _decide(root, round_name, release, Decision(WITHDRAWN, by, reason, at))


def _decide(root: UPath, round_name: str, release: str, decision: Decision) -> None:
    if release not in release_ids(storage.releases(root, round_name)):
        raise ReleaseError(f"round {round_name} has no release {release!r}")
    if not is_written(decision.by) or not is_written(decision.reason):
        raise ReleaseError("a decision needs the name of who decides and a reason")
    decided = decisions(root, round_name, release)
    now = decided[-1].status if decided else PRELIMINARY
    if decision.status not in _FOLLOWS[now]:
        raise ReleaseError(f"release {release} is {now}; it cannot become {decision.status}")
    if decision.status == FINAL:
        _require_accepted(manifest_of(root, round_name, release))
    content = decision._asdict() | {"by": in_one_line(decision.by), "reason": in_one_line(decision.reason)}
    path = storage.decisions(root, round_name) / release / f"{len(decided) + 1}.json"
    try:
        storage.write_once(path, (json.dumps(content, ensure_ascii=False, default=str) + "\n").encode())
    except FileExistsError:
        raise ReleaseError(f"somebody else decided on release {release} at this moment: look at it again") from None


def current_release(root: UPath, round_name: str) -> str | None:
    """The id of the newest release of a round that is not withdrawn; None without one."""
    pointer = storage.releases(root, round_name) / LATEST
    release = json.loads(pointer.read_bytes())["release"] if pointer.exists() else None
    while release is not None and status(root, round_name, release) == WITHDRAWN:
        release = manifest_of(root, round_name, release).get("previous")
    return release


def repoint(root: UPath, round_name: str) -> None:
    """Makes the pointer name the current release; removes it where there is none. Call it `alone`."""
    folder = storage.releases(root, round_name)
    current = current_release(root, round_name)
    if current is not None:
        point_at(folder, manifest_of(root, round_name, current))
    elif (folder / LATEST).exists():
        (folder / LATEST).unlink()


def point_at(folder: UPath, manifest: Mapping[str, Any]) -> None:
    """Makes a round's pointer name a release."""
    pointer = {
        "release": manifest["id"],
        "round": manifest["round"],
        "population_quarter": manifest["populationQuarter"],
    }
    content = (json.dumps(pointer) + "\n").encode()
    latest = folder / LATEST
    if not latest.exists() or latest.read_bytes() != content:
        storage.write_bytes(latest, content)


def manifest_of(root: UPath, round_name: str, release: str) -> dict[str, Any]:
    """The manifest of a release; `release` is an id that this module gave."""
    return manifest_in(storage.releases(root, round_name), release)


def manifest_in(folder: UPath, release: str) -> dict[str, Any]:
    """The manifest of a release in a round's folder."""
    return dict(json.loads((folder / release / NAME).read_bytes()))


def releases(root: UPath, round_name: str) -> list[str]:
    """The ids of a round's releases, newest first, withdrawn ones included."""
    numbered = [(manifest.get("number", 0), id_) for id_, manifest in manifests(storage.releases(root, round_name))]
    return [id_ for _, id_ in sorted(numbered, reverse=True)]


def release_ids(folder: UPath) -> list[str]:
    """The ids of the releases in a round's folder, in no order of theirs; no manifest is read."""
    found = sorted(folder.glob(f"*/{NAME}"), key=str) if folder.exists() else []
    return [path.parent.name for path in found if not path.parent.name.startswith(".")]  # half written


def withdrawn_twin(root: UPath, round_name: str, inputs_sha256: str) -> str | None:
    """The withdrawn release that was made from the same deliveries, population and method; None without one."""
    decided = {name.partition("/")[0] for name in storage.files_below(storage.decisions(root, round_name))}
    for release in sorted(decided - {_LOCK}):
        is_withdrawn = status(root, round_name, release) == WITHDRAWN
        if is_withdrawn and manifest_of(root, round_name, release).get("inputsSha256") == inputs_sha256:
            return release
    return None


def manifests(folder: UPath) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ids and manifests of all releases in a round's folder, withdrawn ones included, by id."""
    for release in release_ids(folder):
        yield release, manifest_in(folder, release)
