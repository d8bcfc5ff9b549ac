"""Receivers of alerts on loopback: a mail server that keeps what it gets, and a webhook that answers as it is told."""

import datetime as dt
import http.server
import ipaddress
import json
import socket
import socketserver
import ssl
import threading
import time
from contextlib import contextmanager, suppress

import polars as pl
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipelines.alerts.channels import Channels, Mail, MailServer
from pipelines.alerts.messages import Message
from schemas.rounds import find_round
from schemas.tables import QUALITY_REPORT

ROUND = find_round("2022-10-01")
NOW = dt.datetime(2022, 12, 1, 1, 5, tzinfo=dt.UTC)
PASSWORD = "hemmeligt kodeord"  # noqa: S105
SECRET_PATH = "/services/T000/B000/hemmelig"  # noqa: S105
MESSAGE = Message("failure", ROUND.name, "Æblegrød på øen", "Nattens kørsel fejlede.\n" + "å" * 2_000 + "\n", NOW)
SENDER, RECIPIENT = "benchmark@example.org", "vagt@example.org"


class Kept:
    """A mail server's handler: keeps envelopes; refuses recipients and messages as told."""

    def __init__(self, refused=(), replies=()):
        self.envelopes, self.sessions, self.connections = [], [], 0
        self._refused, self._replies = set(refused), list(replies)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: ARG002, N802
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: ARG002, N802
        if address in self._refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: ARG002, N802
        if self._replies:
            return self._replies.pop(0)
        self.envelopes.append(envelope)
        self.sessions.append(session)
        return "250 OK"


def _authenticator(*asked):
    data = asked[-1]
    # "Not handled" means that the server shall say what came of it.
    return AuthResult(success=(data.login, data.password) == (b"bruger", PASSWORD.encode()), handled=False)


def certificate(folder):
    """A certificate for 127.0.0.1 and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


@contextmanager
def mail_server(handler, *, tls=None, implicit=None, login=False):
    """A mail server on a port of its own; `tls` for STARTTLS, `implicit` for smtps."""
    options = {"authenticator": _authenticator, "auth_required": True} if login else {}
    if login and tls is None and implicit is not None:
        options["auth_require_tls"] = False
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=_free_port(),
        tls_context=tls,
        ssl_context=implicit,
        ready_timeout=20,
        **options,
    )
    controller.start()
    try:
        yield controller.server.sockets[0].getsockname()[1]
    finally:
        controller.stop()


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def tls_context(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


def mail(port, *, user=None, implicit=False, recipients=(RECIPIENT,), timeout=5.0):
    password = PASSWORD if user else None
    server = MailServer("127.0.0.1", port, user, password, implicit)
    return Channels(Mail(server, SENDER, tuple(recipients)), webhook=None, timeout_seconds=timeout)


@contextmanager
def webhook(*statuses, delay=0.0):
    """A webhook that answers with these statuses in turn, the last for ever; gives its address and what it was sent."""
    posted, left = [], list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
            time.sleep(delay)
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Content-Length", "0")
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{SECRET_PATH}", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def dripping(greeting, drop, pause=0.02):
    """A server that says this greeting and then a drop at a time for ever, so that no single read ever takes long."""
    stop = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(OSError):  # whoever listened has gone
                self.request.sendall(greeting)
                while not stop.wait(pause):
                    self.request.sendall(drop)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            stop.set()
            server.shutdown()
            thread.join()
    for left in threading.enumerate():  # those that were sending, now that nobody drips
        if left.name == "alert":
            left.join(10)


def warning(expectation, id_, keys=("147",), accepted_by=None, met=False, severity="look"):
    """A row of the quality report; by default a warning that nobody accepted."""
    at = NOW if accepted_by else None
    return {
        "round": ROUND.name,
        "expectation": expectation,
        "about": "case_rates",
        "severity": severity,
        "expected_da": "Raten følger runden før.",
        "met": met,
        "rows_checked": 8,
        "rows_failing": 4711,
        "failing_keys": list(keys),
        "action_da": None if met else "Spørg kommunen.",
        "warning_id": None if met or severity == "stop" else id_,
        "accepted_by": accepted_by,
        "accepted_reason": "set på" if accepted_by else None,
        "accepted_at": at,
    }


def report(*rows):
    return pl.DataFrame(list(rows), schema=dict(QUALITY_REPORT.dtypes))
