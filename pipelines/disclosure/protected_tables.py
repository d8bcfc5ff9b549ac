"""The step from a round's exact tables to those that everybody may see.

What belongs here: the round's method, and what is hidden beside it because of earlier releases. What does not: the methods
(`protection`), and the gate: whether the outcome is safe is the audit's to say, of the files as they would be released.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from pipelines.disclosure.candidate import Release, audit_candidate
from pipelines.disclosure.earlier import Area, changed_areas, published_cells, released_numbers, rows_of, withheld_cells
from pipelines.disclosure.protection import Protection, rounding, suppression
from pipelines.disclosure.shared import shared_findings, shared_table
from pipelines.disclosure.suppression import Tables
from schemas.questionnaire import Catalogue
from schemas.rounds import Round


class Exact(NamedTuple):
    """The tables of a round as they are computed."""

    case_rates: pl.DataFrame
    answer_counts: pl.DataFrame
    target_groups: pl.DataFrame
    provider_types: pl.DataFrame
    question_answers: pl.DataFrame
    key_findings: pl.DataFrame


def protected_tables(
    exact: Exact, round_: Round, catalogue: Catalogue, *, secret: bytes, earlier: Sequence[Release]
) -> dict[str, pl.DataFrame]:
    """The shared tables by name: target_groups, provider_types, question_answers and key_findings.

    Where the difference between this release and an earlier one would tell a small count, the rows that tell it are
    hidden: first those of the areas whose cases have changed, then those of all areas, then those of municipalities.

    Args:
        exact: the round's tables.
        round_: says how they are protected.
        catalogue: its form.
        secret: the data root's secret.
        earlier: the round's earlier releases.
    """
    protection = _by_method(exact, round_, catalogue, secret, earlier)
    changed = changed_areas(earlier, _without_breakdowns(exact))
    steps = _ever_more_areas(exact, changed) if changed else iter(())
    for areas in steps:
        candidate = Release(_tables(exact, protection) | {"case_rates": exact.case_rates}, exact.answer_counts)
        found = audit_candidate(candidate, earlier, catalogue, threshold=round_.disclosure_threshold)
        if found.is_clean:
            break
        more = rows_of({exposed_answer(failure) for failure in found.failures}, areas, catalogue)
        protection = replace(protection, hidden=protection.hidden | more)
    return _tables(exact, protection)


def _by_method(
    exact: Exact, round_: Round, catalogue: Catalogue, secret: bytes, earlier: Sequence[Release]
) -> Protection:
    now = _without_breakdowns(exact)
    findings = {
        finding: (cases, answered)
        for finding, cases, answered in exact.key_findings.select("finding", "numerator", "denominator").iter_rows()
    }
    tables = Tables(
        exact.answer_counts,
        exact.case_rates,
        catalogue,
        findings,
        published_cells(earlier, now),
        withheld_cells(earlier, now),
    )
    if round_.disclosure_method == "suppression":
        return suppression(tables, round_.disclosure_threshold)
    released = released_numbers(earlier, catalogue)
    return rounding(tables, round_.disclosure_threshold, round_.rounding_base, secret=secret, released=released)


def _without_breakdowns(exact: Exact) -> Release:
    return Release({"case_rates": exact.case_rates}, exact.answer_counts)


def _ever_more_areas(exact: Exact, changed: set[Area]) -> Iterator[list[Area]]:
    shown = exact.question_answers.select("area_type", "area_code").unique().rows()
    areas = [(kind, code) for kind, code in shown if kind != "municipality"]
    yield [area for area in areas if area in changed]
    yield areas
    yield [(kind, code) for kind, code in shown if kind == "municipality"]


def _tables(exact: Exact, protection: Protection) -> dict[str, pl.DataFrame]:
    return {
        "target_groups": shared_table(exact.target_groups, exact.case_rates, protection),
        "provider_types": shared_table(exact.provider_types, exact.case_rates, protection),
        "question_answers": shared_table(exact.question_answers, exact.case_rates, protection),
        "key_findings": shared_findings(exact.key_findings, protection),
    }
