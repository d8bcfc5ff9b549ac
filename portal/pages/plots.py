"""The plots of a release as pages show them: pictures with a title and an alt text, beside their numbers.

What belongs here: finding them and what is told of each. What does not: what they show (`pipelines.plots`), and sending
them (`portal.files`).
"""

import csv
import io
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pipelines.release.contents import SHARED
from pipelines.release.editions import FIGURES
from portal.files.addresses import file_address
from portal.files.published import Publication, Publications
from portal.identity import Identity

_ALT_TEXTS = "alt_texts.csv"
# Of those whose numbers the page does not show in full; of the others the table stands beside them.
_NUMBERS = {
    "ranked_dots": f"{SHARED}/case_rates.xlsx",
    "funnel": f"{SHARED}/case_rates.xlsx",
    "small_multiples_region": f"{SHARED}/case_rates.xlsx",
    "heat_table_target_groups": f"{SHARED}/target_groups.xlsx",
    "heat_table_provider_types": f"{SHARED}/provider_types.xlsx",
    "full_year_case_development": "{folder}/unit_costs.xlsx",
}
_HEAD_BYTES = 4_096
_SIZE = re.compile(rb'<svg[^>]* width="([0-9]+)" height="([0-9]+)"')


class _Told(NamedTuple):
    """What is told of a plot; width and height in pixels."""

    name: str
    title: str
    alt: str
    width: int
    height: int


class Plot(NamedTuple):
    """A plot as a page shows it.

    Attributes:
        title: what it shows.
        alt: what can be seen in it.
        width: in pixels.
        height: in pixels.
        svg: where it is found.
        png: where it is found for programs that take no SVG; None where it is not.
        numbers: where its numbers are found; None where the page shows them.
    """

    title: str
    alt: str
    width: int
    height: int
    svg: str
    png: str | None
    numbers: str | None


def plots(publications: Publications, publication: Publication, identity: Identity, folder: str) -> dict[str, Plot]:
    """The plots of a folder of a release that somebody may see, by name; none in releases from before there were any."""
    if not publication.may_see(identity, _path(folder, _ALT_TEXTS)):
        return {}

    def address(path: str) -> str | None:
        return file_address(publication, path) if publication.may_see(identity, path) else None

    return {
        told.name: Plot(
            *told[1:],
            svg=svg,
            png=address(_path(folder, f"{told.name}.png")),
            numbers=address(_NUMBERS.get(told.name, "").format(folder=folder)),
        )
        for told in _told(publications, publication.round_name, publication.id, folder)
        if (svg := address(_path(folder, f"{told.name}.svg"))) is not None
    }


def _path(folder: str, name: str) -> str:
    return f"{folder}/{FIGURES}/{name}"


# A release never changes, and its pages are asked for often.
@lru_cache(maxsize=1_024)
def _told(publications: Publications, round_name: str, id_: str, folder: str) -> tuple[_Told, ...]:
    """What is told of the plots of a folder, in order. Of who may see them nothing is known here."""
    publication = publications.release(round_name, id_)
    return () if publication is None else tuple(_read(publication, folder))


def _read(publication: Publication, folder: str) -> Iterator[_Told]:
    with publication.open(publication.files[_path(folder, _ALT_TEXTS)]) as opened:
        text = opened.read().decode("utf-8-sig")
    for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";"):
        with publication.open(publication.files[_path(folder, row["fil"])]) as opened:
            size = _SIZE.search(opened.read(_HEAD_BYTES))
        if size is not None:
            name = row["fil"].removesuffix(".svg")
            yield _Told(name, row["titel"], row["alternativ tekst"], int(size[1]), int(size[2]))
