"""What a municipality reads about a broken rule: the cell, what was found, what is allowed. Danish, plain.

A value that may be a CPR number is never shown.
"""

import difflib
import re
from functools import lru_cache

from pipelines.ingest.limits import danish
from pipelines.ingest.text import match_key
from schemas.questionnaire import Question

RULES_DA = {
    "missing": "Svar mangler",
    "option": "Ikke en svarmulighed",
    "integer": "Ikke et helt tal",
    "range": "Uden for det tilladte interval",
    "amount": "Ikke et beløb",
    "unit": "Beløbet ligner tusinder eller millioner",
    "municipality": "En anden kommune",
    "duplicate": "Sagsnøglen er brugt før",
    "cpr": "Ligner et CPR-nummer",
    "columns": "For mange felter i linjen",
}
_SHOWN_CHARACTERS = 60
_REMEMBERED = 1_000
_DATE_OR_TIME = re.compile(r"\d{4}-\d{2}-\d{2}( .*)?|\d{1,3}:\d{2}:\d{2}(\..*)?")


def row_message(
    rule: str, question: Question | None, found: str | None, *, row: int, place: str | None, is_workbook: bool
) -> str:
    """The message for one broken rule.

    Args:
        rule: its name.
        question: the question it is about, if any.
        found: the cell as folded text, if it may be shown.
        row: the row as a spreadsheet shows it.
        place: the letters of the question's column, if it has one.
        is_workbook: whether the row comes from a spreadsheet program's own format.
    """
    if question is None:
        where = f"Række {row}"
    else:
        where = f"Celle {place}{row} ({question.header})" if place else f"Række {row} ({question.header})"
    return f"{where}: {_fault(rule, question, found, is_workbook=is_workbook)}"


def _fault(rule: str, question: Question | None, found: str | None, *, is_workbook: bool) -> str:
    if rule == "columns":
        return (
            "Linjen har flere felter end overskriften. Sæt tekst, der indeholder skilletegnet, i citationstegn, "
            "eller aflever som .xlsx."
        )
    if question is None:
        return "En kolonne, som ikke er i skemaet, ligner et CPR-nummer. Slet nummeret; skemaet må ikke indeholde CPR-numre."
    match rule:
        case "missing":
            hint = (
                " En tom celle kan være en fejlværdi fra regnearket (f.eks. #REF! eller #N/A)." if is_workbook else ""
            )
            return f"Svaret mangler. Tilladt: {_allowed(question)}.{hint}"
        case "cpr":
            return (
                "Cellen ligner et CPR-nummer (nummeret vises ikke). Slet det; skemaet må ikke indeholde CPR-numre. "
                f"Tilladt: {_allowed(question)}."
            )
        case "duplicate":
            return "Sagsnøglen står også i en tidligere række. Hver sag skal have sin egen nøgle, og hver sag tælles én gang."
        case "unit":
            return (
                "Udgiften til botilbud og dagtilbud er tilsammen under 10.000 kr. om året og ser ud til at være opgjort i "
                "tusinder eller millioner. Skriv beløbet i hele kroner, f.eks. 2.345.678."
            )
    hint = ""
    if found is not None and _DATE_OR_TIME.fullmatch(found):
        hint = (
            " Regneark laver svar som 1-5 og 1:1 om til en dato eller et klokkeslæt: formatér cellen som tekst, og skriv "
            "svaret igen."
        )
    elif rule == "option" and found is not None:
        hint = _nearest(question, found)
    return f"{_found(found)} Tilladt: {_allowed(question)}.{hint}"


def _found(found: str | None) -> str:
    if found is None:
        return "Cellen er tom."
    if sum(character.isdigit() for character in found) >= 9:
        return "Indholdet vises ikke, fordi det har mange cifre."
    shown = found if len(found) <= _SHOWN_CHARACTERS else found[:_SHOWN_CHARACTERS] + " …"
    return f'Fundet "{shown}".'


def _allowed(question: Question) -> str:
    match question.kind:
        case "code":
            return "kommunens egen kode (tre cifre) eller navn"
        case "integer":
            return f"et helt tal fra {question.minimum} til {question.maximum}"
        case "amount":
            return (
                f"hele kroner fra {danish(question.minimum or 0)} til {danish(question.maximum or 0)}, f.eks. 2.345.678, "
                "2.345.678,50 kr. eller 2,4 mio. kr"
            )
        case "single":
            return "én af svarmulighederne " + " / ".join(option.label_da for option in question.options)
        case "multiple":
            return "svarmulighederne, adskilt af semikolon: " + " / ".join(o.label_da for o in question.options)
        case "text":
            return (
                "kommunens eget løbenummer for sagen" if not question.optional else "fri tekst uden personoplysninger"
            )


def _nearest(question: Question, found: str) -> str:
    labels = {match_key(option.label_da): option.label_da for option in question.options}
    answers = [match_key(part) for part in (found.split(";") if question.kind == "multiple" else [found])]
    codes = {code.lower() for code in question.codes}
    wrong = next((a for a in answers if a and a not in labels and a not in codes), "")
    if not wrong or len(wrong) > _SHOWN_CHARACTERS:
        return ""
    nearest = _nearest_key(wrong, tuple(labels))
    return f' Nærmeste svarmulighed er "{labels[nearest]}".' if nearest else ""


# Comparing takes most of the time of a message, and the same answer is misspelt in the same way in many rows.
@lru_cache(_REMEMBERED)
def _nearest_key(wrong: str, keys: tuple[str, ...]) -> str | None:
    return next(iter(difflib.get_close_matches(wrong, keys, n=1)), None)
