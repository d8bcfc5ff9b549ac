"""Signing in and out: by a token, or by the organisation's OpenID Connect provider where one is set up."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from portal.access import cookies
from portal.access.csrf import begin_form, form_texts, keep_form
from portal.access.guard import count_failure, csrf_checked, session_identity
from portal.access.oidc import CALLBACK, PATIENCE, OpenIdError, Provider
from portal.access.sessions import LENGTH
from portal.context import portal_of
from portal.identity import Identity
from portal.templating import page

_WRONG = "Adgangsnøglen er ikke gyldig. Den kan være skrevet forkert, udløbet eller trukket tilbage."
_TOO_MANY = "Der er for mange mislykkede forsøg fra dit netværk. Prøv igen om {minutes} minutter."
_BROKEN_OFF = "Login blev afbrudt. Prøv at logge ind igen."

router = APIRouter()


@router.get("/log-ind")
def sign_in_page(request: Request) -> Response:
    """The form; who is signed in already is led on."""
    identity = session_identity(request)
    return _form(request) if identity is None else RedirectResponse(_home(identity), 303)


@router.post("/log-ind", dependencies=[Depends(csrf_checked)])
def sign_in(request: Request, sent: Annotated[dict[str, str], Depends(form_texts)]) -> Response:
    """Begins a session with a token."""
    portal = portal_of(request)
    identity = portal.tokens.identify(sent.get("token", "").strip(), portal.now())
    if identity is not None:
        return _begun(request, identity)
    seconds = count_failure(request, "/log-ind")
    if seconds is not None:
        response = _form(request, 429, error=_TOO_MANY.format(minutes=-(-seconds // 60)))
        response.headers["Retry-After"] = str(seconds)
        return response
    response = _form(request, 401, error=_WRONG)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@router.post("/log-ud", dependencies=[Depends(csrf_checked)])
def sign_out(request: Request) -> Response:
    """Ends the session, here and in the browser."""
    portal = portal_of(request)
    name = cookies.session_name(portal.settings)
    identity = session_identity(request)
    if identity is not None:
        portal.sessions.end(request.cookies[name], portal.now())
        portal.audit.record(portal.now(), identity, "sign_out", request.url.path)
    response = RedirectResponse("/log-ind", 303)
    cookies.forget(response, name, portal.settings)
    return response


@router.get("/oidc/log-ind")
def begin_at_provider(request: Request) -> Response:
    """Leads the browser to the provider. Whoever failed to sign in is led there too: no secret is guessed by that."""
    portal = portal_of(request)
    try:
        location, cookie = _provider(request).begin(portal.now())
    except OpenIdError as error:
        return _form(request, error.status_code, problem=str(error))
    response = RedirectResponse(location, 303)
    name = cookies.sign_in_name(portal.settings)
    cookies.keep(response, name, cookie, portal.settings, seconds=int(PATIENCE.total_seconds()))
    return response


@router.get(CALLBACK)
def answer_of_provider(request: Request, state: str = "", code: str = "") -> Response:
    """Begins a session for whom the provider says it is."""
    settings = portal_of(request).settings
    name = cookies.sign_in_name(settings)
    response = _answered(request, request.cookies.get(name, ""), state, code)
    cookies.forget(response, name, settings)
    return response


def _answered(request: Request, cookie: str, state: str, code: str) -> Response:
    provider, now = _provider(request), portal_of(request).now()
    try:
        started = provider.started(cookie, state, now)
    except OpenIdError as error:
        # Any page may send a browser here with anything: that is no failure of this address.
        return _form(request, error.status_code, problem=str(error))
    if not code:
        return _form(request, 403, problem=_BROKEN_OFF)
    try:
        return _begun(request, provider.finish(started, code, now))
    except OpenIdError as error:
        # Each of these used up a sign-in of its own, so there is no guessing here either.
        if error.status_code == 403:
            count_failure(request, CALLBACK)
        return _form(request, error.status_code, problem=str(error))


def _begun(request: Request, identity: Identity) -> Response:
    """The answer to a sign-in: a new session, and the page where it begins; never an address that was sent along."""
    portal = portal_of(request)
    portal.audit.record(portal.now(), identity, "sign_in", request.url.path)
    response = RedirectResponse(_home(identity), 303)
    cookie = portal.sessions.begin(identity, portal.now())
    seconds = int((min(portal.now() + LENGTH, identity.expires_at) - portal.now()).total_seconds())
    cookies.keep(response, cookies.session_name(portal.settings), cookie, portal.settings, seconds=seconds)
    cookies.forget(response, cookies.form_name(portal.settings), portal.settings)
    return response


def _form(request: Request, status_code: int = 200, *, error: str = "", problem: str = "") -> Response:
    """The sign-in page, with what is wrong with the token or what else went wrong."""
    settings = portal_of(request).settings
    form = begin_form(request)
    has_provider = settings.openid is not None
    response = page(request, "log_ind.html", status_code, error=error, problem=problem, has_provider=has_provider)
    keep_form(request, response, form)
    if cookies.session_name(settings) in request.cookies and session_identity(request) is None:
        # It is over; while the browser sends it, forms would be bound to it.
        cookies.forget(response, cookies.session_name(settings), settings)
    return response


def _home(identity: Identity) -> str:
    return "/kl" if identity.is_kl else "/"


def _provider(request: Request) -> Provider:
    portal = portal_of(request)
    if portal.settings.openid is None:
        raise HTTPException(404)
    return Provider(portal.settings.openid, portal.settings, portal.sessions)
