"""Cases about parquet files: the types a column may have, and files that are damaged, encrypted or hostile.

Specification: "Parquet" under "Limits and hard cases". A row's number is the one a spreadsheet would show: the column
names are row 1.
"""

import datetime as dt
import io
import math
from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from tests.limits.corpus import GOOD, NO_HEADER, SURVIVED, Case, Outcome, current, one, rejected
from tests.limits.files import KEYS, arrow, case, good, number_of, parquet

P = "skema.parquet"


def column(name: str, key: str, make: Callable[[list[object]], pa.Array], *outcomes: Outcome) -> Case:
    """Give the three good cases one column of another type, made from the answers as text."""
    return one(
        f"{name} for {key}", P,
        lambda code: parquet(arrow(good(code), **{key: make([row[key] for row in good(code)])})), *outcomes,
    )  # fmt: skip


def first(name: str, key: str, kind: pa.DataType, value: object, usual: object, *outcomes: Outcome) -> Case:
    """Put one case before four good ones; it has another value in a column of this type."""

    def content(code: str) -> bytes:
        rows = [case(code, "B-1"), *good(code)]
        return parquet(arrow(rows, **{key: pa.array([value, *[usual] * 3], kind)}))

    return one(f"{name} for {key}", P, content, *outcomes)


def broken(key: str, *rules: str) -> tuple[Outcome, ...]:
    """Give the first of four rows one broken rule, any of these."""
    return tuple(current(4, 1, 2, broken={(2, number_of(key), rule)}) for rule in rules)


def kept(key: str, value: object) -> Outcome:
    return current(4, 2, 2, answers={("B-1", key): value})


def _integers(values: list[object]) -> list[int]:
    return [int(str(value)) for value in values]


COST = "residential_cost_dkk"
# Three rows of three broken: what a column is of which no value can be an answer.
REFUSED = (rejected("too_many_rejected_rows"),)

TYPES = [
    column("int64", "age", lambda values: pa.array(_integers(values), pa.int64()), *GOOD),
    column("int8", "months_since_follow_up", lambda values: pa.array(_integers(values), pa.int8()), *GOOD),
    column("uint32", COST, lambda values: pa.array(_integers(values), pa.uint32()), *GOOD),
    column("float", COST, lambda values: pa.array(_integers(values), pa.float64()), *GOOD),
    column("a whole float", "age", lambda values: pa.array(_integers(values), pa.float32()), *GOOD),
    column("decimal", COST, lambda values: pa.array(map(Decimal, values), pa.decimal128(12, 2)), *GOOD),
    column("a great decimal", COST, lambda values: pa.array(map(Decimal, values), pa.decimal256(50, 2)), *GOOD),
    column("a whole decimal", "age", lambda values: pa.array(map(Decimal, values), pa.decimal128(6, 2)), *GOOD),
    column("an integer", "municipality_code", lambda values: pa.array(_integers(values), pa.int32()), *GOOD),
    column("an integer", "case_id", lambda values: pa.array(range(len(values)), pa.int64()), *GOOD),
    column("a dictionary", "gender", lambda values: pa.array(values).dictionary_encode(), *GOOD),
    column("a dictionary of integers", "age", lambda values: pa.array(_integers(values)).dictionary_encode(), *GOOD),
    column("large text", "gender", lambda values: pa.array(values, pa.large_string()), *GOOD),
    column("a view of text", "gender", lambda values: pa.array(values, pa.string_view()), *GOOD),
    column("nothing but nulls", "comment", lambda values: pa.nulls(len(values)), *GOOD),
    column("nothing but nulls", "secondary_target_groups", lambda values: pa.nulls(len(values)), *GOOD),
    column("a date", "comment", lambda values: pa.array([dt.date(2022, 5, 1)] * len(values)), *GOOD),
    column("moments in nanoseconds", "comment",
           lambda values: pa.array([1_664_582_400_000_000_001] * len(values), pa.timestamp("ns", "Europe/Copenhagen")),
           *GOOD),
    column("durations", "comment", lambda values: pa.array([1] * len(values), pa.duration("ns")), *GOOD),
    column("dates beyond the calendar", "comment",
           lambda values: pa.array([10_000_000] * len(values), pa.int32()).cast(pa.date32()), *GOOD),
    column("dates beyond the calendar", "gender",
           lambda values: pa.array([10_000_000] * len(values), pa.int32()).cast(pa.date32()), *REFUSED),
    column("truth values", "in_residential_care", lambda values: pa.array([True] * len(values)), *REFUSED),
    column("dates", "use_of_force", lambda values: pa.array([dt.date(2022, 5, 1)] * len(values)), *REFUSED),
    column("structures", "gender", lambda values: pa.array([{"a": 1}] * len(values)), *REFUSED, rejected("unreadable")),
    # Older programs write text as bytes and do not say that it is text.
    column("bytes", "gender", lambda values: pa.array([str(value).encode() for value in values], pa.binary()), *GOOD,
           *REFUSED, rejected("unreadable")),
    column("text that is no UTF-8", "comment",
           lambda values: pa.Array.from_buffers(pa.string(), len(values),
                                                pa.array([b"\xe6\xf8\xe5"] * len(values), pa.binary()).buffers()),
           current(), rejected("unreadable")),
    first("a list of text", "secondary_target_groups", pa.list_(pa.string()),
          ["Udviklingshæmning", "social_problem"], None,
          kept("secondary_target_groups", frozenset({"intellectual_disability", "social_problem"}))),
    first("a large list of text", "behaviour_types", pa.large_list(pa.large_string()), ["Indadreagerende", None], [],
          kept("behaviour_types", frozenset({"inward"}))),
    first("a list of a dictionary", "behaviour_types", pa.list_(pa.dictionary(pa.int8(), pa.string())),
          ["Indadreagerende"], [], kept("behaviour_types", frozenset({"inward"}))),
    first("an empty list", "behaviour_types", pa.list_(pa.string()), [], None, current(4, 2, 2)),
    first("a list with a wrong option", "behaviour_types", pa.list_(pa.string()), ["Sur"], None,
          *broken("behaviour_types", "option")),
    first("a list of integers", "behaviour_types", pa.list_(pa.int8()), [1], None,
          *broken("behaviour_types", "option")),
    first("a list of lists", "behaviour_types", pa.list_(pa.list_(pa.string())), [["Sur"]], None,
          *broken("behaviour_types", "option"), rejected("unreadable")),
    first("a structure", "secondary_target_groups", pa.struct([("a", pa.int8())]), {"a": 1}, None,
          *broken("secondary_target_groups", "option"), rejected("unreadable")),
    first("a map", "behaviour_types", pa.map_(pa.string(), pa.int8()), [("Sur", 1)], None,
          *broken("behaviour_types", "option"), rejected("unreadable")),
    first("a date", "secondary_target_groups", pa.date32(), dt.date(2022, 5, 1), None,
          *broken("secondary_target_groups", "option")),
    first("a truth value", "secondary_target_groups", pa.bool_(), bool(1), None,
          *broken("secondary_target_groups", "option")),
    first("half a krone", COST, pa.float64(), 2_345_678.5, 2.0e6, Outcome("current", figures=(4, 3, 1), answers={
        ("B-1", COST): 2_345_679})),
    first("half a krone in decimals", COST, pa.decimal128(12, 2), Decimal("2345678.50"), Decimal(2_000_000),
          Outcome("current", figures=(4, 3, 1), answers={("B-1", COST): 2_345_679})),
    first("an infinity", COST, pa.float64(), math.inf, 2.0e6,
          Outcome("current", figures=(4, 2, 1), broken=frozenset({(2, 7, "range")}))),
    first("an infinity below", COST, pa.float64(), -math.inf, 2.0e6,
          Outcome("current", figures=(4, 2, 1), broken=frozenset({(2, 7, "range")}))),
    first("NaN", COST, pa.float64(), math.nan, 2.0e6,
          Outcome("current", figures=(4, 2, 1), broken=frozenset({(2, 7, "missing")}))),
    first("more than the greatest integer", COST, pa.uint64(), 2**64 - 1, 2_000_000,
          Outcome("current", figures=(4, 2, 1), broken=frozenset({(2, 7, "range")}))),
    first("NaN", "age", pa.float64(), math.nan, 34.0, *broken("age", "missing")),
    # The specification has infinities among the amounts.
    first("an infinity", "age", pa.float64(), math.inf, 34.0, *broken("age", "range", "integer")),
    first("half a year", "age", pa.float64(), 34.5, 34.0, *broken("age", "integer")),
    first("half a year in decimals", "age", pa.decimal128(4, 1), Decimal("34.5"), Decimal(34),
          *broken("age", "integer")),
    first("NaN", "comment", pa.float64(), math.nan, math.nan, current(4, 2, 2)),
    first("a CPR number", "comment", pa.string(), "010190-0000", None, *broken("comment", "cpr")),
    first("a CPR number as an integer", "comment", pa.int64(), 3112900000, None, *broken("comment", "cpr")),
    first("a CPR number as an integer that lost its zero", "comment", pa.int64(), 101900000, None,
          *broken("comment", "cpr")),
    first("a CPR number as a float", "comment", pa.float64(), 101900000.0, None, *broken("comment", "cpr")),
    first("a CPR number as a decimal", "comment", pa.decimal128(12, 0), Decimal(3112900000), None,
          *broken("comment", "cpr")),
    first("a CPR number in a list", "behaviour_types", pa.list_(pa.string()), ["010190-0000"], None,
          current(4, 1, 2, broken={(2, 15, "cpr")}, perhaps=frozenset({(2, 15, "option")}))),
    first("a date and time", "gender", pa.timestamp("us", "UTC"), None, dt.datetime(2022, 5, 1, tzinfo=dt.UTC),
          *REFUSED),
]  # fmt: skip


# --- files -----------------------------------------------------------------------------------------------------------


class _Keys(pe.KmsClient):
    """Keeps no key: what a test encrypts nobody need read."""

    def __init__(self, _: object) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:  # noqa: ARG002 the signature is pyarrow's
        return key_bytes.hex().encode()

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:  # noqa: ARG002 as above
        return bytes.fromhex(wrapped_key.decode())


def encrypted(code: str, *, plain_footer: bool) -> bytes:
    """Encrypt every column and, if told, the footer."""
    factory = pe.CryptoFactory(_Keys)
    how = pe.EncryptionConfiguration(footer_key="f", column_keys={"c": KEYS}, plaintext_footer=plain_footer)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), how)
    return parquet(arrow(good(code)), encryption_properties=properties)


def _twice(code: str) -> bytes:
    table = arrow(good(code))
    return parquet(table.append_column("target_group", table["target_group"]))


def _unknown(name: str, value: pa.Array, code: str) -> bytes:
    return parquet(arrow(good(code)).append_column(name, value))


def _damaged(code: str) -> bytes:
    """Overwrite the first pages, not the footer."""
    data = parquet(arrow(good(code)), compression="none", use_dictionary=False)
    return data[:4] + b"\xff" * 400 + data[404:]


def _long_footer(code: str) -> bytes:
    data = parquet(arrow(good(code)))
    return data[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1"


def _arrow_file(code: str) -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(arrow(good(code)), out, compression="uncompressed")
    return out.getvalue()


def _empty(_: str) -> bytes:
    return parquet(arrow([]))


def _groups(code: str) -> bytes:
    """Write each case into a row group of its own."""
    return parquet(arrow([*good(code), case(code, "A-4", age="17")]), row_group_size=1)


def _old_footer(code: str) -> bytes:
    """Leave out the schema that pyarrow adds, as other writers do."""
    out = io.BytesIO()
    with pq.ParquetWriter(out, arrow([]).schema, store_schema=False, version="1.0", compression="gzip") as writer:
        writer.write_table(arrow(good(code)))
    return out.getvalue()


FILES = [
    one("an encrypted file", P, lambda code: encrypted(code, plain_footer=False),
        rejected("unreadable", "krypter|adgangskode|kodeord")),
    one("a file with encrypted columns", P, lambda code: encrypted(code, plain_footer=True),
        rejected("unreadable", "krypter|adgangskode|kodeord")),
    *(
        one(f"a file without its last {cut} bytes", P, lambda code, cut=cut: parquet(arrow(good(code)))[:-cut],
            rejected("unreadable"))
        for cut in (1, 8, 3_000)
    ),
    one("a file without its first bytes", P, lambda code: parquet(arrow(good(code)))[100:], rejected("unreadable")),
    one("nothing but the marks of the format", P, lambda _: b"PAR1PAR1", rejected("unreadable")),
    one("damaged pages", P, _damaged, rejected("unreadable")),
    one("a footer longer than the file", P, _long_footer, rejected("unreadable")),
    one("an arrow file", P, _arrow_file, rejected("unreadable")),
    one("no rows", P, _empty, rejected("empty")),
    one("no rows, in the name", "Nulindberetning.parquet", _empty, current(0, 0, 0)),
    one("no columns", P, lambda _: parquet(pa.table({})), rejected("empty"), *NO_HEADER),
    one("columns of another table", P, lambda _: parquet(pa.table({"a": [1], "b": [2]})), *NO_HEADER),
    one("a question twice", P, _twice, rejected("duplicate_question")),
    one("no column for question 22", P, lambda code: parquet(arrow(good(code)).drop_columns(["provider"])),
        rejected("missing_questions", "22|Hvem driver")),
    one("columns named by the form's text", P,
        lambda code: parquet(arrow(good(code)).rename_columns([f"Noget {key}" for key in KEYS])), *NO_HEADER),
    one("a column nobody knows", P, lambda code: _unknown("__index_level_0__", pa.array([0, 1, 2]), code),
        current(warns="__index_level_0__")),
    one("a structure in a column nobody knows", P,
        lambda code: _unknown("noter", pa.array([{"a": [1]}, None, {"a": []}]), code), current(warns="noter")),
    one("a CPR number in a column nobody knows", P,
        lambda code: _unknown("noter", pa.array(["", "010190-0000", None]), code),
        current(3, 1, 1, broken={(3, None, "cpr")})),
    # "Cells of unknown columns": a list in one is such a cell, if one looks into it.
    one("a CPR number in a list in a column nobody knows", P,
        lambda code: _unknown("noter", pa.array([[], ["010190-0000"], None]), code), *GOOD,
        current(3, 1, 1, broken={(3, None, "cpr")})),
    one("a CPR number for the name of a column", P,
        lambda code: _unknown("Borger 010190-0000", pa.array(["a", "b", "c"]), code), current(warns="Borger|kolonne")),
    one("many row groups", P, _groups, current(4, 1, 2, broken={(5, 3, "range")})),
    one("a file of another writer", P, _old_footer, *GOOD),
    *(
        one(f"packed by {codec}", P, lambda code, codec=codec: parquet(arrow(good(code)), compression=codec), *GOOD)
        for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4")
    ),
    one("two columns that a file system would take for one", P,
        lambda code: _unknown("TARGET_GROUP", arrow(good(code))["target_group"], code),
        rejected("duplicate_question")),
    one("a footer that promises more rows than there are", P,
        lambda code: parquet(arrow(good(code))).replace(b"\x16\x06\x19", b"\x16\x08\x19"), *SURVIVED),
]  # fmt: skip
