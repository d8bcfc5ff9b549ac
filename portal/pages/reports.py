"""Reports: where they are found, and showing them in the browser as they lie in a release.

What belongs here: who sees which, and that nothing in one can act. What does not: what they say (`pipelines.reports`), and
fetching them as files (`portal.files`).
"""

from typing import NamedTuple

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from pipelines.release.contents import SHARED, folder_of
from pipelines.release.life import WITHDRAWN
from portal import danish
from portal.context import portal_of
from portal.files.addresses import file_address, report_address
from portal.files.answers import period_or_404
from portal.files.published import Publication, content_type
from portal.identity import Identity
from portal.pages.releases import PageIdentity, release_or_404, release_shown, withdrawn_page
from schemas.rounds import load_rounds

router = APIRouter(prefix="/runder/{round_name}/udgivelser/{release}")
_PAGE, _PDF = "report.html", "report.pdf"
_HEADERS = {
    # It brings its pictures and its looks itself; it asks for nothing, sends nothing, runs nothing, and is no page of ours
    # to a browser, whatever it holds.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox"
    ),
    # By the standard of HTML, what is in a sandbox and asks for windows of its own is not shown.
    "Cross-Origin-Opener-Policy": "unsafe-none",
}


class Report(NamedTuple):
    """Where a report is found: the page that shows it, and the file to print."""

    page: str
    pdf: str


@router.get("/rapport")
def national(request: Request, round_name: str, release: str, identity: PageIdentity) -> Response:
    """The national report of a release."""
    return _shown(request, identity, round_name, release, SHARED)


@router.get("/kommuner/{code}/rapport")
def municipal(request: Request, round_name: str, release: str, code: str, identity: PageIdentity) -> Response:
    """A municipality's own report, for itself and KL."""
    return _shown(request, identity, round_name, release, folder_of(code))


def report(publication: Publication, identity: Identity, code: str | None) -> Report | None:
    """A municipality's report, or the national one where the code is None; None where it is not there or not theirs."""
    folder = SHARED if code is None else folder_of(code)
    if not publication.may_see(identity, f"{folder}/{_PAGE}"):
        return None
    return Report(report_address(publication, code), file_address(publication, f"{folder}/{_PDF}"))


def municipal_reports(publication: Publication, identity: Identity) -> dict[str, Report]:
    """The reports of municipalities that somebody may see, by the municipality's name, in the order of names."""
    named = danish.municipality_names().items()
    return {name: found for code, name in named if (found := report(publication, identity, code)) is not None}


def _shown(request: Request, identity: Identity, round_name: str, release: str, folder: str) -> Response:
    portal = portal_of(request)
    publication = release_or_404(portal, period_or_404(load_rounds(), round_name), release, identity)
    path = f"{folder}/{_PAGE}"
    if not publication.may_see(identity, path):
        raise HTTPException(404)
    shown = release_shown(portal, publication, identity)
    if shown.status == WITHDRAWN:
        return withdrawn_page(request, identity, publication, shown)
    file = publication.files[path]
    try:
        with publication.open(file) as opened:
            content = opened.read()
    except FileNotFoundError:
        raise HTTPException(404) from None
    portal.audit.record(portal.now(), identity, "view", f"{round_name}/{publication.id}/{path}", file.sha256)
    return Response(content, headers=_HEADERS | {"Content-Type": content_type(file.media_type)})
