"""Alerts on their way, against a real mail server and a real web server on loopback."""

import email
import email.policy
import logging
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
import stamina
from dagster._grpc.client import DEFAULT_SENSOR_GRPC_TIMEOUT

from assets.settings import PROJECT
from pipelines.alerts import sending
from pipelines.alerts.channels import Channels
from pipelines.alerts.sending import send
from pipelines.retrying import ATTEMPTS
from tests.unit.alerts_scenario import (
    MESSAGE,
    PASSWORD,
    RECIPIENT,
    SECRET_PATH,
    SENDER,
    Kept,
    certificate,
    dripping,
    mail,
    mail_server,
    tls_context,
    webhook,
)


@pytest.fixture(autouse=True)
def quick_retries():
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    files = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    return tls_context(files)


@pytest.fixture
def silent():
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = []
        listener.settimeout(0.05)
        stop = threading.Event()

        def take():
            while not stop.is_set():
                try:
                    taken.append(listener.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        yield listener.getsockname()[1], taken
        stop.set()
        thread.join()
        for connection in taken:
            connection.close()


def parsed(handler):
    (envelope,) = handler.envelopes
    return envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)


def test_a_message_arrives_as_it_was_written_through_a_server_without_encryption():
    handler = Kept()
    with mail_server(handler) as port:
        assert send(MESSAGE, mail(port, recipients=(RECIPIENT, "anden@example.org"))) == (True, [])
    envelope, got = parsed(handler)
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [RECIPIENT, "anden@example.org"])
    assert got["Subject"] == MESSAGE.subject
    assert got.get_content().replace("\r\n", "\n") == MESSAGE.body
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Date"].datetime == MESSAGE.at
    assert envelope.content.isascii()
    assert max(len(line) for line in envelope.content.split(b"\r\n")) <= 78


def test_a_server_that_offers_starttls_gets_the_password_and_the_message_encrypted(trusted):
    handler = Kept()
    with mail_server(handler, tls=trusted, login=True) as port:
        assert send(MESSAGE, mail(port, user="bruger")) == (True, [])
    assert handler.sessions[0].ssl is not None
    assert handler.sessions[0].authenticated


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # its TLS is not the kind that is asked for
def test_a_server_that_is_encrypted_from_the_first_byte_is_used_so(trusted):
    handler = Kept()
    with mail_server(handler, implicit=trusted, login=True) as port:
        assert send(MESSAGE, mail(port, user="bruger", implicit=True)) == (True, [])
    assert len(handler.envelopes) == 1


def test_a_password_is_never_sent_in_clear():
    handler = Kept()
    with mail_server(handler) as port:
        sent, faults = send(MESSAGE, mail(port, user="bruger"))
    assert not sent
    assert "offers no STARTTLS" in faults[0]
    assert PASSWORD not in faults[0]
    assert handler.envelopes == []


def test_a_certificate_that_nobody_trusts_gets_no_password(tmp_path):
    handler = Kept()
    with mail_server(handler, tls=tls_context(certificate(tmp_path)), login=True) as port:
        sent, (fault,) = send(MESSAGE, mail(port, user="bruger"))
    assert (sent, handler.envelopes) == (False, [])
    assert fault.endswith("cannot be used (SSLCertVerificationError)")


def test_a_wrong_password_is_told_by_its_number_alone_and_not_tried_again(trusted):
    handler = Kept()
    with mail_server(handler, tls=trusted, login=True) as port:
        sent, faults = send(MESSAGE, mail(port, user="en anden"))
    assert not sent
    assert faults == [f"alert not sent: the mail server 127.0.0.1:{port} answered 535 (SMTPAuthenticationError)"]
    assert handler.connections == 2  # one before STARTTLS, one after


def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not():
    busy, refusing = Kept(replies=["451 try again", "421 later"]), Kept(replies=["554 no"] * 9)
    with mail_server(busy) as port:
        assert send(MESSAGE, mail(port)) == (True, [])
    assert busy.connections == 3
    assert len(busy.envelopes) == 1
    with mail_server(refusing) as port:
        sent, (fault,) = send(MESSAGE, mail(port))
    assert (sent, refusing.connections) == (False, 1)
    assert fault.endswith("answered 554 (SMTPDataError)")


def test_a_refused_recipient_keeps_nobody_else_from_being_told():
    handler = Kept(refused=["borte@example.org"])
    with mail_server(handler) as port:
        sent, (fault,) = send(MESSAGE, mail(port, recipients=("borte@example.org", RECIPIENT)))
        assert (sent, "refused 1 of 2 recipients" in fault) == (True, True)
        sent, (fault,) = send(MESSAGE, mail(port, recipients=("borte@example.org",)))
    assert (sent, "refused every recipient (550)" in fault) == (False, True)
    assert [envelope.rcpt_tos for envelope in handler.envelopes] == [[RECIPIENT]]


def test_a_refused_port_is_one_line_at_once(unused_port):
    channels = Channels(mail(unused_port, user="bruger").mail, f"http://127.0.0.1:{unused_port}{SECRET_PATH}")
    sent, faults = send(MESSAGE, channels)
    assert not sent
    assert faults == [
        f"alert not sent: the mail server 127.0.0.1:{unused_port} cannot be used (ConnectionRefusedError)",
        "alert not sent: the webhook at 127.0.0.1 cannot be used (ConnectError)",
    ]


def test_a_server_that_says_nothing_is_given_up_after_three_short_waits(silent):
    port, taken = silent
    started = time.monotonic()
    sent, faults = send(MESSAGE, mail(port, timeout=0.1))
    assert (sent, len(taken)) == (False, 3)
    assert "did not answer" in faults[0]
    assert time.monotonic() - started < 3


def test_a_webhook_gets_json_that_chat_programs_understand():
    with webhook(200) as (address, posted):
        assert send(MESSAGE, Channels(None, address)) == (True, [])
    ((path, content_type, content),) = posted
    assert (path, content_type) == (SECRET_PATH, "application/json")
    assert content == {
        "kind": "failure",
        "round": "2022-10-01",
        "subject": MESSAGE.subject,
        "text": f"{MESSAGE.subject}\n\n{MESSAGE.body}",
    }


def test_a_webhook_that_answers_500_twice_is_asked_a_third_time():
    with webhook(500, 500, 200) as (address, posted):
        assert send(MESSAGE, Channels(None, address)) == (True, [])
    assert len(posted) == 3


@pytest.mark.parametrize(("status", "attempts"), [(503, 3), (429, 3), (404, 1), (302, 1), (400, 1)])
def test_a_webhook_that_fails_is_told_by_its_status_without_its_secret_path(status, attempts):
    with webhook(status) as (address, posted):
        sent, faults = send(MESSAGE, Channels(None, address))
    assert (sent, len(posted)) == (False, attempts)
    assert faults == [f"alert not sent: the webhook at 127.0.0.1 answered {status}"]


def test_a_slow_webhook_is_given_up_after_three_short_waits():
    with webhook(200, delay=0.4) as (address, posted):
        sent, faults = send(MESSAGE, Channels(None, address, timeout_seconds=0.1))
    assert (sent, len(posted)) == (False, 3)
    assert faults == ["alert not sent: the webhook at 127.0.0.1 did not answer (ReadTimeout)"]


def test_a_channel_that_fails_does_not_keep_the_other_from_telling(unused_port):
    with webhook(200) as (address, posted):
        sent, faults = send(MESSAGE, Channels(mail(unused_port).mail, address))
    assert (sent, len(faults), len(posted)) == (True, 1, 1)


DRIPS = {
    "mail": (b"220 hello\r\n", b"250-x\r\n"),
    "webhook": (b"HTTP/1.1 200 OK\r\n", b"X-Drop: x\r\n"),
}


def to(channel, port, deadline):
    hook = f"http://127.0.0.1:{port}{SECRET_PATH}"
    channels = mail(port) if channel == "mail" else Channels(None, hook, timeout_seconds=5.0)
    return replace(channels, deadline_seconds=deadline)


@pytest.mark.parametrize("channel", DRIPS)
def test_a_server_that_drips_is_given_up_at_the_deadline(channel):
    started = time.monotonic()
    with dripping(*DRIPS[channel]) as port:
        sent, (fault,) = send(MESSAGE, to(channel, port, 0.3))
        took = time.monotonic() - started
    where = f"the mail server 127.0.0.1:{port}" if channel == "mail" else "the webhook at 127.0.0.1"
    assert (sent, fault) == (False, f"alert not sent: {where} did not take it within 0.3 seconds")
    assert 0.3 <= took < 2


def test_a_server_that_drips_keeps_no_process_from_ending():
    program = """
import sys
from pipelines.alerts.channels import Channels
from pipelines.alerts.sending import send
from tests.unit.alerts_scenario import MESSAGE
send(MESSAGE, Channels(None, sys.argv[1], deadline_seconds=0.1))
print("given up", flush=True)
"""
    with dripping(*DRIPS["webhook"]) as port:
        ended = subprocess.run(
            [sys.executable, "-c", program, f"http://127.0.0.1:{port}{SECRET_PATH}"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            cwd=PROJECT,
        )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "given up\n", "")


@pytest.mark.parametrize("channel", DRIPS)
def test_a_server_that_drips_keeps_the_other_channel_from_nothing(channel):
    handler = Kept()
    with dripping(*DRIPS[channel]) as port, webhook(200) as (address, posted), mail_server(handler) as mail_port:
        slow = to(channel, port, 1.5)
        channels = replace(slow, webhook=address) if channel == "mail" else replace(slow, mail=mail(mail_port).mail)
        sent, faults = send(MESSAGE, channels)
    assert (sent, len(faults), len(posted) + len(handler.envelopes)) == (True, 1, 1)


def test_a_message_may_take_less_than_a_sensor_is_given():
    assert Channels(None, None).deadline_seconds < DEFAULT_SENSOR_GRPC_TIMEOUT


def test_whatever_goes_wrong_in_a_channel_is_one_line_without_its_text(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError(PASSWORD)

    monkeypatch.setattr(sending, "email", broken)
    handler = Kept()
    with mail_server(handler) as port, webhook(200) as (address, posted):
        sent, (fault,) = send(MESSAGE, Channels(mail(port).mail, address))
    assert (sent, len(posted)) == (True, 1)
    assert fault.startswith("alert not sent: RuntimeError; ")
    assert PASSWORD not in fault


def test_what_channels_look_like_in_a_log_holds_no_secret():
    shown = repr(Channels(mail(25, user="bruger").mail, f"https://hooks.example.org{SECRET_PATH}"))
    assert PASSWORD not in shown
    assert "hemmelig" not in shown


def test_nothing_that_is_logged_on_the_way_holds_a_secret(capsys, caplog, trusted):
    # When this breaks: see which library logs what it sends, and turn that off in `sending`.
    caplog.set_level(logging.INFO)
    with webhook(500) as (address, _), mail_server(Kept(), tls=trusted, login=True) as port:
        send(MESSAGE, Channels(mail(port, user="en anden").mail, address))
    told = capsys.readouterr()
    ours = [
        record.getMessage() for record in caplog.records if not record.name.startswith("mail.")
    ]  # the test's server
    assert "hemmelig" not in told.out + told.err + "".join(ours)
