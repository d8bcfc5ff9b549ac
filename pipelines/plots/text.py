"""How wide a text is, where its lines break, and which labels fit beside each other.

What belongs here: what must be known of texts before they are drawn. What does not: drawing (`style`), and wording
(`words`).
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

TEXT_SIZE = 11
# Widths of letters in thousandths of the font size, as Liberation Sans, Arial and Helvetica have them.
_WIDTHS = {
    **dict.fromkeys("ijl'", 222),
    **dict.fromkeys(" !,./:;I[]ft·|", 278),
    **dict.fromkeys("-()r", 333),
    **dict.fromkeys("ckszvxyJ", 500),
    **dict.fromkeys("+<>=", 584),
    **dict.fromkeys("FTZø", 611),
    **dict.fromkeys("ABEKPSVXYÅ&", 667),
    **dict.fromkeys("CDHNRUw", 722),
    **dict.fromkeys("GOQØ", 778),
    **dict.fromkeys("mM", 833),
    **dict.fromkeys("%æ", 889),
    **dict.fromkeys("WÆ", 1_000),
}
_OTHER_WIDTH, _BOLD = 556, 1.07
_SPARE = 1.02  # renderers place letters on whole pixels


def text_width(text: str, size: float = TEXT_SIZE, *, bold: bool = False) -> float:
    """How many pixels a text takes."""
    return sum(_WIDTHS.get(letter, _OTHER_WIDTH) for letter in text) * size / 1_000 * _SPARE * (_BOLD if bold else 1)


def wrapped(text: str, width: float, size: float = TEXT_SIZE, *, bold: bool = False) -> list[str]:
    """The text in lines no wider than so many pixels; a number keeps what stands beside it, unless a sentence ends."""
    lines: list[str] = []
    for word in re.split(r"(?<![0-9]) (?![0-9%])|(?<=[0-9][.]) ", text):
        if lines and text_width(f"{lines[-1]} {word}", size, bold=bold) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


class Scale(NamedTuple):
    """From values to pixels, as Vega's scale of the same domain and range; logarithmic where `is_log`."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def pixel(self, value: float) -> float:
        """Where a value lies."""
        low, high, at = (math.log(number) if self.is_log else number for number in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)


class Box(NamedTuple):
    """The room that something takes, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def met(self, others: Iterable["Box"]) -> int:
        """How many of the others share room with it."""
        return sum(
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
            for other in others
        )

    def holds(self, other: "Box") -> bool:
        """Whether another lies within it."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


class Anchor(NamedTuple):
    """A point that is to be labelled, in pixels."""

    x: float
    y: float
    text: str
    bold: bool


class Label(NamedTuple):
    """Where the label of a point stands (its middle), and whether so far away that a line must lead to it."""

    anchor: Anchor
    x: float
    y: float
    is_far: bool


_RINGS, _DIRECTIONS, _NEAREST, _STEP, _LINE = 6, 12, 9, 9, 13
# A label that lies further away is better than one that covers a point, and worse than one that crosses a line.
_COVERS, _CROSSES = 3.0, 0.25


def placed(anchors: Iterable[Anchor], points: Sequence[Box], lines: Sequence[Box], room: Box) -> list[Label]:
    """Labels near their points, where they cover neither points nor each other, nor lines where that can be helped.

    Each label takes the best of the places around its point; of equal ones the nearest, the right one before others.

    Args:
        anchors: the points to label, the most important first.
        points: what must not be covered: all points, also those without a label.
        lines: pieces of lines.
        room: where labels may stand.
    """
    taken, labels = list(points), []
    for anchor in anchors:
        half = text_width(anchor.text, bold=anchor.bold) / 2
        places = [(ring, _around(anchor, half, ring, turn)) for ring in range(_RINGS) for turn in range(_DIRECTIONS)]
        inside = [place for place in places if room.holds(place[1])] or places
        ring, box = min(
            inside, key=lambda place: place[0] + _COVERS * place[1].met(taken) + _CROSSES * place[1].met(lines)
        )
        taken.append(box)
        labels.append(Label(anchor, (box.left + box.right) / 2, (box.top + box.bottom) / 2, ring > 0))
    return labels


def _around(anchor: Anchor, half: float, ring: int, turn: int) -> Box:
    """The room of a label in one of the directions around its point, clockwise from the right."""
    angle = 2 * math.pi * turn / _DIRECTIONS
    away = _NEAREST + _STEP * ring
    x, y = anchor.x + math.cos(angle) * (away + half), anchor.y + math.sin(angle) * (away + _LINE / 4)
    return Box(x - half, y - _LINE / 2, x + half, y + _LINE / 2)
