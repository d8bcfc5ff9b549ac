"""Fixed random rounding: every count is shown as one of its two neighbouring multiples, always the same one.

What belongs here: the draw, and drawing again where exact totals would give a small count away. What does not: which
cells are shown at all (`suppression`), the secret itself (`secret`), shares and rates (`shared`).

Source of the method: fixed random rounding to base 3, as Statistics New Zealand applies to counts.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping

from pipelines.disclosure.audit import Interval, rounded
from schemas.errors import BotilbudError

BASES = (3, 5)
# Cell, true count and base, with what was shown for them; it holds true counts, so this is nobody else's to see.
Released = Mapping[tuple[str, int, int], int]
_DIGEST_RANGE = 2**256
# So many draws are made for a row; one that is never safe is hidden instead.
DRAWS = 100


def require_base(base: int) -> None:
    """Stops at a base that is not offered.

    Raises:
        BotilbudError: it is neither 3 nor 5.
    """
    if base not in BASES:
        raise BotilbudError(f"Counts cannot be rounded to base {base}: set it to 3 or 5")


def rounded_count(secret: bytes, round_name: str, cell: str, count: int, base: int, draw: int = 0) -> int:
    """The multiple of `base` that stands for a count.

    A multiple stays. Another count goes up with a probability of its distance from the multiple below by `base`, so
    that the mean over all secrets is the count itself. The draw is HMAC-SHA256 of round, cell, count and number of the
    draw: the same on every night and in every table.

    Args:
        secret: the data root's secret.
        round_name: the survey round.
        cell: the cell's key.
        count: the true count.
        base: what is rounded to.
        draw: 0, or how often the row has been drawn again.
    """
    below, rest = divmod(count, base)
    text = "\n".join((round_name, cell, str(base), str(count), str(draw)))
    drawn = int.from_bytes(hmac.new(secret, text.encode(), hashlib.sha256).digest(), "big")
    return base * (below + (drawn * base < rest * _DIGEST_RANGE))


class Rounding:
    """The rounded counts of rows with exact totals.

    Args:
        rows: by row, its cells and their true counts.
        secret: the data root's secret.
        round_name: the survey round.
        base: 3 or 5.
        threshold: counts of 1 to threshold - 1 must not follow from their row's total.
        released: what earlier releases of the round showed. A cell with the same count and base keeps its number,
            whatever the secret is.

    Raises:
        BotilbudError: the base is not offered.
    """

    def __init__(
        self,
        rows: Mapping[str, Mapping[str, int]],
        *,
        secret: bytes,
        round_name: str,
        base: int,
        threshold: int,
        released: Released,
    ) -> None:
        require_base(base)
        self.rows = rows
        self.secret = secret
        self.round_name = round_name
        self.base = base
        self.threshold = threshold
        self.released = released
        self.draws = dict.fromkeys(rows, -1)
        self.shown: dict[str, int] = {}
        for row in rows:
            self.draw_again(row)

    def draw_again(self, row: str) -> None:
        """The next draw of a row in which no small count follows from the row's total; without one the row is hidden."""
        while self.draws[row] < DRAWS:
            self.draws[row] += 1
            shown = {cell: self._shown(cell, count, self.draws[row]) for cell, count in self.rows[row].items()}
            if not given_away(self.rows[row], shown, self.base, self.threshold):
                self.shown.update(shown)
                return
        for cell in self.rows[row]:
            self.shown.pop(cell, None)

    def _shown(self, cell: str, count: int, draw: int) -> int:
        before = self.released.get((cell, count, self.base))
        return rounded_count(self.secret, self.round_name, cell, count, self.base, draw) if before is None else before

    @property
    def intervals(self) -> dict[str, Interval]:
        """What each rounded count can be, by cell; a hidden row's cells are absent."""
        return {cell: rounded(shown, self.base) for cell, shown in self.shown.items()}


def given_away(counts: Mapping[str, int], shown: Mapping[str, int], base: int, threshold: int) -> Collection[str]:
    """The counts of 1 to threshold - 1 that the row's exact total leaves one value only."""
    total = sum(counts.values())
    intervals = {cell: rounded(value, base) for cell, value in shown.items()}
    least = sum(low for low, _ in intervals.values())
    most = sum(high for _, high in intervals.values())
    return [
        cell
        for cell, (low, high) in intervals.items()
        if 0 < counts[cell] < threshold and max(low, total - (most - high)) == min(high, total - (least - low))
    ]
