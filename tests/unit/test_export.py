import csv
import datetime as dt
import io
import re
import unicodedata
import zipfile
from dataclasses import replace
from xml.etree import ElementTree as ET

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from pipelines.ingest import csv_file
from pipelines.release import export
from pipelines.release.export import About, table_csv, table_workbook
from schemas import labels_da, management_tables, tables
from schemas.errors import BotilbudError
from schemas.fields import EXTRACT_ROW_RULES, FIELDS, FILE_RULES, ROW_RULES
from schemas.labels_da import TABLES_DA, UNITS_DA, VALUES_DA
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round
from schemas.tables import Table
from tests.unit.ingest_scenario import costly_property_test, property_test

ROUND = find_round("2022-10-01")
CATALOGUE = load_catalogue(ROUND.questionnaire)
ANSWERS = tables.RELEASED_QUESTION_ANSWERS
RESPONSES = tables.responses(CATALOGUE.version)
ALL_TABLES = [
    value for module in (tables, management_tables) for value in vars(module).values() if isinstance(value, Table)
] + [
    RESPONSES,
    tables.delivered_rows(CATALOGUE.version),
]
EVERY_TABLE = pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

ABOUT = About(
    title_da="Botilbudsbenchmark, opgjort pr. 01-10-2022",
    release="0123456789abcdef",
    round_=ROUND,
    path="shared/provider_types.xlsx",
    population_quarter="2022K4",
    sources=("Danmarks Statistik, FOLK1A", "Kommunernes screening"),
    schema_version="1",
    method_version="3",
)
OWN = replace(
    ABOUT, path="municipalities/147/responses.xlsx", municipality_code="147", municipality_name="Frederiksberg"
)

# One column of each type.
MIXED = Table(
    "delivery_log",
    "One row per file.",
    ("file",),
    (
        FIELDS["file"],
        FIELDS["received_at"],
        FIELDS["cases"],
        FIELDS["rank"],
        FIELDS["share"],
        FIELDS["eb_s2"],
        FIELDS["eligible"],
        FIELDS["warnings"],
        replace(FIELDS["status"], dtype=pl.Enum(["current", "rejected"])),
    ),
)
ROWS = pl.DataFrame(
    [
        (
            "sager; én.csv",
            dt.datetime(2022, 11, 1, 8, 30, tzinfo=dt.UTC),
            12_345,
            1,
            1 / 3,
            1.5e-9,
            True,
            ["Én", "to"],
            "current",
        ),
        (
            '=1+1 "x"',
            dt.datetime(2022, 12, 31, 23, 59, 59, 250_000, tzinfo=dt.UTC),
            0,
            -2,
            -0.5,
            0.0,
            False,
            [],
            "rejected",
        ),
        (None,) * 9,
    ],
    schema=dict(MIXED.dtypes),
    orient="row",
)
TEXTS = Table("case_rates", "One row per text.", ("file",), (FIELDS["file"], FIELDS["rank"]))

BREAKDOWN = pl.DataFrame(
    [
        ("country", "000", "Hele landet", "regional", 24, 0.25, 0.75, "published", None, None),
        ("municipality", "147", "Frederiksberg", "regional", 3, 0.2, 1 / 3, "rounded", 3, "fedcba9876543210"),
        ("municipality", "183", "Ishøj", "regional", None, None, None, "suppressed", None, "fedcba9876543210"),
    ],
    schema={
        name: dict(tables.RELEASED_PROVIDER_TYPES.dtypes)[name]
        for name in (
            *("area_type", "area_code", "area_name", "provider_type", "cases", "share", "rate_per_1000"),
            *("value_status", "rounding_base", "figures_from_release"),
        )
    },
    orient="row",
).with_columns(round=pl.lit("2022-10-01"))
BREAKDOWN = BREAKDOWN.with_columns(
    pl.lit(None, dtype=pl.Float64).alias(name)
    for name in set(tables.RELEASED_PROVIDER_TYPES.dtypes) - set(BREAKDOWN.columns)
).select(list(tables.RELEASED_PROVIDER_TYPES.dtypes))


def opened(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def values(sheet):
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def notes(content):
    return {heading: text for heading, text in values(opened(content)["Læs mig"]) if text is not None}


def parts(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def empty(table):
    return pl.DataFrame(schema=dict(table.dtypes))


def texts(*cells):
    return pl.DataFrame({"file": list(cells), "rank": [1] * len(cells)}, schema=dict(TEXTS.dtypes))


def lines(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";", strict=True))


# The workbook


def test_the_cells_are_real_numbers_times_and_flags_and_text_is_text():
    sheet = opened(table_workbook(MIXED, ROWS, ABOUT)).worksheets[0]
    header, first, second, *rest = values(sheet)
    assert header == list(MIXED.dtypes)
    assert first == [
        "sager; én.csv",
        dt.datetime(2022, 11, 1, 8, 30),  # noqa: DTZ001 - a spreadsheet knows no time zone
        12_345,
        1,
        1 / 3,
        1.5e-9,
        True,
        "Én; to",
        "current",
    ]
    assert second == [
        '=1+1 "x"',
        dt.datetime(2022, 12, 31, 23, 59, 59, 250_000),  # noqa: DTZ001
        0,
        -2,
        -0.5,
        0,
        False,
        "",
        "rejected",
    ]
    assert rest == []  # a row of nulls is blank
    assert [cell.number_format for cell in sheet[2]] == [
        *("@", "dd-mm-yyyy hh:mm:ss", "#,##0", "0", "0.000", "0.00E+00", "General", "@", "@"),
    ]


def test_another_reader_sees_the_same_cells():
    book = CalamineWorkbook.from_filelike(io.BytesIO(table_workbook(MIXED, ROWS, ABOUT)))
    first, second = book.get_sheet_by_index(0).to_python()[1:3]
    assert first[:7] == ["sager; én.csv", dt.datetime(2022, 11, 1, 8, 30), 12_345.0, 1.0, 1 / 3, 1.5e-9, True]  # noqa: DTZ001
    assert first[7:] == ["Én; to", "current"]
    assert second[0] == '=1+1 "x"'
    assert second[6:8] == [False, ""]


@property_test
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_number_keeps_all_its_digits_in_both_formats(numbers):
    table = Table("case_rates", "One row per number.", ("dispersion",), (FIELDS["dispersion"],))
    frame = pl.DataFrame({"dispersion": numbers})
    sheet = ET.fromstring(parts(table_workbook(table, frame, ABOUT))["xl/worksheets/sheet1.xml"])  # noqa: S314 - our own
    assert [float(cell[0].text) for cell in sheet.iter(f"{SHEET}c") if cell.get("r") != "A1"] == numbers
    written = [line for (line,) in lines(table_csv(frame, table))[1:]]
    assert [float(text.replace(",", ".")) for text in written] == numbers
    assert all(re.fullmatch(r"-?[0-9]+(,[0-9]+)?", text) for text in written)


@EVERY_TABLE
def test_every_table_makes_a_workbook_that_names_its_parts_in_danish(table):
    book = opened(table_workbook(table, empty(table), ABOUT))
    answers = ["Svar og koder"] if {"question", "answer"} <= set(table.dtypes) else []
    assert book.sheetnames == [TABLES_DA[table.name].title, "Læs mig", "Ordbog", *answers]
    assert [sheet.sheet_state for sheet in book.worksheets] == ["visible"] * len(book.sheetnames)
    assert values(book.worksheets[0])[0] == list(table.dtypes)
    assert [row[0] for row in values(book["Ordbog"])[1:]] == list(table.dtypes)


def test_the_data_are_an_excel_table_with_a_filter_below_a_frozen_header():
    sheet = opened(table_workbook(MIXED, ROWS, ABOUT)).worksheets[0]
    assert sheet.freeze_panes == "A2"
    assert [(table.name, table.ref, table.autoFilter.ref) for table in sheet.tables.values()] == [
        ("delivery_log", "A1:I4", "A1:I4")
    ]
    assert sheet.tables["delivery_log"].column_names == list(MIXED.dtypes)


def test_a_table_without_rows_has_one_blank_row_and_no_cell_in_it():
    content = table_workbook(MIXED, ROWS.clear(), ABOUT)
    assert opened(content).worksheets[0].tables["delivery_log"].ref == "A1:I2"
    assert CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python() == [list(MIXED.dtypes)]


def test_nothing_is_hidden_linked_or_signed():
    content = table_workbook(MIXED, ROWS, OWN)
    book = opened(content)
    assert [book.properties.creator, book.properties.lastModifiedBy] == [None, None]
    assert book.properties.created == dt.datetime(2022, 10, 1)  # noqa: DTZ001
    assert all(
        sheet.visible is SheetVisibleEnum.Visible
        for sheet in CalamineWorkbook.from_filelike(io.BytesIO(content)).sheets_metadata
    )
    found = parts(content)
    assert not [
        name for name in found if "external" in name.lower() or "comment" in name.lower() or "vba" in name.lower()
    ]
    assert not [name for name, part in found.items() if 'TargetMode="External"' in part or "<f>" in part]
    assert not [name for name, part in found.items() if 'hidden="' in part]


def test_the_same_table_gives_the_same_bytes():
    assert table_workbook(MIXED, ROWS, ABOUT) == table_workbook(MIXED, ROWS, ABOUT)
    assert table_csv(ROWS, MIXED) == table_csv(ROWS, MIXED)


def test_a_table_with_more_rows_than_a_sheet_is_refused():
    table = Table("case_rates", "One row per rank.", ("rank",), (FIELDS["rank"],))
    frame = pl.DataFrame({"rank": pl.repeat(1, 1_048_576, dtype=pl.Int64, eager=True)})
    with pytest.raises(BotilbudError, match="case_rates has 1048576 rows, and a sheet takes 1048575"):
        table_workbook(table, frame, ABOUT)


def test_a_text_longer_than_a_cell_is_refused_and_not_told():
    longest = "x" * 32_767
    assert values(opened(table_workbook(TEXTS, texts(longest), ABOUT)).worksheets[0])[1] == [longest, 1]
    with pytest.raises(BotilbudError, match="row 2 in column file") as refused:
        table_workbook(TEXTS, texts("a", longest + "x"), ABOUT)
    assert "xx" not in str(refused.value)


# Text that a spreadsheet could take for a formula

FORMULAS = [
    "=1+1",
    "+45 12",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\ufeff=1",
    "\u200b=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A",
    "\u22121",
    "'=1",
]
HARMLESS = ["a=1", "1-5", "Ældre (-)", "0", "", "[CPR-nummer fjernet]", "§ 107", "x'"]


def marked(content):
    """The texts below the header of a workbook's first column that Excel is told to take as quoted."""
    sheet = opened(content).worksheets[0]
    return [cell.value for (cell,) in sheet.iter_rows(min_row=2, max_col=1) if cell.quotePrefix]


def test_a_text_like_a_formula_is_marked_as_text_and_others_are_left_alone():
    content = table_workbook(TEXTS, texts(*FORMULAS, *HARMLESS), ABOUT)
    assert len(marked(content)) == len(FORMULAS)
    assert table_csv(texts(*HARMLESS), TEXTS).decode("utf-8-sig").split("\r\n")[1:-1] == [
        '"";1' if text == "" else f"{text};1" for text in HARMLESS
    ]
    assert [text for text, _ in lines(table_csv(texts(*FORMULAS), TEXTS))[1:]] == [f"'{text}" for text in FORMULAS]


def starts_a_formula(text):
    visible = [
        c for c in unicodedata.normalize("NFKC", text) if not c.isspace() and unicodedata.category(c)[0] not in "CZ"
    ]
    return visible[:1] in (["="], ["+"], ["-"], ["@"], ["\u2212"]) or text[:1] in ("\t", "\r", "\n")


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.builds(
    str.__add__,
    st.sampled_from(["=", "-", "'", "\t", " ＝", "\ufb29", "\u2a75", ";", '"', "\r\n", "_x000D_"]),
    st.text(),
)


@property_test
@given(st.lists(ANY_TEXT, min_size=1, max_size=20))
def test_any_text_survives_csv_and_never_starts_a_formula(cells):
    written = [text for text, _ in lines(table_csv(texts(*cells), TEXTS))[1:]]
    assert [text.removeprefix("'") for text in written] == cells
    assert not [text for text in written if starts_a_formula(text)]


def unescaped(text):
    """Text as Excel reads it: `_x000D_` is a character that XML cannot hold."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


@costly_property_test
@given(st.lists(ANY_TEXT.filter(bool), min_size=1, max_size=20))
def test_any_text_survives_a_workbook_and_is_never_a_formula(cells):
    content = table_workbook(TEXTS, texts(*cells), ABOUT)
    found = parts(content)
    strings = [
        unescaped("".join(part.text or "" for part in item.iter(f"{SHEET}t")))
        for item in ET.fromstring(found["xl/sharedStrings.xml"])  # noqa: S314 - our own
    ]
    styles = ET.fromstring(found["xl/styles.xml"]).find(f"{SHEET}cellXfs")  # noqa: S314
    sheet = ET.fromstring(found["xl/worksheets/sheet1.xml"])  # noqa: S314
    written = [cell for cell in sheet.iter(f"{SHEET}c") if cell.get("r")[0] == "A"][1:]
    assert [cell.get("t") for cell in written] == ["s"] * len(cells)
    assert [strings[int(cell[0].text)] for cell in written] == cells
    quoted = [styles[int(cell.get("s"))].get("quotePrefix") == "1" for cell in written]
    assert not [text for text, is_quoted in zip(cells, quoted, strict=True) if starts_a_formula(text) and not is_quoted]


# CSV


def test_a_csv_file_is_as_danish_excel_opens_it():
    assert (
        table_csv(ROWS, MIXED)
        == (
            "\ufefffile;received_at;cases;rank;share;eb_s2;eligible;warnings;status\r\n"
            '"sager; én.csv";2022-11-01T08:30:00Z;12345;1;0,3333333333333333;0,0000000015;SAND;"Én; to";current\r\n'
            '"\'=1+1 ""x""";2022-12-31T23:59:59.250Z;0;-2;-0,5;0;FALSK;"";rejected\r\n'
            ";;;;;;;;\r\n"
        ).encode()
    )


def test_a_breakdown_as_csv():
    columns = ["area_code", "area_name", "provider_type", "cases", "share", "value_status", "rounding_base"]
    header, *rows = lines(table_csv(BREAKDOWN, tables.RELEASED_PROVIDER_TYPES))
    assert header == list(tables.RELEASED_PROVIDER_TYPES.dtypes)
    assert [[row[header.index(column)] for column in columns] for row in rows] == [
        ["000", "Hele landet", "regional", "24", "0,25", "published", ""],
        ["147", "Frederiksberg", "regional", "3", "0,2", "rounded", "3"],
        ["183", "Ishøj", "regional", "", "", "suppressed", ""],
    ]


def test_polars_reads_the_csv_file_back_with_nulls_apart_from_empty_texts():
    table = Table("case_rates", "d", ("file",), (FIELDS["file"], FIELDS["rank"], FIELDS["share"]))
    frame = pl.DataFrame({"file": ["x;y", "", None], "rank": [-1, 2, None], "share": [0.1 + 0.2, 1e-7, None]})
    read = pl.read_csv(table_csv(frame, table), separator=";", decimal_comma=True, schema=dict(table.dtypes))
    assert read.equals(frame)


def test_our_own_reader_of_deliveries_reads_the_csv_file():
    sheet = csv_file.read(table_csv(ROWS, MIXED), lambda cells: len({"file", "cases"} & set(cells)), 2)
    rows = [[cell if isinstance(cell, str) else cell.text for cell in row.cells] for row in sheet.rows]
    assert rows[0] == list(MIXED.dtypes)
    assert rows[1][:3] == ["sager; én.csv", "2022-11-01T08:30:00Z", "12345"]


@EVERY_TABLE
def test_every_table_makes_a_csv_file(table):
    assert lines(table_csv(empty(table), table)) == [list(table.dtypes)]


# What a reader is told


def test_the_read_me_says_what_the_table_is_and_which_release_it_is_of():
    told = notes(
        table_workbook(tables.RELEASED_PROVIDER_TYPES, BREAKDOWN, replace(ABOUT, figures_from="fedcba9876543210"))
    )
    assert told["Runde"] == "2022-10-01 (opgjort pr. 01-10-2022)"
    assert told["Udgivelse"] == "0123456789abcdef"
    assert told["Fil i udgivelsen"] == "shared/provider_types.xlsx"
    assert told["Hvem må se filen"] == "KL og alle deltagende kommuner."
    assert told["Befolkning"] == "Indbyggere på 18-66 år i 2022K4."
    assert told["Metode"] == "Metodeversion 3, tabelversion 1."
    assert told["Datagrundlag"] == "Danmarks Statistik, FOLK1A\nKommunernes screening"
    assert told["Kildeangivelse"] == "Kilde: Egne beregninger baseret på tal fra Danmarks Statistik"
    assert "suppressed: skjult" in told["Status for tallet (value_status)"]
    assert told["Tal fra en tidligere udgivelse"].endswith("Her er det udgivelse fedcba9876543210.")
    assert told["Sådan henviser I til tabellen"] == (
        "Botilbudsbenchmark, opgjort pr. 01-10-2022. Leverandørtyper. Udgivelse 0123456789abcdef. Kilde: Egne beregninger "
        "baseret på tal fra Danmarks Statistik."
    )


def test_a_population_of_another_quarter_than_the_rounds_own_is_told():
    told = notes(
        table_workbook(tables.CASE_RATES, empty(tables.CASE_RATES), replace(ABOUT, population_quarter="2020K1"))
    )
    assert told["Befolkning"] == "Indbyggere på 18-66 år i 2020K1, da tallene for 2022K4 ikke kunne hentes."


def test_a_municipalitys_own_file_says_that_it_is_for_nobody_else():
    told = notes(table_workbook(RESPONSES, empty(RESPONSES), OWN))
    assert told["Hvem må se filen"].startswith("Kun 147 Frederiksberg og KL.")
    assert "Sådan henviser I til tabellen" not in told
    assert not {"Befolkning", "Små tal", "Tal fra en tidligere udgivelse"} & told.keys()


def test_a_file_of_neither_the_shared_nor_a_municipalitys_folder_is_for_kl_alone():
    told = notes(table_workbook(tables.CHANGES, empty(tables.CHANGES), replace(ABOUT, path="changes.xlsx")))
    assert told["Hvem må se filen"] == "Kun KL."
    assert "Sådan henviser I til tabellen" not in told


def dictionary(table):
    header, *rows = values(opened(table_workbook(table, empty(table), ABOUT))["Ordbog"])
    return {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}


def test_the_dictionary_tells_label_unit_type_and_what_is_allowed():
    columns = dictionary(tables.RELEASED_PROVIDER_TYPES)
    assert columns["cases"] == {
        "Betegnelse": "Sager",
        "Enhed": "sager",
        "Type": "helt tal",
        "Kan være tom": "ja",
        "Tilladte værdier": "mindst 0",
    }
    assert columns["share"]["Tilladte værdier"] == "mindst 0, højst 1"
    assert columns["provider_type"]["Tilladte værdier"] == "municipal: Kommunalt\nregional: Regionalt\nprivate: Privat"
    assert columns["area_type"]["Tilladte værdier"].splitlines()[0] == "country: hele landet"
    assert columns["area_type"]["Kan være tom"] == "nej"


def test_the_dictionary_of_cases_gives_every_answer_as_the_form_words_it():
    columns = dictionary(RESPONSES)
    for question in CATALOGUE.closed_questions:
        assert columns[question.key]["Tilladte værdier"] == "\n".join(
            f"{o.code}: {o.label_da}" for o in question.options
        )
    assert columns["behaviour_types"]["Type"] == "koder med semikolon imellem"
    assert columns["residential_cost_dkk"]["Enhed"] == "kr. pr. år"
    assert columns["residential_cost_dkk"]["Tilladte værdier"] == "mindst 0, højst 50.000.000"


def test_the_codes_of_target_groups_are_explained_at_both_levels():
    allowed = dictionary(tables.RELEASED_TARGET_GROUPS)["target_group"]["Tilladte værdier"].splitlines()
    assert allowed[:2] == ["cognitive: Kognitive vanskeligheder", "mental: Psykiske vanskeligheder"]
    assert len(allowed) == 4 + len(CATALOGUE.question("target_group").options)


def test_answers_stand_beside_their_questions():
    _, *rows = values(opened(table_workbook(ANSWERS, empty(ANSWERS), ABOUT))["Svar og koder"])
    assert ["use_of_force", CATALOGUE.question("use_of_force").text_da, "1_to_5", "1-5"] in rows
    assert {(row[0], row[2]) for row in rows} >= {(q.key, c) for q in CATALOGUE.closed_questions for c in q.codes}


# The Danish words are complete


@EVERY_TABLE
def test_every_table_unit_and_word_has_its_danish(table):
    text = TABLES_DA[table.name]
    assert 0 < len(text.title) <= 31
    assert not set(text.title) & set("[]:*?/\\")
    assert {field.unit for field in table.fields} - {None} <= UNITS_DA.keys()
    for field in table.fields:
        if field.values is not None and field.name != "provider_type":
            rules = {FILE_RULES: export.FILE_RULES_DA, ROW_RULES: export.ROW_RULES_DA}
            known = (rules | {EXTRACT_ROW_RULES: export.EXTRACT_RULES_DA} | VALUES_DA)[field.values]
            assert set(known) == set(field.values)


def test_no_title_is_used_twice_and_none_is_left_over():
    titles = [text.title for text in TABLES_DA.values()]
    assert len(set(titles)) == len(titles)
    assert not {export.READ_ME_SHEET, export.DICTIONARY_SHEET, export.ANSWERS_SHEET} & set(titles)
    shared = {f"shared_{name}" for name in ("target_groups", "provider_types", "question_answers", "key_findings")}
    assert {table.name for table in ALL_TABLES} | shared == TABLES_DA.keys()
    assert {field.unit for table in ALL_TABLES for field in table.fields} - {None} == UNITS_DA.keys()
    assert labels_da.table_title("responses") == "Sager"
