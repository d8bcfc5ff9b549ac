"""One file out of the body of a request, within limits that hold whatever the request says of itself.

What belongs here: reading the body. What does not: what the file holds (`checking`) and where it goes (`drafts`). The
body's file has no name on disk while it comes in, so a broken upload or a killed process leaves nothing behind.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO, NamedTuple

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from pipelines.ingest.limits import FILE_BYTES
from pipelines.ingest.text import printable
from portal.delivering.refused import RefusedError, too_large

FIELD = "file"
BODY_BYTES = FILE_BYTES + 64_000
"""The file and the frame around it: boundaries, headers of the parts, the hidden field of the form."""

DISCARDED_BYTES = 5 * FILE_BYTES
"""So much of a body that is too large is read and thrown away: a browser reads no answer before it has sent its file."""

UPLOAD_SECONDS = 300.0
_FIELDS = 4
_FIELD_BYTES = 4_096
_SHOWN_CHARACTERS = 100
_CHOOSE = "Vælg den fil, der skal afleveres."

# The parser's warnings quote the byte that they stumble over, which may be one of an answer.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class Upload(NamedTuple):
    """A file as it came in, open and at its beginning; `fields` are the form's other fields."""

    file: BinaryIO
    size: int
    sender_name: str
    fields: dict[str, str]

    @property
    def extension(self) -> str:
        """The end of the sender's name from the last dot on, lower case; any text."""
        return os.path.splitext(self.sender_name)[1].lower()  # noqa: PTH122 - a name that no path is made of

    @property
    def shown_name(self) -> str:
        """The sender's name as it may be shown and kept: odd characters escaped, CPR numbers masked, cut."""
        shown = printable(self.sender_name)
        return shown if len(shown) <= _SHOWN_CHARACTERS else shown[:_SHOWN_CHARACTERS] + "…"


class _Parser(MultiPartParser):
    """Starlette's parser, which takes a body that breaks off in the middle of a part for one without that part."""

    _has_ended = False

    def on_end(self) -> None:
        self._has_ended = True

    async def parse(self) -> FormData:
        form = await super().parse()
        if not self._has_ended:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("the last boundary is missing")
        return form


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Upload]:
    """The one file of a multipart body; gone when the context ends.

    Raises:
        RefusedError: the body is too large, too slow, no multipart form, or holds anything but one file.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise RefusedError(415, "not_multipart", "Filen skal sendes som multipart/form-data i feltet file.")
    parser = _Parser(request.headers, _limited(request), max_files=1, max_fields=_FIELDS, max_part_size=_FIELD_BYTES)
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            form = await parser.parse()
    except MultiPartException:
        raise RefusedError(
            400,
            "malformed_upload",
            "Filen kom ikke helt frem, eller der var mere end én fil. Aflever én fil ad gangen.",
        ) from None
    except TimeoutError:
        raise RefusedError(408, "too_slow", "Filen var for længe undervejs. Prøv igen.") from None
    except ClientDisconnect:
        raise RefusedError(400, "broken_off", "Forbindelsen blev afbrudt. Prøv igen.") from None
    try:
        sent = form.get(FIELD)
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise RefusedError(422, "no_file", _CHOOSE)
        if sent.size is None or sent.size > FILE_BYTES:
            raise too_large()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        yield Upload(sent.file, sent.size, _last_part(sent.filename), fields)
    finally:
        await form.close()


async def _limited(request: Request) -> AsyncGenerator[bytes, None]:
    """The body's bytes, counted as they come: neither its announced length nor the lack of one matters."""
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
        if count > DISCARDED_BYTES:
            break
        if count <= BODY_BYTES:
            yield chunk
    if count > BODY_BYTES:
        raise too_large()


def _last_part(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]
