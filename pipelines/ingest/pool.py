"""The parent's side of the reading children: kept warm, given one file at a time, replaced when a file kills them."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, NamedTuple, Self

from pipelines.ingest.delivery import Delivery, Form, QuestionColumn
from pipelines.ingest.forms import traits_of
from pipelines.ingest.limits import WALL_SECONDS, Traits
from pipelines.ingest.worker import LENGTH_BYTES, send
from schemas.questionnaire import Catalogue

READERS = 2
_REPLY_BYTES = 400_000_000
_GIVEN_UP = (
    "Filen kan ikke læses inden for grænserne for tid og hukommelse. Kopiér skemaets celler til en ny skabelon, og aflever "
    "den."
)


class ReadFile(NamedTuple):
    """What reading one file gave: a delivery, or the rule and message of its rejection."""

    sha256: str | None
    delivery: Delivery | None
    rule: str | None
    message: str | None


class _ReaderDiedError(Exception):
    """The child ended, hung or answered nonsense; `out_of_time` when its time limit is why."""

    def __init__(self, *, out_of_time: bool = False) -> None:
        super().__init__()
        self.out_of_time = out_of_time


class _Reader:
    """One child process. Not for several threads at once."""

    def __init__(self, form: Form) -> None:
        self.files_read = 0
        self._times = Traits(*form["traits"]).times
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "pipelines.ingest.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LC_ALL": "C.UTF-8"},
        )
        self._send(form)

    def read(self, path: str) -> ReadFile:
        deadline = time.monotonic() + WALL_SECONDS * self._times
        self._send(path)
        length = int.from_bytes(self._receive(LENGTH_BYTES, deadline), "big")
        if length > _REPLY_BYTES:
            raise _ReaderDiedError
        try:
            reply = json.loads(self._receive(length, deadline))
        except ValueError:
            raise _ReaderDiedError from None
        self.files_read += 1
        return ReadFile(reply["sha256"], reply.get("delivery"), reply.get("rule"), reply.get("message"))

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _send(self, message: Any) -> None:  # noqa: ANN401 - any JSON value
        assert self._process.stdin is not None  # noqa: S101 - opened as a pipe above
        try:
            send(self._process.stdin, message)
        except OSError:
            raise _ReaderDiedError from None

    def _receive(self, size: int, deadline: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - opened as a pipe above
        handle = self._process.stdout.fileno()
        received = bytearray()
        while len(received) < size:
            ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _ReaderDiedError(out_of_time=True)
            chunk = os.read(handle, min(size - len(received), 1 << 20))
            if not chunk:
                raise _ReaderDiedError(out_of_time=self._process.wait() == -signal.SIGXCPU)
            received += chunk
        return bytes(received)


class ReaderPool:
    """Reads files in child processes; use as a context manager."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Start the children.

        Args:
            catalogue: the form whose questions the header rows are searched for.
        """
        self._questions = Form(
            questions=[
                QuestionColumn(number=q.number, key=q.key, kind=q.kind, text_da=q.text_da, optional=q.optional)
                for q in catalogue.questions
            ],
            traits=list(traits_of(catalogue)),
        )
        self._idle: SimpleQueue[_Reader] = SimpleQueue()
        for _ in range(READERS):
            self._idle.put(_Reader(self._questions))
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reader")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        while not self._idle.empty():
            self._idle.get().stop()

    def read(self, paths: Iterable[str]) -> Iterator[ReadFile]:
        """What each file holds, in the order of the paths. A file that kills its reader is one rejected file."""
        return self._threads.map(self._read_one, paths)

    def _read_one(self, path: str) -> ReadFile:
        reader = self._idle.get()
        try:
            try:
                return reader.read(path)
            except _ReaderDiedError as died:
                is_to_blame = died.out_of_time or reader.files_read == 0
                reader.stop()
                reader = _Reader(self._questions)
            # A crash of a reader that had read other files may be their doing: a fresh one tells.
            if not is_to_blame:
                try:
                    return reader.read(path)
                except _ReaderDiedError:
                    reader.stop()
                    reader = _Reader(self._questions)
            return ReadFile(None, None, "unreadable", _GIVEN_UP)
        finally:
            self._idle.put(reader)
