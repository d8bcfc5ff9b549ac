"""Pages of rounds and releases: the overview of a municipality, a round's releases, and one release with its figures."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import polars as pl
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from pipelines.release.contents import CORRECTION, RATES, SHARED, folder_of
from pipelines.release.life import WITHDRAWN
from portal import danish, sample_code, wording
from portal.context import Portal, portal_of
from portal.files.addresses import citation, file_address, package_address
from portal.files.answers import period_or_404
from portal.files.published import LATEST, Publication
from portal.identity import Identity
from portal.pages import plots, reports
from portal.pages.releases import (
    FORMATS,
    PageIdentity,
    Release,
    files_by_part,
    release_or_404,
    release_shown,
    table_of,
    withdrawn_page,
)
from portal.standing import Standing, standing
from portal.templating import page
from schemas.fields import FIELDS
from schemas.labels_da import FIGURES_SOURCE
from schemas.questionnaire import Catalogue, load_catalogue
from schemas.rounds import Round, load_rounds

router = APIRouter()
_OWN_COLUMNS = ("cases", "population_18_66", "rate_per_1000")
_RANKS_IF = (*(f"rank_if_minus_{k}" for k in (3, 2, 1)), "rank", *(f"rank_if_plus_{k}" for k in (1, 2, 3)))


class _Overview(NamedTuple):
    """A round as the overview shows it."""

    round_: Round
    deadline: str
    standing: Standing
    reported_by: str | None
    release: Release | None
    corrections: str | None


@router.get("/")
def overview(request: Request, identity: PageIdentity) -> Response:
    """The rounds of a municipality and what it has to do; KL has an overview of its own."""
    if identity.municipality_code is None:
        return RedirectResponse("/kl", 303)
    portal = portal_of(request)
    newest_first = list(load_rounds().values())[::-1]
    rounds = [_overview(portal, round_, identity, identity.municipality_code) for round_ in newest_first]
    return page(request, "oversigt.html", rounds=rounds, wording=wording)


def _overview(portal: Portal, round_: Round, identity: Identity, code: str) -> _Overview:
    current = portal.publications.release(round_.name, LATEST)
    if current is not None and not current.is_visible_to(identity):
        current = None
    return _Overview(
        round_=round_,
        deadline=wording.deadline(round_.deadline, danish.day(portal.now()), is_open=round_.open),
        standing=standing(portal.desk.deliveries(round_.name, code)),
        reported_by=reported_by(round_, code),
        release=None if current is None else release_shown(portal, current, identity),
        corrections=None if current is None else _corrections(current, identity, code),
    )


def _corrections(publication: Publication, identity: Identity, code: str) -> str | None:
    """Where the workbook with a municipality's faulty cells marked is found; None where there are none."""
    path = f"municipalities/{code}/{CORRECTION}"
    return file_address(publication, path) if publication.may_see(identity, path) else None


def reported_by(round_: Round, code: str) -> str | None:
    """The code of the municipality that reports for this one; None where it reports itself."""
    return next((reporting for reporting, covered in round_.reports_for.items() if code in covered), None)


@router.get("/runder/{round_name}")
def releases(request: Request, round_name: str, identity: PageIdentity) -> Response:
    """All releases of a round, newest first."""
    round_ = round_or_404(round_name)
    portal = portal_of(request)
    seen = [each for each in portal.publications.releases(round_.name) if each.is_visible_to(identity)]
    return page(
        request,
        "runde.html",
        round_=round_,
        deadline=wording.deadline(round_.deadline, danish.day(portal.now()), is_open=round_.open),
        releases=[release_shown(portal, each, identity) for each in seen],
        wording=wording,
    )


@router.get("/runder/{round_name}/udgivelser/{release}")
def release(request: Request, round_name: str, release: str, identity: PageIdentity) -> Response:
    """One release: what is new, the figures, the files; a withdrawn one shows why it was withdrawn."""
    round_ = round_or_404(round_name)
    portal = portal_of(request)
    publication = release_or_404(portal, round_, release, identity)
    shown = release_shown(portal, publication, identity)
    portal.audit.record(portal.now(), identity, "view", f"{round_.name}/{publication.id}")
    if shown.status == WITHDRAWN:
        return withdrawn_page(request, identity, publication, shown)
    plotted = partial(plots.plots, portal.publications, publication, identity)
    shared = plotted(SHARED)
    own = {} if identity.municipality_code is None else plotted(folder_of(identity.municipality_code))
    return page(
        request,
        "udgivelse.html",
        round_=round_,
        release=shown,
        document=publication.document,
        figures=_figures(publication, identity, load_catalogue(round_.questionnaire)),
        files=files_by_part(publication, identity),
        formats=FORMATS,
        plots={"shared": shared, "own": own},
        titles={plot.svg: plot.title for plot in (*shared.values(), *own.values())},
        reports=_reports(publication, identity),
        samples=sample_code.samples(portal.settings.url, round_.name, publication.id),
        citation=citation(publication, portal.settings.url),
        source=FIGURES_SOURCE,
        url=portal.settings.url,
        package=package_address(publication),
        address_of=partial(file_address, publication),
        wording=wording,
    )


def round_or_404(round_name: str) -> Round:
    """The round of this name.

    Raises:
        HTTPException: 404 where there is none.
    """
    return period_or_404(load_rounds(), round_name)


def _reports(publication: Publication, identity: Identity) -> dict[str, Any]:
    """The reports that somebody may see: the national one, a municipality's own, and KL's all municipalities'."""
    code = identity.municipality_code
    return {
        "national": reports.report(publication, identity, None),
        "own": None if code is None else reports.report(publication, identity, code),
        "municipal": reports.municipal_reports(publication, identity) if code is None else {},
    }


def _figures(publication: Publication, identity: Identity, catalogue: Catalogue) -> dict[str, Any] | None:
    """The figures of the page: a municipality's own beside the country's, KL's of all; None for those who take no part."""
    rates = table_of(publication, identity, RATES)
    averages = table_of(publication, identity, f"{SHARED}/area_averages.parquet")
    if rates is None or averages is None or rates.is_empty():
        return None
    areas = {(row["area_type"], row["area_code"]): row for row in averages.iter_rows(named=True)}
    country = areas["country", "000"]
    if identity.municipality_code is None:
        return {"country": country, "rates": rates.sort("rank", "municipality_name").to_dicts(), "own": None}
    own = rates.filter(pl.col("municipality_code") == identity.municipality_code).to_dicts()
    breakdowns = _breakdowns(publication, identity, identity.municipality_code, catalogue)
    return {
        "country": country,
        "rates": [],
        "own": own[0] if own else None,
        "labels": {name: FIELDS[name].label_da for name in _OWN_COLUMNS},
        "comparisons": _comparisons(own[0], areas) if own else [],
        "ranks_if": [(FIELDS[name].label_da, own[0][name], name == "rank") for name in _RANKS_IF] if own else [],
        "breakdowns": breakdowns,
        "figures_from": sorted({release for breakdown in breakdowns for release in breakdown.figures_from}),
    }


def _comparisons(own: Mapping[str, Any], areas: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[dict[str, Any]]:
    compared = [
        ("Hele landet", "hele landet", "comparison_country", ("country", "000")),
        (own["region_name"], "regionen", "comparison_region", ("region", own["region_code"])),
        (
            own["municipality_group"],
            "kommunegruppen",
            "comparison_municipality_group",
            ("municipality_group", own["municipality_group_code"]),
        ),
    ]
    return [
        {
            "area": name,
            "municipalities": areas[area]["municipalities"],
            "rate": areas[area]["pooled_rate_per_1000"],
            "words": f"{wording.COMPARISONS[own[column]]} {short}",
        }
        for name, short, column, area in compared
    ]


class _Breakdown(NamedTuple):
    """A breakdown as the page shows it: a row per group, own beside the country's, as words."""

    title: str
    column: str
    rows: list[dict[str, str]]
    figures_from: frozenset[str]
    is_rounded: bool
    is_hidden: bool


def _breakdowns(publication: Publication, identity: Identity, code: str, catalogue: Catalogue) -> list[_Breakdown]:
    groups = table_of(publication, identity, f"municipalities/{code}/target_groups.parquet")
    types = table_of(publication, identity, f"municipalities/{code}/provider_types.parquet")
    if groups is None or types is None:
        return []
    labels = {rollup.key: {group.code: group.label_da for group in rollup.groups} for rollup in catalogue.rollups}
    detailed = {option.code: option.label_da for option in catalogue.question("target_group").options}
    level = pl.col("target_group_level")
    return [
        _breakdown(
            "Hovedmålgrupper", "target_group", groups.filter(level == "main"), code, labels["main_target_group"]
        ),
        _breakdown("Målgrupper i skemaet", "target_group", groups.filter(level == "detailed"), code, detailed),
        _breakdown("Leverandørtyper", "provider_type", types, code, labels["provider_type"]),
    ]


def _breakdown(title: str, column: str, frame: pl.DataFrame, code: str, labels: Mapping[str, str]) -> _Breakdown:
    own = {row[column]: row for row in frame.filter(pl.col("area_code") == code).iter_rows(named=True)}
    country = {row[column]: row for row in frame.filter(pl.col("area_type") == "country").iter_rows(named=True)}
    rows = [
        {
            "label": label,
            "own_count": wording.count(own[group]),
            "own_share": wording.share(own[group]),
            "country_count": wording.count(country[group]),
            "country_share": wording.share(country[group]),
        }
        for group, label in labels.items()
    ]
    statuses = set(frame["value_status"])
    return _Breakdown(
        title=title,
        column=FIELDS["target_group_code" if column == "target_group" else column].label_da,
        rows=rows,
        figures_from=frozenset(frame["figures_from_release"].drop_nulls()),
        is_rounded="rounded" in statuses,
        is_hidden="suppressed" in statuses,
    )
