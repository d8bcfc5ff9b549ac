"""Reports as a page: whole in itself, in order, named for those who do not see it, and texts that stay texts."""

import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from pipelines.reports.document import MADE_UP_DA, Cell, Notice, Paragraph, Section, TableBlock
from pipelines.reports.html import report_html
from schemas.errors import BotilbudError
from tests.unit import report_layout_scenario as scenario

CHROMIUM = Path("/usr/bin/chromium")
WIDE, NARROW = 1280, 320
VOID = {"meta", "img", "source"}


class Page(HTMLParser):
    """Every element with its attributes and the text in it."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(page.decode())
        self.close()
        assert self._open == [], "an element is never closed"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self._open.append((tag, self.elements[-1][2]))

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        for _, texts in self._open:
            texts.append(data)

    def of(self, *tags: str) -> list[tuple[dict[str, str | None], str]]:
        """Attributes and text of the elements of these kinds, in order."""
        return [(attributes, " ".join("".join(text).split())) for tag, attributes, text in self.elements if tag in tags]

    def text(self) -> str:
        return self.of("body")[0][1]


def page(*blocks, **changes) -> Page:
    return Page(report_html(scenario.document(*blocks, **changes)))


def test_the_same_report_is_the_same_page():
    assert report_html(scenario.document()) == report_html(scenario.document())


def test_a_page_is_danish_and_titled():
    shown = page()
    assert shown.of("html")[0][0] == {"lang": "da"}
    assert shown.of("title")[0][1] == "Sager i en opdigtet kommune – Opgjort pr. 01-10-2022"
    assert shown.of("h1")[0][1] == "Sager i en opdigtet kommune"


def test_headings_are_in_order_and_the_list_of_contents_leads_to_each():
    shown = page()
    headings = [
        (tag, " ".join("".join(text).split())) for tag, _, text in shown.elements if re.fullmatch("h[1-6]", tag)
    ]
    assert headings == [
        ("h1", "Sager i en opdigtet kommune"),
        ("h2", "Indhold"),
        ("h2", "Antal"),
        ("h3", "Billedet"),
        ("h2", "Fordelinger"),
        ("h3", "Resten"),
    ]
    skip, *links = [(attributes["href"], text) for attributes, text in shown.of("a")]
    assert skip == ("#rapport", "Gå til rapporten")
    assert links == [(f"#{attributes['id']}", text) for attributes, text in shown.of("h2", "h3")][1:]


def test_every_plot_is_a_picture_with_alt_text_and_another_for_narrow_screens():
    shown = page(scenario.PLOT._replace(name="uden_smalt", narrow_svg=b""))
    pictures = shown.of("img")
    assert [attributes["alt"] for attributes, _ in pictures] == [f"Ærø har flest sager. {scenario.ALT}"] * 2
    assert [picture_of(attributes["src"]) for attributes, _ in pictures] == [scenario.SVG] * 2
    [(narrow, _)] = shown.of("source")
    assert picture_of(narrow["srcset"]) == scenario.PLOT.narrow_svg


def picture_of(address: str | None) -> bytes:
    kind, _, content = (address or "").partition(",")
    assert kind == "data:image/svg+xml;base64"
    return b64decode(content, validate=True)


def test_a_plot_without_alt_text_is_refused():
    with pytest.raises(BotilbudError, match="plot ranked_dots has no alt text"):
        report_html(scenario.document(scenario.PLOT._replace(alt="")))


def test_a_section_that_stands_below_none_is_refused():
    with pytest.raises(BotilbudError, match="section For dybt is of level 2"):
        report_html(scenario.document(sections=[Section("For dybt", 2, [])]))


def test_a_table_has_a_caption_scoped_headings_and_its_numbers_to_the_right():
    shown = page()
    assert [text for _, text in shown.of("caption")] == ["Sager efter kommune"]
    assert [attributes["scope"] for attributes, _ in shown.of("th")] == ["col"] * 3 + ["row"] * 3
    assert [text for _, text in shown.of("th")][3:] == [f"Opdigtet kommune {n}" for n in (1, 2, 3)]
    assert [(attributes["class"], text) for attributes, text in shown.of("td")][:2] == [
        ("number", "1"),
        ("number", "1 %"),
    ]


def test_a_wide_table_scrolls_within_a_region_that_the_keyboard_reaches_and_its_caption_names():
    shown = page()
    [region] = [attributes for attributes, _ in shown.of("div") if attributes.get("class") == "scroll"]
    assert region["tabindex"] == "0"
    [name] = [text for attributes, text in shown.of("span") if attributes["id"] == region["aria-labelledby"]]
    assert name == "Sager efter kommune"


def test_no_two_elements_share_an_id_and_every_reference_leads_somewhere():
    shown = page(scenario.table(), scenario.table(), Notice("a", "b"), Notice("a", "b"))
    ids = [attributes["id"] for _, attributes, _ in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {
        attributes["aria-labelledby"] for _, attributes, _ in shown.elements if "aria-labelledby" in attributes
    } <= {*ids}
    assert {(attributes["href"] or "").removeprefix("#") for attributes, _ in shown.of("a")} <= {*ids}


def test_release_period_and_sources_stand_on_the_page():
    shown = page()
    assert "Udgivelse 0123456789abcdef Opgjort pr. 01-10-2022" in shown.of("footer")[0][1]
    assert "Kilde: opdigtede tal." in shown.text()


def test_demonstration_data_are_called_so_on_the_screen_and_on_every_printed_page():
    shown = page(is_made_up=True)
    assert shown.of("header")[0][1].startswith(MADE_UP_DA)
    assert f'@top-right {{ content: "{MADE_UP_DA}"' in shown.of("style")[0][1]
    assert MADE_UP_DA.encode() not in report_html(scenario.document())


def test_what_looks_like_markup_is_shown_as_it_was_written():
    hostile = scenario.HOSTILE
    planted = Paragraph(hostile)
    table = TableBlock(hostile, [Cell(hostile)], [[Cell(hostile)]], hostile)
    plot = scenario.PLOT._replace(title=hostile, alt=hostile)
    changes = {"title": hostile, "subtitle": hostile, "lead": planted, "facts": {hostile: hostile}}
    shown = page(planted, Notice(hostile, hostile), table, plot, **changes)
    # Title, subtitle, lead, paragraph, notice (2), table (4), fact (2).
    assert shown.text().count(hostile) == 12
    assert [attributes["alt"] for attributes, _ in shown.of("img")][-1] == f"{hostile}. {hostile}"
    assert shown.of("script") == []


def test_a_page_asks_nobody_for_anything():
    shown = page(is_made_up=True)
    kinds = {tag for tag, _, _ in shown.elements}
    assert kinds.isdisjoint({"script", "link", "iframe", "object", "embed", "svg", "form", "base"})
    style = shown.of("style")[0][1]
    assert not re.search(r"url\(|@import|https?:", style)
    attributes = [name for _, attributes, _ in shown.elements for name in attributes]
    assert not any(name.startswith("on") for name in attributes)


@pytest.mark.slow
def test_axe_finds_no_fault_and_nothing_scrolls_sideways_on_wide_and_narrow_screens(tmp_path):
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing; install it with: apt-get install chromium"
    wide_table = TableBlock(
        "En bred tabel",
        scenario.cells(*["Meget lang overskrift"] * 12),
        [scenario.cells(*["1.234.567"] * 12)] * 60,
        "x",
    )
    long_word = Paragraph(f"{scenario.LONG_WORD} " * 3)
    report = scenario.document(wide_table, long_word, scenario.table(60), is_made_up=True)
    (tmp_path / "rapport.html").write_bytes(report_html(report))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        shown = browser.new_page()
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url.partition(":")[0]))
        shown.goto((tmp_path / "rapport.html").as_uri())
        for width in (WIDE, NARROW):
            shown.set_viewport_size({"width": width, "height": 800})
            faults = Axe().run(shown).response["violations"]
            assert [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in faults] == []
            assert shown.evaluate("document.documentElement.scrollWidth") == width
        assert set(asked) <= {"file", "data"}
        browser.close()
