"""Running the installed command as a user does, with a data root and a Dagster home of a test's own."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from assets.settings import PROJECT
from tests.scenario import NO_STATBANK

BOTILBUD = Path(sys.executable).with_name("botilbud")


def dagster_home(folder: Path) -> Path:
    """A Dagster home with the project's own settings, but storing below itself."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    for part in settings.values():
        if "base_dir" in part.get("config", {}):
            part["config"]["base_dir"] = str(folder / "storage")
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder


def environment(root: Path) -> dict[str, str]:
    return os.environ | {
        "BOTILBUD_DATA": str(root),
        "BOTILBUD_STATBANK_URL": NO_STATBANK,
        "DAGSTER_HOME": str(dagster_home(root.parent / "dagster-home")),
    }


def botilbud(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BOTILBUD, *arguments], env=environment(root), capture_output=True, text=True, check=False, timeout=120, cwd="/"
    )
