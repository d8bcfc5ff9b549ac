"""What analysts look at: Dagster's pages as `make ui` shows them, and the documentation pages, from the disk and in the portal.

Every browser here is cut off from other machines, and what it asks for is remembered.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import urllib.request
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import expect

from tests.assets.commands import BOTILBUD, botilbud
from tests.assets.graph import table as warehouse_table
from tests.e2e.site import NARROW, WIDE, _faults, sign_in
from tests.scenario import NO_STATBANK, ROUND, small_round
from tools.screenshots import PROJECT, free_port, is_elsewhere, web_server, web_server_command

# What Dagster starts with in the project's folder.
PARTS = ("assets", "pipelines", "portal", "schemas", "dagster.yaml", "workspace.yaml", "pyproject.toml")
UPSTREAM_OF_CASE_RATES = {
    *("inbox", "delivered_files", "delivered_rows", "delivery_log", "responses"),
    *("folk1a", "municipalities", "population", "case_rates"),
}
REPOSITORY = 'repositoryLocationName: "assets.definitions", repositoryName: "__repository__"'
CHANGES = {
    "launchRun": f'executionParams: {{selector: {{{REPOSITORY}, jobName: "nightly"}}, runConfigData: {{}}}}',
    "startSchedule": f'scheduleSelector: {{{REPOSITORY}, scheduleName: "nightly_schedule"}}',
    "startSensor": f'sensorSelector: {{{REPOSITORY}, sensorName: "new_deliveries"}}',
    "wipeAssets": 'assetPartitionRanges: [{assetKey: {path: ["case_rates"]}}]',
    "deleteRun": 'runId: "RUN"',
    "terminateRun": 'runId: "unknown"',
    "reloadRepositoryLocation": 'repositoryLocationName: "assets.definitions"',
}


class Tab:
    """A page that reaches nothing beyond this machine.

    Attributes:
        asked: every address that it asked for, or tried to.
        complaints: what the browser told of in its console, and errors of scripts.
    """

    def __init__(self, browser, **options):
        context = browser.new_context(viewport={"width": WIDE, "height": 960}, **options)
        context.set_default_timeout(30_000)
        self.asked, self.complaints = [], []
        context.route(is_elsewhere, lambda route: route.abort())
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("console", lambda message: self.complaints.append(message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page = context.new_page()
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))

    def asked_elsewhere(self):
        return [url for url in self.asked if is_elsewhere(url)]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project in a folder of its own, after a night there: its data and runs are where `make nightly` leaves them."""
    folder = tmp_path_factory.mktemp("project")
    for name in PARTS:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy2
        copy(PROJECT / name, folder / name)
    small_round(folder / "data")
    command = [BOTILBUD, "nightly", "--round", ROUND.name]
    night = subprocess.run(
        command, env=settings_of(folder), cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert night.returncode == 0, night.stderr
    return folder


@pytest.fixture(scope="module")
def dagster(project):
    """The address of Dagster's pages on that project."""
    with web_server(project, settings_of(project), free_port()) as address:
        yield address


@pytest.fixture
def tab(chromium):
    return Tab(chromium)


def settings_of(project: Path) -> dict[str, str]:
    """An environment in which nothing says where data and runs are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOTILBUD_", "DAGSTER_"))}
    return kept | {"PYTHONPATH": str(project), "BOTILBUD_STATBANK_URL": NO_STATBANK}


def provenance(project: Path) -> dict:
    (path,) = (project / "data" / "releases" / ROUND.name).glob("*.provenance.json")
    return json.loads(path.read_bytes())


def ask(address: str, query: str) -> dict:
    body, headers = json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/graphql", body, headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - loopback
        return json.loads(reply.read())["data"]


def test_a_request_to_another_machine_would_be_seen_and_refused(tab):
    tab.page.set_content('<img src="https://example.org/x.png">')
    tab.page.wait_for_load_state("networkidle")
    assert tab.asked_elsewhere() == ["https://example.org/x.png"]
    assert "ERR_FAILED" in tab.complaints[0]


def test_make_ui_starts_what_is_tested_here():
    # These tests may be run by make themselves, whose settings would come along.
    recipe = ["make", "--no-print-directory", "--dry-run", "ui"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(recipe, cwd=PROJECT, env=env, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == shlex.join(web_server_command(Path(".venv/bin"), 3000))


def test_dagster_shows_the_runs_that_the_command_made(project, dagster):
    runs = ask(dagster, "{ runsOrError { ... on Runs { results { runId status jobName } } } }")["runsOrError"]
    assert runs["results"] == [{"runId": provenance(project)["run"], "status": "SUCCESS", "jobName": "nightly"}]


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_can_start_or_change_anything_from_dagsters_pages(project, dagster, change):
    arguments = CHANGES[change].replace("RUN", provenance(project)["run"])
    assert ask(dagster, f"mutation {{ {change}({arguments}) {{ __typename }} }}")[change] == {
        "__typename": "UnauthorizedError"
    }


def test_the_graph_shows_the_groups_and_an_assets_lineage_what_it_follows_from(dagster, tab):
    tab.page.goto(f"{dagster}/asset-groups")
    for group in ("deliveries", "responses", "reference", "benchmark", "disclosure", "quality", "release"):
        tab.page.get_by_text(group, exact=True).last.wait_for()
    expect(tab.page.get_by_role("button", name="Materialize all")).to_be_disabled()

    tab.page.goto(f"{dagster}/assets/case_rates?view=lineage&lineageScope=upstream&lineageDepth=10")
    drawn = tab.page.locator("foreignObject")
    for asset in UPSTREAM_OF_CASE_RATES:
        drawn.get_by_text(asset, exact=True).last.wait_for()
    assert drawn.get_by_text("area_averages", exact=True).count() == 0


def test_an_assets_pages_show_its_columns_versions_and_checks(project, dagster, tab):
    tab.page.goto(f"{dagster}/assets/case_rates")
    for column in pl.read_parquet_schema(project / "data" / "warehouse" / "case_rates" / f"{ROUND.name}.parquet"):
        tab.page.get_by_text(column, exact=True).first.wait_for(state="attached")
    tab.page.get_by_text("Sager pr. 1.000 18-66-årige").first.wait_for(state="attached")

    made = provenance(project)["tables"]["case_rates"]
    tab.page.goto(f"{dagster}/assets/case_rates?view=events")
    tab.page.get_by_text("Show tags").click()
    for version in (made["dataVersion"], made["codeVersion"], made["run"][:8]):
        tab.page.get_by_text(version, exact=True).first.wait_for()

    tab.page.goto(f"{dagster}/assets/case_rates?view=checks&checkDetail=rates_are_cases_by_population")
    tab.page.get_by_text("follows_its_schema").first.wait_for()
    tab.page.get_by_text("Passed").first.wait_for()


def test_dagsters_pages_ask_no_other_machine_and_nobodys_address(dagster, tab):
    # When this breaks: Dagster's pages began to ask others; see in the other tests whether they work without an answer.
    for path in ("/asset-groups", "/assets/case_rates", "/runs", "/overview"):
        tab.page.goto(dagster + path)
        tab.page.wait_for_load_state("networkidle")
        assert tab.page.get_by_text("Join the Dagster community").count() == 0
    assert tab.asked
    assert tab.asked_elsewhere() == []


def test_column_lineage_is_told_in_a_runs_events(project, dagster, tab):
    # When this breaks: docs/lineage.md says where to find it. Should Dagster come to draw it, say so there.
    tab.page.goto(f"{dagster}/runs/{provenance(project)['run']}?logs=step%3Acase_rates")
    tab.page.get_by_text("dagster/column_lineage").first.wait_for()
    tab.page.goto(f"{dagster}/assets/case_rates?view=events")
    tab.page.get_by_text("dagster/row_count").wait_for()
    assert tab.page.get_by_text("dagster/column_lineage").count() == 0


def test_the_command_traces_a_value_as_the_guide_for_analysts_shows_it(first_night):
    guide = (PROJECT / "docs" / "lineage.md").read_text(encoding="utf-8")
    shown, answer = re.search(r"botilbud trace (data/.*?)\n```.*?```\n(.*?)```", guide, re.DOTALL).groups()
    file, key, column = shown.split()
    (release,) = (first_night / "data" / "releases" / ROUND.name).glob("*/shared")
    told = botilbud(first_night / "data", "trace", str(release / Path(file).name), key, column)
    assert headings(told.stdout) == headings(answer) != []


def headings(told: str) -> list[str]:
    return [line.partition(":")[0] for line in told.splitlines() if not line.startswith(" ")]


def documentation(root: Path) -> Path:
    return root / "documentation" / ROUND.name


def shows_what_the_gate_found(page, root):
    expectations = page.locator("#forventninger ~ * tbody tr > th code").all_inner_texts()
    assert sorted(expectations) == sorted(warehouse_table(root, "quality_report")["expectation"])
    assert expectations


def shows_the_columns_and_their_lineage(page, root):
    (file,) = (root / "releases" / ROUND.name).glob("*/shared/case_rates.parquet")
    columns = page.locator("#kolonner ~ .scroll").first.locator("tbody tr > th code").all_inner_texts()
    assert columns == list(pl.read_parquet_schema(file))
    drawing = page.locator("main svg").first
    assert drawing.is_visible()
    for source in ("inbox", "responses", "population"):
        assert source in drawing.inner_html()


def faults(page, addresses):
    """What axe calls serious, and scrolling sideways, of pages at both widths; axe itself complains and asks."""
    found = []
    for address in addresses:
        page.goto(address)
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": 960})
            found += [f"{address} at {width}: {fault}" for fault in _faults(page, width)]
    return found


def test_every_page_for_analysts_opens_from_the_disk_alone(first_night, tab):
    folder = documentation(first_night / "data")
    pages = sorted(file.as_uri() for file in folder.rglob("*.html"))
    assert len(pages) > 15
    for address in pages:
        tab.page.goto(address)
    assert tab.complaints == []
    assert set(tab.asked) == {*pages, (folder / "style.css").as_uri()}


def test_no_page_for_analysts_has_a_serious_fault_or_scrolls_sideways(first_night, tab):
    pages = documentation(first_night / "data").rglob("*.html")
    assert faults(tab.page, sorted(file.as_uri() for file in pages)) == []


def test_from_the_disk_one_reads_what_the_gate_found_and_where_columns_come_from(first_night, tab):
    root = first_night / "data"
    tab.page.goto((documentation(root) / "quality" / "index.html").as_uri())
    shows_what_the_gate_found(tab.page, root)
    tab.page.get_by_role("link", name="Tabeller og herkomst").click()
    tab.page.locator("#udgivet + ul").get_by_role("link", name="Sager pr. 1.000 18-66-årige").click()
    assert tab.page.url == (documentation(root) / "tables" / "case_rates.html").as_uri()
    shows_the_columns_and_their_lineage(tab.page, root)


def test_kl_reads_the_same_pages_in_the_portal(site, chromium):
    tab = Tab(chromium, base_url=site.address)
    sign_in(tab.page, site.token(None))
    tab.page.goto(f"/kl/runder/{ROUND.name}")
    tab.page.get_by_role("link", name="Kvalitetskontrollen tabel for tabel").click()
    shows_what_the_gate_found(tab.page, site.root)
    tab.page.get_by_role("link", name="Tabeller og herkomst").click()
    tab.page.locator("#udgivet + ul").get_by_role("link", name="Sager pr. 1.000 18-66-årige").click()
    shows_the_columns_and_their_lineage(tab.page, site.root)
    assert tab.complaints == []
    assert {url for url in tab.asked if not url.startswith(site.address)} == set()
    served = f"{site.address}/kl/dokumentation/{ROUND.name}"
    assert tab.page.url == f"{served}/tables/case_rates.html"
    assert faults(tab.page, [f"{served}/quality/index.html", f"{served}/tables/case_rates.html"]) == []
