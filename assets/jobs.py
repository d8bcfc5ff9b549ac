"""The jobs of a night, their schedules, and the sensors that start them when deliveries have changed and settled.

A night of the screening is one job per round. A night of management information is two: the extracts, which are of no year,
and after them one job per year (`watching.read_extracts`).
"""

import json
from collections.abc import Iterator, Mapping

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.resources import DataRoot, extracts_fingerprint, inbox_fingerprint
from schemas.rounds import load_rounds

_OF_EXTRACTS = dg.AssetSelection.groups("extracts")
_OF_YEARS = dg.AssetSelection.groups("management_information")


def _job(name: str, selection: dg.AssetSelection, description: str) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=selection,
        description=description,
        executor_def=dg.in_process_executor,
        config={"loggers": {"console": {}}},
    )


nightly = _job(
    "nightly",
    dg.AssetSelection.all() - _OF_EXTRACTS - _OF_YEARS,
    "Everything of one round: deliveries, responses, reference, benchmark, disclosure, quality, release.",
)
extracts_job = _job(
    "nightly_extracts", _OF_EXTRACTS, "The extracts that management information is made from, read and judged."
)
management_job = _job(
    "management_information",
    _OF_YEARS,
    "Everything of one year of management information, from the extracts read last to the release.",
)


@dg.schedule(
    job=nightly,
    cron_schedule="0 2 * * *",
    execution_timezone="Europe/Copenhagen",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 02:00 Danish time, one run per open round.",
)
def nightly_schedule() -> Iterator[dg.RunRequest]:
    """One run per open round."""
    for round_ in load_rounds().values():
        if round_.open:
            yield dg.RunRequest(partition_key=round_.name)


@dg.schedule(
    job=extracts_job,
    cron_schedule="0 3 * * *",
    execution_timezone="Europe/Copenhagen",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 03:00 Danish time, once there are extracts; the open years follow when they are read.",
)
def extracts_schedule(data: DataRoot) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run, after the screenings that cases over the threshold are held against."""
    if extracts_fingerprint(data) is None:
        yield dg.SkipReason("there are no extracts")
    else:
        yield dg.RunRequest()


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts an open round's run when its deliveries differ from the last run's and lay still for a tick.",
)
def new_deliveries(context: dg.SensorEvaluationContext, data: DataRoot) -> dg.SensorResult:
    """Compares a fingerprint of each open round's inbox with the one of the tick before and the last one run."""
    open_rounds = [round_.name for round_ in load_rounds().values() if round_.open]
    settled, cursor = _settled(context.cursor, {name: inbox_fingerprint(data, name) for name in open_rounds})
    requests = [dg.RunRequest(run_key=f"{name}-{number}", partition_key=name) for name, number in settled.items()]
    return dg.SensorResult(run_requests=requests, cursor=cursor)


@dg.sensor(
    job=extracts_job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reads the extracts when they differ from those read last and lay still for a tick.",
)
def new_extracts(context: dg.SensorEvaluationContext, data: DataRoot) -> dg.SensorResult:
    """Compares a fingerprint of the extracts' inboxes with the one of the tick before and the last one run."""
    settled, cursor = _settled(context.cursor, {"extracts": extracts_fingerprint(data)})
    requests = [dg.RunRequest(run_key=f"{name}-{number}") for name, number in settled.items()]
    return dg.SensorResult(run_requests=requests, cursor=cursor)


def _settled(cursor: str | None, fingerprints: Mapping[str, str | None]) -> tuple[dict[str, int], str]:
    """Which inboxes changed since they were run and lay still for a tick, with the number of their run; and the new cursor."""
    seen = json.loads(cursor) if cursor else {}
    settled, state = {}, {}
    for name, now in fingerprints.items():
        before = seen.get(name, {"seen": None, "run": None, "runs": 0})
        starts = now is not None and now == before["seen"] and now != before["run"]
        # The number, not the state: an inbox that returns to an earlier state is a change too.
        runs = before["runs"] + starts
        if starts:
            settled[name] = runs
        state[name] = {"seen": now, "run": now if starts else before["run"], "runs": runs}
    return settled, json.dumps(state)
