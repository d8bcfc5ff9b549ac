"""The Dagster instance that commands run in: the one of `DAGSTER_HOME`, else the project's own below `var/`."""

import contextlib
import os
from collections.abc import Iterator

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef

from assets.settings import PROJECT


@contextlib.contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """The instance; the project's own has the storage that `dagster dev` uses, wherever the command is started."""
    if os.environ.get("DAGSTER_HOME"):
        with dg.DagsterInstance.get() as instance:
            yield instance
        return
    storage = PROJECT / "var" / "dagster"
    storage.mkdir(parents=True, exist_ok=True)
    configured = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    absolute = {
        part: {**settings, "config": {"base_dir": str(storage)}}
        for part, settings in configured.items()
        if "base_dir" in settings.get("config", {})
    }
    ref = InstanceRef.from_dir(str(storage), config_dir=str(PROJECT), overrides=absolute)
    with dg.DagsterInstance.from_ref(ref) as instance:
        yield instance
