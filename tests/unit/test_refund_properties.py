"""What holds for the refund of every set of grants, and that it is what a plain computation in fractions gives."""

import calendar
import datetime as dt
from collections import defaultdict
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipelines.management_information.refunds import refunds
from pipelines.reference.refund_thresholds import RefundThresholds, Step
from schemas.management_tables import GRANTS
from schemas.service_areas import service_areas
from tests.golden import management_scenario as scenario
from tests.unit.ingest_scenario import costly_property_test

pytestmark = pytest.mark.slow

# Made-up thresholds that lie close, so that small examples pass them; one year has two steps.
THRESHOLDS = RefundThresholds(
    {
        2023: (Step(100_000, 25), Step(200_000, 50), Step(300_000, 75)),
        2024: (Step(110_000, 25), Step(250_000, 50)),
    },
    version="opdigtet",
)
DAYS = st.dates(dt.date(2021, 11, 1), dt.date(2025, 2, 28))
PRICES = {"day": st.integers(0, 2_000), "month": st.integers(0, 60_000), "year": st.integers(0, 700_000)}
years, methods = st.sampled_from([2023, 2024]), st.sampled_from(["months", "days"])


@st.composite
def grant(draw, citizens="abc", areas=("sel_108", "sel_104", "sel_110", "stu")):
    unit = draw(st.sampled_from(list(PRICES)))
    start, end = draw(DAYS), draw(st.none() | DAYS)
    if end is not None and end < start:
        start, end = end, start
    citizen = draw(st.sampled_from(citizens))
    return scenario.grant(citizen, draw(st.sampled_from(areas)), start.isoformat(), end and end.isoformat()) | {
        # One year of birth a citizen: b turns 67 in 2024 and c in 2023.
        "birth_year": {"a": 1980, "b": 1957, "c": 1956}[citizen],
        "price_unit": unit,
        "price_dkk": draw(PRICES[unit]),
        "own_payment_dkk": draw(st.none() | st.integers(0, 50_000)),
    }


extracts = st.lists(grant(), max_size=6)


def refund(rows, year, method, thresholds=THRESHOLDS):
    return refunds(scenario.grants(*rows), scenario.ISHOEJ, year, method, thresholds)["refund_dkk"].item()


# A plain computation in fractions -----------------------------------------------------------------------------------


def plain_cost(rows, year, month, method):
    """Refundable cost of one citizen's grants in a month, day by day."""
    length, days = calendar.monthrange(year, month)[1], 365 + calendar.isleap(year)
    cost = Fraction(0)
    for row in rows:
        area = service_areas()[row["service_area"]]
        active = sum(
            row["start_date"] <= dt.date(year, month, day)
            and (row["end_date"] or dt.date.max) >= dt.date(year, month, day)
            for day in range(1, length + 1)
        )
        of_a_year = Fraction(active, days) if method == "days" else Fraction(active, 12 * length)
        parts = {"day": active, "month": Fraction(active, length), "year": of_a_year}
        if area.is_refundable:
            cost += row["price_dkk"] * parts[row["price_unit"]] * (1 - Fraction(area.state_refund_share))
            cost -= (row["own_payment_dkk"] or 0) * of_a_year
    return max(cost, Fraction(0))


def plain_refund(cost, steps):
    """Refund of a month's cost."""
    limits = [Fraction(step.threshold_dkk, 12) for step in steps]
    return sum(
        Fraction(step.share_percent, 100) * max(min(cost, upper) - lower, 0)
        for step, lower, upper in zip(steps, limits, [*limits[1:], cost], strict=True)
    )


def plain_refunds(rows, year, method):
    """Refund of all grants, and how many citizens it is for."""
    steps = THRESHOLDS.required(year)
    citizens = defaultdict(list)
    for row in rows:
        citizens[row["citizen_id"]].append(row)
    found = []
    for of_citizen in citizens.values():
        turns_66 = of_citizen[0]["birth_year"] + 66
        if turns_66 >= year or plain_cost(of_citizen, turns_66, 12, method) > Fraction(steps[0].threshold_dkk, 12):
            months = (plain_cost(of_citizen, year, month, method) for month in range(1, 13))
            found.append(sum(plain_refund(cost, steps) for cost in months))
    whole, rest = divmod(sum(found, Fraction(0)), 1)
    return int(whole) + (rest >= Fraction(1, 2)), sum(amount > 0 for amount in found)


@costly_property_test
@given(extracts, years, methods)
def test_the_refund_is_what_a_plain_computation_in_fractions_gives(rows, year, method):
    found = refunds(scenario.grants(*rows), scenario.ISHOEJ, year, method, THRESHOLDS)
    assert found.select("refund_dkk", "citizens").row(0) == plain_refunds(rows, year, method)


# What holds for all -------------------------------------------------------------------------------------------------


@costly_property_test
@given(extracts, years, methods)
def test_the_refund_is_never_below_0_and_never_more_than_the_cost_above_the_first_threshold(rows, year, method):
    all_above = RefundThresholds({year: (Step(THRESHOLDS.required(year)[0].threshold_dkk, 100),)}, version="opdigtet")
    assert 0 <= refund(rows, year, method) <= refund(rows, year, method, all_above)


@costly_property_test
@given(extracts, years, methods, st.integers(1, 500_000))
def test_a_dearer_grant_never_lowers_the_refund(rows, year, method, more):
    assume(rows)
    dearer = [rows[0] | {"price_dkk": rows[0]["price_dkk"] + more}, *rows[1:]]
    assert refund(dearer, year, method) >= refund(rows, year, method)


@costly_property_test
@given(extracts, years, methods, st.integers(1, 100_000))
def test_more_own_payment_never_raises_the_refund(rows, year, method, more):
    assume(rows)
    paying = [rows[0] | {"own_payment_dkk": (rows[0]["own_payment_dkk"] or 0) + more}, *rows[1:]]
    assert refund(paying, year, method) <= refund(rows, year, method)


def test_own_payment_lowers_the_refund_by_the_share_it_is_deducted_at():
    row = scenario.grant("a", "sel_108", "2022-01-01") | {"price_dkk": 400_000}
    # 36,000 a year are 3,000 a month, all of it above the third threshold: 75 % less.
    lower = refund([row], 2023, "months") - refund([row | {"own_payment_dkk": 36_000}], 2023, "months")
    assert lower == 36_000 * 0.75


@costly_property_test
@given(extracts, years, methods, DAYS)
@example([scenario.grant("a", "sel_108", "2023-01-01")], 2024, "days", dt.date(2024, 2, 29))
@example([scenario.grant("a", "sel_108", "2023-01-01")], 2024, "months", dt.date(2024, 2, 28))
def test_splitting_a_grant_at_any_date_changes_nothing(rows, year, method, date):
    split = []
    for row in rows:
        if row["start_date"] <= date and (row["end_date"] is None or row["end_date"] > date):
            split += [row | {"end_date": date}, row | {"start_date": date + dt.timedelta(days=1)}]
        else:
            split.append(row)
    assert refund(split, year, method) == refund(rows, year, method)


@costly_property_test
@given(extracts, years, methods, st.randoms(use_true_random=False))
def test_the_order_of_the_grants_changes_nothing(rows, year, method, random):
    shuffled = random.sample(rows, len(rows))
    assert refund(shuffled, year, method) == refund(rows, year, method)


def test_a_leap_year_has_the_cost_of_29_days_in_february():
    february = scenario.grant("a", "sel_108", "2024-02-01", "2024-02-29") | {"price_unit": "day", "price_dkk": 1_000}
    # 29,000 in the month; 25 % from 110,000 / 12 to 250,000 / 12, and 50 % above.
    expected = Fraction(25, 100) * Fraction(140_000, 12) + Fraction(50, 100) * (29_000 - Fraction(250_000, 12))
    assert refund([february], 2024, "months") == refund([february], 2024, "days") == round(expected)
    # A month's price, and a twelfth of a yearly one, do not depend on how many days February has.
    monthly = february | {"price_unit": "month", "price_dkk": 29_000}
    yearly = february | {"price_unit": "year", "price_dkk": 348_000}
    assert refund([monthly], 2024, "months") == refund([yearly], 2024, "months") == round(expected)
    # By days, 29 of 366.
    of_days = Fraction(29 * 366_000, 366)
    by_days = Fraction(25, 100) * Fraction(140_000, 12) + Fraction(50, 100) * (of_days - Fraction(250_000, 12))
    assert refund([february | {"price_unit": "year", "price_dkk": 366_000}], 2024, "days") == round(by_days)


def test_the_most_that_an_extract_can_hold_does_not_overflow():
    # 400 citizens at the highest price that the form takes, every day of a leap year.
    rows = pl.DataFrame(
        {"row": range(400), "citizen_id": [f"opdigtet-{i}" for i in range(400)]}, schema_overrides={"row": pl.Int64}
    ).with_columns(
        pl.lit(value).alias(name)
        for name, value in scenario.grant("", "sel_108", "2024-01-01", price_dkk=50_000_000, price_unit="day").items()
        if name != "citizen_id"
    )
    full = (
        pl.concat([GRANTS.empty, rows], how="diagonal_relaxed").select(GRANTS.dtypes.keys()).cast(dict(GRANTS.dtypes))
    )
    found = refunds(full, scenario.ISHOEJ, 2024, "days", THRESHOLDS)["refund_dkk"].item()
    # 25 % of 140,000 and 50 % of the rest above 250,000.
    assert found == 400 * (35_000 + (50_000_000 * 366 - 250_000) // 2)
