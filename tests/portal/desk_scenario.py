"""A portal with an empty inbox, and files to hand in. Expectations stand in the tests."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from portal.identity import Identity
from tests.portal import portal_scenario as scenario
from tests.scenario import ROUND, csv, row

API = f"/deliveries/{ROUND.name}"
PAGE = f"/runder/{ROUND.name}/aflevering"
COUNTED = ("rows", "eligible", "out_of_scope", "rejected")
_STATE = ("portal.sqlite3", "audit.jsonl", "session.key")


def good(cases: int = 3, code: str = scenario.OWN) -> bytes:
    """A file without errors; its last case is below the threshold."""
    return csv([*(row(code, i) for i in range(cases - 1)), row(code, cases, residential_cost_dkk="1.999.999")])


FAULTY = csv([*(row(scenario.OWN, i) for i in range(5)), row(scenario.OWN, 6, age="17", provider="Regjonen")])


@dataclass
class DeskApp:
    """A portal, municipality 183's token (`own`) and the others', and what lay on the disk at the start."""

    root: Path
    state: Path
    clock: scenario.Clock
    app: FastAPI
    token: str
    other_token: str
    kl_token: str
    before: dict[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        """Municipality 183, as the desk knows who confirms."""
        return Identity("token:own", "municipality", scenario.OWN, self.clock() + dt.timedelta(hours=1))

    def client(self) -> TestClient:
        return scenario.client_for(self.app, self.token)

    def browser(self) -> TestClient:
        return scenario.browser_for(self.app, self.token)

    @property
    def own(self) -> TestClient:
        return self.client()

    @property
    def other(self) -> TestClient:
        return scenario.client_for(self.app, self.other_token)

    @property
    def consultant(self) -> TestClient:
        return scenario.client_for(self.app, self.kl_token)


def opened(tmp_path: Path):
    """A portal, closed afterwards."""
    root, state, clock = tmp_path / "root", tmp_path / "state", scenario.Clock()
    (root / "inbox").mkdir(parents=True)
    app = scenario.app_for(root, state, clock)
    tokens = [scenario.token_for(state, code) for code in (scenario.OWN, scenario.OTHER, None)]
    desk_app = DeskApp(root, state, clock, app, *tokens)
    desk_app.before = tree(desk_app)
    yield desk_app
    desk_app.app.state.portal.desk.close()


def tree(desk_app: DeskApp) -> dict[str, str]:
    """Every file below the test's folder by its checksum, but for the three that a state folder always has."""
    top = desk_app.root.parent
    return {
        str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(top.rglob("*"))
        if path.is_file() and not (path.parent == desk_app.state and path.name.startswith(_STATE))
    }


def inbox_of(desk_app: DeskApp, code: str) -> dict[str, bytes]:
    """What lies in a municipality's folder of the inbox, by name."""
    folder = desk_app.root / "inbox" / ROUND.name / code
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))} if folder.exists() else {}


def audit_of(desk_app: DeskApp, action: str) -> list:
    return [event for event in desk_app.app.state.portal.audit.events() if event.action == action]


def sent(client: TestClient, content: bytes, *, name: str = "skema.csv", address: str = API, **request):
    """A file handed in by a program."""
    return client.post(address, files={"file": (name, content)}, **request)


def uploaded(browser: TestClient, content: bytes, *, name: str = "skema.csv"):
    """A file handed over on the page."""
    csrf = scenario.csrf_of(browser.get(PAGE).text)
    return browser.post(PAGE, files={"file": (name, content)}, data={"csrf": csrf})


def handed_over(browser: TestClient, content: bytes, *, name: str = "skema.csv") -> str:
    """The address of the draft of a file handed over on the page."""
    answer = uploaded(browser, content, name=name)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]
