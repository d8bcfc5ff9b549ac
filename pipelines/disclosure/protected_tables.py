"""The step from a round's exact tables to those that everybody may see.

What belongs here: the round's method, and whether the tables are made anew at all. What does not: the methods
(`protection`), and the gate: whether the outcome is safe is the audit's to say, of the files as they would be released.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from pipelines.disclosure.candidate import Release, audit_candidate, is_safe
from pipelines.disclosure.earlier import FIGURES_FROM, released_numbers, settled_cells
from pipelines.disclosure.protection import Protection, rounding, suppression
from pipelines.disclosure.repair import rows_of
from pipelines.disclosure.shared import shared_findings, shared_table, with_cells
from pipelines.disclosure.suppression import Tables, finding_key
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
    exact: Exact,
    round_: Round,
    catalogue: Catalogue,
    *,
    secret: bytes,
    earlier: Sequence[Release],
    latest: Mapping[str, pl.DataFrame] | None = None,
) -> dict[str, pl.DataFrame]:
    """The shared tables by name: target_groups, provider_types, question_answers and key_findings.

    With fewer participants than the round asks for, nothing is shown. Where the audit finds a small count all the same,
    the rows that tell it are hidden: of areas, and if that is not enough of municipalities. Where it is the difference to
    an earlier release that tells (a municipality that came late, one case more), all tables stay as they were in the
    latest release, which tells nothing new; they are made anew as soon as enough has changed.

    Args:
        exact: the round's tables.
        round_: says how they are protected.
        catalogue: its form.
        secret: the data root's secret.
        earlier: the round's earlier releases that made these tables anew.
        latest: the shared tables of the latest release, with `figures_from_release` in each row; None without one.
    """

    def candidate(tables: Mapping[str, pl.DataFrame]) -> Release:
        return Release({**tables, "case_rates": exact.case_rates}, exact.answer_counts)

    threshold = round_.disclosure_threshold
    if exact.case_rates.height < round_.breakdowns_from_participants:
        return _tables(exact, _nothing_shown(exact))
    protection = _by_method(exact, round_, catalogue, secret, earlier)
    tables = _tables(exact, protection)
    if latest is not None and _are_those_of(tables, latest):
        return tables
    for areas in _areas(exact):
        if not (found := audit_candidate(candidate(tables), [], catalogue, threshold=threshold).failures):
            break
        protection = replace(protection, hidden=protection.hidden | rows_of(found, areas, catalogue))
        tables = _tables(exact, protection)
    if latest is not None and not is_safe(candidate(tables), earlier, catalogue, threshold=threshold):
        return {name: latest[name] for name in tables}
    return tables


def _nothing_shown(exact: Exact) -> Protection:
    breakdowns = (exact.target_groups, exact.provider_types, exact.question_answers)
    cells = {cell for breakdown in breakdowns for cell in with_cells(breakdown)["cell"]}
    findings = {finding_key(finding) for finding in exact.key_findings["finding"]}
    return Protection(frozenset(cells | findings), {}, None, frozenset())


def _are_those_of(tables: Mapping[str, pl.DataFrame], latest: Mapping[str, pl.DataFrame]) -> bool:
    return all(frame.drop(FIGURES_FROM).equals(latest[name].drop(FIGURES_FROM)) for name, frame in tables.items())


def _areas(exact: Exact) -> Iterator[list[tuple[str, str]]]:
    """The areas whose rows are hidden, first those that are dearest to nobody."""
    every = exact.question_answers.select("area_type", "area_code").unique(maintain_order=True).rows()
    yield [(kind, code) for kind, code in every if kind != "municipality"]
    yield [(kind, code) for kind, code in every if kind == "municipality"]


def _by_method(
    exact: Exact, round_: Round, catalogue: Catalogue, secret: bytes, earlier: Sequence[Release]
) -> Protection:
    now = Release({"case_rates": exact.case_rates}, exact.answer_counts)
    findings = {
        finding: (cases, answered)
        for finding, cases, answered in exact.key_findings.select("finding", "numerator", "denominator").iter_rows()
    }
    tables = Tables(
        exact.answer_counts,
        exact.case_rates,
        catalogue,
        findings,
        *settled_cells(earlier, now),
    )
    if round_.disclosure_method == "suppression":
        return suppression(tables, round_.disclosure_threshold)
    released = released_numbers(earlier, catalogue)
    return rounding(tables, round_.disclosure_threshold, round_.rounding_base, secret=secret, released=released)


def _tables(exact: Exact, protection: Protection) -> dict[str, pl.DataFrame]:
    return {
        "target_groups": shared_table(exact.target_groups, exact.case_rates, protection),
        "provider_types": shared_table(exact.provider_types, exact.case_rates, protection),
        "question_answers": shared_table(exact.question_answers, exact.case_rates, protection),
        "key_findings": shared_findings(exact.key_findings, protection),
    }
