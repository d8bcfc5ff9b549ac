"""Made-up reports with every kind of part, and how to read what became of one as PDF; nothing in them is of anybody."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from pypdf.generic import IndirectObject

from pipelines.reports.document import (
    Block,
    Bullets,
    Cell,
    Document,
    Notice,
    Paragraph,
    PlotBlock,
    Section,
    TableBlock,
)

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="300" viewBox="0 0 720 300">'
    b'<text x="10" y="20" font-family="Liberation Sans, Arial" font-weight="bold">Titel i billedet</text></svg>'
)
ALT = "Prikdiagram med 3 opdigtede kommuner: øverst Ærø med 1,20, nederst Fanø med 0,10."
PLOT = PlotBlock("ranked_dots", SVG, "Ærø har flest sager", ALT, SVG.replace(b'"720"', b'"320"'))
LONG_WORD = "specialbørnehjemsanbringelseskonsulentbistandsområdet"
HOSTILE = (
    '<script>alert(1)</script> #import "x" $x^2$ *a* _b_ @c <d> // e \\ "f" \'g\' {{ h }} {% i %} &amp; #sys.inputs'
)
FACTS = {"Udgivelse": "0123456789abcdef", "Opgjort pr.": "01-10-2022"}


def cells(*texts: str) -> list[Cell]:
    """A row: words first, then numbers."""
    return [Cell(texts[0]), *(Cell(text, is_number=True) for text in texts[1:])]


def table(rows: int = 3, caption: str = "Sager efter kommune") -> TableBlock:
    """So many municipalities, which do not exist."""
    body = [cells(f"Opdigtet kommune {n}", f"{n}", f"{n % 100} %") for n in range(1, rows + 1)]
    return TableBlock(caption, cells("Kommune", "Sager", "Andel af sagerne"), body, "Kilde: opdigtede tal.")


def document(*blocks: Block, **changes: Any) -> Document:
    """A report with these blocks in its last section."""
    whole = Document(
        title="Sager i en opdigtet kommune",
        subtitle="Opgjort pr. 01-10-2022",
        lead=Paragraph("Der er 14 sager. Det er 0,96 pr. 1.000 18-66-årige."),
        sections=[
            Section("Antal", 1, [Paragraph("Kommunen er nr. 3 af 59."), Notice("Små tal", "De svinger tilfældigt.")]),
            Section("Billedet", 2, [PLOT]),
            Section("Fordelinger", 1, [table(), Bullets([Paragraph("Første punkt."), Paragraph("Andet punkt.")])]),
            Section("Resten", 2, blocks),
        ],
        facts=FACTS,
    )
    return whole._replace(**changes)


def pages(pdf: bytes) -> list[str]:
    """The text of each page, every run of white space as one space."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages]


def tags(pdf: bytes) -> list[tuple[str, dict[str, Any]]]:
    """What the pages are made of to those who do not see them: each part's kind and its attributes, in reading order."""
    return list(_tags(PdfReader(BytesIO(pdf)).trailer["/Root"]["/StructTreeRoot"]))


def _tags(element: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(element, IndirectObject):
        element = element.get_object()
    if isinstance(element, list):
        for child in element:
            yield from _tags(child)
    elif isinstance(element, dict):
        if "/S" in element:
            yield str(element["/S"]).removeprefix("/"), element
        yield from _tags(element.get("/K", []))
