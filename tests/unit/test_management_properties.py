"""What holds for every set of grants, and what counting them day by day with fractions says."""

import calendar
import datetime as dt
from decimal import Decimal
from fractions import Fraction
from math import floor

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.management_information.active_cases import monthly_active_cases
from pipelines.management_information.cost_drivers import cost_drivers, effects_of
from pipelines.management_information.full_year_cases import full_year_cases
from pipelines.management_information.unit_costs import unit_costs
from schemas.service_areas import groups, service_areas
from schemas.years import find_year
from tests.golden.management_scenario import grant, grants, participants
from tests.unit.ingest_scenario import costly_property_test, property_test

pytestmark = pytest.mark.slow

PARTICIPANTS = participants(m183="2025-02-28", m461="2024-02-29", m563="2024-03-01")
# Of one group, of another, and of a third.
AREAS = ("sel_107", "sel_108", "sel_104", "stu")
YEAR = find_year("2024")
INDEX = {year: Decimal(100 + year - 2021) for year in range(2021, 2026)}
METHODS = ("months", "days")
# Around a common year and a leap year, often at the ends of years and February.
DATES = st.dates(dt.date(2022, 10, 1), dt.date(2025, 2, 1)) | st.sampled_from(
    [dt.date(2023, 1, 1), dt.date(2023, 12, 31), dt.date(2024, 1, 1), dt.date(2024, 2, 29), dt.date(2024, 12, 31)]
)


@st.composite
def a_grant(draw):
    start = draw(DATES)
    days = draw(st.none() | st.just(0) | st.integers(0, 900))
    return grant(
        draw(st.sampled_from("ABC")),
        draw(st.sampled_from(AREAS)),
        start.isoformat(),
        None if days is None else (start + dt.timedelta(days=days)).isoformat(),
        municipality_code=draw(st.sampled_from(["183", "461"])),
        price_dkk=draw(st.integers(0, 5_000_000) | st.just(50_000_000)),
        price_unit=draw(st.sampled_from(["day", "month", "year"])),
    )


some_grants = st.lists(a_grant(), max_size=12)
calendar_years = st.sampled_from([2023, 2024])
methods = st.sampled_from(METHODS)


def every_table(rows, method="months"):
    year = YEAR.model_copy(update={"full_year_method": method})
    return {
        "monthly_active_cases": monthly_active_cases(rows, PARTICIPANTS, year.number),
        "full_year_cases": full_year_cases(rows, PARTICIPANTS, year.number, method),
        "unit_costs": unit_costs(rows, PARTICIPANTS, year, INDEX),
        "cost_drivers": cost_drivers(rows, PARTICIPANTS, year.number, method),
    }


def assert_same_tables(some, others):
    for name, table in some.items():
        assert table.equals(others[name]), name


# Day by day


def days_of(row, year):
    """The days of a year on which a grant is active."""
    first = max(row["start_date"], dt.date(year, 1, 1))
    last = min(row["end_date"] or dt.date.max, dt.date(year, 12, 31))
    return {dt.date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)}


def month_of(day):
    return Fraction(1, calendar.monthrange(day.year, day.month)[1])


def year_of(day, method):
    return month_of(day) / 12 if method == "months" else Fraction(1, 366 if calendar.isleap(day.year) else 365)


def cost_of(row, year, method):
    per = {"day": lambda _: 1, "month": month_of, "year": lambda day: year_of(day, method)}[row["price_unit"]]
    return sum((row["price_dkk"] * per(day) for day in days_of(row, year)), Fraction(0))


def halves_up(value):
    return floor(value + Fraction(1, 2))


@costly_property_test
@given(some_grants, calendar_years, methods)
def test_full_year_cases_and_cost_are_what_counting_day_by_day_gives(rows, year, method):
    told = full_year_cases(grants(*rows), PARTICIPANTS, year, method).filter(service_area_level="service_area")
    for row in told.to_dicts():
        own = [
            r
            for r in rows
            if (r["municipality_code"], r["service_area"]) == (row["municipality_code"], row["service_area"])
        ]
        active = {(r["citizen_id"], day) for r in own for day in days_of(r, year)}
        cases = sum((year_of(day, method) for _, day in active), Fraction(0))
        cost = halves_up(sum((cost_of(r, year, method) for r in own), Fraction(0)))
        assert row["citizens"] == len({citizen for citizen, _ in active})
        assert row["full_year_cases"] == float(cases)
        assert row["cost_dkk"] == cost
        assert row["unit_cost_dkk"] == (halves_up(cost / cases) if cases else None)


@costly_property_test
@given(some_grants, calendar_years)
def test_active_cases_are_what_looking_at_every_day_gives(rows, year):
    active = {
        (r["municipality_code"], f"{day:%Y-%m}", area, r["citizen_id"])
        for r in rows
        for day in days_of(r, year)
        for area in (r["service_area"], "all")
    }
    told = monthly_active_cases(grants(*rows), PARTICIPANTS, year)
    for code, month, area, cases in told.select("municipality_code", "month", "service_area", "active_cases").rows():
        assert cases == len({key for key in active if key[:3] == (code, month, area)})


# What changes nothing


@costly_property_test
@given(st.lists(a_grant(), min_size=1, max_size=8), st.data(), methods)
def test_a_grant_that_is_split_in_two_at_any_date_changes_nothing(rows, data, method):
    whole, *others = rows
    end = whole["end_date"] or dt.date(2025, 6, 30)
    assume(whole["start_date"] < end)
    day = data.draw(st.dates(whole["start_date"], end - dt.timedelta(days=1)))
    halves = [{**whole, "end_date": day}, {**whole, "start_date": day + dt.timedelta(days=1)}]
    assert_same_tables(every_table(grants(*rows), method), every_table(grants(*halves, *others), method))


@costly_property_test
@given(some_grants, st.randoms(use_true_random=False), methods)
def test_the_order_of_grants_and_participants_changes_nothing(rows, random, method):
    before = every_table(grants(*rows), method)
    random.shuffle(rows)
    assert_same_tables(before, every_table(grants(*rows), method))
    for year in (2023, 2024):
        told = full_year_cases(grants(*rows), PARTICIPANTS, year, method)
        assert told.equals(full_year_cases(grants(*rows), PARTICIPANTS.reverse(), year, method))


@costly_property_test
@given(st.lists(a_grant(), min_size=1, max_size=8), st.data(), methods)
def test_a_row_within_the_days_of_another_of_its_case_changes_no_count_and_costs_its_own_price(rows, data, method):
    outer = rows[0]
    end = outer["end_date"] or dt.date(2025, 6, 30)
    start = data.draw(st.dates(outer["start_date"], end))
    inner = {**outer, "start_date": start, "end_date": data.draw(st.dates(start, end)), "price_unit": "day"}
    before, after = every_table(grants(*rows), method), every_table(grants(*rows, inner), method)
    assert before["monthly_active_cases"].equals(after["monthly_active_cases"])
    counts = ("citizens", "full_year_cases")
    assert before["full_year_cases"].select(counts).equals(after["full_year_cases"].select(counts))
    own = pl.col("municipality_code") == outer["municipality_code"]
    cost_of_all = [
        table["full_year_cases"].filter(own, pl.col("service_area") == "all")["cost_dkk"].item()
        for table in (before, after)
    ]
    assert cost_of_all[1] - cost_of_all[0] == inner["price_dkk"] * len(days_of(inner, YEAR.number))


def test_a_stored_table_is_read_no_further_than_a_step_needs_and_counts_the_same(tmp_path):
    rows = grants(grant("A", "sel_107", "2023-04-01"), grant("A", "sel_104", "2024-02-29", "2024-02-29"))
    rows.write_parquet(tmp_path / "grants.parquet")
    assert_same_tables(every_table(rows), every_table(pl.scan_parquet(tmp_path / "grants.parquet")))


# What adds up


@property_test
@given(some_grants, calendar_years, methods)
def test_full_year_cases_of_a_service_area_never_exceed_its_unique_citizens(rows, year, method):
    told = full_year_cases(grants(*rows), PARTICIPANTS, year, method)
    assert told.filter(pl.col("full_year_cases") > pl.col("citizens")).is_empty()


@property_test
@given(some_grants, calendar_years, methods)
def test_service_areas_add_up_to_groups_and_groups_to_all(rows, year, method):
    told = full_year_cases(grants(*rows), PARTICIPANTS, year, method)
    group_of = {code: area.group for code, area in service_areas().items()}
    for code in PARTICIPANTS["municipality_code"]:
        of = {row["service_area"]: row for row in told.filter(municipality_code=code).to_dicts()}
        sums = {group: [area for area in group_of if group_of[area] == group] for group in groups()}
        for whole, parts in {**sums, "all": list(groups())}.items():
            for column in ("citizens", "cost_dkk"):
                assert of[whole][column] == sum(of[part][column] for part in parts)
            assert of[whole]["full_year_cases"] == pytest.approx(
                sum(of[part]["full_year_cases"] for part in parts), abs=1e-12
            )


@costly_property_test
@given(some_grants, calendar_years, methods)
def test_volume_price_and_mix_add_up_to_the_change_of_the_cost_of_full_year_cases(rows, year, method):
    told = cost_drivers(grants(*rows), PARTICIPANTS, year, method)
    change = pl.col("volume_effect_dkk") + pl.col("price_effect_dkk") + pl.col("mix_effect_dkk")
    assert told.filter(change != pl.col("later_cost_dkk") - pl.col("earlier_cost_dkk")).is_empty()
    for when, number in (("earlier", year - 1), ("later", year)):
        cost = full_year_cases(grants(*rows), PARTICIPANTS, number, method).filter(service_area="all")["cost_dkk"]
        assert told[f"{when}_cost_dkk"].to_list() == cost.to_list()


of_areas = st.dictionaries(
    st.sampled_from(AREAS),
    st.tuples(st.fractions(Fraction(1, 366), 50, max_denominator=366), st.integers(0, 10_000_000)),
    min_size=1,
)


@property_test
@given(of_areas, of_areas)
def test_mix_is_other_shares_of_service_areas_at_the_earlier_unit_costs(earlier, later):
    effects = effects_of(earlier, later)
    cases = [sum(v for v, _ in year.values()) for year in (earlier, later)]
    costs = [sum(cost for _, cost in year.values()) for year in (earlier, later)]
    mix = Fraction(0)
    for area in {**earlier, **later}:
        # A service area that is new has its later unit cost in both years.
        v, cost = earlier.get(area) or later[area]
        shares = [
            year.get(area, (Fraction(0), 0))[0] / total for year, total in zip((earlier, later), cases, strict=True)
        ]
        mix += cases[1] * (shares[1] - shares[0]) * cost / v
    assert effects.volume + effects.price + mix == costs[1] - costs[0]


@costly_property_test
@given(some_grants)
def test_unit_costs_are_those_of_the_full_year_cases_of_each_year(rows):
    told = unit_costs(grants(*rows), PARTICIPANTS, YEAR, INDEX)
    shared = [
        "municipality_code",
        "year",
        "basis",
        "as_of",
        "service_area",
        "full_year_cases",
        "cost_dkk",
        "unit_cost_dkk",
    ]
    for year in (2021, 2022, 2023, 2024):
        of_year = full_year_cases(grants(*rows), PARTICIPANTS, year, YEAR.full_year_method)
        assert told.filter(year=year).select(shared).equals(of_year.select(shared))


@costly_property_test
@given(some_grants, st.sampled_from([2, 10, 97]))
def test_fixed_prices_do_not_change_with_the_base_of_the_index(rows, times):
    rebased = {year: points * times for year, points in INDEX.items()}
    assert unit_costs(grants(*rows), PARTICIPANTS, YEAR, INDEX).equals(
        unit_costs(grants(*rows), PARTICIPANTS, YEAR, rebased)
    )
