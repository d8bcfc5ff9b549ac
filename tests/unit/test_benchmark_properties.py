"""What holds for every set of cases, whatever the answers."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.benchmark.answer_counts import answer_counts
from pipelines.benchmark.averages import area_averages
from pipelines.benchmark.breakdowns import target_groups
from pipelines.benchmark.question_answers import question_answers
from pipelines.benchmark.rates import case_rates
from tests.golden.benchmark_scenario import (
    CATALOGUE,
    MUNICIPALITIES,
    POPULATION,
    ROUND,
    cases,
    participants,
    responses,
)

TAKING_PART = ("151", "183", "461", "563", "825")
BEHAVIOUR = CATALOGUE.question("behaviour_types").codes

some_cases = st.lists(
    st.builds(
        lambda code, group, behaviour, **answers: cases(
            code, target_group=group, behaviour_types=";".join(behaviour) or None, **answers
        ),
        st.sampled_from(TAKING_PART),
        st.sampled_from(CATALOGUE.question("target_group").codes),
        st.lists(st.sampled_from(BEHAVIOUR), unique=True, max_size=3),
        provider=st.sampled_from(CATALOGUE.question("provider").codes),
        eligible=st.booleans(),
    ),
    max_size=30,
).map(lambda groups: responses(*groups))


def tables(frame, taking_part=TAKING_PART):
    everyone = participants(*taking_part)
    rates = case_rates(frame, POPULATION, MUNICIPALITIES, everyone, ROUND)
    counts = answer_counts(frame, everyone, CATALOGUE)
    return {
        "rates": rates,
        "averages": area_averages(rates),
        "target_groups": target_groups(counts, rates),
        "answers": question_answers(counts, rates, CATALOGUE),
    }


@settings(max_examples=20, deadline=None)
@given(some_cases)
def test_regions_groups_and_municipalities_each_add_up_to_the_country(frame):
    answers = tables(frame)["answers"]
    cases_of = {
        area_type: answers.filter(area_type=area_type).group_by("question", "answer").agg(pl.col("cases").sum())
        for area_type in ("country", "region", "municipality_group", "municipality")
    }
    for area_type in ("region", "municipality_group", "municipality"):
        assert_frame_equal(cases_of["country"], cases_of[area_type], check_row_order=False)


@settings(max_examples=20, deadline=None)
@given(some_cases)
def test_the_cases_of_a_question_with_one_answer_are_the_cases_of_the_rate(frame):
    made = tables(frame)
    by_municipality = (
        made["answers"]
        .filter(area_type="municipality", question="target_group")
        .group_by("area_code")
        .agg(pl.col("cases").sum(), pl.col("rate_per_1000").sum().round(9), pl.col("share").sum().round(9))
        .sort("area_code")
    )
    assert by_municipality["cases"].to_list() == made["rates"]["cases"].to_list()
    assert by_municipality["rate_per_1000"].to_list() == made["rates"]["rate_per_1000"].round(9).to_list()
    assert set(by_municipality.filter(pl.col("cases") > 0)["share"]) <= {1.0}


@settings(max_examples=20, deadline=None)
@given(some_cases, st.randoms(use_true_random=False))
def test_the_order_of_cases_and_participants_changes_nothing(frame, random):
    rows, taking_part = list(range(frame.height)), list(TAKING_PART)
    random.shuffle(rows)
    random.shuffle(taking_part)
    shuffled = tables(frame[rows], taking_part)
    for name, table in tables(frame).items():
        assert table.equals(shuffled[name]), name


def test_a_stored_table_is_read_no_further_than_a_step_needs_and_counts_the_same(tmp_path):
    frame = responses(cases("183", 3, secondary_target_groups="attention_disorder;social_problem"), cases("461", 2))
    frame.write_parquet(tmp_path / "responses.parquet")
    stored = pl.scan_parquet(tmp_path / "responses.parquet")
    for name, table in tables(frame).items():
        assert table.equals(tables(stored)[name]), name
