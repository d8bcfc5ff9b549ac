"""The systemd units: well formed, hardened, and starting commands that exist."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assets.settings import PROJECT

UNITS = sorted((PROJECT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed on this machine")


@pytest.fixture
def installed(tmp_path):
    """The units as installed here: the commands of this environment, since systemd asks whether they are there."""
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/botilbud/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text.replace("/opt/botilbud", str(PROJECT)), encoding="utf-8")
    return tmp_path


def analyze(*arguments):
    asked = [ANALYZE, *map(str, arguments)]
    return subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)


@needs_systemd
def test_systemd_finds_no_fault_in_the_units(installed):
    verified = analyze("verify", "--man=no", "--recursive-errors=no", *sorted(installed.iterdir()))
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("service", SERVICES, ids=lambda unit: unit.name)
def test_systemd_rates_every_service_as_little_exposed(installed, service):
    # Of 100: 0 is least exposed. A service that is not hardened has more than 90.
    rated = analyze("security", "--offline=true", "--threshold=35", "--no-pager", installed / service.name)
    assert rated.returncode == 0, rated.stdout[-400:]


@pytest.mark.parametrize("service", SERVICES, ids=lambda unit: unit.name)
def test_every_service_runs_as_its_own_user_and_writes_where_it_is_told(service):
    text = service.read_text(encoding="utf-8")
    for line in ("User=botilbud", "NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0027"):
        assert f"{line}\n" in text
    written = [path for line in re.findall(r"^ReadWritePaths=(.*)$", text, re.MULTILINE) for path in line.split()]
    assert written
    assert all(path.startswith("/var/lib/botilbud/") for path in written)


def test_the_web_servers_listen_on_loopback_and_dagsters_only_reads_and_sees_no_data():
    dagster, portal = (
        (PROJECT / "deploy" / "systemd" / name).read_text(encoding="utf-8")
        for name in ("botilbud-dagster.service", "botilbud-portal.service")
    )
    assert "dagster-webserver --read-only -h 127.0.0.1 " in dagster
    assert "InaccessiblePaths=/var/lib/botilbud/data\n" in dagster
    assert "botilbud portal --host 127.0.0.1 " in portal


def test_every_timer_has_its_service():
    timers = {unit.stem for unit in UNITS if unit.suffix == ".timer"}
    assert timers == {"botilbud-heartbeat", "botilbud-purge"}
    assert timers <= {service.stem for service in SERVICES}
