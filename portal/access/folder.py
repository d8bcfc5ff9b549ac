"""The state folder is its owner's alone, whoever made it and however wide."""

import stat
from pathlib import Path

from portal.state import NAME
from schemas.errors import BotilbudError

_FOLDER = 0o700
_FILE = 0o600


def keep_private(state: Path) -> None:
    """Narrows the folder and what lies directly in it, and makes both folder and database where they are missing.

    Raises:
        BotilbudError: somebody else's folder lies there.
    """
    state.mkdir(parents=True, exist_ok=True, mode=_FOLDER)
    try:
        # The folder first: then nobody gets to what is in it. SQLite gives its other files the mode of the database.
        _narrow(state)
        (state / NAME).touch(mode=_FILE, exist_ok=True)
        for path in state.iterdir():
            _narrow(path)
    except PermissionError:
        raise BotilbudError(f"{state}: belongs to another user; give it to the one that runs the portal") from None


def _narrow(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode) and mode & 0o077:
            path.chmod(_FOLDER)
        elif stat.S_ISREG(mode) and mode & 0o177:
            path.chmod(_FILE)
    except FileNotFoundError:  # a file of SQLite's that came and went
        return
