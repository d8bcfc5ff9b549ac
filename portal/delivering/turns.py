"""Slow work in turns: municipalities take turns, and one municipality never has more than one thing done at once.

What belongs here: whose work is next. What does not: what the work is (`desk`).
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from portal.delivering.refused import RefusedError

Result = TypeVar("Result")

WAITING_PER_MUNICIPALITY = 6
"""So many files of one municipality may be checked or wait for it."""


class _Asked(NamedTuple):
    future: Future[Any]
    work: Callable[[], Any]


class Turns:
    """Does the work of many municipalities in a few threads. Close it."""

    def __init__(self, threads: int) -> None:
        """Nobody has asked yet.

        Args:
            threads: as much is done at once.
        """
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="desk")
        self._lock = threading.Lock()
        # What each has asked for, what is being done first. Who is in here has one turn in the queue of the threads, or
        # has it right now.
        self._asked: dict[str, deque[_Asked]] = {}

    def close(self) -> None:
        """Ends after what is being done; who still waits is told that nothing comes of it."""
        with self._lock:
            for line in self._asked.values():
                for asked in line:
                    asked.future.cancel()
                # The first has a turn, in which it is found to be cancelled unless it is being done; none may follow.
                while len(line) > 1:
                    line.pop()
        self._threads.shutdown()

    def ask(self, municipality_code: str, work: Callable[[], Result]) -> Future[Result]:
        """Asks for work to be done when it is this municipality's turn.

        Raises:
            RefusedError: as much of the same municipality waits already.
        """
        future: Future[Result] = Future()
        with self._lock:
            line = self._asked.setdefault(municipality_code, deque())
            if len(line) >= WAITING_PER_MUNICIPALITY:
                raise RefusedError(
                    429,
                    "too_many_waiting",
                    "Din kommune har allerede flere filer, der venter på kontrol. Vent, til de er kontrolleret, og prøv igen.",
                )
            line.append(_Asked(future, work))
            if len(line) == 1:
                self._threads.submit(self._take_turn, municipality_code)
        return future

    def _take_turn(self, municipality_code: str) -> None:
        """Does the first thing that a municipality has asked for; for its next one it goes to the end of the queue."""
        asked = self._asked[municipality_code][0]
        if not asked.future.set_running_or_notify_cancel():
            self._end_turn(municipality_code)
            return
        try:
            result = asked.work()
        except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
            self._end_turn(municipality_code)
            asked.future.set_exception(error)
        else:
            self._end_turn(municipality_code)
            asked.future.set_result(result)

    def _end_turn(self, municipality_code: str) -> None:
        with self._lock:
            line = self._asked[municipality_code]
            line.popleft()
            if line:
                self._threads.submit(self._take_turn, municipality_code)
            else:
                del self._asked[municipality_code]
