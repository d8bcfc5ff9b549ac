"""Every expectation of the quality gate, met and not met by one fault put in; and that no value gets out."""

import datetime as dt
import logging
import os
import subprocess
import sys
from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from pipelines.benchmark.measures import FIGURES
from pipelines.quality import controls
from pipelines.quality.acceptances import Acceptance, accept, acceptances, is_open
from pipelines.quality.expectations import EXPECTATIONS, STOP, Expectation, control_tables
from pipelines.quality.gate import Before, judged, quality_report, require_met
from pipelines.storage import parquet_bytes
from schemas import tables
from schemas.errors import QualityError
from schemas.labels_da import TABLES_DA
from schemas.tables import QUALITY_REPORT, failures
from tests.unit.quality_scenario import (
    BREAKDOWNS,
    CASES,
    CATALOGUE,
    ROUND,
    changed,
    log,
    manifest,
    plain,
    population,
    sound,
)

PLANTED = 987_654_321
FIRST = {  # of each breakdown: question and answer of one row
    "target_groups": ("main_target_group", "cognitive"),
    "provider_types": ("provider_type", "municipal"),
    "question_answers": ("behaviour_decisive", "yes"),
}


def report(material=None, before=None, accepted=None):
    found, was = sound()
    return quality_report(material or found, before or was, accepted or {})


@cache
def sound_controls():
    return control_tables(*sound())


def unmet(material=None, before=None):
    """The failing keys of every expectation that is not met, by its code.

    Judged are the control tables that differ from the sound ones: those meet every expectation.
    """
    found, was = sound()
    made = control_tables(material or found, before or was)
    differing = [e for e in EXPECTATIONS if not made[e.control].equals(sound_controls()[e.control])]
    return {code: verdict.failing for code, verdict in judged(made, differing).items() if verdict.failing}


def unmet_rows(found):
    """The same as a report has it."""
    return dict(found.filter(~pl.col("met")).select("expectation", "failing_keys").iter_rows())


def is_row(name, area_type, area_code):
    """Whether a row is the one of `FIRST`, in an area."""
    question, answer = FIRST[name]
    column = {"target_groups": "target_group", "provider_types": "provider_type"}.get(name, "answer")
    found = (pl.col("area_type") == area_type) & (pl.col("area_code") == area_code) & (pl.col(column) == answer)
    return found & (pl.col("question") == question) if name == "question_answers" else found


def with_country(name, **values):
    """The candidate with other values in the country's row of a shared table."""
    material, _ = sound()
    frame = changed(material.shared[name], is_row(name, "country", "000"), **values)
    return material._replace(shared={**material.shared, name: frame})


def country_count(name):
    return getattr(sound()[0], name).filter(is_row(name, "country", "000"))["cases"].item()


def with_finding(numerator, finding="over_8_places"):
    """The candidate with another numerator of a finding, as computed and as shown."""
    material, _ = sound()
    is_it = pl.col("finding") == finding
    shared = {**material.shared, "key_findings": changed(material.shared["key_findings"], is_it, numerator=numerator)}
    return material._replace(key_findings=changed(material.key_findings, is_it, numerator=numerator), shared=shared)


def test_a_sound_candidate_meets_every_expectation():
    found = report()
    assert unmet_rows(found) == {}
    assert found["expectation"].to_list() == [expectation.code for expectation in EXPECTATIONS]
    assert failures(found, QUALITY_REPORT) == {}
    checked = dict(found.select("expectation", "rows_checked").iter_rows())
    # No answer to a question is rounded: only main target groups and provider types are shown per municipality.
    assert [code for code, rows in checked.items() if rows == 0] == [
        "rounded_question_answers_are_multiples",
        "rounded_question_answers_are_near_the_exact",
    ]
    require_met(found)
    assert found.filter(is_open()).is_empty()


def test_the_expectations_are_told_apart_and_say_what_to_do_in_danish_without_exclamation():
    assert len({expectation.code for expectation in EXPECTATIONS}) == len(EXPECTATIONS)
    assert {expectation.about for expectation in EXPECTATIONS} <= set(TABLES_DA)
    for expectation in EXPECTATIONS:
        for text in (expectation.expected_da, expectation.action_da):
            assert text.endswith(".")
            assert "!" not in text
            assert "\u2014" not in text


@pytest.mark.parametrize("name", BREAKDOWNS)
def test_a_case_too_many_in_one_municipality_is_found(name):
    material, before = sound()
    question, answer = FIRST[name]
    frame = changed(getattr(material, name), is_row(name, "municipality", "101"), cases=PLANTED)
    found = unmet(material._replace(**{name: frame}), before)
    near = {f"rounded_{name}_are_near_the_exact": [f"municipality 101 {question}/{answer}"]}
    assert found == {
        f"{name}_add_up_to_cases": [f"municipality 101 {question}"],
        f"{name}_of_areas_add_up_to_the_country": [f"{question}/{answer}"],
        **({} if name == "question_answers" else near),
    }


@pytest.mark.parametrize("name", BREAKDOWNS)
def test_a_case_too_many_in_the_country_is_found(name):
    material, _ = sound()
    question, answer = FIRST[name]
    frame = changed(getattr(material, name), is_row(name, "country", "000"), cases=PLANTED)
    assert unmet(material._replace(**{name: frame})) == {
        f"{name}_add_up_to_cases": [f"country 000 {question}"],
        f"{name}_of_areas_add_up_to_the_country": [f"{question}/{answer}"],
        f"published_{name}_are_exact": [f"cases country 000 {question}/{answer}"],
    }


def test_an_area_that_is_missing_from_a_breakdown_is_found():
    material, before = sound()
    frame = material.question_answers.filter(pl.col("area_code") != "151")
    found = unmet(material._replace(question_answers=frame), before)
    obligatory = [q.key for q in CATALOGUE.closed_questions if q.kind == "single" and not q.optional]
    assert found["question_answers_add_up_to_cases"] == sorted(f"municipality 151 {key}" for key in obligatory)
    assert "question_answers_of_areas_add_up_to_the_country" in found


@pytest.mark.parametrize("name", BREAKDOWNS)
def test_figures_left_in_beside_a_hidden_count_are_found(name):
    cell = "/".join(FIRST[name])
    found = unmet(with_country(name, value_status="suppressed"))
    assert found == {f"hidden_{name}_show_nothing": sorted(f"{figure} country 000 {cell}" for figure in FIGURES)}


def test_a_share_left_in_beside_a_hidden_finding_is_found():
    material, _ = sound()
    is_it = pl.col("finding") == "sentence"
    frame = changed(
        material.shared["key_findings"], is_it, numerator=None, share_ci95_lower=None, share_ci95_upper=None
    )
    found = unmet(material._replace(shared={**material.shared, "key_findings": frame}))
    assert found == {"hidden_key_findings_show_nothing": ["share sentence"]}


@pytest.mark.parametrize("name", BREAKDOWNS)
def test_a_published_figure_that_is_not_the_computed_one_is_found(name):
    found = unmet(with_country(name, cases=PLANTED))
    assert found == {f"published_{name}_are_exact": [f"cases country 000 {'/'.join(FIRST[name])}"]}
    found = unmet(with_country(name, share=None))
    assert found == {f"published_{name}_are_exact": [f"share country 000 {'/'.join(FIRST[name])}"]}


def test_a_published_finding_that_is_not_the_computed_one_is_found():
    material, _ = sound()
    frame = changed(material.shared["key_findings"], pl.col("finding") == "under_35", numerator=PLANTED)
    found = unmet(material._replace(shared={**material.shared, "key_findings": frame}))
    assert found == {"published_key_findings_are_exact": ["numerator under_35"]}


@pytest.mark.parametrize("name", BREAKDOWNS)
def test_a_rounded_count_that_is_no_multiple_or_too_far_is_found(name):
    cell = f"country 000 {'/'.join(FIRST[name])}"
    below = country_count(name) // 3 * 3
    good, no_multiple, far = (
        with_country(name, value_status="rounded", rounding_base=3, cases=shown)
        for shown in (below, below + 1, below + 6)
    )
    assert unmet(good) == {}
    assert unmet(no_multiple) == {f"rounded_{name}_are_multiples": [cell]}
    assert unmet(far) == {f"rounded_{name}_are_near_the_exact": [cell]}


@pytest.mark.parametrize("name", BREAKDOWNS)
def test_figures_shown_again_from_an_earlier_release_are_not_held_against_this_ones(name):
    again = with_country(name, cases=PLANTED, figures_from_release="0123456789abcdef")
    assert unmet(again) == {}


def test_an_average_of_other_cases_than_the_municipalities_is_found():
    material, _ = sound()
    frame = changed(material.area_averages, pl.col("area_code") == "084", cases=PLANTED, population_18_66=PLANTED)
    found = report(material._replace(area_averages=frame))
    assert unmet_rows(found) == {
        "area_averages_agree_with_case_rates": ["cases region 084", "population_18_66 region 084"]
    }
    row = found.row(by_predicate=pl.col("expectation") == "area_averages_agree_with_case_rates", named=True)
    areas = material.area_averages.height
    assert (row["severity"], row["rows_checked"], row["rows_failing"], row["warning_id"]) == (
        "stop",
        3 * areas,
        2,
        None,
    )


def test_a_rate_that_is_not_cases_by_residents_is_found():
    material, _ = sound()
    frame = changed(material.case_rates, pl.col("municipality_code") == "183", rate_per_1000=10 / 10_000 * 1_000 + 1e-6)
    assert unmet(material._replace(case_rates=frame)) == {"rates_are_cases_by_population": ["183"]}


def test_a_participant_of_the_release_that_is_gone_is_found():
    _, before = sound()
    release = manifest(participants=[*CASES, "860"])
    assert unmet(before=before._replace(release=release)) == {"released_participants_take_part": ["860"]}


def test_a_participant_that_another_one_reports_for_is_not_gone():
    material, before = sound()
    round_ = ROUND.model_copy(update={"reports_for": {"101": ("860",)}})
    release = manifest(participants=[*CASES, "860"])
    assert unmet(material._replace(round_=round_), before._replace(release=release)) == {}


def test_a_population_older_than_the_released_one_is_found():
    _, before = sound()
    release = manifest(populationQuarter="2025K1")
    found = unmet(before=before._replace(release=release))
    assert found == {"population_is_no_older_than_released": ["2024K4"]}
    release = manifest(populationQuarter="2024K3")
    assert unmet(before=before._replace(release=release)) == {}


def test_a_population_of_another_quarter_is_a_warning():
    material, before = sound()
    other = material.population.with_columns(population_quarter=pl.lit("2025K1"))
    found = report(material._replace(population=other), before)
    assert unmet_rows(found) == {"population_is_of_the_round": ["2025K1"]}
    require_met(found)


def test_a_population_without_a_municipality_or_with_one_too_many_is_found():
    material, _ = sound()
    missing = material.population.filter(pl.col("municipality_code") != "860")
    assert unmet(material._replace(population=missing)) == {"population_has_every_municipality": ["860"]}
    christianso = pl.concat([population(), population().head(1).with_columns(municipality_code=pl.lit("411"))])
    assert unmet(material._replace(population=christianso)) == {"population_has_every_municipality": ["411"]}


def promised(change):
    """The release before, which promised other columns of `case_rates`."""
    release = manifest()
    change(next(r for r in release["resources"] if r["path"] == "shared/case_rates.parquet"))
    return sound()[1]._replace(release=release)


def test_a_column_that_is_gone_or_changed_without_being_declared_is_found():
    def other_columns(resource):
        resource["schema"]["fields"].append({"name": "spread", "type": "number"})
        next(f for f in resource["schema"]["fields"] if f["name"] == "cases")["unit"] = "persons"
        resource["schema"]["primaryKey"] = ["municipality_code"]

    found = unmet(before=promised(other_columns))
    assert found == {"released_columns_are_kept": ["case_rates", "case_rates.cases", "case_rates.spread"]}

    def declared(resource):
        other_columns(resource)
        resource["schemaVersion"] = 0

    assert unmet(before=promised(declared)) == {}


def test_a_table_that_the_release_had_and_that_is_gone_is_found():
    def renamed(resource):
        resource["path"] = "shared/municipal_rates.parquet"

    assert unmet(before=promised(renamed)) == {"released_columns_are_kept": ["municipal_rates"]}


def test_a_new_column_breaks_nothing():
    def fewer_columns(resource):
        resource["schema"]["fields"].pop()

    assert unmet(before=promised(fewer_columns)) == {}


def test_a_finding_far_from_the_published_report_is_found_and_one_less_far_is_a_warning():
    cases = sum(CASES.values())
    both = ["over_8_places"]
    assert unmet(with_finding(round(0.2 * cases))) == {
        "findings_are_not_far_from_the_report": both,
        "findings_are_near_the_report": both,
    }
    # 0.45 of 200 cases is at most 0.57 (99.9 %), which is 9 percentage points from 0.66; 0.42 is at most 0.54.
    assert unmet(with_finding(round(0.45 * cases))) == {}
    assert unmet(with_finding(round(0.42 * cases))) == {"findings_are_near_the_report": both}


def test_a_hidden_finding_is_neither_judged_nor_counted_however_far_it_is_from_the_report():
    material, _ = sound()
    hidden = material.shared["key_findings"].filter(pl.col("numerator").is_null())["finding"].to_list()
    assert hidden == ["special_psychiatric_place"]
    is_it = pl.col("finding") == "special_psychiatric_place"
    far = changed(material.key_findings, is_it, numerator=200, share=1.0)  # of 200; the report has 1.3 %
    found = report(material._replace(key_findings=far))
    assert unmet_rows(found) == {}
    assert parquet_bytes(found) == parquet_bytes(report())
    shown = with_finding(200, "special_psychiatric_place")
    assert unmet(shown)["findings_are_near_the_report"] == ["special_psychiatric_place"]


def test_what_is_held_against_the_report_and_the_round_before_is_shown_to_everybody():
    material, before = sound()
    made = sound_controls()
    shown = material.shared["key_findings"].drop_nulls("numerator")
    assert set(made["findings"]["where"]) == set(shown["finding"])
    tables_ = (material.shared["question_answers"], before.tables["shared_question_answers"])
    country = (frame.filter(area_type="country").drop_nulls("cases") for frame in tables_)
    now, then = ({f"{q}/{a}" for q, a in frame.select("question", "answer").iter_rows()} for frame in country)
    assert set(made["answers"]["where"]) <= now & then
    assert "special_psychiatric_place/yes" not in now
    assert made["answers"].height > 100


def test_a_hidden_answer_is_not_judged_however_far_it_is_from_the_round_before():
    material, _ = sound()
    is_it = (pl.col("area_type") == "country") & (pl.col("question") == "behaviour_decisive")
    hidden = changed(material.shared["question_answers"], is_it, value_status="suppressed", **dict.fromkeys(FIGURES))
    far = with_earlier_answers(yes=0.14, no=0.86)
    assert unmet(material._replace(shared={**material.shared, "question_answers": hidden}), far) == {}


def with_earlier_answers(**shares):
    """The round before, in which these shares of the country's cases gave these answers to one question."""
    _, before = sound()
    frame = before.tables["shared_question_answers"]
    for answer, share in shares.items():
        is_it = (
            (pl.col("area_type") == "country")
            & (pl.col("question") == "behaviour_decisive")
            & (pl.col("answer") == answer)
        )
        frame = changed(frame, is_it, cases=round(share * 200), share=share)
    return before._replace(tables={**before.tables, "shared_question_answers": frame})


def test_answers_far_from_the_round_before_are_found_and_less_far_ones_are_a_warning():
    both = ["behaviour_decisive/no", "behaviour_decisive/yes"]
    found = unmet(before=with_earlier_answers(yes=0.14, no=0.86))  # as if the two were mixed up
    assert found == {
        "answers_are_not_far_from_the_round_before": both,
        "answers_are_near_the_round_before": both,
    }
    # 0.86 of 200 is at least 0.76 (99.9 %), and 0.5 of 200 at most 0.61.
    assert unmet(before=with_earlier_answers(yes=0.5, no=0.5)) == {"answers_are_near_the_round_before": both}
    assert unmet(before=with_earlier_answers(yes=0.65, no=0.35)) == {}


def with_earlier_rates(more):
    """The round before, in which these municipalities took part as well."""
    _, before = sound()
    rates = before.tables["case_rates"]
    others = [rates.head(1).with_columns(municipality_code=pl.lit(code)) for code in more]
    return before._replace(tables={**before.tables, "case_rates": pl.concat([rates, *others])})


def test_municipalities_of_the_round_before_that_take_no_part_are_a_warning():
    assert unmet(before=with_earlier_rates(["820", "860"])) == {"earlier_participants_take_part": ["820", "860"]}
    # 9 now by 12 then is 0.75.
    assert unmet(before=with_earlier_rates(["810", "820", "860"])) == {
        "earlier_participants_take_part": ["810", "820", "860"],
        "enough_municipalities_take_part": ["country 000"],
    }


def test_a_municipality_that_others_reported_for_in_the_round_before_took_part():
    _, before = sound()
    rates = before.tables["case_rates"].with_columns(
        reports_for=pl.when(pl.col("municipality_code") == "101").then(pl.lit("147;860"))
    )
    found = unmet(before=before._replace(tables={**before.tables, "case_rates": rates}))
    assert found == {"earlier_participants_take_part": ["860"]}


def test_rates_far_from_the_round_before_are_warnings():
    material, before = sound()
    odense = changed(
        material.round_changes,
        pl.col("municipality_code") == "461",
        rate_ratio_ci95_lower=2.1,
        rate_ratio_ci95_upper=None,
    )
    assert unmet(material._replace(round_changes=odense), before) == {"rates_are_near_the_round_before": ["461"]}
    fewer = changed(
        material.round_changes,
        pl.col("municipality_code") == "461",
        rate_ratio_ci95_lower=0.0,
        rate_ratio_ci95_upper=0.4,
    )
    assert unmet(material._replace(round_changes=fewer), before) == {"rates_are_near_the_round_before": ["461"]}
    doubled = material.round_changes.with_columns(pl.col("later_cases") * 2)
    assert unmet(material._replace(round_changes=doubled), before) == {
        "pooled_rate_is_near_the_round_before": ["country 000"]
    }


def test_many_rejected_rows_are_a_warning_and_a_single_one_is_not():
    material, before = sound()
    deliveries = log(("101", 0, "current", 20, 3), ("147", 1, "current", 7, 1), ("151", 2, "current", 20, 2))
    found = unmet(material._replace(delivery_log=deliveries), before)
    assert found == {"few_rows_are_rejected": ["101"]}  # 3 of 20; 1 of 7 is one row; 2 of 20 is 10 %


def test_a_rejected_file_is_a_warning_until_a_good_one_comes():
    material, before = sound()
    deliveries = log(
        ("101", 0, "current", 20, 0),
        ("101", 1, "rejected", None, None),
        ("147", 2, "rejected", None, None),
        ("147", 3, "current", 20, 0),
        ("860", 4, "rejected", None, None),
    )
    found = unmet(material._replace(delivery_log=deliveries), before)
    assert found == {"no_file_is_rejected": ["101", "860"]}


def test_a_first_round_without_a_release_meets_what_there_is_nothing_to_hold_against():
    material, _ = sound()
    found = report(material._replace(round_changes=tables.ROUND_CHANGES.empty), Before(None, {}))
    assert unmet_rows(found) == {}
    nothing = set(found.filter(pl.col("rows_checked") == 0)["expectation"])
    assert nothing >= {
        "released_participants_take_part",
        "population_is_no_older_than_released",
        "released_columns_are_kept",
        "answers_are_not_far_from_the_round_before",
        "answers_are_near_the_round_before",
        "earlier_participants_take_part",
        "enough_municipalities_take_part",
        "pooled_rate_is_near_the_round_before",
        "rates_are_near_the_round_before",
    }


def test_a_round_without_a_delivery_can_be_judged_and_misses_those_that_were_released():
    material, before = sound()
    none = {name: value.clear() for name, value in material._asdict().items() if isinstance(value, pl.DataFrame)} | {
        "population": material.population,
    }
    shared = {name: frame.clear() for name, frame in material.shared.items()}
    empty = material._replace(**none, shared=shared)
    assert unmet(empty, Before(None, {})) == {}
    assert unmet(empty, before)["released_participants_take_part"] == sorted(CASES)


def test_the_error_of_an_unmet_expectation_names_it_its_keys_and_what_to_do_and_no_value():
    _, before = sound()
    gone = [f"{code:03}" for code in range(100, 112)]
    found = report(with_country("provider_types", cases=PLANTED), before._replace(release=manifest(participants=gone)))
    with pytest.raises(QualityError) as error:
        require_met(found)
    text = str(error.value)
    assert "published_provider_types_are_exact: 1 of " in text
    assert "(cases country 000 provider_type/municipal)" in text
    assert "released_participants_take_part: 11 of 12 rows do not meet it (100, 102, 103" in text
    assert ", 110 and 1 more, see quality_report)" in text
    assert "Læg kommunens filer tilbage i indbakken" in text
    assert str(PLANTED) not in text
    assert str(PLANTED) not in str(found.to_dicts())


def test_a_warning_does_not_stop_and_is_closed_by_its_acceptance_alone():
    material, before = sound()
    other = material._replace(population=material.population.with_columns(population_quarter=pl.lit("2025K1")))
    found = report(other, before)
    require_met(found)
    (id_,) = found.filter(is_open())["warning_id"]
    at = dt.datetime(2024, 12, 1, 8, 0, tzinfo=dt.UTC)
    accepted = report(other, before, {id_: Acceptance("a consultant", "the quarter is close", at)})
    assert accepted.filter(is_open()).is_empty()
    row = accepted.filter(~pl.col("met")).row(0, named=True)
    assert (row["accepted_by"], row["accepted_reason"], row["accepted_at"]) == (
        "a consultant",
        "the quarter is close",
        at,
    )
    assert failures(accepted, QUALITY_REPORT) == {}
    later = material._replace(population=material.population.with_columns(population_quarter=pl.lit("2025K2")))
    assert report(later, before, {id_: Acceptance("a consultant", "x", at)}).filter(is_open()).height == 1


def test_an_accepted_warning_opens_again_when_the_same_finding_is_further_off():
    cases = sum(CASES.values())
    near = report(with_finding(round(0.42 * cases)))
    (id_,) = near.filter(is_open())["warning_id"]
    accepted = {id_: Acceptance("a consultant", "x", dt.datetime(2024, 12, 1, tzinfo=dt.UTC))}
    assert report(with_finding(round(0.42 * cases)), accepted=accepted).filter(is_open()).is_empty()
    assert report(with_finding(round(0.38 * cases)), accepted=accepted).filter(is_open()).height == 1


def test_a_warning_is_accepted_on_disk_and_found_again(tmp_path):
    material, before = sound()
    other = material._replace(population=material.population.with_columns(population_quarter=pl.lit("2025K1")))
    found = report(other, before)
    (id_,) = found.filter(is_open())["warning_id"]
    accept(UPath(tmp_path), found, id_, Acceptance("a consultant", "close", dt.datetime(2024, 12, 1, tzinfo=dt.UTC)))
    assert report(other, before, acceptances(UPath(tmp_path), ROUND.name)).filter(is_open()).is_empty()


@pytest.fixture
def logged():
    """What reaches the root of the loggers, whatever its level."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield records
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.parametrize(
    ("rule", "arguments"),
    [
        ("ExpectColumnValuesToBeBetween", {"column": "no such column", "max_value": 1}),
        ("ExpectColumnPairValuesToBeEqual", {"column_A": "cases", "column_B": "no such column"}),
        ("ExpectColumnValuesToBeBetween", {"column": "text", "max_value": 1}),
        ("ExpectColumnValuesToBeBetween", {"column": "missing", "max_value": 1}),
    ],
)
def test_an_expectation_that_cannot_be_judged_is_an_error_of_the_program_and_tells_no_value(
    rule, arguments, capfd, logged
):
    control = pl.DataFrame(
        {"where": ["183", "461"], "cases": [1, PLANTED], "text": ["a", str(PLANTED)], "missing": [1, None]}
    )
    broken = Expectation("broken", "case_rates", STOP, "x", "x", "control", rule, arguments)
    with pytest.raises(
        QualityError, match="expectation broken could not be judged; that is a fault of the program"
    ) as error:
        judged({"control": control}, [broken])
    assert str(PLANTED) not in str(error.value)
    assert "no such column" not in str(error.value)
    assert tuple(capfd.readouterr()) == ("", "")
    assert logged == []


def test_a_control_has_no_key_twice():
    for name, control in control_tables(*sound()).items():
        assert control[controls.WHERE].is_unique().all(), name
        assert control[controls.WHERE].is_sorted(), name


def test_the_report_follows_from_the_content_of_the_tables_alone():
    material, before = sound()
    frames = {name: value for name, value in material._asdict().items() if isinstance(value, pl.DataFrame)}
    shuffled = material._replace(
        **{name: frame.sample(fraction=1, shuffle=True, seed=1) for name, frame in frames.items()}
    )
    assert parquet_bytes(report(shuffled, before)) == parquet_bytes(report()) == parquet_bytes(report())


@pytest.mark.slow
def test_judging_asks_no_other_machine_and_writes_nothing(tmp_path):
    program = (
        "import socket\n"
        "def refused(*arguments): raise AssertionError('asked another machine')\n"
        "socket.socket.connect = socket.getaddrinfo = refused\n"
        "import polars as pl\n"
        "from pipelines.quality.gate import judged\n"
        "from pipelines.quality.expectations import EXPECTATIONS\n"
        "rates = next(e for e in EXPECTATIONS if e.control == 'rates')\n"
        "control = pl.DataFrame({'where': ['183'], 'difference': [1.0]})\n"
        "assert judged({'rates': control}, [rates])[rates.code][:2] == (1, ['183'])\n"
    )
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "GX_ANALYTICS_ENABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.rglob("*")) == []


NUMBERS = st.dictionaries(st.sampled_from(sorted(CASES)), st.integers(0, 12), min_size=1, max_size=6)


@pytest.mark.slow
@settings(max_examples=25)
@given(NUMBERS)
def test_whatever_the_cases_are_consistent_breakdowns_add_up(number_of):
    made = plain(ROUND, number_of)
    add_up = [e for e in EXPECTATIONS if "add_up" in e.code or e.code == "area_averages_agree_with_case_rates"]
    questions = {
        "target_groups": ["main_target_group", "target_group"],
        "provider_types": ["provider_type"],
        "question_answers": ["gender", "sentence"],
    }
    found = {
        "averages": controls.averages(made["case_rates"], made["area_averages"]),
        **{f"{name}_totals": controls.totals(made["case_rates"], made[name], questions[name]) for name in BREAKDOWNS},
        **{f"{name}_areas": controls.areas(made[name]) for name in BREAKDOWNS},
    }
    verdicts = judged(found, add_up)
    assert len(verdicts) == 7
    assert all(verdict.rows > 0 and verdict.failing == [] for verdict in verdicts.values())
