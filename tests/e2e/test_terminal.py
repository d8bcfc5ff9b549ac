"""The portal as whoever starts it sees it: where it listens, and how it ends."""

import contextlib
import os
import pty
import shutil
import socket
import subprocess
import time

import pytest

from tests.assets.commands import BOTILBUD, environment
from tests.e2e.site import is_up, wait_for

INTERRUPTED = 130
SECONDS_TO_START = 10


class Terminal:
    """A portal that was started and interrupted in a terminal: how it ended, and what it said."""

    def __init__(self, folder, port: int) -> None:
        self.port = port
        terminal, shown = pty.openpty()
        # The terminal is its own, as that of a login is: what is typed there reaches it as a signal.
        command = ["setsid", "--ctty", BOTILBUD, "portal", "--port", str(port)]
        began = time.monotonic()
        server = subprocess.Popen(
            command, env=environment(folder / "data"), stdin=shown, stdout=shown, stderr=shown, cwd="/"
        )
        os.close(shown)
        wait_for(lambda: is_up(port))
        self.seconds_to_start = time.monotonic() - began
        os.write(terminal, b"\x03")
        told = bytearray()
        with contextlib.suppress(OSError):  # so a terminal says that nobody holds its other end
            while piece := os.read(terminal, 65_536):
                told += piece
        os.close(terminal)
        self.ended = server.wait(10)
        self.said = told.decode()


@pytest.fixture(scope="module")
def terminal(first_night, tmp_path_factory):
    folder = shutil.copytree(first_night, tmp_path_factory.mktemp("terminal") / "site")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return Terminal(folder, port)


def test_the_portal_starts_in_seconds_and_control_c_ends_it_without_a_traceback(terminal):
    assert terminal.seconds_to_start < SECONDS_TO_START
    assert terminal.ended in {0, INTERRUPTED}
    assert "Application shutdown complete" in terminal.said
    assert "Traceback" not in terminal.said


def test_the_portal_says_where_it_listens(terminal):
    assert f"http://127.0.0.1:{terminal.port}" in terminal.said
