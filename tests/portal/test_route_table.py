"""Every route that there is, asked in every way: nothing of another municipality's files comes back.

The other municipalities' files hold marks, and one of them has a draft with marks in it. The routes are those of the
application, whatever they are: a new one is asked too, and one with a new part in its address fails until a value for
that part is given here.
"""

import base64
import datetime as dt
import hashlib
import re
import shutil
from itertools import product

import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from pipelines import storage
from pipelines.release.life import point_at
from pipelines.release.manifest import NAME, release_id, to_bytes
from portal.access import cookies
from portal.access.csrf import FIELD
from portal.identity import Identity
from tests.assets.management import YEAR
from tests.portal import portal_scenario as scenario
from tests.portal import quality_scenario, report_scenario
from tests.portal.portal_scenario import NOW, OTHER, OUTSIDER, OWN, ask
from tests.scenario import ROUND, csv, row

MARK = b"planted for nobody else"
CASE = "planted-sag-4711"
REMARK = "planted remark of another municipality"
WARNING = quality_scenario.expectation("rates_are_alike", failing=(OTHER,), expected_da=MARK.decode())
DOCUMENTED = "quality/index.html"
OPEN_TO_ALL = {"/healthz", "/openapi.json", "/log-ind", "/oidc/log-ind", "/oidc/svar", "/static/{name}"}
OPEN_TO_ALL |= {"/was", "/om-tallene", "/api"}


class World:
    """A portal whose other municipalities' files are marked, and what must not be told."""

    def __init__(self, app, state, releases, draft):
        self.app, self.state, self.releases, self.draft = app, state, releases, draft
        self.portal = app.state.portal
        self.routes = [
            (route.path, sorted(route.methods or ()))
            for route in iter_route_contexts(app.routes)
        ]  # fmt: skip
        self.token = scenario.token_for(state, OWN)
        self.revoked = scenario.token_for(state, OWN)
        self.portal.tokens.revoke(self.revoked.split("_")[1], NOW)
        self.expired = scenario.token_for(state, OWN, days=1, now=NOW - dt.timedelta(days=2))
        documents = [self.portal.publications.release(*of).document for of in releases.items()]
        checksums = {
            entry["hash"].removeprefix("sha256:")
            for document in documents
            for entry in document["resources"]
            if is_others(entry["path"])
        }
        self.secrets = [MARK, CASE.encode(), REMARK.encode()]
        for checksum in checksums:
            self.secrets += [checksum.encode(), base64.b64encode(bytes.fromhex(checksum))]

    def session(self, code=OWN, hours=1):
        identity = Identity("oidc:somebody", "municipality", code, NOW + dt.timedelta(hours=hours))
        return f"{cookies.session_name(self.portal.settings)}={self.portal.sessions.begin(identity, NOW)}"

    def ended_session(self):
        cookie = self.session()
        self.portal.sessions.end(cookie.partition("=")[2], NOW)
        return cookie

    def ways_in(self):
        """The header fields with which somebody who is not the other municipality may come."""
        return [
            {"Authorization": f"Bearer {self.token}"},
            {"Cookie": self.session()},
            {"Authorization": f"Bearer {scenario.token_for(self.state, OUTSIDER)}"},
            {},
            {"Authorization": f"Bearer {self.revoked}"},
            {"Authorization": f"Bearer {self.expired}", "Cookie": self.session()},
            {"Cookie": self.ended_session()},
            {"Cookie": self.session()[:-2]},
        ]

    def untold(self, answer):
        told = answer.body + repr(answer.headers).encode()
        assert not [secret for secret in self.secrets if secret in told]


def is_others(path):
    return path.startswith("municipalities/") and not path.startswith(f"municipalities/{OWN}/")


@pytest.fixture(scope="module")
def world(year_night, tmp_path_factory):
    folder = tmp_path_factory.mktemp("marked")
    root, state = folder / "root", folder / "state"
    shutil.copytree(year_night, root)
    for name in (ROUND.name, YEAR):
        report_scenario.planted(root, name)
    releases = {name: marked(root, name) for name in (ROUND.name, YEAR)}
    quality_scenario.report_of(root, WARNING)
    for name in releases:
        storage.write_bytes(storage.documentation(UPath(root), name) / DOCUMENTED, MARK)
    app = scenario.app_for(root, state)
    yield World(app, state, releases, others_draft(app, state))
    app.state.portal.desk.close()


def marked(root, name):
    """A release of a round or year in which every file of another municipality than 183 is a mark of its own."""
    folder = root / "releases" / name
    document = scenario.manifest_of(root, scenario.latest(root, name), name)
    before = document["id"]
    contents = {}
    for entry in document["resources"]:
        if is_others(entry["path"]):
            contents[entry["path"]] = MARK + entry["path"].encode()
            entry["bytes"] = len(contents[entry["path"]])
            entry["hash"] = f"sha256:{hashlib.sha256(contents[entry['path']]).hexdigest()}"
    document |= {"previous": before, "number": document["number"] + 1}
    document["id"] = release_id(document["contentSha256"], before)
    shutil.copytree(folder / before, folder / document["id"])
    for path, content in contents.items():
        (folder / document["id"] / path).write_bytes(content)
    (folder / document["id"] / NAME).write_bytes(to_bytes(document))
    point_at(UPath(folder), document)
    return document["id"]


def others_draft(app, state):
    """The id of a draft that municipality 461 has just handed in and not confirmed."""
    browser = scenario.browser_for(app, scenario.token_for(state, OTHER))
    there = f"/runder/{ROUND.name}/aflevering"
    rows = [row(OTHER, 1, case_id=CASE, comment=REMARK), row(OTHER, 2, provider=REMARK)]
    answer = browser.post(
        there,
        data={FIELD: scenario.csrf_of(browser.get(there).text)},
        files={"file": ("sager.csv", csv(rows))},
    )
    assert answer.status_code == 303, answer.text
    draft = answer.headers["location"].rpartition("/")[2]
    assert REMARK in browser.get(f"{there}/{draft}").text
    return draft


def values(world):
    """What stands in an address, by the name of its part: first the other municipality's, then others."""
    tables = ("responses", "delivery_log", "forecast", "extract_log")
    others = [f"{table}.{extension}" for table in tables for extension in ("parquet", "xlsx", "csv")]
    others += ["spine.svg", "alt_texts.csv", "report.html", "report.pdf"]
    return {
        "round_name": [ROUND.name, YEAR, "2024-10-01", "1999-01-01", "..", OTHER],
        "year": [YEAR, ROUND.name, "2018", ".."],
        "release": [*world.releases.values(), "latest", "0123456789abcdef", "..", "LATEST"],
        "code": [OTHER, OWN, "999", "..", "*"],
        "name": [*others, "datapackage.json", "changes.parquet", "correction.xlsx", f"../{OTHER}/responses.parquet"],
        "draft_id": [world.draft, "0" * 32, "..", "%"],
        "decision": ["goer-endelig", "traek-tilbage", ".."],
        "warning": [WARNING["warning_id"], "0123456789ab", ".."],
        "path": [DOCUMENTED, "style.css", f"../../releases/{ROUND.name}/latest.json", ""],
    }


def choices(world, path):
    """What to fill an address with first: what belongs to the round, and of addresses of a release to the year."""
    chosen = {name: of[0] for name, of in values(world).items()}
    of_year = chosen | {"round_name": YEAR, "release": world.releases[YEAR]}
    if "year" in parts_of(path):
        return [of_year]
    return [chosen, of_year] if "round_name" in parts_of(path) else [chosen]


def parts_of(path):
    return re.findall(r"{(\w+)(?::\w+)?}", path)


def filled(path, chosen):
    return re.sub(r"{(\w+)(?::\w+)?}", lambda part: chosen[part[1]], path)


def form_of(world, method, way):
    """A form as the asker's own browser would send it."""
    if method != "POST" or "Cookie" not in way:
        return {}, b""
    page = ask(world.app, "GET", b"/", way).body.decode()
    found = re.search(rf'name="{FIELD}" value="([^"]*)"', page)
    body = f"{FIELD}={found[1] if found else ''}&grund=x&navn=x".encode()
    return {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}, body


def test_no_route_leaves_it_to_the_framework_to_read_a_body(world):
    # It would be read before anybody is known, and without a limit.
    routes = list(iter_route_contexts(world.app.routes))
    assert [route.path for route in routes if getattr(route, "body_field", None) is not None] == []
    assert any(hasattr(route, "body_field") for route in routes)


def test_every_part_of_an_address_has_values_to_try(world):
    assert {part for path, _ in world.routes for part in parts_of(path)} <= set(values(world))


@pytest.mark.parametrize(
    ("name", "file"),
    [(ROUND.name, "responses.parquet"), (ROUND.name, "report.pdf"), (ROUND.name, "figures/spine.svg"),
     (YEAR, "forecast.parquet"), (YEAR, "figures/spine.svg")],
)  # fmt: skip
def test_the_marks_would_be_seen_by_those_who_may(world, name, file):
    other = {"Authorization": f"Bearer {scenario.token_for(world.state, OTHER)}"}
    path = f"/files/{name}/latest/municipalities/{OTHER}/{file}".encode()
    with pytest.raises(AssertionError):
        world.untold(ask(world.app, "GET", path, other))


def test_the_mark_in_a_report_would_be_seen_by_the_municipality_that_reads_it(world):
    path = f"/runder/{ROUND.name}/udgivelser/latest/kommuner/{OTHER}/rapport".encode()
    assert MARK in ask(world.app, "GET", path, {"Cookie": world.session(OTHER)}).body


def test_the_marks_on_kls_pages_would_be_seen_by_kl(world):
    chosen = {name: of[0] for name, of in values(world).items()}
    identity = Identity("oidc:konsulent", "kl", None, NOW + dt.timedelta(hours=1))
    cookie = f"{cookies.session_name(world.portal.settings)}={world.portal.sessions.begin(identity, NOW)}"
    for part in ("warning", "path"):
        (path,) = {path for path, _ in world.routes if part in parts_of(path)}
        assert MARK in ask(world.app, "GET", filled(path, chosen).encode(), {"Cookie": cookie}).body


def test_the_asker_gets_its_own_files_by_token_and_by_session_and_by_nothing_that_has_ended(world):
    path = f"/files/{ROUND.name}/latest/municipalities/{OWN}/responses.parquet".encode()
    statuses = [ask(world.app, "GET", path, way).status for way in world.ways_in()]
    assert statuses == [200, 200, 404, *[401] * 5]


def test_no_route_gives_another_municipalitys_bytes_to_anybody_who_is_not_it(world):
    for path, methods in world.routes:
        for chosen in choices(world, path):
            for name in values(world)["name"] if "name" in parts_of(path) else [""]:
                address = filled(path, chosen | {"name": name}).encode()
                for method in methods:
                    for way in world.ways_in():
                        headers, body = form_of(world, method, way)
                        answer = ask(world.app, method, address, way | headers, body)
                        assert answer.status < 500, (method, address)
                        world.untold(answer)


def test_without_a_credential_a_route_refuses_or_is_known_to_be_open(world):
    for path, methods in world.routes:
        if path not in OPEN_TO_ALL:
            for chosen, method in product(choices(world, path), methods):
                answer = ask(world.app, method, filled(path, chosen).encode(), {"Content-Length": "0"})
                is_sent_to_sign_in = (answer.status, answer.headers.get("location")) == (303, "/log-ind")
                assert answer.status in {401, 403, 404} or is_sent_to_sign_in, (method, path, answer.status)


def test_what_is_anothers_and_what_does_not_exist_get_the_same_answer(world):
    absent = {"code": "999", "draft_id": "0" * 32, "name": "absent.parquet", "release": "0123456789abcdef"}
    for path, methods in world.routes:
        if not {"code", "draft_id"} & set(parts_of(path)):
            continue
        for chosen, method in product(choices(world, path), methods):
            for way in world.ways_in()[:2]:
                headers, body = form_of(world, method, way)
                theirs = ask(world.app, method, filled(path, chosen).encode(), way | headers, body)
                for part in {*parts_of(path)} & set(absent):
                    address = filled(path, chosen | {part: absent[part]}).encode()
                    assert ask(world.app, method, address, way | headers, body) == theirs, (method, address)


SPELLINGS = [
    lambda text: text,
    lambda text: text.replace("/", "%2f"),
    lambda text: text.replace("/", "%252F"),
    lambda text: text.replace("/", "//"),
    lambda text: text.replace("/", "\\"),
    lambda text: text.replace("/", "%5c"),
    lambda text: text.replace(".", "%2e"),
    lambda text: text.upper(),
    lambda text: text + "%00",
    lambda text: text + "/",
    lambda text: text + "/.",
    lambda text: text + ";x",
    lambda text: text + "?release=latest&code=461",
    lambda text: text.replace("/", "/./"),
    lambda text: text.replace(OTHER, f"{OWN}/../{OTHER}"),
    lambda text: text.replace(OTHER, f"{OWN}%2f%2e%2e%2f{OTHER}"),
    lambda text: text.replace(OTHER, "%EF%BC%94%EF%BC%96%EF%BC%91"),  # full-width digits
    lambda text: text.replace(OTHER, "%D9%A4%D9%A6%D9%A1"),  # Arabic digits
    lambda text: text.replace(OTHER, f"{OTHER}%20"),
    lambda text: f"http://testserver{text}",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"]
THERE = f"/files/{ROUND.name}/latest/municipalities/{OTHER}/responses.parquet"
HEADERS = {
    "X-Original-URL": THERE,
    "X-Rewrite-URL": THERE,
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "kl.invalid",
    "X-Forwarded-Prefix": "/files",
    "X-Forwarded-User": OTHER,
    "X-HTTP-Method-Override": "GET",
    "X-Municipality-Code": OTHER,
    "Forwarded": "for=127.0.0.1;host=kl.invalid",
    "Host": "kl.invalid",
    "Origin": "http://testserver",
    "Range": "bytes=0-99999",
    "If-Range": '"x"',
    "If-None-Match": "*",
    "If-Match": "*",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, br",
    "Referer": "http://testserver/kl",
    "Content-Type": "application/json",
    "Cookie": "session=forged; role=kl; municipality_code=461",
}


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_no_spelling_method_or_header_gives_another_municipalitys_bytes(world, data):
    path, methods = data.draw(st.sampled_from(world.routes))
    possible = values(world)
    chosen = {part: data.draw(st.sampled_from(possible[part])) for part in parts_of(path)}
    address = data.draw(st.sampled_from(SPELLINGS))(filled(path, chosen))
    method = data.draw(st.sampled_from([*methods, *METHODS]))
    way = data.draw(st.sampled_from(world.ways_in()))
    extra = {name: HEADERS[name] for name in data.draw(st.sets(st.sampled_from(sorted(HEADERS)), max_size=4))}
    headers, body = form_of(world, method, way)
    answer = ask(world.app, method, address.encode(), extra | way | headers, body)
    assert answer.status < 500
    world.untold(answer)
