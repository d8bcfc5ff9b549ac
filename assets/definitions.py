"""The whole code location: assets, job, schedule, sensor and resources, as one function of the settings."""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg
from upath import UPath

from assets import benchmark, deliveries, disclosure, extracts, management, quality, reference, release, settings
from assets.console import console
from assets.io_manager import ParquetIOManager
from assets.jobs import (
    extracts_job,
    extracts_schedule,
    management_job,
    new_deliveries,
    new_extracts,
    nightly,
    nightly_schedule,
)
from assets.resources import DataRoot, Reports, StatBank
from assets.watching import failed_night, good_night, read_extracts
from pipelines import storage


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """The code location.

    Args:
        resource_overrides: resources to use instead of those of the settings, by key: data, statbank, reports, parquet.
    """
    os.umask(0o027)  # however Dagster was started, cases in clear are nobody else's
    root = settings.data_root()
    overrides = dict(resource_overrides or {})
    data = overrides.get("data", DataRoot(location=str(root)))
    resources = {
        "data": data,
        "statbank": StatBank(url=settings.statbank_url()),
        "reports": Reports(),
        "parquet": ParquetIOManager(storage.warehouse(UPath(data.location))),
    }
    return dg.Definitions(
        assets=[
            reference.folk1a,
            *dg.load_assets_from_modules(
                [deliveries, reference, benchmark, disclosure, quality, release, extracts, management]
            ),
        ],
        asset_checks=[quality.judge_quality],
        jobs=[nightly, extracts_job, management_job],
        schedules=[nightly_schedule, extracts_schedule],
        sensors=[new_deliveries, new_extracts, read_extracts, failed_night, good_night],
        resources=resources | overrides,
        loggers={"console": console},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location as Dagster's tools load it."""
    return build_defs()
