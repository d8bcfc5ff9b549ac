"""Who saw and handed in what, and when: a file that is only ever appended to. It holds no token and no answer.

One JSON object a line. `previous` is the SHA-256 of the line before with its end (and of what is left of torn lines in
between), so that no line can be changed or taken out from between others unseen; that the last ones are missing, or
that somebody wrote the whole file anew, it cannot tell.
"""

import datetime as dt
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.ingest.text import printable
from portal.access.credentials import without_tokens
from portal.identity import Identity

NAME = "audit.jsonl"
TORN = "torn_line"
_TEXT_CHARACTERS = 300
# Several times the longest line, so that the last whole one is nearly always in it.
_TAIL_BYTES = 65_536


class Event(NamedTuple):
    """One line of the log. `what` is an address or a name of ours, `checksum` that of the bytes sent or received.

    Of who did not get in, `subject` and `role` are empty.
    """

    at: dt.datetime
    subject: str
    role: str
    municipality_code: str | None
    action: str
    what: str
    checksum: str | None


_KEYS = {*Event._fields, "previous"}


class AuditLog:
    """The log of a portal. Nothing of the file is remembered, so that threads and processes may write to it alike."""

    def __init__(self, state: Path) -> None:
        self._path = state / NAME

    def record(
        self, now: dt.datetime, identity: Identity | None, action: str, what: str, checksum: str | None = None
    ) -> None:
        """Appends one event; `identity` is None for somebody who did not get in.

        Raises:
            OSError: this machine refused the file; then nothing may happen that would have to be in it.
        """
        event = Event(
            at=now,
            subject="" if identity is None else identity.subject,
            role="" if identity is None else identity.role,
            municipality_code=None if identity is None else identity.municipality_code,
            action=action,
            what=_text(what),
            checksum=checksum,
        )
        # Not forced onto the disk: a killed process loses nothing, and a download does not wait for the disk.
        with self._opened_to_append() as file:
            closing, block = _closed(_last_block(file), now)
            _write(file, closing + _line(event, block))

    def events(self) -> Iterator[Event]:
        """Every event, oldest first; what a killed process left of a line is none."""
        for line in self._whole_and_torn():
            fields = _fields(line)
            if fields is not None:
                yield Event(
                    at=dt.datetime.fromisoformat(fields["at"]), **{name: fields[name] for name in Event._fields[1:]}
                )

    def broken_link(self) -> int | None:
        """The first line (from 1) that does not follow from the one before it; None where all do."""
        block = b""
        for number, line in enumerate(self._whole_and_torn(), start=1):
            fields = _fields(line)
            if fields is None:
                block += line
                continue
            if fields["previous"] != _sha256(block):
                return number
            block = line
        return None

    @contextmanager
    def _opened_to_append(self) -> Iterator[int]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Released when the file is closed, by whatever end of the process. Each opening locks apart, so that this
            # holds between threads as well.
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    def _whole_and_torn(self) -> Iterator[bytes]:
        """The lines that are ended, with their ends; what is being written at this moment is not among them."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line


def _closed(block: bytes, now: dt.datetime) -> tuple[bytes, bytes]:
    """What ends a line that a killed process or a full disk cut off, and tells of it; and the block after that.

    What there is of such a line stays where it is.
    """
    if not block or block.endswith(b"\n"):
        return b"", block
    cut = _lines(block)[-1]
    block += b"\n"
    if _fields(cut) is not None:
        return b"\n", block
    told = _line(Event(now, "", "", None, TORN, f"{len(cut)} bytes", None), block)
    return b"\n" + told, told


def _last_block(file: int) -> bytes:
    """The last whole line and what is left of torn ones after it: what the next line is linked to."""
    size = os.fstat(file).st_size
    window = _TAIL_BYTES
    while True:
        start = max(0, size - window)
        lines = _lines(os.pread(file, size - start, start))
        # The first may be the end of a line that begins before the window.
        for place in range(len(lines) - 1, 0 if start else -1, -1):
            if _fields(lines[place]) is not None:
                return b"".join(lines[place:])
        if start == 0:
            return b"".join(lines)
        window *= 16


def _lines(content: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", content)


def _fields(line: bytes) -> dict[str, Any] | None:
    """What a whole line holds; None for a torn one."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and fields.keys() == _KEYS else None


def _line(event: Event, block: bytes) -> bytes:
    # ASCII alone: JSON then escapes every character that could end a line or turn the direction of writing.
    fields = {**event._asdict(), "at": event.at.isoformat(), "previous": _sha256(block)}
    return json.dumps(fields, ensure_ascii=True).encode("ascii") + b"\n"


def _text(text: str) -> str:
    # An address may hold anything, also what is no character at all.
    # Tokens first: what looks like a CPR number in one would else be taken out of its middle.
    return printable(without_tokens(text).encode("utf-8", "backslashreplace").decode("utf-8"))[:_TEXT_CHARACTERS]


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
