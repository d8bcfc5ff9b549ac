"""The secret that rounding draws by: where it lies, and how it is made once.

Nothing else makes or reads it. It is never published, logged or shown in a message. Losing it changes no number that is
released already: releases themselves hold them (`earlier.released_numbers`).
"""

import os
import secrets
from pathlib import Path

from upath import UPath

from pipelines.storage import StorageError, is_local, temporary_beside, write_bytes
from schemas.errors import BotilbudError

# As long as the digest that it keys.
_BYTES = 32
_LEAST_CHARACTERS = 16


def rounding_secret(root: UPath, given: str | None) -> bytes:
    """The data root's secret: what the operator gives, else what was made the first time it was needed.

    Args:
        root: the data root; the secret lies in `secrets/rounding.key`, readable by its owner only.
        given: BOTILBUD_ROUNDING_SECRET, where it is set.

    Raises:
        BotilbudError: what is given is too short to be a secret.
        StorageError: the key's file is damaged, or an object store refused it.
        OSError: this machine refused the file.
    """
    if given is not None:
        if len(given) < _LEAST_CHARACTERS:
            raise BotilbudError(
                f"BOTILBUD_ROUNDING_SECRET is too short: give at least {_LEAST_CHARACTERS} characters, or unset it"
            )
        return given.encode()
    path = root / "secrets" / "rounding.key"
    if not path.exists():
        _make(path)
    secret = path.read_bytes()
    if len(secret) != _BYTES:
        raise StorageError(f"{path}: is damaged; restore it, or remove it to have another one made")
    return secret


def _make(path: UPath) -> None:
    secret = secrets.token_bytes(_BYTES)
    if not is_local(path):
        write_bytes(path, secret)
        return
    final = Path(str(path))
    final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = temporary_beside(final)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename it never replaces what another process made meanwhile.
            os.link(temporary, final)
        except FileExistsError:
            return
    finally:
        temporary.unlink(missing_ok=True)
