"""What every form of KL's asks of whoever decides: a name and a reason, which are kept with what was decided."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends

from pipelines.ingest.text import is_written
from portal import danish
from portal.access.guard import kl_identity
from portal.identity import Identity

Consultant = Annotated[Identity, Depends(kl_identity)]
FIELDS = ("navn", "begrundelse")
_TEXT_CHARACTERS = 1_000


def filled(sent: Mapping[str, str], fields: tuple[str, ...] = FIELDS) -> dict[str, str]:
    """The form's fields as sent, without spaces around; what is missing is empty."""
    return {field: sent.get(field, "").strip() for field in fields}


def faults(given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with name and reason, by field."""
    found = {}
    if not is_written(given["navn"]):
        found["navn"] = "Skriv dit navn"
    if not is_written(given["begrundelse"]):
        found["begrundelse"] = "Skriv en begrundelse"
    for field in FIELDS:
        if len(given[field]) > _TEXT_CHARACTERS:
            found[field] = f"Skriv højst {danish.number(_TEXT_CHARACTERS)} tegn"
    return found


def signature(given: Mapping[str, str], identity: Identity) -> str:
    """Who decides: the name that was written, and how they signed in."""
    return f"{given['navn']} ({identity.subject})"
