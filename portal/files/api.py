"""The JSON API: rounds and years, their releases, and the files of a release, as far as the asker may know of them."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from pipelines.release import life
from portal.access.guard import api_identity
from portal.context import Portal, portal_of
from portal.files.addresses import citation, file_address, listed_address, package_address
from portal.files.answers import GONE, NOT_FOUND, REFUSED, found, period_found
from portal.files.published import LATEST, Publication, ResourceInfo
from portal.identity import Identity
from schemas.periods import Period
from schemas.rounds import Round, load_rounds
from schemas.years import load_years

router = APIRouter()
service = APIRouter()
Asker = Annotated[Identity, Depends(api_identity)]
_ID = "a1b2c3d4e5f60718"


class RoundAnswer(BaseModel):
    """A survey round."""

    round: str = Field(description="The snapshot date; the round's name in addresses.", examples=["2022-10-01"])
    deadline: dt.date | None = Field(description="The last day for handing in; null where there is none.")
    is_open: bool = Field(description="Whether deliveries are taken.")
    threshold_dkk: int = Field(description="A case counts from this yearly cost, kroner.", examples=[2_000_000])
    population_quarter: str = Field(description="The quarter whose population is wanted.", examples=["2022K4"])
    latest: str | None = Field(description="The current release, where you take part in it.", examples=[_ID])
    releases: str = Field(description="Where its releases are listed.", examples=["/api/rounds/2022-10-01/releases"])


class YearAnswer(BaseModel):
    """A year of management information."""

    year: str = Field(description="The calendar year; its name in addresses.", examples=["2024"])
    is_open: bool = Field(description="Whether it is computed anew every night.")
    threshold_dkk: int = Field(description="Cases are counted from this yearly cost, kroner.", examples=[2_000_000])
    population_quarter: str = Field(description="The quarter whose population is wanted.", examples=["2024K1"])
    latest: str | None = Field(description="The current release, where you take part in it.", examples=[_ID])
    releases: str = Field(description="Where its releases are listed.", examples=["/api/years/2024/releases"])


class ReleaseAnswer(BaseModel):
    """A release of a round or year."""

    release: str = Field(description="The release id.", examples=[_ID])
    round: str = Field(description="The round's name; of a year, the year.", examples=["2022-10-01"])
    status: Literal["preliminary", "final", "withdrawn"] = Field(description="What it is now.")
    reason: str | None = Field(description="Why it became that, as KL wrote it; null while preliminary.")
    decided_at: dt.datetime | None = Field(description="When it became that (UTC); null while preliminary.")
    is_latest: bool = Field(description="Whether `latest` names it.")
    previous: str | None = Field(description="The release that it followed.", examples=[_ID])
    population_quarter: str = Field(description="The quarter whose population it divides by.", examples=["2022K4"])
    address: str = Field(description="Where its files are listed.", examples=[f"/api/rounds/2022-10-01/releases/{_ID}"])


class ColumnAnswer(BaseModel):
    """A column of a table."""

    name: str = Field(description="Its name in the file.", examples=["rate_per_1000"])
    type: str = Field(description="Its type by Data Package v2.", examples=["number"])
    label_da: str = Field(description="Its Danish label.", examples=["Sager pr. 1.000 18-66-årige"])
    unit: str | None = Field(description="Its unit.", examples=["per_1000"])


class FileAnswer(BaseModel):
    """A file of a release."""

    path: str = Field(description="Its path in the release.", examples=["shared/case_rates.parquet"])
    address: str = Field(
        description="Where it is found for ever.", examples=[f"/files/2022-10-01/{_ID}/shared/case_rates.parquet"]
    )
    media_type: str = Field(description="What kind of file it is.", examples=["application/vnd.apache.parquet"])
    bytes: int = Field(description="Its size.", ge=0)
    sha256: str = Field(description="Its checksum, hexadecimal; also its ETag.", pattern="^[0-9a-f]{64}$")
    rows: int | None = Field(description="Rows of its table; null where it holds none.")
    title_da: str | None = Field(description="What it holds, in Danish.")
    columns: list[ColumnAnswer] = Field(description="Columns of its table, of .parquet files.")


class ReleaseFilesAnswer(ReleaseAnswer):
    """A release and those of its files that you may see."""

    title: str = Field(description="Its title, in Danish.")
    description: str = Field(description="What its figures are and how they are made, in Danish.")
    citation: str = Field(description="How to cite it, in Danish.")
    package: str = Field(description="Where all of these files are found as one zip file.")
    files: list[FileAnswer] = Field(description="The files, by path.")


class Health(BaseModel):
    """That the portal answers."""

    status: Literal["ok"] = "ok"


@router.get("/api/rounds", tags=["rounds"], responses=REFUSED)
def rounds(request: Request, asker: Asker) -> list[RoundAnswer]:
    """The survey rounds, newest first."""
    return [_round(portal_of(request), asker, round_) for round_ in reversed(load_rounds().values())]


@router.get("/api/rounds/{round_name}/releases", tags=["rounds"], responses=REFUSED | NOT_FOUND)
def releases(request: Request, asker: Asker, round_name: str) -> list[ReleaseAnswer]:
    """The releases of a round in which you take part, newest first, withdrawn ones included."""
    return _releases(request, asker, period_found(request, load_rounds(), round_name))


@router.get("/api/rounds/{round_name}/releases/{release}", tags=["rounds"], responses=REFUSED | NOT_FOUND | GONE)
def release(request: Request, asker: Asker, round_name: str, release: str) -> ReleaseFilesAnswer:
    """A release, by its id or `latest`, with the files that you may see."""
    return _release_with_files(request, asker, period_found(request, load_rounds(), round_name), release)


@router.get("/api/years", tags=["years"], responses=REFUSED)
def years(request: Request, asker: Asker) -> list[YearAnswer]:
    """The years of management information, newest first."""
    portal = portal_of(request)
    return [
        YearAnswer(
            year=year.name,
            is_open=year.open,
            threshold_dkk=year.threshold_dkk,
            population_quarter=year.population_quarter,
            latest=_latest(portal, asker, year),
            releases=listed_address(year),
        )
        for year in reversed(load_years().values())
    ]


@router.get("/api/years/{year}/releases", tags=["years"], responses=REFUSED | NOT_FOUND)
def releases_of_year(request: Request, asker: Asker, year: str) -> list[ReleaseAnswer]:
    """The releases of a year that you may see, newest first, withdrawn ones included."""
    return _releases(request, asker, period_found(request, load_years(), year))


@router.get("/api/years/{year}/releases/{release}", tags=["years"], responses=REFUSED | NOT_FOUND | GONE)
def release_of_year(request: Request, asker: Asker, year: str, release: str) -> ReleaseFilesAnswer:
    """A release of a year, by its id or `latest`, with the files that you may see."""
    return _release_with_files(request, asker, period_found(request, load_years(), year), release)


@service.get("/healthz", tags=["service"])
@service.head("/healthz", include_in_schema=False)
def healthz() -> Health:
    """That the portal answers; needs no token."""
    return Health()


def _round(portal: Portal, asker: Identity, round_: Round) -> RoundAnswer:
    return RoundAnswer(
        round=round_.name,
        deadline=round_.deadline,
        is_open=round_.open,
        threshold_dkk=round_.threshold_dkk,
        population_quarter=round_.population_quarter,
        latest=_latest(portal, asker, round_),
        releases=listed_address(round_),
    )


def _latest(portal: Portal, asker: Identity, period: Period) -> str | None:
    current = portal.publications.release(period.name, LATEST)
    return current.id if current is not None and current.is_visible_to(asker) else None


def _releases(request: Request, asker: Identity, period: Period) -> list[ReleaseAnswer]:
    portal = portal_of(request)
    of = portal.publications.releases(period.name)
    return [_release(portal, publication) for publication in of if publication.is_visible_to(asker)]


def _release_with_files(request: Request, asker: Identity, period: Period, release: str) -> ReleaseFilesAnswer:
    portal = portal_of(request)
    publication = found(request, asker, period.name, release)
    return ReleaseFilesAnswer(
        **dict(_release(portal, publication)),
        title=publication.document["title"],
        description=publication.document["description"],
        citation=citation(publication, portal.settings.url),
        package=package_address(publication),
        files=[_file(publication, file) for file in publication.files_for(asker)],
    )


def _release(portal: Portal, publication: Publication) -> ReleaseAnswer:
    decided = portal.publications.decisions(publication)
    current = portal.publications.release(publication.round_name, LATEST)
    return ReleaseAnswer(
        release=publication.id,
        round=publication.round_name,
        status=decided[-1].status if decided else life.PRELIMINARY,
        reason=decided[-1].reason if decided else None,
        decided_at=decided[-1].at if decided else None,
        is_latest=current is not None and current.id == publication.id,
        previous=publication.document["previous"],
        population_quarter=publication.document["populationQuarter"],
        address=f"{listed_address(publication.period)}/{publication.id}",
    )


def _file(publication: Publication, file: ResourceInfo) -> FileAnswer:
    return FileAnswer(
        path=file.path,
        address=file_address(publication, file.path),
        media_type=file.media_type,
        bytes=file.bytes,
        sha256=file.sha256,
        rows=file.rows,
        title_da=file.description_da,
        columns=[ColumnAnswer(**column._asdict()) for column in file.columns],
    )
