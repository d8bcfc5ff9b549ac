"""That a form which changes something was sent from a page of ours: a value that only our pages could hold.

It follows from the browser's session cookie, or from a random cookie of its own before anybody is signed in.
"""

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from portal.access import cookies
from portal.context import portal_of

FIELD = "csrf"
HEADER = "X-CSRF-Token"
_OWN_SITES = {"same-origin", "none"}
# Two texts of 1,000 characters, each of nine bytes at most as a browser writes it, and the fields around them. What is
# larger, a delivery, `portal.delivering.upload` reads.
_FORM_BYTES = 64_000
_FIELD_BYTES = 10_000
_FIELDS = 20
_FORM_SECONDS = 15.0
_ELSEWHERE = "Forespørgslen kom fra et andet websted og er afvist."
_UNREADABLE = "Formularen kan ikke læses. Gå tilbage, genindlæs siden, og prøv igen."
_TOO_LARGE = "Formularen er for stor."
_TOO_SLOW = "Formularen var for længe undervejs. Prøv igen."
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
    """Refuses a request to a page that no page of ours sent, whatever else it brings: pages know no Bearer token.

    The form that it reads stays readable for the route (`form_texts`), and is closed after it.

    Raises:
        HTTPException: 403, or as `form_texts` does.
    """
    _refuse_other_sites(request)
    try:
        sent = request.headers.get(HEADER)
        require_own_form(request, (await form_texts(request)).get(FIELD) if sent is None else sent)
        yield
    finally:
        await request.close()


async def form_texts(request: Request) -> dict[str, str]:
    """The text fields of a form, within limits that hold before anybody is known.

    Routes of pages take it as a dependency, after their guards. A parameter of FastAPI's would be read first and without
    these limits, and be shown in the answer to a form that lacks it.

    Raises:
        HTTPException: 400 for what is no form; 408 for one that does not come; 413 for one that is larger than any of ours
            or does not tell its length, which browsers do.
    """
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > _FORM_BYTES:
        raise HTTPException(413, _TOO_LARGE)
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            form = await request.form(max_files=1, max_fields=_FIELDS, max_part_size=_FIELD_BYTES)
    except TimeoutError:
        raise HTTPException(408, _TOO_SLOW, {"Connection": "close"}) from None
    except (HTTPException, ClientDisconnect):
        # Starlette's own words are English, and the sender's hanging up is no fault of ours.
        raise HTTPException(400, _UNREADABLE) from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _refuse_other_sites(request: Request) -> None:
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = request.headers.get("Origin")
        is_own = origin is None or origin == _origin(portal_of(request).settings.url)
    else:
        is_own = site in _OWN_SITES
    if not is_own:
        raise HTTPException(403, _ELSEWHERE)


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
