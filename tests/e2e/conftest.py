"""One night for all tests, a copy of its data and a portal on it for each, and one browser."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.assets.commands import botilbud
from tests.e2e.site import Site, tab
from tests.scenario import ROUND, small_round

CHROMIUM = Path("/usr/bin/chromium")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def first_night(tmp_path_factory):
    """A folder with a data root after one night, and its Dagster home; nobody writes into it."""
    folder = tmp_path_factory.mktemp("journeys")
    small_round(folder / "data")
    night = botilbud(folder / "data", "nightly", "--round", ROUND.name)
    assert night.returncode == 0, night.stderr
    return folder


@pytest.fixture
def folder(first_night, tmp_path):
    return shutil.copytree(first_night, tmp_path / "site", copy_function=shutil.copy2)


@pytest.fixture
def site(folder, unused_port):
    """A running portal on a data root of this test's own."""
    site = Site(folder / "data", unused_port)
    with site.running():
        yield site


# Not longer: while it is open, no other test of this process can run an event loop or a browser of its own.
@pytest.fixture(scope="package")
def browser():
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing; install it with: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def chromium(browser):
    """The browser, without what an earlier test left open."""
    yield browser
    for context in browser.contexts:
        context.close()


@pytest.fixture
def page(chromium, site):
    return tab(chromium, site)
