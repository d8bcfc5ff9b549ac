"""What is told of an error whose text may hold an answer: its kind and its place, and nothing else."""

import traceback
from pathlib import Path

_PROJECT = Path(__file__).parents[1]
_SHOWN_FRAMES = 3
# Below these folders of the data root every name is our own; elsewhere a sender may have put anything into it.
_OWN_FOLDERS = ("warehouse", "releases", "reference", "documentation", "accepted_warnings", "heartbeat")


def told(error: BaseException) -> str:
    """An error in one line without its text: its kind, what the machine says of a file of ours, and our lines."""
    parts = [type(error).__name__]
    if isinstance(error, OSError) and error.strerror:
        parts.append(error.strerror + _own_path(error.filename))
    frames = [
        f"{Path(frame.filename).relative_to(_PROJECT)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_PROJECT)
        and "site-packages" not in frame.filename
        and frame.filename != __file__
    ]
    parts.append("at " + (", ".join(frames[-_SHOWN_FRAMES:]) or "no line of ours"))
    return "; ".join(parts) + " (its text may hold an answer and is not shown)"


def _own_path(filename: object) -> str:
    parts = Path(str(filename)).parts
    start = next((i for i, part in enumerate(parts) if part in _OWN_FOLDERS), None)
    return "" if start is None else ": " + "/".join(parts[start:])
