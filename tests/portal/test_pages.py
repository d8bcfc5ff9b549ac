"""The pages of rounds, releases and KL, as browsers get them."""

import datetime as dt
import io
import itertools
import re
from html.parser import HTMLParser

import polars as pl
import pytest

from pipelines.release import life
from pipelines.release.contents import CHANGES, RATES
from pipelines.release.manifest import NAME, to_bytes
from portal import danish
from portal.templating import static_files
from schemas import tables
from tests.assets.graph import files_below
from tests.portal import portal_scenario as scenario
from tests.portal import quality_scenario
from tests.scenario import ROUND

RELEASE = f"/runder/{ROUND.name}/udgivelser/latest"
MUNICIPALITY_PAGES = ("/", f"/runder/{ROUND.name}", RELEASE, "/was", "/om-tallene", "/api")
KL_ROUND = f"/kl/runder/{ROUND.name}"
KL_ALONE = ("/kl", KL_ROUND, f"{KL_ROUND}/kvalitet", "/kl/haendelser")
KL_PAGES = (*KL_ALONE, f"/runder/{ROUND.name}", RELEASE, "/was", "/api")
VOID = {"meta", "link", "input", "br", "hr", "img"}


class Page(HTMLParser):
    """A page's elements, and whether every one that opens closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.cells: list[list[str]] = []
        self.title = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1][-1] += data
        if "title" in self.open:
            self.title += data

    def row(self, first: str) -> list[str]:
        """The cells of the row that begins so."""
        return next(found for cells in self.cells if (found := [" ".join(c.split()) for c in cells])[:1] == [first])


@pytest.fixture
def municipality(app, state):
    return scenario.browser_for(app, scenario.token_for(state, scenario.OWN))


@pytest.fixture
def kl(app, state):
    return scenario.browser_for(app, scenario.token_for(state, None))


def browser(app, state, code):
    return scenario.browser_for(app, scenario.token_for(state, code))


def got(client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.text


def changed(root, *rows: tuple) -> str:
    """A newer release whose changes are these; its id."""
    buffer = io.BytesIO()
    pl.DataFrame(rows, schema=dict(tables.CHANGES.dtypes), orient="row").write_parquet(buffer)
    return scenario.changed_file(root, CHANGES, buffer.getvalue())


def shared(root, table: str) -> pl.DataFrame:
    return pl.read_parquet(root / "releases" / ROUND.name / scenario.latest(root) / "shared" / f"{table}.parquet")


# Every page


@pytest.mark.parametrize(
    ("who", "path"), [("own", p) for p in MUNICIPALITY_PAGES] + [("kl", p) for p in KL_PAGES], ids=str
)
def test_a_page_is_sound_html_in_danish_that_needs_nobody_else_and_no_script(who, path, app, state):
    page = Page(got(browser(app, state, scenario.OWN if who == "own" else None), path))
    assert require_sound(page) <= {app.state.portal.settings.dagster_url}


def require_sound(page: Page) -> set[str]:
    """Asserts what holds for every page; gives the addresses of other hosts that it leads to."""
    assert page.elements[0] == ("html", {"lang": "da"})
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = [
        value for _, a in page.elements for name in ("for", "aria-labelledby") for value in a.get(name, "").split()
    ]
    assert set(referred) <= set(ids)
    inner = [a["href"][1:] for tag, a in page.elements if tag == "a" and a["href"].startswith("#")]
    assert set(inner) <= set(ids)
    assert not [tag for tag, _ in page.elements if tag in ("script", "style", "iframe")]
    for image in (attributes for tag, attributes in page.elements if tag == "img"):
        assert image["alt"]
        assert {"src", "width", "height"} <= image.keys()
    assert not [
        name for _, attributes in page.elements for name in attributes if name == "style" or name.startswith("on")
    ]
    assert page.title.endswith(" – Botilbudsbenchmark")
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))
    return {
        a[name]
        for _, a in page.elements
        for name in ("href", "src", "action")
        if re.match("[a-z]+:|//", a.get(name, ""))
    }


def test_titles_tell_pages_apart(municipality, kl):
    titles = [Page(got(municipality, path)).title for path in MUNICIPALITY_PAGES]
    titles += [Page(got(kl, path)).title for path in KL_ALONE]
    assert len(set(titles)) == len(titles)


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_reads_what_is_for_all(nobody):
    for path in ("/", f"/runder/{ROUND.name}", RELEASE, *KL_ALONE):
        answer = nobody.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/log-ind")
    for path in ("/was", "/om-tallene", "/api"):
        assert "Log ud" not in got(nobody, path)


def test_the_style_sheet_is_kept_for_ever_under_an_address_of_its_content(nobody):
    for address, (_, content) in static_files().items():
        answer = nobody.get(f"/static/{address}")
        assert answer.content == content
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert nobody.get("/static/style.css").status_code == 404
    assert nobody.get("/static/..%2ftemplating.py").status_code == 404


# A municipality


def test_the_overview_says_what_counts_and_what_is_missing(app, state, clock):
    clock.now = dt.datetime(2023, 3, 19, 12, tzinfo=dt.UTC)
    token = scenario.token_for(state, scenario.OTHER, now=clock.now)
    other = scenario.browser_for(app, token)
    text = got(other, "/")
    workbook = re.search(r'href="([^"]*)">Hent regnearket med fejlene markeret', text)[1]
    assert other.get(workbook).content.startswith(b"PK")
    assert "Odense Kommune" in text
    assert "Fristen er 31-03-2023, om 12 dage." in text
    assert "1 række afvist" in text
    assert "20221101T080000Z__sager.csv" in text
    assert text.count("Vi mangler en aflevering fra din kommune.") == 1  # of the round of 2024
    assert "Det er rundens første udgivelse." in text
    assert text.index("01-10-2024") < text.index("01-10-2022")


def test_a_municipality_that_takes_no_part_sees_no_release(app, state, root):
    outsider = browser(app, state, scenario.OUTSIDER)
    assert "ingen udgivelse, som din kommune er med i" in got(outsider, f"/runder/{ROUND.name}")
    got(outsider, RELEASE, 404)
    assert got(outsider, f"/runder/{ROUND.name}/udgivelser/{scenario.latest(root)}", 404) == got(
        outsider, f"/runder/{ROUND.name}/udgivelser/0123456789abcdef", 404
    )
    assert scenario.latest(root) not in got(outsider, "/")


def test_own_figures_stand_beside_the_countrys(municipality, root):
    page = Page(got(municipality, RELEASE))
    # 3 + 2 + 2 + 1 + 1 + 2 + 4 + 0 cases, 2 of them of 183; 2 / 14,581 x 1,000 = 0.137.
    assert page.row("Sager") == ["Sager", "2", "15"]
    assert page.row("Befolkning 18-66 år")[1] == "14.581"
    assert page.row("Sager pr. 1.000 18-66-årige")[1] == "0,14"
    assert page.row("Hele landet")[3] in (
        "højere end hele landet",
        "på niveau med hele landet",
        "lavere end hele landet",
    )
    rates = shared(root, "case_rates").row(by_predicate=pl.col("municipality_code") == scenario.OWN, named=True)
    assert page.row("Placering nu") == ["Placering nu", str(rates["rank"])]
    assert page.row("Placering ved 1 sag mindre")[1] == str(rates["rank_if_minus_1"])


def test_own_breakdowns_are_exact_and_hidden_figures_stand_in_words(municipality):
    page = Page(got(municipality, RELEASE))
    # One of the two cases of 183 is with the municipality's own provider, one with the region's.
    assert page.row("Kommunalt")[1:3] == ["1", "50,0 %"]
    assert page.row("Regionalt")[1:3] == ["1", "50,0 %"]
    assert page.row("Privat")[1:3] == ["0", "0,0 %"]
    for label in ("Kommunalt", "Regionalt", "Privat", "Kognitive vanskeligheder"):
        for cell in page.row(label)[3:]:
            assert re.fullmatch(r"skjult|[0-9.]+( \(afrundet til 3\))?|[0-9]+,[0-9] %( \(af afrundet tal\))?", cell), (
                cell
            )


def test_a_municipality_without_cases_has_its_page(app, state):
    page = Page(got(browser(app, state, scenario.WITHOUT_CASES), RELEASE))
    assert page.row("Sager")[1] == "0"
    assert page.row("Kommunalt")[1:3] == ["0", "ingen sager"]


def test_no_other_municipalitys_figures_or_files_are_on_the_page(municipality, root):
    rates = shared(root, "case_rates")
    text = got(municipality, RELEASE) + got(municipality, "/") + got(municipality, f"/runder/{ROUND.name}")
    names = rates.filter(pl.col("municipality_code") != scenario.OWN)["municipality_name"].to_list()
    assert len(names) == 7
    assert not [name for name in names if name in text]
    assert not re.findall(rf"municipalities/(?!{scenario.OWN}/)", text)
    resources = scenario.manifest_of(root, scenario.latest(root))["resources"]
    theirs = ("shared/", f"municipalities/{scenario.OWN}/")
    may_stand = {resource["hash"] for resource in resources if resource["path"].startswith(theirs)}
    must_not = {resource["hash"] for resource in resources} - may_stand
    assert len(must_not) > 50
    assert not [checksum for checksum in must_not if checksum.removeprefix("sha256:") in text]


def test_the_files_of_a_release_are_listed_with_their_checksums_and_can_be_fetched(municipality, root):
    page = Page(got(municipality, RELEASE))
    links = [a["href"] for tag, a in page.elements if tag == "a" and a["href"].startswith("/files/")]
    assert any(link.endswith("/package.zip") for link in links)
    assert any(f"/municipalities/{scenario.OWN}/responses.xlsx" in link for link in links)
    assert all(scenario.latest(root) in link for link in links)
    assert {municipality.get(link).status_code for link in links} == {200}


def test_the_population_that_had_to_be_used_is_told(municipality):
    text = got(municipality, RELEASE)
    assert "Befolkningen for 2022K4 kunne ikke hentes" in text
    assert "Kilde: Egne beregninger baseret på tal fra Danmarks Statistik" in text


def test_what_is_new_is_made_of_shared_and_own_changes_alone(app, state, root):
    changed(
        root,
        ("shared/case_rates.parquet", "municipality_code=183", "cases", "2", "3", "corrected_delivery"),
        (
            "municipalities/461/responses.parquet",
            "municipality_code=461; case_id=x",
            "age",
            "34",
            "77",
            "population_revised",
        ),
    )
    own = got(browser(app, state, scenario.OWN), RELEASE)
    assert "Antallet af sager i din kommune er ændret fra 2 til 3." in own
    assert "Årsag til ændringerne: rettede afleveringer." in own
    assert "<li>Sager: 1 række</li>" not in own
    other = got(browser(app, state, scenario.OTHER), RELEASE)
    assert "Årsag til ændringerne" not in other
    assert "Enkelte tal er ændret. Årsag: rettede afleveringer og nye befolkningstal." in other
    assert "<li>Sager: 1 række</li>" in other


def test_releases_are_listed_newest_first_and_stay_where_they_are(municipality, root):
    first = scenario.latest(root)
    second = changed(root)
    text = got(municipality, f"/runder/{ROUND.name}")
    assert text.index(second) < text.index(first)
    assert "Ingen tal er ændret siden den forrige udgivelse." in text
    assert "Udgivelse" in got(municipality, f"/runder/{ROUND.name}/udgivelser/{first}")


def test_a_withdrawn_release_leaves_its_reason_and_the_way_to_the_current_one(municipality, root):
    first = scenario.latest(root)
    second = changed(root)
    life.withdraw(
        municipality.app.state.portal.settings.root,
        ROUND.name,
        second,
        by="Navn Navnesen (token:1)",
        reason="Forkert <kvartal>",
        at=scenario.NOW,
    )
    text = got(municipality, f"/runder/{ROUND.name}/udgivelser/{second}", 410)
    assert "Begrundelse: Forkert &lt;kvartal&gt;" in text
    assert "22-11-2026 kl. 13.00" in text
    assert "Navnesen" not in text
    assert f'href="{RELEASE}"' in text
    assert first in got(municipality, RELEASE)
    listed = got(municipality, f"/runder/{ROUND.name}")
    assert "Begrundelse: Forkert &lt;kvartal&gt;" in listed
    assert "Navnesen" not in listed
    assert listed.count("Nyt i denne udgivelse") == 1


@pytest.mark.parametrize("path", ["/runder/2022-10-02", "/runder/x", f"/runder/{ROUND.name}/udgivelser/..%2f..%2fx"])
def test_what_does_not_exist_is_not_found(municipality, path):
    got(municipality, path, 404)


# KL


def test_kls_pages_are_not_there_for_a_municipality(municipality, root):
    release = scenario.latest(root)
    for path in (*KL_ALONE, f"{KL_ROUND}/rykkere.txt", f"{KL_ROUND}/udgivelser/{release}/goer-endelig"):
        got(municipality, path, 404)


def test_kl_sees_all_98_municipalities_and_can_choose_a_state(kl):
    everybody = Page(got(kl, f"/kl/runder/{ROUND.name}"))
    names = list(danish.municipality_names().values())
    assert [cells[0] for cells in everybody.cells if cells[0] in names] == names
    assert everybody.row("Odense")[1:] == [
        "Rækker afvist",
        "01-11-2022 kl. 09.00",
        "01-11-2022 kl. 09.00",
        "4",
        "1",
    ]
    assert everybody.row("Samsø")[1:] == ["Mangler", "ingen", "ingen", "ikke indberettet", "ikke indberettet"]
    faulty = Page(got(kl, f"/kl/runder/{ROUND.name}?tilstand=faulty"))
    assert [cells[0] for cells in faulty.cells if cells[0] in names] == ["Odense"]
    got(kl, f"/kl/runder/{ROUND.name}?tilstand=andet", 422)


def test_reminders_go_to_those_who_must_do_something_and_hold_no_answer(kl):
    answer = kl.get(f"/kl/runder/{ROUND.name}/rykkere.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    # 98 less 7 whose delivery is in order.
    assert answer.text.count("Emne: ") == 91
    assert "Til Odense Kommune" in answer.text
    assert "Til Ishøj Kommune" not in answer.text
    for planted in ("Regjonen", "sag-9", "provider", "Regionen", "sager.csv"):
        assert planted not in answer.text


def form_of(kl, release: str, decision: str) -> dict[str, str]:
    return {"csrf": scenario.csrf_of(got(kl, f"/kl/runder/{ROUND.name}/udgivelser/{release}/{decision}"))}


def events_of(kl, action: str) -> list:
    return [event for event in kl.app.state.portal.audit.events() if event.action == action]


@pytest.mark.parametrize(
    ("decision", "status", "action"), [("goer-endelig", "final", "promote"), ("traek-tilbage", "withdrawn", "withdraw")]
)
def test_kl_decides_on_a_release_with_name_reason_and_confirmation(kl, root, decision, status, action):
    release = quality_scenario.released_with(root)
    address = f"/kl/runder/{ROUND.name}/udgivelser/{release}/{decision}"
    filled = {"navn": "En konsulent", "begrundelse": "Gennemgået", "bekraeft": "ja"}
    before = files_below(root / "releases")
    answer = kl.post(address, data=form_of(kl, release, decision) | filled)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/kl/runder/{ROUND.name}")
    (made,) = life.decisions(kl.app.state.portal.settings.root, ROUND.name, release)
    assert (made.status, made.reason, made.at) == (status, "Gennemgået", scenario.NOW)
    assert re.fullmatch(r"En konsulent \(token:\w+\)", made.by)
    (event,) = events_of(kl, action)
    assert (event.role, event.what) == ("kl", f"{ROUND.name}/{release}")
    # The portal writes nothing among the releases, and shows no withdrawn one whatever the pointer says.
    assert files_below(root / "releases") == before
    assert kl.get(f"/files/{ROUND.name}/latest/{RATES}").status_code == (200 if status == "final" else 404)
    again = kl.post(address, data=form_of(kl, release, decision) | filled)
    assert again.status_code == 422
    assert "Udgivelsen er allerede" in again.text


@pytest.mark.parametrize("left_out", ["navn", "begrundelse", "bekraeft"])
def test_a_decision_that_lacks_something_is_not_made_and_the_error_leads_to_the_field(kl, root, left_out):
    release = quality_scenario.released_with(root)
    address = f"/kl/runder/{ROUND.name}/udgivelser/{release}/goer-endelig"
    filled = {"navn": "En konsulent", "begrundelse": "Gennemgået", "bekraeft": "ja"} | {left_out: " "}
    answer = kl.post(address, data=form_of(kl, release, "goer-endelig") | filled)
    assert answer.status_code == 422
    assert f'<a href="#{left_out}">' in answer.text
    assert f'id="{left_out}-fejl"' in answer.text
    page = Page(answer.text)
    field = next(a for _, a in page.elements if a.get("id") == left_out)
    assert field["aria-invalid"] == "true"
    assert f"{left_out}-fejl" in field["aria-describedby"].split()
    assert page.title.startswith("Fejl: ")
    assert life.decisions(kl.app.state.portal.settings.root, ROUND.name, release) == []
    assert events_of(kl, "promote") == []


def test_a_decision_without_the_forms_own_value_is_refused(kl, root):
    release = scenario.latest(root)
    for data in ({}, {"csrf": "0" * 64}):
        answer = kl.post(
            f"/kl/runder/{ROUND.name}/udgivelser/{release}/traek-tilbage",
            data=data | {"navn": "x", "begrundelse": "y", "bekraeft": "ja"},
        )
        assert answer.status_code == 403
    assert life.decisions(kl.app.state.portal.settings.root, ROUND.name, release) == []


def test_a_release_whose_figures_another_shows_says_which_must_go_first(kl, root):
    first = scenario.latest(root)
    second = scenario.release_again(root)
    manifest = root / "releases" / ROUND.name / second / NAME
    manifest.write_bytes(to_bytes(scenario.manifest_of(root, second) | {"figuresFrom": first}))
    filled = {"navn": "En konsulent", "begrundelse": "Fejl", "bekraeft": "ja"}
    answer = kl.post(
        f"/kl/runder/{ROUND.name}/udgivelser/{first}/traek-tilbage",
        data=form_of(kl, first, "traek-tilbage") | filled,
    )
    assert answer.status_code == 422
    assert f"Træk først udgivelse {second} tilbage" in answer.text


def test_the_audit_log_is_shown_newest_first_in_pages_and_by_choice(kl, municipality, clock):
    got(municipality, "/")
    audit = kl.app.state.portal.audit
    for number in range(120):
        clock.forward(minutes=1)
        audit.record(clock.now, None, "sign_in_failed", f"/log-ind nr. {number}")
    pages = [got(kl, f"/kl/haendelser?handling=sign_in_failed&side={side}") for side in (1, 2, 3)]
    found = [[int(n) for n in re.findall(r"/log-ind nr\. (\d+)", page)] for page in pages]
    assert [number for page in found for number in page] == list(range(119, -1, -1))
    assert "Ældre hændelser" in pages[0]
    assert "Ældre hændelser" not in pages[2]
    own = got(kl, f"/kl/haendelser?kommune={scenario.OWN}")
    assert "Ishøj Kommune" in own
    assert "/log-ind nr." not in own
    got(kl, "/kl/haendelser?kommune=999", 404)
    got(kl, "/kl/haendelser?handling=andet", 404)
    got(kl, "/kl/haendelser?side=0", 422)


def test_kl_sees_all_rates_on_a_releases_page(kl, root):
    page = Page(got(kl, RELEASE))
    assert page.cells[1][1] == "Ishøj"
    rates = shared(root, "case_rates")
    for name, cases in rates.select("municipality_name", "cases").iter_rows():
        assert [cells[2] for cells in page.cells if cells[1] == name] == [str(cases)]


def test_who_looked_at_which_release_stands_in_the_audit_log(municipality, root):
    release = scenario.latest(root)
    got(municipality, f"/runder/{ROUND.name}/udgivelser/latest")
    assert [(event.municipality_code, event.what) for event in events_of(municipality, "view")] == [
        (scenario.OWN, f"{ROUND.name}/{release}")
    ]
