"""A real release, made once; each test that writes gets a copy of its own."""

import shutil

import dagster as dg
import pytest

from tests.assets import management
from tests.assets.graph import failures, materialise
from tests.portal import portal_scenario as scenario
from tests.scenario import small_round


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """A data root after one night; nobody writes into it."""
    root = tmp_path_factory.mktemp("portal-night")
    small_round(root)
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise(root, instance).success
    return root


@pytest.fixture(scope="session")
def year_night(night, tmp_path_factory):
    """The same after a night of a year of management information too; nobody writes into it."""
    root = shutil.copytree(night, tmp_path_factory.mktemp("portal-year") / "root", copy_function=shutil.copy2)
    management.hand_in_extracts(root)
    unreadable = root / "inbox" / "grants" / scenario.REFUSED / "20250228T080000Z__bevillinger.xlsx"
    unreadable.parent.mkdir()
    unreadable.write_bytes(b"no workbook")
    initiatives = root / "inbox" / "initiatives" / scenario.OWN / "20250301T080000Z__tiltag.csv"
    initiatives.write_text(scenario.INITIATIVES, encoding="utf-8")
    with dg.DagsterInstance.ephemeral() as instance:
        result = management.run(root, instance)
        assert result.success, failures(result)
    return root


@pytest.fixture
def root(night, tmp_path):
    """A data root of this test's own."""
    return shutil.copytree(night, tmp_path / "root", copy_function=shutil.copy2)


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def clock():
    return scenario.Clock()


@pytest.fixture
def app(root, state, clock):
    """A portal on a data root of this test's own."""
    app = scenario.app_for(root, state, clock)
    yield app
    app.state.portal.desk.close()


@pytest.fixture
def own(app, state):
    """Municipality 183 with its token."""
    return scenario.client_for(app, scenario.token_for(state, scenario.OWN))


@pytest.fixture
def other(app, state):
    """Municipality 461 with its token."""
    return scenario.client_for(app, scenario.token_for(state, scenario.OTHER))


@pytest.fixture
def outsider(app, state):
    """A municipality that takes no part, with its token."""
    return scenario.client_for(app, scenario.token_for(state, scenario.OUTSIDER))


@pytest.fixture
def consultant(app, state):
    """KL with its token."""
    return scenario.client_for(app, scenario.token_for(state, None))


@pytest.fixture
def nobody(app):
    return scenario.client_for(app)
