"""The row rules: which answer breaks which rule, and which cases are eligible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest import rules
from pipelines.ingest.text import CPR_REMOVED
from schemas.fields import ROW_RULES
from tests.unit.ingest_scenario import CATALOGUE, case, costly_property_test, delivered_rows

THRESHOLD = 2_000_000


def broken(*cases, code="147"):
    """What is broken in one delivery: triples of row, question key (null where none fits) and rule."""
    rows = delivered_rows((0, code, cases))
    keys = {question.number: question.key for question in CATALOGUE.questions}
    table = rules.broken_rules(rows, rules.parse(rows, CATALOGUE), CATALOGUE)
    return [
        (row, keys.get(question), rule) for row, question, rule in table.select("row", "question", "rule").iter_rows()
    ]


def judged(**answers):
    rows = delivered_rows((0, "147", [case(**answers)]))
    values = rules.with_eligibility(rules.parse(rows, CATALOGUE), THRESHOLD)
    return values.select("eligible", "out_of_scope_reason").row(0)


def test_a_good_case_breaks_nothing():
    assert broken(case()) == []
    assert broken() == []


def one_changed_each(changes):
    """Cases that are good but for one answer each, told as (key, text); they stand in rows 2, 3, ..."""
    return [case(**({"case_id": f"A-{i}"} | {key: text})) for i, (key, text) in enumerate(changes)]


def test_a_blank_answer_is_missing_unless_the_question_is_optional():
    expected = [(row, q.key, "missing") for row, q in enumerate(CATALOGUE.questions, start=2) if not q.optional]
    assert broken(*one_changed_each((key, None) for key in CATALOGUE.keys)) == expected


def test_the_optional_questions_are_13_15_and_36():
    assert [question.number for question in CATALOGUE.questions if question.optional] == [13, 15, 36]


def test_a_removed_cpr_number_breaks_cpr_and_nothing_else_in_any_question():
    expected = [(row, key, "cpr") for row, key in enumerate(CATALOGUE.keys, start=2)]
    assert broken(*one_changed_each((key, CPR_REMOVED) for key in CATALOGUE.keys)) == expected


@pytest.mark.parametrize("text", ["vrøvl", "2022-05-01", "SAND", "1:01:00"])
def test_a_text_that_is_no_answer_breaks_the_rule_of_its_kind(text):
    rule = {"code": "municipality", "single": "option", "multiple": "option", "integer": "integer", "amount": "amount"}
    asked = [question for question in CATALOGUE.questions if question.kind != "text"]
    expected = [(row, question.key, rule[question.kind]) for row, question in enumerate(asked, start=2)]
    assert broken(*one_changed_each((question.key, text) for question in asked)) == expected


BOUNDS = [
    ("age", "17", "range"),
    ("age", "18", None),
    ("age", "110", None),
    ("age", "111", "range"),
    ("age", "34,0", None),
    ("age", "9" * 30, "range"),
    ("age", "∞", "integer"),
    ("months_since_follow_up", "-1", "range"),
    ("months_since_follow_up", "0", None),
    ("months_since_follow_up", "600", None),
    ("months_since_follow_up", "601", "range"),
    ("residential_cost_dkk", "-1", "range"),
    ("residential_cost_dkk", "50.000.000", None),
    ("residential_cost_dkk", "50 mio.", None),
    # Bounds are tested after rounding.
    ("residential_cost_dkk", "50.000.000,49", None),
    ("residential_cost_dkk", "50.000.000,50", "range"),
    ("residential_cost_dkk", "-0,4", None),
    ("residential_cost_dkk", "50000001", "range"),
    ("residential_cost_dkk", "2.400 mio.", "range"),
    ("residential_cost_dkk", "9" * 40, "range"),
    ("residential_cost_dkk", "-" + "9" * 40, "range"),
    ("day_programme_cost_dkk", "∞", "range"),
    ("day_programme_cost_dkk", "-∞", "range"),
    ("secondary_target_groups", ";", None),
    ("secondary_target_groups", " ; ;", None),
    ("municipality_code", "0147", None),
    ("municipality_code", "Frederiksbergs Kommune", None),
    ("municipality_code", "101", "municipality"),
    ("municipality_code", "411", "municipality"),
]


def test_bounds_belong_to_what_is_allowed():
    expected = [(row, key, rule) for row, (key, _, rule) in enumerate(BOUNDS, start=2) if rule]
    assert broken(*one_changed_each((key, text) for key, text, _ in BOUNDS)) == expected


@pytest.mark.parametrize(
    ("residential", "day", "is_unit_error"),
    [
        ("0", "0", False),
        ("1", "0", True),
        ("2.345", "0", True),
        ("9.999", "0", True),
        ("9.999,4", "0", True),
        ("9.999,5", "0", False),
        ("5.000", "4.999", True),
        ("5.000", "5.000", False),
        ("0", "10.000", False),
        ("0", "9.999", True),
    ],
)
def test_a_total_above_0_and_below_10000_is_a_unit_error_on_question_7(residential, day, is_unit_error):
    found = broken(case(residential_cost_dkk=residential, day_programme_cost_dkk=day))
    assert found == ([(2, "residential_cost_dkk", "unit")] if is_unit_error else [])


def test_a_negative_or_a_broken_amount_is_no_unit_error_too():
    assert broken(case(residential_cost_dkk="-5", day_programme_cost_dkk="100")) == [
        (2, "residential_cost_dkk", "range")
    ]
    assert broken(case(residential_cost_dkk="5", day_programme_cost_dkk="x")) == [
        (2, "day_programme_cost_dkk", "amount")
    ]


def test_the_later_row_with_a_case_id_is_the_duplicate_and_other_deliveries_do_not_count():
    assert broken(case(case_id="A-1"), case(case_id="B"), case(case_id="a 1"), case(case_id="A1")) == [
        (4, "case_id", "duplicate"),
        (5, "case_id", "duplicate"),
    ]
    rows = delivered_rows((0, "147", [case()]), (1, "147", [case()]), (2, "101", [case("101")]))
    assert rules.broken_rules(rows, rules.parse(rows, CATALOGUE), CATALOGUE).is_empty()


def test_two_blank_or_removed_case_ids_are_no_duplicates_of_each_other():
    blank = broken(case(case_id=None), case(case_id=None), case(case_id=CPR_REMOVED), case(case_id=CPR_REMOVED))
    assert [rule for _, _, rule in blank] == ["missing", "missing", "cpr", "cpr"]


def test_a_row_can_break_several_rules_and_each_is_listed():
    spoilt = case(age="x", gender=None, residential_cost_dkk="5") | {"surplus_fields": True, "cpr_elsewhere": True}
    assert broken(spoilt) == [
        (2, "age", "integer"),
        (2, "gender", "missing"),
        (2, "residential_cost_dkk", "unit"),
        (2, None, "columns"),
        (2, None, "cpr"),
    ]


answers_at_random = st.one_of(
    st.none(), st.text(max_size=6), st.sampled_from(["", ";", "Ja", "5", "∞", "-1", CPR_REMOVED, "147", "2 mio."])
).map(lambda text: text or None)


@costly_property_test
@given(st.lists(st.dictionaries(st.sampled_from(CATALOGUE.keys), answers_at_random, max_size=6), max_size=6))
def test_an_answer_is_a_value_or_a_blank_or_broken_and_a_cell_breaks_a_rule_once(changes):
    cases = [
        case(case_id=f"A-{i}", **change) if "case_id" not in change else case(**change)
        for i, change in enumerate(changes)
    ]
    rows = delivered_rows((0, "147", cases))
    values = rules.parse(rows, CATALOGUE)
    table = rules.broken_rules(rows, values, CATALOGUE)
    assert table.select("row", "question", "rule").is_duplicated().sum() == 0
    assert set(table["rule"]) <= set(ROW_RULES)
    of_cells = {
        (row, question)
        for row, question, rule in table.select("row", "question", "rule").iter_rows()
        if rule not in ("duplicate", "unit", "columns")
    }
    for text, value in zip(rows.iter_rows(named=True), values.iter_rows(named=True), strict=True):
        for question in CATALOGUE.questions:
            if value[question.key] is None:
                is_blank = not (text[question.key] or "").strip("; ")
                assert (text["row"], question.number) in of_cells or (question.optional and is_blank)
            elif not question.is_number and question.kind != "code":
                assert (text["row"], question.number) not in of_cells


@pytest.mark.parametrize(
    ("residential", "day", "expected"),
    [
        ("2.000.000", "0", (True, None)),
        ("1.500.000", "500.000", (True, None)),
        ("1.999.999,5", "0", (True, None)),
        ("1.999.999", "0", (False, "below_threshold")),
        ("1.999.999,4", "0,4", (False, "below_threshold")),
        ("0", "0", (False, "below_threshold")),
    ],
)
def test_the_threshold_itself_counts(residential, day, expected):
    assert judged(residential_cost_dkk=residential, day_programme_cost_dkk=day) == expected


def test_a_case_outside_residential_care_is_out_of_scope_for_that_reason_first():
    assert judged(in_residential_care="Nej") == (False, "not_in_residential_care")
    assert judged(in_residential_care="Nej", residential_cost_dkk="0") == (False, "not_in_residential_care")
