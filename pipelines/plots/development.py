"""How full-year cases and unit costs of the groups of service areas develop over the years, a small plot per group.

What belongs here: these two plots, which differ in the figure only. What does not: single service areas, which the table
has, and why cost changes (`cost_drivers`).
"""

from typing import Any, NamedTuple

import altair as alt
import polars as pl

from pipelines.danish import decimal, joined, number
from pipelines.plots import series, style
from pipelines.plots.own_tables import ENDS_OPEN, basis_key, is_forecast, own_table, whose
from pipelines.plots.text import Scale, text_width, wrapped
from pipelines.statistics.rounding import rounded
from schemas.management_tables import UNIT_COSTS
from schemas.service_areas import labels_da

_CASES, _PRICE = "full_year_cases", "unit_cost_fixed_dkk"
_HEIGHT, _LINE, _EDGE, _LABEL_ROOM, _GAP = 70, 15, 23, 22, 14
_MOST_COLUMNS = {True: 2, False: 3}  # by whether the picture is narrow
_REACHES_BACK = "Ydelser, der sluttede, før udtrækket begynder, er ikke med i de tidligere år."


class _Group(NamedTuple):
    """A group of service areas with its rows, oldest year first."""

    name: str
    rows: list[dict[str, Any]]

    @property
    def last(self) -> dict[str, Any]:
        """The row of the latest year."""
        return self.rows[-1]


def full_year_case_development(unit_costs: pl.DataFrame, context: style.Context, width: int = style.WIDE) -> style.Plot:
    """The full-year cases of each group of service areas over the years of the table.

    Shows, for each group: the figure of every year, a line between them on a scale of its own from 0; a forecast is open
    and dashed.

    Args:
        unit_costs: as released to one municipality.
        context: of the release.
        width: in pixels.

    Raises:
        TableError: the frame is not as it is released.
        BotilbudError: it has no row, or (DisclosureError) rows of several municipalities.
    """
    table, groups = _groups(unit_costs)
    below = [
        f"Helårssager {_years(groups)}; en sag tæller med den del af året, hvor den er aktiv.",
        f"{whose(unit_costs, context)} {_of_all(unit_costs)}",
        "Hver gruppe har sin egen skala, der begynder ved 0.",
    ]
    said = style.Said(_cases_title(groups), below, _alt("helårssager", groups, _CASES), _notes(table))
    views = [style.key(basis_key(table["basis"]), width), _view(groups, _CASES, width)]
    return style.picture("full_year_case_development", said, views, context, table, width)


def unit_cost_development(unit_costs: pl.DataFrame, context: style.Context, width: int = style.WIDE) -> style.Plot:
    """The unit cost of each group of service areas in fixed prices over the years of the table.

    Shows: as `full_year_case_development`. A year without cases has no unit cost, which is said in its place.

    Args:
        unit_costs: as released to one municipality.
        context: of the release.
        width: in pixels.

    Raises:
        TableError: the frame is not as it is released.
        BotilbudError: it has no row, or (DisclosureError) rows of several municipalities.
    """
    table, groups = _groups(unit_costs)
    below = [
        f"Udgift pr. helårssag i 1.000 kr., {_years(groups)}, i priser fra {_price_level(groups)}, før statsrefusion.",
        f"{whose(unit_costs, context)} {_of_all(unit_costs)}",
        "Hver gruppe har sin egen skala, der begynder ved 0.",
    ]
    what = f"udgift pr. helårssag (1.000 kr. i priser fra {_price_level(groups)})"
    notes = ["I en gruppe med få helårssager flytter en enkelt borger enhedsudgiften meget.", *_notes(table)]
    said = style.Said(_price_title(groups), below, _alt(what, groups, _PRICE), notes)
    views = [style.key(basis_key(table["basis"]), width), _view(groups, _PRICE, width)]
    return style.picture("unit_cost_development", said, views, context, table, width)


def _groups(unit_costs: pl.DataFrame) -> tuple[pl.DataFrame, list[_Group]]:
    """The rows of groups with their names, and the same by group, both in the order of the table."""
    rows = own_table(unit_costs, UNIT_COSTS).filter(pl.col("service_area_level") == "group")
    names = labels_da()
    table = rows.sort(pl.col("service_area").cast(pl.Enum(list(names))), "year").select(
        pl.col("service_area").alias("group"),
        pl.col("service_area").replace_strict(names, return_dtype=pl.String).alias("group_da"),
        "year",
        "basis",
        "full_year_cases",
        "cost_dkk",
        "unit_cost_fixed_dkk",
        "price_level_year",
    )
    parts = table.partition_by("group", maintain_order=True)
    return table, [_Group(part["group_da"][0], part.rows(named=True)) for part in parts]


def _dearest(groups: list[_Group]) -> _Group | None:
    """The group that costs most in the latest year; None where no group has a case."""
    active = [group for group in groups if group.last[_CASES] > 0]
    return max(active, key=lambda group: group.last["cost_dkk"], default=None)


def _cases_title(groups: list[_Group]) -> str:
    last, first = groups[0].last, groups[0].rows[0]
    ahead = " ventes" if is_forecast(last["basis"]) else ""
    dearest = _dearest(groups)
    if dearest is None:
        return f"Ingen helårssager{ahead} i {last['year']}"
    count, before = (_shown_cases(row) for row in (dearest.last, dearest.rows[0]))
    than = _compared(count - before, "flere end", "færre end", "lige så mange som", 1)
    return (
        f"{dearest.name} (størst udgift): {decimal(count, 1)} helårssager{ahead} i {last['year']}, {than} i "
        f"{first['year']}"
    )


def _price_title(groups: list[_Group]) -> str:
    last = groups[0].last
    dearest = _dearest(groups)
    if dearest is None:
        ahead = " ventes" if is_forecast(last["basis"]) else ""
        return f"Ingen helårssager{ahead} i {last['year']}, og derfor ingen enhedsudgift"
    costs = "ventes at koste" if is_forecast(last["basis"]) else "kostede"
    price = _shown_price(dearest.last)
    title = f"{dearest.name} (størst udgift): en helårssag {costs} {number(price)} kr. i {last['year']}"
    first = next(row for row in dearest.rows if row[_PRICE] is not None)
    if first is dearest.last:
        return title
    than = _compared(price - _shown_price(first), "kr. mere end", "kr. mindre end", "det samme som", 0)
    return f"{title}, {than} i {first['year']} (faste priser)"


def _compared(difference: float, more: str, less: str, same: str, decimals: int) -> str:
    """A difference between two figures as they are shown."""
    told = decimal(abs(difference), decimals)
    if told == decimal(0, decimals):
        return same
    return f"{told} {more if difference > 0 else less}"


def _shown_cases(row: dict[str, Any]) -> float:
    return float(rounded(pl.Series([row[_CASES]]), 1)[0])


def _shown_price(row: dict[str, Any]) -> int:
    """Kroner to the nearest thousand."""
    return int(rounded(pl.Series([row[_PRICE] / 1_000]), 0)[0]) * 1_000


def _shown(row: dict[str, Any], figure: str) -> str:
    """A figure as it is written at its point."""
    if not row[_CASES]:
        return "0" if figure == _CASES else "ingen"
    return decimal(row[figure], 1) if figure == _CASES else decimal(row[figure] / 1_000, 0)


def _years(groups: list[_Group]) -> str:
    return f"{groups[0].rows[0]['year']} til {groups[0].last['year']}"


def _price_level(groups: list[_Group]) -> int:
    return int(groups[0].last["price_level_year"])


def _of_all(unit_costs: pl.DataFrame) -> str:
    """How many full-year cases there are behind the figures."""
    rows = unit_costs.filter(pl.col("service_area_level") == "all").sort("year").rows(named=True)
    first, last = rows[0], rows[-1]
    ahead = " ventes" if is_forecast(last["basis"]) else ""
    return (
        f"I alt {decimal(last[_CASES], 1)} helårssager{ahead} i {last['year']} mod {decimal(first[_CASES], 1)} i "
        f"{first['year']}."
    )


def _notes(table: pl.DataFrame) -> list[str]:
    return [_REACHES_BACK, *([ENDS_OPEN] if any(map(is_forecast, table["basis"])) else [])]


def _alt(what: str, groups: list[_Group], figure: str) -> str:
    """What can be seen, from the same rows."""
    figures = [joined(f"{_shown(row, figure)} i {row['year']}" for row in group.rows) for group in groups]
    told = ". ".join(f"{group.name}: {of_years}" for group, of_years in zip(groups, figures, strict=True))
    ahead = [str(row["year"]) for row in groups[0].rows if is_forecast(row["basis"])]
    forecast = f" {joined(ahead)} er prognose." if ahead else ""
    return f"En kurve for hver af {len(groups)} grupper af ydelser med {what}.{forecast} {told}."


def _view(groups: list[_Group], figure: str, width: int) -> alt.LayerChart:
    columns = _columns(groups, figure, width)
    panel = _panel(columns, width)
    names, counts, years, feet, found, y = [], [], [], [], [], 0.0
    for start in range(0, len(groups), columns):
        row = groups[start : start + columns]
        broken = [wrapped(group.name, panel, bold=True) for group in row]
        # The price of a few cases moves with each of them: how many there are stands over it.
        heads = max(map(len, broken)) + (figure == _PRICE)
        foot = y + _LINE * heads + _LABEL_ROOM + _HEIGHT
        for n, (group, lines) in enumerate(zip(row, broken, strict=True)):
            left = (panel + _GAP) * n
            names += [{"x": left, "y": y + _LINE * (i + 0.5), "text": line} for i, line in enumerate(lines)]
            counts.append({"x": left, "y": y + _LINE * (len(lines) + 0.5), "text": _behind(group)})
            feet.append({"x": left, "x2": left + panel, "y": foot, "y2": foot + 1})
            points = _points(group, figure, left, panel, foot)
            found.append(series.Series(points, foot))
            years += [
                {"x": at.x, "y": foot + 11, "text": str(of["year"])} for at, of in zip(points, group.rows, strict=True)
            ]
            years += [{"x": at.x, "y": foot + 23, "text": "prognose"} for at in points if at.is_ahead]
        y = foot + 42
    layers = [
        style.boxes(feet, style.BAR),
        *series.labelled(found),
        style.texts(names, bold=True),
        style.texts(years, "center", size=style.SMALL, colour=style.GREY),
        *([style.texts(counts, size=style.SMALL, colour=style.GREY)] if figure == _PRICE else []),
    ]
    return style.view(layers, width, y - 6)


def _columns(groups: list[_Group], figure: str, width: int) -> int:
    """As many columns as there are with room for the figures beside each other."""
    widest = max(text_width(_shown(row, figure)) for group in groups for row in group.rows)
    columns = _MOST_COLUMNS[width < style.WIDE]
    while columns > 1 and _step(groups[0], _panel(columns, width)) < widest + 2:
        columns -= 1
    return columns


def _panel(columns: int, width: int) -> float:
    return (style.inner(width) - _GAP * (columns - 1)) / columns


def _step(group: _Group, panel: float) -> float:
    """From a year to the next, in pixels."""
    return (panel - 2 * _EDGE) / max(len(group.rows) - 1, 1)


def _behind(group: _Group) -> str:
    """How many full-year cases are behind the latest unit cost."""
    return f"{_shown(group.last, _CASES)} helårssager i {group.last['year']}"


def _points(group: _Group, figure: str, left: float, panel: float, foot: float) -> list[series.Point]:
    scale = Scale(0, max(row[figure] or 0 for row in group.rows) or 1, foot, foot - _HEIGHT)
    step = _step(group, panel)
    return [
        series.Point(
            left + _EDGE + step * n,
            scale.pixel(row[figure] or 0),
            _shown(row, figure),
            is_forecast(row["basis"]),
            row[figure] is not None,
        )
        for n, row in enumerate(group.rows)
    ]
