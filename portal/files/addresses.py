"""Where things are found: the addresses of releases and their files, and the names that files are saved under."""

import re

from portal.files.published import Publication
from schemas.labels_da import FIGURES_SOURCE, GRANTS_SOURCE
from schemas.periods import Period
from schemas.years import Year

PACKAGE = "package.zip"
_YEARS_SOURCE = f"{GRANTS_SOURCE} og befolkningstal fra Danmarks Statistik"


def period_address(period: Period) -> str:
    """The page of a round or year."""
    return f"/ledelsesinformation/{period.name}" if isinstance(period, Year) else f"/runder/{period.name}"


def release_address(publication: Publication) -> str:
    """The page of a release."""
    return f"{period_address(publication.period)}/udgivelser/{publication.id}"


def report_address(publication: Publication, code: str | None) -> str:
    """Where a report is shown: a municipality's own, or the national one where the code is None."""
    whose = "" if code is None else f"/kommuner/{code}"
    return f"{release_address(publication)}{whose}/rapport"


def listed_address(period: Period) -> str:
    """Where programs find the releases of a round or year."""
    return f"/api/{'years' if isinstance(period, Year) else 'rounds'}/{period.name}/releases"


def file_address(publication: Publication, path: str) -> str:
    """Where a file of a release is found for ever; `path` is one of its own."""
    return f"/files/{publication.round_name}/{publication.id}/{path}"


def package_address(publication: Publication) -> str:
    """Where all that somebody may see of a release is found as one file."""
    return file_address(publication, PACKAGE)


def saved_name(publication: Publication, path: str) -> str:
    """The name that a file is saved under: it says round or year, release, whose file it is and which table."""
    told = path.removeprefix("municipalities/").replace("/", "_")
    name = f"botilbudsbenchmark_{publication.round_name}_{publication.id}_{told}"
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


def citation(publication: Publication, url: str) -> str:
    """How to cite a release; `url` is the portal's own."""
    source = _YEARS_SOURCE if isinstance(publication.period, Year) else FIGURES_SOURCE
    return (
        f"{publication.document['title']}. Udgivelse {publication.id}, befolkning pr. "
        f"{publication.document['populationQuarter']}. KL. {url}{release_address(publication)}. "
        f"{source}."
    )
