"""State refund for particularly expensive single cases: what a municipality gets back of its dearest citizens' cost.

What belongs here: the refundable cost of a citizen and month, and the refund of it. What does not: the thresholds of a year
(`pipelines.reference.refund_thresholds`), and the state's half of the cost of shelters (SEL § 177), which is deducted only.

Source: serviceloven (SEL) § 176; bekendtgørelse om den centrale refusionsordning §§ 3 and 6.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from itertools import zip_longest

import polars as pl

from pipelines.benchmark.cases import require_participants
from pipelines.management_information.full_year_cases import Grants
from pipelines.management_information.kroner import whole_kroner
from pipelines.management_information.participants import basis
from pipelines.management_information.parts import MONTHS, calendar_of, in_year, parts_between, with_cost
from pipelines.reference.refund_thresholds import RefundThresholds, Steps
from schemas.management_tables import REFUNDS
from schemas.service_areas import service_areas
from schemas.years import FullYearMethod

LAST_AGE = 66
"""Those who turn 67 are refunded only where they were before."""

_CITIZEN = ("municipality_code", "citizen_id")
_PERCENT = 100
_LONGEST_MONTH, _SHORTEST_YEAR = 31, 365


def refunds(
    grants: Grants,
    participants: pl.DataFrame,
    year: int,
    method: FullYearMethod,
    thresholds: RefundThresholds,
) -> pl.DataFrame:
    """State refund by SEL § 176 of every participating municipality.

    Settled by citizen and month against 1/12 of the year's thresholds (§ 3 of the order), as whole numbers of small parts;
    rounded once, the municipality's sum to whole kroner.

    Only the year of birth is known. A citizen counts as under 67 through the year of turning 66. From the year of turning 67
    on there is refund only where the cost was covered before (§ 6): where the refundable cost of December of the year of
    turning 66, the last whole month that is surely before the birthday, was above 1/12 of the first threshold as it stands
    in `year`. Grants of that December that the extract does not reach back to are not seen, and nothing is refunded then.
    Of different years of birth of one citizen the earliest counts.

    Grain: participating municipality, sorted. Columns: those of the table `refunds` (kroner; citizens with refund).

    Args:
        grants: one row per grant, as the table of this name.
        participants: one row per participating municipality: municipality_code, as_of.
        year: the calendar year.
        method: how a yearly price is spread over the year.
        thresholds: the thresholds by year.

    Raises:
        ReferenceTableError: there are no thresholds for the year; the message tells the line to add.
        BotilbudError: a participant stands twice.
        ConservationError: there is refund of a municipality that does not participate; it would be lost silently.
    """
    steps = thresholds.required(year)
    dear = _grants_of_the_dear(grants, year, steps)
    refund = refund_of(pl.col("cost"), steps, cost_parts(year, method))
    of_municipality = (
        refundable_costs(dear, year, method)
        .join(_covered(dear, year, method, steps), on=_CITIZEN, how="semi")
        .select(*_CITIZEN, refund.alias("refund"))
        .group_by(_CITIZEN)
        .agg(pl.col("refund").sum())
        .filter(pl.col("refund") > 0)
        .group_by("municipality_code")
        .agg(pl.col("refund").sum(), citizens=pl.len().cast(pl.Int64))
    )
    require_participants(of_municipality, participants)
    return (
        participants.join(of_municipality, on="municipality_code", how="left")
        .with_columns(
            year=pl.lit(year, pl.Int64),
            basis=basis(pl.col("as_of"), year),
            refund_dkk=whole_kroner(pl.col("refund").fill_null(0), _PERCENT * cost_parts(year, method)),
            citizens=pl.col("citizens").fill_null(0),
        )
        .select(REFUNDS.dtypes.keys())
        .sort("municipality_code")
    )


def refund_of(cost: pl.Expr, steps: Steps, parts: int) -> pl.Expr:
    """The refund of a month's refundable cost: of what lies between two steps' thresholds, the lower one's share.

    Unit: 1 / (100 x `parts`) of a krone, a whole number.

    Args:
        cost: a whole number of 1 / `parts` of a krone, not below 0.
        steps: the thresholds of a whole year, of which a month has 1/12, and their shares.
        parts: a multiple of 12, so that 1/12 of a threshold is a whole number too.

    Source: SEL § 176.
    """
    limits = [step.threshold_dkk * (parts // MONTHS) for step in steps]
    return pl.sum_horizontal(
        step.share_percent * (cost.clip(lower, upper) - lower)
        for step, lower, upper in zip_longest(steps, limits, limits[1:])
    )


def cost_parts(year: int, method: FullYearMethod) -> int:
    """Into how many parts `refundable_costs` divides a krone: every cost of a month of the year is a whole number of them."""
    calendar = calendar_of(year, method)
    return math.lcm(MONTHS, calendar.year_parts, calendar.month_parts) * _deduction_parts()


def refundable_costs(
    grants: pl.DataFrame, year: int, method: FullYearMethod, months: Iterable[int] = range(1, MONTHS + 1)
) -> pl.DataFrame:
    """What counts towards the thresholds: cost less the state's refund by other rules, less own payment, not below 0.

    Own payment is spread over the year as a yearly price is, and deducted from all that the citizen costs in the month.

    Grain: citizen and month with a refundable grant, in no order. Columns: municipality_code, citizen_id, cost (Int128, in
    `cost_parts` of a krone).

    Args:
        grants: one row per grant, as the table of this name.
        year: the calendar year.
        method: how a yearly price is spread over the year.
        months: of the year, 1 to 12.

    Source: bekendtgørelse om den centrale refusionsordning § 3; SEL § 177.
    """
    calendar = calendar_of(year, method)
    deduction_parts = _deduction_parts()
    per_krone = cost_parts(year, method) // deduction_parts
    kept = {code: int((1 - share) * deduction_parts) for code, share in _deducted_shares().items()}
    rows = in_year(grants.lazy().filter(_is_refundable()), year, ("price_dkk", "price_unit", "own_payment_dkk"))
    gross = sum(
        pl.col(f"{unit}_money").cast(pl.Int128) * (per_krone // parts)
        for unit, parts in (("year", calendar.year_parts), ("month", calendar.month_parts), ("day", 1))
    )
    own_payment = (
        pl.col("own_payment_dkk").fill_null(0)
        * parts_between(pl.col("first_day"), pl.col("last_day"), year, method).cast(pl.Int128)
        * (per_krone // calendar.year_parts * deduction_parts)
    )
    of_months = [
        rows.with_columns(
            first_day=pl.col("first_day").clip(lower_bound=int(calendar.ends[month - 1]) + 1),
            last_day=pl.col("last_day").clip(upper_bound=int(calendar.ends[month])),
        )
        .filter(pl.col("first_day") <= pl.col("last_day"))
        .pipe(with_cost, year, method)
        .select(
            *_CITIZEN,
            cost=gross * pl.col("service_area").replace_strict(kept, return_dtype=pl.Int64) - own_payment,
        )
        .group_by(_CITIZEN)
        .agg(pl.col("cost").sum())
        for month in months
    ]
    return pl.concat(of_months).with_columns(pl.col("cost").clip(lower_bound=0)).collect()


def _deducted_shares() -> dict[str, Fraction]:
    """Of the refundable service areas, the share of the cost that the state pays by another rule."""
    return {a.code: Fraction(str(a.state_refund_share)) for a in service_areas().values() if a.is_refundable}


def _deduction_parts() -> int:
    return math.lcm(*(share.denominator for share in _deducted_shares().values()))


def _is_refundable() -> pl.Expr:
    return pl.col("service_area").is_in(list(_deducted_shares()))


def _grants_of_the_dear(grants: Grants, year: int, steps: Steps) -> pl.DataFrame:
    """The grants, of all years, of citizens who may reach the first threshold in some month: few of all, and all who do.

    No month costs more than 1/12 of this: all grants of the year at once, a day price for 31 days a month, a yearly one for
    31 of 365 days.
    """
    days = MONTHS * _LONGEST_MONTH
    at_most = {"year": days, "month": MONTHS * _SHORTEST_YEAR, "day": days * _SHORTEST_YEAR}
    refundable = grants.lazy().filter(_is_refundable())
    dear = (
        in_year(refundable, year, ("price_dkk", "price_unit"))
        .select(
            *_CITIZEN,
            at_most=pl.col("price_dkk") * pl.col("price_unit").replace_strict(at_most, return_dtype=pl.Int64),
        )
        .group_by(_CITIZEN)
        .agg(pl.col("at_most").sum())
        .filter(pl.col("at_most") > steps[0].threshold_dkk * _SHORTEST_YEAR)
    )
    return refundable.join(dear, on=_CITIZEN, how="semi").collect(engine="streaming")


def _covered(grants: pl.DataFrame, year: int, method: FullYearMethod, steps: Steps) -> pl.DataFrame:
    """Those who are refunded by their age: under 67, or covered before. Grain: citizen. Columns: those of `_CITIZEN`."""
    citizens = grants.group_by(_CITIZEN).agg(turns_66=pl.col("birth_year").min() + LAST_AGE)
    covered = [citizens.filter(pl.col("turns_66") >= year).select(_CITIZEN)]
    older = citizens.filter(pl.col("turns_66") < year)
    for before in older["turns_66"].unique().sort():
        limit = steps[0].threshold_dkk * (cost_parts(before, method) // MONTHS)
        of_then = grants.join(older.filter(turns_66=before), on=_CITIZEN, how="semi")
        december = refundable_costs(of_then, before, method, (MONTHS,))
        covered.append(december.filter(pl.col("cost") > limit).select(_CITIZEN))
    return pl.concat(covered)
