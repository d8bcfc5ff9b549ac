"""The pages for analysts, as the portal sends them: to KL, as they lie there, and nothing else."""

import pytest
from upath import UPath

from pipelines import storage
from tests.portal import portal_scenario as scenario
from tests.portal.test_pages import got
from tests.portal.test_quality_pages import sections
from tests.scenario import ROUND

HERE = f"/kl/dokumentation/{ROUND.name}"
HTML, CSS = "text/html; charset=utf-8", "text/css; charset=utf-8"
PAGE = '<!doctype html><html lang="da"><title>Tabel</title><link rel="stylesheet" href="../style.css"><p>Rækker</p>'
FILES = {
    "style.css": b"p { color: #111111; }",
    "quality/index.html": PAGE.encode(),
    "tables/index.html": PAGE.encode(),
    "tables/case_rates.html": PAGE.encode(),
    "tables/notes.txt": b"not a page",
}


@pytest.fixture
def kl(app, state):
    return scenario.browser_for(app, scenario.token_for(state, None))


@pytest.fixture(autouse=True)
def pages(root):
    """The pages of the round, and none of the other."""
    folder = storage.documentation(UPath(root), ROUND.name)
    for path in storage.files_below(folder).values():
        path.unlink()
    for name, content in FILES.items():
        storage.write_bytes(folder / name, content)


@pytest.mark.parametrize(("name", "media_type"), [("style.css", CSS), ("tables/case_rates.html", HTML)])
def test_a_page_is_sent_as_it_lies_there_under_the_portals_policy(kl, name, media_type):
    answer = kl.get(f"{HERE}/{name}")
    assert (answer.status_code, answer.content) == (200, FILES[name])
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "quality",
        "quality/",
        "tables/absent.html",
        "tables/notes.txt",
        "tables/../style.css",
        "..%2f..%2freleases%2flatest.json",
        "../../warehouse/case_rates/2022-10-01.parquet",
        "%2fetc%2fpasswd",
        "style.css%00",
        "STYLE.CSS",
    ],
)
def test_what_is_no_page_of_the_round_is_not_found(app, state, name):
    kept = scenario.browser_for(app, scenario.token_for(state, None)).cookies
    cookie = {"Cookie": "; ".join(f"{key}={value}" for key, value in kept.items())}
    assert scenario.ask(app, "GET", f"{HERE}/style.css".encode(), cookie).status == 200
    assert scenario.ask(app, "GET", f"{HERE}/{name}".encode(), cookie).status == 404


def test_the_pages_are_kls_alone(app, state, nobody):
    for code in (scenario.OWN, scenario.OUTSIDER):
        municipality = scenario.browser_for(app, scenario.token_for(state, code))
        for name in (*FILES, "absent.html"):
            got(municipality, f"{HERE}/{name}", 404)
    answer = nobody.get(f"{HERE}/style.css")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/log-ind")


def test_the_pages_of_one_round_are_not_anothers(kl):
    got(kl, "/kl/dokumentation/2024-10-01/style.css", 404)
    got(kl, "/kl/dokumentation/1999-01-01/style.css", 404)


def test_the_rounds_page_leads_to_the_pages_that_there_are(kl, root):
    there = f"/kl/runder/{ROUND.name}"
    links = [f'<a href="{HERE}/{name}">' for name in ("quality/index.html", "tables/index.html")]
    assert all(link in sections(got(kl, there))["kvalitet"] for link in links)
    (storage.documentation(UPath(root), ROUND.name) / "tables/index.html").unlink()
    assert [link in got(kl, there) for link in links] == [True, False]
