"""The cases that count: which responses are eligible, and how many each municipality has.

What belongs here: from responses to counts of cases. What does not: what the cases answered (`answer_counts`),
residents and rates (`rates`).
"""

import polars as pl

from schemas.errors import BotilbudError, ConservationError, named_codes

# A scan of the stored table reads only the columns and rows that a step uses; tests pass small frames.
Responses = pl.DataFrame | pl.LazyFrame
# What every eligible case answered, by question: it is what makes it eligible, so the answer tells nothing of anybody.
IMPLIED_ANSWERS = {"in_residential_care": "yes"}


def eligible_cases(responses: Responses) -> pl.LazyFrame:
    """The responses that count: in residential care and at or above the round's threshold.

    Grain: response. All columns of the responses.
    """
    return responses.lazy().filter("eligible")


def cases_by_municipality(responses: Responses, participants: pl.DataFrame) -> pl.DataFrame:
    """How many eligible cases each participating municipality has.

    Grain: participating municipality, sorted. A participant without a case has 0.
    Columns: municipality_code, cases (Int64).

    Raises:
        BotilbudError: a participant stands twice.
        ConservationError: there are cases of a municipality that does not participate; they would be lost silently.
    """
    counts = (
        eligible_cases(responses)
        .group_by(pl.col("municipality_code").cast(pl.String))
        .agg(cases=pl.len().cast(pl.Int64))
        .collect(engine="streaming")
    )
    require_participants(counts, participants)
    return (
        participants.select("municipality_code")
        .join(counts, on="municipality_code", how="left")
        .with_columns(pl.col("cases").fill_null(0))
        .sort("municipality_code")
    )


def require_participants(counts: pl.DataFrame, participants: pl.DataFrame) -> None:
    """Stops when counts would be lost or counted twice on their way to the participating municipalities.

    Args:
        counts: any table with a column municipality_code.
        participants: one row per participating municipality, in a column of the same name.

    Raises:
        BotilbudError: a participant stands twice.
        ConservationError: there are counts of a municipality that does not participate.
    """
    if twice := sorted(participants.filter(pl.col("municipality_code").is_duplicated())["municipality_code"].unique()):
        raise BotilbudError(
            f"Municipality {named_codes(twice)} stands twice among the participants: list each one once"
        )
    if others := sorted(counts.join(participants, on="municipality_code", how="anti")["municipality_code"].unique()):
        raise ConservationError(
            f"There are cases of municipality {named_codes(others)}, which is not among the participants: "
            f"add it to them, or leave its delivery out of the responses"
        )


def participants(delivery_log: pl.DataFrame) -> pl.DataFrame:
    """The municipalities with a delivery that counts, those that report no cases included.

    Grain: participating municipality, sorted. Columns: municipality_code.
    """
    return delivery_log.filter(pl.col("status") == "current").select("municipality_code").sort("municipality_code")
