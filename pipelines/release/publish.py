"""Making a release appear: whole or not at all, under an id that follows from its content, and then the pointer to it."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from upath import UPath

from pipelines.release import manifest
from pipelines.release.contents import ReleaseFile
from pipelines.storage import is_local, remove_abandoned, temporary_beside, write_bytes, write_objects

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
