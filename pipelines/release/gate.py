"""Whether the files of a release are those that the audit found safe and the quality gate let pass.

The audit itself is `pipelines.disclosure.candidate`, the quality gate `pipelines.quality.gate`.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from pipelines.disclosure.candidate import Release, own_counts
from pipelines.disclosure.earlier import told_by
from pipelines.quality.gate import require_met
from pipelines.release.contents import SHARED, ReleaseFile, read_back, shared_checksum
from schemas.errors import ReleaseError


def require_judged(candidate_sha256: str, quality_report: pl.DataFrame) -> None:
    """Stops a release whose tables are not those that the quality gate judged, or that it stops.

    Args:
        candidate_sha256: `contents.candidate_checksum` of the release.
        quality_report: the gate's report.

    Raises:
        ReleaseError: they differ, as after a part of the graph was materialised by itself.
        QualityError: an expectation that stops a release is not met.
    """
    if quality_report["candidate_sha256"].unique().to_list() != [candidate_sha256]:
        raise ReleaseError("the tables are not those that the quality gate judged; materialise the whole round")
    require_met(quality_report)


def require_audited(
    files: Sequence[ReleaseFile],
    question_answers: pl.DataFrame,
    disclosure_audit: pl.DataFrame,
    earlier: Mapping[str, Release],
) -> None:
    """Stops a release whose shared files are not those that the audit read, beside all earlier releases, and found safe.

    Args:
        files: those of the release.
        question_answers: the exact answers behind them.
        disclosure_audit: the audit's report.
        earlier: the round's earlier releases as they are now (`history.earlier_releases`).

    Raises:
        ReleaseError: they differ, as after a part of the graph was materialised by itself; a release came or returned
            since the audit; or the audit failed.
    """
    if disclosure_audit["candidate_sha256"].unique().to_list() != [shared_checksum(files)]:
        raise ReleaseError("the shared files are not those that were audited; materialise the whole round")
    if disclosure_audit.select(pl.col("exposed_cells", "faulty_figures").sum()).row(0) != (0, 0):
        raise ReleaseError("the audit of the shared files failed; its table says what it found")
    shared = read_back(file for file in files if file.path.startswith(f"{SHARED}/"))
    beside = told_by(shared, own_counts(question_answers), earlier).beside
    if unread := sorted(beside.keys() - set(disclosure_audit["earlier_releases"].explode())):
        raise ReleaseError(f"the audit did not read release {', '.join(unread)}; materialise the whole round")
