"""A portal that stops in the middle of a delivery: there is exactly one, with its receipt and its line, or none."""

import hashlib
import logging

import pytest

from pipelines import storage
from portal.delivering import desk as desk_module
from tests.portal import portal_scenario as scenario
from tests.portal.desk_scenario import API, PAGE, audit_of, good, handed_over, inbox_of, opened, sent, uploaded
from tests.scenario import ROUND

OWN, OTHER = scenario.OWN, scenario.OTHER


class StoppedError(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture
def desk_app(tmp_path):
    yield from opened(tmp_path)


def stopping(step, *, when: str):
    """A step at which the process ends, before or after it."""

    def stopped(*args, **named):
        if when == "after":
            step(*args, **named)
        raise StoppedError

    return stopped


def step_of(desk, name: str):
    """Where the step of this name is looked up, and its name there."""
    return {
        "begin": (desk._receipts, "begin"),
        "write": (desk_module.storage, "write_bytes"),
        "read back": (desk_module, "_lies"),
        "audit": (desk._audit, "record"),
        "finish": (desk._receipts, "finish"),
        "remove": (desk._drafts, "remove"),
    }[name]


def started_anew(desk_app):
    desk_app.app.state.portal.desk.close()
    desk_app.app = scenario.app_for(desk_app.root, desk_app.state, desk_app.clock)


def what_there_is(desk_app) -> dict[str, list[str]]:
    """The file names of the deliveries of a municipality: in the inbox, with a receipt, in the audit log."""
    return {
        "inbox": list(inbox_of(desk_app, OWN)),
        "receipts": [one["file"] for one in desk_app.own.get(API).json()],
        "audit": [event.what.split(" ")[0].rpartition("/")[2] for event in audit_of(desk_app, "delivery")],
    }


def stopped_at(desk_app, monkeypatch, name: str, when: str) -> str:
    """The draft in whose confirmation the process ended."""
    draft = handed_over(desk_app.browser(), good()).rpartition("/")[2]
    desk = desk_app.app.state.portal.desk
    place, attribute = step_of(desk, name)
    with monkeypatch.context() as broken:
        broken.setattr(place, attribute, stopping(getattr(place, attribute), when=when))
        with pytest.raises(StoppedError):
            desk.confirm(draft, ROUND, desk_app.identity, desk_app.clock())
    return draft


NOT_LAID = [("begin", "before"), ("begin", "after"), ("write", "before")]
LAID = [
    ("write", "after"),
    ("read back", "before"),
    ("audit", "before"),
    ("audit", "after"),
    ("finish", "before"),
    ("finish", "after"),
    ("remove", "before"),
    ("remove", "after"),
]


@pytest.mark.parametrize(("name", "when"), NOT_LAID + LAID)
def test_a_stop_at_any_step_leaves_one_delivery_with_receipt_and_line_or_none(desk_app, monkeypatch, name, when):
    draft = stopped_at(desk_app, monkeypatch, name, when)
    desk_app.clock.forward(minutes=10)
    started_anew(desk_app)
    found = what_there_is(desk_app)
    assert found["inbox"] == found["receipts"] == found["audit"]
    assert len(found["inbox"]) == ((name, when) in LAID)
    answer = sent(desk_app.own, good())
    assert answer.status_code == (200 if found["inbox"] else 201)
    assert what_there_is(desk_app) == {place: [answer.json()["file"]] for place in found}
    if found["inbox"]:
        assert desk_app.browser().get(f"{PAGE}/{draft}").status_code == 200


@pytest.mark.parametrize(("name", "when"), NOT_LAID + LAID)
def test_who_confirms_again_in_the_same_portal_gets_one_delivery_with_receipt_and_line(
    desk_app, monkeypatch, name, when
):
    draft = stopped_at(desk_app, monkeypatch, name, when)
    desk = desk_app.app.state.portal.desk
    receipt, is_new = desk.confirm(draft, ROUND, desk_app.identity, desk_app.clock())
    assert is_new == ((name, when) in NOT_LAID)
    assert what_there_is(desk_app) == {place: [receipt.file] for place in ("inbox", "receipts", "audit")}


def test_a_line_that_was_written_later_says_so_and_who_confirmed_when(desk_app, monkeypatch):
    stopped_at(desk_app, monkeypatch, "audit", "before")
    confirmed_at = desk_app.clock()
    desk_app.clock.forward(hours=10)
    started_anew(desk_app)
    (event,) = audit_of(desk_app, "delivery")
    assert (event.subject, event.role, event.municipality_code) == ("token:own", "municipality", OWN)
    assert event.what.endswith(" (completed after an interruption)")
    assert event.at == confirmed_at
    assert event.checksum == hashlib.sha256(good()).hexdigest()
    assert desk_app.app.state.portal.audit.broken_link() is None


def test_a_part_of_a_file_in_the_inbox_is_no_delivery_and_goes(desk_app, monkeypatch):
    draft = handed_over(desk_app.browser(), good()).rpartition("/")[2]
    write = storage.write_bytes

    def half(path, content):
        write(path, content[: len(content) // 2])
        raise StoppedError

    with monkeypatch.context() as broken:
        broken.setattr(desk_module.storage, "write_bytes", half)
        with pytest.raises(StoppedError):
            desk_app.app.state.portal.desk.confirm(draft, ROUND, desk_app.identity, desk_app.clock())
    assert len(inbox_of(desk_app, OWN)) == 1
    started_anew(desk_app)
    assert what_there_is(desk_app) == {"inbox": [], "receipts": [], "audit": []}


def test_another_municipalitys_delivery_under_way_is_left_alone(desk_app, monkeypatch):
    stopped_at(desk_app, monkeypatch, "write", "after")
    assert sent(desk_app.other, good(2, code=OTHER)).status_code == 201
    assert len(desk_app.app.state.portal.desk._receipts.under_way()) == 1


# --- how much, and where ---------------------------------------------------------------------------------------------


def test_a_municipality_delivers_so_often_in_a_day_and_no_more(desk_app, monkeypatch):
    monkeypatch.setattr(desk_module, "DELIVERIES_PER_DAY", 3)
    browser = desk_app.browser()
    draft = handed_over(browser, good(8))
    csrf = scenario.csrf_of(browser.get(draft).text)
    assert [sent(desk_app.own, good(cases)).status_code for cases in (2, 3, 4)] == [201] * 3
    refused = sent(desk_app.own, good(5))
    assert (refused.status_code, refused.json()["rule"]) == (429, "too_many_deliveries")
    assert "3 gange i runden det seneste døgn" in refused.json()["detail"]
    page = browser.post(f"{draft}/bekraeft", data={"csrf": csrf})
    assert page.status_code == 429
    assert "det seneste døgn" in page.text
    assert len(list((desk_app.state / "drafts").iterdir())) == 1
    assert [event.what.rpartition(" ")[2] for event in audit_of(desk_app, "refused")] == ["too_many_deliveries"] * 2
    assert sent(desk_app.own, good(4)).status_code == 200
    assert sent(desk_app.other, good(2, code=OTHER)).status_code == 201
    assert len(inbox_of(desk_app, OWN)) == 3
    desk_app.clock.forward(hours=24)
    assert sent(desk_app.own, good(5)).status_code == 201


def test_a_link_in_place_of_a_municipalitys_folder_is_not_followed(desk_app, tmp_path, caplog):
    outside = tmp_path / "outside"
    outside.mkdir()
    (desk_app.root / "inbox" / ROUND.name).mkdir()
    (desk_app.root / "inbox" / ROUND.name / OWN).symlink_to(outside)
    with caplog.at_level(logging.ERROR, "portal"):
        answer = sent(desk_app.own, good(), name="0101701234.csv")
    assert (answer.status_code, answer.json()["rule"]) == (503, "inbox_not_in_order")
    assert "Kontakt KL" in answer.json()["detail"]
    assert list(outside.iterdir()) == []
    assert caplog.messages == [
        f"inbox/{ROUND.name}/{OWN}: is not a folder; deliveries of this municipality are refused until it is one"
    ]
    assert what_there_is(desk_app)["audit"] == []
    assert desk_app.app.state.portal.desk._receipts.under_way() == []
    assert sent(desk_app.other, good(2, code=OTHER)).status_code == 201


def test_a_file_in_place_of_a_municipalitys_folder_is_refused_too(desk_app):
    folder = desk_app.root / "inbox" / ROUND.name
    folder.mkdir()
    (folder / OWN).write_bytes(b"")
    assert sent(desk_app.own, good()).status_code == 503
    browser = desk_app.browser()
    answer = uploaded(browser, good())
    draft = answer.headers["location"]
    csrf = scenario.csrf_of(browser.get(draft).text)
    page = browser.post(f"{draft}/bekraeft", data={"csrf": csrf})
    assert page.status_code == 503
    assert "Kontakt KL" in page.text
