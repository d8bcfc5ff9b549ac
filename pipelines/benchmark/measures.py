"""From the counts of municipalities to the figures of areas: sums, shares and rates, the same for every breakdown.

What belongs here: what all breakdowns share. What does not: which questions a breakdown shows, and what of it may be
published: every figure here is exact, for every area down to the single municipality.
"""

import polars as pl

from pipelines.benchmark.areas import AREA, area_members
from pipelines.statistics.intervals import rate_interval, wilson

PUBLISHED = "published"
# The figures of a row, all of which give its count back.
FIGURES = ("cases", "share", "share_ci95_lower", "share_ci95_upper", "rate_per_1000", "ci95_lower", "ci95_upper")


def area_measures(answer_counts: pl.DataFrame, case_rates: pl.DataFrame) -> pl.DataFrame:
    """Cases, share and rate of every answer in every area, with their limits, in one pass.

    Grain: area x question x answer, zeros included; areas sorted as `area_members` has them, answers as
    `answer_counts` has them.
    Columns: round, area_type, area_code, area_name, question, answer, cases, share (of the area's cases with an answer
    to the question; null when there are none) and its 95 % limits share_ci95_lower and share_ci95_upper (Wilson),
    rate_per_1000 (of the area's participating residents aged 18-66, unrounded) and its 95 % limits ci95_lower and
    ci95_upper, value_status ('published'), rounding_base (null: nothing is rounded).

    Args:
        answer_counts: as `answer_counts` makes them, of one or more questions.
        case_rates: as `case_rates` makes them, of the same municipalities.
    """
    members = area_members(case_rates).select("round", *AREA, "municipality_code", "population_18_66")
    counted = (
        members.join(answer_counts, on="municipality_code", maintain_order="left_right")
        .group_by("round", *AREA, "question", "answer", maintain_order=True)
        .agg(pl.col("cases", "answered", "population_18_66").sum())
    )
    share_limits = wilson(counted["cases"], counted["answered"])
    rate_limits = rate_interval(counted["cases"], counted["population_18_66"])
    return counted.select(
        "round",
        *AREA,
        "question",
        "answer",
        "cases",
        pl.when(pl.col("answered") > 0).then(pl.col("cases") / pl.col("answered")).alias("share"),
        pl.Series("share_ci95_lower", share_limits.lower).fill_nan(None),
        pl.Series("share_ci95_upper", share_limits.upper).fill_nan(None),
        (pl.col("cases") / pl.col("population_18_66") * 1_000).alias("rate_per_1000"),
        pl.Series("ci95_lower", rate_limits.lower),
        pl.Series("ci95_upper", rate_limits.upper),
        pl.lit(PUBLISHED).alias("value_status"),
        pl.lit(None, pl.Int64).alias("rounding_base"),
    )
