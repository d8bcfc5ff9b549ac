"""Eligible cases per 1,000 residents aged 18-66, and the rank they give.

What belongs here: the figures of a municipality as a whole. What does not: averages over several (`averages`) and what
the cases answered (`breakdowns`, `question_answers`).
"""

import polars as pl

from pipelines.benchmark.areas import reporting_units
from pipelines.benchmark.cases import Responses, cases_by_municipality
from schemas.rounds import Round


def case_rates(
    responses: Responses,
    population: pl.DataFrame,
    municipalities: pl.DataFrame,
    participants: pl.DataFrame,
    round_: Round,
) -> pl.DataFrame:
    """Rate and rank of every participating municipality.

    Grain: participating municipality, sorted. One that reported no cases has rate 0; one that did not report, or is
    reported for by another, is absent (`reports_for` names it, codes with `;` between). Cases of all ages count.
    Columns: round, municipality_code, municipality_name, region_code, region_name, municipality_group_code,
    municipality_group, population_18_66 (persons, with those reported for), population_quarter, cases,
    rate_per_1000 (unrounded), rank (1 = highest, ties share the smallest).

    Args:
        responses: the round's responses.
        population: one row per municipality: municipality_code, population_18_66, population_quarter.
        municipalities: one row per municipality, as the reference table has them.
        participants: one row per participating municipality: municipality_code.
        round_: the round; says which municipality reports for which others.

    Raises:
        BotilbudError: a participating or covered municipality has no population or is unknown.
        ConservationError: there are cases of a municipality that does not participate.
    """
    cases = cases_by_municipality(responses, participants)
    return (
        reporting_units(participants, population, municipalities, round_)
        .join(cases, on="municipality_code", validate="1:1")
        .with_columns(rate_per_1000=pl.col("cases") / pl.col("population_18_66") * 1_000)
        .with_columns(rank=pl.col("rate_per_1000").rank("min", descending=True).cast(pl.Int64))
        .select(
            pl.lit(round_.name).alias("round"),
            "municipality_code",
            "municipality_name",
            "region_code",
            "region_name",
            "municipality_group_code",
            "municipality_group",
            "population_18_66",
            "population_quarter",
            "cases",
            "rate_per_1000",
            "rank",
            "reports_for",
        )
        .sort("municipality_code")
    )
