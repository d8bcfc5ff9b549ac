"""The control tables of the quality gate on numbers small enough to compute by hand."""

import math

import polars as pl
import pytest

from pipelines.benchmark.key_findings import FINDINGS
from pipelines.quality import controls
from schemas import tables
from schemas.published import FINDING_SHARES
from tests.release_scenario import filled, rates

Z = 3.290526731491926  # of the 99.9 % interval


def values(control, column):
    return dict(control.select("where", column).iter_rows())


def answers(counts, answered):
    """`question_answers` of the country and one municipality, the answers to one question."""
    rows = [
        {"area_type": kind, "area_code": code, "question": "sentence", "answer": answer, "cases": cases}
        | {"share": cases / answered if answered else None, "value_status": "published"}
        for kind, code in (("country", "000"), ("municipality", "101"))
        for answer, cases in counts.items()
    ]
    return filled(tables.QUESTION_ANSWERS, rows)


def test_every_headline_finding_has_its_published_share():
    assert list(FINDING_SHARES) == [finding.code for finding in FINDINGS]


def test_totals_lay_the_cases_of_an_area_beside_the_sum_of_its_answers():
    breakdown = answers({"none": 2, "treatment": 1}, 3)
    control = controls.totals(rates({"101": 4}), breakdown, ["sentence"])
    # Four cases in every area; the breakdown knows the country and the municipality, and has 2 + 1 there.
    assert control.rows() == [
        ("country 000 sentence", 4, 2 + 1),
        ("municipality 101 sentence", 4, 2 + 1),
        ("municipality_group 1 sentence", 4, None),
        ("region 084 sentence", 4, None),
    ]


def test_areas_sum_every_answer_over_each_kind_of_area():
    control = controls.areas(answers({"none": 2, "treatment": 1}, 3))
    assert control.rows(named=True) == [
        {"where": "sentence/none", "country": 2, "region": 0, "municipality_group": 0, "municipality": 2},
        {"where": "sentence/treatment", "country": 1, "region": 0, "municipality_group": 0, "municipality": 1},
    ]


def test_rates_differ_by_what_is_added_to_them():
    given = rates({"101": 4, "147": 3}).with_columns(
        rate_per_1000=pl.when(pl.col("municipality_code") == "101")
        .then(4 / 1_000 * 1_000 + 0.25)
        .otherwise("rate_per_1000")
    )
    assert values(controls.rates(given), "difference") == pytest.approx({"101": 0.25, "147": 0.0})


def test_the_distance_of_a_finding_is_from_its_interval_to_the_published_share():
    rows = [
        {"finding": "sentence", "numerator": 0, "denominator": 30},
        {"finding": "under_35", "numerator": 30, "denominator": 30},
        {"finding": "viso_involved", "numerator": 10, "denominator": 30},
        {"finding": "provider_private", "numerator": 0, "denominator": 0},
        {"finding": "over_8_places", "numerator": None, "denominator": 30},  # hidden
    ]
    control = controls.findings(filled(tables.RELEASED_KEY_FINDINGS, rows), {**FINDING_SHARES, "sentence": 0.5})
    # Wilson's limits of 0 of 30 are 0 and z² / (30 + z²), of 30 of 30 they are 30 / (30 + z²) and 1.
    assert values(control, "distance") == pytest.approx(
        {
            "sentence": 0.5 - Z**2 / (30 + Z**2),
            "under_35": 30 / (30 + Z**2) - 0.61,
            "viso_involved": 0.0,  # 10 / 30 holds 0.34
        }
    )


def test_the_distance_of_an_answer_is_between_the_intervals_of_both_rounds():
    control = controls.answers(answers({"none": 100, "other": 0}, 100), answers({"none": 0, "other": 50}, 50))
    # All of 100 now and none of 50 before; the number that answered is told by the other answer's share.
    apart = 100 / (100 + Z**2) - Z**2 / (50 + Z**2)
    other = 50 / (50 + Z**2) - Z**2 / (100 + Z**2)
    assert values(control, "distance") == pytest.approx({"sentence/none": apart, "sentence/other": other})


def test_a_question_that_nobody_answered_in_one_of_the_rounds_is_not_compared():
    assert controls.answers(answers({"none": 100}, 100), answers({"none": 0}, 0)).is_empty()


def test_an_answer_that_one_of_the_rounds_hides_is_not_compared():
    shown = answers({"none": 70, "treatment": 20, "other": 10}, 100)
    hidden = shown.with_columns(
        pl.when(pl.col("answer") == "other").then(None).otherwise(name).alias(name) for name in ("cases", "share")
    ).with_columns(
        value_status=pl.when(pl.col("answer") == "other").then(pl.lit("suppressed")).otherwise("value_status")
    )
    for now, before in ((shown, hidden), (hidden, shown)):
        assert controls.answers(now, before)["where"].to_list() == ["sentence/none", "sentence/treatment"]


def test_the_ratio_of_a_rate_is_the_one_nearest_to_1_in_its_interval():
    limits = {"101": (0.2, 0.6), "147": (0.5, 3.0), "151": (2.5, None), "183": (0.0, None)}
    rows = [
        {"municipality_code": code, "rate_ratio_ci95_lower": lower, "rate_ratio_ci95_upper": upper}
        for code, (lower, upper) in limits.items()
    ]
    control = controls.municipal_rates(filled(tables.ROUND_CHANGES, rows))
    assert values(control, "ratio") == {"101": 0.6, "147": 1.0, "151": 2.5, "183": 1.0}


def test_the_pooled_ratio_is_of_the_sums_over_the_municipalities_in_both_rounds():
    rows = [
        {"earlier_cases": 0, "later_cases": later, "earlier_population_18_66": 500, "later_population_18_66": 1_000}
        | {"municipality_code": code, "later_round": "2024-10-01"}
        for code, later in {"101": 2, "147": 1}.items()
    ]
    control = controls.pooled_rate(filled(tables.ROUND_CHANGES, rows))
    # 0 of 1,000 before and 3 of 2,000 now: the lower limit of p for 3 of 3 cases is 0.025^(1/3), and p / (1 - p) by the
    # residents 1,000 / 2,000 is the ratio's.
    p = 0.025 ** (1 / 3)
    lower = p / (1 - p) * 1_000 / 2_000
    assert lower < 1
    assert values(control, "ratio") == {"country 000": 1.0}
    more = controls.pooled_rate(filled(tables.ROUND_CHANGES, [row | {"later_cases": 6} for row in rows]))
    p = 0.025 ** (1 / 12)
    assert values(more, "ratio") == pytest.approx({"country 000": p / (1 - p) * 1_000 / 2_000})
    assert math.isclose(p, 0.7353, abs_tol=1e-4)


def test_participation_is_municipalities_now_by_those_before():
    before = rates({"101": 4, "147": 3, "151": 1})
    assert values(controls.participation(rates({"101": 4, "147": 3}), before), "ratio") == {"country 000": 2 / 3}


def test_a_rejected_share_counts_from_two_rows_on():
    rows = [
        {"municipality_code": code, "delivery": i, "status": status, "rows": number, "rejected": rejected}
        for i, (code, status, number, rejected) in enumerate(
            [
                ("101", "current", 20, 3),
                ("147", "current", 7, 1),
                ("151", "superseded", 10, 5),
                ("183", "current", 0, 0),
            ]
        )
    ]
    control = controls.rejected_rows(filled(tables.DELIVERY_LOG, [row | {"warnings": []} for row in rows]))
    assert values(control, "share") == {"101": 3 / 20, "147": 0.0, "183": 0.0}
