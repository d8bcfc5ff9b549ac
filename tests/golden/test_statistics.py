import math

import polars as pl
import pytest

from pipelines.benchmark.averages import area_averages
from pipelines.statistics.comparison import compared_with
from pipelines.statistics.counts import Interval
from pipelines.statistics.funnel import funnel_label, funnel_limits, funnel_limits_at
from pipelines.statistics.intervals import count_interval, garwood, rate_interval, wilson
from pipelines.statistics.ranks import rank_if, rank_interval, ranks
from pipelines.statistics.reliability import reliability
from pipelines.statistics.rounding import rounded
from pipelines.statistics.rounds import SNAPSHOT_WARNING, rate_ratio, rate_ratio_interval, round_changes
from pipelines.statistics.shrinkage import (
    dispersion,
    estimate_spread,
    overdispersed_funnel_label,
    shrunken_interval,
    shrunken_rates,
)
from pipelines.statistics.tables import funnel_limits as funnel_lines
from pipelines.statistics.tables import with_share_limits, with_spread, with_statistics
from schemas.errors import BotilbudError
from tests.golden.statistics_scenario import case_rates, statistics

Z_95 = 1.959963984540054
# Three municipalities whose rates are 0.2, 0.5 and 1 per 1,000: more apart than chance explains.
CASES, RESIDENTS = (2, 10, 30), (10_000, 20_000, 30_000)
B = (2 + 10 + 30) / (10_000 + 20_000 + 30_000)
S2 = (10_000 * (0.0002 - B) ** 2 + 20_000 * (0.0005 - B) ** 2 + 30_000 * (0.001 - B) ** 2) / 60_000
A = S2 - B / 20_000


def poisson_up_to(count, expected):
    """Probability of so many or fewer."""
    return sum(math.exp(-expected) * expected**n / math.factorial(n) for n in range(count + 1))


# Intervals -----------------------------------------------------------------------------------------------------------


def test_from_10_cases_the_interval_is_byars():
    limits = rate_interval([14], [14_581])
    lower = 14 * (1 - 1 / (9 * 14) - Z_95 / (3 * 14**0.5)) ** 3
    upper = 15 * (1 - 1 / (9 * 15) + Z_95 / (3 * 15**0.5)) ** 3
    assert limits.lower == pytest.approx([lower / 14_581 * 1_000], rel=1e-12)
    assert limits.upper == pytest.approx([upper / 14_581 * 1_000], rel=1e-12)


@pytest.mark.parametrize("count", [1, 5, 9])
def test_below_10_cases_each_tail_beyond_the_limits_is_exactly_2_5_percent(count):
    limits = count_interval([count])
    assert 1 - poisson_up_to(count - 1, limits.lower[0]) == pytest.approx(0.025, rel=1e-9)
    assert poisson_up_to(count, limits.upper[0]) == pytest.approx(0.025, rel=1e-9)


def test_no_cases_have_the_lower_limit_zero_and_an_upper_one():
    limits = rate_interval([0], [1_784])
    assert limits.lower.tolist() == [0]
    assert limits.upper == pytest.approx([-math.log(0.025) / 1_784 * 1_000], rel=1e-12)


def test_a_share_of_none_has_no_limits_and_a_share_of_all_ends_at_one():
    limits = wilson([0, 0, 7], [0, 7, 7])
    assert math.isnan(limits.lower[0])
    assert math.isnan(limits.upper[0])
    assert limits.lower[1:] == pytest.approx([0, 7 / (7 + Z_95**2)], rel=1e-12)
    assert limits.upper[1:] == pytest.approx([Z_95**2 / (7 + Z_95**2), 1], rel=1e-12)


def test_shares_get_limits_as_columns_and_a_hidden_share_gets_none():
    shares = pl.DataFrame({"finding": ["a", "b", "c"], "numerator": [65, None, 0], "denominator": [100, 100, 0]})
    limits = with_share_limits(shares, "numerator", "denominator")
    assert limits.columns == ["finding", "numerator", "denominator", "share_ci95_lower", "share_ci95_upper"]
    assert limits["share_ci95_lower"].round(9).to_list() == [0.552544433, None, None]
    assert limits["share_ci95_upper"].round(9).to_list() == [0.736357518, None, None]


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (lambda: rate_interval([-1], [100]), "count is below 0"),
        (lambda: rate_interval([1], [0]), "population is 0 or less"),
        (lambda: wilson([2], [1]), "numerator larger than its denominator"),
        (lambda: garwood([1], 95), "write 95 % as 0.95"),
    ],
)
def test_what_is_no_count_no_population_and_no_confidence_is_refused(faulty, message):
    with pytest.raises(BotilbudError, match=message):
        faulty()


# Comparison and reliability ------------------------------------------------------------------------------------------


def test_a_rate_differs_only_when_its_interval_is_strictly_outside_the_reference():
    limits = count_interval([14, 14, 14, 14, 14])
    lower, upper = limits.lower[0], limits.upper[0]
    references = [lower - 1e-9, lower, 14, upper, upper + 1e-9]
    assert compared_with(limits, references).tolist() == ["higher", "similar", "similar", "similar", "lower"]


def test_a_limit_that_is_not_known_tells_nothing_apart():
    assert compared_with(Interval([0.5], [math.nan]), [1]).tolist() == ["similar"]
    assert compared_with(Interval([1.5], [math.nan]), [1]).tolist() == ["higher"]


def test_a_rate_is_reliable_from_10_cases():
    # With 10 cases the interval is (18.39 - 4.79) / 10 = 136 % of the rate.
    assert reliability([0, 9, 10, 100], [1_000] * 4).tolist() == ["unstable", "unstable", "reliable", "reliable"]


# Funnel --------------------------------------------------------------------------------------------------------------


def test_the_funnels_label_says_how_unlikely_so_few_or_so_many_cases_are():
    # 10 are expected of 10,000 residents at 1 per 1,000.
    few = {n: poisson_up_to(n, 10) for n in (2, 3, 4)}
    many = {n: 1 - poisson_up_to(n - 1, 10) for n in (17, 18, 21, 22)}
    assert few[2] > 0.001
    assert few[3] < 0.025 < few[4]
    assert many[18] < 0.025 < many[17]
    assert many[22] < 0.001 < many[21]
    labels = funnel_label([1, 2, 3, 4, 17, 18, 21, 22], [10_000] * 8, 1.0).tolist()
    assert labels == [
        "below_998",  # 11 exp(-10) = 0.0005
        "below_95",
        "below_95",
        "within",
        "within",
        "above_95",
        "above_95",
        "above_998",
    ]


def test_a_point_on_the_line_at_its_population_is_the_point_of_its_events():
    points = funnel_limits([1, 7, 40], 0.42)
    for side in ("lower", "upper"):
        residents = getattr(points, f"{side}_expected") / 0.42 * 1_000
        assert getattr(funnel_limits_at(residents, 0.42), side) == pytest.approx(getattr(points, side), rel=1e-9)


def test_no_events_lie_on_the_lower_line_at_zero_and_on_no_upper_line():
    points = funnel_limits([0], 0.42)
    assert points.lower_expected == pytest.approx([-math.log(0.025)])
    assert (points.lower[0], points.upper_expected[0]) == (0, 0)
    assert math.isnan(points.upper[0])


def test_the_funnels_lines_run_from_the_smallest_to_the_largest_participant():
    lines = funnel_lines(case_rates(CASES, RESIDENTS))
    assert lines.columns == [
        "round",
        "baseline_rate_per_1000",
        "population_18_66",
        "expected_cases",
        "limit998_lower",
        "limit95_lower",
        "limit95_upper",
        "limit998_upper",
    ]
    assert lines.height == 101
    first, last = lines.row(0, named=True), lines.row(-1, named=True)
    assert (first["population_18_66"], last["population_18_66"]) == (10_000, 30_000)
    assert first["baseline_rate_per_1000"] == pytest.approx(B * 1_000, rel=1e-12)
    assert last["expected_cases"] == pytest.approx(30_000 * B, rel=1e-12)
    sorted_lines = lines.select(
        "limit998_lower", "limit95_lower", "baseline_rate_per_1000", "limit95_upper", "limit998_upper"
    )
    assert all(list(row) == sorted(row) for row in sorted_lines.rows())


# Shrinkage -----------------------------------------------------------------------------------------------------------


def test_marshalls_moments():
    spread = estimate_spread(CASES, RESIDENTS)
    assert spread == pytest.approx((B, S2, A), rel=1e-12)
    assert pytest.approx(0.0007) == B
    assert pytest.approx((10_000 * 25e-8 + 20_000 * 4e-8 + 30_000 * 9e-8) / 60_000) == S2  # 1e-7
    assert pytest.approx(1e-7 - 0.35e-7) == A


def test_a_shrunken_rate_is_the_mean_of_its_posterior():
    expected = [(A * n + B**2) / (A * x + B) * 1_000 for n, x in zip(CASES, RESIDENTS, strict=True)]
    means = [(B**2 / A + n) / (B / A + x) * 1_000 for n, x in zip(CASES, RESIDENTS, strict=True)]
    assert expected == pytest.approx(means)
    assert shrunken_rates(CASES, RESIDENTS) == pytest.approx(expected, rel=1e-12)
    # Drawn towards 0.7: 0.2 -> 0.459, 0.5 -> 0.570, 1 -> 0.921; the fewer residents, the further.
    assert expected == pytest.approx([0.459259, 0.57, 0.920755], rel=1e-5)


def test_the_credible_interval_has_2_5_percent_of_the_posterior_on_each_side():
    limits = shrunken_interval(CASES, RESIDENTS)
    for n, x, low, high in zip(CASES, RESIDENTS, limits.lower / 1_000, limits.upper / 1_000, strict=True):
        shape, rate = B**2 / A + n, B / A + x
        assert _gamma_between(0, low, shape, rate) == pytest.approx(0.025, abs=1e-5)
        assert _gamma_between(low, high, shape, rate) == pytest.approx(0.95, abs=1e-5)


def _gamma_between(start, end, shape, rate):
    """The gamma distribution's mass, summed over 2,000 steps."""
    step = (end - start) / 2_000
    places = [start + (i + 0.5) * step for i in range(2_000)]
    scale = shape * math.log(rate) - math.lgamma(shape)
    return sum(math.exp(scale + (shape - 1) * math.log(at) - rate * at) for at in places) * step


def test_where_chance_explains_all_everyone_has_the_pooled_rate_and_its_interval():
    cases, residents = (4, 5, 6), (10_000, 10_000, 10_000)
    assert estimate_spread(cases, residents).a == 0
    assert shrunken_rates(cases, residents).tolist() == [0.5] * 3
    limits, pooled = shrunken_interval(cases, residents), count_interval(15)
    assert limits.lower == pytest.approx([pooled.lower / 30_000 * 1_000] * 3)
    assert limits.upper == pytest.approx([pooled.upper / 30_000 * 1_000] * 3)
    assert overdispersed_funnel_label(cases, residents).tolist() == ["within"] * 3


def test_the_overdispersed_funnel_allows_for_true_differences_by_a_negative_binomial():
    cases, residents = (9, 14, 33, 0, 0), (29_064, 14_581, 135_719, 1_784, 928)
    b, _, a = estimate_spread(cases, residents)
    shape, further = b**2 / a, a * 14_581 / (b + a * 14_581)

    def probability(n):
        ways = math.exp(math.lgamma(shape + n) - math.lgamma(shape) - math.lgamma(n + 1))
        return ways * (1 - further) ** shape * further**n

    # 4.5 are expected of the second: 14 or more are a chance of 0.03 % when all have one rate, of 1.7 % when not.
    assert 1 - poisson_up_to(13, 14_581 * b) == pytest.approx(0.0003, abs=0.0001)
    assert 1 - sum(probability(n) for n in range(14)) == pytest.approx(0.017, abs=0.0001)
    assert funnel_label(cases, residents, b, per=1).tolist()[1] == "above_998"
    assert overdispersed_funnel_label(cases, residents).tolist() == ["within", "above_95", "within", "within", "within"]


def test_dispersion_is_pearsons_chi_square_by_its_degrees_of_freedom():
    # Expected: 7, 14 and 21.
    assert dispersion(CASES, RESIDENTS) == pytest.approx(
        ((2 - 7) ** 2 / 7 + (10 - 14) ** 2 / 14 + (30 - 21) ** 2 / 21) / 2
    )
    assert math.isnan(dispersion([3], [1_000]))
    assert math.isnan(dispersion([0, 0], [1_000, 1_000]))


# Ranks ---------------------------------------------------------------------------------------------------------------


def test_ties_share_the_smallest_rank():
    assert ranks([2, 2, 3, 1], [1_000, 2_000, 3_000, 4_000]).tolist() == [1, 2, 2, 4]


def test_the_rank_with_a_case_more_or_fewer_is_among_the_others_as_they_are():
    # Rates 4, 3, 2 and 1 per 1,000.
    cases, residents = [4, 6, 2, 3], [1_000, 2_000, 1_000, 3_000]
    assert ranks(cases, residents).tolist() == [1, 2, 3, 4]
    assert rank_if(cases, residents, 0).tolist() == [1, 2, 3, 4]
    assert rank_if(cases, residents, 1).tolist() == [1, 2, 2, 4]  # 5 | 3.5 | 3 ties with the second | 1.33
    assert rank_if(cases, residents, 2).tolist() == [1, 1, 1, 4]  # 6 | 4 ties | 4 ties | 1.67
    assert rank_if(cases, residents, -1).tolist() == [1, 2, 3, 4]  # 3 ties with the second | 2.5 | 1 ties | 0.67
    assert rank_if(cases, residents, -2).tolist() == [2, 2, 4, 4]  # 2 ties with the third | 2 ties | 0 | 0.33


def test_nobody_has_fewer_cases_than_none():
    cases, residents = [1, 5, 9], [1_000] * 3
    assert rank_if(cases, residents, -1).tolist() == [3, 2, 1]
    assert rank_if(cases, residents, -3).tolist() == [3, 2, 1]
    assert rank_if([1, 0, 0], [1_000] * 3, -3).tolist() == [1, 2, 2]  # the first ties with the two at 0


def test_municipalities_far_apart_have_certain_ranks_and_those_alike_any():
    far = rank_interval([10, 1_000, 100], [100_000] * 3)
    assert far.lower.tolist() == far.upper.tolist() == [3, 1, 2]
    alike = rank_interval([4, 5, 6], [10_000] * 3)
    assert (alike.lower.tolist(), alike.upper.tolist()) == ([1, 1, 1], [3, 3, 3])


def test_a_rank_that_the_posterior_finds_unlikely_stays_within_its_interval():
    # One case among 900 residents makes the highest rate of 40, and says next to nothing.
    cases, residents = [1, *([4, 8, 20] * 13)], [900, *([20_000] * 39)]
    assert ranks(cases, residents)[0] == 1
    places = rank_interval(cases, residents)
    assert places.lower[0] == 1
    assert places.upper[0] > 35


# Rounds --------------------------------------------------------------------------------------------------------------


def binomial_from(count, of, chance):
    return sum(math.comb(of, n) * chance**n * (1 - chance) ** (of - n) for n in range(count, of + 1))


def test_a_rate_ratio_and_the_tails_beyond_its_limits():
    ratio = rate_ratio([10], [20_000], [24], [24_000])
    assert ratio == pytest.approx([(24 / 24_000) / (10 / 20_000)])
    limits = rate_ratio_interval([10], [20_000], [24], [24_000])
    # Given 34 cases, the later ones are binomial with the odds ratio x 24,000 / 20,000.
    lower, upper = (limit[0] * 24_000 / 20_000 for limit in limits)
    assert binomial_from(24, 34, lower / (1 + lower)) == pytest.approx(0.025, rel=1e-9)
    assert 1 - binomial_from(25, 34, upper / (1 + upper)) == pytest.approx(0.025, rel=1e-9)


def test_municipalities_in_two_rounds_have_a_change_and_the_warning_beside_it():
    earlier = case_rates([10, 0, 3, 0, 7], [20_000] * 5, "2022-10-01")
    later = case_rates([40, 8, 3, 0], [20_000] * 4, "2024-10-01").sample(fraction=1, shuffle=True, seed=1)
    changes = round_changes(earlier, later)
    assert changes["municipality_code"].to_list() == ["101", "102", "103", "104"]
    assert changes["rate_ratio"].to_list() == [4, None, 1, None]
    assert changes["change"].to_list() == ["higher", "higher", "similar", "similar"]
    assert changes["rate_ratio_ci95_lower"].to_list()[3] == 0
    assert changes["rate_ratio_ci95_upper"].is_null().to_list() == [False, True, False, True]
    assert changes["warning_da"].unique().to_list() == [SNAPSHOT_WARNING]
    assert changes.row(0, named=True)["earlier_rate_per_1000"] == 10 / 20_000 * 1_000
    assert changes.row(0, named=True)["later_rate_per_1000"] == 40 / 20_000 * 1_000


def test_fewer_cases_than_chance_explains_are_a_lower_rate():
    changes = round_changes(case_rates([40], [20_000]), case_rates([10], [20_000], "2024-10-01"))
    assert changes["change"].to_list() == ["lower"]


def test_rounds_in_the_wrong_order_are_refused():
    earlier, later = case_rates([1], [1_000]), case_rates([1], [1_000], "2024-10-01")
    for pair in ((later, earlier), (earlier, earlier)):
        with pytest.raises(BotilbudError, match="give the earlier one first"):
            round_changes(*pair)


def test_rounds_without_a_municipality_in_common_have_no_changes():
    assert round_changes(case_rates([1], [1_000]), case_rates([], [], "2024-10-01")).is_empty()


# Tables --------------------------------------------------------------------------------------------------------------


def test_case_rates_gain_the_statistics_and_keep_their_columns_first():
    rates = case_rates(CASES, RESIDENTS)
    described = with_statistics(rates, area_averages(rates))
    assert described.select(rates.columns).equals(rates)
    assert described.columns[len(rates.columns) :] == [
        *("ci95_lower", "ci95_upper", "ci998_lower", "ci998_upper", "interval_method"),
        *("comparison_country", "comparison_region", "comparison_municipality_group"),
        *("funnel_label", "funnel_label_overdispersed"),
        *("eb_rate_per_1000", "eb_ci95_lower", "eb_ci95_upper", "rank_ci95_lower", "rank_ci95_upper"),
        *("rank_if_plus_1", "rank_if_plus_2", "rank_if_plus_3"),
        *("rank_if_minus_1", "rank_if_minus_2", "rank_if_minus_3"),
        "reliability",
    ]
    first = described.row(0, named=True)
    assert (first["ci95_lower"], first["ci95_upper"]) == rate_interval(2, 10_000)
    assert (first["ci998_lower"], first["ci998_upper"]) == rate_interval(2, 10_000, 0.998)
    # 0.2 per 1,000, at most 0.72, beside 0.7 of all; 0.2 of its own region, where it is alone; 0.8 of its group.
    assert first["comparison_country"] == "similar"
    assert first["comparison_region"] == "similar"
    assert first["comparison_municipality_group"] == "lower"
    assert first["funnel_label"] == "within"
    assert described["reliability"].to_list() == ["unstable", "reliable", "reliable"]


def test_area_averages_gain_the_spread_of_each_area():
    rates = case_rates(CASES, RESIDENTS)
    areas = with_spread(area_averages(rates), rates)
    country, alone = areas.row(0, named=True), areas.row(1, named=True)
    assert (country["eb_b"], country["eb_s2"], country["eb_a"]) == pytest.approx((B, S2, A), rel=1e-12)
    assert country["dispersion"] == pytest.approx(dispersion(CASES, RESIDENTS))
    assert (alone["eb_b"], alone["eb_s2"], alone["eb_a"], alone["dispersion"]) == (2 / 10_000, 0, 0, None)


def test_one_municipality_alone_is_similar_to_itself_and_the_only_rank():
    row = statistics([3], [14_581]).row(0, named=True)
    assert row["comparison_country"] == "similar"
    assert row["funnel_label"] == row["funnel_label_overdispersed"] == "within"
    assert (row["rank_ci95_lower"], row["rank_ci95_upper"], row["rank_if_minus_3"]) == (1, 1, 1)
    assert row["eb_rate_per_1000"] == row["rate_per_1000"]
    assert (row["eb_ci95_lower"], row["eb_ci95_upper"]) == (row["ci95_lower"], row["ci95_upper"])


def test_a_round_without_any_case_has_statistics_without_nulls():
    described = statistics([0, 0, 0], [14_581, 1_784, 928])
    assert described.null_count().sum_horizontal().item() == 0
    assert described["eb_rate_per_1000"].to_list() == [0, 0, 0]
    assert described["funnel_label"].to_list() == ["within"] * 3
    assert described["rank_ci95_upper"].to_list() == [3, 3, 3]
    lines = funnel_lines(case_rates([0, 0, 0], [14_581, 1_784, 928]))
    assert lines.select("limit95_lower", "limit998_upper").unique().rows() == [(0, 0)]


def test_a_round_in_which_nobody_takes_part_has_statistics_without_rows():
    rates = case_rates([], [])
    assert statistics([], []).is_empty()
    assert statistics([], []).schema == statistics([1], [1_000]).schema
    assert with_spread(area_averages(rates), rates).is_empty()
    assert funnel_lines(rates).is_empty()
    assert funnel_lines(rates).schema == funnel_lines(case_rates([1], [1_000])).schema


def test_averages_of_other_rates_are_refused():
    rates = case_rates(CASES, RESIDENTS)
    with pytest.raises(BotilbudError, match="region of the rates is not among the averages"):
        with_statistics(rates, area_averages(rates.head(1)))


# Rounding ------------------------------------------------------------------------------------------------------------


def test_halves_are_rounded_away_from_zero_as_people_see_them():
    values = pl.Series("x", [0.5, 1.5, 2.5, -0.5, -2.5, None])
    assert rounded(values, 0).to_list() == [1, 2, 3, -1, -3, None]
    assert rounded(pl.Series([0.125, 1.005, 2.675, 0.285]), 2).to_list() == [0.13, 1.01, 2.68, 0.29]
    assert rounded(pl.Series([14 / 14_581 * 1_000]), 2).to_list() == [0.96]
