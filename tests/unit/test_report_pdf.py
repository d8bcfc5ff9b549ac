"""Reports as PDF: the same bytes everywhere, PDF/UA-1, everything on the pages, and texts that stay texts."""

import hashlib
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from pipelines.plots.text import text_width
from pipelines.reports.document import MADE_UP_DA, Cell, Notice, Paragraph, Section, TableBlock
from pipelines.reports.pdf import report_pdf
from schemas.errors import BotilbudError
from tests.unit import report_layout_scenario as scenario
from tests.unit.ingest_scenario import costly_property_test

ROOT = Path(__file__).parents[2]
A4_WIDTH, MARGIN = 595.3, 54.0
MEASURED_WIDER = 1.02
IN_ANOTHER_PROCESS = """
import hashlib
from pipelines.reports.pdf import report_pdf
from tests.unit.report_layout_scenario import document
print(hashlib.sha256(report_pdf(document())).hexdigest())
"""


def test_the_same_report_has_the_same_bytes_in_another_process_place_and_time_zone(tmp_path):
    pdf = report_pdf(scenario.document())
    assert report_pdf(scenario.document()) == pdf
    elsewhere = os.environ | {"TZ": "Pacific/Auckland", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    child = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        env=elsewhere,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == hashlib.sha256(pdf).hexdigest()


def test_it_says_what_it_is_in_danish_and_nothing_of_when_it_was_made():
    reader = PdfReader(BytesIO(report_pdf(scenario.document())))
    catalogue = reader.trailer["/Root"]
    assert catalogue["/Lang"] == "da-DK"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Sager i en opdigtet kommune"
    assert reader.metadata.subject == "Opgjort pr. 01-10-2022"
    assert reader.metadata.get("/Keywords") == "Udgivelse: 0123456789abcdef, Opgjort pr.: 01-10-2022"
    assert "/CreationDate" not in reader.metadata
    properties = catalogue["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in properties
    assert "CreateDate" not in properties


def test_no_font_is_the_systems_own_neither_in_texts_nor_in_plots():
    reader = PdfReader(BytesIO(report_pdf(scenario.document())))
    fonts = {font for page in reader.pages for font in page["/Resources"].get("/Font", {}).values()}
    names = {font.get_object()["/BaseFont"].split("+")[-1] for font in fonts}
    assert names == {"Arimo-Regular"}  # one file holds every weight
    text = "".join(page.extract_text() for page in reader.pages)
    assert "Titel i billedet" in text


def test_a_plot_without_alt_text_is_refused():
    with pytest.raises(BotilbudError, match="PDF/UA-1 error: missing alt text"):
        report_pdf(scenario.document(scenario.PLOT._replace(alt="")))


def test_a_plot_that_is_no_picture_is_refused():
    with pytest.raises(BotilbudError, match="plot ranked_dots is no SVG"):
        report_pdf(scenario.document(scenario.PLOT._replace(svg=b"x")))


@pytest.mark.parametrize("level", [2, 3])
def test_a_section_that_stands_below_none_is_refused(level):
    with pytest.raises(BotilbudError, match=f"section For dybt is of level {level}"):
        report_pdf(scenario.document(sections=[Section("For dybt", level, [])]))


def test_a_letter_that_no_font_has_is_refused_and_not_left_out():
    with pytest.raises(BotilbudError, match="could not be displayed"):
        report_pdf(scenario.document(Paragraph("\N{GRINNING FACE}")))


def test_a_screen_reader_finds_headings_tables_lists_and_pictures_in_order():
    found = scenario.tags(report_pdf(scenario.document()))
    kinds = [kind for kind, _ in found]
    headings = [kind for kind in kinds if kind in {"H1", "H2"}]
    assert headings == ["H1", "H1", "H2", "H1", "H2"]  # contents, then the four sections
    assert kinds.count("TR") == 1 + 3  # headings, and three municipalities
    assert [str(tag["/A"][0]["/Scope"]) for kind, tag in found if kind == "TH"] == ["/Column"] * 3
    assert kinds.count("TD") == 3 * 3
    assert kinds.count("Caption") == 1
    assert kinds.count("LI") == 2
    [figure] = [tag for kind, tag in found if kind == "Figure"]
    assert figure["/Alt"] == f"Ærø har flest sager. {scenario.ALT}"
    assert kinds.index("Figure") < kinds.index("Table")


def test_every_sentence_stands_on_the_pages():
    text = " ".join(scenario.pages(report_pdf(scenario.document(Paragraph("Det sidste afsnit.")))))
    assert "Der er 14 sager. Det er 0,96 pr. 1.000 18-66-årige." in text
    assert "Små tal De svinger tilfældigt." in text
    assert "Sager efter kommune Kommune Sager Andel af sagerne Opdigtet kommune 1 1 1 %" in text
    assert "Kilde: opdigtede tal." in text
    assert "Første punkt." in text
    assert "Det sidste afsnit." in text


def test_every_page_says_its_number_the_release_and_the_period():
    pages = scenario.pages(report_pdf(scenario.document(scenario.table(rows=120))))
    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        assert f"Udgivelse: 0123456789abcdef · Opgjort pr.: 01-10-2022 Side {number} af {len(pages)}" in page


def test_every_page_of_demonstration_data_says_so_and_no_other_page_does():
    pages = scenario.pages(report_pdf(scenario.document(scenario.table(rows=120), is_made_up=True)))
    assert all(MADE_UP_DA in page for page in pages)
    assert not any(MADE_UP_DA in page for page in scenario.pages(report_pdf(scenario.document())))


def test_demonstration_data_are_also_told_where_headers_are_not_read_aloud():
    first, second = scenario.pages(report_pdf(scenario.document(scenario.table(rows=40), is_made_up=True)))
    assert first.count(MADE_UP_DA) == 2  # in the header, and below the title
    assert second.count(MADE_UP_DA) == 1


def test_a_long_table_shows_caption_and_headings_on_every_page_and_each_row_once():
    pages = scenario.pages(report_pdf(scenario.document(scenario.table(rows=120, caption="Den lange tabel"))))
    of_table = [page for page in pages if "Den lange tabel" in page]
    begins, *goes_on = of_table
    assert len(goes_on) >= 2
    assert "(fortsat)" not in begins
    assert all("Den lange tabel (fortsat)" in page for page in goes_on)
    assert all("Kommune Sager Andel af sagerne" in page for page in of_table)
    assert "(fortsat)" not in "".join(page for page in pages if page not in of_table)
    whole = " ".join(pages)
    assert all(whole.count(f"Opdigtet kommune {n} {n} {n % 100} %") == (2 if n <= 3 else 1) for n in range(1, 121))


def test_a_short_table_is_never_torn_between_pages():
    blocks = [scenario.table(rows=18, caption=f"Tabel {n}.") for n in range(6)]
    pages = scenario.pages(report_pdf(scenario.document(*blocks)))
    assert len(pages) > 3
    assert not any("(fortsat)" in page for page in pages)


def test_what_looks_like_markup_is_shown_as_it_was_written():
    planted = Paragraph(scenario.HOSTILE)
    hostile = TableBlock(scenario.HOSTILE, [Cell(scenario.HOSTILE)], [[Cell(scenario.HOSTILE)]], scenario.HOSTILE)
    blocks = [planted, Notice(scenario.HOSTILE, scenario.HOSTILE), hostile]
    changes = {
        "title": scenario.HOSTILE,
        "subtitle": scenario.HOSTILE,
        "lead": planted,
        "facts": {"x": scenario.HOSTILE},
    }
    pdf = report_pdf(scenario.document(*blocks, **changes))
    text = " ".join(scenario.pages(pdf))
    # Title, subtitle, lead, paragraph, notice (2), table (4), facts: below the title and on each page.
    assert text.count(scenario.HOSTILE) == 10 + 1 + len(scenario.pages(pdf))
    metadata = PdfReader(BytesIO(pdf)).metadata
    assert metadata is not None
    assert metadata.title == scenario.HOSTILE


def test_numbers_stay_with_what_they_count():
    [page, *_] = PdfReader(BytesIO(report_pdf(scenario.document()))).pages
    assert "nr.\N{NO-BREAK SPACE}3" in page.extract_text()


words = st.lists(
    st.sampled_from(["sag", "kommune", "Fysisk funktionsnedsættelse", scenario.LONG_WORD, "1.234,5 til 2.345,6"]),
    min_size=1,
    max_size=6,
).map(" ".join)


@costly_property_test
@given(st.integers(1, 7).flatmap(lambda columns: st.lists(st.tuples(*[words] * columns), min_size=2, max_size=5)))
def test_no_word_runs_into_the_next_cell_or_over_the_margin(rows):
    heading, *body = [[Cell(text) for text in row] for row in rows]
    table = TableBlock("Brede ord", heading, body, "Kilde.")
    pdf = report_pdf(scenario.document(sections=[Section("Uden billeder", 1, [table])]))
    for page in PdfReader(BytesIO(pdf)).pages:
        for line in lines(page):
            ends = [*(left for left, _ in line[1:]), A4_WIDTH - MARGIN]
            assert all(right <= end + 1 for (_, right), end in zip(line, ends, strict=True)), line


def lines(page):
    """Where each run of text on the same line begins and ends, in points."""
    found = {}

    def see(text, place, position, font, size):
        if text.strip() and font:
            left, width = place[4] + position[4], text_width(text.strip(), size) / MEASURED_WIDER
            found.setdefault(round(place[5] + position[5], 1), []).append((left, left + width))

    page.extract_text(visitor_text=see)
    return [sorted(runs) for runs in found.values()]
