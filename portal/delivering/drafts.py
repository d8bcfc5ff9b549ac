"""Files that have been checked and not yet confirmed, each in a folder of its own below the state folder.

A draft belongs to one municipality and one round, lives an hour, and is complete once its `draft.json` is there.
"""

import datetime as dt
import os
import secrets
import shutil
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipelines.storage import parquet_bytes
from portal.delivering.checking import Checked

LIFETIME = dt.timedelta(hours=1)
DRAFTS_PER_MUNICIPALITY = 10
MARKED_ERRORS = 10_000
"""With so many errors a draft can still be had as a workbook in which they are marked: more take too long."""

_RECORD, _ROWS, _FILES, _BROKEN = "draft.json", "rows.parquet", "files.parquet", "broken.parquet"
_ID_BYTES = 16


class Draft(BaseModel):
    """What is known of a checked file.

    Attributes:
        id: 128 random bits, hexadecimal.
        file: its name in the draft's folder, one of ours.
        sender_name: what the sender called it, as it may be shown.
        checked_at, expires_at: UTC.
        rows: case rows read = eligible + out_of_scope + rejected.
        error_count: broken rules; a row can break several.
        warnings: Danish.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    round_name: str
    municipality_code: str
    file: str
    sender_name: str
    sha256: str
    bytes: int
    checked_at: dt.datetime
    expires_at: dt.datetime
    rows: int
    eligible: int
    out_of_scope: int
    rejected: int
    error_count: int
    warnings: list[str]

    @property
    def can_be_marked(self) -> bool:
        """Whether there is a workbook in which its errors are marked."""
        return self.error_count <= MARKED_ERRORS


class Drafts:
    """The drafts of a state folder, which is one server process's own. Those of an earlier process are removed."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "drafts"
        for id_ in self._ids():
            self.remove(id_)

    def begin(self) -> str:
        """The id of a new, empty and incomplete draft."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        id_ = secrets.token_hex(_ID_BYTES)
        (self._folder / id_).mkdir(mode=0o700)
        return id_

    def write(self, id_: str, name: str, content: bytes) -> Path:
        """Puts a file of ours into a draft."""
        path = self._folder / id_ / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123 - a handle that was opened for the owner alone
            file.write(content)
        return path

    def complete(self, draft: Draft, checked: Checked) -> None:
        """Makes a draft known; beyond a few of the same municipality the oldest goes."""
        for name, frame in ((_ROWS, checked.case_rows), (_FILES, checked.files), (_BROKEN, checked.broken)):
            self.write(draft.id, name, parquet_bytes(frame))
        # Renamed into place, since another request may be looking through the drafts.
        unready = self.write(draft.id, f".{_RECORD}", draft.model_dump_json().encode())
        unready.replace(unready.with_name(_RECORD))
        own = [other for other in self._all() if other.municipality_code == draft.municipality_code]
        for surplus in sorted(own, key=lambda other: (other.checked_at, other.id))[:-DRAFTS_PER_MUNICIPALITY]:
            if surplus.id != draft.id:
                self.remove(surplus.id)

    def find(self, id_: str, round_name: str, municipality_code: str, now: dt.datetime) -> Draft | None:
        """The draft with this id, if it is this municipality's, for this round, and has not expired."""
        known = next((own for own in self._ids() if own == id_), None)
        draft = self._read(known) if known else None
        if draft is None or (draft.round_name, draft.municipality_code) != (round_name, municipality_code):
            return None
        if draft.expires_at <= now:
            self.remove(draft.id)
            return None
        return draft

    def content(self, draft: Draft) -> bytes:
        """The file as it was handed over."""
        return (self._folder / draft.id / draft.file).read_bytes()

    def case_rows(self, draft: Draft) -> pl.DataFrame:
        """As in `checking.Checked`."""
        return pl.read_parquet(self._folder / draft.id / _ROWS)

    def files(self, draft: Draft) -> pl.DataFrame:
        """As in `checking.Checked`."""
        return pl.read_parquet(self._folder / draft.id / _FILES)

    def broken(self, draft: Draft) -> pl.DataFrame:
        """As in `checking.Checked`."""
        return pl.read_parquet(self._folder / draft.id / _BROKEN)

    def remove(self, id_: str) -> None:
        """Removes a draft, complete or not; one that is gone already stays gone."""
        shutil.rmtree(self._folder / id_, ignore_errors=True)

    def remove_expired(self, now: dt.datetime) -> None:
        """Removes the drafts whose hour is over."""
        for draft in self._all():
            if draft.expires_at <= now:
                self.remove(draft.id)

    def _ids(self) -> list[str]:
        try:
            return sorted(entry.name for entry in self._folder.iterdir())
        except FileNotFoundError:
            return []

    def _all(self) -> list[Draft]:
        return [draft for id_ in self._ids() if (draft := self._read(id_))]

    def _read(self, id_: str) -> Draft | None:
        try:
            return Draft.model_validate_json((self._folder / id_ / _RECORD).read_bytes())
        except FileNotFoundError:
            return None
