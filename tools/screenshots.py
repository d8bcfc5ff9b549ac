"""The pictures of docs/lineage.md: demonstration data, one night, and what a browser then shows of it.

What belongs here: which pages are shown, and starting what serves them. What does not: what is said of the pictures
(`docs/lineage.md`) and what is expected of the pages (`tests/e2e/test_analysts.py`). Run by `make screenshots`.
"""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, sync_playwright

from tests.assets.commands import botilbud, environment
from tests.e2e.site import WIDE, Site, sign_in, wait_for

PROJECT = Path(__file__).parents[1]
IMAGES = PROJECT / "docs" / "images"
MADE = IMAGES / "made.json"
CHROMIUM = Path("/usr/bin/chromium")
ROUND = "2022-10-01"
# What Dagster draws moves into place.
SETTLED = 2_000


@dataclass(frozen=True)
class Picture:
    """A page as it is shown in the documentation.

    Attributes:
        name: the file's name without its ending.
        path: where the page is, below what serves it.
        shows: a text that is there once the page is drawn.
        height: pixels.
        press: a text to press first.
    """

    name: str
    path: str
    shows: str
    height: int
    press: str | None = None


DAGSTER = (
    Picture("graph", "/asset-groups", "benchmark", 640),
    Picture("upstream", "/assets/case_rates?view=lineage&lineageScope=upstream&lineageDepth=10", "delivered_rows", 960),
    Picture("asset", "/assets/case_rates", "municipality_code", 900),
    Picture("versions", "/assets/case_rates?view=events", "dagster/row_count", 900, press="Show tags"),
    Picture("checks", "/assets/case_rates?view=checks&checkDetail=rates_are_cases_by_population", "expected", 720),
)
DOCUMENTATION = (
    Picture("table", f"/{ROUND}/tables/case_rates.html#herkomst", "Herkomst", 640),
    Picture("column", f"/{ROUND}/tables/case_rates.html#rate_per_1000", "Formel", 520),
    Picture("quality", f"/{ROUND}/quality/index.html", "Forventninger", 1_200),
)
PORTAL = (Picture("warnings", f"/kl/runder/{ROUND}/kvalitet", "Advarsler", 900),)


def web_server_command(python: Path, port: int) -> list[str]:
    """Dagster's web server as `make ui` starts it."""
    return [str(python / "dagster-webserver"), "--read-only", "--host", "127.0.0.1", "--port", str(port)]


@contextlib.contextmanager
def web_server(project: Path, env: Mapping[str, str], port: int) -> Iterator[str]:
    """Dagster's pages, read-only; yields their address.

    Args:
        project: the folder that it is started from.
        env: its whole environment.
        port: of loopback.
    """
    server = subprocess.Popen(  # noqa: S603 - the project's own command
        web_server_command(Path(sys.executable).parent, port),
        cwd=project,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: server.poll() is not None or _answers(f"{address}/server_info"), seconds=90)
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_elsewhere(url: str) -> bool:
    """Whether a browser would have to leave this machine for it."""
    parts = urlsplit(url)
    return parts.scheme not in ("file", "data", "blob") and parts.hostname != "127.0.0.1"


def main() -> None:
    """Make every picture, and note what they were made from."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = _pictures(Path(folder) / "data")
    for old in IMAGES.glob("*.png"):
        old.unlink()
    IMAGES.mkdir(exist_ok=True)
    for name, content in pictures.items():
        (IMAGES / name).write_bytes(content)
    made = {
        "made_from": {f"tools/{Path(__file__).name}": checksum(Path(__file__).read_bytes())},
        "images": {name: checksum(content) for name, content in sorted(pictures.items())},
    }
    MADE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def checksum(content: bytes) -> str:
    """SHA-256."""
    return hashlib.sha256(content).hexdigest()


def _pictures(root: Path) -> dict[str, bytes]:
    """The pictures by file name, of one night on a data root of their own."""
    for arguments in (("demo",), ("nightly",)):
        done = botilbud(root, *arguments, "--round", ROUND)
        if done.returncode:
            raise SystemExit(done.stderr)
    portal = Site(root, free_port())
    with sync_playwright() as playwright, portal.running():
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = browser.new_context(base_url=portal.address)
        context.route(is_elsewhere, _refuse)
        page = context.new_page()
        with web_server(PROJECT, environment(root), free_port()) as dagster:
            taken = {f"{picture.name}.png": _taken(page, dagster, picture) for picture in DAGSTER}
        documentation = (root / "documentation").as_uri()
        taken |= {f"{picture.name}.png": _taken(page, documentation, picture) for picture in DOCUMENTATION}
        sign_in(page, portal.token(None))
        taken |= {f"{picture.name}.png": _taken(page, portal.address, picture) for picture in PORTAL}
        browser.close()
    return taken


def _refuse(route: Route) -> None:
    route.abort()


def _taken(page: Page, address: str, picture: Picture) -> bytes:
    page.set_viewport_size({"width": WIDE, "height": picture.height})
    page.goto(address + picture.path)
    page.get_by_text(picture.shows).first.wait_for()
    if picture.press is not None:
        page.get_by_text(picture.press).first.click()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLED)
    return page.screenshot()


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - loopback
        return bool(reply.status == 200)
    return False


if __name__ == "__main__":
    main()
