"""Where things are found: the addresses of releases and their files, and the names that files are saved under."""

import re

from portal.files.published import Publication

PACKAGE = "package.zip"


def release_address(publication: Publication) -> str:
    """The page of a release."""
    return f"/runder/{publication.round_name}/udgivelser/{publication.id}"


def file_address(publication: Publication, path: str) -> str:
    """Where a file of a release is found for ever; `path` is one of its own."""
    return f"/files/{publication.round_name}/{publication.id}/{path}"


def package_address(publication: Publication) -> str:
    """Where all that somebody may see of a release is found as one file."""
    return file_address(publication, PACKAGE)


def saved_name(publication: Publication, path: str) -> str:
    """The name that a file is saved under: it says round, release, whose file it is and which table."""
    told = path.removeprefix("municipalities/").replace("/", "_")
    name = f"botilbudsbenchmark_{publication.round_name}_{publication.id}_{told}"
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


def citation(publication: Publication, url: str) -> str:
    """How to cite a release; `url` is the portal's own."""
    return (
        f"{publication.document['title']}. Udgivelse {publication.id}, befolkning pr. "
        f"{publication.document['populationQuarter']}. KL. {url}{release_address(publication)}. "
        "Kilde: Egne beregninger baseret på tal fra Danmarks Statistik."
    )
