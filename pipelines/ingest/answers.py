"""Parsing of answers: expressions from folded text to values. A null where the text is not blank is a broken rule.

Patterns come first and conversion after, because Python's and polars' own conversions also accept `1e6`, `2_345`, `NaN`
and full-width digits.
"""

from functools import cache

import polars as pl

from pipelines.ingest.text import match_key
from pipelines.reference.municipalities import municipalities
from schemas.questionnaire import Question

# A marker for a number that is one, but too large for any question: it breaks `range` and not `amount`.
_BEYOND = 10**15
_INFINITE = r"^-?∞$"
_INTEGER = r"^(-?)([0-9]+)(?:[.,]0{1,2})?$"
_AMOUNT = (
    r"(?i)^(?:(?:kr\.?|dkk) ?)?(-?)([1-9][0-9]{0,2}(?:\.[0-9]{3})+|[1-9][0-9]{0,2}(?: [0-9]{3})+|[0-9]+)(?:,([0-9]+))?"
    r" ?(mio\.?)?(?: ?(?:kr\.?|dkk))?$"
)
_CURRENCY_TWICE = r"(?i)^(?:kr|dkk).*(?:kr\.?|dkk)$"
_MOST_DIGITS = 14
# A spreadsheet's own dates arrive as ISO 8601, with the time of day where the program stores one.
_ISO_DATE = r"^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?$"
_DANISH_DATES = (
    r"^([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})$",
    r"^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})$",
    r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})$",
)
_MONTHS = (
    *("januar", "februar", "marts", "april", "maj", "juni"),
    *("juli", "august", "september", "oktober", "november", "december"),
)
_WRITTEN_DATE = rf"^([0-9]{{1,2}})\. ({'|'.join(_MONTHS)}) ([0-9]{{4}})$"


def amount_dkk(text: pl.Expr) -> pl.Expr:
    """Whole kroner (Int64), rounded half away from zero; null where the text is no amount. Infinities are beyond range."""
    parts = pl.when(~text.str.contains(_CURRENCY_TWICE)).then(text).str.extract_groups(_AMOUNT)
    sign, whole, decimals, million = (parts.struct.field(str(i)) for i in range(1, 5))
    digits = whole.str.replace_all(r"[. ]", "") + pl.when(million.is_not_null()).then(
        decimals.fill_null("").str.slice(0, 6).str.pad_end(6, "0")
    ).otherwise(pl.lit(""))
    next_digit = (
        pl.when(million.is_not_null())
        .then(decimals.fill_null("").str.slice(6, 1))
        .otherwise(decimals.fill_null("").str.slice(0, 1))
    )
    rounded = _whole(digits) + (next_digit >= "5").cast(pl.Int64)
    return (
        pl.when(text.str.contains(_INFINITE))
        .then(pl.lit(_BEYOND))
        .otherwise(pl.when(sign == "-").then(-rounded).otherwise(rounded))
    )


def integer(text: pl.Expr) -> pl.Expr:
    """A whole number (Int64), `34,0` and `34.0` included; null where the text is none."""
    parts = text.str.extract_groups(_INTEGER)
    number = _whole(parts.struct.field("2"))
    return pl.when(parts.struct.field("1") == "-").then(-number).otherwise(number)


def _whole(digits: pl.Expr) -> pl.Expr:
    digits = digits.str.strip_chars_start("0")
    return (
        pl.when(digits.str.len_chars() > _MOST_DIGITS)
        .then(pl.lit(_BEYOND))
        .otherwise(pl.when(digits == "").then(pl.lit("0")).otherwise(digits).cast(pl.Int64, strict=False))
    )


def date(text: pl.Expr) -> pl.Expr:
    """A day of the calendar (Date), written as ISO 8601 or the Danish way; null where the text is none."""
    iso = text.str.extract_groups(_ISO_DATE)
    written = text.str.to_lowercase().str.extract_groups(_WRITTEN_DATE)
    month = written.struct.field("2").replace_strict(
        {name: str(number) for number, name in enumerate(_MONTHS, start=1)}, default=None, return_dtype=pl.String
    )
    return pl.coalesce(
        _day(*(iso.struct.field(part) for part in "123")),
        *(_day(*(text.str.extract_groups(danish).struct.field(part) for part in "321")) for danish in _DANISH_DATES),
        _day(written.struct.field("3"), month, written.struct.field("1")),
    )


def _day(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    iso = pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-")
    return iso.str.to_date("%Y-%m-%d", strict=False)


def option(text: pl.Expr, question: Question) -> pl.Expr:
    """The code of the option whose label or code the text is (case does not matter); null where it is none.

    Where options have further spellings, a blank after a section sign does not matter either.
    """
    text = text.str.to_lowercase()
    if _is_spelt_freely(question):
        text = text.str.replace_all("§ ", "§", literal=True)
    return text.replace_strict(_codes(question), default=None, return_dtype=pl.String)


def _is_spelt_freely(question: Question) -> bool:
    return any(option.also for option in question.options)


def options(text: pl.Expr, question: Question) -> pl.Expr:
    """The codes (`a;b`, in the form's order, each once) of the options between semicolons; null where one is none.

    A text of nothing but semicolons is blank: null too.
    """
    chosen = text.str.split(";").list.eval(pl.element().str.strip_chars().filter(pl.element().str.strip_chars() != ""))
    codes = chosen.list.eval(option(pl.element(), question))
    in_order = pl.concat_list(
        pl.when(codes.list.contains(code)).then(pl.lit(code)).otherwise(None) for code in question.codes
    ).list.drop_nulls()
    is_broken = codes.list.eval(pl.element().is_null()).list.any()
    return pl.when(text.is_null() | is_broken | (chosen.list.len() == 0)).then(None).otherwise(in_order.list.join(";"))


def _codes(question: Question) -> dict[str, str]:
    known = {option.code.lower(): option.code for option in question.options} | {
        match_key(written).lower(): option.code
        for option in question.options
        for written in (option.label_da, *option.also)
    }
    if _is_spelt_freely(question):
        known = {written.replace("§ ", "§"): code for written, code in known.items()}
    return known


def municipality_code(text: pl.Expr) -> pl.Expr:
    """The three-digit code of the municipality that the text names by code or name; null where it names none."""
    return (
        text.str.to_lowercase()
        .str.replace_all("-", " ", literal=True)
        .str.replace_all("å", "aa", literal=True)
        .replace_strict(_municipality_names(), default=None, return_dtype=pl.String)
    )


def named_municipality(text: str) -> str | None:
    """The three-digit code of the municipality that one text names; None where it names none."""
    return _municipality_names().get(text.lower().replace("-", " ").replace("å", "aa"))


@cache
def _municipality_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for code, name in municipalities().select("municipality_code", "municipality_name").iter_rows():
        plain = match_key(name).replace("-", " ").replace("å", "aa")
        forms = {plain, plain + "s", plain.removesuffix("s")}
        for form in forms:
            for written in (form, f"{form} kommune", f"{form} regionskommune"):
                names.setdefault(written, code)
        names |= {code: code, f"0{code}": code}
    return names


def case_key(text: pl.Expr) -> pl.Expr:
    """What two case ids share that are the same: case, spaces and dashes aside, whole numbers as integers."""
    folded = text.str.to_lowercase().str.replace_all(r"[ -]", "").str.replace(r"^([0-9]+)[.,]0{1,2}$", "${1}")
    return pl.when(folded == "").then(text).otherwise(folded)
