"""The portal as one application: its parts, its routes, and what holds for every answer."""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from portal.access.audit_log import AuditLog
from portal.access.headers import with_security
from portal.access.sessions import Sessions
from portal.access.throttle import Throttle
from portal.access.tokens import Tokens
from portal.context import Portal
from portal.delivering import routes as deliveries
from portal.delivering.desk import Desk
from portal.errors import add_answers_to_errors
from portal.files import api
from portal.files import routes as files
from portal.files.published import Publications
from portal.pages import about, deliver, kl, management, reports, rounds, sign_in
from portal.settings import Settings
from portal.state import kept_open

_DESCRIPTION = """
Rounds and years of management information, their releases and files, and handing in a delivery. Every request but
`/healthz` and this document needs a token (`Authorization: Bearer TOKEN`) or the session of a signed-in browser. What is
not yours and what does not exist get the same answer.
"""
# For the API's document alone; the routes look at the token themselves (`portal.access.guard`).
_TOKEN = HTTPBearer(scheme_name="token", description="A token that KL has given out.", auto_error=False)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def build_app(settings: Settings, *, now: Callable[[], dt.datetime] = _utc_now) -> FastAPI:
    """The application of a portal.

    Args:
        settings: where it runs.
        now: the time, UTC.
    """
    desk = Desk(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with kept_open(settings.state):
            yield
        desk.close()

    app = FastAPI(
        title="Botilbudsbenchmark",
        description=_DESCRIPTION,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.portal = Portal(
        settings=settings,
        now=now,
        tokens=Tokens(settings.state),
        sessions=Sessions(settings.state),
        throttle=Throttle(),
        audit=AuditLog(settings.state),
        publications=Publications(settings.root),
        desk=desk,
    )
    for programs in (files, api, deliveries):
        app.include_router(programs.router, dependencies=[Depends(_TOKEN)])
    app.include_router(api.service)
    for pages in (sign_in, rounds, reports, deliver, management, kl, about):
        app.include_router(pages.router, include_in_schema=False)
    add_answers_to_errors(app)
    with_security(app, settings)
    return app
