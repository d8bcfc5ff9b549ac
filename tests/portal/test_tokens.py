import datetime as dt
import sqlite3
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from assets import cli_token, settings
from portal.access.tokens import Tokens
from portal.identity import Identity
from portal.state import NAME, database
from schemas.errors import BotilbudError

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "state")


def issue(tokens, code="183", *, expires_at=NOW + DAY):
    return tokens.issue("kl" if code is None else "municipality", code, label="PowerBI", now=NOW, expires_at=expires_at)


def id_of(token):
    return token.split("_")[1]


def test_a_token_says_whose_it_is_until_it_expires(tokens):
    token = issue(tokens)
    expected = Identity(f"token:{id_of(token)}", "municipality", "183", NOW + DAY)
    assert tokens.identify(token, NOW) == expected
    assert tokens.identify(token, NOW + DAY - dt.timedelta(seconds=1)) == expected
    assert tokens.identify(token, NOW + DAY) is None
    assert not tokens.is_valid(expected.subject, NOW + DAY)


def test_a_token_of_kl_is_bound_to_no_municipality(tokens):
    identity = tokens.identify(issue(tokens, None), NOW)
    assert identity.is_kl
    assert identity.municipality_code is None
    with pytest.raises(BotilbudError, match="leave the code out"):
        tokens.issue("kl", "183", label="", now=NOW, expires_at=NOW + DAY)


@pytest.mark.parametrize("code", ["000", "18", "1834", "", None, "183 ", "١٨٣"])
def test_no_token_is_issued_for_what_is_no_municipality(tokens, code):
    with pytest.raises(BotilbudError, match="no municipality has this code"):
        tokens.issue("municipality", code, label="", now=NOW, expires_at=NOW + DAY)
    assert tokens.all() == []


def test_no_token_is_issued_that_has_expired_already(tokens):
    with pytest.raises(BotilbudError, match="later date"):
        issue(tokens, expires_at=NOW)


def test_a_revoked_token_lets_nobody_in_and_stays_revoked_from_the_first_time(tokens):
    token, kept = issue(tokens), issue(tokens)
    tokens.revoke(id_of(token), NOW)
    tokens.revoke(id_of(token), NOW + dt.timedelta(hours=1))
    assert tokens.identify(token, NOW) is None
    assert not tokens.is_valid(f"token:{id_of(token)}", NOW)
    assert tokens.identify(kept, NOW) is not None
    assert {known.id: known.revoked_at for known in tokens.all()} == {id_of(token): NOW, id_of(kept): None}


def test_revoking_an_unknown_token_never_shows_what_was_given(tokens):
    token = issue(tokens)
    with pytest.raises(BotilbudError) as refused:
        tokens.revoke(token, NOW)
    assert token not in str(refused.value)


def test_the_secret_of_one_token_opens_no_other_and_no_character_may_differ(tokens):
    one, other = issue(tokens), issue(tokens, "461")
    secret = one.split("_")[2]
    changed = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    wrong = [
        f"bb_{id_of(other)}_{secret}",
        f"bb_{'0' * 12}_{secret}",
        f"bb_{id_of(one)}_{changed}",
        f"bb_{id_of(one)}_{secret[:-1]}",
        f"bb_{id_of(one)}_{secret}0",
        f"{one}\n",
        one.upper(),
        one.removeprefix("bb_"),
    ]
    assert [tokens.identify(token, NOW) for token in wrong] == [None] * len(wrong)


@example("bb_" + "0" * 12 + "_" + "0" * 64)
@example("bb_' OR 1=1 --_" + "0" * 64)
@given(st.text())
def test_whatever_is_sent_is_nobodys(tmp_path_factory, text):
    tokens = Tokens(tmp_path_factory.getbasetemp() / "whatever")
    assert tokens.identify(text, NOW) is None
    assert not tokens.is_valid(f"token:{text}", NOW)


def test_nothing_on_disk_holds_a_secret_or_is_open_to_others(tokens, tmp_path):
    token = issue(tokens)
    state = tmp_path / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    content = b"".join(path.read_bytes() for path in state.iterdir())
    assert id_of(token).encode() in content
    assert token.split("_")[2].encode() not in content
    assert bytes.fromhex(token.split("_")[2]) not in content


def test_a_label_holds_no_cpr_number_and_no_line_end(tokens):
    tokens.issue("municipality", "183", label="til 010190-1234\n", now=NOW, expires_at=NOW + DAY)
    assert tokens.all()[0].label == "til [CPR-nummer fjernet]"


def test_tokens_are_known_while_another_process_writes(tokens, tmp_path):
    token = issue(tokens)
    held, done = threading.Event(), threading.Event()

    def write():
        with database(tmp_path / "state") as connection:
            connection.execute("DELETE FROM token")
            held.set()
            done.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    held.wait(10)
    started = time.monotonic()
    identity = tokens.identify(token, NOW)
    took = time.monotonic() - started
    done.set()
    writer.join()
    assert identity is not None
    assert took < 1  # a lock would be waited for 30 seconds
    assert tokens.identify(token, NOW) is None


def test_two_hundred_requests_at_once_are_all_known(tokens):
    token = issue(tokens)
    with ThreadPoolExecutor(40) as pool:
        known = list(pool.map(lambda _: tokens.identify(token, NOW), range(200)))
    assert all(known)


def test_many_that_open_a_new_state_folder_at_once_agree(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: issue(Tokens(tmp_path / "state")), range(24)))
    assert {token.id for token in Tokens(tmp_path / "state").all()} == {id_of(token) for token in made}


def test_reading_cannot_write(tmp_path, tokens):
    from portal.state import reading

    issue(tokens)
    with pytest.raises(sqlite3.OperationalError, match="readonly"), reading(tmp_path / "state") as connection:
        connection.execute("DELETE FROM token")
    assert (tmp_path / "state" / NAME).is_file()
    assert len(tokens.all()) == 1


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "portal_state", lambda: tmp_path / "state", raising=False)
    return lambda *arguments: CliRunner().invoke(cli_token.app, arguments)


def test_the_command_prints_the_token_alone_and_it_works(command, tmp_path):
    done = command("issue", "--municipality", "183", "--label", "PowerBI", "--days", "30")
    assert done.exit_code == 0
    token = done.stdout.removesuffix("\n")
    now = dt.datetime.now(dt.UTC)
    identity = Tokens(tmp_path / "state").identify(token, now)
    assert identity.municipality_code == "183"
    assert dt.timedelta(days=29) < identity.expires_at - now <= dt.timedelta(days=30)


def test_the_list_tells_every_token_and_no_secret(command, tmp_path):
    municipality = command("issue", "--municipality", "183", "--label", "PowerBI").stdout.strip()
    kl = command("issue", "--role", "kl").stdout.strip()
    tokens = Tokens(tmp_path / "state")
    expired = tokens.issue("municipality", "461", label="gammel", now=NOW - 2 * DAY, expires_at=NOW - DAY)
    assert command("revoke", id_of(kl)).exit_code == 0
    shown = command("list").stdout
    lines = {line.split()[0]: line for line in shown.splitlines()[1:]}
    assert "183" in lines[id_of(municipality)]
    assert "gælder" in lines[id_of(municipality)]
    assert lines[id_of(municipality)].endswith("PowerBI")
    assert "KL" in lines[id_of(kl)]
    assert "tilbagetrukket" in lines[id_of(kl)]
    assert "udløbet" in lines[id_of(expired)]
    assert not any(token.split("_")[2] in shown for token in (municipality, kl, expired))


@pytest.mark.parametrize(
    "arguments",
    [
        ["issue"],
        ["issue", "--municipality", "183", "--role", "kl"],
        ["issue", "--municipality", "000"],
        ["issue", "--role", "admin"],
        ["issue", "--role", "kl", "--days", "0"],
        ["revoke", "000000000000"],
    ],
)
def test_the_command_refuses_what_it_cannot_do_and_makes_nothing(command, tmp_path, arguments):
    done = command(*arguments)
    assert done.exit_code != 0
    assert done.stdout == ""
    assert Tokens(tmp_path / "state").all() == []
