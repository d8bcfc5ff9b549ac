"""KL's way to the pages for analysts: the static files below `documentation/<round or year>/`, sent as they lie there.

What belongs here: sending them. What does not: what they say (`pipelines.documentation`).
"""

from pathlib import PurePosixPath

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response
from upath import UPath

from pipelines import storage
from portal.context import portal_of
from portal.files.answers import period_or_404
from portal.pages.kl_forms import Consultant
from schemas.years import load_periods

router = APIRouter()
# Where readers begin.
_ENTRANCES = {"quality/index.html": "Kvalitetskontrollen tabel for tabel", "tables/index.html": "Tabeller og herkomst"}
_MEDIA_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8"}


def entrances(root: UPath, round_name: str) -> dict[str, str]:
    """What the pages are called where readers begin, by address; empty before the first night."""
    found = _documented(root, round_name)
    return {f"/kl/dokumentation/{round_name}/{name}": words for name, words in _ENTRANCES.items() if name in found}


@router.get("/dokumentation/{round_name}/{path:path}")
def documentation(request: Request, round_name: str, path: str, _: Consultant) -> Response:
    """A page or the style sheet. The address is compared with what there is and never made into a path."""
    period = period_or_404(load_periods(), round_name)
    file = _documented(portal_of(request).settings.root, period.name).get(path)
    if file is None:
        raise HTTPException(404)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise HTTPException(404) from None
    return Response(content, media_type=_MEDIA_TYPES[PurePosixPath(path).suffix])


def _documented(root: UPath, round_name: str) -> dict[str, UPath]:
    """The pages of a round or year and their style sheet, by address below its own."""
    found = storage.files_below(storage.documentation(root, round_name))
    return {name: path for name, path in found.items() if PurePosixPath(name).suffix in _MEDIA_TYPES}
