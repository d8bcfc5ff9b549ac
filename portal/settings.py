"""What the portal must know of where it runs; the command reads it from the environment."""

from dataclasses import dataclass
from pathlib import Path

from upath import UPath

CVR_CLAIM = "https://data.gov.dk/model/core/eid/professional/cvr"


@dataclass(frozen=True)
class OpenIdSettings:
    """The organisation's OpenID Connect provider. A municipality is known by its CVR number, KL by a role."""

    issuer: str
    client_id: str
    client_secret: str
    cvr_claim: str = CVR_CLAIM
    role_claim: str = "role"
    kl_role: str = "kl"


@dataclass(frozen=True)
class Settings:
    """One portal.

    Attributes:
        root: the data root; releases and the warehouse are read, `inbox/` and `decisions/` written.
        state: a folder of this machine that is the portal's alone: tokens, drafts, receipts, the audit log, its key.
        url: the address under which browsers reach it, without a slash at the end; `https` makes cookies secure.
        dagster_url: where KL finds the asset graph.
        openid: sign-in by an OpenID Connect provider; None where tokens are the only way in.
    """

    root: UPath
    state: Path
    url: str
    dagster_url: str = "http://127.0.0.1:3000"
    openid: OpenIdSettings | None = None

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the portal encrypted."""
        return self.url.startswith("https://")
