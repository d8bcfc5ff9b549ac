"""The releases as they lie in the data root: which there are, what they hold, and what of it somebody may see.

What belongs here: reading, and the one rule of who may see what (`Publication.may_see`); files, packages, the API and
the pages all ask it. What does not: HTTP.
"""

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

from upath import UPath

from pipelines import storage
from pipelines.release import life
from pipelines.release.contents import SHARED
from pipelines.release.editions import FIGURES
from pipelines.release.manifest import NAME as MANIFEST
from pipelines.release.manifest import changed_release
from portal.identity import Identity
from schemas.municipalities import municipality_codes
from schemas.periods import Period
from schemas.years import find_period, load_periods

LATEST = "latest"
_MUNICIPALITIES = "municipalities"


class Column(NamedTuple):
    """A column of a table; `label_da` is Danish."""

    name: str
    type: str
    label_da: str
    unit: str | None


class ResourceInfo(NamedTuple):
    """A file of a release; `path` is relative to it, `sha256` in hexadecimal, `rows` None for what is no table."""

    path: str
    bytes: int
    sha256: str
    media_type: str
    rows: int | None
    description_da: str | None
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Publication:
    """One release. It never changes, so neither does this; what was decided of it is read from `Publications`.

    Attributes:
        round_name: the survey round, or the year of management information.
        id: the release id.
        document: its manifest, parsed. It tells of every municipality's files: for KL alone.
        participants: codes of the municipalities that take part.
        files: every file by path, the manifest included.
    """

    root: UPath
    round_name: str
    id: str
    document: Mapping[str, Any]
    participants: frozenset[str]
    files: Mapping[str, ResourceInfo]

    @property
    def period(self) -> Period:
        """The round or year that it is a release of."""
        return find_period(self.round_name)

    @property
    def number(self) -> int:
        """Its place among the releases of its round or year, from 1."""
        return int(self.document.get("number", 0))

    def may_see(self, identity: Identity, path: str) -> bool:
        """Whether this is a file of the release that somebody may see: the one rule, for every way to get at it."""
        if path not in self.files:
            return False
        if identity.is_kl:
            return True
        code = identity.municipality_code
        match path.split("/"):
            case [folder, _] if folder == SHARED:
                return code in self.participants
            case [folder, below, _] if (folder, below) == (SHARED, FIGURES):
                return code in self.participants
            case [folder, whose, _] if folder == _MUNICIPALITIES:
                return code is not None and whose == code
            case [folder, whose, below, _] if (folder, below) == (_MUNICIPALITIES, FIGURES):
                return code is not None and whose == code
            case _:
                return False

    def files_for(self, identity: Identity) -> list[ResourceInfo]:
        """What somebody may see of the release, by path; empty for those who take no part in it."""
        return [self.files[path] for path in sorted(self.files) if self.may_see(identity, path)]

    def is_visible_to(self, identity: Identity) -> bool:
        """Whether somebody may know that this release exists."""
        return identity.is_kl or any(self.may_see(identity, path) for path in self.files)

    def open(self, file: ResourceInfo) -> BinaryIO:
        """A file of this release, opened for reading; it stays whole even when the folder is replaced meanwhile.

        Raises:
            FileNotFoundError: it is gone.
            ReleaseError: it is not the one that the manifest names.
        """
        path = storage.releases(self.root, self.round_name) / self.id / file.path
        if not storage.is_local(path):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise changed_release(self.id, f"{file.path}: the checksum differs from the manifest's")
            return _in_memory(content)
        opened = Path(str(path)).open("rb", buffering=0)  # noqa: SIM115 - the caller closes it
        if (size := os.fstat(opened.fileno()).st_size) != file.bytes:
            opened.close()
            raise changed_release(self.id, f"{file.path}: holds {size} bytes, the manifest says {file.bytes}")
        return opened


class Publications:
    """The releases of a data root; manifests are read once, since a release never changes."""

    def __init__(self, root: UPath) -> None:
        self._root = root
        self._read: dict[tuple[str, str], Publication] = {}
        self._lock = threading.Lock()

    def releases(self, round_name: str) -> list[Publication]:
        """The releases of a round or year, newest first, withdrawn ones included; none of one that does not exist."""
        if round_name not in load_periods():
            return []
        found = [self._publication(round_name, id_) for id_ in self._ids(round_name)]
        return sorted(found, key=lambda publication: (publication.number, publication.id), reverse=True)

    def release(self, round_name: str, id_or_latest: str) -> Publication | None:
        """A release by its id, or by `latest` the newest that is not withdrawn; None where there is none."""
        if round_name not in load_periods():
            return None
        if id_or_latest == LATEST:
            current = life.current_release(self._root, round_name)
            return None if current is None else self._publication(round_name, current)
        known = self._read.get((round_name, id_or_latest))
        if known is not None:
            return known
        return self._publication(round_name, id_or_latest) if id_or_latest in self._ids(round_name) else None

    def status(self, publication: Publication) -> life.Status:
        """What a release is now: preliminary, final or withdrawn."""
        return life.status(self._root, publication.round_name, publication.id)

    def decisions(self, publication: Publication) -> list[life.Decision]:
        """What was decided of a release, oldest first."""
        return life.decisions(self._root, publication.round_name, publication.id)

    def tombstone(self, publication: Publication) -> life.Decision | None:
        """Why and when a release was withdrawn; None while it stands."""
        if self.status(publication) != life.WITHDRAWN:
            return None
        return self.decisions(publication)[-1]

    def _ids(self, round_name: str) -> list[str]:
        return life.release_ids(storage.releases(self._root, round_name))

    def _publication(self, round_name: str, id_: str) -> Publication:
        with self._lock:
            if (round_name, id_) not in self._read:
                self._read[round_name, id_] = _publication(self._root, round_name, id_)
            return self._read[round_name, id_]


def _publication(root: UPath, round_name: str, id_: str) -> Publication:
    content = (storage.releases(root, round_name) / id_ / MANIFEST).read_bytes()
    document = json.loads(content)
    document.pop("inputs", None)
    for entry in document["resources"]:
        if "schema" in entry:
            entry["schema"] = _schema(json.dumps(entry["schema"])).schema
    sha256 = hashlib.sha256(content).hexdigest()
    manifest = ResourceInfo(MANIFEST, len(content), sha256, "application/json", None, "Udgivelsens manifest", ())
    files = {manifest.path: manifest} | {entry["path"]: _resource(entry) for entry in document["resources"]}
    return Publication(
        root=root,
        round_name=round_name,
        id=id_,
        document=MappingProxyType(document),
        participants=frozenset(document["participants"]) & municipality_codes(),
        files=MappingProxyType(files),
    )


def content_type(media_type: str) -> str:
    """The media type as a header says it."""
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _in_memory(content: bytes) -> BinaryIO:
    """An open file that is nowhere on a disk."""
    file = os.fdopen(os.memfd_create("release"), "r+b", buffering=0)
    file.write(content)
    file.seek(0)
    return file


class _Schema(NamedTuple):
    schema: dict[str, Any]
    columns: tuple[Column, ...]


@lru_cache(maxsize=256)
def _schema(text: str) -> _Schema:
    """A table's schema, one object for all files of all releases that have the same: nearly all of a manifest is schemas."""
    schema = json.loads(text)
    fields = schema["fields"]
    return _Schema(
        schema, tuple(Column(f["name"], f["type"], f.get("title", f["name"]), f.get("unit")) for f in fields)
    )


def _resource(entry: Mapping[str, Any]) -> ResourceInfo:
    return ResourceInfo(
        path=entry["path"],
        bytes=entry["bytes"],
        sha256=entry["hash"].removeprefix("sha256:"),
        media_type=entry["mediatype"],
        rows=entry["rows"],
        description_da=entry.get("title"),
        columns=_schema(json.dumps(entry["schema"])).columns if "schema" in entry else (),
    )
