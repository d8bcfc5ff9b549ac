"""Declared lineage against the code: one input column is changed at a time, and only columns that declare it may change.

Rows are compared by their key: which rows a table has is what its key columns follow from. Values are changed validly, so
that no step refuses them; what cannot be changed alone is listed with the reason.
"""

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

import polars as pl
import pytest

from pipelines.benchmark import answer_counts as counts
from pipelines.benchmark import averages, breakdowns, key_findings, question_answers, rates
from pipelines.benchmark.cases import participants
from pipelines.disclosure.protection import Protection
from pipelines.disclosure.shared import shared_findings, shared_table, with_cells
from pipelines.disclosure.suppression import finding_key
from pipelines.ingest.inbox import find_files
from pipelines.ingest.intake import judge, read_files
from pipelines.reference.municipalities import municipalities
from pipelines.release.provenance import PROTECTED
from pipelines.statistics import rounds, tables
from schemas.errors import BotilbudError
from schemas.lineage import origins, tables_with_lineage
from tests import scenario
from tests.scenario import CATALOGUE

# 153 reports for 161, and for 155 unless that hands in its own cases.
ROUND = scenario.ROUND.model_copy(update={"reports_for": {"153": ("155", "161")}})
CASES = {"101": 30, "147": 14, "151": 6, "153": 9, "157": 8, "159": 4, "183": 14, "461": 25, "479": 16, "751": 36}
NO_CASES = ("155", "563")
OF_ONE_CITIZEN = ("responses", "rejected_rows")
Frames = dict[str, pl.DataFrame]


class Step(NamedTuple):
    """A pure step: from input tables to the tables it makes, by asset."""

    inputs: Frames
    run: Callable[[Frames], Frames]


def answers(number: int) -> dict[str, str]:
    """Answers that differ from case to case, each question in its own rhythm."""
    given = {
        question.key: question.options[number * 7 // (3 + question.number % 4) % len(question.options)].label_da
        for question in CATALOGUE.closed_questions
    }
    return given | {
        "age": str(20 + number % 40),
        "in_residential_care": "Nej" if number % 11 == 10 else "Ja",
        "residential_cost_dkk": str(1_900_000 + 90_000 * (number % 7)),
        "day_programme_cost_dkk": str(50_000 * (number % 5)),
        "months_since_follow_up": str(number % 12),
        "comment": f"bemærkning {number}",
    }


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    root = tmp_path_factory.mktemp("lineage")
    for code, cases in CASES.items():
        scenario.hand_in(root, code, [scenario.row(code, n, **answers(n)) for n in range(cases)])
    scenario.hand_in(root, "101", [scenario.row("101", 1)], name="20221002T080000Z__foerste.csv")
    for code in NO_CASES:
        scenario.hand_in(root, code, [], name="20221101T080000Z__nulindberetning.csv")
    # One of 8 rows is rejected, and of another municipality 3 of 4, which rejects its file.
    bad = {"provider": "Regjonen", "age": "gammel"}
    good = [scenario.row("223", n, **answers(n)) for n in range(7)]
    scenario.hand_in(root, "223", [*good, scenario.row("223", 8, **bad)])
    scenario.hand_in(root, "219", [scenario.row("219", 1), *(scenario.row("219", n, **bad) for n in (2, 3, 4))])
    files, warnings = find_files(root / "inbox" / ROUND.name, now=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert not warnings
    return read_files(files, CATALOGUE)


@pytest.fixture(scope="module")
def material(inbox):
    """Every table up to the exact breakdowns, made by the code under test."""
    found = {"delivered_files": inbox.files, "delivered_rows": inbox.rows, "municipalities": municipalities()}
    residents = pl.col("municipality_code").cast(pl.Int64) * 7 % 900 * 10 + 2_000
    # Large beside the others, so that it is seen whether it takes part.
    residents = pl.when(municipality_code="155").then(90_000).otherwise(residents)
    found["population"] = municipalities().select(
        "municipality_code", population_18_66=residents, population_quarter=pl.lit("2022K4"), source=pl.lit("test")
    )
    for run in (judged, rated, averaged, funnel, counted, broken_down, findings):
        found |= run(found)
    return found


def judged(given: Frames) -> Frames:
    return judge(given["delivered_files"], given["delivered_rows"], ROUND, CATALOGUE)._asdict()


def without_names(areas: pl.DataFrame) -> pl.DataFrame:
    """Codes alone tell the areas apart, so that a municipality can move to another one by a change of one column."""
    return areas.with_columns(region_name=pl.lit("region"), municipality_group=pl.lit("group"))


def rated(given: Frames) -> Frames:
    taking_part = participants(given["delivery_log"])
    plain = rates.case_rates(given["responses"], given["population"], given["municipalities"], taking_part, ROUND)
    return {"case_rates": tables.with_statistics(plain, averages.area_averages(plain))}


def averaged(given: Frames) -> Frames:
    found = averages.area_averages(given["case_rates"])
    return {"area_averages": tables.with_spread(found, given["case_rates"])}


def funnel(given: Frames) -> Frames:
    return {"funnel_limits": tables.funnel_limits(given["case_rates"])}


def counted(given: Frames) -> Frames:
    taking_part = participants(given["delivery_log"])
    return {"answer_counts": counts.answer_counts(given["responses"], taking_part, CATALOGUE)}


def broken_down(given: Frames) -> Frames:
    of = given["answer_counts"], given["case_rates"]
    return {
        "target_groups": breakdowns.target_groups(*of),
        "provider_types": breakdowns.provider_types(*of),
        "question_answers": question_answers.question_answers(*of, CATALOGUE),
    }


def findings(given: Frames) -> Frames:
    found = key_findings.key_findings(given["responses"], ROUND.name)
    return {"key_findings": tables.with_share_limits(found, "numerator", "denominator")}


def changed_since(earlier: pl.DataFrame) -> Callable[[Frames], Frames]:
    return lambda given: {"round_changes": rounds.round_changes(earlier, given["case_rates"])}


def changed_until(later: pl.DataFrame) -> Callable[[Frames], Frames]:
    return lambda given: {"round_changes": rounds.round_changes(given["case_rates"], later)}


# How one column is changed -------------------------------------------------------------------------------------------


def rotated(column: pl.Series) -> pl.Series:
    """Every value moves to the next row."""
    return pl.concat([column[1:], column[:1]])


def turned(column: pl.Series) -> pl.Series:
    """Back to front, within lists as well."""
    return (column.list.reverse() if isinstance(column.dtype, pl.List) else column).reverse()


def grown(column: pl.Series) -> pl.Series:
    """Numbers by half and two, from the second row on; texts by a letter."""
    if column.dtype.is_numeric():
        more = pl.Series([0.0] + [1.0] * (len(column) - 1))
        return (column * (1 + more / 2) + more * 2).cast(column.dtype)
    return column + "x" if column.dtype == pl.String else column


def halved(column: pl.Series) -> pl.Series:
    return (column / 2).cast(column.dtype) if column.dtype.is_numeric() else column


def others(column: pl.Series) -> pl.Series:
    """Every word becomes the next of those that there are."""
    if column.dtype.is_numeric() or isinstance(column.dtype, pl.List):
        return column
    values = column.drop_nulls().unique().sort()
    return column.replace_strict(values, rotated(values), default=None, return_dtype=column.dtype)


def emptied(column: pl.Series) -> pl.Series:
    """Every third row is blank."""
    return pl.select(pl.when(pl.int_range(len(column)) % 3 > 0).then(column)).to_series()


def gone(status: pl.Series) -> pl.Series:
    """155, which has no cases, hands in nothing: its file comes after the two of 101, and those of 147, 151 and 153."""
    return pl.concat([status[:5], pl.Series(["superseded"]), status[6:]])


def moved(code: pl.Series) -> pl.Series:
    """163 hands in instead of 155."""
    return code.replace("155", "163")


WAYS = (rotated, turned, grown, halved, others)
# Where most ways would be no valid table: an area's name belongs to its code, answers may be blank, only a municipality
# without cases may be left out.
OTHER_WAYS = (
    {
        (table, name): (grown,)
        for table in ("case_rates", "municipalities")
        for name in ("region_name", "municipality_group")
    }
    | {
        ("delivery_log", "status"): (gone,),
        ("delivery_log", "municipality_code"): (moved,),
        ("responses", "municipality_code"): (rotated, turned, others),
    }
    | {("responses", key): (rotated, turned, others, emptied) for key in CATALOGUE.keys if key != "municipality_code"}
)


def changeable(step: Step) -> list[tuple[str, str]]:
    """The columns of a step's inputs, but those by which rows are matched."""
    return [
        (source, name)
        for source, frame in step.inputs.items()
        for name in frame.columns
        if name not in tables_with_lineage(CATALOGUE.version)[source].key
        or name.endswith("round")
        or (source, name) in OTHER_WAYS
    ]


def differing(asset: str, old: pl.DataFrame, new: pl.DataFrame) -> set[str]:
    """The columns that differ in the rows that both have; of a key column, whether its values do."""
    key = [name for name in tables_with_lineage(CATALOGUE.version)[asset].key if not name.endswith("round")]
    # Which rows are accepted and which are rejected follows from every answer.
    found = {name for name in key if set(old[name]) != set(new[name])} if asset not in OF_ONE_CITIZEN else set()
    if asset == "funnel_limits":  # the points of a drawing: the first of the one is the first of the other
        old, new = (frame.with_row_index("point") for frame in (old, new))
        key = ["point"]
    both = old.join(new, on=key, how="inner", suffix=" new", nulls_equal=True)
    return found | {name for name in old.columns if name not in key and not same(both[name], both[f"{name} new"])}


def same(old: pl.Series, new: pl.Series) -> bool:
    if old.dtype != pl.Float64:
        return old.equals(new.alias(old.name), null_equal=True)
    is_near = ((old - new).abs() <= 1e-9 * old.abs()).fill_null(value=True).all()
    return is_near and old.is_null().equals(new.is_null().alias(old.name))


def effects(step: Step, other_ways=OTHER_WAYS) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """By output column, the input columns whose change changes it."""
    before = step.run(step.inputs)
    found = {(asset, column): set() for asset, frame in before.items() for column in frame.columns}
    for source, name in changeable(step):
        column = step.inputs[source][name]
        ways = other_ways.get((source, name), WAYS)
        valid = 0
        for new in (way(column).alias(name) for way in ways):
            if new.equals(column, null_equal=True):
                continue
            try:
                after = step.run(step.inputs | {source: step.inputs[source].with_columns(new)})
            except BotilbudError:  # a step that refuses a table makes nothing of it
                continue
            valid += 1
            for asset in before:
                for changed in differing(asset, before[asset], after[asset]):
                    found[asset, changed].add((source, name))
        assert valid or column.n_unique() == 1, f"no way changes {source}.{name}"
    return found


def declared(step: Step, asset: str, column: str) -> set[tuple[str, str]]:
    changed = set(changeable(step))
    return {source for source in origins(asset, CATALOGUE.version)[column].sources if source in changed}


# The steps, and what no change of a value can show --------------------------------------------------------------------

# Codes and labels that are the same whatever the values: what they mean follows from the columns that they declare.
MEANING_ALONE = {
    ("area_averages", "area_type"),
    ("target_groups", "area_type"),
    ("provider_types", "area_type"),
    ("question_answers", "area_type"),
    ("answer_counts", "question"),
    ("answer_counts", "answer"),
    ("key_findings", "finding"),
    ("key_findings", "label_da"),
    ("round_changes", "warning_da"),
}
# Limits so wide that no change here takes a municipality across them; a change in the number of residents does.
TOO_WIDE_TO_SEE = ("case_rates", "funnel_label_overdispersed")
STEPS = {
    rated: ("responses", "delivery_log", "population", "municipalities"),
    averaged: ("case_rates",),
    funnel: ("case_rates",),
    counted: ("responses", "delivery_log"),
    broken_down: ("answer_counts", "case_rates"),
    findings: ("responses",),
}


def require_declared(step: Step, found) -> None:
    extra = {at: by - declared(step, *at) for at, by in found.items()}
    assert not {at: by for at, by in extra.items() if by}, "columns change that do not say so"


def require_true(step: Step, found) -> None:
    require_declared(step, found)
    unseen = {*MEANING_ALONE, TOO_WIDE_TO_SEE}
    missing = {at: declared(step, *at) - by for at, by in found.items() if at not in unseen}
    assert not {at: by for at, by in missing.items() if by}, "columns do not change that say so"


@pytest.mark.slow
@pytest.mark.parametrize("run", STEPS, ids=lambda run: run.__name__)
def test_a_column_changes_with_exactly_the_columns_that_it_declares(run, material):
    step = Step({name: material[name] for name in STEPS[run]}, run)
    if run is rated:
        step.inputs["municipalities"] = without_names(material["municipalities"])
    require_true(step, effects(step))


def test_a_change_between_rounds_follows_from_exactly_the_columns_that_it_declares(material):
    now = material["case_rates"]
    before = now.with_columns(round=pl.lit("2020-10-01"), cases=pl.col("cases") + 1)
    later, earlier = Step({"case_rates": now}, changed_since(before)), Step({"case_rates": before}, changed_until(now))
    found = effects(later)
    for at, by in effects(earlier).items():
        found[at] |= by
    require_true(later, found)


# From deliveries to answers: one valid answer for another changes that answer alone, and a faulty one takes its row out.


def spelled(code: pl.Series) -> pl.Series:
    """The same municipality in another way."""
    return "0" + code


def few_spoilt(column: pl.Series) -> pl.Series:
    return pl.concat([pl.Series(["?"] * 5), column[5:]])


def many_spoilt(column: pl.Series) -> pl.Series:
    """So many that the file is rejected."""
    return pl.concat([pl.Series(["?"] * 15), column[15:]])


def turned_on(flag: pl.Series) -> pl.Series:
    return pl.Series([n < 15 or value for n, value in enumerate(flag)])


def rejected(rule: pl.Series) -> pl.Series:
    return pl.concat([rule[:4], pl.Series(["unreadable"]), rule[5:]])


def hundredfold(number: pl.Series) -> pl.Series:
    return number * 100


def noted(warnings: pl.Series) -> pl.Series:
    return pl.Series([["bemærkning"]] * len(warnings))


FILE_WAYS = {
    ("delivered_files", "rule"): (rejected,),
    ("delivered_files", "message"): (rejected,),
    ("delivered_files", "rows"): (grown, hundredfold),
    ("delivered_files", "municipality_code"): (rotated, turned),
    ("delivered_files", "sha256"): (rotated,),
    ("delivered_files", "warnings"): (noted,),
    ("delivered_rows", "surplus_fields"): (turned_on,),
    ("delivered_rows", "cpr_elsewhere"): (turned_on,),
}


@pytest.mark.slow
def test_another_valid_answer_changes_that_answer_and_what_is_computed_from_it(material):
    rows = material["delivered_rows"].filter(pl.col("provider") != "Regjonen")
    step = Step({"delivered_files": material["delivered_files"], "delivered_rows": rows}, judged)
    valid = {("delivered_rows", key): (others,) for key in CATALOGUE.keys}
    found = effects(step, FILE_WAYS | valid | {("delivered_rows", "municipality_code"): (spelled,)})
    require_declared(step, found)
    answers_alone = {key: {("delivered_rows", key)} for key in CATALOGUE.keys if key != "municipality_code"}
    assert {key: found["responses", key] for key in answers_alone} == answers_alone
    costs = {("delivered_rows", "residential_cost_dkk"), ("delivered_rows", "day_programme_cost_dkk")}
    assert found["responses", "total_cost_dkk"] == costs
    for column in ("eligible", "out_of_scope_reason"):
        assert found["responses", column] == costs | {("delivered_rows", "in_residential_care")}


@pytest.mark.slow
def test_a_faulty_answer_changes_nothing_in_the_rows_that_are_accepted_all_the_same(material):
    step = Step({name: material[name] for name in ("delivered_files", "delivered_rows")}, judged)
    spoilt = {("delivered_rows", key): (few_spoilt, many_spoilt) for key in (*CATALOGUE.keys, "folder_code")}
    found = effects(step, FILE_WAYS | spoilt)
    require_declared(step, found)
    # What is spoilt is no fault in a text, which may be anything.
    assert {key for key in CATALOGUE.keys if found["responses", key]} == {"case_id", "comment"}
    harmless = {("delivered_rows", "comment"), ("delivered_files", "rows")}
    for column in ("status", "rule", "eligible"):
        assert declared(step, "delivery_log", column) - found["delivery_log", column] <= harmless


# From exact to shared tables, given what becomes of every cell: what is hidden follows from all counts together, which is
# declared as such; the search for it needs counts that add up, so that no column of them can be changed alone.


def protected(given: Frames) -> Frames:
    breakdowns_ = {name: given[name] for name in ("target_groups", "provider_types", "question_answers")}
    cells = [cell for frame in breakdowns_.values() for cell in with_cells(frame)["cell"]]
    municipal = {cell: 3 for cell in cells if cell.startswith("municipality/") and "provider_type" in cell}
    hidden = frozenset(cell for n, cell in enumerate(cells) if n % 5 == 0 and cell not in municipal)
    protection = Protection(hidden | {finding_key("sentence")}, municipal, 3, frozenset())
    found = {
        PROTECTED[name]: shared_table(frame, given["case_rates"], protection) for name, frame in breakdowns_.items()
    }
    return found | {PROTECTED["key_findings"]: shared_findings(given["key_findings"], protection)}


@pytest.mark.slow
def test_what_is_shared_of_a_table_changes_only_with_the_columns_that_it_declares(material):
    inputs = ("case_rates", "target_groups", "provider_types", "question_answers", "key_findings")
    step = Step({name: material[name] for name in inputs}, protected)
    found = effects(step)
    require_declared(step, found)
    for (asset, column), by in found.items():
        exact = (asset.removeprefix("shared_"), column)
        assert exact not in declared(step, asset, column) or exact in by
