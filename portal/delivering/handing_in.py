"""Handing in by a request, whether from a page or a program: the body, the check, the receipt, the audit log."""

import asyncio
from functools import partial

from fastapi import HTTPException, Request

from portal.access import csrf
from portal.context import portal_of
from portal.delivering.drafts import LIFETIME, Draft
from portal.delivering.receipts import Receipt
from portal.delivering.refused import RefusedError
from portal.delivering.upload import Upload, received
from portal.identity import Identity
from schemas.rounds import Round, load_rounds


def known_round(round_name: str) -> Round:
    """The round of this name.

    Raises:
        HTTPException: 404.
    """
    round_ = load_rounds().get(round_name)
    if round_ is None:
        raise HTTPException(404)
    return round_


async def checked_draft(
    request: Request, round_: Round, identity: Identity, municipality_code: str, *, is_from_page: bool
) -> Draft:
    """The draft of the file in the body.

    Args:
        request: with its body unread.
        round_: the round it is handed in for.
        identity: who asks.
        municipality_code: theirs.
        is_from_page: whether the form must hold the field that only our pages know.

    Raises:
        RefusedError: it is not taken in; that is in the audit log already.
        HTTPException: 403.
    """
    portal = portal_of(request)
    try:
        async with received(request) as upload:
            if is_from_page:
                csrf.require_own_form(request, upload.fields.get(csrf.FIELD))
            draft = await _taken(request, upload, round_, municipality_code)
    except RefusedError as refused:
        what = f"{request.url.path} {refused.rule}"
        portal.audit.record(portal.now(), identity, "refused", what, refused.checksum)
        raise
    portal.audit.record(portal.now(), identity, "upload", request.url.path, draft.sha256)
    # A draft that nobody comes back to goes when its hour is over, and not when the next one comes to the desk.
    asyncio.get_running_loop().call_later(LIFETIME.total_seconds(), portal.desk.cancel, draft)
    return draft


def confirmed_draft(request: Request, draft_id: str, round_: Round, identity: Identity) -> tuple[Receipt, bool] | None:
    """The receipt of a draft that is handed in, as `Desk.confirm` gives it.

    Raises:
        RefusedError: it is not received; that is in the audit log already.
    """
    portal = portal_of(request)
    try:
        return portal.desk.confirm(draft_id, round_, identity, portal.now())
    except RefusedError as refused:
        what = f"{request.url.path} {refused.rule}"
        portal.audit.record(portal.now(), identity, "refused", what, refused.checksum)
        raise


async def _taken(request: Request, upload: Upload, round_: Round, municipality_code: str) -> Draft:
    portal = portal_of(request)
    take = partial(portal.desk.take, upload, round_, municipality_code, portal.now())
    return await portal.desk.in_turn(municipality_code, take)
