"""The funnel: rates against residents, and the limits within which chance alone holds them.

What belongs here: this plot. What does not: limits and labels, which the tables have.
"""

from itertools import pairwise
from typing import Any

import altair as alt
import polars as pl

from pipelines.danish import decimal
from pipelines.plots import style
from pipelines.plots.published import shared
from pipelines.plots.rates import extent
from pipelines.plots.text import Anchor, Box, Label, Scale, placed
from pipelines.plots.words import NO_PARTICIPANTS, municipalities, rate_da
from pipelines.statistics.counts import tail_of
from pipelines.statistics.funnel import INNER, LABELS, OUTER, WITHIN
from schemas.fields import FUNNEL_LABELS
from schemas.labels_da import VALUES_DA
from schemas.tables import CASE_RATES, FUNNEL_LIMITS

_LABELS_DA = VALUES_DA[FUNNEL_LABELS]
_BEYOND_INNER = frozenset(LABELS) - {WITHIN}
_BEYOND_OUTER = frozenset({"below_998", "above_998"})
_HEIGHT, _LEFT, _RIGHT, _TOP, _ROOM, _TICK_ROOM = 420, 34, 66, 8.0, 7, 46
_LINES = {
    "limit998_upper": ("99,8 %", style.DOTTED),
    "limit95_upper": ("95 %", style.DASHED),
    "baseline_rate_per_1000": ("samlet", style.SOLID),
    "limit95_lower": ("95 %", style.DASHED),
    "limit998_lower": ("99,8 %", style.DOTTED),
}
_COLUMNS = (
    "municipality_code",
    "municipality_name",
    "population_18_66",
    "cases",
    "rate_per_1000",
    "funnel_label",
    "funnel_label_overdispersed",
)


def funnel(
    case_rates: pl.DataFrame,
    funnel_limits: pl.DataFrame,
    context: style.Context,
    own: str | None = None,
    width: int = style.WIDE,
) -> style.Plot:
    """Every participating municipality by residents and rate, and the 95 and 99.8 % limits of chance.

    Shows: a hollow dot within the limits, a hollow triangle beyond 95 %, a filled one beyond 99.8 %, pointing the way it
    lies; a diamond for the own municipality. Those beyond are named, in bold where they are also beyond the limits that
    allow for real differences between municipalities. Says how many chance alone would put outside.

    Args:
        case_rates: as released.
        funnel_limits: as released, of the same municipalities.
        context: of the release.
        own: the code of the municipality that is marked; one that takes no part is not.
        width: in pixels.

    Raises:
        TableError: a frame is not as it is released.
    """
    rates = shared(case_rates, CASE_RATES).sort("population_18_66", "municipality_code")
    limits = shared(funnel_limits, FUNNEL_LIMITS).sort("population_18_66")
    table = rates.select(_COLUMNS)
    if rates.is_empty():
        said = style.Said(NO_PARTICIPANTS, [extent(rates, context)], f"{NO_PARTICIPANTS}.")
        return style.picture("funnel", said, [], context, table, width)
    of_own = table.filter(pl.col("municipality_code").eq_missing(pl.lit(own)))
    below = [extent(rates, context), _expected(rates), _overdispersed(rates), *_own_place(of_own)]
    said = style.Said(_title(rates), below, _alt(rates))
    views = [_key(of_own, width), _view(table, limits, own, width)]
    return style.picture("funnel", said, views, context, table, width)


def _beyond(rates: pl.DataFrame, labels: frozenset[str], column: str = "funnel_label") -> pl.DataFrame:
    return rates.filter(pl.col(column).is_in(sorted(labels)))


def _title(rates: pl.DataFrame) -> str:
    beyond = _beyond(rates, _BEYOND_INNER).height
    if beyond:
        of_all = f"{beyond} af {municipalities(rates.height)} ligger uden for 95 %-grænserne"
        return f"{of_all}; tilfældighed alene giver højst {_chance(rates, INNER)}"
    if rates.height == 1:
        return f"{rates['municipality_name'][0]} ligger inden for 95 %-grænserne"
    return f"Ingen af {municipalities(rates.height)} ligger uden for 95 %-grænserne: forskellene kan være tilfældige"


def _chance(rates: pl.DataFrame, confidence: float) -> str:
    """How many municipalities chance alone puts outside on average, at most: counts are whole."""
    return decimal(rates.height * 2 * tail_of(confidence), 1)


def _expected(rates: pl.DataFrame) -> str:
    inner, outer = (_beyond(rates, labels).height for labels in (_BEYOND_INNER, _BEYOND_OUTER))
    return (
        f"Tilfældighed alene lægger i gennemsnit højst {_chance(rates, INNER)} uden for 95 %-grænserne (her: {inner}) og "
        f"højst {_chance(rates, OUTER)} uden for 99,8 % (her: {outer})."
    )


def _overdispersed(rates: pl.DataFrame) -> str:
    column = "funnel_label_overdispersed"
    inner, outer = (_beyond(rates, labels, column).height for labels in (_BEYOND_INNER, _BEYOND_OUTER))
    return (
        f"Når der tages højde for, at kommuner reelt er forskellige, er {inner} uden for 95 % (navn med fed) og {outer} "
        "uden for 99,8 %."
    )


def _own_place(of_own: pl.DataFrame) -> list[str]:
    return [
        f"{row['municipality_name']} ligger {_LABELS_DA[row['funnel_label']]}." for row in of_own.iter_rows(named=True)
    ]


def _alt(rates: pl.DataFrame) -> str:
    """What can be seen, from the same rows."""
    sides = []
    for label in LABELS:
        names = rates.filter(pl.col("funnel_label") == label)["municipality_name"].to_list()
        if names and label != WITHIN:
            sides.append(f"{_LABELS_DA[label]}: {', '.join(names)}")
    beyond = "; ".join(sides) if sides else "ingen uden for grænserne"
    smallest, largest = (row["municipality_name"] for row in (rates.row(0, named=True), rates.row(-1, named=True)))
    return (
        f"Tragtdiagram med {municipalities(rates.height)} efter antal 18-66-årige, fra {smallest} til {largest}, og sager pr. "
        f"1.000. Grænserne er videst, hvor der er få indbyggere. {beyond[:1].upper()}{beyond[1:]}. {_expected(rates)} "
        f"{_overdispersed(rates)}"
    )


def _key(of_own: pl.DataFrame, width: int) -> alt.LayerChart:
    entries = [
        style.KeyEntry("inden for grænserne", fill="white"),
        style.KeyEntry("uden for 95 %", "triangle-up", "white", style.INK),
        style.KeyEntry("uden for 99,8 %", "triangle-up", style.INK, style.INK),
        *(style.KeyEntry(name, style.OWN_SHAPE, style.OWN, style.OWN) for name in of_own["municipality_name"]),
    ]
    return style.key(entries, width)


def _view(table: pl.DataFrame, limits: pl.DataFrame, own: str | None, width: int) -> alt.LayerChart:
    residents, rates = table["population_18_66"].to_list(), table["rate_per_1000"].to_list()
    x = Scale(min(residents) * 0.9, max(residents) * 1.1, _LEFT, style.inner(width) - _RIGHT, is_log=True)
    highest = max(*rates, 2 * limits["baseline_rate_per_1000"][0], 0.1) * 1.12
    y = Scale(0, highest, _HEIGHT, _TOP)
    rows = [_mark(row, own, x, y) for row in table.iter_rows(named=True)]
    paths = _paths(limits, x, y)
    labels = _labels(rows, [point for path in paths.values() for point in path], width)
    # The own one is larger: others may lie on it.
    dots = [[row for row in rows if row["is_own"] == is_own] for is_own in (True, False)]
    layers = [
        _axes(x, y),
        *_limit_lines(limits, paths, x),
        _leads(labels),
        *(style.points(these, size) for these, size in zip(dots, (110, 45), strict=True)),
        *_names(labels),
    ]
    return style.view(layers, width, _HEIGHT)


def _mark(row: dict[str, Any], own: str | None, x: Scale, y: Scale) -> dict[str, Any]:
    """A municipality with its place and shape."""
    label, is_own = row["funnel_label"], row["municipality_code"] == own
    look = {"shape": style.SHAPE, "fill": "white", "stroke": style.GREY}
    if label != WITHIN:
        fill = style.INK if label in _BEYOND_OUTER else "white"
        shape = "triangle-up" if label.startswith("above") else "triangle-down"
        look = {"shape": shape, "fill": fill, "stroke": style.INK}
    if is_own:
        look = {"shape": style.OWN_SHAPE, "fill": style.OWN, "stroke": style.OWN}
    place = {"x": x.pixel(row["population_18_66"]), "y": y.pixel(row["rate_per_1000"])}
    return {**row, **place, **look, "is_own": is_own}


def _axes(x: Scale, y: Scale) -> alt.Chart:
    """Both axes, on a layer that shows nothing else."""
    steps: list[int] = []
    for step in (digit * 10**power for power in range(2, 7) for digit in (1, 2, 5)):
        if x.low <= step <= x.high and (not steps or x.pixel(step) - x.pixel(steps[-1]) > _TICK_ROOM):
            steps.append(step)
    residents = alt.X(
        "population:Q",
        scale=alt.Scale(type="log", domain=[x.low, x.high], range=[x.start, x.end], nice=False),
        axis=alt.Axis(
            values=steps,
            format=",d",
            grid=False,
            title="indbyggere på 18-66 år (logaritmisk)",
            labelFlush=False,
        ),
    )
    rate = alt.Y(
        "rate:Q",
        scale=alt.Scale(domain=[y.low, y.high], range=[y.start, y.end], nice=False),
        axis=alt.Axis(title=None, grid=True, domain=False, ticks=False, tickCount=6, offset=-_LEFT),
    )
    chart: alt.Chart = style.data([{"population": x.low, "rate": 0}]).mark_point(opacity=0).encode(residents, rate)
    return chart


def _paths(limits: pl.DataFrame, x: Scale, y: Scale) -> dict[str, list[tuple[float, float]]]:
    """The lines' points in pixels, by column: only where they lie in the picture and above 0."""
    paths = {}
    for column in _LINES:
        pairs = limits.select("population_18_66", column).rows()
        # So few residents that even no cases are not too few: there is no lower limit.
        above = max(0, sum(rate == 0 for _, rate in pairs) - 1)
        paths[column] = _within([(x.pixel(residents), y.pixel(rate)) for residents, rate in pairs[above:]])
    return paths


def _limit_lines(limits: pl.DataFrame, paths: dict[str, list[tuple[float, float]]], x: Scale) -> list[alt.Chart]:
    layers = []
    for column, (_, dash) in _LINES.items():
        rows = [{"x": at, "y": height} for at, height in paths[column]]
        line = style.data(rows).mark_line(color=style.INK, strokeWidth=1.1, strokeDash=list(dash))
        layers.append(style.at_pixels(line, alt.Order("x:Q")))
    last = limits.row(-1, named=True)
    heights = _apart([paths[column][-1][1] for column in _LINES])
    texts = [
        {"x": x.end + 8, "y": height, "text": f"{words}: {rate_da(last[column])}"}
        for (column, (words, _)), height in zip(_LINES.items(), heights, strict=True)
    ]
    return [*layers, style.texts(texts, size=style.SMALL)]


def _within(path: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The part of a line that lies below the top of the picture, cut where it crosses it."""
    kept = []
    for (x1, y1), (x2, y2) in pairwise(path):
        if y1 < _TOP <= y2:
            kept.append((x1 + (_TOP - y1) / (y2 - y1) * (x2 - x1), _TOP))
        elif y1 >= _TOP:
            kept.append((x1, y1))
    return [*kept, path[-1]]


def _apart(heights: list[float]) -> list[float]:
    """Heights from the top down, each a line of text below the one before at least."""
    apart: list[float] = []
    for height in heights:
        apart.append(max(height, apart[-1] + style.SMALL + 2) if apart else height)
    return apart


def _labels(rows: list[dict[str, Any]], lines: list[tuple[float, float]], width: int) -> list[Label]:
    """Where the names stand of those beyond the limits and of the own one."""
    wanted = [row for row in rows if row["funnel_label"] != WITHIN or row["is_own"]]
    wanted.sort(key=lambda row: (not row["is_own"], row["y"], row["municipality_code"]))
    anchors = [
        Anchor(row["x"], row["y"], row["municipality_name"], row["funnel_label_overdispersed"] != WITHIN)
        for row in wanted
    ]
    points = [Box(row["x"] - _ROOM, row["y"] - _ROOM, row["x"] + _ROOM, row["y"] + _ROOM) for row in rows]
    pieces = [Box(x - 2, y - 2, x + 2, y + 2) for x, y in lines]
    return placed(anchors, points, pieces, Box(_LEFT, 0, style.inner(width) - _RIGHT + 4, _HEIGHT))


def _leads(labels: list[Label]) -> alt.Chart:
    """Thin lines to the names that lie far away."""
    leads = [{"x": at.x, "y": at.y, "x2": at.anchor.x, "y2": at.anchor.y} for at in labels if at.is_far]
    rules = style.data(leads).mark_rule(color=style.GREY, strokeWidth=0.8)
    return style.at_pixels(rules, alt.X2("x2:Q"), alt.Y2("y2:Q"))


def _names(labels: list[Label]) -> list[alt.Chart]:
    layers = []
    for bold in (False, True):
        rows = [{"x": at.x, "y": at.y, "text": at.anchor.text} for at in labels if at.anchor.bold == bold]
        layers += [style.halo(rows, "center"), style.texts(rows, "center", bold=bold)]
    return layers
