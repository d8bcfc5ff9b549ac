"""Pages of management information: the years with a release, and one release of a year with its figures and files.

What belongs here: who sees which page. What does not: what its tables show (`year_figures`).
"""

from functools import partial
from typing import Any, NamedTuple

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from pipelines.release.contents import SHARED, folder_of
from pipelines.release.life import WITHDRAWN
from portal import wording
from portal.context import Portal, portal_of
from portal.files.addresses import citation, file_address, package_address
from portal.files.answers import period_or_404
from portal.files.published import LATEST, Publication
from portal.identity import Identity
from portal.pages import documentation, plots
from portal.pages.releases import (
    FORMATS,
    PageIdentity,
    Release,
    files_by_part,
    place,
    release_or_404,
    release_shown,
    table_of,
    withdrawn_page,
)
from portal.pages.year_figures import Tables, delivered_extracts, own_figures, shared_benchmarks
from portal.templating import page
from schemas.labels_da import GRANTS_SOURCE
from schemas.management_tables import released_tables
from schemas.years import Year, load_years

router = APIRouter(prefix="/ledelsesinformation")
_BENCHMARK = "service_area_benchmarks"


class _OfYear(NamedTuple):
    """A year as the list of years shows it; `current` is None where all its releases are withdrawn."""

    year: Year
    current: Release | None


@router.get("")
def overview(request: Request, identity: PageIdentity) -> Response:
    """The years with a release that somebody may see, newest first."""
    portal = portal_of(request)
    seen = [(year, _releases(portal, year, identity)) for year in reversed(load_years().values())]
    return page(
        request,
        "ledelsesinformation.html",
        years=[_OfYear(year, _current(portal, year, identity)) for year, releases in seen if releases],
    )


@router.get("/{year}")
def one_year(request: Request, year: str, identity: PageIdentity) -> Response:
    """The year's release that stands; where all were withdrawn, why the newest was."""
    found = period_or_404(load_years(), year)
    portal = portal_of(request)
    releases = _releases(portal, found, identity)
    if not releases:
        raise HTTPException(404)
    current = portal.publications.release(found.name, LATEST)
    return _release_page(request, identity, found, current if current in releases else releases[0])


@router.get("/{year}/udgivelser/{release}")
def release(request: Request, year: str, release: str, identity: PageIdentity) -> Response:
    """One release of a year: what is new, the figures, the files; a withdrawn one shows why it was withdrawn."""
    found = period_or_404(load_years(), year)
    return _release_page(request, identity, found, release_or_404(portal_of(request), found, release, identity))


def _releases(portal: Portal, year: Year, identity: Identity) -> list[Publication]:
    return [each for each in portal.publications.releases(year.name) if each.is_visible_to(identity)]


def _current(portal: Portal, year: Year, identity: Identity) -> Release | None:
    current = portal.publications.release(year.name, LATEST)
    if current is None or not current.is_visible_to(identity):
        return None
    return release_shown(portal, current, identity)


def _release_page(request: Request, identity: Identity, year: Year, publication: Publication) -> Response:
    portal = portal_of(request)
    shown = release_shown(portal, publication, identity)
    portal.audit.record(portal.now(), identity, "view", f"{year.name}/{publication.id}")
    if shown.status == WITHDRAWN:
        return withdrawn_page(request, identity, publication, shown)
    code = identity.municipality_code
    own = {} if code is None else plots.plots(portal.publications, publication, identity, folder_of(code))
    if code is None:
        template, figures = "ledelsesinformation_kl.html", _shared(publication, identity)
        figures |= {"documentation": documentation.entrances(portal.settings.root, year.name)}
    else:
        template, figures = "ledelsesinformation_kommune.html", _own(publication, identity, code)
    return page(
        request,
        template,
        year=year,
        place=place(year, identity),
        release=shown,
        releases=[release_shown(portal, each, identity) for each in _releases(portal, year, identity)],
        document=publication.document,
        files=files_by_part(publication, identity),
        formats=FORMATS,
        plots=own,
        titles={plot.svg: plot.title for plot in own.values()},
        citation=citation(publication, portal.settings.url),
        source=GRANTS_SOURCE,
        package=package_address(publication),
        address_of=partial(file_address, publication),
        wording=wording,
        **figures,
    )


def _shared(publication: Publication, identity: Identity) -> dict[str, Any]:
    """The shared benchmark, and whether it is a result or a forecast; neither where no municipality takes part."""
    shared = table_of(publication, identity, f"{SHARED}/{_BENCHMARK}.parquet")
    if shared is None or shared.is_empty():
        return {"basis": None, "benchmarks": []}
    return {"basis": wording.basis_of_all(shared["basis"][0]), "benchmarks": shared_benchmarks(shared)}


def _own(publication: Publication, identity: Identity, code: str) -> dict[str, Any]:
    """A municipality's own figures, None where it has none, and what became of its extracts."""
    tables = _own_tables(publication, identity, code)
    return {
        "figures": own_figures(tables, code) if _BENCHMARK in tables else None,
        "extracts": delivered_extracts(tables) if "extract_log" in tables else [],
        "folder": f"municipalities/{code}",
    }


def _own_tables(publication: Publication, identity: Identity, code: str) -> Tables:
    """The tables of a municipality's own folder that there are, by name."""
    return {
        name: table
        for name in released_tables(publication.period.questionnaire)
        if (table := table_of(publication, identity, f"municipalities/{code}/{name}.parquet")) is not None
    }
