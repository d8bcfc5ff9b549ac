"""A report as one page of HTML that opens from a disk, on a phone and on paper: no script, nothing from elsewhere.

What belongs here: handing a document to `templates/report.html`. What does not: how it looks (`templates/report.css`).
A plot is a picture in the page's own bytes, so that nothing in it can act, whatever it holds.
"""

from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.reports.document import MADE_UP_DA, Block, Document, PlotBlock, chapters
from pipelines.reports.typesetting import kept_together
from schemas.errors import BotilbudError

_TEMPLATES = Path(__file__).parent / "templates"


def report_html(document: Document) -> bytes:
    """The document as a page.

    Raises:
        BotilbudError: it cannot be made accessible: a plot has no alt text, or a section stands below none.
    """
    template = _environment().get_template("report.html")
    return template.render(document=document, chapters=chapters(document), made_up=MADE_UP_DA).encode()


def _kind_of(block: Block) -> str:
    return type(block).__name__


def _alt(plot: PlotBlock) -> str:
    if not plot.alt:
        raise BotilbudError(
            f"The plot {plot.name} has no alt text: nobody who does not see it would know what it shows"
        )
    return f"{plot.title}. {plot.alt}"


def _data_uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"


def _shown(value: object) -> object:
    """Texts with what belongs together kept so; not the template's own markup."""
    return kept_together(value) if type(value) is str else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals["kind_of"] = _kind_of
    environment.filters |= {"alt": _alt, "data_uri": _data_uri}
    return environment
