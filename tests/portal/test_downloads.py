"""Downloads as such: the package, a real server process, a store of objects, and many at once."""

import hashlib
import io
import json
import os
import shutil
import socket
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import resources
from pathlib import Path

import httpx2
import jsonschema
import pytest
from upath import UPath

from portal.files.published import Publications
from portal.identity import Identity
from tests.portal import portal_scenario as scenario
from tests.portal.portal_scenario import NOW, OTHER, OWN
from tests.scenario import ROUND

PACKAGE = f"/files/{ROUND.name}/latest/package.zip"
LARGE = "shared/case_rates.parquet"
SEVERAL_CHUNKS = 3_000_000


def package(client):
    return zipfile.ZipFile(io.BytesIO(client.get(PACKAGE).content))


# The package


def test_the_package_holds_what_the_asker_may_see_byte_for_byte(own, root):
    folder = root / "releases" / ROUND.name / scenario.latest(root)
    with package(own) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist()) - {"datapackage.json", "LÆSMIG.txt"}
        assert names == {
            str(path.relative_to(folder))
            for there in (folder / "shared", folder / "municipalities" / OWN)
            for path in there.iterdir()
        }
        assert all(archive.read(name) == (folder / name).read_bytes() for name in names)


def test_the_manifest_in_the_package_is_a_valid_data_package_of_what_is_in_it(own):
    profiles = resources.files("dplib") / "profiles" / "2.0"
    with package(own) as archive:
        document = json.loads(archive.read("datapackage.json"))
        jsonschema.validate(document, json.loads((profiles / "datapackage.json").read_bytes()))
        paths = {entry["path"] for entry in document["resources"]}
        assert {*paths, "datapackage.json", "LÆSMIG.txt"} == set(archive.namelist())
        told = json.dumps(document) + archive.read("LÆSMIG.txt").decode()
    assert f"municipalities/{OTHER}" not in told
    assert not {"inputs", "inputsSha256", "contentSha256"} & set(document)


def test_the_text_in_the_package_is_danish_and_says_which_release_it_is(own, root):
    with package(own) as archive:
        text = archive.read("LÆSMIG.txt").decode()
    assert scenario.latest(root) in text
    assert "må ikke deles med andre" in text


def test_the_package_has_the_size_it_says_and_the_same_bytes_each_time(own, monkeypatch):
    first = own.get(PACKAGE)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    second = own.get(PACKAGE)
    monkeypatch.undo()
    time.tzset()
    assert first.content == second.content
    assert len(first.content) == int(first.headers["content-length"])
    assert own.get(PACKAGE, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_two_that_may_see_different_files_get_different_packages(own, other, consultant):
    packages = [client.get(PACKAGE) for client in (own, other, consultant)]
    assert len({answer.headers["etag"] for answer in packages}) == 3
    with package(consultant) as archive:
        assert {f"municipalities/{code}/responses.parquet" for code in scenario.PARTICIPANTS} <= set(archive.namelist())


def test_a_package_is_written_down(own, app, root):
    own.get(PACKAGE)
    (event,) = [event for event in app.state.portal.audit.events() if event.action == "download"]
    assert event.what == PACKAGE.replace("latest", scenario.latest(root))


def test_a_package_breaks_off_where_a_file_is_not_the_manifests(own, root, caplog):
    (root / "releases" / ROUND.name / scenario.latest(root) / f"municipalities/{OWN}/responses.parquet").write_bytes(
        b"x"
    )
    answer = own.get(PACKAGE)
    assert len(answer.content) < int(answer.headers["content-length"])
    assert "ReleaseError" in caplog.text


# A store of objects


def test_releases_in_a_store_of_objects_are_read_alike(night):
    store = UPath("memory://portal-downloads/root")
    for path in night.rglob("*"):
        if path.is_file() and "releases" in path.parts:
            store.joinpath(path.relative_to(night)).write_bytes(path.read_bytes())
    publications = Publications(store)
    publication = publications.release(ROUND.name, "latest")
    assert [each.id for each in publications.releases(ROUND.name)] == [publication.id]
    assert (publications.status(publication), publication.id) == ("preliminary", scenario.latest(night))
    own = Identity("token:x", "municipality", OWN, NOW)
    assert publication.files_for(own)
    for file in publication.files_for(own):
        with publication.open(file) as opened:
            assert os.pread(opened.fileno(), file.bytes + 1, 0) == opened.read()
            opened.seek(0)
            assert hashlib.sha256(opened.read()).hexdigest() == file.sha256


# A real server


@pytest.fixture
def large(root):
    """The bytes of a shared file of several chunks in the latest release."""
    content = os.urandom(SEVERAL_CHUNKS)
    scenario.changed_file(root, LARGE, content)
    return content


@pytest.fixture
def server(root, large, state, unused_port, tmp_path):  # noqa: ARG001 - the file is in the release
    token = scenario.token_for(state, OWN, now=NOW)
    with scenario.serving(root, state, unused_port, tmp_path / "server.log") as process:
        yield process, f"http://127.0.0.1:{unused_port}", token, tmp_path / "server.log"


def request(path, token, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{more}\r\n".encode()


def connected(url):
    return closing(socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30))


def whole(connection, size):
    """The content of an answer of `size` bytes, read slowly or not."""
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < size:
        piece = connection.recv(65536)
        assert piece, answer[:200]
        answer += piece
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.slow
def test_a_release_swapped_while_somebody_downloads_gives_them_the_old_file_whole(server, root, large):
    _, url, token, _ = server
    address = f"/files/{ROUND.name}/latest/{LARGE}"
    with connected(url) as reader:
        reader.sendall(request(address, token))
        begun = b""
        while b"\r\n\r\n" not in begun:
            begun += reader.recv(1000)
        before = scenario.latest(root)
        scenario.changed_file(root, LARGE, b"newer")
        shutil.rmtree(root / "releases" / ROUND.name / before)
        assert (
            httpx2.get(url + address, headers={"Authorization": f"Bearer {token}"}, trust_env=False).content == b"newer"
        )
        head, _, first = begun.partition(b"\r\n\r\n")
        assert b"content-location: /files/" in head.lower()
        assert first + whole_rest(reader, len(large) - len(first)) == large


def whole_rest(connection, size):
    pieces = []
    while size:
        pieces.append(connection.recv(min(size, 65536)))
        assert pieces[-1]
        size -= len(pieces[-1])
    return b"".join(pieces)


@pytest.mark.slow
def test_the_server_says_little_of_itself_and_logs_no_query_and_no_token(server):
    _, url, token, log = server
    with httpx2.Client(base_url=url, trust_env=False) as client:
        answer = client.get("/healthz?code=4711")
        assert "server" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.get("/api/rounds", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    logged = log.read_text(encoding="utf-8")
    assert '"GET /healthz HTTP/1.1" 200' in logged
    assert "4711" not in logged
    assert token not in logged


@pytest.mark.slow
def test_a_head_without_end_is_refused(server):
    _, url, token, _ = server
    for head in (
        request("/healthz", token, f"X: {'a' * 1_000_000}\r\n"),
        b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 1_000_000,
    ):
        with connected(url) as connection:
            assert is_refused(connection, head)


def is_refused(connection, sent):
    """Whether the server answers 400, or has closed the connection before all was sent."""
    try:
        connection.sendall(sent)
        return b" 400 " in connection.recv(1000)
    except ConnectionError:
        return True


@pytest.mark.slow
def test_raw_addresses_that_no_client_would_send_get_the_one_answer(server):
    _, url, token, _ = server
    absent = exchanged(url, request(f"/files/{ROUND.name}/latest/shared/nothing", token))
    for path in (
        f"/files/{ROUND.name}/latest/municipalities/{OWN}/../{OTHER}/responses.parquet",
        f"/files/{ROUND.name}/latest/municipalities/{OWN}/..%2f{OTHER}/responses.parquet",
        f"/files/{ROUND.name}/latest/shared/%00",
        f"/files/{ROUND.name}/latest/shared/%ff%fe",
        f"/files/{ROUND.name}/latest/municipalities/{OTHER}/responses.parquet",
    ):
        assert exchanged(url, request(path, token)) == absent


def exchanged(url, sent):
    """An answer, its date left out."""
    with connected(url) as connection:
        connection.sendall(sent.replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return [line for line in answer.split(b"\r\n") if not line.lower().startswith(b"date:")]


def resident_mb(process, field):
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1_000 for line in lines if line.startswith(field))


@pytest.mark.slow
def test_200_downloads_at_once_are_whole_and_take_bounded_memory(server, large):
    process, url, token, _ = server
    sent = request(f"/files/{ROUND.name}/latest/{LARGE}", token)
    with connected(url) as connection:
        connection.sendall(sent)
        assert whole(connection, len(large)) == large
    before = resident_mb(process.pid, "VmRSS")

    def downloads(_):
        with connected(url) as connection:
            for _ in range(3):
                connection.sendall(sent)
                assert whole(connection, len(large)) == large
        return 3

    with ThreadPoolExecutor(200) as pool:
        assert sum(pool.map(downloads, range(200))) == 600
    # A chunk and what the kernel has not taken of it for each, and what Python keeps for the next ones.
    assert resident_mb(process.pid, "VmHWM") - before < 200


@pytest.mark.slow
def test_readers_that_take_nothing_hold_one_chunk_each(server, large):
    process, url, token, _ = server
    before = resident_mb(process.pid, "VmRSS")
    readers = [socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) for _ in range(100)]
    try:
        for reader in readers:
            reader.sendall(request(f"/files/{ROUND.name}/latest/{LARGE}", token))
        time.sleep(3)
        assert resident_mb(process.pid, "VmHWM") - before < 100
        assert len(large) * len(readers) > 250e6
    finally:
        for reader in readers:
            reader.close()
