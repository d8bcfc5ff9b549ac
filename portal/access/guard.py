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
        _failed(request)
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


def refuse_over_limit(request: Request) -> None:
    """Turns away an address that failed to sign in too often.

    Raises:
        HTTPException: 429, with the seconds to wait.
    """
    seconds = portal_of(request).throttle.retry_after_seconds(address(request), _now(request))
    if seconds is not None:
        raise HTTPException(
            429,
            "Der er for mange mislykkede forsøg fra dit netværk. Prøv igen senere.",
            {"Retry-After": str(seconds)},
        )


def count_failure(request: Request) -> None:
    """Remembers a wrong token, for the limit and in the audit log; the token itself nowhere."""
    portal = portal_of(request)
    portal.throttle.failed(address(request), portal.now())
    portal.audit.record(portal.now(), None, "sign_in_failed", f"{request.url.path} from {address(request)}")


def _failed(request: Request) -> None:
    refuse_over_limit(request)
    count_failure(request)


def _now(request: Request) -> dt.datetime:
    return portal_of(request).now()
