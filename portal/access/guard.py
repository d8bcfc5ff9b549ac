"""Who asks, as dependencies of routes. A route names one of them and needs to know nothing of tokens and cookies."""

import datetime as dt
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from portal.access import cookies
from portal.access.credentials import address, bearer_token
from portal.access.csrf import csrf_checked, csrf_token
from portal.context import portal_of
from portal.identity import Identity

__all__ = [
    "api_identity",
    "csrf_checked",
    "csrf_token",
    "kl_identity",
    "municipality_identity",
    "page_identity",
    "session_identity",
]

_SIGN_IN = "/log-ind"
_TOO_MANY = "Der er for mange mislykkede forsøg fra dit netværk. Prøv igen senere."


def session_identity(request: Request) -> Identity | None:
    """Who is signed in by a session cookie; None where nobody is."""
    portal = portal_of(request)
    cookie = request.cookies.get(cookies.session_name(portal.settings))
    if cookie is None:
        return None
    now = portal.now()
    identity = portal.sessions.read(cookie, now)
    return identity if identity is not None and portal.tokens.is_valid(identity.subject, now) else None


def api_identity(request: Request) -> Identity:
    """Who asks, by Bearer token or session cookie. A wrong token is not made good by a cookie.

    Raises:
        HTTPException: 401; 429 where this address sent too many wrong tokens. A valid one passes all the same: no trying
            finds it, and downloads must not stop because a colleague behind the same address mistyped.
    """
    token = bearer_token(request)
    identity = session_identity(request) if token is None else portal_of(request).tokens.identify(token, _now(request))
    if identity is not None:
        return identity
    if token is not None:
        seconds = count_failure(request, "Bearer")
        if seconds is not None:
            raise HTTPException(429, _TOO_MANY, headers={"Retry-After": str(seconds)})
    raise HTTPException(401, "Log ind, eller send en gyldig adgangsnøgle.", headers={"WWW-Authenticate": "Bearer"})


def page_identity(request: Request) -> Identity:
    """Who asks for a page, by session cookie.

    Raises:
        HTTPException: 303 to the sign-in page.
    """
    identity = session_identity(request)
    if identity is None:
        raise HTTPException(303, headers={"Location": _SIGN_IN})
    return identity


def municipality_identity(identity: Annotated[Identity, Depends(page_identity)]) -> Identity:
    """The municipality that asks for a page.

    Raises:
        HTTPException: 303 to the sign-in page; 404 for KL.
    """
    if identity.municipality_code is None:
        raise HTTPException(404)
    return identity


def kl_identity(identity: Annotated[Identity, Depends(page_identity)]) -> Identity:
    """KL, which asks for a page.

    Raises:
        HTTPException: 303 to the sign-in page; 404 for a municipality.
    """
    if not identity.is_kl:
        raise HTTPException(404)
    return identity


def count_failure(request: Request, door: str) -> int | None:
    """Counts a sign-in that failed, for the limit and in the audit log; of what was sent, nothing is kept.

    What would have been right is let in without asking here: no trying finds a token of 256 random bits, and a stranger
    behind the same proxy must lock nobody out. The limit is on what is logged and on what a wrong token costs.

    Args:
        request: the one that failed.
        door: where it was tried, in our own words.

    Returns:
        The seconds to wait where this address had failed too often before; then nothing is counted.
    """
    portal, now, client = portal_of(request), _now(request), address(request)
    seconds = portal.throttle.retry_after_seconds(client, now)
    if seconds is not None:
        return seconds
    portal.throttle.failed(client, now)
    left_out = portal.throttle.left_out(now)
    if left_out is not None:
        if left_out:
            portal.audit.record(now, None, "sign_in_failed_left_out", str(left_out))
        portal.audit.record(now, None, "sign_in_failed", f"{door} from {client}")
    return None


def _now(request: Request) -> dt.datetime:
    return portal_of(request).now()
