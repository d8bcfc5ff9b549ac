"""Groups `deliveries` and `responses`: from the files in the inbox to accepted and rejected rows."""

import datetime as dt

import dagster as dg
import polars as pl

from assets.delivering import (
    ERROR,
    NEWEST_FORM,
    OWNERS,
    WARN,
    Events,
    check,
    checked,
    table_assets,
    without_values,
)
from assets.partitions import rounds
from assets.resources import DataRoot, inbox_fingerprint
from pipelines.ingest.inbox import find_files
from pipelines.ingest.intake import judge, read_files, require_conservation
from pipelines.release.basis import code_version
from pipelines.storage import inbox as inbox_of
from pipelines.storage import local_inbox
from schemas import tables
from schemas.errors import ConservationError
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round


@dg.asset(
    description="The municipalities' files as delivered, in `inbox/<round>/<municipality code>/`; looked at, never changed.",
    group_name="deliveries",
    kinds={"excel", "csv", "parquet"},
    owners=OWNERS,
    tags={"data": "cases"},
    code_version=code_version(),
    partitions_def=rounds,
)
@without_values
def inbox(context: dg.AssetExecutionContext, data: DataRoot) -> Events:
    """The state of the round's inbox as its data version, so that a delivery more makes everything after it stale."""
    fingerprint = inbox_fingerprint(data, context.partition_key)
    yield dg.MaterializeResult(data_version=dg.DataVersion(fingerprint or "empty"))


@table_assets(
    (tables.DELIVERED_FILES, "deliveries"),
    (tables.delivered_rows(NEWEST_FORM), "deliveries"),
    name="read_inbox",
    deps=["inbox"],
    check_specs=[dg.AssetCheckSpec("lies_where_it_belongs", asset="delivered_files")],
)
def read_inbox(context: dg.AssetExecutionContext, data: DataRoot) -> Events:
    """Every file of the round's inbox, read by limited child processes."""
    round_ = find_round(context.partition_key)
    with local_inbox(inbox_of(data.path, round_.name)) as folder:
        files, warnings = find_files(folder, now=dt.datetime.now(dt.UTC))
        read = read_files(files, load_catalogue(round_.questionnaire))
    yield from checked(
        data,
        (read.files, tables.DELIVERED_FILES),
        (read.rows, tables.delivered_rows(round_.questionnaire)),
    )
    yield check("delivered_files", "lies_where_it_belongs", passed=not warnings, severity=WARN, misplaced=len(warnings))


@table_assets(
    (tables.DELIVERY_LOG, "deliveries"),
    (tables.responses(NEWEST_FORM), "responses"),
    (tables.REJECTED_ROWS, "responses"),
    name="judge_deliveries",
    check_specs=[
        dg.AssetCheckSpec("conserves_rows", asset="delivery_log", blocking=True),
        dg.AssetCheckSpec("rejects_no_file", asset="delivery_log"),
        dg.AssetCheckSpec("rejects_no_row", asset="rejected_rows"),
    ],
)
def judge_deliveries(
    context: dg.AssetExecutionContext, data: DataRoot, delivered_files: pl.DataFrame, delivered_rows: pl.DataFrame
) -> Events:
    """Which delivery of each municipality counts, its accepted rows, and every rule that a row breaks."""
    round_ = find_round(context.partition_key)
    judged = judge(delivered_files, delivered_rows, round_, load_catalogue(round_.questionnaire))
    rejected_rows = judged.rejected_rows.select("municipality_code", "row").n_unique()
    conserved = None
    try:
        require_conservation(judged.delivery_log, judged.responses, judged.rejected_rows)
    except ConservationError as error:
        conserved = error
    yield check(
        "delivery_log",
        "conserves_rows",
        passed=conserved is None,
        severity=ERROR,
        rows=int(judged.delivery_log.filter(pl.col("status") == "current")["rows"].sum()),
    )
    if conserved is not None:
        raise conserved
    yield from checked(
        data,
        (judged.delivery_log, tables.DELIVERY_LOG),
        (judged.responses, tables.responses(round_.questionnaire)),
        (judged.rejected_rows, tables.REJECTED_ROWS),
    )
    rules = judged.delivery_log.drop_nulls("rule").group_by("rule").len().sort("rule")
    yield check(
        "delivery_log",
        "rejects_no_file",
        passed=rules.is_empty(),
        severity=WARN,
        **dict(rules.iter_rows()),
    )
    yield check(
        "rejected_rows", "rejects_no_row", passed=rejected_rows == 0, severity=WARN, rejected_rows=rejected_rows
    )
