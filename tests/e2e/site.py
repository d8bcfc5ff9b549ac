"""A real portal and a real browser: processes of their own, as those of an operator and a reader.

What belongs here: what the journeys have in common. Expectations stand in the tests.
"""

import contextlib
import http.client
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIRequestContext, Browser, Locator, Page, Route

from schemas.rounds import find_round
from tests.assets.commands import BOTILBUD, botilbud, environment
from tests.scenario import ROUND

OWN, OUTSIDER = "183", "851"
WIDE, NARROW = 1280, 320
RELEASES = f"/runder/{ROUND.name}/udgivelser"
HAND_IN = f"/runder/{ROUND.name}/aflevering"
VIOLATIONS = {"resultTypes": ["violations"]}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Site:
    """A data root and the portal on it.

    Attributes:
        server: the running process; None while it is stopped.
    """

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port = root, port
        self.address = f"http://127.0.0.1:{port}"
        self.log = root.parent / "portal.log"
        self.server: subprocess.Popen | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """The portal, ended as a service manager does; it must never have told of an error."""
        self.start()
        try:
            yield
        finally:
            self.stop(signal.SIGTERM)
        assert not re.findall(r".* ERROR .*|.*Traceback.*", self.log.read_text(encoding="utf-8"))

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [BOTILBUD, "portal", "--port", str(self.port)]
            self.server = subprocess.Popen(command, env=environment(self.root), stdout=log, stderr=log, cwd="/")
        wait_for(self.is_up)

    def stop(self, sent: signal.Signals) -> None:
        if self.server is not None:
            self.server.send_signal(sent)
            self.server.wait(40)
            self.server = None

    def is_up(self) -> bool:
        assert self.server.poll() is None, self.log.read_text(encoding="utf-8")
        return is_up(self.port)

    def token(self, code: str | None) -> str:
        """A new token of a municipality, or of KL where `code` is None; the only thing that the command prints."""
        whose = ("--role", "kl") if code is None else ("--municipality", code)
        issued = botilbud(self.root, "token", "issue", *whose)
        assert issued.returncode == 0, issued.stderr
        return issued.stdout.strip()

    def inbox(self, code: str) -> dict[str, bytes]:
        """What lies in a municipality's folder of the inbox, hidden files too, by name."""
        return {path.name: path.read_bytes() for path in (self.root / "inbox" / ROUND.name / code).iterdir()}


def is_up(port: int) -> bool:
    with contextlib.suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", "/healthz")
        return connection.getresponse().read() == b'{"status":"ok"}'
    return False


def wait_for(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def tab(chromium: Browser, site: Site) -> Page:
    """A browser of its own, without scripts."""
    context = chromium.new_context(
        base_url=site.address, java_script_enabled=False, viewport={"width": WIDE, "height": 800}
    )
    context.set_default_timeout(15_000)
    return context.new_page()


def program(chromium: Browser, site: Site, token: str) -> APIRequestContext:
    """Something that asks with a token, and is no browser."""
    headers = {"Authorization": f"Bearer {token}"}
    return chromium.new_context(base_url=site.address, extra_http_headers=headers).request


def sign_in(page: Page, token: str) -> None:
    """From whatever address: who is not signed in is led to the form."""
    page.goto("/")
    assert page.url.endswith("/log-ind")
    page.get_by_label("Adgangsnøgle").fill(token)
    page.get_by_role("button", name="Log ind").click()


def downloaded(page: Page, link: Locator) -> bytes:
    with page.expect_download() as download:
        link.click()
    return Path(download.value.path()).read_bytes()


def upload(page: Page, content: bytes, name: str = "Udfyldt skema.xlsx") -> None:
    """Chooses a file on the page for handing in, and has it checked."""
    page.get_by_label("Udfyldt skema").set_input_files({"name": name, "mimeType": XLSX, "buffer": content})
    page.get_by_role("button", name="Kontrollér filen").click()


def text(page: Page) -> str:
    """What a reader sees, white space made one."""
    return re.sub(r"\s+", " ", page.inner_text("main"))


def deadline(round_name: str) -> str:
    """What pages say of a round's deadline, which has passed."""
    return f"Fristen var {find_round(round_name).deadline:%d-%m-%Y}"


def table(page: Page, caption: str) -> dict[str, list[str]]:
    """The cells of a table by the heading of their row."""
    rows = page.locator("table", has=page.locator("caption", has_text=caption)).locator("tbody tr").all()
    return {row.locator("th").inner_text().strip(): row.locator("td").all_inner_texts() for row in rows}


def seen(pages: list[tuple[str, str]], page: Page) -> None:
    """Remembers a page as it stands, for `faults`."""
    pages.append((page.url, page.content()))


def faults(chromium: Browser, site: Site, pages: list[tuple[str, str]]) -> list[str]:
    """What is wrong with pages that were seen: what axe calls serious or critical, and scrolling sideways.

    They are shown again, in a browser with scripts, which axe needs.
    """
    page = chromium.new_context(base_url=site.address).new_page()
    found = []
    for address, content in pages:
        page.route(address, partial(_answer, content))
        page.goto(address)
        page.unroute(address)
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": 800})
            found += [f"{address} at {width}: {fault}" for fault in _faults(page, width)]
    return found


def _answer(content: str, route: Route) -> None:
    route.fulfill(body=content, content_type="text/html; charset=utf-8")


def _faults(page: Page, width: int) -> list[str]:
    assert page.evaluate("document.styleSheets.length") == 1
    found = [
        f"{violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for violation in Axe().run(page, options=VIOLATIONS).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    needed = page.evaluate("document.documentElement.scrollWidth")
    return [*found, f"is {needed} wide"] if needed > width else found
