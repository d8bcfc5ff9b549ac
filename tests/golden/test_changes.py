"""What differs between two releases and why: small tables, every difference visible."""

import polars as pl
import pytest

from pipelines.release.basis import origin
from pipelines.release.changes import Causes, Explanations, TableOfRelease, causes, changes
from schemas import tables
from schemas.errors import ReleaseError
from tests.release_scenario import basis, filled, rates
from tests.scenario import ROUND

BEFORE = {"101": 3, "147": 2}


def manifest(cases, **options):
    return {"round": ROUND.name} | origin(basis(cases, **options))


def compared(cases_before, cases_now, *tables_of_release, before=None, now=None):
    before = manifest(cases_before) if before is None else before
    now = manifest(cases_now, files="second") if now is None else now
    frames = [rates(cases_before), rates(cases_now)]
    found = changes(tables_of_release, Explanations(before, now, before, frames))
    return [tuple(row) for row in found.iter_rows()]


def of_rates(before, now):
    return TableOfRelease("shared/case_rates.parquet", tables.CASE_RATES, rates(before), rates(now))


def test_one_municipality_that_corrects_a_row_moves_its_figures_and_the_ranks_of_others():
    now = {"101": 1, "147": 2}
    before = manifest(BEFORE)
    # Only 101 handed in again.
    after = manifest(BEFORE)
    after["inputs"]["deliveries"][ROUND.name]["101"] = {
        "current": "second 1",
        "files": ["first", "first 3", "second 1"],
    }
    assert compared(BEFORE, now, of_rates(BEFORE, now), before=before, now=after) == [
        ("shared/case_rates.parquet", "municipality_code=101", "cases", "3", "1", "corrected_delivery"),
        ("shared/case_rates.parquet", "municipality_code=101", "rank", "1", "2", "corrected_delivery"),
        ("shared/case_rates.parquet", "municipality_code=101", "rate_per_1000", "3.0", "1.0", "corrected_delivery"),
        ("shared/case_rates.parquet", "municipality_code=147", "rank", "2", "1", "corrected_delivery"),
    ]


def test_a_late_municipality_comes_with_all_its_values():
    now = BEFORE | {"151": 0}
    rows = compared(BEFORE, now, of_rates(BEFORE, now), now=manifest(now))
    assert {(key, reason) for _, key, _, _, _, reason in rows} == {("municipality_code=151", "late_delivery")}
    shown = {column: (old, new) for _, _, column, old, new, _ in rows}
    assert shown["cases"] == (None, "0")
    assert set(shown) == {
        field.name
        for field in tables.CASE_RATES.fields
        if field.name not in ("round", "municipality_code", "reports_for")  # null stays null
    }


def test_a_population_of_another_quarter_moves_rates_and_not_cases():
    now = manifest(BEFORE, quarter="2020K1")
    revised = rates(BEFORE, {"101": 1_500, "147": 2_000})
    table = TableOfRelease("shared/case_rates.parquet", tables.CASE_RATES, rates(BEFORE), revised)
    rows = compared(BEFORE, BEFORE, table, now=now)
    assert [(column, old, new, reason) for _, _, column, old, new, reason in rows] == [
        ("population_18_66", "1000", "1500", "population_revised"),
        ("rate_per_1000", "3.0", "2.0", "population_revised"),
    ]


def test_two_causes_at_once_are_both_named_where_both_may_be_why():
    now = {"101": 4, "147": 2}
    rows = compared(BEFORE, now, of_rates(BEFORE, now), now=manifest(now, files="second", quarter="2020K1"))
    reasons = {(key, column): reason for _, key, column, _, _, reason in rows}
    assert reasons["municipality_code=101", "cases"] == "corrected_delivery"
    assert reasons["municipality_code=101", "rate_per_1000"] == "corrected_delivery+population_revised"


def test_a_value_that_nothing_explains_stops_the_release_without_being_told():
    now = {"101": 3, "147": 9}
    after = manifest(BEFORE)
    after["inputs"]["deliveries"][ROUND.name]["101"] = {
        "current": "second 3",
        "files": ["first", "first 3", "second 3"],
    }
    with pytest.raises(ReleaseError) as stopped:
        compared(BEFORE, now, of_rates(BEFORE, now), now=after)
    # 101 handed in again; that 147 has other cases does not follow from it. That its rank changes might.
    assert "shared/case_rates.parquet (cases, rate_per_1000)" in str(stopped.value)
    assert "9" not in str(stopped.value)


def test_a_delivery_that_is_gone_explains_nothing():
    gone = {"101": 3}
    with pytest.raises(ReleaseError, match="Lay back deliveries"):
        compared(BEFORE, gone, of_rates(BEFORE, gone), now=manifest(gone))


def test_another_method_explains_everything():
    now = {"101": 3, "147": 9}
    before = manifest(BEFORE) | {"methodVersion": "0"}
    rows = compared(BEFORE, now, of_rates(BEFORE, now), before=before, now=manifest(BEFORE))
    assert {row[-1] for row in rows} == {"method_version"}


def test_a_changed_setting_of_the_round_is_another_method():
    before = manifest(BEFORE)
    before["settings"] = before["settings"] | {"rounding_base": 5}
    assert causes(before, manifest(BEFORE), ROUND.name) == Causes(method=True)


def test_answers_are_compared_case_by_case_wherever_they_stand_in_the_file():
    table = tables.responses(ROUND.questionnaire)
    rows = [
        {"municipality_code": "101", "case_id": case, "age": age, "file": "a.csv", "row": row}
        for row, (case, age) in enumerate([("a", 30), ("b", 40)], start=2)
    ]
    moved = [row | {"file": "b.csv", "row": 9 - row["row"]} for row in reversed(rows)]
    moved[0] |= {"age": 41}
    before, now = (responses(table, each) for each in (rows, moved))
    path = "municipalities/101/responses.parquet"
    assert compared(BEFORE, {"101": 4, "147": 2}, TableOfRelease(path, table, before, now)) == [
        (path, "municipality_code=101; case_id=b", "age", "40", "41", "corrected_delivery")
    ]


def responses(table, rows):
    answers = {field.name: field.dtype.categories[0] for field in table.fields if isinstance(field.dtype, pl.Enum)}
    return filled(table, [answers | row for row in rows])


def test_a_region_moves_only_by_its_own_municipalities_unless_a_cell_is_hidden():
    # 101, 147 and 151 are in region 084; another region's count cannot move by them.
    def groups(cases, status="published"):
        row = {"area_type": "region", "area_code": "081", "cases": cases, "value_status": status}
        return filled(tables.RELEASED_TARGET_GROUPS, [row | {"target_group_level": "main", "target_group": "mental"}])

    now = {"101": 4, "147": 2}
    path = "shared/target_groups.parquet"
    with pytest.raises(ReleaseError, match=r"target_groups.parquet \(cases\)"):
        compared(BEFORE, now, TableOfRelease(path, tables.RELEASED_TARGET_GROUPS, groups(7), groups(8)))
    # Which cells are hidden beside a small one depends on all areas.
    hidden = TableOfRelease(path, tables.RELEASED_TARGET_GROUPS, groups(7), groups(None, "suppressed"))
    assert [row[2:] for row in compared(BEFORE, now, hidden)] == [
        ("cases", "7", None, "corrected_delivery"),
        ("value_status", "published", "suppressed", "corrected_delivery"),
    ]


def test_a_file_that_does_not_count_moves_the_log_of_deliveries_and_nothing_else():
    after = manifest(BEFORE)
    after["inputs"]["deliveries"][ROUND.name]["101"]["files"].append("a rejected one")
    found = causes(manifest(BEFORE), after, ROUND.name)
    assert found == Causes()
    of_log = causes(manifest(BEFORE), after, ROUND.name, any_file=True)
    assert of_log == Causes(corrected=frozenset({"101"}))


def test_an_earlier_rounds_late_delivery_explains_the_changes_between_rounds():
    earlier_round = "2021-10-01"

    def with_earlier(cases):
        document = manifest(BEFORE)
        document["inputs"]["deliveries"][earlier_round] = {
            code: {"current": str(number), "files": [str(number)]} for code, number in cases.items()
        }
        return document

    def between(cases):
        row = {"earlier_round": earlier_round, "later_round": ROUND.name, "municipality_code": "101"}
        return filled(tables.ROUND_CHANGES, [row | {"earlier_cases": cases}])

    table = TableOfRelease("shared/round_changes.parquet", tables.ROUND_CHANGES, between(1), between(2))
    rows = compared(BEFORE, BEFORE, table, before=with_earlier({"147": 5}), now=with_earlier({"147": 5, "101": 2}))
    assert [row[2:] for row in rows] == [("earlier_cases", "1", "2", "late_delivery")]
