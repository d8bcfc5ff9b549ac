"""What all reports of a release have in common. Imported by every night; the reports themselves are not (`report_files`)."""

from typing import NamedTuple

import polars as pl

from pipelines.release.contents import SHARED
from schemas.rounds import Round

FIGURES = "figures"
"""The folder of pictures within a folder of a release."""


class Edition(NamedTuple):
    """What all reports of a release have in common.

    Attributes:
        round_: the round.
        release: the release's id.
        changes: what differs in the shared files from the release before; None where there was none.
        is_made_up: whether the figures are of demonstration data.
    """

    round_: Round
    release: str
    changes: pl.DataFrame | None
    is_made_up: bool


def is_demonstration(delivery_log: pl.DataFrame) -> bool:
    """Whether a delivery that counts is one of the demonstration, whose names say so."""
    current = delivery_log.filter(pl.col("status") == "current")
    return bool(current["file"].str.contains("__Demonstration ", literal=True).any())


def shared_changes(changes: pl.DataFrame | None) -> pl.DataFrame | None:
    """Those of what differs from the release before that all may see; None where there was none."""
    return None if changes is None else changes.filter(pl.col("file").str.starts_with(f"{SHARED}/"))
