"""Figures over time: a line from figure to figure with each written beside it; what is told ahead is open and dashed.

What belongs here: drawing. What does not: where the figures lie, and what they are.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import altair as alt

from pipelines.plots import style

_AWAY, _ROOM_BELOW = 11, 20


class Point(NamedTuple):
    """A figure in a series.

    Attributes:
        x: where, in pixels.
        y: how far down, in pixels; the foot where there is no figure.
        text: the figure as it is written, or why there is none; empty where it is not written.
        is_ahead: whether it is told ahead.
        has_figure: whether there is one.
    """

    x: float
    y: float
    text: str
    is_ahead: bool
    has_figure: bool = True


class Series(NamedTuple):
    """Figures that follow each other, and how far down the foot of their view is, in pixels."""

    points: Sequence[Point]
    foot: float


def lines(found: Iterable[Series]) -> list[alt.Chart]:
    """The lines between figures that follow each other; none where one is missing."""
    runs = [run for points, _ in found for run in _runs(points)]
    layers = []
    for is_ahead, dash in ((False, style.SOLID), (True, style.DASHED)):
        rows = [
            {"x": point.x, "y": point.y, "run": n}
            for n, run in enumerate(runs)
            for point in run
            if run[-1].is_ahead == is_ahead
        ]
        line = style.data(rows).mark_line(color=style.OWN, strokeWidth=1.5, strokeDash=list(dash))
        layers.append(style.at_pixels(line, alt.Order("x:Q"), alt.Detail("run:N")))
    return layers


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """The parts of a series that are drawn as one line each; one that is told ahead begins at the figure before."""
    runs: list[list[Point]] = []
    for start, end in pairwise(points):
        if not (start.has_figure and end.has_figure):
            continue
        if runs and runs[-1][-1] is start and start.is_ahead == end.is_ahead:
            runs[-1].append(end)
        else:
            runs.append([start, end])
    return runs


def labelled(found: Sequence[Series]) -> list[alt.Chart]:
    """The lines, a circle per figure, and the figure above it, or below where a steep line comes from above."""
    looks = [
        {
            "x": point.x,
            "y": point.y,
            "shape": style.SHAPE,
            "fill": "white" if point.is_ahead else style.OWN,
            "stroke": style.OWN,
        }
        for points, _ in found
        for point in points
        if point.has_figure
    ]
    texts = [text for series in found for text in _texts(series)]
    return [*lines(found), style.halo(texts, "center"), style.points(looks), style.texts(texts, "center")]


def _texts(series: Series) -> list[dict[str, Any]]:
    texts = []
    for n, point in enumerate(series.points):
        beside = [other for other in series.points[max(n - 1, 0) : n + 2] if other is not point and other.has_figure]
        is_lowest = all(other.y <= point.y for other in beside)
        is_steep = any(other.y < point.y - _AWAY for other in beside)
        is_below = point.has_figure and is_lowest and is_steep and series.foot - point.y >= _ROOM_BELOW
        if point.text:
            texts.append({"x": point.x, "y": point.y + (_AWAY if is_below else -_AWAY), "text": point.text})
    return texts
