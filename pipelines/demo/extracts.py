"""The demonstration extracts: made-up files as municipalities might hand them in for management information. They say so.

This module puts rows, styles and file formats together, adds the deliveries that do not count, and holds the made-up lines
of the reference tables. Nothing here writes to a disk or reads a clock: the same bytes every time.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, NamedTuple

import polars as pl

from pipelines.demo import files, forecasts
from pipelines.demo.citizens import CITIZENS
from pipelines.demo.deliveries import MADE_UP
from pipelines.demo.draws import Draws
from pipelines.demo.files import Sheet
from pipelines.demo.grants import FAULTS, Fault, grant_rows
from pipelines.demo.rows import FileFormat, Row
from pipelines.demo.styles import Style, drawn_style, header_cells, questions_in_order, row_cells
from pipelines.reference.municipalities import municipalities
from schemas.extracts import BUDGETS, GRANTS, INITIATIVES, PLANNED_CHANGES, load_extract

TITLES = {GRANTS: "bevillinger", BUDGETS: "budget", PLANNED_CHANGES: "tilgang og afgang", INITIATIVES: "tiltag"}
RECEIVED = dt.date(2025, 2, 28)
FAULTY_FROM_CITIZENS = 80

Encoding = Literal["utf-8-sig", "utf-8", "cp1252"]


class _Sends(NamedTuple):
    """What a municipality sends its grants as, and which extracts it sends besides."""

    format: FileFormat
    encoding: Encoding = "utf-8-sig"
    besides: tuple[str, ...] = (BUDGETS, PLANNED_CHANGES, INITIATIVES)


SENDS: dict[str, _Sends] = {
    "165": _Sends("csv", "cp1252"),
    "183": _Sends("xlsx"),
    "190": _Sends("csv", "utf-8-sig"),
    "201": _Sends("ods"),
    "223": _Sends("xlsx"),
    "306": _Sends("csv", "cp1252", besides=(BUDGETS,)),
    "350": _Sends("xlsx"),
    "430": _Sends("xlsx", besides=(BUDGETS, PLANNED_CHANGES)),
    "461": _Sends("parquet"),
    "482": _Sends("xlsx", besides=(BUDGETS, INITIATIVES)),
    "607": _Sends("csv", "utf-8"),
    "671": _Sends("parquet"),
    "741": _Sends("xlsx", besides=()),
    "787": _Sends("ods"),
}

SUPERSEDED = "190"
BROKEN_OFF = "223"
IN_THOUSANDS = "607"


@dataclass(frozen=True, slots=True)
class DemoExtract:
    """One delivered extract. `name` starts with the time of receipt, as in the inbox."""

    extract: str
    municipality_code: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One file before it is written; `file_rule` says why it is rejected whole."""

    extract: str
    municipality_code: str
    name: str
    style: Style
    rows: tuple[Row, ...]
    status: Literal["current", "superseded", "rejected"] = "current"
    file_rule: Literal["unreadable", "too_many_rejected_rows"] | None = None


def extracts() -> Iterator[DemoExtract]:
    """Every made-up extract, one at a time, sorted by extract, municipality and name."""
    for delivery in _planned():
        yield DemoExtract(delivery.extract, delivery.municipality_code, delivery.name, _content(delivery))


def expected_log() -> pl.DataFrame:
    """What a correct ingest makes of the files.

    Grain: file, sorted by extract, municipality and name. Columns: extract, municipality_code, file, status (current,
    superseded, rejected) and rule (of a file rejected as a whole, else null).
    """
    return pl.DataFrame(
        [(d.extract, d.municipality_code, d.name, d.status, d.file_rule) for d in _planned()],
        schema=dict.fromkeys(("extract", "municipality_code", "file", "status", "rule"), pl.String),
        orient="row",
    )


def expected_rows(extract: str) -> pl.DataFrame:
    """What a correct ingest makes of the rows of an extract's files that count.

    Grain: row of such a file, sorted by municipality and row. Columns: municipality_code, file, row (the line number that
    a spreadsheet shows), rule and question (its number) that the row is rejected for (null where it is accepted), and the
    questions' keys: option codes, dates, whole kroner. A rejected row's answers stand as they were meant.
    """
    form = load_extract(extract)
    records = []
    for delivery in _planned():
        if delivery.extract == extract and delivery.status == "current":
            for number, row in enumerate(delivery.rows, start=delivery.style.title_rows + 2):
                rule, key = row.broken[0] if row.broken else (None, None)
                question = None if key is None else form.question(key).number
                found = {"file": delivery.name, "row": number, "rule": rule, "question": question}
                records.append({"municipality_code": delivery.municipality_code, **found, **row.answers})
    kinds: dict[str, type[pl.DataType]] = {"integer": pl.Int64, "amount": pl.Int64, "date": pl.Date}
    return pl.DataFrame(
        records,
        schema={
            "municipality_code": pl.String,
            "file": pl.String,
            "row": pl.Int64,
            "rule": pl.String,
            "question": pl.Int64,
            **{question.key: kinds.get(question.kind, pl.String) for question in form.questions},
        },
    )


def reference_tables() -> dict[str, bytes]:
    """The made-up lines of the tables that a person keeps in `reference/`, by file name: the program comes without them."""
    source = "Opdigtet til demonstration"
    thresholds = {
        2023: (890_000, 25, 1_740_000, 50, 2_190_000, 75),
        2024: (930_000, 25, 1_810_000, 50, 2_290_000, 75),
        2025: (960_000, 25, 1_870_000, 50, 2_360_000, 75),
    }
    index = {2019: "94,1", 2020: "95,8", 2021: "97,2", 2022: "100,0", 2023: "104,3", 2024: "107,9", 2025: "111,0"}
    header = "year;threshold_1_dkk;share_1;threshold_2_dkk;share_2;threshold_3_dkk;share_3;source"
    return {
        "refund_thresholds.csv": _lines(
            header, [";".join(map(str, (year, *steps, source))) for year, steps in thresholds.items()]
        ),
        "price_index.csv": _lines("year;index;source", [f"{year};{points};{source}" for year, points in index.items()]),
    }


def _lines(header: str, lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in (header, *lines)).encode()


@cache
def _planned() -> tuple[_Delivery, ...]:
    names = dict(municipalities().select("municipality_code", "municipality_name").iter_rows())
    others = {
        BUDGETS: forecasts.budgets,
        PLANNED_CHANGES: forecasts.planned_changes,
        INITIATIVES: forecasts.initiatives,
    }
    faults = _faults()
    planned = []
    for code, sends in SENDS.items():
        style = _style(GRANTS, code, names[code], sends)
        grants = _Delivery(
            GRANTS, code, _file_name(GRANTS, code, names[code], style), style, tuple(grant_rows(code, faults.get(code)))
        )
        planned += [grants, *_not_counting(grants)]
        for extract in sends.besides:
            style = _style(extract, code, names[code], sends)
            rows = tuple(Row(answers) for answers in others[extract](code))
            planned.append(_Delivery(extract, code, _file_name(extract, code, names[code], style), style, rows))
    return tuple(sorted(planned, key=lambda delivery: (delivery.extract, delivery.municipality_code, delivery.name)))


def _faults() -> dict[str, Fault]:
    """The fault of each municipality that has one: larger ones, whose files were typed or pasted by somebody."""
    typed = [
        code for code, sends in SENDS.items() if sends.format != "parquet" and CITIZENS[code] >= FAULTY_FROM_CITIZENS
    ]
    return dict(zip(typed, FAULTS, strict=False))


def _style(extract: str, code: str, name: str, sends: _Sends) -> Style:
    """How this municipality writes an extract; only grants come from a specialist system."""
    format_ = "xlsx" if extract != GRANTS and sends.format in ("parquet", "ods") else sends.format
    style = drawn_style(f"extracts/{extract}", code, name, format_)
    # Nobody writes a budget of minus so many kroner with oere, which the form has no room for either.
    amounts = "thousands" if style.amounts == "kroner_and_oere" and extract != GRANTS else style.amounts
    return replace(style, encoding=sends.encoding, amounts=amounts)


def _file_name(extract: str, code: str, title: str, style: Style, *, days: int = 0) -> str:
    """Received in the working hours of the last day of February, or `days` later."""
    minutes = Draws("extracts", "received", extract, code).whole(0, 9 * 60)
    received = dt.datetime.combine(RECEIVED, dt.time(7), dt.UTC) + dt.timedelta(days=days, minutes=minutes)
    return f"{received:%Y%m%dT%H%M%SZ}__Demonstration {title} {TITLES[extract]} - {MADE_UP}.{style.format}"


def _not_counting(good: _Delivery) -> Iterator[_Delivery]:
    """What a municipality handed in before or after the delivery that counts."""
    code, name = good.municipality_code, good.style.municipality_name
    if code == SUPERSEDED:
        title = _file_name(GRANTS, code, f"{name} foreløbig", good.style, days=-28)
        yield replace(good, name=title, rows=good.rows[: len(good.rows) * 9 // 10], status="superseded")
    if code == BROKEN_OFF:
        title = _file_name(GRANTS, code, f"{name} rettet", good.style, days=5)
        yield replace(good, name=title, status="rejected", file_rule="unreadable")
    if code == IN_THOUSANDS:
        title = _file_name(GRANTS, code, f"{name} rettet", good.style, days=6)
        rows = tuple(replace(row, wrong_cells={"price_dkk": _in_thousands(row)}) for row in good.rows)
        yield replace(good, name=title, rows=rows, status="rejected", file_rule="too_many_rejected_rows")


def _in_thousands(row: Row) -> int:
    price = row.answers["price_dkk"]
    return price // 1_000 if isinstance(price, int) else 0


def _content(delivery: _Delivery) -> bytes:
    content = _written(delivery)
    # A transfer that broke off.
    return content[: len(content) // 2] if delivery.file_rule == "unreadable" else content


def _written(delivery: _Delivery) -> bytes:
    style = delivery.style
    questions = questions_in_order(load_extract(delivery.extract), style)
    header = header_cells(questions, style)
    cells = [row_cells(row, questions, style) for row in delivery.rows]
    if style.format == "csv":
        return files.delimited([header, *cells], style.encoding)
    if style.format == "parquet":
        categorical = [*(question.kind == "single" for question in questions), *(False for _ in style.extra_columns)]
        return files.parquet(header, cells, categorical)
    front: list[list[str | int | None]] = [
        [f"Udtræk: {TITLES[delivery.extract]}", None],
        [MADE_UP, None],
        ["Kommunekode", delivery.municipality_code],
        ["Kommune", style.municipality_name],
    ]
    if style.declares_the_number:
        front.append(["Antal rækker", len(delivery.rows)])
    title: list[list[str | int | None]] = [[f"Udtræk: {MADE_UP.lower()}"], []]
    top = title[: style.title_rows]
    sheets = [Sheet("Forside", front, header_row=0), Sheet("Skema", [*top, header, *cells], header_row=len(top))]
    return files.workbook(sheets) if style.format == "xlsx" else files.open_document(sheets)
