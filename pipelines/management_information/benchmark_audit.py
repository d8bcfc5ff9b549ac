"""What somebody who adds and subtracts can find out about few citizens from the shared benchmark.

What belongs here: the shared table as the public reads it, as sums and intervals, and what follows from them. What does
not: how the table was protected (`shared_benchmarks`). Of the true figures it uses which cells are small, what a
participant knows of itself, and, as one table that agrees with everything shown, where to begin.

Of every cell of the benchmark there are two unknown numbers: its full-year cases and its cost. They are 0 or more, add up
over service areas and over municipalities, and are tied by what is shown: a rounded number v of full-year cases says that
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
A table that differs from the true one in some municipalities only is possible to everybody outside of them. So tables are
sought that differ in a few neighbours, chosen so that every two municipalities are told apart by one choice; what these do
not settle is asked for each attacker alone with all municipalities, and that answer is exact.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import highspy
import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

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
# No cost of a cell is taken to be larger than so many times what everything costs: it is as good as not known.
_MOST = 4
# How much of a distance may be missing for the solver's sake.
_TOLERANCE = 1e-6
# The last optimum stays feasible when only the aim changes: the primal method goes on from it.
_OPTIONS: dict[str, bool | float | str] = {
    "output_flag": False,
    "threads": 1,
    "presolve": "off",
    "simplex_strategy": 4,
}
# How many municipalities change at once, how often many cells are moved at once, and how often a ratio is improved.
_FEW, _TURNS, _IMPROVEMENTS = (8, 16, 32), 4, 30
_OUTSIDER = -1


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
        shared, citizens, exact, year: as `exposures`.
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
    limits = rate_interval(
        (shared["full_year_cases"] - year.rounding_base).clip(0),
        shared["population_18_66"],
    ), rate_interval(shared["full_year_cases"] + year.rounding_base, shared["population_18_66"])
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
        municipality_of: by cell, the participant's number in the order in which halves are made; -1 for other areas.
        participants: their number.
    """

    def __init__(self, shared: pl.DataFrame, citizens: pl.DataFrame, exact: pl.DataFrame) -> None:
        self.nodes = shared.height
        self.truth = np.concatenate([exact["full_year_cases"].to_numpy(), citizens["cost_dkk"].to_numpy() / _UNIT_DKK])
        self.codes = {code: place for place, code in enumerate(labels_da())}
        areas = shared.select(CELL[:2]).unique(maintain_order=True).rows()
        self.area = {area: place for place, area in enumerate(areas)}
        # Neighbours in this order fall into different halves most often: they are whom a cell can be moved to.
        belongs = units_of(citizens).select("municipality_group_code", "region_code", "municipality_code").sort(pl.all())
        self.participants = belongs.height
        self.municipality_of = np.full(self.nodes, _OUTSIDER)
        for number, code in enumerate(belongs["municipality_code"]):
            first = self._node(("municipality", code))
            self.municipality_of[first : first + len(self.codes)] = number
        is_leaf = np.array([code in service_areas() for code in shared["service_area"]])
        self.is_leaf = is_leaf & (self.municipality_of >= 0)
        # Parts stand before what they are parts of.
        self.sums = [*self._sums_of_areas(belongs), *self._sums_of_service_areas()]
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
        for group, region, municipality in belongs.iter_rows():
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
        most = _MOST * (cost[self.is_leaf].sum() + 1)
        self.lower = np.concatenate([np.fmin(np.nan_to_num(low), cases), np.zeros(self.nodes)])
        self.upper = np.concatenate(
            [np.where(np.isnan(high), highspy.kHighsInf, np.fmax(high, cases)), np.full(self.nodes, most)]
        )
        factors = [np.where(says_otherwise, np.nan, ends.to_numpy()) / _UNIT_DKK for ends in _unit_costs(shared)]
        true = np.divide(cost, cases, out=np.full(self.nodes, np.nan), where=cases > 0)
        self.least, self.most = np.fmin(factors[0], true), np.fmax(factors[1], true)
        self.is_priced = ~np.isnan(factors[0])
        rows, columns, values, limits = [], [], [], []
        for number, (row, row_values, *row_limits) in enumerate(self._rows()):
            rows += [number] * len(row)
            columns += row
            values += row_values
            limits.append(row_limits)
        self.row_lower, self.row_upper = np.array(limits).T
        self.matrix = sparse.csc_matrix((values, (rows, columns)), shape=(len(limits), 2 * self.nodes))
        self.totals = self.matrix @ self.truth

    def solver(self, free: npt.NDArray[np.bool_]) -> "_Solver":
        """The tables that differ from the true one in these participants at most, without the columns that cannot."""
        is_in = (self.municipality_of >= 0) & free[self.municipality_of]
        for total, parts in self.sums:
            is_in[total] |= is_in[parts].any()
        nodes = np.flatnonzero(is_in)
        columns = np.concatenate([nodes, nodes + self.nodes])
        inside = self.matrix[:, columns].tocsr()
        rest = self.totals - inside @ self.truth[columns]
        rows = np.flatnonzero(np.diff(inside.indptr))
        limits = self.row_lower[rows] - rest[rows], self.row_upper[rows] - rest[rows]
        return _Solver(columns, (self.lower[columns], self.upper[columns]), inside[rows], limits, self.truth)

    def _rows(self) -> Iterator[tuple[list[int], list[float], float, float]]:
        """Sums and factors, as columns, coefficients and what they come to at least and at most."""
        for total, parts in self.sums:
            for shift in (0, self.nodes):
                yield [total + shift, *(part + shift for part in parts)], [-1.0, *[1.0] * len(parts)], 0.0, 0.0
        for node in np.flatnonzero(self.is_priced).tolist():
            columns = [node, node + self.nodes]
            yield columns, [-float(self.least[node]), 1.0], 0.0, highspy.kHighsInf
            yield columns, [-float(self.most[node]), 1.0], -highspy.kHighsInf, 0.0


class _Solver:
    """One linear program over some of the columns, asked again and again; the others are as in the true table."""

    def __init__(
        self,
        columns: npt.NDArray[np.int64],
        column_limits: tuple[_Numbers, _Numbers],
        rows: sparse.csr_matrix,
        row_limits: tuple[_Numbers, _Numbers],
        truth: _Numbers,
    ) -> None:
        self.columns, self.truth = columns, truth
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(columns), rows.shape[0]
        model.col_cost_ = np.zeros(len(columns))
        model.col_lower_, model.col_upper_ = column_limits
        model.row_lower_, model.row_upper_ = row_limits
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
        self.every = np.arange(len(columns), dtype=np.int32)
        self.highs = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in _OPTIONS.items():
            self.highs.setOptionValue(option, value)
        self.highs.passModel(model)

    def least(self, costs: Mapping[int, float]) -> _Numbers:
        """A table in which the sum of columns times these is the smallest there is."""
        every = np.zeros(len(self.truth))
        every[list(costs)] = list(costs.values())
        self.highs.changeColsCost(len(self.every), self.every, every[self.columns])
        self.highs.run()
        if self.highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise BotilbudError(
                "The figures of the shared benchmark contradict each other: no table agrees with all of them"
            )
        table = self.truth.copy()
        table[self.columns] = self.highs.getSolution().col_value
        return table


# Who can tell what -------------------------------------------------------------------------------------------------


class _Search:
    """For every small cell and figure the attackers from whom it is not yet known to be safe."""

    def __init__(self, system: _System, citizens: pl.DataFrame, threshold: int) -> None:
        self.system = system
        behind, share = citizens["citizens"].to_numpy(), citizens["largest_cost_share"].to_numpy()
        self.cells = np.flatnonzero((behind > 0) & ((behind < threshold) | (share > 0.5)))
        cases, cost = (column[self.cells] for column in np.split(system.truth, 2))
        dearest = share[self.cells] * cost
        # By figure and cell: how far apart, and how far down and up tables of the present view have it.
        self.distances = np.array([cases / behind[self.cells], dearest, dearest / cases])
        self.own = system.municipality_of[self.cells]
        # By figure, cell and attacker (participants, then the outsider). A cell of an area is the outsider's concern alone.
        self.is_open = np.ones((len(_FIGURES), len(self.cells), system.participants + 1), np.bool_)
        self.is_open[:, self.own == _OUTSIDER, :-1] = False
        self.is_open[:, np.arange(len(self.cells)), self.own] &= self.own == _OUTSIDER
        self.is_open[self.distances <= 0] = False

    def found(self) -> Iterator[tuple[int, Figure]]:
        """The cells and figures that somebody can tell."""
        everybody = np.arange(self.system.participants)
        for few in _FEW:
            for free in _neighbours(self.system.participants, few):
                self._look(free)
        exposed = self._ask(everybody >= 0)
        for attacker in everybody:
            exposed |= self._ask(everybody != attacker)
        for figure, cell in zip(*np.nonzero(exposed), strict=True):
            yield int(self.cells[cell]), _FIGURES[figure]

    def _look(self, free: npt.NDArray[np.bool_]) -> None:
        """Looks for tables that differ in these participants at most; what they show is safe from everybody else."""
        is_asked, outside = self._asked(free)
        seen, solver = self._seen(), None
        for turn in range(_TURNS):
            narrow = is_asked & seen.is_narrow(self.distances)
            if not narrow.any():
                break
            solver = solver or self.system.solver(free)
            seen.add(solver.least(self._aims(narrow.any(axis=0), turn)))
        for figure, cell in zip(*np.nonzero(is_asked & seen.is_narrow(self.distances)), strict=True):
            self._ends(solver, seen, figure, cell)
        self._close(is_asked & ~seen.is_narrow(self.distances), outside)

    def _ask(self, free: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """What of the open ones is too narrow in the eyes of everybody else: found out exactly, and open no more."""
        is_asked, outside = self._asked(free)
        seen, solver = self._seen(), None
        for figure, cell in zip(*np.nonzero(is_asked), strict=True):
            solver = solver or self.system.solver(free)
            self._ends(solver, seen, figure, cell)
        self._close(is_asked, outside)
        told = is_asked & seen.is_narrow(self.distances)
        # What one can tell need not be looked at for others.
        self.is_open[told] = False
        return told

    def _asked(self, free: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """The figures and cells that are open to somebody else than these participants, and who that is."""
        outside = np.append(~free, True)
        # The last is what the cells of other areas, which are no participant's, are found by.
        return self.is_open[:, :, outside].any(axis=2) & np.append(free, True)[self.own], outside

    def _close(self, is_safe: npt.NDArray[np.bool_], outside: npt.NDArray[np.bool_]) -> None:
        self.is_open[:, :, outside] &= ~is_safe[..., None]

    def _seen(self) -> "_Seen":
        return _Seen(self.cells, self.system.nodes, self.system.truth)

    def _aims(self, is_narrow: npt.NDArray[np.bool_], turn: int) -> dict[int, float]:
        """Half of the cells up in cost and down in cases, the others the other way; each half anew every second turn."""
        aims = {}
        for place, cell in enumerate(np.flatnonzero(is_narrow).tolist()):
            direction = 1 if (place >> turn // 2) % 2 == turn % 2 else -1
            node = int(self.cells[cell])
            aims[node] = direction / self.distances[0, cell]
            aims[node + self.system.nodes] = -direction / max(self.distances[1, cell], _TOLERANCE)
        return aims

    def _ends(self, solver: _Solver, seen: "_Seen", figure: int, cell: int) -> None:
        """Adds tables in which one figure is the smallest and the largest there is, or as far apart as it must be."""
        cases, cost = int(self.cells[cell]), int(self.cells[cell]) + self.system.nodes
        for direction in (1, -1):
            if _FIGURES[figure] != "price":
                seen.add(solver.least({cost if _FIGURES[figure] == "cost" else cases: direction}))
                continue
            # A ratio is as small as it gets when cost less ratio x cases is nowhere below 0 (Dinkelbach 1967).
            for _ in range(_IMPROVEMENTS):
                ratio = (seen.low if direction > 0 else seen.high)[figure, cell]
                if not np.isfinite(ratio):
                    break
                table = solver.least({cost: direction, cases: -direction * ratio})
                seen.add(table)
                if direction * (table[cost] - ratio * table[cases]) > -_TOLERANCE:
                    break


def _neighbours(participants: int, few: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Neighbours, so many at a time: each once, and once more without any other, where there are as many."""
    numbers = np.arange(participants)
    yield from _each(numbers // few)
    # In a window of twice as many, those that differ in a bit are told apart by it.
    window, place = np.divmod(numbers, 2 * few)
    for bit in range((2 * few - 1).bit_length()):
        yield from _each(2 * window + (place >> bit & 1))


def _each(labels: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.bool_]]:
    for label in np.unique(labels):
        yield labels == label


class _Seen:
    """How far down and up the figures of cells go in the tables seen so far, by figure and cell."""

    def __init__(self, cells: Sequence[int] | npt.NDArray[np.int64], nodes: int, truth: _Numbers) -> None:
        self.cells, self.nodes = np.asarray(cells), nodes
        self.low = self.high = self._figures(truth)

    def add(self, table: _Numbers) -> None:
        figures = self._figures(table)
        # A table without cases has no price.
        self.low, self.high = np.fmin(self.low, figures), np.fmax(self.high, figures)

    def is_narrow(self, distances: _Numbers) -> npt.NDArray[np.bool_]:
        """Whether no two tables are as far apart."""
        return self.high - self.low < distances * (1 - _TOLERANCE)

    def _figures(self, table: _Numbers) -> _Numbers:
        cases, cost = table[self.cells], table[self.cells + self.nodes]
        price = np.divide(cost, cases, out=np.full(len(cases), np.nan), where=cases > _TOLERANCE)
        price[(cases <= _TOLERANCE) & (cost > _TOLERANCE)] = np.inf
        return np.array([cases, cost, price])
