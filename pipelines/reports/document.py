"""What a report is made of, whatever it is shown as: headings, paragraphs, tables and plots, in order.

What belongs here: the parts. What does not: what they say (`municipal`, `national`, `sentences`), and how they look (`pdf`,
`html`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from schemas.errors import BotilbudError

MADE_UP_DA = "Opdigtede demonstrationsdata"


class Source(NamedTuple):
    """Where a number in a sentence is looked up: the table's name, the row's key, the column."""

    table: str
    key: Mapping[str, Any]
    column: str


class Paragraph(NamedTuple):
    """Sentences, and where each number in them comes from, in the order that they are read."""

    text: str
    sources: tuple[Source, ...] = ()


class Cell(NamedTuple):
    """A cell of a table: its text, and whether it is a number (right-aligned)."""

    text: str
    is_number: bool = False


class TableBlock(NamedTuple):
    """A table: its caption, the headings, the rows (the first cell of each is its heading), and a source line."""

    caption: str
    headings: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    source: str


class PlotBlock(NamedTuple):
    """A plot with its title and its alt text; the table that shows the same stands beside it.

    Attributes:
        name: what it is called in file names.
        svg: the picture, its title in it.
        title: what it shows.
        alt: what can be seen in it.
        narrow_svg: the same for a narrow screen, where there is one.
    """

    name: str
    svg: bytes
    title: str
    alt: str
    narrow_svg: bytes = b""


class Notice(NamedTuple):
    """A box that must not be overlooked."""

    heading: str
    text: str


class Bullets(NamedTuple):
    """Paragraphs as a list."""

    items: Sequence[Paragraph]


Block = Paragraph | TableBlock | PlotBlock | Notice | Bullets


class Section(NamedTuple):
    """A heading of the first (1) or second (2) level below the title, and what stands below it."""

    heading: str
    level: int
    blocks: Sequence[Block]


class Document(NamedTuple):
    """A report.

    Attributes:
        title: what it is called.
        subtitle: whose and of when.
        lead: the one paragraph for those who read no further.
        sections: in order.
        facts: what stands in the footer and the document's properties: release, period, made from.
        is_made_up: whether its figures are of demonstration data, which every page then says.
    """

    title: str
    subtitle: str
    lead: Paragraph
    sections: Sequence[Section]
    facts: Mapping[str, str]
    is_made_up: bool = False


class Chapter(NamedTuple):
    """A section of the first level, and those of the second below it."""

    section: Section
    below: list[Section]


def chapters(document: Document) -> list[Chapter]:
    """The sections of a report as those who read it by its headings find them.

    Raises:
        BotilbudError: a section is of another level, or of the second below none of the first.
    """
    found: list[Chapter] = []
    for section in document.sections:
        if section.level == 1:
            found.append(Chapter(section, []))
        elif section.level == 2 and found:
            found[-1].below.append(section)
        else:
            raise BotilbudError(
                f"{document.title}: the section {section.heading} is of level {section.level}. Sections are of level 1, or "
                "of level 2 after one of level 1"
            )
    return found
