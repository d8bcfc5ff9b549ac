"""Making a release appear: whole or not at all, under an id that follows from its content, and then the pointer to it."""

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from upath import UPath

from pipelines.release import manifest
from pipelines.release.contents import ReleaseFile, shared_checksum
from pipelines.storage import is_local, remove_abandoned, temporary_beside, write_bytes, write_objects
from schemas.errors import ReleaseError

LATEST = "latest.json"


def publish(folder: UPath, files: Sequence[ReleaseFile], document: dict[str, Any]) -> bool:
    """The release in `<folder>/<id>/`, and `<folder>/latest.json` pointing at it; whether the release is new.

    Args:
        folder: where the round's releases lie.
        files: every file but the manifest.
        document: their manifest.

    Raises:
        ReleaseError: a release of this id exists and does not agree with its manifest. It is left as it is.
    """
    if is_local(folder):
        remove_abandoned(Path(str(folder)))
    release = folder / str(document["id"])
    is_new = not (release / manifest.NAME).exists()
    if is_new:
        _write(release, files, document)
    elif wrong := manifest.differences(release):
        raise manifest.changed_release(document["id"], wrong[0])
    pointer = {
        "release": document["id"],
        "round": document["round"],
        "population_quarter": document["populationQuarter"],
    }
    content = (json.dumps(pointer) + "\n").encode()
    latest = folder / LATEST
    if not latest.exists() or latest.read_bytes() != content:
        write_bytes(latest, content)
    return is_new


def require_audited(files: Iterable[ReleaseFile], disclosure_audit: pl.DataFrame) -> None:
    """Stops a release whose shared files are not those that the audit read and found safe.

    Raises:
        ReleaseError: they differ, as after a part of the graph was materialised by itself, or the audit failed.
    """
    checksum = shared_checksum({file.path: file.sha256 for file in files})
    if disclosure_audit["candidate_sha256"].unique().to_list() != [checksum]:
        raise ReleaseError("the shared files are not those that were audited; materialise the whole round")
    if disclosure_audit.select(pl.col("exposed_cells", "faulty_figures").sum()).row(0) != (0, 0):
        raise ReleaseError("the audit of the shared files failed; its table says what it found")


def _write(release: UPath, files: Sequence[ReleaseFile], document: dict[str, Any]) -> None:
    """All files under a temporary name, then one rename; an object store gets the manifest last instead."""
    if not is_local(release):
        write_objects(release, {file.path: file.content for file in files})
        write_bytes(release / manifest.NAME, manifest.to_bytes(document))
        return
    target = Path(str(release))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(target)
    try:
        for path, content in [*((f.path, f.content) for f in files), (manifest.NAME, manifest.to_bytes(document))]:
            (temporary / path).parent.mkdir(parents=True, exist_ok=True)
            (temporary / path).write_bytes(content)
        os.sync()
        _rename(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _rename(temporary: Path, target: Path) -> None:
    try:
        temporary.rename(target)
    except OSError:
        # Another run made the same release meanwhile: same id, same content.
        if not (target / manifest.NAME).exists():
            raise
