import polars as pl
import pytest

from pipelines.benchmark.areas import coverage, unexpected_participants
from pipelines.benchmark.averages import area_averages
from pipelines.benchmark.rates import case_rates
from schemas.errors import BotilbudError, ConservationError
from tests.golden.benchmark_scenario import MUNICIPALITIES, POPULATION, ROUND, cases, participants, responses

ISHOEJ_REPORTS_FOR_VALLENSBAEK = ROUND.model_copy(update={"reports_for": {"183": ("187",)}})


def rates_of(*groups, taking_part, round_=ROUND, population=POPULATION):
    return case_rates(responses(*groups), population, MUNICIPALITIES, participants(*taking_part), round_)


def of(rates, code, column):
    return rates.filter(municipality_code=code).item(0, column)


def test_the_rate_is_cases_per_1000_residents_aged_18_to_66():
    rates = rates_of(cases("183", 14), cases("461", 33), taking_part=("183", "461"))
    assert of(rates, "183", "rate_per_1000") == 14 / 14_581 * 1_000
    assert of(rates, "461", "rate_per_1000") == 33 / 135_719 * 1_000


def test_a_municipality_that_reported_no_cases_has_rate_zero_and_the_last_rank():
    rates = rates_of(cases("183", 14), cases("461", 33), taking_part=("183", "461", "563"))
    assert of(rates, "563", "cases") == 0
    assert of(rates, "563", "rate_per_1000") == 0 / 1_784 * 1_000
    assert of(rates, "563", "rank") == rates.height == 3


def test_a_municipality_that_did_not_report_is_absent_not_zero():
    rates = rates_of(cases("183", 14), taking_part=("183",))
    assert rates["municipality_code"].to_list() == ["183"]


def test_ties_share_the_smallest_rank_and_the_next_rank_is_skipped():
    twice_the_residents = pl.DataFrame(
        {
            "municipality_code": ["151", "183", "461", "563"],
            "population_18_66": [1_000, 2_000, 3_000, 4_000],
            "population_quarter": ["2020K1"] * 4,
        }
    )
    rates = rates_of(
        cases("151", 2),  # 2 / 1,000
        cases("183", 2),  # 1 / 1,000
        cases("461", 3),  # 1 / 1,000
        cases("563", 1),  # 0.25 / 1,000
        taking_part=("151", "183", "461", "563"),
        population=twice_the_residents,
    )
    assert rates["rank"].to_list() == [1, 2, 2, 4]


def test_only_eligible_responses_count():
    rates = rates_of(cases("183", 2), cases("183", 5, eligible=False), taking_part=("183",))
    assert of(rates, "183", "cases") == 2


def test_a_row_says_which_municipality_round_and_population_it_is_about():
    rates = rates_of(cases("183", 14), taking_part=("183",))
    assert rates.row(0, named=True) == {
        "round": "2022-10-01",
        "municipality_code": "183",
        "municipality_name": "Ishøj",
        "region_code": "084",
        "region_name": "Region Hovedstaden",
        "municipality_group_code": "1",
        "municipality_group": "Hovedstadskommuner",
        "population_18_66": 14_581,
        "population_quarter": "2020K1",
        "cases": 14,
        "rate_per_1000": 14 / 14_581 * 1_000,
        "rank": 1,
        "reports_for": None,
    }


def test_whoever_reports_for_others_has_their_residents_too_and_they_are_covered_not_zero():
    rates = rates_of(cases("183", 14), taking_part=("183",), round_=ISHOEJ_REPORTS_FOR_VALLENSBAEK)
    assert of(rates, "183", "population_18_66") == 14_581 + 9_805
    assert of(rates, "183", "rate_per_1000") == 14 / (14_581 + 9_805) * 1_000
    assert rates["municipality_code"].to_list() == ["183"]
    assert of(rates, "183", "reports_for") == "187"
    covered = coverage(participants("461", "183"), ISHOEJ_REPORTS_FOR_VALLENSBAEK)
    assert covered.rows() == [("183", "183"), ("183", "187"), ("461", "461")]


def test_a_municipality_that_would_report_for_others_but_does_not_take_part_covers_nobody():
    assert coverage(participants("461"), ISHOEJ_REPORTS_FOR_VALLENSBAEK).rows() == [("461", "461")]


def test_a_covered_municipality_that_hands_in_its_own_cases_counts_for_itself_and_once():
    both = participants("183", "187")
    rates = rates_of(
        cases("183", 14), cases("187", 5), taking_part=("183", "187"), round_=ISHOEJ_REPORTS_FOR_VALLENSBAEK
    )
    assert of(rates, "183", "rate_per_1000") == 14 / 14_581 * 1_000
    assert of(rates, "187", "rate_per_1000") == 5 / 9_805 * 1_000
    assert unexpected_participants(both, ISHOEJ_REPORTS_FOR_VALLENSBAEK) == ["187"]
    assert unexpected_participants(participants("183"), ISHOEJ_REPORTS_FOR_VALLENSBAEK) == []


@pytest.mark.parametrize("code", ["183", "187"])
def test_a_participating_or_covered_municipality_without_population_stops_the_step(code):
    without = POPULATION.filter(pl.col("municipality_code") != code)
    with pytest.raises(BotilbudError, match=f"Municipality {code} has no population"):
        rates_of(cases("183"), taking_part=("183",), round_=ISHOEJ_REPORTS_FOR_VALLENSBAEK, population=without)


def test_a_population_that_is_blank_is_none():
    blank = POPULATION.with_columns(
        pl.when(pl.col("municipality_code") != "183").then(pl.col("population_18_66")).alias("population_18_66")
    )
    with pytest.raises(BotilbudError, match="Municipality 183 has no population"):
        rates_of(cases("183"), taking_part=("183",), population=blank)


def test_what_is_no_code_is_not_named_when_cases_have_no_participant():
    with pytest.raises(ConservationError) as error:
        rates_of([{**cases("183")[0], "municipality_code": "planted answer"}], taking_part=("183",))
    assert "planted answer" not in str(error.value)
    assert "1 that are no municipality's code" in str(error.value)


def test_an_unknown_participant_stops_the_step():
    with pytest.raises(BotilbudError, match="Municipality 999 is not in the table of municipalities"):
        rates_of(taking_part=("999",))


def test_a_participant_that_stands_twice_stops_the_step():
    with pytest.raises(BotilbudError, match="Municipality 183 stands twice"):
        rates_of(cases("183"), taking_part=("183", "183"))


def test_cases_of_a_municipality_that_does_not_participate_are_never_lost_silently():
    with pytest.raises(ConservationError, match="cases of municipality 461"):
        rates_of(cases("183"), cases("461"), taking_part=("183",))


def test_the_pooled_rate_weighs_residents_and_the_unweighted_mean_weighs_municipalities():
    averages = area_averages(rates_of(cases("183", 14), cases("461", 33), taking_part=("183", "461", "563")))
    country = averages.row(0, named=True)
    assert (country["area_type"], country["area_code"], country["area_name"]) == ("country", "000", "Hele landet")
    assert country["municipalities"] == 3
    assert country["cases"] == 14 + 33 + 0
    assert country["population_18_66"] == 14_581 + 135_719 + 1_784
    assert country["pooled_rate_per_1000"] == (14 + 33 + 0) / (14_581 + 135_719 + 1_784) * 1_000
    assert country["unweighted_mean_rate_per_1000"] == pytest.approx(
        (14 / 14_581 + 33 / 135_719 + 0 / 1_784) / 3 * 1_000, abs=1e-12
    )


def test_quartiles_interpolate_linearly_between_neighbours():
    residents = {"151": 1_000, "183": 1_000, "461": 1_000, "563": 1_000}
    population = pl.DataFrame(
        {
            "municipality_code": list(residents),
            "population_18_66": list(residents.values()),
            "population_quarter": ["2020K1"] * 4,
        }
    )
    rates = rates_of(
        cases("151", 1),
        cases("183", 2),
        cases("461", 4),
        cases("563", 8),
        taking_part=residents,
        population=population,
    )
    country = area_averages(rates).row(0, named=True)
    assert country["min_rate_per_1000"] == 1
    assert country["lower_quartile_rate_per_1000"] == 1 + 0.75 * (2 - 1)  # position 3 * 0.25 = 0.75
    assert country["median_rate_per_1000"] == 2 + 0.5 * (4 - 2)  # position 3 * 0.5 = 1.5
    assert country["upper_quartile_rate_per_1000"] == 4 + 0.25 * (8 - 4)  # position 3 * 0.75 = 2.25
    assert country["max_rate_per_1000"] == 8


def test_the_averages_have_the_country_the_regions_and_the_groups_that_have_participants():
    averages = area_averages(rates_of(taking_part=("825", "563", "461", "183")))
    assert averages.select("area_type", "area_code", "area_name", "municipalities").rows() == [
        ("country", "000", "Hele landet", 4),
        ("region", "081", "Region Nordjylland", 1),
        ("region", "083", "Region Syddanmark", 2),
        ("region", "084", "Region Hovedstaden", 1),
        ("municipality_group", "1", "Hovedstadskommuner", 1),
        ("municipality_group", "2", "Storbykommuner", 1),
        ("municipality_group", "5", "Landkommuner", 2),
    ]


def test_a_round_in_which_nobody_takes_part_has_no_rates_and_no_averages():
    rates = rates_of(taking_part=())
    assert rates.is_empty()
    assert area_averages(rates).is_empty()
