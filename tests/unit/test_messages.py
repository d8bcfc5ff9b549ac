"""What a municipality reads about a broken rule: the cell, what is allowed, the nearest option, never many digits."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.ingest.messages import RULES_DA, row_message
from pipelines.ingest.text import fold
from schemas.fields import ROW_RULES
from tests.unit.ingest_scenario import CATALOGUE, property_test

CLOSED = [question for question in CATALOGUE.questions if question.is_closed]
RULES_OF = {
    "code": ("missing", "municipality", "cpr"),
    "text": ("missing", "duplicate", "cpr"),
    "integer": ("missing", "integer", "range", "cpr"),
    "amount": ("missing", "amount", "range", "unit", "cpr"),
    "single": ("missing", "option", "cpr"),
    "multiple": ("option", "cpr"),
}


def message(rule, key, found=None, **changes):
    told = {"row": 7, "place": "M", "is_workbook": True} | changes
    return row_message(rule, CATALOGUE.question(key) if key else None, found, **told)


def test_every_row_rule_has_a_danish_name():
    assert set(RULES_DA) == set(ROW_RULES)


@pytest.mark.parametrize(("rule", "question"), [(r, q) for q in CATALOGUE.questions for r in RULES_OF[q.kind]])
def test_a_message_names_the_cell_and_the_question_and_ends_as_a_sentence(rule, question):
    said = message(rule, question.key, "vrøvl")
    assert said.startswith(f"Celle M7 ({question.header}): ")
    assert said.endswith(".")
    if rule not in ("duplicate", "unit"):
        assert "Tilladt: " in said


def test_without_a_column_the_row_is_named():
    assert message("missing", "age", place=None).startswith(f"Række 7 ({CATALOGUE.question('age').header}): ")
    assert message("columns", None, place=None).startswith("Række 7: Linjen har flere felter")
    assert message("cpr", None, place=None).startswith("Række 7: En kolonne, som ikke er i skemaet, ligner")


@pytest.mark.parametrize("question", CLOSED, ids=lambda q: q.key)
def test_a_message_about_an_option_lists_every_option(question):
    said = message("option", question.key, "vrøvl")
    assert 'Fundet "vrøvl".' in said
    assert all(option.label_da in said for option in question.options)


@pytest.mark.parametrize("question", CLOSED, ids=lambda q: q.key)
def test_a_label_with_one_letter_lost_is_told_its_nearest_option(question):
    for option in question.options:
        label = fold(option.label_da)
        if len(label) < 6:
            continue
        for lost in range(1, len(label) - 1):
            said = message("option", question.key, fold(label[:lost] + label[lost + 1 :]))
            assert f'Nærmeste svarmulighed er "{option.label_da}".' in said, (label, lost)


def test_of_several_answers_the_wrong_one_is_told_its_nearest():
    said = message("option", "behaviour_types", "outward; Udadreagerende; Selvskadene; Indadreagernde")
    assert 'Nærmeste svarmulighed er "Selvskadende".' in said


@pytest.mark.parametrize("found", ["qqqqq", "x" * 61, "?"])
def test_a_text_like_no_option_is_told_none(found):
    assert "Nærmeste" not in message("option", "gender", found)


many_digits = st.lists(
    st.tuples(st.sampled_from([*"0123456789", "٣", "５", "²"]), st.sampled_from(["", " ", "-", ".", "/", "x", ";"])),
    min_size=9,
    max_size=25,
).map(lambda pairs: fold("".join(digit + other for digit, other in pairs)))


@property_test
@given(
    st.sampled_from([(r, q) for q in CATALOGUE.questions for r in RULES_OF[q.kind]]), many_digits, st.text(max_size=40)
)
def test_a_value_with_nine_digits_or_more_is_never_shown(broken, digits, around):
    rule, question = broken
    found = fold(around + digits + around)
    said = message(rule, question.key, found)
    assert "Fundet" not in said
    assert digits not in said


@property_test
@given(st.sampled_from(CLOSED), st.text(max_size=100).map(fold))
def test_what_is_shown_of_a_value_is_its_start_in_quotes(question, found):
    assume(sum(c.isdigit() for c in found) < 9)
    said = message("option", question.key, found)
    shown = found if len(found) <= 60 else found[:60] + " …"
    assert f'Fundet "{shown}". Tilladt: ' in said


@pytest.mark.parametrize("rule", ["missing", "duplicate", "cpr", "unit"])
def test_messages_about_the_cell_as_such_show_nothing_of_it(rule):
    assert "hemmelig" not in message(rule, "case_id" if rule == "duplicate" else "residential_cost_dkk", "hemmelig")


@pytest.mark.parametrize("found", ["2022-05-01", "2022-05-01 00:00:00", "1:01:00", "25:00:00"])
def test_a_date_or_a_time_is_explained(found):
    assert "Regneark laver svar som 1-5 og 1:1 om" in message("option", "use_of_force", found)


def test_a_blank_cell_of_a_workbook_can_be_an_error_value_and_one_of_a_csv_file_cannot():
    assert "#REF!" in message("missing", "age")
    assert "#REF!" not in message("missing", "age", is_workbook=False)


def test_bounds_are_told_in_danish():
    assert "et helt tal fra 18 til 110" in message("range", "age", "17")
    assert "hele kroner fra 0 til 50.000.000" in message("range", "residential_cost_dkk", "-1")
