"""Sessions of browsers: a signed cookie that holds subject, municipality, role and expiry, and nothing else.

The cookie is all there is of a session; the portal itself remembers only the hashes of those that were ended early.
"""

import datetime as dt
import hashlib
import secrets
from pathlib import Path

from itsdangerous import BadData, URLSafeSerializer

from portal.access.key import derived, session_key
from portal.identity import Identity
from portal.state import database, reading

LENGTH = dt.timedelta(hours=8)


class Sessions:
    """The sessions of a portal.

    Attributes:
        csrf_key: what forms are signed with; see `portal.access.csrf`.
        sign_in_key: what a sign-in under way is signed with; see `portal.access.oidc`.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        key = session_key(state)
        self._cookies = signer(derived(key, "session"))
        self.csrf_key = derived(key, "csrf")
        self.sign_in_key = derived(key, "sign-in")
        with database(state) as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS ended_session (hash BLOB PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT"
            )

    def begin(self, identity: Identity, now: dt.datetime) -> str:
        """The cookie's value: of a session of 8 hours, or until what it began with expires."""
        # Up to a second earlier, drawn: no two sessions share a cookie, so that ending one leaves the others.
        drawn = dt.timedelta(microseconds=secrets.randbelow(1_000_000))
        expires_at = min(now + LENGTH, identity.expires_at) - drawn
        value = self._cookies.dumps(
            [identity.subject, identity.municipality_code, identity.role, expires_at.isoformat()]
        )
        return value if isinstance(value, str) else value.decode()

    def read(self, cookie: str, now: dt.datetime) -> Identity | None:
        """Who that is; None where it is forged, expired or ended."""
        identity = self._signed(cookie)
        if identity is None or now >= identity.expires_at or self._is_ended(cookie):
            return None
        return identity

    def end(self, cookie: str, now: dt.datetime) -> None:
        """Ends a session for good: its cookie is worth nothing any more."""
        identity = self._signed(cookie)
        if identity is not None:
            self.spend(cookie, identity.expires_at, now)

    def spend(self, cookie: str, expires_at: dt.datetime, now: dt.datetime) -> bool:
        """Remembers until it expires that a signed cookie is worth nothing any more; False where it was so already."""
        with database(self._state) as connection:
            connection.execute("DELETE FROM ended_session WHERE expires_at < ?", (int(now.timestamp()),))
            added = connection.execute(
                "INSERT OR IGNORE INTO ended_session VALUES (?, ?)", (_hash(cookie), int(expires_at.timestamp()))
            )
        return added.rowcount == 1

    def _signed(self, cookie: str) -> Identity | None:
        try:
            subject, municipality_code, role, expires_at = self._cookies.loads(cookie)
        except BadData:
            return None
        return Identity(subject, role, municipality_code, dt.datetime.fromisoformat(expires_at))

    def _is_ended(self, cookie: str) -> bool:
        with reading(self._state) as connection:
            ended = connection.execute("SELECT 1 FROM ended_session WHERE hash = ?", (_hash(cookie),)).fetchone()
        return ended is not None


def signer(key: bytes) -> URLSafeSerializer:
    """Signs and reads what a cookie holds, by HMAC-SHA-256."""
    return URLSafeSerializer(key, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256})


def _hash(cookie: str) -> bytes:
    # Of what is signed alone: the signature's own last character can be written in four ways that read the same.
    return hashlib.sha256(cookie.rpartition(".")[0].encode()).digest()
