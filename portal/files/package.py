"""All that somebody may see of a release as one zip file, made while it is sent; the same bytes each time.

What belongs here: the archive, and the two files that it holds besides. What does not: who may see what.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pipelines.release.manifest import NAME as MANIFEST
from pipelines.release.manifest import to_bytes
from portal.files.addresses import citation
from portal.files.published import Publication, ResourceInfo
from schemas.years import Year

README = "LÆSMIG.txt"
# Changes when the same files would be packed into other bytes.
_FORMAT = "1"
_TIME = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES = 256 * 1024
# Of the stored entries of a zip file: header, checksum after the content, entry in the directory; and the directory's end.
_ENTRY_BYTES = 30 + 16 + 46
_END_BYTES = 22
# What tells of a release as a whole. All else in its manifest tells of other municipalities' files.
_OF_ALL = ("$schema", "name", "title", "description", "round", "populationQuarter", "methodVersion", "sources", "id")


class Package(NamedTuple):
    """What a zip file will hold: texts of its own, then files of the release."""

    publication: Publication
    texts: dict[str, bytes]
    files: Sequence[ResourceInfo]

    @property
    def size(self) -> int:
        """Its size."""
        sizes = {name: len(text) for name, text in self.texts.items()} | {file.path: file.bytes for file in self.files}
        return _END_BYTES + sum(_ENTRY_BYTES + 2 * len(name.encode()) + size for name, size in sizes.items())

    @property
    def identifier(self) -> str:
        """A checksum of what it holds, in hexadecimal: other bytes, another identifier."""
        texts = [(name, hashlib.sha256(text).hexdigest()) for name, text in self.texts.items()]
        content = [_FORMAT, texts, [(file.path, file.sha256) for file in self.files]]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, in pieces.

        Raises:
            ReleaseError, OSError: a file is not the one that the manifest names, or is gone; what was sent breaks off.
        """
        out = _Pieces()
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in self.texts.items():
                archive.writestr(_entry(name, len(text)), text)
            for file in self.files:
                with (
                    self.publication.open(file) as opened,
                    archive.open(_entry(file.path, file.bytes), "w") as entry,
                ):
                    while piece := opened.read(_CHUNK_BYTES):
                        entry.write(piece)
                        yield out.taken()
                yield out.taken()
        yield out.taken()


def package(publication: Publication, files: Sequence[ResourceInfo], url: str) -> Package:
    """The package of these files of a release, with a manifest cut down to them and a text that says what it is."""
    shown = [file for file in files if file.path != MANIFEST]
    texts = {README: _readme(publication, shown, url).encode(), MANIFEST: to_bytes(_manifest(publication, shown))}
    return Package(publication, texts, shown)


def _manifest(publication: Publication, files: Sequence[ResourceInfo]) -> dict[str, Any]:
    shown = {file.path for file in files}
    resources = [entry for entry in publication.document["resources"] if entry["path"] in shown]
    return {key: publication.document[key] for key in _OF_ALL} | {"resources": resources}


def _readme(publication: Publication, files: Sequence[ResourceInfo], url: str) -> str:
    document = publication.document
    named = "\n".join(
        f"  {file.path}" + (f"  ({file.description_da})" if file.description_da else "") for file in files
    )
    return f"""{document["title"]}

{document["description"]}

Udgivelse: {publication.id}
{"År" if isinstance(publication.period, Year) else "Runde"}: {publication.round_name}

Filerne i shared/ må alle deltagende kommuner se. Filerne i municipalities/ er den enkelte kommunes egne: de indeholder
oplysninger om enkelte borgere og må ikke deles med andre.

Samme tabel findes som .parquet, .xlsx (til Excel) og .csv (semikolon og decimalkomma). {MANIFEST} beskriver hver fil med
kontrolsum, antal rækker og kolonner efter standarden Data Package version 2.

{named}

Henvisning: {citation(publication, url)}
"""


def _entry(name: str, size: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.file_size = size
    entry.external_attr = 0o600 << 16
    return entry


class _Pieces(io.RawIOBase):
    """What a zip file writes to, when nothing can be changed any more that has been written."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:  # noqa: ANN401 - any buffer
        self._written.append(bytes(piece))
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        written = b"".join(self._written)
        self._written.clear()
        return written
