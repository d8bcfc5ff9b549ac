import pytest

from pipelines.benchmark.key_findings import FINDINGS, key_findings
from tests.golden.benchmark_scenario import CATALOGUE, cases, responses

# The published report: 845 cases, and the shares it prints (whole per cent but the last). The numbers of cases behind
# them are made up here, so that they give these shares.
PUBLISHED = {
    "under_35": (515, 0.61),
    "above_threshold_since_age_18": (346, 0.41),
    "intellectual_disability": (439, 0.52),
    "behaviour_decisive": (727, 0.86),
    "sentence": (161, 0.19),
    "only_existing_choice": (456, 0.54),
    "provider_municipal": (346, 0.41),
    "provider_regional": (169, 0.20),
    "provider_private": (845 - 346 - 169, 0.39),
    "over_8_places": (558, 0.66),
    "alone_in_placement": (76, 0.09),
    "viso_involved": (287, 0.34),
    "special_psychiatric_place": (11, 0.013),
}


def first(number, answer, rest):
    """This answer for the first so many of the 845 cases, another for the rest."""
    return [answer] * number + [rest] * (845 - number)


def published_cases():
    answers = {
        "age": first(515, 34, 35),
        "time_above_threshold": first(346, "since_age_18", "over_5_years"),
        "target_group": first(300, "intellectual_disability", "autism_without_intellectual_disability"),
        "behaviour_decisive": first(727, "yes", "no"),
        "sentence": first(161, "other", "none"),
        "choice_at_referral": first(456, "only_existing", "created"),
        "provider": first(200, "own_municipality", "private"),
        "places_in_facility": first(558, "over_8", "5_to_8"),
        "viso_involved": first(287, "yes", "no"),
        "special_psychiatric_place": first(11, "yes", "no"),
    }
    answers["target_group"][300:439] = ["autism_with_intellectual_disability"] * (439 - 300)
    answers["provider"][200:346] = ["other_municipality"] * (346 - 200)
    answers["provider"][346 : 346 + 169] = ["region"] * 169
    answers["places_in_facility"][-76:] = ["alone"] * 76
    rows = (dict(zip(answers, row, strict=True)) for row in zip(*answers.values(), strict=True))
    return [case for row in rows for case in cases("183", **row)]


def test_the_published_shares_come_out_of_cases_that_have_them():
    findings = key_findings(responses(published_cases()), "2022-10-01")
    assert findings["finding"].to_list() == list(PUBLISHED)
    for row in findings.iter_rows(named=True):
        numerator, published = PUBLISHED[row["finding"]]
        assert (row["numerator"], row["denominator"]) == (numerator, 845), row["finding"]
        assert row["share"] == numerator / 845
        assert round(row["share"], 3 if published == 0.013 else 2) == published, row["finding"]


def test_out_of_scope_responses_are_in_no_finding():
    findings = key_findings(responses(cases("183", 2, age=20), cases("183", 9, age=20, eligible=False)), "2022-10-01")
    assert findings.filter(finding="under_35").select("numerator", "denominator", "share").row(0) == (2, 2, 2 / 2)


def test_a_case_without_an_answer_is_not_in_the_denominator():
    findings = key_findings(responses(cases("183", 3, sentence="treatment"), cases("183", 1, sentence=None)), "r")
    assert findings.filter(finding="sentence").select("numerator", "denominator", "share").row(0) == (3, 3, 3 / 3)


def test_without_cases_there_are_findings_and_no_shares():
    findings = key_findings(responses(), "2022-10-01")
    assert findings.height == len(FINDINGS)
    assert findings.select("numerator", "denominator", "share").unique().rows() == [(0, 0, None)]


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.code)
def test_every_finding_asks_for_options_that_the_form_has(finding):
    # An Enum compared with a code it does not have is silently false: a misspelt option would be a finding of 0.
    every_option = [
        cases("183", age=20, **{question.key: code})
        for question in CATALOGUE.closed_questions
        if question.kind == "single"
        for code in question.codes
    ]
    held = responses(*every_option).select(finding.holds.alias("holds"))["holds"]
    assert held.any()
    assert finding.code == "under_35" or not held.all()


def test_the_labels_are_danish_and_tell_the_findings_apart():
    labels = [finding.label_da for finding in FINDINGS]
    assert len(set(labels)) == len(labels)
    assert "Borgeren er under 35 år" in labels
