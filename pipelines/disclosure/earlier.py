"""What the round's earlier releases show already, and what that leaves of the next one.

What belongs here: numbers that must stay, cells that can no longer be hidden, areas that have changed since, and the rows
to hide where the difference of two releases would tell a small count. What does not: reading releases from the data root
(`pipelines.release.history`), and finding out what a difference tells (`candidate`).
"""

from collections.abc import Collection, Iterable

import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE, area_members
from pipelines.benchmark.measures import PUBLISHED
from pipelines.disclosure.candidate import Release
from pipelines.disclosure.rounding import Released
from pipelines.disclosure.shared import ROUNDED, SUPPRESSED, with_cells
from pipelines.disclosure.suppression import FINDING_ANSWERS, cell_key, finding_key
from schemas.questionnaire import Catalogue

BREAKDOWNS = ("target_groups", "provider_types", "question_answers")
# Area type and code.
Area = tuple[str, str]


def released_numbers(earlier: Iterable[Release], catalogue: Catalogue) -> Released:
    """The rounded numbers of earlier releases, by cell, true count and base.

    The same count of the same cell keeps its number, even when the secret is lost: releases hold the numbers, and the
    municipalities' own tables the counts.
    """
    numbers: dict[tuple[str, int, int], int] = {}
    for release in earlier:
        counts = _municipal_counts(release, catalogue)
        for name in BREAKDOWNS:
            rounded = with_cells(release.shared[name]).filter(pl.col("value_status") == ROUNDED)
            for cell, shown, base in rounded.select("cell", "cases", "rounding_base").iter_rows():
                numbers[cell, counts[cell], base] = shown
    return numbers


def _municipal_counts(release: Release, catalogue: Catalogue) -> dict[str, int]:
    """The true counts of the municipalities by cell, roll-ups included."""
    counts: dict[str, int] = {}
    group_of = {
        (rollup.question, option): (rollup.key, group.code)
        for rollup in catalogue.rollups
        for group in rollup.groups
        for option in group.options
    }
    rows = release.answer_counts.select("municipality_code", "question", "answer", "cases")
    for code, question, answer, cases in rows.iter_rows():
        counts[cell_key("municipality", code, question, answer)] = cases
        if (question, answer) in group_of:
            cell = cell_key("municipality", code, *group_of[question, answer])
            counts[cell] = counts.get(cell, 0) + cases
    return counts


def published_cells(earlier: Iterable[Release], now: Release) -> frozenset[str]:
    """The cells that an earlier release shows exactly, of areas in which no case has changed since."""
    return _unchanged_cells(earlier, now, PUBLISHED)


def withheld_cells(earlier: Iterable[Release], now: Release) -> frozenset[str]:
    """The cells that an earlier release hides, of areas in which no case has changed since."""
    return _unchanged_cells(earlier, now, SUPPRESSED)


def _unchanged_cells(earlier: Iterable[Release], now: Release, status: str) -> frozenset[str]:
    cells: set[str] = set()
    for release in earlier:
        changed = changed_areas([release], now)
        for name in BREAKDOWNS:
            found = with_cells(release.shared[name]).filter(pl.col("value_status") == status)
            rows = found.select("area_type", "area_code", "cell").iter_rows()
            cells.update(cell for kind, code, cell in rows if (kind, code) not in changed)
        if ("country", COUNTRY_CODE) not in changed:
            is_shown = pl.col("numerator").is_not_null()
            findings = release.shared["key_findings"].filter(is_shown if status == PUBLISHED else ~is_shown)
            cells.update(finding_key(finding) for finding in findings["finding"])
    return frozenset(cells)


def changed_areas(earlier: Iterable[Release], now: Release) -> set[Area]:
    """The areas, single municipalities included, whose cases differ from those of some earlier release.

    An area that came or went has changed as well.
    """
    changed: set[Area] = set()
    for release in earlier:
        # The roll-ups of a municipality's answers are not in its own table of answers.
        asked = set(release.answer_counts["question"]) & set(now.answer_counts["question"])
        before, current = _cases_by_area(release, asked), _cases_by_area(now, asked)
        changed |= {area for area in current.keys() | before.keys() if current.get(area) != before.get(area)}
    return changed


def _cases_by_area(release: Release, questions: Collection[str]) -> dict[Area, frozenset[object]]:
    """What every area's municipalities answered to these questions, as one comparable value."""
    counts = release.answer_counts.filter(pl.col("cases") > 0, pl.col("question").is_in(list(questions)))
    answers: dict[str, list[tuple[object, ...]]] = {}
    for code, *answer in counts.select("municipality_code", "question", "answer", "cases").iter_rows():
        answers.setdefault(code, []).append(tuple(answer))
    own = {code: frozenset(given) for code, given in answers.items()}
    areas: dict[Area, set[object]] = {}
    members = area_members(release.shared["case_rates"]).select("area_type", "area_code", "municipality_code", "cases")
    for kind, area, code, cases in members.iter_rows():
        areas.setdefault((kind, area), set()).add((code, cases, own.get(code)))
    return {area: frozenset(of) for area, of in areas.items()}


def rows_of(exposed: Collection[tuple[str, str]], areas: Iterable[Area], catalogue: Catalogue) -> frozenset[str]:
    """The cells to hide so that these answers are told in none of these areas.

    Whole rows are hidden, of the question and of its roll-ups, and in the country the findings that repeat it: a row of
    which one answer is hidden gives it back.

    Args:
        exposed: question and answer of every small count that can be found out; of a finding, `finding` and its code.
        areas: the country, regions and municipality groups concerned.
        catalogue: the round's form.
    """
    rollups = {rollup.key: rollup for rollup in catalogue.rollups}
    findings = {answer for question, answer in exposed if question == "finding"}
    keys = {question for question, _ in exposed} | {FINDING_ANSWERS[f][0] for f in findings if f in FINDING_ANSWERS}
    questions = {rollups[key].question if key in rollups else key for key in keys - {"finding"}}
    columns = [(q.key, code) for q in catalogue.closed_questions if q.key in questions for code in q.codes]
    columns += [(r.key, group.code) for r in rollups.values() if r.question in questions for group in r.groups]
    told = {key for key, _ in columns}
    cells = {cell_key(kind, code, *column) for kind, code in areas for column in columns}
    if any(kind == "country" for kind, _ in areas):
        findings |= {finding for finding, (key, _) in FINDING_ANSWERS.items() if key in told}
        cells |= {finding_key(finding) for finding in findings}
    return frozenset(cells)
