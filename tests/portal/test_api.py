"""The JSON API and its document; and that both agree."""

import pytest
import schemathesis
from hypothesis import strategies as st
from upath import UPath

from pipelines.release import life
from tests.portal import portal_scenario as scenario
from tests.portal import quality_scenario
from tests.portal.portal_scenario import NOW, OWN
from tests.scenario import ROUND

REAL = {"round_name": ROUND.name, "year": "2022", "release": "latest", "code": OWN, "name": "case_rates.parquet"}
RELEASES = f"/api/rounds/{ROUND.name}/releases"


def test_the_rounds_are_told_newest_first_with_their_current_release(own, root):
    rounds = own.get("/api/rounds").json()
    assert [each["round"] for each in rounds] == ["2024-10-01", "2022-10-01"]
    assert [each["latest"] for each in rounds] == [None, scenario.latest(root)]
    assert rounds[1]["deadline"] == ROUND.deadline.isoformat()


def test_the_releases_of_a_round_are_told_with_status_and_reason(own, root):
    first = quality_scenario.released_with(root)
    second, third = scenario.release_again(root), scenario.release_again(root)
    life.promote(UPath(root), ROUND.name, first, by="KL", reason="Alle har afleveret.", at=NOW)
    life.withdraw(UPath(root), ROUND.name, third, by="KL", reason="Talt to gange.", at=NOW)
    told = [(r["release"], r["status"], r["reason"], r["is_latest"], r["previous"]) for r in own.get(RELEASES).json()]
    assert told == [
        (third, "withdrawn", "Talt to gange.", False, second),
        (second, "preliminary", None, True, first),
        (first, "final", "Alle har afleveret.", False, None),
    ]


@pytest.mark.parametrize("release", ["latest", None])
def test_a_release_is_told_with_the_files_that_the_asker_can_fetch(own, root, release):
    told = own.get(f"{RELEASES}/{release or scenario.latest(root)}").json()
    assert told["release"] == scenario.latest(root)
    for file in told["files"]:
        answer = own.get(file["address"])
        assert (answer.status_code, len(answer.content)) == (200, file["bytes"])
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
    assert own.get(told["package"]).status_code == 200
    assert {file["path"].split("/")[0] for file in told["files"]} == {"shared", "municipalities"}
    assert {file["path"].split("/")[1] for file in told["files"] if file["path"].startswith("m")} == {OWN}


def test_a_table_is_told_with_its_columns_in_danish(own):
    files = {file["path"]: file for file in own.get(f"{RELEASES}/latest").json()["files"]}
    columns = {column["name"]: column for column in files["shared/case_rates.parquet"]["columns"]}
    assert columns["population_18_66"]["label_da"] == "Befolkning 18-66 år"
    assert files["shared/case_rates.parquet"]["rows"] == 8


def test_a_release_says_how_to_cite_it(own, root):
    citation = own.get(f"{RELEASES}/latest").json()["citation"]
    assert scenario.latest(root) in citation
    assert "Danmarks Statistik" in citation


def test_kl_is_told_of_every_file(consultant, root):
    document = scenario.manifest_of(root, scenario.latest(root))
    told = {file["path"] for file in consultant.get(f"{RELEASES}/latest").json()["files"]}
    assert told == {"datapackage.json", *(entry["path"] for entry in document["resources"])}


def test_one_that_takes_no_part_is_told_of_no_release(outsider, root):
    assert outsider.get(RELEASES).json() == []
    assert [each["latest"] for each in outsider.get("/api/rounds").json()] == [None, None]
    absent = outsider.get(f"{RELEASES}/0123456789abcdef")
    for release in (scenario.latest(root), "latest"):
        answer = outsider.get(f"{RELEASES}/{release}")
        assert (answer.status_code, answer.content, answer.headers) == (404, absent.content, absent.headers)


def test_a_withdrawn_release_is_told_with_its_reason_and_without_files(own, outsider, root):
    release = scenario.latest(root)
    life.withdraw(UPath(root), ROUND.name, release, by="KL", reason="Talt to gange.", at=NOW)
    gone = own.get(f"{RELEASES}/{release}")
    assert (gone.status_code, gone.json()["reason"]) == (410, "Talt to gange.")
    assert outsider.get(f"{RELEASES}/{release}").status_code == 404
    assert own.get(f"{RELEASES}/latest").status_code == 404


def test_nothing_of_the_api_is_kept_between(own):
    assert own.get("/api/rounds").headers["cache-control"] == "no-store"


def test_that_the_portal_answers_is_told_without_a_token(nobody):
    assert nobody.get("/healthz").json() == {"status": "ok"}
    assert nobody.head("/healthz").status_code == 200


# The document


def test_the_document_is_open_to_all_and_names_no_page(nobody):
    document = nobody.get("/openapi.json").json()
    assert all(path.startswith(("/api/", "/files/", "/deliveries/", "/healthz")) for path in document["paths"])


def test_every_operation_but_the_health_needs_a_bearer_token(nobody):
    document = nobody.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == (path != "/healthz")
            assert operation["summary"]
            assert operation["description"]


@pytest.mark.slow
@pytest.mark.parametrize("whose", [None, OWN, "kl"])
def test_every_answer_is_one_that_the_document_declares(app, state, whose):
    token = None if whose is None else scenario.token_for(state, None if whose == "kl" else whose)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    checked = agreeing(schema, headers)
    assert len(checked) >= 8


def agreeing(schema, headers):
    """Asks each operation in many ways; the operations asked."""
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    asked = []
    for result in schema.get_all_operations():
        operation = result.ok()
        asked.append(operation.label)

        @settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(), is_real=st.booleans())
        def agree(case, is_real):
            if is_real:
                case.path_parameters.update({name: REAL[name] for name in case.path_parameters})
            case.call_and_validate(
                headers=headers,
                checks=[
                    not_a_server_error,
                    status_code_conformance,
                    content_type_conformance,
                    response_schema_conformance,
                ],
            )

        agree()
    return asked
