"""Whose file is checked next: municipalities take turns, and none fills the desk."""

import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.delivering import desk as desk_module
from portal.delivering.refused import RefusedError
from portal.delivering.turns import WAITING_PER_MUNICIPALITY, Turns
from tests.portal import portal_scenario as scenario
from tests.portal.desk_scenario import PAGE, audit_of, good, handed_over, opened, sent, uploaded

OWN, OTHER = scenario.OWN, scenario.OTHER
PATIENCE = 20


@pytest.fixture
def desk_app(tmp_path):
    yield from opened(tmp_path)


@pytest.fixture
def turns():
    turns = Turns(2)
    yield turns
    turns.close()


def held(turns: Turns, code: str):
    """Work of a municipality that goes on until it is released."""
    began, release = threading.Event(), threading.Event()

    def work():
        began.set()
        assert release.wait(PATIENCE)

    future = turns.ask(code, work)
    assert began.wait(PATIENCE)
    return future, release


def test_one_municipality_has_one_thing_done_at_once_and_leaves_the_other_thread_to_others(turns):
    first, release = held(turns, OWN)
    second = turns.ask(OWN, lambda: "second")
    assert turns.ask(OTHER, lambda: "other").result(PATIENCE) == "other"
    assert not second.done()
    release.set()
    assert second.result(PATIENCE) == "second"
    assert first.done()


def test_one_file_of_another_municipality_waits_for_one_of_mine_and_not_for_all():
    turns, done = Turns(1), []
    first, release = held(turns, OWN)
    own = [turns.ask(OWN, lambda number=number: done.append(number)) for number in range(4)]
    other = turns.ask(OTHER, lambda: done.append("other"))
    release.set()
    for future in (first, *own, other):
        future.result(PATIENCE)
    turns.close()
    assert done.index("other") <= 1


def test_more_than_a_few_waiting_are_refused_until_some_are_done(turns):
    first, release = held(turns, OWN)
    own = [turns.ask(OWN, lambda: None) for _ in range(WAITING_PER_MUNICIPALITY - 1)]
    with pytest.raises(RefusedError, match="too_many_waiting") as refused:
        turns.ask(OWN, lambda: None)
    assert refused.value.status == 429
    assert turns.ask(OTHER, lambda: 1).result(PATIENCE) == 1
    release.set()
    for future in (first, *own):
        future.result(PATIENCE)
    assert turns.ask(OWN, lambda: 2).result(PATIENCE) == 2


def test_what_is_no_longer_wanted_is_not_done_and_what_fails_holds_nobody_up(turns):
    first, release = held(turns, OWN)
    unwanted = turns.ask(OWN, lambda: pytest.fail("was done"))
    failing = turns.ask(OWN, lambda: 1 // 0)
    last = turns.ask(OWN, lambda: "last")
    assert unwanted.cancel()
    release.set()
    assert last.result(PATIENCE) == "last"
    assert first.done()
    with pytest.raises(ZeroDivisionError):
        failing.result(PATIENCE)


def test_closing_ends_what_is_being_done_and_tells_those_who_wait():
    turns = Turns(1)
    first, release = held(turns, OWN)
    waiting = [turns.ask(code, lambda: None) for code in (OWN, OWN, OTHER, OTHER)]
    closing = threading.Thread(target=turns.close)
    closing.start()
    for future in waiting:
        with pytest.raises(CancelledError):
            future.result(PATIENCE)
    release.set()
    assert first.result(PATIENCE) is None
    closing.join(PATIENCE)
    assert not closing.is_alive()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from("abcd"), max_size=20))
def test_everything_taken_in_is_done_once_in_each_ones_own_order_and_never_two_of_one(asked):
    turns, done, busy, futures, expected = Turns(3), [], set(), [], {}
    for number, code in enumerate(asked):

        def work(code=code, number=number):
            assert code not in busy
            busy.add(code)
            time.sleep(0.0005)
            done.append((code, number))
            busy.remove(code)

        try:
            futures.append(turns.ask(code, work))
            expected.setdefault(code, []).append(number)
        except RefusedError:
            assert asked[:number].count(code) >= WAITING_PER_MUNICIPALITY
    for future in futures:
        future.result(PATIENCE)
    turns.close()
    assert {code: [n for of, n in done if of == code] for code in expected} == expected


def test_a_municipality_that_sends_too_much_at_once_is_told_and_others_are_served(desk_app, monkeypatch):
    check, release = desk_module.check, threading.Event()

    def slow(pool, path, round_, catalogue, code, *, now):
        assert code != OWN or release.wait(PATIENCE)
        return check(pool, path, round_, catalogue, code, now=now)

    address = handed_over(desk_app.browser(), good())
    browser = desk_app.browser()
    monkeypatch.setattr(desk_module, "check", slow)
    with ThreadPoolExecutor(WAITING_PER_MUNICIPALITY) as threads:
        own = [threads.submit(sent, desk_app.own, good(n + 2)) for n in range(WAITING_PER_MUNICIPALITY)]
        deadline = time.monotonic() + PATIENCE
        while len(desk_app.app.state.portal.desk._turns._asked.get(OWN, ())) < WAITING_PER_MUNICIPALITY:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            refused, page = sent(desk_app.own, good()), uploaded(browser, good())
            workbook = browser.get(f"{address}/rettelser.xlsx")
            other = sent(desk_app.other, good(2, code=OTHER))
        finally:
            release.set()
    assert (refused.status_code, refused.json()["rule"]) == (429, "too_many_waiting")
    assert "venter på kontrol" in refused.json()["detail"]
    assert (page.status_code, workbook.status_code) == (429, 429)
    assert "venter på kontrol" in page.text
    assert 'action="' + PAGE + '"' in page.text
    assert "venter på kontrol" in workbook.text
    assert other.status_code == 201
    assert [one.result().status_code for one in own] == [201] * WAITING_PER_MUNICIPALITY
    assert [event.what.rpartition(" ")[2] for event in audit_of(desk_app, "refused")] == ["too_many_waiting"] * 2
