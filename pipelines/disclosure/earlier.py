"""What the round's earlier releases show already, and what that leaves of the next one.

What belongs here: numbers that must stay, cells that can no longer be hidden, and areas that have changed since. What does
not: reading releases from the data root (`pipelines.release.history`), and what a difference tells (`candidate`).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE, area_members
from pipelines.benchmark.measures import PUBLISHED
from pipelines.disclosure.candidate import Release, is_same
from pipelines.disclosure.figures import BREAKDOWNS, FINDINGS
from pipelines.disclosure.rounding import Released
from pipelines.disclosure.shared import ROUNDED, SUPPRESSED, with_cells
from pipelines.disclosure.suppression import cell_key, finding_key
from schemas.errors import DisclosureError
from schemas.questionnaire import Catalogue

# The tables that are made anew together, or not at all.
TABLES = (*BREAKDOWNS, FINDINGS)
FIGURES_FROM = "figures_from_release"
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


class Settled(NamedTuple):
    """The cells that earlier releases show exactly, and those that they hide, of areas in which no case has changed."""

    published: frozenset[str]
    withheld: frozenset[str]


def settled_cells(earlier: Iterable[Release], now: Release) -> Settled:
    """What is settled by earlier releases: cells of areas, single municipalities included, and headline findings."""
    cells: dict[str, set[str]] = {PUBLISHED: set(), SUPPRESSED: set(), ROUNDED: set()}
    for release in earlier:
        changed = changed_areas(release, now)
        for name in BREAKDOWNS:
            rows = with_cells(release.shared[name]).select("area_type", "area_code", "cell", "value_status")
            for kind, code, cell, status in rows.iter_rows():
                if (kind, code) not in changed:
                    cells[status].add(cell)
        if ("country", COUNTRY_CODE) not in changed:
            for finding, numerator in release.shared[FINDINGS].select("finding", "numerator").iter_rows():
                cells[SUPPRESSED if numerator is None else PUBLISHED].add(finding_key(finding))
    return Settled(frozenset(cells[PUBLISHED]), frozenset(cells[SUPPRESSED]))


def changed_areas(earlier: Release, now: Release) -> set[Area]:
    """The areas, single municipalities included, whose cases differ from those of an earlier release.

    An area that came or went has changed as well.
    """
    # The roll-ups of a municipality's answers are not in its own table of answers.
    asked = set(earlier.answer_counts["question"]) & set(now.answer_counts["question"])
    before, current = _cases_by_area(earlier, asked), _cases_by_area(now, asked)
    return {area for area in current.keys() | before.keys() if current.get(area) != before.get(area)}


class Told(NamedTuple):
    """What a candidate tells, for the audit.

    Attributes:
        release: the candidate; or the earlier release whose breakdowns it shows again.
        beside: the other earlier releases, by id; without those that show the same.
        figures_from: the id of the earlier release; None where the candidate's breakdowns were made anew.
    """

    release: Release
    beside: dict[str, Release]
    figures_from: str | None


def told_by(shared: Mapping[str, pl.DataFrame], answer_counts: pl.DataFrame, earlier: Mapping[str, Release]) -> Told:
    """What a candidate's shared tables tell that is not told already.

    Args:
        shared: every shared table by name.
        answer_counts: the true counts of its municipalities.
        earlier: the round's earlier releases by id.

    Raises:
        DisclosureError: as `release_of_figures`.
    """
    basis = release_of_figures(shared, earlier)
    told = Release(shared, answer_counts) if basis is None else earlier[basis]
    beside = {id_: release for id_, release in earlier.items() if id_ != basis and not is_same(release, told)}
    return Told(told, beside, basis)


def release_of_figures(shared: Mapping[str, pl.DataFrame], earlier: Mapping[str, Release]) -> str | None:
    """The id of the earlier release whose breakdowns and findings these are; None where they were made anew.

    Raises:
        DisclosureError: they say that they are an earlier release's, and are not.
    """
    named: set[str | None] = {release for name in TABLES for release in shared[name][FIGURES_FROM].unique()}
    if named <= {None}:
        return None
    basis = named.pop()
    before = None if named or basis is None else earlier.get(basis)
    if before is None or any(
        not shared[name].drop(FIGURES_FROM).equals(before.shared[name].drop(FIGURES_FROM)) for name in TABLES
    ):
        raise DisclosureError(
            "the candidate's breakdowns are not those of the release that they name; it is not released"
        )
    return basis


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
