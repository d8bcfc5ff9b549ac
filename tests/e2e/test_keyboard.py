"""Signing in and handing in with Tab, Enter, Space and the letters of the token alone."""

from tests.e2e.site import OWN, text
from tests.scenario import csv, row

FOCUSED = """() => {
    const {tagName, labels, textContent} = document.activeElement;
    return `${tagName} ${labels?.[0]?.textContent ?? textContent.trim()}`;
}"""
MOST_STEPS = 60
DELIVERY = {"name": "Sager.csv", "mimeType": "text/csv", "buffer": csv([row(OWN, 1), row(OWN, 2), row(OWN, 3)])}


def tab_to(page, name: str) -> None:
    """Presses Tab until an element of this kind and name has the focus."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).startswith(name):
            return
    raise AssertionError(f"Tab never comes to {name}")


def test_a_municipality_hands_in_without_a_mouse(site, page):
    token = site.token(OWN)
    page.goto("/log-ind")
    tab_to(page, "INPUT Adgangsnøgle")
    page.keyboard.type(token)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.inner_text("h1") == "Ishøj Kommune"

    tab_to(page, "A Gå til aflevering, runden pr. 01-10-2022")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "INPUT Udfyldt skema")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(DELIVERY)
    tab_to(page, "BUTTON Kontrollér filen")
    with page.expect_navigation():
        page.keyboard.press("Space")
    assert "Ingen fejl" in text(page)

    tab_to(page, "BUTTON Aflever")
    with page.expect_navigation():
        page.keyboard.press("Space")
    assert page.inner_text("h1") == "Kvittering"
    assert DELIVERY["buffer"] in site.inbox(OWN).values()
