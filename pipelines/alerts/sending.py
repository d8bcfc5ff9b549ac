"""Alerts on their way: e-mail over SMTP and a webhook. Says what went wrong in words of its own.

A library's error or a server's reply may repeat a password or the secret path of a webhook: neither is ever shown.
"""

import hashlib
import logging
import smtplib
import ssl
from collections.abc import Callable
from concurrent.futures import Future, wait
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import partial
from http import HTTPStatus
from threading import Thread
from urllib.parse import urlsplit

from pipelines.alerts.channels import AlertError, Channels, Mail, MailServer
from pipelines.alerts.messages import Message
from pipelines.retrying import tried_again
from pipelines.untold import told

_Outcome = tuple[bool, str | None]


class _PassingError(AlertError):
    """The same, and worth another attempt."""


def send(message: Message, channels: Channels) -> tuple[bool, list[str]]:
    """Sends a message by every channel, all at once; never raises for what happens on the way.

    Returns:
        Whether it got through by one channel at least, and one line per channel that did not take it whole in time.
    """
    attempts: dict[str, Callable[[], str | None]] = {}
    if channels.mail is not None:
        attempts[str(channels.mail.server)] = partial(_send_mail, message, channels.mail, channels.timeout_seconds)
    if channels.webhook is not None:
        attempts[_named(channels.webhook)] = partial(_post, message, channels.webhook, channels.timeout_seconds)
    running = {where: _started(attempt) for where, attempt in attempts.items()}
    wait(running.values(), timeout=channels.deadline_seconds)
    late = f"did not take it within {channels.deadline_seconds:g} seconds"
    outcomes = [
        future.result() if future.done() else (False, f"alert not sent: {where} {late}")
        for where, future in running.items()
    ]
    return any(sent for sent, _ in outcomes), [fault for _, fault in outcomes if fault]


def _started(attempt: Callable[[], str | None]) -> Future[_Outcome]:
    """An attempt under way, which nobody need wait for."""
    # Time-outs count from byte to byte: a server that drips may hold it for ever, and must not hold the process that ends.
    future: Future[_Outcome] = Future()
    Thread(target=lambda: future.set_result(_outcome(attempt)), name="alert", daemon=True).start()
    return future


def _outcome(attempt: Callable[[], str | None]) -> _Outcome:
    try:
        return True, tried_again(_PassingError, attempt)
    except AlertError as error:
        return False, f"alert not sent: {error}"
    except Exception as error:  # noqa: BLE001 - a thread's error would be printed whole, and hold the other channel's up
        return False, f"alert not sent: {told(error)}"


def email(message: Message, mail: Mail) -> EmailMessage:
    """The message as e-mail. Its id follows from its content, so that a server can tell a repetition."""
    made = EmailMessage(policy=SMTP)
    made["Subject"] = message.subject
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.recipients)
    made["Date"] = format_datetime(message.at)
    digest = hashlib.sha256(f"{message.at.isoformat()}\n{message.subject}\n{message.body}".encode()).hexdigest()
    made["Message-ID"] = f"<{digest[:32]}@{parseaddr(mail.sender)[1].rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # no holiday reply, please (RFC 3834)
    made.set_content(message.body, cte="quoted-printable")  # every server passes it on, however long a line is
    return made


def _send_mail(message: Message, mail: Mail, timeout_seconds: float) -> str | None:
    """One attempt; says so where some recipients were refused."""
    server = mail.server
    try:
        with _connected(server, timeout_seconds) as connection:
            if server.user is not None:
                connection.login(server.user, server.password or "")
            refused = connection.send_message(email(message, mail))
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise _refusal(f"{server} refused every recipient ({codes[0]})", max(codes)) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(f"{server} answered {error.smtp_code} ({type(error).__name__})", error.smtp_code) from None
    except (TimeoutError, smtplib.SMTPServerDisconnected) as error:  # smtplib tells some time-outs as a disconnection
        raise _PassingError(f"{server} did not answer ({type(error).__name__})") from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise AlertError(f"{server} cannot be used ({type(error).__name__})") from None
    return f"alert sent, but {server} refused {len(refused)} of {len(mail.recipients)} recipients" if refused else None


def _connected(server: MailServer, timeout_seconds: float) -> smtplib.SMTP:
    """A connection, encrypted where the server can."""
    context = ssl.create_default_context()
    if server.implicit_tls:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_seconds, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=timeout_seconds)
    try:
        _encrypt(connection, server, context)
    except BaseException:
        connection.close()
        raise
    return connection


def _encrypt(connection: smtplib.SMTP, server: MailServer, context: ssl.SSLContext) -> None:
    """STARTTLS where the server offers it; a password is never sent in clear."""
    connection.ehlo()
    if connection.has_extn("starttls"):
        connection.starttls(context=context)
    elif server.user is not None:
        raise AlertError(f"{server} offers no STARTTLS, and the password is not sent in clear")


def _refusal(said: str, code: int) -> AlertError:
    """A refusal: in SMTP the 400s pass."""
    return _PassingError(said) if 400 <= code < 500 else AlertError(said)


def _named(webhook: str) -> str:
    """A webhook without what may be secret of it."""
    return f"the webhook at {urlsplit(webhook).hostname}"


def _post(message: Message, webhook: str, timeout_seconds: float) -> None:
    """One attempt."""
    import httpx2  # noqa: PLC0415  as above

    # It logs each request's address, whose path may be a secret, wherever somebody has turned such lines on.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    where = _named(webhook)
    content = {
        "kind": message.kind,
        "round": message.round_name,
        "subject": message.subject,
        "text": f"{message.subject}\n\n{message.body}",
    }
    try:
        # The answer's body is not read: nothing in it matters.
        with httpx2.stream("POST", webhook, json=content, timeout=timeout_seconds) as response:
            status = response.status_code
    except httpx2.TimeoutException as error:
        raise _PassingError(f"{where} did not answer ({type(error).__name__})") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise AlertError(f"{where} cannot be used ({type(error).__name__})") from None
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _PassingError(f"{where} answered {status}")
    if not 200 <= status < 300:
        raise AlertError(f"{where} answered {status}")
