"""The statistics as columns of the benchmark's tables.

What belongs here: which method fills which column. What does not: the methods, each in its own module.
"""

import numpy as np
import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE, area_members
from pipelines.statistics.comparison import compared_with
from pipelines.statistics.counts import Words
from pipelines.statistics.funnel import INNER, OUTER, funnel_label, funnel_limits_at
from pipelines.statistics.intervals import interval_method, rate_interval, wilson
from pipelines.statistics.ranks import rank_if, rank_interval
from pipelines.statistics.reliability import reliability
from pipelines.statistics.shrinkage import (
    dispersion,
    estimate_spread,
    overdispersed_funnel_label,
    shrunken_interval,
    shrunken_rates,
)
from schemas.errors import BotilbudError

REFERENCES = {
    "country": pl.lit(COUNTRY_CODE),
    "region": pl.col("region_code"),
    "municipality_group": pl.col("municipality_group_code"),
}
CHANGES = (1, 2, 3)
FUNNEL_POINTS = 101


def with_statistics(case_rates: pl.DataFrame, area_averages: pl.DataFrame) -> pl.DataFrame:
    """Every rate with its uncertainty, its place among the others and how much it can bear.

    Grain: that of `case_rates`, sorted by municipality_code, whatever order the rows come in.
    Columns: those of `case_rates`, then
    ci95_lower, ci95_upper, ci998_lower, ci998_upper (per 1,000), interval_method;
    comparison_country, comparison_region, comparison_municipality_group (the 95 % interval against the pooled rate, in
    which the municipality itself is counted);
    funnel_label, funnel_label_overdispersed (against the country's pooled rate);
    eb_rate_per_1000, eb_ci95_lower, eb_ci95_upper (drawn towards the country's pooled rate);
    rank_ci95_lower, rank_ci95_upper; rank_if_plus_1 to 3, rank_if_minus_1 to 3; reliability.

    Args:
        case_rates: the rates of a round, as `pipelines.benchmark.rates` makes them.
        area_averages: the averages of the same rates, as `pipelines.benchmark.averages` makes them.

    Raises:
        BotilbudError: an area of a municipality is not among the averages.
    """
    rates = case_rates.sort("municipality_code")
    cases, population = rates["cases"].to_numpy(), rates["population_18_66"].to_numpy()
    inner, outer = rate_interval(cases, population, INNER), rate_interval(cases, population, OUTER)
    shrunken = shrunken_interval(cases, population)
    places = rank_interval(cases, population)
    pooled = {area_type: _pooled_rates(rates, area_averages, area_type) for area_type in REFERENCES}
    baseline = estimate_spread(cases, population).b
    return rates.with_columns(
        pl.Series("ci95_lower", inner.lower, pl.Float64),
        pl.Series("ci95_upper", inner.upper, pl.Float64),
        pl.Series("ci998_lower", outer.lower, pl.Float64),
        pl.Series("ci998_upper", outer.upper, pl.Float64),
        _words("interval_method", interval_method(cases)),
        *(_words(f"comparison_{area}", compared_with(inner, reference)) for area, reference in pooled.items()),
        _words("funnel_label", funnel_label(cases, population, baseline, per=1)),
        _words("funnel_label_overdispersed", overdispersed_funnel_label(cases, population)),
        pl.Series("eb_rate_per_1000", shrunken_rates(cases, population), pl.Float64),
        pl.Series("eb_ci95_lower", shrunken.lower, pl.Float64),
        pl.Series("eb_ci95_upper", shrunken.upper, pl.Float64),
        pl.Series("rank_ci95_lower", places.lower, pl.Int64),
        pl.Series("rank_ci95_upper", places.upper, pl.Int64),
        *(pl.Series(f"rank_if_plus_{k}", rank_if(cases, population, k), pl.Int64) for k in CHANGES),
        *(pl.Series(f"rank_if_minus_{k}", rank_if(cases, population, -k), pl.Int64) for k in CHANGES),
        _words("reliability", reliability(cases, population)),
    )


def _pooled_rates(rates: pl.DataFrame, area_averages: pl.DataFrame, area_type: str) -> pl.Series:
    of_type = area_averages.filter(pl.col("area_type") == area_type).select("area_code", "pooled_rate_per_1000")
    codes = rates.with_columns(area_code=REFERENCES[area_type])
    pooled = codes.join(of_type, on="area_code", how="left", maintain_order="left")["pooled_rate_per_1000"]
    if pooled.has_nulls():
        raise BotilbudError(f"A {area_type} of the rates is not among the averages: compute both from the same rates")
    return pooled


def with_spread(area_averages: pl.DataFrame, case_rates: pl.DataFrame) -> pl.DataFrame:
    """How much the rates within each area differ beyond chance.

    Grain: that of `area_averages`, in its order.
    Columns: those of `area_averages`, then dispersion (null where an area has one municipality or no cases), eb_b, eb_s2,
    eb_a (`shrinkage.Spread`, rates per resident and their variances).

    Args:
        area_averages: as `pipelines.benchmark.averages` makes them.
        case_rates: the rates that they are made from.
    """
    schema = dict.fromkeys(("dispersion", "eb_b", "eb_s2", "eb_a"), pl.Float64)
    members = area_members(case_rates)
    rows = []
    for area_type, area_code in area_averages.select("area_type", "area_code").iter_rows():
        counts = members.filter(area_type=area_type, area_code=area_code).select("cases", "population_18_66")
        spread = estimate_spread(*counts)
        rows.append((dispersion(*counts), *spread))
    spreads = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("dispersion").fill_nan(None))
    return pl.concat([area_averages, spreads], how="horizontal")


def funnel_limits(case_rates: pl.DataFrame) -> pl.DataFrame:
    """The lines of the country's funnel, to draw.

    Grain: number of residents, 101 at even ratios from the smallest to the largest participant (fewer where they round
    to the same person), ascending. Empty where nobody takes part.
    Columns: round, baseline_rate_per_1000 (the country's pooled rate), population_18_66 (persons), expected_cases (at
    the baseline), limit998_lower, limit95_lower, limit95_upper, limit998_upper (per 1,000).

    Source: as `funnel.funnel_limits_at`.
    """
    residents = case_rates["population_18_66"].to_numpy()
    if residents.size:
        residents = np.unique(np.rint(np.geomspace(residents.min(), residents.max(), FUNNEL_POINTS)))
    baseline = estimate_spread(case_rates["cases"], case_rates["population_18_66"]).b * 1_000
    inner, outer = (funnel_limits_at(residents, baseline, confidence) for confidence in (INNER, OUTER))
    return pl.DataFrame(
        {
            "population_18_66": residents.astype(np.int64),
            "limit998_lower": outer.lower,
            "limit95_lower": inner.lower,
            "limit95_upper": inner.upper,
            "limit998_upper": outer.upper,
        }
    ).select(
        pl.lit(case_rates["round"].first()).cast(pl.String).alias("round"),
        pl.lit(baseline).alias("baseline_rate_per_1000"),
        "population_18_66",
        (pl.col("population_18_66") * baseline / 1_000).alias("expected_cases"),
        "limit998_lower",
        "limit95_lower",
        "limit95_upper",
        "limit998_upper",
    )


def with_share_limits(shares: pl.DataFrame, numerator: str, denominator: str) -> pl.DataFrame:
    """Wilson's 95 % limits of every share, as columns share_ci95_lower and share_ci95_upper; null where there is none.

    Grain: that of `shares`, in its order.

    Source: as `intervals.wilson`.

    Args:
        shares: any table with counts.
        numerator: the column of what is counted; null where it is hidden.
        denominator: the column of the cases with an answer.

    Raises:
        BotilbudError: a numerator is larger than its denominator.
    """
    limits = wilson(shares[numerator], shares[denominator], INNER)
    return shares.with_columns(
        pl.Series("share_ci95_lower", limits.lower, pl.Float64).fill_nan(None),
        pl.Series("share_ci95_upper", limits.upper, pl.Float64).fill_nan(None),
    )


def _words(name: str, words: Words) -> pl.Series:
    return pl.Series(name, words.tolist(), pl.String)
