"""The reading children seen from outside: whatever ends one is one rejected file, and the next file is read.

A child is stopped (SIGSTOP) before it is given a file and killed while it has one, so that no test depends on timing.
"""

import os
import signal

import pytest
import xlsxwriter

from pipelines.ingest import pool as pool_module
from pipelines.ingest.pool import ReaderPool
from tests.unit.ingest_scenario import CATALOGUE, csv_bytes


@pytest.fixture
def pool():
    with ReaderPool(CATALOGUE) as pool:
        yield pool


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.csv"
    path.write_bytes(csv_bytes([["147", "A-1"]]))
    return str(path)


@pytest.fixture
def lethal(tmp_path):
    """Two cells in opposite corners: the reader asks for 17 billion cells at once and is ended by its memory limit."""
    path = tmp_path / "lethal.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("Skema")
        sheet.write_string(0, 0, "a")
        sheet.write_string(1_048_575, 16_383, "b")
    return str(path)


def idle_readers(pool):
    readers = [pool._idle.get() for _ in range(pool_module.READERS)]
    for reader in readers:
        pool._idle.put(reader)
    return readers


def pids(pool):
    return [reader._process.pid for reader in idle_readers(pool)]


def let_every_reader_read(pool, path):
    while not all(reader.files_read for reader in idle_readers(pool)):
        assert told(pool.read([path] * pool_module.READERS)) == [[2]] * pool_module.READERS


def read_while_killing_the_first_reader(pool, paths):
    first, *_ = pids(pool)
    os.kill(first, signal.SIGSTOP)
    results = pool.read(paths)  # the first reader is given the first file at once
    os.kill(first, signal.SIGKILL)
    return first, list(results)


def told(results):
    return [result.rule or result.delivery["rows"] for result in results]


def test_files_are_read_in_the_order_of_their_paths(pool, good, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"x")
    assert told(pool.read([good, str(bad), good, str(tmp_path / "gone.csv"), good])) == [
        [2],
        "missing_questions",
        [2],
        "unreadable",
        [2],
    ]


def test_no_paths_give_no_results(pool):
    assert list(pool.read([])) == []


def test_a_fresh_reader_that_is_killed_costs_its_file_and_no_other(pool, good):
    killed, results = read_while_killing_the_first_reader(pool, [good, good, good])
    assert told(results) == ["unreadable", [2], [2]]
    assert results[0].sha256 is None
    assert "tid og hukommelse" in results[0].message
    assert killed not in pids(pool)


def test_a_reader_that_has_read_before_is_not_to_blame_and_its_file_is_read_again(pool, good):
    let_every_reader_read(pool, good)
    killed, results = read_while_killing_the_first_reader(pool, [good, good])
    assert told(results) == [[2], [2]]
    assert killed not in pids(pool)


@pytest.fixture
def started(monkeypatch):
    """A list that grows with every reader started from now on."""
    readers = []
    reader = pool_module._Reader
    monkeypatch.setattr(pool_module, "_Reader", lambda questions: readers.append(1) or reader(questions))
    return readers


def test_a_file_that_kills_a_fresh_reader_is_read_once_and_one_that_kills_a_used_reader_twice(
    pool, good, lethal, started
):
    assert told(pool.read([lethal])) == ["unreadable"]
    assert len(started) == 1
    let_every_reader_read(pool, good)
    started.clear()
    assert told(pool.read([lethal])) == ["unreadable"]
    # One for the second attempt, one for the files to come.
    assert len(started) == 2
    assert told(pool.read([good, good, good])) == [[2], [2], [2]]


def test_a_reader_that_hangs_is_killed_and_its_file_is_not_tried_again(pool, good, started, monkeypatch):
    first, second = idle_readers(pool)
    for reader in (first, second):
        reader.files_read = 1  # not fresh: only the time tells that the file is to blame
        os.kill(reader._process.pid, signal.SIGSTOP)
    with monkeypatch.context() as patched:
        patched.setattr(pool_module, "WALL_SECONDS", 0.05)
        assert told(pool.read([good, good])) == ["unreadable", "unreadable"]
    # One in the place of each.
    assert len(started) == pool_module.READERS
    assert told(pool.read([good, good])) == [[2], [2]]


@pytest.mark.parametrize(
    "reply",
    [
        "import os; os.write(1, (5).to_bytes(8, 'big') + b'hello')",
        "import os; os.write(1, (1 << 60).to_bytes(8, 'big'))",
        "import os; os.write(1, b'123')",
        "raise SystemExit",
    ],
)
def test_a_child_that_answers_nonsense_is_replaced(pool, good, monkeypatch, reply):
    popen = pool_module.subprocess.Popen
    python = pool_module.sys.executable
    with monkeypatch.context() as patched:
        patched.setattr(pool_module.subprocess, "Popen", lambda _, **rest: popen([python, "-c", reply], **rest))
        nonsense = [pool_module._Reader(pool._questions) for _ in range(pool_module.READERS)]
    for reader in nonsense:
        pool._idle.get().stop()
        pool._idle.put(reader)
    assert told(pool.read([good, good])) == ["unreadable", "unreadable"]
    assert told(pool.read([good, good])) == [[2], [2]]


def test_no_child_outlives_its_pool(good):
    with ReaderPool(CATALOGUE) as pool:
        running = pids(pool)
        assert told(pool.read([good])) == [[2]]
    for pid in running:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_child_knows_nothing_of_the_parents_environment_and_writes_no_file(pool, good):
    let_every_reader_read(pool, good)
    for pid in pids(pool):
        with open(f"/proc/{pid}/environ", "rb") as environment:  # noqa: PTH123 - as the kernel names it
            assert b"BOTILBUD" not in environment.read()
        with open(f"/proc/{pid}/limits") as limits:  # noqa: PTH123
            told_limits = {line[:26].strip(): line[26:].split()[0] for line in limits}
        assert told_limits["Max file size"] == "0"
        assert told_limits["Max core file size"] == "0"
        assert told_limits["Max data size"] != "unlimited"
