"""The headline findings of the report, as shares of all eligible cases.

What belongs here: what each finding means. What does not: breakdowns by area (`breakdowns`, `question_answers`).
"""

from dataclasses import dataclass

import polars as pl

from pipelines.benchmark.cases import Responses, eligible_cases


@dataclass(frozen=True)
class Finding:
    """One finding: its code, what people read, and when it holds for a case (null: not answered)."""

    code: str
    label_da: str
    holds: pl.Expr


FINDINGS = (
    Finding("under_35", "Borgeren er under 35 år", pl.col("age") < 35),
    Finding(
        "above_threshold_since_age_18",
        "Udgiften har været over beløbsgrænsen siden det 18. år",
        pl.col("time_above_threshold") == "since_age_18",
    ),
    Finding(
        "intellectual_disability",
        "Udviklingshæmning eller autismespektrumforstyrrelse med udviklingshæmning",
        pl.col("target_group").is_in(["intellectual_disability", "autism_with_intellectual_disability"]),
    ),
    Finding(
        "behaviour_decisive",
        "Borgerens adfærd er udslagsgivende for tilbuddet",
        pl.col("behaviour_decisive") == "yes",
    ),
    Finding("sentence", "Borgeren har en dom til foranstaltning", pl.col("sentence") != "none"),
    Finding(
        "only_existing_choice",
        "Det eksisterende botilbud var eneste valgmulighed ved visitation",
        pl.col("choice_at_referral") == "only_existing",
    ),
    Finding(
        "provider_municipal",
        "Botilbuddet drives af en kommune",
        pl.col("provider").is_in(["own_municipality", "other_municipality"]),
    ),
    Finding("provider_regional", "Botilbuddet drives af en region", pl.col("provider") == "region"),
    Finding("provider_private", "Botilbuddet drives privat", pl.col("provider") == "private"),
    Finding("over_8_places", "Botilbuddet har over 8 pladser", pl.col("places_in_facility") == "over_8"),
    Finding("alone_in_placement", "Borgeren er alene i tilbuddet", pl.col("places_in_facility") == "alone"),
    Finding("viso_involved", "VISO har været involveret", pl.col("viso_involved") == "yes"),
    Finding(
        "special_psychiatric_place",
        "Særlige pladser i psykiatrien har været anvendt",
        pl.col("special_psychiatric_place") == "yes",
    ),
)


def key_findings(responses: Responses, round_name: str) -> pl.DataFrame:
    """How many of all eligible cases each finding holds for.

    Grain: finding, in the report's order. Source of the findings: KL and Komponent, screening of cases over 2 million
    kroner, December 2023.
    Columns: round, finding, label_da, numerator (cases it holds for), denominator (cases with an answer), share (null
    when there are none).
    """
    cases = eligible_cases(responses)
    holds = cases.select(finding.holds.alias(finding.code) for finding in FINDINGS)
    counts = holds.select(numerator=pl.concat_list(pl.all().sum()), denominator=pl.concat_list(pl.all().count()))
    return (
        counts.collect(engine="streaming")
        .explode("numerator", "denominator")
        .select(
            pl.lit(round_name).alias("round"),
            pl.Series("finding", [finding.code for finding in FINDINGS]),
            pl.Series("label_da", [finding.label_da for finding in FINDINGS]),
            pl.col("numerator", "denominator").cast(pl.Int64),
        )
        .with_columns(
            pl.when(pl.col("denominator") > 0).then(pl.col("numerator") / pl.col("denominator")).alias("share")
        )
    )
