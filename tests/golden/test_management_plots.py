"""What the plots of management information say, from figures that can be added by hand and from published ones."""

import re

import pytest

from pipelines.plots.budget_waterfall import budget_waterfall
from pipelines.plots.development import full_year_case_development, unit_cost_development
from pipelines.plots.monthly_active_cases import monthly_active_cases
from schemas.errors import BotilbudError, TableError
from tests.golden import management_plots_scenario as scenario
from tests.golden.management_plots_scenario import CONTEXT
from tests.golden.management_scenario import ISHOEJ_2023

# Ishøj, status of the adult specialised social area (3 January 2024), in kroner: forecast 2024 and budget.
PUBLISHED = (145_659_000, 7_345_000, -19_647_000)
PUBLISHED_BUDGET = (140_703_000, 350_000, -11_702_000)
BOTILBUD = ((193.0, 1_100_000), (197.5, 1_150_000), (200.25, 1_161_000), (205.0, 1_227_000))
SHELTERS = ((1.5, 700_000), (0.0, 0), (0.25, 500_400), (2.0, 500_500))


def waterfall(amounts, budgets, **changes):
    told = scenario.forecast(amounts, budgets, **changes)
    return budget_waterfall(told, scenario.cases_of(told), CONTEXT)


def words(plot):
    """All that is written in the picture, a line of text after the other."""
    return re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", plot.svg.decode())


def said(plot):
    return " ".join(words(plot))


# Development


@pytest.fixture(scope="module")
def costs():
    return scenario.unit_costs(residential_care=BOTILBUD, shelters=SHELTERS)


@pytest.fixture(scope="module")
def cases_plot(costs):
    return full_year_case_development(costs, CONTEXT)


@pytest.fixture(scope="module")
def price_plot(costs):
    return unit_cost_development(costs, CONTEXT)


def test_the_development_of_cases_tells_the_group_that_costs_most(cases_plot):
    assert cases_plot.title_da == (
        f"Botilbud (størst udgift): 205,0 helårssager ventes i 2025, {205 - 193},0 flere end i 2022"
    )
    assert cases_plot.alt_da == (
        "En kurve for hver af 6 grupper af ydelser med helårssager. 2025 er prognose. "
        "Aflastning og hjælpere: 0 i 2022, 0 i 2023, 0 i 2024 og 0 i 2025. "
        "Botilbud: 193,0 i 2022, 197,5 i 2023, 200,3 i 2024 og 205,0 i 2025. "
        "Aktivitet og beskæftigelse: 0 i 2022, 0 i 2023, 0 i 2024 og 0 i 2025. "
        "Støtte i eget hjem: 0 i 2022, 0 i 2023, 0 i 2024 og 0 i 2025. "
        "Krisecentre og herberg: 1,5 i 2022, 0 i 2023, 0,3 i 2024 og 2,0 i 2025. "
        "Øvrige ydelser: 0 i 2022, 0 i 2023, 0 i 2024 og 0 i 2025."
    )


def test_the_development_says_whose_figures_how_many_cases_and_what_is_a_forecast(cases_plot):
    assert "Ishøj Kommune, året 2025: prognose efter udtræk modtaget 28-02-2025." in said(cases_plot)
    # 193 + 1.5 in 2022, 205 + 2 in 2025.
    assert "I alt 207,0 helårssager ventes i 2025 mod 194,5 i 2022." in said(cases_plot)
    assert words(cases_plot).count("prognose") == 6  # under the last year of each group
    assert "prognose (stiplet linje)" in words(cases_plot)
    assert "Ydelser, der sluttede, før udtrækket begynder, er ikke med i de tidligere år." in words(cases_plot)


def test_the_development_of_prices_compares_figures_as_they_are_shown(price_plot):
    assert price_plot.title_da == (
        "Botilbud (størst udgift): en helårssag ventes at koste 1.227.000 kr. i 2025, "
        f"{1_227 - 1_100}.000 kr. mere end i 2022 (faste priser)"
    )
    # 500,400 and 500,500 kroner are 500 and 501 thousand; in 2023 there was no case and so no price.
    assert "Krisecentre og herberg: 700 i 2022, ingen i 2023, 500 i 2024 og 501 i 2025." in price_plot.alt_da
    assert "Udgift pr. helårssag i 1.000 kr., 2022 til 2025, i priser fra 2025, før statsrefusion." in words(price_plot)
    assert "205,0 helårssager i 2025" in words(price_plot)


def test_the_table_beside_a_development_has_the_rows_of_the_groups(price_plot):
    shown = price_plot.table.filter(group="shelters").select("group_da", "year", "basis", "unit_cost_fixed_dkk")
    assert shown.rows() == [
        ("Krisecentre og herberg", 2022, "result", 700_000),
        ("Krisecentre og herberg", 2023, "result", None),
        ("Krisecentre og herberg", 2024, "result", 500_400),
        ("Krisecentre og herberg", 2025, "forecast", 500_500),
    ]
    assert price_plot.table.height == 6 * 4


def test_years_that_are_over_are_told_as_results(costs):
    over = scenario.results(costs)
    cases, price = full_year_case_development(over, CONTEXT), unit_cost_development(over, CONTEXT)
    assert cases.title_da == "Botilbud (størst udgift): 205,0 helårssager i 2025, 12,0 flere end i 2022"
    assert price.title_da == (
        "Botilbud (størst udgift): en helårssag kostede 1.227.000 kr. i 2025, 127.000 kr. mere end i 2022 (faste priser)"
    )
    assert "prognose" not in said(cases).lower()
    assert "prognose" not in cases.alt_da


@pytest.mark.parametrize(
    ("development", "cases_title", "price_title"),
    [
        (
            ((5.0, 90_000), (5.0, 90_000), (5.0, 90_000), (3.04, 80_000)),
            # 3.04 is shown as 3.0.
            f"Botilbud (størst udgift): 3,0 helårssager ventes i 2025, {5 - 3},0 færre end i 2022",
            (
                "Botilbud (størst udgift): en helårssag ventes at koste 80.000 kr. i 2025, "
                f"{90 - 80}.000 kr. mindre end i 2022 (faste priser)"
            ),
        ),
        (
            ((4.96, 90_400), (1.0, 90_000), (1.0, 90_000), (5.04, 89_600)),
            "Botilbud (størst udgift): 5,0 helårssager ventes i 2025, lige så mange som i 2022",
            "Botilbud (størst udgift): en helårssag ventes at koste 90.000 kr. i 2025, det samme som i 2022 (faste priser)",
        ),
        (
            ((0.0, 0), (0.0, 0), (0.0, 0), (5.0, 90_000)),
            "Botilbud (størst udgift): 5,0 helårssager ventes i 2025, 5,0 flere end i 2022",
            "Botilbud (størst udgift): en helårssag ventes at koste 90.000 kr. i 2025",
        ),
        (
            ((5.0, 90_000), (0.0, 0), (0.0, 0), (0.0, 0)),
            "Ingen helårssager ventes i 2025",
            "Ingen helårssager ventes i 2025, og derfor ingen enhedsudgift",
        ),
    ],
    ids=["fewer", "the same", "new", "none"],
)
def test_every_development_has_its_title(development, cases_title, price_title):
    costs = scenario.unit_costs(residential_care=development)
    assert full_year_case_development(costs, CONTEXT).title_da == cases_title
    assert unit_cost_development(costs, CONTEXT).title_da == price_title


# Active cases


@pytest.fixture(scope="module")
def ishoej():
    return monthly_active_cases(
        scenario.monthly(ISHOEJ_2023, "2024-01-03", 2023, sel_108=(7,) * 11 + (9,), stu=(2,) + (1,) * 11), CONTEXT
    )


def test_ishoejs_active_cases_of_2023_are_told_by_first_last_and_most(ishoej):
    assert (ISHOEJ_2023[0], ISHOEJ_2023[11], ISHOEJ_2023[10]) == (119, 128, max(ISHOEJ_2023))
    assert ishoej.title_da == "119 aktive sager i januar 2023 og 128 i december; flest i november, 129"
    assert ishoej.alt_da == (
        "Kurve med aktive sager i 2023: 119 i januar, 121 i februar, 121 i marts, 119 i april, 119 i maj, 121 i juni, "
        "120 i juli, 122 i august, 126 i september, 127 i oktober, 129 i november og 128 i december. Små kurver for 2 "
        "ydelser. Længerevarende botilbud (SEL § 108): 7 i januar, 9 i december, flest 9; Særligt tilrettelagt "
        "ungdomsuddannelse (STU): 2 i januar, 1 i december, flest 2."
    )
    assert "prognose" not in said(ishoej).lower()


def test_services_without_a_case_are_named_in_a_note_and_not_drawn(ishoej):
    assert "Ingen aktive sager i året: Aflastning og afløsning (SEL § 84)," in said(ishoej)
    assert "Aflastning og afløsning (SEL § 84)" not in words(ishoej)
    assert "En borger med flere ydelser tæller i hver af dem og én gang i alt." in words(ishoej)


def test_months_that_were_over_when_the_extract_came_are_results():
    plot = monthly_active_cases(scenario.monthly((10, 11, 12, *(9,) * 9), "2025-03-01"), CONTEXT)
    assert plot.table.filter(service_area="all")["month_basis"].to_list() == ["result"] * 2 + ["forecast"] * 10
    assert "Fra marts er tallene prognose." in plot.alt_da
    assert plot.title_da == "10 aktive sager i januar 2025 og 9 ventes i december; flest ventes i marts, 12"
    assert "mar-dec: prognose" in words(plot)


def test_a_year_that_has_not_begun_is_all_forecast():
    plot = monthly_active_cases(scenario.monthly((3, *(2,) * 11), "2024-12-31"), CONTEXT)
    assert plot.title_da == "3 aktive sager ventes i januar 2025, flest i året, og 2 i december"
    assert "jan-dec: prognose" in words(plot)


@pytest.mark.parametrize(
    ("counts", "title"),
    [
        ((0,) * 12, "Ingen aktive sager i 2025"),
        ((4,) * 12, "4 aktive sager i alle måneder i 2025"),
        ((1, *(2,) * 11), "1 aktiv sag i januar 2025 og 2 i december; flest i 11 måneder, 2"),
        ((*(1,) * 11, 2), "1 aktiv sag i januar 2025 og 2 i december, flest i året"),
        ((1, 3, 3, *(1,) * 9), "1 aktiv sag i januar 2025 og 1 i december; flest i februar og marts, 3"),
        ((1_500, *(1_400,) * 11), "1.500 aktive sager i januar 2025, flest i året, og 1.400 i december"),
    ],
)
def test_every_course_of_a_year_has_its_title(counts, title):
    assert monthly_active_cases(scenario.monthly(counts, "2026-01-15"), CONTEXT).title_da == title


# Forecast and budget


@pytest.fixture(scope="module")
def published():
    return waterfall(PUBLISHED, PUBLISHED_BUDGET, half=7_000_000)


def test_ishoejs_published_forecast_goes_from_budget_to_forecast_in_three_steps(published):
    # Deviations: 145.659 - 140.703, 7.345 - 0.350, -19.647 + 11.702. One decimal does not add up:
    # 129.4 + 5.0 + 7.0 - 7.9 = 133.5, and the total is 133.357.
    steps = [round(told - budget) for told, budget in zip(PUBLISHED, PUBLISHED_BUDGET, strict=True)]
    assert steps == [4_956_000, 6_995_000, -7_945_000]
    assert sum(PUBLISHED_BUDGET) + sum(steps) == 133_357_000
    assert published.title_da == (
        "Prognosen for 2025 er 4,006 mio. kr. over budgettet, uden refusion 11,951 mio. kr. over"
    )
    assert published.alt_da == (
        "Vandfaldsdiagram fra budget til prognose, i mio. kr. Budget 2025 i alt: 129,351. Eksisterende aktive sager: "
        "4,956 over budget. Tilgang og afgang i løbet af året: 6,995 over budget. Refusion for særligt dyre enkeltsager: "
        "7,945 mere i refusion. Prognose 2025 i alt: 133,357 (126,357 til 140,357). 95 %-interval for prognosen: 126,357 "
        "til 140,357; budgettet ligger inden for det."
    )
    for text in ("129,351", "4,956 over budget", "6,995 over budget", "7,945 mere i refusion"):
        assert text in words(published)


def test_the_waterfall_says_unit_cases_scale_and_what_the_interval_holds(published):
    assert "Udgifter i mio. kr. Ishøj Kommune, året 2025: prognose efter udtræk modtaget 28-02-2025." in words(
        published
    )
    assert "De eksisterende aktive sager er 120,5 helårssager." in words(published)
    assert "Skalaen begynder ikke ved 0." in words(published)
    assert "95 %-intervallet er for planlagt tilgang og afgang alene; resten er regnet som givet." in words(published)


def test_the_table_beside_the_waterfall_holds_all_lines(published):
    assert published.table.select("line", "forecast_dkk", "deviation_dkk").rows()[-1] == (
        "total",
        133_357_000,
        4_006_000,
    )
    assert published.table.height == 5


@pytest.mark.parametrize(
    ("amounts", "budgets", "title"),
    [
        # 8.0 - 1.0 of 9.0 - 0.5.
        (
            (8_000_000, 0, -1_000_000),
            (9_000_000, 0, -500_000),
            "Prognosen for 2025 er 1,5 mio. kr. under budgettet, uden refusion 1,0 mio. kr. under",
        ),
        (
            (8_000_000, 0, -1_000_000),
            (7_500_000, 0, -500_000),
            "Prognosen for 2025 svarer til budgettet, uden refusion 0,5 mio. kr. over",
        ),
        (
            (8_000_000, 0, -1_000_000),
            (8_000_000, 0, -1_500_000),
            "Prognosen for 2025 er 0,5 mio. kr. over budgettet, uden refusion svarer den til det",
        ),
        (
            (8_000_000, 0, -1_000_000),
            (8_000_000, 0, -1_000_000),
            "Prognosen for 2025 svarer til budgettet, uden refusion svarer den til det",
        ),
    ],
    ids=["under", "total as budget", "costs as budget", "all as budget"],
)
def test_a_forecast_is_over_under_or_as_the_budget_with_and_without_refund(amounts, budgets, title):
    assert waterfall(amounts, budgets).title_da == title


def test_less_refund_and_a_step_that_is_as_budgeted_are_said_in_words():
    plot = waterfall((8_000_000, 500_000, -1_000_000), (8_000_000, 1_000_000, -1_500_000))
    assert {"som budgettet", "0,5 under budget", "0,5 mindre i refusion"} <= set(words(plot))


@pytest.mark.parametrize(
    ("half", "remark"),
    [
        # 8.0 + 1.0 - 1.0 = 8.0; the budget is 7.0.
        (500_000, "95 %-interval for prognosen: 7,5 til 8,5; budgettet ligger under det."),
        (1_000_000, "95 %-interval for prognosen: 7,0 til 9,0; budgettet ligger inden for det."),
        (0, "Der er ingen planlagt tilgang og afgang, og derfor er der intet interval."),
    ],
)
def test_the_budget_is_held_against_the_interval(half, remark):
    plot = waterfall((8_000_000, 1_000_000, -1_000_000), (7_500_000, 500_000, -1_000_000), half=half)
    assert remark in words(plot)
    assert remark in plot.alt_da


def test_a_budget_above_the_interval_is_said_to_be_so():
    plot = waterfall((8_000_000, 0, 0), (9_000_000, 0, 0), half=500_000)
    assert "95 %-interval for prognosen: 7,5 til 8,5; budgettet ligger over det." in words(plot)


def test_a_year_that_is_over_is_told_as_a_result():
    plot = waterfall((8_000_000, 0, -1_000_000), (7_000_000, 500_000, -1_000_000), basis="result")
    assert plot.title_da == "Resultatet for 2025 er 0,5 mio. kr. over budgettet, uden refusion 0,5 mio. kr. over"
    assert plot.alt_da == (
        "Vandfaldsdiagram fra budget til resultat, i mio. kr. Budget 2025 i alt: 6,5. Eksisterende aktive sager: 1,0 over "
        "budget. Tilgang og afgang i løbet af året: 0,5 under budget. Refusion for særligt dyre enkeltsager: som budgettet. "
        "Resultat 2025 i alt: 7,0. Året er omme: tilgang og afgang er med i de aktive sager."
    )
    assert "prognose" not in said(plot).lower()
    assert "95 %" not in said(plot)


def test_without_a_budget_the_lines_are_bars_and_that_is_said():
    plot = waterfall((8_000_000, -500_000, -1_000_000), (None, None, None), half=200_000)
    assert plot.title_da == "Prognosen for 2025 er 6,5 mio. kr. og uden refusion 7,5 mio. kr.; der er intet budget"
    assert plot.alt_da == (
        "Søjler for linjerne i årets prognose, i mio. kr. Eksisterende aktive sager: 8,0. Tilgang og afgang i løbet af "
        "året: -0,5. Refusion for særligt dyre enkeltsager: -1,0. Prognose 2025 i alt: 6,5 (6,3 til 6,7). 95 %-interval for "
        "prognosen: 6,3 til 6,7. Budget mangler: linjerne er vist hver for sig, fra 0."
    )
    assert "Skalaen begynder ikke ved 0." not in words(plot)
    assert "budget i alt" not in words(plot)


def test_a_budget_of_some_lines_is_no_budget_and_the_lacking_ones_are_named():
    plot = waterfall((8_000_000, 0, -1_000_000), (8_000_000, None, None), basis="result")
    assert plot.title_da == "Resultatet for 2025 er 7,0 mio. kr. og uden refusion 8,0 mio. kr.; budgettet er ikke helt"
    assert (
        "Budget mangler for tilgang og afgang i løbet af året og refusion for særligt dyre enkeltsager: linjerne er vist "
        "hver for sig, fra 0."
    ) in plot.alt_da


def test_kroner_that_do_not_add_up_in_thousands_either_are_said_not_to():
    # 0.0404 + 0.0404 = 0.0808 million: 0.0 + 0.0 is not 0.1, and 0.040 + 0.040 is not 0.081.
    plot = waterfall((1_040_400, 40_400, 0), (1_000_000, 0, 0))
    assert plot.title_da == "Prognosen for 2025 er 0,081 mio. kr. over budgettet, uden refusion 0,081 mio. kr. over"
    assert "Tallene er afrundet hver for sig og giver ikke altid summen." in words(plot)


def test_figures_of_two_releases_are_refused():
    told = scenario.forecast(PUBLISHED, PUBLISHED_BUDGET)
    other = scenario.cases_of(scenario.forecast((1, 0, 0), (1, 0, 0)))
    with pytest.raises(BotilbudError, match="not of the same release"):
        budget_waterfall(told, other, CONTEXT)


def test_a_forecast_that_lacks_a_line_is_refused():
    told = scenario.forecast(PUBLISHED, PUBLISHED_BUDGET)
    with pytest.raises(TableError, match="has 4 rows where a year has 5"):
        budget_waterfall(told.head(4), scenario.cases_of(told), CONTEXT)
