"""What a cell of the form allows: the rule, the drop-down and the Danish help of each question.

Everything here is derived from the question catalogue. Where cells stand and how sheets look belongs in `form.py`; what
a delivered answer must be is the ingest's business: the form stops mistakes early, and nothing that the ingest accepts
in an answer written the Danish way.
"""

import datetime as dt

from pipelines.ingest.limits import SCREENING, Traits, danish
from pipelines.ingest.rules import FIRST_YEAR, LAST_YEAR
from schemas.questionnaire import Question

# Excel evaluates the formula of a data validation only up to this length.
FORMULA_LIMIT = 255

CASE_ID = "case_id"
_KEYS_DA = {
    "citizen_id": "Kommunens eget pseudonym for borgeren, det samme i alle rækker. Skriv aldrig et CPR-nummer.",
    "initiative": "Kommunens egen nøgle for tiltaget, den samme i alle udtræk. Skriv aldrig et CPR-nummer.",
}

KINDS_DA = {
    "code": "Kommunekode",
    "text": "Tekst",
    "integer": "Helt tal",
    "amount": "Beløb i hele kroner pr. år",
    "single": "Ét svar fra listen",
    "multiple": "Et eller flere svar, adskilt af semikolon",
    "date": "Dato",
}


def list_name(question: Question) -> str:
    """The defined name of a closed question's options."""
    return f"Svar_{question.number}"


def kind_da(question: Question, traits: Traits = SCREENING) -> str:
    """What kind of answer a question wants, for the guide sheet."""
    # What an extract's amounts are per is asked in the extract.
    return "Beløb i hele kroner" if question.kind == "amount" and traits != SCREENING else KINDS_DA[question.kind]


def allowed_da(question: Question, traits: Traits = SCREENING) -> str:
    """What may be answered, in full, for the guide sheet."""
    if question.is_closed:
        return "; ".join(option.label_da for option in question.options)
    return _help_da(question, traits)


def validation(question: Question, cell: str, column: str, traits: Traits = SCREENING) -> dict[str, object]:
    """The data validation of a question's cells, as XlsxWriter takes it.

    Args:
        question: the question.
        cell: relative address of the first cell, `C2`; the spreadsheet moves it along for the cells below.
        column: absolute address of all cells, `$C$2:$C$501`.
        traits: the form's.
    """
    title = f"{traits.question_da.capitalize()} {question.number}"
    may_be_blank = " Feltet må stå tomt." if question.optional else ""
    options: dict[str, object] = {
        "validate": "any",
        "input_title": title,
        "input_message": _help_da(question, traits) + may_be_blank,
    }
    if question.kind == "single":
        options |= {"validate": "list", "value": f"={list_name(question)}"}
    elif question.kind == "date":
        between = {"minimum": dt.date(FIRST_YEAR, 1, 1), "maximum": dt.date(LAST_YEAR, 12, 31)}
        options |= {"validate": "date", "criteria": "between", **between}
    elif formula := _formula(question, cell, column):
        options |= {"validate": "custom", "value": formula}
    if options["validate"] != "any":
        options |= {"error_type": "stop", "error_title": title, "error_message": _error_da(question)}
    return options


def code_formula(cell: str) -> str:
    """True for a number of three digits and for any text that is no number: the municipality's name is accepted too."""
    number = _number(cell)
    return f"=IFERROR(AND({number}>=100,{number}<=999),TRUE)"


def _formula(question: Question, cell: str, column: str) -> str | None:
    if question.kind == "code":
        return code_formula(cell)
    number = _number(cell)
    within = f"{number}>={question.minimum},{number}<={question.maximum}"
    if question.kind == "integer":
        return f"=IFERROR(AND({within},{number}=INT({number})),FALSE)"
    if question.kind == "amount":
        # With a unit, `2,4 mio. kr.`, it is no number to a spreadsheet; the ingest reads it.
        unit = ",".join(f'ISNUMBER(SEARCH("{unit}",{cell}))' for unit in ("kr", "dkk", "mio"))
        return f"=IFERROR(AND({within}),OR({unit}))"
    if question.key == CASE_ID:
        return f"=AND(SUMPRODUCT(--({column}={cell}))=1,{_no_cpr(cell)})"
    if question.key in _KEYS_DA:
        return f"={_no_cpr(cell)}"
    return None


def _number(cell: str) -> str:
    # The cells are formatted as text, so that 1-5 is not turned into a date, and what is typed arrives as text.
    # NUMBERVALUE reads it the Danish way, 2.345.678,50, in every language of Excel; a number it takes as it is.
    return f'_xlfn.NUMBERVALUE({cell},",",".")'


def _no_cpr(cell: str) -> str:
    # Ten digits that start with a day and a month, with or without a hyphen or space; the ingest knows the rarer ways.
    digits = f'SUBSTITUTE(SUBSTITUTE({cell},"-","")," ","")'
    return f'OR(LEN({digits})<>10,ISERROR(_xlfn.NUMBERVALUE({digits})),LEFT({cell},2)>"31",MID({cell},3,2)>"12")'


def _help_da(question: Question, traits: Traits) -> str:
    if question.key == CASE_ID:
        return "Kommunens eget løbenummer, fx 1, 2, 3. Ét nummer pr. sag. Skriv aldrig et CPR-nummer."
    if question.key in _KEYS_DA:
        return _KEYS_DA[question.key]
    if question.is_number:
        return _number_help_da(question, traits)
    return {
        "code": "Tre cifre, fx 101. Kommunens navn kan også bruges.",
        "text": "Kort tekst uden personoplysninger: ingen navne, adresser eller CPR-numre.",
        "single": "Vælg ét svar fra listen.",
        "multiple": (
            "Skriv et eller flere svar med semikolon imellem, fx Svar A; Svar B. Svarene står under spørgsmål "
            f"{question.number} i arket Svarmuligheder."
        ),
        "date": f"En dato i årene {FIRST_YEAR} til {LAST_YEAR}, fx 01-04-2023.",
    }[question.kind]


def _number_help_da(question: Question, traits: Traits) -> str:
    if question.kind == "integer":
        return f"Et helt tal {_bounds_da(question)}."
    if traits != SCREENING:
        return f"Hele kroner {_bounds_da(question)}, fx 2345678, 2.345.678 eller 2,4 mio. kr. Skriv ikke beløbet i tusinder."
    return (
        f"Hele kroner pr. år {_bounds_da(question)}, fx 2345678, 2.345.678 eller 2,4 mio. kr. Skriv ikke beløbet "
        "i tusinder. Er der ingen udgift: skriv 0."
    )


def _error_da(question: Question) -> str:
    if question.key == CASE_ID:
        return (
            "Sagsnøglen er brugt i en anden række, eller den ligner et CPR-nummer. Brug kommunens eget løbenummer, "
            "ét pr. sag."
        )
    if question.key in _KEYS_DA:
        return "Nøglen ligner et CPR-nummer. Brug kommunens egen nøgle."
    if question.kind == "date":
        return f"Skriv en dato i årene {FIRST_YEAR} til {LAST_YEAR}, fx 01-04-2023."
    if question.kind == "integer":
        return f"Skriv et helt tal {_bounds_da(question)} kun med cifre."
    if question.kind == "amount":
        return f"Skriv hele kroner {_bounds_da(question)}, fx 2345678, 2.345.678 eller 2,4 mio. kr."
    if question.kind == "code":
        return "Kommunekoden har tre cifre, fx 101."
    return "Svaret er ikke en af svarmulighederne. Vælg et svar fra listen."


def _bounds_da(question: Question) -> str:
    if question.kind == "integer":
        return f"fra {question.minimum} til {question.maximum}"
    return f"fra {danish(question.minimum or 0)} til {danish(question.maximum or 0)}"
