"""Active cases month by month: all services as a curve, each service area as a small one.

What belongs here: this plot. What does not: for how much of the year a case is active (`development`).
"""

from typing import Any, NamedTuple

import altair as alt
import polars as pl

from pipelines.danish import joined, number
from pipelines.management_information.participants import FORECAST, RESULT
from pipelines.plots import series, style
from pipelines.plots.own_tables import ENDS_OPEN, basis_key, is_forecast, own_table, whose
from pipelines.plots.text import Scale, text_width, wrapped
from pipelines.plots.words import counted
from schemas.management_tables import MONTHLY_ACTIVE_CASES
from schemas.service_areas import ALL, labels_da

MONTHS = (
    *("januar", "februar", "marts", "april", "maj", "juni"),
    *("juli", "august", "september", "oktober", "november", "december"),
)
_NAMED_AT_MOST = 2
_HEIGHT, _TOP, _EDGE = 100, 20, 16
_ROW, _LINE, _GAP, _SPARK = 22, 15, 12, 16
_NUMBERS = ("januar", "december", "flest")
_NUMBER_ROOM = 58


class _Area(NamedTuple):
    """A service area, or all of them, with its rows by month."""

    name: str
    rows: list[dict[str, Any]]

    @property
    def counts(self) -> list[int]:
        """The active cases of each month."""
        return [row["active_cases"] for row in self.rows]

    @property
    def ends(self) -> tuple[int, int, int]:
        """Those of the first month, of the last, and the most."""
        return self.counts[0], self.counts[-1], max(self.counts)


def monthly_active_cases(monthly: pl.DataFrame, context: style.Context, width: int = style.WIDE) -> style.Plot:
    """How many citizens have a service in each month, and in each service area.

    Shows: the figure of every month for all services on a scale from 0; for each service area a curve on a scale of its
    own from 0, with the first month, the last and the most. A month that was not over on the day of the extract is open and
    dashed, also where the year is a forecast and months before it are known.

    Args:
        monthly: monthly_active_cases as released to one municipality.
        context: of the release.
        width: in pixels.

    Raises:
        TableError: the frame is not as it is released.
        BotilbudError: it has no row, or (DisclosureError) rows of several municipalities.
    """
    table, (of_all, *areas) = _areas(own_table(monthly, MONTHLY_ACTIVE_CASES))
    active = [area for area in areas if any(area.counts)]
    below = [
        "Borgere med mindst én aktiv dag i måneden, hver talt én gang.",
        whose(monthly, context),
        "Kurverne begynder ved 0; hver ydelse har sin egen skala.",
    ]
    said = style.Said(_title(of_all), below, _alt(of_all, active), _notes(areas, of_all))
    views = [style.key(basis_key(table["month_basis"]), width), _of_all_view(of_all, width)]
    if active:
        views.append(_areas_view(active, width))
    return style.picture("monthly_active_cases", said, views, context, table, width)


def _areas(monthly: pl.DataFrame) -> tuple[pl.DataFrame, list[_Area]]:
    """The rows with names, all services first, and the same by service area."""
    names = labels_da()
    order = pl.Enum([ALL, *(code for code in names if code != ALL)])
    # As a year is a result once it is over, a month is.
    is_over = pl.col("as_of").str.head(7) > pl.col("month")
    table = monthly.sort(pl.col("service_area").cast(order), "month").select(
        "service_area",
        pl.col("service_area").replace_strict(names, return_dtype=pl.String).alias("service_area_da"),
        "month",
        pl.when(is_over).then(pl.lit(RESULT)).otherwise(pl.lit(FORECAST)).alias("month_basis"),
        "active_cases",
    )
    parts = table.partition_by("service_area", maintain_order=True)
    return table, [_Area(part["service_area_da"][0], part.rows(named=True)) for part in parts]


def _month(row: dict[str, Any]) -> str:
    return MONTHS[int(row["month"][-2:]) - 1]


def _title(of_all: _Area) -> str:
    rows = of_all.rows
    first, last, most = of_all.ends
    year, start, end = rows[0]["month"][:4], _month(rows[0]), _month(rows[-1])
    ahead = " ventes" if is_forecast(rows[0]["month_basis"]) else ""
    later = " ventes" if is_forecast(rows[-1]["month_basis"]) and not ahead else ""
    if most == 0:
        return f"Ingen aktive sager{ahead or later} i {year}"
    cases = counted(first, "aktiv sag", "aktive sager")
    if most == min(of_all.counts):
        return f"{cases}{ahead or later} i alle måneder i {year}"
    begin, finish = f"{cases}{ahead} i {start} {year}", f"{number(last)}{later} i {end}"
    if of_all.counts.count(most) == 1 and most in {first, last}:
        return f"{begin}, flest i året, og {finish}" if most == first else f"{begin} og {finish}, flest i året"
    return f"{begin} og {finish}; {_most(of_all)}"


def _most(area: _Area) -> str:
    """The highest figure and its month or months."""
    most = [row for row in area.rows if row["active_cases"] == area.ends[2]]
    ahead = " ventes" if all(is_forecast(row["month_basis"]) for row in most) else ""
    when = joined(map(_month, most)) if len(most) <= _NAMED_AT_MOST else f"{len(most)} måneder"
    return f"flest{ahead} i {when}, {number(area.ends[2])}"


def _alt(of_all: _Area, areas: list[_Area]) -> str:
    """What can be seen, from the same rows."""
    months = joined(f"{number(row['active_cases'])} i {_month(row)}" for row in of_all.rows)
    told = [f"Kurve med aktive sager i {of_all.rows[0]['month'][:4]}: {months}.", *_ahead(of_all)]
    if areas:
        names = _month(of_all.rows[0]), _month(of_all.rows[-1])
        ends = [[number(count) for count in area.ends] for area in areas]
        each = "; ".join(
            f"{area.name}: {first} i {names[0]}, {last} i {names[1]}, flest {most}"
            for area, (first, last, most) in zip(areas, ends, strict=True)
        )
        told.append(f"Små kurver for {counted(len(areas), 'ydelse', 'ydelser')}. {each}.")
    return " ".join(told)


def _ahead(of_all: _Area) -> list[str]:
    """From when on figures are told ahead."""
    months = [_month(row) for row in of_all.rows if is_forecast(row["month_basis"])]
    return [f"Fra {months[0]} er tallene prognose."] if months else []


def _notes(areas: list[_Area], of_all: _Area) -> list[str]:
    empty = [area.name for area in areas if not any(area.counts)]
    ahead = _ahead(of_all)
    return [
        "En borger med flere ydelser tæller i hver af dem og én gang i alt.",
        *(f"{sentence} {ENDS_OPEN}" for sentence in ahead),
        *([f"Ingen aktive sager i året: {joined(empty)}."] if empty else []),
    ]


def _of_all_view(of_all: _Area, width: int) -> alt.LayerChart:
    step = (style.inner(width) - 2 * _EDGE) / max(len(of_all.rows) - 1, 1)
    scale = Scale(0, of_all.ends[2] or 1, _TOP + _HEIGHT, _TOP)
    points = [
        series.Point(
            _EDGE + step * n,
            scale.pixel(row["active_cases"]),
            number(row["active_cases"]),
            is_forecast(row["month_basis"]),
        )
        for n, row in enumerate(of_all.rows)
    ]
    if max(text_width(point.text) for point in points) + 3 > step:
        told = {0, len(points) - 1, of_all.counts.index(of_all.ends[2])}
        points = [point if n in told else point._replace(text="") for n, point in enumerate(points)]
    foot = scale.start
    months = [
        {"x": point.x, "y": foot + 9, "text": _month(row)[:3]} for point, row in zip(points, of_all.rows, strict=True)
    ]
    ahead = [months[n] for n, point in enumerate(points) if point.is_ahead]
    words = [f"{ahead[0]['text']}-{ahead[-1]['text']}: prognose"] if ahead else []
    layers = [
        style.boxes([{"x": 0, "x2": style.inner(width), "y": foot, "y2": foot + 1}], style.BAR),
        *series.labelled([series.Series(points, foot)]),
        style.texts(months, "center", size=style.SMALL, colour=style.GREY),
        style.texts(
            [{"x": style.inner(width), "y": foot + 21, "text": text} for text in words],
            "right",
            size=style.SMALL,
            colour=style.GREY,
        ),
    ]
    return style.view(layers, width, foot + (30 if words else 18))


def _areas_view(areas: list[_Area], width: int) -> alt.LayerChart:
    """A row per service area: name, curve and three figures; the name above the rest where the picture is narrow."""
    is_narrow = width < style.WIDE
    room = style.inner(width) - _NUMBER_ROOM * len(_NUMBERS)
    names_room = room if is_narrow else max(text_width(area.name) for area in areas) + _GAP
    left = 0 if is_narrow else names_room
    columns = [room + _NUMBER_ROOM * (n + 1) for n in range(len(_NUMBERS))]
    heads = [{"x": x, "y": _LINE / 2, "text": word} for x, word in zip(columns, _NUMBERS, strict=True)]
    names, figures, feet, curves = [], [], [], []
    y = _LINE + 4.0
    for area in areas:
        broken = wrapped(area.name, style.inner(width)) if is_narrow else [area.name]
        names += [{"x": 0, "y": y + _LINE * (n + 0.5), "text": line} for n, line in enumerate(broken)]
        foot = y + (_LINE * len(broken) + 3 if is_narrow else 0) + _SPARK
        figures += [
            {"x": x, "y": foot - _SPARK / 2, "text": number(count)} for x, count in zip(columns, area.ends, strict=True)
        ]
        feet.append({"x": left, "x2": room, "y": foot, "y2": foot + 1})
        curves.append(series.Series(_curve(area, left + 3, room - 3, foot), foot))
        y = foot + _ROW - _SPARK
    layers = [
        style.boxes(feet, style.BAR),
        *series.lines(curves),
        style.texts(names),
        style.texts(heads, "right", size=style.SMALL, colour=style.GREY),
        style.texts(figures, "right"),
    ]
    return style.view(layers, width, y)


def _curve(area: _Area, left: float, right: float, foot: float) -> list[series.Point]:
    scale = Scale(0, area.ends[2], foot, foot - _SPARK + 2)
    step = (right - left) / max(len(area.rows) - 1, 1)
    return [
        series.Point(left + step * n, scale.pixel(row["active_cases"]), "", is_forecast(row["month_basis"]))
        for n, row in enumerate(area.rows)
    ]
