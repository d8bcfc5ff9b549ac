"""The published numbers of PHEindicatormethods (Office for Health Improvement and Disparities, United Kingdom).

The phe_*.csv files beside this module are its expected results, value by value; nothing in them was computed here.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.statistics.funnel import funnel_limits, funnel_limits_at
from pipelines.statistics.intervals import byars, interval_method, rate, rate_interval, wilson

HERE = Path(__file__).parent
PER = 100_000
YEARS = 3


def published(name):
    return pl.read_csv(HERE / name, comment_prefix="#")


def same(got, expected, rtol):
    """Every number within the relative tolerance; where none is published, there is none."""
    np.testing.assert_allclose(got, expected.cast(pl.Float64).to_numpy(), rtol=rtol, equal_nan=True)


@pytest.mark.parametrize("per", [100, 100_000])
def test_rates_and_their_intervals_are_the_published_ones(per):
    rows = published("phe_rate.csv").filter(multiplier=per)
    assert rows.height in (8, 12)
    cases, population = rows["numerator"], rows["denominator"]
    same(rate(cases, population, per), rows["value"], rtol=1e-12)
    for confidence, columns in ((0.95, "95_0"), (0.998, "99_8")):
        limits = rate_interval(cases, population, confidence, per)
        same(limits.lower, rows[f"lower{columns}cl"], rtol=1e-12)
        same(limits.upper, rows[f"upper{columns}cl"], rtol=1e-12)


def test_the_interval_is_exact_below_10_cases_and_byars_from_10():
    rows = published("phe_rate.csv").drop_nulls("value")
    assert interval_method(rows["numerator"]).tolist() == rows["method"].str.to_lowercase().to_list()
    assert interval_method([9, 10]).tolist() == ["exact", "byars"]


@pytest.mark.parametrize("confidence", [0.95, 0.998])
def test_byars_and_wilson_limits_are_the_published_ones(confidence):
    rows = published("phe_byars_wilson.csv").filter(confidence=f"{confidence * 100:g}%")
    of_counts, of_shares = rows.filter(method="Byars"), rows.filter(method="Wilson")
    assert (of_counts.height, of_shares.height) in {(3, 3), (4, 3)}
    for limits, expected in (
        (byars(of_counts["x"], confidence), of_counts),
        (wilson(of_shares["x"], of_shares["n"], confidence), of_shares),
    ):
        same(limits.lower, expected["lowercl"], rtol=1e-12)
        same(limits.upper, expected["uppercl"], rtol=1e-12)


def test_the_funnel_limits_are_the_published_ones_from_the_points_on():
    points = published("phe_funnel_points.csv")
    events = points["ev"].to_list()
    events[points["ev"].arg_max()] = 5
    baseline = sum(events) / sum(n / one * PER for n, one in zip(events, points["rate"], strict=True)) * PER
    rows = published("phe_funnel_limits.csv")
    assert rows.height == 100
    assert baseline == pytest.approx(rows["baseline"][0], rel=1e-9)
    for confidence, line in ((0.95, "2s"), (0.998, "3s")):
        limits = funnel_limits(rows["Events"], baseline, confidence)
        for side in ("lower", "upper"):
            same(getattr(limits, side), rows[f"{side}_{line}_limit"], rtol=1e-4)
            residents = getattr(limits, f"{side}_expected") / baseline * PER / YEARS
            same(residents, rows[f"{side}_{line}_population_1_year"], rtol=1e-4)


@pytest.mark.parametrize(("confidence", "line"), [(0.95, "2s"), (0.998, "3s")])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_the_lines_at_a_population_run_through_the_published_points(confidence, line, side):
    rows = published("phe_funnel_limits.csv")
    residents = rows[f"{side}_{line}_population_1_year"] * YEARS
    limits = funnel_limits_at(residents, rows["baseline"][0], confidence, per=PER)
    same(getattr(limits, side), rows[f"{side}_{line}_limit"], rtol=1e-4)
