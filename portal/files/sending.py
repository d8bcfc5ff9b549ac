"""Sending an open file: large chunks, one at a time, so that a slow reader holds no more than one in memory."""

import os
from collections.abc import Mapping
from typing import BinaryIO

import anyio.to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from portal.files.conditions import Part

CHUNK_BYTES = 256 * 1024


class FileAnswer(Response):
    """A part of an open file. The file is closed when the answer has gone, or cannot go."""

    def __init__(self, file: BinaryIO, part: Part, status_code: int, headers: Mapping[str, str]) -> None:
        self.file = file
        self.part = part
        self.status_code = status_code
        self.background = None
        self.body = b""
        self.init_headers(headers)
        self.headers["content-length"] = str(part.length)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the protocol's
        """Answers; nothing of the file is read for HEAD."""
        with self.file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            left = 0 if scope["method"] == "HEAD" else self.part.length
            offset = self.part.start
            while left:
                chunk = await _read(self.file.fileno(), offset, min(left, CHUNK_BYTES))
                offset += len(chunk)
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": left > 0})
            if not offset - self.part.start:
                await send({"type": "http.response.body", "body": b""})


async def _read(file: int, offset: int, length: int) -> bytes | memoryview:
    """What is in memory at once; what must come from a disk in a thread, so that nobody else waits for it."""
    buffer = bytearray(length)
    try:
        got = os.preadv(file, [buffer], offset, os.RWF_NOWAIT)
    except OSError:
        got = 0
    if got:
        return memoryview(buffer)[:got]
    chunk = await anyio.to_thread.run_sync(os.pread, file, length, offset)
    if not chunk:
        raise EOFError("a file of a release became shorter while it was sent")
    return chunk
