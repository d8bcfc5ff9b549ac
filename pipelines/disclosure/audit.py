"""What somebody who adds and subtracts can find out about the counts that are not shown.

What belongs here: counts, the intervals in which somebody knows them, the sums that tie them together, and the smallest
and largest whole number that each can be. What does not: how a table was protected, and how published files become
cells and sums (`candidate`).

Every bound is exact. That a count can be some value is shown by a table in whole numbers, checked against every sum;
that it can be no further is said by a sum, a linear program or, where its answer is no whole table, an integer one.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

from schemas.errors import BotilbudError

# A total and its parts.
Relation = tuple[str, Sequence[str]]
# The smallest and the largest value, both included.
Interval = tuple[int, int]
# Stands for "nothing bounds it from above"; no count is as large.
UNBOUNDED = 10**15
OUTSIDER = "outsider"

_Integers = npt.NDArray[np.int64]
# Coefficients of cells that add up to a constant.
_Sum = tuple[list[tuple[int, int]], int]
# How far from a whole number a solver's answer may be and still mean it; the whole number is then checked exactly.
_TOLERANCE = 1e-6
# Bounds that would creep up by one for ever are left to the solver after so many looks at each sum.
_LOOKS = 30
# How many steps are tried by hand before the solver is asked, how many cells a step may change, and where in a sum the
# search for the next cell begins.
_STEPS, _CHANGES, _TRIES = 8, 60, (0, 7, 31)
# Sums of so few cells are mended with the fractions in them.
_SHORT = 20
# Steps of a group that may fail before no more are tried there; each that works earns as many as it is worth.
_PATIENCE, _WORTH = 60, 6
# How often many columns are moved at once, and how few are not worth it.
_TURNS, _FEW = 6, 3
# Tables that are kept as proofs for other attackers.
_KEPT = 2_000
_QUIET: dict[str, bool | float | str] = {"output_flag": False, "threads": 1}


class Failure(NamedTuple):
    """A small count that an attacker can tell too well: shown as it is, computed exactly, or known too narrowly."""

    cell: str
    kind: Literal["published", "exact", "narrow"]
    attacker: str


class Verdict(NamedTuple):
    """What the audit found: nothing if it is clean, and per kind of cell the narrowest interval for any attacker."""

    failures: tuple[Failure, ...]
    narrowest: Mapping[str, int]


@dataclass(frozen=True)
class Insider:
    """What somebody knows beside what is published.

    Attributes:
        known: cells with the interval in which they are known to it; its own are exact.
        widths: how wide the interval of a cell must be in its eyes, in place of what is asked otherwise: less where the
            cases of others are too few (0 where they are none, as in an area's count that is all its own), more where what
            is left for others is a small count.
    """

    known: Mapping[str, Interval]
    widths: Mapping[str, int] = field(default_factory=dict)


def audit(
    cells: Mapping[str, int], relations: Sequence[Relation], hidden: Collection[str], lower_bound: int
) -> dict[str, Interval]:
    """The smallest and largest whole number that each hidden cell can be, for somebody who sees all the others.

    Args:
        cells: the true count of every cell.
        relations: total and parts; a total is the sum of its parts.
        hidden: the cells that are not shown.
        lower_bound: what every hidden cell is known to be at least: 0, or 1 where zeros are shown.

    Returns:
        The bounds of every hidden cell, both included; `UNBOUNDED` where nothing bounds it from above.

    Raises:
        BotilbudError: a relation or `hidden` names an unknown cell, or the numbers contradict each other.
    """
    if unknown := sorted(set(hidden) - set(cells)):
        raise BotilbudError(f"Hidden cell {unknown[0]} is none of the cells: add it to them")
    shown = {cell: (count, count) for cell, count in cells.items()}
    return bounds(shown | dict.fromkeys(hidden, (lower_bound, UNBOUNDED)), relations, hidden)


def rounded(shown: int, base: int) -> Interval:
    """What a count shown after rounding to a multiple of `base` can be: less than `base` away, never below 0."""
    return max(0, shown - base + 1), shown + base - 1


def bounds(
    known: Mapping[str, Interval], relations: Sequence[Relation], targets: Collection[str] | None = None
) -> dict[str, Interval]:
    """The smallest and largest value that each cell takes in any whole-number table that agrees with all that is known.

    Args:
        known: what each cell is known to be: (count, count) where it is shown, `rounded(shown, base)` where it is
            rounded, (0 or 1, UNBOUNDED) where it is hidden.
        relations: total and parts; a total is the sum of its parts.
        targets: the cells whose bounds are wanted; all without.

    Returns:
        The bounds of every target, both included; `UNBOUNDED` where nothing bounds it from above.

    Raises:
        BotilbudError: a relation or `targets` names an unknown cell, or the numbers contradict each other.
    """
    system = _System(known, relations)
    wanted = list(known) if targets is None else sorted(targets)
    found = {}
    for name in wanted:
        cell = system.cell(name)
        part = system.part_of.get(cell)
        found[name] = system.interval(cell) if part is None else part.outsider.bounds(part.column[cell])
    return found


def verdict(
    known: Mapping[str, Interval],
    relations: Sequence[Relation],
    table: Mapping[str, int],
    widths: Mapping[str, int],
    insiders: Mapping[str, Insider],
    kinds: Mapping[str, str],
) -> Verdict:
    """Whether every small count is safe from an outsider and from every insider.

    Args:
        known: what the public knows of each cell, as `bounds` takes it.
        relations: total and parts; a total is the sum of its parts.
        table: the true counts. They are the judge's, not the attacker's: they are one table that agrees with what is
            known, from which others are reached.
        widths: by cell, how far its largest feasible value must be above its smallest: at least 1 for a count that must
            not be known exactly. Other cells are not looked at.
        insiders: by name, what each knows beside what is published.
        kinds: of the cells with a width, the kinds that the narrowest intervals are told by.

    Returns:
        The failures (a cell that the outsider finds out is not repeated for insiders), and by kind the narrowest
        interval of the cells that are looked at and not shown; kinds without such a cell are left out.

    Raises:
        BotilbudError: a relation names an unknown cell, or the true counts contradict what is known.
    """
    narrowest: dict[str, int] = {}
    failures = tuple(_failures(known, _System(known, relations, table), widths, insiders, kinds, narrowest))
    return Verdict(failures, narrowest)


def any_failure(
    known: Mapping[str, Interval],
    relations: Sequence[Relation],
    table: Mapping[str, int],
    widths: Mapping[str, int],
    insiders: Mapping[str, Insider],
) -> bool:
    """Whether somebody can tell some small count too well; arguments and errors as `verdict`, which names them all."""
    asked = (widths, *(insider.widths for insider in insiders.values()))
    kinds = {cell: "" for each in asked for cell in each}
    return next(_failures(known, _System(known, relations, table), widths, insiders, kinds, {}), None) is not None


def _failures(
    known: Mapping[str, Interval],
    system: "_System",
    widths: Mapping[str, int],
    insiders: Mapping[str, Insider],
    kinds: Mapping[str, str],
    narrowest: dict[str, int],
) -> Iterator[Failure]:
    """What the outsider finds out, then what each insider does besides; `narrowest` is filled on the way."""
    for name in sorted(widths):
        if known[name][0] == known[name][1]:
            yield Failure(name, "published", OUTSIDER)
    targets = {system.cell(name): width for name, width in sorted(widths.items()) if known[name][0] < known[name][1]}
    kind_of = {system.cell(name): kind for name, kind in kinds.items()}
    found = _too_narrow(system, targets, {}, kind_of, narrowest)
    yield from (Failure(system.names[cell], kind, OUTSIDER) for cell, kind in found)
    for cell, _ in found:
        del targets[cell]
    told = {cell for name in widths if (cell := system.cell(name)) not in targets}
    for insider, knows in sorted(insiders.items()):
        own = {system.cell(name): interval for name, interval in knows.known.items()}
        views = system.views(own)
        its_own = {cell for cell, (low, high) in own.items() if low == high}
        in_its_eyes = targets | {c: w for name, w in knows.widths.items() if (c := system.cell(name)) not in told}
        others = {
            cell: width
            for cell, width in in_its_eyes.items()
            if width and cell not in its_own
            # What it knows changes nothing elsewhere; but it may ask for more than the outsider did.
            if width > targets.get(cell, 0) or (cell in system.part_of and id(system.part_of[cell]) in views)
        }
        found = _too_narrow(system, others, views, kind_of, narrowest)
        yield from (Failure(system.names[cell], kind, insider) for cell, kind in found)


def _too_narrow(
    system: "_System",
    widths: Mapping[int, int],
    views: Mapping[int, "_View"],
    kind_of: Mapping[int, str],
    narrowest: dict[str, int],
) -> list[tuple[int, Literal["exact", "narrow"]]]:
    """The cells whose intervals are too narrow; keeps the narrowest of each kind, and begins with those that can be."""
    found: list[tuple[int, Literal["exact", "narrow"]]] = []
    wanted: dict[int, tuple[_View, dict[int, int]]] = {}
    for cell, width in widths.items():
        if (part := system.part_of.get(cell)) is not None:
            view = views.get(id(part), part.outsider)
            wanted.setdefault(id(view), (view, {}))[1][part.column[cell]] = max(
                width, narrowest.get(kind_of[cell], width)
            )
    for view, columns in wanted.values():
        view.spread(columns)
    for cell in sorted(widths, key=lambda cell: (system.high[cell] - system.low[cell], cell)):
        part, kind = system.part_of.get(cell), kind_of[cell]
        if part is None:
            low, high = system.interval(cell)
        else:
            # As wide as the rule asks; and as the narrowest so far, so that it is the narrowest.
            width = max(widths[cell], narrowest.get(kind, UNBOUNDED))
            low, high = views.get(id(part), part.outsider).reach(part.column[cell], width)
        narrowest[kind] = min(narrowest.get(kind, UNBOUNDED), high - low)
        if high - low < widths[cell]:
            found.append((cell, "exact" if high == low else "narrow"))
    return sorted(found)


class _System:
    """All tables that agree with what is known, taken apart into groups of cells that no sum ties together."""

    def __init__(
        self, known: Mapping[str, Interval], relations: Sequence[Relation], table: Mapping[str, int] | None = None
    ) -> None:
        self.names = list(known)
        self.number = {name: cell for cell, name in enumerate(self.names)}
        self.low = [low for low, _ in known.values()]
        self.high = [high for _, high in known.values()]
        self.table = None if table is None else [table[name] for name in self.names]
        sums = [self._sum(total, parts) for total, parts in relations]
        if self.table is not None:
            self._require_agreement(sums, self.table)
        _tighten(sums, _touching(sums, len(self.names)), self.low, self.high, range(len(sums)), self.names)
        self.part_of: dict[int, _Part] = {}
        for cells, part_sums in _groups(sums, self.low, self.high):
            part = _Part(self, cells, part_sums)
            self.part_of.update(dict.fromkeys(cells, part))

    def _sum(self, total: str, parts: Sequence[str]) -> _Sum:
        signs = {self.cell(total): -1}
        for part in parts:
            cell = self.cell(part)
            signs[cell] = signs.get(cell, 0) + 1
        return [(cell, sign) for cell, sign in signs.items() if sign], 0

    def _require_agreement(self, sums: list[_Sum], table: list[int]) -> None:
        for name, low, high, count in zip(self.names, self.low, self.high, table, strict=True):
            if not low <= count <= high:
                raise _contradiction(name)
        for terms, constant in sums:
            if sum(sign * table[cell] for cell, sign in terms) != constant:
                raise _contradiction(self.names[terms[0][0]])

    def cell(self, name: str) -> int:
        """The number of a cell."""
        if name not in self.number:
            raise BotilbudError(f"A sum or a list names the unknown cell {name}: add it to the cells")
        return self.number[name]

    def interval(self, cell: int) -> Interval:
        """What is left to a cell by one sum at a time; exact where no group holds it."""
        return self.low[cell], self.high[cell]

    def views(self, own: Mapping[int, Interval]) -> dict[int, "_View"]:
        """The groups as an insider sees them, where that differs from what the outsider sees; by identity."""
        inside: dict[int, tuple[_Part, dict[int, Interval]]] = {}
        for cell, interval in own.items():
            part = self.part_of.get(cell)
            if part is not None:
                inside.setdefault(id(part), (part, {}))[1][part.column[cell]] = interval
        return {key: part.view(known) for key, (part, known) in inside.items()}


def _contradiction(name: str) -> BotilbudError:
    return BotilbudError(f"The numbers contradict each other at {name}: no table of counts agrees with all of them")


def _touching(sums: list[_Sum], cells: int) -> list[list[tuple[int, int]]]:
    """Per cell, the sums it stands in, with its sign."""
    touching: list[list[tuple[int, int]]] = [[] for _ in range(cells)]
    for number, (terms, _) in enumerate(sums):
        for cell, sign in terms:
            touching[cell].append((number, sign))
    return touching


def _tighten(
    sums: list[_Sum],
    touching: list[list[tuple[int, int]]],
    low: list[int],
    high: list[int],
    start: Iterable[int],
    names: Sequence[str],
) -> None:
    """Narrows the intervals in place, one sum at a time, until nothing changes."""
    waiting = deque(start)
    is_waiting = set(waiting)
    looks = _LOOKS * (len(sums) + 1)
    while waiting and looks:
        looks -= 1
        number = waiting.popleft()
        is_waiting.discard(number)
        for cell in _narrowed(sums[number], low, high):
            if low[cell] > high[cell]:
                raise _contradiction(names[cell])
            for other, _ in touching[cell]:
                if other not in is_waiting:
                    is_waiting.add(other)
                    waiting.append(other)
    # A sum without an open cell must still come out, whether or not it was looked at again.
    for terms, constant in (sums[number] for number in waiting):
        if all(low[cell] == high[cell] for cell, _ in terms) and sum(s * low[c] for c, s in terms) != constant:
            raise _contradiction(names[terms[0][0]])


def _narrowed(one: _Sum, low: list[int], high: list[int]) -> list[int]:  # noqa: C901, PLR0912 - one tight loop
    """Narrows the cells of one sum: the others at their ends leave a cell no more than this."""
    terms, constant = one
    least = most = open_least = open_most = 0
    for cell, sign in terms:
        small, large = (low[cell], high[cell]) if sign > 0 else (high[cell], low[cell])
        if small >= UNBOUNDED:
            open_least += 1
        else:
            least += sign * small
        if large >= UNBOUNDED:
            open_most += 1
        else:
            most += sign * large
    if open_least > 1 and open_most > 1:
        return []
    narrowed = []
    for cell, sign in terms:
        old_low, old_high = low[cell], high[cell]
        small, large = (old_low, old_high) if sign > 0 else (old_high, old_low)
        size = abs(sign)
        # sign * x = constant - the others, which are at least and at most as much as they are together.
        if open_least == (small >= UNBOUNDED):
            top = constant - least + (0 if small >= UNBOUNDED else sign * small)
            if sign > 0:
                high[cell] = min(old_high, top // size)
            else:
                low[cell] = max(old_low, -(top // size))
        if open_most == (large >= UNBOUNDED):
            bottom = constant - most + (0 if large >= UNBOUNDED else sign * large)
            if sign > 0:
                low[cell] = max(old_low, -(-bottom // size))
            else:
                high[cell] = min(old_high, -bottom // size)
        if (low[cell], high[cell]) != (old_low, old_high):
            narrowed.append(cell)
    return narrowed


def _groups(sums: list[_Sum], low: list[int], high: list[int]) -> Iterable[tuple[list[int], list[_Sum]]]:
    """The cells that are still open, in groups that no sum ties together, with their sums less the known cells."""
    parent: dict[int, int] = {}

    def root(cell: int) -> int:
        while parent.setdefault(cell, cell) != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    reduced: list[_Sum] = []
    for terms, constant in sums:
        open_terms = [(cell, sign) for cell, sign in terms if low[cell] < high[cell]]
        rest = constant - sum(sign * low[cell] for cell, sign in terms if low[cell] == high[cell])
        if open_terms:
            reduced.append((open_terms, rest))
            root(open_terms[0][0])
            for (one, _), (other, _) in pairwise(open_terms):
                parent[root(one)] = root(other)
    cells_of: dict[int, list[int]] = {}
    sums_of: dict[int, list[_Sum]] = {}
    for cell in sorted(parent):
        cells_of.setdefault(root(cell), []).append(cell)
    for terms, constant in reduced:
        sums_of.setdefault(root(terms[0][0]), []).append((terms, constant))
    for key, cells in cells_of.items():
        yield cells, sums_of[key]


class _Part:
    """One group of open cells: what all attackers share of it, as columns 0, 1, 2, ... of a solver's model."""

    def __init__(self, system: _System, cells: list[int], sums: list[_Sum]) -> None:
        self.column = {cell: column for column, cell in enumerate(cells)}
        self.names = [system.names[cell] for cell in cells]
        self.sums = [([(self.column[cell], sign) for cell, sign in terms], constant) for terms, constant in sums]
        self.touching = _touching(self.sums, len(cells))
        self.terms = np.array([(n, c, s) for n, (terms, _) in enumerate(self.sums) for c, s in terms], np.int64).T
        self.lengths = np.array([len(terms) for terms, _ in self.sums])
        self.constants = np.array([constant for _, constant in self.sums], np.int64)
        self.lower = [system.low[cell] for cell in cells]
        self.upper = [system.high[cell] for cell in cells]
        self.start = None if system.table is None else [system.table[cell] for cell in cells]
        self.kept = _Tables(len(cells))
        self.patience = _PATIENCE
        self.solvers: dict[bool, _Solver] = {}
        self.outsider = _View(self, self.lower, self.upper)

    def view(self, own: Mapping[int, Interval]) -> "_View":
        """The group as somebody sees it who knows more of some of its columns."""
        lower, upper = list(self.lower), list(self.upper)
        for column, (low, high) in own.items():
            lower[column], upper[column] = max(lower[column], low), min(upper[column], high)
            if lower[column] > upper[column]:
                raise _contradiction(self.names[column])
        changed = sorted({number for column in own for number, _ in self.touching[column]})
        _tighten(self.sums, self.touching, lower, upper, changed, self.names)
        return _View(self, lower, upper)

    def agrees(self, table: _Integers) -> bool:
        """Whether whole numbers come out at every sum."""
        rows, columns, signs = self.terms
        sums = np.zeros(len(self.constants), np.int64)
        np.add.at(sums, rows, signs * table[columns])
        return np.array_equal(sums, self.constants)

    def mend(self, table: _Integers, free: npt.NDArray[np.bool_], least: _Integers, most: _Integers) -> bool:
        """Changes the free columns of a table in place so that every sum comes out; tells whether that is possible."""
        rows, columns, signs = self.terms
        is_free = free[columns]
        fixed = np.zeros(len(self.constants), np.int64)
        np.add.at(fixed, rows[~is_free], (signs * table[columns])[~is_free])
        touched, place = np.unique(rows[is_free], return_inverse=True)
        rest = self.constants - fixed
        is_touched = np.zeros(len(rest), np.bool_)
        is_touched[touched] = True
        if rest[~is_touched].any():
            return False
        number = np.cumsum(free) - 1
        found = _any_whole((place, number[columns[is_free]], signs[is_free]), rest[touched], least[free], most[free])
        if found is not None:
            table[free] = found
        return found is not None

    def first_table(self) -> list[int]:
        """A whole-number table that agrees with everything: the true one, or one that a solver finds."""
        if self.start is None:
            for whole in (False, True):
                solution = self.solver(whole=whole).furthest(self.outsider, {})
                if solution is not None and self.outsider.sees(solution):
                    break
            if self.start is None:
                raise _contradiction(self.names[0])
        return self.start

    def solver(self, *, whole: bool) -> "_Solver":
        """The linear program, or the integer one; each is made when it is first needed and then changed."""
        if whole not in self.solvers:
            self.solvers[whole] = _Solver(self, whole=whole)
        return self.solvers[whole]


class _Tables:
    """Tables of a group that agree with everything, as rows; no more than `_KEPT`."""

    def __init__(self, columns: int) -> None:
        self.rows = np.zeros((16, columns), np.int64)
        self.number = 0

    @property
    def all(self) -> _Integers:
        return self.rows[: self.number]

    def add(self, table: _Integers) -> None:
        if self.number == _KEPT:
            return
        if self.number == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[self.number] = table
        self.number += 1


class _View:
    """What one attacker can find out of a group: the ends of every column, as far as they have been looked for."""

    def __init__(self, part: _Part, lower: list[int], upper: list[int]) -> None:
        self.part, self.lower, self.upper = part, lower, upper
        self.least = np.array(lower, np.int64)
        self.most = np.array(upper, np.int64)
        # The smallest and largest value of each column in the tables seen so far, and the ends known to be exact.
        self.smallest = np.full(len(lower), UNBOUNDED, np.int64)
        self.largest = np.full(len(lower), -1, np.int64)
        self.ends: dict[tuple[int, int], int] = {}
        if part.start is not None:
            self._note(np.array([part.start]))
        tables = part.kept.all
        if len(tables):
            changed = np.flatnonzero((self.least != part.lower) | (self.most != part.upper))
            inside = (tables[:, changed] >= self.least[changed]) & (tables[:, changed] <= self.most[changed])
            self._note(tables[inside.all(axis=1)])

    def _note(self, tables: _Integers) -> None:
        if len(tables):
            np.minimum(self.smallest, tables.min(axis=0), out=self.smallest)
            np.maximum(self.largest, tables.max(axis=0), out=self.largest)

    def sees(self, solution: npt.NDArray[np.float64]) -> bool:
        """Keeps a solver's answer if it is, or stands for, a whole-number table that agrees with everything."""
        table = np.rint(solution).astype(np.int64)
        if not ((table >= self.least).all() and (table <= self.most).all() and self.part.agrees(table)):
            return False
        self._keep(table)
        return True

    def _keep(self, table: _Integers) -> None:
        if self.part.start is None:
            self.part.start = table.tolist()
        self._note(table[None, :])
        self.part.kept.add(table)

    def bounds(self, column: int) -> Interval:
        """Both ends of a column, exact."""
        return self._end(column, -1), self._end(column, 1)

    def reach(self, column: int, width: int) -> Interval:
        """An interval within which the column takes both ends: the widest there is, or one as wide as is asked."""
        self.part.first_table()
        for direction in (1, -1):
            if self._width(column) < min(width, _STEPS) and self._seen(column, direction) != self._limit(
                column, direction
            ):
                self._walk(column, direction, min(width, _STEPS) - self._width(column))
        for direction in (1, -1):
            if self._width(column) < width:
                self._end(column, direction)
        return self._seen(column, -1), self._seen(column, 1)

    def spread(self, widths: Mapping[int, int]) -> None:
        """Looks for tables that show many columns to be as wide as they must be, by moving all of them at once."""
        for turn in range(_TURNS):
            narrow = [column for column, width in sorted(widths.items()) if self._width(column) < width]
            narrow = [column for column in narrow if self._width(column) < self.upper[column] - self.lower[column]]
            if len(narrow) <= _FEW:
                return
            aims = {column: -1 if (place >> turn // 2) % 2 == turn % 2 else 1 for place, column in enumerate(narrow)}
            solution = self.part.solver(whole=False).furthest(self, aims)
            if solution is None:
                return
            if not self.sees(solution):
                self._mend(solution)

    def _limit(self, column: int, direction: int) -> int:
        return self.upper[column] if direction > 0 else self.lower[column]

    def _width(self, column: int) -> int:
        return int(self.largest[column] - self.smallest[column])

    def _seen(self, column: int, direction: int) -> int:
        if self.ends.get((column, direction)) == UNBOUNDED:
            return UNBOUNDED
        return int(self.largest[column] if direction > 0 else self.smallest[column])

    def _end(self, column: int, direction: int) -> int:
        """The furthest value of a column in a direction.

        Looked for in this order: the end that a single sum leaves, reached by a table seen already or by steps from one;
        the end that a linear program gives, reached likewise; an integer program.
        """
        key = column, direction
        if key not in self.ends:
            self.part.first_table()
            self.ends[key] = self._find_end(column, direction)
            self._narrow(column, direction, self.ends[key])
        return self.ends[key]

    def _narrow(self, column: int, direction: int, end: int) -> None:
        """Takes an end that was found for what a column is known to be, and what follows from it one sum at a time.

        No table is lost by it: all that agree with what is known have the column within its ends. What the outsider
        finds out so, every view made later begins with.
        """
        ends = self.upper if direction > 0 else self.lower
        if end == UNBOUNDED or ends[column] == end:
            return
        ends[column] = end
        sums, touching = self.part.sums, self.part.touching
        changed = [number for number, _ in touching[column]]
        _tighten(sums, touching, self.lower, self.upper, changed, self.part.names)
        self.least, self.most = np.array(self.lower, np.int64), np.array(self.upper, np.int64)

    def _find_end(self, column: int, direction: int) -> int:
        limit = self._limit(column, direction)
        if self._seen(column, direction) == limit:
            return limit
        if abs(limit - self._seen(column, direction)) <= _STEPS:
            self._walk(column, direction, _STEPS)
        if self._seen(column, direction) == limit:
            return limit
        solution = self.part.solver(whole=False).furthest(self, {column: direction})
        if solution is None:
            return UNBOUNDED
        limit = _inwards(solution[column], direction)
        if not self.sees(solution) and self._seen(column, direction) != limit:
            self._mend(solution, column, limit)
        if self._seen(column, direction) == limit:
            return limit
        solution = self.part.solver(whole=True).furthest(self, {column: direction})
        if solution is None:
            return UNBOUNDED
        limit = _inwards(solution[column], direction)
        if self.sees(solution) and self._seen(column, direction) == limit:
            return limit
        raise BotilbudError(
            f"The solver's bounds of {self.part.names[column]} are not whole: the audit cannot be relied on"
        )

    def _mend(self, solution: npt.NDArray[np.float64], column: int | None = None, limit: int = 0) -> None:
        """Looks for a whole-number table near a solution in fractions: only what its fractions touch may change."""
        whole = np.rint(solution).astype(np.int64)
        free = np.abs(solution - whole) > _TOLERANCE
        rows, columns, _ = self.part.terms
        touched = np.zeros(len(self.part.sums), np.bool_)
        touched[rows[free[columns]]] = True
        touched &= self.part.lengths <= _SHORT
        free[columns[touched[rows]]] = True
        if column is not None:
            free[column], whole[column] = False, limit
        if self.part.mend(whole, free, self.least, self.most):
            self.sees(whole.astype(float))

    def _walk(self, column: int, direction: int, units: int) -> None:
        """Moves a column away from the first table by single steps, as far as it is wanted and as that works."""
        table = list(self.part.first_table())
        if not all(low <= count <= high for low, count, high in zip(self.lower, table, self.upper, strict=True)):
            return
        seen = self._seen(column, direction)
        gone = (seen - table[column]) * direction
        for step in range(min(gone + units, _STEPS)):
            if not any(self._try(table, column, direction, first) for first in _TRIES):
                return
            if step >= gone:
                self._keep(np.array(table, np.int64))

    def _try(self, table: list[int], column: int, direction: int, first: int) -> bool:
        """A step, unless too many failed: where sums leave hardly any choice, the solver is faster."""
        if self.part.patience <= 0:
            return False
        is_done = self._step(table, column, direction, first)
        self.part.patience = min(self.part.patience + _WORTH, _PATIENCE) if is_done else self.part.patience - 1
        return is_done

    def _step(self, table: list[int], column: int, direction: int, first: int) -> bool:  # noqa: C901 - one tight loop
        """Changes a column by one, then others until every sum comes out again; tells whether it did.

        The shortest sum that does not come out is mended first, by the column that leaves the least to mend.
        """
        lower, upper, touching, sums = self.lower, self.upper, self.part.touching, self.part.sums
        change = {column: direction}
        if not lower[column] <= table[column] + direction <= upper[column]:
            return False
        off = {number: sign * direction for number, sign in touching[column]}
        while off:
            if len(change) > _CHANGES:
                return False
            number = min(off, key=lambda n: (len(sums[n][0]), n))
            excess = off[number]
            best, best_left = None, 0
            terms = sums[number][0]
            for place in range(len(terms)):
                other, sign = terms[(place + first) % len(terms)]
                unit = -1 if (excess > 0) == (sign > 0) else 1
                if other in change or not lower[other] <= table[other] + unit <= upper[other]:
                    continue
                left = 0
                for n, s in touching[other]:
                    before = off.get(n, 0)
                    left += abs(before + s * unit) - abs(before)
                if best is None or left < best_left:
                    best, best_left = (other, unit), left
                    if left == -len(touching[other]):
                        break
            if best is None:
                return False
            other, unit = best
            change[other] = unit
            for n, s in touching[other]:
                off[n] = off.get(n, 0) + s * unit
                if not off[n]:
                    del off[n]
        for other, unit in change.items():
            table[other] += unit
        return True


class _Solver:
    """One model of a group, kept between questions so that each starts where the last one ended."""

    def __init__(self, part: _Part, *, whole: bool) -> None:
        self.whole = whole
        # Whose bounds the model has: what a view learns, it keeps in another array.
        self.least = part.outsider.least
        self.columns = np.arange(len(part.lower), dtype=np.int32)
        self.highs = highspy.Highs()  # type: ignore[no-untyped-call]
        options = _QUIET | {"mip_rel_gap": 0.0, "mip_abs_gap": 0.5}
        if not whole:
            # The last optimum stays feasible when only the aim changes: the primal method goes on from it.
            options |= {"presolve": "off", "simplex_strategy": 4}
        for option, value in options.items():
            self.highs.setOptionValue(option, value)
        self.highs.passModel(_model(part, whole=whole))

    def furthest(self, view: _View, aims: Mapping[int, int]) -> npt.NDArray[np.float64] | None:
        """A solution with columns as far in their directions as they go together; None where there is no end."""
        if view.least is not self.least:
            self._bound(view.least, view.most)
            self.least = view.least
        for column, direction in aims.items():
            self.highs.changeColCost(column, float(-direction))
        self.highs.run()
        status = self.highs.getModelStatus()
        solution = np.array(self.highs.getSolution().col_value)
        for column in aims:
            self.highs.changeColCost(column, 0.0)
        if status == highspy.HighsModelStatus.kOptimal:
            return solution
        if status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return None
        raise _contradiction(view.part.names[next(iter(aims), 0)])

    def _bound(self, least: _Integers, most: _Integers) -> None:
        self.highs.changeColsBounds(len(self.columns), self.columns, *_ends(least, most))


def _inwards(value: float, direction: int) -> int:
    """The last whole number on the way to a value."""
    return int(np.floor(direction * value + _TOLERANCE)) * direction


def _ends(least: _Integers, most: _Integers) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return least.astype(float), np.where(most >= UNBOUNDED, highspy.kHighsInf, most.astype(float))


def _model(part: _Part, *, whole: bool) -> highspy.HighsLp:
    return _lp(part.terms, part.constants, part.outsider.least, part.outsider.most, whole=whole)


def _lp(
    terms: _Integers | tuple[_Integers, ...], constants: _Integers, least: _Integers, most: _Integers, *, whole: bool
) -> highspy.HighsLp:
    """Columns between their ends, and sums of them by (row, column, sign), in the order of the rows."""
    rows, columns, signs = terms
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(least), len(constants)
    model.col_cost_ = np.zeros(len(least))
    model.col_lower_, model.col_upper_ = _ends(least, most)
    model.row_lower_ = model.row_upper_ = constants.astype(float)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lengths = np.bincount(rows, minlength=len(constants))
    model.a_matrix_.start_ = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    model.a_matrix_.index_ = columns.astype(np.int32)
    model.a_matrix_.value_ = signs.astype(float)
    if whole:
        model.integrality_ = [highspy.HighsVarType.kInteger] * len(least)
    return model


def _any_whole(
    terms: tuple[_Integers, ...], constants: _Integers, least: _Integers, most: _Integers
) -> _Integers | None:
    """Whole numbers for a few columns with which all sums come out; None where none are found."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in _QUIET.items():
        highs.setOptionValue(option, value)
    highs.passModel(_lp(terms, constants, least, most, whole=True))
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    found: _Integers = np.rint(np.array(highs.getSolution().col_value)).astype(np.int64)
    return found
