"""What all plots share: colours, sizes, and the frame with title, key, source line and release id.

What belongs here: the look. What does not: what a plot shows (its own module).

A picture is a column of views, each as wide as the picture; room for labels is part of a view, so that no label moves
anything. Black, greys and one dark blue: whatever differs, differs in shape or line as well. The font is the one that
vl-convert brings; Arial has the same widths where a browser lacks it.
"""

import html
import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import altair as alt
import polars as pl
import vl_convert

from pipelines.plots.text import TEXT_SIZE, text_width, wrapped

WIDE, NARROW = 720, 320
INK, GREY, PALE, BAND, BAR, OWN = "#1a1a1a", "#595959", "#d9d9d9", "#e4e4e4", "#bdbdbd", "#0b4a7a"
SOLID, DASHED, DOTTED = (1, 0), (6, 3), (1.5, 2.5)
OWN_SHAPE, SHAPE = "diamond", "circle"
SMALL = 10
_TITLE_SIZES = {True: 14, False: 16}  # by whether the picture is narrow
_PADDING = 10
Align = Literal["left", "center", "right"]
Look = alt.Shape | alt.Fill | alt.Stroke
Channel = Look | alt.X2 | alt.Y2 | alt.Text | alt.Order | alt.Detail
_CONFIG = {
    "aria": False,  # `title` and `desc` say it in Danish
    "font": "Liberation Sans, Arial, Helvetica, sans-serif",
    "mark": {"aria": False},
    "view": {"stroke": None},
    "concat": {"spacing": 6},
    "axis": {
        "labelFontSize": TEXT_SIZE,
        "labelColor": INK,
        "gridColor": PALE,
        "domainColor": GREY,
        "tickColor": GREY,
        "titleFontSize": TEXT_SIZE,
        "titleFontWeight": "normal",
        "titleColor": INK,
    },
}


class Context(NamedTuple):
    """What every plot of a release says below or beside its figures.

    Attributes:
        release: the release's id.
        period_da: when the figures were true, as it stands in a sentence: `opgjort pr. 01-10-2022`.
        source_da: the source line.
    """

    release: str
    period_da: str
    source_da: str


class Plot(NamedTuple):
    """A plot, and the same for those who do not see it.

    Attributes:
        name: what it is called in file names.
        svg: the picture.
        title_da: what it shows, as its title says it.
        alt_da: what can be seen in it.
        table: the rows that it shows, in its order.
    """

    name: str
    svg: bytes
    title_da: str
    alt_da: str
    table: pl.DataFrame

    @property
    def png(self) -> bytes:
        """The picture in pixels; made when asked for."""
        return pixels(self.svg)


def pixels(svg: bytes) -> bytes:
    """A picture as PNG, with two pixels for each of the drawing's."""
    return bytes(vl_convert.svg_to_png(svg.decode(), scale=2))


class Said(NamedTuple):
    """What a plot says in words: its title, sentences below it, the text for those who do not see it, notes at the foot."""

    title: str
    below: Sequence[str]
    alt: str
    notes: Sequence[str] = ()


class KeyEntry(NamedTuple):
    """What a shape means, or a line where `dash` is given."""

    words: str
    shape: str = SHAPE
    fill: str = GREY
    stroke: str = GREY
    dash: tuple[float, float] | None = None


def picture(
    name: str, said: Said, views: Sequence[alt.LayerChart], context: Context, table: pl.DataFrame, width: int
) -> Plot:
    """The finished plot: title, sentences and key above, notes, source line and release id below.

    Args:
        name: what it is called; followed by the width where that is not the usual one.
        said: its words.
        views: what it shows, from the top down, each `inner(width)` wide.
        context: of the release.
        table: the rows that it shows.
        width: in pixels.
    """
    name = name if width == WIDE else f"{name}_{width}"  # two widths may stand on one page
    foot = [*said.notes, f"{context.source_da}. Udgivelse {context.release}."]
    chart = alt.vconcat(
        lines([said.title], width, _TITLE_SIZES[width < WIDE], INK, bold=True),
        lines(said.below, width, TEXT_SIZE + 1, INK),
        *views,
        lines(foot, width, SMALL, GREY),
        padding=_PADDING,
        background="white",
    )
    drawn = chart.to_dict(
        validate=False
    )  # each part was validated when it was made; the whole takes longer than drawing
    svg = vl_convert.vegalite_to_svg(drawn, config=_CONFIG, format_locale="da-DK", allowed_base_urls=[])
    return Plot(name, _described(svg, name, said).encode(), said.title, said.alt, table)


def inner(width: int) -> int:
    """How wide the views of a picture are."""
    return width - 2 * _PADDING


def _described(svg: str, name: str, said: Said) -> str:
    """The SVG with title and description, as one image to those who do not see it."""
    ids = f"{name}-titel", f"{name}-beskrivelse"
    title, alt_text = html.escape(said.title, quote=False), html.escape(said.alt, quote=False)
    opening, _, rest = svg.partition(">")
    return (
        f'{opening} role="img" aria-labelledby="{ids[0]} {ids[1]}"><title id="{ids[0]}">{title}</title>'
        f'<desc id="{ids[1]}">{alt_text}</desc>{rest}'
    )


def lines(
    sentences: Sequence[str], width: int, size: int = TEXT_SIZE, colour: str = INK, *, bold: bool = False
) -> alt.LayerChart:
    """Each sentence from a new line, broken where the picture ends."""
    broken = [line for sentence in sentences for line in wrapped(sentence, inner(width), size, bold=bold)]
    height = round(size * 1.3)
    rows = [{"x": 0, "y": height * (n + 0.5), "text": line} for n, line in enumerate(broken)]
    return view([texts(rows, size=size, colour=colour, bold=bold)], width, height * len(broken) + 2)


def view(layers: Sequence[alt.Chart], width: int, height: float) -> alt.LayerChart:
    """Layers over each other, the first undermost, as one part of a picture that is `width` wide."""
    return alt.LayerChart(layer=list(layers), width=inner(width), height=height)


def texts(
    rows: Sequence[dict[str, Any]],
    align: Align = "left",
    *,
    size: int = TEXT_SIZE,
    colour: str = INK,
    bold: bool = False,
) -> alt.Chart:
    """Texts at pixels: rows of x, y (the middle of the line) and text."""
    weight: Literal["bold", "normal"] = "bold" if bold else "normal"
    mark = data(rows).mark_text(align=align, baseline="middle", fontSize=size, color=colour, fontWeight=weight)
    return at_pixels(mark, alt.Text("text:N"))


def halo(rows: Sequence[dict[str, Any]], align: Align = "left") -> alt.Chart:
    """White around the texts of these rows, to be drawn before them where they cross lines."""
    mark = data(rows).mark_text(align=align, baseline="middle", fontSize=TEXT_SIZE, stroke="white", strokeWidth=4)
    return at_pixels(mark, alt.Text("text:N"))


def data(rows: Sequence[dict[str, Any]]) -> alt.Chart:
    """A chart of rows.

    They are given as a text: rows in dictionaries would be copied one by one with every part that a chart is put into.
    """
    return alt.Chart(alt.InlineData(values=json.dumps(list(rows)), format=alt.JsonDataFormat(type="json")))


def at_pixels(mark: alt.Chart, *channels: Channel, x: alt.X | None = None) -> alt.Chart:
    """The mark where its rows' x and y say, in pixels; `x` where the horizontal place is a value on a scale."""
    across = x if x is not None else alt.X("x:Q", scale=None)
    chart: alt.Chart = mark.encode(across, alt.Y("y:Q", scale=None), *channels)
    return chart


def as_given(channel: type[Look], field: str) -> Look:
    """A shape or colour that the rows name."""
    return channel(f"{field}:N", scale=None, legend=None)


def key(entries: Sequence[KeyEntry], width: int) -> alt.LayerChart:
    """What shapes and lines mean, in as many rows as that takes."""
    line, sign, x, y = 17, 22, 0.0, 8.0
    shapes, words = [], []
    dashes: dict[tuple[tuple[float, float], str], list[dict[str, float]]] = {}
    for entry in entries:
        room = sign + text_width(entry.words) + 16
        if x and x + room - 16 > inner(width):
            x, y = 0.0, y + line
        if entry.dash is None:
            shapes.append({"x": x + 8, "y": y, "shape": entry.shape, "fill": entry.fill, "stroke": entry.stroke})
        else:
            dashes.setdefault((entry.dash, entry.stroke), []).append({"x": x + 2, "x2": x + 16, "y": y})
        words.append({"x": x + sign, "y": y, "text": entry.words})
        x += room
    drawn = [rules(rows, stroke, dash) for (dash, stroke), rows in dashes.items()]
    if shapes:
        drawn.append(points(shapes))
    return view([*drawn, texts(words)], width, y + line)


def rules(rows: Sequence[dict[str, Any]], colour: str, dash: tuple[float, float] = SOLID) -> alt.Chart:
    """Horizontal lines at pixels: rows of x, x2 and y."""
    mark = data(rows).mark_rule(strokeDash=list(dash), color=colour, strokeWidth=1.5)
    return at_pixels(mark, alt.X2("x2:Q"))


def boxes(rows: Sequence[dict[str, Any]], colour: str) -> alt.Chart:
    """Filled rectangles at pixels: rows of x, x2, y and y2."""
    return at_pixels(data(rows).mark_rect(color=colour), alt.X2("x2:Q"), alt.Y2("y2:Q"))


def points(rows: Sequence[dict[str, Any]], size: int = 45) -> alt.Chart:
    """Shapes at pixels: rows of x, y, shape, fill and stroke."""
    looks = [as_given(channel, channel.__name__.lower()) for channel in (alt.Shape, alt.Fill, alt.Stroke)]
    return at_pixels(data(rows).mark_point(opacity=1, size=size, strokeWidth=1.2), *looks)
