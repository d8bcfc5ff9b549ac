"""What takes long: killed runs, and Dagster's own web server materialising the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from assets.settings import PROJECT
from pipelines.release.manifest import differences
from tests.assets.commands import BOTILBUD, botilbud, environment
from tests.assets.graph import untimed_files_below
from tests.scenario import OTHERWISE, ROUND, hand_in, row, small_round

pytestmark = pytest.mark.slow


def released(root: Path) -> str | None:
    latest = root / "releases" / ROUND.name / "latest.json"
    return json.loads(latest.read_bytes())["release"] if latest.exists() else None


def test_a_run_killed_at_any_moment_leaves_a_release_that_agrees_with_its_manifest(tmp_path):
    root = tmp_path / "data"
    small_round(root)
    start = time.monotonic()
    assert botilbud(root, "nightly", "--round", ROUND.name).returncode == 0
    whole_night = time.monotonic() - start
    kept = set()
    for attempt in range(10):
        rows = [row("101", i, **OTHERWISE) for i in range(attempt + 4)]
        hand_in(root, "101", rows, name=f"202211{attempt + 10}T080000Z__ny.csv")
        night = subprocess.Popen(
            [BOTILBUD, "nightly", "--round", ROUND.name],
            env=environment(root),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Later and later, and most often in the last part, where the release is written.
        time.sleep(whole_night * (0.4 + 0.06 * attempt))
        os.killpg(night.pid, signal.SIGKILL)
        night.wait()
        release = released(root)
        kept.add(release)
        assert differences(root / "releases" / ROUND.name / release) == []
    assert botilbud(root, "nightly", "--round", ROUND.name).returncode == 0
    kept.add(released(root))
    assert differences(root / "releases" / ROUND.name / released(root)) == []
    leftovers = [p for p in (root / "releases" / ROUND.name).iterdir() if p.name.startswith(".")]
    assert leftovers == []
    assert len(kept) > 1


GRAPHQL_LAUNCH = """
mutation($run: ExecutionParams!) { launchRun(executionParams: $run) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
GRAPHQL_STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def ask(port: int, query: str, **variables: object) -> dict:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - loopback
        return json.loads(reply.read())["data"]


def until(deadline: float, what):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        try:
            if found := what():
                return found
        except OSError:
            pass
        time.sleep(0.3)
    raise AssertionError("waited in vain")


def test_materialising_from_dagster_dev_gives_the_same_bytes_as_the_command(tmp_path, unused_port, monkeypatch):
    monkeypatch.setenv("BOTILBUD_ROUNDING_SECRET", "made up for this test")
    from_command, from_server = tmp_path / "a" / "data", tmp_path / "b" / "data"
    for root in (from_command, from_server):
        small_round(root)
    assert botilbud(from_command, "nightly", "--round", ROUND.name).returncode == 0
    server = subprocess.Popen(
        [Path(sys.executable).with_name("dagster"), "dev", "-h", "127.0.0.1", "-p", str(unused_port)],
        env=environment(from_server),
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        run = {
            "selector": {
                "repositoryLocationName": "assets.definitions",
                "repositoryName": "__repository__",
                "jobName": "nightly",
            },
            "mode": "default",
            "runConfigData": {"loggers": {"console": {}}},
            "executionMetadata": {
                "tags": [{"key": "dagster/partition", "value": ROUND.name}],
            },
        }
        until(60, lambda: ask(unused_port, "{ version }"))
        launched = ask(unused_port, GRAPHQL_LAUNCH, run=run)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        status = until(
            60,
            lambda: (
                (s := ask(unused_port, GRAPHQL_STATUS, id=launched["run"]["runId"])["runOrError"]["status"])
                in ("SUCCESS", "FAILURE")
                and s
            ),
        )
        assert status == "SUCCESS"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    assert untimed_files_below(from_server) == untimed_files_below(from_command)
