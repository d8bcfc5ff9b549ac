"""The pages, addresses and answers of years of management information, as browsers and programs get them.

The extracts are those of the demonstration, made up. What a page says is held against the files of the release; sentences
and single words have their tests in `test_wording`.
"""

import io
import json
import re
import shutil
import zipfile

import polars as pl
import pytest
from upath import UPath

from pipelines.release import life
from portal import danish
from schemas.management_tables import FORECAST
from schemas.service_areas import ALL, groups, labels_da, service_areas
from tests.assets.commands import botilbud
from tests.assets.management import YEAR
from tests.portal import portal_scenario as scenario
from tests.portal.portal_scenario import NOW, OTHER, OUTSIDER, OWN, REFUSED
from tests.portal.test_pages import Page, got, require_sound
from tests.scenario import ROUND

YEARS, HERE = "/ledelsesinformation", f"/ledelsesinformation/{YEAR}"
RELEASES = f"/api/years/{YEAR}/releases"
# From here on a whole number is no count that two municipalities may share.
LARGE = 100_000


@pytest.fixture
def root(year_night, tmp_path):
    """A data root of this test's own, with a release of a year."""
    return shutil.copytree(year_night, tmp_path / "root", copy_function=shutil.copy2)


@pytest.fixture
def municipality(app, state):
    return scenario.browser_for(app, scenario.token_for(state, OWN))


@pytest.fixture
def kl(app, state):
    return scenario.browser_for(app, scenario.token_for(state, None))


def browser(app, state, code):
    return scenario.browser_for(app, scenario.token_for(state, code))


def release_of(root):
    return scenario.latest(root, YEAR)


def table(root, name, code=OWN):
    """A municipality's own table of the release; a shared one where the code is None."""
    folder = "shared" if code is None else f"municipalities/{code}"
    return pl.read_parquet(root / "releases" / YEAR / release_of(root) / folder / f"{name}.parquet")


def of_area(rows, code, **others):
    return rows.row(by_predicate=(pl.col("service_area") == code) & pl.all_horizontal(_equals(others)), named=True)


def _equals(values):
    return [pl.col(name) == value for name, value in values.items()] or [pl.lit(value=True)]


def rows_of(page, first):
    """All rows of the page's tables that begin so."""
    told = [[" ".join(cell.split()) for cell in cells] for cells in page.cells]
    return [cells for cells in told if cells[:1] == [first]]


# Every page


@pytest.mark.parametrize("code", [OWN, OUTSIDER, REFUSED, None], ids=str)
def test_a_page_is_sound_html_in_danish_that_needs_nobody_else_and_no_script(app, state, code):
    client = browser(app, state, code)
    paths = [YEARS] if code == OUTSIDER else [YEARS, HERE, f"{HERE}/udgivelser/latest"]
    for path in paths:
        assert require_sound(Page(got(client, path))) == set()


def test_the_menu_leads_to_the_years(municipality, kl):
    for client, start in ((municipality, "/"), (kl, "/kl")):
        assert f'<a href="{YEARS}">Ledelsesinformation</a>' in got(client, start)
        assert f'<a href="{HERE}">{YEAR}</a>' in got(client, YEARS)


def test_no_cell_of_a_table_is_empty_or_holds_what_python_says_of_nothing(municipality, kl):
    for client in (municipality, kl):
        cells = [cell for cells in Page(got(client, HERE)).cells for cell in cells]
        assert not [cell for cell in cells if re.search(r"\b(None|nan|inf|null)\b", cell)]
    # The country is compared with nothing; sums of initiatives are of no service area.
    empty = [cells for cells in Page(got(municipality, HERE)).cells if "" in [cell.strip() for cell in cells]]
    assert all("i alt" in cells[0].lower() for cells in empty)


# A municipality


def test_the_page_of_a_year_is_that_of_its_latest_release(municipality, root):
    text = got(municipality, HERE)
    assert got(municipality, f"{HERE}/udgivelser/latest") == got(municipality, f"{HERE}/udgivelser/{release_of(root)}")
    assert f"{HERE}/udgivelser/{release_of(root)}" in text
    assert Page(text).title == f"Udgivelse 1, ledelsesinformation {YEAR} – Botilbudsbenchmark"


def test_a_result_is_told_as_one_and_from_which_day(municipality):
    assert "Tallene er et resultat: Udtrækket er fra 28-02-2025, efter udgangen af 2022." in got(municipality, HERE)


def test_full_year_cases_cost_and_unit_cost_stand_for_every_service_area_and_add_up(municipality, root):
    page = Page(got(municipality, HERE))
    cases = table(root, "full_year_cases")
    for code, label in labels_da().items():
        row = of_area(cases, code)
        unit_cost = row["unit_cost_dkk"]
        assert rows_of(page, label)[0] == [
            label,
            danish.number(row["citizens"]),
            danish.decimal(row["full_year_cases"], 2),
            danish.number(row["cost_dkk"]),
            "ingen sager" if unit_cost is None else danish.number(unit_cost),
        ]
    shown = {code: whole(rows_of(page, labels_da()[code])[0][3]) for code in labels_da()}
    assert sum(shown[code] for code in groups()) == shown[ALL]
    assert sum(shown[code] for code in service_areas()) == shown[ALL]


def whole(cell):
    """The whole number that a cell shows."""
    return int(cell.replace(".", ""))


def test_own_figures_stand_exact_beside_the_countrys_rounded_ones(municipality, root):
    page = Page(got(municipality, HERE))
    benchmarks = table(root, "service_area_benchmarks")
    words = {"higher": "højere end landet", "similar": "på niveau med landet", "lower": "lavere end landet"}
    for code in (*groups(), ALL):
        own, country = (of_area(benchmarks, code, area_type=kind) for kind in ("municipality", "country"))
        _, volume, price, *_ = rows_of(page, labels_da()[code])
        lower, upper = (danish.decimal(own[f"full_year_cases_ci95_{end}"], 2) for end in ("lower", "upper"))
        assert volume[1:] == [
            danish.decimal(own["full_year_cases_per_1000"], 2),
            f"{lower} til {upper}",
            danish.decimal(country["full_year_cases_per_1000"], 2),
            words[own["volume_comparison_country"]],
        ]
        if country["unit_cost_status"] == "rounded":
            assert price[3:5] == [danish.number(country[name]) for name in ("unit_cost_dkk", "unit_cost_rounding_dkk")]
    assert country["value_status"] == "rounded"


def test_a_hidden_figure_stands_in_words(municipality, root):
    is_hidden = (pl.col("service_area") == "shelters") & (pl.col("area_type") == "country")
    of_cost = ["unit_cost_dkk", "unit_cost_ci95_lower_dkk", "unit_cost_ci95_upper_dkk", "unit_cost_rounding_dkk"]
    hidden = table(root, "service_area_benchmarks").with_columns(
        pl.when(~is_hidden).then(pl.col(of_cost)),
        pl.when(is_hidden).then(pl.lit("suppressed")).otherwise("unit_cost_status").alias("unit_cost_status"),
        pl.when(pl.col("service_area") != "shelters").then("unit_cost_comparison_country"),
    )
    replaced(root, "service_area_benchmarks", hidden)
    page = Page(got(municipality, HERE))
    price = rows_of(page, "Krisecentre og herberg")[2]
    assert price[3:] == ["skjult", "skjult", "kan ikke sammenlignes"]


def test_active_cases_stand_for_every_month_and_service_area(municipality, root):
    page = Page(got(municipality, HERE))
    monthly = table(root, "monthly_active_cases")
    counts = {
        code: [danish.number(count) for count in monthly.filter(service_area=code).sort("month")["active_cases"]]
        for code in (*service_areas(), ALL)
    }
    months = ("Januar", "Februar", "Marts", "April", "Maj", "Juni", "Juli", "August", "September", "Oktober")
    assert [page.row(month)[1] for month in (*months, "November", "December")] == counts[ALL]
    by_area = [cells for cells in page.cells if len(cells) == 1 + 12]
    assert [cells[0].replace("\N{NO-BREAK SPACE}", " ") for cells in by_area[1:]] == [
        labels_da()[code] for code in counts
    ]
    assert [cells[1:] for cells in by_area[1:]] == list(counts.values())


def test_unit_costs_of_four_years_stand_in_current_and_in_fixed_prices(municipality, root):
    text = got(municipality, HERE)
    page = Page(text)
    costs = table(root, "unit_costs")
    *_, current, fixed = rows_of(page, "Botilbud")
    assert [
        danish.number(of_area(costs, "residential_care", year=year)["unit_cost_dkk"]) for year in range(2019, 2023)
    ] == current[1:]
    latest = of_area(costs, "residential_care", year=2022)
    change = latest["unit_cost_change_fixed_dkk"]
    assert fixed[-2:] == [
        danish.number(latest["unit_cost_fixed_dkk"]),
        f"{'+' if change > 0 else ''}{danish.number(change)}",
    ]
    assert "2022 (resultat)" in text
    assert "Enhedsudgift i faste priser, 2025-niveau (kr.)" in text


def test_what_was_budgeted_stands_beside_what_it_came_to_with_and_without_refund(municipality, root):
    text = got(municipality, HERE)
    forecast = {row["line"]: row for row in table(root, "forecast").iter_rows(named=True)}
    shown = {line: danish.decimal(row["forecast_dkk"] / 1_000_000, 3) for line, row in forecast.items()}
    page = Page(text)
    assert page.row("Linje") == ["Linje", "Resultat", "Budget", "Afvigelse fra budget"]
    assert page.row("I alt før refusion")[1] == shown["total_before_refund"]
    assert page.row("Refusion for særligt dyre enkeltsager")[1] == shown["refund"]
    assert f"Før refusion er udgiften {shown['total_before_refund']} mio. kr." in text
    assert f"Med refusion er udgiften {shown['total']} mio. kr." in text


def test_a_forecast_is_told_as_one_with_an_interval(app, state, root):
    forecast = table(root, "forecast").with_columns(
        basis=pl.lit("forecast"),
        forecast_ci95_lower_dkk=pl.col("forecast_dkk") - 1_000_000,
        forecast_ci95_upper_dkk=pl.when(pl.col("line") == "refund")
        .then(pl.col("forecast_dkk") - 1_000_000)
        .otherwise(pl.col("forecast_dkk") + 1_000_000),
        budget_dkk=pl.lit(None, pl.Int64),
        deviation_dkk=pl.lit(None, pl.Int64),
    )
    drivers = table(root, "cost_drivers").with_columns(basis=pl.lit("forecast"), as_of=pl.lit("2022-02-28"))
    replaced(root, "forecast", forecast.select(FORECAST.dtypes.keys()))
    replaced(root, "cost_drivers", drivers)
    text = got(browser(app, state, OWN), HERE)
    assert "Tallene er en prognose pr. 28-02-2022: Udtrækket er fra før udgangen af 2022." in text
    page = Page(text)
    assert page.row("Linje") == ["Linje", "Prognose", "95 %-interval", "Budget", "Afvigelse fra budget"]
    total = forecast.row(by_predicate=pl.col("line") == "total", named=True)["forecast_dkk"]
    lower, upper = (danish.decimal((total + by) / 1_000_000, 3) for by in (-1_000_000, 1_000_000))
    shown = danish.decimal(total / 1_000_000, 3)
    assert ["I alt", shown, f"{lower} til {upper}", "intet budget", "intet budget"] in rows_of(page, "I alt")
    assert page.row("Refusion for særligt dyre enkeltsager")[2] == "intet interval"
    assert "Der er intet budget at holde den op imod." in text


def replaced(root, name, frame):
    """A newer release in which the municipality's own table is this."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    scenario.changed_file(root, f"municipalities/{OWN}/{name}.parquet", buffer.getvalue(), YEAR)


def test_refund_and_cases_over_the_threshold_stand_beside_those_reported(municipality, root):
    text = got(municipality, HERE)
    page = Page(text)
    (refund,) = table(root, "refunds").to_dicts()
    assert f"(SEL § 176) er {danish.number(refund['refund_dkk'])} kr. for {refund['citizens']} borgere." in text
    (reconciled,) = table(root, "threshold_reconciliation").to_dicts()
    assert page.row("Efter bevillingerne")[1] == str(reconciled["cases"])
    assert page.row("Indberettet i screeningen")[1] == "2"  # of the small round
    assert page.row("Forskel")[1] == f"+{reconciled['cases'] - 2}"


def test_what_changes_cost_adds_up_on_the_page(municipality):
    page = Page(got(municipality, HERE))
    earlier, later = (whole(page.row(f"Udgift i {year}")[1]) for year in (2021, 2022))
    drivers = [cells for cells in page.cells if re.match("(Mængde|Pris|Sammensætning): ", cells[0])]
    assert len(drivers) == 3
    assert earlier + sum(whole(cells[1]) for cells in drivers) == later


def test_initiatives_stand_with_sums_and_what_is_only_shown_marked(municipality):
    page = Page(got(municipality, HERE))
    # 5 citizens x 12 months x 10,000; 1 citizen x 6 months x 3,000.
    assert page.row("Hjemtagning") == ["Hjemtagning", "Botilbud", "650.000", "600.000", "ingen bevillinger"]
    assert page.row("Kørsel Vises kun") == ["Kørsel Vises kun", "Botilbud", "20.000", "18.000", "ingen bevillinger"]
    assert page.row("Botilbud i alt")[2:4] == ["650.000", "600.000"]
    assert ["I alt", "", "650.000", "600.000", "ingen bevillinger"] in rows_of(page, "I alt")


def test_a_municipality_without_initiatives_is_told_so(app, state):
    assert "Der er ingen tiltag i 2022." in got(browser(app, state, OTHER), HERE)


def test_rejected_and_overlapping_rows_are_counted_with_the_way_to_the_lists(municipality, root):
    text = got(municipality, HERE)
    log = table(root, "extract_log").row(by_predicate=pl.col("extract") == "grants", named=True)
    overlapping = table(root, "extract_warnings").height
    assert log["rejected"] + overlapping > 0
    row = Page(text).row("Bevillinger")
    assert row[2:] == [danish.number(count) for count in (log["rows"], log["rejected"], overlapping)]
    links = re.findall(r'href="([^"]*)">Hent listen over', text)
    assert len(links) == (log["rejected"] > 0) + (overlapping > 0)
    assert all(municipality.get(link).content.startswith(b"PK") for link in links)


def test_the_files_of_the_release_are_listed_and_can_be_fetched(municipality, root):
    links = [a["href"] for tag, a in Page(got(municipality, HERE)).elements if tag == "a" and "/files/" in a["href"]]
    assert f"/files/{YEAR}/{release_of(root)}/package.zip" in links
    assert f"/files/{YEAR}/{release_of(root)}/municipalities/{OWN}/forecast.xlsx" in links
    assert {municipality.get(link).status_code for link in links} == {200}


def test_a_municipality_whose_only_file_was_rejected_is_told_why_and_has_no_figures(app, state):
    text = got(browser(app, state, REFUSED), HERE)
    assert "Din kommune er ikke med i tallene i denne udgivelse." in text
    assert "Din kommune har endnu ingen fil, der tæller." in text
    assert "Den seneste fil med bevillinger er afvist" in text
    assert "1 fil er afvist." in text
    assert "Hele landet" not in text


# Who sees what


def test_who_has_no_part_in_a_year_is_told_of_none(app, state, outsider, root):
    client = browser(app, state, OUTSIDER)
    assert "Der er ingen udgivelse, som din kommune er med i." in got(client, YEARS)
    absent = got(client, "/ledelsesinformation/1999", 404)
    for path in (HERE, f"{HERE}/udgivelser/latest", f"{HERE}/udgivelser/{release_of(root)}"):
        assert got(client, path, 404) == absent
    assert outsider.get(RELEASES).json() == []
    assert {each["latest"] for each in outsider.get("/api/years").json()} == {None}
    for path in (f"{RELEASES}/latest", f"/files/{YEAR}/latest/shared/service_area_benchmarks.csv"):
        assert outsider.get(path).status_code == 404


def test_nothing_of_another_municipalitys_is_on_a_page_or_in_an_answer(app, state, own, municipality, root):
    secrets = secrets_of(root, OTHER) - secrets_of(root, OWN) - shared_numbers(root)
    assert len(secrets) > 50
    there = f"/files/{YEAR}/latest/municipalities/{OTHER}/forecast.csv"
    assert own.get(there).status_code == 404
    told = "".join(got(municipality, path) for path in ("/", YEARS, HERE, f"{HERE}/udgivelser/latest"))
    told += "".join(own.get(path).text for path in ("/api/years", RELEASES, f"{RELEASES}/latest", there))
    with zipfile.ZipFile(io.BytesIO(own.get(f"/files/{YEAR}/latest/package.zip").content)) as package:
        told += "".join(package.read(name).decode() for name in package.namelist() if name.endswith((".csv", ".json")))
    assert found_in(told, secrets) == set()
    assert f"municipalities/{OTHER}" not in told
    # They would be seen.
    theirs = got(browser(app, state, OTHER), HERE)
    assert len(found_in(theirs, secrets)) > 50


def secrets_of(root, code):
    """The large whole numbers in a municipality's own tables."""
    folder = root / "releases" / YEAR / release_of(root) / "municipalities" / code
    return {number for path in folder.glob("*.parquet") for number in large_numbers(pl.read_parquet(path))}


def shared_numbers(root):
    """The large whole numbers that every participant may see."""
    return large_numbers(table(root, "service_area_benchmarks", None))


def large_numbers(frame):
    whole_numbers = frame.select(pl.selectors.integer()).unpivot()["value"].drop_nulls().abs()
    return set(whole_numbers.filter(whole_numbers >= LARGE))


def found_in(text, numbers):
    """Those of the numbers that stand in a text, as people or as programs write them."""
    written = {int(found.replace(".", "")) for found in re.findall(r"(?<![0-9a-f.])[0-9.]{6,}(?![0-9a-f])", text)}
    return numbers & written


def test_a_page_that_was_looked_at_is_written_down(municipality, app, root):
    got(municipality, HERE)
    viewed = [event.what for event in app.state.portal.audit.events() if event.action == "view"]
    assert viewed == [f"{YEAR}/{release_of(root)}"]


def test_whoever_is_not_signed_in_is_sent_to_sign_in(nobody):
    for path in (YEARS, HERE, f"{HERE}/udgivelser/latest"):
        answer = nobody.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/log-ind")


# KL


def test_kl_sees_the_municipalities_beside_each_other_as_every_participant_may(kl, root):
    text = got(kl, HERE)
    page = Page(text)
    shared = table(root, "service_area_benchmarks", None).filter(area_type="municipality")
    of_all = shared.filter(service_area=ALL)
    names = [name for name in danish.municipality_names().values() if name in set(of_all["area_name"])]
    assert len(names) == 14
    listed = [cells[0] for cells in page.cells if len(cells) == 7 and cells[0] in names]
    assert listed == names * (1 + len(groups()))
    (own,) = of_all.filter(area_code=OWN).to_dicts()
    assert rows_of(page, "Ishøj")[0][1] == danish.decimal(own["full_year_cases_per_1000"], 2)
    hidden = shared.filter(service_area="shelters", unit_cost_status="suppressed").height
    shelters = text[text.index("Krisecentre og herberg: ") : text.index("Øvrige ydelser: ")]
    assert shelters.count(">skjult<") == 2 * hidden > 0


def test_kl_finds_files_documentation_and_the_commands(kl, root):
    text = got(kl, HERE)
    assert f"botilbud release withdraw {release_of(root)} --round {YEAR}" in text
    assert f"/files/{YEAR}/{release_of(root)}/changes.xlsx" in text
    documented = f"/kl/dokumentation/{YEAR}/tables/index.html"
    assert f'href="{documented}"' in text
    assert "service_area_benchmarks" in got(kl, documented)


def test_the_documentation_of_a_year_is_kls_alone(municipality):
    got(municipality, f"/kl/dokumentation/{YEAR}/tables/index.html", 404)


@pytest.mark.slow
def test_the_commands_on_the_page_make_a_release_final_and_withdraw_it(kl, root):
    release = release_of(root)
    told = ("--round", YEAR, "--name", "En konsulent", "--reason", "Set igennem")
    assert "endelig" in botilbud(root, "release", "promote", release, *told).stdout
    assert "Endelig" in got(kl, HERE)
    assert "trukket tilbage" in botilbud(root, "release", "withdraw", release, *told).stdout
    assert release in botilbud(root, "release", "list", "--round", YEAR).stdout
    assert "Begrundelse: Set igennem" in got(kl, HERE, 410)


# Withdrawn


def test_a_withdrawn_release_leaves_its_reason_and_the_way_to_the_current_one(municipality, root):
    first = release_of(root)
    second = scenario.release_again(root, YEAR)
    withdraw(root, second)
    text = got(municipality, f"{HERE}/udgivelser/{second}", 410)
    assert "Begrundelse: Forkert pris" in text
    assert f'href="{HERE}/udgivelser/latest"' in text
    assert first in got(municipality, HERE)


def test_a_year_of_which_every_release_was_withdrawn_tells_why(municipality, outsider, root):
    withdraw(root, release_of(root))
    assert "Udgivelsen er trukket tilbage." in got(municipality, YEARS)
    assert "Begrundelse: Forkert pris" in got(municipality, HERE, 410)
    assert outsider.get(f"{RELEASES}/{release_of(root)}").status_code == 404


def withdraw(root, release):
    life.withdraw(UPath(root), YEAR, release, by="En konsulent", reason="Forkert pris", at=NOW)


# Programs


def test_the_years_are_told_newest_first_with_their_current_release(own, root):
    years = {each["year"]: each for each in own.get("/api/years").json()}
    assert list(years) == sorted(years, reverse=True)
    assert {year: each["latest"] for year, each in years.items() if each["latest"]} == {YEAR: release_of(root)}
    assert years[YEAR]["is_open"]
    assert own.get(years[YEAR]["releases"]).json()[0]["release"] == release_of(root)


def test_a_release_of_a_year_is_told_with_the_files_that_the_asker_can_fetch(own, root):
    (listed,) = own.get(RELEASES).json()
    told = own.get(listed["address"]).json()
    assert (told["release"], told["round"], told["status"]) == (release_of(root), YEAR, "preliminary")
    assert {own.get(file["address"]).status_code for file in told["files"]} == {200}
    assert {file["path"].split("/")[1] for file in told["files"] if file["path"].startswith("m")} == {OWN}
    assert f"{HERE}/udgivelser/{release_of(root)}" in told["citation"]
    assert "kommunernes udtræk af bevilgede ydelser" in told["citation"]


def test_the_package_says_which_year_it_is_of(own):
    with zipfile.ZipFile(io.BytesIO(own.get(f"/files/{YEAR}/latest/package.zip").content)) as package:
        text = package.read("LÆSMIG.txt").decode()
        assert json.loads(package.read("datapackage.json"))["title"] == f"Ledelsesinformation {YEAR}"
    assert f"År: {YEAR}" in text
    assert "Runde" not in text


@pytest.mark.parametrize(
    "path",
    [
        f"/api/rounds/{YEAR}/releases",
        f"/api/rounds/{YEAR}/releases/latest",
        f"/api/years/{ROUND.name}/releases",
        f"/api/years/{ROUND.name}/releases/latest",
        "/api/years/1999/releases",
        f"/deliveries/{YEAR}",
    ],
)
def test_a_year_is_no_round_and_a_round_no_year_to_programs(own, path):
    assert own.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        f"/runder/{YEAR}",
        f"/runder/{YEAR}/udgivelser/latest",
        f"/runder/{YEAR}/aflevering",
        f"/ledelsesinformation/{ROUND.name}",
        f"/ledelsesinformation/{ROUND.name}/udgivelser/latest",
    ],
)
def test_a_year_is_no_round_and_a_round_no_year_to_browsers(municipality, path):
    got(municipality, path, 404)


def test_kls_pages_of_rounds_know_no_year(kl, root):
    for path in ("", "/kvalitet", "/rykkere.txt", f"/udgivelser/{release_of(root)}/goer-endelig"):
        got(kl, f"/kl/runder/{YEAR}{path}", 404)
