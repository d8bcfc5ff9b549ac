"""The rates of all municipalities in order, each with how uncertain it and its rank are.

What belongs here: this plot. What does not: rates, intervals and ranks, which the table has.
"""

from typing import Any

import altair as alt
import polars as pl

from pipelines.plots import style
from pipelines.plots.published import shared
from pipelines.plots.rates import extent, on, pooled_line, pooled_rate, rate_axis
from pipelines.plots.text import Scale, text_width
from pipelines.plots.words import NO_PARTICIPANTS, municipalities, named, rate_da
from schemas.tables import AREA_AVERAGES, CASE_RATES

_ROW, _GAP = 16, 10
_SHOWN_WHOLE = 0.9
_GOES_ON = "triangle-right"
_COLUMNS = (
    "municipality_code",
    "municipality_name",
    "cases",
    "population_18_66",
    "rate_per_1000",
    "ci95_lower",
    "ci95_upper",
    "rank",
    "rank_ci95_lower",
    "rank_ci95_upper",
)


def ranked_dots(
    case_rates: pl.DataFrame,
    area_averages: pl.DataFrame,
    context: style.Context,
    own: str | None = None,
    width: int = style.WIDE,
) -> style.Plot:
    """The rate of every participating municipality with its 95 % interval, highest first, and its rank.

    Shows: a dot per municipality, a diamond for the own one; the interval, with an arrow where it goes on beyond the
    picture; the pooled rate of all; at the edge the rank with its 95 % interval.

    Args:
        case_rates: as released.
        area_averages: as released, of the same municipalities.
        context: of the release.
        own: the code of the municipality that is marked; one that takes no part is not.
        width: in pixels.

    Raises:
        TableError: a frame is not as it is released.
        BotilbudError: the averages are not those of the rates.
    """
    rates = shared(case_rates, CASE_RATES).sort("rank", "municipality_code")
    averages = shared(area_averages, AREA_AVERAGES)
    table = rates.select(_COLUMNS)
    if rates.is_empty():
        said = style.Said(NO_PARTICIPANTS, [extent(rates, context)], f"{NO_PARTICIPANTS}.")
        return style.picture("ranked_dots", said, [], context, table, width)
    pooled = pooled_rate(averages)
    said = style.Said(_title(rates, pooled, own), [extent(rates, context), _differing(rates)], _alt(rates, pooled))
    return style.picture("ranked_dots", said, _views(rates, pooled, own, width), context, table, width)


def _title(rates: pl.DataFrame, pooled: float, own: str | None) -> str:
    of_own = rates.filter(pl.col("municipality_code").eq_missing(pl.lit(own))).rows(named=True)
    if of_own:
        name, rate, rank = (of_own[0][column] for column in ("municipality_name", "rate_per_1000", "rank"))
        return (
            f"{name} har {rate_da(rate)} sager pr. 1.000 18-66-årige, nr. {rank} af {rates.height}; "
            f"samlet er det {rate_da(pooled)}"
        )
    rate = rates["rate_per_1000"]
    highest, lowest = (rates.filter(rate == extreme)["municipality_name"].to_list() for extreme in (rate[0], rate[-1]))
    if rate[0] == rate[-1]:
        return f"{named(highest)} har {rate_da(rate[0])} sager pr. 1.000 18-66-årige"
    return (
        f"{named(highest)} har flest sager pr. 1.000 18-66-årige, {rate_da(rate[0])}, og {named(lowest)} færrest, "
        f"{rate_da(rate[-1])}; samlet er det {rate_da(pooled)}"
    )


def _differing(rates: pl.DataFrame) -> str:
    compared = rates["comparison_country"]
    higher, lower = (municipalities(int((compared == word).sum())) for word in ("higher", "lower"))
    return f"Hele 95 %-intervallet ligger over den samlede rate hos {higher} og under den hos {lower}."


def _alt(rates: pl.DataFrame, pooled: float) -> str:
    """What can be seen, from the same rows."""
    first, last = rates.row(0, named=True), rates.row(-1, named=True)
    ends = " og ".join(
        f"{word} {row['municipality_name']} med {rate_da(row['rate_per_1000'])} "
        f"({rate_da(row['ci95_lower'])} til {rate_da(row['ci95_upper'])}), "
        f"placering {row['rank_ci95_lower']} til {row['rank_ci95_upper']}"
        for word, row in (("øverst", first), ("nederst", last))[: rates.height]
    )
    return (
        f"Prikdiagram med {municipalities(rates.height)} ordnet efter sager pr. 1.000 18-66-årige, med 95 %-interval for "
        f"rate og placering: {ends}. En stiplet linje viser den samlede rate, {rate_da(pooled)}. {_differing(rates)}"
    )


def _views(rates: pl.DataFrame, pooled: float, own: str | None, width: int) -> list[alt.LayerChart]:
    rows = [
        {
            **row,
            "y": _ROW * (place + 1.5),
            "ranks": f"{row['rank']} ({row['rank_ci95_lower']}-{row['rank_ci95_upper']})",
            "is_own": row["municipality_code"] == own,
        }
        for place, row in enumerate(rates.select(_COLUMNS).iter_rows(named=True))
    ]
    names, ranks = (
        max(text_width(row[column], bold=True) for row in rows) for column in ("municipality_name", "ranks")
    )
    # A few small municipalities have intervals so wide that they would press all dots together.
    most_intervals = rates["ci95_upper"].quantile(_SHOWN_WHOLE, "linear") or 0
    limit = max(*rates["rate_per_1000"].to_list(), most_intervals, pooled) * 1.05
    scale = Scale(0, limit, names + _GAP, style.inner(width) - ranks - _GAP)
    height = _ROW * (len(rows) + 1) + 8
    layers = [
        *_bands(rows, width),
        *_intervals(rows, scale),
        pooled_line(scale.pixel(pooled), _ROW, height - 4),
        *_dots(rows, scale),
        *_labels(rows, scale, width),
        _pooled_label(pooled, scale),
        style.texts([{"x": style.inner(width), "y": _ROW / 2, "text": "placering (95 %)"}], "right"),
    ]
    return [_key(rows, width), style.view(layers, width, height)]


def _pooled_label(pooled: float, scale: Scale) -> alt.Chart:
    """The pooled rate beside its line, on the side where there is room."""
    x, text = scale.pixel(pooled), f"samlet {rate_da(pooled)}"
    if x < (scale.start + scale.end) / 2:
        return style.texts([{"x": x + 4, "y": _ROW / 2, "text": text}], "left")
    return style.texts([{"x": x - 4, "y": _ROW / 2, "text": text}], "right")


def _key(rows: list[dict[str, Any]], width: int) -> alt.LayerChart:
    own = [row["municipality_name"] for row in rows if row["is_own"]]
    entries = [
        style.KeyEntry("rate", fill=style.INK, stroke=style.INK),
        *(style.KeyEntry(name, style.OWN_SHAPE, style.OWN, style.OWN) for name in own),
        style.KeyEntry("95 %-interval", dash=style.SOLID),
        style.KeyEntry("intervallet fortsætter", _GOES_ON),
        style.KeyEntry("samlet rate", stroke=style.INK, dash=style.DASHED),
    ]
    return style.key(entries, width)


def _bands(rows: list[dict[str, Any]], width: int) -> list[alt.Chart]:
    """A band behind the own row."""
    own = [
        {"x": 0, "x2": style.inner(width), "y": r["y"] - _ROW / 2, "y2": r["y"] + _ROW / 2} for r in rows if r["is_own"]
    ]
    if not own:
        return []
    return [style.boxes(own, style.BAND)]


def _intervals(rows: list[dict[str, Any]], scale: Scale) -> list[alt.Chart]:
    shown = [row | {"ci95_upper": min(row["ci95_upper"], scale.high)} for row in rows]
    rules = style.data(shown).mark_rule(color=style.GREY, strokeWidth=1.3)
    layers = [style.at_pixels(rules, alt.X2("ci95_upper:Q"), x=on(scale, "ci95_lower", rate_axis(scale, "top")))]
    beyond = [row for row in shown if row["ci95_upper"] == scale.high]
    if beyond:
        arrows = style.data(beyond).mark_point(shape=_GOES_ON, fill=style.GREY, opacity=1, size=30, strokeWidth=0)
        layers.append(style.at_pixels(arrows, x=on(scale, "ci95_upper")))
    return layers


def _dots(rows: list[dict[str, Any]], scale: Scale) -> list[alt.Chart]:
    layers = []
    for is_own, size, shape, colour in ((False, 45, style.SHAPE, style.INK), (True, 110, style.OWN_SHAPE, style.OWN)):
        these = [row for row in rows if row["is_own"] == is_own]
        if these:
            marks = style.data(these).mark_point(shape=shape, fill=colour, opacity=1, size=size, strokeWidth=0)
            layers.append(style.at_pixels(marks, x=on(scale, "rate_per_1000")))
    return layers


def _labels(rows: list[dict[str, Any]], scale: Scale, width: int) -> list[alt.Chart]:
    layers = []
    for is_own in (False, True):
        these = [row for row in rows if row["is_own"] == is_own]
        names = [{"x": scale.start - _GAP, "y": row["y"], "text": row["municipality_name"]} for row in these]
        ranks = [{"x": style.inner(width), "y": row["y"], "text": row["ranks"]} for row in these]
        if these:
            layers.append(style.texts([*names, *ranks], "right", bold=is_own))
    return layers
