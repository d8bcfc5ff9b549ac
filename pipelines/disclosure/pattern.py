"""Which further cells of a table must be hidden so that its small counts cannot be computed.

What belongs here: counts, the sums that tie them together, and the search. What does not: which counts are small, which
areas and questions there are (`suppression`), and the check of the outcome (`audit`, which knows nothing of this search).

A small count is safe when other tables agree with everything that is shown and give it other values. Such a table is the
true one plus a move: whole numbers that cancel out in every sum. The cheapest move that needs few more cells hidden is a
linear program; every move found is kept as a proof, for the outsider and for all who know none of the rows it touches.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

from pipelines.disclosure.audit import UNBOUNDED, Interval, Relation

# What one unit of change costs in a cell that is hidden anyway; `Cell.cost` must be far above it.
_HIDDEN_COST = 1.0
LEAST_COST = 300.0
# What changing a cell costs that would take its whole row with it.
_ROW_COST = 1_000_000.0
_TOLERANCE = 1e-6

_Integers = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cell:
    """A count and what may be done with it.

    Attributes:
        count: the true count.
        bounds: what it is known to be when it is hidden.
        hidden: whether it is hidden from the start.
        cost: what hiding it costs, at least `LEAST_COST`; None where it is shown in any case (or hidden already).
        width: how wide the interval of feasible values must be; 0 where anything will do.
        row: the table row that it stands in. Where no pattern is safe, whole rows are hidden, zeros included.
    """

    count: int
    bounds: Interval = (0, UNBOUNDED)
    hidden: bool = False
    cost: float | None = None
    width: int = 0
    row: str | None = None


@dataclass(frozen=True)
class Insider:
    """Somebody who knows more than the public.

    Attributes:
        known: the cells whose count it knows.
        parts: how much of a cell it knows: the count is at least that.
        widths: the width asked for in its eyes, in place of the cell's own: less where the cases of others are too few,
            more where what is left for others is a small count.
    """

    known: frozenset[str]
    parts: Mapping[str, int] = field(default_factory=dict)
    widths: Mapping[str, int] = field(default_factory=dict)


class Pattern(NamedTuple):
    """What is hidden, and which small counts are not safe whatever is hidden; the latter should be empty."""

    hidden: frozenset[str]
    unsafe: frozenset[str]


def find_pattern(cells: Mapping[str, Cell], relations: Sequence[Relation], insiders: Sequence[Insider]) -> Pattern:
    """The cells to hide: those hidden from the start, and as few and as cheap others as the search finds.

    Every hidden cell with a `width` ends with feasible values at least that far apart, for an outsider and for each
    insider who does not know it. The same input gives the same answer.

    Args:
        cells: every cell by its key.
        relations: total and parts; a total is the sum of its parts.
        insiders: those who know more than what is published, one at a time.
    """
    search = _Search(cells, relations, insiders)
    search.protect()
    search.prune()
    names = list(cells)
    hidden = frozenset(names[cell] for cell in np.flatnonzero(search.hidden))
    return Pattern(hidden, frozenset(names[cell] for cell in search.given_up))


@dataclass(frozen=True)
class _Move:
    """A change that cancels out in every sum; `blind` says for whom (outsider first) it is a feasible table."""

    change: dict[int, int]
    blind: _Flags


class _Search:
    def __init__(self, cells: Mapping[str, Cell], relations: Sequence[Relation], insiders: Sequence[Insider]) -> None:
        self.number = {name: number for number, name in enumerate(cells)}
        every = list(cells.values())
        self.count = np.array([cell.count for cell in every], np.int64)
        self.low = np.array([cell.bounds[0] for cell in every], np.int64)
        self.high = np.array([cell.bounds[1] for cell in every], np.int64)
        self.hidden = np.array([cell.hidden for cell in every], np.bool_)
        self.at_start = self.hidden.copy()
        self.cost = np.array([np.inf if cell.cost is None else cell.cost for cell in every])
        self.width = np.array([cell.width for cell in every], np.int64)
        self.rows: dict[str, list[int]] = {}
        for number, cell in enumerate(every):
            if cell.row is not None:
                self.rows.setdefault(cell.row, []).append(number)
        self.whole_rows: set[str] = set()
        # The outsider first, who knows nothing.
        self.known: list[list[int]] = [[], *(sorted(self.number[c] for c in i.known) for i in insiders)]
        self.parts: list[dict[int, int]] = [
            {},
            *({self.number[c]: part for c, part in i.parts.items() if part} for i in insiders),
        ]
        # By cell: who knows it, and who knows how much of it.
        self.knowers: dict[int, list[int]] = {}
        self.holders: dict[int, dict[int, int]] = {}
        for attacker, (known, parts) in enumerate(zip(self.known, self.parts, strict=True)):
            for number in known:
                self.knowers.setdefault(number, []).append(attacker)
            for number, part in parts.items():
                self.holders.setdefault(number, {})[attacker] = part
        self.asked: dict[int, dict[int, int]] = {}
        for attacker, insider in enumerate(insiders, start=1):
            for name, width in insider.widths.items():
                self.asked.setdefault(self.number[name], {})[attacker] = width
        self.protected: _Flags = self.width > 0
        self.protected[[cell for cell, asked in self.asked.items() if max(asked.values()) > 0]] = True
        self.given_up: dict[int, set[int]] = {}
        self.moves: dict[int, list[_Move]] = {}
        self.program = _Program(self._sums(relations), self.count.size)
        for number in range(self.count.size):
            self._allow(number)

    def _sums(self, relations: Sequence[Relation]) -> list[dict[int, int]]:
        sums = []
        for total, parts in relations:
            row = {self.number[part]: 1 for part in parts}
            row[self.number[total]] = row.get(self.number[total], 0) - 1
            sums.append(row)
        return sums

    # What may move -----------------------------------------------------------------------------------------------

    def _room(self, cell: int) -> tuple[int, int]:
        """How far a cell could go up and down, were it hidden."""
        if not self.hidden[cell] and not np.isfinite(self.cost[cell]):
            return 0, 0
        return int(max(0, self.high[cell] - self.count[cell])), int(max(0, self.count[cell] - self.low[cell]))

    def _allow(self, cell: int) -> None:
        self.program.set_room(cell, self._room(cell))
        self.program.set_cost(cell, _HIDDEN_COST if self.hidden[cell] else float(self.cost[cell]))

    def _hide(self, cells: Iterable[int]) -> None:
        for cell in cells:
            if not self.hidden[cell]:
                self.hidden[cell] = True
                self._allow(cell)

    def _hide_row(self, row: str) -> None:
        """Hides all of a row for good: nobody can tell then which of its cells are zeros."""
        self.whole_rows.add(row)
        for cell in self.rows[row]:
            self.hidden[cell] = self.at_start[cell] = True
            self.low[cell] = 0
            self._allow(cell)

    # Who could find out --------------------------------------------------------------------------------------------

    def _reach(self, cell: int) -> tuple[_Integers, _Integers]:
        """How far up and down a cell can be proven to go, for each attacker."""
        up, down = np.zeros(len(self.known), np.int64), np.zeros(len(self.known), np.int64)
        for move in self.moves.get(cell, ()):
            change = move.change[cell]
            if change > 0:
                np.maximum(up, np.where(move.blind, change, 0), out=up)
            else:
                np.maximum(down, np.where(move.blind, -change, 0), out=down)
        return up, down

    def _widths(self, cell: int) -> _Integers:
        """How wide the interval must be in each attacker's eyes."""
        widths = np.full(len(self.known), self.width[cell])
        for attacker, width in self.asked.get(cell, {}).items():
            widths[attacker] = width
        widths[self.knowers.get(cell, [])] = 0
        return widths

    def _exposed(self, cell: int) -> tuple[list[int], _Integers, _Integers]:
        up, down = self._reach(cell)
        exposed = up + down < self._widths(cell)
        return np.flatnonzero(exposed).tolist(), up, down

    def _keep(self, change: dict[int, int]) -> _Move:
        blind = np.ones(len(self.known), np.bool_)
        for cell, units in change.items():
            blind[self.knowers.get(cell, [])] = False
            for attacker, part in self.holders.get(cell, {}).items():
                if self.count[cell] + units < part:
                    blind[attacker] = False
        move = _Move(change, blind)
        for cell in change:
            self.moves.setdefault(cell, []).append(move)
        return move

    # The search ----------------------------------------------------------------------------------------------------

    def protect(self) -> None:
        """Hides cells until every hidden small count is proven safe. The outsider first, then the insiders."""
        while True:
            before = int(self.hidden.sum())
            for insiders_too in (False, True):
                for cell in self._targets():
                    self._protect(cell, insiders_too=insiders_too)
            if int(self.hidden.sum()) == before:
                return

    def _targets(self) -> list[int]:
        # The largest first: their moves are the longest, and are proofs for the smaller ones on their way.
        wanted = np.flatnonzero(self.hidden & self.protected).tolist()
        return sorted(wanted, key=lambda cell: (-int(self.count[cell]), cell))

    def _protect(self, cell: int, *, insiders_too: bool) -> None:
        while True:
            exposed, up, down = self._exposed(cell)
            given_up = self.given_up.get(cell, ())
            exposed = [a for a in exposed if a not in given_up and (insiders_too or a == 0)]
            if not exposed:
                return
            attacker = exposed[0]
            changes = self._cheapest(cell, exposed, (int(up[attacker]), int(down[attacker])))
            if changes is not None:
                for change in changes:
                    self._hide(change)
                    self._keep(change)
            elif not self._give_way(cell, attacker, (int(up[attacker]), int(down[attacker]))):
                self.given_up.setdefault(cell, set()).add(attacker)

    def _give_way(self, cell: int, attacker: int, reached: tuple[int, int]) -> bool:
        """Hides the whole rows in which a move would have to change cells that stay as they are; False without any."""
        rigid = {c: row for row, cells in self.rows.items() if row not in self.whole_rows for c in cells}
        for other in rigid:
            self.program.set_room(other, (int(self.high[other] - self.count[other]), int(self.count[other])))
            self.program.set_cost(other, _ROW_COST)
        changes = self._splits(cell, [attacker], reached, np.inf)
        for other in rigid:
            self._allow(other)
        rows: set[str] = set()
        for change in changes or ():
            for other, units in change.items():
                up, down = self._room(other)
                if other in rigid and not -down <= units <= up:
                    rows.add(rigid[other])
        for row in sorted(rows):
            self._hide_row(row)
        return bool(rows)

    def _cheapest(
        self, cell: int, exposed: list[int], reached: tuple[int, int], limit: float = np.inf
    ) -> list[dict[int, int]] | None:
        """The cheapest moves that make a cell safe from the first exposed attacker, and if possible from all."""
        together = self._splits(cell, exposed, reached, LEAST_COST) if len(exposed) > 1 else None
        return together or self._splits(cell, exposed[:1], reached, limit)

    def _splits(
        self, cell: int, attackers: list[int], reached: tuple[int, int], limit: float
    ) -> list[dict[int, int]] | None:
        width = int(self._widths(cell)[attackers].max())
        up, down = reached
        best: list[dict[int, int]] | None = None
        with self.program.without(self._blocked(attackers)):
            room_up, room_down = self.program.room[cell]
            # One direction alone first: a single move is mostly the cheapest.
            splits = [(width - down, 0), (0, width - up)]
            splits += [(more, width - more) for more in range(up + 1, width) if width - more > down]
            for more, less in splits:
                if more > room_up or less > room_down:
                    continue
                found = self.program.moves(cell, more, less, limit)
                if found is not None:
                    changes, limit = found
                    best = changes
                    if limit < LEAST_COST:
                        break
        return best

    def _blocked(self, attackers: list[int]) -> dict[int, tuple[int, int]]:
        """The room that is left in cells that one of the attackers knows, or knows a part of."""
        blocked: dict[int, tuple[int, int]] = {}
        for attacker in attackers:
            for known in self.known[attacker]:
                blocked[known] = (0, 0)
            for held, part in self.parts[attacker].items():
                up, down = blocked.get(held, self.program.room[held])
                blocked[held] = (up, max(0, min(down, int(self.count[held]) - part)))
        return blocked

    def prune(self) -> None:
        """Shows further cells again, the most expensive first, where every small count stays safe without them."""
        further = np.flatnonzero(self.hidden & ~self.at_start).tolist()
        for cell in sorted(further, key=lambda c: (-self.cost[c], c)):
            if not self._show(cell):
                self._hide([cell])

    def _show(self, cell: int) -> bool:
        lost = self.moves.get(cell, [])
        kept = self.moves
        gone = {id(move) for move in lost}
        touched = sorted({c for move in lost for c in move.change})
        self.moves = {
            c: [move for move in moves if id(move) not in gone] if c in touched else list(moves)
            for c, moves in kept.items()
        }
        self.hidden[cell] = False
        self._allow(cell)
        for other in touched:
            if self.hidden[other] and self.protected[other] and not self._still_safe(other, kept):
                self.moves = kept
                return False
        return True

    def _still_safe(self, cell: int, kept: dict[int, list[_Move]]) -> bool:
        while True:
            exposed, up, down = self._exposed(cell)
            exposed = [attacker for attacker in exposed if attacker not in self.given_up.get(cell, ())]
            if not exposed:
                return True
            changes = self._cheapest(cell, exposed, (int(up[exposed[0]]), int(down[exposed[0]])), LEAST_COST)
            if changes is None:
                return False
            for change in changes:
                move = self._keep(change)
                # True whatever becomes of the cell that is tried.
                for c in change:
                    kept.setdefault(c, []).append(move)


class _Program:
    """The linear program of moves: every cell goes up or down, every sum stays, and going costs."""

    def __init__(self, sums: list[dict[int, int]], cells: int) -> None:
        self.cells = cells
        self.room: dict[int, tuple[int, int]] = dict.fromkeys(range(cells), (0, 0))
        self.cost = np.zeros(cells)
        self.sums = sums
        self.solver = _solver(sums, cells)

    def set_room(self, cell: int, room: tuple[int, int]) -> None:
        self.room[cell] = room
        self._bound(cell, room)

    def set_cost(self, cell: int, cost: float) -> None:
        self.cost[cell] = cost if np.isfinite(cost) else 0.0
        self.solver.changeColCost(2 * cell, float(self.cost[cell]))
        self.solver.changeColCost(2 * cell + 1, float(self.cost[cell]))

    def _bound(self, cell: int, room: tuple[int, int]) -> None:
        up, down = room
        self.solver.changeColBounds(2 * cell, 0.0, float(min(up, 1_000)))
        self.solver.changeColBounds(2 * cell + 1, 0.0, float(min(down, 1_000)))

    @contextmanager
    def without(self, blocked: Mapping[int, tuple[int, int]]) -> Iterator[None]:
        """Cells have less room for a while."""
        before = {cell: self.room[cell] for cell in blocked}
        for cell, room in blocked.items():
            self.set_room(cell, room)
        yield
        for cell, room in before.items():
            self.set_room(cell, room)

    def moves(self, cell: int, up: int, down: int, limit: float) -> tuple[list[dict[int, int]], float] | None:
        """A move for each direction that is asked for, and what they cost together, below `limit`; None without."""
        changes, cost = [], 0.0
        for direction, units in ((0, up), (1, down)):
            if units > 0:
                found = self._move(cell, direction, units)
                if found is None:
                    return None
                changes.append(found[0])
                cost += found[1]
                if cost >= limit:
                    return None
        return changes, cost

    def _move(self, cell: int, direction: int, units: int) -> tuple[dict[int, int], float] | None:
        column, other = 2 * cell + direction, 2 * cell + 1 - direction
        self.solver.changeColBounds(column, float(units), float(units))
        self.solver.changeColBounds(other, 0.0, 0.0)
        self.solver.run()
        found = None
        if self.solver.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            values = np.array(self.solver.getSolution().col_value)
            whole = np.rint(values)
            if np.abs(values - whole).max() > _TOLERANCE:
                whole = self._whole()
            if whole is not None:
                net = (whole[0::2] - whole[1::2]).astype(np.int64)
                moved = np.flatnonzero(net)
                found = {int(c): int(net[c]) for c in moved}, float(np.abs(net[moved]) @ self.cost[moved])
        self._bound(cell, self.room[cell])
        return found

    def _whole(self) -> npt.NDArray[np.float64] | None:
        """The same in whole numbers, where the linear program answers in fractions."""
        columns = np.arange(2 * self.cells, dtype=np.int32)
        self.solver.changeColsIntegrality(
            2 * self.cells, columns, np.full(2 * self.cells, highspy.HighsVarType.kInteger)
        )
        self.solver.run()
        optimal = self.solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        values = np.rint(np.array(self.solver.getSolution().col_value)) if optimal else None
        self.solver.changeColsIntegrality(
            2 * self.cells, columns, np.full(2 * self.cells, highspy.HighsVarType.kContinuous)
        )
        return values


def _solver(sums: list[dict[int, int]], cells: int) -> highspy.Highs:
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
        solver.setOptionValue(option, value)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = 2 * cells, len(sums)
    model.col_cost_ = np.zeros(2 * cells)
    model.col_lower_ = np.zeros(2 * cells)
    model.col_upper_ = np.zeros(2 * cells)
    model.row_lower_ = model.row_upper_ = np.zeros(len(sums))
    places, starts, values = [], [0], []
    for row in sums:
        for cell, sign in row.items():
            places += [2 * cell, 2 * cell + 1]
            values += [float(sign), float(-sign)]
        starts.append(len(places))
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.array(starts, np.int32)
    model.a_matrix_.index_ = np.array(places, np.int32)
    model.a_matrix_.value_ = np.array(values)
    solver.passModel(model)
    return solver
