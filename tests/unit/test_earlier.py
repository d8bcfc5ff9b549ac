"""What earlier releases leave of the next one, what is hidden in repair, and what a refusal says. All cases are made up."""

import polars as pl
import pytest

from pipelines.disclosure.audit import OUTSIDER, Failure
from pipelines.disclosure.candidate import AreaTypeReport, Report, is_same
from pipelines.disclosure.earlier import (
    FIGURES_FROM,
    TABLES,
    changed_areas,
    release_of_figures,
    released_numbers,
    settled_cells,
)
from pipelines.disclosure.figures import Leak
from pipelines.disclosure.repair import rows_of
from pipelines.disclosure.report import audit_table, refusal
from schemas import tables
from schemas.errors import DisclosureError
from schemas.tables import failures
from tests.golden.benchmark_scenario import CATALOGUE, cases
from tests.unit.test_candidate import COUNTRY, EVERYONE, FIRST, by_provider, exact, municipal, release, rounded_to

BEFORE = exact(*EVERYONE)
ONE_MORE = exact(*EVERYONE, cases(FIRST, 1))
GROUP_1_OF_THE_CAPITAL = {("region", "084"), ("municipality_group", "1"), ("country", "000")}


def test_one_case_more_changes_its_municipality_and_all_its_areas():
    assert changed_areas(release(BEFORE), release(ONE_MORE)) == GROUP_1_OF_THE_CAPITAL | {("municipality", FIRST)}
    assert changed_areas(release(BEFORE), release(BEFORE)) == set()


def test_a_municipality_that_goes_changes_its_areas():
    without = exact(*EVERYONE[1:], codes=[code for code in BEFORE["case_rates"]["municipality_code"] if code != FIRST])
    assert ("municipality", FIRST) in changed_areas(release(BEFORE), release(without))
    assert changed_areas(release(BEFORE), release(without)) > GROUP_1_OF_THE_CAPITAL


def test_cells_of_unchanged_areas_stay_shown_or_hidden():
    shown = release(BEFORE, {"provider_types": COUNTRY})
    cells = {f"country/000/provider_type/{provider}" for provider in ("municipal", "regional", "private")}
    assert cells == {cell for cell in settled_cells([shown], release(BEFORE)).published if "provider_type/" in cell}
    assert cells.isdisjoint(settled_cells([shown], release(BEFORE)).withheld)
    assert "country/000/gender/female" in settled_cells([shown], release(BEFORE)).withheld
    assert "finding/000/finding/sentence" in settled_cells([shown], release(BEFORE)).withheld
    # Where a case came, nothing of the area is settled.
    assert settled_cells([shown], release(ONE_MORE)).published == frozenset()
    assert f"municipality/{FIRST}/provider_type/private" not in settled_cells([shown], release(ONE_MORE)).withheld


def test_a_rounded_number_is_kept_with_the_count_behind_it():
    # 6, 3 and 2 cases; the 2 was drawn up.
    private = municipal(FIRST) & (pl.col("provider_type") == "private")
    shared = rounded_to(release(BEFORE).shared["provider_types"], private, 3)
    numbers = released_numbers([release(BEFORE, provider_types=shared)], CATALOGUE)
    assert numbers == {(f"municipality/{FIRST}/provider_type/private", 2, 3): 3}


def with_figures_from(one, id_):
    return {name: one.shared[name].with_columns(pl.lit(id_, pl.String).alias(FIGURES_FROM)) for name in TABLES}


def test_tables_that_name_an_earlier_release_must_be_its():
    shown, other = release(BEFORE, {"provider_types": COUNTRY}), release(BEFORE)
    earlier = {"0123": type(shown)(shown.shared | with_figures_from(shown, None), shown.answer_counts)}
    assert release_of_figures(with_figures_from(shown, None), earlier) is None
    assert release_of_figures(with_figures_from(shown, "0123"), earlier) == "0123"
    for tables_ in (
        with_figures_from(other, "0123"),
        with_figures_from(shown, "4567"),
        with_figures_from(shown, "0123") | {"key_findings": with_figures_from(shown, None)["key_findings"]},
    ):
        with pytest.raises(DisclosureError, match="not those of the release that they name"):
            release_of_figures(tables_, earlier)


def test_releases_are_the_same_if_they_show_the_same_of_the_same_cases():
    shown = release(BEFORE, {"provider_types": COUNTRY})
    assert is_same(shown, release(BEFORE, {"provider_types": COUNTRY}))
    assert not is_same(shown, release(BEFORE))
    assert not is_same(release(BEFORE), release(exact(*EVERYONE[1:], by_provider(FIRST, 5, 4, 2))))


def test_what_was_found_out_is_hidden_with_its_question_its_roll_ups_and_its_findings():
    found = [Failure("part/084+1/provider/region", "exact", OUTSIDER)]
    cells = rows_of(found, [("country", "000"), ("region", "084")], CATALOGUE)
    assert {"country/000/provider/region", "region/084/provider_type/private"} < cells
    assert {cell for cell in cells if cell.startswith("finding")} == {
        f"finding/000/finding/provider_{provider}" for provider in ("municipal", "regional", "private")
    }
    assert {cell.split("/")[2] for cell in cells} == {"provider", "provider_type", "finding"}


def test_a_finding_that_is_found_out_is_hidden_with_the_answers_that_it_repeats():
    tied = rows_of([Failure("finding/000/finding/sentence", "exact", "183")], [("country", "000")], CATALOGUE)
    assert {"country/000/sentence/none", "finding/000/finding/sentence"} < tied
    alone = rows_of([Failure("finding/000+rest/finding/under_35", "exact", OUTSIDER)], [("country", "000")], CATALOGUE)
    assert alone == {"finding/000/finding/under_35"}


REPORT = Report(
    area_types=(AreaTypeReport("country", 9, 2, 0, 2, 3, 0, 0), AreaTypeReport("municipality", 7, 0, 7, 0, None, 2, 1)),
    attackers=7,
    releases=1,
    failures=(
        Failure("municipality/183/provider_type/private", "exact", OUTSIDER),
        Failure("earlier release 1: region/084/sentence/other", "narrow", "461"),
    ),
    leaks=(Leak("provider_types", "municipality/183/provider_type/private", "share", "left in"),),
)


def test_a_refusal_counts_and_names_no_municipality_and_no_answer():
    said = refusal(REPORT)
    assert "1 of municipality (exact by an outsider)" in said
    assert "1 of region (narrow by a participant)" in said
    assert "provider_types.share: left in (1 rows)" in said
    for told in ("183", "461", "084", "private", "sentence"):
        assert told not in said


def test_the_report_is_a_table_that_follows_its_schema():
    table = audit_table(REPORT, "2022-10-01", checksum="0" * 64, earlier=["b", "a"])
    assert failures(table, tables.DISCLOSURE_AUDIT) == {}
    assert table["earlier_releases"].to_list() == [["a", "b"]] * 2
    assert table.row(1, named=True)["exposed_cells"] == 2
