"""The survey rounds as data: those there are, and the refusal of every kind of fault by name."""

import copy
import datetime as dt

import pytest

from schemas.data_files import SCHEMAS_DIR, load_yaml
from schemas.errors import CatalogueError
from schemas.rounds import find_round, load_rounds, rounds_from, rounds_in

DOCUMENT = load_yaml(SCHEMAS_DIR / "rounds.yaml")
NAME = "2022-10-01"


def fault(document):
    with pytest.raises(CatalogueError) as error:
        rounds_from(document, "rounds.yaml")
    return str(error.value)


def fault_with(**fields):
    document = copy.deepcopy(DOCUMENT)
    document["rounds"][NAME].update(fields)
    return fault(document)


def with_fields(**fields):
    document = copy.deepcopy(DOCUMENT)
    document["rounds"][NAME].update(fields)
    return rounds_from(document, "rounds.yaml")[NAME]


def test_the_first_round_is_of_1_october_2022_with_its_criteria():
    round_ = find_round(NAME)
    assert round_.snapshot_date == dt.date(2022, 10, 1)
    assert (round_.threshold_dkk, round_.rejected_rows_share, round_.population_quarter) == (2_000_000, 0.2, "2022K4")


def test_rounds_come_oldest_first_each_under_its_own_name():
    rounds = load_rounds()
    assert list(rounds) == sorted(rounds)
    assert [round_.name for round_ in rounds.values()] == list(rounds)
    document = {"rounds": dict(reversed(DOCUMENT["rounds"].items()))}
    assert list(rounds_from(document, "rounds.yaml")) == sorted(rounds)


def test_an_unknown_round_is_told_the_known_ones():
    with pytest.raises(CatalogueError, match=r"there is no round '2020-01-01'; the rounds are: .*2022-10-01"):
        find_round("2020-01-01")


def test_a_round_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        find_round(NAME).open = False


@pytest.mark.parametrize("document", [None, [], {}, {"rounds": []}, {"rounds": None}])
def test_a_document_of_another_shape_is_refused(document):
    assert "rounds.yaml: a rounds file is a mapping `rounds`" in fault(document)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"questionnaire": "1999"}, "1999.yaml: there is no such file"),
        (
            {"questionnaire": 2022},
            f"rounds.yaml: rounds.{NAME}.questionnaire: Input should be a valid string (found 2022)",
        ),
        ({"threshold_dkk": -1}, f"rounds.{NAME}.threshold_dkk"),
        ({"threshold_dkk": "2000000"}, f"rounds.{NAME}.threshold_dkk: Input should be a valid integer"),
        ({"threshold_dkk": 2_000_000.5}, f"rounds.{NAME}.threshold_dkk"),
        ({"threshold_dkk": True}, f"rounds.{NAME}.threshold_dkk: Input should be a valid integer (found True)"),
        ({"population_quarter": "2022Q4"}, f"rounds.{NAME}.population_quarter"),
        ({"population_quarter": "2022K5"}, f"rounds.{NAME}.population_quarter"),
        ({"disclosure_threshold": 2}, f"rounds.{NAME}.disclosure_threshold"),
        (
            {"disclosure_method": "none"},
            f"rounds.{NAME}.disclosure_method: Input should be 'rounding' or 'suppression'",
        ),
        ({"breakdowns_from_participants": 0}, f"rounds.{NAME}.breakdowns_from_participants"),
        ({"rounding_base": 4}, f"rounds.{NAME}.rounding_base: Input should be 3 or 5"),
        ({"rejected_rows_share": 1.1}, f"rounds.{NAME}.rejected_rows_share"),
        ({"rejected_rows_share": -0.1}, f"rounds.{NAME}.rejected_rows_share"),
        ({"rejected_rows_share": float("nan")}, f"rounds.{NAME}.rejected_rows_share"),
        ({"reports_for": None}, f"rounds.{NAME}.reports_for"),
        ({"reports_for": {147: ["101"]}}, f"rounds.{NAME}.reports_for.147"),
        ({"reports_for": {"147": [101]}}, f"rounds.{NAME}.reports_for.147.0"),
        ({"reports_for": {"0147": ["101"]}}, "0147: municipality codes are text of three digits"),
        (
            {"reports_for": {"183": ["188"]}},
            f"rounds.{NAME}.reports_for: Value error, 188: no municipality has this code",
        ),
        ({"reports_for": {"411": ["187"]}}, "411: no municipality has this code"),
        ({"reports_for": {"147": ["101", "101"]}}, "a municipality is covered once"),
        ({"reports_for": {"147": ["101"], "151": ["101"]}}, "a municipality is covered once"),
        ({"reports_for": {"147": ["147"]}}, "one that reports is not itself covered"),
        ({"reports_for": {"147": ["101"], "101": ["151"]}}, "one that reports is not itself covered"),
        ({"open": "yes"}, f"rounds.{NAME}.open: Input should be a valid boolean (found 'yes')"),
        ({"open": 1}, f"rounds.{NAME}.open: Input should be a valid boolean (found 1)"),
        ({"opened": True}, f"rounds.{NAME}.opened: Extra inputs are not permitted"),
    ],
)
def test_a_fault_in_a_round_is_named(fields, said):
    assert said in fault_with(**fields)


@pytest.mark.parametrize("share", [True, "0.2", "20 %"])
def test_a_share_that_is_no_number_is_refused(share):
    # `rejected_rows_share: yes` would otherwise mean that every row of a delivery may be rejected.
    assert f"rounds.{NAME}.rejected_rows_share" in fault_with(rejected_rows_share=share)


def test_a_round_has_no_other_name_than_its_key():
    assert "name" in fault_with(name="2024-10-01")


@pytest.mark.parametrize(
    "field", sorted(set(DOCUMENT["rounds"][NAME]) - {"deadline", "disclosure_method", "rounding_base"})
)
def test_every_other_field_is_required(field):
    document = copy.deepcopy(DOCUMENT)
    del document["rounds"][NAME][field]
    assert f"rounds.{NAME}.{field}: Field required" in fault(document)


def test_counts_are_rounded_to_base_3_where_a_round_says_nothing_else():
    document = copy.deepcopy(DOCUMENT)
    for field in ("disclosure_method", "rounding_base"):
        document["rounds"][NAME].pop(field, None)
    round_ = rounds_from(document, "rounds.yaml")[NAME]
    assert (round_.disclosure_method, round_.rounding_base) == ("rounding", 3)


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("disclosure_threshold: 5", "disclosure_threshold: 2", "greater than or equal to 3 (found 2)"),
        ("rejected_rows_share: 0.2", "rejected_rows_share: 1.5", "less than or equal to 1 (found 1.5)"),
        ("reports_for: {}", 'reports_for: {"183": ["999"]}', "999: no municipality has this code"),
        ("rounding_base: 3", "rounding_base: 7", "3 or 5 (found 7)"),
        ("open: true", "open: perhaps", "valid boolean (found 'perhaps')"),
    ],
)
def test_a_bad_setting_is_refused_with_the_line_to_mend(tmp_path, good, bad, said):
    path = tmp_path / "rounds.yaml"
    text = (SCHEMAS_DIR / "rounds.yaml").read_text(encoding="utf-8")
    # The last of them, in the second round: the line is that round's.
    before, _, after = text.rpartition(good)
    path.write_text(before + bad + after, encoding="utf-8")
    line = before.count("\n") + 1
    field = good.partition(":")[0]
    with pytest.raises(CatalogueError) as error:
        rounds_in(path)
    assert str(error.value).startswith(f"rounds.yaml, line {line}: rounds.2024-10-01.{field}: ")
    assert said in str(error.value)


def test_a_field_that_is_missing_is_told_with_the_rounds_line(tmp_path):
    path = tmp_path / "rounds.yaml"
    text = (SCHEMAS_DIR / "rounds.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("    open: true\n", "", 1), encoding="utf-8")
    line = text[: text.index(f'"{NAME}"')].count("\n") + 1
    with pytest.raises(CatalogueError, match=rf"line {line}: rounds.{NAME}.open: Field required"):
        rounds_in(path)


@pytest.mark.parametrize(
    "name", ["2022", "1. oktober 2022", "2022-13-01", "2022-02-30", "20221001", "", dt.date(2022, 10, 1), 2022]
)
def test_a_round_is_named_by_a_date_in_quotes(name):
    assert f"rounds.{name if isinstance(name, str) else repr(name)}" in fault(
        {"rounds": {name: DOCUMENT["rounds"][NAME]}}
    )


@pytest.mark.parametrize("entry", [None, [], "2022", 5])
def test_a_round_that_is_no_mapping_is_named(entry):
    assert f"rounds.{NAME}" in fault({"rounds": {NAME: entry}})


def test_every_fault_is_named_at_once():
    message = fault_with(threshold_dkk=-1, population_quarter="4")
    assert "threshold_dkk" in message
    assert "population_quarter" in message


def test_the_bounds_of_each_field_belong_to_it():
    round_ = with_fields(
        threshold_dkk=0, disclosure_threshold=3, rejected_rows_share=0, reports_for={"147": ["101", "151"]}
    )
    assert (round_.threshold_dkk, round_.disclosure_threshold, round_.rejected_rows_share) == (0, 3, 0)
    assert round_.reports_for == {"147": ("101", "151")}
    assert with_fields(rejected_rows_share=1).rejected_rows_share == 1
