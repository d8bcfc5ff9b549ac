"""What somebody is told when there is no other answer: JSON for programs, a page for browsers; and how little a log is.

What belongs here: what holds for every route. What a single route refuses, it says itself.
"""

import asyncio
import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.untold import told
from portal.files.answers import GoneError
from portal.templating import page

_LOG = logging.getLogger("portal")
_FOR_PROGRAMS = ("/api/", "/files/", "/deliveries/", "/openapi.json", "/healthz")
_NOT_FOUND = "Siden findes ikke."
_UNREADABLE = "Forespørgslen kan ikke læses."
_FAULT = "Der er sket en fejl hos os. Prøv igen senere."
_TITLES = {
    403: "Du har ikke adgang",
    404: "Siden findes ikke",
    405: "Det kan adressen ikke bruges til",
    410: "Udgivelsen er trukket tilbage",
    413: "Filen er for stor",
    422: "Forespørgslen kan ikke læses",
    429: "Vent lidt",
}
_TEXTS = {404: "Adressen er forkert, eller siden er ikke til dig.", 405: "Gå tilbage, og prøv igen."}


def add_answers_to_errors(app: FastAPI) -> None:
    """Makes an application answer every error as said here."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(GoneError, _gone)
    app.add_middleware(Untold)


def is_for_programs(path: str) -> bool:
    """Whether an address is one that programs ask, not browsers."""
    return path.startswith(_FOR_PROGRAMS)


def _refused(request: Request, error: Exception) -> Response:
    """The answer to an HTTPException. Whatever is not found is not found in the same words."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what this is registered for
    if error.status_code == 404:
        return _told(request, 404, _NOT_FOUND, _TEXTS[404])
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    text = _TEXTS.get(error.status_code, error.detail)
    return _told(request, error.status_code, text, text, error.headers)


def _unreadable(request: Request, _: Exception) -> Response:
    """Without what was sent: it may be an answer, or a token."""
    return _told(request, 422, _UNREADABLE, _UNREADABLE)


def _gone(_: Request, error: Exception) -> Response:
    assert isinstance(error, GoneError)  # noqa: S101 - what this is registered for
    return JSONResponse(error.tombstone.model_dump(), 410)


def _told(
    request: Request, status_code: int, detail: str, text: str, headers: Mapping[str, str] | None = None
) -> Response:
    if is_for_programs(request.url.path):
        answer: Response = JSONResponse({"detail": detail}, status_code)
    else:
        answer = page(request, "fejl.html", status_code, title=_TITLES.get(status_code, "Fejl"), text=text)
    answer.headers.update(headers or {})
    return answer


class Untold:
    """Unexpected errors end here: their text may hold an answer, so neither the asker nor a log is told it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on; an error becomes a 500, or breaks off the answer that has begun."""
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of polars is no Exception
            _LOG.error("%s", told(error))
            if scope["type"] == "http" and not has_begun:
                await _fault(scope)(scope, receive, send)


def _fault(scope: Scope) -> Response:
    if is_for_programs(scope["path"]):
        return JSONResponse({"detail": _FAULT}, 500)
    return Response(_FAULT, 500, media_type="text/plain; charset=utf-8")
