import base64
import datetime as dt
import json
import multiprocessing
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.access.key import session_key
from portal.access.sessions import Sessions
from portal.identity import Identity
from schemas.errors import BotilbudError

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
OWN = Identity("token:0123456789ab", "municipality", "183", NOW + 24 * HOUR)


@pytest.fixture
def sessions(tmp_path):
    return Sessions(tmp_path / "state")


def payload_of(cookie):
    content = cookie.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))


def test_a_session_lasts_eight_hours(sessions):
    cookie = sessions.begin(OWN, NOW)
    read = sessions.read(cookie, NOW + 8 * HOUR - dt.timedelta(seconds=2))
    assert (read.subject, read.role, read.municipality_code) == ("token:0123456789ab", "municipality", "183")
    assert NOW + 8 * HOUR - dt.timedelta(seconds=1) < read.expires_at <= NOW + 8 * HOUR
    assert sessions.read(cookie, NOW + 8 * HOUR) is None


def test_a_session_never_outlives_what_it_began_with(sessions):
    short = Identity("token:0123456789ab", "kl", None, NOW + HOUR)
    cookie = sessions.begin(short, NOW)
    assert sessions.read(cookie, NOW).is_kl
    assert sessions.read(cookie, NOW + HOUR) is None


def test_the_cookie_holds_subject_municipality_role_and_expiry_and_nothing_else(sessions):
    subject, municipality, role, expires_at = payload_of(sessions.begin(OWN, NOW))
    assert (subject, municipality, role) == ("token:0123456789ab", "183", "municipality")
    assert dt.datetime.fromisoformat(expires_at) <= NOW + 8 * HOUR


def test_an_ended_session_stays_ended_and_leaves_others_of_the_same_token(sessions, tmp_path):
    ended, other = sessions.begin(OWN, NOW), sessions.begin(OWN, NOW)
    sessions.end(ended, NOW)
    sessions.end(ended, NOW)
    assert sessions.read(ended, NOW) is None
    assert Sessions(tmp_path / "state").read(ended, NOW) is None
    assert sessions.read(other, NOW) is not None
    sessions.end("forged", NOW)


def test_an_ended_session_does_not_come_back_when_its_signature_is_written_otherwise(sessions):
    # The last character of a signature holds two bits that nobody reads.
    cookie = sessions.begin(OWN, NOW)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spellings = [cookie[:-1] + last for last in alphabet] + [cookie + "=", cookie + "!", cookie + "\n"]
    read_before = [spelling for spelling in spellings if sessions.read(spelling, NOW)]
    sessions.end(cookie, NOW)
    assert len(read_before) > 1
    assert [spelling for spelling in spellings if sessions.read(spelling, NOW)] == []


def test_what_was_ended_is_forgotten_when_it_would_have_expired_anyway(sessions, tmp_path):
    sessions.end(sessions.begin(OWN, NOW), NOW)
    late = NOW + 9 * HOUR
    sessions.end(sessions.begin(OWN, late), late)
    from portal.state import reading

    with reading(tmp_path / "state") as connection:
        assert connection.execute("SELECT count(*) FROM ended_session").fetchone()[0] == 1


@given(st.data())
def test_a_cookie_with_any_byte_changed_is_nobodys(tmp_path_factory, data):
    sessions = Sessions(tmp_path_factory.getbasetemp() / "sessions")
    cookie = sessions.begin(OWN, NOW)
    signed = cookie.rpartition(".")[0]
    place = data.draw(st.integers(0, len(signed) - 1))
    character = data.draw(st.characters(codec="latin-1").filter(lambda c: c != cookie[place]))
    assert sessions.read(cookie[:place] + character + cookie[place + 1 :], NOW) is None


@given(st.text())
def test_whatever_is_sent_as_a_cookie_is_nobodys(tmp_path_factory, text):
    sessions = Sessions(tmp_path_factory.getbasetemp() / "sessions")
    assert sessions.read(text.encode("utf-8", "replace").decode(), NOW) is None


def test_a_cookie_of_another_portal_is_nobodys(sessions, tmp_path):
    assert sessions.read(Sessions(tmp_path / "other").begin(OWN, NOW), NOW) is None


def test_a_cookie_signed_for_another_purpose_is_no_session(sessions):
    from portal.access.sessions import signer

    content = ["token:0123456789ab", None, "kl", (NOW + HOUR).isoformat()]
    assert sessions.read(signer(sessions.sign_in_key).dumps(content), NOW) is None
    assert sessions.read(signer(sessions.csrf_key).dumps(content), NOW) is None


def test_the_key_is_its_owners_alone(tmp_path):
    Sessions(tmp_path / "state")
    path = tmp_path / "state" / "session.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    assert [p.name for p in path.parent.iterdir() if p.name.endswith(".partial")] == []


def test_a_damaged_key_is_refused_and_not_replaced(tmp_path):
    (tmp_path / "session.key").write_bytes(b"")
    with pytest.raises(BotilbudError, match=r"session\.key: is damaged"):
        Sessions(tmp_path)


def _key_when_told(state, start, keys):
    start.wait()
    keys.put(session_key(state))


def test_processes_that_start_at_once_agree_on_the_key(tmp_path):
    context = multiprocessing.get_context("fork")
    start, keys = context.Event(), context.Queue()
    processes = [context.Process(target=_key_when_told, args=(tmp_path / "state", start, keys)) for _ in range(6)]
    for process in processes:
        process.start()
    start.set()
    made = {keys.get(timeout=20) for _ in processes}
    for process in processes:
        process.join()
    assert made == {(tmp_path / "state" / "session.key").read_bytes()}
