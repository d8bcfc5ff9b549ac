"""What programs are told when there is nothing to give, the same in every case; and how the API's document says so."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from pydantic import BaseModel, Field

from portal.context import portal_of
from portal.files.published import Publication
from portal.identity import Identity
from schemas.periods import Period

AnyPeriod = TypeVar("AnyPeriod", bound=Period)


class Problem(BaseModel):
    """Why there is no other answer."""

    detail: str = Field(description="Why, in Danish.", examples=["Siden findes ikke."])


class Withdrawn(BaseModel):
    """What is left of a release that was withdrawn."""

    detail: str = Field(description="That it was withdrawn, in Danish.", examples=["Udgivelsen er trukket tilbage."])
    reason: str = Field(description="Why, as KL wrote it.", examples=["En kommunes tal var indberettet to gange."])
    withdrawn_at: str = Field(description="When (UTC).", examples=["2026-11-22T12:00:00+00:00"])


Answers = dict[int | str, dict[str, Any]]
REFUSED: Answers = {
    401: {
        "model": Problem,
        "description": "Neither a valid token nor a session.",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    },
    422: {"model": Problem, "description": "The request cannot be read."},
    429: {
        "model": Problem,
        "description": "This address sent too many wrong tokens.",
        "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}},
    },
}
NOT_FOUND: Answers = {404: {"model": Problem, "description": "It does not exist, or it is not yours."}}
GONE: Answers = {410: {"model": Withdrawn, "description": "The release was withdrawn; the answer says why."}}


class GoneError(Exception):
    """Asked for something of a release that was withdrawn."""

    def __init__(self, tombstone: Withdrawn) -> None:
        super().__init__("withdrawn")
        self.tombstone = tombstone


def period_or_404(periods: Mapping[str, AnyPeriod], name: str) -> AnyPeriod:
    """The one of these rounds or years that has this name.

    Raises:
        HTTPException: 404 where there is none.
    """
    period = periods.get(name)
    if period is None:
        raise HTTPException(404)
    return period


def period_found(request: Request, periods: Mapping[str, AnyPeriod], name: str) -> AnyPeriod:
    """As `period_or_404`, and no other spelling of its name.

    Raises:
        HTTPException: 404.
    """
    if _is_encoded(request):
        raise HTTPException(404)
    return period_or_404(periods, name)


def found(request: Request, asker: Identity, round_name: str, release: str, path: str | None = None) -> Publication:
    """The release of this id, or `latest`, of which somebody may see a file, or anything where none is named.

    Raises:
        HTTPException: 404, whether it does not exist or is not theirs.
        GoneError: it was withdrawn, and they could have seen it.
    """
    publications = portal_of(request).publications
    publication = None if _is_encoded(request) else publications.release(round_name, release)
    if publication is None:
        raise HTTPException(404)
    if not (publication.is_visible_to(asker) if path is None else publication.may_see(asker, path)):
        raise HTTPException(404)
    tombstone = publications.tombstone(publication)
    if tombstone is not None:
        raise GoneError(
            Withdrawn(
                detail="Udgivelsen er trukket tilbage.",
                reason=tombstone.reason,
                withdrawn_at=tombstone.at.isoformat(),
            )
        )
    return publication


def _is_encoded(request: Request) -> bool:
    """Whether an address is written in a way that none of ours is."""
    return b"%" in request.scope.get("raw_path", b"")
