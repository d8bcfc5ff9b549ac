"""Reports and figures: who gets which, on which pages they stand, and that nothing in them can act."""

import io
import shutil
import zipfile

import pytest
from upath import UPath

from pipelines.release import life
from portal.files.published import Publications
from portal.identity import Identity
from tests.assets.management import YEAR
from tests.portal import portal_scenario as scenario
from tests.portal import report_scenario as reports
from tests.portal.portal_scenario import NOW, OTHER, OUTSIDER, OWN, WITHOUT_CASES
from tests.portal.test_pages import Page, got, require_sound
from tests.scenario import ROUND

FOLDER, OTHERS = f"municipalities/{OWN}", f"municipalities/{OTHER}"
SHARED_FIGURE, OWN_FIGURE, OTHERS_FIGURE = (
    f"{folder}/figures/ranked_dots.svg" for folder in ("shared", FOLDER, OTHERS)
)
HERE = f"/runder/{ROUND.name}/udgivelser/latest"
NATIONAL, OWN_REPORT, OTHERS_REPORT = (
    f"{HERE}{there}/rapport" for there in ("", f"/kommuner/{OWN}", f"/kommuner/{OTHER}")
)
YEAR_PLOTS = ("monthly_active_cases", "full_year_case_development", "unit_cost_development", "budget_waterfall")
NOT_FOUND = {"detail": "Siden findes ikke."}


@pytest.fixture
def release(root):
    """A release with reports and figures; its id."""
    return reports.planted(root)


@pytest.fixture
def municipality(app, state):
    return browser(app, state, OWN)


@pytest.fixture
def kl(app, state):
    return browser(app, state, None)


def browser(app, state, code):
    return scenario.browser_for(app, scenario.token_for(state, code))


def address(release, path, round_name=ROUND.name):
    return f"/files/{round_name}/{release}/{path}"


def images(text):
    return [attributes for tag, attributes in Page(text).elements if tag == "img"]


def links(text):
    return [attributes["href"] for tag, attributes in Page(text).elements if tag == "a"]


# Files


@pytest.mark.parametrize("path", [SHARED_FIGURE, OWN_FIGURE])
def test_a_municipality_gets_the_shared_figures_and_its_own_byte_for_byte(own, release, path):
    answer = own.get(address(release, path))
    assert (answer.status_code, answer.content) == (200, reports.svg(path.partition("/figures")[0], "ranked_dots"))
    assert answer.headers["content-type"] == "image/svg+xml"
    assert own.get(address(release, path), headers={"Range": "bytes=0-3"}).content == b"<svg"
    assert own.get(address(release, path), headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("path", [SHARED_FIGURE, OWN_FIGURE, "shared/report.html", f"{FOLDER}/report.html"])
def test_what_could_act_is_saved_and_not_shown_under_its_address_as_a_file(own, release, path):
    headers = own.get(address(release, path)).headers
    saved = path.removeprefix("municipalities/").replace("/", "_")
    named = f"botilbudsbenchmark_{ROUND.name}_{release}_{saved}"
    assert headers["content-disposition"] == f'attachment; filename="{named}"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert headers["cache-control"] == ("private, no-cache" if path.startswith("shared/") else "no-store")


def test_pages_may_show_pictures_of_the_portal_alone(municipality):
    assert "; img-src 'self'; " in municipality.get("/").headers["content-security-policy"]


@pytest.mark.parametrize("name", ["figures/spine.svg", "figures/alt_texts.csv", "report.html", "report.pdf"])
def test_what_is_another_municipalitys_and_what_does_not_exist_get_the_same_answer(own, other, release, name):
    path = f"{OTHERS}/{name}"
    absent = own.get(address(release, path.replace(OTHER, "999")))
    answer = own.get(address(release, path))
    assert (answer.status_code, answer.content, dict(answer.headers)) == (404, absent.content, dict(absent.headers))
    assert other.get(address(release, path)).status_code == 200


def test_one_that_takes_no_part_gets_no_figure_and_no_report(outsider, release):
    for path in (SHARED_FIGURE, OWN_FIGURE, "shared/report.pdf", "shared/figures/alt_texts.csv"):
        assert outsider.get(address(release, path)).json() == NOT_FOUND


def test_kl_gets_every_figure_and_report(consultant, root, release):
    paths = [entry["path"] for entry in scenario.manifest_of(root, release)["resources"]]
    added = [path for path in paths if "/figures/" in path or "/report." in path]
    assert len(added) == 2 + 7 + 2 * (2 + 3)
    assert {consultant.head(address(release, path)).status_code for path in added} == {200}


@pytest.mark.parametrize("folder", ["shared", FOLDER])
@pytest.mark.parametrize("below", ["figures/figures/x.svg", "figures/old/x.svg", "others/x.svg"])
def test_nothing_deeper_and_no_other_folder_may_be_seen(root, folder, below):
    path = f"{folder}/{below}"
    publication = Publications(UPath(root)).release(ROUND.name, scenario.added_files(root, {path: b"<svg/>"}))
    assert path in publication.files
    assert not publication.may_see(Identity("token:x", "municipality", OWN, NOW), path)


def test_a_picture_that_was_looked_at_is_written_down(own, app, release):
    own.get(address("latest", OWN_FIGURE))
    (event,) = [event for event in app.state.portal.audit.events() if event.action == "download"]
    assert (event.municipality_code, event.what) == (OWN, address(release, OWN_FIGURE))


@pytest.mark.usefixtures("release")
def test_the_package_holds_the_figures_and_reports_of_those_they_are_for(own):
    with zipfile.ZipFile(io.BytesIO(own.get(address("latest", "package.zip")).content)) as package:
        names = set(package.namelist())
        assert package.read(OWN_FIGURE) == reports.svg(FOLDER, "ranked_dots")
    expected = {
        path
        for folder, plots in (("shared", reports.SHARED_PLOTS), (FOLDER, reports.OWN_PLOTS))
        for path in (*reports.report(folder), *reports.figures(folder, plots))
    }
    assert expected <= names
    assert not [name for name in names if name.startswith(OTHERS)]


@pytest.mark.usefixtures("release")
def test_the_api_lists_them_with_their_kind_and_where_they_are_fetched(own):
    files = own.get(f"/api/rounds/{ROUND.name}/releases/latest").json()["files"]
    told = {file["path"]: file for file in files}
    assert told[OWN_FIGURE]["media_type"] == "image/svg+xml"
    assert told[f"{FOLDER}/report.html"]["media_type"] == "text/html"
    assert told["shared/report.pdf"]["media_type"] == "application/pdf"
    assert (told[OWN_FIGURE]["rows"], told[OWN_FIGURE]["columns"]) == (None, [])
    assert OTHERS_FIGURE not in told
    assert own.get(told[OWN_FIGURE]["address"]).status_code == 200


# Pages of a round


def test_the_figures_stand_on_the_page_with_their_alt_texts_titles_and_sizes(municipality, release):
    text = got(municipality, HERE)
    assert require_sound(Page(text)) == set()
    shown = {image["src"]: image for image in images(text)}
    drawn = [(FOLDER, name) for name in reports.OWN_PLOTS]
    drawn += [("shared", name) for name in reports.SHARED_PLOTS if name != "ranked_dots"]
    assert list(shown) == [address(release, f"{folder}/figures/{name}.svg") for folder, name in drawn]
    for (folder, name), image in zip(drawn, shown.values(), strict=True):
        assert image["alt"] == reports.alt(folder, name)
        assert (image["width"], image["height"], image["loading"]) == ("720", str(reports.HEIGHT), "lazy")
        assert municipality.get(image["src"]).headers["content-type"] == "image/svg+xml"
    assert f"<p>{reports.title(FOLDER, 'spine').replace('&', '&amp;').replace(chr(34), '&#34;')}</p>" in text
    assert address(release, "shared/figures/funnel.png") in links(text)
    assert {municipality.get(link).status_code for link in links(text) if link.startswith("/files/")} == {200}


@pytest.mark.usefixtures("release")
def test_nothing_of_another_municipalitys_figures_is_on_a_page(municipality, app, state):
    told = [got(municipality, path) for path in (HERE, NATIONAL, OWN_REPORT)]
    theirs = [got(browser(app, state, OTHER), path) for path in (HERE, OTHERS_REPORT)]
    # Titles and alt texts name the folder that they are of, and so do addresses.
    assert [OTHERS in text for text in (*told, *theirs)] == [False, False, False, True, True]


@pytest.mark.usefixtures("release")
def test_kl_sees_the_shared_figures_and_finds_every_municipalitys_report(kl):
    text = got(kl, HERE)
    require_sound(Page(text))
    assert [image["alt"] for image in images(text)] == [reports.alt("shared", name) for name in reports.SHARED_PLOTS]
    read = [link for link in links(text) if link.endswith("/rapport")]
    assert [link.rpartition("/udgivelser/")[2].partition("/")[2] for link in read] == [
        "rapport",
        f"kommuner/{OWN}/rapport",
        f"kommuner/{OTHER}/rapport",
    ]
    assert {kl.get(link).status_code for link in read} == {200}


@pytest.mark.usefixtures("release")
def test_one_without_figures_of_its_own_sees_the_shared_ones(app, state):
    text = got(browser(app, state, WITHOUT_CASES), HERE)
    assert [image["alt"] for image in images(text)] == [reports.alt("shared", name) for name in reports.SHARED_PLOTS]
    assert "Læs kommunens rapport" not in text
    assert "Læs den nationale rapport" in text


@pytest.mark.parametrize("code", [OWN, None], ids=str)
def test_a_release_from_before_there_were_reports_has_a_page_without_them(app, state, code):
    text = got(browser(app, state, code), HERE)
    assert images(text) == []
    assert "rapport" not in text.lower()
    assert not [link for link in links(text) if "/figures/" in link]


def test_one_whose_delivery_was_rejected_finds_its_report_and_no_figures(root, app, state):
    scenario.added_files(root, reports.report(f"municipalities/{OUTSIDER}"))
    client = browser(app, state, OUTSIDER)
    text = got(client, HERE)
    assert "Læs kommunens rapport" in text
    assert "Læs den nationale rapport" not in text
    assert images(text) == []
    assert client.get(f"{HERE}/kommuner/{OUTSIDER}/rapport").status_code == 200
    got(client, NATIONAL, 404)


@pytest.mark.usefixtures("release")
def test_the_files_are_listed_as_one_report_and_one_set_of_figures_for_each_part(municipality):
    page = Page(got(municipality, HERE))
    of_parts = [cells[0] for cells in page.cells if cells[0].startswith(("Rapport", "Figurer"))]
    assert [words[:7] for words in of_parts] == ["Rapport", "Figurer"] * 2
    spine = page.row(f"spine.svg{reports.title(FOLDER, 'spine')}")
    assert spine[1] == "SVG"


@pytest.mark.usefixtures("release")
def test_the_alt_texts_of_a_release_are_read_once(municipality, root, release):
    first = got(municipality, HERE)
    (root / "releases" / ROUND.name / release / FOLDER / "figures" / "alt_texts.csv").unlink()
    assert got(municipality, HERE) == first


# Reports as pages


@pytest.mark.parametrize(("path", "folder"), [(NATIONAL, "shared"), (OWN_REPORT, FOLDER)])
def test_a_report_is_shown_as_it_lies_in_the_release_where_nothing_in_it_can_act(municipality, release, path, folder):
    answer = municipality.get(path)
    assert (answer.status_code, answer.content) == (200, reports.page(folder))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-disposition" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = dict(rule.partition(" ")[::2] for rule in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "sandbox": "",
    }
    assert municipality.get(path.replace("latest", release)).content == answer.content


@pytest.mark.usefixtures("release")
def test_the_page_leads_to_the_reports(municipality):
    text = got(municipality, HERE)
    read = [link for link in links(text) if link.endswith("/rapport")]
    assert [municipality.get(link).content for link in read] == [reports.page(FOLDER), reports.page("shared")]
    printed = [link for link in links(text) if link.endswith("report.pdf")]
    assert len(set(printed)) == 2
    assert {municipality.get(link).content for link in printed} == {reports.PDF}


@pytest.mark.usefixtures("release")
def test_another_municipalitys_report_and_one_that_is_not_there_are_not_found_alike(municipality, app, state):
    absent = got(municipality, OTHERS_REPORT.replace(OTHER, "999"), 404)
    assert got(municipality, OTHERS_REPORT, 404) == absent
    assert browser(app, state, OTHER).get(OTHERS_REPORT).content == reports.page(OTHERS)
    for path in (NATIONAL, OWN_REPORT):
        got(browser(app, state, OUTSIDER), path, 404)


@pytest.mark.parametrize("path", [NATIONAL, OWN_REPORT])
def test_a_release_without_a_report_has_no_page_of_one(municipality, kl, path):
    for client in (municipality, kl):
        got(client, path, 404)


def test_a_report_whose_file_is_gone_is_not_found(municipality, root, release):
    (root / "releases" / ROUND.name / release / FOLDER / "report.html").unlink()
    got(municipality, OWN_REPORT, 404)


@pytest.mark.usefixtures("release")
def test_whoever_is_not_signed_in_is_sent_to_sign_in(nobody):
    for path in (NATIONAL, OWN_REPORT):
        answer = nobody.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/log-ind")


def test_who_read_which_report_is_written_down(municipality, kl, app, release):
    got(municipality, NATIONAL)
    got(kl, OWN_REPORT)
    got(municipality, OTHERS_REPORT, 404)
    viewed = [(event.role, event.what) for event in app.state.portal.audit.events() if event.action == "view"]
    there = f"{ROUND.name}/{release}"
    assert viewed == [("municipality", f"{there}/shared/report.html"), ("kl", f"{there}/{FOLDER}/report.html")]


def test_the_report_of_a_withdrawn_release_says_why_to_those_who_could_read_it(municipality, root, release):
    life.withdraw(UPath(root), ROUND.name, release, by="KL", reason="Talt to gange.", at=NOW)
    for path in (NATIONAL, OWN_REPORT):
        assert "Begrundelse: Talt to gange." in got(municipality, path.replace("latest", release), 410)
    got(municipality, OTHERS_REPORT.replace("latest", release), 404)


@pytest.mark.usefixtures("release")
def test_a_year_has_no_report(municipality):
    got(municipality, NATIONAL.replace(ROUND.name, YEAR), 404)


# Years


@pytest.fixture
def year_root(year_night, tmp_path):
    return shutil.copytree(year_night, tmp_path / "year", copy_function=shutil.copy2)


@pytest.fixture
def year_app(year_root, state):
    app = scenario.app_for(year_root, state)
    yield app
    app.state.portal.desk.close()


def test_a_years_figures_stand_beside_their_tables(year_root, year_app, state):
    release = reports.planted(year_root, YEAR, YEAR_PLOTS)
    client = browser(year_app, state, OWN)
    text = got(client, f"/ledelsesinformation/{YEAR}")
    assert require_sound(Page(text)) == set()
    order = ("full_year_case_development", "monthly_active_cases", "unit_cost_development", "budget_waterfall")
    assert [image["alt"] for image in images(text)] == [reports.alt(FOLDER, name) for name in order]
    assert {client.get(image["src"]).status_code for image in images(text)} == {200}
    assert address(release, f"{FOLDER}/unit_costs.xlsx", YEAR) in links(text)
    assert OTHERS not in text
    theirs = address(release, f"{OTHERS}/figures/budget_waterfall.svg", YEAR)
    assert client.get(theirs).json() == NOT_FOUND
    assert browser(year_app, state, OTHER).get(theirs).status_code == 200


def test_a_year_from_before_there_were_figures_has_a_page_without_them(year_app, state):
    assert images(got(browser(year_app, state, OWN), f"/ledelsesinformation/{YEAR}")) == []
