"""KL's journey: warnings, who is missing, what to write to them, deciding on releases, and who saw what."""

import re

from playwright.sync_api import expect

from portal import wording
from tests.assets.commands import botilbud
from tests.e2e.site import (
    OUTSIDER,
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
)
from tests.portal.portal_scenario import latest
from tests.scenario import ROUND, csv, row

KL_ROUND = f"/kl/runder/{ROUND.name}"
API = f"/api/rounds/{ROUND.name}/releases"
QUALITY = f"{KL_ROUND}/kvalitet"
WHY_ACCEPTED = "Kommunerne er spurgt, og tallene passer."
WHY_FINAL = "Alle afleveringer er gennemgået."
WHY_WITHDRAWN = "Befolkningstallet for én kommune er forkert."


def test_kl_follows_the_deliveries_decides_on_releases_and_sees_who_did_what(site, page, chromium):
    pages = []
    first = latest(site.root)
    sign_in(page, site.token(None))
    is_told_what_keeps_it_from_being_final(page, pages, first)
    accepts_the_warnings(page, pages)
    night = botilbud(site.root, "nightly", "--round", ROUND.name)
    assert night.returncode == 0, night.stderr
    second = latest(site.root)
    reads_where_figures_come_from(page)

    own_token = site.token(OWN)
    checksum = a_municipality_downloads_and_hands_in(program(chromium, site, own_token), second)
    page.goto("/kl")
    sees_who_is_missing_and_what_to_write(page, pages)
    makes_it_final(page, pages, second)
    reads_who_did_what(page, pages, second, checksum)

    municipality = tab(chromium, site)
    sign_in(municipality, own_token)
    withdraws_it(page, pages, second)
    it_is_gone_for_the_municipality(municipality, pages, first, second)
    programs_are_told_so(chromium, site, own_token, first, second)
    the_command_tells_the_same(site, first, second)
    assert faults(chromium, site, pages) == []


def is_told_what_keeps_it_from_being_final(page, pages, release):
    page.goto(KL_ROUND)
    page.locator("section.card", has_text=release).get_by_role("link", name="Gør udgivelsen endelig").click()
    expect(page.locator(".alert")).to_contain_text("Den næste nats udgivelse indeholder godkendelsen")
    expect(page.get_by_role("button", name="Gør udgivelsen endelig")).to_have_count(0)
    seen(pages, page)
    page.locator(".alert").get_by_role("link", name="Kvalitetskontrol").click()


def accepts_the_warnings(page, pages):
    assert page.url.endswith(QUALITY)
    seen(pages, page)
    waiting = page.locator("a.button", has_text="Godkend advarslen")
    count = waiting.count()
    assert count > 0
    assert wording.open_warnings(count) in text(page)
    for left in range(count - 1, -1, -1):
        waiting.first.click()
        page.get_by_label("Dit navn").fill("Kontoret for benchmarking")
        page.get_by_role("button", name="Godkend advarslen").click()
        assert page.locator(".error-summary").locator("li").all_inner_texts() == ["Skriv en begrundelse"]
        seen(pages, page)
        page.get_by_label("Begrundelse").fill(WHY_ACCEPTED)
        page.get_by_role("button", name="Godkend advarslen").click()
        assert page.url.endswith(QUALITY)
        expect(waiting).to_have_count(left)
    assert text(page).count(WHY_ACCEPTED) == count
    assert "Ingen advarsler mangler godkendelse." in text(page)
    seen(pages, page)


def reads_where_figures_come_from(page):
    page.goto(KL_ROUND)
    page.get_by_role("link", name="Kvalitetskontrollen tabel for tabel").click()
    assert page.title().startswith("Kvalitetskontrol")
    assert WHY_ACCEPTED in text(page)
    assert page.evaluate("document.styleSheets.length") == 1
    page.go_back()
    page.get_by_role("link", name="Tabeller og herkomst").click()
    page.get_by_role("link", name="Sager pr. 1.000 18-66-årige").first.click()
    assert "rate_per_1000" in text(page)


def a_municipality_downloads_and_hands_in(asker, release):
    """What the municipality does with a program of its own; the checksum of what it downloaded."""
    answer = asker.get(f"/files/{ROUND.name}/latest/shared/case_rates.xlsx")
    assert answer.headers["content-location"] == f"/files/{ROUND.name}/{release}/shared/case_rates.xlsx"
    file = {"name": "Sager oktober.csv", "mimeType": "text/csv", "buffer": csv([row(OWN, 1), row(OWN, 2)])}
    assert asker.post(f"/deliveries/{ROUND.name}", multipart={"file": file}).status == 201
    return answer.headers["etag"].strip('"')


def sees_who_is_missing_and_what_to_write(page, pages):
    assert page.url.endswith("/kl")
    assert f"{deadline(ROUND.name)}. Runden er stadig åben" in text(page)
    seen(pages, page)
    page.locator("section.card", has_text="01-10-2022").get_by_role("link", name="90 kommuner").click()
    assert {cells[0] for cells in table(page, "90 kommuner: mangler").values()} == {"Mangler"}
    assert "Aalborg" in table(page, "90 kommuner: mangler")
    seen(pages, page)
    page.goto(KL_ROUND)
    states = {name: cells[0] for name, cells in table(page, "98 kommuner").items()}
    assert len(states) == 98
    assert states["Ishøj"] == "Afventer nattens kørsel"
    assert states["Odense"] == "Rækker afvist"

    reminder = page.locator("details", has_text="Aalborg: mangler")
    reminder.locator("summary").click()
    for told in ("Til Aalborg Kommune", deadline(ROUND.name), f"/runder/{ROUND.name}/aflevering"):
        expect(reminder.locator("pre")).to_contain_text(told)
    seen(pages, page)
    texts = downloaded(page, page.get_by_role("link", name="rykkere som tekst")).decode()
    assert texts.count("Emne: ") == 91
    assert texts.count("1 række afvist\n\nTil Odense Kommune") == 1
    assert "Til Ishøj" not in texts


def decide(page, release, title, reason, confirmation):
    page.goto(KL_ROUND)
    page.locator("section.card", has_text=release).get_by_role("link", name=title).click()
    page.get_by_label("Dit navn").fill("Kontoret for benchmarking")
    page.get_by_label("Begrundelse").fill(reason)
    page.get_by_label(confirmation).check()
    page.get_by_role("button", name=title).click()


def makes_it_final(page, pages, release):
    decide(page, release, "Gør udgivelsen endelig", "", "Jeg har set tallene igennem")
    summary = page.locator(".error-summary")
    assert summary.locator("li").all_inner_texts() == ["Skriv en begrundelse"]
    assert page.title().startswith("Fejl: ")
    seen(pages, page)
    summary.get_by_role("link").click()
    expect(page.get_by_label("Begrundelse")).to_be_focused()
    page.keyboard.type(WHY_FINAL)
    expect(page.get_by_label("Dit navn")).to_have_value("Kontoret for benchmarking")
    expect(page.get_by_label("Jeg har set tallene igennem")).to_be_checked()
    page.get_by_role("button", name="Gør udgivelsen endelig").click()
    assert page.url.endswith(KL_ROUND)
    card = page.locator("section.card", has_text=release)
    expect(card.locator(".tag")).to_have_text("Endelig")
    expect(card).to_contain_text(re.compile(rf"af Kontoret for benchmarking .*Begrundelse: {re.escape(WHY_FINAL)}"))
    expect(card.get_by_role("link", name="Gør udgivelsen endelig")).to_have_count(0)


def reads_who_did_what(page, pages, release, checksum):
    page.get_by_role("link", name="Hændelser").click()
    seen(pages, page)
    page.get_by_label("Hvem").select_option("Ishøj")
    page.get_by_role("button", name="Vis").click()
    events = [row_.locator("td").all_inner_texts()[2:] for row_ in page.locator("tbody tr").all()]
    (download,) = [event for event in events if event[0] == "Hentet fil"]
    assert download[1:] == [f"/files/{ROUND.name}/{release}/shared/case_rates.xlsx", checksum]
    (delivery,) = [event for event in events if event[0] == "Afleveret"]
    assert delivery[1].startswith(f"{ROUND.name}/{OWN}/")
    assert "sag-1" not in page.content()


def withdraws_it(page, pages, release):
    decide(page, release, "Træk udgivelsen tilbage", WHY_WITHDRAWN, "Udgivelsen skal trækkes tilbage for alle")
    card = page.locator("section.card", has_text=release)
    expect(card.locator(".tag")).to_have_text("Trukket tilbage")
    expect(card.locator("a.button")).to_have_count(0)
    seen(pages, page)


def it_is_gone_for_the_municipality(page, pages, first, second):
    answer = page.goto(f"{RELEASES}/{second}")
    assert answer.status == 410
    assert WHY_WITHDRAWN in text(page)
    assert "Kontoret" not in text(page)
    assert page.get_by_role("link", name="xlsx").count() == 0
    seen(pages, page)
    page.get_by_role("link", name="Gå til den gældende udgivelse").click()
    assert f"/files/{ROUND.name}/{first}/package.zip" in page.content()
    page.goto(f"/runder/{ROUND.name}")
    tags = [card.locator(".tag").inner_text() for card in page.locator("section.card").all()]
    assert tags == ["Trukket tilbage", "Foreløbig"]
    seen(pages, page)


def programs_are_told_so(chromium, site, token, first, second):
    asker = program(chromium, site, token)
    addresses = [
        f"{API}/{second}",
        *(f"/files/{ROUND.name}/{second}/{file}" for file in ("package.zip", "shared/x.xlsx")),
    ]
    answers = [asker.get(address) for address in addresses[:2]]
    assert [answer.status for answer in answers] == [410, 410]
    assert all(answer.json()["reason"] == WHY_WITHDRAWN for answer in answers)
    assert asker.get(f"{API}/latest").json()["release"] == first
    outsider = program(chromium, site, site.token(OUTSIDER))
    assert {outsider.get(address).status for address in addresses} == {404}


def the_command_tells_the_same(site, first, second):
    told = botilbud(site.root, "release", "list", "--round", ROUND.name).stdout.splitlines()
    assert [line for line in told if not line.startswith(" ")] == [f"{second}  trukket tilbage", f"{first}  foreløbig"]
    assert [line.rpartition(": ")[2] for line in told if line.startswith(" ")] == [WHY_FINAL, WHY_WITHDRAWN]
