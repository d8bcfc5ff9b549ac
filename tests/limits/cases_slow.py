"""Cases about how much a file may hold. Those of `SIZES`, `ROWS` and `HANGS` cost a second or so to build or to read.

Specification: under "Limits and hard cases", its first sentence, Sizes, Rows, Text encoding, Parquet.
"""

import zipfile
from collections.abc import Callable, Iterator
from functools import cache

import pyarrow as pa

from tests.limits.corpus import GOOD, NO_HEADER, SURVIVED, Case, Place, current, one, rejected
from tests.limits.files import (
    BLANK_CELL,
    KEYS,
    Entry,
    archive_bytes,
    arrow,
    case,
    csv_bytes,
    csv_text,
    fill,
    good,
    grid,
    o_cell,
    o_parts,
    o_row,
    o_table,
    ods,
    packed,
    parquet,
    sheet,
    swapped,
    terse,
    x_inline,
    x_parts,
    xlsx,
)

MIB = 1024 * 1024
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def _parts(code: str) -> dict[str, bytes]:
    return x_parts(sheet(grid(good(code))))


# --- sizes -----------------------------------------------------------------------------------------------------------

# 100 MB, whichever megabyte is meant, and a little more.
BOMB = 101 * MIB
TOO_MUCH = (rejected("unreadable", "100 MB"),)
TOO_BIG = (rejected("unreadable", r"\b10 MB"),)


def _blown_up(text: bytes, behind: bytes) -> bytes:
    return text.replace(behind, behind + b" " * BOMB, 1)


@cache
def _sheet_bomb(code: str) -> bytes:
    parts = _parts(code)
    return packed(parts | {SHEET: _blown_up(parts[SHEET], b"<sheetData>")})


@cache
def _lying_bomb(code: str, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Claim a small size for the part that is great."""
    parts = _parts(code)
    sizes = {name: len(data) for name, data in parts.items()}
    parts[SHEET] = _blown_up(parts[SHEET], b"<sheetData>")
    return archive_bytes(
        Entry(name, data, method if name == SHEET else zipfile.ZIP_DEFLATED, says=sizes[name])
        for name, data in parts.items()
    )


@cache
def _deeply_lying_bomb(code: str) -> bytes:
    """Claim size and checksum of the good sheet for one with much behind it."""
    return archive_bytes(
        Entry(name, data + b" " * BOMB, says=data) if name == SHEET else Entry(name, data)
        for name, data in _parts(code).items()
    )


@cache
def _overlapping(code: str) -> bytes:
    """Let a hundred parts share the bytes of one: a little of the archive unpacks to much."""
    entries = [Entry(*part) for part in _parts(code).items()]
    twin = bytes(2 * MIB)
    return archive_bytes(
        [*entries, Entry("xl/media/0.bin", twin)]
        + [Entry(f"xl/media/{number}.bin", twin, at="xl/media/0.bin") for number in range(1, 100)]
    )


def _stuffed(size: int, code: str) -> bytes:
    """Fill a good workbook up to a size on disk with a part nobody reads."""
    bare = len(packed(_parts(code), Entry("xl/media/x.png", b"", zipfile.ZIP_STORED)))
    return packed(_parts(code), Entry("xl/media/x.png", bytes(size - bare), zipfile.ZIP_STORED))


def _sparse(at: Place) -> None:
    """Make a file of a terabyte that takes no room."""
    with at.write("20221114T093000Z__skema.csv", b"").open("r+b") as file:
        file.truncate(1024**4)


def _padded_csv(size: int, code: str) -> bytes:
    data = csv_bytes(grid(good(code)))
    return data + b"\r\n" * ((size - len(data)) // 2) + b"\n" * ((size - len(data)) % 2)


SIZES = [
    one("a sheet that unpacks to more than 100 MB", "skema.xlsx", _sheet_bomb, *TOO_MUCH),
    one("a part nobody needs that unpacks to more than 100 MB", "skema.xlsx",
        lambda code: packed(_parts(code), Entry("xl/media/x.bin", bytes(BOMB))), *TOO_MUCH),
    one("two parts that together unpack to more than 100 MB", "skema.xlsx",
        lambda code: packed(_parts(code), Entry("a", bytes(BOMB // 2)), Entry("b", bytes(BOMB // 2 + 1))), *TOO_MUCH),
    one("an ods workbook that unpacks to more than 100 MB", "skema.ods",
        lambda code: packed({name: _blown_up(data, b"<office:spreadsheet>")
                             for name, data in o_parts(o_table("".join(map(o_row, grid(good(code)))))).items()}),
        *TOO_MUCH),
    # A reader that stops where the claimed size is reached finds a sheet that breaks off.
    one("a sheet whose size is a lie", "skema.xlsx", _lying_bomb, rejected("unreadable")),
    one("a sheet whose size is a lie, packed with bzip2", "skema.xlsx",
        lambda code: _lying_bomb(code, method=zipfile.ZIP_BZIP2), rejected("unreadable")),
    # To a reader that believes both, the sheet is the good one; what lies behind it is not part of it.
    one("a sheet whose size and checksum are lies", "skema.xlsx", _deeply_lying_bomb, *SURVIVED),
    one("parts that share their bytes", "skema.xlsx", _overlapping, rejected("unreadable")),
    one("10 MB and a byte", "skema.xlsx", lambda code: _stuffed(10 * MIB + 1, code), *TOO_BIG),
    one("10 MB and a byte of text", "skema.csv", lambda code: _padded_csv(10 * MIB + 1, code), *TOO_BIG),
    one("10,000,000 bytes", "skema.xlsx", lambda code: _stuffed(10_000_000, code), *GOOD),
    Case("a terabyte of nothing", _sparse, {"20221114T093000Z__skema.csv": TOO_BIG}),
]  # fmt: skip


LONG_CELLS = [
    one("a cell of 32,767 characters", "skema.csv",
        lambda code: csv_bytes(grid([case(code, "A-1", comment="x" * 32_767), *good(code)[1:]])), *GOOD),
    *(
        one(f"a cell of {size:,} characters in {name}", name,
            lambda code, make=make, size=size: make(grid([case(code, "A-1", comment="x" * size), *good(code)[1:]])),
            rejected("unreadable", r"32[. ]?767"))
        for size in (32_768, 140_000)
        for name, make in {
            "skema.csv": csv_bytes,
            "skema.xlsx": lambda cells: xlsx(sheet(cells)),
            "skema.ods": lambda cells: ods(o_table("".join(map(o_row, cells)))),
        }.items()
    ),
    one("a cell of 32,768 characters in skema.parquet", "skema.parquet",
        lambda code: parquet(arrow([case(code, "A-1", comment="x" * 32_768), *good(code)[1:]])),
        rejected("unreadable", r"32[. ]?767")),
    one("a field of 140,000 characters in quotes", "skema.csv",
        lambda code: csv_bytes(grid([case(code, "A-1", comment="x;\n" * 50_000), *good(code)[1:]])),
        rejected("unreadable", r"32[. ]?767")),
    one("a cell of 32,768 characters in a column nobody knows", "skema.csv",
        lambda code: csv_bytes(grid([row | {"x": "x" * 32_768} for row in good(code)], headers=[*KEYS, "Note"],
                                    keys=[*KEYS, "x"])), rejected("unreadable", r"32[. ]?767")),
]  # fmt: skip


# --- rows ------------------------------------------------------------------------------------------------------------

TOO_MANY = (rejected("unreadable", r"20[. ]?000"),)


def _many(rows: int, code: str) -> Iterator[dict[str, object]]:
    return (terse(code, f"S{number}") for number in range(rows))


@cache
def _many_csv(rows: int, code: str) -> bytes:
    return csv_bytes(grid(_many(rows, code), headers=KEYS))


def _many_parquet(rows: int, code: str) -> bytes:
    return parquet(arrow(_many(rows, code)))


@cache
def _many_xlsx(rows: int, code: str) -> bytes:
    return xlsx(sheet(grid(_many(rows, code))))


@cache
def _many_ods(code: str) -> bytes:
    header, row = (o_row(cells) for cells in grid(fill(code, 1)))
    return ods(o_table(header + "".join(row.replace("FYLD-1", f"FYLD-{number}") for number in range(10_000))))


@cache
def _formatted_blanks(code: str) -> bytes:
    """Format every row of the sheet, as pressing Ctrl+A and choosing a border does."""
    blank = "".join(f'<row r="{row}" s="1" customFormat="1"/>' for row in range(5, 1_048_577))
    return packed(swapped(_parts(code), SHEET, "</sheetData>", f"{blank}</sheetData>"))


@cache
def _formatted_cells(code: str) -> bytes:
    """Format a cell in each of a million rows."""
    blank = "".join(f'<row r="{row}"><c r="A{row}" s="1"/></row>' for row in range(5, 1_000_001))
    return packed(swapped(_parts(code), SHEET, "</sheetData>", f"{blank}</sheetData>"))


def _far(cell: str) -> Callable[[str], bytes]:
    """Put a value far from the others."""
    row = f'<row r="1048576">{x_inline("x").xml.replace("{ref}", cell)}</row></sheetData>'
    return lambda code: packed(swapped(_parts(code), SHEET, "</sheetData>", row))


def _o_far(repeats: str, code: str) -> bytes:
    """Put a row below that is repeated, or whose cell is."""
    return ods(o_table("".join(map(o_row, grid(good(code)))) + repeats))


def _o_cells(times: int) -> str:
    return o_cell("string", "", "x").xml.replace("-cell ", f'-cell table:number-columns-repeated="{times}" ', 1)


def _o_many(times: int, code: str) -> bytes:
    row = o_row(grid(fill(code, 1))[1], f' table:number-rows-repeated="{times}"')
    return _o_far(row, code)


@cache
def _long_parquet(rows: int, code: str) -> bytes:
    """Write one answer millions of times: packed it is a few kilobytes."""
    index = pa.repeat(pa.scalar(0, pa.int8()), rows)
    columns = {key: pa.nulls(rows) for key in KEYS}
    columns["municipality_code"] = pa.DictionaryArray.from_arrays(index, pa.array([code]))
    return parquet(
        pa.table(columns), compression="zstd", row_group_size=rows, data_page_size=2**30, max_rows_per_page=rows,
        write_batch_size=2**20,
    )  # fmt: skip


@cache
def _wide_parquet(code: str) -> bytes:
    rows = good(code)
    comment = pa.array(["x" * 120_000_000, None, None])
    return parquet(arrow(rows, comment=comment), compression="zstd", use_dictionary=False)


@cache
def _listed_parquet(code: str) -> bytes:
    items = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), 50_000_000), pa.array(["inward"]))
    lists = pa.ListArray.from_arrays(pa.array([0, 50_000_000, 50_000_000, 50_000_000], pa.int32()), items)
    return parquet(arrow(good(code), behaviour_types=lists), compression="zstd")


ROWS = [
    one("20,000 cases in skema.csv", "skema.csv", lambda code: _many_csv(20_000, code), current(20_000, 20_000, 0)),
    one("20,001 cases in skema.csv", "skema.csv", lambda code: _many_csv(20_001, code), *TOO_MANY),
    one("20,000 cases in skema.parquet", "skema.parquet", lambda code: _many_parquet(20_000, code),
        current(20_000, 20_000, 0)),
    one("20,001 cases in skema.parquet", "skema.parquet", lambda code: _many_parquet(20_001, code), *TOO_MANY),
    one("20,000 cases in skema.xlsx", "skema.xlsx", lambda code: _many_xlsx(20_000, code), current(20_000, 20_000, 0)),
    one("10,000 cases in skema.ods", "skema.ods", _many_ods, current(10_000, 10_000, 0)),
    one("20,001 cases in skema.xlsx", "skema.xlsx", lambda code: _many_xlsx(20_001, code), *TOO_MANY),
    one("5,000 cases in skema.xlsx", "skema.xlsx", lambda code: _many_xlsx(5_000, code), current(5_000, 5_000, 0)),
    one("a million formatted rows", "skema.xlsx", _formatted_blanks, *GOOD),
    one("a million formatted cells", "skema.xlsx", _formatted_cells, *GOOD),
    one("25,000 blank rows of semicolons", "skema.csv",
        lambda code: csv_bytes(grid(good(code))) + (b";" * 35 + b"\r\n") * 25_000, *GOOD),
    one("ten million rows in a small parquet file", "skema.parquet", lambda code: _long_parquet(10_000_000, code),
        *TOO_MANY),
    one("a cell of 120 MB in a small parquet file", "skema.parquet", _wide_parquet,
        rejected("unreadable")),
    one("a list of 50 million in a small parquet file", "skema.parquet", _listed_parquet,
        rejected("unreadable")),
]  # fmt: skip


FAR_CELLS = [
    # A value outside every question's column makes no case row, if the reader lives to see it.
    one("a value in the last cell", "skema.xlsx", _far("XFD1048576"), *SURVIVED),
    # The last row has a municipality that is none and nothing else: one rejected row of four.
    Case("a value in the last row",
         lambda at: at.write("20221114T093000Z__skema.xlsx", _far("A1048576")(at.code)),
         {"20221114T093000Z__skema.xlsx": (
             current(4, 1, 2, broken={(1048576, 1, "municipality")},
                     perhaps=frozenset((1048576, number, "missing") for number in range(2, 36))),
             rejected("unreadable"))}),
    one("a value in the last column", "skema.xlsx",
        lambda code: packed(swapped(_parts(code), SHEET, "</row></sheetData>",
                                    x_inline("x").xml.replace("{ref}", "XFD4") + "</row></sheetData>")), *GOOD),
    # Repeats in OpenDocument have no upper bound but the reader's.
    one("a blank cell in the last column of every row", "skema.ods",
        lambda code: _o_far(o_row([], ' table:number-rows-repeated="1048000"',
                                  rest=BLANK_CELL.replace("16348", "16384")), code), *GOOD),
    one("a billion blank rows", "skema.ods",
        lambda code: _o_far(o_row([], ' table:number-rows-repeated="999999999"'), code), *GOOD,
        rejected("unreadable")),
    one("a million equal cases written as one", "skema.ods", lambda code: _o_many(1_000_000, code),
        rejected("unreadable")),
    one("20,001 equal cases written as one", "skema.ods", lambda code: _o_many(20_001, code), *TOO_MANY),
    one("a billion equal cases written as one", "skema.ods", lambda code: _o_many(999_999_999, code),
        rejected("unreadable")),
    one("a value in a million columns", "skema.ods",
        lambda code: _o_far(o_row([], rest=_o_cells(1_000_000)), code), rejected("unreadable"),
        current(4, 1, 2, broken={(5, 1, "municipality")},
                perhaps=frozenset((5, number, rule) for number in range(2, 36) for rule in
                                  ("option", "integer", "amount")))),
    one("a value in 16,384 columns of a million rows", "skema.ods",
        lambda code: _o_far(o_row([], ' table:number-rows-repeated="1000000"', rest=_o_cells(16_384)), code),
        rejected("unreadable")),
]  # fmt: skip


# --- what makes a reader hang ----------------------------------------------------------------------------------------


def _deep(code: str) -> bytes:
    depth = 300_000
    return packed(swapped(_parts(code), SHEET, "<sheetData>", "<x>" * depth + "</x>" * depth + "<sheetData>"))


def _o_deep(code: str) -> bytes:
    depth = 300_000
    parts = o_parts(o_table("".join(map(o_row, grid(good(code))))))
    span = "<text:span>" * depth + "</text:span>" * depth
    return packed(swapped(parts, "content.xml", "<text:p>34</text:p>", f"<text:p>34{span}</text:p>"))


@cache
def _wrong_everywhere(code: str) -> bytes:
    """Misspell every option of nearly as many cases as there may be: each wants its nearest option."""
    options = {key for key, value in terse("", "").items() if str(value).isidentifier() or key == "staffing"}
    rows = (
        {key: f"{value}x{number}" if key in options else value for key, value in terse(code, f"S{number}").items()}
        for number in range(15_000)
    )
    return csv_bytes(grid(rows, headers=KEYS))


def _one_id(code: str) -> bytes:
    return csv_bytes(grid((terse(code, "S") for _ in range(20_000)), headers=KEYS))


HANGS = [
    one("elements within elements", "skema.xlsx", _deep, *SURVIVED),
    one("elements within elements of an ods workbook", "skema.ods", _o_deep, *SURVIVED),
    one("a line of five million separators", "skema.csv", lambda _: b";" * 5_000_000, *NO_HEADER, rejected("empty")),
    one("five million separators behind the header", "skema.csv",
        lambda code: csv_text(grid(good(code))).rstrip("\r\n").encode() + b";" * 5_000_000,
        current(3, 1, 1, broken={(4, None, "columns")}), current(), rejected("unreadable")),
    one("nine million quotes", "skema.csv", lambda code: csv_bytes(grid(good(code))) + b'"' * 9_000_000,
        rejected("unreadable"), current(4, 1, 2, broken={(5, 1, "municipality")},
                                        perhaps=frozenset((5, number, "missing") for number in range(2, 36)))),
    one("three million lines of a letter", "skema.csv",
        lambda code: csv_bytes(grid(good(code))) + b"x\n" * 3_000_000, *TOO_MANY),
    one("two million spaces and a letter", "skema.csv",
        lambda code: csv_bytes(grid(good(code))).replace(b"Kvinde", b" " * 2_000_000 + b"Kvinde", 1),
        rejected("unreadable", r"32[. ]?767")),
    one("options misspelt in 15,000 cases", "skema.csv", _wrong_everywhere, rejected("too_many_rejected_rows")),
    one("options of 30,000 letters", "skema.csv",
        lambda code: csv_bytes(grid(case(code, f"S{number}", target_group="Udviklingshæmnin " * 1_800)
                                    for number in range(200))), rejected("too_many_rejected_rows")),
    one("amounts of 30,000 figures", "skema.csv",
        lambda code: csv_bytes(grid(case(code, f"S{number}", residential_cost_dkk="1" + ".111" * 7_500 + "x")
                                    for number in range(200))), rejected("too_many_rejected_rows")),
    one("comments of 30,000 figures", "skema.csv",
        lambda code: csv_bytes(grid([*good(code), *(case(code, f"S{number}", comment="0101 90 " * 4_000)
                                                    for number in range(200))])), current(203, 201, 2)),
    one("one case id 20,000 times", "skema.csv", _one_id, rejected("too_many_rejected_rows")),
    one("900 sheets", "skema.xlsx",
        lambda code: xlsx(*(sheet([["x"]], f"Ark{number}") for number in range(900)), sheet(grid(good(code)))), *GOOD),
    one("300,000 shared texts", "skema.xlsx",
        lambda code: packed(swapped(_parts(code), STRINGS, "</sst>",
                                    "".join(f"<si><t>{number}</t></si>" for number in range(300_000)) + "</sst>")),
        *GOOD),
]  # fmt: skip
