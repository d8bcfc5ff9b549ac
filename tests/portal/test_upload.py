"""The body that brings a file: its limits hold whatever the request says of itself, and nothing broken stays behind."""

import asyncio
import gc
import json
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest.limits import FILE_BYTES
from portal.delivering import upload
from portal.delivering.refused import RefusedError
from portal.delivering.upload import BODY_BYTES, DISCARDED_BYTES, received
from tests.portal import portal_scenario as scenario
from tests.portal.desk_scenario import API, PAGE, audit_of, good, inbox_of, opened, sent, tree

BOUNDARY = b"grense"
MULTIPART = (b"content-type", b"multipart/form-data; boundary=" + BOUNDARY)
CHUNK = 64_000


@pytest.fixture
def desk_app(tmp_path, monkeypatch):
    """A portal whose temporary files would show in the test's own folder."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    yield from opened(tmp_path)


def part(content: bytes, *headers: bytes) -> bytes:
    return b"--" + BOUNDARY + b"\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + content + b"\r\n"


def file_part(content: bytes, name: bytes = b"skema.csv", field: bytes = b"file") -> bytes:
    return part(content, b'Content-Disposition: form-data; name="' + field + b'"; filename="' + name + b'"')


def text_part(content: bytes, field: bytes) -> bytes:
    return part(content, b'Content-Disposition: form-data; name="' + field + b'"')


END = b"--" + BOUNDARY + b"--\r\n"


class Sender:
    """A client below HTTP: it sends pieces as they are asked for, and says of the whole what it likes."""

    def __init__(self, pieces, *headers: tuple[bytes, bytes], then: str = "end") -> None:
        self.pieces, self.headers, self.then = iter(pieces), headers, then
        self.taken = 0
        self.status, self.answer_headers, self.body = None, {}, b""

    async def receive(self):
        piece = next(self.pieces, None)
        if piece is not None:
            self.taken += len(piece)
            return {"type": "http.request", "body": piece, "more_body": True}
        if self.then == "hang":
            await asyncio.sleep(60)
        if self.then == "leave":
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answer_headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")

    def scope(self, *more: tuple[bytes, bytes]) -> dict:
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": API, "raw_path": API.encode(), "root_path": "", "query_string": b"", "client": ("127.0.0.1", 1),
            "server": ("testserver", 80), "headers": [(b"host", b"testserver"), *self.headers, *more],
        }  # fmt: skip

    @property
    def told(self) -> dict:
        return json.loads(self.body)


def send_to(desk_app, pieces, *headers: tuple[bytes, bytes], then: str = "end") -> Sender:
    """Hands in by a program that keeps to nothing."""
    sender = Sender(pieces, *(headers or (MULTIPART,)), then=then)
    credential = (b"authorization", f"Bearer {desk_app.token}".encode())
    asyncio.run(desk_app.app(sender.scope(credential), sender.receive, sender.send))
    return sender


def endless(piece: bytes = b"x" * CHUNK):
    yield file_part(b"")[:-2]
    while True:
        yield piece


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


# --- how much --------------------------------------------------------------------------------------------------------


def test_a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_too_large(desk_app):
    name = "skema.xlsx"
    assert sent(desk_app.own, b"x" * FILE_BYTES, name=name).json()["rule"] == "unreadable"
    answer = sent(desk_app.own, b"x" * (FILE_BYTES + 1), name=name)
    assert (answer.status_code, answer.json()["rule"]) == (413, "too_large")
    assert "mere end 10 MB" in answer.json()["detail"]
    assert tree(desk_app) == desk_app.before


@pytest.mark.parametrize(
    "announced", [(), ((b"content-length", b"100"),), ((b"content-length", b"-1"),), ((b"content-length", b"1e9"),)]
)
def test_what_a_body_says_of_its_length_does_not_matter(desk_app, announced):
    pieces = [file_part(b"x" * BODY_BYTES), END]
    sender = send_to(desk_app, pieces, MULTIPART, *announced)
    assert sender.status == 413
    assert sender.answer_headers["connection"] == "close"
    assert tree(desk_app) == desk_app.before


def test_a_body_that_never_ends_is_read_for_a_while_kept_nowhere_and_then_given_up(desk_app):
    before = open_files()
    tracemalloc.start()
    sender = send_to(desk_app, endless())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sender.status == 413
    assert DISCARDED_BYTES < sender.taken <= DISCARDED_BYTES + 2 * CHUNK
    assert peak < 8_000_000
    assert open_files() <= before
    assert tree(desk_app) == desk_app.before


def test_a_million_fields_are_refused_after_the_first_few(desk_app):
    field = text_part(b"1", b"a")
    sender = send_to(desk_app, (field * 1_000 for _ in range(1_000)))
    assert sender.status == 400
    assert sender.taken <= 2 * 1_000 * len(field)


@pytest.mark.parametrize(
    "pieces",
    [
        [text_part(b"x" * 5_000, b"csrf"), file_part(good()), END],
        [part(b"", b'Content-Disposition: form-data; name="file"; filename="' + b"x" * 10_000 + b'"'), END],
        [part(b"", b'Content-Disposition: form-data; name="file"; filename="s.csv"', *[b"X-A: 1"] * 20), END],
        [b"--" + BOUNDARY + b"\r\nX-Endless: " + b"x" * 1_000_000],
        [b"--" + BOUNDARY + b"\r\n" + b"x" * 1_000_000],
        [file_part(good()), file_part(good(4)), END],
        [file_part(good()), file_part(good(4), field=b"andet"), END],
        [part(good(), b"Content-Type: text/csv"), END],
        [b"hverken det ene eller det andet"],
        [],
    ],
    ids=[
        "field",
        "file name",
        "headers",
        "header",
        "header name",
        "two files",
        "other file",
        "nameless",
        "no parts",
        "nothing",
    ],
)
def test_a_body_that_is_not_one_file_and_a_field_or_two_is_refused(desk_app, pieces):
    sender = send_to(desk_app, pieces)
    assert sender.status == 400
    assert sender.told["rule"] == "malformed_upload"
    assert tree(desk_app) == desk_app.before


@pytest.mark.parametrize(
    "pieces",
    [
        [END],
        [text_part(good(), b"file"), END],
        [file_part(good(), name=b""), END],
        [file_part(good(), field=b"fil"), END],
    ],
)
def test_a_body_without_a_file_asks_for_one(desk_app, pieces):
    sender = send_to(desk_app, pieces)
    assert (sender.status, sender.told["rule"]) == (422, "no_file")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (b"application/x-www-form-urlencoded", 415),
        (b"application/octet-stream", 415),
        (b"multipart/mixed; boundary=grense", 415),
        (b"multipart/form-data", 400),
        (b"multipart/form-data; boundary=" + b"x" * 300, 400),
        (b"multipart/form-data; boundary=anden", 400),
        (b"multipart/form-data; charset=findes-ikke; boundary=grense", 201),
        (b"Multipart/Form-Data; boundary=grense", 201),
    ],
)
def test_only_a_multipart_form_with_its_boundary_is_read(desk_app, kind, status):
    assert send_to(desk_app, [file_part(good()), END], (b"content-type", kind)).status == status


def test_a_body_without_a_kind_is_refused(desk_app):
    assert send_to(desk_app, [file_part(good()), END], (b"x-nothing", b"")).status == 415


# --- how slowly, and how far -----------------------------------------------------------------------------------------


def test_a_sender_who_leaves_in_the_middle_leaves_nothing_behind(desk_app):
    before = open_files()
    sender = send_to(desk_app, [file_part(b"x" * 3_000_000)], then="leave")
    assert sender.status == 400
    assert tree(desk_app) == desk_app.before
    assert open_files() <= before
    assert [event.what for event in audit_of(desk_app, "refused")] == [f"{API} broken_off"]


def test_a_body_that_ends_before_its_last_boundary_is_no_delivery(desk_app):
    for pieces in ([file_part(good())[:-20]], [file_part(good())[:-2]], [file_part(good())]):
        assert send_to(desk_app, pieces).told["rule"] == "malformed_upload"
    assert inbox_of(desk_app, scenario.OWN) == {}


def test_a_sender_who_hangs_is_given_up(desk_app, monkeypatch):
    monkeypatch.setattr(upload, "UPLOAD_SECONDS", 0.2)
    before = open_files()
    sender = send_to(desk_app, [file_part(b"x" * 3_000_000)], then="hang")
    assert (sender.status, sender.told["rule"]) == (408, "too_slow")
    assert tree(desk_app) == desk_app.before
    assert open_files() <= before


def test_nothing_of_a_body_is_read_before_it_is_known_who_sends_it(desk_app):
    for address, status in ((API, 401), (PAGE, 303)):
        sender = Sender(endless(), MULTIPART)
        asyncio.run(desk_app.app(sender.scope() | {"path": address}, sender.receive, sender.send))
        assert (sender.status, sender.taken) == (status, 0)


def test_the_parsers_own_log_says_nothing_of_the_bytes(desk_app, caplog):
    caplog.set_level("DEBUG")
    send_to(desk_app, [b"--" + BOUNDARY + b"\r\nhemmelig\x01: 1"])
    assert "hemmelig" not in caplog.text
    assert [record for record in caplog.records if record.name.startswith("python_multipart")] == []


# --- as sent ---------------------------------------------------------------------------------------------------------


def read(pieces) -> tuple[bytes, str, dict[str, str]]:
    sender = Sender(pieces, MULTIPART)

    async def taken() -> tuple[bytes, str, dict[str, str]]:
        async with received(Request(sender.scope(), sender.receive)) as one:
            return one.file.read(), one.sender_name, one.fields

    return asyncio.run(taken())


@settings(deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(0, 700), max_size=12), st.binary(max_size=50))
def test_however_a_body_is_cut_into_pieces_the_file_is_the_one_that_was_sent(content, cuts, more):
    content += b"\r\n--" + BOUNDARY[:-1] + more.replace(BOUNDARY[-1:], b"") + b"\r\n-"
    body = text_part(b"123", b"csrf") + file_part(content, name=b"a.csv") + END
    at = sorted(min(cut, len(body)) for cut in cuts)
    pieces = [body[start:stop] for start, stop in zip([0, *at], [*at, len(body)], strict=True)]
    assert read(pieces) == (content, "a.csv", {"csrf": "123"})


@pytest.mark.parametrize(
    ("sent_name", "name"),
    [
        (b"../../etc/x.csv", "x.csv"),
        (b"C:\\\\Users\\\\Olsen\\\\x.csv", "x.csv"),
        (b"/x.csv", "x.csv"),
        ("Ærø.csv".encode(), "Ærø.csv"),
        (b"\xc6r\xf8.csv", "Ærø.csv"),
    ],
)
def test_a_senders_name_is_the_last_part_of_what_was_sent(sent_name, name):
    assert read([file_part(b"1", name=sent_name), END])[1] == name


def test_a_name_of_a_folder_alone_is_a_file_without_a_name():
    with pytest.raises(RefusedError, match="no_file"):
        read([file_part(b"1", name=b""), END])
