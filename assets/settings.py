"""Where things are: the only place that reads the environment. Nothing is read at import."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from upath import UPath

from pipelines.alerts.channels import AlertError, Channels, Mail, MailServer
from pipelines.storage import is_local, located
from portal.settings import CVR_CLAIM, OpenIdSettings, Settings
from schemas.errors import BotilbudError

PROJECT = Path(__file__).parents[1]
STATBANK_URL = "https://api.statbank.dk/v1/data"
_MAIL_PORTS = {"smtp": 587, "smtps": 465}


def data_location() -> str:
    """The data root: `BOTILBUD_DATA` (a folder or an `s3://` URL), else `data/` in the project."""
    return os.environ.get("BOTILBUD_DATA") or str(PROJECT / "data")


def data_root() -> UPath:
    """The data root as a path; a folder is made absolute."""
    return located(data_location())


def statbank_url() -> str:
    """Statistics Denmark's data function: `BOTILBUD_STATBANK_URL`, else the public one."""
    return os.environ.get("BOTILBUD_STATBANK_URL") or STATBANK_URL


def rounding_secret() -> str | None:
    """What the draws of rounding are keyed by: `BOTILBUD_ROUNDING_SECRET`, else the data root's own."""
    return os.environ.get("BOTILBUD_ROUNDING_SECRET") or None


def portal_state() -> Path:
    """The portal's own folder: `BOTILBUD_PORTAL_STATE`, else `portal/` in the data root.

    Raises:
        BotilbudError: the data root is an object store, and no folder is named.
    """
    named = os.environ.get("BOTILBUD_PORTAL_STATE")
    root = data_root()
    if not named and not is_local(root):
        raise BotilbudError(f"{root} is no folder of this machine: name one for the portal in BOTILBUD_PORTAL_STATE")
    return Path(named).absolute() if named else Path(str(root)) / "portal"


def portal_url(host: str = "127.0.0.1", port: int = 8080) -> str:
    """The address that browsers reach the portal under: `BOTILBUD_PORTAL_URL`, else where it listens."""
    return (os.environ.get("BOTILBUD_PORTAL_URL") or f"http://{host}:{port}").rstrip("/")


def portal_settings(host: str, port: int) -> Settings:
    """What the portal must know."""
    return Settings(
        root=data_root(),
        state=portal_state(),
        url=portal_url(host, port),
        dagster_url=os.environ.get("BOTILBUD_DAGSTER_URL") or Settings.dagster_url,
        openid=_openid(),
    )


def alert_channels() -> Channels | None:
    """Where alerts go: e-mail (`BOTILBUD_ALERT_SMTP`, `_FROM`, `_TO`) and a webhook (`_WEBHOOK`); None where none is set.

    Raises:
        AlertError: a setting is missing or cannot be used; names it and never shows it.
    """
    smtp, webhook = (os.environ.get(f"BOTILBUD_ALERT_{name}") or None for name in ("SMTP", "WEBHOOK"))
    if smtp is None and webhook is None:
        return None
    if webhook is not None and not (webhook.startswith(("http://", "https://")) and _host(webhook)):
        raise AlertError("BOTILBUD_ALERT_WEBHOOK is no http:// or https:// address")
    portal = os.environ.get("BOTILBUD_PORTAL_URL", "").rstrip("/") or None
    return Channels(mail=None if smtp is None else _mail(smtp), webhook=webhook, portal=portal)


def _mail(smtp: str) -> Mail:
    sender, to = (os.environ.get(f"BOTILBUD_ALERT_{name}", "") for name in ("FROM", "TO"))
    recipients = tuple(address.strip() for address in to.split(",") if address.strip())
    for name, addresses in (("FROM", (sender,)), ("TO", recipients)):
        if not addresses or not all(re.fullmatch(r"[!-~]+@[!-~]+", address) for address in addresses):
            raise AlertError(f"BOTILBUD_ALERT_SMTP needs BOTILBUD_ALERT_{name}: e-mail addresses, as name@example.org")
    return Mail(_mail_server(smtp), sender, recipients)


def _mail_server(smtp: str) -> MailServer:
    unusable = AlertError(
        "BOTILBUD_ALERT_SMTP is not written smtp://user:password@host:port or smtps://user:password@host:port (write "
        "characters such as / and @ in user and password as %2F and %40)"
    )
    try:
        parts = urlsplit(smtp)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise unusable from None
    if parts.scheme not in _MAIL_PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise unusable
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return MailServer(host, port or _MAIL_PORTS[parts.scheme], user or None, password, parts.scheme == "smtps")


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _openid() -> OpenIdSettings | None:
    """The OpenID Connect provider of `BOTILBUD_OIDC_ISSUER`; None where there is none.

    Raises:
        BotilbudError: the client's id or secret is missing.
    """
    issuer = os.environ.get("BOTILBUD_OIDC_ISSUER")
    if not issuer:
        return None
    client_id, secret = (os.environ.get(f"BOTILBUD_OIDC_CLIENT_{name}", "") for name in ("ID", "SECRET"))
    if not client_id or not secret:
        raise BotilbudError("BOTILBUD_OIDC_ISSUER needs BOTILBUD_OIDC_CLIENT_ID and BOTILBUD_OIDC_CLIENT_SECRET")
    return OpenIdSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=secret,
        cvr_claim=os.environ.get("BOTILBUD_OIDC_CVR_CLAIM") or CVR_CLAIM,
        role_claim=os.environ.get("BOTILBUD_OIDC_ROLE_CLAIM") or "role",
        kl_role=os.environ.get("BOTILBUD_OIDC_KL_ROLE") or "kl",
    )
