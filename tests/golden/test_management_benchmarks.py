"""The benchmark of grants, exact and as everybody may see it. Citizens and prices are made up (opdigtet)."""

import math

import polars as pl
import pytest

from pipelines.benchmark.areas import AREA
from pipelines.management_information.benchmarks import CELL, citizens_behind, service_area_benchmarks
from pipelines.management_information.full_year_cases import full_year_cases
from pipelines.management_information.shared_benchmarks import cell_draw, cost_step, rounded_cases, shared_benchmarks
from pipelines.statistics.intervals import count_interval
from pipelines.storage import parquet_bytes
from schemas.errors import ConservationError
from schemas.management_tables import SERVICE_AREA_BENCHMARKS, SHARED_SERVICE_AREA_BENCHMARKS
from schemas.service_areas import labels_da
from schemas.tables import failures
from schemas.years import find_year
from tests.golden.benchmark_scenario import MUNICIPALITIES, POPULATION, RESIDENTS
from tests.golden.management_scenario import grant, grants, participants

YEAR = find_year("2023")
SECRET = b"opdigtet hemmelighed"
T_1 = 12.706204736432095
# Ishøj (183) and Ballerup (151) in Region Hovedstaden, group 1; Odense (461), before the end of the year, in Syddanmark.
TAKING_PART = participants(m151="2024-01-15", m183="2024-02-01", m461="2023-11-30")


def placed(citizen, code, price, start="2023-01-01", service_area="sel_107"):
    return grant(citizen, service_area, start, municipality_code=code, price_dkk=price)


GRANTS = grants(
    placed("a", "183", 1_000_000),
    placed("b", "183", 800_000, start="2023-04-01"),  # 9 of 12 months: 0.75 full-year cases, 600,000 kr.
    placed("b", "183", 100_000, service_area="sel_104"),
    placed("c", "151", 600_000),
    placed("d", "461", 900_000),
)


def exact(table=GRANTS, taking_part=TAKING_PART, year=YEAR):
    return service_area_benchmarks(table, taking_part, POPULATION, MUNICIPALITIES, year)


def behind(table=GRANTS, taking_part=TAKING_PART, year=YEAR):
    return citizens_behind(table, taking_part, MUNICIPALITIES, year)


def row(table, area_code, service_area):
    return table.row(
        by_predicate=(pl.col("area_code") == area_code) & (pl.col("service_area") == service_area), named=True
    )


# Exact ---------------------------------------------------------------------------------------------------------------


def test_full_year_cases_are_counted_per_1000_residents():
    of_ishoej = row(exact(), "183", "sel_107")
    assert of_ishoej["full_year_cases"] == 1 + 0.75
    assert of_ishoej["full_year_cases_per_1000"] == pytest.approx(1.75 / 14_581 * 1_000, rel=1e-12)
    assert of_ishoej["population_18_66"] == RESIDENTS["183"]


def test_the_limits_of_the_rate_are_dobsons():
    of_ishoej = row(exact(), "183", "sel_107")
    stretch, two = math.sqrt((1**2 + 0.75**2) / 2), count_interval([2])
    lower, upper = (1.75 + stretch * (limit[0] - 2) for limit in two)
    assert of_ishoej["full_year_cases_ci95_lower"] == pytest.approx(lower / 14_581 * 1_000, rel=1e-12)
    assert of_ishoej["full_year_cases_ci95_upper"] == pytest.approx(upper / 14_581 * 1_000, rel=1e-12)


def test_unit_cost_is_cost_by_full_year_cases_and_its_limits_are_those_of_a_ratio():
    of_ishoej = row(exact(), "183", "sel_107")
    ratio = (1_000_000 + 600_000) / 1.75
    squares = (1_000_000 - ratio) ** 2 + (600_000 - 0.75 * ratio) ** 2
    assert of_ishoej["unit_cost_dkk"] == round(ratio)
    assert of_ishoej["unit_cost_ci95_upper_dkk"] == round(ratio + T_1 * math.sqrt(2 / 1 * squares) / 1.75)
    assert of_ishoej["unit_cost_ci95_lower_dkk"] == max(0, round(ratio - T_1 * math.sqrt(2 / 1 * squares) / 1.75))


def test_areas_are_sums_over_their_participants():
    table = exact()
    assert row(table, "084", "sel_107")["full_year_cases"] == 1.75 + 1
    assert row(table, "084", "sel_107")["unit_cost_dkk"] == (1_600_000 + 600_000) / 2.75
    assert row(table, "000", "sel_107")["unit_cost_dkk"] == round((1_600_000 + 600_000 + 900_000) / 3.75)
    assert row(table, "000", "all")["full_year_cases"] == 3.75 + 1
    assert row(table, "000", "all")["population_18_66"] == 14_581 + 29_064 + 135_719
    assert row(table, "000", "all")["municipalities"] == 3


def test_groups_and_all_count_a_citizen_once_per_service_area():
    table = exact()
    assert row(table, "183", "residential_care")["full_year_cases"] == 1.75
    assert row(table, "183", "all")["full_year_cases"] == 1.75 + 1
    assert row(table, "183", "all")["unit_cost_dkk"] == round((1_600_000 + 100_000) / 2.75)


def test_an_area_is_a_result_when_all_its_participants_are():
    table = exact()
    assert [row(table, code, "all")["basis"] for code in ("000", "084", "183", "461")] == [
        "forecast",
        "result",
        "result",
        "forecast",
    ]


def test_a_service_that_nobody_has_is_shown_as_none_without_a_unit_cost():
    none = row(exact(), "183", "sel_108")
    assert none["full_year_cases"] == 0
    assert none["full_year_cases_ci95_upper"] == pytest.approx(-math.log(0.025) / 14_581 * 1_000, rel=1e-12)
    assert none["unit_cost_dkk"] is None
    assert none["unit_cost_status"] == "not_applicable"


def test_one_case_has_a_unit_cost_without_limits_and_without_a_comparison():
    single = row(exact(), "151", "sel_107")
    assert single["unit_cost_dkk"] == 600_000
    assert single["unit_cost_ci95_lower_dkk"] is None
    assert single["unit_cost_comparison_country"] is None
    assert single["volume_comparison_country"] == "similar"


def test_municipalities_are_compared_with_the_areas_they_are_in():
    many = grants(
        *(placed(f"a{i}", "183", 500_000 + i) for i in range(20)),
        *(placed(f"c{i}", "151", 900_000 + i) for i in range(20)),
    )
    table = exact(many)
    # 20 of 14,581 residents are 1.37 per 1,000; 40 of the region's 43,645 are 0.92 and of the country's 179,364 0.22.
    ishoej = row(table, "183", "sel_107")
    assert ishoej["full_year_cases_ci95_lower"] == pytest.approx(count_interval([20]).lower[0] / 14.581)  # 0.84
    assert [ishoej[f"volume_comparison_{area}"] for area in ("country", "region", "municipality_group")] == [
        "higher",
        "similar",
        "similar",
    ]
    # 500,000 and 900,000 against 700,000.
    assert ishoej["unit_cost_comparison_region"] == "lower"
    assert row(table, "151", "sel_107")["unit_cost_comparison_region"] == "higher"
    assert row(table, "084", "sel_107")["volume_comparison_country"] is None


def test_residents_of_a_municipality_that_is_reported_for_are_counted_with_those_of_the_one_that_reports():
    year = YEAR.model_copy(update={"reports_for": {"183": ("187",)}})
    assert row(exact(year=year), "183", "all")["population_18_66"] == 14_581 + 9_805


def test_areas_come_as_country_regions_groups_municipalities_and_services_in_the_catalogues_order():
    table = exact()
    assert failures(table, SERVICE_AREA_BENCHMARKS) == {}
    assert table.select(AREA[:2]).unique(maintain_order=True).rows() == [
        ("country", "000"),
        ("region", "083"),
        ("region", "084"),
        ("municipality_group", "1"),
        ("municipality_group", "2"),
        ("municipality", "151"),
        ("municipality", "183"),
        ("municipality", "461"),
    ]
    assert table["service_area"].to_list() == [*labels_da()] * 8


def test_municipalities_have_the_figures_of_the_table_of_full_year_cases():
    columns = ["service_area", "full_year_cases", "unit_cost_dkk"]
    alone = full_year_cases(GRANTS, TAKING_PART, 2023, "months").filter(municipality_code="183").select(columns)
    assert exact().filter(area_code="183").select(columns).equals(alone)


def test_grants_of_somebody_who_does_not_take_part_are_not_lost_silently():
    with pytest.raises(ConservationError):
        exact(taking_part=participants(m183="2024-02-01"))


def test_a_citizen_behind_two_services_is_one_citizen_of_both():
    table = behind()
    assert table.select(CELL).equals(exact().select(CELL))
    assert row(table, "183", "all")["citizens"] == 2
    assert row(table, "183", "all")["cost_dkk"] == 1_700_000
    # a costs 1,000,000 and b 600,000 + 100,000.
    assert row(table, "183", "all")["largest_cost_share"] == 1_000_000 / 1_700_000
    assert row(table, "084", "sel_107")["citizens"] == 3
    assert row(table, "084", "sel_107")["largest_cost_share"] == 1_000_000 / 2_200_000
    assert row(table, "183", "sel_108")["largest_cost_share"] == 0


def test_where_nothing_is_paid_for_anybody_one_citizen_is_taken_to_have_all_the_cost():
    table = behind(grants(*(placed(f"a{i}", "183", 0) for i in range(9))))
    assert row(table, "183", "sel_107")["largest_cost_share"] == 1


# Shared --------------------------------------------------------------------------------------------------------------

FIVE = ("151", "153", "155", "157", "159")
ALL_FIVE = participants(**{f"m{code}": "2024-02-01" for code in FIVE})
POPULATION_OF_FIVE = pl.DataFrame(
    {"municipality_code": FIVE, "population_18_66": [20_000] * 5, "population_quarter": ["2023K1"] * 5}
)


def of_five(*more, citizens=8, price=600_000):
    """Eight citizens in sel_107 in each of five municipalities of one region and group, and some more grants."""
    each = [placed(f"a{i}", code, price + 10_000 * i) for code in FIVE for i in range(citizens)]
    return grants(*each, *more)


def shared(table, secret=SECRET, taking_part=ALL_FIVE, year=YEAR):
    population = POPULATION_OF_FIVE if taking_part is ALL_FIVE else POPULATION
    made = service_area_benchmarks(table, taking_part, population, MUNICIPALITIES, year)
    return shared_benchmarks(made, behind(table, taking_part, year), year, secret)


@pytest.mark.parametrize(
    ("cases", "draw", "shown"),
    [
        (0, 0.999, 0),
        (1, 0.6, 0),  # 1 / 3 + 0.6 is below 1
        (1, 0.7, 3),
        (7.5, 0.49, 6),
        (7.5, 0.5, 9),
        (9, 0, 9),
        (9, 0.999, 9),
    ],
)
def test_full_year_cases_go_up_when_draw_and_remainder_come_to_one(cases, draw, shown):
    assert rounded_cases(cases, draw, 3) == shown


def test_over_all_draws_the_mean_is_the_number_itself():
    draws = [(i + 0.5) / 1_200 for i in range(1_200)]
    assert sum(rounded_cases(7.25, draw, 3) for draw in draws) / 1_200 == pytest.approx(7.25, abs=1e-9)


def test_a_cell_has_one_draw_and_other_cells_years_and_secrets_have_others():
    cell = ("municipality", "183", "service_area", "sel_107")
    draw = cell_draw(SECRET, "2023", cell)
    assert 0 <= draw < 1
    assert draw == cell_draw(SECRET, "2023", cell)
    others = [
        cell_draw(SECRET, "2024", cell),
        cell_draw(b"en anden", "2023", cell),
        cell_draw(SECRET, "2023", cell[:3]),
    ]
    assert draw not in others


@pytest.mark.parametrize(
    ("unit_cost", "citizens", "step"),
    [
        (600_000, 8, 200_000),  # 2 x 600,000 / 8 = 150,000
        (800_000, 8, 200_000),
        (800_001, 8, 500_000),
        (1_000_000, 2_000, 1_000),
        (3, 1_000, 1),
        (0, 5, 1),
    ],
)
def test_the_step_is_twice_a_mean_citizens_part_of_the_unit_cost_or_the_next_round_number(unit_cost, citizens, step):
    assert cost_step(unit_cost, citizens) == step


def test_a_unit_cost_is_rounded_to_its_step_and_its_limits_lie_around_the_figure_shown():
    table, true = (
        shared(of_five()),
        service_area_benchmarks(of_five(), ALL_FIVE, POPULATION_OF_FIVE, MUNICIPALITIES, YEAR),
    )
    told, one = row(table, "151", "sel_107"), row(true, "151", "sel_107")
    assert one["unit_cost_dkk"] == 635_000  # 600,000 to 670,000
    assert told["unit_cost_rounding_dkk"] == 200_000  # 2 x 635,000 / 8 = 158,750
    assert told["unit_cost_dkk"] == 600_000
    # The exact limits are 20,478 away (t x standard error 2.3646 x 8,660): a step when rounded up, and one more.
    assert one["unit_cost_ci95_upper_dkk"] - 635_000 == 20_478
    assert told["unit_cost_ci95_lower_dkk"] == 600_000 - 2 * 200_000
    assert told["unit_cost_ci95_upper_dkk"] == 600_000 + 2 * 200_000
    assert told["unit_cost_status"] == "rounded"


def test_the_rate_follows_from_the_number_shown_and_its_limits_from_the_numbers_it_lies_between():
    told = row(shared(of_five()), "151", "sel_107")
    number = told["full_year_cases"]
    assert number in (6, 9)
    assert told["full_year_cases_per_1000"] == number / 20_000 * 1_000
    assert told["full_year_cases_ci95_lower"] == count_interval([number - 3]).lower[0] / 20_000 * 1_000
    assert told["full_year_cases_ci95_upper"] == count_interval([number + 3]).upper[0] / 20_000 * 1_000
    assert (told["value_status"], told["rounding_base"]) == ("rounded", 3)


def test_nobody_sees_whether_a_unit_cost_is_hidden_for_few_citizens_or_for_none():
    table = shared(of_five(*(placed(f"x{i}", "151", 700_000, service_area="sel_108") for i in range(4))))
    few, none = row(table, "151", "sel_108"), row(table, "153", "sel_108")
    assert few["unit_cost_status"] == none["unit_cost_status"] == "suppressed"
    assert few["unit_cost_dkk"] is few["unit_cost_ci95_upper_dkk"] is few["unit_cost_comparison_country"] is None
    assert none["full_year_cases"] == 0
    assert few["value_status"] == none["value_status"] == "rounded"


def test_a_unit_cost_of_which_one_citizen_has_more_than_half_is_hidden():
    dominated = [placed(f"x{i}", "151", 100_000, service_area="sel_108") for i in range(5)]
    even, uneven = (
        shared(of_five(*dominated)),
        shared(of_five(*dominated, placed("y", "151", 600_000, service_area="sel_108"))),
    )
    assert row(even, "151", "sel_108")["unit_cost_dkk"] is not None
    assert row(uneven, "151", "sel_108")["unit_cost_dkk"] is None  # 600,000 of 1,100,000


def test_with_fewer_participants_than_the_threshold_only_municipalities_have_figures():
    table = shared(GRANTS, taking_part=TAKING_PART)
    areas = table.filter(pl.col("area_type") != "municipality")
    assert failures(table, SHARED_SERVICE_AREA_BENCHMARKS) == {}
    assert set(areas["value_status"]) == set(areas["unit_cost_status"]) == {"suppressed"}
    hidden = SHARED_SERVICE_AREA_BENCHMARKS.nullable
    assert areas.select(hidden).null_count().row(0) == (areas.height,) * len(hidden)
    assert table.height == exact().height


def test_comparisons_follow_from_the_figures_shown():
    table = shared(of_five(*(placed(f"x{i}", "151", 600_000) for i in range(60))))
    told = row(table, "151", "sel_107")
    region = row(table, "084", "sel_107")["full_year_cases_per_1000"]
    assert told["full_year_cases_ci95_lower"] > region
    assert told["volume_comparison_region"] == "higher"


def test_a_cell_that_betrays_a_small_one_is_hidden_with_it():
    # One citizen at 4 million beside 60 at 100,000: of the group's 10 million nobody has half, and all that is not the
    # 60's, which are known to within a few 100,000, is the one's.
    cheap = [placed(f"x{i}", "151", 100_000 + i, service_area="sel_97") for i in range(60)]
    table = grants(*cheap, placed("y", "151", 4_000_000, service_area="stu"))
    told = shared(of_five(*table.rows(named=True)))
    assert row(told, "151", "sel_97")["unit_cost_dkk"] is not None
    assert row(told, "151", "other_services")["unit_cost_dkk"] is None


def test_the_same_grants_in_any_order_make_the_same_bytes():
    table = of_five(*(placed(f"x{i}", "151", 700_000 + i, service_area="sel_108") for i in range(4)))
    once, again = shared(table), shared(table.reverse())
    assert parquet_bytes(once) == parquet_bytes(again)
