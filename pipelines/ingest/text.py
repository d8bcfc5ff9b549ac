"""Folding of what people and programs write into cells, and CPR numbers. Imported by the reading child: no polars here."""

import re
import unicodedata

CPR_REMOVED = "[CPR-nummer fjernet]"

# Ten digits that start with a possible date, DDMMYY; 29 February is always possible, since the century is unknown.
# Modulus 11 proves nothing: it has not been guaranteed since October 2007 (CPR-kontoret).
_DATE = r"(?:(?:0[1-9]|[12]\d)(?:0[1-9]|1[0-2])|30(?:0[13-9]|1[0-2])|31(?:0[13578]|1[02]))\d{2}"
_CPR = re.compile(rf"(?<!\d){_DATE} ?[-.]? ?\d{{4}}(?!\d)")
_CPR_WITHOUT_ITS_ZERO = re.compile(r"([1-9]\d{2})([. ]?)(\d{3})\2(\d{3})(?:[.,]0{1,2})?")
_SPACES = {"Zs", "Zl", "Zp"}
_REMOVED = {"Cf", "Cc", "Cs"}
_BLANK_SYMBOLS = "\u2800\u3164"  # an empty braille pattern and a Hangul filler: they show as spaces
_DASH_SYMBOLS = "\u2212\u02d7\u2043"  # minus signs and a bullet: they show as dashes
_DOTS = "\uff0e\u00b7\u2024"
_JOINER = "\u034f"  # shows as nothing, as variation selectors do
_CONTROL_SPACES = "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85"


class _Folding(dict[int, str]):
    """What a character becomes; worked out once per character met."""

    def __missing__(self, codepoint: int) -> str:
        character = chr(codepoint)
        category = unicodedata.category(character)
        if category in _SPACES or character in _CONTROL_SPACES or character in _BLANK_SYMBOLS:
            folded = " "
        elif category == "Pd" or character in _DASH_SYMBOLS:
            folded = "-"
        elif category in _REMOVED or character == _JOINER or 0xFE00 <= codepoint <= 0xFE0F:
            folded = ""
        else:
            folded = character
        self[codepoint] = folded
        return folded


class _DigitFolding(dict[int, str]):
    """Every script's digits as 0-9 and every dot as a dot; worked out once per character met."""

    def __missing__(self, codepoint: int) -> str:
        character = chr(codepoint)
        digit = unicodedata.digit(character, None)
        self[codepoint] = "." if character in _DOTS else character if digit is None else str(digit)
        return self[codepoint]


_FOLDING = _Folding()
_DIGITS = _DigitFolding()


def fold(text: str) -> str:
    """The text in NFC without format and control characters, every space and dash folded, trimmed."""
    translated = text.translate(_FOLDING)
    if not translated.isascii():
        translated = unicodedata.normalize("NFC", translated)
    return " ".join(translated.split())


def match_key(text: str) -> str:
    """What two texts share that are to be taken as the same header or sheet name."""
    return fold(text).casefold()


def holds_cpr(folded: str) -> bool:
    """Whether a folded text holds something that looks like a CPR number."""
    return len(folded) >= 10 and _CPR.search(folded.translate(_DIGITS)) is not None


def is_cpr_without_its_zero(folded: str) -> bool:
    """Whether a folded text is a whole number that is a CPR number whose leading zero a spreadsheet dropped."""
    number = _CPR_WITHOUT_ITS_ZERO.fullmatch(folded.translate(_DIGITS))
    return number is not None and holds_cpr(f"0{number[1]}{number[3]}{number[4]}")


def mask_cpr(text: str) -> str:
    """The text with everything that looks like a CPR number replaced; unchanged where nothing does."""
    folded = fold(text)
    if not holds_cpr(folded):
        return text
    return _CPR.sub(CPR_REMOVED, folded.translate(_DIGITS))


def printable(name: str) -> str:
    """A file or folder name as it may be shown: bytes that are no UTF-8 and control characters escaped, CPR masked."""
    if name.isascii() and name.isprintable() and "  " not in name and not _CPR.search(name):
        return name  # as nearly all are
    # Masked first: an escape puts digits beside those of a number, or into it.
    decoded = mask_cpr(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in decoded)


def is_written(text: str) -> bool:
    """Whether somebody can read anything in a text: it has a letter or a digit."""
    return any(character.isalnum() for character in text)


def in_one_line(text: str) -> str:
    """What somebody wrote, so that no list or log that shows it can be taken for more lines than there are."""
    return printable(" ".join(text.split()))
