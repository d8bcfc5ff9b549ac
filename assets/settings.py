"""Where things are: the only place that reads the environment. Nothing is read at import."""

import os
from pathlib import Path

from upath import UPath

from pipelines.storage import located

PROJECT = Path(__file__).parents[1]
STATBANK_URL = "https://api.statbank.dk/v1/data"


def data_location() -> str:
    """The data root: `BOTILBUD_DATA` (a folder or an `s3://` URL), else `data/` in the project."""
    return os.environ.get("BOTILBUD_DATA") or str(PROJECT / "data")


def data_root() -> UPath:
    """The data root as a path; a folder is made absolute."""
    return located(data_location())


def statbank_url() -> str:
    """Statistics Denmark's data function: `BOTILBUD_STATBANK_URL`, else the public one."""
    return os.environ.get("BOTILBUD_STATBANK_URL") or STATBANK_URL


def rounding_secret() -> str | None:
    """What the draws of rounding are keyed by: `BOTILBUD_ROUNDING_SECRET`, else the data root's own."""
    return os.environ.get("BOTILBUD_ROUNDING_SECRET") or None
