"""The round's earlier releases, read back: what everybody saw, and the counts behind it.

What belongs here: reading. What does not: what follows from a release for the next one (`pipelines.disclosure.earlier`).
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import polars as pl
from upath import UPath

from pipelines.disclosure.candidate import Release, own_counts
from pipelines.release.contents import SHARED, shared_checksum
from pipelines.release.manifest import NAME
from pipelines.storage import read_parquet

_OWN = "question_answers.parquet"


class Earlier(NamedTuple):
    """A release that was made before: its id, the checksum over its shared files, and what it shows."""

    id: str
    checksum: str
    release: Release


def earlier_releases(folder: UPath) -> list[Earlier]:
    """Every release below a round's folder, by id; of those that show the same of the same counts, one.

    The counts come from the municipalities' own tables, which show each its own in full: a release holds all that the
    next one must know of it.
    """
    releases: dict[str, Earlier] = {}
    for path in sorted(folder.glob(f"*/{NAME}"), key=str) if folder.exists() else []:
        if path.parent.name.startswith("."):
            continue  # half-written
        resources = json.loads(path.read_bytes())["resources"]
        hashes = {resource["path"]: resource["hash"] for resource in resources}
        read = {name: sha256 for name, sha256 in hashes.items() if name.startswith(f"{SHARED}/") or _is_own(name)}
        key = json.dumps(read, sort_keys=True)
        if key not in releases:
            checksum = shared_checksum({name: sha256.removeprefix("sha256:") for name, sha256 in hashes.items()})
            releases[key] = Earlier(path.parent.name, checksum, _read(path.parent, list(read)))
    return list(releases.values())


def _is_own(path: str) -> bool:
    return path.endswith(f"/{_OWN}") and not path.startswith(f"{SHARED}/")


def _read(release: UPath, names: Sequence[str]) -> Release:
    # Several at a time: an object store takes its while for each.
    with ThreadPoolExecutor() as pool:
        frames = dict(zip(names, pool.map(lambda name: read_parquet(release / name), names), strict=True))
    counts = pl.concat([own_counts(frames[name]) for name in names if _is_own(name)])
    return Release({_table_of(name): frames[name] for name in names if not _is_own(name)}, counts)


def _table_of(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".parquet")
