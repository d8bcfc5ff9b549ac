"""The benchmark as every participant may see it: rounded, and hidden where few citizens are behind a unit cost.

What belongs here: what becomes of each figure. What does not: what can be found out from the result (`benchmark_audit`).
Why it is done so: `docs/decisions/0011-shared-benchmarks-of-grants-are-rounded.md`.
"""

import hashlib
import hmac
import math
from collections.abc import Collection
from fractions import Fraction

import polars as pl

from pipelines.disclosure.areas import shown_areas
from pipelines.management_information.benchmark_audit import DOMINANT, Exposure, exposures
from pipelines.management_information.benchmarks import CELL, COMPARED, units_of, with_comparisons
from pipelines.statistics.intervals import rate_interval
from schemas.management_tables import SHARED_SERVICE_AREA_BENCHMARKS
from schemas.service_areas import ALL, service_areas
from schemas.years import Year

ROUNDED, SUPPRESSED = "rounded", "suppressed"

_DRAW_BITS = 32
_LARGEST_SHARE = pl.col("largest_cost_share")


def shared_benchmarks(exact: pl.DataFrame, citizens: pl.DataFrame, year: Year, secret: bytes) -> pl.DataFrame:
    """The benchmark as every participant may see it.

    Grain and order: those of `service_area_benchmarks`; no row is absent. Columns: those of the table
    `shared_service_area_benchmarks`.

    Full-year cases are a multiple v of the year's base (`rounded_cases`), zeros too, and stand for a number within the base
    from v. The rate follows from v and the exact residents; its limits are those of v less and of v more the base.
    Unit costs are rounded to a step (`cost_step`). Their limits lie as far below and above the figure shown as the exact
    ones lie from the exact one, rounded up, and a step further, as the figure may have moved by half a step: around the
    exact figure, they would tell where it is. Suppressed, with its limits, is a unit cost of fewer citizens than the
    threshold (none included: nobody is to see whether there are any), or of which one citizen has more than half; and one
    from which, beside all others shown, the cost of such a cell would follow (`benchmark_audit.exposures`): the one of the
    fewest citizens first, until none does. Regions and groups with few participants, and further ones that would tell of
    them, have no figure; nor has a country with few.
    Comparisons follow from the figures shown alone.

    Args:
        exact: as `benchmarks.service_area_benchmarks` makes it.
        citizens: of the same cells, as `benchmarks.citizens_behind` makes it.
        year: the year; says what to round to and from how many citizens and participants on figures are shown.
        secret: the data root's secret (`secret.rounding_secret`).

    Raises:
        BotilbudError: the two are not of the same cells in the same order.
    """
    units = units_of(citizens)
    cells = (
        exact.join(citizens, on=CELL, how="left", maintain_order="left", validate="1:1")
        .join(shown_areas(units, year.disclosure_threshold), on=CELL[:2], how="left", maintain_order="left")
        .with_columns(pl.col("is_shown").fill_null(value=True))
    )
    cells = cells.with_columns(
        is_priced=pl.col("is_shown") & (pl.col("citizens") >= year.disclosure_threshold) & (_LARGEST_SHARE <= DOMINANT)
    )
    while True:
        shared = _as_shown(cells, units, year, secret)
        gone = _betraying(cells, units, exposures(shared, citizens, exact, year))
        if not gone:
            return shared
        is_gone = pl.Series([cell in gone for cell in cells.select(CELL).iter_rows()])
        cells = cells.with_columns(is_priced=pl.col("is_priced") & ~is_gone)


def rounded_cases(full_year_cases: float, draw: float, base: int) -> int:
    """The multiple of `base` that stands for full-year cases: that below or above, and 0 for none.

    Up with a probability of the distance from the multiple below by the base, so that the mean over all draws is the number
    itself. A cell has one draw, whatever its number: more cases never show less, and a number that creeps from night to
    night, or goes and comes again, is not drawn anew.

    Args:
        full_year_cases: the true number.
        draw: the cell's (`cell_draw`).
        base: what is rounded to.
    """
    return base * math.floor(full_year_cases / base + draw)


def cell_draw(secret: bytes, year_name: str, cell: tuple[str, ...]) -> float:
    """A cell's number from 0 to less than 1, evenly drawn by HMAC-SHA256 of year and cell: the same on every night."""
    digest = hmac.new(secret, "\n".join((year_name, *cell)).encode(), hashlib.sha256).digest()
    return math.ldexp(int.from_bytes(digest, "big") >> (8 * len(digest) - _DRAW_BITS), -_DRAW_BITS)


def cost_step(unit_cost_dkk: int, citizens: int) -> int:
    """What a unit cost is rounded to: the smallest of 1, 2, 5, 10, 20, 50, ... kroner from 2 x unit cost / citizens on.

    What all of them cost is then known no better than to within what one of them costs on average, above and below. The
    step says how many citizens there are to within a factor of 2.5, of a number that is at least the threshold: nothing of
    any one of them.
    """
    least = Fraction(2 * unit_cost_dkk, citizens)
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= least:
                return digit * power
        power *= 10


def _as_shown(cells: pl.DataFrame, units: pl.DataFrame, year: Year, secret: bytes) -> pl.DataFrame:
    base, residents = year.rounding_base, cells["population_18_66"]
    shown = pl.Series(
        [
            rounded_cases(cases, cell_draw(secret, year.name, tuple(cell)), base) if is_shown else None
            for *cell, cases, is_shown in cells.select(*CELL, "full_year_cases", "is_shown").iter_rows()
        ],
        dtype=pl.Int64,
    )
    lower = rate_interval((shown - base).clip(0), residents).lower
    upper = rate_interval(shown + base, residents).upper
    steps = pl.Series(
        [
            cost_step(unit_cost, citizens) if is_priced else None
            for unit_cost, citizens, is_priced in cells.select("unit_cost_dkk", "citizens", "is_priced").iter_rows()
        ],
        dtype=pl.Int64,
    )
    step = pl.col("unit_cost_rounding_dkk")
    unit_cost, _, exact_upper = (pl.col(name) for name in COMPARED["unit_cost"])
    rounded_cost = (2 * unit_cost + step) // (2 * step) * step
    reach = ((exact_upper - unit_cost + step - 1) // step + 1) * step
    return (
        cells.with_columns(
            shown.cast(pl.Float64).alias("full_year_cases"),
            (shown / residents * 1_000).alias("full_year_cases_per_1000"),
            pl.Series("full_year_cases_ci95_lower", lower).fill_nan(None),
            pl.Series("full_year_cases_ci95_upper", upper).fill_nan(None),
            pl.when("is_shown").then(pl.lit(ROUNDED)).otherwise(pl.lit(SUPPRESSED)).alias("value_status"),
            pl.when("is_shown").then(pl.lit(base, pl.Int64)).alias("rounding_base"),
            steps.alias("unit_cost_rounding_dkk"),
            pl.when("is_priced").then(pl.lit(ROUNDED)).otherwise(pl.lit(SUPPRESSED)).alias("unit_cost_status"),
        )
        .with_columns(
            rounded_cost.alias("unit_cost_dkk"),
            (rounded_cost - reach).clip(0).alias("unit_cost_ci95_lower_dkk"),
            (rounded_cost + reach).alias("unit_cost_ci95_upper_dkk"),
        )
        .pipe(with_comparisons, units)
        .select(*SHARED_SERVICE_AREA_BENCHMARKS.dtypes)
    )


def _betraying(
    cells: pl.DataFrame, units: pl.DataFrame, exposed: Collection[Exposure]
) -> set[tuple[str, str, str, str]]:
    """For each small cell that can be told, the unit cost of the fewest citizens in which it is counted, wholly or in part."""
    priced = cells.filter("is_priced").sort("citizens", *CELL).select(CELL).rows()
    gone = set()
    for cell, *_ in exposed:
        place = _places(cell[:2], units)
        counted_in = _counted_in(cell[3])
        for other in priced:
            if other[3] in counted_in and place & _places(other[:2], units):
                gone.add(other)
                break
    return gone


def _places(area: tuple[str, str], units: pl.DataFrame) -> set[str]:
    """The participants of an area."""
    area_type, code = area
    of_area = units if area_type == "country" else units.filter(pl.col(f"{area_type}_code") == code)
    return set(of_area["municipality_code"])


def _counted_in(code: str) -> tuple[str, ...]:
    """A service area or group, and what it is counted in."""
    area = service_areas().get(code)
    return (code, ALL) if area is None else (code, area.group, ALL)
