"""Every page in a real browser: axe, narrow screens, the keyboard, printing.

Chromium is the system's own (`/usr/bin/chromium`); nothing is downloaded.
"""

import shutil
import socket
import threading
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from upath import UPath

from pipelines.quality.acceptances import Acceptance, accept
from pipelines.release import life
from tests.assets.management import YEAR
from tests.portal import portal_scenario as scenario
from tests.portal import quality_scenario as quality
from tests.portal import report_scenario as reports
from tests.scenario import ROUND, csv, row

CHROMIUM = Path("/usr/bin/chromium")
WIDE, NARROW = 1280, 320
RELEASE = f"/runder/{ROUND.name}/udgivelser/latest"
HAND_IN = f"/runder/{ROUND.name}/aflevering"
YEARS = "/ledelsesinformation"
QUALITY = f"/kl/runder/{ROUND.name}/kvalitet"
DOCUMENTED = ("quality/index", "tables/index", "tables/case_rates")
STOPPING = quality.expectation("sums_agree", "stop", tuple(f"region {code}" for code in range(1_081, 1_086)))
OPEN = quality.expectation("rates_are_alike", failing=("183", "461"))
ACCEPTED = quality.expectation("participants_stay", failing=("101",))
MET = quality.expectation("shares_are_alike")
FAULTY = csv([row(scenario.OWN, 1), row(scenario.OWN, 2, provider="Regjonen", age="x")])

pytestmark = pytest.mark.slow

# Everything that the keyboard must reach, in the order of the document.
FOCUSABLE = """
() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
  .filter(element => element.checkVisibility({visibilityProperty: true}))
"""


@pytest.fixture(scope="module")
def site(year_night, tmp_path_factory):
    """A portal with two releases, the older one withdrawn, warnings and a year; yields address and application."""
    folder = tmp_path_factory.mktemp("accessibility")
    root = shutil.copytree(year_night, folder / "root", copy_function=shutil.copy2)
    first = quality.released_with(root, quality.warning("rates_are_alike", ("183", "461")))
    reports.planted(root)
    reports.planted(root, YEAR, ("monthly_active_cases", "budget_waterfall"))
    told = {"by": "En konsulent", "reason": "Kendt forhold", "at": quality.AT.isoformat()}
    quality.released_with(root, quality.warning("participants_stay", ("101",), told))
    report = quality.report_of(root, STOPPING, OPEN, ACCEPTED, MET)
    accept(UPath(root), report, ACCEPTED["warning_id"], Acceptance("En konsulent", "Kendt forhold", quality.AT))
    life.withdraw(UPath(root), ROUND.name, first, by="En konsulent", reason="Forkert befolkning", at=scenario.NOW)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = scenario.app_for(root, folder / "state", url=address)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Site(address, folder / "state", scenario.latest(root), first)
        finally:
            server.should_exit = True
            thread.join()


class Site:
    def __init__(self, address: str, state: Path, latest: str, withdrawn: str) -> None:
        self.address, self.state, self.latest, self.withdrawn = address, state, latest, withdrawn

    def pages_of(self, code: str | None) -> list[str]:
        """The addresses that somebody can go to, without those on the way of handing in."""
        withdrawn = f"/runder/{ROUND.name}/udgivelser/{self.withdrawn}"
        both = [f"/runder/{ROUND.name}", RELEASE, withdrawn, YEARS, f"{YEARS}/{YEAR}"]
        both += ["/was", "/om-tallene", "/api", "/findes-ikke"]
        if code is not None:
            return ["/", HAND_IN, *both]
        decisions = f"/kl/runder/{ROUND.name}/udgivelser/{self.latest}"
        own = ["/kl", f"/kl/runder/{ROUND.name}", "/kl/haendelser", QUALITY]
        own += [f"{QUALITY}/{warning['warning_id']}" for warning in (OPEN, ACCEPTED)]
        own += [f"/kl/dokumentation/{ROUND.name}/{name}.html" for name in DOCUMENTED]
        own.append(f"/kl/runder/{ROUND.name}/udgivelser/{self.withdrawn}/goer-endelig")
        return [*own, f"{decisions}/goer-endelig", f"{decisions}/traek-tilbage", *both]


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        assert CHROMIUM.exists(), f"{CHROMIUM} is missing; install it with: apt-get install chromium"
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab_of(site, chromium):
    """Opens a browser of some width, signed in where a code (None is KL) is given."""
    contexts = []

    def opened(width: int = WIDE, *who: str | None, **options):
        context = chromium.new_context(base_url=site.address, viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if who:
            page.goto("/log-ind")
            page.fill("#token", scenario.token_for(site.state, who[0]))
            page.click("main button[type=submit]")
            page.wait_for_url("**/kl" if who[0] is None else "**/")
        return page

    yield opened
    for context in contexts:
        context.close()


def faults(page, width: int) -> list[str]:
    """What is wrong with the page that is shown: what axe calls serious or critical, and scrolling sideways."""
    found = [
        f"{page.url}: {violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
        found.append(f"{page.url}: is {needed} wide")
    return found


def test_faults_would_be_found(tab_of):
    page = tab_of(NARROW)
    page.goto("/was")
    page.evaluate("document.querySelector('p').innerHTML = '<input>'")
    page.evaluate("document.querySelector('h1').style.minWidth = '900px'")
    assert [told.split(": ")[1] for told in faults(page, NARROW)] == ["label", "is 916 wide"]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("code", [scenario.OWN, None], ids=["municipality", "kl"])
def test_no_page_has_a_serious_fault_or_scrolls_sideways(site, tab_of, code, width):
    page = tab_of(width, code)
    found = []
    for path in site.pages_of(code):
        page.goto(path)
        found += faults(page, width)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found += faults(page, width)
    assert found == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_signing_in_handing_in_and_deciding_have_no_serious_fault_on_the_way(site, tab_of, width):
    page = tab_of(width)
    page.goto("/log-ind")
    found = faults(page, width)
    page.fill("#token", "bb_0_0")
    page.click("main button[type=submit]")
    assert page.title().startswith("Fejl: ")
    found += faults(page, width)

    page = tab_of(width, scenario.OWN)
    page.goto(HAND_IN)
    page.set_input_files("input[type=file]", {"name": "sager.txt", "mimeType": "text/plain", "buffer": b"x"})
    page.click("main button[type=submit]")
    assert page.title().startswith("Fejl: ")
    found += faults(page, width)
    page.set_input_files("input[type=file]", {"name": "sager.csv", "mimeType": "text/csv", "buffer": FAULTY})
    page.click("main button[type=submit]")
    assert "Kontrol" in page.title()
    found += faults(page, width)
    page.click("button:has-text('Aflever')")
    assert "Kvittering" in page.title()
    found += faults(page, width)
    page.goto(HAND_IN)
    found += faults(page, width)

    page = tab_of(width, None)
    for path in (f"/kl/runder/{ROUND.name}/udgivelser/{site.latest}/goer-endelig", f"{QUALITY}/{OPEN['warning_id']}"):
        page.goto(path)
        page.click("main button[type=submit]")
        assert page.title().startswith("Fejl: ")
        found += faults(page, width)
    assert found == []


@pytest.mark.parametrize(
    "path", ["/", HAND_IN, RELEASE, f"{YEARS}/{YEAR}", "/kl", "/kl/haendelser", QUALITY, "goer-endelig"]
)
def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(site, tab_of, path):
    is_kl = path.startswith("/kl") or path == "goer-endelig"
    page = tab_of(WIDE, None if is_kl else scenario.OWN)
    page.goto(f"/kl/runder/{ROUND.name}/udgivelser/{site.latest}/{path}" if path == "goer-endelig" else path)
    count = page.evaluate(f"({FOCUSABLE})().length")
    assert count > 5
    for place in range(count):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            f"""() => {{
                const element = document.activeElement, style = getComputedStyle(element);
                const box = element.getBoundingClientRect();
                return [({FOCUSABLE})().indexOf(element), style.outlineStyle, parseFloat(style.outlineWidth),
                        box.bottom > 0 && box.top < innerHeight, element.outerHTML.slice(0, 100)];
            }}"""
        )
        assert seen[:4] == [place, "solid", 3, True], seen


def test_the_figures_are_seen_and_nothing_moves_when_they_come(tab_of):
    page = tab_of(NARROW, scenario.OWN)
    page.goto(RELEASE)
    needed = "document.documentElement.scrollHeight"
    before = page.evaluate(needed)
    pictures = page.locator("main img").all()
    assert len(pictures) == 6
    for picture in pictures:
        picture.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth === 720", arg=picture.element_handle())
        assert picture.bounding_box()["width"] == NARROW - 32
    assert page.evaluate(needed) == before


# The page of a report runs nothing, not even axe; the tests of reports look at it without the policy.
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_report_is_shown_with_its_pictures_under_its_policy(tab_of, width):
    page = tab_of(width, scenario.OWN)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(RELEASE)
    page.click("text=Læs kommunens rapport")
    page.wait_for_url("**/rapport")
    assert page.inner_text("h1") == f"Rapport municipalities/{scenario.OWN}"
    assert page.evaluate("[document.images[0].naturalWidth, window.origin]") == [720, "null"]
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(11, 60, 93)"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    page.go_back()
    assert page.title().startswith("Udgivelse")


def test_the_skip_link_leads_past_the_menu(tab_of):
    page = tab_of(WIDE, scenario.OWN)
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Gå til indhold"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "indhold"


def test_what_can_be_pressed_is_large_enough(tab_of):
    # WCAG 2.2 asks for 24 pixels, or so much room around; links within sentences and table cells are exempt.
    page = tab_of(NARROW, scenario.OWN)
    small = """[...document.querySelectorAll('button, .button, input:not([type=hidden]), select, summary, nav a')]
        .filter(each => each.checkVisibility() && each.getBoundingClientRect().height < 24).map(each => each.outerHTML)"""
    for path in ("/", HAND_IN, RELEASE):
        page.goto(path)
        assert page.evaluate(small) == []


def test_a_page_prints_without_menus_and_with_whole_tables(tab_of):
    page = tab_of(WIDE, None)
    page.goto(RELEASE)
    assert page.is_visible(".site-nav")
    page.emulate_media(media="print")
    for hidden in (".site-nav", ".breadcrumbs", ".actions"):
        assert not page.is_visible(hidden)
    assert page.evaluate("getComputedStyle(document.querySelector('.table-scroll')).overflowX") == "visible"


def test_nothing_moves_for_whoever_asked_for_that(tab_of):
    page = tab_of(WIDE, scenario.OWN, reduced_motion="reduce")
    page.goto("/")
    moving = (
        "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0).length"
    )
    assert page.evaluate(moving) == 0


def test_status_is_told_apart_without_colours(tab_of):
    page = tab_of(WIDE, scenario.OWN, forced_colors="active")
    page.goto("/")
    assert page.evaluate("getComputedStyle(document.querySelector('.alert')).borderTopStyle") == "solid"
    assert page.inner_text(".tag") == "Foreløbig"


@pytest.mark.parametrize("code", [scenario.OWN, None], ids=["municipality", "kl"])
def test_no_page_breaks_the_policy_that_it_is_sent_with_or_asks_another_host(site, tab_of, code):
    page = tab_of(WIDE, code)
    complaints, asked = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    for path in site.pages_of(code)[:-1]:
        page.goto(path)
    # A withdrawn release is answered with 410, of which the browser tells.
    assert [told for told in complaints if "410" not in told] == []
    assert {url for url in asked if not url.startswith(site.address)} == set()
