"""The sample code on a release's page, taken from the page and run against a real server."""

import html
import io
import re
import socket
import subprocess
import sys
import threading

import polars as pl
import pytest
import uvicorn

from portal.sample_code import samples
from tests.portal import portal_scenario as scenario
from tests.scenario import ROUND


@pytest.fixture
def site(root, state, clock):
    """A portal under its own address; yields the application."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = scenario.app_for(root, state, clock, url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield app
        finally:
            server.should_exit = True
            thread.join()


def code_on_page(app, token: str) -> dict[str, str]:
    """The code of every sample, as somebody copies it from the page."""
    browser = scenario.browser_for(app, token)
    page = browser.get(f"/runder/{ROUND.name}/udgivelser/latest").text
    found = re.findall(r'<h3 id="kode-(\w+)">.*?<pre[^>]*><code>(.*?)</code></pre>', page, re.DOTALL)
    return {key: html.unescape(code) for key, code in found}


def own_environment(token: str, tmp_path) -> dict[str, str]:
    return {"BOTILBUD_TOKEN": token, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}


def rates(root) -> bytes:
    return (root / "releases" / ROUND.name / scenario.latest(root) / "shared" / "case_rates.parquet").read_bytes()


@pytest.mark.slow
def test_the_samples_fetch_the_table_from_the_address_on_the_page(site, root, state, tmp_path):
    token = scenario.token_for(state, scenario.OWN)
    code = code_on_page(site, token)
    assert list(code) == ["excel", "python", "r", "curl"]
    environment = own_environment(token, tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", code["python"]], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert str(pl.read_parquet(io.BytesIO(rates(root)))) in ran.stdout
    subprocess.run(
        ["sh", "-c", code["curl"]], env=environment, cwd=tmp_path, check=True, timeout=60, capture_output=True
    )
    assert (tmp_path / "case_rates.parquet").read_bytes() == rates(root)


@pytest.mark.slow
def test_the_samples_fail_with_a_token_that_is_worth_nothing(site, state, tmp_path):
    code = code_on_page(site, scenario.token_for(state, scenario.OWN))
    environment = own_environment("bb_0_0", tmp_path)
    for command in ([sys.executable, "-c", code["python"]], ["sh", "-c", code["curl"]]):
        ran = subprocess.run(command, env=environment, cwd=tmp_path, check=False, timeout=60, capture_output=True)
        assert ran.returncode != 0
    assert not (tmp_path / "case_rates.parquet").exists()


def test_every_address_in_every_sample_answers_with_the_table(own, root):
    for sample in samples(scenario.URL, ROUND.name, scenario.latest(root)):
        addresses = re.findall(r"http://[^\s\"]+", sample.code)
        assert [address.split("/")[5] for address in addresses] == ["latest", scenario.latest(root)]
        for address in addresses:
            assert own.get(address.removeprefix(scenario.URL)).status_code == 200


def test_the_csv_that_power_query_reads_has_the_columns_and_the_form_that_the_code_names(own, root):
    (excel,) = [s for s in samples(scenario.URL, ROUND.name, scenario.latest(root)) if s.key == "excel"]
    address = re.search(r'Adresse = "(.*?)"', excel.code)[1]
    table = own.get(address.removeprefix(scenario.URL)).content
    assert 'Delimiter = ";"' in excel.code
    assert "Encoding = 65001" in excel.code
    assert '"da-DK"' in excel.code
    read = pl.read_csv(io.BytesIO(table), separator=";", decimal_comma=True, infer_schema_length=None)
    typed = re.findall(r'\{"(\w+)", ([\w. ]+)\}', excel.code)
    types = {"Int64.Type": pl.Int64, "type number": pl.Float64}
    assert {name: types[type_] for name, type_ in typed} == {name: read.schema[name] for name, _ in typed}


@pytest.mark.parametrize("sample", samples(scenario.URL, ROUND.name, "0123456789abcdef"), ids=lambda s: s.key)
def test_a_sample_is_short_and_its_brackets_and_quotes_close(sample):
    lines = [line for line in sample.code.splitlines() if line and not line.startswith(("#", "//"))]
    assert len(lines) <= 8
    outside = re.sub(r'"[^"\n]*"', "", "\n".join(lines))
    assert '"' not in outside
    open_: list[str] = []
    for character in outside:
        if character in "([{":
            open_.append(character)
        elif character in ")]}":
            assert "([{".index(open_.pop()) == ")]}".index(character)
    assert open_ == []


def test_no_token_stands_in_a_sample():
    for sample in samples(scenario.URL, ROUND.name, "0123456789abcdef"):
        assert "bb_" not in sample.code
        assert re.search(r"BOTILBUD_TOKEN|SKRIV_DIN_ADGANGSNØGLE_HER", sample.code)
