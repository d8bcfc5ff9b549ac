"""The demonstration deliveries: made-up files as municipalities might hand them in, for one round. They say so.

This module puts rows, styles and file formats together and adds the deliveries that do not count. Nothing here writes
to a disk or reads a clock: the same round and catalogue give the same bytes.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from pipelines.demo import files
from pipelines.demo.draws import Draws
from pipelines.demo.files import Sheet
from pipelines.demo.plan import eligible_cases, faulty_participant
from pipelines.demo.rows import FAULTS, Fault, FileFormat, Row, Surroundings, broken, rows_by_municipality
from pipelines.demo.styles import Style, drawn_formats, drawn_style, header_cells, questions_in_order, row_cells
from pipelines.reference.municipalities import municipalities
from schemas.questionnaire import Catalogue, Question
from schemas.rounds import Round

MADE_UP = "Opdigtede demonstrationsdata"
NO_CASES = "nulindberetning"

# What is wrong with a newer delivery that is rejected as a whole, and the rule that says so.
FileFault = Literal["unreadable", "empty", "missing_questions", "too_many_rejected_rows"]
REJECTED_NEWER: tuple[FileFault, ...] = ("unreadable", "empty", "missing_questions")

SMALLEST_WITH_OLDER = 12
FAULTY_CASES_OF_THE_REJECTED = 5


@dataclass(frozen=True, slots=True)
class DemoFile:
    """One delivery. `name` starts with the time of receipt, as in the inbox."""

    municipality_code: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One file before it is written. `file_fault` None: it is the one that counts, or an older one that did."""

    municipality_code: str
    name: str
    style: Style
    rows: tuple[Row, ...]
    status: Literal["current", "superseded", "rejected"] = "current"
    file_fault: FileFault | None = None


def deliveries(round_: Round, catalogue: Catalogue) -> Iterator[DemoFile]:
    """Every made-up file of the round's inbox, one at a time, sorted by municipality and name."""
    for delivery in _planned(round_, catalogue):
        yield DemoFile(delivery.municipality_code, delivery.name, _content(delivery, round_, catalogue))


def expected_log(round_: Round, catalogue: Catalogue) -> pl.DataFrame:
    """What a correct ingest makes of the files.

    Grain: file, sorted by municipality and name. Columns: municipality_code, file, status (current, superseded,
    rejected) and rule (of a file rejected as a whole, else null).
    """
    return pl.DataFrame(
        [(d.municipality_code, d.name, d.status, d.file_fault) for d in _planned(round_, catalogue)],
        schema=dict.fromkeys(("municipality_code", "file", "status", "rule"), pl.String),
        orient="row",
    )


def cases(round_: Round, catalogue: Catalogue) -> pl.DataFrame:
    """What a correct ingest makes of the rows of the deliveries that count.

    Grain: row of such a delivery, sorted by municipality and row. Columns: municipality_code, file, row (the line
    number that a spreadsheet shows), outcome (eligible, below_threshold, not_in_residential_care, rejected), broken
    (list of rule and question number; null where the rule fits no question) and the questions' keys. Closed questions
    hold option codes, `multiple` ones a list; amounts are whole kroner. A rejected row's answers stand as they were
    meant, before the fault.
    """
    kinds: dict[str, pl.DataType | type[pl.DataType]] = {
        "integer": pl.Int64,
        "amount": pl.Int64,
        "multiple": pl.List(pl.String),
    }
    records = []
    for delivery in _planned(round_, catalogue):
        if delivery.status == "current":
            first = delivery.style.title_rows + 2
            for number, row in enumerate(delivery.rows, start=first):
                faults = [
                    {"rule": rule, "question": None if key is None else catalogue.question(key).number}
                    for rule, key in row.broken
                ]
                found = {"file": delivery.name, "row": number, "outcome": row.outcome, "broken": faults}
                records.append({**row.answers, **found, "municipality_code": delivery.municipality_code})
    return pl.DataFrame(
        records,
        schema={
            "municipality_code": pl.String,
            "file": pl.String,
            "row": pl.Int64,
            "outcome": pl.String,
            "broken": pl.List(pl.Struct({"rule": pl.String, "question": pl.Int64})),
            **{q.key: kinds.get(q.kind, pl.String) for q in catalogue.questions if q.key != "municipality_code"},
        },
    )


def _planned(round_: Round, catalogue: Catalogue) -> list[_Delivery]:
    counts = eligible_cases(round_)
    formats = drawn_formats(round_.name, counts)
    names = dict(municipalities().select("municipality_code", "municipality_name").iter_rows())
    planned = [
        _Delivery(
            code,
            _file_name(round_, code, names[code] if rows else f"{names[code]} {NO_CASES}", formats[code]),
            drawn_style(round_.name, code, names[code], formats[code]),
            rows,
        )
        for code, rows in rows_by_municipality(round_, catalogue, formats).items()
    ]
    planned += [*_older(planned, round_, catalogue), *_rejected_newer(planned, round_)]
    rejected_alone = faulty_participant(round_)
    if rejected_alone is not None:
        planned.append(_rejected_alone(rejected_alone, names[rejected_alone], planned, round_, catalogue))
    return sorted(planned, key=lambda delivery: (delivery.municipality_code, delivery.name))


def _file_name(round_: Round, code: str, title: str, extension: str, *, days: int = 0) -> str:
    """Received some weeks after the snapshot date, in working hours; `days` later than the municipality's first."""
    draws = Draws(round_.name, "received", code)
    received = dt.datetime.combine(round_.snapshot_date, dt.time(7), dt.UTC) + dt.timedelta(
        days=draws.whole(31, 60) + days, minutes=draws.whole(0, 9 * 60)
    )
    return f"{received:%Y%m%dT%H%M%SZ}__Demonstration {title}.{extension}"


def _older(planned: Sequence[_Delivery], round_: Round, catalogue: Catalogue) -> list[_Delivery]:
    """An earlier attempt: readable, but with cases missing and two faulty rows that the newer delivery has mended."""
    candidates = [
        delivery
        for delivery in planned
        if len(delivery.rows) >= SMALLEST_WITH_OLDER and all(row.outcome == "eligible" for row in delivery.rows)
    ]
    older = []
    for newer in Draws(round_.name, "older").some(candidates, 1):
        rows = list(newer.rows[:-2])
        around = Surroundings(catalogue, round_, newer.style.format, str(rows[0].answers["case_id"]))
        for place, fault in zip((2, 5), _simple_faults("range", "missing"), strict=True):
            rows[place] = broken(rows[place], fault, around)
        title = f"{newer.style.municipality_name} foreløbig"
        name = _file_name(round_, newer.municipality_code, title, newer.style.format, days=-9)
        older.append(replace(newer, name=name, rows=tuple(rows), status="superseded"))
    return older


def _simple_faults(*rules: str) -> list[Fault]:
    return [next(fault for fault in FAULTS if [r for r, _ in fault.broken] == [rule]) for rule in rules]


def _rejected_newer(planned: Sequence[_Delivery], round_: Round) -> list[_Delivery]:
    """Corrections that cannot be used; the good delivery before them goes on counting."""
    candidates = [delivery for delivery in planned if len(delivery.rows) >= SMALLEST_WITH_OLDER]
    rejected = []
    for fault, good in zip(REJECTED_NEWER, Draws(round_.name, "newer").some(candidates, 3), strict=False):
        extension: FileFormat = "csv" if fault == "empty" else "xlsx"
        title = f"{good.style.municipality_name} rettet"
        name = _file_name(round_, good.municipality_code, title, extension, days=12)
        style = replace(good.style, format=extension, declares_the_number=False)
        rejected.append(replace(good, name=name, style=style, status="rejected", file_fault=fault))
    return rejected


def _rejected_alone(
    code: str, name: str, planned: Sequence[_Delivery], round_: Round, catalogue: Catalogue
) -> _Delivery:
    """A municipality that gave every amount in thousands; the rows are others' made-up rows under its code."""
    template = max(planned, key=lambda delivery: len(delivery.rows))
    around = Surroundings(catalogue, round_, "xlsx", "")
    (in_thousands,) = _simple_faults("unit")
    rows = tuple(
        broken(replace(row, answers={**row.answers, "municipality_code": code}), in_thousands, around)
        for row in template.rows[:FAULTY_CASES_OF_THE_REJECTED]
    )
    style = drawn_style(round_.name, code, name, "xlsx")
    return _Delivery(code, _file_name(round_, code, name, "xlsx"), style, rows, "rejected", "too_many_rejected_rows")


def _content(delivery: _Delivery, round_: Round, catalogue: Catalogue) -> bytes:
    questions: Sequence[Question] = questions_in_order(catalogue, delivery.style)
    rows = delivery.rows
    match delivery.file_fault:
        case "missing_questions":
            questions = [question for question in questions if question.key != "provider"]
        case "empty":
            rows = ()
        case "unreadable":
            whole = _written(delivery.style, questions, rows, round_, delivery.municipality_code)
            return whole[: len(whole) // 2]  # a transfer that broke off
    return _written(delivery.style, questions, rows, round_, delivery.municipality_code)


def _written(style: Style, questions: Sequence[Question], rows: Sequence[Row], round_: Round, code: str) -> bytes:
    header = header_cells(questions, style)
    cells = [row_cells(row, questions, style) for row in rows]
    if style.format == "csv":
        return files.delimited([header, *cells], style.encoding)
    if style.format == "parquet":
        categorical = [*(question.kind == "single" for question in questions), *(False for _ in style.extra_columns)]
        return files.parquet(header, cells, categorical)
    front: list[list[str | int | None]] = [
        ["Screening af særligt dyre enkeltsager", None],
        [MADE_UP, None],
        ["Kommunekode", code],
        ["Kommune", style.municipality_name],
        ["Opgørelsesdato", f"{round_.snapshot_date:%d-%m-%Y}"],
    ]
    if style.declares_the_number or not rows:
        front.append(["Antal sager", len(rows)])
    title: list[list[str | int | None]] = [[f"Skema: {MADE_UP.lower()}"], []]
    top = title[: style.title_rows]
    sheets = [Sheet("Forside", front, header_row=0), Sheet("Skema", [*top, header, *cells], header_row=len(top))]
    return files.workbook(sheets) if style.format == "xlsx" else files.open_document(sheets)
