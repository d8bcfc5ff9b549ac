"""What holds of every number in every report: it is where it says it is from."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reports import findings, sentences
from pipelines.reports.document import Document, Paragraph, Section, Source
from pipelines.reports.lookup import (
    check_numbers,
    checked,
    number,
    own_tables,
    rate_summary,
    said,
    shared_tables,
    together,
    value,
)
from schemas.errors import ReleaseError, TableError
from tests.golden import report_scenario as scenario
from tests.unit.ingest_scenario import costly_property_test

PLACE = {"municipality_code": "183"}


@pytest.fixture(scope="module")
def named():
    return scenario.named("183")


@given(st.dictionaries(st.sampled_from(list(scenario.RESIDENTS)), st.integers(0, 60), min_size=1, max_size=3))
@pytest.mark.slow
@costly_property_test
def test_every_number_of_every_sentence_is_its_sources(cases):
    made = scenario.release(cases, earlier={"183": 7, "151": 0})
    everybody = shared_tables(made.published, scenario.ROUND)
    told = [
        findings.extent(everybody, scenario.ROUND),
        findings.averages(everybody),
        findings.differing(everybody),
        findings.participation(everybody),
        findings.spread(everybody),
        findings.few_participants(everybody, scenario.ROUND),
        *(findings.finding(everybody, code) for code in made.published.key_findings["finding"]),
    ]
    if made.published.round_changes.height:
        told += findings.since_round_before(everybody)
    assert [check_numbers(paragraph, everybody) for paragraph in told if paragraph] == [[] for p in told if p]
    for code in cases:
        own = everybody | own_tables(made.own[code], code)
        of_one = [
            tell(own, code)
            for tell in (
                sentences.rate,
                sentences.interval,
                sentences.with_country,
                sentences.with_region_and_group,
                sentences.rank,
                sentences.sensitivity,
                sentences.funnel,
                sentences.change_since,
            )
        ]
        of_one += [tell(own, scenario.CATALOGUE) for tell in (sentences.largest_group, sentences.largest_provider)]
        assert [check_numbers(paragraph, own) for paragraph in of_one if paragraph] == [[] for p in of_one if p]


def test_a_number_is_looked_up_by_its_key(named):
    assert value(named, Source("case_rates", PLACE, "cases")) == 14


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (Source("case_rates", {"municipality_code": "999"}, "cases"), "has no row"),
        (Source("case_rates", {}, "cases"), "has 5 rows"),
        (Source("case_rates", PLACE, "dogs"), "has no column"),
        (Source("case_rates", PLACE, "reports_for"), "is not shown"),
    ],
)
def test_a_place_that_is_not_one_number_is_an_error(named, source, fault):
    with pytest.raises(TableError, match=fault):
        value(named, source)


def test_places_and_sources_must_be_as_many(named):
    with pytest.raises(TableError, match="2 places for 1 numbers"):
        said(named, "# og #", Source("case_rates", PLACE, "cases"))


@pytest.mark.parametrize(
    ("figure", "column", "written"),
    [
        (1_675_647, "population_18_66", "1.675.647"),
        (0.965, "rate_per_1000", "0,97"),  # halves away from zero
        (0.61, "share", "61"),
        (0.0130177, "share", "1,3"),
        (0.0, "share_ci95_lower", "0"),
        (0.0195, "share", "2"),
        (0.0231, "share_ci95_upper", "2,3"),
        (7.2, "times_lowest", "7,2"),
    ],
)
def test_a_number_is_written_by_its_column(figure, column, written):
    assert number(figure, column) == written


def test_what_is_not_there_is_left_out_of_what_is_told_together():
    told = together(Paragraph("Et."), None, Paragraph("To."))
    assert told == Paragraph("Et. To.")


def test_a_report_with_a_number_from_nowhere_is_not_made(named):
    wrong = Document("Rapport", "", Paragraph("Der er 15 sager."), [Section("Tal", 1, [])], {})
    with pytest.raises(ReleaseError, match="Rapport, lead: 1 numbers, and 0 sources"):
        checked(wrong, named)


def test_rates_of_no_cases_have_no_spread():
    rates = scenario.release({"183": 0, "151": 0}).published.case_rates
    summary = rate_summary(rates).row(0, named=True)
    assert (summary["with_cases"], summary["without_cases"], summary["times_lowest"]) == (0, 2, None)
    assert rate_summary(pl.DataFrame(schema=rates.schema)).height == 1
