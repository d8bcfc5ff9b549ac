"""What we rely on other people's readers for: python-calamine, polars, csv, PyYAML, zipfile, pyarrow and Pandera.

A test of what somebody else's code does says what to do when it breaks.
"""

import csv
import datetime as dt
import io
import struct
import zipfile
import zlib

import openpyxl
import pandera.polars as pandera
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine
import xlsxwriter
import yaml
from pandera.errors import SchemaError, SchemaErrors
from python_calamine import SheetTypeEnum, SheetVisibleEnum

# --- python-calamine: workbooks --------------------------------------------------------------------------------------


def book(write):
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as workbook:
        write(workbook, workbook.add_worksheet("Skema"))
    return python_calamine.load_workbook(io.BytesIO(content.getvalue()))


def first_sheet(write):
    return book(write).get_sheet_by_index(0)


def first_row(write):
    return next(iter(first_sheet(write).iter_rows()))


def test_cells_come_typed_and_every_number_is_a_float():
    # Breaks: see that `workbook.text_of` knows the new types; whole floats must still become `34` and not `34,0`.
    def write(workbook, sheet):
        sheet.write_string(0, 0, "034")
        sheet.write_number(0, 1, 34)
        sheet.write_number(0, 2, 34.5)
        sheet.write_boolean(0, 3, True)  # noqa: FBT003 - xlsxwriter takes it by place
        sheet.write_number(0, 4, 0.25, workbook.add_format({"num_format": "0 %"}))
        sheet.write_number(0, 5, 2_345_678, workbook.add_format({"num_format": '#,##0 "kr."'}))
        sheet.write_blank(0, 6, None, workbook.add_format({"bold": True}))

    row = first_row(write)
    assert row[:6] == ["034", 34.0, 34.5, True, 0.25, 2_345_678.0]
    assert [type(cell) for cell in row[:6]] == [str, float, float, bool, float, float]
    assert row[6:] in ([], [""])


def test_dates_and_times_come_as_dates_and_times_and_never_as_numbers():
    # Breaks: a date that arrived as a number would pass for an integer or an amount. Refuse by the cell's format instead.
    def write(workbook, sheet):
        def as_format(code):
            return workbook.add_format({"num_format": code})

        sheet.write_number(0, 0, 44_682, as_format("dd-mm-yyyy"))  # 1-5 as a spreadsheet takes it
        sheet.write_number(0, 1, (60 + 1) / 1_440, as_format("hh:mm"))  # 1:1
        sheet.write_number(0, 2, 1.5, as_format("[h]:mm:ss"))
        sheet.write_number(0, 3, 44_682.5, as_format("dd-mm-yyyy hh:mm"))

    assert first_row(write) == [
        dt.date(2022, 5, 1),
        dt.time(1, 1),
        dt.timedelta(hours=36),
        dt.datetime(2022, 5, 1, 12),  # noqa: DTZ001 - a spreadsheet knows no time zone
    ]


def test_a_formula_is_its_cached_value_and_a_blank_where_it_has_none():
    # Breaks: if the formula's text arrives instead, an answer could be `=VLOOKUP(...)`: blank texts of formulas in `_rows`.
    def write(_, sheet):
        sheet.write_formula(0, 0, "=1+1", None, 2)
        sheet.write_formula(0, 1, '="Ja"', None, "Ja")
        sheet.write_formula(0, 2, "=1", None, "")

        sheet.write(0, 3, "x")

    assert first_row(write) == [2.0, "Ja", "", "x"]
    uncached = openpyxl.Workbook()
    uncached.active.append(["x", "=1+1", "y"])
    content = io.BytesIO()
    uncached.save(content)
    sheet = python_calamine.load_workbook(io.BytesIO(content.getvalue())).get_sheet_by_index(0)
    assert list(sheet.iter_rows()) == [["x", "", "y"]]


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?"])
def test_an_error_value_arrives_as_a_blank(error):
    # Breaks: once errors arrive as such, say so in their own message and drop the hint from the one for `missing`.
    assert first_row(lambda _, sheet: [sheet.write_formula(0, 0, "=x", None, error), sheet.write(0, 1, "y")]) == [
        "",
        "y",
    ]


def test_rows_are_counted_from_the_sheets_first_and_columns_from_the_first_with_a_value():
    # Breaks: row numbers in messages and column letters in `places` would be wrong; mend `workbook._rows`.
    sheet = first_sheet(lambda _, sheet: [sheet.write(2, 1, "a"), sheet.write(4, 3, "b")])
    assert sheet.start == (2, 1)
    assert list(sheet.iter_rows()) == [["", "", ""], ["", "", ""], ["a", "", ""], ["", "", ""], ["", "", "b"]]
    assert first_sheet(lambda *_: None).start is None


def test_comments_are_no_values():
    # Breaks: a comment would be read as an answer. Take the comment parts out of the archive before it is repacked.
    assert first_row(lambda _, sheet: [sheet.write(0, 0, "a"), sheet.write_comment(0, 0, "note")]) == ["a"]


def test_hidden_sheets_and_charts_are_told_apart():
    # Breaks: hidden sheets would lose their warning, and a chart would be read as a sheet.
    def write(workbook, sheet):
        sheet.write(0, 0, 1)
        workbook.add_worksheet("Skjult").hide()
        workbook.add_worksheet("Helt skjult").very_hidden()
        chart = workbook.add_chart({"type": "bar"})
        chart.add_series({"values": "=Skema!$A$1:$A$1"})
        workbook.add_chartsheet("Diagram").set_chart(chart)

    assert [(m.name, m.typ, m.visible) for m in book(write).sheets_metadata] == [
        ("Skema", SheetTypeEnum.WorkSheet, SheetVisibleEnum.Visible),
        ("Skjult", SheetTypeEnum.WorkSheet, SheetVisibleEnum.Hidden),
        ("Helt skjult", SheetTypeEnum.WorkSheet, SheetVisibleEnum.VeryHidden),
        ("Diagram", SheetTypeEnum.ChartSheet, SheetVisibleEnum.Visible),
    ]


def ods_rows(*cells):
    """The rows of an OpenDocument sheet with one row of these cells."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{path}:1.0"'
        for name, path in (("office", "office"), ("table", "table"), ("text", "text"), ("draw", "drawing"))
    )
    content = (
        f'<office:document-content {spaces} office:version="1.3"><office:body><office:spreadsheet>'
        f'<table:table table:name="Skema"><table:table-row>{"".join(cells)}</table:table-row></table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr("content.xml", content)
        parts.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return list(python_calamine.load_workbook(io.BytesIO(archive.getvalue())).get_sheet_by_index(0).iter_rows())


def test_an_annotation_in_an_opendocument_cell_is_no_part_of_its_value():
    # Breaks: take `office:annotation` out of content.xml as `archive.without_drawings` takes out text boxes.
    note = "<office:annotation><text:p>note</text:p></office:annotation>"
    text = f'<table:table-cell office:value-type="string">{note}<text:p>Ja</text:p></table:table-cell>'
    number = (
        f'<table:table-cell office:value-type="float" office:value="34">{note}<text:p>34</text:p></table:table-cell>'
    )
    assert ods_rows(text, number) == [["Ja", 34.0]]


def test_a_text_box_in_an_opendocument_cell_is_taken_for_its_text():
    # Breaks (for the better): `archive.without_drawings` can go.
    box = "<draw:custom-shape><text:p>boks</text:p></draw:custom-shape>"
    [[cell]] = ods_rows(f'<table:table-cell office:value-type="string">{box}<text:p>Ja</text:p></table:table-cell>')
    assert "boks" in cell


def test_an_opendocument_cell_that_repeats_comes_as_often():
    # Breaks: columns would shift against the header.
    def text(value, times):
        kind = f'office:value-type="string" table:number-columns-repeated="{times}"'
        return f"<table:table-cell {kind}><text:p>{value}</text:p></table:table-cell>"

    assert ods_rows(text("a", 2), text("b", 1)) == [["a", "a", "b"]]


def test_what_is_no_workbook_raises_calamines_own_error():
    # Breaks: `workbook._sheets` catches CalamineError only; anything else costs a reading child.
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    for content in (b"", b"PK\x03\x04", b"x" * 100, empty.getvalue()):
        with pytest.raises(python_calamine.CalamineError):
            python_calamine.load_workbook(io.BytesIO(content))


# --- polars: patterns and replacements -------------------------------------------------------------------------------


def column(expression, *texts):
    return pl.DataFrame({"t": texts}, schema={"t": pl.String}).select(expression(pl.col("t"))).to_series().to_list()


def test_groups_of_a_pattern_are_named_by_number_and_null_where_the_text_does_not_match():
    # Breaks: `answers.amount_dkk` and `answers.integer` take their parts from the fields `1`, `2`, ...
    groups = column(lambda t: t.str.extract_groups("^(a)([0-9])?$").struct.field("1"), "a1", "a", "1a", None)
    assert groups == ["a", "a", None, None]
    digits = column(lambda t: t.str.extract_groups("^(a)([0-9])?$").struct.field("2"), "a1", "a", "1a", None)
    assert digits == ["1", None, None, None]


def test_a_dollar_is_the_end_of_the_text_and_not_the_last_line_feed():
    # Breaks: use `\z` in the patterns of `answers` and of the tables.
    assert column(lambda t: t.str.contains("^a$"), "a", "a\n", "a\nb") == [True, False, False]


def test_the_digits_of_a_class_are_ascii_and_those_of_backslash_d_are_not():
    # Breaks (for the better): nothing. It is why the patterns say [0-9].
    assert column(lambda t: t.str.contains("^[0-9]$"), "3", "٣", "３") == [True, False, False]
    assert column(lambda t: t.str.contains(r"^\d$"), "3", "٣", "３") == [True, True, True]


def test_a_strict_replacement_gives_null_for_what_it_does_not_know():
    # Breaks: unknown answers would be accepted as they stand, or stop the run; options and municipalities rely on null.
    known = {"a": "x"}
    assert column(lambda t: t.replace_strict(known, default=None, return_dtype=pl.String), "a", "b", None) == [
        "x",
        None,
        None,
    ]
    assert column(lambda t: t.replace_strict({}, default=None, return_dtype=pl.String), "a", None) == [None, None]


def test_a_cast_accepts_more_than_the_digits_that_the_format_lists():
    # Breaks (for the better): nothing. It is why a pattern is matched before anything is cast.
    assert column(lambda t: t.cast(pl.Int64, strict=False), "+1") == [1]
    assert column(lambda t: t.cast(pl.Float64, strict=False), "1e6") == [1_000_000.0]


def test_a_comparison_with_null_is_null_and_a_chain_of_conditions_takes_null_for_no():
    # Breaks: rules on blank or broken answers rely on it (`rules._cell_rule`).
    values = column(lambda t: t.cast(pl.Int64).is_between(1, 2), "1", "3", None)
    assert values == [True, False, None]
    chosen = column(lambda t: pl.when(t != "a").then(pl.lit("yes")).otherwise(pl.lit("no")), "b", "a", None)
    assert chosen == ["yes", "no", "no"]


# --- csv -------------------------------------------------------------------------------------------------------------


def test_an_open_quote_takes_the_rest_of_the_file_for_one_cell_unless_reading_is_strict():
    # Breaks (for the better): `csv_file._rows` need not look at the lines of each record.
    lines = ['a;"b\n', "c;d\n"]
    assert list(csv.reader(lines, delimiter=";")) == [["a", "b\nc;d\n"]]
    with pytest.raises(csv.Error):
        list(csv.reader(lines, delimiter=";", strict=True))


def test_an_open_quote_and_a_later_one_make_one_cell_of_the_rows_between():
    # Breaks (for the better): as above.
    lines = ['a;"b\n', 'c;"d;e"\n']
    assert len(list(csv.reader(lines, delimiter=";"))) == 1
    with pytest.raises(csv.Error):
        list(csv.reader(lines, delimiter=";", strict=True))


def test_a_cell_longer_than_the_field_limit_is_an_error_of_csv():
    # Breaks: the limit is raised to the size of a whole file when `csv_file` is imported, for our own limit to tell.
    import pipelines.ingest.csv_file
    from pipelines.ingest.limits import FILE_BYTES

    assert pipelines.ingest.csv_file.csv.field_size_limit() == FILE_BYTES
    assert len(next(csv.reader(["x" * 200_000]))[0]) == 200_000


# --- YAML ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("no", False),
        ("on", True),
        ("1_1", 11),
        ("1:1", 61),
        ("012", 10),
        ("2022-10-01", dt.date(2022, 10, 1)),
        ("null", None),
        ("'1_1'", "1_1"),
        ('"yes"', "yes"),
    ],
)
def test_yaml_takes_unquoted_codes_for_something_else(text, value):
    # Breaks (for the better): quoting in the catalogue and the rounds is needless then; models still want strings.
    assert yaml.load(f"code: {text}", Loader=yaml.CSafeLoader) == {"code": value}


# --- zipfile ---------------------------------------------------------------------------------------------------------


def test_a_part_is_never_read_beyond_what_the_archive_says_nor_beyond_what_was_asked_for():
    # Breaks: `archive.unpack` counts what it reads in chunks; a part that gives more would be unpacked in one go.
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10_000_000))
    said = bytearray(content.getvalue())
    entry = said.index(b"PK\x01\x02")
    said[entry + 24 : entry + 28] = struct.pack("<I", 1_000)
    with zipfile.ZipFile(io.BytesIO(said)) as archive, archive.open("bomb") as part, pytest.raises(zipfile.BadZipFile):
        part.read()  # the checksum is of the whole
    said[entry + 16 : entry + 20] = struct.pack("<I", zlib.crc32(bytes(1_000)))
    with zipfile.ZipFile(io.BytesIO(said)) as archive:
        assert archive.read("bomb") == bytes(1_000)
    with zipfile.ZipFile(io.BytesIO(content.getvalue())) as archive, archive.open("bomb") as part:
        assert len(part.read(1_000_000)) == 1_000_000


# --- pyarrow ---------------------------------------------------------------------------------------------------------


def test_the_footer_of_a_parquet_file_tells_its_rows_before_any_is_read():
    # Breaks: 64 kB can hold 50 million rows; without the footer's word nothing may be read.
    content = io.BytesIO()
    pq.write_table(pa.table({"a": pa.nulls(50_000, pa.string())}), content)
    file = pq.ParquetFile(io.BytesIO(content.getvalue()))
    assert (file.metadata.num_rows, len(content.getvalue()) < 2_000) == (50_000, True)


def test_a_date_beyond_pythons_calendar_raises_and_its_text_does_not():
    # Breaks: `parquet_file._values` falls back to the text of such a column.
    column = pa.array([10_000_000], pa.date32())
    with pytest.raises((pa.ArrowException, ValueError, OverflowError)):
        column.to_pylist()
    assert column.cast(pa.string()).to_pylist() == ["29349-01-26"]


# --- Pandera ---------------------------------------------------------------------------------------------------------

AT_LEAST_0 = pandera.DataFrameSchema({"a": pandera.Column(float, pandera.Check.ge(0))})


def test_values_of_eager_frames_are_checked_and_those_of_lazy_ones_are_not():
    # Breaks (for the better): nothing. It is why `tables.failures` takes eager frames only.
    bad = pl.DataFrame({"a": [-1.0]})
    with pytest.raises(SchemaError):
        AT_LEAST_0.validate(bad)
    assert AT_LEAST_0.validate(bad.lazy()).collect().height == 1


def test_infinity_passes_a_lower_bound_and_nan_counts_as_null():
    # Breaks (for the better): the check `is_finite` of `tables` can go when both are refused as what they are.
    assert AT_LEAST_0.validate(pl.DataFrame({"a": [float("inf")]})).height == 1
    with pytest.raises(SchemaErrors) as errors:
        AT_LEAST_0.validate(pl.DataFrame({"a": [float("nan")]}), lazy=True)
    assert [error.reason_code.name for error in errors.value.schema_errors] == ["SERIES_CONTAINS_NULLS"]
    nullable = pandera.DataFrameSchema({"a": pandera.Column(float, pandera.Check.ge(0), nullable=True)})
    assert nullable.validate(pl.DataFrame({"a": [float("nan")]})).height == 1


def test_an_empty_frame_passes_every_check_of_values():
    # Breaks: an intake without rejected rows, or a round without deliveries, has empty tables that must be sound.
    assert AT_LEAST_0.validate(pl.DataFrame({"a": []}, schema={"a": pl.Float64})).is_empty()


def test_a_collected_breach_names_its_column_and_check_and_counts_its_rows():
    # Breaks: `tables.failures` reads exactly these.
    with pytest.raises(SchemaErrors) as errors:
        AT_LEAST_0.validate(pl.DataFrame({"a": [-1.0, -2.0, 3.0]}), lazy=True)
    [error] = errors.value.schema_errors
    assert (error.schema.name, error.check.name, error.failure_cases.height) == ("a", "greater_than_or_equal_to", 2)
