"""The rates within each region or municipality group, one small plot below the other on the same scale.

What belongs here: this plot. What does not: averages and quartiles of areas, which the table has.
"""

from typing import Any, Literal, NamedTuple

import altair as alt
import polars as pl

from pipelines.danish import joined
from pipelines.plots import style
from pipelines.plots.published import shared
from pipelines.plots.rates import extent, on, pooled_line, pooled_rate, rate_axis
from pipelines.plots.text import Scale, wrapped
from pipelines.plots.words import NO_PARTICIPANTS, municipalities, rate_da
from schemas.tables import AREA_AVERAGES, CASE_RATES

AreaType = Literal["region", "municipality_group"]
# The columns of an area's code and name in `case_rates`, and what areas of the kind are called.
_KINDS: dict[AreaType, tuple[str, str, str]] = {
    "region": ("region_code", "region_name", "regioner"),
    "municipality_group": ("municipality_group_code", "municipality_group", "kommunegrupper"),
}
_DOT, _LINE, _EDGE, _GAP = 9, 15, 14, 14


def small_multiples(
    case_rates: pl.DataFrame,
    area_averages: pl.DataFrame,
    context: style.Context,
    area_type: AreaType,
    own: str | None = None,
    width: int = style.WIDE,
) -> style.Plot:
    """The rates of the municipalities within each area of a kind, and the pooled rate of the area and of all.

    Shows, for each area: a dot per municipality, piled up where they would cover each other, a diamond for the own one;
    the middle half as a band, the area's pooled rate as a solid line, that of all as a dashed one; in words the number
    of municipalities, the pooled rate, and the lowest and highest municipality.

    Args:
        case_rates: as released.
        area_averages: as released, of the same municipalities.
        context: of the release.
        area_type: which areas.
        own: the code of the municipality that is marked; one that takes no part is not.
        width: in pixels.

    Raises:
        TableError: a frame is not as it is released.
        BotilbudError: the averages are not those of the rates.
    """
    code, area_name, kind = _KINDS[area_type]
    averages = shared(area_averages, AREA_AVERAGES)
    rates = shared(case_rates, CASE_RATES).sort(code, "rate_per_1000", "municipality_code")
    table = rates.select(
        pl.col(code).alias("area_code"),
        pl.col(area_name).alias("area_name"),
        "municipality_code",
        "municipality_name",
        "cases",
        "population_18_66",
        "rate_per_1000",
    )
    name, below = f"small_multiples_{area_type}", [extent(rates, context)]
    if rates.is_empty():
        said = style.Said(NO_PARTICIPANTS, below, f"{NO_PARTICIPANTS}.")
        return style.picture(name, said, [], context, table, width)
    areas = _areas(table, averages.filter(pl.col("area_type") == area_type))
    below.append("En lille kommunes rate svinger tilfældigt: se intervallerne i diagrammet over alle kommuner.")
    said = style.Said(_title(areas, rates), below, _alt(areas, kind))
    views = [_key(table, own, width), _view(areas, pooled_rate(averages), own, width)]
    return style.picture(name, said, views, context, table, width)


class _Area(NamedTuple):
    """An area's row of the averages, and its municipalities from the lowest rate to the highest."""

    average: dict[str, Any]
    members: list[dict[str, Any]]

    @property
    def words(self) -> str:
        """How many municipalities, the pooled rate, and from where to where."""
        lowest, highest = (
            f"{row['municipality_name']} {rate_da(row['rate_per_1000'])}" for row in (self.members[0], self.members[-1])
        )
        span = f"; fra {lowest} til {highest}" if len(self.members) > 1 else f"; {lowest}"
        return f"{municipalities(len(self.members))}, samlet {rate_da(self.average['pooled_rate_per_1000'])}{span}"


def _areas(table: pl.DataFrame, averages: pl.DataFrame) -> list[_Area]:
    members = table.partition_by("area_code", as_dict=True, maintain_order=True)
    return [
        _Area(average, members[average["area_code"],].rows(named=True))
        for average in averages.sort("area_code").iter_rows(named=True)
    ]


def _title(areas: list[_Area], rates: pl.DataFrame) -> str:
    pooled = {area.average["area_name"]: area.average["pooled_rate_per_1000"] for area in areas}
    most, fewest = max(pooled.values()), min(pooled.values())
    highest, lowest = ([name for name, rate in pooled.items() if rate == extreme] for extreme in (most, fewest))
    low, high = (rate_da(end(rates["rate_per_1000"].to_list())) for end in (min, max))
    each = f"de enkelte kommuner har fra {low} til {high}"
    if most == fewest:
        return f"{joined(highest)} har {rate_da(most)} sager pr. 1.000 18-66-årige; {each}"
    return (
        f"{joined(highest)} har flest sager pr. 1.000 18-66-årige, {rate_da(most)}, og {joined(lowest)} færrest, "
        f"{rate_da(fewest)}; {each}"
    )


def _alt(areas: list[_Area], kind: str) -> str:
    """What can be seen, from the same rows."""
    told = ". ".join(f"{area.average['area_name']}: {area.words}" for area in areas)
    return f"Prikdiagrammer for {len(areas)} {kind} med sager pr. 1.000 18-66-årige på samme skala. {told}."


def _key(table: pl.DataFrame, own: str | None, width: int) -> alt.LayerChart:
    names = table.filter(pl.col("municipality_code").eq_missing(pl.lit(own)))["municipality_name"]
    entries = [
        style.KeyEntry("kommune", fill=style.INK, stroke=style.INK),
        *(style.KeyEntry(name, style.OWN_SHAPE, style.OWN, style.OWN) for name in names),
        style.KeyEntry("midterste halvdel", "square", style.BAND, style.BAND),
        style.KeyEntry("samlet i området", stroke=style.INK, dash=style.SOLID),
        style.KeyEntry("samlet i alle kommuner", stroke=style.INK, dash=style.DASHED),
    ]
    return style.key(entries, width)


def _view(areas: list[_Area], pooled: float, own: str | None, width: int) -> alt.LayerChart:
    highest = max(area.members[-1]["rate_per_1000"] for area in areas)
    scale = Scale(0, max(highest, pooled, 0.1) * 1.05, _EDGE, style.inner(width) - _EDGE)
    names, words, clear, dots, bands, lines, dashed, y = [], [], [], [], [], [], [], 0.0
    for area in areas:
        names.append({"x": 0, "y": y + _LINE / 2, "text": area.average["area_name"]})
        broken = wrapped(area.words, style.inner(width))
        words += [{"x": 0, "y": y + _LINE * (n + 1.5), "text": line} for n, line in enumerate(broken)]
        top = y + _LINE * (len(broken) + 1) + 4
        clear.append({"x": 0, "x2": style.inner(width), "y": y - _GAP + 4, "y2": top})
        piled = _piled(area.members, scale)
        foot = top + _DOT * (max(level for _, level in piled) + 2)
        dots += [
            {"x": x, "y": foot - _DOT * (level + 1), "is_own": row["municipality_code"] == own}
            for row, (x, level) in zip(area.members, piled, strict=True)
        ]
        low, middle, high = (
            scale.pixel(area.average[f"{quarter}_rate_per_1000"])
            for quarter in ("lower_quartile", "pooled", "upper_quartile")
        )
        bands.append({"x": low, "x2": high, "y": top, "y2": foot})
        lines.append({"x": middle, "y": top, "y2": foot})
        dashed.append(pooled_line(scale.pixel(pooled), top, foot))
        y = foot + _GAP
    layers = [
        _axis(scale),
        style.boxes(clear, "white"),  # no line of the axis behind a text
        style.boxes(bands, style.BAND),
        *dashed,
        style.at_pixels(style.data(lines).mark_rule(color=style.INK, strokeWidth=2), alt.Y2("y2:Q")),
        style.texts(names, bold=True),
        style.texts(words),
        *(_dots([dot for dot in dots if dot["is_own"] == is_own], is_own=is_own) for is_own in (False, True)),
    ]
    return style.view(layers, width, y)


def _piled(members: list[dict[str, Any]], scale: Scale) -> list[tuple[float, int]]:
    """Where each dot lies, and how many levels up: the lowest level on which it covers no other."""
    ends: list[float] = []
    places = []
    for row in members:
        x = scale.pixel(row["rate_per_1000"])
        level = next((n for n, end in enumerate(ends) if x - end >= _DOT), len(ends))
        ends[level : level + 1] = [x]
        places.append((x, level))
    return places


def _axis(scale: Scale) -> alt.Chart:
    """The axis, on a layer that shows nothing else."""
    mark = style.data([{"rate": 0, "y": 0}]).mark_point(opacity=0)
    return style.at_pixels(mark, x=on(scale, "rate", rate_axis(scale)))


def _dots(rows: list[dict[str, Any]], *, is_own: bool) -> alt.Chart:
    shape, colour, size = (style.OWN_SHAPE, style.OWN, 120) if is_own else (style.SHAPE, style.INK, 45)
    mark = style.data(rows).mark_point(shape=shape, fill=colour, opacity=1, size=size, strokeWidth=0)
    return style.at_pixels(mark)
