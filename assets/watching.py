"""Who is told when a night fails or finds something: at the end of `botilbud nightly`, and by sensors for the daemon's runs.

What is told and how it is sent stands in `pipelines/alerts/`.
"""

import re
import sys
from collections.abc import Iterator, Sequence

import dagster as dg

from assets import clock, settings
from assets.jobs import extracts_job, management_job, nightly
from pipelines.alerts.telling import tell_of_night
from pipelines.untold import told
from schemas.errors import BotilbudError
from schemas.years import find_period, open_years

# The tags of runs that the command makes: it tells of them itself, and whoever started it starts it again.
_STARTED_BY = "botilbud/started_by"
COMMAND_TAGS = {_STARTED_BY: "command", "dagster/max_retries": "0"}
_ROUND = "dagster/partition"
_WILL_RETRY = "dagster/will_retry"
_OUR_ERROR = re.compile(r"(?:assets|pipelines|schemas)\.[\w.]*Error: (.*)", re.DOTALL)


def after_night(round_name: str, failures: Sequence[str]) -> None:
    """Sends what a night has to tell, by the channels of the settings: that it failed, or which warnings are new.

    Never raises: an alert that cannot be sent is a line on stderr.

    Args:
        round_name: the round that was run.
        failures: as `failures_of` the run; empty after a good night.
    """
    try:
        channels = settings.alert_channels()
        if channels is None:
            return
        root, now = settings.data_root(), clock.now()
        faults = tell_of_night(root, find_period(round_name), failures, channels, now)
    except BotilbudError as error:
        faults = [f"alert not sent: {error}"]
    except Exception as error:  # noqa: BLE001 - whatever it is, the night and its own error come first
        faults = [f"alert not sent: {told(error)}"]
    for line in faults:
        sys.stderr.write(f"{line}\n")


def failures_of(events: Sequence[dg.DagsterEvent]) -> list[str]:
    """One line per failed step of a failed run: the asset, and what the error at the bottom says where it is our own.

    Of any other error only the kind is told: its text may hold an answer.
    """
    lines = [f"{event.step_key}: {_what_failed(event)}" for event in events if event.is_step_failure]
    return lines or ["kørslen fejlede, før et trin gik i gang"]


def _what_failed(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return "unknown error"
    ours = _OUR_ERROR.fullmatch(error.message.strip())
    return " ".join(ours[1].split()) if ours else f"{error.cls_name} (its text may hold an answer and is not shown)"


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[extracts_job],
    request_job=management_job,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the open years when the daemon has read the extracts.",
)
def read_extracts(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest]:
    """One run per open year, each once for a run that read the extracts."""
    if _STARTED_BY not in context.dagster_run.tags:
        for year in open_years():
            yield dg.RunRequest(run_key=f"{context.dagster_run.run_id}-{year.name}", partition_key=year.name)


@dg.run_failure_sensor(
    monitored_jobs=[nightly, extracts_job, management_job],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when a night that the daemon ran has failed and is not tried again.",
)
def failed_night(context: dg.RunFailureSensorContext) -> None:
    """Tells that a night failed."""
    run = context.dagster_run
    if _STARTED_BY not in run.tags and run.tags.get(_WILL_RETRY) != "true":
        # What stops the extracts stops every open year; told of the newest.
        name = run.tags.get(_ROUND) or open_years()[-1].name
        after_night(name, failures_of(context.get_step_failure_events()))


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[nightly],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when a night that the daemon ran found warnings that were not told before.",
)
def good_night(context: dg.RunStatusSensorContext) -> None:
    """Tells which warnings are new."""
    run = context.dagster_run
    if _STARTED_BY not in run.tags:
        after_night(run.tags[_ROUND], [])
