"""KL's pages: how far the municipalities are, reminders, decisions on releases, and the audit log."""

import datetime as dt
from collections import Counter, deque
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from pipelines.danish import joined
from pipelines.quality.acceptances import acceptances
from pipelines.release import life
from portal import danish, wording
from portal.access.audit_log import Event
from portal.access.csrf import form_texts
from portal.access.guard import csrf_checked
from portal.context import Portal, portal_of
from portal.files.published import LATEST, Publication
from portal.identity import Identity
from portal.pages import documentation, quality
from portal.pages.kl_forms import FIELDS, Consultant, faults, filled, signature
from portal.pages.releases import release_shown
from portal.pages.rounds import reported_by, round_or_404
from portal.standing import Standing, State, standing, standings
from portal.templating import page
from schemas.errors import ReleaseError
from schemas.labels_da import RELEASE_STATUSES_DA
from schemas.rounds import Round, load_rounds

router = APIRouter(prefix="/kl")
router.include_router(quality.router)
router.include_router(documentation.router)
_EVENTS_PER_PAGE = 50
ACTIONS = {
    "sign_in": "logget ind",
    "sign_in_failed": "mislykket login",
    "sign_in_failed_left_out": "flere mislykkede login (antal)",
    "sign_out": "logget ud",
    "view": "set tal på siden",
    "download": "hentet fil",
    "upload": "fil kontrolleret",
    "delivery": "afleveret",
    "refused": "fil afvist ved kontrol",
    "promote": "udgivelse gjort endelig",
    "withdraw": "udgivelse trukket tilbage",
    "accept_warning": "advarsel godkendt",
    "torn_line": "afbrudt linje i loggen",
}
_FIELDS = (*FIELDS, "bekraeft")
_KL = "kl"


class Decision(NamedTuple):
    """A decision that can be made on a release: what it is called, and what it leads to."""

    address: Literal["goer-endelig", "traek-tilbage"]
    action: Literal["promote", "withdraw"]
    title: str
    text: str
    confirmation: str


PROMOTE = Decision(
    "goer-endelig",
    "promote",
    "Gør udgivelsen endelig",
    "Kommunerne kan regne med en endelig udgivelse. Herefter kan den kun trækkes tilbage.",
    "Jeg har set tallene igennem, og udgivelsen skal være endelig.",
)
WITHDRAW = Decision(
    "traek-tilbage",
    "withdraw",
    "Træk udgivelsen tilbage",
    "Kommunerne kan ikke længere hente filerne. I stedet ser de begrundelsen. Det kan ikke fortrydes.",
    "Udgivelsen skal trækkes tilbage for alle.",
)
DECISIONS = {decision.address: decision for decision in (PROMOTE, WITHDRAW)}


class Row(NamedTuple):
    """One municipality in a round."""

    code: str
    name: str
    reported_by: str | None
    standing: Standing


@router.get("")
def overview(request: Request, _: Consultant) -> Response:
    """The rounds with how far the municipalities are."""
    portal = portal_of(request)
    rounds = [
        {
            "round": round_,
            "deadline": wording.deadline(round_.deadline, danish.day(portal.now()), is_open=round_.open),
            "states": _tally(_rows(portal, round_)),
            "release": _current(portal, round_),
        }
        for round_ in list(load_rounds().values())[::-1]
    ]
    return page(request, "kl.html", rounds=rounds, dagster_url=portal.settings.dagster_url, wording=wording)


def _current(portal: Portal, round_: Round) -> tuple[Publication, life.Status] | None:
    current = portal.publications.release(round_.name, LATEST)
    return None if current is None else (current, portal.publications.status(current))


@router.get("/runder/{round_name}")
def one_round(
    request: Request, round_name: str, identity: Consultant, tilstand: Annotated[State | Literal[""], Query()] = ""
) -> Response:
    """All municipalities of a round, its releases, and reminders; `tilstand` shows one state only."""
    round_ = round_or_404(round_name)
    portal = portal_of(request)
    rows = _rows(portal, round_)
    return page(
        request,
        "kl_runde.html",
        round_=round_,
        deadline=wording.deadline(round_.deadline, danish.day(portal.now()), is_open=round_.open),
        rows=[row for row in rows if not tilstand or (row.standing.state == tilstand and row.reported_by is None)],
        states=_tally(rows),
        chosen=tilstand,
        total=len(rows),
        releases=[release_shown(portal, each, identity) for each in portal.publications.releases(round_.name)],
        reminders=_reminders(portal, round_, rows),
        decisions=DECISIONS,
        quality=quality.findings(portal.settings.root, round_.name),
        documentation=documentation.entrances(portal.settings.root, round_.name),
        wording=wording,
    )


@router.get("/runder/{round_name}/rykkere.txt")
def reminders(request: Request, round_name: str, _: Consultant) -> Response:
    """All reminders of a round as one text."""
    round_ = round_or_404(round_name)
    portal = portal_of(request)
    texts = [text for _, text in _reminders(portal, round_, _rows(portal, round_))]
    name = f'attachment; filename="rykkere-{round_.name}.txt"'
    return PlainTextResponse(f"\n{'-' * 72}\n\n".join(texts), headers={"Content-Disposition": name})


def _rows(portal: Portal, round_: Round) -> list[Row]:
    """Every municipality in the order of names."""
    delivered = standings(portal.desk.deliveries(round_.name, None))
    return [
        Row(code, name, reported_by(round_, code), delivered.get(code, standing([])))
        for code, name in danish.municipality_names().items()
    ]


def _tally(rows: Sequence[Row]) -> dict[State, int]:
    """How many municipalities are in each state; those that another reports for are in none."""
    found = Counter(row.standing.state for row in rows if row.reported_by is None)
    return {state: found[state] for state in wording.STATES}


def _reminders(portal: Portal, round_: Round, rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """The texts to send, with whom to; none in a closed round."""
    if not round_.open:
        return []
    today = danish.day(portal.now())
    address = f"{portal.settings.url}/runder/{round_.name}/aflevering"
    found = []
    for row in rows:
        counting = row.standing.counting
        about = wording.Reminder(
            municipality=danish.municipality(row.code),
            round_date=round_.snapshot_date,
            last_day=round_.deadline,
            state=row.standing.state,
            faulty_rows=(counting.rejected or 0) if counting else 0,
            address=address,
        )
        text = wording.reminder(about, today) if row.reported_by is None else None
        if text is not None:
            found.append((row, text))
    return found


@router.get("/runder/{round_name}/udgivelser/{release}/{decision}")
def ask(request: Request, round_name: str, release: str, decision: str, identity: Consultant) -> Response:
    """The form for a decision on a release."""
    round_, publication, chosen = _subject(request, round_name, release, decision)
    return _form(request, round_, publication, chosen, identity, filled({}, _FIELDS), {})


@router.post("/runder/{round_name}/udgivelser/{release}/{decision}", dependencies=[Depends(csrf_checked)])
def decide(
    request: Request,
    round_name: str,
    release: str,
    decision: str,
    identity: Consultant,
    sent: Annotated[dict[str, str], Depends(form_texts)],
) -> Response:
    """Makes a release final or withdraws it, or shows the form again with what is missing."""
    round_, publication, chosen = _subject(request, round_name, release, decision)
    portal = portal_of(request)
    given = filled(sent, _FIELDS)
    errors = _errors(given, publication, chosen)
    if not errors:
        act = life.promote if chosen is PROMOTE else life.withdraw
        by = signature(given, identity)
        try:
            act(portal.settings.root, round_.name, publication.id, by=by, reason=given["begrundelse"], at=portal.now())
        except ReleaseError:
            errors = {"bekraeft": _refusal(portal, round_, publication, chosen)}
    if errors:
        return _form(request, round_, publication, chosen, identity, given, errors)
    portal.audit.record(portal.now(), identity, chosen.action, f"{round_.name}/{publication.id}")
    return RedirectResponse(f"/kl/runder/{round_.name}", 303)


def _subject(request: Request, round_name: str, release: str, decision: str) -> tuple[Round, Publication, Decision]:
    """What is decided on.

    Raises:
        HTTPException: 404 where there is no such round, release or decision.
    """
    round_ = round_or_404(round_name)
    publications = portal_of(request).publications.releases(round_.name)
    publication = next((each for each in publications if each.id == release), None)
    if publication is None or decision not in DECISIONS:
        raise HTTPException(404)
    return round_, publication, DECISIONS[decision]


def _errors(given: dict[str, str], publication: Publication, chosen: Decision) -> dict[str, str]:
    """Why the decision cannot be made: warnings that nobody accepted, or what is wrong with the form, by field."""
    if chosen is PROMOTE and any(each.accepted is None for each in quality.released_with(publication.document)):
        return {"advarsler": "Udgivelsen har advarsler, der ikke er godkendt"}
    return faults(given) | ({} if given["bekraeft"] == "ja" else {"bekraeft": "Sæt kryds for at bekræfte"})


def _refusal(portal: Portal, round_: Round, publication: Publication, chosen: Decision) -> str:
    """Why the decision could not be made, in Danish."""
    now = portal.publications.status(publication)
    if now != life.PRELIMINARY and not (now == life.FINAL and chosen is WITHDRAW):
        return f"Udgivelsen er allerede {RELEASE_STATUSES_DA[now]}"
    showing = [
        each.id
        for each in portal.publications.releases(round_.name)
        if each.document.get("figuresFrom") == publication.id and portal.publications.status(each) != life.WITHDRAWN
    ]
    if showing:
        return f"Træk først udgivelse {joined(showing)} tilbage: Den viser tal fra denne udgivelse"
    return "En anden har netop truffet en beslutning om udgivelsen. Gå tilbage, og se på den igen"


def _form(  # noqa: PLR0913, PLR0917 - what the page shows
    request: Request,
    round_: Round,
    publication: Publication,
    chosen: Decision,
    identity: Identity,
    given: dict[str, str],
    errors: dict[str, str],
) -> Response:
    portal = portal_of(request)
    warnings = quality.released_with(publication.document) if chosen is PROMOTE else []
    open_when_made = [each for each in warnings if each.accepted is None]
    accepted_by_now = acceptances(portal.settings.root, round_.name)
    return page(
        request,
        "kl_beslutning.html",
        422 if errors else 200,
        round_=round_,
        release=release_shown(portal, publication, identity),
        decision=chosen,
        warnings=warnings,
        open_when_made=open_when_made,
        still_open=[each for each in open_when_made if each.warning not in accepted_by_now],
        given=given,
        errors=errors,
    )


@router.get("/haendelser")
def events(
    request: Request,
    _: Consultant,
    kommune: Annotated[str, Query(max_length=3)] = "",
    handling: Annotated[str, Query(max_length=30)] = "",
    side: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """The audit log, newest first, a page at a time; `kommune` is a code or `kl`, `handling` an action."""
    names = danish.municipality_names()
    if (kommune and kommune not in {_KL, *names}) or (handling and handling not in ACTIONS):
        raise HTTPException(404)
    # Only the newest are kept: the log may be long.
    newest: deque[Event] = deque(maxlen=side * _EVENTS_PER_PAGE + 1)
    for event in portal_of(request).audit.events():
        if _is_chosen(event, kommune, handling):
            newest.append(event)
    found = list(newest)[::-1]
    first = (side - 1) * _EVENTS_PER_PAGE
    return page(
        request,
        "haendelser.html",
        events=[_shown(event) for event in found[first : first + _EVENTS_PER_PAGE]],
        municipality_names=names,
        actions=ACTIONS,
        kommune=kommune,
        handling=handling,
        side=side,
        has_older=len(found) > first + _EVENTS_PER_PAGE,
    )


def _is_chosen(event: Event, municipality: str, action: str) -> bool:
    is_theirs = event.role == _KL if municipality == _KL else event.municipality_code == municipality
    return (not municipality or is_theirs) and (not action or event.action == action)


class _ShownEvent(NamedTuple):
    at: dt.datetime
    who: str
    subject: str
    action: str
    what: str
    checksum: str | None


def _shown(event: Event) -> _ShownEvent:
    code = event.municipality_code
    known = code in danish.municipality_names()
    who = danish.municipality(code) if code and known else ("KL" if event.role == _KL else "ukendt")
    return _ShownEvent(
        event.at, who, event.subject, ACTIONS.get(event.action, event.action), event.what, event.checksum
    )
