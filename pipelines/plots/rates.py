"""What the plots of rates share: their scale and axis, the country's rate, and how far they say that they reach.

What belongs here: what more than one plot of `case_rates` needs. What does not: what one of them shows.
"""

from typing import Literal

import altair as alt
import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE
from pipelines.plots.style import DASHED, INK, Context, at_pixels, data
from pipelines.plots.text import Scale
from pipelines.plots.words import counted, municipalities
from schemas.errors import BotilbudError

UNIT = "Medregnede sager pr. 1.000 indbyggere på 18-66 år"
_PIXELS_A_TICK, _FEWEST_TICKS = 90, 3


def extent(case_rates: pl.DataFrame, context: Context) -> str:
    """Unit, period and how many a plot is about, as a sentence."""
    cases = counted(int(case_rates["cases"].sum()), "sag", "sager")
    return f"{UNIT}, {context.period_da}. {municipalities(case_rates.height)}, {cases}."


def pooled_rate(area_averages: pl.DataFrame) -> float:
    """The rate of all participants together, per 1,000.

    Raises:
        BotilbudError: there is none.
    """
    country = area_averages.filter(area_type="country", area_code=COUNTRY_CODE)
    if country.is_empty():
        raise BotilbudError("There are rates and no average of the country: give both from the same release")
    return float(country["pooled_rate_per_1000"].item())


def on(scale: Scale, field: str, axis: alt.Axis | None = None) -> alt.X:
    """A horizontal place on the scale; one layer of a view is given the axis."""
    domain = alt.Scale(domain=[scale.low, scale.high], range=[scale.start, scale.end])
    place = alt.X(f"{field}:Q", scale=domain)
    return place.axis(axis) if axis else place


def rate_axis(scale: Scale, orient: Literal["top", "bottom"] = "bottom") -> alt.Axis:
    """An axis with lines across the view and as many numbers as there is room for."""
    ticks = max(_FEWEST_TICKS, round((scale.end - scale.start) / _PIXELS_A_TICK))
    return alt.Axis(orient=orient, title=None, grid=True, domain=False, ticks=False, tickCount=ticks, labelFlush=False)


def pooled_line(x: float, top: float, bottom: float) -> alt.Chart:
    """The dashed line of the rate of all together."""
    rule = data([{"x": x, "y": top, "y2": bottom}]).mark_rule(strokeDash=list(DASHED), strokeWidth=1.5, color=INK)
    return at_pixels(rule, alt.Y2("y2:Q"))
