"""Checking of frames: every breach is counted under its column and check, and no value is ever told."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import tables
from schemas.fields import FIELDS
from schemas.tables import Table, failures
from tests.unit.ingest_scenario import CATALOGUE, property_test

NUMBER = "010190-1234"  # made up: it only looks like a CPR number
TABLE = tables.KEY_FINDINGS
ROW = {
    "round": "2022-10-01",
    "finding": "a",
    "label_da": "Et fund",
    "numerator": 1,
    "denominator": 2,
    "share": 1 / 2,
}
ALL_TABLES = [value for value in vars(tables).values() if isinstance(value, Table)] + [
    tables.responses(CATALOGUE.version),
    tables.delivered_rows(CATALOGUE.version),
]


def frame(*rows, table=TABLE):
    return pl.DataFrame(list(rows), schema=dict(table.dtypes))


TWO = frame(ROW, ROW | {"finding": "b", "share": None})


def test_a_sound_frame_and_an_empty_one_fail_nothing():
    assert failures(TWO, TABLE) == {}
    assert failures(TWO.clear(), TABLE) == {}


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_every_table_accepts_an_empty_frame_of_its_own_types(table):
    assert failures(pl.DataFrame(schema=dict(table.dtypes)), table) == {}


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_the_key_and_the_nullable_columns_of_every_table_are_columns_of_it(table):
    names = [field.name for field in table.fields]
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert table.nullable <= set(names)


@pytest.mark.parametrize(
    ("change", "column", "count"),
    [
        ({"round": pl.lit(NUMBER)}, "round", 2),
        ({"round": pl.Series(["2022-10-01", "1. oktober"])}, "round", 1),
        ({"numerator": pl.lit(-1, pl.Int64)}, "numerator", 2),
        ({"numerator": pl.lit(None, pl.Int64)}, "numerator", 2),
        ({"share": pl.Series([1.01, 0.5])}, "share", 1),
        ({"share": pl.Series([-0.01, None])}, "share", 1),
        ({"label_da": pl.lit(None, pl.String)}, "label_da", 2),
    ],
)
def test_rows_beyond_the_bounds_of_a_column_are_counted_under_it(change, column, count):
    told = failures(TWO.with_columns(**change), TABLE)
    assert [name.split(": ")[0] for name in told] == [column]
    assert list(told.values()) == [count]


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_what_is_no_finite_number_is_refused_in_every_column_of_floats(table):
    floats = [field.name for field in table.fields if field.dtype == pl.Float64()]
    rows = pl.DataFrame({name: [None] * 3 for name in table.dtypes}, schema=dict(table.dtypes))
    worse = pl.Series([math.inf, -math.inf, math.nan])
    told = failures(rows.with_columns(worse.alias(name) for name in floats), table)
    assert [told.get(f"{name}: is_finite") for name in floats] == [3] * len(floats)


def test_a_wrong_type_a_missing_a_surplus_and_a_misplaced_column_are_each_refused():
    assert failures(TWO.with_columns(pl.col("numerator").cast(pl.Float64)), TABLE) == {"numerator: wrong_datatype": 1}
    assert failures(TWO.drop("share"), TABLE) == {"table: column_not_in_dataframe": 1}
    assert failures(TWO.with_columns(x=pl.lit(NUMBER)), TABLE) == {"table: column_not_in_schema": 1}
    assert failures(TWO.select(reversed(TWO.columns)), TABLE) == {"table: column_not_ordered": 1}


def test_rows_that_share_their_key_are_counted_all():
    assert failures(frame(ROW, ROW, ROW | {"finding": "b"}), TABLE) == {"table: duplicates": 2}
    assert failures(frame(ROW, ROW | {"round": "2024-10-01"}), TABLE) == {}


def test_a_code_that_is_no_answer_is_refused():
    row = dict.fromkeys(tables.ANSWER_COUNTS.dtypes, 1) | {"municipality_code": "147", "question": "q", "answer": "a"}
    assert failures(frame(row, table=tables.ANSWER_COUNTS), tables.ANSWER_COUNTS) == {}
    log = pl.DataFrame({n: [None] for n in tables.DELIVERY_LOG.dtypes}, schema=dict(tables.DELIVERY_LOG.dtypes))
    assert failures(log.with_columns(status=pl.lit(NUMBER)), tables.DELIVERY_LOG)["status: isin"] == 1


def test_several_answers_are_codes_between_semicolons():
    table = tables.responses(CATALOGUE.version)
    texts = [
        "outward;inward",
        "outward",
        ";",
        "outward;",
        ";outward",
        "outward; inward",
        "outward;nothing",
        "Selvskadende",
    ]
    rows = pl.DataFrame({name: [None] * len(texts) for name in table.dtypes}, schema=dict(table.dtypes))
    told = failures(rows.with_columns(behaviour_types=pl.Series(texts)), table)
    assert told["behaviour_types: str_matches"] == len(texts) - 2


def test_several_breaches_are_all_counted():
    told = failures(
        TWO.with_columns(round=pl.lit(NUMBER), numerator=pl.lit(-1, pl.Int64), share=pl.lit(math.inf)), TABLE
    )
    assert {name.split(": ")[0] for name in told} == {"round", "numerator", "share"}
    assert set(told.values()) == {2}


values = {
    pl.String(): st.one_of(st.none(), st.just(NUMBER), st.text(max_size=5).map(lambda text: f"hemmelig {text}")),
    pl.Int64(): st.one_of(st.none(), st.sampled_from([-987654321, 987654321])),
    pl.Float64(): st.one_of(st.none(), st.sampled_from([math.inf, math.nan, -98765.4321, 98765.4321])),
}


@property_test
@given(st.lists(st.fixed_dictionaries({f.name: values[f.dtype] for f in TABLE.fields}), max_size=4))
def test_no_value_is_ever_told(rows):
    told = failures(frame(*rows), TABLE)
    assert not any(secret in str(told) for secret in (NUMBER, "hemmelig", "98765"))
    assert all(name.split(": ")[0] in {*TABLE.dtypes, "table"} and count > 0 for name, count in told.items())
    assert bool(told) == bool(rows)


def test_every_field_has_a_danish_label_and_a_description():
    assert all(field.label_da and field.description and field.name == name for name, field in FIELDS.items())
