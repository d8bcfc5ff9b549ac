"""The parts of one portal, made once and handed to every request."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from portal.access.audit_log import AuditLog
from portal.access.sessions import Sessions
from portal.access.throttle import Throttle
from portal.access.tokens import Tokens
from portal.delivering.desk import Desk
from portal.files.published import Publications
from portal.settings import Settings


@dataclass(frozen=True)
class Portal:
    """Everything that a request may need."""

    settings: Settings
    now: Callable[[], dt.datetime]
    tokens: Tokens
    sessions: Sessions
    throttle: Throttle
    audit: AuditLog
    publications: Publications
    desk: Desk


def portal_of(request: Request) -> Portal:
    """The portal that a request reached."""
    portal: Portal = request.app.state.portal
    return portal
