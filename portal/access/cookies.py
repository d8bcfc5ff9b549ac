"""What the portal's cookies are called and how they are set: all of them alike."""

from starlette.responses import Response

from portal.settings import Settings


def session_name(settings: Settings) -> str:
    """The cookie of a session."""
    return _name("session", settings)


def form_name(settings: Settings) -> str:
    """The cookie that the sign-in form is bound to."""
    return _name("form", settings)


def sign_in_name(settings: Settings) -> str:
    """The cookie of a sign-in under way at the provider."""
    return _name("sign-in", settings)


def keep(response: Response, name: str, value: str, settings: Settings, *, seconds: int | None = None) -> None:
    """Sets a cookie that no script reads and no other site's form sends; for `seconds`, else until the browser closes.

    Lax, not Strict: the provider's redirect back comes from another site, and so does a link in a mail; Strict would
    withhold the cookie from both. What changes something is a POST, with which Lax withholds it as Strict would.
    """
    response.set_cookie(name, value, max_age=seconds, path="/", httponly=True, secure=settings.is_https, samesite="lax")


def forget(response: Response, name: str, settings: Settings) -> None:
    """Removes a cookie; the same attributes, since browsers refuse a `__Host-` cookie without them."""
    response.delete_cookie(name, path="/", httponly=True, secure=settings.is_https, samesite="lax")


def _name(name: str, settings: Settings) -> str:
    # Browsers take a cookie of this prefix from this very host alone, and encrypted.
    return f"__Host-{name}" if settings.is_https else name
