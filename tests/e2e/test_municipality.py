"""The journey of a municipality, from signing in to the numbers of the next night, in a browser without scripts."""

import hashlib
import io
import json
import zipfile
from decimal import ROUND_HALF_UP, Decimal

import openpyxl
import polars as pl
from playwright.sync_api import Error, expect

from pipelines.release.manifest import NAME as MANIFEST
from tests.assets.commands import botilbud
from tests.e2e.site import (
    HAND_IN,
    OWN,
    RELEASES,
    deadline,
    downloaded,
    faults,
    program,
    seen,
    sign_in,
    tab,
    table,
    text,
    upload,
)
from tests.e2e.workbooks import coloured_cells, corrected, filled, marked_cells, place
from tests.portal.portal_scenario import latest
from tests.scenario import ROUND, row

OTHER = "461"  # with a row that the night rejected
FAULTY = [row(OWN, 1), row(OWN, 2, age="51"), row(OWN, 3, provider="Regjonen")]
FAULTY_CELL = place("provider", 4)
MESSAGE = 'Fundet "Regjonen".'


def test_a_municipality_hands_in_and_finds_its_new_numbers_the_next_day(site, page, chromium):
    pages = []
    page.goto("/log-ind")
    seen(pages, page)
    sign_in(page, "bb_0_0")
    assert page.title().startswith("Fejl: ")
    seen(pages, page)
    sign_in(page, site.token(OWN))
    reads_what_is_missing(page, pages)
    old = latest(site.root)
    reads_its_figures(site, page, pages, cases=2)
    reads_its_report(page)
    old_file = downloads_a_table_and_the_package(site, page, old)
    corrected_form = finds_a_fault_and_corrects_it(page, pages)
    hands_in(site, page, pages, corrected_form)

    night = botilbud(site.root, "nightly", "--round", ROUND.name)
    assert (night.returncode, night.stderr) == (0, "")
    new = latest(site.root)
    assert new != old
    reads_what_the_night_made_of_it(page, pages)
    reads_its_figures(site, page, pages, cases=3)
    finds_old_and_new_numbers(page, old, new, old_file)
    signs_out(site, page, chromium, new)
    assert faults(chromium, site, pages) == []


def test_a_municipality_corrects_the_workbook_that_a_night_marked(site, page):
    before = site.inbox(OTHER)
    sign_in(page, site.token(OTHER))
    assert "1 række afvist" in card_of_round(page).inner_text()
    marked = downloaded(page, card_of_round(page).get_by_role("link", name="Hent regnearket med fejlene markeret"))
    ((cell, fault),) = marked_cells(marked).items()
    assert {cell} == coloured_cells(marked)
    assert MESSAGE in fault.comment.text
    content = corrected(marked, cell, "Regionen")
    page.goto(HAND_IN)
    upload(page, content)
    assert "Ingen fejl" in text(page)
    page.get_by_role("button", name="Aflever", exact=True).click()
    assert [received for name, received in site.inbox(OTHER).items() if name not in before] == [content]


def reads_what_is_missing(page, pages):
    newer = card_of_round(page, "01-10-2024")
    for told in (deadline("2024-10-01"), "Ingen aflevering", "Vi mangler en aflevering fra din kommune."):
        expect(newer).to_contain_text(told)
    for told in (deadline(ROUND.name), "Afleveringen er i orden", "Det er rundens første udgivelse."):
        expect(card_of_round(page)).to_contain_text(told)
    assert page.inner_text("h1") == "Ishøj Kommune"
    seen(pages, page)


def card_of_round(page, date="01-10-2022"):
    return page.locator("section.card", has_text=f"Runden opgjort pr. {date}")


def reads_its_figures(site, page, pages, *, cases):
    """The page of the current release shows what its parquet files say, written the Danish way."""
    page.goto("/")
    card_of_round(page).get_by_role("link", name="Se tallene").click()
    folder = site.root / "releases" / ROUND.name / latest(site.root)
    rates = pl.read_parquet(folder / "shared" / "case_rates.parquet")
    (own,) = rates.filter(pl.col("municipality_code") == OWN).to_dicts()
    averages = pl.read_parquet(folder / "shared" / "area_averages.parquet")
    (country,) = averages.filter(pl.col("area_type") == "country").to_dicts()
    assert own["cases"] == cases
    assert list(table(page, "Sager og befolkning").values()) == [
        [whole(own["cases"]), whole(country["cases"])],
        [whole(own["population_18_66"]), whole(country["population_18_66"])],
        [two_decimals(own["rate_per_1000"]), two_decimals(country["pooled_rate_per_1000"])],
    ]
    interval = f"mellem {two_decimals(own['ci95_lower'])} og {two_decimals(own['ci95_upper'])} (95 %-interval)"
    assert interval in text(page)
    assert f"Nr. {own['rank']} af {rates.height}," in text(page)

    groups = pl.read_parquet(folder / "municipalities" / OWN / "target_groups.parquet")
    types = pl.read_parquet(folder / "municipalities" / OWN / "provider_types.parquet")
    main = groups.filter(pl.col("target_group_level") == "main")
    for caption, frame in (("Hovedmålgrupper", main), ("Leverandørtyper", types)):
        counts = frame.filter(pl.col("area_code") == OWN)["cases"].to_list()
        shown = [cells[0] for cells in table(page, caption).values()]
        assert sorted(shown) == sorted(map(whole, counts))
        assert sum(counts) == cases
    seen(pages, page)


def reads_its_report(page):
    release = page.url
    shown = page.get_by_role("figure").first
    expect(shown.get_by_role("img")).to_be_visible()
    page.get_by_role("link", name="Læs kommunens rapport").click()
    assert page.inner_text("h1") == "Ishøj Kommune: særligt dyre botilbud"
    expect(page.get_by_role("img").first).to_be_visible()
    page.goto(release)


def whole(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def two_decimals(number: float) -> str:
    return str(Decimal(repr(number)).quantize(Decimal("0.01"), ROUND_HALF_UP)).replace(".", ",")


def downloads_a_table_and_the_package(site, page, release):
    link = page.get_by_role("link", name="case_rates.xlsx")
    content = downloaded(page, link)
    assert content == (site.root / "releases" / ROUND.name / release / "shared" / "case_rates.xlsx").read_bytes()
    told = page.locator("tr", has=link).locator(".checksum").inner_text()
    assert hashlib.sha256(content).hexdigest() == told
    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames

    rows = page.locator("tr", has=page.locator(".checksum")).all()
    on_page = {row_.locator("a").get_attribute("href"): row_.locator(".checksum").inner_text() for row_ in rows}
    package = zipfile.ZipFile(io.BytesIO(downloaded(page, page.get_by_role("link", name="Hent hele pakken (zip)"))))
    described = {entry["path"]: entry for entry in json.loads(package.read(MANIFEST))["resources"]}
    assert set(package.namelist()) == described.keys() | {MANIFEST, "LÆSMIG.txt"}
    assert {path.split("/")[0] for path in described} == {"shared", "municipalities"}
    assert {path.split("/")[1] for path in described if path.startswith("municipalities/")} == {OWN}
    for path, entry in described.items():
        checksum = hashlib.sha256(package.read(path)).hexdigest()
        assert entry["hash"] == f"sha256:{checksum}"
        assert on_page.pop(f"/files/{ROUND.name}/{release}/{path}") == checksum
    assert on_page == {}
    return content


def finds_a_fault_and_corrects_it(page, pages):
    page.goto("/")
    card_of_round(page).get_by_role("link", name="Gå til aflevering").click()
    seen(pages, page)
    form = downloaded(page, page.get_by_role("link", name="Hent det tomme skema"))
    upload(page, b"not a workbook")
    expect(page.locator(".error-summary")).to_contain_text("Filen er ikke modtaget")
    seen(pages, page)
    upload(page, filled(form, OWN, FAULTY))
    assert page.inner_text("h1") == "Kontrol af filen"
    assert "1 række har fejl" in text(page)
    ((heading, cells),) = table(page, "Fejl efter række").items()
    assert heading == "Række 4"
    assert cells[1].startswith(f"Celle {FAULTY_CELL} (")
    assert MESSAGE in cells[1]
    assert 'Nærmeste svarmulighed er "Regionen".' in cells[1]
    seen(pages, page)

    marked = downloaded(page, page.get_by_role("link", name="Hent filen med fejlene markeret"))
    ((place_, cell),) = marked_cells(marked).items()
    assert {place_} == coloured_cells(marked) == {FAULTY_CELL}
    assert MESSAGE in cell.comment.text
    assert cell.value == "Regjonen"
    return corrected(marked, FAULTY_CELL, "Regionen")


def hands_in(site, page, pages, content):
    before = site.inbox(OWN)
    page.goto(HAND_IN)
    upload(page, content, "Rettet skema.xlsx")
    assert "Ingen fejl" in text(page)
    assert site.inbox(OWN) == before
    seen(pages, page)
    page.get_by_role("button", name="Aflever", exact=True).click()
    assert page.inner_text("h1") == "Kvittering"
    for told in ("Modtaget", "Ishøj Kommune (183)", "Rettet skema.xlsx", hashlib.sha256(content).hexdigest()):
        assert told in text(page)
    seen(pages, page)
    ((name, received),) = site.inbox(OWN).items() - before.items()
    assert received == content
    assert name in text(page)

    page.get_by_role("link", name="Botilbudsbenchmark").click()
    expect(card_of_round(page)).to_contain_text("Den bliver behandlet i nat.")
    seen(pages, page)


def reads_what_the_night_made_of_it(page, pages):
    page.reload()
    card = card_of_round(page)
    for told in (
        "Afleveringen er i orden",
        "Rettet skema.xlsx",
        "Antallet af sager i din kommune er ændret fra 2 til 3.",
        "Årsag til ændringerne: rettede afleveringer.",
    ):
        expect(card).to_contain_text(told)
    seen(pages, page)
    page.goto(HAND_IN)
    statuses = [cells[1] for cells in table(page, "Afleveringer i runden").values()]
    assert statuses == ["tæller", "erstattet"]
    seen(pages, page)


def finds_old_and_new_numbers(page, old, new, old_file):
    content = downloaded(page, page.get_by_role("link", name="case_rates.xlsx"))
    assert content != old_file
    answer = page.request.get(f"/files/{ROUND.name}/latest/shared/case_rates.xlsx")
    assert answer.body() == content
    assert answer.headers["content-location"] == f"/files/{ROUND.name}/{new}/shared/case_rates.xlsx"
    page.goto(f"{RELEASES}/{old}")
    assert downloaded(page, page.get_by_role("link", name="case_rates.xlsx")) == old_file


def goes_back(page, patience=10):
    try:
        page.go_back()
    except Error as error:
        if "Not attached to an active page" not in str(error) or not patience:
            raise
        page.wait_for_timeout(200)
        goes_back(page, patience - 1)


def signs_out(site, page, chromium, release):
    cookies = page.context.cookies()
    assert [(cookie["name"], cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [
        ("session", True, "Lax")
    ]
    page.get_by_role("button", name="Log ud").click()
    # The page before is given up a moment after the next one is there; the driver cannot go back in between.
    page.wait_for_url("**/log-ind", wait_until="networkidle")
    page.get_by_role("button", name="Log ind").wait_for()
    goes_back(page)
    assert page.url.endswith("/log-ind")
    assert "Ishøj" not in page.inner_text("body")

    thief = tab(chromium, site)
    thief.context.add_cookies(cookies)
    for address in ("/", HAND_IN, f"{RELEASES}/{release}"):
        thief.goto(address)
        assert thief.url.endswith("/log-ind")
    assert thief.request.get(f"/files/{ROUND.name}/{release}/shared/case_rates.xlsx").status == 401
    nobody = program(chromium, site, "bb_0_0")
    assert nobody.get(f"/files/{ROUND.name}/{release}/shared/case_rates.xlsx").status == 401
