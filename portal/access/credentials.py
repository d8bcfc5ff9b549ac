"""What a request carries to show who sends it; whether it holds is for `portal.access.guard` to say.

What belongs here too: how an address and a text that came with a request may be written into a log.
"""

import ipaddress
import re

from fastapi import Request

UNKNOWN = "unknown"
# Wider than a token is, so that one with a letter too few, or in capitals, is none of a log's business either.
_LIKE_A_TOKEN = re.compile(r"bb_[0-9a-z]+_[0-9a-z]+", re.IGNORECASE)
_MASK = "bb_..."


def bearer_token(request: Request) -> str | None:
    """The token of `Authorization: Bearer TOKEN`; None where there is no such header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def address(request: Request) -> str:
    """The network address of the client, as far as the server knows it."""
    return UNKNOWN if request.client is None else known_address(request.client.host)


def known_address(text: str) -> str:
    """An IP address in its one spelling; `unknown` for anything else, since what a proxy passes on may be any text."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return UNKNOWN
    # Rebuilt from the number: the zone after `%` is free text. What is IPv4 in another dress is that IPv4 address.
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.IPv6Address(int(parsed)))
    return str(parsed)


def without_tokens(text: str) -> str:
    """The text with everything that looks like a token of ours replaced: people paste them into the wrong field."""
    return _LIKE_A_TOKEN.sub(_MASK, text)
