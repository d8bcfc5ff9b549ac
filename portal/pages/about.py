"""Pages that say the same to everybody: accessibility, the figures, the API. And the files that pages look by."""

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from portal.context import portal_of
from portal.templating import page, static_files
from schemas.labels_da import FIGURES_SOURCE

router = APIRouter()
_A_YEAR = "public, max-age=31536000, immutable"
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@router.get("/was")
def accessibility(request: Request) -> Response:
    """The accessibility statement."""
    return page(request, "was.html")


@router.get("/om-tallene")
def figures(request: Request) -> Response:
    """What the figures are, how sure they are, and what is hidden."""
    return page(request, "om_tallene.html", source=FIGURES_SOURCE)


@router.get("/api")
def api(request: Request) -> Response:
    """How programs use the portal."""
    return page(request, "api.html", url=portal_of(request).settings.url)


@router.get("/static/{name}")
def static(name: str) -> Response:
    """A static file. Its address follows from its content, so that it may be kept for ever."""
    if name not in static_files():
        raise HTTPException(404)
    own_name, content = static_files()[name]
    media_type = _MEDIA_TYPES["." + own_name.rpartition(".")[2]]
    return Response(content, media_type=media_type, headers={"Cache-Control": _A_YEAR})
