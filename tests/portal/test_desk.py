"""Handing in, from the file to the inbox: what is refused, what is kept, what counts, and who sees it."""

import datetime as dt
import hashlib
import io
import time
from concurrent.futures import ThreadPoolExecutor

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from pipelines import storage
from pipelines.ingest import messages
from pipelines.ingest.inbox import find_files
from pipelines.ingest.intake import take_inbox
from portal.delivering import desk as desk_module
from portal.delivering import drafts
from portal.delivering.drafts import DRAFTS_PER_MUNICIPALITY, LIFETIME
from portal.delivering.receipts import Receipt, handed_in
from portal.delivering.refused import ERRORS_SHOWN
from schemas.errors import BotilbudError
from tests.limits.cases_slow import _wrong_everywhere
from tests.portal import portal_scenario as scenario
from tests.portal.desk_scenario import (
    API,
    COUNTED,
    FAULTY,
    PAGE,
    audit_of,
    good,
    handed_over,
    inbox_of,
    opened,
    sent,
    tree,
    uploaded,
)
from tests.scenario import CATALOGUE, COMMENT, ROUND, csv, row

OWN, OTHER = scenario.OWN, scenario.OTHER


@pytest.fixture
def desk_app(tmp_path):
    yield from opened(tmp_path)


# --- by program ------------------------------------------------------------------------------------------------------


def test_a_program_hands_in_a_file_and_gets_a_receipt_of_the_bytes_in_the_inbox(desk_app):
    content = good()
    answer = sent(desk_app.own, content)
    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt["round"] == ROUND.name
    assert receipt["municipality_code"] == OWN
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipt["bytes"] == len(content)
    assert {name: receipt[name] for name in COUNTED} == {"rows": 3, "eligible": 2, "out_of_scope": 1, "rejected": 0}
    assert receipt["errors"] == []
    assert receipt["received_at"] == "2026-11-22T12:00:00Z"
    assert receipt["file"] == f"20261122T120000Z__portal-0001-{receipt['sha256'][:12]}.csv"
    assert inbox_of(desk_app, OWN) == {receipt["file"]: content}


def test_a_file_with_a_rejected_row_is_received_and_the_row_told(desk_app):
    answer = sent(desk_app.own, FAULTY)
    assert answer.status_code == 201
    receipt = answer.json()
    assert {name: receipt[name] for name in COUNTED} == {"rows": 6, "eligible": 5, "out_of_scope": 0, "rejected": 1}
    assert receipt["error_count"] == 2
    assert [(error["row"], error["question"], error["rule"]) for error in receipt["errors"]] == [
        (7, 3, "range"),
        (7, 22, "option"),
    ]
    assert 'Nærmeste svarmulighed er "Regionen"' in receipt["errors"][1]["message"]


def test_what_was_received_is_what_the_night_counts(desk_app):
    sent(desk_app.own, good(), name="Ærø-skema.csv")
    intake = take_inbox(storage.inbox(desk_app.root, ROUND.name), ROUND, CATALOGUE, now=desk_app.clock())
    assert intake.warnings == []
    (entry,) = intake.delivery_log.to_dicts()
    assert (entry["municipality_code"], entry["status"], entry["eligible"]) == (OWN, "current", 2)


def test_of_two_deliveries_in_the_same_second_the_later_one_counts(desk_app):
    names = [sent(desk_app.own, good(cases)).json()["file"] for cases in (4, 3, 5, 2)]
    assert len({name[:16] for name in names}) == 1
    found, _ = find_files(storage.inbox(desk_app.root, ROUND.name), now=desk_app.clock())
    assert [file.name for file in found] == names


def test_a_clock_that_was_set_back_does_not_let_the_older_delivery_count(desk_app):
    first = sent(desk_app.own, good(4)).json()
    desk_app.clock.forward(hours=-2)
    second = sent(desk_app.own, good(5)).json()
    assert second["received_at"] == first["received_at"]
    assert second["file"] > first["file"]


def test_the_same_bytes_again_give_the_same_receipt_and_no_second_delivery(desk_app):
    first = sent(desk_app.own, FAULTY)
    desk_app.clock.forward(minutes=5)
    again = sent(desk_app.own, FAULTY, name="et andet navn.csv")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert len(inbox_of(desk_app, OWN)) == 1


def test_the_same_bytes_are_a_delivery_again_once_another_one_came_in_between(desk_app):
    answers = [sent(desk_app.own, good(cases)) for cases in (2, 3, 2)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len(inbox_of(desk_app, OWN)) == 3


def test_the_same_bytes_are_a_delivery_again_once_a_file_came_by_another_way(desk_app):
    sent(desk_app.own, good(2))
    folder = desk_app.root / "inbox" / ROUND.name / OWN
    (folder / "20261122T130000Z__fra KL.csv").write_bytes(good(5))
    desk_app.clock.forward(hours=2)
    assert sent(desk_app.own, good(2)).status_code == 201
    assert max(inbox_of(desk_app, OWN)).startswith("20261122T140000Z__portal-0002")


@pytest.mark.parametrize("name", ["nulindberetning.csv", "Fanø Nulindberetning.CSV", "2022_NULINDBERETNING.csv"])
def test_a_delivery_without_cases_counts_by_the_name_that_the_sender_gave_it(desk_app, name):
    answer = sent(desk_app.own, csv([]), name=name)
    assert answer.status_code == 201
    assert answer.json()["file"].endswith("-nulindberetning.csv")
    intake = take_inbox(storage.inbox(desk_app.root, ROUND.name), ROUND, CATALOGUE, now=desk_app.clock())
    assert intake.delivery_log["status"].to_list() == ["current"]


def test_a_file_without_cases_is_refused_under_any_other_name(desk_app):
    answer = sent(desk_app.own, csv([]), name="nulindberetning i år.csv")
    assert (answer.status_code, answer.json()["rule"]) == (422, "empty")


def test_kl_cannot_hand_in_and_sees_every_delivery(desk_app):
    assert sent(desk_app.consultant, good()).status_code == 404
    sent(desk_app.own, good())
    sent(desk_app.other, good(2, code=OTHER))
    assert {one["municipality_code"] for one in desk_app.consultant.get(API).json()} == {OWN, OTHER}


def test_nobody_hands_in_without_a_credential(desk_app):
    answer = sent(scenario.client_for(desk_app.app), good())
    assert answer.status_code == 401
    assert tree(desk_app) == desk_app.before


def test_an_unknown_round_is_not_found(desk_app):
    assert sent(desk_app.own, good(), address="/deliveries/2021-10-01").status_code == 404
    assert desk_app.own.get("/deliveries/2021-10-01").status_code == 404


def test_a_browsers_cookie_alone_hands_nothing_in_by_the_programs_address(desk_app):
    browser = scenario.browser_for(desk_app.app, desk_app.token)
    assert sent(browser, good()).status_code == 403
    assert inbox_of(desk_app, OWN) == {}
    csrf = scenario.csrf_of(browser.get(PAGE).text)
    assert sent(browser, good(), headers={"X-CSRF-Token": csrf}).status_code == 201


# --- refused ---------------------------------------------------------------------------------------------------------


def xlsx_for(front: str | None, rows: list[dict[str, str]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Skema"
    sheet.append(list(CATALOGUE.keys))
    for one in rows:
        sheet.append([one[key] for key in CATALOGUE.keys])
    if front is not None:
        book.create_sheet("Forside").append(["Kommunekode", front])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


REFUSED = {
    "another kind": (b"%PDF-1.7", "skema.pdf", "unsupported_format", r"\.pdf"),
    "no extension": (good(), "skema", "unsupported_format", "(ingen)"),
    "nothing": (b"", "skema.csv", "empty", "0 byte"),
    "not what it says": (b"%PDF-1.7 ....", "skema.xlsx", "unreadable", ""),
    "no header": (b"a;b\n1;2\n", "skema.csv", "missing_questions", ""),
    "mostly wrong": (csv([row(OWN, i, age="17") for i in range(5)]), "skema.csv", "too_many_rejected_rows", "5 af 5"),
    "others' rows": (
        csv([row(OWN, 1), row(OTHER, 2)]),
        "s.csv",
        "another_municipality",
        "Række 3 angiver Odense (461)",
    ),
    "others' rows by name": (csv([row("Odense Kommune", 1)]), "s.csv", "another_municipality", "Odense (461)"),
    "others' front": (xlsx_for("461", [row(OWN, 1)]), "s.xlsx", "another_municipality", "Forsiden angiver Odense"),
    "others' form without cases": (xlsx_for("461", []), "s.xlsx", "another_municipality", "Odense"),
}


WRONG = dict.fromkeys(("provider", "sentence", "target_group", "staffing", "gender"), "x")
ERRORS_MADE = ERRORS_SHOWN + 500


@pytest.fixture
def messages_made(monkeypatch):
    """How many messages were written; a message takes longer than finding the error."""
    made, write = [], messages.row_message

    def counted(*args, **named):
        made.append(named["row"])
        return write(*args, **named)

    monkeypatch.setattr(messages, "row_message", counted)
    return made


def test_a_refused_file_has_all_its_errors_counted_and_only_the_first_ones_told(desk_app, messages_made):
    content = csv([row(OWN, number, **WRONG) for number in range(ERRORS_MADE // len(WRONG))])
    page = uploaded(desk_app.browser(), content)
    assert page.status_code == 422
    assert "De første 200 af 1.500 fejl vises." in page.text
    assert len(messages_made) == ERRORS_SHOWN
    errors = sent(desk_app.own, content).json()["errors"]
    assert len(errors) == ERRORS_SHOWN
    assert [error["row"] for error in errors] == [2 + place // len(WRONG) for place in range(ERRORS_SHOWN)]


def test_a_file_that_counts_has_all_its_errors_counted_and_only_the_first_ones_told(desk_app, messages_made):
    count = ERRORS_MADE // len(WRONG)
    rows = [row(OWN, number, **(WRONG if number < count else {})) for number in range(count * 5)]
    receipt = sent(desk_app.own, csv(rows)).json()
    assert (receipt["rejected"], receipt["error_count"], len(receipt["errors"])) == (count, ERRORS_MADE, ERRORS_SHOWN)
    assert len(messages_made) == ERRORS_SHOWN


def test_the_marked_up_workbook_tells_every_error(desk_app):
    count = ERRORS_MADE // len(WRONG)
    rows = [row(OWN, number, **(WRONG if number < count else {})) for number in range(count * 5)]
    browser = desk_app.browser()
    answer = browser.get(f"{handed_over(browser, csv(rows))}/rettelser.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["Skema"]
    assert sum(cell.comment is not None for line in sheet.iter_rows() for cell in line) == ERRORS_MADE


def test_a_file_with_too_many_errors_to_mark_says_so_and_offers_no_workbook(desk_app, monkeypatch):
    monkeypatch.setattr(drafts, "MARKED_ERRORS", 1)
    browser = desk_app.browser()
    address = handed_over(browser, FAULTY)
    page = browser.get(address).text
    assert "for mange fejl" in page
    assert "rettelser.xlsx" not in page
    assert browser.get(f"{address}/rettelser.xlsx").status_code == 404


@pytest.mark.slow
def test_a_file_that_is_wrong_everywhere_is_refused_soon(desk_app):
    content = _wrong_everywhere(OWN)
    began = time.monotonic()
    answer = uploaded(desk_app.browser(), content)
    assert time.monotonic() - began < 8
    assert answer.status_code == 422
    assert "De første 200 af 405.000 fejl vises." in answer.text


@pytest.mark.parametrize(("content", "name", "rule", "told"), REFUSED.values(), ids=REFUSED)
def test_a_refused_file_leaves_nothing_behind_but_a_line_with_its_checksum(desk_app, content, name, rule, told):
    answer = sent(desk_app.own, content, name=name)
    assert (answer.status_code, answer.json()["rule"]) == (422, rule)
    assert told.replace("\\", "") in answer.json()["detail"]
    assert tree(desk_app) == desk_app.before
    (event,) = audit_of(desk_app, "refused")
    assert event.checksum == hashlib.sha256(content).hexdigest()
    assert event.what == f"{API} {rule}"


def test_a_wrong_code_that_is_no_municipalitys_is_an_ordinary_row_error(desk_app):
    answer = sent(desk_app.own, csv([*(row(OWN, i) for i in range(5)), row("999", 6)]))
    assert answer.status_code == 201
    assert [error["rule"] for error in answer.json()["errors"]] == ["municipality"]


def test_a_front_sheet_that_names_no_municipality_is_a_warning(desk_app):
    assert sent(desk_app.own, xlsx_for("999", [row(OWN, 1)]), name="s.xlsx").status_code == 201


@pytest.mark.parametrize(
    ("changes", "rule", "told"),
    [
        ({"open": False}, "round_closed", "Runden er lukket"),
        ({"reports_for": {OTHER: (OWN,)}}, "reported_by_another", "Odense (461) indberetter for din kommune"),
    ],
)
def test_a_round_that_is_not_for_this_municipality_refuses_with_a_reason(desk_app, monkeypatch, changes, rule, told):
    changed = ROUND.model_copy(update=changes)
    monkeypatch.setattr("portal.delivering.handing_in.load_rounds", lambda: {ROUND.name: changed})
    answer = sent(desk_app.own, good())
    assert (answer.status_code, answer.json()["rule"]) == (409, rule)
    assert told in answer.json()["detail"]
    assert tree(desk_app) == desk_app.before
    page = desk_app.browser().get(PAGE)
    assert page.status_code == 200
    assert told in page.text
    assert 'type="file"' not in page.text


def test_no_answer_of_a_refused_file_reaches_the_audit_log(desk_app):
    sent(desk_app.own, csv([row(OWN, i, provider="Regjonen") for i in range(5)]), name="Sager om Olsen.csv")
    sent(desk_app.own, FAULTY, name="Sager om Olsen.csv")
    log = (desk_app.state / "audit.jsonl").read_text()
    assert "Olsen" not in log
    assert "Regjonen" not in log
    assert COMMENT not in log


# --- by page ---------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_check_before_anything_is_handed_in(desk_app):
    browser = desk_app.browser()
    address = handed_over(browser, FAULTY, name="Skema <1>.csv")
    page = browser.get(address).text
    assert "Skema &lt;1&gt;.csv" in page
    assert "1 række har fejl" in page
    assert "rækker med fejl tæller ikke med" in page
    assert "Celle" in page or "Række 7" in page
    assert inbox_of(desk_app, OWN) == {}


def test_confirming_twice_delivers_once_and_shows_the_same_receipt(desk_app):
    browser = desk_app.browser()
    content = good()
    address = handed_over(browser, content)
    csrf = scenario.csrf_of(browser.get(address).text)
    answers = [browser.post(f"{address}/bekraeft", data={"csrf": csrf}) for _ in range(2)]
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, address)] * 2
    assert list(inbox_of(desk_app, OWN).values()) == [content]
    receipt = browser.get(address).text
    assert "Modtaget" in receipt
    assert "Godkendt uden fejl" in receipt
    assert hashlib.sha256(content).hexdigest() in receipt
    assert "22-11-2026 kl. 13.00" in receipt
    assert "natten til 23-11-2026 kl. 02.00" in receipt
    assert tree(desk_app).keys() - desk_app.before.keys() == {
        f"root/inbox/{ROUND.name}/{OWN}/{name}" for name in inbox_of(desk_app, OWN)
    }


def test_many_confirmations_at_once_deliver_once(desk_app):
    browser = desk_app.browser()
    draft = handed_over(browser, good()).rpartition("/")[2]
    desk = desk_app.app.state.portal.desk
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: desk.confirm(draft, ROUND, desk_app.identity, desk_app.clock()), range(8)))
    assert len({receipt for receipt, _ in results}) == 1
    assert sum(is_new for _, is_new in results) == 1
    assert len(inbox_of(desk_app, OWN)) == 1


def test_different_files_at_once_are_all_delivered_each_with_a_number_of_its_own(desk_app):
    with ThreadPoolExecutor(6) as threads:
        clients = [desk_app.own for _ in range(12)]
        answers = list(threads.map(lambda client, cases: sent(client, good(cases)), clients, range(2, 14)))
    assert {answer.status_code for answer in answers} == {201}
    numbers = sorted(name.partition("portal-")[2][:4] for name in inbox_of(desk_app, OWN))
    assert numbers == [f"{number:04}" for number in range(1, 13)]
    assert set(inbox_of(desk_app, OWN).values()) == {good(cases) for cases in range(2, 14)}


def test_a_draft_that_is_another_municipalitys_is_not_found_whatever_is_asked_of_it(desk_app):
    address = handed_over(desk_app.browser(), FAULTY)
    stranger = scenario.browser_for(desk_app.app, desk_app.other_token)
    csrf = scenario.csrf_of(stranger.get(PAGE).text)
    unknown = address.rpartition("/")[0] + "/" + "0" * 32
    for draft in (address, unknown):
        answers = [
            stranger.get(draft),
            stranger.get(f"{draft}/rettelser.xlsx"),
            stranger.post(f"{draft}/bekraeft", data={"csrf": csrf}),
            stranger.post(f"{draft}/fortryd", data={"csrf": csrf}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4
        assert len({answer.text for answer in answers}) == 1
    assert desk_app.browser().get(address).status_code == 200
    assert inbox_of(desk_app, OTHER) == {}


def test_a_receipt_is_another_municipalitys_neither(desk_app):
    address = confirmed(desk_app.browser(), good())
    assert scenario.browser_for(desk_app.app, desk_app.other_token).get(address).status_code == 404


def test_a_draft_belongs_to_its_round(desk_app):
    browser = desk_app.browser()
    address = handed_over(browser, good())
    csrf = scenario.csrf_of(browser.get(address).text)
    elsewhere = address.replace(ROUND.name, "2024-10-01")
    assert browser.get(elsewhere).status_code == 404
    assert browser.post(f"{elsewhere}/bekraeft", data={"csrf": csrf}).status_code == 404


@pytest.mark.parametrize("draft", ["..", "%2e%2e", "..%2F..%2Fportal.sqlite3", "portal.sqlite3", ".", "A" * 300, "%00"])
def test_a_draft_id_that_is_a_path_is_not_found(desk_app, draft):
    browser = desk_app.browser()
    handed_over(browser, good())
    assert browser.get(f"{PAGE}/{draft}/rettelser.xlsx").status_code == 404


def test_a_draft_expires_after_an_hour_and_is_gone_from_the_disk(desk_app):
    browser = desk_app.browser()
    address = handed_over(browser, good())
    csrf = scenario.csrf_of(browser.get(address).text)
    desk_app.clock.forward(hours=1)
    assert browser.post(f"{address}/bekraeft", data={"csrf": csrf}).status_code == 404
    assert browser.get(address).status_code == 404
    assert tree(desk_app) == desk_app.before


def test_the_next_file_that_comes_to_the_desk_clears_away_what_expired(desk_app):
    handed_over(desk_app.browser(), good())
    desk_app.clock.forward(seconds=LIFETIME.total_seconds())
    sent(desk_app.other, good(2, code=OTHER))
    assert [path for path in tree(desk_app) if "drafts/" in path] == []


def test_cancelling_removes_the_draft(desk_app):
    browser = desk_app.browser()
    address = handed_over(browser, good())
    csrf = scenario.csrf_of(browser.get(address).text)
    assert browser.post(f"{address}/fortryd", data={"csrf": csrf}).headers["location"] == PAGE
    assert browser.get(address).status_code == 404
    assert tree(desk_app) == desk_app.before


def test_a_portal_that_starts_removes_the_drafts_of_the_one_before(desk_app):
    address = handed_over(desk_app.browser(), good())
    desk_app.app.state.portal.desk.close()
    again = scenario.app_for(desk_app.root, desk_app.state, desk_app.clock)
    assert scenario.browser_for(again, desk_app.token).get(address).status_code == 404
    assert tree(desk_app) == desk_app.before


def test_a_municipality_keeps_a_few_drafts_and_the_oldest_goes(desk_app):
    browser = desk_app.browser()
    addresses = []
    for _ in range(DRAFTS_PER_MUNICIPALITY + 2):
        desk_app.clock.forward(seconds=1)
        addresses.append(handed_over(browser, good()))
    assert [browser.get(address).status_code for address in addresses] == [404] * 2 + [200] * DRAFTS_PER_MUNICIPALITY


def test_drafts_are_their_owners_alone_on_the_disk(desk_app):
    handed_over(desk_app.browser(), good())
    found = list((desk_app.state / "drafts").rglob("*"))
    assert found
    assert {path.stat().st_mode & 0o077 for path in found} == {0}


@pytest.mark.parametrize("action", ["bekraeft", "fortryd"])
def test_nothing_is_confirmed_or_cancelled_without_the_pages_own_field(desk_app, action):
    browser = desk_app.browser()
    address = handed_over(browser, good())
    assert browser.post(f"{address}/{action}", data={"csrf": "0" * 64}).status_code == 403
    assert browser.get(address).status_code == 200
    assert inbox_of(desk_app, OWN) == {}


def test_nothing_is_handed_over_without_the_pages_own_field(desk_app):
    browser = desk_app.browser()
    for fields in ({}, {"csrf": "0" * 64}, {"csrf": "æ"}):
        assert browser.post(PAGE, files={"file": ("s.csv", good())}, data=fields).status_code == 403
    assert tree(desk_app) == desk_app.before


def test_kl_has_no_page_to_hand_in_on(desk_app):
    consultant = scenario.browser_for(desk_app.app, desk_app.kl_token)
    assert consultant.get(PAGE).status_code == 404
    assert consultant.post(PAGE, files={"file": ("s.csv", good())}).status_code == 404
    assert consultant.get(f"/runder/{ROUND.name}/skema.xlsx").status_code == 200


def test_a_refused_file_is_told_on_the_page_beside_the_field(desk_app):
    browser = desk_app.browser()
    answer = uploaded(browser, csv([row(OWN, i, age="17") for i in range(5)]))
    assert answer.status_code == 422
    assert "Filen er ikke modtaget" in answer.text
    assert 'href="#fil"' in answer.text
    assert 'id="fil"' in answer.text
    assert "Uden for det tilladte interval" in answer.text


def test_the_first_errors_are_shown_with_the_total(desk_app):
    rows = [row(OWN, i, **({"age": "17", "provider": "x", "sentence": "x"} if i % 5 == 0 else {})) for i in range(500)]
    browser = desk_app.browser()
    page = browser.get(handed_over(browser, csv(rows))).text
    assert "De første 200 af 300 fejl vises." in page
    assert page.count('data-label="Hvad der er galt"') == 200


def test_the_marked_up_workbook_colours_the_faulty_cells_and_says_why(desk_app):
    browser = desk_app.browser()
    answer = browser.get(f"{handed_over(browser, FAULTY)}/rettelser.xlsx")
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["Skema"]
    faulty = {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}
    assert set(faulty) == {"C7", "V7"}
    assert "Regionen" in faulty["V7"]
    assert sheet.max_row >= 7


def test_the_empty_form_is_a_workbook_that_can_be_handed_in_as_it_comes(desk_app):
    browser = desk_app.browser()
    form = browser.get(f"/runder/{ROUND.name}/skema.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(form.content))
    for column, value in enumerate([row(OWN, 1)[key] for key in CATALOGUE.keys], start=1):
        book["Skema"].cell(2, column, value or None)
    book["Forside"]["B4"], book["Forside"]["B5"] = OWN, 1
    content = io.BytesIO()
    book.save(content)
    assert sent(desk_app.own, content.getvalue(), name="skema.xlsx").json()["eligible"] == 1


# --- history ---------------------------------------------------------------------------------------------------------


def confirmed(browser, content: bytes, name: str = "skema.csv") -> str:
    address = handed_over(browser, content, name=name)
    csrf = scenario.csrf_of(browser.get(address).text)
    assert browser.post(f"{address}/bekraeft", data={"csrf": csrf}).status_code == 303
    return address


def night(desk_app) -> None:
    """What a night writes of the deliveries."""
    intake = take_inbox(storage.inbox(desk_app.root, ROUND.name), ROUND, CATALOGUE, now=desk_app.clock())
    path = storage.warehouse(desk_app.root) / "delivery_log" / f"{ROUND.name}.parquet"
    storage.write_bytes(path, storage.parquet_bytes(intake.delivery_log))


def test_a_delivery_waits_for_the_night_counts_and_is_replaced(desk_app):
    browser = desk_app.browser()
    first = confirmed(browser, good(2), name="første.csv")
    assert "afventer nattens kørsel" in browser.get(PAGE).text
    night(desk_app)
    assert "Status: tæller" in browser.get(first).text
    desk_app.clock.forward(days=1)
    browser = desk_app.browser()
    confirmed(browser, good(3), name="anden.csv")
    statuses = [(one["sender_name"], one["status"]) for one in desk_app.own.get(API).json()]
    assert statuses == [("anden.csv", "pending"), ("første.csv", "current")]
    night(desk_app)
    statuses = [(one["sender_name"], one["status"]) for one in desk_app.own.get(API).json()]
    assert statuses == [("anden.csv", "current"), ("første.csv", "superseded")]
    assert "Status: erstattet" in browser.get(first).text


def test_deliveries_that_came_by_another_way_are_told_too_and_only_ones_own(desk_app):
    for code in (OWN, OTHER):
        folder = desk_app.root / "inbox" / ROUND.name / code
        folder.mkdir(parents=True)
        (folder / f"20221101T080000Z__fra {code}.csv").write_bytes(b"ikke et skema")
    night(desk_app)
    (one,) = desk_app.own.get(API).json()
    assert (one["file"], one["sender_name"], one["status"]) == (f"20221101T080000Z__fra {OWN}.csv", None, "rejected")
    page = desk_app.browser().get(PAGE).text
    assert f"fra {OWN}" in page
    assert "afvist" in page
    assert f"fra {OTHER}" not in page


def test_a_round_in_which_nothing_was_handed_in_has_no_deliveries(desk_app):
    assert desk_app.own.get(API).json() == []
    assert "har ikke afleveret" in desk_app.browser().get(PAGE).text


def test_every_step_is_in_the_audit_log_with_the_checksum_of_the_bytes(desk_app):
    browser = desk_app.browser()
    address = handed_over(browser, FAULTY)
    browser.get(f"{address}/rettelser.xlsx")
    csrf = scenario.csrf_of(browser.get(address).text)
    for _ in range(2):
        browser.post(f"{address}/bekraeft", data={"csrf": csrf})
    events = [event for action in ("upload", "download", "delivery") for event in audit_of(desk_app, action)]
    assert [event.action for event in events] == ["upload", "download", "delivery"]
    assert {event.checksum for event in events} == {hashlib.sha256(FAULTY).hexdigest()}
    assert {event.municipality_code for event in events} == {OWN}
    assert events[-1].what == f"{ROUND.name}/{OWN}/{next(iter(inbox_of(desk_app, OWN)))}"


# --- what breaks -----------------------------------------------------------------------------------------------------


def test_a_draft_that_changed_on_the_disk_is_not_delivered(desk_app):
    browser = desk_app.browser()
    address = handed_over(browser, good())
    (file,) = (desk_app.state / "drafts").glob("*/aflevering.csv")
    file.write_bytes(good(9))
    desk = desk_app.app.state.portal.desk
    with pytest.raises(BotilbudError, match="no longer the file that was checked"):
        desk.confirm(address.rpartition("/")[2], ROUND, desk_app.identity, desk_app.clock())
    assert inbox_of(desk_app, OWN) == {}


def test_a_disk_that_keeps_other_bytes_gives_no_receipt(desk_app, monkeypatch):
    browser = desk_app.browser()
    draft = handed_over(browser, good()).rpartition("/")[2]
    lay = storage.write_bytes
    monkeypatch.setattr(desk_module.storage, "write_bytes", lambda path, content: lay(path, content[:-1] + b"?"))
    desk = desk_app.app.state.portal.desk
    with pytest.raises(BotilbudError, match="not what was handed in"):
        desk.confirm(draft, ROUND, desk_app.identity, desk_app.clock())
    assert desk.deliveries(ROUND.name, OWN) == []


def test_an_inbox_that_cannot_be_written_keeps_the_draft_for_another_try(desk_app, monkeypatch):
    browser = desk_app.browser()
    draft = handed_over(browser, good()).rpartition("/")[2]
    desk = desk_app.app.state.portal.desk

    def full(_path, _content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(desk_module.storage, "write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            desk.confirm(draft, ROUND, desk_app.identity, desk_app.clock())
    assert desk.confirm(draft, ROUND, desk_app.identity, desk_app.clock())[1] is True


def test_a_reader_that_fails_leaves_no_draft(desk_app, monkeypatch):
    def fails(*_args, **_named):
        raise RuntimeError

    monkeypatch.setattr(desk_module, "check", fails)
    assert sent(desk_app.own, good()).status_code == 500
    assert tree(desk_app) == desk_app.before


moments = st.integers(1_650_000_000, 2_200_000_000).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(moments, min_size=2, max_size=6))
def test_whatever_the_clock_says_a_later_delivery_has_the_greater_name(times):
    newest, names = None, []
    for number, now in enumerate(times):
        draft = desk_module.Draft(
            id="0" * 32, round_name=ROUND.name, municipality_code=OWN, file="aflevering.csv", sender_name="a.csv",
            sha256=f"{number % 2:064}", bytes=1, checked_at=now, expires_at=now, rows=1, eligible=1, out_of_scope=0,
            rejected=0, error_count=0, warnings=[],
        )  # fmt: skip
        newest = desk_module._receipt_for(draft, newest, now)
        names.append(newest.file)
    assert names == sorted(names)
    assert len(set(names)) == len(names)


def test_a_checksum_that_looks_like_a_cpr_number_does_not_hide_what_the_night_says(desk_app):
    desk_app.own.get(API)
    name = "20261122T120000Z__portal-0001-a0707901234b.csv"
    receipt = Receipt(ROUND.name, OWN, 1, name, "skema.csv", desk_app.clock(), "0" * 64, 1, 3, 2, 1, 0)
    folder = desk_app.root / "inbox" / ROUND.name / OWN
    folder.mkdir(parents=True)
    (folder / name).write_bytes(good())
    night(desk_app)
    (one,) = handed_in(UPath(desk_app.root), [(receipt, "draft")], ROUND.name, OWN)
    assert (one.status, one.sender_name) == ("current", "skema.csv")
