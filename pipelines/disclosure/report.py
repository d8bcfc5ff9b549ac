"""The audit's report as a table, and in words where it refuses a candidate. Numbers of counts only, never a count."""

from collections import Counter
from collections.abc import Sequence

import polars as pl

from pipelines.disclosure.audit import OUTSIDER
from pipelines.disclosure.candidate import Report


def audit_table(report: Report, round_name: str, *, checksum: str, earlier: Sequence[str]) -> pl.DataFrame:
    """What the audit found, by kind of area.

    Grain: kind of area, the headline findings and the differences of releases included.
    Columns: round, audited (the kind), cells, hidden_cells, rounded_cells, small_cells, narrowest_interval (null without
    small counts), exposed_cells, faulty_figures, attackers, candidate_sha256, earlier_releases.

    Args:
        report: the audit's.
        round_name: the round.
        checksum: over the shared files that were audited (`contents.shared_checksum`).
        earlier: the ids of the releases that were read with them.
    """
    columns = {
        "audited": pl.String,
        "cells": pl.Int64,
        "hidden_cells": pl.Int64,
        "rounded_cells": pl.Int64,
        "small_cells": pl.Int64,
        "narrowest_interval": pl.Int64,
        "exposed_cells": pl.Int64,
        "faulty_figures": pl.Int64,
    }
    found = pl.DataFrame(report.area_types, schema=columns, orient="row")
    return found.select(
        pl.lit(round_name).alias("round"),
        *columns,
        pl.lit(report.attackers, pl.Int64).alias("attackers"),
        pl.lit(checksum).alias("candidate_sha256"),
        pl.Series("earlier_releases", [sorted(earlier)] * found.height, pl.List(pl.String)),
    )


def refusal(report: Report) -> str:
    """Why a candidate is not released: how many small counts, of what kind of area, can be found out by whom."""
    kinds = Counter(
        (failure.cell.split("/")[0].rpartition(": ")[2], failure.kind, failure.attacker == OUTSIDER)
        for failure in report.failures
    )
    told = [
        f"{number} of {kind} ({how} by {'an outsider' if by_outsider else 'a participant'})"
        for (kind, how, by_outsider), number in sorted(kinds.items())
    ]
    figures = Counter((leak.table, leak.column, leak.fault) for leak in report.leaks)
    told += [f"{table}.{column}: {fault} ({number} rows)" for (table, column, fault), number in sorted(figures.items())]
    return "the candidate is not released, since small counts could be found out: " + "; ".join(told)
