"""What every test needs: nothing of the developer's own environment, and no network beyond loopback."""

import socket

import pytest

from tests.scenario import NO_STATBANK


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
