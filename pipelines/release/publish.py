"""Making a release appear: whole or not at all, under an id that follows from its content, and then the pointer to it."""

import io
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from upath import UPath

from pipelines import storage
from pipelines.reference.municipalities import municipalities
from pipelines.release import life, manifest
from pipelines.release.basis import Basis, checksum, origin
from pipelines.release.changes import Explanations, TableOfRelease, changes
from pipelines.release.compatibility import require_compatible
from pipelines.release.contents import CHANGES, ReleaseFile
from pipelines.release.finish import finished
from schemas import tables
from schemas.errors import ReleaseError
from schemas.management_tables import released_tables
from schemas.tables import Table

# By the release's id and what differs from the one before (None without one): the files of a release that hold no table.
Others = Callable[[str, pl.DataFrame | None], Iterable[ReleaseFile]]


class Outcome(NamedTuple):
    """What publishing came to.

    Attributes:
        release: the id of the release that stands; None where none does.
        is_new: whether it was made now.
        files: how many files it has.
        withdrawn: the withdrawn release that was made from the same, so that nothing was published; else None.
    """

    release: str | None
    is_new: bool
    files: int
    withdrawn: str | None = None


def publish(root: UPath, content: Sequence[ReleaseFile], others: Others, basis: Basis) -> Outcome:
    """The release in `releases/<round>/<id>/`, and `latest.json` pointing at it.

    The same content as the release that stands makes none. What was withdrawn is not published again until a delivery,
    the population or the method has changed.

    Args:
        root: the data root.
        content: the release's tables as parquet files, unstamped.
        others: its other files, by its id and what differs from the release before (None without one); asked for only where
            the release is new.
        basis: what it is made from.

    Raises:
        ReleaseError: a release does not agree with its manifest (it is left as it is); a value differs from the release
            before and nothing explains it; a table breaks what the release before promised; the release whose breakdowns
            are shown again was withdrawn.
    """
    with life.alone(root, basis.round_.name):
        return _publish(root, content, others, basis)


def _publish(root: UPath, content: Sequence[ReleaseFile], others: Others, basis: Basis) -> Outcome:
    round_name = basis.round_.name
    folder = storage.releases(root, round_name)
    if storage.is_local(folder):
        storage.remove_abandoned(Path(str(folder)))
    life.repoint(root, round_name)
    if (withdrawn := life.withdrawn_twin(root, round_name, basis.inputs_sha256)) is not None:
        return Outcome(life.current_release(root, round_name), is_new=False, files=0, withdrawn=withdrawn)
    if basis.figures_from and life.status(root, round_name, basis.figures_from) == life.WITHDRAWN:
        raise ReleaseError(
            f"release {basis.figures_from}, whose breakdowns would be shown again, was withdrawn meanwhile; run the night again"
        )
    said = manifest.content_of(content, basis)
    standing = life.current_release(root, round_name)
    before = life.manifest_of(root, round_name, standing) if standing is not None else None
    if before is not None and before.get("contentSha256") == checksum(said):
        _require_unchanged(folder, before["id"])
        return Outcome(before["id"], is_new=False, files=len(before["resources"]))
    if (id_ := manifest.release_id(checksum(said), standing)) in life.release_ids(folder):
        # A killed run had made it, but not pointed at it.
        _require_unchanged(folder, id_)
        document = life.manifest_of(root, round_name, id_)
    else:
        document = _make(folder, content, others, basis, before)
    life.point_at(folder, document)
    return Outcome(id_, is_new=True, files=len(document["resources"]))


def _make(
    folder: UPath,
    content: Sequence[ReleaseFile],
    others: Others,
    basis: Basis,
    before: dict[str, Any] | None,
) -> dict[str, Any]:
    """Writes a release and returns its manifest."""
    said = manifest.content_of(content, basis)
    numbers = [entry.get("number", 0) for _, entry in life.manifests(folder)]
    place = manifest.Place(1 + max(numbers, default=0), before["id"] if before else None)
    id_ = manifest.release_id(checksum(said), place.previous)
    found = None
    if before is not None:
        require_compatible(content, before)
        found = _changes(folder, content, basis, before)
    listed = tables.CHANGES.empty if found is None else found
    changed = ReleaseFile(CHANGES, storage.parquet_bytes(listed), tables.CHANGES, listed.height)
    files = [*finished([*content, changed], basis, id_), *others(id_, found)]
    document = manifest.manifest(files, said, basis, place)
    _write(folder / id_, files, document)
    return document


def _changes(folder: UPath, content: Sequence[ReleaseFile], basis: Basis, before: dict[str, Any]) -> pl.DataFrame:
    """What differs from the release before, read back from its files."""
    release = folder / before["id"]
    listed = {resource["path"]: resource for resource in before["resources"]}

    def read(path: str) -> pl.DataFrame:
        file = (release / path).read_bytes()
        if wrong := manifest.file_differences(file, listed[path]):
            raise manifest.changed_release(before["id"], wrong[0])
        return pl.read_parquet(io.BytesIO(file))

    now = {file.path: file for file in content}
    known = released_tables(basis.round_.questionnaire)
    compared = []
    for path in sorted(now.keys() | {path for path in listed if _table_of(path, known)}):
        table = _table_of(path, known)
        if table is None or (path in now and listed.get(path, {}).get("contentSha256") == now[path].sha256):
            continue
        compared.append(
            TableOfRelease(
                path,
                table,
                read(path) if path in listed else None,
                pl.read_parquet(io.BytesIO(now[path].content)) if path in now else None,
            )
        )
    figures = before.get("figuresFrom")
    figures_before = life.manifest_in(folder, figures) if figures else before
    here = {"round": basis.round_.name} | origin(basis)
    return changes(compared, Explanations(before, here, figures_before, [municipalities()]))


def _table_of(path: str, known: dict[str, Table]) -> Table | None:
    """The table that a parquet file of a release holds; None for any other file, and for what itself tells of changes."""
    stem, _, extension = path.rpartition("/")[2].rpartition(".")
    return known.get(stem) if extension == "parquet" else None


def _require_unchanged(folder: UPath, release: str) -> None:
    if wrong := manifest.differences(folder / release):
        raise manifest.changed_release(release, wrong[0])


def _write(release: UPath, files: Sequence[ReleaseFile], document: dict[str, Any]) -> None:
    """All files under a temporary name, then one rename; an object store gets the manifest last instead."""
    if not storage.is_local(release):
        storage.write_objects(release, {file.path: file.content for file in files})
        storage.write_bytes(release / manifest.NAME, manifest.to_bytes(document))
        return
    target = Path(str(release))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = storage.temporary_beside(target)
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
