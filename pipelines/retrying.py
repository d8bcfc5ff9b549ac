"""Calls over a network, tried again with a growing wait where trying again may help. Which errors those are, callers say."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

ATTEMPTS = 3
# No new attempt is started later than this after the first.
RETRY_FOR_SECONDS = 60.0

P = ParamSpec("P")
Result = TypeVar("Result")


def tried_again(
    passing: type[Exception] | tuple[type[Exception], ...],
    call: Callable[P, Result],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Result:
    """What the call gives, after at most three attempts.

    Args:
        passing: the errors that may pass; any other is raised at once.
        call: the call.
        *args: its arguments.
        **kwargs: its arguments by name.
    """
    import stamina  # noqa: PLC0415  its import takes 0.05 s, and most nights ask nobody

    # It would print a line at each new attempt, into what a command says.
    stamina.instrumentation.set_on_retry_hooks([])
    retrying = stamina.RetryingCaller(attempts=ATTEMPTS, timeout=RETRY_FOR_SECONDS, wait_initial=1.0)
    return retrying(passing, call, *args, **kwargs)
