"""The drawing of a table's column lineage: a box per table, from what comes from outside to the table's own columns.

What belongs here: where boxes, columns and curves lie. What does not: where columns come from (`schemas.lineage`). Columns
of the table that follow from the same ones share a place, and so do the questions of the form where they are many. Where
many columns of a box are followed from, or all, one curve begins at its name.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from pipelines.documentation.questions import question_columns, question_numbers
from pipelines.documentation.rendering import render
from schemas.extracts import load_form
from schemas.lineage import origins, sources_of, tables_with_lineage
from schemas.questionnaire import Catalogue

# Pixels. A letter is as wide as in a font of 12 pixels whose letters are all 0.6 of that.
_LETTER, _LINE, _ROOM, _BETWEEN_BOXES, _BETWEEN_LAYERS, _MARGIN = 7.2, 16, 10, 28, 96, 4
_NAMED_AT_MOST, _WRAPPED_AT = 3, 26


class Line(NamedTuple):
    """A line of text and where its foot begins."""

    x: int
    y: int
    text: str


class Box(NamedTuple):
    """A table: its name, then the lines of its columns; `kind` is what the style sheet knows it by."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[Line, ...]


class Curve(NamedTuple):
    """From a column to one that follows from it; `is_last` where that is the drawn table's own."""

    x1: int
    y1: int
    x2: int
    y2: int
    is_last: bool


class _Place(NamedTuple):
    """Columns of a table that are drawn in one place, and the lines that name them."""

    columns: tuple[str, ...]
    lines: tuple[str, ...]


def drawing(asset: str, title: str, questionnaire: str) -> Markup:
    """The drawing as an `svg` element, with its title and the same in words for those who do not see it."""
    catalogue = load_form(questionnaire)
    used = _used(asset, questionnaire)
    places = {table: _places(table, columns, catalogue, is_target=table == asset) for table, columns in used.items()}
    layers = _layers(asset, used, questionnaire)
    boxes = _boxes(asset, places, layers)
    curves = _curves(asset, places, boxes, questionnaire)
    svg = render(
        "lineage.svg",
        title=f"Herkomst for {title}",
        text=_in_words(asset, used, questionnaire),
        width=max(box.x + box.width for box in boxes.values()) + _MARGIN,
        height=max(box.y + box.height for box in boxes.values()) + _MARGIN,
        bend=_BETWEEN_LAYERS // 2,
        boxes=list(boxes.values()),
        curves=curves,
    )
    return Markup(svg.decode())  # noqa: S704 - our own template, which escapes what it is given


def _used(asset: str, questionnaire: str) -> dict[str, list[str]]:
    """The columns that the table's follow from, by table, in the order that data flows; the table's own last."""
    found: dict[str, set[str]] = {asset: set(origins(asset, questionnaire))}
    further = [(asset, column) for column in found[asset]]
    while further:
        table, column = further.pop()
        for source, name in origins(table, questionnaire)[column].sources:
            if name not in found.setdefault(source, set()):
                found[source].add(name)
                further.append((source, name))
    flow = [*sources_of(questionnaire), *tables_with_lineage(questionnaire)]
    return {
        table: [column for column in origins(table, questionnaire) if column in found[table]]
        for table in flow
        if table in found
    }


def _feeds(table: str, columns: Iterable[str], questionnaire: str) -> list[str]:
    """The tables that columns follow from directly, sorted."""
    return sorted({source for name in columns for source, _ in origins(table, questionnaire)[name].sources})


def _places(table: str, columns: Sequence[str], catalogue: Catalogue, *, is_target: bool) -> list[_Place]:
    if is_target:
        together: dict[frozenset[tuple[str, str]], list[str]] = {}
        for column in columns:
            together.setdefault(frozenset(origins(table, catalogue.version)[column].sources), []).append(column)
        return [_Place(tuple(names), _named(names)) for names in together.values()]
    asked = question_columns(table, columns, catalogue)
    places = [_Place((name,), (name,)) for name in columns if name not in asked]
    if asked:
        lines = textwrap.wrap(question_numbers(asked, catalogue), _WRAPPED_AT)
        places.append(_Place(tuple(asked), tuple(lines)))
    return places


def _named(names: Sequence[str]) -> tuple[str, ...]:
    if len(names) <= _NAMED_AT_MOST + 1:
        return tuple(names)
    return (*names[:_NAMED_AT_MOST], f"og {len(names) - _NAMED_AT_MOST} flere")


def _layers(asset: str, used: dict[str, list[str]], questionnaire: str) -> list[list[str]]:
    """The tables from left to right: each to the left of all that follow from it, and sources leftmost."""
    depth = dict.fromkeys(used, 0)
    for table in reversed(used):  # those that data flow to first
        for source in _feeds(table, used[table], questionnaire):
            depth[source] = max(depth[source], depth[table] + 1)
    deepest = max(depth.values())
    for table, columns in used.items():
        if table != asset and not _feeds(table, columns, questionnaire):
            depth[table] = deepest
    return [[table for table in used if depth[table] == layer] for layer in range(deepest, -1, -1)]


def _boxes(asset: str, places: Mapping[str, list[_Place]], layers: list[list[str]]) -> dict[str, Box]:
    heights = {table: _height(found) for table, found in places.items()}
    tallest = max(_stacked(heights[table] for table in layer) for layer in layers)
    boxes = {}
    x = _MARGIN
    for layer in layers:
        width = max(_width(table, places[table]) for table in layer)
        y = _MARGIN + (tallest - _stacked(heights[table] for table in layer)) // 2
        for table in layer:
            kind = "target" if table == asset else "source" if layer is layers[0] else "table"
            texts = [table, *(line for place in places[table] for line in place.lines)]
            lines = tuple(Line(x + _ROOM, y + _LINE * (n + 1) + 2, text) for n, text in enumerate(texts))
            boxes[table] = Box(kind, x, y, width, heights[table], lines)
            y += heights[table] + _BETWEEN_BOXES
        x += width + _BETWEEN_LAYERS
    return boxes


def _height(places: list[_Place]) -> int:
    return _LINE * (1 + sum(len(place.lines) for place in places)) + _ROOM


def _width(table: str, places: list[_Place]) -> int:
    longest = max(len(text) for text in (table, *(line for place in places for line in place.lines)))
    return round(longest * _LETTER) + 2 * _ROOM


def _stacked(heights: Iterable[int]) -> int:
    found = list(heights)
    return sum(found) + _BETWEEN_BOXES * (len(found) - 1)


def _curves(
    asset: str, places: Mapping[str, list[_Place]], boxes: Mapping[str, Box], questionnaire: str
) -> list[Curve]:
    middle = {table: _middles(boxes[table], found) for table, found in places.items()}
    curves = set()
    for table, found in places.items():
        for place in found:
            end = (boxes[table].x, middle[table][place.columns[0]])
            for source, names in _sources(table, place, questionnaire).items():
                right = boxes[source].x + boxes[source].width
                heights = {middle[source][name] for name in names}
                if len(heights) > _NAMED_AT_MOST - 1 or 1 < len(heights) == len(places[source]):
                    heights = {_foot(boxes[source], 0, 0)}
                curves |= {Curve(right, height, *end, table == asset) for height in heights}
    return sorted(curves, key=lambda curve: (curve.is_last, curve))


def _sources(table: str, place: _Place, questionnaire: str) -> dict[str, set[str]]:
    """What the columns of a place follow from directly: columns by table."""
    found: dict[str, set[str]] = {}
    for column in place.columns:
        for source, name in origins(table, questionnaire)[column].sources:
            found.setdefault(source, set()).add(name)
    return found


def _middles(box: Box, places: list[_Place]) -> dict[str, int]:
    """The height at which each column's curves end: the middle of the lines of its place."""
    found: dict[str, int] = {}
    line = 1
    for place in places:
        last = line + len(place.lines) - 1
        found |= dict.fromkeys(place.columns, _foot(box, line, last))
        line = last + 1
    return found


def _foot(box: Box, first: int, last: int) -> int:
    """The height of the middle of some lines of a box; line 0 is its name."""
    return (box.lines[first].y + box.lines[last].y) // 2 - _LINE // 4


def _in_words(asset: str, used: dict[str, list[str]], questionnaire: str) -> str:
    told = []
    for table in reversed(used):
        feeds = _feeds(table, used[table], questionnaire)
        if feeds:
            told.append(f"{table} følger af {', '.join(feeds)}.")
        elif table != asset:
            told.append(f"{table} kommer udefra.")
    return " ".join(told)
