"""Group `extracts`: from the extracts that municipalities hand in to the rows that management information is made from.

They are of no year: one extract of grants reaches over many.
"""

import contextlib
import datetime as dt

import dagster as dg
import polars as pl

from assets.delivering import ERROR, OWNERS, WARN, Events, check, checked, table_assets, without_values
from assets.resources import DataRoot, extracts_fingerprint
from pipelines.ingest.extracts import require_conserved, take_extracts
from pipelines.release.basis import code_version
from pipelines.storage import inbox as inbox_of
from pipelines.storage import local_inbox
from schemas import management_tables as tables
from schemas.errors import ConservationError
from schemas.extracts import EXTRACTS

GROUP = "extracts"


@dg.asset(
    description="The municipalities' extracts as delivered, in `inbox/<extract>/<municipality code>/`; never changed.",
    group_name=GROUP,
    kinds={"excel", "csv", "parquet"},
    owners=OWNERS,
    tags={"data": "cases"},
    code_version=code_version(),
)
@without_values
def extracts(data: DataRoot) -> Events:
    """The state of the extracts' inboxes as their data version, so that a delivery more makes what follows stale."""
    yield dg.MaterializeResult(data_version=dg.DataVersion(extracts_fingerprint(data) or "empty"))


@table_assets(
    (tables.EXTRACT_LOG, GROUP),
    (tables.EXTRACT_REJECTED_ROWS, GROUP),
    (tables.EXTRACT_WARNINGS, GROUP),
    (tables.GRANTS, GROUP),
    (tables.BUDGETS, GROUP),
    (tables.PLANNED_CHANGES, GROUP),
    (tables.INITIATIVES, GROUP),
    name="read_extracts",
    partitions_def=None,
    deps=["extracts"],
    check_specs=[
        dg.AssetCheckSpec("lie_where_they_belong", asset="extract_log"),
        dg.AssetCheckSpec("conserve_rows", asset="extract_log", blocking=True),
        dg.AssetCheckSpec("reject_no_file", asset="extract_log"),
        dg.AssetCheckSpec("reject_no_row", asset="extract_rejected_rows"),
        dg.AssetCheckSpec("overlap_nowhere", asset="extract_warnings"),
    ],
)
def read_extracts(data: DataRoot) -> Events:
    """Every extract, read by limited child processes: which delivery counts, its accepted rows, every rule that one breaks."""
    with contextlib.ExitStack() as stack:
        folders = {name: stack.enter_context(local_inbox(inbox_of(data.path, name))) for name in EXTRACTS}
        found = take_extracts(folders, now=dt.datetime.now(dt.UTC))
    conserved = None
    try:
        require_conserved(found)
    except ConservationError as error:
        conserved = error
    counting = found.log.filter(pl.col("status") == "current")
    yield check(
        "extract_log",
        "conserve_rows",
        passed=conserved is None,
        severity=ERROR,
        rows=int(counting["rows"].sum()),
    )
    if conserved is not None:
        raise conserved
    yield from checked(
        data,
        (found.log, tables.EXTRACT_LOG),
        (found.rejected_rows, tables.EXTRACT_REJECTED_ROWS),
        (found.warnings, tables.EXTRACT_WARNINGS),
        (found.grants, tables.GRANTS),
        (found.budgets, tables.BUDGETS),
        (found.planned_changes, tables.PLANNED_CHANGES),
        (found.initiatives, tables.INITIATIVES),
    )
    rules = found.log.drop_nulls("rule").group_by("rule").len().sort("rule")
    rejected = found.rejected_rows.select("extract", "municipality_code", "row").n_unique()
    yield check(
        "extract_log",
        "lie_where_they_belong",
        passed=not found.misplaced,
        severity=WARN,
        misplaced=len(found.misplaced),
    )
    yield check("extract_log", "reject_no_file", passed=rules.is_empty(), severity=WARN, **dict(rules.iter_rows()))
    yield check("extract_rejected_rows", "reject_no_row", passed=rejected == 0, severity=WARN, rejected_rows=rejected)
    yield check(
        "extract_warnings",
        "overlap_nowhere",
        passed=found.warnings.is_empty(),
        severity=WARN,
        overlapping_rows=found.warnings.height,
    )
