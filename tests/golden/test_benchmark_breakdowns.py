import polars as pl
import pytest

from pipelines.benchmark.answer_counts import answer_counts
from pipelines.benchmark.breakdowns import provider_types, target_groups
from pipelines.benchmark.measures import FIGURES
from pipelines.benchmark.question_answers import question_answers
from pipelines.benchmark.rates import case_rates
from schemas.errors import ConservationError
from tests.golden.benchmark_scenario import (
    CATALOGUE,
    MUNICIPALITIES,
    POPULATION,
    ROUND,
    cases,
    participants,
    responses,
)

TAKING_PART = participants("151", "183", "461", "563")
RESPONSES = responses(
    cases("151", 2, target_group="social_problem", provider="own_municipality"),
    cases("183", 3, target_group="intellectual_disability", provider="own_municipality"),
    cases("183", 1, target_group="attention_disorder", provider="other_municipality"),
    cases("183", 1, target_group="eating_disorder", provider="private"),
    cases("461", 4, target_group="intellectual_disability", provider="region"),
    cases("461", 9, target_group="eating_disorder", eligible=False),
)
CAPITAL_REGION = 29_064 + 14_581  # residents of 151 and 183


def step(responses=RESPONSES, taking_part=TAKING_PART):
    rates = case_rates(responses, POPULATION, MUNICIPALITIES, taking_part, ROUND)
    return answer_counts(responses, taking_part, CATALOGUE), rates


def area(table, code, area_type="municipality"):
    return table.filter(area_type=area_type, area_code=code)


def figures(table, key):
    return {row[key]: (row["cases"], row["share"], row["rate_per_1000"]) for row in table.iter_rows(named=True)}


def test_main_target_groups_add_up_their_detailed_groups():
    ishoej = area(target_groups(*step()), "183").filter(target_group_level="main")
    assert figures(ishoej, "target_group") == {
        "cognitive": (3 + 1, (3 + 1) / 5, (3 + 1) / 14_581 * 1_000),
        "mental": (1, 1 / 5, 1 / 14_581 * 1_000),
        "physical": (0, 0 / 5, 0.0),
        "social": (0, 0 / 5, 0.0),
    }


def test_a_region_has_the_cases_and_residents_of_its_participants():
    region = area(target_groups(*step()), "084", "region").filter(target_group_level="main")
    assert figures(region, "target_group") == {
        "cognitive": (4, 4 / (2 + 5), 4 / CAPITAL_REGION * 1_000),
        "mental": (1, 1 / (2 + 5), 1 / CAPITAL_REGION * 1_000),
        "physical": (0, 0 / (2 + 5), 0.0),
        "social": (2, 2 / (2 + 5), 2 / CAPITAL_REGION * 1_000),
    }


def test_detailed_target_groups_have_every_option_in_the_order_of_the_form():
    country = area(target_groups(*step()), "000", "country").filter(target_group_level="detailed")
    assert tuple(country["target_group"]) == CATALOGUE.question("target_group").codes
    assert figures(country, "target_group")["intellectual_disability"][:2] == (3 + 4, (3 + 4) / (2 + 5 + 4))
    assert figures(country, "target_group")["personality_disorder"] == (0, 0.0, 0.0)


def test_provider_types_take_own_and_other_municipalities_together():
    providers = provider_types(*step())
    assert figures(area(providers, "183"), "provider_type") == {
        "municipal": (3 + 1, (3 + 1) / 5, (3 + 1) / 14_581 * 1_000),
        "regional": (0, 0 / 5, 0.0),
        "private": (1, 1 / 5, 1 / 14_581 * 1_000),
    }


def test_a_municipality_without_cases_has_rows_of_zero_and_no_shares():
    fanoe = area(provider_types(*step()), "563")
    assert figures(fanoe, "provider_type") == {
        "municipal": (0, None, 0 / 1_784 * 1_000),
        "regional": (0, None, 0.0),
        "private": (0, None, 0.0),
    }


def test_areas_come_as_country_regions_groups_municipalities_each_by_code():
    providers = provider_types(*step())
    assert providers.select("area_type", "area_code", "area_name").unique(maintain_order=True).rows() == [
        ("country", "000", "Hele landet"),
        ("region", "083", "Region Syddanmark"),
        ("region", "084", "Region Hovedstaden"),
        ("municipality_group", "1", "Hovedstadskommuner"),
        ("municipality_group", "2", "Storbykommuner"),
        ("municipality_group", "5", "Landkommuner"),
        ("municipality", "151", "Ballerup"),
        ("municipality", "183", "Ishøj"),
        ("municipality", "461", "Odense"),
        ("municipality", "563", "Fanø"),
    ]


def test_the_columns_are_those_that_others_read():
    counts, rates = step()
    where, what = ["round", "area_type", "area_code", "area_name"], [*FIGURES, "value_status", "rounding_base"]
    assert target_groups(counts, rates).columns == [*where, "target_group_level", "target_group", *what]
    assert provider_types(counts, rates).columns == [*where, "provider_type", *what]
    assert question_answers(counts, rates, CATALOGUE).columns == [*where, "question", "answer", *what]
    assert provider_types(counts, rates)["value_status"].unique().to_list() == ["published"]


def test_every_closed_question_has_every_answer_in_every_area():
    answers = question_answers(*step(), CATALOGUE)
    catalogue = [(question.key, code) for question in CATALOGUE.closed_questions for code in question.codes]
    assert len(catalogue) == 126
    for _, one_area in answers.group_by("area_type", "area_code"):
        assert one_area.select("question", "answer").rows() == catalogue


def test_each_of_several_answers_counts_and_blank_ones_are_not_in_the_denominator():
    counts, rates = step(
        responses(
            cases("183", 2, behaviour_types="outward;self_harm"),
            cases("183", 1, behaviour_types="outward"),
            cases("183", 1, behaviour_types="other_crime"),
            cases("183", 6, behaviour_types=None),
            cases("461", 1, behaviour_types=None),
        )
    )
    answers = question_answers(counts, rates, CATALOGUE).filter(question="behaviour_types")
    answered = 2 + 1 + 1
    assert figures(area(answers, "183"), "answer") == {
        "outward": (2 + 1, (2 + 1) / answered, (2 + 1) / 14_581 * 1_000),
        "inward": (0, 0 / answered, 0.0),
        "self_harm": (2, 2 / answered, 2 / 14_581 * 1_000),
        "sexually_offending": (0, 0 / answered, 0.0),
        "violent_crime": (0, 0 / answered, 0.0),
        "other_crime": (1, 1 / answered, 1 / 14_581 * 1_000),
    }
    assert figures(area(answers, "461"), "answer")["outward"] == (0, None, 0.0)
    assert figures(area(answers, "000", "country"), "answer")["outward"][:2] == (3, 3 / answered)


def test_counts_say_how_many_answered_beside_how_many_gave_the_answer():
    counts, _ = step()
    assert counts.filter(municipality_code="183", question="main_target_group").rows() == [
        ("183", "main_target_group", "cognitive", 4, 5),
        ("183", "main_target_group", "mental", 1, 5),
        ("183", "main_target_group", "physical", 0, 5),
        ("183", "main_target_group", "social", 0, 5),
    ]


def test_counts_of_a_municipality_without_cases_are_zeros_not_blanks():
    counts, _ = step()
    assert counts.filter(municipality_code="563").select("cases", "answered").unique().rows() == [(0, 0)]
    assert counts.null_count().row(0) == (0, 0, 0, 0, 0)


def test_answers_of_a_municipality_that_does_not_participate_are_never_lost_silently():
    with pytest.raises(ConservationError, match="cases of municipality 461"):
        answer_counts(RESPONSES, participants("151", "183", "563"), CATALOGUE)


def test_answers_kept_as_plain_text_count_the_same():
    as_text = RESPONSES.with_columns(pl.selectors.enum().cast(pl.String))
    assert answer_counts(as_text, TAKING_PART, CATALOGUE).equals(answer_counts(RESPONSES, TAKING_PART, CATALOGUE))
