"""The nightly job, its schedule, and the sensor that starts a round when its deliveries have changed and settled."""

import json
from collections.abc import Iterator

import dagster as dg

from assets.resources import DataRoot, inbox_fingerprint
from schemas.rounds import load_rounds

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all(),
    description="Everything of one round: deliveries, responses, reference, benchmark, disclosure, quality, release.",
    executor_def=dg.in_process_executor,
    config={"loggers": {"console": {}}},
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


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts an open round's run when its deliveries differ from the last run's and lay still for a tick.",
)
def new_deliveries(context: dg.SensorEvaluationContext, data: DataRoot) -> dg.SensorResult:
    """Compares a fingerprint of each open round's inbox with the one of the tick before and the last one run."""
    seen = json.loads(context.cursor) if context.cursor else {}
    requests, cursor = [], {}
    for round_ in load_rounds().values():
        if not round_.open:
            continue
        now = inbox_fingerprint(data, round_.name)
        before = seen.get(round_.name, {"seen": None, "run": None, "runs": 0})
        starts = now is not None and now == before["seen"] and now != before["run"]
        runs = before["runs"] + starts
        if starts:
            # The number, not the state: an inbox that returns to an earlier state is a change too.
            requests.append(dg.RunRequest(run_key=f"{round_.name}-{runs}", partition_key=round_.name))
        cursor[round_.name] = {"seen": now, "run": now if starts else before["run"], "runs": runs}
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(cursor))
