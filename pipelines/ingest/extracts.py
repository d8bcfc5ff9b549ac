"""The extracts of management information from files to accepted rows, as the screening's forms are taken in by `intake`.

What belongs here: which rows are kept of the deliveries that count, as the tables of `schemas.management_tables`. What
does not: reading and choosing deliveries (`intake`), what a row may break (`rules`, `extract_rules`).
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipelines.ingest import extract_rules, rules
from pipelines.ingest.inbox import InboxFile, find_files
from pipelines.ingest.intake import ReadInbox, as_read, read_files, require_kept, told, with_outcome
from pipelines.ingest.limits import danish
from pipelines.ingest.overlaps import overlaps
from schemas import management_tables as tables
from schemas.extracts import (
    BUDGETS,
    EXTRACTS,
    GRANTS,
    INITIATIVES,
    PLANNED_CHANGES,
    REJECTED_ROWS_SHARE,
    load_extract,
)
from schemas.questionnaire import Catalogue
from schemas.tables import Table

_KEPT = {
    GRANTS: tables.GRANTS,
    BUDGETS: tables.BUDGETS,
    PLANNED_CHANGES: tables.PLANNED_CHANGES,
    INITIATIVES: tables.INITIATIVES,
}


class Extracts(NamedTuple):
    """The inboxes of the extracts, taken in.

    `log`: one row per file. `grants`, `budgets`, `planned_changes`, `initiatives`: the accepted rows of the deliveries that
    count. `rejected_rows`: one row per broken rule of their rejected rows. `warnings`: one row per accepted grant that
    overlaps an earlier one. `misplaced`: about what is no delivery at all.
    """

    log: pl.DataFrame
    grants: pl.DataFrame
    budgets: pl.DataFrame
    planned_changes: pl.DataFrame
    initiatives: pl.DataFrame
    rejected_rows: pl.DataFrame
    warnings: pl.DataFrame
    misplaced: list[str]


class CheckedExtract(NamedTuple):
    """One file as the only delivery of a municipality.

    `log`: its entry, one row. `rejected_rows`: every broken rule, whether the file counts or not. `warnings`: as in
    `Extracts`.
    """

    log: pl.DataFrame
    rejected_rows: pl.DataFrame
    warnings: pl.DataFrame


class _Judged(NamedTuple):
    """What the rules say of an extract's files: the log, the rows kept, every broken rule (with `about`), the overlaps."""

    log: pl.DataFrame
    kept: pl.DataFrame
    broken: pl.DataFrame
    warnings: pl.DataFrame


def take_extracts(inboxes: Mapping[str, Path], *, now: dt.datetime) -> Extracts:
    """Everything that the inboxes of the extracts hold.

    Args:
        inboxes: `<data root>/inbox/<extract>` by extract; a missing one holds nothing.
        now: a `received_at` after this moment is not believed.
    """
    logs, kept, rejected, warnings, misplaced = [], {}, [], [], []
    for extract in EXTRACTS:
        form = load_extract(extract)
        files, elsewhere = find_files(inboxes[extract], now=now) if extract in inboxes else ([], [])
        read = _read(files, form)
        judged = _judge(read, form)
        counting = judged.log.filter(status="current").select("delivery")
        logs.append(judged.log)
        kept[extract] = judged.kept
        rejected.append(_told(judged.broken.join(counting, on="delivery"), read, form))
        warnings.append(judged.warnings)
        misplaced += [f"{extract}/{warning}" for warning in elsewhere]
    return Extracts(
        log=pl.concat(logs),
        grants=kept[GRANTS],
        budgets=kept[BUDGETS],
        planned_changes=kept[PLANNED_CHANGES],
        initiatives=kept[INITIATIVES],
        rejected_rows=pl.concat(rejected),
        warnings=pl.concat(warnings),
        misplaced=misplaced,
    )


def check_extract(file: InboxFile, extract: str) -> CheckedExtract:
    """What becomes of one file, and every error in it.

    Args:
        file: the file.
        extract: what it is an extract of.

    Raises:
        CatalogueError: there is no such extract.
    """
    form = load_extract(extract)
    read = read_files([file], form)
    judged = _judge(read, form)
    return CheckedExtract(judged.log, _told(judged.broken, read, form), judged.warnings)


def require_conserved(extracts: Extracts) -> None:
    """For every delivery that counts: rows read = accepted + rejected, in the log and in the tables.

    Raises:
        ConservationError: names the deliveries for which that does not hold, with the counts.
    """
    kept = pl.concat(
        getattr(extracts, extract).select("municipality_code", extract=pl.lit(extract)) for extract in EXTRACTS
    )
    require_kept(
        extracts.log,
        kept,
        extracts.rejected_rows,
        key=("extract", "municipality_code"),
        parts={"accepted": "accepted"},
    )


def _read(files: list[InboxFile], form: Catalogue) -> ReadInbox:
    """The content of the files; where there is none, no reader is started."""
    return read_files(files, form) if files else as_read([], [], form)


def _judge(read: ReadInbox, form: Catalogue) -> _Judged:
    values = extract_rules.parse(read.rows, form)
    broken = extract_rules.broken_rules(read.rows, values, form)
    rejected = broken.select(rules.ROW_KEY).unique()
    accepted = values.join(rejected, on=rules.ROW_KEY, how="anti")
    counts = (
        accepted.group_by("delivery")
        .agg(accepted=pl.len())
        .join(rejected.group_by("delivery").agg(rejected=pl.len()), on="delivery", how="full", coalesce=True)
    )
    log = with_outcome(read.files, counts, broken, REJECTED_ROWS_SHARE, form)
    current = log.filter(status="current").select("delivery", "municipality_code", "file", "received_at")
    kept = _kept(accepted.join(current, on="delivery"), form)
    warnings = _warnings(kept, current) if form.version == GRANTS else tables.EXTRACT_WARNINGS.empty
    return _Judged(
        log=_in_columns(_with_warnings(log, warnings).with_columns(extract=pl.lit(form.version)), tables.EXTRACT_LOG),
        kept=kept,
        broken=_with_about(broken, values) if form.version == GRANTS else broken,
        warnings=warnings,
    )


def _kept(accepted: pl.DataFrame, form: Catalogue) -> pl.DataFrame:
    table = _KEPT[form.version]
    named = accepted
    if form.version == GRANTS:
        day = pl.col("received_at").dt.convert_time_zone("Europe/Copenhagen").dt.strftime("%Y-%m-%d")
        named = accepted.with_columns(as_of=day)
    elif form.version == INITIATIVES:
        named = accepted.with_columns(is_counted=pl.col("counted") == "yes", initiative_name="name")
    return _in_columns(named, table).sort(table.key)


def _in_columns(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in table.dtypes.items())


def _warnings(grants: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    """The overlaps in words; no citizen is named."""
    message = pl.format(
        "Række {} overlapper række {}: samme borger har samme ydelse i begge på samme tid. Begge rækkers udgift tæller med, "
        "og dagene tæller én gang. Er prisen ændret, så giv den gamle række en slutdato, før den nye starter.",
        "row",
        "earlier_row",
    )
    found = overlaps(grants).join(current, on="municipality_code", maintain_order="left")
    return _in_columns(found.with_columns(message=message), tables.EXTRACT_WARNINGS)


def _with_warnings(log: pl.DataFrame, warnings: pl.DataFrame) -> pl.DataFrame:
    """The log, in which a file with overlapping rows says how many."""
    said = {
        code: f"{danish(rows)} {'række' if rows == 1 else 'rækker'} overlapper en tidligere række med samme borger og ydelse. "
        "Begge rækkers udgift tæller med, og dagene tæller én gang."
        for code, rows in warnings.group_by("municipality_code").len().iter_rows()
    }
    line = pl.col("municipality_code").replace_strict(said, default=None, return_dtype=pl.String)
    more = pl.when((pl.col("status") == "current") & line.is_not_null()).then(pl.concat_list(line))
    return log.with_columns(warnings=pl.col("warnings").list.concat(more.otherwise(pl.lit([], pl.List(pl.String)))))


def _with_about(broken: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """The broken rules of grants with what else they follow from (see `messages.row_message`)."""
    about = (
        pl.when(pl.col("rule") == "price")
        .then("service_area")
        .when(pl.col("rule") == "future")
        .then(pl.lit(str(extract_rules.last_year())))
    )
    areas = values.select(*rules.ROW_KEY, "service_area")
    return broken.join(areas, on=rules.ROW_KEY, how="left").with_columns(about=about).drop("service_area")


def _told(broken: pl.DataFrame, read: ReadInbox, form: Catalogue) -> pl.DataFrame:
    rows = told(broken, read.files, form).with_columns(extract=pl.lit(form.version))
    return _in_columns(rows, tables.EXTRACT_REJECTED_ROWS)
