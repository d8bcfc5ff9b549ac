"""What pages of releases have in common, whether of a round or of a year: a release, its files, what is left when withdrawn.

What belongs here: what both show in the same way. What does not: figures (`rounds`, `management`).
"""

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, NamedTuple

import polars as pl
from fastapi import Depends, HTTPException, Request
from starlette.responses import Response

from pipelines import storage
from pipelines.release.contents import CHANGES, SHARED
from pipelines.release.editions import FIGURES
from pipelines.release.life import Decision, Status
from pipelines.release.manifest import NAME as MANIFEST
from portal import danish, wording
from portal.access.guard import page_identity
from portal.context import Portal, portal_of
from portal.files.addresses import period_address
from portal.files.published import LATEST, Publication, Publications, ResourceInfo
from portal.identity import Identity
from portal.templating import page
from schemas.labels_da import TABLES_DA
from schemas.periods import Period
from schemas.years import Year, find_period

PageIdentity = Annotated[Identity, Depends(page_identity)]
# The format that most people open first.
FORMATS = {
    "xlsx": "Excel",
    "csv": "CSV",
    "parquet": "Parquet",
    "json": "JSON",
    "md": "Markdown",
    "html": "Webside",
    "pdf": "PDF",
    "svg": "SVG",
    "png": "PNG",
}
# What stands first among the files, since it tells of all the tables; by the folder or the file's name.
_BEFORE_TABLES = {
    "report": ("Rapport", "Tallene i tekst, tabeller og figurer, til skærmen (webside) og til at udskrive (PDF)."),
    FIGURES: (
        "Figurer",
        "Til præsentationer og dokumenter. alt_texts.csv beskriver figurerne for dem, der ikke kan se dem.",
    ),
}


class Release(NamedTuple):
    """A release as pages show it."""

    id: str
    number: int
    made_at: dt.datetime
    status: Status
    decisions: list[Decision]
    news: list[str]
    changed_tables: list[str]


class Files(NamedTuple):
    """The files of one table or report, all figures, or a file that is none of these."""

    title: str
    description: str
    files: list[ResourceInfo]


class Place(NamedTuple):
    """Where a release's page lies: what its round or year is called, the way there, and where its own page is."""

    title: str
    trail: list[tuple[str, str]]
    address: str


def place(period: Period, identity: Identity) -> Place:
    """Where the pages of a round or year lie."""
    address = period_address(period)
    if isinstance(period, Year):
        return Place(
            period.title_da, [("/ledelsesinformation", "Ledelsesinformation"), (address, period.name)], address
        )
    title = f"Runden opgjort pr. {danish.date(period.snapshot_date)}"
    return Place(title, [("/kl" if identity.is_kl else "/", "Overblik"), (address, title)], address)


def release_or_404(portal: Portal, period: Period, release: str, identity: Identity) -> Publication:
    """A release by its id or `latest`, if somebody may know that it exists.

    Raises:
        HTTPException: 404, whether it does not exist or is not theirs.
    """
    publication = portal.publications.release(period.name, release)
    if publication is None or not publication.is_visible_to(identity):
        raise HTTPException(404)
    return publication


def withdrawn_page(request: Request, identity: Identity, publication: Publication, release: Release) -> Response:
    """What is left of a release that was withdrawn: why, and the way to the one that stands."""
    current = portal_of(request).publications.release(publication.round_name, LATEST)
    return page(
        request,
        "tilbagetrukket.html",
        410,
        place=place(publication.period, identity),
        release=release,
        tombstone=release.decisions[-1],
        has_current=current is not None and current.is_visible_to(identity),
    )


def release_shown(portal: Portal, publication: Publication, identity: Identity) -> Release:
    """A release as pages show it to somebody who may see it."""
    told = _told(portal.publications, publication.round_name, publication.id, identity.municipality_code)
    return Release(
        id=publication.id,
        number=publication.document["number"],
        made_at=_made_at(publication),
        status=portal.publications.status(publication),
        decisions=portal.publications.decisions(publication),
        news=told.news,
        changed_tables=told.changed_tables,
    )


class _Told(NamedTuple):
    news: list[str]
    changed_tables: list[str]


# A release never changes, and the list of an open round's releases would read the changes of every night.
@lru_cache(maxsize=4_096)
def _told(publications: Publications, round_name: str, id_: str, code: str | None) -> _Told:
    """What is new in a release, for a municipality or (None) for KL."""
    publication = publications.release(round_name, id_)
    if publication is None or publication.document["previous"] is None:
        return _Told([wording.first(find_period(round_name))], [])
    changes = _read(publication, publication.files[CHANGES])
    if code is not None:
        changes = wording.visible(changes, code)
    return _Told(wording.news(changes, danish.municipality_names(), code), wording.changed_tables(changes))


def _made_at(publication: Publication) -> dt.datetime:
    """When the release was made, by its file: a release itself holds no clock."""
    path = storage.releases(publication.root, publication.round_name) / publication.id / MANIFEST
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)


def _read(publication: Publication, file: ResourceInfo) -> pl.DataFrame:
    with publication.open(file) as opened:
        return pl.read_parquet(opened.read())


def table_of(publication: Publication, identity: Identity, path: str) -> pl.DataFrame | None:
    """A table that somebody may see; None where it is not there or not theirs."""
    if not publication.may_see(identity, path):
        return None
    return _read(publication, publication.files[path])


def files_by_part(publication: Publication, identity: Identity) -> list[tuple[str, list[Files]]]:
    """The files that somebody may see, by part of the release and what they hold; KL's without the municipalities' own."""
    seen = publication.files_for(identity)
    shared = [file for file in seen if file.path.startswith(f"{SHARED}/")]
    if identity.is_kl:
        return [("Fælles filer", _by_table(shared)), ("Kun for KL", _by_table([f for f in seen if "/" not in f.path]))]
    own = [file for file in seen if file not in shared]
    parts = [("Fælles filer", _by_table(shared)), ("Din kommunes egne filer", _by_table(own))]
    return [(title, tables) for title, tables in parts if tables]


def _by_table(files: Sequence[ResourceInfo]) -> list[Files]:
    found: dict[str, list[ResourceInfo]] = {}
    for file in sorted(files, key=lambda file: list(FORMATS).index(_extension(file))):
        found.setdefault(_of(file), []).append(file)
    before = [Files(*words, found.pop(name)) for name, words in _BEFORE_TABLES.items() if name in found]
    return before + sorted(Files(*_described(name), of_table) for name, of_table in found.items())


def _of(file: ResourceInfo) -> str:
    """The table or report that a file holds; all figures go together."""
    folder, _, name = file.path.rpartition("/")
    return FIGURES if folder.endswith(f"/{FIGURES}") else name.rpartition(".")[0]


def _extension(file: ResourceInfo) -> str:
    return file.path.rpartition(".")[2]


def _described(name: str) -> tuple[str, str]:
    text = TABLES_DA.get(name)
    return (name, "") if text is None else (text.title, text.description)
