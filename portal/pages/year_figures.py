"""The figures of a year of management information as pages show them: tables of words, made from the tables of a release.

What belongs here: which rows and cells a page shows. What does not: how a figure is put in words (`portal.wording`), and
who sees which page (`management`). A municipality's figures follow from the files of its own folder, which hold the
country's benchmark as everybody sees it.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from portal import wording
from portal.danish import decimal, municipality_names, number
from schemas.extracts import EXTRACTS, GRANTS
from schemas.fields import BASES, FORECAST_LINES
from schemas.labels_da import VALUES_DA
from schemas.service_areas import ALL, groups, labels_da, service_areas

Row = Mapping[str, Any]
Tables = Mapping[str, pl.DataFrame]
RESULT, _ = BASES
_COUNTRY = "landet"
_COMPARED = ("volume", "unit_cost")


class Column(NamedTuple):
    """A column of a table besides the first, which says what a row is about."""

    title: str
    is_number: bool = True


class Line(NamedTuple):
    """A row of a table: what it is about, and its cells as words; `is_sum` for what others add up to."""

    label: str
    cells: Sequence[str]
    is_sum: bool = False


_INTERVAL = Column("95 %-interval")
_OWN = (Column("Din kommune"), _INTERVAL)
_WHERE = Column("Din kommune ligger", is_number=False)


class AreaTable(NamedTuple):
    """A table of service areas: groups and all of them in `sums`, the single ones in `areas`."""

    caption: str
    columns: Sequence[Column]
    sums: list[Line]
    areas: list[Line]


class Initiative(NamedTuple):
    """An initiative, subtotal or total with its effects in kroner as words."""

    label: str
    legal_basis: str
    effects: Sequence[str]
    is_sum: bool
    is_counted: bool


class Extract(NamedTuple):
    """What became of the extract of a kind that counts, and of one handed in after it that was rejected.

    Attributes:
        label: what the extract is called.
        received_at: when the one that counts was received (UTC); None where none counts.
        rows: its rows; 0 where none counts.
        rejected: how many of them are rejected.
        overlapping: how many accepted ones overlap others; None where rows cannot.
        refusal: why the newest file was rejected; None where it was not.
    """

    label: str
    received_at: dt.datetime | None
    rows: int
    rejected: int
    overlapping: int | None
    refusal: str | None


class OwnFigures(NamedTuple):
    """A municipality's own figures of a year.

    Attributes:
        basis: whether they are a result or a forecast, as of which day.
        is_result: the same as a truth value.
        months: active cases by month.
        months_by_area: the same for each service area, a cell per month.
        cases: full-year cases, cost and unit cost.
        benchmarks: full-year cases per 1,000 residents, and unit costs, beside the country's.
        municipalities: how many of them are the country.
        population_quarter: the quarter whose residents are divided by.
        development: unit costs of four years, in current and in fixed prices.
        forecast: the year beside its budget, line by line.
        forecast_columns: their columns.
        deviations: the sums of the forecast in sentences.
        refund: the state refund in a sentence.
        over_threshold: cases over the threshold, by the grants and as reported, and the difference.
        reconciled: the same in a sentence.
        drivers: what changes cost, from the year before to this one.
        change: the same in a sentence.
        initiatives: their effects; empty where none were handed in.
    """

    basis: str
    is_result: bool
    months: list[Line]
    months_by_area: list[Line]
    cases: AreaTable
    benchmarks: list[AreaTable]
    municipalities: int
    population_quarter: str
    development: list[AreaTable]
    forecast: list[Line]
    forecast_columns: Sequence[Column]
    deviations: list[str]
    refund: str
    over_threshold: list[Line]
    reconciled: str
    drivers: list[Line]
    change: str
    initiatives: list[Initiative]


def own_figures(tables: Tables, code: str) -> OwnFigures:
    """A municipality's own figures of a year.

    Args:
        tables: those of its own folder, by name.
        code: the municipality.
    """
    own = _by_area(tables["service_area_benchmarks"].filter(area_code=code))
    country = _by_area(tables["service_area_benchmarks"].filter(area_type="country"))
    (drivers,) = tables["cost_drivers"].to_dicts()
    (refund,) = tables["refunds"].to_dicts()
    (reconciled,) = tables["threshold_reconciliation"].to_dicts()
    is_result = drivers["basis"] == RESULT
    forecast = {row["line"]: row for row in tables["forecast"].iter_rows(named=True)}
    return OwnFigures(
        basis=wording.basis(str(drivers["year"]), drivers["basis"], drivers["as_of"]),
        is_result=is_result,
        months=_months(tables["monthly_active_cases"]),
        months_by_area=_months_by_area(tables["monthly_active_cases"]),
        cases=_cases(tables["full_year_cases"]),
        benchmarks=[_volumes(own, country), _prices(own, country)],
        municipalities=country[ALL]["municipalities"],
        population_quarter=own[ALL]["population_quarter"],
        development=_development(tables["unit_costs"]),
        forecast=[_forecast_line(forecast[line]) for line in FORECAST_LINES],
        forecast_columns=_forecast_columns(is_result=is_result),
        deviations=[
            wording.deviation(forecast["total_before_refund"], "Før refusion"),
            wording.deviation(forecast["total"], "Med refusion"),
        ],
        refund=wording.refund(refund),
        over_threshold=_over_threshold(reconciled),
        reconciled=wording.reconciled(reconciled),
        drivers=_drivers(drivers),
        change=wording.change(drivers),
        initiatives=[_initiative(row) for row in tables["initiative_effects"].iter_rows(named=True)],
    )


def delivered_extracts(tables: Tables) -> list[Extract]:
    """What became of a municipality's extracts, of each kind that it handed in.

    Args:
        tables: those of its own folder, by name.
    """
    names = VALUES_DA[EXTRACTS]
    by_extract = {name: tables["extract_log"].filter(extract=name).sort("received_at", "file") for name in EXTRACTS}
    overlapping = tables["extract_warnings"].height
    return [
        _extract(names[name], log, overlapping if name == GRANTS else None)
        for name, log in by_extract.items()
        if not log.is_empty()
    ]


def shared_benchmarks(shared: pl.DataFrame) -> list[AreaTable]:
    """The participants beside each other, of all service areas together first and then of each group.

    Args:
        shared: the benchmark as every participant may see it. In each table, `areas` are the municipalities by name and
            `sums` the country.
    """
    columns = (
        Column("Helårssager pr. 1.000, afrundet"),
        _INTERVAL,
        Column("Enhedsudgift (kr.)"),
        Column("Afrundet til"),
        Column("Helårssager ligger", is_number=False),
        Column("Enhedsudgift ligger", is_number=False),
    )
    return [
        _shared_benchmark(shared.filter(service_area=code), labels_da()[code], columns) for code in (ALL, *groups())
    ]


def _shared_benchmark(of_area: pl.DataFrame, label: str, columns: Sequence[Column]) -> AreaTable:
    by_code = {row["area_code"]: row for row in of_area.filter(area_type="municipality").iter_rows(named=True)}
    (country,) = of_area.filter(area_type="country").to_dicts()
    return AreaTable(
        label,
        columns,
        [Line("Hele landet", [*_beside(country), "", ""], is_sum=True)],
        [
            Line(
                name,
                [*_beside(row), *(wording.compared(row[f"{what}_comparison_country"], _COUNTRY) for what in _COMPARED)],
            )
            for code, name in municipality_names().items()
            if (row := by_code.get(code)) is not None
        ],
    )


def _beside(row: Row) -> list[str]:
    return [wording.volume(row), _volume_limits(row), wording.unit_cost(row), wording.rounding(row)]


def _labels() -> dict[str, str]:
    """What service areas, groups and all of them are called, by code; a section keeps its number on its line."""
    return {code: label.replace("§ ", "§\N{NO-BREAK SPACE}") for code, label in labels_da().items()}


def _by_area(table: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["service_area"]: row for row in table.iter_rows(named=True)}


def _area_table(caption: str, columns: Sequence[Column], cells: Callable[[str], Sequence[str]]) -> AreaTable:
    """A table of all service areas; `cells` gives those of a service area, a group or all of them by code."""
    labels = _labels()
    return AreaTable(
        caption,
        columns,
        [Line(labels[code], cells(code), is_sum=code == ALL) for code in (*groups(), ALL)],
        [Line(labels[code], cells(code)) for code in service_areas()],
    )


def _month(name: str) -> str:
    """The month `2024-03` in Danish."""
    return wording.MONTHS[int(name.rpartition("-")[2]) - 1]


def _months(monthly: pl.DataFrame) -> list[Line]:
    of_all = monthly.filter(service_area=ALL).sort("month")
    return [Line(_month(name), [number(cases)]) for name, cases in of_all.select("month", "active_cases").iter_rows()]


def _months_by_area(monthly: pl.DataFrame) -> list[Line]:
    labels = _labels()
    by_area = {
        code: monthly.filter(service_area=code).sort("month")["active_cases"] for code in (*service_areas(), ALL)
    }
    return [Line(labels[code], [number(cases) for cases in of], is_sum=code == ALL) for code, of in by_area.items()]


def _cases(full_year_cases: pl.DataFrame) -> AreaTable:
    rows = _by_area(full_year_cases)
    columns = (Column("Borgere"), Column("Helårssager"), Column("Udgift (kr.)"), Column("Enhedsudgift (kr.)"))

    def cells(code: str) -> list[str]:
        row = rows[code]
        return [
            number(row["citizens"]),
            decimal(row["full_year_cases"], 2),
            number(row["cost_dkk"]),
            _kroner(row["unit_cost_dkk"]),
        ]

    return _area_table("Helårssager, udgift og enhedsudgift", columns, cells)


def _volumes(own: Mapping[str, Row], country: Mapping[str, Row]) -> AreaTable:
    def cells(code: str) -> list[str]:
        row = own[code]
        word = wording.compared(row["volume_comparison_country"], _COUNTRY)
        return [wording.volume(row), _volume_limits(row), wording.volume(country[code]), word]

    columns = (Column("Hele landet, afrundet"), _WHERE)
    return _area_table("Helårssager pr. 1.000 18-66-årige", (*_OWN, *columns), cells)


def _prices(own: Mapping[str, Row], country: Mapping[str, Row]) -> AreaTable:
    def cells(code: str) -> list[str]:
        row, of_all = own[code], country[code]
        word = wording.compared(row["unit_cost_comparison_country"], _COUNTRY)
        return [
            wording.unit_cost(row),
            _unit_cost_limits(row),
            wording.unit_cost(of_all),
            wording.rounding(of_all),
            word,
        ]

    columns = (Column("Hele landet"), Column("Afrundet til"), _WHERE)
    return _area_table("Enhedsudgift, kr. pr. helårssag", (*_OWN, *columns), cells)


def _volume_limits(row: Row) -> str:
    limits = row["full_year_cases_ci95_lower"], row["full_year_cases_ci95_upper"]
    return wording.interval(*limits, shown=lambda limit: decimal(limit, 2))


def _unit_cost_limits(row: Row) -> str:
    return wording.interval(row["unit_cost_ci95_lower_dkk"], row["unit_cost_ci95_upper_dkk"], shown=number)


def _kroner(amount: int | None) -> str:
    return wording.NO_CASES if amount is None else number(amount)


def _development(unit_costs: pl.DataFrame) -> list[AreaTable]:
    """The years side by side, in current and in fixed prices, the latter with the change since the year before."""
    bases = dict(unit_costs.select("year", "basis").unique().sort("year").iter_rows())
    columns = [Column(f"{year} ({wording.BASES[basis]})") for year, basis in bases.items()]
    rows = {(row["service_area"], row["year"]): row for row in unit_costs.iter_rows(named=True)}
    latest = max(bases)
    price_level_year = unit_costs["price_level_year"][0]

    def current(code: str) -> list[str]:
        return [_kroner(rows[code, year]["unit_cost_dkk"]) for year in bases]

    def fixed(code: str) -> list[str]:
        change = rows[code, latest]["unit_cost_change_fixed_dkk"]
        changed = wording.NO_CASES if change is None else wording.signed(number(change))
        return [*(_kroner(rows[code, year]["unit_cost_fixed_dkk"]) for year in bases), changed]

    return [
        _area_table("Enhedsudgift i løbende priser (kr.)", columns, current),
        _area_table(
            f"Enhedsudgift i faste priser, {price_level_year}-niveau (kr.)",
            [*columns, Column(f"Ændring fra {latest - 1}")],
            fixed,
        ),
    ]


def _forecast_columns(*, is_result: bool) -> Sequence[Column]:
    beside_budget = (Column("Budget"), Column("Afvigelse fra budget"))
    return (Column("Resultat"), *beside_budget) if is_result else (Column("Prognose"), _INTERVAL, *beside_budget)


def _forecast_line(row: Row) -> Line:
    budget, deviation = row["budget_dkk"], row["deviation_dkk"]
    cells = [
        wording.million(row["forecast_dkk"]),
        wording.NO_BUDGET if budget is None else wording.million(budget),
        wording.NO_BUDGET if deviation is None else wording.signed(wording.million(deviation)),
    ]
    if row["basis"] != RESULT:
        lower, upper = row["forecast_ci95_lower_dkk"], row["forecast_ci95_upper_dkk"]
        is_known = lower == upper
        cells.insert(1, wording.NO_INTERVAL if is_known else wording.interval(lower, upper, shown=wording.million))
    label = VALUES_DA[FORECAST_LINES][row["line"]].capitalize()
    return Line(label, cells, is_sum=row["line"].startswith("total"))


def _over_threshold(row: Row) -> list[Line]:
    lines = [Line("Efter bevillingerne", [number(row["cases"])])]
    if row["cases_reported"] is not None:
        lines.append(Line("Indberettet i screeningen", [number(row["cases_reported"])]))
        lines.append(Line("Forskel", [wording.signed(number(row["difference"]))], is_sum=True))
    return lines


def _drivers(row: Row) -> list[Line]:
    return [
        Line(f"Udgift i {row['year'] - 1}", [number(row["earlier_cost_dkk"])], is_sum=True),
        *(Line(label, [wording.signed(number(row[name]))]) for name, label in wording.DRIVERS.items()),
        Line(f"Udgift i {row['year']}", [number(row["later_cost_dkk"])], is_sum=True),
    ]


def _initiative(row: Row) -> Initiative:
    effects = (row[name] for name in ("estimated_effect_dkk", "realised_effect_dkk", "realised_from_grants_dkk"))
    is_sum = row["initiative_level"] != "initiative"
    return Initiative(
        row["initiative_name"],
        "" if is_sum else _labels()[row["legal_basis"]],
        ["ingen bevillinger" if effect is None else number(effect) for effect in effects],
        is_sum=is_sum,
        is_counted=row["is_counted"],
    )


def _extract(label: str, log: pl.DataFrame, overlapping: int | None) -> Extract:
    newest = log.row(-1, named=True)
    counting = log.filter(status="current").to_dicts()
    refusal = newest["message"] if newest["status"] == "rejected" else None
    if not counting:
        return Extract(label, None, 0, 0, None, refusal)
    (current,) = counting
    return Extract(label, current["received_at"], current["rows"], current["rejected"], overlapping, refusal)
