"""Suppression: what is hidden at once, what is hidden with it, and what nobody can compute then."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.settings import PROJECT
from pipelines.benchmark import answer_counts, cases, key_findings, rates
from pipelines.disclosure.areas import shown_areas
from pipelines.disclosure.audit import audit, bounds
from pipelines.disclosure.cube import margins, protect, protected
from pipelines.disclosure.pattern import Cell, Insider, find_pattern
from pipelines.disclosure.protection import municipal_rows, rounding, suppression
from pipelines.disclosure.shared import shared_findings
from pipelines.disclosure.suppression import (
    Municipal,
    Tables,
    finding_key,
    public_knowledge,
    systems,
)
from pipelines.disclosure.utility import utility
from pipelines.ingest.intake import take_inbox
from pipelines.reference.municipalities import municipalities
from schemas.errors import BotilbudError
from tests.golden import disclosure_scenario as scenario
from tests.scenario import ROUND

pytestmark = pytest.mark.slow

SAMPLES = PROJECT.parent / "shared" / "samples" / ROUND.name
MUNICIPAL_QUESTIONS = ("target_group", "provider")
SECRET = b"a secret that is made up for tests"


# The search ----------------------------------------------------------------------------------------------------------


def row(*counts, hidden=(), width=0):
    cells = {
        f"c{number}": Cell(count, hidden=number in hidden, cost=1_000.0 + count, width=width if number in hidden else 0)
        for number, count in enumerate(counts)
    }
    cells["total"] = Cell(sum(counts))
    return cells, [("total", [f"c{number}" for number in range(len(counts))])]


def test_a_single_hidden_cell_takes_the_cheapest_other_with_it():
    cells, sums = row(9, 2, 7, hidden=(1,), width=3)
    assert find_pattern(cells, sums, []) == ({"c1", "c2"}, frozenset())


def test_hidden_cells_that_protect_each_other_need_no_other():
    # 4 + 2 hidden: each is 0 to 6.
    cells, sums = row(9, 4, 2, hidden=(1, 2), width=3)
    assert find_pattern(cells, sums, []).hidden == {"c1", "c2"}


def test_an_insider_who_knows_the_other_hidden_cell_makes_a_third_one_needed():
    cells, sums = row(9, 4, 2, hidden=(1, 2), width=3)
    assert find_pattern(cells, sums, [Insider(frozenset({"c1"}))]).hidden == {"c0", "c1", "c2"}


def test_a_count_that_nothing_can_protect_is_told():
    cells, sums = row(0, 2, hidden=(1,), width=3)
    cells["c0"] = Cell(0)
    assert find_pattern(cells, sums, []) == ({"c1"}, {"c1"})


# The project's tables ------------------------------------------------------------------------------------------------


def shortfall(tables, threshold, method, done):
    """How much the worst interval of a small count lacks, in the eyes of the outsider and of each insider; 0 if nothing."""
    worst = 0
    for system in systems(tables, threshold, method):
        public = public_knowledge(system, done.hidden)
        for insider in (Insider(frozenset()), *system.insiders):
            knows = dict(public)
            for cell, part in insider.parts.items():
                knows[cell] = (max(knows[cell][0], part), knows[cell][1])
            for cell in insider.known:
                knows[cell] = (system.cells[cell].count,) * 2
            targets = {
                name: insider.widths.get(name, cell.width)
                for name, cell in system.cells.items()
                if cell.width and name not in insider.known
            }
            found = bounds(knows, system.relations, targets)
            worst = min([worst, *(high - low - targets[name] for name, (low, high) in found.items())])
    return worst


def test_small_counts_and_zeros_of_a_municipality_are_hidden_and_large_ones_partly_stay():
    tables = scenario.tables(questions=MUNICIPAL_QUESTIONS)
    done = suppression(tables, 5)
    for cells in municipal_rows(tables).values():
        total = sum(cells.values())
        assert all(cell in done.hidden for cell, count in cells.items() if count < 5 or total < 5 or count == total)
    counts = {cell: count for cells in municipal_rows(tables).values() for cell, count in cells.items()}
    assert sum(count for cell, count in counts.items() if cell not in done.hidden) > 0
    assert done.unsafe == frozenset()


@pytest.mark.parametrize("zeros", ["hidden", "shown"])
def test_no_small_count_has_a_narrow_interval_for_the_outsider_or_any_insider(zeros):
    tables = scenario.tables(questions=("provider",))
    done = suppression(tables, 5, zeros)
    assert done.unsafe == frozenset()
    assert shortfall(tables, 5, Municipal(zeros=zeros), done) == 0


def test_the_pattern_is_the_same_every_time():
    tables = scenario.tables(questions=("provider",))
    assert suppression(tables, 5) == suppression(tables, 5)


def test_a_count_that_an_earlier_release_shows_protects_nothing_any_more():
    tables = scenario.tables(questions=("provider",))
    first = suppression(tables, 5).hidden
    cells = {cell: count for cells in municipal_rows(tables).values() for cell, count in cells.items()}
    shown_once = next(cell for cell in sorted(first) if cells.get(cell, 0) >= 5)
    later = replace(tables, published={shown_once})
    done = suppression(later, 5)
    assert done.hidden - first
    assert shortfall(tables, 5, Municipal(), replace(done, hidden=done.hidden - {shown_once})) == 0


def test_zeros_of_areas_are_shown():
    tables = scenario.tables(questions=("sentence",))
    hidden = suppression(tables, 5).hidden
    counts = tables.answer_counts.group_by("answer").agg(pl.col("cases").sum()).filter(pl.col("cases") == 0)
    assert not any(scenario.country_key("sentence", answer) in hidden for answer in counts["answer"])


def test_a_threshold_below_3_is_refused():
    with pytest.raises(BotilbudError, match="set it to 3 or more"):
        suppression(scenario.tables(questions=()), 2)
    with pytest.raises(BotilbudError, match="set it to 3 or more"):
        protect(scenario.cube(3, 10), 2)


def test_a_small_finding_is_hidden_and_so_is_the_answer_that_it_repeats():
    tables = scenario.tables(totals=[9] * 24, questions=("special_psychiatric_place",))
    one_yes = (pl.col("municipality_code") == tables.case_rates["municipality_code"][0]) & (pl.col("answer") == "yes")
    counts = tables.answer_counts.with_columns(
        cases=pl.when(one_yes).then(2).when(pl.col("answer") == "yes").then(0).otherwise(9).cast(pl.Int64)
    ).with_columns(
        cases=pl.when(pl.col("municipality_code") == tables.case_rates["municipality_code"][0])
        .then(pl.when(pl.col("answer") == "yes").then(2).otherwise(7))
        .otherwise("cases")
        .cast(pl.Int64)
    )
    done = suppression(
        Tables(
            counts, tables.case_rates, tables.catalogue, {"special_psychiatric_place": (2, 200), "under_35": (90, 200)}
        ),
        5,
    )
    assert {
        finding_key("special_psychiatric_place"),
        scenario.country_key("special_psychiatric_place", "yes"),
    } <= done.hidden
    findings = pl.DataFrame(
        {"finding": ["special_psychiatric_place", "under_35"], "numerator": [2, 90], "share": [0.01, 0.4]}
    )
    assert shared_findings(findings, done).rows() == [
        ("special_psychiatric_place", None, None, None),
        ("under_35", 90, 0.4, None),
    ]


# Areas ---------------------------------------------------------------------------------------------------------------


def rates_of(parts):
    rows = [(region, group) for (region, group), size in parts.items() for _ in range(size)]
    return pl.DataFrame(rows, schema={"region_code": pl.String, "municipality_group_code": pl.String}, orient="row")


def shown(parts):
    return {(kind, code): is_shown for kind, code, is_shown in shown_areas(rates_of(parts), 5).iter_rows()}


def test_groups_with_enough_participants_are_shown():
    areas = shown({("081", "1"): 3, ("081", "2"): 4, ("082", "1"): 5, ("082", "2"): 2})
    assert all(areas.values())


def test_a_group_with_few_participants_takes_the_next_smallest_with_it():
    areas = shown(
        {("081", "1"): 2, ("081", "2"): 9, ("082", "2"): 3, ("081", "3"): 5, ("082", "3"): 4, ("082", "4"): 8}
    )
    assert [code for (kind, code), is_shown in areas.items() if kind == "municipality_group" and not is_shown] == [
        "1",
        "4",
    ]


def test_a_group_that_is_a_region_but_for_few_municipalities_is_hidden():
    # The region less the group would be 2 municipalities.
    areas = shown({("081", "1"): 7, ("081", "2"): 2, ("082", "2"): 9})
    assert areas["region", "081"]
    assert not areas["municipality_group", "1"]


# Cubes ---------------------------------------------------------------------------------------------------------------


def exposed(cube, threshold, hidden, lower_bound, *, totals_known=False, own=None):
    """The small counts that are known too well: exactly, or within less than 3 and their municipality's total."""
    counts, relations = margins(cube)
    unseen = {
        cell
        for cell in hidden
        if not (totals_known and cell.endswith("|total|total")) and not cell.startswith(f"{own}|")
    }
    return [
        cell
        for cell, (low, high) in audit(counts, relations, unseen, lower_bound).items()
        if 0 < counts[cell] < threshold and high - low < min(3, counts[f"{cell.split('|')[0]}|total|total"])
    ]


def test_no_small_count_of_a_cube_is_known_to_outsider_or_insider():
    cube = scenario.cube(30, 420)
    hidden, unsafe = protected(cube, 5)
    counts = margins(cube).cells
    assert unsafe == frozenset()
    assert {cell for cell, count in counts.items() if 0 < count < 5} <= hidden
    for own in (None, "m00", "m13", "m29"):
        assert exposed(cube, 5, hidden, 0, own=own) == []
        assert exposed(cube, 5, hidden, 0, own=own, totals_known=True) == []
    assert exposed(cube, 5, hidden, 1) == []


def test_a_cube_with_hidden_zeros_shows_every_total_of_a_municipality():
    cube = scenario.cube(30, 420)
    hidden = protect(cube, 5, "hidden")
    counts = margins(cube).cells
    assert not any(cell.endswith("|total|total") for cell in hidden)
    assert all(cell in hidden for cell, count in counts.items() if count == 0 and not cell.startswith("total|"))
    assert exposed(cube, 5, hidden, 0) == []


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    st.integers(3, 5),
    st.lists(st.lists(st.integers(0, 7), min_size=6, max_size=6), min_size=4, max_size=8),
)
def test_no_small_count_of_any_cube_is_known_unless_it_is_told(threshold, counts):
    cube = {
        (f"m{m}", f"g{number // 2}", f"p{number % 2}"): count
        for m, row_ in enumerate(counts)
        for number, count in enumerate(row_)
    }
    hidden, unsafe = protected(cube, threshold)
    assert set(exposed(cube, threshold, hidden, 0)) <= unsafe
    assert set(exposed(cube, threshold, hidden, 0, totals_known=True)) <= unsafe


# Utility and samples -------------------------------------------------------------------------------------------------


def test_the_utility_report_has_both_methods_at_every_setting():
    report = pl.concat(utility(scenario.tables(questions=("provider",)), 5, SECRET)).filter(
        pl.col("breakdown") == "provider_type"
    )
    assert report.select("method", "setting", "zeros").rows() == [
        ("rounding", 3, "rounded"),
        ("rounding", 5, "rounded"),
        *(("suppression", setting, zeros) for setting in (3, 4, 5) for zeros in ("hidden", "shown")),
    ]
    by_rounding = report.row(0, named=True)
    assert by_rounding["non_zero_cells_visible_share"] == by_rounding["cases_visible_share"] == 1.0
    assert by_rounding["largest_error"] == 2
    assert by_rounding["mean_error"] < 1
    by_suppression = report.filter(pl.col("method") == "suppression")
    assert by_suppression["largest_error"].unique().to_list() == [0]
    assert by_suppression["narrowest_interval"].min() == 3
    assert by_suppression["cases_visible_share"].is_between(0, 1, closed="none").all()


@pytest.fixture(scope="module")
def sample_tables():
    if not SAMPLES.exists():
        pytest.skip("the sample deliveries are not at hand")
    intake = take_inbox(SAMPLES, ROUND, scenario.CATALOGUE, now=dt.datetime(2023, 6, 1, tzinfo=dt.UTC))
    participants = cases.participants(intake.delivery_log)
    population = municipalities().select(
        "municipality_code", population_18_66=pl.lit(10_000, pl.Int64), population_quarter=pl.lit("2022K4")
    )
    case_rates = rates.case_rates(intake.responses, population, municipalities(), participants, ROUND)
    counts = answer_counts.answer_counts(intake.responses, participants, scenario.CATALOGUE)
    findings = key_findings.key_findings(intake.responses, ROUND.name).select("finding", "numerator", "denominator")
    numbers = {finding: (cases, answered) for finding, cases, answered in findings.iter_rows()}
    return Tables(counts, case_rates, scenario.CATALOGUE, numbers)


def visible(tables, done, breakdown):
    counts = {c: n for row_ in municipal_rows(tables).values() for c, n in row_.items() if f"/{breakdown}/" in c}
    return sum(count for cell, count in counts.items() if cell not in done.hidden) / sum(counts.values())


@pytest.mark.slow
def test_suppression_of_the_samples_leaves_more_cases_than_a_greedy_pattern(sample_tables):
    done = suppression(sample_tables, 5)
    assert done.unsafe == frozenset()
    assert visible(sample_tables, done, "main_target_group") >= 0.27
    assert visible(sample_tables, done, "provider_type") >= 0.41


@pytest.mark.slow
def test_rounding_of_the_samples_shows_everything_with_an_error_of_at_most_2(sample_tables):
    done = rounding(sample_tables, 5, 3, secret=SECRET, released={})
    counts = {cell: count for cells in municipal_rows(sample_tables).values() for cell, count in cells.items()}
    errors = [abs(done.rounded[cell] - count) for cell, count in counts.items()]
    assert done.unsafe == frozenset()
    assert max(errors) == 2
    assert sum(errors) / len(errors) < 1
