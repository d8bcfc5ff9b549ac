"""Errors on their way to Dagster's event log: the product's own pass, any other loses its text."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.untold import told
from schemas.errors import BotilbudError


class UnexpectedError(BotilbudError):
    """A fault of the program or the machine, told by its kind and its place: the original text may hold an answer."""


@contextmanager
def values_untold() -> Iterator[None]:
    """Errors that are not the product's own leave this block without their text.

    So do the panics of polars, which are no ordinary exceptions; what stops the process passes.

    Raises:
        UnexpectedError: in place of any error that is no BotilbudError.
    """
    try:
        yield
    except (BotilbudError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        if type(error).__module__.startswith("dagster."):
            raise
        raise UnexpectedError(told(error)) from None
