"""The pages on which a municipality hands in: the form, the result of the check, the receipt. Programs: `delivering.routes`."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from itertools import groupby
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from pipelines.form.form import template
from pipelines.ingest.messages import RULES_DA
from pipelines.ingest.text import printable
from portal import danish, wording
from portal.access.guard import csrf_checked, municipality_identity, page_identity
from portal.context import portal_of
from portal.delivering.desk import require_welcome
from portal.delivering.drafts import Draft
from portal.delivering.handing_in import checked_draft, confirmed_draft, known_round
from portal.delivering.receipts import HandedIn, Receipt
from portal.delivering.refused import FileErrors, RefusedError, RowError
from portal.identity import Identity
from portal.templating import page
from schemas.questionnaire import load_catalogue
from schemas.rounds import Round, find_round

ERRORS_SHOWN = 200
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_NIGHT_HOUR = 2  # the schedule of the nightly run

router = APIRouter()

Municipality = Annotated[Identity, Depends(municipality_identity)]


class _Errors(NamedTuple):
    """Errors as a page shows them: how many of each kind, and the first ones by row."""

    total: int
    shown: int
    kinds: list[tuple[str, int]]
    rows: list[tuple[int, list[RowError]]]


def _shown(errors: FileErrors) -> _Errors:
    first = errors.first[:ERRORS_SHOWN]
    kinds = [(RULES_DA[rule], count) for rule, count in errors.by_rule.items()]
    rows = [(row, list(of)) for row, of in groupby(first, key=lambda error: error.row)]
    return _Errors(errors.total, len(first), sorted(kinds, key=lambda kind: (-kind[1], kind[0])), rows)


@router.get("/runder/{round_name}/skema.xlsx")
def empty_form(round_name: str, _: Annotated[Identity, Depends(page_identity)]) -> Response:
    """The empty form of a round."""
    round_ = known_round(round_name)
    return _workbook(_template(round_.name), f"skema-{round_.name}.xlsx")


@cache
def _template(round_name: str) -> bytes:
    round_ = find_round(round_name)
    return template(round_, load_catalogue(round_.questionnaire))


@router.get("/runder/{round_name}/aflevering")
def form(request: Request, round_name: str, identity: Municipality) -> Response:
    """Where to hand in, and what has been handed in."""
    round_, code = known_round(round_name), _code(identity)
    try:
        require_welcome(round_, code)
    except RefusedError as refused:
        return _form(request, round_, code, closed=refused.message)
    return _form(request, round_, code)


@router.post("/runder/{round_name}/aflevering")
async def hand_over(request: Request, round_name: str, identity: Municipality) -> Response:
    """Takes a file in for checking."""
    round_, code = known_round(round_name), _code(identity)
    try:
        draft = await checked_draft(request, round_, identity, code, is_from_page=True)
    except RefusedError as refused:
        answer = await run_in_threadpool(_form, request, round_, code, refused=refused)
        answer.headers.update(refused.headers)
        return answer
    return RedirectResponse(f"/runder/{round_.name}/aflevering/{draft.id}", 303)


@router.get("/runder/{round_name}/aflevering/{draft_id}")
def result(request: Request, round_name: str, draft_id: str, identity: Municipality) -> Response:
    """The result of the check; once confirmed, the receipt."""
    round_, code, portal = known_round(round_name), _code(identity), portal_of(request)
    receipt = portal.desk.receipt(draft_id, round_, code)
    if receipt is not None:
        return _receipt(request, round_, receipt)
    draft = _draft(request, round_, code, draft_id)
    with _still_there():
        errors = _shown(portal.desk.errors(draft, round_))
    return page(request, "kontrol.html", round=round_, draft=draft, errors=errors, rules=RULES_DA)


@router.post("/runder/{round_name}/aflevering/{draft_id}/bekraeft", dependencies=[Depends(csrf_checked)])
def confirm(request: Request, round_name: str, draft_id: str, identity: Municipality) -> Response:
    """Hands in what was checked; again, it shows the same receipt."""
    round_, code = known_round(round_name), _code(identity)
    try:
        confirmed = confirmed_draft(request, draft_id, round_, identity)
    except RefusedError as refused:
        return _form(request, round_, code, refused=refused)
    if confirmed is None:
        raise HTTPException(404)
    return RedirectResponse(request.url.path.removesuffix("/bekraeft"), 303)


@router.post("/runder/{round_name}/aflevering/{draft_id}/fortryd", dependencies=[Depends(csrf_checked)])
def cancel(request: Request, round_name: str, draft_id: str, identity: Municipality) -> Response:
    """Throws a draft away."""
    round_, code = known_round(round_name), _code(identity)
    portal_of(request).desk.cancel(_draft(request, round_, code, draft_id))
    return RedirectResponse(f"/runder/{round_.name}/aflevering", 303)


@router.get("/runder/{round_name}/aflevering/{draft_id}/rettelser.xlsx")
async def marked_up(request: Request, round_name: str, draft_id: str, identity: Municipality) -> Response:
    """The draft as a workbook with its faults marked."""
    round_, code, portal = known_round(round_name), _code(identity), portal_of(request)
    draft = _draft(request, round_, code, draft_id)
    if not draft.can_be_marked:
        raise HTTPException(404)
    with _still_there():
        content = await _in_turn(request, code, partial(portal.desk.marked_up, draft, round_))
    portal.audit.record(portal.now(), identity, "download", request.url.path, draft.sha256)
    return _workbook(content, f"rettelser-{round_.name}-{code}.xlsx")


async def _in_turn(request: Request, code: str, work: Callable[[], bytes]) -> bytes:
    try:
        return await portal_of(request).desk.in_turn(code, work)
    except RefusedError as refused:
        raise HTTPException(refused.status, refused.message) from None


def _code(identity: Identity) -> str:
    if identity.municipality_code is None:  # `municipality_identity` lets nobody else in
        raise HTTPException(404)
    return identity.municipality_code


def _draft(request: Request, round_: Round, municipality_code: str, draft_id: str) -> Draft:
    portal = portal_of(request)
    draft = portal.desk.draft(draft_id, round_, municipality_code, portal.now())
    if draft is None:
        raise HTTPException(404)
    return draft


@contextmanager
def _still_there() -> Iterator[None]:
    """A draft that goes while it is being read was never there."""
    try:
        yield
    except FileNotFoundError:
        raise HTTPException(404) from None


def _workbook(content: bytes, name: str) -> Response:
    return Response(content, media_type=_XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _form(
    request: Request, round_: Round, code: str, *, refused: RefusedError | None = None, closed: str | None = None
) -> Response:
    portal = portal_of(request)
    return page(
        request,
        "aflevering.html",
        status_code=200 if refused is None else refused.status,
        round=round_,
        deadline=wording.deadline(round_.deadline, danish.day(portal.now()), is_open=round_.open),
        closed=closed,
        refused=refused,
        errors=_shown(refused.errors if refused else FileErrors({}, ())),
        rules=RULES_DA,
        deliveries=portal.desk.deliveries(round_.name, code),
    )


def _receipt(request: Request, round_: Round, receipt: Receipt) -> Response:
    portal = portal_of(request)
    known = portal.desk.deliveries(round_.name, receipt.municipality_code)
    return page(
        request,
        "kvittering.html",
        round=round_,
        receipt=receipt,
        became=_became(known, receipt),
        next_night=_next_night(portal.now()),
    )


def _became(known: list[HandedIn], receipt: Receipt) -> HandedIn | None:
    return next((one for one in known if one.file == printable(receipt.file)), None)


def _next_night(now: dt.datetime) -> dt.date:
    """The Danish date of the next nightly run."""
    local = now.astimezone(_COPENHAGEN)
    return local.date() + dt.timedelta(days=local.hour >= _NIGHT_HOUR)
