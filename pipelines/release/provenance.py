"""What made a release: the tables with their data versions and runs, the deliveries, the population and the code.

One JSON file beside each release (`releases/<round>/<release id>.provenance.json`), so that the answer outlives the run
history. It names runs and times, which a release itself must not.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl
from upath import UPath

from schemas.rounds import Round


class Made(NamedTuple):
    """Which run made a table, and what it made.

    Attributes:
        data_version: SHA-256 of the table's parquet file.
        run: the run's id.
        at: when (UTC).
        code_version: that of the asset.
    """

    data_version: str
    run: str
    at: dt.datetime
    code_version: str


def provenance(  # noqa: D103
    manifest: Mapping[str, Any],
    made: Mapping[str, Made],
    upstream: Mapping[str, list[str]],
    delivery_log: pl.DataFrame,
    population_note: Mapping[str, Any],
    round_: Round,
) -> dict[str, Any]:
    raise NotImplementedError


def write(root: UPath, round_name: str, document: Mapping[str, Any]) -> None:  # noqa: D103
    raise NotImplementedError
