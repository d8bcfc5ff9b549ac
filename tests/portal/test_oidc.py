import base64
import hashlib
import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from portal.access import oidc
from portal.settings import CVR_CLAIM, OpenIdSettings
from schemas.municipalities import municipality_codes
from schemas.municipality_cvr import municipality_by_cvr
from tests.portal import openid_provider
from tests.portal.openid_provider import CLIENT_ID, CLIENT_SECRET, PUBLIC_PEM
from tests.portal.portal_scenario import NOW, URL, Clock
from tests.portal.test_access import app_for, send_token, token_of, visitor

CVR_OF_183 = next(cvr for cvr, code in municipality_by_cvr().items() if code == "183")
CVR_OF_461 = next(cvr for cvr, code in municipality_by_cvr().items() if code == "461")
NO_MUNICIPALITY = "12345674"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def provider(clock):
    with openid_provider.running(lambda: clock().timestamp()) as provider:
        yield provider


@pytest.fixture
def app(tmp_path, clock, provider):
    openid = OpenIdSettings(provider.issuer, CLIENT_ID, CLIENT_SECRET)
    return app_for(tmp_path / "state", clock, openid=openid)


@pytest.fixture(autouse=True)
def _nothing_kept():
    # Ports come again, with another provider behind them.
    oidc._kept.clear()


@pytest.fixture
def browser(app):
    return visitor(app)


def of_municipality(cvr=CVR_OF_183, **more):
    return {"sub": "person-1", CVR_CLAIM: cvr} | more


def at_provider(browser):
    """The address that the provider sends the browser back to."""
    sent = browser.get("/oidc/log-ind")
    assert sent.status_code == 303, sent.text
    answer = requests.get(sent.headers["Location"], allow_redirects=False, timeout=5)
    back = answer.headers["Location"]
    assert back.startswith(f"{URL}/oidc/svar?")
    return back.removeprefix(URL)


def sign_in(browser):
    return browser.get(at_provider(browser))


def actions(app):
    return [event.action for event in app.state.portal.audit.events()]


def assert_refused(app, browser, answer, text, status=403):
    assert (answer.status_code, text in answer.text) == (status, True), answer.text
    assert "session" not in browser.cookies
    assert "sign_in" not in actions(app)
    assert browser.get("/room/page").status_code == 303


# Who gets in


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@pytest.mark.parametrize("cvr", [CVR_OF_183, int(CVR_OF_183), f" {CVR_OF_183} "])
def test_a_person_of_a_municipality_gets_in_for_it(app, browser, provider, algorithm, cvr):
    provider.person, provider.algorithm = of_municipality(cvr, name="Ikke Til Os", cpr="0101901234"), algorithm
    answer = sign_in(browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert browser.get("/room/municipality").json() == "183"
    (event,) = app.state.portal.audit.events()
    assert (event.action, event.subject, event.municipality_code) == ("sign_in", "oidc:person-1", "183")
    payload = browser.cookies["session"].partition(".")[0]
    content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert content[:3] == ["oidc:person-1", "183", "municipality"]
    assert len(content) == 4


@pytest.mark.parametrize("role", ["kl", ["reader", "kl"]])
def test_a_person_with_the_role_gets_in_for_kl(browser, provider, role):
    provider.person = {"sub": "person-2", "role": role, CVR_CLAIM: NO_MUNICIPALITY}
    assert sign_in(browser).headers["Location"] == "/kl"
    assert browser.get("/room/kl").json() == "KL"


def test_a_municipality_that_gives_its_people_the_role_of_kl_stays_a_municipality(browser, provider):
    provider.person = of_municipality(role=["kl"])
    assert sign_in(browser).headers["Location"] == "/"
    assert browser.get("/room/kl").status_code == 404
    assert browser.get("/room/municipality").json() == "183"


@pytest.mark.parametrize(
    "person",
    [
        {},
        {CVR_CLAIM: NO_MUNICIPALITY},
        {CVR_CLAIM: CVR_OF_183[:-1]},
        {CVR_CLAIM: [CVR_OF_183, CVR_OF_461]},
        {CVR_CLAIM: True},
        {CVR_CLAIM: None, "cvr": CVR_OF_183},
        {"role": "klub"},
        {"role": ["KL"]},
        {"role": {"kl": True}},
    ],
)
def test_a_person_of_neither_gets_a_plain_page(app, browser, provider, person):
    provider.person = {"sub": "person-3"} | person
    assert_refused(app, browser, sign_in(browser), "Din organisation har ikke adgang")
    assert actions(app) == ["sign_in_failed"]


def test_the_session_lasts_eight_hours_whatever_the_id_token_says(browser, provider, clock):
    provider.person = of_municipality()
    sign_in(browser)
    clock.forward(hours=7.9)
    assert browser.get("/room/page").status_code == 200
    clock.forward(hours=0.1)
    assert browser.get("/room/page").status_code == 303


def test_only_the_scope_that_tells_who_it_is_is_asked_for(browser):
    query = parse_qs(urlsplit(browser.get("/oidc/log-ind").headers["Location"]).query)
    assert query["scope"] == ["openid"]
    assert query["code_challenge_method"] == ["S256"]
    assert "claims" not in query
    assert len(query["state"][0]) >= 43
    assert len(query["nonce"][0]) >= 43


def test_the_button_shows_only_where_a_provider_is_set_up(browser, tmp_path, clock):
    assert 'href="/oidc/log-ind"' in browser.get("/log-ind").text
    without = visitor(app_for(tmp_path / "without", clock))
    assert "/oidc/log-ind" not in without.get("/log-ind").text
    assert without.get("/oidc/log-ind").status_code == 404
    assert without.get("/oidc/svar?state=x&code=y").status_code == 404


def test_tokens_let_in_beside_a_provider(app, browser):
    assert send_token(browser, token_of(app.state.portal)).status_code == 303


# What an ID token must be


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": []},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": int(NOW.timestamp()) - 61},
        {"exp": None},
        {"exp": "2050"},
        {"exp": float("nan")},
        {"nbf": int(NOW.timestamp()) + 120},
        {"iat": int(NOW.timestamp()) + 120},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": True},
        {"sub": ["person-1"]},
        {"sub": {"a": "b"}},
        {"sub": "a\nb"},
        {"sub": "a" * 256},
    ],
    ids=str,
)
def test_an_id_token_with_a_wrong_claim_lets_nobody_in(app, browser, provider, claims):
    provider.person, provider.claims = of_municipality(), claims
    assert_refused(app, browser, sign_in(browser), "kunne ikke godkendes")
    assert provider.tokens_given == 1
    assert actions(app) == ["sign_in_failed"]


def test_a_list_that_holds_the_nonce_is_no_nonce(app, browser, provider):
    provider.person = of_municipality()
    sign = provider.sign
    provider.sign = lambda claims: sign(claims | {"nonce": [claims["nonce"]]})
    assert_refused(app, browser, sign_in(browser), "kunne ikke godkendes")


def test_an_id_token_for_several_lets_in_where_it_was_given_to_us(browser, provider):
    provider.person, provider.claims = of_municipality(), {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}
    assert sign_in(browser).status_code == 303


def b64(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def signed_by_hand(header, claims, signature):
    content = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{content}.{b64(signature(content.encode()))}"


def unsigned(claims):
    return signed_by_hand({"alg": "none"}, claims, lambda _: b"")


def unsigned_with_kid(claims):
    return signed_by_hand({"alg": "None", "kid": "rsa-1"}, claims, lambda _: b"")


def signed_with_the_public_key_as_secret(claims):
    return signed_by_hand(
        {"alg": "HS256", "kid": "rsa-1"}, claims, lambda content: hmac.digest(PUBLIC_PEM, content, hashlib.sha256)
    )


def signed_with_the_client_secret(claims):
    return signed_by_hand(
        {"alg": "HS256"}, claims, lambda content: hmac.digest(CLIENT_SECRET.encode(), content, hashlib.sha256)
    )


def signed_by_another_key(claims):
    return jwt.encode({"alg": "RS256", "kid": "rsa-1"}, claims, RSAKey.generate_key(2048), ["RS256"])


def signed_by_a_key_that_it_brings(claims):
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": "rsa-1", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key, ["RS256"])


def without_signature(claims):
    return jwt.encode({"alg": "RS256", "kid": "rsa-1"}, claims, RSAKey.generate_key(2048), ["RS256"]).rpartition(".")[0]


def no_token(_):
    return None


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        unsigned_with_kid,
        signed_with_the_public_key_as_secret,
        signed_with_the_client_secret,
        signed_by_another_key,
        signed_by_a_key_that_it_brings,
        without_signature,
        no_token,
    ],
)
def test_a_forged_id_token_lets_nobody_in(app, browser, provider, forge):
    provider.person = of_municipality()
    provider.sign = forge
    assert_refused(app, browser, sign_in(browser), "kunne ikke godkendes")
    assert provider.tokens_given == 1


def test_an_encryption_key_of_the_provider_signs_nothing(app, browser, provider):
    key = RSAKey.generate_key(2048, {"kid": "enc-1"})
    for_encryption = RSAKey.import_key(key.as_dict(private=False) | {"use": "enc"})
    provider.person, provider.keys = of_municipality(), KeySet([for_encryption])
    provider.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "enc-1"}, claims, key, ["RS256"])
    assert_refused(app, browser, sign_in(browser), "kunne ikke godkendes")


@pytest.mark.parametrize(
    "keys",
    [{}, {"keys": []}, {"keys": None}, {"keys": ["x"]}, {"keys": [{}]}, {"keys": [{"kty": "RSA", "n": 1}]}],
    ids=str,
)
def test_keys_that_are_none_let_nobody_in(app, browser, provider, keys):
    provider.person, provider.keys = of_municipality(), SimpleNamespace(as_dict=lambda **_: keys)
    assert_refused(app, browser, sign_in(browser), "kunne ikke godkendes")


# Answers that somebody else sends


def test_an_answer_without_its_beginning_lets_nobody_in_and_is_no_failure(app, browser, provider):
    provider.person = of_municipality()
    back = at_provider(visitor(app))
    for _ in range(12):
        assert_refused(app, browser, browser.get(back), "Tiden til at logge ind er gået")
    assert_refused(app, browser, browser.get("/oidc/svar"), "Tiden til at logge ind er gået")
    assert provider.tokens_given == 0
    assert actions(app) == []


def test_the_answer_to_one_sign_in_is_no_answer_to_another(app, browser, provider):
    provider.person = of_municipality()
    others = at_provider(visitor(app))
    own = at_provider(browser)
    assert_refused(app, browser, browser.get(others), "Tiden til at logge ind er gået")
    assert_refused(app, browser, browser.get(own), "Tiden til at logge ind er gået")


def test_a_code_of_somebody_else_in_ones_own_answer_lets_nobody_in(app, browser, provider):
    provider.person = of_municipality(CVR_OF_461)
    stolen = parse_qs(urlsplit(at_provider(visitor(app))).query)["code"][0]
    state = parse_qs(urlsplit(at_provider(browser)).query)["state"][0]
    answer = browser.get("/oidc/svar", params={"state": state, "code": stolen})
    assert_refused(app, browser, answer, "kunne ikke godkendes")
    assert provider.tokens_given == 0


def test_an_answer_lets_in_once_even_with_the_cookie_kept(app, browser, provider):
    provider.person = of_municipality()
    back = at_provider(browser)
    kept = browser.cookies["sign-in"]
    assert browser.get(back).status_code == 303
    assert "sign-in" not in browser.cookies
    again = visitor(app, Cookie=f"sign-in={kept}").get(back)
    assert (again.status_code, "Tiden til at logge ind er gået" in again.text) == (403, True)
    assert provider.tokens_given == 1


def test_an_answer_after_ten_minutes_is_too_late(app, browser, provider, clock):
    provider.person = of_municipality()
    back = at_provider(browser)
    clock.forward(minutes=10)
    assert_refused(app, browser, browser.get(back), "Tiden til at logge ind er gået")


def test_a_sign_in_that_the_person_broke_off_is_told(app, browser):
    state = parse_qs(urlsplit(at_provider(browser)).query)["state"][0]
    answer = browser.get("/oidc/svar", params={"state": state, "error": "access_denied", "error_description": "<b>x"})
    assert_refused(app, browser, answer, "Login blev afbrudt")
    assert "<b>x" not in answer.text


def test_a_stranger_behind_the_same_address_locks_nobody_out_of_the_provider(browser, provider):
    for _ in range(12):
        browser.get("/room/api", headers={"Authorization": "Bearer wrong"})
    provider.person = of_municipality()
    assert sign_in(browser).status_code == 303
    assert browser.get("/room/municipality").json() == "183"


# A provider that fails


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_gone_to(app, browser, provider, discovery):
    provider.discovery = discovery
    assert_refused(app, browser, browser.get("/oidc/log-ind"), "svarer ikke lige nu", 502)


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("address", ["http://192.0.2.1/", "file:///etc/passwd", None])
def test_a_secret_is_sent_and_a_key_taken_only_where_nobody_listens(app, browser, provider, clock, name, address):
    provider.person = of_municipality()
    back = at_provider(browser)
    clock.forward(minutes=5)
    provider.discovery = {name: address}
    assert_refused(app, browser, browser.get(back), "svarer ikke lige nu", 502)


def test_a_provider_that_is_away_or_too_slow_is_told_and_named_to_nobody(app, monkeypatch):
    import socket

    monkeypatch.setattr(oidc, "_TIMEOUT_SECONDS", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        portal = app.state.portal
        slow = oidc.Provider(OpenIdSettings(issuer, CLIENT_ID, CLIENT_SECRET), portal.settings, portal.sessions)
        with pytest.raises(oidc.OpenIdError) as told:
            slow.begin(NOW)
    with pytest.raises(oidc.OpenIdError) as away:
        slow.begin(NOW)
    for error in (told.value, away.value):
        assert (error.status_code, str(error)) == (
            502,
            "Din organisations login svarer ikke lige nu. Prøv igen senere.",
        )


def test_the_provider_is_asked_for_what_it_tells_of_itself_once_in_five_minutes(browser, provider, clock):
    provider.person = of_municipality()
    for minutes, asked in ((0, 1), (4, 1), (1, 2)):
        clock.forward(minutes=minutes)
        assert sign_in(browser).status_code == 303
        browser.cookies.clear()
        counts = [provider.asked.count(path) for path in ("/.well-known/openid-configuration", "/keys")]
        assert counts == [asked, asked]


def test_new_keys_of_the_provider_are_taken_at_once(browser, provider):
    provider.person = of_municipality()
    assert sign_in(browser).status_code == 303
    browser.cookies.clear()
    key = RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig"})
    provider.keys = KeySet([key])
    provider.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "rsa-2"}, claims, key, ["RS256"])
    assert sign_in(browser).status_code == 303


def test_a_provider_that_was_described_wrongly_is_asked_again_once_it_is_mended(browser, provider):
    provider.discovery = {"issuer": "https://evil.example"}
    assert browser.get("/oidc/log-ind").status_code == 502
    provider.discovery = {}
    assert browser.get("/oidc/log-ind").status_code == 303


def test_a_provider_that_hangs_holds_few_threads_and_others_are_told_at_once(browser, app, provider):
    held = threading.Event()
    provider.before_answering = lambda: held.wait(10)
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(visitor(app).get, "/oidc/log-ind") for _ in range(30)]
        told = [each.result().status_code for each in islice(as_completed(waiting), 22)]
        assert told == [503] * 22
        answer = browser.get("/oidc/log-ind")
        assert (answer.status_code, "optaget lige nu" in answer.text) == (503, True)
        assert browser.get("/log-ind").status_code == 200
        held.set()
        assert sorted(each.result().status_code for each in waiting) == [303] * 8 + [503] * 22
    assert browser.get("/oidc/log-ind").status_code == 303


def test_a_wrong_client_secret_lets_nobody_in_and_is_shown_to_nobody(tmp_path, clock, provider):
    openid = OpenIdSettings(provider.issuer, CLIENT_ID, "wrong-secret")
    app = app_for(tmp_path / "wrong", clock, openid=openid)
    provider.person = of_municipality()
    browser = visitor(app)
    answer = sign_in(browser)
    assert_refused(app, browser, answer, "kunne ikke godkendes")
    assert "wrong-secret" not in answer.text


def test_no_proxy_of_the_environment_is_used(browser, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert browser.get("/oidc/log-ind").status_code == 303


# The table


def test_each_municipality_has_one_cvr_number_and_each_number_its_check_digit():
    table = municipality_by_cvr()
    assert set(table.values()) == municipality_codes()
    assert len(table) == 98
    weights = (2, 7, 6, 5, 4, 3, 2, 1)
    assert [
        cvr
        for cvr in table
        if len(cvr) != 8 or sum(int(digit) * weight for digit, weight in zip(cvr, weights, strict=True)) % 11
    ] == []
    assert table[CVR_OF_183] == "183"
    assert table["64942212"] == "101"
    assert NO_MUNICIPALITY not in table
