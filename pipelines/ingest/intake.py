"""A round's inbox from files to accepted rows. The steps in order: `read_files`, `judge`, `require_conservation`.

What an extract's form shares with the screening's stands here too; what only extracts do, in `extracts`.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pipelines.ingest import answers, messages, rules
from pipelines.ingest.delivery import Delivery
from pipelines.ingest.forms import traits_of
from pipelines.ingest.inbox import InboxFile, find_files
from pipelines.ingest.limits import SCREENING, FileRejectedError, Traits, danish
from pipelines.ingest.pool import ReaderPool, ReadFile
from pipelines.ingest.text import match_key
from schemas import tables
from schemas.errors import ConservationError
from schemas.questionnaire import Catalogue, Question
from schemas.rounds import Round

_SHOWN_ROWS = 5
_BESIDE_ANSWERS = tables.fields_named("delivery", "row", "folder_code", "surplus_fields", "cpr_elsewhere")


class ReadInbox(NamedTuple):
    """What the files of an inbox hold.

    `files`: one row per file, oldest first per municipality (`delivery` counts them); `rule` is null unless the file is
    rejected already; `places` are the column letters of the questions in the form's order. `rows`: one row per case
    row of the files that are not: delivery, row, folder_code, surplus_fields, cpr_elsewhere and the answers as folded
    text, CPR numbers removed.
    """

    files: pl.DataFrame
    rows: pl.DataFrame


class Judged(NamedTuple):
    """Which deliveries count, and what they hold.

    `delivery_log`: one row per file in the inbox. `responses`: one row per accepted row of the deliveries that count.
    `rejected_rows`: one row per broken rule of their rejected rows.
    """

    delivery_log: pl.DataFrame
    responses: pl.DataFrame
    rejected_rows: pl.DataFrame


class Screened(NamedTuple):
    """What the rules say of every file, before anything is told of a single row.

    `delivery_log`: as in `Judged`. `accepted`: the values of the rows without an error, with eligibility. `broken`: one
    row per broken rule of every file that could be read, whether it counts or not, by delivery and row.
    """

    delivery_log: pl.DataFrame
    accepted: pl.DataFrame
    broken: pl.DataFrame


class Intake(NamedTuple):
    """An inbox taken in; `warnings` are about what is no delivery at all."""

    delivery_log: pl.DataFrame
    responses: pl.DataFrame
    rejected_rows: pl.DataFrame
    warnings: list[str]


def take_inbox(inbox: Path, round_: Round, catalogue: Catalogue, *, now: dt.datetime) -> Intake:
    """Everything that a round's inbox holds.

    Args:
        inbox: `<data root>/inbox/<round>`.
        round_: the survey round.
        catalogue: its form.
        now: a `received_at` after this moment is not believed.
    """
    files, warnings = find_files(inbox, now=now)
    judged = judge(*read_files(files, catalogue), round_, catalogue)
    return Intake(*judged, warnings)


def read_files(
    files: list[InboxFile], catalogue: Catalogue, progress: Callable[[Iterable[ReadFile]], Iterable[ReadFile]] = iter
) -> ReadInbox:
    """The content of the files, read by limited child processes.

    Args:
        files: oldest first per municipality.
        catalogue: the form.
        progress: wraps the results as they come, to show how far reading is.
    """
    to_read = [file.path for file in files if file.rejected is None]
    with ReaderPool(catalogue) as pool:
        read = iter(progress(pool.read(to_read)))
        results = [next(read) if file.rejected is None else _unopened(file.rejected) for file in files]
    return as_read(files, results, catalogue)


def as_read(files: list[InboxFile], results: list[ReadFile], catalogue: Catalogue) -> ReadInbox:
    """The content of files, one result for each, as frames."""
    return ReadInbox(
        files=pl.DataFrame(
            [
                _file_row(i, file, result, catalogue)
                for i, (file, result) in enumerate(zip(files, results, strict=True))
            ],
            schema=dict(tables.DELIVERED_FILES.dtypes),
            orient="row",
        ),
        rows=_case_rows(files, results, catalogue),
    )


def _unopened(rejected: FileRejectedError) -> ReadFile:
    return ReadFile(None, None, rejected.rule, rejected.message)


def _file_row(number: int, file: InboxFile, result: ReadFile, catalogue: Catalogue) -> tuple[object, ...]:
    rule, message = result.rule, result.message
    warnings = [file.warning] if file.warning else []
    rows, is_workbook, places = None, None, None
    if result.delivery is not None:
        rule, message = _file_rule(file, result.delivery, traits_of(catalogue))
        warnings += result.delivery["warnings"]
        warnings += _front_municipality_warning(file, result.delivery["declared_municipality"])
        rows = len(result.delivery["rows"])
        is_workbook = result.delivery["is_workbook"]
        places = [result.delivery["places"].get(key) for key in catalogue.keys]
    return (
        number,
        file.municipality_code,
        file.shown_name,
        file.received_at,
        result.sha256,
        rule,
        message,
        rows,
        is_workbook,
        places,
        warnings,
    )


def _file_rule(file: InboxFile, delivery: Delivery, traits: Traits = SCREENING) -> tuple[str | None, str | None]:
    rows, declared = len(delivery["rows"]), delivery["declared_cases"]
    stem = file.name.rpartition(".")[0]
    if rows == 0 and declared != 0 and not match_key(stem).endswith("nulindberetning"):
        return "empty", (
            f"Skemaet har ingen {traits.rows_da}. Har kommunen ingen, så skriv 0 ud for {traits.count_da} på arket Forside, "
            "eller lad filnavnet ende på nulindberetning."
        )
    if declared is not None and declared != rows:
        return "declared_count", (
            f"Forsiden angiver {danish(declared)} {traits.rows_da}, men skemaet har {danish(rows)} udfyldte rækker. Ret "
            f"{traits.count_da}, eller tilføj eller slet rækker, så tallene stemmer."
        )
    return None, None


def _front_municipality_warning(file: InboxFile, declared: str | None) -> list[str]:
    if declared is None:
        return []
    named = answers.named_municipality(declared)
    return [] if named == file.municipality_code else ["Forsiden angiver en anden kommunekode end mappens."]


def _case_rows(files: list[InboxFile], results: list[ReadFile], catalogue: Catalogue) -> pl.DataFrame:
    """The rows of all files in one frame; a frame per file takes four times as long."""
    schema = {field.name: field.dtype for field in _BESIDE_ANSWERS} | dict.fromkeys(catalogue.keys, pl.String())
    columns: dict[str, list[Any]] = {name: [] for name in schema}
    for number, (file, result) in enumerate(zip(files, results, strict=True)):
        if result.delivery is None:
            continue
        rows = result.delivery["rows"]
        surplus = set(result.delivery["surplus_rows"])
        elsewhere = {row for row, key in result.delivery["cpr_cells"] if key is None}
        columns["delivery"] += [number] * len(rows)
        columns["row"] += rows
        columns["folder_code"] += [file.municipality_code] * len(rows)
        columns["surplus_fields"] += [row in surplus for row in rows]
        columns["cpr_elsewhere"] += [row in elsewhere for row in rows]
        for key in catalogue.keys:
            columns[key] += result.delivery["columns"][key]
    return pl.DataFrame(columns, schema=schema)


def screen(files: pl.DataFrame, rows: pl.DataFrame, round_: Round, catalogue: Catalogue) -> Screened:
    """Which rows are accepted and which delivery of each municipality counts: the newest one that is not rejected.

    Args:
        files: as in `ReadInbox`.
        rows: as in `ReadInbox`.
        round_: the survey round.
        catalogue: its form.
    """
    values = rules.parse(rows, catalogue)
    broken = rules.broken_rules(rows, values, catalogue)
    rejected = broken.select(rules.ROW_KEY).unique()
    accepted = rules.with_eligibility(values.join(rejected, on=rules.ROW_KEY, how="anti"), round_.threshold_dkk)
    log = with_outcome(files, _counts(accepted, rejected), broken, round_.rejected_rows_share, catalogue)
    return Screened(
        delivery_log=log.select(
            "delivery",
            "municipality_code",
            "file",
            "received_at",
            "status",
            "rule",
            "message",
            "rows",
            "eligible",
            "out_of_scope",
            "rejected",
            "sha256",
            "warnings",
        ),
        accepted=accepted,
        broken=broken,
    )


def with_outcome(
    files: pl.DataFrame, counts: pl.DataFrame, broken: pl.DataFrame, rejected_rows_share: float, catalogue: Catalogue
) -> pl.DataFrame:
    """The files with what became of them: the columns of `counts` (null for a rejected file), rule, message, status.

    Args:
        files: as in `ReadInbox`.
        counts: one row per file of which a row is accepted or rejected: delivery and counts of rows, `rejected` among them.
        broken: as in `Screened`.
        rejected_rows_share: a file with a larger share of rejected rows, and more than one, is rejected whole.
        catalogue: the form.
    """
    return (
        files.join(counts, on="delivery", how="left")
        .with_columns(_unless_rejected(name) for name in counts.columns if name != "delivery")
        .pipe(_reject_for_too_many_rows, broken, rejected_rows_share, catalogue)
        .pipe(_with_status)
    )


def judge(files: pl.DataFrame, rows: pl.DataFrame, round_: Round, catalogue: Catalogue) -> Judged:
    """What is kept of the deliveries that count. Arguments as for `screen`."""
    log, accepted, broken = screen(files, rows, round_, catalogue)
    current = log.filter(pl.col("status") == "current").select("delivery", "file", "municipality_code")
    return Judged(
        delivery_log=log,
        responses=_responses(accepted, current, round_, catalogue),
        rejected_rows=told(broken.join(current.select("delivery"), on="delivery"), files, catalogue),
    )


def _counts(accepted: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    return (
        accepted.group_by("delivery")
        .agg(eligible=pl.col("eligible").sum(), out_of_scope=(~pl.col("eligible")).sum())
        .join(rejected.group_by("delivery").agg(rejected=pl.len()), on="delivery", how="full", coalesce=True)
    )


def _unless_rejected(name: str) -> pl.Expr:
    return pl.when(pl.col("rule").is_null()).then(pl.col(name).fill_null(0)).cast(pl.Int64).alias(name)


def _reject_for_too_many_rows(
    log: pl.DataFrame, broken: pl.DataFrame, share: float, catalogue: Catalogue
) -> pl.DataFrame:
    too_many = (pl.col("rejected") > 1) & (pl.col("rejected") / pl.col("rows") > share)
    first = (
        broken.group_by("delivery", "row", maintain_order=True)
        .agg(pl.col("question"), pl.col("rule"))
        .group_by("delivery", maintain_order=True)
        .agg(pl.struct("row", "question", "rule").head(_SHOWN_ROWS).alias("first"))
    )
    found = {
        row["delivery"]: _too_many_message(row, share, traits_of(catalogue))
        for row in log.filter(too_many).join(first, on="delivery").iter_rows(named=True)
    }
    message = pl.col("delivery").replace_strict(found, default=None, return_dtype=pl.String)
    return log.with_columns(
        rule=pl.when(message.is_not_null()).then(pl.lit("too_many_rejected_rows")).otherwise("rule"),
        message=pl.coalesce(message, "message"),
    )


def _too_many_message(row: dict[str, object], share: float, traits: Traits) -> str:
    first: list[dict[str, object]] = row["first"]  # type: ignore[assignment]
    shown = "; ".join(f"række {r['row']} ({_rules_da(r['question'], r['rule'], traits)})" for r in first)
    percent = f"{share * 100:g}".replace(".", ",")
    return (
        f"{row['rejected']} af {row['rows']} rækker har fejl, og højst {percent} % må have det. De første: {shown}. "
        "Ret rækkerne, og aflever igen."
    )


def _rules_da(questions: object, broken: object, traits: Traits) -> str:
    names = messages.RULES_DA if traits == SCREENING else messages.EXTRACT_RULES_DA
    pairs: list[tuple[int | None, str]] = list(zip(questions, broken, strict=True))  # type: ignore[call-overload]
    return ", ".join(
        (f"{traits.question_da} {question}: " if question else "") + names[rule].lower() for question, rule in pairs[:3]
    )


def _with_status(log: pl.DataFrame) -> pl.DataFrame:
    """Rejected, or current for the newest that is not, or superseded; `delivery` counts from old to new."""
    is_good = pl.col("rule").is_null()
    newest_good = pl.col("delivery").filter(is_good).max().over("municipality_code")
    return log.with_columns(
        status=pl.when(~is_good)
        .then(pl.lit("rejected"))
        .when(pl.col("delivery") == newest_good)
        .then(pl.lit("current"))
        .otherwise(pl.lit("superseded"))
    )


def _responses(accepted: pl.DataFrame, current: pl.DataFrame, round_: Round, catalogue: Catalogue) -> pl.DataFrame:
    return (
        accepted.join(current.select("delivery", "file"), on="delivery")
        .sort("folder_code", "row")
        .select(
            round=pl.lit(round_.name),
            **{question.key: _stored(question) for question in catalogue.questions},
            total_cost_dkk="total_cost_dkk",
            eligible="eligible",
            out_of_scope_reason="out_of_scope_reason",
            file="file",
            row="row",
        )
    )


def _stored(question: Question) -> pl.Expr:
    """A single answer is stored as an Enum: other readers see its text, and counting takes half the time."""
    answer = pl.col(question.key)
    return answer.cast(pl.Enum(question.codes)) if question.kind == "single" else answer


def row_errors(files: pl.DataFrame, rows: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Every broken rule of every file that could be read, whether it counts or not, as in `Judged.rejected_rows`."""
    return told(rules.broken_rules(rows, rules.parse(rows, catalogue), catalogue), files, catalogue)


def told(broken: pl.DataFrame, files: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The broken rules with their messages, as in `Judged.rejected_rows`.

    Args:
        broken: rows of `Screened.broken`, of an extract with `about` (see `messages.row_message`). A message takes longer
            than finding the error: pass what is shown, no more.
        files: as in `ReadInbox`.
        catalogue: the form.
    """
    by_number = {question.number: question for question in catalogue.questions}
    of_files = files.select("delivery", "municipality_code", "file", "is_workbook", "places")
    placed = broken.join(of_files, on="delivery").sort("municipality_code", "row", "question", "rule", nulls_last=True)
    return placed.select(
        "municipality_code",
        "file",
        "row",
        "question",
        "rule",
        pl.Series(
            "message",
            [
                messages.row_message(
                    row["rule"],
                    by_number.get(row["question"]),
                    row["found"],
                    row=row["row"],
                    place=row["places"][row["question"] - 1] if row["question"] else None,
                    is_workbook=row["is_workbook"],
                    about=row.get("about"),
                )
                for row in placed.iter_rows(named=True)
            ],
            dtype=pl.String,
        ),
    )


def require_conservation(delivery_log: pl.DataFrame, responses: pl.DataFrame, rejected_rows: pl.DataFrame) -> None:
    """For every delivery that counts: rows read = eligible + out of scope + rejected, in the log and in the tables.

    Raises:
        ConservationError: names the deliveries for which that does not hold, with the counts.
    """
    require_kept(
        delivery_log,
        responses,
        rejected_rows,
        key=("municipality_code", "file"),
        parts={"eligible": "eligible", "out_of_scope": "out of scope"},
    )


def require_kept(
    log: pl.DataFrame,
    kept: pl.DataFrame,
    rejected_rows: pl.DataFrame,
    *,
    key: tuple[str, ...],
    parts: Mapping[str, str],
) -> None:
    """For every delivery that counts: rows read = the parts kept + rejected, in the log and in the tables.

    Args:
        log: one row per file.
        kept: one row per accepted row of the deliveries that count.
        rejected_rows: one row per broken rule of their rejected rows.
        key: the columns of all three that name a delivery that counts.
        parts: the log's counts of accepted rows, and what the message calls them.

    Raises:
        ConservationError: names the deliveries for which that does not hold, with the counts.
    """
    accepted = kept.group_by(key).agg(in_kept=pl.len())
    rejected = rejected_rows.group_by(key).agg(in_rejected=pl.col("row").n_unique())
    counted = (
        log.filter(pl.col("status") == "current")
        .join(accepted, on=key, how="full", coalesce=True)
        .join(rejected, on=key, how="full", coalesce=True)
        .with_columns(pl.col("in_kept", "in_rejected").fill_null(0))
    )
    # Unlike `sum_horizontal`, a sum with an unknown part is unknown.
    in_parts = reduce(add, (pl.col(part) for part in parts))
    wrong = counted.filter(
        ~(
            (pl.col("rows") == in_parts + pl.col("rejected"))
            & (pl.col("in_kept") == in_parts)
            & (pl.col("in_rejected") == pl.col("rejected"))
        ).fill_null(value=False)
    )
    if wrong.height:
        named = [name for name in key if name != "file"]  # a file's name is the municipality's own
        told = "; ".join(
            f"{' '.join(row[name] for name in named)}: {row['rows']} rows read, "
            + "".join(f"{row[part]} {called}, " for part, called in parts.items())
            + f"{row['rejected']} rejected"
            for row in wrong.iter_rows(named=True)
        )
        raise ConservationError(f"rows are not conserved, nothing was written: {told}")
