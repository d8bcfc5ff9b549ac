"""What the journeys look for on their pages is found where it is."""

from tests.e2e.site import NARROW, WIDE, faults


def test_a_field_without_a_name_and_a_heading_that_is_too_wide_are_found(site, page, chromium):
    page.goto("/was")
    lead, heading = '<p class="lead">', "<h1>"
    broken = page.content().replace(heading, '<h1 style="min-width: 900px">').replace(lead, f"{lead}<input>")
    found = faults(chromium, site, [(page.url, page.content()), (page.url, broken)])
    label = "label: <input>"
    assert found == [
        f"{page.url} at {WIDE}: {label}",
        f"{page.url} at {NARROW}: {label}",
        f"{page.url} at {NARROW}: is 916 wide",
    ]
