import math

import pytest

from pipelines.statistics.intervals import count_interval
from pipelines.statistics.weighted import ratio_interval, weighted_count_interval
from schemas.errors import BotilbudError

# Student's t, 97.5 %, of 1 and 2 degrees of freedom, from any table of it.
T_1, T_2 = 12.706204736432095, 4.302652729911275


# Weighted counts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 9, 10, 14, 200])
def test_where_every_case_weighs_1_the_interval_is_that_of_the_count(count):
    limits, expected = weighted_count_interval([count], [count], [count]), count_interval([count])
    assert limits.lower == pytest.approx(expected.lower, rel=1e-12)
    assert limits.upper == pytest.approx(expected.upper, rel=1e-12)


def test_the_interval_of_the_count_is_stretched_by_the_weights_and_moved_to_their_sum():
    # Three cases, active the whole year, from 1 April and from 1 October.
    total, squares = 1 + 0.75 + 0.25, 1**2 + 0.75**2 + 0.25**2
    limits = weighted_count_interval([3], [total], [squares])
    # Garwood's limits of 3 cases are 0.6186721 and 8.7672731.
    assert limits.lower == pytest.approx([2 + (1.625 / 3) ** 0.5 * (0.6186721 - 3)], rel=1e-6)
    assert limits.upper == pytest.approx([2 + (1.625 / 3) ** 0.5 * (8.7672731 - 3)], rel=1e-6)


def test_half_weights_halve_the_interval():
    halved, whole = weighted_count_interval([20], [10], [20 * 0.5**2]), count_interval([20])
    assert halved.lower == pytest.approx(whole.lower / 2, rel=1e-12)
    assert halved.upper == pytest.approx(whole.upper / 2, rel=1e-12)


def test_without_cases_a_case_is_taken_to_weigh_1():
    limits = weighted_count_interval([0], [0], [0])
    assert limits.lower.tolist() == [0]
    assert limits.upper == pytest.approx([-math.log(0.025)], rel=1e-12)


def test_a_lower_limit_is_never_below_0():
    # 1.01 + sqrt(1.0001 / 2) x (0.2422093 - 2) = -0.23
    assert weighted_count_interval([2], [1.01], [1.0001]).lower.tolist() == [0]


# Ratios --------------------------------------------------------------------------------------------------------------


def test_a_ratio_has_the_variance_of_its_residuals():
    # Full-year cases 1, 0.5 and 0.5 cost 100, 80 and 20: the ratio is 100, the residuals 0, 30 and -30.
    limits = ratio_interval([3], [200], [2], [0**2 + 30**2 + 30**2])
    standard_error = (3 / 2 * 1_800) ** 0.5 / 2
    assert limits.lower.tolist() == [0]  # 100 - 4.3 x 26 is below it
    assert limits.upper == pytest.approx([100 + T_2 * standard_error], rel=1e-9)


def test_where_every_case_is_active_all_year_the_interval_is_that_of_a_mean():
    # 98 and 102: mean 100, standard deviation sqrt(8), two cases.
    limits = ratio_interval([2], [200], [2], [2**2 + 2**2])
    assert limits.lower == pytest.approx([100 - T_1 * 8**0.5 / 2**0.5], rel=1e-9)
    assert limits.upper == pytest.approx([100 + T_1 * 8**0.5 / 2**0.5], rel=1e-9)


def test_one_case_or_none_has_no_interval():
    limits = ratio_interval([0, 1], [0, 100], [0, 0.5], [0, 0])
    assert all(math.isnan(limit) for limit in (*limits.lower, *limits.upper))


def test_cases_of_one_price_have_an_interval_of_no_width():
    limits = ratio_interval([4], [300], [3], [0])
    assert limits.lower.tolist() == limits.upper.tolist() == [100]


def test_a_negative_sum_is_refused():
    with pytest.raises(BotilbudError, match="below 0"):
        ratio_interval([2], [-1], [1], [0])
