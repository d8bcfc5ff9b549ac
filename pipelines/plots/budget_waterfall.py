"""What a year is told to cost against its budget: from the budget step by step to the forecast.

What belongs here: this plot, and the same lines as bars where there is no budget. What does not: the forecast and its
interval, which the table has.
"""

from itertools import pairwise
from typing import Any, Literal, NamedTuple

import altair as alt
import polars as pl

from pipelines.danish import decimal, joined
from pipelines.plots import style
from pipelines.plots.own_tables import is_forecast, own_table, whose
from pipelines.plots.rates import on, rate_axis
from pipelines.plots.text import Scale, text_width
from pipelines.plots.words import capitalised
from schemas.errors import BotilbudError, TableError
from schemas.fields import FORECAST_LINES
from schemas.labels_da import VALUES_DA
from schemas.management_tables import FORECAST, FULL_YEAR_CASES

_EXISTING, _CHANGES, _BEFORE_REFUND, _REFUND, _TOTAL = FORECAST_LINES
_PARTS = (_EXISTING, _CHANGES, _REFUND)
_LABELS_DA = VALUES_DA[FORECAST_LINES]
_MILLION, _MILLIONS_DIGITS = 1_000_000, 6
_DECIMALS = (1, 3)
_COLUMNS = (
    "line",
    "forecast_dkk",
    "forecast_ci95_lower_dkk",
    "forecast_ci95_upper_dkk",
    "budget_dkk",
    "deviation_dkk",
)
_LINE, _BAR, _GAP, _EDGE = 15, 14, 12, 12
Kind = Literal["budget", "more", "less", "total"]


class _Year(NamedTuple):
    """A municipality's forecast: its rows by line, and with how many decimals its million kroner are written."""

    lines: dict[str, dict[str, Any]]
    decimals: int

    @property
    def total(self) -> dict[str, Any]:
        """The row of the total."""
        return self.lines[_TOTAL]

    @property
    def has_budget(self) -> bool:
        """Whether every line has one."""
        return self.total["budget_dkk"] is not None

    @property
    def is_ahead(self) -> bool:
        """Whether it is told ahead; else the year is over."""
        return is_forecast(self.total["basis"])

    @property
    def name(self) -> str:
        """What the total is called."""
        return f"{'Prognose' if self.is_ahead else 'Resultat'} {self.total['year']} i alt"

    @property
    def interval(self) -> tuple[int, int] | None:
        """The 95 % interval of the total; None where nothing of it is uncertain."""
        low, high = (self.total[f"forecast_ci95_{side}_dkk"] for side in ("lower", "upper"))
        return (low, high) if low < high else None

    def shown(self, dkk: int) -> str:
        """Kroner as millions."""
        return decimal(dkk / _MILLION, self.decimals)

    def is_nothing(self, dkk: int) -> bool:
        """Whether an amount is 0 as it is shown."""
        return _parts(dkk, self.decimals) == 0


class _Row(NamedTuple):
    """A row of the picture: what it is, its figure in words, and from where to where its bar goes, in million kroner."""

    label: str
    words: str
    start: float
    end: float
    kind: Kind


def budget_waterfall(
    forecast: pl.DataFrame, full_year_cases: pl.DataFrame, context: style.Context, width: int = style.WIDE
) -> style.Plot:
    """The way from a municipality's budget to its forecast, or to its result where the year is over.

    Shows: the budget as a dashed line; by how much each line is over it, as a filled bar, or under it, as a hollow one;
    the total as a diamond with its 95 % interval. Where a line has no budget: the lines as bars from 0.
    Million kroner with one decimal, or with three where figures of one would not add up.

    Args:
        forecast: as released to one municipality.
        full_year_cases: as released to the same, for how many cases the figures are of.
        context: of the release.
        width: in pixels.

    Raises:
        TableError: a frame is not as it is released.
        BotilbudError: a frame has no row, or (DisclosureError) rows of several municipalities, or the two are not of the
            same municipality and release.
    """
    lines = _lines(own_table(forecast, FORECAST))
    cases = own_table(full_year_cases, FULL_YEAR_CASES).filter(pl.col("service_area_level") == "all").row(0, named=True)
    _require_same(lines[_EXISTING], cases)
    year = _Year(lines, _decimals(lines))
    rows = _steps(year) if year.has_budget else _bars(year)
    scale_of = _domain(rows, year)
    below = [
        f"Udgifter i mio. kr. {whose(forecast, context)}",
        f"De eksisterende aktive sager er {decimal(cases['full_year_cases'], 1)} helårssager.",
        *_remarks(year),
        *(["Skalaen begynder ikke ved 0."] if scale_of[0] > 0 else []),
    ]
    said = style.Said(_title(year), below, _alt(rows, year), _notes(year))
    views = [_key(year, width), _view(rows, year, scale_of, width)]
    return style.picture("budget_waterfall", said, views, context, forecast.select(_COLUMNS), width)


def _lines(forecast: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The rows by line.

    Raises:
        TableError: they are not those of one year.
    """
    if sorted(forecast["line"]) != sorted(FORECAST_LINES):
        raise TableError(
            f"{FORECAST.name} has {forecast.height} rows where a year has {len(FORECAST_LINES)}. Read it from a release's "
            "folder"
        )
    return {row["line"]: row for row in forecast.iter_rows(named=True)}


def _require_same(existing: dict[str, Any], cases: dict[str, Any]) -> None:
    """Refuse the cost of other cases than the forecast is of."""
    same = ("municipality_code", "year", "as_of")
    if [existing[key] for key in same] != [cases[key] for key in same] or existing["forecast_dkk"] != cases["cost_dkk"]:
        raise BotilbudError("forecast and full_year_cases are not of the same release: give both from one folder")


def _decimals(lines: dict[str, dict[str, Any]]) -> int:
    """The fewest decimals with which the figures that stand below each other add up as they are shown; else the most."""
    return next((decimals for decimals in _DECIMALS if _adds_up(lines, decimals)), _DECIMALS[-1])


def _adds_up(lines: dict[str, dict[str, Any]], decimals: int) -> bool:
    """Whether the parts give the totals, and from the budget the forecast, in so many decimals."""
    total, before_refund = lines[_TOTAL], lines[_BEFORE_REFUND]
    column, start = ("forecast_dkk", 0) if total["budget_dkk"] is None else ("deviation_dkk", total["budget_dkk"])
    existing, changes, refund = (_parts(lines[part][column], decimals) for part in _PARTS)
    return (
        existing + changes == _parts(before_refund[column], decimals)
        and existing + changes + refund == _parts(total[column], decimals)
        and _parts(start, decimals) + existing + changes + refund == _parts(total["forecast_dkk"], decimals)
    )


def _parts(dkk: int, decimals: int) -> int:
    """Kroner as a whole number of the last decimal of a million, halves away from zero."""
    part: int = 10 ** (_MILLIONS_DIGITS - decimals)
    whole = (2 * abs(dkk) + part) // (2 * part)
    return whole if dkk > 0 else -whole


def _against_budget(line: str, year: _Year) -> str:
    """How far a part is over or under its budget."""
    dkk = year.lines[line]["deviation_dkk"]
    if year.is_nothing(dkk):
        return "som budgettet"
    if line == _REFUND:
        return f"{year.shown(abs(dkk))} {'mere' if dkk < 0 else 'mindre'} i refusion"
    return f"{year.shown(abs(dkk))} {'over' if dkk > 0 else 'under'} budget"


def _steps(year: _Year) -> list[_Row]:
    """From the budget to the total."""
    reached = year.total["budget_dkk"]
    at = reached / _MILLION
    rows = [_Row(f"Budget {year.total['year']} i alt", year.shown(reached), at, at, "budget")]
    for line in _PARTS:
        dkk = year.lines[line]["deviation_dkk"]
        start, reached = reached, reached + dkk
        kind: Kind = "less" if dkk < 0 else "more"
        label, words = capitalised(_LABELS_DA[line]), _against_budget(line, year)
        rows.append(_Row(label, words, start / _MILLION, reached / _MILLION, kind))
    return [*rows, _total(year)]


def _bars(year: _Year) -> list[_Row]:
    """Each part from 0, and the total."""
    rows = []
    for line in _PARTS:
        dkk = year.lines[line]["forecast_dkk"]
        kind: Kind = "less" if dkk < 0 else "more"
        rows.append(_Row(capitalised(_LABELS_DA[line]), year.shown(dkk), 0, dkk / _MILLION, kind))
    return [*rows, _total(year)]


def _total(year: _Year) -> _Row:
    at = year.total["forecast_dkk"] / _MILLION
    interval = f" ({_interval_words(year)})" if year.interval else ""
    return _Row(year.name, f"{year.shown(year.total['forecast_dkk'])}{interval}", at, at, "total")


def _interval_words(year: _Year) -> str:
    return " til ".join(year.shown(limit) for limit in year.interval or ())


def _title(year: _Year) -> str:
    subject, pronoun = ("Prognosen", "den") if year.is_ahead else ("Resultatet", "det")
    subject = f"{subject} for {year.total['year']}"
    if not year.has_budget:
        amounts = [year.shown(year.lines[line]["forecast_dkk"]) for line in (_TOTAL, _BEFORE_REFUND)]
        lacking = "budgettet er ikke helt" if _budgeted(year) else "der er intet budget"
        return f"{subject} er {amounts[0]} mio. kr. og uden refusion {amounts[1]} mio. kr.; {lacking}"
    total, before_refund = (year.lines[line]["deviation_dkk"] for line in (_TOTAL, _BEFORE_REFUND))
    first = "svarer til budgettet" if year.is_nothing(total) else f"er {_aside(total, year)} budgettet"
    second = f"svarer {pronoun} til det" if year.is_nothing(before_refund) else _aside(before_refund, year)
    return f"{subject} {first}, uden refusion {second}"


def _aside(dkk: int, year: _Year) -> str:
    return f"{year.shown(abs(dkk))} mio. kr. {'over' if dkk > 0 else 'under'}"


def _budgeted(year: _Year) -> list[str]:
    """The parts that have a budget."""
    return [line for line in _PARTS if year.lines[line]["budget_dkk"] is not None]


def _remarks(year: _Year) -> list[str]:
    """What must be known of the total to read it: how uncertain it is, and which budgets are lacking."""
    remarks = []
    if year.interval:
        low, high = year.interval
        budget = year.total["budget_dkk"]
        beside = ""
        if budget is not None:
            place = "under" if budget < low else "over" if budget > high else "inden for"
            beside = f"; budgettet ligger {place} det"
        remarks.append(f"95 %-interval for prognosen: {_interval_words(year)}{beside}.")
    elif year.is_ahead:
        remarks.append("Der er ingen planlagt tilgang og afgang, og derfor er der intet interval.")
    else:
        remarks.append("Året er omme: tilgang og afgang er med i de aktive sager.")
    if not year.has_budget:
        lacking = [_LABELS_DA[line] for line in _PARTS if line not in _budgeted(year)]
        of_what = f" for {joined(lacking)}" if _budgeted(year) else ""
        remarks.append(f"Budget mangler{of_what}: linjerne er vist hver for sig, fra 0.")
    return remarks


def _alt(rows: list[_Row], year: _Year) -> str:
    """What can be seen, from the same rows."""
    word = "prognose" if year.is_ahead else "resultat"
    kind = f"Vandfaldsdiagram fra budget til {word}" if year.has_budget else f"Søjler for linjerne i årets {word}"
    told = ". ".join(f"{row.label}: {row.words}" for row in rows)
    return " ".join([f"{kind}, i mio. kr. {told}.", *_remarks(year)])


def _notes(year: _Year) -> list[str]:
    uncertain = "95 %-intervallet er for planlagt tilgang og afgang alene; resten er regnet som givet."
    rounded = "Tallene er afrundet hver for sig og giver ikke altid summen."
    return [
        *([uncertain, "Planlagt tilgang og afgang er regnet uden refusion."] if year.interval else []),
        *([] if _adds_up(year.lines, year.decimals) else [rounded]),
    ]


def _key(year: _Year, width: int) -> alt.LayerChart:
    words = ("over budget", "under budget") if year.has_budget else ("udgift", "indtægt eller mindre udgift")
    entries = [
        style.KeyEntry(words[0], "square", style.OWN, style.OWN),
        style.KeyEntry(words[1], "square", "white", style.OWN),
        style.KeyEntry("prognose i alt" if year.is_ahead else "resultat i alt", style.OWN_SHAPE, style.OWN, style.OWN),
        *([style.KeyEntry("95 %-interval", stroke=style.OWN, dash=style.SOLID)] if year.interval else []),
        *([style.KeyEntry("budget i alt", stroke=style.INK, dash=style.DASHED)] if year.has_budget else []),
    ]
    return style.key(entries, width)


def _domain(rows: list[_Row], year: _Year) -> tuple[float, float]:
    """From where to where the scale goes, in million kroner."""
    places = [place for row in rows for place in (row.start, row.end)]
    places += [limit / _MILLION for limit in year.interval or ()]
    spare = (max(places) - min(places) or 1) * 0.06
    return min(places) - spare, max(places) + spare


def _view(rows: list[_Row], year: _Year, domain: tuple[float, float], width: int) -> alt.LayerChart:
    """Label, bar and figure beside each other where there is room, else below each other."""
    is_narrow, room = width < style.WIDE, style.inner(width)
    left, right = (
        0 if is_narrow else max(text_width(text, bold=True) for text in texts) + _GAP
        for texts in ([row.label for row in rows], [row.words for row in rows])
    )
    scale = Scale(*domain, left + _EDGE, room - right - _EDGE)
    texts: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    bars, clear, y = [], [], 0.0
    for row in rows:
        is_total = row.kind in {"budget", "total"}
        top = y + 2 * _LINE + 2 if is_narrow else y
        figure = (0, y + _LINE * 1.5) if is_narrow else (room - right + _GAP, top + _BAR / 2)
        texts[is_total].append({"x": 0, "y": y + _LINE / 2, "text": row.label})
        texts[is_total].append({"x": figure[0], "y": figure[1], "text": row.words})
        clear.append({"x": 0, "x2": room, "y": y - 3, "y2": top - 3})
        bars.append(_Bar(row, scale.pixel(row.start), scale.pixel(row.end), top))
        y = top + _BAR + _GAP
    axis = style.data([{"dkk": scale.low, "y": 0}]).mark_point(opacity=0)
    layers = [
        style.at_pixels(axis, x=on(scale, "dkk", rate_axis(scale))),
        *([style.boxes(clear, "white")] if is_narrow else []),  # no line of the axis behind a text
        *_lines_between(bars, year, scale, 3 if is_narrow else _GAP / 2),
        *_marks(bars, year, scale),
        *(style.texts(found, bold=is_total) for is_total, found in texts.items()),
    ]
    return style.view(layers, width, y)


class _Bar(NamedTuple):
    """A row with where its bar begins and ends, and the bar's top, in pixels."""

    row: _Row
    start: float
    end: float
    top: float


def _lines_between(bars: list[_Bar], year: _Year, scale: Scale, beyond: float) -> list[alt.Chart]:
    """The budget, or 0 where there is none, along all bars, and from where each step goes on."""
    origin = bars[0].start if year.has_budget else scale.pixel(0)
    along = [{"x": origin, "y": bar.top - beyond, "y2": bar.top + _BAR + beyond} for bar in bars]
    steps = [
        {"x": bar.end, "y": start, "y2": end}
        for bar, after in pairwise(bars[1:])
        for start, end in (
            (bar.top, bar.top + _BAR + beyond),
            (after.top - beyond, after.top + _BAR / 2),
        )
        if year.has_budget
    ]
    dash = style.DASHED if year.has_budget else style.SOLID
    return [
        style.at_pixels(
            style.data(rows).mark_rule(color=colour, strokeWidth=1.2, strokeDash=list(dash)), alt.Y2("y2:Q")
        )
        for rows, colour, dash in ((steps, style.OWN, style.SOLID), (along, style.INK, dash))
    ]


def _marks(bars: list[_Bar], year: _Year, scale: Scale) -> list[alt.Chart]:
    """Filled and hollow bars, and the total with its interval."""
    found = {
        kind: [
            {"x": bar.start, "x2": bar.end, "y": bar.top, "y2": bar.top + _BAR} for bar in bars if bar.row.kind == kind
        ]
        for kind in ("more", "less")
    }
    hollow = style.data(found["less"]).mark_rect(fill="white", stroke=style.OWN, strokeWidth=1.5)
    total = {"x": bars[-1].end, "y": bars[-1].top + _BAR / 2}
    limits = [scale.pixel(limit / _MILLION) for limit in year.interval or ()]
    diamond = {**total, "shape": style.OWN_SHAPE, "fill": style.OWN, "stroke": style.OWN}
    return [
        style.boxes(found["more"], style.OWN),
        style.at_pixels(hollow, alt.X2("x2:Q"), alt.Y2("y2:Q")),
        style.rules([{"x": limits[0], "x2": limits[1], "y": total["y"]}] if limits else [], style.OWN),
        style.points([diamond], 110),
    ]
