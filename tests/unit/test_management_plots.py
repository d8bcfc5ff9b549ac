"""Plots of management information as files: the same bytes for the same tables, sound SVG, one municipality in each."""

import re
import xml.etree.ElementTree as ET
from hashlib import sha256

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.plots.budget_waterfall import budget_waterfall
from pipelines.plots.development import full_year_case_development, unit_cost_development
from pipelines.plots.monthly_active_cases import monthly_active_cases
from pipelines.plots.style import NARROW, WIDE
from schemas.errors import BotilbudError, DisclosureError, TableError
from tests.golden import management_plots_scenario as scenario
from tests.golden.management_plots_scenario import CONTEXT
from tests.unit.ingest_scenario import costly_property_test

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"
COSTS = scenario.unit_costs(
    residential_care=((1_193.0, 1_100_000), (1_197.5, 1_150_000), (1_200.25, 1_161_000), (1_205.0, 1_227_000)),
    shelters=((1.5, 700_000), (0.0, 0), (0.25, 500_400), (2.0, 500_500)),
)
MONTHLY = scenario.monthly(tuple(range(1_500, 1_512)), sel_108=tuple(range(12)))
FORECAST = scenario.forecast((9_000_000, 400_000, -1_000_000), (8_500_000, 500_000, -700_000), half=200_000)
WITHOUT_BUDGET = scenario.forecast((9_000_000, 0, -1_000_000), (None, None, None), basis="result")
DRAWS = {
    "full_year_case_development": lambda width: full_year_case_development(COSTS, CONTEXT, width),
    "unit_cost_development": lambda width: unit_cost_development(COSTS, CONTEXT, width),
    "monthly_active_cases": lambda width: monthly_active_cases(MONTHLY, CONTEXT, width),
    "budget_waterfall": lambda width: budget_waterfall(FORECAST, scenario.cases_of(FORECAST), CONTEXT, width),
}


def parsed(plot):
    return ET.fromstring(plot.svg)  # noqa: S314 - our own


def digests(width):
    return [sha256(draw(width).svg).hexdigest() for draw in DRAWS.values()]


@pytest.fixture(scope="module")
def plots():
    found = {width: [draw(width) for draw in DRAWS.values()] for width in (WIDE, NARROW)}
    found[WIDE].append(budget_waterfall(WITHOUT_BUDGET, scenario.cases_of(WITHOUT_BUDGET), CONTEXT))
    return found


@pytest.fixture(scope="module")
def all_plots(plots):
    return [plot for found in plots.values() for plot in found]


def test_the_same_tables_give_the_same_bytes_again(plots):
    assert digests(WIDE) == [sha256(plot.svg).hexdigest() for plot in plots[WIDE][: len(DRAWS)]]


def test_a_picture_is_called_as_its_function_and_as_wide_as_it_was_asked_to_be(plots):
    assert [plot.name for plot in plots[WIDE][: len(DRAWS)]] == list(DRAWS)
    assert [plot.name for plot in plots[NARROW]] == [f"{name}_{NARROW}" for name in DRAWS]
    widths = {width: {parsed(plot).get("width") for plot in found} for width, found in plots.items()}
    assert widths == {WIDE: {str(WIDE)}, NARROW: {str(NARROW)}}


def test_every_svg_has_title_and_description_runs_nothing_and_points_nowhere(all_plots):
    for plot in all_plots:
        root = parsed(plot)
        assert [child.text for child in root[:2]] == [plot.title_da, plot.alt_da]
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "title", "desc", "g", "rect", "path", "line", "text", "tspan"}
        text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", plot.svg.decode())
        assert not [found for found in ("http", "href", "url(") if found in text]


def test_every_plot_says_municipality_period_extract_source_and_release(all_plots):
    for plot in all_plots:
        said = " ".join(parsed(plot).itertext())
        for words in ("Ishøj Kommune", CONTEXT.period_da, "udtræk modtaget", CONTEXT.source_da, CONTEXT.release):
            assert words in said


def test_texts_lie_within_the_picture(all_plots):
    for plot in all_plots:
        across = [float(x) for x in re.findall(r'<text[^>]*transform="translate\((-?[0-9.]+),', plot.svg.decode())]
        assert min(across) >= 0
        assert max(across) <= WIDE


def test_figures_too_wide_to_stand_beside_each_other_get_a_column_of_their_own(plots):
    # 1.205,0 four times does not fit into half of 320 pixels; 1.227 does.
    cases, prices = (int(float(parsed(plot).get("height"))) for plot in plots[NARROW][:2])
    assert cases > prices


def test_a_narrow_curve_of_large_figures_tells_the_first_the_last_and_the_most(plots):
    words = re.findall(r"<text[^>]*>([^<]+)<", plots[NARROW][2].svg.decode())
    # 1.500 in January; 1.511 in December, which is the most. Each has white around.
    assert [word for word in words if re.fullmatch("1[.]5[0-9]{2}", word)] == ["1.500", "1.511"] * 2


@pytest.mark.parametrize("draw", [full_year_case_development, unit_cost_development])
def test_rows_of_several_municipalities_are_refused_and_not_told(draw):
    other = scenario.unit_costs("461")
    with pytest.raises(DisclosureError, match="unit_costs has rows of 2 municipalities"):
        draw(pl.concat([COSTS, other]), CONTEXT)


def test_a_table_without_a_row_has_nothing_to_plot():
    with pytest.raises(BotilbudError, match="monthly_active_cases has no row"):
        monthly_active_cases(MONTHLY.clear(), CONTEXT)


def test_a_table_that_is_not_as_released_is_refused():
    with pytest.raises(TableError, match="forecast is not as it is released"):
        budget_waterfall(FORECAST.drop("basis"), scenario.cases_of(FORECAST), CONTEXT)


FEW = settings(costly_property_test, max_examples=6)  # each draws a picture
AMOUNT = st.integers(-300_000_000, 300_000_000)


@FEW
@given(
    amounts=st.tuples(st.integers(0, 300_000_000), AMOUNT, st.integers(-300_000_000, 0)),
    budgets=st.tuples(AMOUNT, AMOUNT, AMOUNT),
)
def test_the_steps_as_shown_add_up_to_the_total_or_are_said_not_to(amounts, budgets):
    told = scenario.forecast(amounts, budgets)
    plot = budget_waterfall(told, scenario.cases_of(told), CONTEXT)
    start, *steps, total = [said.partition(": ")[2] for said in re.findall(r"[^.]+: [^.]+(?:\.\d+)*", plot.alt_da)[:5]]
    signs = [-1 if "under" in step or "mere" in step else 1 for step in steps]
    shown = [0.0 if step == "som budgettet" else float(step.split()[0].replace(",", ".")) for step in steps]
    reached = float(start.replace(",", ".")) + sum(sign * step for sign, step in zip(signs, shown, strict=True))
    adds_up = round(reached - float(total.split()[0].replace(",", ".")), 3) == 0
    assert adds_up or "Tallene er afrundet hver for sig" in plot.svg.decode()
