"""A report as PDF: A4, tagged, PDF/UA-1, set by Typst with a font as wide as the one that plots are drawn for.

What belongs here: handing a document to `templates/report.typ`, as data, and what must be known of widths before it is
set. What does not: how it looks, which the template says.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import typst

from pipelines.plots.text import text_width
from pipelines.reports.document import (
    MADE_UP_DA,
    Block,
    Bullets,
    Cell,
    Document,
    Notice,
    Paragraph,
    PlotBlock,
    TableBlock,
    chapters,
)
from pipelines.reports.typesetting import kept_together
from schemas.errors import BotilbudError

_TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
_FONT = "Arimo"
_PLOTS_FONT = b'font-family="Liberation Sans'
_SVG_SIZE = re.compile(rb'<svg[^>]* width="([0-9.]+)" height="([0-9.]+)"')
_POINTS_PER_PIXEL = 0.75
# In points: what a page has room for, and how tables are set.
_TEXT_WIDTH, _PLOT_HEIGHT = 486.0, 680.0
_CELL_SIZE, _SMALLEST_CELL_SIZE, _INSET = 8.5, 6.5, 4.5
_UNBROKEN, _SPARE = 90.0, 14.0
_LONGEST_WHOLE_TABLE = 18


def report_pdf(document: Document) -> bytes:
    """The document as PDF/UA-1: the same bytes on every machine, at any time.

    Raises:
        BotilbudError: it cannot be made accessible: a plot has no alt text or is no picture, no font has a letter, or a
            section stands below none.
    """
    told = {"report": json.dumps(_told(document), ensure_ascii=False)}
    try:
        return typst.compile(
            _TEMPLATE.read_bytes(),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs=told,
            format="pdf",
            pdf_standards=["ua-1"],
        )
    except typst.TypstError as error:
        raise BotilbudError(f"{document.title} cannot be made a PDF: {error.message}") from error


@cache
def _fonts() -> typst.Fonts:
    """The font of reports, and those in Typst itself for what it lacks; none of the system's."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(resources.files("fontpkg_arimo") / "files")])


def _told(document: Document) -> dict[str, Any]:
    """What the template reads."""
    return {
        "properties": {"title": document.title, "description": document.subtitle},
        "title": kept_together(document.title),
        "subtitle": kept_together(document.subtitle),
        "lead": kept_together(document.lead.text),
        "facts": [f"{name}: {fact}" for name, fact in document.facts.items()],
        # A few pages need no list of them.
        "has_contents": any(chapter.below for chapter in chapters(document)),
        "made_up": MADE_UP_DA if document.is_made_up else "",
        "sections": [
            {
                "heading": kept_together(section.heading),
                "level": section.level,
                "blocks": [_told_block(block) for block in section.blocks],
            }
            for chapter in chapters(document)
            for section in (chapter.section, *chapter.below)
        ],
        "font": _FONT,
        "text_width": _TEXT_WIDTH,
        "longest_whole_table": _LONGEST_WHOLE_TABLE,
    }


def _told_block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {"kind": "paragraph", "text": kept_together(block.text)}
        case Bullets():
            return {"kind": "bullets", "items": [kept_together(item.text) for item in block.items]}
        case Notice():
            return {"kind": "notice", "heading": kept_together(block.heading), "text": kept_together(block.text)}
        case PlotBlock():
            return _told_plot(block)
        case TableBlock():
            return _told_table(block)


def _told_plot(plot: PlotBlock) -> dict[str, Any]:
    """As wide as the page, unless it would be too high or larger than it was drawn; without alt text Typst refuses it."""
    size = _SVG_SIZE.match(plot.svg)
    if size is None:
        raise BotilbudError(f"The plot {plot.name} is no SVG with a width and a height")
    width, height = (float(pixels) for pixels in size.groups())
    return {
        "kind": "plot",
        "svg": plot.svg.replace(_PLOTS_FONT, f'font-family="{_FONT}'.encode()).decode(),
        "width": min(_TEXT_WIDTH, width * _POINTS_PER_PIXEL, _PLOT_HEIGHT * width / height),
        "alt": plot.alt and f"{plot.title}. {plot.alt}",
    }


def _told_table(table: TableBlock) -> dict[str, Any]:
    widths, size = _columns(table)
    return {
        "kind": "table",
        "caption": kept_together(table.caption),
        "headings": _told_cells(table.headings),
        "rows": [_told_cells(row) for row in table.rows],
        "source": kept_together(table.source),
        "widths": widths,
        "size": size,
        "inset": _INSET,
    }


def _told_cells(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    return [{"text": kept_together(cell.text), "is_number": cell.is_number} for cell in cells]


def _columns(table: TableBlock) -> tuple[list[float], float]:
    """How wide the columns are, and the size of their letters, in points.

    A column is as wide as its widest cell, its heading on one line or, where that is too wide, on two; and a little wider
    where there is room. Where there is not, columns of words give way first, down to their longest word; then the letters
    become smaller.
    """
    columns = list(zip(table.headings, *table.rows, strict=True))
    least = [2 * _INSET + _least(column) for column in columns]
    wanted: list[float] = []
    for lines in (1, 2):
        wanted = [max(2 * _INSET + _wanted(column, lines), low) for column, low in zip(columns, least, strict=True)]
        spare = _TEXT_WIDTH - sum(wanted)
        if spare >= 0:
            extra = min(spare / len(columns), _SPARE)
            return [width + extra for width in wanted], _CELL_SIZE
    if sum(least) <= _TEXT_WIDTH:
        kept = (_TEXT_WIDTH - sum(least)) / (sum(wanted) - sum(least))
        return [low + kept * (width - low) for width, low in zip(wanted, least, strict=True)], _CELL_SIZE
    scale = _TEXT_WIDTH / sum(least)
    return [low * scale for low in least], max(_CELL_SIZE * scale, _SMALLEST_CELL_SIZE)


def _least(column: Sequence[Cell]) -> float:
    """What a column needs: its widest number, its longest word or as much of it as is not broken."""
    heading, *cells = column
    numbers = [text_width(cell.text, _CELL_SIZE) for cell in cells if cell.is_number]
    words = [word for cell in (heading, *cells) if not cell.is_number or cell is heading for word in cell.text.split()]
    longest = max((text_width(word, _CELL_SIZE, bold=True) for word in words), default=0.0)
    return max([*numbers, min(longest, _UNBROKEN)])


def _wanted(column: Sequence[Cell], lines: int) -> float:
    """What a column would have: its widest cell on one line, its heading on so many."""
    heading, *cells = column
    return max(
        [
            text_width(heading.text, _CELL_SIZE, bold=True) / lines,
            *(text_width(cell.text, _CELL_SIZE) for cell in cells),
        ]
    )
