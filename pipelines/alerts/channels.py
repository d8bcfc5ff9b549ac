"""Where alerts go: the mail server, the recipients, the webhook. Only what they are; `sending` uses them."""

from dataclasses import dataclass, field

from schemas.errors import BotilbudError


class AlertError(BotilbudError):
    """An alert that could not be sent, or was told to be sent where nothing can be; holds no secret."""


@dataclass(frozen=True)
class MailServer:
    """Where e-mail is handed over. With `implicit_tls` the connection is encrypted from its first byte (smtps)."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    implicit_tls: bool

    def __str__(self) -> str:
        return f"the mail server {self.host}:{self.port}"


@dataclass(frozen=True)
class Mail:
    """Alerts as e-mail: the server, the sender and the recipients."""

    server: MailServer
    sender: str
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Channels:
    """Where alerts go; None for a channel that is not in use.

    Attributes:
        mail: e-mail.
        webhook: the address that JSON is posted to; its path may be a secret.
        portal: the portal's address, that messages point to.
        timeout_seconds: how long to wait for each read of an answer.
        deadline_seconds: how long a message may take in all, over all channels and attempts; below the minute that Dagster
            gives a sensor.
    """

    mail: Mail | None
    webhook: str | None = field(repr=False)
    portal: str | None = None
    timeout_seconds: float = 10.0
    deadline_seconds: float = 45.0
