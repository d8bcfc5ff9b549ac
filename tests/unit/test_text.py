"""Folding of cells, and finding and masking of CPR-like numbers. Every number here is made up by the test."""

import datetime as dt
import os
import string
import sys
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.ingest.text import (
    CPR_REMOVED,
    fold,
    holds_cpr,
    is_cpr_without_its_zero,
    mask_cpr,
    match_key,
    printable,
)
from tests.unit.ingest_scenario import property_test

# Characters that exercise the folding: invisible ones, spaces, dashes, accents on their own, digits of other scripts.
odd_text = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "\u200b\u200d\ufeff\u00ad\u2060\u00a0\u2003\u3000\t\r\n\x00\x1c\x85–—‑−-\u0301\u030a\u0327aAåÅ01٠１"
        ),
    ),
    max_size=30,
)
# 2000 is a leap year: 29 February is a possible birthday as long as the century is unknown.
birthdays = st.dates(dt.date(2000, 1, 1), dt.date(2000, 12, 31)).map(lambda day: f"{day:%d%m}")
separators = st.sampled_from(
    ["", "-", " ", ".", " - ", "- ", " -", "–", "—", "−", "\u2011", "\u00a0", "\u2009", "\u200b-", "\n"]
)
zeros = st.sampled_from([ord("0"), 0x0660, 0x06F0, 0x0966, 0xFF10, 0x1D7CE])
cpr_like = st.builds(
    lambda birthday, year, separator, number: f"{birthday}{year:02}{separator}{number:04}",
    birthdays,
    st.integers(0, 99),
    separators,
    st.integers(0, 9999),
)


def in_script(text, zero):
    return "".join(chr(zero + int(c)) if c in string.digits else c for c in text)


def ends_in_digit(text):
    return text != "" and unicodedata.digit(text[-1], None) is not None


def starts_with_digit(text):
    return text != "" and unicodedata.digit(text[0], None) is not None


# --- folding ---------------------------------------------------------------------------------------------------------


@property_test
@given(odd_text)
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@property_test
@given(odd_text)
def test_folded_text_is_nfc_trimmed_and_free_of_invisible_characters(text):
    folded = fold(text)
    assert folded == unicodedata.normalize("NFC", folded)
    assert folded == folded.strip()
    assert "  " not in folded
    assert not {unicodedata.category(c) for c in folded} & {"Cf", "Cc", "Cs", "Zl", "Zp"}
    assert all(c == " " for c in folded if unicodedata.category(c) == "Zs")
    assert all(c == "-" for c in folded if unicodedata.category(c) == "Pd")


def test_every_space_every_dash_and_every_format_character_there_is_folds():
    for character in map(chr, range(sys.maxunicode + 1)):
        match unicodedata.category(character):
            case "Zs" | "Zl" | "Zp":
                assert fold(f"a{character}b") == "a b", hex(ord(character))
            case "Pd":
                assert fold(f"a{character}b") == "a-b", hex(ord(character))
            case "Cf" | "Cs":
                assert fold(f"a{character}b") == "ab", hex(ord(character))
            case "Cc":
                assert fold(f"a{character}b") in ("ab", "a b"), hex(ord(character))


def test_an_accent_of_its_own_becomes_one_letter_with_its_base():
    assert fold("A\u030alborg") == "Ålborg"
    assert match_key("  NATDÆKNING\n ") == match_key("natdækning")


# --- finding ---------------------------------------------------------------------------------------------------------


@property_test
@given(odd_text, cpr_like, zeros, odd_text)
def test_a_cpr_like_number_is_found_in_any_text_and_script_and_is_masked(before, number, zero, after):
    assume(not ends_in_digit(fold(before)))
    assume(not starts_with_digit(fold(after)))
    text = before + in_script(number, zero) + after
    assert holds_cpr(fold(text))
    masked = mask_cpr(text)
    assert CPR_REMOVED in masked
    assert not holds_cpr(fold(masked))
    assert mask_cpr(masked) == masked


@property_test
@given(st.lists(st.one_of(cpr_like, st.text("0123456789-. x", max_size=6)), max_size=6).map("".join))
def test_nothing_like_a_cpr_number_is_left_after_masking(text):
    masked = mask_cpr(text)
    assert not holds_cpr(fold(masked))
    assert mask_cpr(masked) == masked
    if not holds_cpr(fold(text)):
        assert masked == text


@property_test
@given(cpr_like.map(fold), st.text(string.digits, max_size=3), st.text(string.digits, max_size=3))
def test_ten_digits_inside_a_longer_run_are_no_cpr_number(number, before, after):
    assume(before or after)
    digits = "".join(c for c in number if c.isdigit())
    assert not holds_cpr(before + digits + after)


def test_every_day_and_month_is_a_possible_date_exactly_when_the_calendar_has_it():
    calendar = {f"{dt.date(2000, 1, 1) + dt.timedelta(days=n):%d%m}" for n in range(366)}
    for day in range(100):
        for month in range(100):
            number = f"{day:02}{month:02}901234"
            assert holds_cpr(number) == (number[:4] in calendar), number


@pytest.mark.parametrize(
    "number", ["010190/1234", "01.01.90", "0101 901234", "010190--1234", "010190-123", "010190-12345"]
)
def test_other_numbers_are_no_cpr_numbers(number):
    assert not holds_cpr(number)
    assert mask_cpr(number) == number


@property_test
@given(cpr_like)
def test_a_number_that_lost_its_leading_zero_is_known(number):
    digits = "".join(c for c in number if c.isdigit())
    lost = digits[1:] if digits[0] == "0" else digits
    assert is_cpr_without_its_zero(lost) == (len(lost) == 9 and lost[0] != "0")


@pytest.mark.parametrize("text", ["999999999", "10190123", "1019012345", "10190-123", "10190 1234", "101,901,234"])
def test_nothing_else_is_a_number_without_its_zero(text):
    assert not is_cpr_without_its_zero(text)


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("æøå – svar.xlsx", "æøå – svar.xlsx"),
        ("svar\u202exslx.csv", "svar\\u202exslx.csv"),
        ("linje\nskift.csv", "linje\\nskift.csv"),
        ("l\udcf8n.csv", "l\\xf8n.csv"),
        ("010190-1234.xlsx", f"{CPR_REMOVED}.xlsx"),
        ("svar_010190–1234_endelig.xlsx", f"svar_{CPR_REMOVED}_endelig.xlsx"),
    ],
)
def test_a_name_is_shown_escaped_and_masked(name, shown):
    assert printable(name) == shown


@pytest.mark.parametrize(
    "name",
    [
        "010190\u00a01234.xlsx",  # a space that does not break, as some programs put between numbers
        "010190\u200b1234.xlsx",
        "010190\u00ad-1234.xlsx",
        "010190\t1234.xlsx",
        "p\udce50101901234.xlsx",  # Windows-1252 `å` right before the number: `\xe5` must not lend it a digit
        "\x010101901234.xlsx",
    ],
)
def test_a_cpr_like_number_in_a_name_is_masked_whatever_stands_in_or_before_it(name):
    shown = printable(name)
    assert CPR_REMOVED in shown
    assert "1234" not in shown
    assert "010190" not in shown


@property_test
@given(st.one_of(st.binary(max_size=20), odd_text.map(lambda text: text.encode(errors="ignore"))).map(os.fsdecode))
def test_any_bytes_that_are_a_name_are_shown_in_printable_characters_only(name):
    assert printable(name).isprintable()


@pytest.mark.parametrize(
    "text", ["101901234", "101901234.0", "101901234,0", "101.901.234", "101 901 234", "１０１９０１２３４"]
)
def test_a_number_without_its_zero_is_found_however_a_program_wrote_it(text):
    assert is_cpr_without_its_zero(text)


@pytest.mark.parametrize("between", ["\ufe0f", "\u034f", "\u2800", "\u3164", "\u02d7", "\u2043", "\uff0e", "\u00b7"])
def test_look_alikes_of_spaces_dashes_and_dots_do_not_hide_a_number(between):
    assert holds_cpr(fold(f"010190{between}1234"))
