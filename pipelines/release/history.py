"""The round's earlier releases, read back: what everybody saw, and the counts behind it.

What belongs here: reading. What does not: what follows from a release for the next one (`pipelines.disclosure.earlier`).
"""

import hashlib
import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import polars as pl
from upath import UPath

from pipelines.disclosure.candidate import Release, own_counts
from pipelines.disclosure.earlier import FIGURES_FROM, TABLES
from pipelines.disclosure.figures import FINDINGS
from pipelines.release.contents import SHARED
from pipelines.release.life import manifests
from pipelines.release.manifest import changed_release
from pipelines.storage import read_parquet

_OWN = "question_answers.parquet"


def earlier_releases(folder: UPath) -> dict[str, Release]:
    """Every release below a round's folder that shows breakdowns made anew, by id.

    One that shows an earlier one's breakdowns tells of them nothing that the earlier one does not; its totals are noted
    there (`Release.later_totals`). The counts come from the municipalities' own tables, which show each its own in full:
    a release holds all that the next one must know of it.

    Raises:
        ReleaseError: a file is missing, or is not the one that the release's manifest names.
    """
    releases: dict[str, Release] = {}
    totals: list[dict[str, int]] = []
    for id_, manifest in manifests(folder):
        hashes = {resource["path"]: resource["hash"] for resource in manifest["resources"]}
        read = {name: sha256 for name, sha256 in hashes.items() if _is_shared(name) or _is_own(name)}
        release = _read(folder / id_, read)
        if _is_of_another(release) or not _shows_anything(release.shared):
            totals.append(dict(release.shared["case_rates"].select("municipality_code", "cases").iter_rows()))
        else:
            releases[id_] = release
    return {id_: replace(release, later_totals=tuple(totals)) for id_, release in releases.items()}


def _is_of_another(release: Release) -> bool:
    return any(release.shared[name][FIGURES_FROM].count() for name in TABLES)


def _shows_anything(tables: Mapping[str, pl.DataFrame]) -> bool:
    return any(tables[name]["numerator" if name == FINDINGS else "cases"].count() for name in TABLES)


def latest_tables(folder: UPath, latest: str | None, earlier: Mapping[str, Release]) -> dict[str, pl.DataFrame] | None:
    """The breakdowns and findings of a round's current release, each row with the release that made them.

    None without a release, and where it shows none of them.

    Args:
        folder: the round's.
        latest: the id of its current release.
        earlier: its releases, as `earlier_releases` reads them.
    """
    if latest is None:
        return None
    basis = latest
    if latest not in earlier:
        basis = read_parquet(folder / latest / SHARED / f"{FINDINGS}.parquet")[FIGURES_FROM][0]
    if basis not in earlier:
        return None
    return {name: earlier[basis].shared[name].with_columns(pl.lit(basis).alias(FIGURES_FROM)) for name in TABLES}


def _is_shared(path: str) -> bool:
    return path.startswith(f"{SHARED}/") and path.endswith(".parquet")


def _is_own(path: str) -> bool:
    return path.endswith(f"/{_OWN}") and not path.startswith(f"{SHARED}/")


def _read(release: UPath, hashes: Mapping[str, str]) -> Release:
    def frame(name: str) -> pl.DataFrame:
        path = release / name
        content = path.read_bytes() if path.exists() else b""
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != hashes[name]:
            raise changed_release(release.name, f"{name}: the checksum differs from the manifest's")
        return pl.read_parquet(io.BytesIO(content))

    # Several at a time: an object store takes its while for each.
    with ThreadPoolExecutor() as pool:
        frames = dict(zip(hashes, pool.map(frame, hashes), strict=True))
    counts = pl.concat([own_counts(table) for name, table in frames.items() if _is_own(name)])
    return Release({_table_of(name): table for name, table in frames.items() if not _is_own(name)}, counts)


def _table_of(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".parquet")
