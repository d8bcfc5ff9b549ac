"""A portal on a small round: eight municipalities with a release each can see its own part of, tokens, and clients.

What belongs here: what tests of the portal start from. Expectations stand in the tests. The release is a real one, made
through the graph (`tests/portal/conftest.py`); municipality 183 is the one that asks, 461 the one whose files it must
not get, 563 takes part without cases, 851 takes no part. In the year, 153 handed in nothing but a file that is rejected.
"""

import asyncio
import datetime as dt
import hashlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from fastapi import FastAPI
from starlette.testclient import TestClient
from upath import UPath

from pipelines.release.life import LATEST, point_at
from pipelines.release.manifest import NAME, release_id, to_bytes
from portal.access.tokens import Tokens
from portal.app import build_app
from portal.settings import Settings
from tests.scenario import ROUND

OWN, OTHER, WITHOUT_CASES, OUTSIDER, REFUSED = "183", "461", "563", "851", "153"
PARTICIPANTS = ("101", "147", "151", "153", "157", "183", "461", "563")
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
# Of 2022, the year of `tests.assets.management`: the demonstration has none of it.
INITIATIVES = """initiative;name;legal_basis;start_date;citizens;saving_dkk_per_month;year;estimated_effect_dkk;counted
T-1;Hjemtagning;Botilbud;01-01-2022;5;10.000;2022;650.000;Ja
T-2;Kørsel;Botilbud;01-07-2022;1;3.000;2022;20.000;Nej, vises kun
"""
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "html": "text/html",
    "svg": "image/svg+xml",
    "png": "image/png",
    "csv": "text/csv",
}
PROJECT = Path(__file__).parents[2]
URL = "http://testserver"  # the address that the test client asks


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: dt.datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        self.now += dt.timedelta(**duration)


def settings_for(root: Path, state: Path, **changes) -> Settings:
    return Settings(root=UPath(root), state=state, **({"url": URL} | changes))


def app_for(root: Path, state: Path, clock=None, **changes) -> FastAPI:
    """A portal; `changes` replace settings. Close its desk (`app.state.portal.desk.close()`) when done."""
    return build_app(settings_for(root, state, **changes), now=clock or Clock())


def token_for(state: Path, code: str | None, *, days: float = 365, now: dt.datetime = NOW) -> str:
    """A new token of a municipality, or of KL where `code` is None."""
    role = "kl" if code is None else "municipality"
    return Tokens(state).issue(role, code, label="prøve", now=now, expires_at=now + dt.timedelta(days=days))


def client_for(app: FastAPI, token: str | None = None) -> TestClient:
    """A program that asks with a token (or with none); it follows no redirect."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return TestClient(app, base_url=URL, headers=headers, follow_redirects=False)


def browser_for(app: FastAPI, token: str) -> TestClient:
    """A browser that signed in on the page with a token."""
    browser = client_for(app)
    answer = browser.post("/log-ind", data={"token": token, "csrf": csrf_of(browser.get("/log-ind").text)})
    assert answer.status_code == 303, answer.text
    return browser


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(app: FastAPI, method: str, address: bytes, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """The application's answer to an address exactly as given, which clients would tidy up; decoded as the server does."""
    path, _, query = address.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 80),
        "state": {},
    }
    sent = []

    received = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if not received:
            await asyncio.Event().wait()  # nothing more comes, and nobody hangs up
        return received.pop()

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:]))


@contextmanager
def serving(root: Path, state: Path, port: int, log: Path) -> Iterator[subprocess.Popen]:
    """A portal as a server process on loopback, its log in a file; ended as an operator would."""
    program = (
        "import sys; from pathlib import Path; from upath import UPath\n"
        "from portal.server import serve; from portal.settings import Settings\n"
        "root, state, port = sys.argv[1:]\n"
        "serve(Settings(UPath(root), Path(state), f'http://127.0.0.1:{port}'), '127.0.0.1', int(port))"
    )
    command = [sys.executable, "-c", program, str(root), str(state), str(port)]
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file, cwd=PROJECT) as server:
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert server.poll() is None, log.read_text(encoding="utf-8")
                time.sleep(0.1)
            yield server
        finally:
            server.terminate()
            server.wait(60)


def csrf_of(page: str) -> str:
    """The value that a page's form must send back."""
    field = re.search(r'<input[^>]*name="csrf"[^>]*>', page)
    assert field, page
    return re.search(r'value="([^"]*)"', field[0])[1]


def latest(root: Path, round_name: str = ROUND.name) -> str:
    """The id of the release that the pointer names."""
    return json.loads((root / "releases" / round_name / LATEST).read_bytes())["release"]


def manifest_of(root: Path, release: str, round_name: str = ROUND.name) -> dict:
    return json.loads((root / "releases" / round_name / release / NAME).read_bytes())


def release_again(root: Path, round_name: str = ROUND.name) -> str:
    """A newer release that says the same as the latest; its id."""
    return _copied(root, round_name, {})


def changed_file(root: Path, path: str, content: bytes, round_name: str = ROUND.name) -> str:
    """A newer release than the latest in which one file has another content; its id."""
    entry = {"bytes": len(content), "hash": f"sha256:{hashlib.sha256(content).hexdigest()}"}
    document = manifest_of(root, latest(root, round_name), round_name)
    assert path in {resource["path"] for resource in document["resources"]}
    resources = [r | entry if r["path"] == path else r for r in document["resources"]]
    new = _copied(root, round_name, {"resources": resources})
    (root / "releases" / round_name / new / path).write_bytes(content)
    return new


def added_files(root: Path, files: Mapping[str, bytes], round_name: str = ROUND.name) -> str:
    """A newer release than the latest with these files too, none of which holds a table; its id."""
    resources = manifest_of(root, latest(root, round_name), round_name)["resources"]
    for path, content in files.items():
        kind, checksum = MEDIA_TYPES[path.rpartition(".")[2]], hashlib.sha256(content).hexdigest()
        resources.append(
            {"path": path, "mediatype": kind, "bytes": len(content), "hash": f"sha256:{checksum}", "rows": None}
        )
    new = _copied(root, round_name, {"resources": resources})
    for path, content in files.items():
        file = root / "releases" / round_name / new / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return new


def _copied(root: Path, round_name: str, changes: dict) -> str:
    """The latest release copied as one that follows it; whole when it appears, as a night would make it."""
    folder = root / "releases" / round_name
    before = latest(root, round_name)
    document = manifest_of(root, before, round_name)
    document |= {"previous": before, "number": document["number"] + 1} | changes
    document["id"] = release_id(document["contentSha256"], before)
    unfinished = folder / f".{document['id']}.partial"
    shutil.copytree(folder / before, unfinished)
    (unfinished / NAME).write_bytes(to_bytes(document))
    unfinished.rename(folder / document["id"])
    point_at(UPath(folder), document)
    return document["id"]
