"""Parsing of answers: every form that the screening format lists gives its value, and nothing else gives any."""

import math
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest import answers
from pipelines.ingest.text import fold
from pipelines.reference.municipalities import municipalities
from tests.unit.ingest_scenario import CATALOGUE, property_test

BEYOND = 10**14


def parsed(parse, *texts):
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(parse(pl.col("text"))).to_series().to_list()


def amounts(*texts):
    return parsed(answers.amount_dkk, *texts)


def integers(*texts):
    return parsed(answers.integer, *texts)


# --- amounts: an oracle that walks the text instead of matching a pattern ---------------------------------------------


def is_digits(text):
    return text != "" and all(c in "0123456789" for c in text)


def without(text, units, *, behind):
    for unit in units:
        if behind and text.endswith(unit):
            return text.removesuffix(unit).removesuffix(" "), True
        if not behind and text.startswith(unit):
            return text.removeprefix(unit).removeprefix(" "), True
    return text, False


def ungrouped(whole):
    for separator in ". ":
        first, *groups = whole.split(separator)
        if groups and is_digits(first) and len(first) <= 3 and all(is_digits(g) and len(g) == 3 for g in groups):
            return first + "".join(groups)
    return whole


def listed_amount(text):
    """What the screening format makes of a folded text, null where it lists no such form."""
    number, unit_before = without(text.lower(), ("kr.", "kr", "dkk"), behind=False)
    number, unit_behind = without(number, ("kr.", "kr", "dkk"), behind=True)
    if unit_before and unit_behind:
        return None
    number, is_million = without(number, ("mio.", "mio"), behind=True)
    sign = -1 if number.startswith("-") else 1
    whole, comma, decimals = number.removeprefix("-").partition(",")
    whole = ungrouped(whole)
    if not is_digits(whole) or (comma and not is_digits(decimals)):
        return None
    kroner = Fraction(f"{whole}.{decimals or 0}") * (1_000_000 if is_million else 1)
    return sign * math.floor(kroner + Fraction(1, 2))


def seen(value):
    """A value, or that it is beyond any bound: how far does not matter."""
    return value if value is None or abs(value) < BEYOND else math.copysign(math.inf, value)


def grouped(kroner, separator):
    return f"{kroner:,}".replace(",", separator)


@pytest.mark.parametrize(
    ("text", "kroner"),
    [
        ("2345678", 2_345_678),
        ("2.345.678", 2_345_678),
        ("2 345 678", 2_345_678),
        ("2.345.678,50", 2_345_679),
        ("2 345 678,49", 2_345_678),
        ("2345678,499999999999", 2_345_678),
        ("0", 0),
        ("000", 0),
        ("0,5", 1),
        ("-1", -1),
        ("-0,4", 0),
        ("kr. 2.345.678", 2_345_678),
        ("kr.2345678", 2_345_678),
        ("KR 2345678", 2_345_678),
        ("dkk 2.345.678,00", 2_345_678),
        ("2345678kr", 2_345_678),
        ("2.345.678 Kr.", 2_345_678),
        ("2.345.678 DKK", 2_345_678),
        ("2,4 mio.", 2_400_000),
        ("2,4 mio. kr.", 2_400_000),
        ("2,4mio", 2_400_000),
        ("3 MIO", 3_000_000),
        ("2,3456784 mio.", 2_345_678),
        ("2,3456785 mio. kr", 2_345_679),
        ("0,0000004 mio.", 0),
    ],
)
def test_every_listed_form_of_an_amount_gives_its_kroner(text, kroner):
    assert amounts(text) == [kroner]
    assert listed_amount(text) == kroner


@pytest.mark.parametrize(
    "text",
    [
        *("", "kr.", "mio.", "-", ",5", "5,", "ca. 5", "5-6", "5 kr. om året", "2 mia."),
        *(
            "2,345,678",
            "2,345,678.50",
            "2.345.67",
            "2.3456.789",
            "23.45",
            "2345678.50",
            "1.234 567",
            "1.234.5678",
            "1234 567",
            "1234.567",
        ),
        *("1,5,5", "1..234", "1  234", "1e6", "2_345", "NaN", "inf", "+5", "--5", "- 5", "5-", "5,-", "0x10"),
        *("٢٣٤", "２３４", "²", "SAND", "2022-05-01", "$5", "5 €", "5 kr..", "kr kr 5", "5 mio mio", "mio. 5"),
    ],
)
def test_anything_else_is_no_amount(text):
    assert amounts(text) == [None]
    assert listed_amount(text) is None


@pytest.mark.parametrize("text", ["kr. 5 kr.", "DKK 2.345.678 kr", "kr 2,4 mio. kr."])
def test_the_currency_stands_before_or_behind_and_not_on_both_sides(text):
    assert amounts(text) == [None]


@property_test
@given(
    st.lists(st.integers(0, 50_000_000), min_size=1, max_size=10),
    st.sampled_from(["", ".", " "]),
    st.sampled_from(["{}", "kr. {}", "kr.{}", "kr {}", "DKK {}", "{} kr.", "{}kr", "{} dkk", "Kr.{}"]),
    st.text("0123456789", max_size=8),
)
def test_an_amount_written_the_danish_way_is_read_back_rounded_half_up(kroner, separator, currency, decimals):
    tail = f",{decimals}" if decimals else ""
    up = 1 if decimals >= "5" else 0
    texts = [currency.format(grouped(n, separator) + tail) for n in kroner]
    assert amounts(*texts) == [n + up for n in kroner]


@property_test
@given(
    st.lists(st.integers(0, 50_000_000), min_size=1, max_size=10),
    st.sampled_from(["{} mio.", "{} mio", "{}mio.", "{} mio. kr.", "{} Mio kr", "{} mio. DKK"]),
)
def test_an_amount_in_millions_is_read_back_to_the_krone(kroner, unit):
    texts = [unit.format(f"{n // 1_000_000},{n % 1_000_000:06}") for n in kroner]
    assert amounts(*texts) == kroner


pieces = st.sampled_from(
    [*"0123456789", *".,- ", "000", "345", ".678", " 678", "kr", "kr.", "DKK", "mio", "mio.", "e", "∞", "٣", "_", "K"]
)
near_amounts = st.one_of(st.lists(pieces, max_size=8).map("".join), st.text(max_size=12)).map(fold)


@property_test
@given(st.lists(near_amounts, min_size=10, max_size=60))
def test_a_text_is_an_amount_exactly_when_the_format_lists_its_form(texts):
    texts = [text for text in texts if text.strip("-") != "∞"]
    assert [seen(value) for value in amounts(*texts)] == [seen(listed_amount(text)) for text in texts]


@pytest.mark.parametrize("text", ["9" * 15, "9" * 400, "999.999.999 mio.", "∞"])
def test_a_number_too_large_for_any_question_is_a_number_beyond_range(text):
    for written, sign in ((text, 1), (f"-{text}", -1)):
        value = amounts(written)[0]
        assert value is not None
        # The sign of an infinity is not kept: either way it is out of range.
        assert sign * value >= BEYOND or (text == "∞" and abs(value) >= BEYOND)


def test_a_blank_is_no_amount_no_integer_and_no_option():
    assert amounts(None) == integers(None) == [None]
    assert parsed(lambda t: answers.option(t, CATALOGUE.question("gender")), None) == [None]
    assert parsed(lambda t: answers.options(t, CATALOGUE.question("behaviour_types")), None) == [None]


# --- integers --------------------------------------------------------------------------------------------------------


def listed_integer(text):
    for zeros in (".0", ",0", ".00", ",00"):
        if text.endswith(zeros):
            text = text.removesuffix(zeros)
            break
    digits = text.removeprefix("-")
    return int(text) if is_digits(digits) else None


@property_test
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1), st.sampled_from(["", ",0", ".0", ",00", ".00"]))
def test_a_whole_number_is_read_back(numbers, zeros):
    assert integers(*(f"{n}{zeros}" for n in numbers)) == numbers


@property_test
@given(st.lists(st.one_of(st.text("0123456789.,- e_", max_size=6), st.text(max_size=8)).map(fold), max_size=60))
def test_a_text_is_an_integer_exactly_when_it_is_digits_and_perhaps_a_zero_behind_a_mark(texts):
    assert integers(*texts) == [listed_integer(text) for text in texts]


@pytest.mark.parametrize(
    "text", ["34,5", "34.000", "3 4", "34 år", "+34", "1e1", "0x22", "３４", "∞", "2022-05-01", "1:1"]
)
def test_anything_else_is_no_integer(text):
    assert integers(text) == [None]


# --- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [q for q in CATALOGUE.questions if q.kind == "single"], ids=lambda q: q.key)
def test_every_option_is_known_by_label_and_code_in_any_case(question):
    for option in question.options:
        texts = [
            change(text)
            for text in (fold(option.label_da), option.code)
            for change in (str, str.upper, str.lower, str.title, str.swapcase)
        ]
        assert parsed(lambda t: answers.option(t, question), *texts) == [option.code] * len(texts)


@property_test
@given(st.sampled_from([q for q in CATALOGUE.questions if q.is_closed]), st.text(max_size=20).map(fold))
def test_no_other_text_is_an_option(question, text):
    known = {fold(o.label_da).lower() for o in question.options} | set(question.codes)
    got = parsed(lambda t: answers.option(t, question), text)[0]
    assert (got is not None) == (text.lower() in known)


@property_test
@given(st.data(), st.sampled_from([q for q in CATALOGUE.questions if q.kind == "multiple"]))
def test_several_answers_come_in_the_forms_order_each_once(data, question):
    chosen = data.draw(st.lists(st.sampled_from(question.options), min_size=1, max_size=8))
    written = [data.draw(st.sampled_from([o.label_da, o.code, o.label_da.upper(), f"  {o.label_da} "])) for o in chosen]
    for place in data.draw(st.lists(st.integers(0, 8), max_size=3)):
        written.insert(place, data.draw(st.sampled_from(["", " "])))
    text = fold(";".join(written))
    expected = ";".join(code for code in question.codes if code in {o.code for o in chosen})
    assert parsed(lambda t: answers.options(t, question), text) == [expected]


@pytest.mark.parametrize("text", ["Udadreagerende; Anderledes", "Udadreagerende, Indadreagerende", "yes"])
def test_one_unknown_answer_among_several_breaks_them_all(text):
    assert parsed(lambda t: answers.options(t, CATALOGUE.question("behaviour_types")), text) == [None]


# --- municipalities --------------------------------------------------------------------------------------------------

NAMES = dict(municipalities().select("municipality_code", "municipality_name").iter_rows())


def genitive(name):
    return name if name.endswith("s") else f"{name}s"


@pytest.mark.parametrize("code", NAMES)
def test_every_municipality_is_known_by_code_and_by_name(code):
    name = NAMES[code]
    forms = {
        *(name, f"{name} Kommune", genitive(name), f"{genitive(name)} Kommune", f"{genitive(name)} Regionskommune"),
        *(name.upper(), f"{name} kommune".lower(), name.replace("-", " "), f"{name.upper()} KOMMUNE"),
    }
    forms |= {form.replace("å", "aa").replace("Å", "Aa") for form in forms}
    forms |= {form.replace("aa", "å").replace("Aa", "Å").replace("AA", "Å") for form in forms}
    texts = [code, f"0{code}", *sorted(forms)]
    assert parsed(answers.municipality_code, *texts) == [code] * len(texts)


@pytest.mark.parametrize(
    "text",
    ["", "0", "14", "1470", "00147", "147.", "411", "Christiansø", "Danmark", "Kommune", "Region Hovedstaden", "Køben"],
)
def test_nothing_else_names_a_municipality(text):
    assert parsed(answers.municipality_code, text) == [None]


@property_test
@given(st.lists(st.text(max_size=10).map(fold), max_size=40))
def test_a_random_text_names_no_municipality(texts):
    named = [text for text, code in zip(texts, parsed(answers.municipality_code, *texts), strict=True) if code]
    assert not named or all(
        text.removeprefix("0") in NAMES or text.lower().capitalize() in NAMES.values() for text in named
    )


# --- case ids --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [("A-1", "a1"), ("A 1", "a–1"), ("ÅRS-07", "års 07"), ("12", "12.0"), ("12", "12,0"), ("2022-001", "2022001")],
)
def test_case_ids_are_the_same_whatever_their_case_spaces_and_dashes(one, other):
    first, second = parsed(answers.case_key, fold(one), fold(other))
    assert first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [("001", "1"), ("A1", "A2"), ("1.5", "15"), ("1/2", "12"), ("-", "--"), ("12,5", "12"), ("A.0", "A")],
)
def test_other_case_ids_differ(one, other):
    first, second = parsed(answers.case_key, fold(one), fold(other))
    assert first != second


def test_a_case_id_with_a_thousands_point_is_not_the_small_number():
    # A municipality that numbers its cases 1 to 1.200: number 1.000 is not number 1 written as a float.
    thousand, one = parsed(answers.case_key, "1.000", "1")
    assert thousand != one


@property_test
@given(st.lists(st.text(max_size=8).map(fold).filter(bool), min_size=1))
def test_a_case_id_that_is_not_blank_has_a_key_that_is_not_blank(texts):
    keys = parsed(answers.case_key, *texts)
    assert all(keys)
    assert parsed(answers.case_key, *keys) == keys
