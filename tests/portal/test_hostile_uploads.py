"""Hostile names, hostile files and a hostile day, over HTTP. The files are those of `tests/limits`."""

import asyncio
import os
import re
import stat
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.delivering import desk as desk_module
from portal.delivering.upload import DISCARDED_BYTES
from tests.limits.corpus import Case, Outcome, Place
from tests.limits.test_limits import INBOXES, SLOW
from tests.portal import portal_scenario as scenario
from tests.portal.desk_scenario import API, COUNTED, PAGE, DeskApp, audit_of, good, inbox_of, opened, sent, tree
from tests.portal.test_upload import END, MULTIPART, Sender, file_part, part
from tests.scenario import ROUND

OWN_NAME = re.compile(r"\d{8}T\d{6}Z__portal-\d{4}-[0-9a-f]{12}(-nulindberetning)?\.(csv|xlsx|ods|parquet)")
SENT_NAME = re.compile(r"\d{8}T\d{6}Z__")


@pytest.fixture(scope="module")
def desk_app(tmp_path_factory):
    """One portal for all of them: what one upload breaks, the next one meets. No day has so many deliveries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk_module, "DELIVERIES_PER_DAY", 10_000)
        yield from opened(tmp_path_factory.mktemp("hostile"))


def strays(desk_app: DeskApp) -> list[str]:
    """Files anywhere but under a name of ours in the inbox of who sent them."""
    own = re.compile(rf"root/inbox/{ROUND.name}/\d{{3}}/{OWN_NAME.pattern}")
    return [path for path in tree(desk_app) if path not in desk_app.before and not own.fullmatch(path)]


def send_raw(desk_app: DeskApp, *pieces: bytes) -> Sender:
    sender = Sender(pieces, MULTIPART)
    credential = (b"authorization", f"Bearer {desk_app.token}".encode())
    asyncio.run(desk_app.app(sender.scope(credential), sender.receive, sender.send))
    return sender


# --- names -----------------------------------------------------------------------------------------------------------

NAMES = [
    "../../../etc/cron.d/x.csv",
    "..\\..\\x.csv",
    "..%2f..%2fx.csv",
    "%2e%2e%2f%2e%2e%2fx.csv",
    "..%252f..%252fx.csv",
    "..%c0%af..%c0%afx.csv",
    "../461/20991231T235959Z__sager.csv",
    "/root/x.csv",
    "C:\\Windows\\x.csv",
    "\\\\server\\share\\x.csv",
    "file:///etc/passwd#.csv",
    "s3://bucket/x.csv",
    "~/.ssh/authorized_keys.csv",
    "x\0.csv",
    "x.exe\0.csv",
    "x%00.csv",
    "x%0d%0aSet-Cookie: a=b.csv",
    "\u202evsc.x.csv",
    "\u200b.csv",
    "\ufeff.csv",
    "．．／．．／x.csv",  # full-width dots and slashes
    "x\x1b[2J.csv",
    "x\t.csv",
    "-rf.csv",
    "$(touch x).csv",
    "`id`.csv",
    "<script>alert(1)</script>.csv",
    "'; DROP TABLE receipts; --.csv",
    "{{ 7 * 7 }}.csv",
    "CON.csv",
    "nul.csv",
    ".csv.csv",
    " .csv",
    "x.pdf.csv",
    "x" * 251 + ".csv",
    "x.CSV",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_senders_name_is_never_a_place_on_the_disk(desk_app, name):
    before = set(inbox_of(desk_app, scenario.OWN))
    answer = send_raw(desk_app, file_part(good(2 + len(before)), name=name.encode()), END)
    assert answer.status == 201, answer.body
    (new,) = set(inbox_of(desk_app, scenario.OWN)) - before
    assert OWN_NAME.fullmatch(new)
    assert new.endswith(".csv")
    assert strays(desk_app) == []
    shown = desk_app.client().get(API).json()[0]["sender_name"]
    assert shown.isprintable()
    assert len(shown) <= 101
    assert "/" not in shown


@pytest.mark.parametrize(
    "name", ["x.csv/", "x.csv\\", "x.csv.", "x.csv ", "x.csv%00.pdf", "x.csv:stream", "csv", ".csv", "x"]
)
def test_a_name_without_an_extension_of_the_format_is_refused(desk_app, name):
    before = inbox_of(desk_app, scenario.OWN)
    answer = send_raw(desk_app, file_part(good(), name=name.encode()), END)
    assert answer.status == 422
    assert answer.told["rule"] in {"unsupported_format", "no_file"}
    assert inbox_of(desk_app, scenario.OWN) == before
    assert strays(desk_app) == []


DISPOSITIONS = [
    b'form-data; name="file"; filename="a.csv"; filename*=utf-8\'\'..%2f..%2fb.csv',
    b"form-data; name=\"file\"; filename*=utf-8''..%2f..%2fb.csv",
    b'form-data; name="file"; filename*=utf-8\'\'..%2f..%2fb.csv; filename="a.csv"',
    b'form-data; name="file"; filename="a.csv"; filename="../../b.csv"',
    b'form-data; name="file"; name="andet"; filename="a.csv"',
    b'form-data; name="file"; filename="a.csv\\"; filename=\\"../../b.csv"',
    b"form-data; name=file; filename=a.csv",
    b'form-data; name="file"; filename="a.csv',
    b'form-data; filename="a.csv"; name="file"',
    b'attachment; name="file"; filename="../a.csv"',
    b'form-data; name="file"; filename*0="../../b"; filename*1=".csv"',
]


@pytest.mark.parametrize("disposition", DISPOSITIONS)
def test_a_name_told_in_two_ways_is_one_file_of_ours_or_none(desk_app, disposition):
    before = inbox_of(desk_app, scenario.OWN)
    content = good(100 + len(before))
    answer = send_raw(desk_app, part(content, b"Content-Disposition: " + disposition), END)
    assert answer.status in {201, 400, 422}
    assert list(inbox_of(desk_app, scenario.OWN).items() - before.items()) == (
        [(answer.told["file"], content)] if answer.status == 201 else []
    )
    assert strays(desk_app) == []


def test_a_line_break_in_a_name_ends_the_header_and_adds_none_to_the_answer(desk_app):
    answer = send_raw(desk_app, file_part(good(), name=b"x\r\nSet-Cookie: session=x\r\n.csv"), END)
    assert "set-cookie" not in answer.answer_headers
    assert strays(desk_app) == []


def test_a_cpr_number_in_a_name_is_shown_nowhere(desk_app):
    answer = sent(desk_app.own, good(50), name="Olsen 070790-1234.csv")
    assert answer.status_code == 201
    browser = desk_app.browser()
    assert "070790" not in desk_app.own.get(API).text + browser.get(PAGE).text
    assert "070790" not in (desk_app.state / "audit.jsonl").read_text()
    assert b"070790" not in b"".join(path.read_bytes() for path in desk_app.state.glob("portal.sqlite3*"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60), st.sampled_from([".csv", ".CSV", ".xlsx", ".pdf", ""]))
def test_any_name_gives_a_file_of_ours_or_none(desk_app, stem, extension):
    name = (stem + extension).replace('"', "").replace("\r", "").replace("\n", "")
    answer = send_raw(desk_app, file_part(good(3), name=name.encode(errors="replace")), END)
    assert answer.status in {200, 201, 400, 422}
    assert all(OWN_NAME.fullmatch(file) for file in inbox_of(desk_app, scenario.OWN))
    assert strays(desk_app) == []


# --- files -----------------------------------------------------------------------------------------------------------


def single(cases: Iterable[Case]) -> list[Case]:
    """The cases of one file with one way or more to end."""
    return [case for case in cases if len(case.outcomes) == 1]


def agrees(outcome: Outcome, status: int, told: dict) -> bool:
    """Whether an answer says what the night would."""
    if told.get("rule") == "another_municipality":
        return any(rule == "municipality" for _, _, rule in outcome.broken) or outcome.rule == "too_many_rejected_rows"
    if outcome.status == "rejected":
        return (status, told.get("rule")) in {(422, outcome.rule), (413, "too_large")}
    if status not in {200, 201}:
        return False
    rows, eligible, out_of_scope = outcome.figures
    found = {(error["row"], error["question"], error["rule"]) for error in told["errors"]}
    return [told[name] for name in COUNTED] == [
        rows,
        eligible,
        out_of_scope,
        rows - eligible - out_of_scope,
    ] and outcome.broken <= found <= outcome.broken | outcome.perhaps


def _can_be_sent(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_size < 2 * DISCARDED_BYTES  # not a terabyte of holes


def differing(desk_app: DeskApp, cases: Iterable[Case], tmp_path) -> tuple[int, list[str]]:
    """How many files were sent, and what became of those that ended otherwise than stated."""
    clients, count, wrong = {}, 0, []
    for number, case in enumerate(cases):
        code = case.municipality or scenario.OWN
        if code not in clients:
            clients[code] = scenario.client_for(desk_app.app, scenario.token_for(desk_app.state, code))
        folder = tmp_path / str(number)
        folder.mkdir()
        case.build(Place(folder, code, folder, 1))
        files = [path for path in folder.iterdir() if _can_be_sent(path.lstat())]
        if len(files) != 1 or not SENT_NAME.match(files[0].name) or not files[0].name.isprintable():
            continue
        ((_, outcomes),) = case.outcomes.items()
        name = SENT_NAME.sub("", files[0].name)
        answer = sent(clients[code], files[0].read_bytes(), name=name)
        count += 1
        if not any(agrees(outcome, answer.status_code, answer.json()) for outcome in outcomes):
            wrong.append(f"{case.name}: {answer.status_code} {answer.json()}")
    return count, wrong


def test_a_sample_of_hostile_files_ends_as_the_format_states(desk_app, tmp_path):
    cases = [case for inbox in INBOXES.values() for case in single(inbox)[::70]]
    count, wrong = differing(desk_app, cases, tmp_path)
    assert wrong == []
    assert count >= 10
    assert strays(desk_app) == []


@pytest.mark.slow
@pytest.mark.parametrize("inbox", INBOXES)
def test_every_hostile_file_ends_as_the_format_states(desk_app, inbox, tmp_path):
    count, wrong = differing(desk_app, single(INBOXES[inbox]), tmp_path)
    assert wrong == []
    assert count > 0
    assert strays(desk_app) == []


@pytest.mark.slow
def test_every_oversized_file_ends_as_the_format_states_and_the_next_one_is_read(desk_app, tmp_path):
    for number, case in enumerate(case for cases in SLOW.values() for case in single(cases)):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, wrong = differing(desk_app, [case], folder)
        assert wrong == []
    assert sent(desk_app.own, good(7)).status_code in {200, 201}
    assert strays(desk_app) == []


def test_a_refused_file_is_told_with_its_checksum_and_nothing_else(desk_app):
    assert all(re.fullmatch(rf"{API} [a-z_]+", event.what) for event in audit_of(desk_app, "refused"))
