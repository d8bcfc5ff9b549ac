"""The pages for analysts: they stand by themselves, link to each other, and show what they are given and no more."""

import datetime as dt
import re
from html.parser import HTMLParser
from posixpath import dirname, join, normpath

import pytest

from pipelines.documentation.quality_pages import quality_pages
from pipelines.documentation.questions import columns_told
from pipelines.documentation.rendering import STYLE, style
from pipelines.documentation.table_pages import table_pages
from schemas import lineage, tables
from tests.release_scenario import filled
from tests.scenario import CATALOGUE, ROUND

AT = "2022-12-01T02:15:00+00:00"
HOSTILE = "<script>alert(1)</script>&\"'"
VERSION = ROUND.questionnaire
ASSETS = lineage.tables_with_lineage(VERSION)


def document(**changes):
    upstream = {
        asset: sorted({table for origin in lineage.origins(asset, VERSION).values() for table, _ in origin.sources})
        for asset in ASSETS
    }
    delivery = {"municipalityCode": "101", "file": f"inbox/{HOSTILE}.csv", "receivedAt": AT, "sha256": "d" * 64}
    return {
        "release": "0123456789abcdef",
        "round": ROUND.name,
        "codeVersion": "c" * 40,
        "methodVersion": "1",
        "run": "12345678-run",
        "madeAt": AT,
        "tables": {
            asset: {
                "dataVersion": f"{number:064x}"[::-1],
                "run": "12345678-run",
                "madeAt": AT,
                "codeVersion": "c" * 40,
                "rows": 1_000 + number,
                "file": f"warehouse/{asset}/{ROUND.name}.parquet",
                "upstream": upstream[asset],
            }
            for number, asset in enumerate(ASSETS)
        },
        "deliveries": [delivery | {"status": "current"}, delivery | {"status": "rejected", "sha256": None}],
        "population": {
            "table": "FOLK1A",
            "quarter": "2022K4",
            "source": HOSTILE,
            "fetchedAt": None,
            "sha256": "e" * 64,
            "file": "reference/x",
        },
        "roundBefore": None,
        "files": {
            f"shared/{table.name}.parquet": asset for asset, table in ASSETS.items() if lineage.is_published(asset)
        },
    } | changes


def report():
    accepted = {
        "accepted_by": HOSTILE,
        "accepted_reason": "Set efter.",
        "accepted_at": dt.datetime(2022, 12, 2, 8, tzinfo=dt.UTC),
    }
    rows = [
        {"expectation": "is_met", "about": "case_rates", "severity": "stop", "met": True},
        {"expectation": "was_accepted", "about": "population", "severity": "look", "met": False} | accepted,
        {"expectation": "is_looked_at", "about": "population", "severity": "look", "met": False},
        {"expectation": "stops", "about": "case_rates", "severity": "stop", "met": False, "action_da": "Gør noget."},
    ]
    constants = {"round": ROUND.name, "expected_da": HOSTILE, "failing_keys": ["101", HOSTILE], "rows_checked": 1_234}
    return filled(tables.QUALITY_REPORT, [constants | row for row in rows])


@pytest.fixture(scope="module")
def pages():
    return {STYLE: style()} | table_pages(document(), VERSION) | quality_pages(report(), ROUND)


class Page(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements = []
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def values(self, attribute):
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


def parsed(pages):
    return {path: Page(content) for path, content in pages.items() if path.endswith(".html")}


def test_there_is_a_page_for_every_published_table_and_every_table_with_expectations(pages):
    published = {"case_rates", "area_averages", "funnel_limits", "round_changes"}
    published |= {"target_groups", "provider_types", "question_answers", "key_findings"}
    wanted = {f"tables/{name}.html" for name in published} | {"tables/index.html", "quality/index.html", STYLE}
    assert set(pages) == wanted | {"quality/case_rates.html", "quality/population.html"}


def test_every_link_leads_to_a_page_and_a_place_that_there_is(pages):
    found = parsed(pages)
    for path, page in found.items():
        for link in page.values("href"):
            file, _, place = link.partition("#")
            target = normpath(join(dirname(path), file)) if file else path
            assert target in pages, (path, link)
            assert not place or place in found[target].values("id"), (path, link)


def test_pages_ask_no_other_host_and_hold_no_script_or_inline_style(pages):
    for path, page in parsed(pages).items():
        assert not {"script", "style", "iframe", "img", "object"} & {tag for tag, _ in page.elements}, path
        assert not any(name == "style" or name.startswith("on") for _, given in page.elements for name in given), path
        assert page.values("src") == []
    everything = b"".join(pages.values()).replace(b'xmlns="http://www.w3.org/2000/svg"', b"")
    assert not re.search(rb"https?:|//[a-z]|url\(|@import", everything)


def test_hostile_text_is_shown_as_text(pages):
    for content in pages.values():
        assert b"<script" not in content
    assert b"&lt;script&gt;" in pages["quality/index.html"]
    assert b"&lt;script&gt;" in pages["tables/index.html"]


def test_names_of_delivered_files_are_not_shown(pages):
    assert not any(b".csv" in content for content in pages.values())


def test_the_same_facts_make_the_same_bytes(pages):
    again = table_pages(document(), VERSION) | quality_pages(report(), ROUND)
    assert again == {path: content for path, content in pages.items() if path != STYLE}


def test_identifiers_are_unique_in_every_page(pages):
    for path, page in parsed(pages).items():
        found = page.values("id")
        assert len(found) == len(set(found)), path


def test_a_page_tells_every_column_with_its_label_formula_function_and_sources(pages):
    for asset, table in ASSETS.items():
        if not lineage.is_published(asset):
            continue
        text = pages[f"tables/{table.name}.html"].decode()
        rows = set(Page(text.encode()).values("id"))
        for field in table.fields:
            origin = lineage.origins(asset, VERSION)[field.name]
            assert field.name in rows
            assert origin.function in text
            assert field.label_da in text


def test_the_drawing_of_a_rate_goes_back_to_the_form_and_to_statistics_denmark(pages):
    drawing = re.search(rb"<svg.*?</svg>", pages["tables/case_rates.html"], re.DOTALL)[0].decode()
    boxes = re.findall(r'<text class="name"[^>]*>([^<]*)<', drawing)
    assert {"inbox", "folk1a", "municipalities", "responses", "population", "delivery_log", "case_rates"} <= set(boxes)
    assert "spørgsmål 1-36" in drawing
    assert "<title" in drawing
    assert "case_rates følger af delivery_log, inbox, municipalities, population, responses." in drawing


def test_upstream_tables_stand_with_version_run_time_and_rows(pages):
    text = pages["tables/case_rates.html"].decode()
    number = list(ASSETS).index("responses")
    assert f"{number:064x}"[::-1][:12] in text
    assert "12345678</code>" in text
    assert "01-12-2022 kl. 02.15 UTC" in text
    assert f"1.{number:03d}" in text
    assert "København (101)" in text
    assert "følger med programmet" in text


def test_the_changes_tell_of_the_round_before_and_no_other_page_does():
    before = {key: document()[key] for key in ("tables", "deliveries", "population")} | {"round": "2020-10-01"}
    found = table_pages(document(roundBefore=before), VERSION)
    told = {path for path, content in found.items() if "Runden før, 01-10-2020" in content.decode()}
    assert told == {"tables/round_changes.html"}


def test_what_is_not_met_stands_first_and_says_what_to_do(pages):
    text = pages["quality/index.html"].decode()
    order = ["stops", "is_looked_at", "was_accepted", "is_met"]
    places = [text.index(f'<tr id="{expectation}">') for expectation in order]
    assert places == sorted(places)
    assert "Gør noget." in text
    assert "1.234" in text
    assert "02-12-2022 kl. 08.00 UTC: Set efter." in text


def test_the_summary_counts_expectations_by_outcome(pages):
    text = pages["quality/index.html"].decode()
    assert re.findall(r"<dt>([^<]*)</dt><dd>(\d+)</dd>", text) == [
        ("Forventninger", "4"),
        ("Opfyldt", "1"),
        ("Ikke opfyldt, stopper udgivelsen", "1"),
        ("Ikke opfyldt, skal ses på af en konsulent", "1"),
        ("Ikke opfyldt, godkendt af en konsulent", "1"),
    ]


def test_many_questions_are_told_by_number_and_few_by_name():
    assert columns_told("responses", ["eligible", "age", "gender"], CATALOGUE) == "eligible, age, gender"
    keys = [CATALOGUE.questions[n - 1].key for n in (2, 3, 4, 5, 9, 11)]
    assert columns_told("responses", [*keys, "eligible"], CATALOGUE) == "eligible, spørgsmål 2-5, 9, 11"
    assert columns_told("case_rates", list("abcdefg"), CATALOGUE) == "a, b, c, d, e, f, g"
