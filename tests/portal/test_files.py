"""Files over HTTP: whole, in part, not again, and never somebody else's."""

import base64
import hashlib
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from pipelines.release import life
from portal.files.conditions import is_known, part
from tests.portal import portal_scenario as scenario
from tests.portal.portal_scenario import NOW, OTHER, OUTSIDER, OWN, PARTICIPANTS, WITHOUT_CASES
from tests.scenario import ROUND

RATES = "shared/case_rates.parquet"
CASES = f"municipalities/{OWN}/responses.parquet"
NOT_FOUND = {"detail": "Siden findes ikke."}


def address(release, path):
    return f"/files/{ROUND.name}/{release}/{path}"


def on_disk(root, path, release=None):
    return (root / "releases" / ROUND.name / (release or scenario.latest(root)) / path).read_bytes()


@pytest.mark.parametrize("path", [RATES, CASES])
def test_a_municipality_gets_the_shared_files_and_its_own_byte_for_byte(own, root, path):
    answer = own.get(address(scenario.latest(root), path))
    content = on_disk(root, path)
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert answer.headers["repr-digest"] == answer.headers["content-digest"] == f"sha-256=:{digest}:"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "last-modified" not in answer.headers


def test_a_browser_asks_again_for_what_is_shared_and_keeps_nothing_of_what_is_one_municipalitys(own, root):
    for release in ("latest", scenario.latest(root)):
        assert own.get(address(release, RATES)).headers["cache-control"] == "private, no-cache"
        assert (
            own.get(address(release, f"municipalities/{OWN}/responses.parquet")).headers["cache-control"] == "no-store"
        )
        assert own.get(address(release, "package.zip")).headers["cache-control"] == "no-store"


def test_latest_answers_the_file_itself_and_says_where_it_lies_for_ever(own, root):
    answer = own.get(address("latest", RATES))
    assert (answer.status_code, answer.content) == (200, on_disk(root, RATES))
    assert answer.headers["content-location"] == address(scenario.latest(root), RATES)
    assert "no-cache" in answer.headers["cache-control"]


def test_latest_follows_the_pointer_while_dated_addresses_stay(own, root):
    before = scenario.latest(root)
    old = on_disk(root, RATES)
    after = scenario.changed_file(root, RATES, b"newer")
    assert own.get(address("latest", RATES)).content == b"newer"
    assert own.get(address(after, RATES)).content == b"newer"
    assert own.get(address(before, RATES)).content == old


def test_the_name_that_a_file_is_saved_under_says_round_release_whose_and_table(own, root):
    release = scenario.latest(root)
    told = own.get(address("latest", CASES)).headers["content-disposition"]
    assert told == f'attachment; filename="botilbudsbenchmark_{ROUND.name}_{release}_{OWN}_responses.parquet"'


def test_every_kind_of_file_says_what_it_is(consultant, root):
    kinds = {
        "parquet": "application/vnd.apache.parquet",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "csv": "text/csv; charset=utf-8",
        "json": "application/json",
        "md": "text/markdown; charset=utf-8",
    }
    document = scenario.manifest_of(root, scenario.latest(root))
    for path in ["datapackage.json", *(entry["path"] for entry in document["resources"])]:
        answer = consultant.head(address("latest", path))
        assert (answer.status_code, answer.headers["content-type"]) == (200, kinds[path.rpartition(".")[2]])


def test_head_tells_what_get_would_and_sends_nothing(own, root):
    there = address(scenario.latest(root), RATES)
    asked, told = own.get(there), own.head(there)
    assert (told.status_code, told.content, dict(told.headers)) == (200, b"", dict(asked.headers))


# Parts and conditions


@pytest.mark.parametrize(
    ("range_", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=5-", 5, None), ("bytes=-8", -8, None), ("bytes=0-", 0, None),
     ("bytes=-99999999", 0, None), ("bytes=3-99999999", 3, None)],
)  # fmt: skip
def test_a_part_is_sent_as_asked_for(own, root, range_, start, end):
    content = on_disk(root, RATES)
    answer = own.get(address("latest", RATES), headers={"Range": range_})
    first = start % len(content)
    last = len(content) - 1 if end is None else end - 1
    assert (answer.status_code, answer.content) == (206, content[start:end])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(content)}"
    assert "content-digest" not in answer.headers


@pytest.mark.parametrize(
    "range_",
    ["bytes=1-2,5-6", "bytes=9-3", "bytes=", "bytes=-", "lines=1-2", "bytes=a-b", "bytes=1-" + "9" * 5000, "٣-٤"],
)
def test_a_range_that_cannot_be_served_is_ignored(own, root, range_):
    answer = own.get(address("latest", RATES), headers={"Range": range_.encode()})
    assert (answer.status_code, answer.content) == (200, on_disk(root, RATES))


@pytest.mark.parametrize("range_", ["bytes=99999999-", "bytes=-0", "bytes=99999999-999999999"])
def test_a_part_outside_the_file_is_refused_with_its_size(own, root, range_):
    answer = own.get(address("latest", RATES), headers={"Range": range_})
    size = len(on_disk(root, RATES))
    assert (answer.status_code, answer.content, answer.headers["content-range"]) == (416, b"", f"bytes */{size}")


def test_a_part_of_another_content_becomes_the_whole(own, root):
    there, content = address("latest", RATES), on_disk(root, RATES)
    etag = own.head(there).headers["etag"]
    part_of = {"Range": "bytes=0-3"}
    assert own.get(there, headers=part_of | {"If-Range": etag}).content == content[:4]
    for other in ('"another"', f"W/{etag}", "Sat, 29 Oct 1994 19:43:31 GMT"):
        assert own.get(there, headers=part_of | {"If-Range": other}).content == content


@pytest.mark.parametrize("known", ["*", "{etag}", "W/{etag}", '"a", {etag}', '"a",W/{etag} , "b"'])
def test_what_the_asker_has_is_not_sent_again(own, known):
    etag = own.head(address("latest", RATES)).headers["etag"]
    answer = own.get(address("latest", RATES), headers={"If-None-Match": known.format(etag=etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)


def test_another_tag_gives_the_file(own):
    assert own.get(address("latest", RATES), headers={"If-None-Match": '"a", W/"b"'}).status_code == 200


TAG = '"tag"'


@given(st.integers(0, 50), st.text("0123456789-=, bytes*/٣", max_size=20), st.sampled_from([None, TAG, '"x"']))
def test_a_part_always_lies_within_the_file(size, range_, if_range):
    asked = part(range_, if_range, TAG, size)
    if asked is not None:
        assert 0 <= asked.start <= asked.start + asked.length <= size
        assert asked.length or size == 0
    assert asked is not None or if_range in {None, TAG}


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_means_what_a_slice_means(size, first, last):
    content = bytes(range(size))
    asked = part(f"bytes={first}-{last}", None, TAG, size)
    if last < first:
        assert asked == (0, size, False)
    elif first >= size:
        assert asked is None
    else:
        assert content[asked.start : asked.start + asked.length] == content[first : last + 1]


@given(st.text(max_size=30))
def test_reading_a_condition_never_fails(text):
    assert is_known(text, TAG) == (text.strip() == "*" or TAG in text)


# Who may see what


def test_without_a_valid_token_nobody_gets_anything(nobody, app, state, clock):
    ended = scenario.token_for(state, OWN, days=1)
    clock.forward(days=2)
    for client in (nobody, scenario.client_for(app, "bb_0_0"), scenario.client_for(app, ended)):
        answer = client.get(address("latest", RATES))
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_a_session_serves_as_well_as_a_token(app, state, root):
    browser = scenario.browser_for(app, scenario.token_for(state, OWN))
    assert browser.get(address("latest", CASES)).content == on_disk(root, CASES)
    assert browser.get(address("latest", CASES.replace(OWN, OTHER))).status_code == 404


def test_kl_gets_every_file(consultant, root):
    document = scenario.manifest_of(root, scenario.latest(root))
    for path in ["datapackage.json", *(entry["path"] for entry in document["resources"])]:
        assert consultant.get(address("latest", path)).content == on_disk(root, path)


def test_a_municipality_gets_its_own_folder_and_the_shared_one_and_nothing_else(own, root):
    document = scenario.manifest_of(root, scenario.latest(root))
    for path in ["datapackage.json", *(entry["path"] for entry in document["resources"])]:
        is_its = path.startswith(("shared/", f"municipalities/{OWN}/"))
        assert own.head(address("latest", path)).status_code == (200 if is_its else 404)


def test_one_that_takes_no_part_gets_nothing(outsider, root):
    document = scenario.manifest_of(root, scenario.latest(root))
    assert OUTSIDER not in document["participants"]
    for path in ["datapackage.json", "package.zip", *(entry["path"] for entry in document["resources"])]:
        assert outsider.get(address("latest", path)).json() == NOT_FOUND


def test_one_that_takes_part_without_cases_gets_its_files(app, state):
    client = scenario.client_for(app, scenario.token_for(state, WITHOUT_CASES))
    assert client.get(address("latest", f"municipalities/{WITHOUT_CASES}/responses.parquet")).status_code == 200


WRONG_PATHS = [
    "shared/nothing.parquet",
    "shared/",
    "shared",
    "",
    "datapackage.json",
    f"municipalities/{OTHER}/responses.parquet",
    f"municipalities/{OTHER}/nothing.parquet",
    "municipalities/999/responses.parquet",
    f"municipalities/{OWN}/../{OTHER}/responses.parquet",
    f"municipalities/{OWN}/%2e%2e/{OTHER}/responses.parquet",
    f"municipalities/{OWN}%2f..%2f{OTHER}%2fresponses.parquet",
    f"municipalities/{OWN}/..%252f{OTHER}/responses.parquet",
    f"shared/..%2fmunicipalities%2f{OTHER}%2fresponses.parquet",
    "shared/case_rates.parquet%00",
    "shared%2fcase_rates.parquet",
    "shared/%63ase_rates.parquet",
    "shared/CASE_RATES.parquet",
    "shared/case_rates.parquet/",
    "shared/case_rates.parquet.",
    "shared\\case_rates.parquet",
    "shared%5ccase_rates.parquet",
    "shared/case_rates․parquet",  # a look-alike of the dot
    "shared/ｃase_rates.parquet",
    "%ff%fe",
    "../latest.json",
    "latest.json",
]


@pytest.mark.parametrize("path", WRONG_PATHS)
def test_what_is_not_theirs_and_what_does_not_exist_get_the_same_answer(own, path):
    absent = own.get(address("0123456789abcdef", RATES))
    answer = own.get(address("latest", path))
    assert (answer.status_code, answer.content, dict(answer.headers)) == (404, absent.content, dict(absent.headers))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=40))
def test_no_text_as_a_name_or_round_or_release_is_an_error(own, text):
    name = quote(text, safe="")
    for where in (address("latest", f"shared/{name}"), f"/files/{name}/latest/{RATES}", address(name, RATES)):
        assert own.get(where).status_code == 404


# Withdrawn releases


def withdraw(root, release):
    life.withdraw(UPath(root), ROUND.name, release, by="KL", reason="Talt to gange.", at=NOW)


def test_a_withdrawn_release_says_why_to_those_who_could_see_it_and_nothing_to_others(own, other, outsider, root):
    release = scenario.latest(root)
    withdraw(root, release)
    gone = own.get(address(release, CASES))
    assert (gone.status_code, gone.json()["reason"]) == (410, "Talt to gange.")
    assert own.get(address(release, "package.zip")).status_code == 410
    assert other.get(address(release, CASES)).json() == NOT_FOUND
    assert outsider.get(address(release, RATES)).json() == NOT_FOUND
    assert own.get(address("latest", RATES)).json() == NOT_FOUND


def test_latest_names_the_release_before_a_withdrawn_one(own, root):
    before = scenario.latest(root)
    withdraw(root, scenario.release_again(root))
    assert own.get(address("latest", RATES)).headers["content-location"] == address(before, RATES)


# What is written down, and faults


def test_a_download_is_written_down_with_its_checksum_and_what_sends_nothing_is_not(own, app, root):
    there = address(scenario.latest(root), CASES)
    own.head(there)
    own.get(there, headers={"If-None-Match": "*"})
    own.get(there.replace(OWN, OTHER))
    own.get(address("latest", CASES))
    (event,) = [event for event in app.state.portal.audit.events() if event.action == "download"]
    assert (event.municipality_code, event.what, event.at) == (OWN, there, NOW)
    assert event.checksum == hashlib.sha256(on_disk(root, CASES)).hexdigest()


def test_a_file_that_is_not_the_manifests_is_not_sent_and_the_log_says_no_content(own, root, caplog):
    secret = b"a value of a case"
    (root / "releases" / ROUND.name / scenario.latest(root) / CASES).write_bytes(secret)
    answer = own.get(address("latest", CASES))
    assert (answer.status_code, answer.json()) == (500, {"detail": "Der er sket en fejl hos os. Prøv igen senere."})
    assert "ReleaseError" in caplog.text
    assert secret.decode() not in caplog.text


def test_a_file_that_is_gone_is_not_found(own, root):
    (root / "releases" / ROUND.name / scenario.latest(root) / CASES).unlink()
    assert own.get(address("latest", CASES)).json() == NOT_FOUND


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_another_method_is_refused_where_an_address_is_known(own, method):
    assert own.request(method, address("latest", RATES)).status_code == 405
    assert own.request(method, "/files/a/b/c/d/e/f").status_code == 404


def test_all_of_the_participants_are_those_of_the_round(root):
    assert tuple(scenario.manifest_of(root, scenario.latest(root))["participants"]) == PARTICIPANTS
