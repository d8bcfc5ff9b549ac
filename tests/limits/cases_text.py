"""Cases about text: CSV files and their encodings, headers, rows, and how an answer may be written.

Specification: "Deliveries" and, under "Limits and hard cases", Header, Rows, Text encoding, Cells, Amounts,
Municipality, Case ids, No cases, CPR.
"""

import csv
import io
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial

from tests.limits.corpus import GOOD, NO_HEADER, Case, current, one, rejected
from tests.limits.files import (
    HEADERS,
    KEYS,
    TEXTS,
    Grid,
    case,
    csv_bytes,
    csv_text,
    fill,
    good,
    grid,
    number_of,
    sheet,
    terse,
    x_number,
    xlsx,
)

C = "skema.csv"


def good_text(code: str, **how: str) -> str:
    return csv_text(grid(good(code)), **how)


def four(code: str, **changes: object) -> Grid:
    """Good rows 2 to 4, and a broken one behind them, so that row numbers show."""
    return grid([*good(code), case(code, "A-4", age="17", **changes)])


# --- separators, quotes, lines ---------------------------------------------------------------------------------------


def _quoted(code: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerows(grid(good(code)))
    return out.getvalue().encode()


def _lines(code: str) -> list[str]:
    return csv_text(four(code), end="\n").splitlines()


def _mixed_ends(code: str) -> bytes:
    ends = ["\r\n", "\n", "\r", "\r\n", ""]
    return "".join(line + end for line, end in zip(_lines(code), ends, strict=True)).encode()


def _open_quote(code: str) -> bytes:
    lines = csv_text(grid([*good(code), *fill(code, 3)]), end="\n").splitlines()
    lines[2] += '"så stod der'
    return "\n".join(lines).encode()


def _broken_second(code: str, comment: str) -> bytes:
    """Put text that might be taken for a line's end into the first case, and a broken row behind it."""
    return csv_bytes(grid([case(code, "A-1", comment=comment), case(code, "A-2", age="17"), case(code, "A-3")]))


def _insert(position: int, lines: str, code: str) -> bytes:
    rows = _lines(code)
    return "\r\n".join([*rows[:position], *lines.split("|"), *rows[position:]]).encode()


def _field_behind(fields: str, code: str) -> bytes:
    rows = csv_text([*four(code), *grid(fill(code, 6))[1:]], end="\n").splitlines()
    rows[2] += fields
    return "\n".join(rows).encode()


def _short(keep: int, code: str) -> bytes:
    """Cut the fields behind `keep` from a second case that is good otherwise."""
    rows = csv_text(grid([*good(code), case(code, "A-4")]), end="\n").splitlines()
    rows[4] = ";".join(rows[4].split(";")[:keep])
    return "\n".join(rows).encode()


BROKEN_5 = (current(4, 1, 2, broken={(5, 3, "range")}),)
BROKEN_3 = (current(3, 2, 0, broken={(3, 3, "range")}),)

LINES = [
    one("semicolons", C, lambda code: good_text(code).encode(), *GOOD),
    one("commas", C, lambda code: good_text(code, sep=",").encode(), *GOOD),
    one("tabs", C, lambda code: good_text(code, sep="\t").encode(), *GOOD),
    one("commas and keys", C, lambda code: csv_bytes(grid(good(code), headers=KEYS), sep=","), *GOOD),
    one("every field in quotes", C, _quoted, *GOOD),
    *(
        one(f"lines that end in {end!r}", C, lambda code, end=end: csv_bytes(four(code), end=end), *BROKEN_5)
        for end in ("\r\n", "\n", "\r")
    ),
    one("lines that end in every way", C, _mixed_ends, *BROKEN_5),
    # Written by a program that translated line ends twice: every second line is blank, or it is one line end.
    one(r"lines that end in '\r\r\n'", C, lambda code: csv_bytes(four(code), end="\r\r\n"), *BROKEN_5,
        current(4, 1, 2, broken={(9, 3, "range")})),
    one("no end of the last line", C, lambda code: good_text(code).rstrip("\r\n").encode(), *GOOD),
    *(
        one(f"a line break {end!r} in quotes", C, partial(_broken_second, comment=f"to{end}linjer;{end}"), *BROKEN_3)
        for end in ("\r\n", "\n", "\r")
    ),
    *(
        one(f"a character {end!r} that ends no line", C, partial(_broken_second, comment=f"en{end}linje"), *BROKEN_3)
        for end in ("\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029")
    ),
    one("doubled quotes", C, partial(_broken_second, comment='Pris ""genforhandlet"" "2021"'), *BROKEN_3),
    one("a quote within a field without quotes", C,
        lambda code: good_text(code).replace("Kvinde", "Kvinde", 1).replace("\r\nA", "\r\nA").encode()
        .rstrip(b"\r\n") + b'12" skaerm', *GOOD),
    one("an open quote", C, _open_quote, rejected("unreadable", r"\b3\b")),
    one("an open quote that a later quote closes", C,
        lambda code: _open_quote(code).replace(b"FYLD-2;", b'"FYLD-2";'), rejected("unreadable", r"\b3\b")),
    one("blank lines between the rows", C, partial(_insert, 2, "||  |;;;"),
        current(4, 1, 2, broken={(9, 3, "range")})),
    one("blank lines before the header", C, partial(_insert, 0, "|;;"), current(4, 1, 2, broken={(7, 3, "range")})),
    one("title lines before the header", C, partial(_insert, 0, "Screening;;|Kommune, navn"),
        current(4, 1, 2, broken={(7, 3, "range")})),
    one("a header in line 10", C, partial(_insert, 0, "|".join("abcdefghi")),
        current(4, 1, 2, broken={(14, 3, "range")})),
    one("a header in line 11", C, partial(_insert, 0, "|".join("abcdefghij")), *NO_HEADER),
    # Excel takes the first line for itself and shows the header as row 1; other programs show the line.
    *(
        one(f"a first line {line!r}", C, partial(_insert, 0, line), *BROKEN_5,
            current(4, 1, 2, broken={(6, 3, "range")}))
        for line in ("sep=;", "\ufeffsep=;", "SEP=;")
    ),
    one("a first line 'sep=,' and commas", C, lambda code: b"sep=,\r\n" + csv_bytes(grid(good(code)), sep=","), *GOOD),
    one("one field more than the header", C, partial(_field_behind, ";mere"),
        current(10, 7, 1, broken={(3, None, "columns"), (5, 3, "range")})),
    one("a CPR number in a field more than the header", C, partial(_field_behind, ";010190-0000"),
        current(10, 7, 1, broken={(3, None, "columns"), (5, 3, "range")}, perhaps=frozenset({(3, None, "cpr")}))),
    # A trailing separator makes a field more that is empty; to the letter that is too many, to a person it is nothing.
    one("a blank field more than the header", C, partial(_field_behind, ";"),
        current(10, 7, 2, broken={(5, 3, "range")}),
        current(10, 7, 1, broken={(3, None, "columns"), (5, 3, "range")})),
    one("one field fewer than the header, an optional one", C, partial(_short, 35), current(4, 2, 2)),
    one("two fields fewer than the header", C, partial(_short, 34), current(4, 1, 2, broken={(5, 35, "missing")})),
    one("a row with values in unknown columns only", C,
        lambda code: csv_bytes([*grid([row | {"Note": ""} for row in good(code)], headers=[*HEADERS, "Note"],
                                      keys=[*KEYS, "Note"]), [""] * 36 + ["i alt 3"]]), *GOOD),
    one("rows with nothing but spaces", C,
        lambda code: csv_bytes([*grid(good(code)), [" ", "\u00a0", "\u200b", "\ufeff", "\t"],
                                *grid(fill(code, 1))[1:]]),
        current(4, 2, 2)),
    one("no cases and no word about it", C, lambda _: csv_bytes(grid([])), rejected("empty")),
    *(
        one(f"no cases, in the name: {name}", name, lambda _: csv_bytes(grid([])), current(0, 0, 0))
        for name in ("nulindberetning.csv", "Ishøj NulIndberetning.CSV", "Skema_nulindberetning.csv")
    ),
    one("no cases, but the name goes on", "nulindberetning (2).csv", lambda _: csv_bytes(grid([])), rejected("empty")),
    one("no cases and no header, whatever the name", "nulindberetning.csv", lambda _: b"ingen sager\r\n",
        rejected("empty"), *NO_HEADER),
    one("cases, whatever the name", "nulindberetning.csv", lambda code: good_text(code).encode(), *GOOD),
    one("a text that is no form", C, lambda _: b"Kaere KL\r\nSe vedlagte.\r\n", *NO_HEADER),
]  # fmt: skip


# --- encodings -------------------------------------------------------------------------------------------------------

DANISH = "ærø åben Ø"


def _noted(code: str) -> Grid:
    return grid([case(code, "A-1", comment=DANISH), *good(code)[1:]])


KEPT = current(answers={("A-1", "comment"): DANISH})
NOT_UTF_8 = rejected("unreadable", "UTF-8")


def _with_byte(byte: bytes, encoding: str, code: str) -> bytes:
    return csv_text(_noted(code)).encode(encoding).replace(b"ben", byte + b"ben", 1)


ENCODINGS = [
    one("UTF-8", C, lambda code: csv_bytes(_noted(code)), KEPT),
    one("UTF-8 with a mark", C, lambda code: csv_bytes(_noted(code), encoding="utf-8-sig"), KEPT),
    one("UTF-8 with three marks", C, lambda code: b"\xef\xbb\xbf" * 2 + csv_bytes(_noted(code), encoding="utf-8-sig"),
        KEPT),
    one("Windows-1252", C, lambda code: csv_bytes(_noted(code), encoding="cp1252"), KEPT),
    one("Windows-1252 with its own signs", C,
        lambda code: csv_bytes(grid([case(code, "A-1", comment="“€”"), *good(code)[1:]]), encoding="cp1252"),
        current(answers={("A-1", "comment"): "“€”"})),
    one("Windows-1252 and keys", C, lambda code: csv_bytes(grid(good(code), headers=KEYS), encoding="cp1252"), *GOOD),
    # Five bytes mean nothing in Windows-1252: some decoders refuse them, others pass them on.
    one("a byte that Windows-1252 does not have", C, partial(_with_byte, b"\x81", "cp1252"), current(), NOT_UTF_8),
    one("a NUL byte in Windows-1252", C, partial(_with_byte, b"\0", "cp1252"), NOT_UTF_8),
    # NUL is a character of UTF-8, if no text; the specification names it for Windows-1252 only.
    one("a NUL byte in UTF-8", C, partial(_with_byte, b"\0", "utf-8"), current(), rejected("unreadable")),
    one("UTF-16 with a mark", C, lambda code: csv_bytes(_noted(code), encoding="utf-16"), NOT_UTF_8),
    one("UTF-16 of the other order", C, lambda code: b"\xfe\xff" + csv_bytes(_noted(code), encoding="utf-16-be"),
        NOT_UTF_8),
    one("UTF-16 without a mark", C, lambda code: csv_bytes(_noted(code), encoding="utf-16-le"), NOT_UTF_8),
    # Every byte of it is UTF-8: text in which no header is found, or, NUL bytes left out, the right one.
    one("UTF-16 without a mark, letters of ASCII only", C,
        lambda code: csv_bytes(grid([terse(code, "A-1")], headers=KEYS), encoding="utf-16-le"), *NO_HEADER,
        current(1, 1, 0)),
    one("UTF-32", C, lambda code: csv_bytes(_noted(code), encoding="utf-32"), NOT_UTF_8),
    # Decoded as Windows-1252 the headers with Danish letters do not fit, the others do.
    one("code page 850", C, lambda code: csv_bytes(_noted(code), encoding="cp850"), NOT_UTF_8, *NO_HEADER),
    one("one byte of Windows-1252 in UTF-8", C, partial(_with_byte, b"\xe6", "utf-8"), NOT_UTF_8, *NO_HEADER),
    one("decomposed letters", C, lambda code: unicodedata.normalize("NFD", csv_text(_noted(code))).encode(), KEPT),
]  # fmt: skip


# --- headers ---------------------------------------------------------------------------------------------------------


def _headed(headers: list[str], code: str) -> bytes:
    return csv_bytes(grid(good(code), headers=headers))


def _without(*keys: str) -> Callable[[str], bytes]:
    left = [key for key in KEYS if key not in keys]
    headers = [HEADERS[KEYS.index(key)] for key in left]
    return lambda code: csv_bytes(grid(good(code), headers=headers, keys=left))


SHUFFLED = sorted(KEYS, key=lambda key: key[::-1])


def _mixed_forms() -> list[str]:
    """Take number and text, text, and key in turn."""
    return [(HEADERS, TEXTS, KEYS)[index % 3][index] for index in range(36)]


def _extra(header: str, value: str, code: str) -> bytes:
    rows = [row | {"x": ""} for row in good(code)]
    rows[1] |= {"x": value}
    return csv_bytes(grid(rows, headers=[*HEADERS, header], keys=[*KEYS, "x"]))


HEADS = [
    one("number and text", C, partial(_headed, HEADERS), *GOOD),
    one("text alone", C, partial(_headed, TEXTS), *GOOD),
    one("keys", C, partial(_headed, KEYS), *GOOD),
    one("every form in one header", C, partial(_headed, _mixed_forms()), *GOOD),
    one("capitals", C, partial(_headed, [header.upper() for header in HEADERS]), *GOOD),
    one("keys in capitals", C, partial(_headed, [key.upper() for key in KEYS]), *GOOD),
    one("small letters", C, partial(_headed, [header.lower() for header in HEADERS]), *GOOD),
    one("surplus spaces", C, partial(_headed, [f"  {header.replace(' ', '  ')} " for header in HEADERS]), *GOOD),
    one("line breaks", C, partial(_headed, [header.replace(" ", "\n") for header in HEADERS]), *GOOD),
    one("spaces that do not break", C, partial(_headed, [header.replace(" ", "\u00a0") for header in HEADERS]), *GOOD),
    one("soft hyphens", C, partial(_headed, [header.replace("e", "e\u00ad") for header in HEADERS]), *GOOD),
    one("decomposed letters in the header", C,
        partial(_headed, [unicodedata.normalize("NFD", header) for header in HEADERS]), *GOOD),
    one("a header of en dashes", C, partial(_headed, [header.replace("-", "–") for header in HEADERS]), *GOOD),
    one("columns in another order", C,
        lambda code: csv_bytes(grid(good(code), headers=[HEADERS[KEYS.index(key)] for key in SHUFFLED],
                                    keys=SHUFFLED)), *GOOD),
    one("no optional columns", C, _without("secondary_target_groups", "behaviour_types", "comment"),
        current(answers={("A-1", "comment"): None})),
    one("no column for question 22", C, _without("provider"), rejected("missing_questions", "22|Hvem driver")),
    one("no column for the municipality", C, _without("municipality_code"),
        rejected("missing_questions", r"\b1\b|Kommunekode")),
    one("no columns for two questions", C, _without("provider", "age"),
        rejected("missing_questions", "22.*3|3.*22|alder.*driver|driver.*alder")),
    one("nine questions", C, _without(*KEYS[9:]), *NO_HEADER),
    one("ten questions", C, _without(*KEYS[10:]), rejected("missing_questions")),
    one("question 12 twice", C, partial(_extra, "target_group", ""),
        rejected("duplicate_question", r"12\. Borgerens.*target_group|\bL\b.*\bAK\b|\b12\b.*\b37\b")),
    one("question 12 twice in the same words", C, partial(_extra, HEADERS[11], ""), rejected("duplicate_question")),
    one("a column nobody knows", C, partial(_extra, "Sagsbehandlers initialer", "xyz"),
        current(warns="Sagsbehandlers initialer")),
    one("a CPR number for the name of a column", C, partial(_extra, "Journal 010190-0000", "xyz"),
        current(warns="Journal|kolonne")),
    one("a CPR number in a column nobody knows", C, partial(_extra, "Personnummerkolonne", "010190-0000"),
        current(3, 1, 1, broken={(3, None, "cpr")},
                tells={(3, None, "cpr"): r"\A(?!.*Personnummerkolonne)"})),
    # Question 20 has its number in the header of another: neither text nor key, so a column nobody knows.
    one("a header that is a number alone", C, partial(_extra, "99", ""), *GOOD),
]  # fmt: skip


# --- answers ---------------------------------------------------------------------------------------------------------


def typed(key: str, value: object, *rules: str, accepted: object = None, perhaps: str = "") -> Case:
    """One row with this answer: it breaks one of the rules, or none and is taken for the accepted answer."""
    number = number_of(key)
    more = {"perhaps": frozenset({(2, number, perhaps)})} if perhaps else {}
    outcomes = [current(4, 1, 2, broken={(2, number, rule)}, **more) for rule in rules]
    if accepted is not None or not rules:
        below = key == "residential_cost_dkk" and isinstance(accepted, int) and accepted < 2_000_000
        known = {} if accepted is None else {("B-1", key): accepted}
        outcomes.append(current(4, 1 if below else 2, 3 if below else 2, answers=known))
    shown = ascii(value) if len(str(value)) < 60 else f"{len(str(value))} characters"
    return one(f"{key} {shown}", C, lambda code: csv_bytes(grid([case(code, "B-1", **{key: value}), *good(code)])),
               *outcomes)  # fmt: skip


COST = "residential_cost_dkk"
AMOUNTS = [
    *(
        typed(COST, value, accepted=kroner)
        for value, kroner in {
            "2345678": 2_345_678, "2.345.678": 2_345_678, "2 345 678": 2_345_678, "2.345.678,50": 2_345_679,
            "2.345.678,49": 2_345_678, "2345678,5": 2_345_679, "2345677,5": 2_345_678, "2345678,499999": 2_345_678,
            "2 345 678,00": 2_345_678, "2\u00a0345\u00a0678": 2_345_678, "2\u2009345\u202f678": 2_345_678,
            "kr. 2.345.678": 2_345_678, "kr 2.345.678": 2_345_678, "DKK 2.345.678": 2_345_678,
            "dkk2345678": 2_345_678, "2.345.678 kr.": 2_345_678, "2.345.678kr": 2_345_678,
            "2.345.678 KR.": 2_345_678, "2.345.678,00 DKK": 2_345_678, "Kr.2.345.678,00": 2_345_678,
            " 2.345.678\u00a0kr. ": 2_345_678, "2\u00ad.345.678": 2_345_678,
            "2,4 mio.": 2_400_000, "2,4 mio. kr.": 2_400_000, "2,4 mio": 2_400_000, "3 mio. kr.": 3_000_000,
            "2,4 MIO. KR.": 2_400_000, "2,345678 mio. kr.": 2_345_678, "2,3456785 mio.": 2_345_679,
            "2,4\u00a0mio.\u00a0kr.": 2_400_000,
            "0": 0, "0,00": 0, "0 kr.": 0, "-0,4": 0, "10000": 10_000, "1.999.999,49": 1_999_999,
            "1.999.999,50": 2_000_000, "50.000.000": 50_000_000, "50.000.000,49": 50_000_000, "50 mio. kr.": 50_000_000,
        }.items()
    ),
    *(
        typed(COST, value, "range")
        for value in ("-1", "-1,00 kr.", "−1", "–1", "-2.345.678", "50.000.000,50", "50000001", "51 mio. kr.",
                      "50,0000005 mio.", "9" * 30)
    ),
    # Half up: towards the greater number to some, away from zero to others.
    typed(COST, "-0,5", "range", accepted=0),
    # Where a minus may stand beside a currency is not said.
    typed(COST, "kr. -1", "range", "amount"),
    *(typed(COST, value, "unit") for value in ("2345", "2.345", "2,5", "9999", "9.999,49", "0,5", "1")),
    *(
        typed(COST, value, "amount")
        for value in (
            "2,345,678", "2,345.67", "2.345.67", "2.3456.789", "23.45.678", "2.4", "2.4 mio.", "1e6", "2,3E+06",
            "2_345_678", "2 345678", "2.345 678,5 0", "2.345.678,-", "ca. 2 mio.", "2-3 mio.", "2,4 mia.", "to mio.",
            "€ 2.345.678", "2.345.678 EUR", "2.345.678,50,1", "2..345.678", "2.345.678.", "kr.", "mio.", "-", "ukendt",
            "0x1F", "2345678 1", "--1", "=2345678", "2.345.678 kr. pr. år", "２３４５６７８", "٢٣٤٥٦٧٨", "½",
        )
    ),
    # Mixed separators: each in its place, but not of one kind.
    typed(COST, "2.345 678", "amount", accepted=2_345_678),
    # Words for what is no number: text in a CSV file, and what a data frame writes for a blank or an infinity.
    typed(COST, "NaN", "amount", "missing"),
    typed(COST, "inf", "amount", "range"),
    # More digits than Python turns into a number.
    typed(COST, "9" * 5_000, "range", "amount"),
    typed(COST, "1." + "111." * 8_000 + "11", "amount", "range"),
    one("7 and 8 together are 10,000", C,
        lambda code: csv_bytes(grid([case(code, "B-1", residential_cost_dkk="5000", day_programme_cost_dkk="5000"),
                                     *good(code)])), current(4, 1, 3)),
    one("7 and 8 together are 9,999", C,
        lambda code: csv_bytes(grid([case(code, "B-1", residential_cost_dkk="0", day_programme_cost_dkk="9999"),
                                     *good(code)])), current(4, 1, 2, broken={(2, 7, "unit")})),
    one("7 and 8 together are 2,000,000", C,
        lambda code: csv_bytes(grid([case(code, "B-1", residential_cost_dkk="1.999.999", day_programme_cost_dkk="1"),
                                     *good(code)])), current(4, 2, 2)),
]  # fmt: skip

INTEGERS = [
    *(
        typed("age", value, accepted=years)
        for value, years in {"34": 34, "34.0": 34, "34,0": 34, " 34 ": 34, "\u00a034": 34, "18": 18, "110": 110}.items()
    ),
    *(typed("months_since_follow_up", value, accepted=int(value)) for value in ("0", "600")),
    *(typed("age", value, "range") for value in ("17", "111", "-34", "0")),
    *(typed("months_since_follow_up", value, "range") for value in ("601", "-1")),
    *(
        typed("age", value, "integer")
        for value in ("34,5", "34.5", "34 år", "3_4", "1e1", "fireogtredive", "1-5", "01-05-2022", "TRUE", "=34", "34;",
                      "34%", "３４", "0x22")
    ),
    typed("age", "", "missing"),
    typed("age", "NaN", "integer", "missing"),
    typed("age", "9" * 5_000, "range", "integer"),
]  # fmt: skip

OPTIONS = [
    *(
        typed(key, value, accepted=code)
        for key, value, code in (
            ("gender", "MAND", "male"), ("gender", "  mand ", "male"), ("gender", "male", "male"),
            ("gender", "Male", "male"), ("time_above_threshold", "1–2 år", "1_to_2_years"),
            ("time_above_threshold", "1—2\u00a0år", "1_to_2_years"), ("time_above_threshold", "1\u20112 år",
             "1_to_2_years"), ("time_above_threshold", "1−2 år", "1_to_2_years"),
            ("time_above_threshold", "Over 5 år, men ikke siden det 18. a\u030ar", "over_5_years"),
            ("main_cost_driver", "Personale\u00adnormering", "staffing"),
            ("main_cost_driver", "\ufeffNat\u200bdækning\u200e", "night_cover"),
            ("sentence", "Dom\u3000til\u2003tilsyn", "supervision"), ("sentence", "Dom  til tilsyn", "supervision"),
            ("use_of_force", "1-5", "1_to_5"), ("use_of_force", "1_TO_5", "1_to_5"), ("staffing", "1:1", "1_1"),
            ("placement_type", "Midlertidigt botilbud (SEL §\u00a0107)", "sel_107"),
        )
    ),
    typed("secondary_target_groups", "Udviklingshæmning; Socialt problem",
          accepted=frozenset({"intellectual_disability", "social_problem"})),
    typed("secondary_target_groups", ";social_problem ;; UDVIKLINGSHÆMNING;",
          accepted=frozenset({"intellectual_disability", "social_problem"})),
    typed("secondary_target_groups", "Udviklingshæmning; Sur", "option"),
    typed("gender", "", "missing"),
    typed("gender", "\u00a0\u200b", "missing"),
    typed("gender", "Kvinde; Mand", "option"),
    typed("in_residential_care", "SAND", "option"),
    typed("in_residential_care", "1", "option"),
    typed("use_of_force", "01-05-2022", "option"),
    typed("use_of_force", "1. maj", "option"),
    typed("staffing", "01:01:00", "option"),
    one("the nearest option is named", C,
        lambda code: csv_bytes(grid([case(code, "B-1", target_group="Udviklingshemning"), *good(code)])),
        current(4, 1, 2, broken={(2, 12, "option")}, tells={(2, 12, "option"): "Udviklingshæmning"})),
    one("one row breaks many rules", C,
        lambda code: csv_bytes(grid([case(code, "A-1", municipality_code="147", age="17,5", gender="X",
                                          residential_cost_dkk="2,345,678", provider="", months_since_follow_up="601",
                                          comment="010190-0000"), *good(code)[1:]])),
        current(3, 0, 2, broken={(2, 1, "municipality"), (2, 3, "integer"), (2, 4, "option"), (2, 7, "amount"),
                                 (2, 22, "missing"), (2, 33, "range"), (2, 36, "cpr")})),
]  # fmt: skip


# --- municipalities --------------------------------------------------------------------------------------------------


def named(municipality: str, right: tuple[str, ...], wrong: tuple[str, ...] = ()) -> Case:
    """One row for every way of writing question 1."""

    def content(code: str) -> bytes:
        written = [*wrong, *right]
        return csv_bytes(grid([*(case(value, f"K-{number}") for number, value in enumerate(written)),
                               *fill(code, 4 * len(wrong))]))  # fmt: skip

    rows, accepted = 5 * len(wrong) + len(right), 4 * len(wrong) + len(right)
    broken = {(2 + number, 1, "municipality") for number in range(len(wrong))}
    return one(f"question 1 of {municipality}", C, content, current(rows, accepted, 0, broken=broken),
               municipality=municipality)  # fmt: skip


MUNICIPALITIES = [
    named(
        "101",
        ("101", "0101", " 101 ", "København", "KØBENHAVN", "københavn kommune", "Københavns Kommune",
         "Københavns", "København  Kommune", "\u200bKøbenhavn"),
        ("102", "1010", "147", "0147", "Frederiksberg", "Kommune", "Københavnstrup", "101a", "1-0-1", "DK", "10",
         "1_01", "101,5"),
    ),
    named("400", ("400", "Bornholm", "Bornholms Regionskommune", "BORNHOLMS REGIONSKOMMUNE", "Bornholm Kommune"),
          ("411", "Christiansø")),
    named("185", ("Tårnby", "Ta\u030arnby Kommune", "TÅRNBY")),
    named("480", ("Nordfyns", "Nordfyns Kommune", "0480")),
    named("492", ("Ærø", "ærø kommune", "ÆRØ")),
    named("173", ("Lyngby-Taarbæk", "Lyngby–Taarbæk Kommune", "lyngby\u2011taarbæk")),
    named("420", ("Assens", "Assens Kommune")),
    named("580", ("Aabenraa", "Aabenraa Kommune", "Aabenraas Kommune")),
    named("169", ("Høje-Taastrup", "Høje-Taastrup Kommune")),
    named("479", ("Svendborg", "Svendborg Kommune"), ("Svendborg Lufthavn",)),
    one("question 1 as a number", "skema.xlsx",
        lambda code: xlsx(sheet(grid([*good(code), case(x_number(code), "A-4"), case(x_number(f"{code}.0"), "A-5")]))),
        current(5, 3, 2)),
    one("question 1 as a number that is not whole", "skema.xlsx",
        lambda code: xlsx(sheet(grid([*good(code), case(x_number(f"{code}.5"), "A-4")]))),
        current(4, 1, 2, broken={(5, 1, "municipality")})),
    one("question 1 blank", C, lambda code: csv_bytes(grid([*good(code), case("", "A-4")])),
        current(4, 1, 2, broken={(5, 1, "missing")})),
]  # fmt: skip


# --- case ids --------------------------------------------------------------------------------------------------------


def ids(name: str, first: object, second: object, *, same: bool | None, file: str = C) -> Case:
    """Give two cases with these ids: the later one is a duplicate, or not; None where both can be defended."""

    def content(code: str) -> bytes:
        rows = grid([case(code, first), case(code, second), *good(code)])
        return xlsx(sheet(rows)) if file.endswith("xlsx") else csv_bytes(rows)

    outcomes = {True: current(5, 2, 2, broken={(3, 2, "duplicate")}), False: current(5, 3, 2)}
    return one(f"case ids {name}", file, content, *(outcomes.values() if same is None else [outcomes[same]]))


def _duplicate_of_a_rejected(code: str) -> bytes:
    return csv_bytes(grid([case(code, "B-1", age=""), case(code, "B-1"), *fill(code, 8)]))


IDS = [
    ids("of two cases", "S-1", "S-2", same=False),
    ids("alike", "S-1", "S-1", same=True),
    ids("in another case", "Sag-Ø1", "sAG-ø1", same=True),
    ids("with another dash", "S-1", "S–1", same=True),
    ids("with a dash that does not break", "S-1", "S\u20111", same=True),
    ids("with a minus sign", "S-1", "S−1", same=True),
    ids("with another space", "S 1", "S\u00a01", same=True),
    ids("with two spaces", "S 1", "S  1", same=True),
    ids("with spaces around", "S-1", "  S-1 ", same=True),
    ids("with a soft hyphen", "S-1", "S-\u00ad1", same=True),
    ids("decomposed", "Å-1", "A\u030a-1", same=True),
    # Folding may make every dash and space alike, or leave them out.
    ids("with a space for a dash", "S-1", "S 1", same=None),
    ids("without the dash", "S-1", "S1", same=None),
    ids("with leading zeros", "007", "7", same=False),
    ids("with more leading zeros", "S-01", "S-1", same=False),
    ids("as a whole number with a decimal point", "12", "12.0", same=None),
    ids("as number and text", x_number("12"), "12", same=True, file="skema.xlsx"),
    ids("as number and number with a decimal", x_number("12"), x_number("12.0"), same=True, file="skema.xlsx"),
    ids("as number and text with leading zeros", x_number("7"), "007", same=False, file="skema.xlsx"),
    ids("as great numbers", x_number("123456789012345"), "123456789012345", same=True, file="skema.xlsx"),
    one("a case id of a rejected row", C, _duplicate_of_a_rejected,
        current(10, 8, 0, broken={(2, 3, "missing"), (3, 2, "duplicate")})),
    one("blank case ids", C, lambda code: csv_bytes(grid([case(code, ""), case(code, ""), *fill(code, 8)])),
        current(10, 8, 0, broken={(2, 2, "missing"), (3, 2, "missing")})),
    one("a case id three times", C,
        lambda code: csv_bytes(grid([case(code, "B-1"), case(code, "b-1"), case(code, "B-1"), *fill(code, 8)])),
        current(11, 9, 0, broken={(3, 2, "duplicate"), (4, 2, "duplicate")})),
    one("two of ten rows rejected", C,
        lambda code: csv_bytes(grid([case(code, "B-1", age="1"), case(code, "B-2", age="1"), *fill(code, 8)])),
        current(10, 8, 0, broken={(2, 3, "range"), (3, 3, "range")})),
    one("two of nine rows rejected", C,
        lambda code: csv_bytes(grid([case(code, "B-1", age="1"), case(code, "B-2", age="1"), *fill(code, 7)])),
        rejected("too_many_rejected_rows", "2")),
    one("two of two rows rejected", C,
        lambda code: csv_bytes(grid([case(code, "B-1", age="1"), case(code, "B-2", age="1")])),
        rejected("too_many_rejected_rows")),
    one("the one row rejected", C, lambda code: csv_bytes(grid([case(code, "B-1", age="1")])),
        current(1, 0, 0, broken={(2, 3, "range")})),
    one("one of two rows rejected", C,
        lambda code: csv_bytes(grid([case(code, "B-1", age="1"), case(code, "B-2")])),
        current(2, 1, 0, broken={(2, 3, "range")})),
    one("a CPR number in a delivery with too many rejected rows", C,
        lambda code: csv_bytes(grid([case(code, "010190-0000"), case(code, "0101900000"), case(code, "A-1")])),
        rejected("too_many_rejected_rows")),
]  # fmt: skip


# --- CPR numbers -----------------------------------------------------------------------------------------------------

CPR_FORMS: Mapping[str, tuple[str, ...]] = {
    "comment": (
        "010190-0000", "0101900000", "010190 0000", "010190.0000", "010190–0000", "010190\u20110000", "010190−0000",
        "010190\u00a00000", "010190\u20090000", "０１０１９０-０００0", "٠١٠١٩٠٠٠٠٠", "010190\u00ad0000",
        "010190\u200b0000",
        "0\ufeff10190-0000", "Ring til 010190-0000.", "(010190-0000)", "cpr010190-0000x", "_010190-0000_",
        "nr. 12, 311299-0000", "290200-0000", "a\n010190-0000\nb", "010190-0000, 020290-0000",
    ),
    "case_id": ("010190-0000", "0101900000", "S-010190-0000", "S1-010190-0000", "0101900000-A"),
}  # fmt: skip
NOT_CPR = (
    "320190-0000", "001090-0000", "011390-0000", "300290-0000", "310490-0000", "20101900000", "01019000001",
    "12010190-0000", "010190-00001", "5700000000000", "+45 12 34 56 78", "010190-000", "10190-0000", "0101",
)  # fmt: skip

CPR = [
    *(typed(key, value, "cpr") for key, values in CPR_FORMS.items() for value in values),
    *(typed("comment", value, accepted=value) for value in NOT_CPR),
    # The day and month may be right in a leap year only; the year has two digits, and none of 1889 and 1989 is one.
    typed("comment", "290289-0000", "cpr", accepted="290289-0000"),
    # A dash with spaces around it is not among the forms that are listed.
    typed("comment", "010190 - 0000", "cpr", accepted="010190 - 0000"),
    # A whole number of nine digits, if the text of a CSV file can be one.
    typed("comment", "101900000", "cpr", accepted="101900000"),
    # Any cell: the answer breaks its own rule as well.
    typed("gender", "010190-0000", "cpr", perhaps="option"),
    typed("age", "0101900000", "cpr", perhaps="range"),
    typed("age", "010190-0000", "cpr", perhaps="integer"),
    typed("residential_cost_dkk", "0101900000", "cpr", perhaps="range"),
    typed("residential_cost_dkk", "kr. 010190-0000", "cpr", perhaps="amount"),
    typed("secondary_target_groups", "Socialt problem; 010190-0000", "cpr", perhaps="option"),
    typed("municipality_code", "0101900000", "cpr", perhaps="municipality"),
]  # fmt: skip
