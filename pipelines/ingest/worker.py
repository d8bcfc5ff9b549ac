"""The child process that reads deliveries: `python -m pipelines.ingest.worker`, driven by `pool` over its pipes.

The readers can abort the whole process on a small file, so nothing hostile is parsed anywhere else. The child has a
memory and a time limit, writes no file, says nothing on its error stream (a panic message could hold an answer), and
answers in JSON: a corrupted child cannot make the parent run code.
"""

import hashlib
import json
import os
import resource
import stat
import sys
from typing import IO, Any

from pipelines.ingest import delivery
from pipelines.ingest.limits import (
    CPU_SECONDS,
    FILE_BYTES,
    FORMATS,
    MEMORY_BYTES,
    FileRejectedError,
    Traits,
    unreadable,
)

LENGTH_BYTES = 8


def send(stream: IO[bytes], message: Any) -> None:  # noqa: ANN401 - any JSON value
    """One message: its length, then its JSON."""
    data = json.dumps(message).encode("ascii")
    stream.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:  # noqa: ANN401 - any JSON value
    length = stream.read(LENGTH_BYTES)
    return json.loads(stream.read(int.from_bytes(length, "big"))) if length else None


def _limit_this_process() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _limit_time_of_next_file(traits: Traits) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + CPU_SECONDS * traits.times
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def read_bytes(path: str) -> bytes:
    """The content of a regular file, never more than the limit.

    Raises:
        FileRejectedError: it is a link, a pipe, a device or a folder, is gone, is empty or is too large.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise unreadable("Filen kan ikke åbnes. Aflever den igen.") from None
    with open(handle, "rb") as file:  # noqa: PTH123 - a handle that was opened without following links
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise unreadable("Afleveringen er ikke en almindelig fil. Aflever skemaet som en fil.")
        if status.st_size > FILE_BYTES:
            raise unreadable(
                f"Filen fylder mere end {FILE_BYTES // 1_000_000} MB. Slet billeder, andre ark og tomme rækker, og gem på ny."
            )
        return file.read(FILE_BYTES)


def _answer(path: str, header: delivery.Header) -> dict[str, Any]:
    sha256 = None
    try:
        extension = os.path.splitext(path)[1].lower()  # noqa: PTH122 - names that are no UTF-8 stay as they are
        if extension not in FORMATS:
            raise unreadable("Filtypen kan ikke læses.")
        content = read_bytes(path)
        sha256 = hashlib.sha256(content).hexdigest()
        return {"sha256": sha256, "delivery": delivery.read(content, extension, header)}
    except FileRejectedError as rejected:
        return {"sha256": sha256, "rule": rejected.rule, "message": rejected.message}


def main() -> None:
    """Answer requests until the parent closes the pipe; the first message is what to know of the form."""
    _limit_this_process()
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    form: delivery.Form = _receive(incoming)
    traits = Traits(*form["traits"])
    header = delivery.Header(form["questions"], traits)
    while (path := _receive(incoming)) is not None:
        _limit_time_of_next_file(traits)
        try:
            reply = _answer(path, header)
        except BaseException:  # noqa: BLE001 - whatever a reader raises, it is one file that cannot be read
            os._exit(1)
        send(outgoing, reply)


if __name__ == "__main__":
    main()
