import asyncio
import datetime as dt
from types import SimpleNamespace
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response, StreamingResponse
from starlette.testclient import TestClient

from portal.access import csrf, throttle
from portal.access.audit_log import AuditLog
from portal.access.csrf import require_own_form
from portal.access.guard import (
    api_identity,
    csrf_checked,
    csrf_token,
    kl_identity,
    municipality_identity,
    page_identity,
)
from portal.access.headers import SecurityHeaders, with_security
from portal.access.sessions import Sessions
from portal.access.throttle import Throttle
from portal.access.tokens import Tokens
from portal.context import Portal
from portal.identity import Identity
from portal.pages import sign_in
from portal.settings import Settings
from tests.portal.portal_scenario import NOW, URL, Clock, csrf_of

HTTPS = "https://portal.example"


def _csrf(value: Annotated[str, Depends(csrf_token)]) -> str:
    return value


def _upload(request: Request) -> str:
    # As routes that read the body themselves ask.
    require_own_form(request, request.headers.get("X-CSRF-Token"))
    return "changed"


def app_for(state, clock, url=URL, **changes):
    """The doors of a portal, with a room behind each kind; nothing lies in the rooms."""
    settings = Settings(root=None, state=state, url=url, **changes)
    app = FastAPI()
    app.state.portal = Portal(
        settings=settings,
        now=clock,
        tokens=Tokens(state),
        sessions=Sessions(state),
        throttle=Throttle(),
        audit=AuditLog(state),
        publications=None,
        desk=None,
    )
    app.include_router(sign_in.router)
    for path, dependency in (
        ("/room/api", api_identity),
        ("/room/page", page_identity),
        ("/room/municipality", municipality_identity),
        ("/room/kl", kl_identity),
    ):

        def room(identity: Annotated[Identity, Depends(dependency)]) -> str:
            return identity.municipality_code or "KL"

        app.get(path)(room)
    app.post("/room/page", dependencies=[Depends(page_identity), Depends(csrf_checked)])(lambda: "changed")
    app.get("/room/csrf")(_csrf)
    app.post("/room/upload", dependencies=[Depends(page_identity)])(_upload)
    with_security(app, settings)
    return app


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def app(tmp_path, clock):
    return app_for(tmp_path / "state", clock)


@pytest.fixture
def portal(app):
    return app.state.portal


def visitor(app, address="192.0.2.1", url=URL, **headers):
    return TestClient(app, base_url=url, client=(address, 1), headers=headers, follow_redirects=False)


def token_of(portal, code="183", days=365):
    expires_at = NOW + dt.timedelta(days=days)
    return portal.tokens.issue("kl" if code is None else "municipality", code, label="", now=NOW, expires_at=expires_at)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def send_token(browser, token, **headers):
    csrf = csrf_of(browser.get("/log-ind").text)
    return browser.post("/log-ind", data={"token": token, "csrf": csrf}, headers=headers)


def signed_in(app, token, **changes):
    browser = visitor(app, **changes)
    assert send_token(browser, token).status_code == 303
    return browser


# Who gets in


def test_a_program_gets_in_with_its_token(app, portal):
    assert visitor(app).get("/room/api", headers=bearer(token_of(portal))).json() == "183"
    assert visitor(app).get("/room/api", headers=bearer(token_of(portal, None))).json() == "KL"
    assert visitor(app).get("/room/api", headers={"Authorization": f"bearer  {token_of(portal)} "}).json() == "183"


def test_a_program_without_a_valid_token_is_told_how_to_show_one(app, portal):
    expired = token_of(portal, days=1)
    portal.now.forward(days=1)
    answers = [
        visitor(app).get("/room/api"),
        visitor(app).get("/room/api", headers=bearer("")),
        visitor(app).get("/room/api", headers=bearer(expired)),
        visitor(app).get("/room/api", headers={"Authorization": "Basic eDp5"}),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    assert len({answer.content for answer in answers}) == 1


def test_a_wrong_token_is_not_made_good_by_a_session(app, portal):
    browser = signed_in(app, token_of(portal))
    assert browser.get("/room/api").json() == "183"
    assert browser.get("/room/api", headers=bearer("bb_wrong")).status_code == 401


def test_a_page_leads_who_is_not_signed_in_to_the_sign_in_page(app, portal):
    for path in ("/room/page", "/room/municipality", "/room/kl"):
        answer = visitor(app).get(path, headers=bearer(token_of(portal)))
        assert (answer.status_code, answer.headers["Location"]) == (303, "/log-ind")


def test_municipalities_and_kl_have_their_own_pages_and_the_others_do_not_exist(app, portal):
    own, consultant = signed_in(app, token_of(portal)), signed_in(app, token_of(portal, None))
    assert own.get("/room/municipality").json() == "183"
    assert consultant.get("/room/kl").json() == "KL"
    missing = own.get("/room/that-is-not-there")
    for answer in (own.get("/room/kl"), consultant.get("/room/municipality")):
        assert (answer.status_code, answer.content) == (404, missing.content)


# Signing in and out


def test_a_token_opens_a_session_and_leads_home(app, portal):
    assert send_token(visitor(app), token_of(portal)).headers["Location"] == "/"
    assert send_token(visitor(app), f" {token_of(portal, None)}\n").headers["Location"] == "/kl"
    assert [event.action for event in portal.audit.events()] == ["sign_in", "sign_in"]


def test_signing_in_never_leads_elsewhere(app, portal):
    browser = visitor(app)
    csrf = csrf_of(browser.get("/log-ind?next=https://evil.example").text)
    data = {"token": token_of(portal), "csrf": csrf, "next": "https://evil.example"}
    assert browser.post("/log-ind?next=//evil.example", data=data).headers["Location"] == "/"


def test_who_is_signed_in_is_led_home_from_the_sign_in_page(app, portal):
    assert signed_in(app, token_of(portal)).get("/log-ind").headers["Location"] == "/"
    assert signed_in(app, token_of(portal, None)).get("/log-ind").headers["Location"] == "/kl"


def test_a_wrong_token_is_told_beside_the_field_and_never_shown_or_logged(app, portal, tmp_path):
    wrong = "bb_0123456789ab_" + "c0ffee" * 10 + "0000"
    answer = send_token(visitor(app), wrong)
    assert answer.status_code == 401
    assert "Adgangsnøglen er ikke gyldig" in answer.text
    assert 'aria-describedby="token-fejl"' in answer.text
    assert "c0ffee" not in answer.text
    assert [event.action for event in portal.audit.events()] == ["sign_in_failed"]
    assert not any(b"c0ffee" in path.read_bytes() for path in (tmp_path / "state").iterdir())


def test_a_form_without_a_token_is_a_wrong_token_and_not_an_error(app):
    browser = visitor(app)
    csrf = csrf_of(browser.get("/log-ind").text)
    assert browser.post("/log-ind", data={"csrf": csrf}).status_code == 401
    assert browser.post("/log-ind", data={"csrf": csrf}, files={"token": b"x"}).status_code == 401


def test_signing_out_ends_the_session_on_the_server_too(app, portal):
    browser = signed_in(app, token_of(portal))
    kept = browser.cookies["session"]
    csrf = browser.get("/room/csrf").json()
    answer = browser.post("/log-ud", data={"csrf": csrf})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/log-ind")
    assert "session" not in browser.cookies
    assert visitor(app, Cookie=f"session={kept}").get("/room/page").status_code == 303
    assert [event.action for event in portal.audit.events()] == ["sign_in", "sign_out"]
    assert send_token(browser, token_of(portal)).status_code == 303


def test_a_session_ends_when_its_token_is_revoked(app, portal):
    token = token_of(portal)
    browser = signed_in(app, token)
    assert browser.get("/room/page").status_code == 200
    portal.tokens.revoke(token.split("_")[1], NOW)
    assert browser.get("/room/page").status_code == 303
    assert browser.get("/room/api").status_code == 401


def test_a_session_ends_after_eight_hours_and_with_its_token(app, portal, clock):
    long, short = signed_in(app, token_of(portal)), signed_in(app, token_of(portal, days=0.25))
    clock.forward(hours=6)
    assert long.get("/room/page").status_code == 200
    assert short.get("/room/page").status_code == 303
    clock.forward(hours=2)
    assert long.get("/room/page").status_code == 303


def test_who_was_signed_out_by_time_signs_in_again(app, portal, clock):
    token = token_of(portal)
    browser = signed_in(app, token)
    # A browser whose clock is behind keeps the cookie, and sends it.
    kept = browser.cookies["session"]
    clock.forward(hours=8)
    browser.cookies.clear()
    browser.cookies.set("session", kept, domain="testserver.local", path="/")
    assert send_token(browser, token).status_code == 303


@pytest.mark.parametrize(("url", "name", "secure"), [(URL, "session", False), (HTTPS, "__Host-session", True)])
def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path, clock, url, name, secure):
    app = app_for(tmp_path / "state", clock, url)
    answer = send_token(visitor(app, url=url), token_of(app.state.portal))
    (cookie,) = (value for value in answer.headers.get_list("set-cookie") if value.startswith(f"{name}="))
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "path=/", "samesite=lax", "max-age=28800"} <= attributes
    assert ("secure" in attributes) == secure
    assert not any(part.startswith("domain") for part in attributes)


# Forms that another site sends


def test_a_form_is_taken_only_with_the_value_of_its_page(app, portal):
    browser, other = signed_in(app, token_of(portal)), signed_in(app, token_of(portal))
    own_value, others_value = browser.get("/room/csrf").json(), other.get("/room/csrf").json()
    assert own_value != others_value
    assert browser.post("/room/page", data={"csrf": own_value}).json() == "changed"
    for wrong in ({}, {"csrf": ""}, {"csrf": others_value}, {"csrf": "æ"}):
        answer = browser.post("/room/page", data=wrong)
        assert answer.status_code == 403
        assert "forældet" in answer.json()["detail"]


def test_a_sign_in_form_is_taken_only_from_the_browser_that_was_given_it(app, portal):
    given, other = visitor(app), visitor(app)
    csrf = csrf_of(given.get("/log-ind").text)
    data = {"token": token_of(portal), "csrf": csrf}
    assert other.post("/log-ind", data=data).status_code == 403
    assert other.post("/log-ind", data={"token": token_of(portal), "csrf": ""}).status_code == 403
    assert other.post("/log-ind", data={"token": token_of(portal)}).status_code == 403
    other.get("/log-ind")
    assert other.post("/log-ind", data=data).status_code == 403
    assert other.post("/log-ind", data={"token": token_of(portal), "csrf": ""}).status_code == 403
    assert given.post("/log-ind", data=data).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"{URL}.evil.example"},
    ],
)
def test_a_request_from_another_site_is_refused_whatever_it_brings(app, portal, headers):
    browser = signed_in(app, token_of(portal))
    csrf = browser.get("/room/csrf").json()
    assert browser.post("/room/page", data={"csrf": csrf}, headers=headers).status_code == 403
    assert browser.post("/room/upload", headers={"X-CSRF-Token": csrf} | headers).status_code == 403


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": URL}])
def test_a_request_from_our_own_pages_is_taken(app, portal, headers):
    browser = signed_in(app, token_of(portal))
    csrf = browser.get("/room/csrf").json()
    assert browser.post("/room/page", data={"csrf": csrf}, headers=headers).status_code == 200
    assert browser.post("/room/upload", headers={"X-CSRF-Token": csrf} | headers).status_code == 200
    assert browser.post("/room/upload", headers=headers).status_code == 403


def test_a_page_takes_no_form_without_its_value_whatever_token_comes_with_it(app, portal):
    token = token_of(portal)
    browser = signed_in(app, token)
    for authorization in (f"Bearer {token}", "Bearer x", "Basic eDp5"):
        assert browser.post("/room/page", headers={"Authorization": authorization}, data={}).status_code == 403
    csrf = browser.get("/room/csrf").json()
    assert browser.post("/room/page", headers={"X-CSRF-Token": csrf}).json() == "changed"


def test_a_form_that_is_too_large_or_of_untold_length_is_refused_unread(app):
    def of_untold_length():
        yield b"csrf="

    browser = visitor(app)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/log-ind", "/log-ud"):
        assert browser.post(path, headers=kind, content=of_untold_length()).status_code == 413
        assert browser.post(path, headers=kind | {"Content-Length": "64001"}, content=b"").status_code == 413
        assert browser.post(path, headers=kind | {"Content-Length": "9" * 400}, content=b"").status_code == 413
        assert browser.post(path, headers=kind, content=b"csrf=" + b"a" * 11_000).status_code == 400
        assert browser.post(path, headers=kind, content=b"a=&" * 21).status_code == 400


def test_a_form_that_does_not_come_is_waited_for_no_longer_than_so_long(app, monkeypatch):
    monkeypatch.setattr(csrf, "_FORM_SECONDS", 0.05)
    assert stalled(app, "/log-ind").status == 408


def test_a_form_whose_sender_hangs_up_is_no_fault_of_ours(app):
    assert stalled(app, "/log-ind", {"type": "http.disconnect"}).status == 400


def stalled(app, path, *then):
    """The answer to a form of which a byte comes, and then nothing but `then`."""
    messages, sent = [{"type": "http.request", "body": b"a", "more_body": True}, *then], []

    async def receive():
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    headers = [(b"content-length", b"100"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers, "state": {}}
    scope |= {
        "asgi": {"version": "3.0"},
        "scheme": "http",
        "server": ("testserver", 80),
        "client": None,
        "root_path": "",
    }

    async def asked():
        async with asyncio.timeout(5):
            await app(scope, receive, send)

    asyncio.run(asked())
    return SimpleNamespace(status=sent[0]["status"])


# Too many wrong tokens


def test_the_sign_in_form_takes_no_more_wrong_tokens_after_ten_and_locks_no_right_one_out(app, portal, clock):
    token, browser = token_of(portal), visitor(app)
    for _ in range(10):
        assert send_token(browser, "wrong").status_code == 401
    closed = send_token(browser, "wrong")
    assert closed.status_code == 429
    assert closed.headers["Retry-After"] == "901"
    assert "Prøv igen om 16 minutter" in closed.text
    assert send_token(visitor(app), token).status_code == 303
    assert send_token(visitor(app, "192.0.2.2"), "wrong").status_code == 401
    clock.forward(minutes=15)
    assert send_token(browser, "wrong").status_code == 401
    assert [event.action for event in portal.audit.events()].count("sign_in_failed") == 12


@pytest.mark.parametrize("address", ["0101901234", "010190-1234 Hansen", "fe80::1%0101901234"])
def test_a_failure_is_logged_with_an_address_and_never_with_what_was_sent(app, portal, tmp_path, address):
    send_token(visitor(app, address), "wrong")
    visitor(app, address).get(f"/room/{'bb_0123456789ab_' + 'c0ffee' * 11}", headers=bearer("wrong"))
    visitor(app, address).get("/room/api?hansen", headers=bearer("wrong"))
    known = "fe80::1" if address.startswith("fe80") else "unknown"
    assert [event.what for event in portal.audit.events()] == [f"/log-ind from {known}", f"Bearer from {known}"]
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert not [text for text in (b"0101901234", b"010190-1234", b"ansen", b"c0ffee") if text in written]


def test_failures_from_ever_new_addresses_fill_no_log(app, portal, clock):
    for number in range(throttle.LINES + 25):
        visitor(app, f"10.0.0.{number}").get("/room/api", headers=bearer("wrong"))
    assert [event.action for event in portal.audit.events()] == ["sign_in_failed"] * throttle.LINES
    clock.forward(minutes=1)
    visitor(app, "10.0.1.1").get("/room/api", headers=bearer("wrong"))
    last = list(portal.audit.events())[throttle.LINES :]
    assert [(event.action, event.what) for event in last] == [
        ("sign_in_failed_left_out", "25"),
        ("sign_in_failed", "Bearer from 10.0.1.1"),
    ]


def test_a_token_pasted_into_an_address_is_masked_in_the_audit_log(portal):
    portal.audit.record(NOW, None, "refused", f"/runder/{'bb_0123456789ab_' + '0101901234' * 6 + '0000'}/x")
    assert [event.what for event in portal.audit.events()] == ["/runder/bb_.../x"]


def test_a_valid_token_still_downloads_when_a_colleague_mistyped_and_wrong_ones_do_not(app, portal):
    program = visitor(app)
    answers = [program.get("/room/api", headers=bearer("wrong")).status_code for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert program.get("/room/api", headers=bearer("wrong")).headers["Retry-After"] == "901"
    assert program.get("/room/api", headers=bearer(token_of(portal))).status_code == 200
    assert [event.action for event in portal.audit.events()] == ["sign_in_failed"] * 10


def test_asking_without_any_credential_is_no_failure(app, portal):
    for _ in range(20):
        assert visitor(app).get("/room/api").status_code == 401
        assert visitor(app).get("/room/page").status_code == 303
    assert send_token(visitor(app), token_of(portal)).status_code == 303
    assert [event.action for event in portal.audit.events()] == ["sign_in"]


def test_failures_are_counted_in_a_sliding_window():
    throttle_, clock = Throttle(), Clock()
    for _ in range(10):
        throttle_.failed("192.0.2.1", clock())
        clock.forward(minutes=1)
    assert throttle_.retry_after_seconds("192.0.2.1", clock()) == 5 * 60 + 1
    clock.forward(minutes=5)
    assert throttle_.retry_after_seconds("192.0.2.1", clock()) is None
    throttle_.failed("192.0.2.1", clock())
    assert throttle_.retry_after_seconds("192.0.2.1", clock()) == 60 + 1


def test_one_line_of_ipv6_is_one_address():
    throttle_ = Throttle()
    for number in range(10):
        throttle_.failed(f"2001:db8:0:1::{number:x}", NOW)
    assert throttle_.retry_after_seconds("2001:db8:0:1:ffff::", NOW) is not None
    assert throttle_.retry_after_seconds("2001:db8:0:2::1", NOW) is None


def test_what_is_remembered_of_failures_is_bounded(monkeypatch):
    monkeypatch.setattr(throttle, "_ADDRESSES", 50)
    throttle_ = Throttle()
    for number in range(500):
        for _ in range(12):
            throttle_.failed(f"10.0.{number // 250}.{number % 250}", NOW)
    assert len(throttle_._failures) == 50
    assert {len(failures) for failures in throttle_._failures.values()} == {10}
    assert throttle_.retry_after_seconds("10.0.1.249", NOW) is not None


@given(st.lists(st.integers(0, 1_800), max_size=40))
def test_an_address_is_closed_exactly_while_ten_failures_lie_within_fifteen_minutes(seconds):
    throttle_ = Throttle()
    times = [NOW + dt.timedelta(seconds=second) for second in sorted(seconds)]
    for time in times:
        throttle_.failed("192.0.2.1", time)
    now = times[-1] if times else NOW
    recent = [time for time in times if time > now - throttle.WINDOW]
    assert (throttle_.retry_after_seconds("192.0.2.1", now) is not None) == (len(recent) >= 10)


# What every answer says


@pytest.mark.parametrize("path", ["/log-ind", "/room/api", "/room/page", "/not-there", "/room/csrf"])
def test_every_answer_has_the_security_headers(app, path):
    headers = visitor(app).get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


def test_an_unforeseen_error_has_the_security_headers_and_a_route_keeps_its_own_caching(tmp_path):
    app = FastAPI()

    @app.get("/error")
    def error():
        raise RuntimeError

    @app.get("/own")
    def own():
        return Response(headers={"Cache-Control": "private, no-cache"})

    with_security(app, Settings(root=None, state=tmp_path, url=HTTPS))
    client = TestClient(app, raise_server_exceptions=False)
    failed = client.get("/error")
    assert failed.status_code == 500
    assert failed.headers["Cache-Control"] == "no-store"
    assert failed.headers["Strict-Transport-Security"] == "max-age=63072000"
    assert client.get("/own").headers["Cache-Control"] == "private, no-cache"


def test_a_stream_passes_piece_by_piece():
    settings, events = SimpleNamespace(is_https=False), []

    async def pieces():
        for number in range(3):
            events.append(f"made {number}")
            yield b"x"

    async def send(message):
        if message["type"] == "http.response.body" and message["body"]:
            events.append("sent")

    async def receive():
        await asyncio.sleep(60)

    scope = {"type": "http", "asgi": {"spec_version": "2.4"}, "method": "GET", "path": "/", "headers": []}
    asyncio.run(SecurityHeaders(StreamingResponse(pieces()), settings)(scope, receive, send))
    assert events == ["made 0", "sent", "made 1", "sent", "made 2", "sent"]
