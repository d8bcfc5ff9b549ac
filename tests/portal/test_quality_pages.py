"""KL's pages of the quality gate: what it found, accepting its warnings, and what an open one keeps from being final."""

import datetime as dt
import os
import re

import pytest
from upath import UPath

from pipelines.quality.acceptances import Acceptance, accept, acceptances
from pipelines.release import life
from schemas.labels_da import TABLES_DA
from tests.assets.graph import files_below
from tests.portal import portal_scenario as scenario
from tests.portal import quality_scenario as quality
from tests.portal.test_pages import Page, events_of, form_of, got, require_sound
from tests.scenario import ROUND

HERE = f"/kl/runder/{ROUND.name}/kvalitet"
STOPPING = quality.expectation("sums_agree", "stop", ("country 000",), about="target_groups")
OPEN = quality.expectation("rates_are_alike", failing=("183", "461"))
OTHER = quality.expectation("findings_are_alike", failing=("region <b>",), about="key_findings")
MET = quality.expectation("rates_are_cases_by_residents", "stop")
FILLED = {"navn": "En konsulent", "begrundelse": "Undersøgt med kommunerne"}
EARLIER = Acceptance("En anden (token:9)", "Kendt <i>forhold</i>", dt.datetime(2026, 11, 21, 9, 30, tzinfo=dt.UTC))


@pytest.fixture
def kl(app, state):
    return scenario.browser_for(app, scenario.token_for(state, None))


@pytest.fixture
def municipality(app, state):
    return scenario.browser_for(app, scenario.token_for(state, scenario.OWN))


def sections(text: str) -> dict[str, str]:
    """What stands under each second heading of a page."""
    _, *parts = re.split(r"<h2 id=\"(\w+)\"", text.partition("<main")[2])
    return dict(zip(parts[::2], parts[1::2], strict=True))


def address(row: dict) -> str:
    return f"{HERE}/{row['warning_id']}"


def promotion(release: str) -> str:
    return f"/kl/runder/{ROUND.name}/udgivelser/{release}/goer-endelig"


def csrf_on(browser, path: str) -> dict[str, str]:
    return {"csrf": scenario.csrf_of(got(browser, path))}


# What the gate found


def test_every_expectation_stands_under_what_it_leads_to(kl, root):
    report = quality.report_of(root, MET, OPEN, STOPPING, OTHER)
    accept(UPath(root), report, OTHER["warning_id"], EARLIER)
    found = sections(got(kl, HERE))
    assert list(found) == ["stopper", "advarsler", "godkendte", "opfyldte"]
    named = {name: re.findall(r"<dd>Forventning (\w+)\.</dd>", text) for name, text in found.items()}
    assert named == {
        "stopper": ["sums_agree"],
        "advarsler": ["rates_are_alike"],
        "godkendte": ["findings_are_alike"],
        "opfyldte": [],
    }
    assert "<details>" in found["opfyldte"]
    assert "<td>Forventning rates_are_cases_by_residents.</td>" in found["opfyldte"]
    assert "98 rækker undersøgt." in found["opfyldte"]


def test_an_unmet_expectation_says_where_how_much_and_what_to_do(kl, root):
    quality.report_of(root, OPEN, STOPPING, OTHER)
    found = sections(got(kl, HERE))
    assert "<dd>Ishøj (183), Odense (461)</dd>" in found["advarsler"]
    assert "<dd>region &lt;b&gt;</dd>" in found["advarsler"]
    assert "<dd>2 af 98 rækker passer ikke.</dd>" in found["advarsler"]
    assert "<dd>Gør noget ved rates_are_alike.</dd>" in found["advarsler"]
    assert f">{TABLES_DA['target_groups'].title}</h3>" in found["stopper"]
    assert '<span class="tag tag--error">Stopper udgivelsen</span>' in found["stopper"]
    assert "<form" not in found["stopper"]


def test_an_accepted_warning_says_who_why_and_when(kl, root):
    accept(UPath(root), quality.report_of(root, OPEN), OPEN["warning_id"], EARLIER)
    found = sections(got(kl, HERE))
    assert "Ingen advarsler mangler godkendelse." in found["advarsler"]
    assert "<dd>21-11-2026 kl. 10.30 af En anden (token:9)</dd>" in found["godkendte"]
    assert "<dd>Kendt &lt;i&gt;forhold&lt;/i&gt;</dd>" in found["godkendte"]
    assert address(OPEN) not in "".join(found.values())


def test_the_page_says_when_the_gate_looked_and_how_much_is_as_expected(kl, root):
    quality.report_of(root, MET, OPEN, STOPPING)
    os.utime(root / "warehouse" / "quality_report" / f"{ROUND.name}.parquet", (quality.AT.timestamp(),) * 2)
    assert "Senest undersøgt 22-11-2026 kl. 03.05. 1 af 3 forventninger er opfyldt." in got(kl, HERE)


def test_a_round_that_no_gate_has_looked_at_says_so(kl):
    other = "/kl/runder/2024-10-01"
    assert "Runden er ikke undersøgt endnu." in got(kl, f"{other}/kvalitet")
    assert "Runden er ikke undersøgt endnu." in sections(got(kl, other))["kvalitet"]
    got(kl, f"{other}/kvalitet/0123456789ab", 404)


def test_the_rounds_page_leads_there_and_counts_what_waits(kl, root):
    quality.report_of(root, OPEN, OTHER, STOPPING, MET)
    there = sections(got(kl, f"/kl/runder/{ROUND.name}"))["kvalitet"]
    assert f'href="{HERE}"' in there
    assert "<p>2 advarsler mangler godkendelse.</p>" in there
    assert "1 forventning er ikke opfyldt." in there


def test_the_gates_pages_are_sound_html(kl, root):
    report = quality.report_of(root, MET, OPEN, STOPPING, OTHER)
    accept(UPath(root), report, OTHER["warning_id"], EARLIER)
    release = quality.released_with(root, quality.warning("rates_are_alike", ("183", "461")))
    texts = [got(kl, path) for path in (HERE, address(OPEN), address(OTHER), promotion(release))]
    for text in texts:
        require_sound(Page(text))
    assert len({Page(text).title for text in texts}) == len(texts)


def test_the_gates_pages_are_kls_alone(municipality, nobody, root):
    quality.report_of(root, OPEN)
    for path in (HERE, address(OPEN)):
        got(municipality, path, 404)
        answer = nobody.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/log-ind")
    form = csrf_on(municipality, f"/runder/{ROUND.name}/aflevering")
    assert municipality.post(address(OPEN), data=form | FILLED).status_code == 404
    assert acceptances(UPath(root), ROUND.name) == {}


# Accepting


def test_an_accepted_warning_counts_at_once_and_only_the_acceptance_is_written(kl, root):
    quality.report_of(root, OPEN, OTHER)
    before = files_below(root)
    answer = kl.post(address(OPEN), data=csrf_on(kl, address(OPEN)) | FILLED)
    assert (answer.status_code, answer.headers["Location"]) == (303, HERE)
    ((id_, made),) = acceptances(UPath(root), ROUND.name).items()
    assert (id_, made.reason, made.at) == (OPEN["warning_id"], FILLED["begrundelse"], scenario.NOW)
    assert re.fullmatch(r"En konsulent \(token:\w+\)", made.by)
    found = sections(got(kl, HERE))
    assert "rates_are_alike" in found["godkendte"]
    assert "<p>1 advarsel mangler godkendelse." in found["advarsler"]
    (event,) = events_of(kl, "accept_warning")
    assert (event.role, event.what) == ("kl", f"{ROUND.name}/{id_}")
    assert "Advarsel godkendt" in got(kl, "/kl/haendelser?handling=accept_warning")
    assert files_below(root).keys() - before.keys() == {f"accepted_warnings/{ROUND.name}/{id_}.json"}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("navn", " ", "Skriv dit navn"),
        ("begrundelse", "", "Skriv en begrundelse"),
        ("begrundelse", "x" * 1_001, "Skriv højst 1.000 tegn"),
    ],
    ids=["no name", "no reason", "too long"],
)
def test_an_acceptance_that_lacks_something_is_not_made_and_the_error_leads_to_the_field(kl, root, field, value, told):
    quality.report_of(root, OPEN)
    answer = kl.post(address(OPEN), data=csrf_on(kl, address(OPEN)) | FILLED | {field: value})
    assert answer.status_code == 422
    assert f'<a href="#{field}">{told}</a>' in answer.text
    page = Page(answer.text)
    shown = next(attributes for _, attributes in page.elements if attributes.get("id") == field)
    assert shown["aria-invalid"] == "true"
    assert f"{field}-fejl" in shown["aria-describedby"].split()
    assert page.title.startswith("Fejl: ")
    kept = "En konsulent" if field != "navn" else FILLED["begrundelse"]
    assert kept in answer.text
    assert acceptances(UPath(root), ROUND.name) == {}
    assert events_of(kl, "accept_warning") == []


def test_an_acceptance_without_the_forms_own_value_is_refused(kl, root):
    quality.report_of(root, OPEN)
    for data in ({}, {"csrf": "0" * 64}):
        assert kl.post(address(OPEN), data=data | FILLED).status_code == 403
    assert acceptances(UPath(root), ROUND.name) == {}


def test_only_an_open_warning_of_the_last_night_can_be_accepted(kl, root):
    quality.report_of(root, OPEN)
    form = csrf_on(kl, address(OPEN))
    quality.report_of(root, STOPPING, MET)
    for warning in (OPEN["warning_id"], "0123456789ab", "sums_agree", "..%2f..%2fx"):
        got(kl, f"{HERE}/{warning}", 404)
        assert kl.post(f"{HERE}/{warning}", data=form | FILLED).status_code == 404
    assert acceptances(UPath(root), ROUND.name) == {}


def test_the_second_who_accepts_is_told_who_was_first(kl, root):
    report = quality.report_of(root, OPEN)
    form = csrf_on(kl, address(OPEN))
    accept(UPath(root), report, OPEN["warning_id"], EARLIER)
    answer = kl.post(address(OPEN), data=form | FILLED)
    assert answer.status_code == 422
    assert "Advarslen er allerede godkendt" in answer.text
    assert "En anden (token:9)" in answer.text
    assert 'name="begrundelse"' not in answer.text
    assert acceptances(UPath(root), ROUND.name) == {OPEN["warning_id"]: EARLIER}
    assert events_of(kl, "accept_warning") == []
    assert 'name="begrundelse"' not in got(kl, address(OPEN))


# Making a release final


def test_a_release_with_an_open_warning_cannot_be_made_final_and_says_what_to_do(kl, root):
    release = quality.released_with(root, quality.warning("rates_are_alike", ("183", "461")))
    text = got(kl, promotion(release))
    assert "Forventning rates_are_alike." in text
    assert "<dd>Ishøj (183), Odense (461)</dd>" in text
    assert f'Godkend advarslerne under <a href="{HERE}">Kvalitetskontrol</a>.' in text
    assert "Den næste nats udgivelse indeholder godkendelsen og kan gøres endelig." in text
    assert 'name="navn"' not in text
    form = form_of(kl, release, "traek-tilbage")
    answer = kl.post(promotion(release), data=form | FILLED | {"bekraeft": "ja"})
    assert answer.status_code == 422
    assert '<a href="#advarsler">Udgivelsen har advarsler, der ikke er godkendt</a>' in answer.text
    assert life.decisions(UPath(root), ROUND.name, release) == []
    assert events_of(kl, "promote") == []


def test_warnings_accepted_since_the_release_was_made_wait_for_the_next_night(kl, root):
    release = quality.released_with(root, quality.warning("rates_are_alike", ("183", "461")))
    accept(UPath(root), quality.report_of(root, OPEN), OPEN["warning_id"], EARLIER)
    text = got(kl, promotion(release))
    assert "Advarslerne er godkendt, efter at udgivelsen blev lavet." in text
    assert "Godkend advarslerne under" not in text
    assert 'name="navn"' not in text


def test_a_release_with_accepted_warnings_shows_them_and_is_made_final(kl, root):
    told = {"by": EARLIER.by, "reason": EARLIER.reason, "at": EARLIER.at.isoformat()}
    release = quality.released_with(root, quality.warning("rates_are_alike", ("183", "461"), told))
    text = got(kl, promotion(release))
    assert "<dd>21-11-2026 kl. 10.30 af En anden (token:9)</dd>" in text
    assert "<dd>Kendt &lt;i&gt;forhold&lt;/i&gt;</dd>" in text
    assert "Udgivelsen kan ikke gøres endelig" not in text
    form = form_of(kl, release, "goer-endelig")
    assert kl.post(promotion(release), data=form | FILLED | {"bekraeft": "ja"}).status_code == 303
    assert life.status(UPath(root), ROUND.name, release) == "final"


def test_a_release_with_an_open_warning_can_be_withdrawn(kl, root):
    release = quality.released_with(root, quality.warning("rates_are_alike", ("183", "461")))
    there = f"/kl/runder/{ROUND.name}/udgivelser/{release}/traek-tilbage"
    text = got(kl, there)
    assert "Forventning" not in text
    form = form_of(kl, release, "traek-tilbage")
    assert kl.post(there, data=form | FILLED | {"bekraeft": "ja"}).status_code == 303
    assert life.status(UPath(root), ROUND.name, release) == "withdrawn"


def test_no_warning_is_shown_to_a_municipality(municipality, root):
    quality.report_of(root, OPEN)
    release = quality.released_with(root, quality.warning("rates_are_alike", ("183", "461")))
    for path in ("/", f"/runder/{ROUND.name}", f"/runder/{ROUND.name}/udgivelser/{release}"):
        assert "rates_are_alike" not in got(municipality, path)
    answer = municipality.get(f"/files/{ROUND.name}/{release}/package.zip")
    assert answer.status_code == 200
    assert b"rates_are_alike" not in answer.content
    assert municipality.get(f"/files/{ROUND.name}/{release}/datapackage.json").status_code == 404
