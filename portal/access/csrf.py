"""That a form which changes something was sent from a page of ours: a value that only our pages could hold.

It follows from the browser's session cookie, or from a random cookie of its own before anybody is signed in.
"""

import hmac
import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.responses import Response

from pipelines.ingest.limits import FILE_BYTES
from portal.access import cookies
from portal.access.credentials import bearer_token
from portal.context import portal_of

FIELD = "csrf"
HEADER = "X-CSRF-Token"
_OWN_SITES = {"same-origin", "none"}
# The largest delivery and the fields around it.
_FORM_BYTES = FILE_BYTES + 100_000
_FIELD_BYTES = 10_000
_FIELDS = 20
_ELSEWHERE = "Forespørgslen kom fra et andet websted og er afvist."
_OUTDATED = "Siden er forældet. Gå tilbage, genindlæs siden, og prøv igen."


def csrf_token(request: Request) -> str:
    """What a form on a page for this browser must send back; empty where the browser has no cookie to bind it to."""
    cookie = _bound_to(request)
    if cookie is None:
        return ""
    return hmac.new(portal_of(request).sessions.csrf_key, cookie.encode(), "sha256").hexdigest()


def begin_form(request: Request) -> str:
    """The random cookie that the form on the page for this request is bound to, before anybody is signed in."""
    value = request.cookies.get(cookies.form_name(portal_of(request).settings)) or secrets.token_hex(32)
    request.state.form_cookie = value
    return value


def keep_form(request: Request, response: Response, value: str) -> None:
    """Gives the browser the cookie of `begin_form`."""
    settings = portal_of(request).settings
    cookies.keep(response, cookies.form_name(settings), value, settings)


def require_own_form(request: Request, sent: str | None) -> None:
    """Refuses a form that no page of ours sent; for routes that read the body themselves, others use `csrf_checked`.

    Args:
        request: with its body read or not.
        sent: the form's field; None where it has none.

    Raises:
        HTTPException: 403.
    """
    _refuse_other_sites(request)
    expected = csrf_token(request)
    # Bytes, since text beyond ASCII cannot be compared so.
    if not expected or not hmac.compare_digest((sent or "").encode(), expected.encode()):
        raise HTTPException(403, _OUTDATED)


async def csrf_checked(request: Request) -> AsyncIterator[None]:
    """Refuses a request that no page of ours sent; one with a Bearer token no browser sends by itself.

    The form that it reads stays readable for the route, and is closed after it.

    Raises:
        HTTPException: 403; 413 for a form larger than any delivery.
    """
    _refuse_other_sites(request)
    try:
        if bearer_token(request) is None:
            sent = request.headers.get(HEADER)
            require_own_form(request, await _field(request) if sent is None else sent)
        yield
    finally:
        await request.close()


def _refuse_other_sites(request: Request) -> None:
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = request.headers.get("Origin")
        is_own = origin is None or origin == _origin(portal_of(request).settings.url)
    else:
        is_own = site in _OWN_SITES
    if not is_own:
        raise HTTPException(403, _ELSEWHERE)


async def _field(request: Request) -> str | None:
    # What follows fills memory and disk before anybody is known, so it is bounded; forms of browsers tell their length.
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > _FORM_BYTES:
        raise HTTPException(413, "Formularen er for stor.")
    form = await request.form(max_files=1, max_fields=_FIELDS, max_part_size=_FIELD_BYTES)
    value = form.get(FIELD)
    return value if isinstance(value, str) else None


def _bound_to(request: Request) -> str | None:
    settings = portal_of(request).settings
    started: str | None = getattr(request.state, "form_cookie", None)
    return (
        started
        or request.cookies.get(cookies.session_name(settings))
        or request.cookies.get(cookies.form_name(settings))
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
