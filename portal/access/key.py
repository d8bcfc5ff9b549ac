"""The key that cookies are signed with: made once per portal, never shown. Nothing else signs."""

import hmac
from pathlib import Path

from upath import UPath

from pipelines.storage import key_file

NAME = "session.key"
# As long as the digest that it keys.
_BYTES = 32


def session_key(state: Path) -> bytes:
    """The portal's key, made the first time it is needed, for its owner alone.

    Raises:
        StorageError: the file is damaged; without it another one is made, and every session has ended.
    """
    return key_file(UPath(state / NAME), _BYTES)


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that what is signed for one is worth nothing for another."""
    return hmac.digest(key, purpose.encode(), "sha256")
