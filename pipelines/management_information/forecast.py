"""What a year is told to cost, beside its budget, and how uncertain that is.

What belongs here: the lines of the forecast, their interval and their deviation from the budget. What does not: what the
existing cases cost (`full_year_cases`) and what is refunded of it (`refunds`).
"""

import polars as pl
from scipy import special

from pipelines.management_information.full_year_cases import Grants
from pipelines.management_information.kroner import whole_kroner, yearly_price
from pipelines.management_information.participants import RESULT, basis
from pipelines.management_information.parts import CASE, calendar_of, in_year, parts_between
from pipelines.statistics.counts import tail_of
from pipelines.statistics.rounding import rounded
from schemas.fields import FORECAST_LINES
from schemas.management_tables import FORECAST
from schemas.service_areas import ALL
from schemas.years import FullYearMethod

_EXISTING, _CHANGES, _BEFORE_REFUND, _REFUND, _TOTAL = FORECAST_LINES
_TOTALS = {_BEFORE_REFUND: (_EXISTING, _CHANGES), _TOTAL: (_EXISTING, _CHANGES, _REFUND)}
_FIGURES = ("forecast_dkk", "forecast_ci95_lower_dkk", "forecast_ci95_upper_dkk")
_CONFIDENCE = 0.95


def forecast(  # noqa: PLR0913, PLR0917 - each is a table or a setting of its own
    full_year_cases: pl.DataFrame,
    grants: Grants,
    planned_changes: pl.DataFrame,
    budgets: pl.DataFrame,
    refunds: pl.DataFrame,
    participants: pl.DataFrame,
    year: int,
    method: FullYearMethod,
) -> pl.DataFrame:
    """The forecast of every participating municipality beside its budget, line by line and in sum.

    Existing cases are carried forward: what has no end goes on until the end of the year. Planned changes carry no refund,
    since the price of each is not known, only their mean. Of a year that was over on the day of the extract (basis `result`)
    nothing is told ahead: what was planned has happened, and is among the existing cases, or has not.

    The 95 % interval is that of the planned changes (`planned_changes_in_kroner`). Not in it: existing cases that end, begin
    again or change price unforeseen, their refund and that of those who come, and a plan that is wrong in its mean number,
    month or price. So existing cases and refund have limits that equal the forecast, and totals are as wide as the changes.

    Grain: participating municipality and line, in the order of the lines. Columns: those of the table `forecast` (kroner;
    refund is negative; the budget of a total, and its deviation, are null where that of a part is).

    Args:
        full_year_cases: as the table of this name, of the year.
        grants: as the table of this name.
        planned_changes: as the table of this name, of any years.
        budgets: as the table of this name, of any years.
        refunds: as the table of this name, of the year.
        participants: one row per participating municipality: municipality_code, as_of.
        year: the calendar year.
        method: how a part of the year is counted; by `months` a change has 13 less its month, of 12.
    """
    changes = planned_changes_in_kroner(planned_changes, grants, year, method)
    taking_part = participants.select("municipality_code", "as_of").with_columns(basis=basis(pl.col("as_of"), year))
    existing = full_year_cases.filter(pl.col("service_area_level") == ALL)
    delivered = pl.concat(
        [
            _known(existing, _EXISTING, pl.col("cost_dkk")),
            _known(refunds, _REFUND, -pl.col("refund_dkk")),
            taking_part.join(changes, on="municipality_code", how="left").select(
                "municipality_code",
                pl.lit(_CHANGES).alias("line"),
                *(pl.when(pl.col("basis") != RESULT).then(figure).fill_null(0) for figure in _FIGURES),
            ),
        ]
    ).join(budgets.filter(pl.col("year") == year).drop("year"), on=["municipality_code", "line"], how="left")
    totals = [
        delivered.filter(pl.col("line").is_in(parts))
        .group_by("municipality_code")
        # The limits add up, because one line alone is uncertain.
        .agg(
            pl.lit(total).alias("line"),
            pl.col(_FIGURES).sum(),
            pl.when(pl.col("budget_dkk").has_nulls().not_()).then(pl.col("budget_dkk").sum()).alias("budget_dkk"),
        )
        for total, parts in _TOTALS.items()
    ]
    return (
        taking_part.join(pl.concat([delivered, *totals]), on="municipality_code")
        .with_columns(year=pl.lit(year, pl.Int64), deviation_dkk=pl.col("forecast_dkk") - pl.col("budget_dkk"))
        .select(FORECAST.dtypes.keys())
        .sort("municipality_code", pl.col("line").cast(pl.Enum(FORECAST_LINES)))
    )


def planned_changes_in_kroner(
    planned_changes: pl.DataFrame, grants: Grants, year: int, method: FullYearMethod
) -> pl.DataFrame:
    """What planned inflow less outflow comes to in the year, with its 95 % interval.

    Inflow and outflow are Poisson counts with the planned number n as mean. The yearly price of each citizen is drawn around
    the planned mean m with standard deviation s = m x spread, where spread is that of the municipality's own prices in the
    service area (`price_spread`), or in all service areas where that has fewer than two citizens, or else 0. A sum of so
    many prices has variance n (m^2 + s^2), times the squared part of the year. The variances of all rows add up, and the
    limits are normal.

    Grain: municipality with planned changes, in no order. Columns: municipality_code, forecast_dkk,
    forecast_ci95_lower_dkk, forecast_ci95_upper_dkk (kroner).

    Args:
        planned_changes: as the table of this name, of any years.
        grants: as the table of this name.
        year: the calendar year.
        method: how a part of the year is counted.

    Source: the compound Poisson distribution, e.g. Mikosch, T. (2009). Non-Life Insurance Mathematics, chapter 3.
    """
    calendar = calendar_of(year, method)
    first_day = pl.lit(pl.Series(calendar.ends)).gather(pl.col("start_month") - 1) + 1
    per_citizen = pl.col("yearly_price_dkk").cast(pl.Int128) * pl.col("parts")
    sign = pl.when(pl.col("direction") == "outflow").then(-1).otherwise(1)
    spread = pl.coalesce("spread", "spread_of_all", 0.0)
    variance = pl.col("citizens") * (per_citizen / calendar.year_parts) ** 2 * (1 + spread**2)
    spreads = price_spread(grants, year)
    of_all = spreads.filter(pl.col("service_area") == ALL).select("municipality_code", spread_of_all="spread")
    sums = (
        planned_changes.filter(pl.col("year") == year)
        .with_columns(parts=parts_between(first_day, pl.lit(calendar.days), year, method))
        .join(spreads, on=["municipality_code", "service_area"], how="left")
        .join(of_all, on="municipality_code", how="left")
        .group_by("municipality_code")
        # Whole numbers add up to the same in any order.
        .agg(amount=(sign * pl.col("citizens") * per_citizen).sum(), variance=variance.round().cast(pl.Int128).sum())
    )
    half = pl.col("variance").cast(pl.Float64).sqrt() * -special.ndtri(tail_of(_CONFIDENCE))
    middle = pl.col("amount") / calendar.year_parts
    limits = sums.select(lower=middle - half, upper=middle + half)
    return sums.select(
        "municipality_code",
        whole_kroner(pl.col("amount"), calendar.year_parts).alias("forecast_dkk"),
        rounded(limits["lower"], 0).cast(pl.Int64).alias("forecast_ci95_lower_dkk"),
        rounded(limits["upper"], 0).cast(pl.Int64).alias("forecast_ci95_upper_dkk"),
    )


def price_spread(grants: Grants, year: int) -> pl.DataFrame:
    """How much yearly prices differ: their coefficient of variation, the standard deviation (of a sample) by the mean.

    One price per citizen and service area, the mean of its grants' by days in the year (whole kroner), so that splitting a
    grant changes nothing.

    Grain: municipality with grants in the year and service area, and all of them. Columns: municipality_code, service_area
    (or `all`), spread (null with fewer than two citizens).

    Args:
        grants: as the table of this name.
        year: the calendar year.
    """
    prices = (
        in_year(grants.lazy(), year, ("price_dkk", "price_unit"))
        .with_columns(days=(pl.col("last_day") - pl.col("first_day") + 1).cast(pl.Int64))
        .select(*CASE, "days", price_days=yearly_price(year) * pl.col("days"))
        .group_by(CASE)
        .agg(pl.col("price_days", "days").sum())
        .select(*CASE, price=pl.col("price_days") // pl.col("days"))
        .collect(engine="streaming")
    )
    n, total = pl.col("n"), pl.col("total").cast(pl.Int128)
    # Exact until here, so that the order of the grants does not matter.
    squared = n * (n * pl.col("squares") - total**2) / ((n - 1) * total**2)
    return pl.concat(
        prices.group_by("municipality_code", area)
        .agg(
            n=pl.len().cast(pl.Int128),
            citizens=pl.col("citizen_id").n_unique(),
            total=pl.col("price").sum(),
            squares=(pl.col("price").cast(pl.Int128) ** 2).sum(),
        )
        .select(
            "municipality_code",
            "service_area",
            spread=pl.when(pl.col("citizens") > 1).then(pl.when(total > 0).then(squared.sqrt()).otherwise(0.0)),
        )
        for area in (pl.col("service_area"), pl.lit(ALL).alias("service_area"))
    )


def _known(table: pl.DataFrame, line: str, amount: pl.Expr) -> pl.DataFrame:
    """A line that is taken as known: its limits are the amount."""
    return table.select("municipality_code", pl.lit(line).alias("line"), *(amount.alias(figure) for figure in _FIGURES))
