"""What a reader sees when a release is swapped or the portal is killed underneath them."""

import contextlib
import hashlib
import io
import random
import signal
import zipfile
from pathlib import Path

from playwright.sync_api import Error

from tests.e2e.site import HAND_IN, OWN, sign_in, text, upload
from tests.portal.portal_scenario import changed_file, latest
from tests.scenario import ROUND, csv, row

LARGE = "shared/case_rates.xlsx"
BYTES = 8_000_000
SLOW = 4_000_000  # bytes a second
MOMENTS = (0, 8)  # milliseconds after the button
GOOD = csv([row(OWN, 1), row(OWN, 2), row(OWN, 3)])


def is_being_sent(site, release: str) -> bool:
    """Whether the portal holds the large file of a release open."""
    path = site.root / "releases" / ROUND.name / release / LARGE
    return any(handle.resolve() == path for handle in Path(f"/proc/{site.server.pid}/fd").iterdir())


def test_a_release_that_is_followed_by_another_during_a_download_arrives_whole(site, page):
    content = random.Random(1).randbytes(BYTES)  # noqa: S311 - no secret
    old = changed_file(site.root, LARGE, content)
    sign_in(page, site.token(OWN))
    page.goto(f"/runder/{ROUND.name}/udgivelser/latest")
    session = page.context.new_cdp_session(page)
    slowly = {"offline": False, "latency": 0, "downloadThroughput": SLOW, "uploadThroughput": -1}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", slowly)
    with page.expect_download() as file:
        page.get_by_role("link", name="case_rates.xlsx").click()
    with page.expect_download() as package:
        page.get_by_role("link", name="Hent hele pakken").click()
    new = changed_file(site.root, LARGE, b"of another night")
    assert is_being_sent(site, old)
    assert Path(file.value.path()).read_bytes() == content
    packed = zipfile.ZipFile(io.BytesIO(Path(package.value.path()).read_bytes()))
    assert packed.testzip() is None
    assert packed.read(LARGE) == content
    assert old in file.value.suggested_filename

    page.reload()
    told = page.locator("tr", has=page.get_by_role("link", name="case_rates.xlsx")).locator(".checksum").inner_text()
    assert told == hashlib.sha256(b"of another night").hexdigest()
    assert latest(site.root) == new


def test_after_a_kill_the_session_holds_the_draft_is_gone_and_the_delivery_is_whole(site, page):
    before = site.inbox(OWN)
    sign_in(page, site.token(OWN))
    page.goto(HAND_IN)
    upload(page, GOOD, "Sager.csv")
    draft = page.url
    assert "Ingen fejl" in text(page)
    site.stop(signal.SIGKILL)
    site.start()

    assert page.reload().status == 404
    assert "Logget ind for Ishøj Kommune" in page.inner_text("header")
    assert list((site.root / "portal" / "drafts").iterdir()) == []
    assert site.inbox(OWN) == before
    page.goto(HAND_IN)
    upload(page, GOOD, "Sager.csv")
    assert page.url != draft
    page.get_by_role("button", name="Aflever", exact=True).click()
    receipt = page.url
    site.stop(signal.SIGKILL)
    site.start()

    page.goto(receipt)
    assert hashlib.sha256(GOOD).hexdigest() in text(page)
    assert [content for name, content in site.inbox(OWN).items() if name not in before] == [GOOD]


def test_a_kill_at_the_press_of_the_last_button_leaves_a_delivery_whole_or_none(site, page):
    before, tried = site.inbox(OWN), [GOOD]
    sign_in(page, site.token(OWN))
    for milliseconds in MOMENTS:
        tried.append(csv([row(OWN, number) for number in range(len(tried) + 3)]))
        page.goto(HAND_IN)
        upload(page, tried[-1], "Sager.csv")
        page.get_by_role("button", name="Aflever", exact=True).click(no_wait_after=True)
        page.wait_for_timeout(milliseconds)
        site.stop(signal.SIGKILL)
        site.start()
        with contextlib.suppress(Error):  # the browser may still be telling that nobody answered
            page.goto("/")
        page.goto("/")
        assert "Logget ind for Ishøj Kommune" in page.inner_text("header")
    page.goto(HAND_IN)
    upload(page, GOOD, "Sager.csv")
    page.get_by_role("button", name="Aflever", exact=True).click()
    # A hidden part of a file would count here, too.
    added = [content for name, content in site.inbox(OWN).items() if name not in before]
    assert GOOD in added
    assert set(added) <= set(tried)
