"""The row rules of the extracts: which answers and rows break which rule, what is said of it, and which grants overlap."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest import answers, extract_rules
from pipelines.ingest.messages import EXTRACT_RULES_DA, row_message
from pipelines.ingest.overlaps import overlaps
from pipelines.ingest.text import CPR_REMOVED
from schemas import management_tables as tables
from schemas.extracts import BUDGETS, EXTRACTS, GRANTS, INITIATIVES, PLANNED_CHANGES
from schemas.fields import EXTRACT_ROW_RULES
from schemas.service_areas import service_areas
from schemas.years import load_years
from tests.unit.extract_scenario import FORMS, GOOD, delivered, grant
from tests.unit.ingest_scenario import costly_property_test, property_test


def broken(extract, *deliveries):
    """What is broken: tuples of delivery, row, question key (null where none fits) and rule."""
    form = FORMS[extract]
    rows = delivered(extract, *deliveries)
    keys = {question.number: question.key for question in form.questions}
    table = extract_rules.broken_rules(rows, extract_rules.parse(rows, form), form)
    found = table.select("delivery", "row", "question", "rule").rows()
    return [(delivery, row, keys.get(question), rule) for delivery, row, question, rule in found]


def broken_by(extract, **changed):
    """Which rules one row breaks, as pairs of question key and rule."""
    return [(key, rule) for _, _, key, rule in broken(extract, [GOOD[extract] | changed])]


def values(extract, *rows):
    frame = delivered(extract, rows)
    return extract_rules.parse(frame, FORMS[extract])


def message(extract, rule, key, found=None, about=None):
    question = FORMS[extract].question(key)
    return row_message(rule, question, found, row=7, place="E", is_workbook=True, about=about)


# --- dates -----------------------------------------------------------------------------------------------------------


def dates(*texts):
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(answers.date(pl.col("text"))).to_series().to_list()


@pytest.mark.parametrize(
    "text",
    [
        "2023-04-01",
        "2023-04-01 00:00:00",
        "2023-04-01T00:00:00",
        "2023-04-01 00:00:00.000",
        "01-04-2023",
        "1-4-2023",
        "1.4.2023",
        "01.04.2023",
        "01/04/2023",
        "1. april 2023",
        "01. April 2023",
    ],
)
def test_a_date_is_understood_as_written(text):
    assert dates(text) == [dt.date(2023, 4, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "31-04-2023",
        "29-02-2023",
        "2023-02-30",
        "2023-13-01",
        "00-04-2023",
        "1.4.23",
        "01-04-23",
        "23-04-01",
        "45017",
        "20230401",
        "1.4-2023",
        "2023/04/01",
        "2023-4-1",
        "2023-04-01 12:00:00",
        "april 2023",
        "1. april 23",
        "1. apr. 2023",
        "1. avril 2023",
        "løbende",
        "١-٤-٢٠٢٣",
        "",
    ],
)
def test_what_is_no_date_of_these_ways_is_none(text):
    assert dates(text) == [None]
    if text:
        assert broken_by(GRANTS, start_date=text) == [("start_date", "date")]


@property_test
@given(st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2200, 12, 31)))
def test_every_day_of_the_calendar_is_read_in_every_way(day):
    name = answers._MONTHS[day.month - 1]
    written = [
        day.isoformat(),
        f"{day.isoformat()} 00:00:00",
        f"{day:%d-%m-%Y}",
        f"{day.day}.{day.month}.{day.year}",
        f"{day:%d/%m/%Y}",
        f"{day.day}. {name} {day.year}",
    ]
    assert dates(*written) == [day] * len(written)


@pytest.mark.parametrize(
    ("text", "rule"),
    [("31-12-1899", "range"), ("01-01-1900", "end_before_start"), ("31-12-2200", None), ("01-01-2201", "range")],
)
def test_a_date_is_of_the_years_1900_to_2200(text, rule):
    assert broken_by(GRANTS, end_date=text) == ([("end_date", rule)] if rule else [])


def test_a_message_about_a_date_says_how_to_write_one_and_nothing_of_spreadsheets_own_dates():
    said = message(GRANTS, "date", "start_date", "31-04-2023")
    assert said == (
        'Celle E7 (5. Startdato): Fundet "31-04-2023". Tilladt: en dato i årene 1900 til 2200 med fire cifre i årstallet, '
        "f.eks. 01-04-2023, 1.4.2023, 1. april 2023 eller 2023-04-01."
    )
    assert "Regneark laver" not in message(GRANTS, "range", "start_date", "1899-12-31")
    assert "Regneark laver" in message(GRANTS, "option", "provider", "2023-05-01")


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extract", EXTRACTS)
def test_a_good_row_breaks_nothing(extract):
    assert broken(extract, [GOOD[extract]], []) == []


@pytest.mark.parametrize("extract", EXTRACTS)
def test_a_blank_answer_is_missing_unless_it_is_optional(extract):
    for question in FORMS[extract].questions:
        expected = [] if question.optional else [(question.key, "missing")]
        assert broken_by(extract, **{question.key: None}) == expected


def test_the_end_the_own_payment_and_the_initiative_of_a_grant_are_optional():
    optional = [question.key for question in FORMS[GRANTS].questions if question.optional]
    assert optional == ["end_date", "own_payment_dkk", "initiative"]


@pytest.mark.parametrize("extract", EXTRACTS)
def test_a_text_that_is_no_answer_breaks_the_rule_of_its_kind(extract):
    rule = {"single": "option"}
    for question in FORMS[extract].questions:
        if question.kind != "text":
            expected = [(question.key, rule.get(question.kind, question.kind))]
            assert broken_by(extract, **{question.key: "vrøvl"}) == expected


@pytest.mark.parametrize(
    ("extract", "key", "text", "rule"),
    [
        (GRANTS, "birth_year", "1899", "range"),
        (GRANTS, "birth_year", "1900", None),
        (GRANTS, "own_payment_dkk", "1.000.001", "range"),
        (GRANTS, "own_payment_dkk", "ingen", "amount"),
        (GRANTS, "price_dkk", "-1", "range"),
        (BUDGETS, "budget_dkk", "-120 mio.", None),
        (BUDGETS, "year", "2014", "range"),
        (PLANNED_CHANGES, "start_month", "13", "range"),
        (PLANNED_CHANGES, "citizens", "2,5", "integer"),
        (INITIATIVES, "saving_dkk_per_month", "-5.000", None),
    ],
)
def test_numbers_are_held_to_their_bounds(extract, key, text, rule):
    assert broken_by(extract, **{key: text}) == ([(key, rule)] if rule else [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("sel_107", "sel_107"),
        ("Midlertidigt botilbud (SEL § 107)", "sel_107"),
        ("midlertidigt botilbud (SEL §107)", "sel_107"),
        ("SEL § 107", "sel_107"),
        ("§107", "sel_107"),
        ("§ 107", "sel_107"),
        ("ABL §105 / SEL § 85", "abl_105_sel_85"),
        ("BPA", "sel_96"),
        ("§ 85 ekstern", "sel_85_external"),
        ("STU", "stu"),
        ("SEL § 85", None),
        ("§ 1 07", None),
    ],
)
def test_a_service_area_is_told_by_code_label_or_legal_basis_and_a_blank_after_the_section_sign_is_nothing(text, code):
    assert values(GRANTS, grant(service_area=text))["service_area"].to_list() == [code]


def test_the_screenings_options_are_spelt_as_they_are():
    from tests.unit.ingest_scenario import CATALOGUE

    placement = CATALOGUE.question("placement_type")
    texts = pl.DataFrame({"text": ["Midlertidigt botilbud (SEL § 107)", "Midlertidigt botilbud (SEL §107)"]})
    assert texts.select(answers.option(pl.col("text"), placement)).to_series().to_list() == ["sel_107", None]


def test_a_misspelt_service_area_is_told_its_nearest_label():
    said = message(GRANTS, "option", "service_area", "Midlertidig botilbud (SEL § 107)")
    assert 'Nærmeste svarmulighed er "Midlertidigt botilbud (SEL § 107)".' in said


@pytest.mark.parametrize(
    ("text", "code"), [("Døgn", "day"), ("pr. døgn", "day"), ("pr. måned", "month"), ("År", "year")]
)
def test_a_unit_may_be_written_in_several_ways(text, code):
    assert values(GRANTS, grant(price_unit=text))["price_unit"].to_list() == [code]


# --- rules of a grant ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "is_broken"),
    [
        ("01-04-2023", "31-03-2023", True),
        ("01-04-2023", "01-04-2023", False),  # a grant of one day
        ("01-04-2023", None, False),
        ("32-04-2023", "31-03-2023", False),  # only the date that is none is told
    ],
)
def test_a_grant_does_not_end_before_it_starts(start, end, is_broken):
    told = ("end_date", "end_before_start") in broken_by(GRANTS, start_date=start, end_date=end)
    assert told == is_broken


@pytest.mark.parametrize(
    ("birth_year", "start", "expected"),
    [
        ("2005", "01-01-2023", []),  # 2023 - 2005 = 18
        ("2006", "31-12-2023", [("birth_year", "age")]),  # 2023 - 2006 = 17
        ("2031", "01-01-2023", [("birth_year", "range")]),
        ("2006", "01-01-1899", [("start_date", "range")]),
        ("x", "01-01-2023", [("birth_year", "integer")]),
    ],
)
def test_a_grant_starts_in_the_year_in_which_the_citizen_becomes_18_or_later(birth_year, start, expected):
    assert broken_by(GRANTS, birth_year=birth_year, start_date=start) == expected


BOUNDS = service_areas()["sel_97"]  # 500 to 500,000 kroner a year


@pytest.mark.parametrize(
    ("price", "unit", "is_broken"),
    [
        ("499", "År", True),
        ("500", "År", False),
        ("500.000", "År", False),
        ("500.001", "År", True),
        ("41", "Måned", True),  # 41 x 12 = 492
        ("42", "Måned", False),  # 42 x 12 = 504
        ("41.666", "Måned", False),  # 41,666 x 12 = 499,992
        ("41.667", "Måned", True),  # 41,667 x 12 = 500,004
        ("1", "Dag", True),  # 1 x 365 = 365
        ("2", "Dag", False),  # 2 x 365 = 730
        ("1.369", "Dag", False),  # 1,369 x 365 = 499,685
        ("1.370", "Dag", True),  # 1,370 x 365 = 500,050
        ("0", "År", True),
    ],
)
def test_the_price_of_a_year_is_within_the_bounds_of_the_service_area(price, unit, is_broken):
    assert (BOUNDS.price_min_dkk, BOUNDS.price_max_dkk) == (500, 500_000)
    found = broken_by(GRANTS, service_area="sel_97", price_dkk=price, price_unit=unit)
    assert found == ([("price_dkk", "price")] if is_broken else [])


def test_a_price_that_is_wrong_by_itself_or_of_an_unknown_service_area_or_unit_is_told_once():
    assert broken_by(GRANTS, price_dkk="60.000.000", price_unit="År") == [("price_dkk", "range")]
    assert broken_by(GRANTS, price_dkk="5", service_area="x") == [("service_area", "option")]
    assert broken_by(GRANTS, price_dkk="5", price_unit="uge") == [("price_unit", "option")]


def test_a_message_about_a_price_names_the_bounds_and_that_the_unit_may_be_wrong():
    assert message(GRANTS, "price", "price_dkk", "3.500", "sel_108") == (
        'Celle E7 (7. Pris (kr., før statsrefusion)): Fundet "3.500". Regnet om til et år ligger prisen uden for 50.000 til '
        "25.000.000 kr., som er grænserne for Længerevarende botilbud (SEL § 108). Måske er enheden forkert: står prisen pr. "
        "dag, pr. måned eller pr. år? Ret prisen eller enheden."
    )


def test_a_grant_starts_by_the_end_of_the_last_year_described():
    last = max(int(name) for name in load_years())
    assert broken_by(GRANTS, start_date=f"31-12-{last}") == []
    assert broken_by(GRANTS, start_date=f"01-01-{last + 1}") == [("start_date", "future")]
    assert f"efter 31. december {last}" in message(GRANTS, "future", "start_date", about=str(last))


# --- rules of rows ---------------------------------------------------------------------------------------------------


def test_a_line_of_a_budget_stands_once_for_each_year_in_a_delivery():
    row = GOOD[BUDGETS]
    other_year, other_line = row | {"year": "2025"}, row | {"line": "refund"}
    same = row | {"line": "existing_cases", "year": "2024,0", "budget_dkk": "1"}
    assert broken(BUDGETS, [row, other_year, other_line, same], [row]) == [(0, 5, "line", "duplicate")]
    said = "Celle E7 (2. Linje): Linjen står også i en tidligere række for samme år. Skriv hver linje én gang for hvert år."
    assert message(BUDGETS, "duplicate", "line") == said


def test_an_initiative_stands_once_for_each_year_in_a_delivery_however_its_key_is_written():
    row = GOOD[INITIATIVES]
    same, other_year, other = row | {"initiative": "t 1"}, row | {"year": "2025"}, row | {"initiative": "T-2"}
    assert broken(INITIATIVES, [row, other_year, other, same], [row]) == [(0, 5, "initiative", "duplicate")]
    assert "Tiltaget står også i en tidligere række for samme år." in message(INITIATIVES, "duplicate", "initiative")


def test_rows_whose_key_is_not_answered_are_no_duplicates():
    row = GOOD[BUDGETS] | {"year": None}
    assert [rule for *_, rule in broken(BUDGETS, [row, row])] == ["missing", "missing"]


def test_equal_grants_and_planned_changes_are_no_duplicates():
    assert broken(GRANTS, [grant(), grant()]) == []
    assert broken(PLANNED_CHANGES, [GOOD[PLANNED_CHANGES]] * 2) == []


def test_a_citizen_and_an_initiative_are_the_same_however_they_are_written():
    rows = [grant("B-1", initiative="T-1"), grant("b 1", initiative="t1"), grant("17,0", initiative="5.0"), grant("17")]
    parsed = values(GRANTS, *rows)
    assert parsed["citizen_id"].to_list() == ["b1", "b1", "17", "17"]
    assert parsed["initiative"].to_list() == ["t1", "t1", "5", None]
    assert values(INITIATIVES, GOOD[INITIATIVES])["initiative"].to_list() == ["t1"]


@pytest.mark.parametrize("key", ["citizen_id", "initiative"])
def test_a_key_that_looks_like_a_cpr_number_without_its_dashes_and_spaces_breaks_cpr_and_is_not_shown(key):
    assert broken_by(GRANTS, **{key: "0101-90-1234"}) == [(key, "cpr")]
    assert broken_by(GRANTS, **{key: "10 190 12-34"}) == [(key, "cpr")]
    assert broken_by(GRANTS, **{key: CPR_REMOVED}) == [(key, "cpr")]
    assert broken_by(GRANTS, **{key: "2023-01-1234"}) == []  # no day of a month: 20-23
    said = message(GRANTS, "cpr", key, "0101-90-1234")
    assert "1234" not in said
    assert "Cellen ligner et CPR-nummer (nummeret vises ikke)." in said


def test_a_row_can_break_several_rules_and_each_is_listed():
    spoilt = grant(birth_year="2020", start_date="01-01-2030", end_date="01-01-2029", price_dkk="5")
    rows = [spoilt | {"surplus_fields": True, "cpr_elsewhere": True}]
    assert [(key, rule) for _, _, key, rule in broken(GRANTS, rows)] == [
        ("birth_year", "age"),
        ("start_date", "future"),
        ("end_date", "end_before_start"),
        ("price_dkk", "price"),
        (None, "columns"),
        (None, "cpr"),
    ]


some_text = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.sampled_from(["§107", "1.4.2023", "2024", "0", "-1", "∞", "Dag", "Ja", CPR_REMOVED, "31-12-2199", "1 mio."]),
).map(lambda text: text or None)


@costly_property_test
@given(
    st.sampled_from(EXTRACTS).flatmap(
        lambda extract: st.tuples(
            st.just(extract), st.lists(st.dictionaries(st.sampled_from(FORMS[extract].keys), some_text), max_size=5)
        )
    )
)
def test_an_answer_is_a_value_or_a_blank_or_broken_whatever_is_delivered(changed):
    extract, changes = changed
    rows = [GOOD[extract] | change for change in changes]
    found = broken(extract, rows)
    assert len(set(found)) == len(found)
    assert {rule for *_, rule in found} <= set(EXTRACT_ROW_RULES)
    of_cells = {(row, key) for _, row, key, rule in found if rule != "duplicate"}
    for number, (text, value) in enumerate(
        zip(rows, values(extract, *rows).iter_rows(named=True), strict=True), start=2
    ):
        for question in FORMS[extract].questions:
            if value[question.key] is None:
                assert (number, question.key) in of_cells or (question.optional and text[question.key] is None)


# --- messages --------------------------------------------------------------------------------------------------------


def test_every_rule_of_an_extract_has_a_danish_name():
    assert set(EXTRACT_RULES_DA) == set(EXTRACT_ROW_RULES)


@pytest.mark.parametrize(
    ("rule", "key", "said"),
    [
        ("end_before_start", "end_date", "Slutdatoen ligger før startdatoen."),
        ("age", "birth_year", "Borgeren er under 18 år i det år, hvor ydelsen starter"),
        ("future", "start_date", "Startdatoen ligger efter 31. december 2026"),
        ("missing", "citizen_id", "Tilladt: kommunens egen nøgle for borgeren, aldrig et CPR-nummer."),
        ("missing", "start_date", "Tilladt: en dato i årene 1900 til 2200"),
        ("amount", "price_dkk", "Tilladt: hele kroner fra 0 til 50.000.000"),
        ("range", "birth_year", "Tilladt: et helt tal fra 1900 til 2030."),
    ],
)
def test_a_message_names_the_cell_and_says_what_is_allowed_in_danish(rule, key, said):
    found = message(GRANTS, rule, key, "vrøvl", "2026")
    assert found.startswith(f"Celle E7 ({FORMS[GRANTS].question(key).header}): ")
    assert said in found
    assert found.endswith(".")


# --- overlaps --------------------------------------------------------------------------------------------------------

DAY = dt.date(2023, 1, 1)


def grants_of(*spans):
    """A table of grants of (municipality, citizen, service area, first day, last day or null), by days from `DAY`."""
    return pl.DataFrame(
        [
            {
                "municipality_code": code,
                "row": row,
                "citizen_id": citizen,
                "service_area": area,
                "start_date": DAY + dt.timedelta(days=first),
                "end_date": None if last is None else DAY + dt.timedelta(days=last),
            }
            for row, (code, citizen, area, first, last) in enumerate(spans, start=2)
        ],
        schema={name: tables.GRANTS.dtypes[name] for name in ("municipality_code", "row", "citizen_id", "service_area")}
        | {"start_date": pl.Date, "end_date": pl.Date},
    )


def overlapping(*spans):
    """Pairs of row and earlier row for grants of one citizen in one service area."""
    grants = grants_of(*(("147", "b1", "sel_107", *span) for span in spans))
    return overlaps(grants).select("row", "earlier_row").rows()


def test_the_last_day_of_a_grant_belongs_to_it():
    assert overlapping((0, 9), (10, 19)) == []
    assert overlapping((0, 9), (9, 19)) == [(3, 2)]


def test_a_grant_without_an_end_overlaps_all_later_ones():
    assert overlapping((0, None), (500, 501), (90_000, None)) == [(3, 2), (4, 2)]
    assert overlapping((500, 501), (0, None)) == [(2, 3)]


def test_of_two_that_start_on_the_same_day_the_later_row_overlaps():
    assert overlapping((0, 0), (0, 0)) == [(3, 2)]


def test_a_short_grant_within_a_long_one_hides_it_from_none_that_follows():
    # Row 4 starts after row 3 has ended and before row 2 does.
    assert overlapping((0, 100), (10, 20), (50, 200), (150, 160)) == [(3, 2), (4, 2), (5, 4)]


def test_other_citizens_service_areas_and_municipalities_do_not_overlap():
    same, citizen, area, code = ("147", "b1", "x"), ("147", "b2", "x"), ("147", "b1", "y"), ("101", "b1", "x")
    assert overlaps(grants_of(*((*case, 0, None) for case in (same, citizen, area, code)))).is_empty()


some_spans = st.lists(
    st.tuples(
        st.sampled_from(["101", "147"]),
        st.sampled_from(["b1", "b2"]),
        st.sampled_from(["sel_107", "sel_104"]),
        st.integers(0, 12),
        st.one_of(st.none(), st.integers(0, 8)),
    ),
    max_size=14,
).map(
    lambda spans: [(code, citizen, area, first, length if length is None else first + length)
                   for code, citizen, area, first, length in spans]
)  # fmt: skip


@property_test
@given(some_spans)
def test_overlaps_are_those_that_comparing_each_with_each_finds(spans):
    last = [10_000 if span[4] is None else span[4] for span in spans]
    earlier = {
        i: [
            j
            for j in range(len(spans))
            if spans[i][:3] == spans[j][:3] and (spans[j][3], j) < (spans[i][3], i) and last[j] >= spans[i][3]
        ]
        for i in range(len(spans))
    }
    found = overlaps(grants_of(*spans))
    named = {row - 2: other - 2 for _, row, other in found.iter_rows()}
    assert set(named) == {i for i, others in earlier.items() if others}
    assert all(other in earlier[i] for i, other in named.items())
    assert all(last[other] == max(last[j] for j in earlier[i]) for i, other in named.items())
