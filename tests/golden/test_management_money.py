"""The published figures of money: Ishøj's forecast, cases over 2 million kr., the refund, and what initiatives save.

The grants, plans, budgets and thresholds are made up so that they come to what was published; nobody's real case is here.
"""

import datetime as dt

import polars as pl
import pytest
from upath import UPath

from pipelines.management_information.forecast import forecast, planned_changes_in_kroner, price_spread
from pipelines.management_information.full_year_cases import full_year_cases
from pipelines.management_information.initiatives import initiative_effects
from pipelines.management_information.refunds import cost_parts, refund_of, refundable_costs, refunds
from pipelines.management_information.threshold_cases import cases_over_threshold, reconciliation
from pipelines.reference.refund_thresholds import RefundThresholds, Step, refund_thresholds
from schemas import management_tables as tables
from schemas.errors import ConservationError, ReferenceTableError
from schemas.service_areas import labels_da
from schemas.tables import failures
from schemas.years import find_year
from tests.golden import management_scenario as scenario
from tests.golden.management_scenario import ISHOEJ, participants

BALLERUP = "151"
STEPS_2022 = (Step(860_000, 25), Step(1_680_000, 50), Step(2_120_000, 75))
Z_95 = 1.959963984540054


def grants(*changes):
    """Made-up grants of Ishøj, changed as told: a citizen each, in long-term residential care since 2020."""
    return scenario.grants(
        *(scenario.grant(f"opdigtet-{i}", "sel_108", "2020-01-01") | change for i, change in enumerate(changes))
    )


def budgets(year, **lines):
    return pl.DataFrame(
        [("183", year, line, amount) for line, amount in lines.items()],
        schema=dict(tables.BUDGETS.dtypes),
        orient="row",
    )


def planned(*rows):
    """Rows of year, direction, citizens, service area, month and mean yearly price."""
    return pl.DataFrame(
        [("183", row, *change) for row, change in enumerate(rows, start=2)],
        schema=dict(tables.PLANNED_CHANGES.dtypes),
        orient="row",
    )


def initiative(key, basis, year, estimate, **changes):
    return {
        "municipality_code": BALLERUP,
        "initiative": key,
        "initiative_name": f"Tiltag {key}",
        "legal_basis": basis,
        "start_date": dt.date(2018, 1, 1),
        "citizens": 0,
        "saving_dkk_per_month": 0,
        "year": year,
        "estimated_effect_dkk": estimate,
        "is_counted": True,
    } | changes


def initiatives(*rows):
    return pl.DataFrame(rows, schema=dict(tables.INITIATIVES.dtypes))


def sound(frame, table):
    assert failures(frame, table) == {}
    return frame


# Ishøj's forecast ------------------------------------------------------------------------------------------------------

# What they cost a year, by how many citizens. Those above 860,000 have a refund, the others none.
EXISTING = {4_000_000: 10, 3_200_000: 1, 1_108_000: 1, 800_000: 126, 551_000: 1}
BUDGET = {"existing_cases": 140_703_000, "inflow_and_outflow": 350_000, "refund": -11_702_000}
# 13 in at the beginning of July, 9 out then: half a year of each.
PLANNED = ((2024, "inflow", 13, "sel_108", 7, 1_400_000), (2024, "outflow", 9, "sel_103", 7, 390_000))


def ishoej():
    """The forecast table of 2024, computed from made-up grants, plans and budgets."""
    existing = grants(*({"price_dkk": price} for price, citizens in EXISTING.items() for _ in range(citizens)))
    # The thresholds of 2024 are made up too: those of 2022.
    thresholds = RefundThresholds({2024: STEPS_2022}, version="opdigtet")
    table = forecast(
        full_year_cases(existing, ISHOEJ, 2024, "months"),
        existing,
        planned(*PLANNED),
        budgets(2024, **BUDGET),
        refunds(existing, ISHOEJ, 2024, "months", thresholds),
        ISHOEJ,
        2024,
        "months",
    )
    return sound(table, tables.FORECAST)


def test_ishoejs_forecast_table_is_that_of_the_paper_to_the_last_thousand():
    assert ishoej().select("line", "basis", "forecast_dkk", "budget_dkk", "deviation_dkk").rows() == [
        ("existing_cases", "forecast", 145_659_000, 140_703_000, 4_956_000),
        ("inflow_and_outflow", "forecast", 7_345_000, 350_000, 6_995_000),
        ("total_before_refund", "forecast", 145_659_000 + 7_345_000, 140_703_000 + 350_000, 4_956_000 + 6_995_000),
        ("refund", "forecast", -19_647_000, -11_702_000, -7_945_000),
        ("total", "forecast", 133_357_000, 129_351_000, 4_006_000),
    ]


@pytest.mark.parametrize(
    ("line", "said_million"),
    [("existing_cases", 4.9), ("inflow_and_outflow", 7), ("total_before_refund", 11.9), ("total", 4)],
)
def test_the_text_of_ishoejs_paper_says_the_deviations(line, said_million):
    # The paper cuts 4.956 and 11.951 off after a decimal, and rounds 6.995 and 4.006.
    deviation = ishoej().filter(line=line)["deviation_dkk"].item()
    assert deviation == pytest.approx(said_million * 1_000_000, abs=100_000)


def test_only_inflow_and_outflow_are_uncertain_and_the_totals_are_as_uncertain_as_they():
    rows = {row["line"]: row for row in ishoej().iter_rows(named=True)}
    width = {
        line: (
            row["forecast_dkk"] - row["forecast_ci95_lower_dkk"],
            row["forecast_ci95_upper_dkk"] - row["forecast_dkk"],
        )
        for line, row in rows.items()
    }
    assert width["existing_cases"] == width["refund"] == (0, 0)
    assert width["inflow_and_outflow"] == width["total_before_refund"] == width["total"]
    # The municipality has no grants of § 103 and so takes the spread of all its prices; it has none but § 108 either.
    prices = [price for price, citizens in EXISTING.items() for _ in range(citizens)]
    n, mean = len(prices), sum(prices) / len(prices)
    spread_squared = sum((price - mean) ** 2 for price in prices) / (n - 1) / mean**2
    variance = (13 * 1_400_000**2 + 9 * 390_000**2) * (1 + spread_squared) * (6 / 12) ** 2
    assert width["total"] == pytest.approx((Z_95 * variance**0.5,) * 2, abs=1)


def test_a_year_that_is_over_has_no_planned_changes_and_no_interval():
    existing = grants({"price_dkk": 2_000_000})
    over = participants(m183="2025-01-01")
    table = forecast(
        full_year_cases(existing, over, 2024, "months"),
        existing,
        planned(*PLANNED),
        budgets(2024, existing_cases=1_500_000),
        refunds(existing, over, 2024, "months", RefundThresholds({2024: STEPS_2022}, version="opdigtet")),
        over,
        2024,
        "months",
    )
    assert sound(table, tables.FORECAST).select(
        "line", "basis", "forecast_dkk", "forecast_ci95_lower_dkk", "forecast_ci95_upper_dkk", "budget_dkk"
    ).rows() == [
        ("existing_cases", "result", *[2_000_000] * 3, 1_500_000),
        ("inflow_and_outflow", "result", 0, 0, 0, None),
        ("total_before_refund", "result", *[2_000_000] * 3, None),
        ("refund", "result", *[-365_000] * 3, None),
        ("total", "result", *[2_000_000 - 365_000] * 3, None),
    ]


def test_a_change_has_its_part_of_the_year_and_half_a_krone_is_away_from_zero():
    def changed(*rows, method="months"):
        found = planned_changes_in_kroner(planned(*rows), grants(), 2024, method)
        return found["forecast_dkk"].item()

    assert changed((2024, "inflow", 3, "sel_107", 4, 1_000_000)) == 3 * 1_000_000 * (13 - 4) / 12
    assert changed((2024, "inflow", 1, "sel_107", 12, 6)) == 1  # 6 / 12
    assert changed((2024, "outflow", 1, "sel_107", 12, 6)) == -1
    # April to December are 275 of the 366 days of 2024.
    assert changed((2024, "inflow", 3, "sel_107", 4, 366_000), method="days") == 3 * 275 * 1_000
    # Another year's plan is none of this year's.
    assert changed((2024, "inflow", 1, "sel_107", 1, 5), (2025, "inflow", 9, "sel_107", 1, 9)) == 5


def test_prices_spread_within_a_service_area_of_two_citizens_and_else_over_all():
    existing = grants(
        {"price_dkk": 1_000, "price_unit": "day"},  # 366,000 a year
        {"price_dkk": 61_000, "price_unit": "month"},  # 732,000 a year
        {"price_dkk": 0, "service_area": "sel_103", "citizen_id": "opdigtet-0"},
        {"price_dkk": 100_000, "municipality_code": BALLERUP},
        {"price_dkk": 900_000, "end_date": dt.date(2023, 12, 31)},  # not of the year
    )
    spread = {tuple(row[:2]): row[2] for row in price_spread(existing, 2024).rows()}
    deviation = (732_000 - 366_000) / 2**0.5  # of a sample of two
    assert spread["183", "sel_108"] == pytest.approx(deviation / 549_000, rel=1e-12)
    assert spread["183", "sel_103"] is None
    # 366,000, 732,000 and 0 are 366,000 around their mean.
    assert spread["183", "all"] == pytest.approx(((0 + 366_000**2 + 366_000**2) / 2) ** 0.5 / 366_000, rel=1e-12)
    assert spread[BALLERUP, "all"] is None


# Cases over the threshold ----------------------------------------------------------------------------------------------


def test_ishoej_has_14_cases_over_2_million_in_2023_and_3_in_2018():
    since_2018 = [{"price_dkk": 2_000_000 + i, "start_date": dt.date(2017, 5, 1)} for i in range(3)]
    since_2023 = [{"price_dkk": 2_100_000, "start_date": dt.date(2023, 10, 1)} for _ in range(11)]
    below = [{"price_dkk": 1_999_999, "start_date": dt.date(2017, 5, 1)} for _ in range(20)]
    made_up = grants(*since_2018, *since_2023, *below)
    for year, cases in (("2018", 3), ("2023", 3 + 11)):
        counted = sound(cases_over_threshold(made_up, ISHOEJ, find_year(year)), tables.CASES_OVER_THRESHOLD)
        assert counted["cases"].to_list() == [cases]


def test_a_case_over_the_threshold_is_counted_as_the_screening_counts():
    year = find_year("2023")
    one = {"citizen_id": "opdigtet"}
    for cases, rows in (
        # Botilbud and dagtilbud together, day and month prices as kroner a year.
        (1, [one | {"price_dkk": 5_000, "price_unit": "day"}, one | {"price_dkk": 175_000, "service_area": "sel_104"}]),
        (0, [one | {"price_dkk": 5_000, "price_unit": "day"}, one | {"price_dkk": 174_999, "service_area": "sel_104"}]),
        (1, [{"price_dkk": 166_667, "price_unit": "month"}]),  # 2,000,004
        (0, [{"price_dkk": 166_666, "price_unit": "month"}]),  # 1,999,992
        # Own payment is not deducted, nor is refund.
        (1, [{"price_dkk": 2_000_000, "own_payment_dkk": 60_000}]),
        # Other services do not count, and without botilbud there is no case.
        (0, [one | {"price_dkk": 1_900_000}, one | {"price_dkk": 200_000, "service_area": "sel_85_own"}]),
        (0, [{"price_dkk": 2_500_000, "service_area": "sel_104"}]),
        # Active on the day itself.
        (1, [{"price_dkk": 2_000_000, "start_date": dt.date(2023, 10, 1), "end_date": dt.date(2023, 10, 1)}]),
        (0, [{"price_dkk": 2_000_000, "end_date": dt.date(2023, 9, 30)}]),
        (0, [{"price_dkk": 2_000_000, "start_date": dt.date(2023, 10, 2)}]),
    ):
        assert cases_over_threshold(grants(*rows), ISHOEJ, year)["cases"].to_list() == [cases], rows


def test_the_reconciliation_has_who_is_in_either_and_a_difference_where_both_are():
    year = find_year("2022")
    counted = cases_over_threshold(
        grants({"price_dkk": 2_000_000}),
        participants(m183="2024-01-03", m461="2024-01-03"),
        year,
    )
    rates = pl.DataFrame({"municipality_code": [BALLERUP, "183"], "cases": [7, 14]})
    both = sound(reconciliation(counted, rates, year), tables.THRESHOLD_RECONCILIATION)
    assert both.rows() == [
        (BALLERUP, 2022, None, 7, None),
        ("183", 2022, 1, 14, 1 - 14),
        ("461", 2022, 0, None, None),
    ]
    without = sound(reconciliation(counted, None, year), tables.THRESHOLD_RECONCILIATION)
    assert without.rows() == [("183", 2022, 1, None, None), ("461", 2022, 0, None, None)]


# Refund ----------------------------------------------------------------------------------------------------------------

FULL_YEAR = [
    (860_000, 0),
    (1_680_000, 205_000),  # 25 % of 820,000
    (2_000_000, 365_000),  # and 50 % of 320,000
    (2_120_000, 425_000),  # and 50 % of 440,000
    (4_000_000, 1_835_000),  # and 75 % of 1,880,000
]


@pytest.fixture
def packaged(tmp_path):
    return refund_thresholds(UPath(tmp_path))


def refund(year, thresholds, *rows, method="months"):
    """Refund and citizens of the one municipality."""
    found = refunds(grants(*rows), ISHOEJ, year, method, thresholds)
    return sound(found, tables.REFUNDS).select("refund_dkk", "citizens").row(0)


@pytest.mark.parametrize(("cost", "expected"), FULL_YEAR)
def test_the_refund_of_a_full_year_at_the_thresholds_of_2022(packaged, cost, expected):
    assert refund(2022, packaged, {"price_dkk": cost}) == (expected, int(expected > 0))
    of_a_month = pl.select(refund_of(pl.lit(cost), packaged.required(2022), parts=12)).item()  # cost / 12, in twelfths
    assert of_a_month * 12 / (12 * 100) == expected


def test_a_year_of_two_steps_goes_on_at_the_second_share(packaged):
    # 2020: 25 % of 1,090,000 to 2,050,000 and 50 % above.
    assert refund(2020, packaged, {"price_dkk": 4_000_000}) == (240_000 + 975_000, 1)


def test_a_year_without_published_thresholds_is_never_guessed(packaged):
    with pytest.raises(ReferenceTableError, match="there are no thresholds for 2024; add the line `2024;<1"):
        refund(2024, packaged, {"price_dkk": 1})


def test_refund_is_settled_by_month_so_half_a_year_of_twice_the_price_has_more(packaged):
    # 4,000,000 a year until the end of June costs as much as 2,000,000 all year, and is 6 / 12 of 1,835,000.
    half = {"price_dkk": 4_000_000, "end_date": dt.date(2022, 6, 30)}
    assert refund(2022, packaged, half) == (917_500, 1)


def test_state_refund_by_another_rule_and_own_payment_are_deducted_first(packaged):
    # § 110: the state pays half of 4,000,000; of § 108 the citizen pays 60,000.
    assert refund(2022, packaged, {"price_dkk": 4_000_000, "service_area": "sel_110"}) == (365_000, 1)
    assert refund(2022, packaged, {"price_dkk": 2_060_000, "own_payment_dkk": 60_000}) == (365_000, 1)
    # Own payment of a grant that is dearer than the grant itself is deducted from what else the citizen costs.
    one = {"citizen_id": "opdigtet"}
    paid = one | {"price_dkk": 20_000, "own_payment_dkk": 80_000, "service_area": "sel_97"}
    assert refund(2022, packaged, one | {"price_dkk": 2_060_000}, paid) == (365_000, 1)


def test_what_is_not_help_under_the_act_counts_for_nothing(packaged):
    one = {"citizen_id": "opdigtet"}
    stu = one | {"price_dkk": 500_000, "service_area": "stu", "own_payment_dkk": 100_000}
    assert refund(2022, packaged, one | {"price_dkk": 2_000_000}, stu) == (365_000, 1)


def test_services_of_a_citizen_are_added_up_and_citizens_are_not(packaged):
    one = {"citizen_id": "opdigtet"}
    assert refund(2022, packaged, one | {"price_dkk": 800_000}, one | {"price_dkk": 880_000}) == (205_000, 1)
    assert refund(2022, packaged, {"price_dkk": 800_000}, {"price_dkk": 860_000}) == (0, 0)


def test_from_the_year_of_turning_67_only_who_was_covered_before_is_refunded(packaged):
    def aged(birth_year, *rows):
        one = {"citizen_id": "opdigtet", "birth_year": birth_year}
        return refund(2022, packaged, *(one | row for row in rows))

    dear = {"price_dkk": 2_000_000, "start_date": dt.date(2020, 1, 1)}
    since_2022 = {"price_dkk": 2_000_000, "start_date": dt.date(2022, 1, 1)}
    until_2022 = {"start_date": dt.date(2020, 1, 1), "end_date": dt.date(2021, 12, 31)}
    assert aged(1956, since_2022) == (365_000, 1)  # turns 66
    assert aged(1955, since_2022) == (0, 0)  # turns 67 and cost nothing in December 2021
    assert aged(1955, dear) == (365_000, 1)
    # The first threshold as it stands in 2022 must be passed, not met.
    assert aged(1955, since_2022, until_2022 | {"price_dkk": 860_000}) == (0, 0)
    assert aged(1955, since_2022, until_2022 | {"price_dkk": 860_001}) == (365_000, 1)
    # The grants do not reach back to December 2018, in which this citizen was 66.
    assert aged(1952, dear) == (0, 0)


def test_of_different_years_of_birth_the_earliest_counts(packaged):
    one = {"citizen_id": "opdigtet", "start_date": dt.date(2022, 1, 1)}
    rows = one | {"price_dkk": 2_000_000, "birth_year": 1990}, one | {"price_dkk": 1_000, "birth_year": 1940}
    assert refund(2022, packaged, *rows) == (0, 0)


def test_the_sum_of_a_municipality_is_rounded_once(packaged):
    # 25 % of 2 kroner is half a krone: three citizens have 1.5 together, and not 3 times 1.
    assert refund(2022, packaged, *[{"price_dkk": 860_002}] * 3) == (2, 3)
    assert refund(2022, packaged, {"price_dkk": 860_001}) == (0, 1)


def test_a_month_without_a_grant_has_no_cost():
    month = {"price_dkk": 1_200, "start_date": dt.date(2022, 3, 1), "end_date": dt.date(2022, 3, 31)}
    costs = refundable_costs(grants(month), 2022, "months")["cost"].to_list()
    assert costs == [1_200 // 12 * cost_parts(2022, "months")]


def test_a_municipality_without_dear_citizens_has_no_refund(packaged):
    found = refunds(
        grants({"price_dkk": 5_000}), participants(m183="2024-01-03", m151="2024-01-03"), 2022, "months", packaged
    )
    assert found.sort("municipality_code").select("municipality_code", "refund_dkk", "citizens").rows() == [
        (BALLERUP, 0, 0),
        ("183", 0, 0),
    ]


def test_money_of_a_municipality_that_does_not_take_part_is_not_lost_silently(packaged):
    others = grants({"price_dkk": 4_000_000, "municipality_code": BALLERUP})
    with pytest.raises(ConservationError, match=BALLERUP):
        refunds(others, ISHOEJ, 2022, "months", packaged)
    with pytest.raises(ConservationError, match=BALLERUP):
        cases_over_threshold(others, ISHOEJ, find_year("2022"))


# Initiatives -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("citizens", "saving", "computed", "said_million"),
    [(19, 84_000, 19_152_000, 19.0), (9, 45_000, 4_860_000, 4.9)],
)
def test_what_initiatives_save_in_2025_is_what_the_paper_says(citizens, saving, computed, said_million):
    moved = initiative("flyt", "sel_107", 2025, 0, citizens=citizens, saving_dkk_per_month=saving)
    effects = sound(initiative_effects(initiatives(moved), grants(), 2025, "months"), tables.INITIATIVE_EFFECTS)
    realised = effects.filter(initiative_level="total")["realised_effect_dkk"].item()
    assert realised == computed == citizens * saving * 12
    # The paper's "about 84,000" and "about 45,000" are rounded themselves.
    assert realised == pytest.approx(said_million * 1_000_000, rel=0.01)


YEARS = (2019, 2020, 2021, 2022)
# The five of botilbud are all entered under the group, since the paper counts them there.
BALLERUPS = {
    "01": ("residential_care", (2.0, 2.5, 3.0, 3.0)),
    "02": ("residential_care", (1.0, 1.0, 1.5, 1.5)),
    "03": ("residential_care", (0.75, 1.25, 1.75, 2.25)),
    "04": ("residential_care", (1.0, 1.0, 1.0, 1.0)),
    "05": ("residential_care", (-1.5, -1.5, -1.5, -1.5)),
    "06": ("activity", (1.0, 1.5, 2.0, 2.0)),
    "07": ("support_at_home", (1.0, 2.0, 2.0, 2.0)),
    "08": ("sel_85_external", (1.0, 2.0, 2.0, 2.0)),
    "09": ("sel_97", (0.75, 0.75, 0.75, 0.75)),
    "10": ("sel_84", (0.25, 0.25, 0.25, 0.25)),
    "11": ("other_services", (0.1, 0.1, 0.1, 0.1)),
}


def ballerup(year):
    rows = [
        initiative(key, basis, of_year, round(effect * 1_000_000), is_counted=key != "11")
        for key, (basis, effects) in BALLERUPS.items()
        for of_year, effect in zip(YEARS, effects, strict=True)
    ]
    return sound(initiative_effects(initiatives(*rows), grants(), year, "months"), tables.INITIATIVE_EFFECTS)


@pytest.mark.parametrize(
    ("year", "total", "residential_care"),
    [(2019, 7.25, 3.25), (2020, 10.75, 4.25), (2021, 12.75, 5.75), (2022, 13.25, 6.25)],
)
def test_ballerups_total_and_subtotal_of_botilbud_are_those_of_the_paper(year, total, residential_care):
    effects = ballerup(year)
    estimated = {
        (level, basis): amount
        for level, basis, amount in effects.select("initiative_level", "legal_basis", "estimated_effect_dkk").rows()
        if level != "initiative"
    }
    assert estimated["total", "all"] == total * 1_000_000
    assert estimated["subtotal", "residential_care"] == residential_care * 1_000_000


def test_ballerups_initiatives_stand_under_their_group_and_transport_outside_the_total():
    effects = ballerup(2019)
    assert effects.select("initiative_level", "legal_basis", "initiative", "initiative_name").rows() == [
        ("initiative", "sel_84", "10", "Tiltag 10"),
        ("subtotal", "relief_and_helpers", "relief_and_helpers", "Aflastning og hjælpere i alt"),
        *(("initiative", "residential_care", f"0{i}", f"Tiltag 0{i}") for i in range(1, 6)),
        ("subtotal", "residential_care", "residential_care", "Botilbud i alt"),
        ("initiative", "activity", "06", "Tiltag 06"),
        ("subtotal", "activity", "activity", "Aktivitet og beskæftigelse i alt"),
        ("initiative", "support_at_home", "07", "Tiltag 07"),
        ("initiative", "sel_85_external", "08", "Tiltag 08"),
        ("subtotal", "support_at_home", "support_at_home", "Støtte i eget hjem i alt"),
        ("initiative", "sel_97", "09", "Tiltag 09"),
        ("initiative", "other_services", "11", "Tiltag 11"),
        ("subtotal", "other_services", "other_services", f"{labels_da()['other_services']} i alt"),
        ("total", "all", "all", "I alt"),
    ]
    assert effects.filter(~pl.col("is_counted")).select("initiative", "estimated_effect_dkk").rows() == [
        ("11", 100_000)
    ]
    # Ledsagerordning alone: transport is only shown.
    assert effects.filter(initiative="other_services")["estimated_effect_dkk"].to_list() == [750_000]


def test_an_initiative_has_effect_from_its_start_and_none_before():
    def realised(start, year=2023, method="months", saving=1_000):
        row = initiative("a", "sel_107", year, 0, citizens=2, saving_dkk_per_month=saving, start_date=start)
        return initiative_effects(initiatives(row), grants(), year, method)["realised_effect_dkk"][0]

    assert realised(dt.date(2023, 7, 1)) == 2 * 6 * 1_000
    assert realised(dt.date(2023, 1, 1)) == realised(dt.date(2001, 5, 7)) == 2 * 12 * 1_000
    assert realised(dt.date(2023, 12, 31)) == round(2 * 1_000 / 31)
    assert realised(dt.date(2024, 1, 1)) == realised(dt.date(2031, 5, 7)) == 0
    assert realised(dt.date(2024, 2, 29), year=2024) == round(2 * 1_000 * (10 + 1 / 29))
    assert realised(dt.date(2023, 4, 1), method="days") == round(2 * 1_000 * 12 * 275 / 365)
    # Half a krone is away from zero, of a saving and of an expense.
    assert realised(dt.date(2023, 6, 16), saving=1) == 2 * 6 + 1  # 2 x 6.5
    assert realised(dt.date(2023, 11, 24), saving=15) == 2 * 15 + 7  # 30 x (1 + 7 / 30)
    assert realised(dt.date(2023, 11, 24), saving=-15) == -37


def test_realised_from_grants_counts_the_days_of_a_citizen_once_and_only_where_a_grant_names_the_initiative():
    named = {"municipality_code": BALLERUP, "price_dkk": 1, "initiative": "flyt"}
    one = named | {"citizen_id": "opdigtet", "start_date": dt.date(2023, 4, 1)}
    made_up = grants(
        one | {"end_date": dt.date(2023, 6, 30)},
        one | {"service_area": "sel_104", "end_date": dt.date(2023, 8, 31)},  # until the end of August: five months
        named | {"start_date": dt.date(2023, 12, 1)},  # another citizen: a month
        named | {"end_date": dt.date(2022, 12, 31)},  # not of the year
        named | {"municipality_code": "183"},  # another municipality's, of the same name
    )
    rows = initiatives(
        initiative("flyt", "sel_107", 2023, 0, citizens=9, saving_dkk_per_month=10_000),
        initiative("andet", "sel_107", 2023, 0, citizens=1, saving_dkk_per_month=10_000),
        initiative("støtte", "sel_97", 2023, 0, citizens=1, saving_dkk_per_month=-10_000),
    )
    effects = initiative_effects(rows, made_up, 2023, "months")
    assert effects.select("initiative", "realised_effect_dkk", "realised_from_grants_dkk").rows() == [
        ("andet", 120_000, None),
        ("flyt", 9 * 120_000, (5 + 1) * 10_000),
        ("residential_care", 10 * 120_000, 60_000),
        ("støtte", -120_000, None),
        ("other_services", -120_000, None),
        ("all", 9 * 120_000, 60_000),
    ]


def test_a_year_without_initiatives_has_no_rows():
    other = initiatives(initiative("a", "sel_107", 2022, 1))
    assert sound(initiative_effects(other, grants(), 2023, "months"), tables.INITIATIVE_EFFECTS).is_empty()
