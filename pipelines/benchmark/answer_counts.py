"""How many cases of each municipality gave each answer: the one pass over the responses behind all breakdowns.

What belongs here: from responses to whole numbers, per municipality. Regions, groups and the country are sums of these
small tables, so showing one more area costs nothing. What does not: sums over areas, shares and rates (`measures`).
"""

import polars as pl

from pipelines.benchmark.cases import Responses, eligible_cases, require_participants
from schemas.questionnaire import Catalogue, Question, Rollup

ANSWER_SEPARATOR = ";"


def answer_counts(responses: Responses, participants: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Cases per participating municipality and answer, for all closed questions and the roll-ups of their options.

    Grain: participating municipality x question x answer, zeros included; sorted by municipality, then as the catalogue
    has questions and options, roll-ups last.
    Columns: municipality_code, question (key of a question or a roll-up), answer (code of an option or a group),
    cases (gave this answer), answered (gave any answer to the question; the same on all rows of a question).

    Where several answers may be given, a case counts once in each of them and once in `answered`.

    Args:
        responses: single answers as code (text or Enum), multiple answers as codes with `;` between, each code
            once; blank as null.
        participants: one row per participating municipality: municipality_code.
        catalogue: the round's question catalogue.

    Raises:
        BotilbudError: a participant stands twice.
        ConservationError: there are cases of a municipality that does not participate.
    """
    cases = eligible_cases(responses).with_columns(pl.col("municipality_code").cast(pl.String))
    single = [question for question in catalogue.closed_questions if question.kind == "single"]
    multiple = [question for question in catalogue.closed_questions if question.kind == "multiple"]
    counts = _single_answers(cases, single)
    require_participants(counts, participants)
    for question in multiple:
        counts = counts.join(_multiple_answers(cases, question), on="municipality_code", how="left")
    answers = _every_answer(counts, participants, catalogue.closed_questions)
    return pl.concat([answers, *(_rolled_up(answers, rollup) for rollup in catalogue.rollups)]).sort(
        "municipality_code", maintain_order=True
    )


def _single_answers(cases: pl.LazyFrame, questions: list[Question]) -> pl.DataFrame:
    """One row per municipality with a case; a column per question (answered) and per option (`_column`).

    One sum per option reads the responses once and holds no groups but the municipalities. Grouping by municipality and
    answer, question by question, took at least a third longer.
    """
    given = [
        (pl.col(question.key) == code).sum().alias(_column(question.key, code))
        for question in questions
        for code in question.codes
    ]
    # Adding up the options of the small result is much cheaper than counting the answers over the responses.
    answered = [
        pl.sum_horizontal(_column(question.key, code) for code in question.codes).alias(question.key)
        for question in questions
    ]
    return cases.group_by("municipality_code").agg(given).with_columns(answered).collect(engine="streaming")


def _multiple_answers(cases: pl.LazyFrame, question: Question) -> pl.DataFrame:
    """The same for a question with several answers.

    The distinct combinations are few: they are counted first, and only they are taken apart.
    """
    combinations = (
        cases.group_by("municipality_code", question.key)
        .agg(cases=pl.len())
        .collect(engine="streaming")
        .drop_nulls(question.key)
    )
    answered = combinations.group_by("municipality_code").agg(pl.col("cases").sum().alias(question.key))
    given = (
        combinations.with_columns(pl.col(question.key).str.split(ANSWER_SEPARATOR))
        .explode(question.key)
        .group_by("municipality_code")
        .agg(
            pl.col("cases").filter(pl.col(question.key) == code).sum().alias(_column(question.key, code))
            for code in question.codes
        )
    )
    return answered.join(given, on="municipality_code")


def _every_answer(counts: pl.DataFrame, participants: pl.DataFrame, questions: tuple[Question, ...]) -> pl.DataFrame:
    """From one column per answer to one row per answer, with a zero for every answer that nobody gave."""
    options = pl.DataFrame(
        [(question.key, code, _column(question.key, code)) for question in questions for code in question.codes],
        schema={"question": pl.String, "answer": pl.String, "column": pl.String},
        orient="row",
    )
    key = "municipality_code"
    cases = counts.unpivot(options["column"].to_list(), index=key, variable_name="column", value_name="cases")
    answered = counts.unpivot([q.key for q in questions], index=key, variable_name="question", value_name="answered")
    return (
        participants.select(key)
        .join(options, how="cross", maintain_order="left_right")
        .join(cases, on=[key, "column"], how="left", maintain_order="left")
        .join(answered, on=[key, "question"], how="left", maintain_order="left")
        .select(key, "question", "answer", pl.col("cases", "answered").fill_null(0).cast(pl.Int64))
    )


def _rolled_up(answers: pl.DataFrame, rollup: Rollup) -> pl.DataFrame:
    """The groups of a roll-up as if they were the answers to a question of their own."""
    group_of = {option: group.code for group in rollup.groups for option in group.options}
    order = pl.Enum([group.code for group in rollup.groups])
    return (
        answers.filter(pl.col("question") == rollup.question)
        .with_columns(
            pl.lit(rollup.key).alias("question"), pl.col("answer").replace_strict(group_of, return_dtype=order)
        )
        .group_by("municipality_code", "question", "answer")
        .agg(pl.col("cases").sum(), pl.col("answered").first())
        .sort("municipality_code", "answer")
        .with_columns(pl.col("answer").cast(pl.String))
    )


def _column(question: str, option: str) -> str:
    return f"{question}={option}"
