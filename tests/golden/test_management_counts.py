import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from pipelines.management_information.active_cases import monthly_active_cases
from pipelines.management_information.cost_drivers import cost_drivers
from pipelines.management_information.full_year_cases import full_year_cases
from pipelines.management_information.participants import basis, grant_participants
from pipelines.management_information.unit_costs import unit_costs
from schemas import management_tables as tables
from schemas.errors import BotilbudError, ConservationError, ReferenceTableError
from schemas.service_areas import labels_da, service_areas
from schemas.tables import failures
from schemas.years import find_year
from tests.golden.management_scenario import (
    ISHOEJ,
    ISHOEJ_2023,
    extract_with_monthly_counts,
    extract_with_unit_costs,
    grant,
    grants,
    participants,
)

IN_FEBRUARY_2025 = participants(m183="2025-02-28")
# Made up: prices rose by 3 per cent from 2024 to 2025.
INDEX = {2024: Decimal(100), 2025: Decimal(103)}


def of(table, **keys):
    """The one row with these keys."""
    return table.filter(**keys).row(0, named=True)


def full_year(*rows, year=2023, method="months"):
    return full_year_cases(grants(*rows), ISHOEJ, year, method)


def earlier_price(area, price):
    """Made-up prices of 2024 that have the published development: botilbud rose by 66,000, § 103 fell by 10,000."""
    return {"sel_103": price + 10_000, "sel_104": price}.get(area, price - 66_000)


def log_entry(code, received_at, status="current", extract="grants"):
    return {"extract": extract, "municipality_code": code, "received_at": received_at, "status": status}


# Published figures


def test_ishoejs_unique_active_cases_2023_month_by_month():
    counted = monthly_active_cases(extract_with_monthly_counts(ISHOEJ_2023, 2023), ISHOEJ, 2023)
    assert tuple(counted.filter(service_area="all")["active_cases"]) == ISHOEJ_2023
    # Everybody has two services and counts once in `all`.
    for area in ("sel_85_own", "sel_104"):
        assert tuple(counted.filter(service_area=area)["active_cases"]) == ISHOEJ_2023
    assert failures(counted, tables.MONTHLY_ACTIVE_CASES) == {}


def test_full_year_cases_and_unit_costs_of_2025_as_published_in_april_2025():
    told = full_year_cases(extract_with_unit_costs(earlier_price), IN_FEBRUARY_2025, 2025, "months")
    botilbud, activity = of(told, service_area="residential_care"), of(told, service_area="activity")
    assert (botilbud["full_year_cases"], botilbud["unit_cost_dkk"]) == (205, 1_227_000)
    assert (activity["full_year_cases"], activity["unit_cost_dkk"]) == (182, 254_000)
    section_104 = of(told, service_area="sel_104")
    assert (section_104["full_year_cases"], section_104["unit_cost_dkk"]) == (92, 316_000)
    # One full-year case of each of the four kinds of botilbud is two citizens, half a year each.
    assert botilbud["citizens"] == 205 + 4
    assert botilbud["cost_dkk"] == 205 * 1_227_000
    assert failures(told, tables.FULL_YEAR_CASES) == {}


def test_2025_is_told_ahead_in_the_extract_of_28_february_2025_and_2024_is_a_result():
    told = unit_costs(extract_with_unit_costs(earlier_price), IN_FEBRUARY_2025, find_year("2025"), INDEX)
    botilbud = told.filter(service_area="residential_care")
    assert botilbud.select("year", "basis", "unit_cost_dkk").rows() == [
        (2022, "result", None),
        (2023, "result", None),
        (2024, "result", 1_161_000),
        (2025, "forecast", 1_227_000),
    ]
    assert set(told["as_of"]) == {"2025-02-28"}
    assert failures(told, tables.UNIT_COSTS) == {}


def test_unit_costs_of_activity_develop_as_published_in_the_prices_of_2025():
    # Prices that are those of 2024 in kroner of 2025 already: the index stands still.
    told = unit_costs(
        extract_with_unit_costs(earlier_price),
        IN_FEBRUARY_2025,
        find_year("2025"),
        {2024: Decimal(1), 2025: Decimal(1)},
    )
    changes = {row["service_area"]: row["unit_cost_change_fixed_dkk"] for row in told.filter(year=2025).to_dicts()}
    assert changes["sel_104"] == 0
    assert changes["sel_103"] == -10_000
    in_2024 = of(told, year=2024, service_area="activity")["unit_cost_fixed_dkk"]
    assert in_2024 == round((182 * 254_000 + 90 * 10_000) / 182)  # 258,945
    assert round(in_2024, -3) == 259_000


# Full-year cases


def test_a_case_from_1_april_is_three_quarters_by_months_and_275_days_of_365_by_days():
    from_april = grant("A", "sel_107", "2023-04-01")
    assert of(full_year(from_april), service_area="sel_107")["full_year_cases"] == 0.75
    assert of(full_year(from_april, method="days"), service_area="sel_107")["full_year_cases"] == 275 / 365
    assert of(full_year(from_april), service_area="sel_107")["cost_dkk"] == 365_000 * 0.75
    assert of(full_year(from_april, method="days"), service_area="sel_107")["cost_dkk"] == 365_000 * 275 // 365


def test_29_february_is_a_29th_of_a_month_and_a_day_of_366():
    leap_day = grant("A", "sel_107", "2024-02-29", "2024-02-29")
    assert of(full_year(leap_day, year=2024), service_area="all")["full_year_cases"] == 1 / (29 * 12)
    assert of(full_year(leap_day, year=2024, method="days"), service_area="all")["full_year_cases"] == 1 / 366


@pytest.mark.parametrize(
    ("price", "unit", "cost"),
    [
        (360_000, "year", 360_000 / 12 * (3 + 15 / 30)),
        (30_000, "month", 30_000 * (3 + 15 / 30)),
        (1_000, "day", 1_000 * (30 + 31 + 31 + 15)),
    ],
)
def test_a_price_is_per_day_per_month_of_its_own_length_or_per_year(price, unit, cost):
    until_mid_september = grant("A", "sel_107", "2023-06-01", "2023-09-15", price_dkk=price, price_unit=unit)
    assert of(full_year(until_mid_september), service_area="all")["cost_dkk"] == cost


def test_a_citizen_in_two_service_areas_is_two_cases_and_days_that_overlap_count_once_and_cost_twice():
    told = full_year(
        grant("A", "sel_107", "2023-01-01", "2023-09-30"),
        grant("A", "sel_107", "2023-07-01", price_unit="month", price_dkk=10_000),
        grant("A", "sel_104", "2023-01-01"),
    )
    assert of(told, service_area="sel_107")["full_year_cases"] == 1
    assert of(told, service_area="sel_107")["cost_dkk"] == 365_000 * 0.75 + 6 * 10_000
    everything = of(told, service_area="all")
    assert (everything["citizens"], everything["full_year_cases"]) == (2, 2)
    assert everything["cost_dkk"] == 365_000 * 0.75 + 6 * 10_000 + 365_000


def test_kroner_are_rounded_once_halves_up_and_add_up():
    # 1 kr. a year for half a year, twice: half a krone in each service area.
    told = full_year(grant("A", "sel_103", "2023-07-01", price_dkk=1), grant("A", "sel_104", "2023-07-01", price_dkk=1))
    assert of(told, service_area="sel_103")["cost_dkk"] == 1
    assert of(told, service_area="activity")["cost_dkk"] == 1 + 1
    assert of(told, service_area="sel_103")["unit_cost_dkk"] == 1 / 0.5


def test_a_participant_without_grants_has_a_row_of_zeros_for_every_service_area_group_and_all_in_their_order():
    told = full_year()
    assert told["service_area"].to_list() == list(labels_da())
    assert told["service_area_level"].to_list() == ["service_area"] * 14 + ["group"] * 6 + ["all"]
    assert set(told["full_year_cases"]) == {0.0}
    assert set(told["cost_dkk"]) == set(told["citizens"]) == {0}
    assert told["unit_cost_dkk"].null_count() == told.height
    assert failures(told, tables.FULL_YEAR_CASES) == {}


def test_grants_before_and_after_the_year_do_not_count():
    told = full_year(
        grant("A", "sel_107", "2020-01-01", "2022-12-31"),
        grant("B", "sel_107", "2024-01-01"),
        grant("C", "sel_107", "2022-12-31", "2023-01-01"),
    )
    assert of(told, service_area="all")["citizens"] == 1
    assert of(told, service_area="all")["full_year_cases"] == 1 / (31 * 12)


# Active cases


def test_a_citizen_is_active_in_every_month_that_a_grant_touches_and_once_in_all():
    told = monthly_active_cases(
        grants(
            grant("A", "sel_107", "2023-02-28", "2023-03-01"),
            grant("A", "sel_107", "2023-03-01", "2023-03-01"),
            grant("A", "sel_104", "2023-03-31", "2023-04-01"),
        ),
        ISHOEJ,
        2023,
    )
    active = {area: told.filter(service_area=area)["active_cases"].to_list() for area in ("sel_107", "sel_104", "all")}
    assert active["sel_107"][:5] == [0, 1, 1, 0, 0]
    assert active["sel_104"][:5] == [0, 0, 1, 1, 0]
    assert active["all"][:5] == [0, 1, 1, 1, 0]


def test_every_participant_has_every_month_and_service_area_with_all_last():
    told = monthly_active_cases(grants(), participants(m183="2024-01-03", m461="2023-05-01"), 2023)
    assert told.height == 2 * 12 * (14 + 1)
    assert told["service_area"].to_list()[:15] == [*service_areas(), "all"]
    assert told.select("municipality_code", "month", "basis").row(0) == ("183", "2023-01", "result")
    assert told.select("municipality_code", "month", "basis").row(-1) == ("461", "2023-12", "forecast")
    assert failures(told, tables.MONTHLY_ACTIVE_CASES) == {}


# Unit costs


def test_unit_costs_are_brought_into_the_prices_of_one_year():
    told = unit_costs(
        grants(
            grant("A", "sel_107", "2024-01-01", "2024-12-31", price_dkk=1_000_000),
            grant("A", "sel_107", "2025-01-01", price_dkk=1_050_000),
        ),
        IN_FEBRUARY_2025,
        find_year("2025"),
        INDEX,
    )
    earlier, later = (of(told, year=year, service_area="all") for year in (2024, 2025))
    assert earlier["unit_cost_fixed_dkk"] == 1_000_000 * 103 // 100
    assert later["unit_cost_fixed_dkk"] == later["unit_cost_dkk"] == 1_050_000
    assert later["unit_cost_change_fixed_dkk"] == 1_050_000 - 1_030_000
    assert earlier["unit_cost_change_fixed_dkk"] is None
    assert later["price_level_year"] == 2025


def test_a_year_with_cases_that_the_index_does_not_have_stops_the_step_and_says_which_line_to_add():
    extract = grants(grant("A", "sel_107", "2024-01-01"))
    with pytest.raises(ReferenceTableError) as error:
        unit_costs(extract, IN_FEBRUARY_2025, find_year("2025"), {2025: Decimal(103)})
    assert str(error.value) == (
        "reference/price_index.csv: there is no index for 2024; add the line `2024;<index>;<kilde>`"
    )


def test_an_index_is_only_needed_for_years_with_cases():
    told = unit_costs(grants(), ISHOEJ, find_year("2025"), {})
    assert told["unit_cost_fixed_dkk"].null_count() == told.height == 4 * (14 + 6 + 1)


# Cost drivers


def test_more_cases_of_the_same_kind_at_the_same_price_are_all_volume():
    told = cost_drivers(
        grants(grant("A", "sel_107", "2022-01-01"), grant("B", "sel_107", "2023-07-01")), ISHOEJ, 2023, "months"
    )
    row = told.row(0, named=True)
    assert (row["earlier_cost_dkk"], row["later_cost_dkk"]) == (365_000, 365_000 + 182_500)
    assert (row["volume_effect_dkk"], row["price_effect_dkk"], row["mix_effect_dkk"]) == (182_500, 0, 0)
    assert failures(told, tables.COST_DRIVERS) == {}


def test_a_dearer_price_is_price_and_a_move_to_a_dearer_service_area_is_mix():
    told = cost_drivers(
        grants(
            grant("A", "sel_107", "2022-01-01", "2022-12-31", price_dkk=1_000_000),
            grant("A", "sel_107", "2023-01-01", price_dkk=1_100_000),
            grant("B", "sel_107", "2022-01-01", "2022-12-31", price_dkk=1_000_000),
            grant("B", "sel_85_own", "2023-01-01", price_dkk=100_000),
            grant("C", "sel_85_own", "2022-01-01", price_dkk=100_000),
        ),
        ISHOEJ,
        2023,
        "months",
    )
    row = told.row(0, named=True)
    assert row["later_cost_dkk"] - row["earlier_cost_dkk"] == (1_100_000 + 2 * 100_000) - (2 * 1_000_000 + 100_000)
    assert row["volume_effect_dkk"] == 0
    assert row["price_effect_dkk"] == 1_100_000 - 1_000_000
    assert row["mix_effect_dkk"] == 100_000 - 1_000_000


def test_a_service_area_that_is_new_has_no_price_effect():
    told = cost_drivers(
        grants(
            grant("A", "sel_107", "2022-01-01", price_dkk=1_000_000),
            grant("B", "stu", "2023-01-01", price_dkk=400_000),
        ),
        ISHOEJ,
        2023,
        "months",
    )
    row = told.row(0, named=True)
    assert row["price_effect_dkk"] == 0
    assert row["volume_effect_dkk"] == (2 - 1) * 1_000_000
    assert row["mix_effect_dkk"] == 400_000 - 1_000_000


@pytest.mark.parametrize(
    ("start", "end", "volume"), [("2022-01-01", "2022-12-31", -365_000), ("2023-01-01", None, 365_000)]
)
def test_to_and_from_a_year_without_cases_everything_is_volume(start, end, volume):
    row = cost_drivers(grants(grant("A", "sel_107", start, end)), ISHOEJ, 2023, "months").row(0, named=True)
    assert (row["volume_effect_dkk"], row["price_effect_dkk"], row["mix_effect_dkk"]) == (volume, 0, 0)


# Participants


def test_participants_are_the_municipalities_whose_grants_count_on_the_danish_day_of_the_extract():
    late = dt.datetime(2023, 12, 31, 23, 30, tzinfo=dt.UTC)
    log = pl.DataFrame(
        [
            log_entry("461", dt.datetime(2024, 6, 30, 22, 30, tzinfo=dt.UTC)),
            log_entry("183", late),
            log_entry("183", late - dt.timedelta(days=9), status="superseded"),
            log_entry("151", late, status="rejected"),
            log_entry("563", late, extract="budgets"),
        ],
        schema={name: tables.EXTRACT_LOG.dtypes[name] for name in log_entry("183", late)},
    )
    assert grant_participants(log).rows() == [("183", "2024-01-01"), ("461", "2024-07-01")]


def test_a_year_is_a_result_from_the_day_after_its_last():
    told = pl.select(as_of=pl.Series(["2023-12-31", "2024-01-01"])).with_columns(basis=basis(pl.col("as_of"), 2023))
    assert told["basis"].to_list() == ["forecast", "result"]


STEPS = [
    lambda rows, who: monthly_active_cases(rows, who, 2023),
    lambda rows, who: full_year_cases(rows, who, 2023, "months"),
    lambda rows, who: unit_costs(rows, who, find_year("2025"), {}),
    lambda rows, who: cost_drivers(rows, who, 2023, "months"),
]


@pytest.mark.parametrize("step", STEPS)
def test_grants_of_a_municipality_that_does_not_participate_are_never_lost_silently(step):
    with pytest.raises(ConservationError, match="461"):
        step(grants(grant("A", "sel_107", "2022-01-01", municipality_code="461")), ISHOEJ)


@pytest.mark.parametrize("step", STEPS)
def test_a_participant_that_stands_twice_stops_the_step(step):
    with pytest.raises(BotilbudError, match="Municipality 183 stands twice"):
        step(grants(), pl.concat([ISHOEJ, ISHOEJ]))
