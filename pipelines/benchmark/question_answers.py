"""The answers to every closed question of the form.

What belongs here: the questions as asked. What does not: the roll-ups of their options (`breakdowns`), and what may be
published.
"""

import polars as pl

from pipelines.benchmark.measures import area_measures
from schemas.questionnaire import Catalogue


def question_answers(answer_counts: pl.DataFrame, case_rates: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Cases by answer, for every closed question.

    Grain: area x question x answer, zeros included; sorted by area (country, regions, municipality groups,
    municipalities), then as the catalogue has questions and options.
    Columns: round, area_type, area_code, area_name, question (key), answer (code of the option), then
    the measures as `area_measures` says. Where several answers may be given, a case counts in each of them, so that the
    shares of a question can add up to more than 1.
    """
    asked = [question.key for question in catalogue.closed_questions]
    return area_measures(answer_counts.filter(pl.col("question").is_in(asked)), case_rates)
