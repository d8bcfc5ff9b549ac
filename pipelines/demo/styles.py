"""How differently municipalities fill in the same form: headers, amounts, labels. No answers and no bytes here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pipelines.demo.answers import COMMENT, Answer
from pipelines.demo.draws import Draws
from pipelines.demo.rows import Cell, FileFormat, Row
from schemas.questionnaire import Catalogue, Question

HeaderStyle = Literal["number_and_text", "text", "key"]
AmountStyle = Literal["number", "thousands", "kroner_and_oere", "millions"]
MunicipalityStyle = Literal["three_digits", "leading_zero", "number", "name", "name_kommune"]
AnswerStyle = Literal["label", "typographic_label", "code"]

# One municipality in so many uses these formats; all others send the filled-in workbook.
SHARE_OF_CSV = 4
SHARE_OF_ODS = 8
PARQUET_FILES = 2
SMALLEST_PARQUET = 5

EN_DASH = "\u2013"
NO_BREAK_SPACE = "\u00a0"


@dataclass(frozen=True, slots=True)
class Style:
    """How one municipality writes."""

    format: FileFormat
    municipality_name: str
    header: HeaderStyle
    amounts: AmountStyle
    municipality: MunicipalityStyle
    answers: AnswerStyle
    encoding: Literal["utf-8-sig", "utf-8", "cp1252"]
    extra_columns: tuple[str, ...]
    own_column_order: bool
    title_rows: int
    declares_the_number: bool


def drawn_formats(round_name: str, cases: Mapping[str, int]) -> dict[str, FileFormat]:
    """The file format of every municipality; one without cases sends the form back."""
    draws = Draws(round_name, "formats")
    in_order = draws.shuffled([code for code, count in cases.items() if count >= 1])
    parquet = [code for code in in_order if cases[code] >= SMALLEST_PARQUET][:PARQUET_FILES]
    others = [code for code in in_order if code not in parquet]
    ods = others[: len(cases) // SHARE_OF_ODS]
    csv = others[len(ods) : len(ods) + len(cases) // SHARE_OF_CSV]
    chosen: dict[str, FileFormat] = dict.fromkeys(cases, "xlsx")
    return chosen | dict.fromkeys(parquet, "parquet") | dict.fromkeys(ods, "ods") | dict.fromkeys(csv, "csv")


def drawn_style(round_name: str, code: str, municipality_name: str, format_: FileFormat) -> Style:
    """How this municipality writes. Parquet comes from a specialist system: numbers and keys, nothing typed by hand."""
    draws = Draws(round_name, "style", code)
    typed = format_ != "parquet"
    in_workbook = format_ in ("xlsx", "ods")
    header = cast("HeaderStyle", draws.one(("number_and_text", "number_and_text", "number_and_text", "text", "key")))
    return Style(
        format=format_,
        municipality_name=municipality_name,
        header=header if typed else "key",
        amounts=cast("AmountStyle", draws.one(("number", "number", "thousands", "kroner_and_oere", "millions")))
        if typed
        else "number",
        municipality=cast(
            "MunicipalityStyle", draws.one(("three_digits", "leading_zero", "number", "name", "name_kommune"))
        )
        if typed
        else "three_digits",
        answers=cast("AnswerStyle", draws.one(("label", "label", "label", "label", "typographic_label", "code"))),
        encoding=draws.one(("utf-8-sig", "utf-8", "cp1252")),
        extra_columns=("Team", "Intern kontrol") if draws.happens(0.15) else (),
        own_column_order=draws.happens(0.15),
        title_rows=2 if in_workbook and draws.happens(0.2) else 0,
        declares_the_number=in_workbook and draws.happens(0.8),
    )


def questions_in_order(catalogue: Catalogue, style: Style) -> tuple[Question, ...]:
    """The questions in the order of the municipality's columns."""
    if not style.own_column_order:
        return catalogue.questions
    identity, rest = catalogue.questions[:2], catalogue.questions[2:]
    half = len(rest) // 2
    return (*identity, *rest[half:], *rest[:half])


def header_cells(questions: Iterable[Question], style: Style) -> list[str]:
    """The header row."""
    return [*(_header(question, style.header) for question in questions), *style.extra_columns]


def row_cells(row: Row, questions: Iterable[Question], style: Style) -> list[Cell]:
    """The cells of one case."""
    cells = [
        row.wrong_cells[question.key]
        if question.key in row.wrong_cells
        else _cell(question, row.answers[question.key], style)
        for question in questions
    ]
    return [*cells, *(COMMENT for _ in style.extra_columns), *row.surplus_cells]


def _cell(question: Question, answer: Answer, style: Style) -> Cell:
    if answer is None:
        return None
    match question.kind:
        case "code":
            return _municipality(str(answer), style)
        case "amount":
            return _amount(cast("int", answer), style.amounts)
        case "single":
            return _option(question, str(answer), style.answers)
        case "multiple":
            return tuple(_option(question, code, style.answers) for code in cast("tuple[str, ...]", answer))
    return answer


def _header(question: Question, style: HeaderStyle) -> str:
    match style:
        case "key":
            return question.key
        case "text":
            return question.text_da
    return question.header


def _municipality(code: str, style: Style) -> Cell:
    written: dict[MunicipalityStyle, Cell] = {
        "three_digits": code,
        "leading_zero": f"0{code}",
        "number": int(code),
        "name": style.municipality_name,
        "name_kommune": f"{style.municipality_name} Kommune",
    }
    return written[style.municipality]


def _amount(kroner: int, style: AmountStyle) -> Cell:
    """The amount as it would be typed; every way of writing it is read back as the same whole kroner."""
    match style:
        case "thousands":
            return _danish(kroner)
        case "kroner_and_oere":
            # Half a krone is rounded up, so 1.999.999,50 kr. is 2,000,000.
            return f"{_danish(kroner - 1)},50 kr." if kroner > 0 else "0,00 kr."
        case "millions" if kroner >= 1_000_000 and kroner % 10_000 == 0:
            return f"{kroner / 1_000_000:.2f} mio. kr.".replace(".", ",", 1)
        case "millions":
            return f"{_danish(kroner)} kr."
    return kroner


def _danish(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def _option(question: Question, code: str, style: AnswerStyle) -> str:
    if style == "code":
        return code
    label = next(option.label_da for option in question.options if option.code == code)
    if style == "typographic_label":
        return label.replace("-", EN_DASH).replace(" ", NO_BREAK_SPACE)
    return label
