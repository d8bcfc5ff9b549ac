"""What somebody who adds and subtracts can find out about few citizens from the shared benchmark.

What belongs here: the shared table as the public reads it, as sums and intervals, and what follows from them. What does
not: how the table was protected (`shared_benchmarks`). Of the true figures it uses which cells are small, what a
participant knows of itself, and, as one table that agrees with everything shown, where to begin.

Of every cell of the benchmark there are two unknown numbers: its full-year cases and its cost. They are 0 or more, add up
over service areas and over municipalities, and no full-year case costs more than the service area's highest price, so that
there is no cost without cases. They are tied by what is shown: a rounded number v of full-year cases says that
they lie less than the base from v; a unit cost u rounded to a step says that the cost lies within (u - step / 2) and
(u + step / 2) times the full-year cases. All of it is linear, so that a linear program finds the ends of what a cell can be.

**Criterion.** A cell is small where fewer citizens than the threshold are behind it, or one citizen has more than half of
its cost. Three things must not follow, and for each there is a distance that two tables, which both agree with everything
shown, must at least lie apart:

- `cases`: whether one citizen more or less is there. Full-year cases: the mean part of the year of the cell's citizens.
- `cost`: what one citizen costs. Cost: that of the cell's dearest citizen, so that nothing tells it to within a half of it
  either way; for a single citizen that is the cost itself.
- `price`: what one citizen costs a year. Unit cost: the dearest citizen's cost by the cell's full-year cases.

The distances follow from the cell itself: a fixed sum of kroner would be wide for an escort and nothing for a placement.

**Attackers.** The outsider, who has the shared table, and every participant, who besides knows its own row. What is left of
an area without a participant's own row is the sum of other municipalities' cells, each of which is looked at in its eyes.
A table that differs from the true one in some municipalities only is possible to everybody outside of them: so one that
moves a cell far enough by changing few others settles all attackers but those few, for whom another one is sought. What no
such table settles is asked for one attacker alone, and that answer is exact.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import highspy
import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.management_information.benchmarks import CELL, COMPARED, units_of, with_comparisons
from pipelines.statistics.intervals import rate_interval
from pipelines.statistics.tables import REFERENCES
from schemas.errors import BotilbudError, DisclosureError
from schemas.fields import AREA_TYPES
from schemas.management_tables import BENCHMARK_AUDIT
from schemas.service_areas import ALL, labels_da, service_areas
from schemas.years import Year

_Numbers = npt.NDArray[np.float64]
Figure = Literal["cases", "cost", "price"]

_FIGURES: tuple[Figure, ...] = ("cases", "cost", "price")
# The solver's costs are in so many kroner: its tolerance, 1e-7, is a hundredth of a krone then.
_UNIT_DKK = 100_000
# Unit costs are whole kroner before they are rounded further.
_WHOLE = 0.5
# Nothing is taken to be larger than so many times what all cells come to: that is as good as not known.
_MOST = 4
# How much of a distance may be missing for the solver's sake.
_TOLERANCE = 1e-6
# Every question begins at the true table, so that little of it is changed.
_OPTIONS: dict[str, bool | float | str] = {
    "output_flag": False,
    "threads": 1,
    "presolve": "off",
    "simplex_dual_edge_weight_strategy": 1,
}
# How often a ratio is improved.
_IMPROVEMENTS = 30
_OUTSIDER = -1
DOMINANT = 0.5
"""A cell of whose cost one citizen has a larger share is small, however many citizens are behind it."""


class Exposure(NamedTuple):
    """A small cell that somebody can tell too well, and what of it. Names a cell, so it is for the protection alone."""

    cell: tuple[str, str, str, str]
    figure: Figure


def exposures(shared: pl.DataFrame, citizens: pl.DataFrame, exact: pl.DataFrame, year: Year) -> list[Exposure]:
    """The small cells that an outsider or a participant can tell too well, each figure once; none if the table is clean.

    Args:
        shared: as it would be published.
        citizens: of the same cells, as `benchmarks.citizens_behind` makes it.
        exact: of the same cells, as `benchmarks.service_area_benchmarks` makes it.
        year: says from how many citizens on a cell is no longer small.

    Raises:
        BotilbudError: the three are not of the same cells in the same order.
    """
    _require_the_same_cells(shared, citizens, exact)
    if shared.is_empty():
        return []
    search = _Search(_System(shared, citizens, exact), citizens, year.disclosure_threshold)
    names = shared.select(CELL).rows()
    return sorted(Exposure(names[node], figure) for node, figure in search.found())


def audit_benchmark(
    shared: pl.DataFrame, citizens: pl.DataFrame, exact: pl.DataFrame, year: Year, candidate_sha256: str
) -> pl.DataFrame:
    """What the audit found in the shared benchmark: numbers of figures, never a figure.

    Grain: kind of area (country, region, municipality_group, municipality). Every cell has two figures, its full-year cases
    and its unit cost.
    Columns: year, audited, cells (figures), hidden_cells (of these, suppressed), rounded_cells (of these, rounded),
    exposed_cells (of small cells, what somebody can tell: cases, cost, price), faulty_figures (rows in which a figure is
    shown beside a hidden one, is no multiple, has limits or a comparison that do not follow from what is shown, or says
    otherwise than the true one), candidate_sha256.

    Args:
        shared: as it would be published.
        citizens: of the same cells, as `benchmarks.citizens_behind` makes it.
        exact: of the same cells, as `benchmarks.service_area_benchmarks` makes it.
        year: says from how many citizens on a cell is no longer small, and what is rounded to.
        candidate_sha256: the checksum of the shared files that the table lies in.

    Raises:
        BotilbudError: as `exposures`.
    """
    exposed = pl.DataFrame(
        [cell.cell[0] for cell in exposures(shared, citizens, exact, year)], schema={"audited": pl.String}
    )
    statuses = pl.col("value_status", "unit_cost_status")
    found = (
        shared.with_columns(_faulty(shared, citizens, exact, year).alias("_faulty"))
        .group_by(audited="area_type")
        .agg(
            cells=2 * pl.len(),
            hidden_cells=pl.sum_horizontal((statuses == "suppressed").sum()),
            rounded_cells=pl.sum_horizontal((statuses == "rounded").sum()),
            faulty_figures=pl.col("_faulty").sum(),
        )
        .join(exposed.group_by("audited").agg(exposed_cells=pl.len()), on="audited", how="full", coalesce=True)
    )
    counts = ("cells", "hidden_cells", "rounded_cells", "exposed_cells", "faulty_figures")
    return (
        pl.DataFrame({"audited": AREA_TYPES})
        .join(found, on="audited", how="left", maintain_order="left")
        .with_columns(
            pl.lit(year.number, pl.Int64).alias("year"),
            pl.col(counts).fill_null(0).cast(pl.Int64),
            pl.lit(candidate_sha256).alias("candidate_sha256"),
        )
        .select(*BENCHMARK_AUDIT.dtypes)
    )


def require_audited(audit: pl.DataFrame) -> None:
    """Stops a shared benchmark in which the audit found something.

    Args:
        audit: as `audit_benchmark` makes it.

    Raises:
        DisclosureError: it did; says how many figures of which kind of area, and no single one.
    """
    told = [
        f"{exposed} exposed and {faulty} faulty figures of {audited}"
        for audited, exposed, faulty in audit.select("audited", "exposed_cells", "faulty_figures").iter_rows()
        if exposed or faulty
    ]
    if told:
        raise DisclosureError(
            "the shared benchmark is not released, since what few citizens cost could be found out: " + "; ".join(told)
        )


def _require_the_same_cells(shared: pl.DataFrame, citizens: pl.DataFrame, exact: pl.DataFrame) -> None:
    cells = shared.select(CELL)
    codes = list(labels_da())
    is_complete = shared["service_area"].to_list() == codes * (shared.height // len(codes))
    if not (is_complete and cells.equals(citizens.select(CELL)) and cells.equals(exact.select(CELL))):
        raise BotilbudError(
            "The shared benchmark and the exact one are not of the same cells in the same order: make both of the same grants"
        )


# Figures that say too much by themselves ---------------------------------------------------------------------------


def _faulty(shared: pl.DataFrame, citizens: pl.DataFrame, exact: pl.DataFrame, year: Year) -> pl.Series:
    """Per row, how many of the things that every row must fulfil it does not."""
    base, step = pl.lit(year.rounding_base), pl.col("unit_cost_rounding_dkk")
    value, (unit_cost, lower, upper) = pl.col("full_year_cases"), (pl.col(name) for name in COMPARED["unit_cost"])
    of_value = ("full_year_cases", *COMPARED["volume"], "rounding_base", *_comparisons("volume"))
    of_cost = (*COMPARED["unit_cost"], "unit_cost_rounding_dkk", *_comparisons("unit_cost"))
    limits = (
        rate_interval(
            (shared["full_year_cases"] - year.rounding_base).clip(0),
            shared["population_18_66"],
        ),
        rate_interval(shared["full_year_cases"] + year.rounding_base, shared["population_18_66"]),
    )
    expected = with_comparisons(shared, units_of(citizens))
    rows = shared.with_columns(
        pl.Series("_lower", limits[0].lower, pl.Float64).fill_nan(None),
        pl.Series("_upper", limits[1].upper, pl.Float64).fill_nan(None),
        _says_otherwise(shared, citizens, exact).alias("_says_otherwise"),
        *(expected[name].alias(f"_{name}") for name in (*_comparisons("volume"), *_comparisons("unit_cost"))),
    )
    return rows.select(
        pl.sum_horizontal(
            fault.fill_null(value=False).cast(pl.Int64)
            for fault in (
                (pl.col("value_status") == "suppressed") & pl.any_horizontal(pl.col(of_value).is_not_null()),
                (pl.col("unit_cost_status") == "suppressed") & pl.any_horizontal(pl.col(of_cost).is_not_null()),
                (pl.col("value_status") == "suppressed") & (pl.col("unit_cost_status") != "suppressed"),
                ~pl.col("value_status").is_in(["rounded", "suppressed"]),
                ~pl.col("unit_cost_status").is_in(["rounded", "suppressed"]),
                pl.col("rounding_base").ne_missing(pl.when(value.is_not_null()).then(base)),
                value % base != 0,
                pl.col("full_year_cases_per_1000").ne_missing(value / pl.col("population_18_66") * 1_000),
                pl.col("full_year_cases_ci95_lower").ne_missing(pl.col("_lower")),
                pl.col("full_year_cases_ci95_upper").ne_missing(pl.col("_upper")),
                unit_cost.is_null() != step.is_null(),
                pl.any_horizontal(amount % step != 0 for amount in (unit_cost, lower, upper)),
                lower.is_null() != upper.is_null(),
                # Limits that lie around another middle than what is shown tell where the exact one is.
                lower != (2 * unit_cost - upper).clip(0),
                upper < unit_cost,
                *(pl.col(f"_{name}").ne_missing(pl.col(name)) for what in COMPARED for name in _comparisons(what)),
                pl.col("_says_otherwise"),
            )
        ).alias("_faulty")
    ).to_series()


def _comparisons(what: str) -> tuple[str, ...]:
    return tuple(f"{what}_comparison_{area_type}" for area_type in REFERENCES)


def _says_otherwise(shared: pl.DataFrame, citizens: pl.DataFrame, exact: pl.DataFrame) -> pl.Series:
    """Per row, whether a figure shown cannot stand for the true one."""
    low, high = _values(shared)
    cases, (least, most) = exact["full_year_cases"], _unit_costs(shared)
    # Where there are no cases any unit cost is wrong.
    true = (citizens["cost_dkk"] / cases).fill_nan(-1.0)
    return ((cases < low) | (cases > high) | (true < least) | (true > most)).fill_null(value=False)


def _values(shared: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """What the full-year cases of each row are known to be at least and at most; null where they are hidden."""
    reach = shared["rounding_base"].fill_null(0)
    return (shared["full_year_cases"] - reach).clip(0), shared["full_year_cases"] + reach


def _unit_costs(shared: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """What the unit cost of each row is known to be at least and at most; null where it is hidden."""
    reach = shared["unit_cost_rounding_dkk"].fill_null(0) / 2 + _WHOLE
    return (shared["unit_cost_dkk"] - reach).clip(0), shared["unit_cost_dkk"] + reach


# Everything that is shown, as one linear program ---------------------------------------------------------------------


class _System:
    """All tables that agree with what is shown. Columns: the full-year cases of every cell, then the cost of every cell.

    Attributes:
        nodes: number of cells.
        truth: the true table.
        municipality_of: by cell, the participant's number; -1 for other areas.
        participants: their number.
    """

    def __init__(self, shared: pl.DataFrame, citizens: pl.DataFrame, exact: pl.DataFrame) -> None:
        self.nodes = shared.height
        self.truth = np.concatenate([exact["full_year_cases"].to_numpy(), citizens["cost_dkk"].to_numpy() / _UNIT_DKK])
        self.codes = {code: place for place, code in enumerate(labels_da())}
        areas = shared.select(CELL[:2]).unique(maintain_order=True).rows()
        self.area = {area: place for place, area in enumerate(areas)}
        belongs = units_of(citizens)
        self.participants = belongs.height
        self.municipality_of = np.full(self.nodes, _OUTSIDER)
        for number, code in enumerate(belongs["municipality_code"]):
            first = self._node(("municipality", code))
            self.municipality_of[first : first + len(self.codes)] = number
        is_leaf = np.array([code in service_areas() for code in shared["service_area"]])
        self.is_leaf = is_leaf & (self.municipality_of >= 0)
        self.sums = [*self._sums_of_service_areas(), *self._sums_of_areas(belongs)]
        self._read(shared, _says_otherwise(shared, citizens, exact).to_numpy())

    def _node(self, area: tuple[str, str], code: str | None = None) -> int:
        return self.area[area] * len(self.codes) + (0 if code is None else self.codes[code])

    def _sums_of_service_areas(self) -> Iterator[tuple[int, list[int]]]:
        groups: dict[str, list[str]] = {}
        for code, service_area in service_areas().items():
            groups.setdefault(service_area.group, []).append(code)
        for area in self.area:
            for group, codes in groups.items():
                yield self._node(area, group), [self._node(area, code) for code in codes]
            yield self._node(area, ALL), [self._node(area, group) for group in groups]

    def _sums_of_areas(self, belongs: pl.DataFrame) -> Iterator[tuple[int, list[int]]]:
        members: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for municipality, region, group in belongs.iter_rows():
            for area in (("region", region), ("municipality_group", group)):
                members.setdefault(area, []).append(("municipality", municipality))
        country = next(area for area in self.area if area[0] == "country")
        members[country] = [area for area in members if area[0] == "region"]
        for area, parts in members.items():
            for code in service_areas():
                yield self._node(area, code), [self._node(part, code) for part in parts]

    def _read(self, shared: pl.DataFrame, says_otherwise: npt.NDArray[np.bool_]) -> None:
        """What is shown, as ends of columns and as factors between full-year cases and cost.

        What cannot be true tells nobody anything true, and is counted elsewhere. What is true lies within, but for the last
        digit.
        """
        cases, cost = np.split(self.truth, 2)
        low, high = (np.where(says_otherwise, np.nan, ends.to_numpy()) for ends in _values(shared))
        most = [np.full(self.nodes, _MOST * (column[self.is_leaf].sum() + 1)) for column in (cases, cost)]
        self.lower = np.concatenate([np.fmin(np.nan_to_num(low), cases), np.zeros(self.nodes)])
        self.upper = np.concatenate([np.where(np.isnan(high), most[0], np.fmax(high, cases)), most[1]])
        factors = [np.where(says_otherwise, np.nan, ends.to_numpy()) / _UNIT_DKK for ends in _unit_costs(shared)]
        true = np.divide(cost, cases, out=np.full(self.nodes, np.nan), where=cases > 0)
        self.least, self.most = np.fmin(factors[0], true), np.fmax(factors[1], true)
        self.is_priced = ~np.isnan(factors[0])
        dearest = {code: area.price_max_dkk / _UNIT_DKK for code, area in service_areas().items()}
        self.dearest = np.fmax([dearest.get(code, np.nan) for code in shared["service_area"]], true)

    def rows(self) -> Iterator[tuple[list[int], list[float], float, float]]:
        """Sums and factors, as columns, coefficients and what they come to at least and at most."""
        for total, parts in self.sums:
            for shift in (0, self.nodes):
                yield [total + shift, *(part + shift for part in parts)], [-1.0, *[1.0] * len(parts)], 0.0, 0.0
        for node in np.flatnonzero(self.is_priced).tolist():
            columns = [node, node + self.nodes]
            yield columns, [-float(self.least[node]), 1.0], 0.0, highspy.kHighsInf
            yield columns, [-float(self.most[node]), 1.0], -highspy.kHighsInf, 0.0
        for node in np.flatnonzero(self.is_leaf & ~self.is_priced).tolist():
            yield [node, node + self.nodes], [-float(self.dearest[node]), 1.0], -highspy.kHighsInf, 0.0


class _Solver:
    """One linear program, asked again and again: how far the true table can be changed, up and down by a column each."""

    def __init__(self, system: _System) -> None:
        self.truth = system.truth
        self.count = len(system.truth)
        self.up, self.down = np.maximum(system.upper - self.truth, 0), np.maximum(self.truth - system.lower, 0)
        terms: list[tuple[int, int, float]] = []
        limits: list[tuple[float, float]] = []
        for number, (columns, factors, least, most) in enumerate(system.rows()):
            true = sum(factor * self.truth[column] for column, factor in zip(columns, factors, strict=True))
            # What is true is possible, but for the last digit.
            limits.append((min(least - true, 0.0), max(most - true, 0.0)))
            for column, factor in zip(columns, factors, strict=True):
                terms += [(number, column, factor), (number, column + self.count, -factor)]
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = 2 * self.count, len(limits)
        model.col_cost_ = model.col_lower_ = np.zeros(2 * self.count)
        model.col_upper_ = np.concatenate([self.up, self.down])
        model.row_lower_, model.row_upper_ = np.array(limits).T
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        rows = np.array([number for number, *_ in terms])
        model.a_matrix_.start_ = np.searchsorted(rows, np.arange(len(limits) + 1)).astype(np.int32)
        model.a_matrix_.index_ = np.array([column for _, column, _ in terms], np.int32)
        model.a_matrix_.value_ = np.array([factor for *_, factor in terms])
        self.highs = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in _OPTIONS.items():
            self.highs.setOptionValue(option, value)
        self.highs.passModel(model)

    def furthest(
        self, aims: Mapping[int, float], reach: Mapping[int, float], frozen: npt.NDArray[np.int64]
    ) -> _Numbers:
        """A table in which the sum of columns times these is the largest there is.

        Args:
            aims: factors by column.
            reach: how far from the true table columns are to go at most.
            frozen: columns that are as in the true table.
        """
        columns = np.unique([*aims, *reach, *frozen.tolist()])
        up, down = self.up[columns], self.down[columns]
        most = np.array([reach.get(column, np.inf) for column in columns.tolist()])
        most[np.isin(columns, frozen)] = 0
        cost = np.array([aims.get(column, 0.0) for column in columns.tolist()])
        self._change(columns, -cost, np.minimum(up, most), np.minimum(down, most))
        self.highs.clearSolver()
        self.highs.run()
        status = self.highs.getModelStatus()
        solution = np.array(self.highs.getSolution().col_value)
        self._change(columns, np.zeros(len(columns)), up, down)
        if status != highspy.HighsModelStatus.kOptimal:
            raise BotilbudError(
                "The solver found no end to a figure of the shared benchmark: the audit cannot be relied on"
            )
        table: _Numbers = self.truth + solution[: self.count] - solution[self.count :]
        return table

    def _change(self, columns: npt.NDArray[np.int64], cost: _Numbers, up: _Numbers, down: _Numbers) -> None:
        both = np.concatenate([columns, columns + self.count]).astype(np.int32)
        self.highs.changeColsCost(len(both), both, np.concatenate([cost, -cost]))
        self.highs.changeColsBounds(len(both), both, np.zeros(len(both)), np.concatenate([up, down]))


# Who can tell what -------------------------------------------------------------------------------------------------


class _Search:
    """Looks, for every small cell, for tables that are far enough apart."""

    def __init__(self, system: _System, citizens: pl.DataFrame, threshold: int) -> None:
        self.system, self.solver = system, _Solver(system)
        self.behind, self.share = (citizens[name].to_numpy() for name in ("citizens", "largest_cost_share"))
        self.cells = np.flatnonzero((self.behind > 0) & ((self.behind < threshold) | (self.share > DOMINANT)))
        leaves = np.flatnonzero(system.is_leaf)
        own = [leaves[system.municipality_of[leaves] == number] for number in range(system.participants)]
        self.columns_of = [np.concatenate([nodes, nodes + system.nodes]) for nodes in own]

    def found(self) -> Iterator[tuple[int, Figure]]:
        """The cells and figures that somebody can tell."""
        for cell in self.cells.tolist():
            for figure in self._told(cell):
                yield cell, figure

    def _told(self, cell: int) -> Iterator[Figure]:
        """The figures of a cell that somebody can tell."""
        columns = cell, cell + self.system.nodes
        cases, cost = self.system.truth[list(columns)]
        dearest = float(self.share[cell] * cost)
        distances = {"cases": cases / self.behind[cell], "cost": dearest, "price": dearest / cases}
        # Who has not been shown yet that it can be otherwise; the outsider comes last. What an area has is its concern alone.
        own = self.system.municipality_of[cell]
        everybody = np.full(self.system.participants + 1, own != _OUTSIDER)
        everybody[own] = own == _OUTSIDER
        everybody[_OUTSIDER] = True
        left = {figure: everybody.copy() for figure in _FIGURES if distances[figure] > 0}
        # More cases at less cost, from which most figures are safe at once; and again for those whose own row that changed.
        for _ in range(2):
            someone = np.any([*left.values()], axis=0)
            if not someone.any():
                return
            aims = {columns[0]: 1 / distances["cases"], columns[1]: -1 / max(dearest, _TOLERANCE)}
            reach = {columns[0]: distances["cases"], columns[1]: dearest}
            seen = _Seen(columns, self.system.truth)
            seen.add(self.solver.furthest(aims, reach, self._frozen(someone)))
            for figure in left:
                if seen.width(figure) >= distances[figure] * (1 - _TOLERANCE):
                    left[figure] &= self._touched(seen)
        for figure, attackers in left.items():
            if self._is_told(columns, figure, distances[figure], attackers):
                yield figure

    def _is_told(self, columns: tuple[int, int], figure: Figure, distance: float, left: npt.NDArray[np.bool_]) -> bool:
        """Whether one of these attackers can tell a figure."""
        together = True
        while left.any():
            attackers = left.copy()
            if left[_OUTSIDER]:
                attackers[:_OUTSIDER] = False
            elif not together:
                attackers[np.flatnonzero(left)[1:]] = False
            seen = self._ends(columns, figure, distance, attackers)
            if seen.width(figure) >= distance * (1 - _TOLERANCE):
                left &= self._touched(seen)
            elif attackers.sum() == 1:
                return True
            else:
                together = False
        return False

    def _ends(
        self, columns: tuple[int, int], figure: Figure, distance: float, attackers: npt.NDArray[np.bool_]
    ) -> "_Seen":
        """Tables in which a figure is as large and as small as it gets, or far enough apart, in the eyes of all of these."""
        cases, cost = columns
        seen, frozen = _Seen(columns, self.system.truth), self._frozen(attackers)
        for direction in (1, -1):
            if figure != "price":
                column = cost if figure == "cost" else cases
                seen.add(self.solver.furthest({column: direction}, {column: distance}, frozen))
            else:
                # A ratio is the largest there is when cost less ratio x cases is nowhere above 0 (Dinkelbach 1967).
                for _ in range(_IMPROVEMENTS):
                    ratio = seen.end(figure, direction)
                    if not np.isfinite(ratio):
                        break
                    table = self.solver.furthest({cost: direction, cases: -direction * ratio}, {}, frozen)
                    seen.add(table)
                    if direction * (table[cost] - ratio * table[cases]) < _TOLERANCE:
                        break
            if seen.width(figure) >= distance * (1 - _TOLERANCE):
                break
        return seen

    def _frozen(self, attackers: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """What attackers know of themselves; nothing where the outsider is among them."""
        known = [] if attackers[_OUTSIDER] else np.flatnonzero(attackers).tolist()
        return np.concatenate([np.empty(0, np.int64), *(self.columns_of[number] for number in known)])

    def _touched(self, seen: "_Seen") -> npt.NDArray[np.bool_]:
        """The attackers who know that the tables are not true, as their own row differs."""
        differs = [bool(seen.is_changed[columns].any()) for columns in self.columns_of]
        return np.array([*differs, False])


class _Seen:
    """Tables in which the figures of a cell are looked at, the true one among them.

    Attributes:
        is_changed: by column, whether it is not in all of them as in the true one.
    """

    def __init__(self, columns: tuple[int, int], truth: _Numbers) -> None:
        self.columns, self.truth = list(columns), truth
        self.is_changed = np.zeros(len(truth), np.bool_)
        self.figures: list[tuple[float, float, float]] = []
        self.add(truth)

    def add(self, table: _Numbers) -> None:
        """One more table."""
        cases, cost = table[self.columns].tolist()
        # A table without cases but with cost has a price beyond all others; one without both has none.
        price = cost / cases if cases > _TOLERANCE else math.inf if cost > _TOLERANCE else math.nan
        self.figures.append((cases, cost, price))
        self.is_changed |= np.abs(table - self.truth) > _TOLERANCE

    def end(self, figure: Figure, direction: int) -> float:
        """The largest (1) or the smallest (-1) that a figure is."""
        known = [figures[_FIGURES.index(figure)] for figures in self.figures]
        ends = [value for value in known if not math.isnan(value)]
        return max(ends) if direction > 0 else min(ends)

    def width(self, figure: Figure) -> float:
        """How far apart the tables are."""
        return self.end(figure, 1) - self.end(figure, -1)
