"""Which files lie in a round's inbox and when each was received. Nothing is opened here."""

import datetime as dt
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from pipelines.ingest.limits import FORMATS, FileRejectedError, unreadable
from pipelines.ingest.text import printable
from pipelines.reference.municipalities import municipalities
from schemas.errors import BotilbudError

_NO_TIME = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # what a modification time counts as that no calendar has
_RECEIVED = re.compile(r"(\d{8}T\d{6}Z)__(.*)", re.DOTALL)
_OTHERS_FILES = re.compile(r"\.|~\$|thumbs\.db$|desktop\.ini$|.*\.partial$", re.IGNORECASE | re.DOTALL)


class InboxFile(NamedTuple):
    """One delivered file. `name` is as on disk, `shown_name` as it may be shown; `received_at` is in UTC."""

    municipality_code: str
    path: str
    name: str
    received_at: dt.datetime
    warning: str | None
    rejected: FileRejectedError | None

    @property
    def shown_name(self) -> str:
        """The name with odd bytes escaped and anything like a CPR number masked."""
        return printable(self.name)

    @property
    def age_order(self) -> tuple[dt.datetime, str]:
        """Sorts older before newer; of two received at once the greater name is newer."""
        return self.received_at, self.name


def find_files(inbox: Path, *, now: dt.datetime) -> tuple[list[InboxFile], list[str]]:
    """The deliveries in `<data root>/inbox/<round>`, oldest first per municipality, and warnings about the rest.

    Args:
        inbox: the round's folder; a missing one holds no deliveries.
        now: a `received_at` after this moment is not believed.
    """
    codes = set(municipalities()["municipality_code"])
    files: list[InboxFile] = []
    warnings: list[str] = []
    for entry in _entries(inbox):
        if entry.name not in codes or not entry.is_dir(follow_symlinks=False):
            warnings.append(
                f"{printable(entry.name)}: is not a folder named by a municipality's code; nothing in it is read"
            )
            continue
        try:
            found = [_inbox_file(entry.name, file, now) for file in _entries(Path(entry.path))]
        except OSError as error:
            warnings.append(f"{entry.name}: the folder cannot be listed ({error.strerror}); nothing in it is read")
            continue
        files += sorted(found, key=lambda file: file.age_order)
    return files, warnings


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not _OTHERS_FILES.match(e.name)), key=lambda e: e.name)
    except FileNotFoundError:
        return []


def _inbox_file(municipality_code: str, entry: os.DirEntry[str], now: dt.datetime) -> InboxFile:
    status = entry.stat(follow_symlinks=False)
    received_at, warning = _received_at(entry.name, status.st_mtime, now)
    return InboxFile(
        municipality_code, entry.path, entry.name, received_at, warning, _rejected_unopened(entry.name, status)
    )


def single_file(path: Path, municipality_code: str, *, received_at: dt.datetime) -> InboxFile:
    """A file outside the inbox, as if this municipality had handed it in.

    Raises:
        BotilbudError: there is no such file or no such municipality.
    """
    if municipality_code not in set(municipalities()["municipality_code"]):
        raise BotilbudError(f"{printable(municipality_code)} er ikke en kommunekode. Skriv de tre cifre, f.eks. 147.")
    try:
        status = path.resolve().stat()
    except OSError:
        raise BotilbudError(f"Filen {printable(str(path))} findes ikke eller kan ikke åbnes.") from None
    rejected = _rejected_unopened(path.name, status)
    return InboxFile(municipality_code, str(path.resolve()), path.name, received_at, None, rejected)


def _received_at(name: str, modified: float, now: dt.datetime) -> tuple[dt.datetime, str | None]:
    try:
        modified_at = dt.datetime.fromtimestamp(int(modified), tz=dt.UTC)
    except (ValueError, OverflowError, OSError):
        modified_at = _NO_TIME
    prefix = _RECEIVED.match(name)
    if not prefix:
        return modified_at, None
    try:
        received_at = dt.datetime.strptime(prefix[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return modified_at, "Modtagelsestidspunktet i filnavnet findes ikke; filens ændringstidspunkt er brugt."
    if received_at > now:
        return modified_at, "Modtagelsestidspunktet i filnavnet ligger i fremtiden; filens ændringstidspunkt er brugt."
    return received_at, None


def _rejected_unopened(name: str, status: os.stat_result) -> FileRejectedError | None:
    """What can be said of a file without opening it."""
    if not stat.S_ISREG(status.st_mode):
        return unreadable(
            "Afleveringen er ikke en almindelig fil (men en genvej, en mappe eller lignende). Aflever en fil."
        )
    if status.st_size == 0:
        return FileRejectedError("empty", "Filen er tom (0 byte). Gem skemaet på ny, og aflever igen.")
    return unsupported_format(name)


def unsupported_format(name: str) -> FileRejectedError | None:
    """That a file's name ends on no format that is read; None where it does."""
    extension = os.path.splitext(name)[1].lower()  # noqa: PTH122 - names that are no UTF-8 stay as they are
    if extension in FORMATS:
        return None
    shown = "." + printable(name).rpartition(".")[2] if extension else "(ingen)"
    return FileRejectedError(
        "unsupported_format",
        f"Filtypen {shown} kan ikke læses. Gem skemaet som Excel-projektmappe (.xlsx), "
        "OpenDocument-regneark (.ods), CSV eller parquet.",
    )
