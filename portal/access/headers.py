"""What every answer tells browsers: run nothing, load nothing foreign, show nowhere else, keep nothing."""

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.settings import Settings

# The pages have no scripts. The provider's address is not needed in form-action: a link leads there, not a form.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # No other site learns which page was left. Not `no-referrer`: with it browsers send `Origin: null` with our own
    # forms, which then look like another site's.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    # Neither a shared computer nor a proxy keeps what was shown, unless the route knows that it may.
    "Cache-Control": "no-store",
}
_TWO_YEARS_SECONDS = 63_072_000


class SecurityHeaders:
    """Adds the headers to the start of every answer and touches nothing after it: streams pass as they come."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if settings.is_https:
            self._headers["Strict-Transport-Security"] = f"max-age={_TWO_YEARS_SECONDS}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # What a route says itself stands: a report's page has a policy of its own.
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def with_security(app: FastAPI, settings: Settings) -> None:
    """Adds the headers to every answer of an application, that of an unforeseen error too.

    Called last: routes may be added afterwards, middleware and error handlers not. `add_middleware` would not do, since
    Starlette answers unforeseen errors outside of all that is added so.
    """
    app.middleware_stack = SecurityHeaders(app.build_middleware_stack(), settings)
