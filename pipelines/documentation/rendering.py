"""The pages for analysts: static, below `documentation/<round>/`; they open from a disk and ask no other host.

What belongs here: the one way to render such a page, and how times and numbers are written. What does not: what a page
says (`quality_pages`, `table_pages`). The style is a file beside the pages, not in them: the portal serves them under a
policy that allows no inline style.
"""

import datetime as dt
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).parent / "templates"
STYLE = "style.css"


def render(template: str, **values: object) -> bytes:
    """A page from the template of this name; every text in it is escaped."""
    return _environment().get_template(template).render(**values).encode()


def style() -> bytes:
    """The style sheet that all pages link to, at the root of the round's documentation."""
    return (_TEMPLATES / STYLE).read_bytes()


def date_da(day: dt.date) -> str:
    """`01-10-2022`."""
    return f"{day:%d-%m-%Y}"


def time_da(at: dt.datetime) -> str:
    """`01-10-2022 kl. 02.15 UTC`."""
    return f"{at.astimezone(dt.UTC):%d-%m-%Y kl. %H.%M} UTC"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
