"""Tokens: how a program, or a browser without another provider, shows who it is. Only their hashes are kept.

A token is `bb_<id>_<secret>`: by the id it is found, listed and revoked, the secret is 256 random bits. Nothing here
knows of requests or cookies.
"""

import datetime as dt
import hashlib
import hmac
import re
import secrets
import sqlite3
from pathlib import Path
from typing import NamedTuple

from pipelines.ingest.text import printable
from portal.access.folder import keep_private
from portal.identity import Identity, Role
from portal.state import database, reading
from schemas.errors import BotilbudError

_TOKEN = re.compile(r"bb_([0-9a-f]{12})_([0-9a-f]{64})")
_SUBJECT = "token:"
_LABEL_CHARACTERS = 100
# Compared with where the id is unknown, so that this takes as long. No secret is known to have this hash.
_NOBODYS_HASH = bytes(32)


class Token(NamedTuple):
    """What is known of a token; the token itself is shown once, when it is made. Times are UTC, in whole seconds."""

    id: str
    role: Role
    municipality_code: str | None
    label: str
    issued_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None

    def is_valid(self, now: dt.datetime) -> bool:
        """Whether it lets anybody in."""
        return self.revoked_at is None and now < self.expires_at


class Tokens:
    """The tokens of a portal."""

    def __init__(self, state: Path) -> None:
        self._state = state
        # Here, since both the portal and the command that makes tokens begin with them.
        keep_private(state)
        with database(state) as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS token (id TEXT PRIMARY KEY, hash BLOB NOT NULL, role TEXT NOT NULL, "
                "municipality_code TEXT, label TEXT NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, "
                "revoked_at INTEGER) STRICT"
            )

    def issue(
        self, role: Role, municipality_code: str | None, *, label: str, now: dt.datetime, expires_at: dt.datetime
    ) -> str:
        """A new token, shown this once.

        Args:
            role: whose it is.
            municipality_code: of a municipality; None for KL.
            label: what it is for, of the operator's choice.
            now: UTC.
            expires_at: UTC; from then on it lets nobody in.

        Raises:
            BotilbudError: there is no such municipality, or KL is given one, or it would have expired already.
        """
        _require_owner(role, municipality_code)
        if expires_at <= now:
            raise BotilbudError("a token expires after it is issued; give a later date")
        id_, secret = secrets.token_hex(6), secrets.token_hex(32)
        token = f"bb_{id_}_{secret}"
        with database(self._state) as connection:
            connection.execute(
                "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    id_,
                    _hash(secret),
                    role,
                    municipality_code,
                    printable(label)[:_LABEL_CHARACTERS],
                    int(now.timestamp()),
                    int(expires_at.timestamp()),
                ),
            )
        return token

    def identify(self, token: str, now: dt.datetime) -> Identity | None:
        """Whose token this is; None where it is nobody's, expired or revoked."""
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        row = self._row(parts[1])
        is_right = hmac.compare_digest(_hash(parts[2]), _NOBODYS_HASH if row is None else row["hash"])
        if row is None or not is_right:
            return None
        known = _token(row)
        if not known.is_valid(now):
            return None
        return Identity(f"{_SUBJECT}{known.id}", known.role, known.municipality_code, known.expires_at)

    def is_valid(self, subject: str, now: dt.datetime) -> bool:
        """Whether a session of this subject may go on; one that did not begin with a token depends on none."""
        if not subject.startswith(_SUBJECT):
            return True
        row = self._row(subject.removeprefix(_SUBJECT))
        return row is not None and _token(row).is_valid(now)

    def all(self) -> list[Token]:
        """Every token ever made, newest first."""
        with reading(self._state) as connection:
            rows = connection.execute("SELECT * FROM token ORDER BY issued_at DESC, id").fetchall()
        return [_token(row) for row in rows]

    def revoke(self, id_: str, now: dt.datetime) -> None:
        """Ends a token and the sessions that began with it; one that is revoked already stays so from then.

        Raises:
            BotilbudError: no token has this id.
        """
        with database(self._state) as connection:
            changed = connection.execute(
                "UPDATE token SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", (int(now.timestamp()), id_)
            )
            if changed.rowcount == 0:
                # What was given may be a whole token by mistake, so it is not shown.
                raise BotilbudError("no token has this id; `botilbud token list` shows the ids")

    def _row(self, id_: str) -> sqlite3.Row | None:
        with reading(self._state) as connection:
            row: sqlite3.Row | None = connection.execute("SELECT * FROM token WHERE id = ?", (id_,)).fetchone()
        return row


def _require_owner(role: Role, municipality_code: str | None) -> None:
    # Commands that make no token need not load what reading the list of municipalities takes.
    from schemas.municipalities import municipality_codes  # noqa: PLC0415

    if role == "kl" and municipality_code is not None:
        raise BotilbudError("a token of KL is bound to no municipality; leave the code out")
    if role == "municipality" and municipality_code not in municipality_codes():
        raise BotilbudError("no municipality has this code; give the three digits of one, as 183")


def _hash(secret: str) -> bytes:
    # A slow hash guards what people choose. 256 random bits cannot be guessed however quick the hash is, and every
    # download asks.
    return hashlib.sha256(secret.encode()).digest()


def _token(row: sqlite3.Row) -> Token:
    return Token(
        id=row["id"],
        role=row["role"],
        municipality_code=row["municipality_code"],
        label=row["label"],
        issued_at=_time(row["issued_at"]),
        expires_at=_time(row["expires_at"]),
        revoked_at=None if row["revoked_at"] is None else _time(row["revoked_at"]),
    )


def _time(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
