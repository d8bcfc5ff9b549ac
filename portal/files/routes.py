"""The files of releases, for programs and browsers: one file, a part of it, or all that somebody may see as a package.

Whatever is not the asker's and whatever does not exist get the same answer. A request without a valid credential is
refused before anything is looked up.
"""

import base64
from collections.abc import Callable, Coroutine
from functools import cache, partial
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute

from pipelines.release.contents import SHARED
from pipelines.storage import is_local
from portal.access.guard import api_identity
from portal.context import portal_of
from portal.files.addresses import PACKAGE, file_address, saved_name
from portal.files.answers import GONE, NOT_FOUND, REFUSED, Answers, found
from portal.files.conditions import is_known, part
from portal.files.package import package
from portal.files.published import LATEST, Publication, content_type
from portal.files.sending import FileAnswer

# A release can be withdrawn, so even an address that never changes its meaning is asked again; the tag makes that cheap.
_ASK_AGAIN = "private, no-cache"
# What is one municipality's alone is left in no browser's folder on a desk that others sit at.
_KEEP_NOTHING = "no-store"
_ZIP = "application/zip"
# More would wait for each other: what is done before the content is mostly Python.
_THREADS = 4
_OWN_FIGURE = "/files/{round_name}/{release}/municipalities/{code}/figures/{name}"
# What an answer without the content still says of it.
_ABOUT = ("etag", "cache-control", "vary", "content-location", "content-range", "accept-ranges")


class Direct(APIRoute):
    """A route whose handler takes the request and the parts of the address, all of them text, and no dependencies.

    What comes before the content of a file on this machine takes a third of a millisecond, so it is done at once: handed to
    another thread, as FastAPI does for each dependency, it takes twice as long at hundreds of downloads at a time, since the
    threads wait for each other. What may take longer goes to a thread.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, called without FastAPI's own reading of the request."""

        async def answer(request: Request) -> Response:
            answering = partial(self.endpoint, request, **request.path_params)
            response: Response
            if self.endpoint is not whole_package and is_local(portal_of(request).settings.root):
                response = answering()
            else:
                response = await anyio.to_thread.run_sync(answering, limiter=_threads())
            return response

        return answer


@cache
def _threads() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(_THREADS)


router = APIRouter(tags=["files"], route_class=Direct)
_BYTES = {"type": "string", "format": "binary"}
_FILE = {
    "application/vnd.apache.parquet": {"schema": _BYTES},
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"schema": _BYTES},
    "text/csv; charset=utf-8": {"schema": _BYTES},
    "text/markdown; charset=utf-8": {"schema": _BYTES},
    "application/json": {"schema": {"type": "object"}},
    "application/pdf": {"schema": _BYTES},
    "text/html; charset=utf-8": {"schema": _BYTES},
    "image/svg+xml": {"schema": _BYTES},
    "image/png": {"schema": _BYTES},
}
_PROBLEMS: Answers = REFUSED | NOT_FOUND | GONE
_KNOWN: Answers = {304: {"description": "What `If-None-Match` names is the content."}}
_ANSWERS: Answers = {
    200: {"description": "The file.", "content": _FILE},
    206: {"description": "The part that `Range` asks for.", "content": _FILE},
    416: {"description": "What `Range` asks for lies outside the file."},
    **_KNOWN,
    **_PROBLEMS,
}
_PACKAGE_ANSWERS: Answers = {
    200: {"description": "The package.", "content": {_ZIP: {"schema": _BYTES}}},
    **_KNOWN,
    **_PROBLEMS,
}


@router.get("/files/{round_name}/{release}/" + PACKAGE, responses=_PACKAGE_ANSWERS, response_class=Response)
@router.head("/files/{round_name}/{release}/" + PACKAGE, include_in_schema=False)
def whole_package(request: Request, round_name: str, release: str) -> Response:
    """All that you may see of a release as one zip file, with a manifest of these files."""
    portal, asker = portal_of(request), api_identity(request)
    publication = found(request, asker, round_name, release)
    packed = package(publication, publication.files_for(asker), portal.settings.url)
    headers = _headers(publication, PACKAGE, packed.identifier, is_latest=release == LATEST)
    if is_known(request.headers.get("if-none-match"), headers["etag"]):
        return _without_content(304, headers)
    headers |= {"content-type": _ZIP, "content-length": str(packed.size)}
    if request.method == "HEAD":
        return Response(headers=headers)
    portal.audit.record(portal.now(), asker, "download", file_address(publication, PACKAGE), packed.identifier)
    return StreamingResponse(packed.chunks(), headers=headers)


@router.get("/files/{round_name}/{release}/shared/{name}", responses=_ANSWERS, response_class=Response)
@router.head("/files/{round_name}/{release}/shared/{name}", include_in_schema=False)
def shared_file(request: Request, round_name: str, release: str, name: str) -> Response:
    """A file that every participant may see."""
    return _file(request, round_name, release, f"shared/{name}")


@router.get("/files/{round_name}/{release}/shared/figures/{name}", responses=_ANSWERS, response_class=Response)
@router.head("/files/{round_name}/{release}/shared/figures/{name}", include_in_schema=False)
def shared_figure(request: Request, round_name: str, release: str, name: str) -> Response:
    """A figure that every participant may see, or what all of them are called."""
    return _file(request, round_name, release, f"shared/figures/{name}")


@router.get("/files/{round_name}/{release}/municipalities/{code}/{name}", responses=_ANSWERS, response_class=Response)
@router.head("/files/{round_name}/{release}/municipalities/{code}/{name}", include_in_schema=False)
def own_file(request: Request, round_name: str, release: str, code: str, name: str) -> Response:
    """A file that only its municipality and KL may see."""
    return _file(request, round_name, release, f"municipalities/{code}/{name}")


@router.get(_OWN_FIGURE, responses=_ANSWERS, response_class=Response)
@router.head(_OWN_FIGURE, include_in_schema=False)
def own_figure(request: Request, round_name: str, release: str, code: str, name: str) -> Response:
    """A figure that only its municipality and KL may see, or what all of them are called."""
    return _file(request, round_name, release, f"municipalities/{code}/figures/{name}")


@router.get("/files/{round_name}/{release}/{name}", responses=_ANSWERS, response_class=Response)
@router.head("/files/{round_name}/{release}/{name}", include_in_schema=False)
def file_about_all(request: Request, round_name: str, release: str, name: str) -> Response:
    """A file that tells of every municipality, the manifest among them: for KL alone."""
    return _file(request, round_name, release, name)


def _file(request: Request, round_name: str, release: str, path: str) -> Response:
    asker = api_identity(request)
    publication = found(request, asker, round_name, release, path)
    file = publication.files[path]
    headers = _headers(publication, file.path, file.sha256, is_latest=release == LATEST)
    digest = f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:"
    headers |= {"accept-ranges": "bytes", "repr-digest": digest}
    if is_known(request.headers.get("if-none-match"), headers["etag"]):
        return _without_content(304, headers)
    is_get = request.method == "GET"
    range_ = request.headers.get("range") if is_get else None
    asked = part(range_, request.headers.get("if-range"), headers["etag"], file.bytes)
    if asked is None:
        return _without_content(416, headers | {"content-range": f"bytes */{file.bytes}"})
    headers["content-type"] = content_type(file.media_type)
    if asked.is_asked_for:
        last = asked.start + asked.length - 1
        headers["content-range"] = f"bytes {asked.start}-{last}/{file.bytes}"
    else:
        headers["content-digest"] = digest
    try:
        opened = publication.open(file)
    except FileNotFoundError:
        raise HTTPException(404) from None
    if is_get:
        portal = portal_of(request)
        portal.audit.record(portal.now(), asker, "download", file_address(publication, file.path), file.sha256)
    return FileAnswer(opened, asked, 206 if asked.is_asked_for else 200, headers)


def _headers(publication: Publication, path: str, checksum: str, *, is_latest: bool) -> dict[str, str]:
    """What holds for every answer about a content."""
    return {
        "etag": f'"{checksum}"',
        "cache-control": _ASK_AGAIN if path.startswith(f"{SHARED}/") else _KEEP_NOTHING,
        "vary": "Authorization, Cookie",
        "content-disposition": f'attachment; filename="{saved_name(publication, path)}"',
    } | ({"content-location": file_address(publication, path)} if is_latest else {})


def _without_content(status_code: int, headers: dict[str, str]) -> Response:
    kept = {name: value for name, value in headers.items() if name in _ABOUT}
    return Response(status_code=status_code, headers=kept)
