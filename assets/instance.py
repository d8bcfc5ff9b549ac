"""The Dagster instance that commands run in: the one of `DAGSTER_HOME`, else the project's own below `var/`."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef

from assets.settings import PROJECT


@contextlib.contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """The instance, with its own settings if its home has any, else with the project's.

    Dagster's defaults are never used: they keep what steps print, and send usage statistics.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or PROJECT / "var" / "dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    if (home / "dagster.yaml").exists():
        ref = InstanceRef.from_dir(str(home))
    else:
        ref = InstanceRef.from_dir(str(home), config_dir=str(PROJECT), overrides=_stored_in(home))
    with dg.DagsterInstance.from_ref(ref) as instance:
        yield instance


def _stored_in(folder: Path) -> dict[str, Any]:
    """The parts of the project's settings that store anything, storing in this folder."""
    configured = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    return {
        part: {**settings, "config": {"base_dir": str(folder)}}
        for part, settings in configured.items()
        if "base_dir" in settings.get("config", {})
    }
