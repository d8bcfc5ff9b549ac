"""Full-year cases and unit costs beside those of other municipalities: exact, with their uncertainty.

What belongs here: the areas' figures, their intervals and comparisons, and how many citizens are behind each. What does
not: what of it every participant may see (`shared_benchmarks`).
"""

from collections.abc import Iterator

import polars as pl

from pipelines.benchmark.areas import AREA, area_members, reporting_units
from pipelines.management_information.full_year_cases import Grants, case_sums
from pipelines.management_information.participants import FORECAST, RESULT, basis
from pipelines.management_information.parts import CASE, active_parts, calendar_of, cost_dkk, in_year, with_cost
from pipelines.statistics.comparison import compared_with
from pipelines.statistics.counts import Interval
from pipelines.statistics.rounding import rounded
from pipelines.statistics.tables import REFERENCES
from pipelines.statistics.weighted import ratio_interval, weighted_count_interval
from schemas.fields import AREA_TYPES
from schemas.management_tables import SERVICE_AREA_BENCHMARKS
from schemas.service_areas import ALL, LEVELS, labels_da, service_areas
from schemas.years import Year

CELL = ("area_type", "area_code", "service_area_level", "service_area")
"""A cell of the benchmark: an area, and a service area, group or all of them."""

COMPARED = {
    "volume": ("full_year_cases_per_1000", "full_year_cases_ci95_lower", "full_year_cases_ci95_upper"),
    "unit_cost": ("unit_cost_dkk", "unit_cost_ci95_lower_dkk", "unit_cost_ci95_upper_dkk"),
}
"""What is compared, with its limits."""

UNIT_COST = COMPARED["unit_cost"]
_SERVICE_AREA, _GROUP = LEVELS[:2]
_SUMS = ("cases", "active_parts", "cost_dkk")
_MOMENTS = ("squared_parts", "squared_cost", "parts_by_cost")


def service_area_benchmarks(
    grants: Grants, participants: pl.DataFrame, population: pl.DataFrame, municipalities: pl.DataFrame, year: Year
) -> pl.DataFrame:
    """Full-year cases per 1,000 residents and unit cost of every area, with intervals and comparisons.

    Grain: the country (all participants), each region, municipality group and participating municipality, in this order
    and by code, and in each the service areas, groups and all of them, zeros included.
    Columns: those of the table `service_area_benchmarks`. full_year_cases and the rate are unrounded; unit costs are whole
    kroner per full-year case, null without cases; their limits are null with fewer than two cases. The limits of the rate
    are Dobson's, a case weighing the part of the year that it is active. Municipalities' limits are compared, unrounded,
    with the pooled values of the areas that they are counted in. A case is a citizen in a service area, so that in groups
    and all of them the cases of one citizen are taken to be independent, and the limits are a little too narrow.

    Args:
        grants: as the table of this name.
        participants: one row per participating municipality: municipality_code, as_of.
        population: one row per municipality: municipality_code, population_18_66, population_quarter.
        municipalities: one row per municipality, as the reference table has them.
        year: the year; says which municipality reports for which others.

    Raises:
        BotilbudError: a participant stands twice, or a participating or covered municipality has no population or is
            unknown.
        ConservationError: there are grants of a municipality that does not participate.

    Source: `weighted.weighted_count_interval`, `weighted.ratio_interval`, `comparison.compared_with`.
    """
    units = reporting_units(participants, population, municipalities, year)
    members = area_members(units.join(participants, on="municipality_code")).with_columns(
        basis=basis(pl.col("as_of"), year.number)
    )
    areas = members.group_by(AREA, maintain_order=True).agg(
        pl.when((pl.col("basis") == RESULT).all()).then(pl.lit(RESULT)).otherwise(pl.lit(FORECAST)).alias("basis"),
        pl.len().cast(pl.Int64).alias("municipalities"),
        pl.col("population_18_66").sum(),
        pl.col("population_quarter").min(),
    )
    sums = _of_areas(_leaves(grants, participants, year), members)
    cells = sums.join(areas, on=AREA[:2], how="left", maintain_order="left")
    return (
        _figures(cells, year)
        .pipe(with_comparisons, units)
        .with_columns(rounded(figure, 0).cast(pl.Int64) for figure in _unit_costs(cells, year))
        .select(*SERVICE_AREA_BENCHMARKS.dtypes)
    )


def citizens_behind(
    grants: Grants, participants: pl.DataFrame, municipalities: pl.DataFrame, year: Year
) -> pl.DataFrame:
    """How many citizens are behind each cell of the benchmark, and how much of its cost one of them has. For nobody's eyes.

    Grain and order: those of `service_area_benchmarks`.
    Columns: area_type, area_code, service_area_level, service_area; region_code and municipality_group_code (null but for
    municipalities); citizens (each once, however many service areas; pseudonyms are a municipality's own, so those of two
    municipalities are two citizens), cost_dkk (adds up over service areas and municipalities), largest_cost_share (the
    dearest citizen's share of the cost; 1 where nothing is paid for anybody, 0 without citizens).

    Args and raises: as `service_area_benchmarks`.
    """
    units = municipalities.join(participants, on="municipality_code", validate="1:1")
    by_citizen = (
        _cases(grants, year)
        .join(_levels().lazy(), on="service_area")
        .group_by("municipality_code", "citizen_id", "level", "code")
        .agg(pl.col("case_cost").sum())
        .group_by("municipality_code", "level", "code")
        .agg(citizens=pl.len().cast(pl.Int64), largest=pl.col("case_cost").max())
        .collect(engine="streaming")
    )
    costs = (
        case_sums(grants, participants, year.number, year.full_year_method)
        .select("municipality_code", level="service_area_level", code="service_area", cost_dkk="cost_dkk")
        .join(by_citizen, on=("municipality_code", "level", "code"), how="left")
    )
    share = pl.when(pl.col("cost_dkk") > 0).then((pl.col("largest") / pl.col("cost_dkk")).clip(0, 1)).otherwise(1.0)
    return (
        area_members(units)
        .join(costs, on="municipality_code")
        .group_by(*AREA[:2], service_area_level="level", service_area="code")
        .agg(pl.col("citizens", "cost_dkk").sum(), pl.col("largest").max())
        .join(_memberships(units), on=AREA[:2], how="left")
        .select(
            *CELL,
            "region_code",
            "municipality_group_code",
            "citizens",
            "cost_dkk",
            pl.when(pl.col("citizens") > 0).then(share).otherwise(0.0).alias("largest_cost_share"),
        )
        .pipe(in_order)
    )


def units_of(citizens: pl.DataFrame) -> pl.DataFrame:
    """The participants behind a table of `citizens_behind`, sorted: municipality_code, region_code, municipality_group_code."""
    of_municipalities = citizens.filter(area_type="municipality")
    columns = (pl.col("area_code").alias("municipality_code"), "region_code", "municipality_group_code")
    return of_municipalities.select(columns).unique().sort("municipality_code")


def with_comparisons(cells: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Whether the limits of a municipality's figures hold the pooled ones of country, region and municipality group.

    Grain: that of `cells`, in its order.
    Columns: those of `cells`, then volume_comparison_country, _region, _municipality_group and the same of unit_cost; null
    for other areas, and where the figure has no limits or there is no pooled one.

    Args:
        cells: CELL, and the columns of COMPARED.
        units: of each participating municipality, municipality_code, region_code and municipality_group_code.

    Source: as `comparison.compared_with`.
    """
    joined = cells.join(_memberships(units), on=AREA[:2], how="left", maintain_order="left")
    words = [
        _compared(joined, cells, area_type, figures).alias(f"{what}_comparison_{area_type}")
        for what, figures in COMPARED.items()
        for area_type in REFERENCES
    ]
    return cells.with_columns(words)


def in_order(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells by area (country, regions, groups, municipalities, by code) and by service area as the catalogue has them."""
    return cells.sort(
        pl.col("area_type").cast(pl.Enum(AREA_TYPES)),
        "area_code",
        pl.col("service_area").cast(pl.Enum(list(labels_da()))),
    )


def _compared(joined: pl.DataFrame, cells: pl.DataFrame, area_type: str, figures: tuple[str, ...]) -> pl.Series:
    value, lower, upper = figures
    is_municipality = pl.col("area_type") == "municipality"
    pooled = cells.filter(area_type=area_type).select(*CELL[1:], pl.col(value).cast(pl.Float64).alias("_pooled"))
    compared = joined.with_columns(
        area_code=pl.when(is_municipality).then(REFERENCES[area_type]),
        _lower=pl.col(lower).cast(pl.Float64),
        _upper=pl.col(upper).cast(pl.Float64),
    ).join(pooled, on=CELL[1:], how="left", maintain_order="left")
    limits = Interval(compared["_lower"].to_numpy(), compared["_upper"].to_numpy())
    words = pl.Series("_word", compared_with(limits, compared["_pooled"].to_numpy()).tolist(), pl.String)
    is_known = pl.all_horizontal(pl.col("_lower", "_upper", "_pooled").is_not_null())
    return compared.with_columns(words).select(pl.when(is_known).then("_word")).to_series()


def _memberships(units: pl.DataFrame) -> pl.DataFrame:
    return units.select(
        pl.lit("municipality").alias("area_type"),
        pl.col("municipality_code").alias("area_code"),
        "region_code",
        "municipality_group_code",
    )


def _levels() -> pl.DataFrame:
    """What each service area is counted in: itself, its group and all of them. Columns: service_area, level, code."""
    rows = [
        (code, level, counted_in)
        for code, area in service_areas().items()
        for level, counted_in in zip(LEVELS, (code, area.group, ALL), strict=True)
    ]
    return pl.DataFrame(rows, schema=["service_area", "level", "code"], orient="row")


def _cases(grants: Grants, year: Year) -> pl.LazyFrame:
    """Every case with its active_parts and its cost in whole kroner, as case_cost."""
    of_year = year.number, year.full_year_method
    return (
        in_year(grants.lazy(), year.number, ("price_dkk", "price_unit"))
        .pipe(with_cost, *of_year)
        .pipe(active_parts, *of_year)
        .group_by(CASE)
        .agg(pl.col("active_parts", "year_money", "month_money", "day_money").sum())
        .select(*CASE, "active_parts", case_cost=cost_dkk(calendar_of(*of_year)))
    )


def _leaves(grants: Grants, participants: pl.DataFrame, year: Year) -> pl.DataFrame:
    """Sums over the cases of every participant and service area, in whole numbers: so their order changes nothing."""
    parts, cost = pl.col("active_parts").cast(pl.Int128), pl.col("case_cost").cast(pl.Int128)
    moments = (
        _cases(grants, year)
        .group_by("municipality_code", "service_area")
        .agg(
            (parts * parts).sum().alias("squared_parts"),
            (cost * cost).sum().alias("squared_cost"),
            (parts * cost).sum().alias("parts_by_cost"),
        )
        .collect(engine="streaming")
    )
    return (
        case_sums(grants, participants, year.number, year.full_year_method)
        .filter(pl.col("service_area_level") == _SERVICE_AREA)
        .rename({"citizens": "cases"})
        .join(moments, on=("municipality_code", "service_area"), how="left")
        .select("municipality_code", "service_area", *_SUMS, pl.col(_MOMENTS).fill_null(0))
    )


def _of_areas(leaves: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """The sums of every cell, in order."""
    return (
        members.select(*AREA[:2], "municipality_code")
        .join(leaves, on="municipality_code")
        .join(_levels(), on="service_area")
        .group_by(*AREA[:2], service_area_level="level", service_area="code")
        .agg(pl.col(*_SUMS, *_MOMENTS).sum())
        .pipe(in_order)
    )


def _figures(cells: pl.DataFrame, year: Year) -> pl.DataFrame:
    """The figures of sums, unit costs unrounded."""
    year_parts = calendar_of(year.number, year.full_year_method).year_parts
    per_1000 = cells["population_18_66"] / 1_000
    cases, full_years = cells["cases"], cells["active_parts"] / year_parts
    weights = weighted_count_interval(cases, full_years, cells["squared_parts"].cast(pl.Float64) / year_parts**2)
    is_none = pl.col("active_parts") == 0
    return cells.with_columns(
        *_unit_costs(cells, year),
        pl.lit(year.number, pl.Int64).alias("year"),
        full_years.alias("full_year_cases"),
        (full_years / per_1000).alias("full_year_cases_per_1000"),
        (pl.Series(weights.lower) / per_1000).alias("full_year_cases_ci95_lower"),
        (pl.Series(weights.upper) / per_1000).alias("full_year_cases_ci95_upper"),
        pl.lit("published").alias("value_status"),
        pl.lit(None, pl.Int64).alias("rounding_base"),
        pl.when(is_none).then(pl.lit("not_applicable")).otherwise(pl.lit("published")).alias("unit_cost_status"),
        pl.lit(None, pl.Int64).alias("unit_cost_rounding_dkk"),
    )


def _unit_costs(cells: pl.DataFrame, year: Year) -> list[pl.Series]:
    """The unit cost and its limits, unrounded; null where there is none."""
    year_parts = calendar_of(year.number, year.full_year_method).year_parts
    full_years = cells["active_parts"] / year_parts
    limits = ratio_interval(cells["cases"], cells["cost_dkk"], full_years, list(_squared_residuals(cells)))
    figures = ((cells["cost_dkk"] / full_years), pl.Series(limits.lower), pl.Series(limits.upper))
    return [figure.fill_nan(None).alias(name) for figure, name in zip(figures, UNIT_COST, strict=True)]


def _squared_residuals(cells: pl.DataFrame) -> Iterator[float]:
    """Per cell, the sum over its cases of (cost - unit cost x part of the year) squared; exact until the last division."""
    for parts, cost, squared_parts, squared_cost, parts_by_cost in cells.select(*_SUMS[1:], *_MOMENTS).iter_rows():
        numerator = parts**2 * squared_cost - 2 * cost * parts * parts_by_cost + cost**2 * squared_parts
        yield numerator / parts**2 if parts else 0.0
