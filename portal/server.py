"""The portal as a server process: where it listens, what it logs, and what one client may take of it."""

import logging
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portal.app import build_app
from portal.settings import Settings

_CONNECTIONS = 1_000
_BACKLOG = 2_048
_KEEP_ALIVE_SECONDS = 15
_SHUTDOWN_SECONDS = 30
# A reader that takes nothing for so long is gone, and what is kept for it with it.
_STALLED_MILLISECONDS = 120_000
_HEAD_BYTES = 32 * 1024


class WithoutQuery(logging.Filter):
    """Access lines without what follows `?`: sign-in at a provider sends codes there."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cuts the line; lets all through."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, address, *rest = record.args
            record.args = (client, method, str(address).partition("?")[0], *rest)
        return True


class BoundedHead(HttpToolsProtocol):
    """The HTTP protocol with an end to how long a request's head may be; the parser itself has none."""

    _is_in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parses; closes the connection where a head does not end."""
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._is_in_head = False
        super().on_headers_complete()


def serve(settings: Settings, host: str, port: int) -> None:
    """Serves until a signal ends it; downloads that are under way may finish, for a while.

    Args:
        settings: of the portal.
        host: the address to listen on; another than loopback without encryption is for a proxy's network alone.
        port: 0 for any free one; the log names it.

    Raises:
        OSError: the address cannot be listened on.
    """
    with _listening(host, port) as listener:
        uvicorn.Server(_config(settings)).run(sockets=[listener])


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
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
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
        "filters": {"without_query": {"()": WithoutQuery}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
            "access": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_query"]},
        },
        "loggers": {
            "uvicorn": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
            "uvicorn.access": {"level": "INFO", "handlers": ["access"], "propagate": False},
            "portal": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }
