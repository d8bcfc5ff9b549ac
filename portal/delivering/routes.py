"""The addresses under which programs hand in and see what became of it. Pages: `portal.pages.deliver`."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from portal.access import csrf
from portal.access.credentials import bearer_token
from portal.access.guard import api_identity
from portal.context import portal_of
from portal.delivering.drafts import Draft
from portal.delivering.handing_in import checked_draft, confirmed_draft, known_round
from portal.delivering.receipts import Receipt
from portal.delivering.refused import ERRORS_SHOWN, FileErrors, RefusedError
from portal.delivering.upload import FIELD
from portal.identity import Identity
from schemas.rounds import Round

router = APIRouter(tags=["deliveries"])


class RowErrorAnswer(BaseModel):
    """One broken rule of one row."""

    row: int = Field(description="The row's number as a spreadsheet shows it.")
    question: int | None = Field(description="The question's number, 1 to 36; null for the whole row.")
    rule: str = Field(description="The rule of the screening format that the row breaks.", examples=["option"])
    message: str = Field(description="What is wrong and what is allowed, in Danish.")


class ReceiptAnswer(BaseModel):
    """A delivery that was received; rows = eligible + out_of_scope + rejected."""

    round: str = Field(examples=["2022-10-01"])
    municipality_code: str = Field(examples=["183"])
    file: str = Field(description="The name under which it was received.")
    received_at: dt.datetime = Field(description="UTC.")
    sha256: str = Field(description="SHA-256 of the file that was received, hexadecimal.")
    bytes: int
    rows: int = Field(description="Case rows read.")
    eligible: int = Field(description="Rows that count.")
    out_of_scope: int = Field(
        description="Valid rows that do not count: below the threshold or not in residential care."
    )
    rejected: int = Field(description="Rows that break a rule; they do not count.")
    error_count: int = Field(description="Broken rules in all.")
    errors: list[RowErrorAnswer] = Field(description=f"The first {ERRORS_SHOWN} of them.")


class RefusalAnswer(BaseModel):
    """A file that was not received. Nothing of it is kept."""

    detail: str = Field(description="Why, in Danish.")
    rule: str = Field(description="The rule it breaks.", examples=["another_municipality"])
    errors: list[RowErrorAnswer] = Field(description=f"The first {ERRORS_SHOWN} broken rules of its rows.")


class DeliveryAnswer(BaseModel):
    """One delivery and what became of it."""

    municipality_code: str
    file: str
    sender_name: str | None = Field(description="The sender's name for it; null where it came by another way.")
    received_at: dt.datetime = Field(description="UTC.")
    status: Literal["pending", "current", "superseded", "rejected"] = Field(
        description="pending: the night has not read it yet; current: it counts; superseded: a newer one does."
    )
    sha256: str | None
    bytes: int | None
    rows: int | None
    eligible: int | None
    out_of_scope: int | None
    rejected: int | None
    rule: str | None = Field(description="The rule for which it is rejected whole.")
    message: str | None = Field(description="Why it is rejected whole, in Danish.")


class ErrorAnswer(BaseModel):
    """Why there is no other answer."""

    detail: str


_REFUSALS = {
    400: "The body is broken or holds more than one file.",
    408: "The body came too slowly.",
    409: "The round is closed, or another municipality reports for this one.",
    413: "The file is larger than the format allows.",
    415: "The body is not multipart/form-data.",
    422: "The format rejects the file whole, or it is another municipality's.",
    503: "The inbox is not in order; KL must see to it.",
}
_ERRORS = {
    401: "No valid credential.",
    404: "No such round, or nothing for this one to see.",
    429: "Too many wrong tokens came from this address.",
}
_ERRORS_OF_HANDING_IN = {
    403: "Sent with a browser's cookie and without X-CSRF-Token.",
    429: "Too many wrong tokens came from this address, too many files of this municipality wait to be checked, or it has "
    "handed in too often today.",
}
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": [FIELD],
                "properties": {
                    FIELD: {
                        "type": "string",
                        "format": "binary",
                        "description": "The form, as .xlsx, .ods, .csv or .parquet; at most 10 MB.",
                    }
                },
            }
        }
    },
}


def _declared(texts: dict[int, str], model: type[BaseModel]) -> dict[int | str, dict[str, object]]:
    return {status: {"description": text, "model": model} for status, text in texts.items()}


@router.post(
    "/deliveries/{round_name}",
    status_code=201,
    response_model=ReceiptAnswer,
    openapi_extra={"requestBody": _FORM},
    responses={
        200: {
            "description": "The same bytes as the newest delivery: nothing changes, the receipt that there is.",
            "model": ReceiptAnswer,
        }
    }
    | _declared(_REFUSALS, RefusalAnswer)
    | _declared(_ERRORS | _ERRORS_OF_HANDING_IN, ErrorAnswer),
)
async def hand_in(request: Request, round_name: str, identity: Annotated[Identity, Depends(api_identity)]) -> Response:
    """Hand in a file: checked as the night would, and received at once unless it is refused."""
    if identity.municipality_code is None:
        raise HTTPException(404)
    round_ = known_round(round_name)
    if bearer_token(request) is None:
        csrf.require_own_form(request, request.headers.get(csrf.HEADER))
    try:
        draft = await checked_draft(request, round_, identity, identity.municipality_code, is_from_page=False)
        answer, is_new = await run_in_threadpool(_delivered, request, draft, round_, identity)
    except RefusedError as refused:
        return _refusal(refused)
    return JSONResponse(answer.model_dump(mode="json"), 201 if is_new else 200)


@router.get("/deliveries/{round_name}", responses=_declared(_ERRORS, ErrorAnswer))
def deliveries(
    request: Request, round_name: str, identity: Annotated[Identity, Depends(api_identity)]
) -> list[DeliveryAnswer]:
    """The deliveries of a round, newest first: a municipality's own, for KL everybody's."""
    found = portal_of(request).desk.deliveries(known_round(round_name).name, identity.municipality_code)
    return [DeliveryAnswer.model_validate(one, from_attributes=True) for one in found]


def _delivered(request: Request, draft: Draft, round_: Round, identity: Identity) -> tuple[ReceiptAnswer, bool]:
    """The receipt of a draft, and whether it is a new one."""
    portal = portal_of(request)
    overtaken = RefusedError(409, "overtaken", "Der kom nyere filer imens. Prøv igen.", checksum=draft.sha256)
    try:
        errors = portal.desk.errors(draft, round_)
    except FileNotFoundError:  # pushed out by newer drafts of the same municipality
        raise overtaken from None
    try:
        confirmed = confirmed_draft(request, draft.id, round_, identity)
    except RefusedError:
        portal.desk.cancel(draft)
        raise
    if confirmed is None:
        raise overtaken
    receipt, is_new = confirmed
    return _receipt(receipt, draft, errors), is_new


def _receipt(receipt: Receipt, draft: Draft, errors: FileErrors) -> ReceiptAnswer:
    return ReceiptAnswer(
        round=receipt.round_name,
        municipality_code=receipt.municipality_code,
        file=receipt.file,
        received_at=receipt.received_at,
        sha256=receipt.sha256,
        bytes=receipt.bytes,
        rows=receipt.rows,
        eligible=receipt.eligible,
        out_of_scope=receipt.out_of_scope,
        rejected=receipt.rejected,
        error_count=draft.error_count,
        errors=_shown(errors),
    )


def _refusal(refused: RefusedError) -> JSONResponse:
    answer = RefusalAnswer(detail=refused.message, rule=refused.rule, errors=_shown(refused.errors))
    return JSONResponse(answer.model_dump(mode="json"), refused.status, headers=refused.headers)


def _shown(errors: FileErrors) -> list[RowErrorAnswer]:
    return [RowErrorAnswer.model_validate(error, from_attributes=True) for error in errors.first]
