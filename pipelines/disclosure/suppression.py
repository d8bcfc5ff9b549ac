"""Which cells of the shared tables are hidden.

What belongs here: which counts are small, which areas and municipalities are shown, which sums tie the tables together, and
what a participant knows of itself. What does not: the search for further cells (`pattern`), rounding (`rounding`), and
the check of what would be published (`audit`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE, area_members
from pipelines.benchmark.cases import IMPLIED_ANSWERS
from pipelines.disclosure.areas import shown_areas
from pipelines.disclosure.audit import UNBOUNDED, Interval, Relation
from pipelines.disclosure.pattern import LEAST_COST, Cell, Insider, Pattern, find_pattern
from schemas.errors import BotilbudError
from schemas.questionnaire import Catalogue, Question

# What the public sees of a single municipality: these two breakdowns, and its exact total.
MUNICIPAL_BREAKDOWNS = ("main_target_group", "provider_type")
# No interval of a hidden small count is narrower, unless the total of its row is.
NARROWEST = 3
LOWEST_THRESHOLD = 3
Zeros = Literal["hidden", "shown"]

# The findings that a table of answers gives as well: question, and the answers of the country that they add up.
FINDING_ANSWERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "above_threshold_since_age_18": ("time_above_threshold", ("since_age_18",)),
    "intellectual_disability": ("target_group", ("intellectual_disability", "autism_with_intellectual_disability")),
    "behaviour_decisive": ("behaviour_decisive", ("yes",)),
    "sentence": ("sentence", ("placement", "treatment", "supervision", "other")),
    "only_existing_choice": ("choice_at_referral", ("only_existing",)),
    "provider_municipal": ("provider_type", ("municipal",)),
    "provider_regional": ("provider_type", ("regional",)),
    "provider_private": ("provider_type", ("private",)),
    "over_8_places": ("places_in_facility", ("over_8",)),
    "alone_in_placement": ("places_in_facility", ("alone",)),
    "viso_involved": ("viso_involved", ("yes",)),
    "special_psychiatric_place": ("special_psychiatric_place", ("yes",)),
}
# What hiding a cell costs: areas before municipalities, the country last. A case more makes it dearer.
_COST = {
    "municipality_group": (LEAST_COST, 1),
    "region": (1.5 * LEAST_COST, 1),
    "municipality": (10 * LEAST_COST, 100),
    "finding": (100 * LEAST_COST, 1),
    "country": (100 * LEAST_COST, 1),
}
# The municipalities of a region that are in one municipality group: nothing is published of them, and they are what
# region and group have in common.
_PART = "part"
# Not codes, which are in small letters: the cases with an answer, and below:
_TOTAL = "TOTAL"
# All answers of an area to a question that takes several; nothing is published of their number.
_GIVEN = "GIVEN"


def cell_key(area_type: str, area_code: str, question: str, answer: str) -> str:
    """The name of a count, the same in every table that shows it.

    Args:
        area_type: as in the shared tables.
        area_code: as in the shared tables.
        question: key of the question or of the roll-up.
        answer: code of the option or of the group.
    """
    return f"{area_type}/{area_code}/{question}/{answer}"


def finding_key(finding: str) -> str:
    """The name of a headline finding's count."""
    return cell_key("finding", COUNTRY_CODE, "finding", finding)


# The tables as cells and sums ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tables:
    """What the tables of a round are made of: the counts per municipality, and who belongs where.

    Attributes:
        answer_counts: as `answer_counts` makes them.
        case_rates: as `case_rates` makes them, of the same municipalities.
        catalogue: the round's form.
        findings: of each headline finding by its code, the cases it holds for and the cases with an answer.
        published: the cells that are shown already, by earlier releases of the round (`earlier.settled_cells`).
        withheld: the cells that earlier releases hide (`earlier.settled_cells`): they stay hidden, so that the same
            cases make the same release.
    """

    answer_counts: pl.DataFrame
    case_rates: pl.DataFrame
    catalogue: Catalogue
    findings: Mapping[str, tuple[int, int]]
    published: Collection[str] = frozenset()
    withheld: Collection[str] = frozenset()


@dataclass(frozen=True)
class System:
    """Cells that sums tie together, and what participants know of them by themselves."""

    cells: dict[str, Cell]
    relations: list[Relation]
    insiders: list[Insider]


@dataclass(frozen=True)
class Municipal:
    """How the rows of single municipalities are shown: rounded, or with cells hidden.

    Attributes:
        rounded: the interval that stands for each rounded count, by cell (one that is absent is hidden); None where
            cells are hidden instead.
        base: what counts are rounded to; only with `rounded`.
        zeros: whether a zero is hidden with the small counts; only without `rounded`.
    """

    rounded: Mapping[str, Interval] | None = None
    base: int = NARROWEST
    zeros: Zeros = "hidden"

    @property
    def shown(self) -> frozenset[str]:
        """The cells that show a rounded count."""
        return frozenset(self.rounded or ())


def require_threshold(threshold: int) -> None:
    """Stops at a threshold that protects nobody.

    Raises:
        BotilbudError: it is below 3.
    """
    if threshold < LOWEST_THRESHOLD:
        raise BotilbudError(f"The disclosure threshold is {threshold}: set it to {LOWEST_THRESHOLD} or more")


def hidden_of_release(tables: Tables, threshold: int, municipal: Municipal) -> Pattern:
    """Every cell of the shared tables that is hidden, by `cell_key`; those of areas that are not shown included.

    Args:
        tables: the round's counts.
        threshold: counts of 1 to threshold - 1 are hidden.
        municipal: how the municipalities' rows are shown.

    Raises:
        BotilbudError: the threshold is below 3.
    """
    require_threshold(threshold)
    hidden = _hidden_findings(tables, threshold)
    for system in _systems(tables, threshold, municipal, implied=True):
        # Nothing to protect, and the rule holds all the same: no small count is shown, and no area with few participants.
        hidden |= {name for name, cell in system.cells.items() if cell.hidden}
    unsafe: set[str] = set()
    for system in systems(tables, threshold, municipal):
        known = system.cells.keys() & set(tables.published)
        # What was shown once is known for good, and hides nothing.
        cells = {name: Cell(cell.count) if name in known else cell for name, cell in system.cells.items()}
        withheld = cells.keys() & set(tables.withheld) - known
        cells |= {name: replace(cells[name], hidden=True) for name in withheld}
        pattern = find_pattern(cells, system.relations, system.insiders)
        # A rounded count is no hidden cell.
        hidden |= (pattern.hidden | {name for name in known if system.cells[name].hidden}) - municipal.shown
        unsafe |= pattern.unsafe
    return Pattern(frozenset(cell for cell in hidden if _is_of_a_table(cell)), frozenset(unsafe))


def _hidden_findings(tables: Tables, threshold: int) -> set[str]:
    """The findings that no answers give and that are small, leave few cases for which they do not hold, or are withheld."""
    areas = shown_areas(tables.case_rates, threshold)
    is_shown = not areas.filter(area_type="country", is_shown=True).is_empty()
    small = range(1, threshold)
    untied = {finding_key(f): numbers for f, numbers in tables.findings.items() if f not in FINDING_ANSWERS}
    return {
        cell
        for cell, (cases, answered) in untied.items()
        if not is_shown or cases in small or answered - cases in small or cell in tables.withheld
    }


def _is_of_a_table(cell: str) -> bool:
    return not cell.startswith(f"{_PART}/") and not cell.endswith(f"/{_GIVEN}")


def systems(tables: Tables, threshold: int, municipal: Municipal) -> Iterable[System]:
    """The shared tables, as many systems as no sum ties together: a question that has counts with its roll-ups each.

    A question that every eligible case answers the same is none of them.
    """
    return _systems(tables, threshold, municipal, implied=False)


def _systems(tables: Tables, threshold: int, municipal: Municipal, *, implied: bool) -> Iterator[System]:
    counted = set(tables.answer_counts["question"])
    places = _Places(tables.case_rates, threshold)
    for question in tables.catalogue.closed_questions:
        if question.key in counted and (question.key in IMPLIED_ANSWERS) == implied:
            yield _Builder(tables, threshold, municipal, question, places).build()


def public_knowledge(system: System, hidden: Collection[str]) -> dict[str, Interval]:
    """What the public knows of each cell of a system, as `audit.bounds` takes it.

    Args:
        system: as `systems` makes it.
        hidden: the cells of the shared tables that are not shown.
    """
    rows: dict[str, list[str]] = {}
    for name, cell in system.cells.items():
        if cell.row is not None:
            rows.setdefault(cell.row, []).append(name)
    # In a row that is hidden whole any cell may be a zero.
    open_rows = {row for row, names in rows.items() if not all(name in hidden for name in names)}
    known = {}
    for name, cell in system.cells.items():
        low, high = cell.bounds
        if name in hidden:
            known[name] = (low if cell.row is None or cell.row in open_rows else 0, high)
        elif cell.hidden:
            known[name] = cell.bounds
        else:
            known[name] = (cell.count, cell.count)
    return known


class _Places:
    """Who belongs where, and which areas are shown: the same for every question."""

    def __init__(self, case_rates: pl.DataFrame, threshold: int) -> None:
        rates = case_rates.sort("municipality_code")
        self.members: dict[tuple[str, str], list[str]] = {}
        for kind, area, municipality in (
            area_members(rates).select("area_type", "area_code", "municipality_code").iter_rows()
        ):
            self.members.setdefault((kind, area), []).append(municipality)
        for municipality, region, group in rates.select(
            "municipality_code", "region_code", "municipality_group_code"
        ).iter_rows():
            self.members.setdefault((_PART, f"{region}+{group}"), []).append(municipality)
        self.areas_of: dict[str, list[tuple[str, str]]] = {}
        for area, municipalities in self.members.items():
            for municipality in municipalities:
                if area[0] != "municipality":
                    self.areas_of.setdefault(municipality, []).append(area)
        self.shown = {(kind, code): shown for kind, code, shown in shown_areas(rates, threshold).iter_rows()}


class _Builder:
    """Puts one question's cells, sums and insiders together."""

    def __init__(
        self, tables: Tables, threshold: int, municipal: Municipal, question: Question, places: _Places
    ) -> None:
        self.threshold = threshold
        self.municipal = municipal
        self.question = question
        self.findings = tables.findings
        self.rollups = [rollup for rollup in tables.catalogue.rollups if rollup.question == question.key]
        self.columns = [(question.key, code) for code in question.codes]
        self.columns += [(rollup.key, group.code) for rollup in self.rollups for group in rollup.groups]
        keys = {key for key, _ in self.columns}
        counts = tables.answer_counts.filter(pl.col("question").is_in(keys))
        self.own: dict[str, dict[tuple[str, str], int]] = {}
        self.answered: dict[str, int] = {}
        for code, key, answer, cases, answered in counts.select(
            "municipality_code", "question", "answer", "cases", "answered"
        ).iter_rows():
            self.own.setdefault(code, {})[key, answer] = cases
            self.answered[code] = answered
        self.members, self.areas_of, self.shown = places.members, places.areas_of, places.shown
        self.cells: dict[str, Cell] = {}
        self.relations: list[Relation] = []

    def build(self) -> System:
        for area in self.members:
            self._add_area(*area)
        for key, answer in self.columns:
            self._add_sums_over_areas(key, answer)
        self._add_findings()
        insiders = [self._insider(code) for code in self.members["country", COUNTRY_CODE]]
        return System(self.cells, self.relations, insiders)

    # One area

    def _columns_of(self, kind: str) -> list[tuple[str, str]]:
        if kind != "municipality":
            return self.columns
        return [column for column in self.columns if column[0] in MUNICIPAL_BREAKDOWNS]

    def _add_area(self, kind: str, code: str) -> None:
        members = self.members[kind, code]
        total = sum(self.answered[municipality] for municipality in members)
        columns = self._columns_of(kind)
        if not columns:
            return
        counts = {column: sum(self.own[municipality][column] for municipality in members) for column in columns}
        for column, count in counts.items():
            make = self._municipal_cell if kind == "municipality" else self._area_cell
            self.cells[cell_key(kind, code, *column)] = make(kind, code, column, count, total)
        for key in dict.fromkeys(key for key, _ in columns):
            answers = [cell_key(kind, code, k, answer) for k, answer in columns if k == key]
            if self.question.kind == "single":
                self._add_sum(cell_key(kind, code, key, _TOTAL), Cell(total), answers)
            else:
                # Whoever answered gave one answer or more.
                given = Cell(sum(counts.values()), (total, UNBOUNDED), hidden=True)
                self._add_sum(cell_key(kind, code, key, _GIVEN), given, answers)
        if kind != "municipality":
            for rollup in self.rollups:
                for group in rollup.groups:
                    parts = [cell_key(kind, code, self.question.key, option) for option in group.options]
                    self.relations.append((cell_key(kind, code, rollup.key, group.code), parts))

    def _add_sum(self, name: str, cell: Cell, parts: list[str]) -> None:
        self.cells[name] = cell
        self.relations.append((name, parts))

    def _area_cell(self, kind: str, code: str, column: tuple[str, str], count: int, total: int) -> Cell:
        is_small = 0 < count < self.threshold
        most = UNBOUNDED if self.question.kind == "single" else total
        if kind == _PART:
            # It is not published; that it has one feasible value only would be enough to give somebody away.
            return Cell(count, (0, most), hidden=True, width=1 if is_small else 0)
        width = min(NARROWEST, total) if is_small else 0
        row = f"{kind}/{code}/{column[0]}"
        if not self.shown[kind, code]:
            if self.municipal.rounded is not None:
                # Its municipalities' rounded counts say more of it than a suppressed cell may.
                width = min(width, 1)
            return Cell(count, (0, most), hidden=True, width=width)
        # The zeros of an area are shown, so what is hidden is none.
        return Cell(count, (1, most), hidden=is_small, cost=_cost(kind, count), width=width, row=row)

    def _municipal_cell(self, kind: str, code: str, column: tuple[str, str], count: int, total: int) -> Cell:
        if self.municipal.rounded is not None:
            interval = self.municipal.rounded.get(cell_key(kind, code, *column), (0, UNBOUNDED))
            return Cell(
                count, interval, hidden=True, width=1 if 0 < count < max(self.threshold, self.municipal.base) else 0
            )
        return municipal_cell(f"{kind}/{code}/{column[0]}", count, total, self.threshold, self.municipal.zeros)

    # Sums over areas

    def _add_sums_over_areas(self, key: str, answer: str) -> None:
        def cells(kind: str, codes: Iterable[str]) -> list[str]:
            return [cell_key(kind, code, key, answer) for code in codes]

        country = cell_key("country", COUNTRY_CODE, key, answer)
        by_kind: dict[str, list[str]] = {}
        for kind, code in self.members:
            by_kind.setdefault(kind, []).append(code)
        for position, kind in enumerate(("region", "municipality_group")):
            self.relations.append((country, cells(kind, by_kind[kind])))
            for code in by_kind[kind]:
                parts = [part for part in by_kind[_PART] if part.split("+")[position] == code]
                self.relations.append((cell_key(kind, code, key, answer), cells(_PART, parts)))
        if key in MUNICIPAL_BREAKDOWNS:
            for part in by_kind[_PART]:
                members = self.members[_PART, part]
                self.relations.append((cell_key(_PART, part, key, answer), cells("municipality", members)))

    def _add_findings(self) -> None:
        for finding, (key, answers) in FINDING_ANSWERS.items():
            cells = [cell_key("country", COUNTRY_CODE, key, answer) for answer in answers]
            if finding in self.findings and all(cell in self.cells for cell in cells):
                count, _ = self.findings[finding]
                is_small = 0 < count < self.threshold
                shown = self.shown["country", COUNTRY_CODE]
                # As of an area that is not shown.
                width = (1 if self.municipal.rounded is not None and not shown else NARROWEST) if is_small else 0
                self.cells[finding_key(finding)] = Cell(
                    count,
                    (0, UNBOUNDED),
                    hidden=is_small or not shown,
                    cost=_cost("finding", count),
                    width=width,
                    # A finding that holds for nobody tells as much as the zeros of the country's row, and goes with them.
                    row=finding_key(finding),
                )
                self.relations.append((finding_key(finding), cells))

    # Who knows more

    def _insider(self, municipality: str) -> Insider:
        known = {cell_key("municipality", municipality, *column) for column in self._columns_of("municipality")}
        parts = {}
        widths = {}
        for kind, code in self.areas_of[municipality]:
            others = sum(self.answered[member] for member in self.members[kind, code] if member != municipality)
            for column in self.columns:
                cell = cell_key(kind, code, *column)
                if others == 0:
                    known.add(cell)
                elif self._is_all_own(municipality, cell, column):
                    widths[cell] = 0
                elif others < self.cells[cell].width:
                    widths[cell] = others
                if kind == _PART and column[0] not in MUNICIPAL_BREAKDOWNS:
                    parts[cell] = self.own[municipality][column]
                    if 0 < self.cells[cell].count - parts[cell] < self.threshold:
                        # Less its own, a part is the others', who are few.
                        widths[cell] = 1
            if kind == _PART and self.question.kind == "multiple":
                # Its own answers, and at least one of each of the others'.
                given = sum(self.own[municipality][column] for column in self.columns)
                parts[cell_key(_PART, code, self.question.key, _GIVEN)] = given + others
        return Insider(frozenset(known), parts, widths)

    def _is_all_own(self, municipality: str, cell: str, column: tuple[str, str]) -> bool:
        """Whether a count is the insider's own and the zeros of the others are there for all to see."""
        zeros_are_shown = self.municipal.rounded is None and self.municipal.zeros == "shown"
        return zeros_are_shown and self.own[municipality][column] == self.cells[cell].count


def _cost(kind: str, count: int) -> float | None:
    fixed, each = _COST[kind]
    return fixed + each * count if count else None


def municipal_cell(row: str, count: int, total: int, threshold: int, zeros: Zeros) -> Cell:
    """A count of one municipality's breakdown under suppression.

    Args:
        row: name of the breakdown's row.
        count: the true count.
        total: the municipality's published total.
        threshold: counts below it are hidden; a municipality with a smaller total, or all in one cell, wholly.
        zeros: whether zeros are hidden as small counts are.
    """
    whole = total < threshold or count == total
    is_small = 0 < count < threshold
    hidden = whole or is_small or (count == 0 and zeros == "hidden")
    least = 1 if zeros == "shown" and not whole else 0
    # A zero that is shown stays shown, unless its whole row goes: nobody can tell then which cells were zeros.
    cost = None if count == 0 else _cost("municipality", count)
    return Cell(count, (least, UNBOUNDED), hidden, cost, min(NARROWEST, total) if is_small else 0, row)
