"""Running the whole graph in-process on a data root of a test's own."""

from pathlib import Path

import dagster as dg
import polars as pl

from assets.definitions import build_defs
from assets.resources import DataRoot, Reports, StatBank
from tests.scenario import NO_STATBANK, ROUND


class NoReports(Reports):
    """A second for each municipality is too long where reports are not what is tested."""

    def files(self, content, edition, municipalities):  # noqa: ARG002 - as those of the real one
        return iter(())

    def year_files(self, content, year, release, municipalities):  # noqa: ARG002 - as those of the real one
        return iter(())


def definitions(root: Path, statbank_url: str = NO_STATBANK, reports: Reports | None = None) -> dg.Definitions:
    return build_defs(
        resource_overrides={
            "data": DataRoot(location=str(root)),
            "statbank": StatBank(url=statbank_url),
            "reports": reports or NoReports(),
        }
    )


def materialise(root: Path, instance: dg.DagsterInstance, statbank_url: str = NO_STATBANK) -> dg.ExecuteInProcessResult:
    job = definitions(root, statbank_url).resolve_job_def("nightly")
    return job.execute_in_process(partition_key=ROUND.name, instance=instance, raise_on_error=False)


def table(root: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(root / "warehouse" / name / f"{ROUND.name}.parquet")


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def untimed_files_below(root: Path) -> dict[str, bytes]:
    """The files of a data root that hold neither clock nor run: all but the heartbeat and what tells which runs made what."""
    return {
        path: content
        for path, content in files_below(root).items()
        if not path.startswith(("heartbeat/", "documentation/")) and not path.endswith(".provenance.json")
    }


def failures(result: dg.ExecuteInProcessResult) -> list[tuple[str, str]]:
    """The steps that failed, each with the message of the error behind it."""
    found = []
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error.cause is not None:
                error = error.cause
            found.append((event.step_key, error.message))
    return found
