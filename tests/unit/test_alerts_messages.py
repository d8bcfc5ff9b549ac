"""What alerts say, what of it was told before, and how the settings name where they go."""

import datetime as dt
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from assets import settings
from pipelines import storage
from pipelines.alerts import messages
from pipelines.alerts.channels import AlertError, Channels, Mail, MailServer
from pipelines.alerts.sending import email as as_email
from pipelines.alerts.telling import tell_of_lateness, tell_of_night
from pipelines.heartbeat import Beat, Late
from pipelines.quality.acceptances import Acceptance, accept
from pipelines.release.life import point_at
from schemas.rounds import find_round
from tests.unit.alerts_scenario import NOW, PASSWORD, ROUND, SECRET_PATH, report, warning, webhook

PORTAL = "https://portal.example.org"
FIRST, SECOND, THIRD = "a" * 12, "b" * 12, "c" * 12
NOTHING = report()


@pytest.fixture
def root(tmp_path):
    return UPath(tmp_path)


def made_release(root):
    """A round that has a current release, as far as alerts look at it."""
    point_at(storage.releases(root, ROUND.name), {"id": "0" * 16, "round": ROUND.name, "populationQuarter": "2022K4"})


@pytest.fixture
def release(root):
    made_release(root)


def write_report(root, *rows):
    path = storage.warehouse(root) / "quality_report" / f"{ROUND.name}.parquet"
    storage.write_bytes(path, storage.parquet_bytes(report(*rows)))


def test_a_failure_says_what_happened_whom_it_concerns_and_what_to_do():
    told = messages.failure(ROUND, NOTHING, ["release: a file was changed"], "0123456789abcdef", PORTAL, NOW)
    assert told.subject == "Botilbudsbenchmark, runden 01-10-2022: nattens kørsel fejlede"
    assert "Programmets fejlmeddelelse:\n- release: a file was changed\n" in told.body
    assert "Kvalitetskontrollen" not in told.body
    assert "Kommunerne ser fortsat udgivelse 0123456789abcdef." in told.body
    assert "botilbud nightly --round 2022-10-01\n" in told.body
    assert "https://portal.example.org/kl/runder/2022-10-01\n" in told.body
    assert "ingen kommune kan se tal" in messages.failure(ROUND, NOTHING, [], None, None, NOW).body
    assert "portalens side /kl/runder/2022-10-01\n" in messages.failure(ROUND, NOTHING, [], None, None, NOW).body


def test_lateness_says_when_the_last_good_night_was_in_danish_time():
    last = Beat("run", None, dt.datetime(2022, 11, 30, 23, 30, tzinfo=dt.UTC))
    told = messages.lateness(Late(ROUND, last), PORTAL, NOW)
    assert told.body.splitlines()[0] == (
        "Nattens kørsel af runden 01-10-2022 er ikke lykkedes i 30 timer. Seneste vellykkede kørsel sluttede 01-12-2022 kl. "
        "00.30."
    )
    never = messages.lateness(Late(ROUND, None), PORTAL, NOW).body.splitlines()[0]
    assert never == "Nattens kørsel af runden 01-10-2022 er endnu ikke lykkedes. Der er ingen vellykket kørsel."


def test_a_lateness_of_a_clock_that_was_wrong_asks_to_mend_the_clock():
    to_come = Beat("run", None, NOW + dt.timedelta(days=400))
    first = messages.lateness(Late(ROUND, to_come), PORTAL, NOW).body.splitlines()[0]
    assert "der endnu ikke er kommet: Se, om maskinens ur går rigtigt" in first
    assert "30 timer" not in first


def test_a_stop_of_the_quality_gate_is_told_in_danish_and_other_steps_beside_it(root):
    stop = warning("totals", None, keys=["municipality 461 main"], severity="stop")
    write_report(root, stop, warning("near", FIRST))
    gate, other = "judge_quality: the quality gate stops the release", "population: no answer"
    with webhook(200) as (address, posted):
        for failures in ([gate], [gate, other], [other]):
            assert tell(root, Channels(None, address), failures) == []
        write_report(root, warning("near", FIRST))
        assert tell(root, Channels(None, address), ["judge_quality: the report cannot be read"]) == []
    alone, both, another, unread = (content["text"] for _, _, content in posted)
    told = "Kvalitetskontrollen stopper udgivelsen.\n\nForventet: Raten følger runden før.\nHvor: Odense (461) main\n"
    assert told in alone
    assert gate not in alone
    assert "Programmets fejlmeddelelse" not in alone
    assert FIRST not in alone
    assert told in both
    assert f"- {other}\n" in both
    assert "Kvalitetskontrollen" not in another
    assert "- judge_quality: the report cannot be read\n" in unread


def test_warnings_name_municipalities_and_what_to_do_and_no_number_of_rows():
    found = report(
        warning("rate_changed", FIRST, keys=["147", "101", "country 000", "share municipality 461 a/b"]),
        warning("quarter", SECOND, keys=[]),
    )
    told = messages.warnings(ROUND, found, PORTAL, NOW)
    assert told.subject.endswith(": 2 nye advarsler")
    assert "Hvor: København (101), Frederiksberg (147), country 000, share Odense (461) a/b\n" in told.body
    assert "Hvor: hele runden\n" in told.body
    assert "berører" not in told.body
    assert f"botilbud quality accept {FIRST} --round 2022-10-01" in told.body
    assert "https://portal.example.org/kl/runder/2022-10-01/kvalitet\n" in told.body
    assert "4711" not in told.body
    assert messages.warnings(ROUND, found.head(1), None, NOW).subject.endswith(": 1 ny advarsel")


def test_a_long_list_of_places_is_cut_and_says_so():
    keys = [f"question {number:02}" for number in range(23)]
    body = messages.warnings(ROUND, report(warning("many", FIRST, keys=keys)), None, NOW).body
    assert "question 19 og 3 flere\n" in body
    assert "question 20" not in body


@given(st.text())
def test_no_text_of_a_failure_can_break_out_of_its_line_or_into_a_header(text):
    told = messages.failure(ROUND, NOTHING, [text, "Bcc: somebody@example.org\r\nX: y"], None, None, NOW)
    lines = told.body.splitlines()
    assert sum(line.startswith("- ") for line in lines) == 2
    assert len(lines) == len(messages.failure(ROUND, NOTHING, ["", ""], None, None, NOW).body.splitlines())
    mail = Mail(MailServer("127.0.0.1", 25, None, None, implicit_tls=False), "a@example.org", ("b@example.org",))
    sent = as_email(told, mail)
    assert sent["Bcc"] is None
    assert sent["X"] is None
    assert sent.as_bytes(policy=email.policy.SMTP).isascii()


def test_a_header_with_a_line_break_is_refused():
    told = messages.failure(ROUND, NOTHING, [], None, None, NOW)._replace(subject="a\r\nBcc: x@example.org")
    mail = Mail(MailServer("127.0.0.1", 25, None, None, implicit_tls=False), "a@example.org", ("b@example.org",))
    with pytest.raises(ValueError, match="linefeed"):
        as_email(told, mail)


def tell(root, channels, failures=()):
    return tell_of_night(root, ROUND, list(failures), channels, NOW)


@pytest.fixture
def told(root):
    """The texts of what a night tells, given what its report says."""
    with webhook(200) as (address, posted):

        def night(*rows):
            write_report(root, *rows)
            assert tell(root, Channels(None, address)) == []
            texts = [content["text"] for _, _, content in posted]
            posted.clear()
            return texts

        yield night


@pytest.mark.usefixtures("release")
def test_an_expectation_is_told_once_while_its_warning_changes_every_night(told):
    rows = [warning("stops", None, severity="stop"), warning("met", None, met=True)]
    assert len(told(warning("first", FIRST), *rows)) == 1
    for id_, keys in ((FIRST, ["147"]), (SECOND, ["101", "147"]), (THIRD, ["101"])):
        assert told(warning("first", id_, keys=keys), *rows) == []


@pytest.mark.usefixtures("release")
def test_a_new_expectation_is_told_by_itself(told):
    told(warning("first", FIRST))
    (text,) = told(warning("first", THIRD), warning("second", SECOND))
    assert SECOND in text
    assert THIRD not in text


@pytest.mark.usefixtures("release")
def test_a_warning_that_went_away_is_told_again_when_it_returns(told):
    assert len(told(warning("first", FIRST), warning("second", SECOND))) == 1
    assert told(warning("first", None, met=True), warning("second", SECOND)) == []
    (text,) = told(warning("first", FIRST), warning("second", SECOND))
    assert FIRST in text
    assert SECOND not in text


@pytest.mark.usefixtures("release")
def test_another_warning_after_an_accepted_one_is_told_though_no_night_lay_between(root, told):
    told(warning("first", FIRST))
    told(warning("first", SECOND))
    accept(root, report(warning("first", SECOND)), SECOND, Acceptance("Konsulent", "set på", NOW))
    assert told(warning("first", SECOND, accepted_by="Konsulent")) == []
    assert len(told(warning("first", THIRD))) == 1
    accept(root, report(warning("first", THIRD)), THIRD, Acceptance("Konsulent", "set på", NOW))
    assert len(told(warning("first", FIRST))) == 1


@pytest.mark.usefixtures("release")
def test_a_warning_that_was_accepted_is_not_told(root, told):
    accept(root, report(warning("first", FIRST)), FIRST, Acceptance("Konsulent", "set på", NOW))
    assert told(warning("first", FIRST), warning("second", SECOND, accepted_by="Konsulent")) == []


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"warnings": ["aaaaaaaaaaaa"], "late_since": null}'])
def test_a_memory_that_cannot_be_read_keeps_nobody_from_being_told(root, told, content):
    storage.write_bytes(root / "alerts" / f"{ROUND.name}.json", content.encode())
    assert len(told(warning("first", FIRST))) == 1
    assert told(warning("first", FIRST)) == []


def test_a_report_that_cannot_be_read_keeps_the_failure_from_nobody(root):
    path = storage.warehouse(root) / "quality_report" / f"{ROUND.name}.parquet"
    storage.write_bytes(path, b"no parquet")
    with webhook(200) as (address, posted):
        assert tell(root, Channels(None, address), ["judge_quality: ComputeError"]) == []
    assert "- judge_quality: ComputeError\n" in posted[0][2]["text"]


def test_before_anybody_delivered_nothing_is_said_of_warnings(root, told):
    assert told(warning("first", FIRST)) == []
    made_release(root)
    assert len(told(warning("first", FIRST))) == 1


def test_a_round_without_a_quality_report_has_nothing_to_tell(root):
    with webhook(200) as (address, posted):
        assert tell_of_night(root, ROUND, [], Channels(None, address), NOW) == []
    assert posted == []
    assert not (root / "alerts").exists()


@pytest.mark.usefixtures("release")
def test_what_got_through_by_no_channel_is_told_again_the_next_night(root):
    write_report(root, warning("first", FIRST))
    with webhook(404) as (address, _):
        assert len(tell_of_night(root, ROUND, [], Channels(None, address), NOW)) == 1
    with webhook(200) as (address, posted):
        assert tell_of_night(root, ROUND, [], Channels(None, address), NOW) == []
    assert len(posted) == 1


@pytest.mark.usefixtures("release")
def test_every_failed_night_is_told_and_its_warnings_wait(root):
    write_report(root, warning("first", FIRST))
    with webhook(200) as (address, posted):
        for _ in range(2):
            tell_of_night(root, ROUND, ["release: stopped"], Channels(None, address), NOW)
        tell_of_night(root, ROUND, [], Channels(None, address), NOW)
    assert [content["kind"] for _, _, content in posted] == ["failure", "failure", "warnings"]


def test_a_lateness_is_told_once_and_the_next_one_again(root):
    never, later = Late(ROUND, None), Late(ROUND, Beat("run", None, NOW))
    with webhook(200) as (address, posted):
        for late in (never, never, later, later):
            assert tell_of_lateness(root, late, Channels(None, address), NOW) == []
    assert [content["kind"] for _, _, content in posted] == ["lateness", "lateness"]


def test_each_round_has_a_memory_of_its_own(root):
    with webhook(200) as (address, posted):
        for name in ("2022-10-01", "2024-10-01"):
            tell_of_lateness(root, Late(find_round(name), None), Channels(None, address), NOW)
    assert [content["round"] for _, _, content in posted] == ["2022-10-01", "2024-10-01"]


@pytest.fixture
def environment(monkeypatch):
    def set_all(**values):
        for name, value in values.items():
            monkeypatch.setenv(f"BOTILBUD_ALERT_{name}", value)

    monkeypatch.delenv("BOTILBUD_PORTAL_URL", raising=False)
    for name in ("SMTP", "FROM", "TO", "WEBHOOK"):
        monkeypatch.delenv(f"BOTILBUD_ALERT_{name}", raising=False)
    return set_all


def test_without_a_setting_there_is_no_channel(environment):
    assert settings.alert_channels() is None
    environment(SMTP="", WEBHOOK="", FROM="a@example.org")
    assert settings.alert_channels() is None


def test_the_settings_name_server_sender_recipients_and_webhook(environment, monkeypatch):
    monkeypatch.setenv("BOTILBUD_PORTAL_URL", f"{PORTAL}/")
    environment(
        SMTP="smtp://bruger%40example.org:p%2Fq@mail.example.org",
        FROM="benchmark@example.org",
        TO="a@example.org, b@example.org",
        WEBHOOK="https://hooks.example.org/x",
    )
    channels = settings.alert_channels()
    server = MailServer("mail.example.org", 587, "bruger@example.org", "p/q", implicit_tls=False)
    assert channels.mail == Mail(server, "benchmark@example.org", ("a@example.org", "b@example.org"))
    assert (channels.webhook, channels.portal) == ("https://hooks.example.org/x", PORTAL)
    environment(SMTP="smtps://mail.example.org")
    assert settings.alert_channels().mail.server == MailServer("mail.example.org", 465, None, None, implicit_tls=True)
    environment(SMTP="smtp://mail.example.org:2525")
    assert settings.alert_channels().mail.server.port == 2525


@pytest.mark.parametrize(
    "smtp",
    [
        f"mail.example.org:{PASSWORD}",
        f"smtp://bruger:{PASSWORD}/x@mail.example.org",
        f"smtp://bruger:12/{PASSWORD}@mail.example.org",
        f"http://bruger:{PASSWORD}@mail.example.org",
        f"smtp://bruger:{PASSWORD}@",
        f"smtp://bruger:#{PASSWORD}@mail.example.org",
        f"smtp://bruger:{PASSWORD}@mail.example.org:99999",
        f"smtp://[{PASSWORD}",
    ],
)
def test_a_mail_server_that_is_written_wrongly_is_refused_without_its_password(environment, smtp):
    environment(SMTP=smtp, FROM="a@example.org", TO="b@example.org")
    with pytest.raises(AlertError, match=r"BOTILBUD_ALERT_SMTP is not written smtp://") as refused:
        settings.alert_channels()
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize(
    ("sender", "to", "name"),
    [
        ("", "a@example.org", "FROM"),
        ("a@example.org", "", "TO"),
        ("a@example.org", ",", "TO"),
        ("nobody", "a@example.org", "FROM"),
        ("a@example.org\r\nBcc: x@example.org", "a@example.org", "FROM"),
        ("a@example.org", "b@example.org, Bcc: c", "TO"),
    ],
)
def test_mail_without_a_sender_or_a_recipient_is_refused(environment, sender, to, name):
    environment(SMTP="smtp://mail.example.org", FROM=sender, TO=to)
    with pytest.raises(AlertError, match=f"needs BOTILBUD_ALERT_{name}"):
        settings.alert_channels()


@pytest.mark.parametrize(
    "address", [f"ftp://example.org{SECRET_PATH}", f"https://{SECRET_PATH}", "https://[x", "hemmelig"]
)
def test_a_webhook_that_is_no_address_is_refused_without_showing_it(environment, address):
    environment(WEBHOOK=address)
    with pytest.raises(AlertError) as refused:
        settings.alert_channels()
    assert "hemmelig" not in str(refused.value)
