"""Where things are: the only place that reads the environment. Nothing is read at import."""

import os
from pathlib import Path

from upath import UPath

from pipelines.storage import is_local, located
from portal.settings import CVR_CLAIM, OpenIdSettings, Settings
from schemas.errors import BotilbudError

PROJECT = Path(__file__).parents[1]
STATBANK_URL = "https://api.statbank.dk/v1/data"


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


def portal_settings(host: str, port: int) -> Settings:
    """What the portal must know; reached under `BOTILBUD_PORTAL_URL`, else where it listens."""
    return Settings(
        root=data_root(),
        state=portal_state(),
        url=(os.environ.get("BOTILBUD_PORTAL_URL") or f"http://{host}:{port}").rstrip("/"),
        dagster_url=os.environ.get("BOTILBUD_DAGSTER_URL") or Settings.dagster_url,
        openid=_openid(),
    )


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
