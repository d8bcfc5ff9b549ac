"""The rows of a made-up delivery: those that count, those out of scope and those with a fault. No file formats here.

A row keeps its answers as they were meant, what is to become of it, and, where it is faulty, the cells that are wrong.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from pipelines.demo.answers import COMMENT, Answers, eligible_answers, total_cost
from pipelines.demo.draws import Draws
from schemas.questionnaire import Catalogue
from schemas.rounds import Round

Cell: TypeAlias = str | int | dt.date | tuple[str, ...] | None
FileFormat = Literal["xlsx", "csv", "ods", "parquet"]
Outcome = Literal["eligible", "below_threshold", "not_in_residential_care", "rejected"]

FAULTY_ROWS = 25
SMALLEST_FAULTY_DELIVERY = 6
BELOW_THRESHOLD_ROWS = 6
NOT_IN_RESIDENTIAL_CARE_ROWS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a delivery.

    `broken` holds (rule, question key; None where the rule fits none). `wrong_cells` replaces what the answers would
    give, by key; `surplus_cells` stand behind the last column.
    """

    answers: Answers
    outcome: Outcome = "eligible"
    broken: tuple[tuple[str, str | None], ...] = ()
    wrong_cells: Mapping[str, Cell] = field(default_factory=dict)
    surplus_cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which real rows are wrong: the rules it breaks and, from a good row, the cells that break them."""

    broken: tuple[tuple[str, str | None], ...]
    wrong_cells: Callable[[Row, "Surroundings"], Mapping[str, Cell]]
    formats: tuple[FileFormat, ...] = ("xlsx", "csv", "ods")
    surplus_cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a fault may need to know beside its own row."""

    catalogue: Catalogue
    round_: Round
    format: FileFormat
    first_case_id: str


def _misspelt_target_group(row: Row, around: Surroundings) -> Mapping[str, Cell]:
    labels = {option.code: option.label_da for option in around.catalogue.question("target_group").options}
    label = labels[str(row.answers["target_group"])]
    return {"target_group": label[:5] + label[6:]}


def _option_turned_into_a_date(_: Row, around: Surroundings) -> Mapping[str, Cell]:
    """What a spreadsheet makes of `1-5` in a cell that is not formatted as text."""
    typed = dt.date(around.round_.snapshot_date.year, 5, 1)
    return {"use_of_force": "01-maj" if around.format == "csv" else typed}


def _in_thousands(row: Row, _: Surroundings) -> Mapping[str, Cell]:
    return {"residential_cost_dkk": total_cost(row.answers) // 1_000, "day_programme_cost_dkk": 0}


def _in_oere(row: Row, _: Surroundings) -> Mapping[str, Cell]:
    return {"residential_cost_dkk": total_cost(row.answers) * 100}


def _of_another_municipality(row: Row, _: Surroundings) -> Mapping[str, Cell]:
    return {"municipality_code": "147" if row.answers["municipality_code"] == "101" else "101"}


# The numbers that look like CPR numbers are made up: nobody's serial number is 0000.
FAULTS: tuple[Fault, ...] = (
    Fault((("range", "age"),), lambda _row, _around: {"age": 17}),
    Fault((("option", "target_group"),), _misspelt_target_group),
    Fault((("missing", "provider"),), lambda _row, _around: {"provider": None}),
    Fault((("duplicate", "case_id"),), lambda _row, around: {"case_id": around.first_case_id}),
    Fault((("columns", None),), lambda _row, _around: {}, formats=("csv",), surplus_cells=(COMMENT,)),
    Fault((("municipality", "municipality_code"),), _of_another_municipality),
    Fault((("cpr", "comment"),), lambda _row, _around: {"comment": f"{COMMENT} 010190-0000"}),
    Fault((("unit", "residential_cost_dkk"),), _in_thousands),
    Fault((("option", "use_of_force"),), _option_turned_into_a_date),
    Fault((("range", "residential_cost_dkk"),), _in_oere),
    Fault((("amount", "residential_cost_dkk"),), lambda _row, _around: {"residential_cost_dkk": "ca. 2,5 mio."}),
    Fault((("cpr", "case_id"),), lambda _row, _around: {"case_id": "1207880000"}),
    Fault((("integer", "months_since_follow_up"),), lambda _row, _around: {"months_since_follow_up": "et halvt år"}),
    Fault(
        (("range", "age"), ("missing", "gender")),
        lambda _row, _around: {"age": 213, "gender": None},
    ),
)


def rows_by_municipality(
    round_: Round, catalogue: Catalogue, formats: Mapping[str, FileFormat]
) -> dict[str, tuple[Row, ...]]:
    """Every row of the delivery that counts, by municipality in order of code; `formats` names all that take part.

    Faults are spread over as many municipalities, so that no delivery has more than one faulty row, nor more than a
    sixth of its rows.
    """
    rows: dict[str, list[Row]] = {code: [] for code in sorted(formats)}
    for answers in eligible_answers(round_, catalogue):
        rows[str(answers["municipality_code"])].append(Row(answers))
    _add_out_of_scope_rows(rows, round_)
    faults = _drawn_faults(rows, round_, catalogue, formats)
    numbered = {code: _numbered(code, of_one, round_) for code, of_one in rows.items()}
    for code, fault in faults.items():
        of_one = numbered[code]
        around = Surroundings(catalogue, round_, formats[code], str(of_one[0].answers["case_id"]))
        place = next(place for place, row in enumerate(of_one) if row.outcome == "rejected")
        of_one[place] = broken(of_one[place], fault, around)
    return {code: tuple(of_one) for code, of_one in numbered.items()}


def broken(row: Row, fault: Fault, around: Surroundings) -> Row:
    """The row with the fault's wrong cells."""
    return replace(
        row,
        outcome="rejected",
        broken=fault.broken,
        wrong_cells=fault.wrong_cells(row, around),
        surplus_cells=fault.surplus_cells,
    )


def _add_out_of_scope_rows(rows: dict[str, list[Row]], round_: Round) -> None:
    draws = Draws(round_.name, "out of scope")
    large_enough = [code for code, of_one in rows.items() if len(of_one) >= SMALLEST_FAULTY_DELIVERY]
    chosen = draws.some(large_enough, BELOW_THRESHOLD_ROWS + NOT_IN_RESIDENTIAL_CARE_ROWS)
    for place, code in enumerate(chosen):
        answers = dict(draws.one(rows[code]).answers)
        if place < BELOW_THRESHOLD_ROWS:
            answers["residential_cost_dkk"] = int(round_.threshold_dkk * draws.between(0.6, 0.98))
            answers["day_programme_cost_dkk"] = 0
            row = Row(answers, "below_threshold")
        else:
            row = Row({**answers, "in_residential_care": "no"}, "not_in_residential_care")
        _insert(rows[code], row, draws)


def _drawn_faults(
    rows: dict[str, list[Row]], round_: Round, catalogue: Catalogue, formats: Mapping[str, FileFormat]
) -> dict[str, Fault]:
    """The fault of each municipality that has one; puts a row to be broken among its rows."""
    draws = Draws(round_.name, "faults")
    possible = [fault for fault in FAULTS if all(key is None or key in catalogue.by_key for _, key in fault.broken)]
    free = draws.shuffled([code for code, of_one in rows.items() if len(of_one) >= SMALLEST_FAULTY_DELIVERY])
    faults: dict[str, Fault] = {}
    for number in range(FAULTY_ROWS):
        fault = possible[number % len(possible)]
        code = next((code for code in free if formats[code] in fault.formats), None)
        if code is not None:
            free.remove(code)
            faults[code] = fault
            to_break = replace(draws.one([row for row in rows[code] if row.outcome == "eligible"]), outcome="rejected")
            _insert(rows[code], to_break, draws)
    return faults


def _insert(rows: list[Row], row: Row, draws: Draws) -> None:
    """Never as the first row: a duplicate needs an earlier one."""
    rows.insert(draws.whole(1, len(rows)), row)


def _numbered(code: str, rows: list[Row], round_: Round) -> list[Row]:
    """The rows with the municipality's own running numbers, each municipality in its own way."""
    draws = Draws(round_.name, "case ids", code)
    year = round_.name[:4]
    style = draws.one(("{n:03d}", "S-{n:03d}", "{year}/{n}", "DHF{n:04d}", "{base}"))
    base = draws.whole(1, 80) * 100
    return [
        replace(row, answers={**row.answers, "case_id": style.format(n=number, year=year, base=base + number)})
        for number, row in enumerate(rows, start=1)
    ]
