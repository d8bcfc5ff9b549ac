"""What one client may take of the server process, what its log says, and that one portal has a state folder to itself."""

import asyncio
import contextlib
import logging
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest
import uvicorn
from uvicorn.server import ServerState

from portal import server
from portal.access.credentials import known_address
from portal.access.tokens import Tokens
from portal.server import LOCK, AccessLines, BoundedHead, alone
from schemas.errors import BotilbudError
from tests.portal import portal_scenario as scenario
from tests.portal.portal_scenario import PROJECT

TOKEN = "bb_0123456789ab_" + "c0ffee" * 10 + "0000"


class Listener:
    """The protocol on loopback before an application that tells what it was sent."""

    def __init__(self):
        self.seen = []
        self.state = ServerState()
        self.hold = asyncio.Event()

    async def app(self, scope, receive, send):
        body, more = b"", True
        while more and scope["path"] != "/unread":
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self.seen.append((scope["path"], body, scope["headers"]))
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}
        await send(start)
        if scope["path"] == "/long":
            await self.hold.wait()
        await send({"type": "http.response.body", "body": b"done"})


@contextlib.asynccontextmanager
async def listening(limit=10):
    listener = Listener()
    config = uvicorn.Config(
        listener.app,
        interface="asgi3",
        http=BoundedHead,
        ws="none",
        lifespan="off",
        log_config=None,
        limit_concurrency=limit,
    )
    config.load()
    loop = asyncio.get_running_loop()
    made = await loop.create_server(lambda: BoundedHead(config, listener.state, {}), "127.0.0.1", 0)
    listener.port = made.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        listener.hold.set()
        made.close()
        for connection in list(listener.state.connections):
            connection.transport.abort()
        await asyncio.sleep(0.02)


async def sent(listener, *pieces, seconds=3.0):
    """Everything that comes back until the server closes the connection; None where it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.002)
                return await reader.read()
            return b""
    except TimeoutError:
        return None
    finally:
        writer.transport.abort()


def run(test, **limits):
    async def with_listener():
        async with listening(**limits) as listener:
            return await test(listener)

    return asyncio.run(with_listener())


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.2)


# How long and how large a request may be


@pytest.mark.parametrize("size", [40_000, 120_000, 250_000])
@pytest.mark.parametrize("shape", ["header", "address", "headers"])
def test_a_head_that_is_too_long_is_refused_even_in_one_write(size, shape):
    head = {
        "header": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * size,
        "address": b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: x",
        "headers": b"GET / HTTP/1.1\r\nHost: x" + b"\r\na:b" * (size // 2),
    }[shape]

    async def test(listener):
        answer = await sent(listener, head + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ") or answer == b""
        assert listener.seen == []

    run(test)


def test_a_head_as_long_as_browsers_send_passes_in_pieces_and_whole():
    head = b"GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: " + b"a" * 20_000 + b"\r\n\r\n"

    async def test(listener):
        assert (await sent(listener, head)).endswith(b"done")
        pieces = [head[at : at + 1_000] for at in range(0, len(head), 1_000)]
        assert (await sent(listener, *pieces)).endswith(b"done")

    run(test)


@pytest.mark.parametrize("trailer", [b"a:b\r\n" * 2_000, b"a" * 10_000], ids=["many", "endless"])
def test_trailers_end_the_connection_when_they_do_not_end(trailer):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n"

    async def test(listener):
        assert await sent(listener, head, *[trailer] * 50) is not None
        assert listener.seen == []

    run(test)


def test_a_trailer_is_no_header():
    request = (
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\nA\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    )

    async def test(listener):
        assert (await sent(listener, request)).endswith(b"done")
        ((_, body, headers),) = listener.seen
        assert body == b"A"
        assert b"authorization" not in dict(headers)

    run(test)


def test_a_large_body_in_pieces_of_any_size_passes():
    chunks = b"".join(b"%x\r\n%s\r\n" % (size, b"a" * size) for size in [1] * 20_000 + [70_000] * 5)
    request = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks

    async def test(listener):
        pieces = [request[at : at + 9_973] for at in range(0, len(request), 9_973)]
        assert (await sent(listener, *pieces, b"0\r\n\r\n")).endswith(b"done")
        assert len(listener.seen[0][1]) == 20_000 + 350_000

    run(test)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"\r\n",
        b"GET / HTTP/1.1\r\nHos",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
        b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\na",
    ],
    ids=["nothing", "empty lines", "half a head", "half a second head", "a body that nobody reads"],
)
@pytest.mark.usefixtures("hasty")
def test_who_sends_no_whole_head_in_time_is_let_go(begun):
    async def test(listener):
        assert await sent(listener, begun) is not None
        assert not listener.state.connections

    run(test)


@pytest.mark.usefixtures("hasty")
def test_sending_a_byte_now_and_then_does_not_prolong_the_wait():
    async def test(listener):
        begun = time.monotonic()
        assert await sent(listener, b"GET / HTTP/1.1\r\n", *[b"a"] * 2_000, seconds=10) is not None
        assert time.monotonic() - begun < 2

    run(test)


@pytest.mark.usefixtures("hasty")
def test_an_answer_under_way_is_not_broken_off_by_a_head_that_does_not_end():
    async def test(listener):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"GET / HTTP/1.1\r\nHos")
        await asyncio.sleep(0.5)
        listener.hold.set()
        async with asyncio.timeout(3):
            assert (await reader.read()).endswith(b"done")
        writer.close()

    run(test)


@pytest.mark.usefixtures("hasty")
def test_idle_connections_beyond_the_limit_turn_others_away_for_moments_only(monkeypatch):
    monkeypatch.setattr(server, "_CONNECTIONS_REFUSED", 2)

    async def test(listener):
        request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        idle = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(5)]
        assert b" 503 " in await sent(listener, request)
        crowd = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert len(listener.state.connections) <= 5 + 2
        await asyncio.sleep(0.3)
        assert (await sent(listener, request)).endswith(b"done")
        for _, writer in idle + crowd:
            writer.transport.abort()

    run(test, limit=5)


# What the log says


def line_of(client, path):
    record = logging.LogRecord("uvicorn.access", 20, "", 0, '%s - "%s %s HTTP/%s" %d', None, None)
    record.args = (client, "GET", path, "1.1", 200)
    assert AccessLines().filter(record)
    return record.getMessage()


def test_an_access_line_holds_no_query_no_token_and_no_cpr_number():
    line = line_of("192.0.2.1:50000", f"/files/{TOKEN}/010190-1234/x?code=secret")
    assert line == '192.0.2.1 - "GET /files/bb_.../[CPR-nummer fjernet]/x HTTP/1.1" 200'
    assert "c0ffee" not in line_of("192.0.2.1:1", f"/{TOKEN.upper().replace('BB_', 'bb_')}/{TOKEN[:-3]}").lower()


@pytest.mark.parametrize(
    "client", ["0101901234:0", "010190-1234 Hansen:0", "::1%0101901234:1", "192.0.2.1:0101901234", ""]
)
def test_an_access_line_holds_no_made_up_address(client):
    assert "0101901234" not in line_of(client, "/")
    assert "Hansen" not in line_of(client, "/")


def test_an_address_has_one_spelling_and_nothing_else_is_one():
    assert known_address("2001:DB8:0::1%eth0") == "2001:db8::1"
    assert known_address("::ffff:192.0.2.1") == "192.0.2.1"
    assert [known_address(text) for text in ("", "testclient", "0101901234", "192.0.2.1, 1")] == ["unknown"] * 4


# The state folder


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_a_state_folder_that_is_open_to_others_is_narrowed(tmp_path):
    state = tmp_path / "state"
    (state / "drafts").mkdir(parents=True)
    (state / "audit.jsonl").write_text("")
    for path, mode in ((state, 0o755), (state / "drafts", 0o777), (state / "audit.jsonl", 0o644)):
        path.chmod(mode)
    scenario.token_for(state, scenario.OWN)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert modes(state) == {"drafts": 0o700, "audit.jsonl": 0o600, "portal.sqlite3": 0o600}


def test_what_a_link_in_the_state_folder_names_is_left_as_it_is(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    elsewhere.chmod(0o644)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "link").symlink_to(elsewhere)
    Tokens(tmp_path / "state")
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644


def test_a_second_portal_on_the_same_state_folder_is_refused_until_the_first_has_ended(tmp_path):
    with alone(tmp_path):
        assert modes(tmp_path)[LOCK] == 0o600
        with pytest.raises(BotilbudError, match="another portal runs with this state folder"), alone(tmp_path):
            pass
    with alone(tmp_path):
        pass


# The process


@pytest.mark.slow
def test_a_second_process_on_the_same_state_folder_ends_before_it_touches_anything(root, state, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with scenario.serving(root, state, port, tmp_path / "log"):
        while b" 200 " not in health(port):
            time.sleep(0.1)
        (state / "drafts" / "of-the-first").mkdir(parents=True)
        second = subprocess.run(
            command(root, state, 0), check=False, capture_output=True, text=True, timeout=60, cwd=PROJECT
        )
        assert second.returncode == 1
        assert second.stderr.splitlines()[-1].startswith("schemas.errors.BotilbudError: ")
        assert "another portal runs with this state folder" in second.stderr
        assert (state / "drafts" / "of-the-first").exists()


def health(port):
    with socket.create_connection(("127.0.0.1", port), 30) as asker:
        asker.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return asker.recv(1_000)


def command(root, state, port):
    program = (
        "import sys; from pathlib import Path; from upath import UPath\n"
        "from portal.server import serve; from portal.settings import Settings\n"
        "serve(Settings(UPath(sys.argv[1]), Path(sys.argv[2]), 'http://127.0.0.1'), '127.0.0.1', int(sys.argv[3]))"
    )
    return [sys.executable, "-c", program, str(root), str(state), str(port)]


@pytest.mark.slow
def test_on_a_terminal_the_address_is_told_in_one_line_and_ctrl_c_ends_without_a_trace(root, state):
    terminal, its_end = pty.openpty()
    with subprocess.Popen(command(root, state, 0), stdout=its_end, stderr=subprocess.PIPE, cwd=PROJECT) as process:
        os.close(its_end)
        told = os.read(terminal, 1_000).decode()
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        error = process.stderr.read().decode()
        assert process.wait(30) == 0
    os.close(terminal)
    assert told.startswith("Portalen lytter på http://127.0.0.1:")
    assert told.count("\n") == 1
    assert "Traceback" not in error


def test_an_address_that_is_taken_or_unknown_is_told_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            BotilbudError, match=rf"127.0.0.1 port {port} cannot be listened on \(Address already in use\)"
        ):
            server._listening("127.0.0.1", port)
    with pytest.raises(BotilbudError, match="cannot be listened on"):
        server._listening("203.0.113.1", 0)
