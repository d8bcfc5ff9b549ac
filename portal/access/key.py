"""The key that cookies are signed with: made once per portal, never shown. Nothing else signs."""

import hmac
import os
import secrets
from pathlib import Path

from pipelines.storage import temporary_beside
from schemas.errors import BotilbudError

NAME = "session.key"
# As long as the digest that it keys.
_BYTES = 32


def session_key(state: Path) -> bytes:
    """The portal's key, made the first time it is needed, for its owner alone.

    Raises:
        BotilbudError: the file is damaged.
    """
    path = state / NAME
    if not path.exists():
        _make(path)
    key = path.read_bytes()
    if len(key) != _BYTES:
        raise BotilbudError(f"{path}: is damaged; remove it to have another one made, which ends every session")
    return key


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that what is signed for one is worth nothing for another."""
    return hmac.digest(key, purpose.encode(), "sha256")


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = temporary_beside(path)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename it never replaces what another process made meanwhile: both then read the first one.
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink(missing_ok=True)
