"""The nights that `botilbud nightly` runs, one after the other: a job per round, and for the years the extracts first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import dagster as dg
from upath import UPath

from assets.resources import DataRoot, extracts_fingerprint
from assets.watching import COMMAND_TAGS, failures_of
from pipelines.untold import told
from schemas.periods import Period
from schemas.rounds import Round
from schemas.years import Year


class Night(NamedTuple):
    """How the night of a round or year ended.

    Attributes:
        period: the round or year.
        failures: one line per step that failed; empty after a good night.
        published: what the release says of itself; empty after a bad one.
    """

    period: Period
    failures: Sequence[str]
    published: Mapping[str, Any]


def nights(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    rounds: Iterable[Round],
    years: Sequence[Year],
    root: UPath,
) -> Iterator[Night]:
    """Runs the nights; one that fails leaves the others theirs.

    Args:
        definitions: the code location.
        instance: where the runs are noted.
        rounds: the rounds to run.
        years: the years to run, once there are extracts.
        root: the data root.
    """
    for round_ in rounds:
        yield _night(definitions, instance, "nightly", round_, "release")
    if not years or extracts_fingerprint(DataRoot(location=str(root))) is None:
        return
    unread, _ = _run(definitions, instance, "nightly_extracts", None)
    if unread:
        # What stops the extracts stops every year; told once.
        yield Night(years[-1], unread, {})
        return
    for year in years:
        yield _night(definitions, instance, "management_information", year, "management_release")


def _night(definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, period: Period, release: str) -> Night:
    failures, result = _run(definitions, instance, job, period.name)
    if failures or result is None:
        return Night(period, failures, {})
    (made,) = result.asset_materializations_for_node(release)
    return Night(period, [], {name: entry.value for name, entry in made.metadata.items()})


def _run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, partition: str | None
) -> tuple[list[str], dg.ExecuteInProcessResult | None]:
    try:
        result = definitions.resolve_job_def(job).execute_in_process(
            partition_key=partition, instance=instance, raise_on_error=False, tags=COMMAND_TAGS
        )
    except Exception as error:  # noqa: BLE001 - one that cannot even be logged leaves the others theirs
        return [told(error)], None
    return ([] if result.success else failures_of(result.all_events)), result
