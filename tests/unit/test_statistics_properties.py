"""What holds for the statistics of every set of counts and residents."""

from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy import special

from pipelines.benchmark.averages import area_averages
from pipelines.statistics.comparison import compared_with
from pipelines.statistics.funnel import funnel_limits_at
from pipelines.statistics.intervals import count_interval, rate, rate_interval, wilson
from pipelines.statistics.ranks import rank_if, rank_interval, ranks
from pipelines.statistics.rounds import rate_ratio, rate_ratio_interval
from pipelines.statistics.shrinkage import estimate_spread, shrunken_interval, shrunken_rates
from pipelines.statistics.tables import with_statistics
from pipelines.storage import parquet_bytes
from tests.golden.statistics_scenario import case_rates, statistics

ALMOST = 1e-9
counts = st.integers(0, 5_000)
residents = st.integers(100, 500_000)
confidences = st.sampled_from([0.5, 0.95, 0.998])
worlds = st.lists(st.tuples(st.integers(0, 200), residents), min_size=1, max_size=30).map(
    lambda rows: tuple(map(list, zip(*rows, strict=True)))
)
examples = settings(max_examples=40, deadline=None, derandomize=True)


@examples
@given(counts, residents, confidences)
def test_an_interval_holds_its_rate(cases, population, confidence):
    limits = rate_interval(cases, population, confidence)
    assert limits.lower <= rate(cases, population) <= limits.upper


@examples
@given(counts, confidences)
def test_a_case_more_moves_both_limits_up(cases, confidence):
    limits = count_interval([cases, cases + 1], confidence)
    assert limits.lower[0] < limits.lower[1]
    assert limits.upper[0] < limits.upper[1]


@examples
@given(counts)
def test_more_confidence_makes_a_wider_interval(cases):
    narrow, wide = count_interval(cases, 0.95), count_interval(cases, 0.998)
    assert wide.lower <= narrow.lower
    assert narrow.upper < wide.upper


@examples
@given(st.integers(1, 5_000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))), confidences)
def test_a_shares_interval_holds_it_lies_within_0_and_1_and_mirrors(share, confidence):
    part, whole = share
    limits, mirrored = wilson(part, whole, confidence), wilson(whole - part, whole, confidence)
    assert 0 <= limits.lower <= part / whole + ALMOST
    assert part / whole - ALMOST <= limits.upper <= 1
    assert abs(limits.lower - (1 - mirrored.upper)) < ALMOST


@examples
@given(worlds, st.sampled_from([2, 1_024]))
def test_more_residents_in_proportion_change_rates_in_proportion_and_nothing_else(world, factor):
    cases, population = world
    larger = [x * factor for x in population]
    assert (shrunken_rates(cases, population) == shrunken_rates(cases, larger) * factor).all()
    assert np.array_equal(ranks(cases, population), ranks(cases, larger))
    for few, many in zip(rank_interval(cases, population), rank_interval(cases, larger), strict=True):
        assert np.array_equal(few, many)
    limits, smaller = rate_interval(cases, population), rate_interval(cases, larger)
    np.testing.assert_allclose(limits.lower, smaller.lower * factor, rtol=ALMOST)


@examples
@given(worlds)
def test_a_shrunken_rate_lies_between_the_observed_and_the_pooled_rate_and_in_its_interval(world):
    cases, population = world
    observed, pooled = rate(cases, population), sum(cases) / sum(population) * 1_000
    shrunken, limits = shrunken_rates(cases, population), shrunken_interval(cases, population)
    tolerance = ALMOST * (pooled + observed)
    assert (np.minimum(observed, pooled) - tolerance <= shrunken).all()
    assert (shrunken <= np.maximum(observed, pooled) + tolerance).all()
    assert (limits.lower <= shrunken + tolerance).all()
    assert (shrunken <= limits.upper + tolerance).all()


@examples
@given(worlds)
def test_shrunken_rates_do_not_depend_on_the_order_to_the_last_digit(world):
    cases, population = world
    assert estimate_spread(cases, population) == estimate_spread(cases[::-1], population[::-1])
    assert (shrunken_rates(cases, population) == shrunken_rates(cases[::-1], population[::-1])[::-1]).all()


@examples
@given(worlds)
def test_a_rank_lies_in_its_interval_and_the_interval_among_the_municipalities(world):
    cases, population = world
    shown, limits = ranks(cases, population), rank_interval(cases, population)
    assert (limits.lower >= 1).all()
    assert (limits.lower <= shown).all()
    assert (shown <= limits.upper).all()
    assert (limits.upper <= len(cases)).all()


@examples
@given(worlds)
def test_a_case_more_never_lowers_a_rank_and_none_more_keeps_it(world):
    cases, population = world
    by_change = [rank_if(cases, population, change) for change in (3, 2, 1, 0, -1, -2, -3)]
    assert np.array_equal(by_change[3], ranks(cases, population))
    for more, fewer in pairwise(by_change):
        assert (more <= fewer).all()


@examples
@given(worlds, st.data())
def test_the_rank_with_other_cases_is_the_rank_in_a_round_with_those_cases(world, data):
    cases, population = world
    place = data.draw(st.integers(0, len(cases) - 1))
    more = data.draw(st.integers(-3, 3))
    other = [max(n + more, 0) if i == place else n for i, n in enumerate(cases)]
    assert rank_if(cases, population, more)[place] == ranks(other, population)[place]


@examples
@given(worlds, st.randoms(use_true_random=False))
def test_the_statistics_do_not_depend_on_the_order_of_the_rows(world, random):
    rates = case_rates(*world)
    order = list(range(rates.height))
    random.shuffle(order)
    shuffled = rates[order]
    described = with_statistics(shuffled, area_averages(shuffled))
    assert_frame_equal(described, statistics(*world), check_exact=True)
    assert parquet_bytes(described) == parquet_bytes(statistics(*world))


@examples
@given(worlds)
def test_the_statistics_have_no_nulls_and_no_infinities(world):
    described = statistics(*world)
    assert described.null_count().sum_horizontal().item() == 0
    assert described.select(pl.col(pl.Float64).is_finite().all()).row(0) == (True,) * len(
        described.select(pl.col(pl.Float64)).columns
    )


@examples
@given(residents, st.floats(0.001, 10), st.floats(1.01, 10))
def test_the_funnels_lines_enclose_each_other_and_close_in(population, baseline, factor):
    inner, outer = (funnel_limits_at(population, baseline, confidence) for confidence in (0.95, 0.998))
    assert 0 <= outer.lower <= inner.lower <= baseline <= inner.upper <= outer.upper
    further = funnel_limits_at(population * factor, baseline)
    assert inner.lower <= further.lower
    assert further.upper <= inner.upper


@examples
@given(counts, residents, counts, residents)
def test_a_change_seen_backwards_is_its_inverse(earlier, earlier_residents, later, later_residents):
    there = rate_ratio_interval(earlier, earlier_residents, later, later_residents)
    back = rate_ratio_interval(later, later_residents, earlier, earlier_residents)
    turned = {"lower": "higher", "similar": "similar", "higher": "lower"}
    assert turned[compared_with(there, 1).item()] == compared_with(back, 1).item()
    if earlier and later:
        ratio = rate_ratio(earlier, earlier_residents, later, later_residents)
        assert there.lower <= ratio <= there.upper
        np.testing.assert_allclose(there.lower * back.upper, 1, rtol=1e-6)


# What the methods promise, on average over many rounds ---------------------------------------------------------------


def test_95_percent_intervals_hold_the_expected_count_at_least_so_often():
    counts_seen = np.arange(200)
    limits = count_interval(counts_seen)
    for expected in np.linspace(0.5, 50, 991):
        chance = special.pdtr(counts_seen, expected) - special.pdtr(counts_seen - 1, expected)
        chance[0] = np.exp(-expected)
        held = (limits.lower <= expected) & (expected <= limits.upper)
        assert chance[held].sum() >= 0.95


def test_shrunken_rates_are_nearer_the_true_ones_in_95_of_100_rounds():
    generator = np.random.default_rng(2022)
    nearer = 0
    for _ in range(100):
        population = generator.integers(1_000, 100_000, 59)
        true = generator.gamma(1 / 0.3**2, 0.42 * 0.3**2, 59)
        cases = generator.poisson(true * population / 1_000)
        misses = [((rates - true) ** 2).sum() for rates in (shrunken_rates(cases, population), rate(cases, population))]
        nearer += misses[0] < misses[1]
    assert nearer >= 95


def test_95_percent_rank_intervals_hold_the_true_ranks_at_least_so_often():
    generator = np.random.default_rng(2022)
    held = []
    for _ in range(10):
        population = generator.integers(1_000, 100_000, 40)
        true = generator.gamma(1 / 0.3**2, 0.42 * 0.3**2, 40)
        cases = generator.poisson(true * population / 1_000)
        limits, true_ranks = rank_interval(cases, population), ranks(true, np.ones(40))
        held.extend((limits.lower <= true_ranks) & (true_ranks <= limits.upper))
    assert np.mean(held) >= 0.95
