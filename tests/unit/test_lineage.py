"""The declared lineage: every column of every table, down to what comes from outside, and what must be known of each."""

import importlib

import pytest

from schemas import lineage, tables
from schemas.errors import TableError
from schemas.extracts import GRANTS
from schemas.lineage import SOURCES, origins, sources_of, tables_with_lineage, tags, upstream
from schemas.questionnaire import load_catalogue
from schemas.rounds import load_rounds

VERSIONS = sorted({round_.questionnaire for round_ in load_rounds().values()})
FORMS = [*VERSIONS, GRANTS]
CATALOGUE = load_catalogue(VERSIONS[-1])
EVERY = [
    (table, column, version)
    for version in FORMS
    for table in (*sources_of(version), *tables_with_lineage(version))
    for column in origins(table, version)
]


@pytest.mark.parametrize("version", FORMS)
def test_every_column_of_every_table_has_an_origin_in_the_tables_order(version):
    for name, table in tables_with_lineage(version).items():
        assert list(origins(name, version)) == [field.name for field in table.fields]


def test_no_entry_is_of_a_column_that_there_is_not():
    for name, entries in lineage._lineage().tables.items():
        form = VERSIONS[-1] if name in (*SOURCES, *tables_with_lineage(VERSIONS[-1])) else GRANTS
        assert {column for column in entries if not column.startswith("<")} <= set(origins(name, form))


def test_every_function_exists():
    for function in sorted({origins(table, version)[column].function for table, column, version in EVERY}):
        module, _, name = function.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name)), function


def test_every_source_is_a_column_of_a_table():
    for table, column, version in EVERY:
        for source, name in origins(table, version)[column].sources:
            assert name in origins(source, version), (table, column, source, name)


def test_every_formula_is_plain_text_without_a_placeholder():
    for table, column, version in EVERY:
        formula = origins(table, version)[column].formula_da
        assert formula
        assert not set(formula) & set("{}!")


def test_every_published_column_comes_from_a_question_or_a_reference_column():
    known = {("inbox", key) for key in CATALOGUE.keys} | {("inbox", "round")}
    for table, column, version in EVERY:
        if "published" in tags(table, column, version):
            ends = upstream(table, column, version)
            assert any(end in known or end[0] in ("folk1a", "municipalities", "extracts") for end in ends), (
                table,
                column,
            )


def test_no_column_follows_from_itself():
    for table, column, version in EVERY:
        assert (table, column) not in upstream(table, column, version)


def test_a_rate_follows_from_costs_and_from_residents_but_not_a_count_from_residents():
    rate, cases = (upstream("case_rates", column, VERSIONS[-1]) for column in ("rate_per_1000", "cases"))
    assert {("inbox", "residential_cost_dkk"), ("folk1a", "INDHOLD")} <= rate
    assert {end for end in cases if end[0] == "inbox"} == {
        ("inbox", key)
        for key in ("municipality_code", "in_residential_care", "residential_cost_dkk", "day_programme_cost_dkk")
    }


def test_a_personal_or_sensitive_column_is_never_published():
    for table, column, version in EVERY:
        assert (
            len(tags(table, column, version) & {"published"})
            + bool(tags(table, column, version) & {"personal", "sensitive"})
            <= 1
        ), (table, column)


def test_every_column_of_a_row_about_a_citizen_is_personal_and_every_answer_on_health_or_sentence_sensitive():
    for table in ("delivered_rows", "responses", "rejected_rows"):
        assert all("personal" in tags(table, column, VERSIONS[-1]) for column in origins(table, VERSIONS[-1]))
    for key in ("target_group", "behaviour_types", "sentence", "substance_misuse", "use_of_force", "comment"):
        for table in ("inbox", "delivered_rows", "responses"):
            assert tags(table, key, VERSIONS[-1]) == {"personal", "sensitive"}


def test_an_exact_count_of_answers_is_sensitive_and_its_protected_one_is_published():
    assert tags("answer_counts", "cases", VERSIONS[-1]) == {"sensitive"}
    for name in ("target_groups", "provider_types", "question_answers"):
        assert tags(name, "cases", VERSIONS[-1]) == {"sensitive"}
        assert tags(f"shared_{name}", "cases", VERSIONS[-1]) == {"published"}
    assert tags("key_findings", "numerator", VERSIONS[-1]) == {"sensitive"}


def test_what_is_published_is_what_the_shared_files_hold():
    published = {
        table.name for asset, table in tables_with_lineage(VERSIONS[-1]).items() if lineage.is_published(asset)
    }
    own = {"delivery_log", "rejected_rows", "responses"}
    assert published == set(tables.released(VERSIONS[-1])) - own


def test_an_unknown_table_or_column_is_an_error_that_names_what_there_is():
    with pytest.raises(TableError, match="case_rates"):
        origins("case_rate", VERSIONS[-1])
    with pytest.raises(TableError, match="rate_per_1000"):
        tags("case_rates", "rate", VERSIONS[-1])
