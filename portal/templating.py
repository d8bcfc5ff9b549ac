"""Pages from templates: the one way to render.

What belongs here: how any page is rendered, and the addresses of static files. What does not: what a page says
(`portal.pages`, `portal.wording`), how numbers are written (`portal.danish`).
"""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from portal import danish
from portal.access import guard
from portal.identity import Identity
from schemas.labels_da import RELEASE_STATUSES_DA

STATIC = Path(__file__).parent / "static"
_TEMPLATES = Path(__file__).parent / "templates"
_HASH_CHARACTERS = 12


def page(request: Request, name: str, status_code: int = 200, **values: object) -> HTMLResponse:
    """A page from the template of this name; `request`, `identity`, `csrf` and `navigation` are there by themselves."""
    identity = guard.session_identity(request)
    content = (
        _environment()
        .get_template(name)
        .render(
            request=request,
            identity=identity,
            csrf=guard.csrf_token(request),
            navigation=_navigation(identity),
            **values,
        )
    )
    return HTMLResponse(content, status_code)


@cache
def static_files() -> dict[str, tuple[str, bytes]]:
    """The static files, own name and bytes, by the name in their address, which follows from the content."""
    found = {}
    for path in sorted(STATIC.iterdir()):
        content = path.read_bytes()
        checksum = hashlib.sha256(content).hexdigest()[:_HASH_CHARACTERS]
        found[f"{path.stem}-{checksum}{path.suffix}"] = (path.name, content)
    return found


@cache
def _static_address(name: str) -> str:
    return next(f"/static/{address}" for address, (own_name, _) in static_files().items() if own_name == name)


def _navigation(identity: Identity | None) -> list[tuple[str, str]]:
    if identity is None:
        return []
    years, about = ("/ledelsesinformation", "Ledelsesinformation"), [("/om-tallene", "Om tallene"), ("/api", "API")]
    if identity.is_kl:
        return [("/kl", "Overblik"), years, ("/kl/haendelser", "Hændelser"), *about]
    return [("/", "Overblik"), years, *about]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        # A portal that runs keeps the templates that it began with, and looks at no file for each page.
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (danish.number, danish.decimal, danish.date, danish.time, danish.size, danish.municipality):
        environment.filters[function.__name__] = function
    environment.globals["static"] = _static_address
    environment.globals["release_statuses"] = RELEASE_STATUSES_DA
    return environment
