"""What the participating municipalities of an area have on average, and how they spread.

What belongs here: averages and quartiles of rates. What does not: the rates themselves (`rates`).
"""

import polars as pl

from pipelines.benchmark.areas import AREA, area_members


def area_averages(case_rates: pl.DataFrame) -> pl.DataFrame:
    """Both averages of every area, and the spread of its municipalities' rates.

    Grain: the country, each region and each municipality group with participants, in this order, by code.
    Columns: round, area_type, area_code, area_name, municipalities (participating), cases, population_18_66 (persons),
    pooled_rate_per_1000 (sum of cases / sum of residents x 1,000), unweighted_mean_rate_per_1000 (every municipality
    weighs the same), and the smallest, the quartiles and the largest of the municipal rates. Quartiles interpolate
    linearly between neighbours (position (n - 1) x p; type 7 of Hyndman and Fan 1996, as Excel's QUARTILE.INC).

    Areas and their municipalities are sorted before anything is added up, so that the last digit is always the same.
    """
    rate = pl.col("rate_per_1000")
    return (
        area_members(case_rates)
        .filter(pl.col("area_type") != "municipality")
        .group_by("round", *AREA, maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("municipalities"),
            pl.col("cases").sum(),
            pl.col("population_18_66").sum(),
            (pl.col("cases").sum() / pl.col("population_18_66").sum() * 1_000).alias("pooled_rate_per_1000"),
            rate.mean().alias("unweighted_mean_rate_per_1000"),
            rate.min().alias("min_rate_per_1000"),
            rate.quantile(0.25, "linear").alias("lower_quartile_rate_per_1000"),
            rate.quantile(0.50, "linear").alias("median_rate_per_1000"),
            rate.quantile(0.75, "linear").alias("upper_quartile_rate_per_1000"),
            rate.max().alias("max_rate_per_1000"),
        )
    )
