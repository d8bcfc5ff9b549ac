import datetime as dt
import hashlib
import json
import multiprocessing
import os
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.access.audit_log import TORN, AuditLog
from portal.identity import Identity

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
OWN = Identity("token:0123456789ab", "municipality", "183", NOW)


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path)


def path_of(log):
    return log._path


def lines_of(log):
    return path_of(log).read_bytes().splitlines(keepends=True)


def test_an_event_tells_who_did_what_when_with_which_bytes(log):
    log.record(NOW, OWN, "download", "/files/2022-10-01/x/shared/case_rates.parquet", "ab" * 32)
    log.record(NOW, None, "sign_in_failed", "/log-ind")
    first, second = log.events()
    assert first == (
        NOW,
        "token:0123456789ab",
        "municipality",
        "183",
        "download",
        "/files/2022-10-01/x/shared/case_rates.parquet",
        "ab" * 32,
    )
    assert second == (NOW, "", "", None, "sign_in_failed", "/log-ind", None)


def test_an_empty_log_has_no_events_and_no_broken_link(log):
    assert list(log.events()) == []
    assert log.broken_link() is None


def test_the_file_is_its_owners_alone(log):
    log.record(NOW, OWN, "upload", "x")
    assert stat.S_IMODE(path_of(log).stat().st_mode) == 0o600


def test_each_line_holds_the_checksum_of_the_line_before(log):
    for number in range(3):
        log.record(NOW, OWN, "download", str(number))
    lines = lines_of(log)
    previous = [json.loads(line)["previous"] for line in lines]
    assert previous == [hashlib.sha256(before).hexdigest() for before in (b"", lines[0], lines[1])]


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_a_changed_line_breaks_the_chain_at_the_next(log, changed):
    for number in range(4):
        log.record(NOW, OWN, "download", f"file {number}")
    lines = lines_of(log)
    lines[changed] = lines[changed].replace(b"file", b"fool")
    path_of(log).write_bytes(b"".join(lines))
    assert log.broken_link() == changed + 2


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_a_removed_line_breaks_the_chain_where_it_was(log, removed):
    for number in range(4):
        log.record(NOW, OWN, "download", f"file {number}")
    lines = lines_of(log)
    path_of(log).write_bytes(b"".join(lines[:removed] + lines[removed + 1 :]))
    assert log.broken_link() == removed + 1


def test_a_line_made_unreadable_breaks_the_chain(log):
    for number in range(4):
        log.record(NOW, OWN, "download", f"file {number}")
    lines = lines_of(log)
    lines[1] = b"x" * 40 + b"\n"
    path_of(log).write_bytes(b"".join(lines))
    assert log.broken_link() == 3


@pytest.mark.parametrize("cut", [1, 2, 40, 200])
def test_a_torn_last_line_is_closed_and_told_and_keeps_the_chain(log, cut):
    for number in range(3):
        log.record(NOW, OWN, "download", f"file {number}")
    whole = lines_of(log)
    torn = whole[2][:-cut]
    path_of(log).write_bytes(whole[0] + whole[1] + torn)
    log.record(NOW, OWN, "download", "after")
    log.record(NOW, OWN, "download", "last")
    assert lines_of(log)[:3] == [whole[0], whole[1], torn + b"\n"]
    # Without its line end alone nothing of an event is lost.
    kept = ["file 2"] if cut == 1 else [f"{len(torn)} bytes"]
    assert [event.what for event in log.events()] == ["file 0", "file 1", *kept, "after", "last"]
    assert [event.action for event in log.events()].count(TORN) == (0 if cut == 1 else 1)
    assert log.broken_link() is None
    # What stands before a torn line is still vouched for.
    path_of(log).write_bytes(path_of(log).read_bytes().replace(b"file 1", b"fool 1"))
    assert log.broken_link() == (3 if cut == 1 else 4)


@given(st.lists(st.binary(max_size=30), max_size=3))
def test_whatever_a_kill_left_the_next_event_is_read_and_linked(tmp_path_factory, pieces):
    log = AuditLog(tmp_path_factory.mktemp("torn"))
    for piece in pieces:
        log.record(NOW, OWN, "download", "before")
        with path_of(log).open("ab") as file:
            file.write(piece)
    log.record(NOW, OWN, "download", "after")
    assert [event.what for event in log.events() if event.action != TORN] == ["before"] * len(pieces) + ["after"]
    assert log.broken_link() is None


@given(st.text())
def test_no_text_forges_a_line(tmp_path_factory, text):
    log = AuditLog(tmp_path_factory.mktemp("forged"))
    log.record(NOW, None, "download", "first")
    log.record(NOW, None, "download", f'x"}}\n{{"at": {text}')
    log.record(NOW, None, "download", "last")
    assert len(lines_of(log)) == 3
    first, between, last = log.events()
    assert (first.what, last.what) == ("first", "last")
    assert between.what.isprintable()
    assert len(between.what) <= 300
    assert log.broken_link() is None


def test_what_is_cut_at_300_characters_and_never_holds_a_cpr_number_or_half_a_character(log):
    log.record(NOW, None, "download", "a" * 1_000)
    log.record(NOW, None, "download", "/files/010190-1234/")
    log.record(NOW, None, "download", "/files/\ud800\u202e")
    assert [event.what for event in log.events()] == [
        "a" * 300,
        "/files/[CPR-nummer fjernet]/",
        "/files/\\ud800\\u202e",
    ]


def test_threads_and_several_logs_of_one_file_keep_one_chain(tmp_path):
    logs = [AuditLog(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: logs[number % 4].record(NOW, OWN, "download", str(number)), range(400)))
    assert sorted(int(event.what) for event in logs[0].events()) == list(range(400))
    assert logs[0].broken_link() is None


def _record_for_ever(folder, start):
    log = AuditLog(folder)
    start.wait()
    while True:
        log.record(NOW, OWN, "download", "x" * 200)


def test_processes_that_are_killed_while_writing_leave_a_whole_chain(tmp_path):
    context = multiprocessing.get_context("fork")
    start = context.Event()
    processes = [context.Process(target=_record_for_ever, args=(tmp_path, start)) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    time.sleep(0.5)
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    log = AuditLog(tmp_path)
    log.record(NOW, OWN, "download", "last")
    events = list(log.events())
    assert len(events) > 10
    assert events[-1].what == "last"
    assert log.broken_link() is None


def test_a_short_write_is_carried_on_with(log, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:7]))
    log.record(NOW, OWN, "download", "in pieces")
    monkeypatch.undo()
    assert [event.what for event in log.events()] == ["in pieces"]


def test_a_log_of_a_million_lines_is_opened_and_appended_to_at_once(log):
    log.record(NOW, OWN, "download", "x" * 50)
    line = lines_of(log)[0]
    with path_of(log).open("ab") as file:
        for _ in range(100):
            file.write(line * 10_000)
    started = time.monotonic()
    AuditLog(path_of(log).parent).record(NOW, OWN, "download", "last")
    assert time.monotonic() - started < 0.1


def test_a_torn_piece_longer_than_the_tail_that_is_read_keeps_the_chain(log):
    log.record(NOW, OWN, "download", "before")
    with path_of(log).open("ab") as file:
        file.write(b"\0" * 200_000)
    log.record(NOW, OWN, "download", "after")
    assert [event.what for event in log.events()] == ["before", "200000 bytes", "after"]
    assert log.broken_link() is None
