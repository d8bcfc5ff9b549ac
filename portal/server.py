"""The portal as a server process: where it listens, what it logs, and what one client may take of it."""

import asyncio
import fcntl
import logging
import os
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pipelines.ingest.text import printable
from portal.access.credentials import known_address, without_tokens
from portal.access.folder import keep_private
from portal.app import build_app
from portal.settings import Settings
from schemas.errors import BotilbudError

LOCK = "portal.lock"
# An idle connection costs about 10 kB and an open file, so this is 40 MB; a browser has six at most, and all 98
# municipalities and KL with ten people each have fewer. Beyond it requests get a 503.
_CONNECTIONS = 4_000
# Beyond these as well, not even that: each is an open file, and files are needed to answer the others.
_CONNECTIONS_REFUSED = 500
_OTHER_FILES = 1_000
_BACKLOG = 2_048
_KEEP_ALIVE_SECONDS = 15
_SHUTDOWN_SECONDS = 30
# A reader that takes nothing for so long is gone, and what is kept for it with it.
_STALLED_MILLISECONDS = 120_000
_HEAD_BYTES = 32 * 1024
_HEAD_SECONDS = 15.0


class AccessLines(logging.Filter):
    """Access lines without what others write into them: what follows `?`, tokens, CPR numbers, made-up addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cuts the line; lets all through."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, address, *rest = record.args
            # Without the port as well: behind a proxy that too is what a header says.
            known = known_address(str(client).rpartition(":")[0])
            path = printable(without_tokens(str(address).partition("?")[0]))
            record.args = (known, method, path, *rest)
        return True


class BoundedHead(HttpToolsProtocol):
    """The HTTP protocol with an end to how long a request's head and trailers may be and take; the parser has none."""

    # Counted twice: what the parser has made out so far, which may be much in one go, and what came without its making
    # anything out, as a header that does not end.
    _parsed_bytes = 0
    _fed_bytes = 0
    _is_in_head = False
    _is_progress = False
    _head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connects."""
        super().connection_made(transport)
        if len(self.connections) > (self.limit_concurrency or 0) + _CONNECTIONS_REFUSED:
            transport.abort()
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses; closes the connection where head or trailers do not end."""
        self._is_progress = False
        super().data_received(data)
        # With neither a beginning nor a piece of a body among them, all these bytes are of a head or of trailers.
        if not self._is_progress and not self.transport.is_closing():
            self._fed_bytes += len(data)
            if self._fed_bytes > _HEAD_BYTES:
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head = True
        self._begin_count()
        if self._head_deadline is None:
            self._expect_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one that comes after the body is nobody's, and is not kept."""
        self._count(len(name) + len(value))
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._is_in_head = False
        self._expect_nothing()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._begin_count()
        super().on_body(body)

    def on_response_complete(self) -> None:
        """An answer has been sent; what is left of its request and the next head must come soon."""
        if not self.pipeline:
            self._expect_head()
        super().on_response_complete()

    def _begin_count(self) -> None:
        self._parsed_bytes = self._fed_bytes = 0
        self._is_progress = True

    def _count(self, number: int) -> None:
        self._parsed_bytes += number
        if self._parsed_bytes > _HEAD_BYTES:
            # The parser stops, and the connection is closed with a 400.
            raise ValueError("the head of the request is too long")

    def _expect_head(self) -> None:
        self._expect_nothing()
        self._head_deadline = self.loop.call_later(_HEAD_SECONDS, self._give_up)

    def _expect_nothing(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _give_up(self) -> None:
        self._head_deadline = None
        # Where an answer is under way it may go on; when it is done, the next head is waited for anew.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


def serve(settings: Settings, host: str, port: int) -> None:
    """Serves until a signal ends it; downloads that are under way may finish, for a while. Ctrl-C is no error.

    Args:
        settings: of the portal.
        host: the address to listen on; another than loopback without encryption is for a proxy's network alone.
        port: 0 for any free one; what is told on a terminal names it.

    Raises:
        BotilbudError: another portal has the same state folder, or the folder is somebody else's, or the address cannot be
            listened on.
    """
    # First of all: drafts of a portal that runs would be taken for those of one that was killed.
    with alone(settings.state), _listening(host, port) as listener, suppress(KeyboardInterrupt):
        server = uvicorn.Server(_config(settings))
        _tell(listener)
        server.run(sockets=[listener])


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Holds a state folder for this process, until it ends by whatever end.

    Raises:
        BotilbudError: another portal has it, or the folder is somebody else's.
    """
    keep_private(state)
    with (state / LOCK).open("wb") as file:
        (state / LOCK).chmod(0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BotilbudError(
                f"{state}: another portal runs with this state folder; stop it, or give this one a folder of its own"
            ) from None
        yield


def _tell(listener: socket.socket) -> None:
    """One line for whoever started the portal by hand."""
    if sys.stdout.isatty():
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"Portalen lytter på http://{shown}:{port}. Stop den med Ctrl-C.\n")
        sys.stdout.flush()


def _config(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(settings),
        loop="uvloop",
        http=BoundedHead,
        ws="none",
        lifespan="on",
        log_config=_logging(),
        server_header=False,
        forwarded_allow_ips=["127.0.0.1", "::1"],
        limit_concurrency=_connections(),
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def _connections() -> int:
    """How many there may be: fewer where this machine lets a process open fewer files than they need."""
    needed = _CONNECTIONS + _CONNECTIONS_REFUSED + _OTHER_FILES
    allowed, at_most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return _CONNECTIONS
    if allowed < needed:
        allowed = needed if at_most == resource.RLIM_INFINITY else min(needed, at_most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, at_most))
    # At the least half of the files.
    return min(_CONNECTIONS, max(allowed - _CONNECTIONS_REFUSED - _OTHER_FILES, allowed // 2))


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "unknown address"
        raise BotilbudError(
            f"{host} port {port} cannot be listened on ({reason}); choose another with --host or --port"
        ) from None
    # Inherited by every connection.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MILLISECONDS)
    return listener


def _logging() -> dict[str, Any]:
    """Everything on stderr; no library but the server says more than warnings."""
    line = "%(asctime)s %(levelname)s %(name)s %(message)s"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": line}},
        "filters": {"access_lines": {"()": AccessLines}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            "access": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["access_lines"]},
        },
        "loggers": {
            "uvicorn": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
            "uvicorn.access": {"level": "INFO", "handlers": ["access"], "propagate": False},
            "portal": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }
