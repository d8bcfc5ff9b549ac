"""Who asks: a municipality or KL. Nothing else is known of a person."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Role = Literal["municipality", "kl"]


@dataclass(frozen=True)
class Identity:
    """Who is signed in, by whatever way.

    Attributes:
        subject: what tells people apart in the audit log: `token:<id>` or `oidc:<subject>`.
        role: `municipality` or `kl`.
        municipality_code: three digits; None for KL.
        expires_at: UTC; later requests are nobody's.
    """

    subject: str
    role: Role
    municipality_code: str | None
    expires_at: dt.datetime

    @property
    def is_kl(self) -> bool:
        """Whether this is KL."""
        return self.role == "kl"
