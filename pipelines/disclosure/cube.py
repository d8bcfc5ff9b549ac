"""Protection of a cube of counts: municipality x group x provider, of which only the sums are published.

What belongs here: a cube's margins and which of them are hidden. What does not: the project's own tables, which have
regions and roll-ups as well (`suppression`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from pipelines.disclosure.audit import UNBOUNDED, Relation, rounded
from pipelines.disclosure.pattern import LEAST_COST, Cell, Insider, Pattern, find_pattern
from pipelines.disclosure.rounding import DRAWS, Rounding
from pipelines.disclosure.suppression import NARROWEST, Zeros, require_threshold
from schemas.errors import BotilbudError

TOTAL = "total"
# Municipality, group, provider.
Place = tuple[str, str, str]
# What hiding costs: a municipality's count least, its total more, the country's totals most.
_ZERO_COST = LEAST_COST
_COST = 2 * LEAST_COST
_TOTAL_COST = 30 * LEAST_COST
_COUNTRY_COST = 100 * LEAST_COST


class Margins(NamedTuple):
    """What is published of a cube: counts by cell, and the sums that tie them; a cell is `municipality|group|provider`."""

    cells: dict[str, int]
    relations: list[Relation]


def margin_key(municipality: str = TOTAL, group: str = TOTAL, provider: str = TOTAL) -> str:
    """The name of a published count; what is left out is summed over."""
    return f"{municipality}|{group}|{provider}"


def margins(cube: Mapping[Place, int]) -> Margins:
    """The tables municipality x group and municipality x provider, with all their totals.

    Args:
        cube: the count of each municipality, group and provider; what is absent is 0.
    """
    municipalities, groups, providers = (sorted({place[axis] for place in cube}) for axis in range(3))
    cells = {
        margin_key(m, *column): 0
        for m in (*municipalities, TOTAL)
        for column in (*((g, TOTAL) for g in groups), *((TOTAL, p) for p in providers), (TOTAL, TOTAL))
    }
    for (m, group, provider), count in cube.items():
        for municipality in (m, TOTAL):
            for column in ((group, TOTAL), (TOTAL, provider), (TOTAL, TOTAL)):
                cells[margin_key(municipality, *column)] += count
    relations: list[Relation] = []
    for columns in _tables(groups, providers):
        rows = ((margin_key(m), [margin_key(m, *column) for column in columns]) for m in (*municipalities, TOTAL))
        relations.extend(rows)
        relations.extend(
            (margin_key(TOTAL, *column), [margin_key(m, *column) for m in municipalities]) for column in columns
        )
    relations.append((margin_key(), [margin_key(m) for m in municipalities]))
    return Margins(cells, relations)


def _tables(groups: list[str], providers: list[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return [(group, TOTAL) for group in groups], [(TOTAL, provider) for provider in providers]


def protect(cube: Mapping[Place, int], threshold: int, zeros: Zeros = "shown") -> frozenset[str]:
    """The cells of a cube's margins that are hidden at a threshold, named as `margins` names them.

    Every count of 1 to threshold - 1 is hidden, totals included; a cell that holds all of its municipality is hidden
    together with a zero. Every hidden count of 1 to threshold - 1 has feasible values at least 3 apart, or as far as
    its municipality's total is large, in the eyes of an outsider and of each municipality that knows its own row:

    - with `zeros` shown, of those who know that a hidden count is at least 1, and of those who know nothing of the
      kind but every municipality's total, from elsewhere;
    - with `zeros` hidden, of those who know every municipality's total, which are then not hidden.

    Args:
        cube: the count of each municipality, group and provider; what is absent is 0.
        threshold: 3 or more.
        zeros: `hidden` hides every zero of a municipality as well.

    Raises:
        BotilbudError: the threshold is below 3.
    """
    return protected(cube, threshold, zeros).hidden


def protected(cube: Mapping[Place, int], threshold: int, zeros: Zeros = "shown") -> Pattern:
    """As `protect`, with the cells that cannot be made safe."""
    require_threshold(threshold)
    counts, relations = margins(cube)
    municipalities, groups, providers = (sorted({place[axis] for place in cube}) for axis in range(3))
    columns = [column for table in _tables(groups, providers) for column in table]
    insiders = [_insider(m, columns, counts, zeros) for m in municipalities]
    full = {
        (m, table)
        for m in municipalities
        for table, places in enumerate(_tables(groups, providers))
        if counts[margin_key(m)] in {counts[margin_key(m, *place)] for place in places}
    }
    cells = {cell: _cell(cell, counts, full, threshold, zeros) for cell in counts}
    if zeros == "hidden":
        return find_pattern(_with_totals_known(cells, frozenset()), relations, insiders)
    seen = find_pattern(cells, relations, insiders)
    totals_known = find_pattern(_with_totals_known(cells, seen.hidden), relations, insiders)
    return Pattern(seen.hidden | totals_known.hidden, seen.unsafe | totals_known.unsafe)


def _cell(cell: str, counts: Mapping[str, int], full: set[tuple[str, int]], threshold: int, zeros: Zeros) -> Cell:
    """What may be done with a cell; `full` are the rows (municipality, table) with all cases in one cell."""
    count = counts[cell]
    municipality, group, provider = cell.split("|")
    is_small = 0 < count < threshold
    if municipality == TOTAL:
        is_all = (group, provider) == (TOTAL, TOTAL)
        cost = None if is_all or not count else _COUNTRY_COST + count
        return Cell(count, (1, UNBOUNDED), is_small and not is_all, cost, NARROWEST if is_small else 0)
    total = counts[margin_key(municipality)]
    width = min(NARROWEST, total)
    if (group, provider) == (TOTAL, TOTAL):
        cost = _TOTAL_COST + 100 * count if count else None
        return Cell(count, (1, UNBOUNDED), is_small, cost, width if is_small else 0)
    is_whole = count == total > 0
    if count or zeros == "hidden":
        hidden = is_small or is_whole or not count
        # Where zeros are hidden as well, a hidden count is any.
        least = 0 if zeros == "hidden" else 1
        cost = _COST + 100 * count if count else None
        return Cell(count, (least, UNBOUNDED), hidden, cost, width if is_small or is_whole else 0)
    # A zero is hidden only beside a cell that holds all of its municipality.
    beside = total > 0 and (municipality, int(group == TOTAL)) in full
    # A zero is hidden best among many cases.
    cost = _ZERO_COST * (1 + 10 / (1 + counts[margin_key(TOTAL, group, provider)]))
    return Cell(0, (0, UNBOUNDED), cost=cost if beside else None)


def rounded_margins(cube: Mapping[Place, int], base: int, *, secret: bytes, round_name: str) -> dict[str, int]:
    """What is shown of a cube's margins when the counts of municipalities are rounded and all totals are exact.

    No count of 1 to base - 1 has one feasible value only, in the eyes of an outsider and of each municipality that
    knows its own row: rows are drawn again until none has.

    Args:
        cube: the count of each municipality, group and provider; what is absent is 0.
        base: 3 or 5.
        secret: what the draws are keyed by.
        round_name: the survey round.

    Raises:
        BotilbudError: the base is not offered, or some count stays exposed.
    """
    counts, relations = margins(cube)
    municipalities, groups, providers = (sorted({place[axis] for place in cube}) for axis in range(3))
    rows = {
        f"{m}/{table}": {margin_key(m, *column): counts[margin_key(m, *column)] for column in columns}
        for m in municipalities
        for table, columns in enumerate(_tables(groups, providers))
    }
    row_of = {cell: row for row, cells in rows.items() for cell in cells}
    drawn = Rounding(rows, secret=secret, round_name=round_name, base=base, threshold=base, released={})
    columns = [column for table in _tables(groups, providers) for column in table]
    insiders = [_insider(m, columns, counts, "hidden") for m in municipalities]
    for _ in range(DRAWS):
        cells = {cell: Cell(count) for cell, count in counts.items()}
        for cell, shown in drawn.shown.items():
            count = counts[cell]
            cells[cell] = Cell(count, rounded(shown, base), hidden=True, width=1 if 0 < count < base else 0)
        unsafe = find_pattern(cells, relations, insiders).unsafe
        if not unsafe:
            return counts | drawn.shown
        for row in sorted({row_of[cell] for cell in unsafe}):
            drawn.draw_again(row)
    raise BotilbudError(f"Rounding to base {base} leaves some count exposed after {DRAWS} draws: hide cells instead")


def _with_totals_known(cells: Mapping[str, Cell], hidden: frozenset[str]) -> dict[str, Cell]:
    """The same cells for those who know every municipality's total, and of a hidden count nothing."""
    known = {}
    for name, cell in cells.items():
        municipality, group, provider = name.split("|")
        if municipality != TOTAL and (group, provider) == (TOTAL, TOTAL):
            known[name] = Cell(cell.count)
        elif municipality == TOTAL:
            known[name] = replace(cell, hidden=cell.hidden or name in hidden)
        else:
            known[name] = replace(cell, hidden=cell.hidden or name in hidden, bounds=(0, UNBOUNDED))
    return known


def _insider(municipality: str, columns: list[tuple[str, str]], counts: Mapping[str, int], zeros: Zeros) -> Insider:
    own = {column: margin_key(municipality, *column) for column in columns}
    # A total that is all the insider's own tells it nothing of anybody, where the others' zeros are shown.
    widths = {
        margin_key(TOTAL, *column): 0
        for column, cell in own.items()
        if zeros == "shown" and counts[cell] == counts[margin_key(TOTAL, *column)]
    }
    return Insider(frozenset({*own.values(), margin_key(municipality)}), widths=widths)
