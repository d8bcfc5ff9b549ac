"""What every test needs: nothing of the developer's own environment, and no network beyond loopback."""

import socket

import pytest
from hypothesis import settings

from tests.scenario import NO_STATBANK

# A busy machine is no fault, and the same cases every time tell whether a change is.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("BOTILBUD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BOTILBUD_STATBANK_URL", NO_STATBANK)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def unused_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
