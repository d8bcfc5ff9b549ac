"""The secret that rounding draws by: where it lies, and how it is made once.

Nothing else makes or reads it. It is never published, logged or shown in a message. Losing it changes no number that is
released already: releases themselves hold them (`earlier.released_numbers`).
"""

from upath import UPath

from pipelines.storage import key_file
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
    return key_file(root / "secrets" / "rounding.key", _BYTES)
