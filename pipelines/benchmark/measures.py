"""From the counts of municipalities to the figures of areas: sums, shares and rates, the same for every breakdown.

What belongs here: what all breakdowns share. What does not: which questions a breakdown shows, and what of it may be
published: every figure here is exact, for every area down to the single municipality.
"""

import polars as pl

from pipelines.benchmark.areas import AREA, area_members

PUBLISHED = "published"


def area_measures(answer_counts: pl.DataFrame, case_rates: pl.DataFrame) -> pl.DataFrame:
    """Cases, share and rate of every answer in every area, in one pass.

    Grain: area x question x answer, zeros included; areas sorted as `area_members` has them, answers as
    `answer_counts` has them.
    Columns: round, area_type, area_code, area_name, question, answer, cases, share (of the area's cases with an answer
    to the question; null when there are none), rate_per_1000 (of the area's participating residents aged 18-66,
    unrounded), value_status ('published').

    Args:
        answer_counts: as `answer_counts` makes them, of one or more questions.
        case_rates: as `case_rates` makes them, of the same municipalities.
    """
    members = area_members(case_rates).select("round", *AREA, "municipality_code", "population_18_66")
    return (
        members.join(answer_counts, on="municipality_code", maintain_order="left_right")
        .group_by("round", *AREA, "question", "answer", maintain_order=True)
        .agg(pl.col("cases", "answered", "population_18_66").sum())
        .select(
            "round",
            *AREA,
            "question",
            "answer",
            "cases",
            pl.when(pl.col("answered") > 0).then(pl.col("cases") / pl.col("answered")).alias("share"),
            (pl.col("cases") / pl.col("population_18_66") * 1_000).alias("rate_per_1000"),
            pl.lit(PUBLISHED).alias("value_status"),
        )
    )
