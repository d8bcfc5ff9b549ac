"""Draws that give the same result on every machine and every night. No survey knowledge belongs here.

Only `random.Random.random` is used: it is the one method whose sequence for a seed Python promises to keep.
"""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Draws:
    """A stream of draws; the same names give the same stream."""

    def __init__(self, *names: str) -> None:
        self._random = random.Random("/".join(("demonstration", *names)))  # noqa: S311 - made-up data, not secrets

    def between(self, lower: float, upper: float) -> float:
        """A number from `lower` (included) to `upper` (not included)."""
        return lower + (upper - lower) * self._random.random()

    def whole(self, lower: int, upper: int) -> int:
        """A whole number from `lower` to `upper`, both included."""
        return lower + int((upper - lower + 1) * self._random.random())

    def happens(self, chance: float) -> bool:
        """Whether something of this chance (0 to 1) happens."""
        return self._random.random() < chance

    def one(self, items: Sequence[Item]) -> Item:
        """One of the items, all equally likely."""
        return items[self.whole(0, len(items) - 1)]

    def weighted(self, weights: Mapping[str, float]) -> str:
        """One of the names, each as likely as its weight is large."""
        drawn = self.between(0, sum(weights.values()))
        for name, weight in weights.items():
            drawn -= weight
            if drawn < 0:
                return name
        return list(weights)[-1]

    def shuffled(self, items: Iterable[Item]) -> list[Item]:
        """The items in a drawn order."""
        return [item for _, _, item in sorted((self._random.random(), place, item) for place, item in enumerate(items))]

    def some(self, items: Sequence[Item], count: int) -> list[Item]:
        """`count` different items (all of them when there are fewer), in a drawn order."""
        return self.shuffled(items)[:count]

    def likeliest(self, items: Iterable[Item], count: int, leaning: Callable[[Item], float]) -> list[Item]:
        """`count` items, drawn without putting back, an item's weight being exp(`leaning(item)`).

        Gumbel noise on the logarithm of the weight, then the largest: exact numbers and tendencies at once.
        """
        scored = [
            (leaning(item) - math.log(-math.log(max(self._random.random(), 1e-12))), place, item)
            for place, item in enumerate(items)
        ]
        return [item for _, _, item in sorted(scored, key=lambda entry: (-entry[0], entry[1]))[:count]]


def quotas(weights: dict[str, float], total: int) -> dict[str, int]:
    """`total` split in proportion to the weights into whole numbers that add up to it (largest remainders)."""
    whole = sum(weights.values())
    exact = {name: total * weight / whole for name, weight in weights.items()}
    counts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: total - sum(counts.values())]:
        counts[name] += 1
    return counts
