"""KL's pages of the quality gate: what the last night found in a round, and accepting its warnings.

What belongs here: what the gate found, as pages show it. What does not: the expectations themselves (`pipelines.quality`).
The table is last night's, while an acceptance counts at once: it is read from where `accept` writes it.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import polars as pl
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import RedirectResponse, Response
from upath import UPath

from pipelines import storage
from pipelines.quality.acceptances import Acceptance, accept, acceptances, is_stopping, is_warning
from portal import wording
from portal.access.csrf import form_texts
from portal.access.guard import csrf_checked
from portal.context import portal_of
from portal.pages.kl_forms import Consultant, faults, filled, signature
from portal.pages.rounds import round_or_404
from portal.templating import page
from schemas.errors import QualityError
from schemas.rounds import Round
from schemas.tables import QUALITY_REPORT

router = APIRouter()


class Finding(NamedTuple):
    """An expectation of the quality gate as pages show it.

    Attributes:
        about: what the table that it is about is called.
        expected: what is expected.
        places: where it is not so.
        extent: how much of the table was looked at, and how much is not so; None where only a release tells of it.
        action: what to do; None where nothing is.
        warning: what the warning is accepted by; None where it is none.
        accepted: who accepted the warning; None where nobody did.
    """

    about: str
    expected: str
    places: list[str]
    extent: str | None
    action: str | None
    warning: str | None
    accepted: Acceptance | None


class Findings(NamedTuple):
    """What the quality gate found in a round, each list in the order in which the expectations are declared.

    Attributes:
        report: the table.
        checked_at: when it was made (UTC).
        stopping: what keeps the night from making a release.
        unaccepted: the warnings that nobody accepted.
        accepted: the warnings that somebody accepted.
        met: what is as expected.
    """

    report: pl.DataFrame
    checked_at: dt.datetime
    stopping: list[Finding]
    unaccepted: list[Finding]
    accepted: list[Finding]
    met: list[Finding]


def findings(root: UPath, round_name: str) -> Findings | None:
    """What the quality gate of the last night found in a round; None where there was none yet."""
    path = storage.table_file(root, QUALITY_REPORT.name, round_name)
    try:
        report = storage.read_parquet(path)
        checked_at = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except FileNotFoundError:
        return None
    by_warning = acceptances(root, round_name)

    def those(which: pl.Expr) -> list[Finding]:
        return [_finding(row, by_warning.get(row["warning_id"])) for row in report.filter(which).iter_rows(named=True)]

    warnings = those(is_warning())
    return Findings(
        report=report,
        checked_at=checked_at,
        stopping=those(is_stopping()),
        unaccepted=[each for each in warnings if each.accepted is None],
        accepted=[each for each in warnings if each.accepted is not None],
        met=those(pl.col("met")),
    )


def _finding(row: Mapping[str, Any], accepted: Acceptance | None) -> Finding:
    return Finding(
        about=wording.table(row["about"]),
        expected=row["expected_da"],
        places=wording.places(row["failing_keys"]),
        extent=wording.extent(row["rows_checked"], row["rows_failing"]),
        action=row["action_da"],
        warning=row["warning_id"],
        accepted=accepted,
    )


def released_with(document: Mapping[str, Any]) -> list[Finding]:
    """The warnings that a release was made with, as its manifest tells; none of one that is older than the gate."""
    return [
        Finding(
            about=wording.table(warning["about"]),
            expected=warning["expected"],
            places=wording.places(warning["failingKeys"]),
            extent=None,
            action=None,
            warning=warning["warningId"],
            accepted=_acceptance(warning["accepted"]),
        )
        for warning in document.get("warnings", [])
    ]


def _acceptance(told: Mapping[str, str] | None) -> Acceptance | None:
    return None if told is None else Acceptance(told["by"], told["reason"], dt.datetime.fromisoformat(told["at"]))


@router.get("/runder/{round_name}/kvalitet")
def quality(request: Request, round_name: str, _: Consultant) -> Response:
    """What the last night found in a round: what stops the release, the warnings, and what is as expected."""
    round_ = round_or_404(round_name)
    return page(
        request,
        "kl_kvalitet.html",
        round_=round_,
        found=findings(portal_of(request).settings.root, round_.name),
        wording=wording,
    )


@router.get("/runder/{round_name}/kvalitet/{warning}")
def ask(request: Request, round_name: str, warning: str, _: Consultant) -> Response:
    """One warning with the form to accept it, or who accepted it."""
    round_, _report, subject = _subject(request, round_name, warning)
    return _form(request, round_, subject, filled({}), {})


@router.post("/runder/{round_name}/kvalitet/{warning}", dependencies=[Depends(csrf_checked)])
def accept_warning(
    request: Request,
    round_name: str,
    warning: str,
    identity: Consultant,
    sent: Annotated[dict[str, str], Depends(form_texts)],
) -> Response:
    """Accepts a warning, or shows the form again with what is missing."""
    round_, report, subject = _subject(request, round_name, warning)
    portal = portal_of(request)
    given = filled(sent)
    errors = faults(given)
    if not errors:
        acceptance = Acceptance(signature(given, identity), given["begrundelse"], portal.now())
        try:
            accept(portal.settings.root, report, warning, acceptance)
        except QualityError:
            # The warning is in the report and the form is filled in: somebody was first.
            subject = _subject(request, round_name, warning)[2]
            errors = {"godkendt": "Advarslen er allerede godkendt"}
    if errors:
        return _form(request, round_, subject, given, errors)
    portal.audit.record(portal.now(), identity, "accept_warning", f"{round_.name}/{warning}")
    return RedirectResponse(f"/kl/runder/{round_.name}/kvalitet", 303)


def _subject(request: Request, round_name: str, warning: str) -> tuple[Round, pl.DataFrame, Finding]:
    """The warning that is looked at, with the report that it is in.

    Raises:
        HTTPException: 404 where the last night found no such warning in the round.
    """
    round_ = round_or_404(round_name)
    found = findings(portal_of(request).settings.root, round_.name)
    if found is not None:
        for each in (*found.unaccepted, *found.accepted):
            if each.warning == warning:
                return round_, found.report, each
    raise HTTPException(404)


def _form(
    request: Request, round_: Round, warning: Finding, given: Mapping[str, str], errors: Mapping[str, str]
) -> Response:
    return page(
        request,
        "kl_advarsel.html",
        422 if errors else 200,
        round_=round_,
        warning=warning,
        given=given,
        errors=errors,
    )
