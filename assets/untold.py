"""Errors on their way to Dagster's event log: the product's own pass, any other loses its text."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import BotilbudError

_SHOWN_FRAMES = 4


class UnexpectedError(BotilbudError):
    """A fault of the program or the machine, told by its kind and its place: the original text may hold an answer."""


@contextmanager
def values_untold() -> Iterator[None]:
    """Errors that are not the product's own leave this block without their text.

    Raises:
        UnexpectedError: in place of any error that is no BotilbudError.
    """
    try:
        yield
    except BotilbudError:
        raise
    except Exception as error:  # noqa: BLE001 - every other error, whatever it is, may hold an answer
        frames = traceback.extract_tb(error.__traceback__)[-_SHOWN_FRAMES:]
        place = "; ".join(f"{frame.filename}:{frame.lineno}" for frame in frames)
        raise UnexpectedError(
            f"{type(error).__name__} at {place} (its text may hold an answer and is not shown)"
        ) from None
