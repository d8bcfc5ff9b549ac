"""What a municipality reads about a broken rule: the cell, what was found, what is allowed. Danish, plain.

A value that may be a CPR number is never shown.
"""

import difflib
import re
from functools import lru_cache

from pipelines.ingest.limits import danish
from pipelines.ingest.rules import FIRST_YEAR, LAST_YEAR
from pipelines.ingest.text import match_key
from schemas.questionnaire import Question
from schemas.service_areas import service_areas

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
EXTRACT_RULES_DA = RULES_DA | {
    "duplicate": "Står også i en tidligere række",
    "date": "Ikke en dato",
    "end_before_start": "Slutdatoen ligger før startdatoen",
    "age": "Borgeren er under 18 år",
    "price": "Prisen passer ikke til ydelsen",
    "future": "Startdatoen ligger for langt ude i fremtiden",
}
_FAULTS_DA = {
    "columns": (
        "Linjen har flere felter end overskriften. Sæt tekst, der indeholder skilletegnet, i citationstegn, eller aflever "
        "som .xlsx."
    ),
    "unit": (
        "Udgiften til botilbud og dagtilbud er tilsammen under 10.000 kr. om året og ser ud til at være opgjort i tusinder "
        "eller millioner. Skriv beløbet i hele kroner, f.eks. 2.345.678."
    ),
    "end_before_start": (
        "Slutdatoen ligger før startdatoen. Slutdatoen er ydelsens sidste dag. Ret den ene af datoerne."
    ),
    "age": (
        "Borgeren er under 18 år i det år, hvor ydelsen starter, og udtrækket er kun om voksne. Ret fødselsåret eller "
        "startdatoen, eller slet rækken."
    ),
}
_DUPLICATE_DA = (
    "Sagsnøglen står også i en tidligere række. Hver sag skal have sin egen nøgle, og hver sag tælles én gang."
)
_DUPLICATES_DA = {
    "line": "Linjen står også i en tidligere række for samme år. Skriv hver linje én gang for hvert år.",
    "initiative": "Tiltaget står også i en tidligere række for samme år. Skriv hvert tiltag én gang for hvert år.",
}
_KEYS_DA = {
    "citizen_id": "kommunens egen nøgle for borgeren",
    "initiative": "kommunens egen nøgle for tiltaget",
    "name": "tiltagets navn",
}
_SHOWN_CHARACTERS = 60
_REMEMBERED = 1_000
_DATE_OR_TIME = re.compile(r"\d{4}-\d{2}-\d{2}( .*)?|\d{1,3}:\d{2}:\d{2}(\..*)?")


def row_message(  # noqa: PLR0913 - each is a column of its own
    rule: str,
    question: Question | None,
    found: str | None,
    *,
    row: int,
    place: str | None,
    is_workbook: bool,
    about: str | None = None,
) -> str:
    """The message for one broken rule.

    Args:
        rule: its name.
        question: the question it is about, if any.
        found: the cell as folded text, if it may be shown.
        row: the row as a spreadsheet shows it.
        place: the letters of the question's column, if it has one.
        is_workbook: whether the row comes from a spreadsheet program's own format.
        about: what else the rule follows from: of `price` the code of the service area, of `future` the last year.
    """
    if question is None:
        where = f"Række {row}"
    else:
        where = f"Celle {place}{row} ({question.header})" if place else f"Række {row} ({question.header})"
    return f"{where}: {_fault(rule, question, found, about, is_workbook=is_workbook)}"


def _fault(rule: str, question: Question | None, found: str | None, about: str | None, *, is_workbook: bool) -> str:
    if rule in _FAULTS_DA:
        return _FAULTS_DA[rule]
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
            return _DUPLICATES_DA.get(question.key, _DUPLICATE_DA)
        case "price" if about is not None:
            return _price_fault(found, about)
        case "future":
            return f"Startdatoen ligger efter 31. december {about}, det seneste år, der gøres op. Ret den, eller slet rækken."
    hint = ""
    if question.kind != "date" and found is not None and _DATE_OR_TIME.fullmatch(found):
        hint = (
            " Regneark laver svar som 1-5 og 1:1 om til en dato eller et klokkeslæt: formatér cellen som tekst, og skriv "
            "svaret igen."
        )
    elif rule == "option" and found is not None:
        hint = _nearest(question, found)
    return f"{_found(found)} Tilladt: {_allowed(question)}.{hint}"


def _price_fault(found: str | None, service_area: str) -> str:
    area = service_areas()[service_area]
    return (
        f"{_found(found)} Regnet om til et år ligger prisen uden for {danish(area.price_min_dkk)} til "
        f"{danish(area.price_max_dkk)} kr., som er grænserne for {area.label_da}. Måske er enheden forkert: står prisen pr. "
        "dag, pr. måned eller pr. år? Ret prisen eller enheden."
    )


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
        case "date":
            return (
                f"en dato i årene {FIRST_YEAR} til {LAST_YEAR} med fire cifre i årstallet, f.eks. 01-04-2023, 1.4.2023, "
                "1. april 2023 eller 2023-04-01"
            )
        case "single":
            return "én af svarmulighederne " + " / ".join(option.label_da for option in question.options)
        case "multiple":
            return "svarmulighederne, adskilt af semikolon: " + " / ".join(o.label_da for o in question.options)
        case "text":
            if question.key in _KEYS_DA:
                return f"{_KEYS_DA[question.key]}, aldrig et CPR-nummer"
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
