"""The inboxes of the extracts from files to tables: every format, which delivery counts, and that no row is lost."""

import datetime as dt
import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest import extracts, limits
from pipelines.ingest.extracts import Extracts, check_extract, require_conserved, take_extracts
from pipelines.ingest.inbox import single_file
from pipelines.ingest.limits import GRANT_ROWS
from schemas import management_tables as tables
from schemas.errors import CatalogueError, ConservationError
from schemas.extracts import BUDGETS, EXTRACTS, GRANTS, INITIATIVES, PLANNED_CHANGES
from schemas.tables import failures
from tests.limits import files
from tests.unit.extract_scenario import FORMS, GOOD, delivered, grant
from tests.unit.ingest_scenario import costly_property_test

NOW = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
RECEIVED = "20250228T093000Z"
NUMBER = "010190-1234"  # made up: it only looks like a CPR number
TABLES = {
    "log": tables.EXTRACT_LOG,
    GRANTS: tables.GRANTS,
    BUDGETS: tables.BUDGETS,
    PLANNED_CHANGES: tables.PLANNED_CHANGES,
    INITIATIVES: tables.INITIATIVES,
    "rejected_rows": tables.EXTRACT_REJECTED_ROWS,
    "warnings": tables.EXTRACT_WARNINGS,
}


def headers(extract):
    return [question.header for question in FORMS[extract].questions]


def grid(extract, rows, first=None):
    return [first or headers(extract), *([row.get(key) for key in FORMS[extract].keys] for row in rows)]


def csv(extract, rows, first=None, encoding="utf-8"):
    return files.csv_bytes(grid(extract, rows, first), encoding=encoding)


def xlsx(*sheets):
    """A workbook of (name, rows of cells); dates are cells with a date's format."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "dd-mm-yyyy"}) as book:
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return content.getvalue()


def faults(taken):
    """What is wrong with the tables."""
    return [(name, fault) for name, table in TABLES.items() for fault in failures(getattr(taken, name), table)]


@pytest.fixture
def inbox(tmp_path):
    """Takes in files told as (extract, municipality, name, content)."""

    def take(*delivered):
        for extract, code, name, content in delivered:
            path = tmp_path / extract / code / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        taken = take_extracts({extract: tmp_path / extract for extract in EXTRACTS}, now=NOW)
        require_conserved(taken)
        assert faults(taken) == []
        return taken

    return take


def checked(tmp_path, extract, content, name="a.csv"):
    (tmp_path / name).write_bytes(content)
    return check_extract(single_file(tmp_path / name, "147", received_at=NOW), extract)


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_every_extract_is_taken_in_to_its_table(inbox):
    taken = inbox(*((extract, "147", f"{RECEIVED}__a.csv", csv(extract, [GOOD[extract]])) for extract in EXTRACTS))
    assert taken.log.select("extract", "delivery", "status", "rows", "accepted", "rejected").rows() == [
        (extract, 0, "current", 1, 1, 0) for extract in EXTRACTS
    ]
    day = dt.date(2023, 4, 1)
    assert taken.grants.rows() == [
        ("147", 2, "b1", 1985, "sel_108", "own_municipality", day, None, 3500, "day", None, None, "2025-02-28")
    ]
    assert taken.budgets.rows() == [("147", 2024, "existing_cases", 120_000_000)]
    assert taken.planned_changes.rows() == [("147", 2, 2024, "inflow", 3, "sel_107", 4, 900_000)]
    assert taken.initiatives.rows() == [
        ("147", "t1", "Hjemtagning", "residential_care", dt.date(2024, 1, 1), 5, 10_000, 2024, 600_000, True)
    ]


def test_an_initiative_that_is_only_shown_is_not_counted(inbox):
    rows = [GOOD[INITIATIVES], GOOD[INITIATIVES] | {"year": "2025", "counted": "Nej, vises kun"}]
    taken = inbox((INITIATIVES, "147", "a.csv", csv(INITIATIVES, rows)))
    assert taken.initiatives.select("year", "is_counted").rows() == [(2024, True), (2025, False)]


def test_a_grant_and_its_initiative_are_told_by_the_same_key(inbox):
    taken = inbox(
        (GRANTS, "147", "a.csv", csv(GRANTS, [grant(initiative="t 1")])),
        (INITIATIVES, "147", "a.csv", csv(INITIATIVES, [GOOD[INITIATIVES]])),
    )
    assert taken.grants["initiative"].to_list() == taken.initiatives["initiative"].to_list() == ["t1"]


@pytest.mark.parametrize(
    ("received", "as_of"),
    [("20241231T225959Z", "2024-12-31"), ("20241231T230000Z", "2025-01-01"), ("20240630T220000Z", "2024-07-01")],
)
def test_an_extract_is_as_of_the_danish_day_on_which_it_was_received(inbox, received, as_of):
    taken = inbox((GRANTS, "147", f"{received}__a.csv", csv(GRANTS, [grant()])))
    assert taken.grants["as_of"].to_list() == [as_of]


def test_missing_folders_hold_nothing(tmp_path):
    for inboxes in ({}, {GRANTS: tmp_path / "none"}):
        taken = take_extracts(inboxes, now=NOW)
        assert all(getattr(taken, name).equals(table.empty) for name, table in TABLES.items())
        assert taken.misplaced == []
        require_conserved(taken)


# --- formats ---------------------------------------------------------------------------------------------------------

DAY, LAST = dt.date(2023, 4, 1), dt.date(2024, 12, 31)
TYPED = GOOD[GRANTS] | {"birth_year": 1985, "start_date": DAY, "end_date": LAST, "price_dkk": 3500.0}
WRITTEN = grant(start_date="1. april 2023", end_date="31/12/2024")


def ods_grants():
    day, last = (files.o_cell("date", f'office:date-value="{d.isoformat()}"', f"{d:%d-%m-%y}") for d in (DAY, LAST))
    cells = ["" if value is None else value for value in (TYPED | {"start_date": day, "end_date": last}).values()]
    return files.ods(files.o_sheet([headers(GRANTS), cells]))


def parquet_grants(kind):
    frame = pl.DataFrame([TYPED], schema_overrides=dict.fromkeys(("own_payment_dkk", "initiative"), pl.String))
    table = frame.to_arrow()
    for name in ("start_date", "end_date"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table[name].cast(kind))
    return files.parquet(table)


FORMATS = {
    "workbook.xlsx": xlsx(("Skema", grid(GRANTS, [TYPED]))),
    "other sheet.xlsx": xlsx(("Noter", [["Opdigtet"]]), ("Ark1", grid(GRANTS, [TYPED]))),
    "texts.xlsx": xlsx(("Skema", grid(GRANTS, [WRITTEN]))),
    "workbook.ods": ods_grants(),
    "utf-8.csv": csv(GRANTS, [WRITTEN]),
    "windows.csv": csv(GRANTS, [WRITTEN], encoding="cp1252"),
    "keys.csv": csv(GRANTS, [WRITTEN], list(FORMS[GRANTS].keys)),
    "texts.csv": csv(GRANTS, [WRITTEN], [question.text_da for question in FORMS[GRANTS].questions]),
    "date32.parquet": parquet_grants(pa.date32()),
    "seconds.parquet": parquet_grants(pa.timestamp("s")),
    "microseconds.parquet": parquet_grants(pa.timestamp("us")),
    "nanoseconds.parquet": parquet_grants(pa.timestamp("ns")),
}


def test_every_format_gives_the_same_row(inbox):
    codes = ["101", "147", "151", "153", "155", "157", "159", "161", "163", "165", "167", "169"]
    taken = inbox(*((GRANTS, code, *file) for code, file in zip(codes, FORMATS.items(), strict=True)))
    assert taken.log["message"].drop_nulls().to_list() == []
    assert taken.log["warnings"].to_list() == [[]] * len(FORMATS)
    assert taken.grants.select("start_date", "end_date", "price_dkk").rows() == [(DAY, LAST, 3500)] * len(FORMATS)


def test_columns_may_stand_in_any_order_and_unknown_ones_are_told_and_skipped(inbox):
    cells = [[*row, "opdigtet"] for row in grid(GRANTS, [grant()], [*headers(GRANTS)])]
    cells[0][-1] = "Kommunekode"
    taken = inbox((GRANTS, "147", "a.csv", files.csv_bytes([row[::-1] for row in cells])))
    assert taken.grants.height == 1
    assert taken.log["warnings"].to_list() == [["Kolonner, som ikke er i skemaet, er sprunget over: Kommunekode."]]


# --- files that are rejected whole -----------------------------------------------------------------------------------

OPTIONAL = [question.header for question in FORMS[GRANTS].questions if question.optional]
FEW = [[question.header for question in FORMS[GRANTS].questions if not question.optional][:6]]


@pytest.mark.parametrize(
    ("extract", "name", "content", "rule", "said"),
    [
        (GRANTS, "a.pdf", b"%PDF", "unsupported_format", "Filtypen .pdf kan ikke læses."),
        (GRANTS, "a.xlsx", b"vroevl", "unreadable", "Filnavnet ender på .xlsx"),
        (GRANTS, "a.csv", b"", "empty", "Filen er tom"),
        (
            GRANTS,
            "a.csv",
            csv(GRANTS, []),
            "empty",
            "Skemaet har ingen rækker. Har kommunen ingen, så skriv 0 ud for Antal rækker",
        ),
        (
            GRANTS,
            "a.csv",
            csv(GRANTS, [], [*headers(GRANTS), "start_date"]),
            "duplicate_question",
            "Kolonne 5 står i flere kolonner: E (5. Startdato) og K (start_date).",
        ),
        (
            GRANTS,
            "a.csv",
            csv(GRANTS, [grant()], [*headers(GRANTS)[:4], "?", *headers(GRANTS)[5:]]),
            "missing_questions",
            "Skemaet mangler kolonner for: 5. Startdato.",
        ),
        (GRANTS, "a.csv", files.csv_bytes(FEW), "missing_questions", "(mindst 7 kolonner)"),
        (BUDGETS, "a.csv", files.csv_bytes([headers(BUDGETS)[:2]]), "missing_questions", "(mindst 3 kolonner)"),
        (
            GRANTS,
            "a.xlsx",
            xlsx(("Forside", [["Antal rækker", 2]]), ("Skema", grid(GRANTS, [grant()]))),
            "declared_count",
            "Forsiden angiver 2 rækker, men skemaet har 1 udfyldte rækker. Ret Antal rækker",
        ),
        (
            GRANTS,
            "a.csv",
            csv(GRANTS, [grant(start_date="x"), grant(price_dkk="5")]),
            "too_many_rejected_rows",
            "De første: række 2 (kolonne 5: ikke en dato); række 3 (kolonne 7: prisen passer ikke til ydelsen).",
        ),
    ],
)
def test_a_file_is_rejected_whole_by_the_screenings_rules_and_told_of_in_an_extracts_words(
    inbox, extract, name, content, rule, said
):
    taken = inbox((extract, "147", name, content))
    [entry] = taken.log.to_dicts()
    assert (entry["status"], entry["rule"]) == ("rejected", rule)
    assert said in entry["message"]
    assert "sager" not in entry["message"]
    assert taken.rejected_rows.is_empty()


def test_the_optional_columns_may_be_gone(inbox):
    first = [header for header in headers(GRANTS) if header not in OPTIONAL]
    cells = [
        cell for question, cell in zip(FORMS[GRANTS].questions, grant().values(), strict=True) if not question.optional
    ]
    taken = inbox((GRANTS, "147", "a.csv", files.csv_bytes([first, cells])))
    assert taken.log["status"].to_list() == ["current"]
    assert taken.grants.select("end_date", "own_payment_dkk", "initiative").rows() == [(None, None, None)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nulindberetning.csv", csv(BUDGETS, [])),
        ("a.xlsx", xlsx(("Forside", [["Antal rækker", 0]]), ("Skema", grid(BUDGETS, [])))),
    ],
)
def test_a_delivery_that_says_that_it_has_no_rows_counts(inbox, name, content):
    taken = inbox((BUDGETS, "147", name, content))
    assert taken.log.select("status", "rows", "accepted", "rejected").rows() == [("current", 0, 0, 0)]


# --- which delivery counts -------------------------------------------------------------------------------------------


def test_the_newest_good_file_of_each_municipality_counts_and_a_rejected_one_displaces_none(inbox):
    taken = inbox(
        (GRANTS, "147", "20250101T000000Z__a.csv", csv(GRANTS, [grant("B-1"), grant("B-2")])),
        (GRANTS, "147", "20250102T000000Z__b.csv", csv(GRANTS, [grant("B-3")])),
        (GRANTS, "147", "20250103T000000Z__c.csv", csv(GRANTS, [grant(start_date="x")] * 2)),
        (GRANTS, "147", "20250104T000000Z__d.pdf", b"%PDF"),
        (GRANTS, "101", "20250101T000000Z__a.csv", csv(GRANTS, [grant("B-4")])),
    )
    assert taken.log.select("municipality_code", "delivery", "status").rows() == [
        ("101", 0, "current"),
        ("147", 1, "superseded"),
        ("147", 2, "current"),
        ("147", 3, "rejected"),
        ("147", 4, "rejected"),
    ]
    assert taken.grants.select("municipality_code", "citizen_id").rows() == [("101", "b4"), ("147", "b3")]
    assert taken.rejected_rows.is_empty()


def test_an_extract_counts_whatever_becomes_of_the_others(inbox):
    taken = inbox(
        (GRANTS, "147", "20250101T000000Z__a.csv", csv(GRANTS, [grant()])),
        (BUDGETS, "147", "20250102T000000Z__b.pdf", b"%PDF"),
    )
    assert taken.log.select("extract", "delivery", "status").rows() == [
        (GRANTS, 0, "current"),
        (BUDGETS, 0, "rejected"),
    ]


def test_what_is_no_delivery_is_told_with_its_extract(inbox):
    taken = inbox((GRANTS, "411", "a.csv", b""), (BUDGETS, "Frederiksberg", "a.csv", b""))
    assert [warning.split(":")[0] for warning in taken.misplaced] == ["grants/411", "budgets/Frederiksberg"]
    assert taken.log.is_empty()


# --- rejected rows ---------------------------------------------------------------------------------------------------


def test_a_rejected_row_is_told_by_cell_and_the_others_count(inbox):
    rows = [*(grant(f"B-{i}") for i in range(9)), grant("B-9", price_dkk="100", service_area="§ 107", start_date="x")]
    taken = inbox((GRANTS, "147", f"{RECEIVED}__a.csv", csv(GRANTS, rows)))
    assert taken.grants.height == 9
    assert taken.log.select("rows", "accepted", "rejected").rows() == [(10, 9, 1)]
    assert taken.rejected_rows.drop("message").rows() == [
        (GRANTS, "147", f"{RECEIVED}__a.csv", 11, 5, "date"),
        (GRANTS, "147", f"{RECEIVED}__a.csv", 11, 7, "price"),
    ]
    date, price = taken.rejected_rows["message"]
    assert date == (
        'Celle E11 (5. Startdato): Fundet "x". Tilladt: en dato i årene 1900 til 2200 med fire cifre i årstallet, f.eks. '
        "01-04-2023, 1.4.2023, 1. april 2023 eller 2023-04-01."
    )
    # 100 x 365 = 36,500
    assert price == (
        'Celle G11 (7. Pris (kr., før statsrefusion)): Fundet "100". Regnet om til et år ligger prisen uden for 50.000 til '
        "25.000.000 kr., som er grænserne for Midlertidigt botilbud (SEL § 107). Måske er enheden forkert: står prisen pr. "
        "dag, pr. måned eller pr. år? Ret prisen eller enheden."
    )


def test_a_start_after_the_last_year_is_told_which_year_that_is(inbox):
    taken = inbox((GRANTS, "147", "a.csv", csv(GRANTS, [grant(), grant(start_date="01-01-2100")])))
    [message] = taken.rejected_rows["message"]
    assert "Startdatoen ligger efter 31. december 2026, det seneste år, der gøres op." in message


KEYS = [(GRANTS, "citizen_id"), (GRANTS, "initiative"), (INITIATIVES, "initiative")]
CPR_LIKE = [
    *((extract, key, number) for extract, key in [*KEYS, (INITIATIVES, "name")] for number in (NUMBER, "101901234")),
    # A key is kept without its dashes and spaces, and is then such a number.
    *((extract, key, number) for extract, key in KEYS for number in ("0101-90-1234", "10190-12-34")),
]


@pytest.mark.parametrize(("extract", "key", "number"), CPR_LIKE)
def test_a_cpr_like_number_rejects_its_row_and_stands_nowhere(inbox, extract, key, number):
    rows = [GOOD[extract] | {key: f"x{i}" if key != "name" else "Navn", "year": f"{2020 + i}"} for i in range(9)]
    content = csv(extract, [*rows, GOOD[extract] | {"year": "2030", key: number}])
    taken = inbox((extract, "147", f"{NUMBER}.csv", content))
    assert taken.log.select("accepted", "rejected").rows() == [(9, 1)]
    assert taken.rejected_rows.select("question", "rule").rows() == [(FORMS[extract].question(key).number, "cpr")]
    assert "1234" not in str([getattr(taken, name).to_dicts() for name in TABLES])


def test_a_cpr_like_number_in_an_unknown_column_rejects_its_row_and_the_column_is_not_named(inbox):
    cells = grid(GRANTS, [grant(f"B-{i}") for i in range(10)])
    cells = [[*row, NUMBER if number == 3 else "x"] for number, row in enumerate(cells)]
    taken = inbox((GRANTS, "147", "a.csv", files.csv_bytes(cells)))
    assert taken.rejected_rows.select("row", "question", "rule").rows() == [(4, None, "cpr")]
    [message] = taken.rejected_rows["message"]
    assert message.startswith("Række 4: En kolonne, som ikke er i skemaet, ligner et CPR-nummer.")
    assert "1234" not in str([getattr(taken, name).to_dicts() for name in TABLES])


def test_a_line_with_more_fields_than_the_header_is_rejected(inbox):
    cells = grid(GRANTS, [grant(f"B-{i}") for i in range(10)])
    taken = inbox((GRANTS, "147", "a.csv", files.csv_bytes([*cells[:-1], [*cells[-1], "mere"]])))
    assert taken.rejected_rows.select("row", "question", "rule").rows() == [(11, None, "columns")]


# --- overlaps --------------------------------------------------------------------------------------------------------


def test_overlapping_grants_count_and_are_told_without_the_citizen(inbox):
    rows = [
        grant("hemmelig-1", end_date="31-12-2023"),
        grant("Hemmelig 1", start_date="01-12-2023", price_dkk="4.000"),
        grant("hemmelig-1", start_date="01-06-2023", service_area="§ 104"),
        grant("hemmelig-2"),
        grant("hemmelig1", start_date="2024-01-01"),
    ]
    taken = inbox((GRANTS, "147", f"{RECEIVED}__a.csv", csv(GRANTS, rows)))
    assert taken.grants.height == 5
    assert taken.warnings.select("municipality_code", "file", "row").rows() == [
        ("147", f"{RECEIVED}__a.csv", 3),
        ("147", f"{RECEIVED}__a.csv", 6),
    ]
    assert taken.warnings["message"].to_list() == [
        f"Række {row} overlapper række {earlier}: samme borger har samme ydelse i begge på samme tid. Begge rækkers udgift "
        "tæller med, og dagene tæller én gang. Er prisen ændret, så giv den gamle række en slutdato, før den nye starter."
        for row, earlier in ((3, 2), (6, 3))
    ]
    [[said]] = taken.log["warnings"].to_list()
    assert said == (
        "2 rækker overlapper en tidligere række med samme borger og ydelse. Begge rækkers udgift tæller med, og dagene "
        "tæller én gang."
    )
    assert "emmelig" not in str([taken.log.to_dicts(), taken.warnings.to_dicts()])


def test_only_accepted_rows_of_files_that_count_overlap(inbox):
    twice = csv(GRANTS, [grant(), grant()])
    spoilt = csv(GRANTS, [*(grant(f"B-{i}") for i in range(9)), grant("B-1", price_dkk="5")])
    taken = inbox(
        (GRANTS, "147", "20250101T000000Z__a.csv", twice),
        (GRANTS, "147", "20250102T000000Z__b.csv", spoilt),
        (GRANTS, "101", "20250101T000000Z__a.csv", twice),
    )
    assert taken.warnings.select("municipality_code", "row").rows() == [("101", 3)]
    assert [len(warnings) for warnings in taken.log["warnings"]] == [1, 0, 0]
    assert taken.log["warnings"][0][0].startswith("1 række overlapper en tidligere række")


# --- one file alone --------------------------------------------------------------------------------------------------


def test_a_file_is_checked_as_the_night_would_take_it(tmp_path):
    rows = [grant("B-1"), grant("B-1"), *(grant(f"C-{i}") for i in range(8)), grant("D", birth_year="2020")]
    log, rejected, warnings = checked(tmp_path, GRANTS, csv(GRANTS, rows))
    assert log.select("status", "rows", "accepted", "rejected").rows() == [("current", 11, 10, 1)]
    assert len(log["warnings"][0]) == 1
    assert rejected.select("row", "rule").rows() == [(12, "age")]
    assert warnings["row"].to_list() == [3]


def test_of_a_file_that_is_rejected_every_error_is_told(tmp_path):
    log, rejected, warnings = checked(tmp_path, BUDGETS, csv(BUDGETS, [{"year": "2024", "line": "x"}] * 3))
    assert log.select("status", "rule").rows() == [("rejected", "too_many_rejected_rows")]
    assert rejected.select("row", "question", "rule").rows() == [
        (row, question, rule) for row in (2, 3, 4) for question, rule in ((2, "option"), (3, "missing"))
    ]
    assert warnings.is_empty()


def test_an_extract_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(CatalogueError, match="there is no extract 'cases'"):
        checked(tmp_path, "cases", b"")


# --- every row is somewhere ------------------------------------------------------------------------------------------

some_answers = st.dictionaries(
    st.sampled_from(FORMS[GRANTS].keys),
    st.sampled_from([None, "x", "1.1.2030", "2000", "§ 107", "B-1", "Dag"]),
    max_size=3,
)
some_deliveries = st.lists(st.tuples(st.booleans(), st.lists(some_answers, max_size=7)), min_size=1, max_size=3)


@costly_property_test
@given(some_deliveries)
def test_every_row_of_a_delivery_that_counts_is_accepted_or_rejected(deliveries):
    form = FORMS[GRANTS]
    # Half of the deliveries hold many good rows, so that not all are rejected whole.
    filled = [[grant(f"F-{i}") for i in range(40 * is_long)] for is_long, _ in deliveries]
    rows = [
        [*good, *(grant() | change for change in spoilt)] for good, (_, spoilt) in zip(filled, deliveries, strict=True)
    ]
    read = extracts.as_read([], [], form)
    listed = pl.DataFrame(
        [
            {
                "delivery": number,
                "municipality_code": "147",
                "file": f"{number}.csv",
                "received_at": NOW,
                "rows": len(of),
                "is_workbook": False,
                "places": list("ABCDEFGHIJ"),
                "warnings": [],
            }
            for number, of in enumerate(rows)
        ],
        schema=read.files.schema,
    )
    judged = extracts._judge(extracts.ReadInbox(listed, delivered(GRANTS, *rows)), form)
    current = judged.log.filter(status="current")
    told = extracts._told(judged.broken.join(current, on="delivery", how="semi"), read._replace(files=listed), form)
    taken = Extracts(
        judged.log,
        judged.kept,
        tables.BUDGETS.empty,
        tables.PLANNED_CHANGES.empty,
        tables.INITIATIVES.empty,
        told,
        judged.warnings,
        [],
    )
    require_conserved(taken)
    assert faults(taken) == []
    for delivery, count in current.select("delivery", "rows").iter_rows():
        accepted, rejected = set(judged.kept["row"]), set(told["row"])
        assert accepted | rejected == set(range(2, 2 + len(rows[delivery])))
        assert not accepted & rejected
        assert len(accepted) + len(rejected) == count


@pytest.mark.parametrize("extract", EXTRACTS)
def test_a_row_that_is_lost_or_stands_twice_stops_the_run(inbox, extract):
    taken = inbox(*((name, "147", "hemmelig.csv", csv(name, [GOOD[name]])) for name in EXTRACTS))
    kept = getattr(taken, extract)
    for changed in (kept.clear(), pl.concat([kept, kept])):
        with pytest.raises(ConservationError, match=f"{extract} 147: 1 rows read, 1 accepted, 0 rejected") as error:
            require_conserved(taken._replace(**{extract: changed}))
        assert "hemmelig" not in str(error.value)


def test_a_wrong_count_in_the_log_or_a_lost_rejected_row_stops_the_run(inbox):
    rows = [*(grant(f"B-{i}") for i in range(9)), grant("B-9", price_dkk="5")]
    taken = inbox((GRANTS, "147", "a.csv", csv(GRANTS, rows)))
    for column in ("rows", "accepted", "rejected"):
        with pytest.raises(ConservationError):
            require_conserved(taken._replace(log=taken.log.with_columns(pl.col(column) + 1)))
    with pytest.raises(ConservationError):
        require_conserved(taken._replace(rejected_rows=taken.rejected_rows.clear()))


# --- sizes -----------------------------------------------------------------------------------------------------------


def many_grants(rows):
    """So many good grants, as typed columns."""
    number = pl.int_range(rows)
    return pl.select(
        citizen_id=pl.format("B{}", number % 30_000),
        birth_year=1940 + number % 60,
        service_area=pl.lit("sel_108"),
        provider=pl.lit("region"),
        start_date=pl.date(2018, 1, 1) + pl.duration(days=number % 2_500),
        end_date=pl.date(2025, 1, 1) + pl.duration(days=number % 300),
        price_dkk=2_000 + number % 1_000,
        price_unit=pl.lit("day"),
        own_payment_dkk=number % 5_000,
        initiative=pl.format("T{}", number % 40),
    )


def as_xlsx(frame):
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True, "default_date_format": "dd-mm-yyyy"}) as book:
        sheet = book.add_worksheet("Skema")
        sheet.write_row(0, 0, frame.columns)
        for number, cells in enumerate(frame.iter_rows(), start=1):
            sheet.write_row(number, 0, cells)
    return content.getvalue()


def as_csv(frame):
    return frame.write_csv(separator=";").encode()


def as_parquet(frame):
    content = io.BytesIO()
    pq.write_table(frame.to_arrow(), content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.csv", as_csv),
        pytest.param("a.parquet", as_parquet, marks=pytest.mark.slow),
        pytest.param("a.xlsx", as_xlsx, marks=pytest.mark.slow),
    ],
)
def test_a_grants_extract_of_100_000_rows_is_read(tmp_path, name, write):
    log, rejected, _ = checked(tmp_path, GRANTS, write(many_grants(GRANT_ROWS)), name)
    assert log.select("status", "message", "rows", "accepted").rows() == [("current", None, 100_000, 100_000)]
    assert rejected.is_empty()


@pytest.mark.parametrize(("name", "write"), [("a.csv", as_csv), ("a.parquet", as_parquet)])
def test_one_row_more_is_refused(tmp_path, name, write):
    log, _, _ = checked(tmp_path, GRANTS, write(many_grants(GRANT_ROWS + 1)), name)
    assert log.select("rule", "message").rows() == [
        ("unreadable", "Filen har flere end 100.000 rækker. Kontakt KL, hvis tallet er rigtigt.")
    ]


def test_the_other_extracts_hold_as_many_rows_as_the_screening(tmp_path):
    frame = pl.select(year=pl.int_range(20_001) % 5 + 2020, line=pl.lit("refund"), budget_dkk=pl.int_range(20_001))
    log, _, _ = checked(tmp_path, BUDGETS, as_csv(frame))
    assert log["message"].to_list() == ["Filen har flere end 20.000 rækker. Kontakt KL, hvis tallet er rigtigt."]
    assert limits.EXTRACT.rows == limits.SCREENING.rows == 20_000
