"""The question catalogue as data: the one there is, and the refusal of every kind of fault by name."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.text import fold, match_key
from schemas.data_files import SCHEMAS_DIR, load_yaml
from schemas.errors import CatalogueError
from schemas.questionnaire import catalogue_from, load_catalogue
from tests.unit.ingest_scenario import property_test

DOCUMENT = load_yaml(SCHEMAS_DIR / "questionnaire" / "2022.yaml")
CATALOGUE = load_catalogue("2022")
YES_NO = [{"code": "yes", "label_da": "Ja"}, {"code": "no", "label_da": "Nej"}]


def fault(change):
    """What is said of the catalogue of 2022 once it is changed."""
    document = copy.deepcopy(DOCUMENT)
    change(document)
    with pytest.raises(CatalogueError) as error:
        catalogue_from(document, "2022.yaml")
    assert "2022.yaml: " in str(error.value)
    return str(error.value)


def fault_in(number, /, **fields):
    """What is said once the fields of one question are changed."""
    return fault(lambda document: document["questions"][number - 1].update(fields))


# --- the catalogue of 2022 -------------------------------------------------------------------------------------------


def test_the_form_of_2022_has_36_questions_numbered_in_order():
    assert [question.number for question in CATALOGUE.questions] == list(range(1, 37))
    assert CATALOGUE.version == "2022"
    assert "rekonstruktion" in CATALOGUE.note_da


def test_question_13_offers_the_options_of_question_12():
    assert CATALOGUE.question("secondary_target_groups").options == CATALOGUE.question("target_group").options


def test_a_header_is_number_and_text():
    assert CATALOGUE.question("target_group").header == "12. Borgerens primære målgruppe"


def test_texts_and_labels_are_folded_already_so_that_they_meet_what_is_read():
    for question in CATALOGUE.questions:
        assert fold(question.text_da) == question.text_da
        assert [fold(option.label_da) for option in question.options] == [o.label_da for o in question.options]


def test_no_text_is_the_key_of_another_question_and_no_two_are_alike_once_folded():
    names = [match_key(question.text_da) for question in CATALOGUE.questions] + list(CATALOGUE.keys)
    assert len(set(names)) == len(names)


def test_no_label_or_code_is_taken_for_a_cpr_number_or_split_by_a_semicolon():
    for question in CATALOGUE.closed_questions:
        for option in question.options:
            assert ";" not in option.label_da + option.code
            assert sum(c.isdigit() for c in option.label_da) < 9


@pytest.mark.parametrize("rollup", CATALOGUE.rollups, ids=lambda rollup: rollup.key)
def test_a_roll_up_gathers_every_option_once(rollup):
    gathered = [option for group in rollup.groups for option in group.options]
    assert sorted(gathered) == sorted(CATALOGUE.question(rollup.question).codes)


def test_a_catalogue_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        CATALOGUE.version = "2023"


# --- faults ----------------------------------------------------------------------------------------------------------


def test_an_unknown_version_is_told_the_known_ones():
    with pytest.raises(CatalogueError, match=r"1999\.yaml: there is no such file; known are: .*2022"):
        load_catalogue("1999")


@pytest.mark.parametrize("document", [None, [], "questions", {}, {"questions": {}}, {"questions": None}])
def test_a_document_of_another_shape_is_refused(document):
    with pytest.raises(CatalogueError, match=r"x\.yaml: a catalogue is a mapping with a list `questions`"):
        catalogue_from(document, "x.yaml")


@pytest.mark.parametrize("code", [True, False, 11, 1.1, None])
def test_an_unquoted_code_is_refused_naming_its_place_and_what_yaml_made_of_it(code):
    message = fault_in(5, options=[{"code": code, "label_da": "Ja"}, YES_NO[1]])
    assert f"questions.4.options.0.code: Input should be a valid string (found {code!r})" in message


@pytest.mark.parametrize("code", ["", "Ja", "a-b", "a b", "å", "1:1", "yes\n"])
def test_a_code_that_is_not_lower_case_letters_digits_and_underscores_is_refused(code):
    assert "questions.4.options.0.code" in fault_in(5, options=[{"code": code, "label_da": "Ja"}, YES_NO[1]])


@pytest.mark.parametrize(
    ("number", "fields", "said"),
    [
        (4, {"key": "age"}, "key 'age' stands twice"),
        (4, {"text_da": "KOMMUNEKODE"}, "text 'kommunekode' stands twice"),
        (4, {"number": 5}, "question 5 (gender) stands as number 4"),
        (4, {"number": "4"}, "questions.3.number: Input should be a valid integer (found '4')"),
        (4, {"kind": "choice"}, "questions.3.kind"),
        (4, {"text_da": ""}, "questions.3.text_da"),
        (4, {"optional": "no"}, "questions.3.optional: Input should be a valid boolean (found 'no')"),
        (4, {"hint": "x"}, "questions.3.hint: Extra inputs are not permitted"),
        (4, {"options": []}, "question 4 (gender) is single and needs at least two options"),
        (4, {"options": YES_NO[:1]}, "question 4 (gender) is single and needs at least two options"),
        (4, {"options": [*YES_NO, {"code": "yes", "label_da": "Jo"}]}, "code or label 'yes' stands twice"),
        (4, {"options": [*YES_NO, {"code": "yep", "label_da": "JA"}]}, "label 'ja' stands twice"),
        (4, {"options": [*YES_NO, {"code": "x", "label_da": ""}]}, "questions.3.options.2.label_da"),
        (4, {"options": [*YES_NO, {"code": "x"}]}, "questions.3.options.2.label_da: Field required"),
        (4, {"options_of": "age"}, "gender: options_of names 'age', which has no options"),
        (4, {"options_of": "nothing"}, "gender: options_of names 'nothing', which has no options"),
        (3, {"options": YES_NO}, "question 3 (age) is integer and cannot have options"),
        (3, {"minimum": None}, "question 3 (age) is integer and needs minimum and maximum"),
        (7, {"maximum": None}, "question 7 (residential_cost_dkk) is amount and needs minimum and maximum"),
        (3, {"minimum": 111}, "question 3 (age): minimum 111 is above maximum 110"),
        (3, {"minimum": True}, "questions.2.minimum: Input should be a valid integer (found True)"),
        (36, {"options": YES_NO}, "question 36 (comment) is text and cannot have options"),
        (15, {"options": [*YES_NO, {"code": "x", "label_da": "a; b"}]}, "cannot hold a semicolon"),
    ],
)
def test_a_fault_in_a_question_is_named(number, fields, said):
    assert said in fault_in(number, **fields)


def test_a_label_that_is_the_code_of_another_option_is_refused():
    # `No` would be read as the label of one option or as the code of the other.
    options = [
        {"code": "yes", "label_da": "Ja"},
        {"code": "no", "label_da": "Nej"},
        {"code": "number", "label_da": "No"},
    ]
    assert "'no' stands twice" in fault_in(5, options=options)


def test_a_label_that_is_its_own_options_code_is_no_fault():
    document = copy.deepcopy(DOCUMENT)
    document["questions"][4]["options"] = [{"code": "ja", "label_da": "Ja"}, {"code": "nej", "label_da": "Nej"}]
    assert catalogue_from(document, "2022.yaml").question("in_residential_care").codes == ("ja", "nej")


@pytest.mark.parametrize("question", ["37. Endnu et spørgsmål", None, 37, ["key"]])
def test_a_question_that_is_no_mapping_is_refused_and_not_skipped(question):
    assert "questions.36" in fault(lambda document: document["questions"].append(question))


@pytest.mark.parametrize("fields", [{"key": ["gender"]}, {"options_of": ["gender"]}, {"key": {"a": 1}}])
def test_a_list_where_a_key_belongs_is_a_fault_of_the_catalogue(fields):
    assert "questions.3" in fault_in(4, **fields)


def test_bounds_on_a_question_that_is_no_number_are_refused():
    assert "question 4 (gender)" in fault_in(4, minimum=1, maximum=3)


def test_every_fault_is_named_at_once():
    def spoil(document):
        document["questions"][2]["minimum"] = 111
        document["questions"][3]["key"] = "age"

    message = fault(spoil)
    assert "minimum 111" in message
    assert "key 'age' stands twice" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("version"), "version: Field required"),
        (lambda d: d.update(version=2022), "version: Input should be a valid string (found 2022)"),
        (lambda d: d.update(notes="x"), "notes: Extra inputs are not permitted"),
        (
            lambda d: d["rollups"][0]["groups"][0]["options"].pop(),
            "rollup main_target_group: every option of target_group",
        ),
        (lambda d: d["rollups"][0]["groups"][0]["options"].append("social_problem"), "rollup main_target_group"),
        (lambda d: d["rollups"][0]["groups"][0]["options"].append("nothing"), "rollup main_target_group"),
        (lambda d: d["rollups"][0].update(question="nothing"), "there is no question 'nothing'"),
        (lambda d: d["bands"][0].update(of=["nothing"]), "banding age_band: there is no question 'nothing'"),
        (lambda d: d["bands"][0]["groups"].reverse(), "banding age_band: the lower edges must rise"),
        (lambda d: d["bands"][0]["groups"][1].update({"from": 18}), "banding age_band: the lower edges must rise"),
        (lambda d: d["bands"][0]["groups"][1].update({"from": "25"}), "bands.0.groups.1.from"),
        (lambda d: d["questions"].pop(4), "question 6 (municipality_role) stands as number 5"),
    ],
)
def test_a_fault_outside_the_questions_is_named(change, said):
    assert said in fault(change)


def test_a_file_that_is_no_yaml_is_refused_naming_the_line(tmp_path):
    path = tmp_path / "2023.yaml"
    path.write_text("version: '2023'\nquestions: [\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"(?s)2023\.yaml: is not valid YAML: .*line"):
        load_yaml(path)
    path.write_bytes(b"version: \xe6\n")
    with pytest.raises(CatalogueError, match=r"2023\.yaml: is not valid YAML"):
        load_yaml(path)


def test_a_key_that_stands_twice_in_a_mapping_is_refused(tmp_path):
    # YAML's loader keeps the last one and says nothing: a round entered twice would silently be the second.
    path = tmp_path / "rounds.yaml"
    path.write_text("rounds:\n  '2022-10-01': {open: true}\n  '2022-10-01': {open: false}\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match="2022-10-01"):
        load_yaml(path)


@property_test
@given(
    st.integers(0, 35),
    st.sampled_from(["number", "key", "kind", "text_da", "optional", "options", "options_of", "minimum", "maximum"]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-5, 200), st.text(max_size=4)),
        lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
        max_leaves=4,
    ),
)
def test_whatever_stands_in_a_field_gives_a_catalogue_or_names_a_fault(number, field, value):
    document = copy.deepcopy(DOCUMENT)
    document["questions"][number][field] = value
    try:
        catalogue = catalogue_from(document, "2022.yaml")
    except CatalogueError as error:
        assert "2022.yaml: " in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert len(catalogue.questions) == 36
