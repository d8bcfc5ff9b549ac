"""What a request carries to show who sends it; whether it holds is for `portal.access.guard` to say."""

from fastapi import Request


def bearer_token(request: Request) -> str | None:
    """The token of `Authorization: Bearer TOKEN`; None where there is no such header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def address(request: Request) -> str:
    """The network address of the client, as far as the server knows it."""
    return request.client.host if request.client is not None else "unknown"
