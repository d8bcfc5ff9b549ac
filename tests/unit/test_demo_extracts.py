"""The demonstration extracts: what they hold, that they never change, and that the product's ingest makes of them what is
planned."""

import csv
import datetime as dt
import io
import re
import zipfile
from collections import Counter
from functools import cache

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from pipelines.demo.citizens import (
    CITIZENS,
    DIFFERENCES,
    EARLIER_ROUND,
    LATER_ROUND,
    RESIDENTIAL,
    citizens_above_threshold,
    services,
)
from pipelines.demo.draws import Draws
from pipelines.demo.extracts import DemoExtract, expected_log, expected_rows, extracts, reference_tables
from pipelines.demo.grants import FAULTS, OVERLAPPING, grant_rows
from pipelines.demo.plan import eligible_cases
from pipelines.ingest.extracts import Extracts, require_conserved, take_extracts
from pipelines.reference.municipalities import municipalities
from pipelines.reference.price_index import price_index
from pipelines.reference.refund_thresholds import refund_thresholds
from schemas.extracts import BUDGETS, EXTRACTS, GRANTS, INITIATIVES, PLANNED_CHANGES, load_extract
from schemas.rounds import find_round

NOW = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
A_YEAR = {"day": 365, "month": 12, "year": 1}
ACTIVITY = ("sel_103", "sel_104")


@cache
def files() -> tuple[DemoExtract, ...]:
    return tuple(extracts())


@cache
def planned(extract: str) -> pl.DataFrame:
    return expected_rows(extract)


def accepted_grants() -> pl.DataFrame:
    return planned(GRANTS).filter(pl.col("rule").is_null())


def active(day: dt.date) -> pl.DataFrame:
    goes_on = pl.col("end_date").is_null() | (pl.col("end_date") >= day)
    yearly = pl.col("price_dkk") * pl.col("price_unit").replace_strict(A_YEAR)
    return accepted_grants().filter((pl.col("start_date") <= day) & goes_on).with_columns(yearly_dkk=yearly)


def above_threshold(day: dt.date) -> dict[str, int]:
    counted = (
        active(day)
        .filter(pl.col("service_area").is_in([*RESIDENTIAL, *ACTIVITY]))
        .group_by("municipality_code", "citizen_id")
        .agg(pl.col("yearly_dkk").sum(), in_botilbud=pl.col("service_area").is_in(RESIDENTIAL).any())
        .filter("in_botilbud", pl.col("yearly_dkk") >= 2_000_000)
        .group_by("municipality_code")
        .len()
    )
    return dict.fromkeys(CITIZENS, 0) | dict(counted.iter_rows())


def front(file: DemoExtract) -> list[list[object]]:
    return CalamineWorkbook.from_object(io.BytesIO(file.content)).get_sheet_by_name("Forside").to_python()


def cells(file: DemoExtract) -> list[str]:
    """Every cell as text, by readers that are not the product's own."""
    if file.name.endswith(".parquet"):
        return [str(cell) for row in pl.read_parquet(file.content).iter_rows() for cell in row]
    if file.name.endswith(".csv"):
        text = file.content.decode("utf-8-sig", errors="replace")
        return [cell for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row]
    book = CalamineWorkbook.from_object(io.BytesIO(file.content))
    return [str(cell) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row]


def readable() -> list[DemoExtract]:
    rejected = expected_log().filter(rule="unreadable")["file"]
    return [file for file in files() if file.name not in rejected]


def test_the_same_bytes_come_every_time():
    assert tuple(extracts()) == files()
    assert reference_tables() == reference_tables()


def test_no_file_holds_the_time_at_which_it_was_written():
    for file in files():
        if file.name.endswith((".xlsx", ".ods")) and zipfile.is_zipfile(io.BytesIO(file.content)):
            years = {entry.date_time[0] for entry in zipfile.ZipFile(io.BytesIO(file.content)).infolist()}
            assert years <= {1980, 2022}


def test_every_file_says_that_it_is_made_up_and_when_it_was_received():
    for file in files():
        pattern = r"2025\d{4}T\d{6}Z__Demonstration .+ - Opdigtede demonstrationsdata\.(xlsx|csv|ods|parquet)"
        assert re.fullmatch(pattern, file.name)
    for file in readable():
        if file.name.endswith((".xlsx", ".ods")):
            assert "Opdigtede demonstrationsdata" in {row[0] for row in front(file)}


def test_what_counts_was_received_on_28_february_2025():
    for name in expected_log().filter(status="current")["file"]:
        assert name.startswith("20250228T")


def test_grants_come_in_every_format_and_encoding():
    log = expected_log().filter(extract=GRANTS, status="current")
    assert Counter(name.rpartition(".")[2] for name in log["file"]) == {"xlsx": 6, "csv": 4, "ods": 2, "parquet": 2}
    texts = [file.content for file in files() if file.extract == GRANTS and file.name.endswith(".csv")]
    assert any(text.startswith(b"\xef\xbb\xbf") for text in texts)
    assert any("\ufffd" in text.decode("utf-8", errors="replace") for text in texts)


def test_the_municipalities_exist_in_all_regions_and_groups_five_of_one_region_and_of_each_of_two_groups():
    assert set(CITIZENS) <= set(municipalities()["municipality_code"])
    of_them = municipalities().filter(pl.col("municipality_code").is_in(list(CITIZENS)))
    assert {"183", "461", "482", "741"} <= set(CITIZENS)
    assert of_them["region_code"].n_unique() == 5
    assert of_them["municipality_group_code"].n_unique() == 5
    assert max(Counter(of_them["region_code"]).values()) >= 5
    assert sorted(Counter(of_them["municipality_group_code"]).values())[-2:] == [5, 5]


def test_most_municipalities_send_budgets_plans_and_initiatives_and_one_sends_grants_alone():
    sent = Counter(expected_log().filter(status="current")["extract"])
    assert sent[GRANTS] == 14 == len(CITIZENS)
    assert sent == {GRANTS: 14, BUDGETS: 13, PLANNED_CHANGES: 11, INITIATIVES: 11}


def test_there_are_some_thousand_rows_of_more_than_thousand_citizens():
    assert 6_000 < accepted_grants().height < 12_000
    assert 1_500 < accepted_grants().n_unique(["municipality_code", "citizen_id"]) < 3_000
    of_day = active(dt.date(2024, 10, 1)).group_by("municipality_code").agg(pl.col("citizen_id").n_unique())
    for code, citizens in of_day.iter_rows():
        assert citizens == pytest.approx(CITIZENS[code], rel=0.25)


def test_citizens_above_the_threshold_are_the_cases_that_the_municipality_reports_a_few_excepted():
    for name in (EARLIER_ROUND, LATER_ROUND):
        reported = eligible_cases(find_round(name))
        found = above_threshold(find_round(name).snapshot_date)
        assert {code: found[code] - reported[code] for code in CITIZENS} == dict.fromkeys(CITIZENS, 0) | DIFFERENCES[
            name
        ]
        assert found == {code: citizens_above_threshold(code)[name] for code in CITIZENS}


@pytest.mark.parametrize(
    ("areas", "lowest", "highest"),
    [(RESIDENTIAL, 1_100_000, 1_300_000), (("sel_104",), 250_000, 330_000), (OVERLAPPING[:2], 90_000, 200_000)],
)
def test_a_service_costs_about_what_municipalities_publish(areas, lowest, highest):
    costs = active(dt.date(2024, 10, 1)).filter(pl.col("service_area").is_in(areas))["yearly_dkk"]
    assert lowest < costs.mean() < highest


def test_a_few_placements_cost_more_than_4_million():
    dear = active(dt.date(2024, 10, 1)).filter(pl.col("yearly_dkk") > 4_000_000)
    assert 5 <= dear.height <= 40


def test_prices_are_per_day_month_and_year_and_change_on_1_january():
    assert set(accepted_grants()["price_unit"]) == {"day", "month", "year"}
    starts = accepted_grants()["start_date"]
    for year in (2023, 2024, 2025):
        assert (starts == dt.date(year, 1, 1)).sum() > 1_000


def test_services_start_and_end_in_all_months_go_on_and_are_planned():
    grants = accepted_grants()
    assert set(grants["start_date"].dt.month()) == set(grants["end_date"].drop_nulls().dt.month()) == set(range(1, 13))
    assert grants["end_date"].null_count() > 1_000
    assert (grants["start_date"] > dt.date(2025, 2, 28)).sum() > 20
    assert grants["end_date"].drop_nulls().min() >= dt.date(2022, 1, 1)


def test_citizens_are_18_to_about_90_and_students_are_young():
    grants = accepted_grants().with_columns(age=pl.col("start_date").dt.year() - pl.col("birth_year"))
    assert grants["age"].min() == 18
    assert grants["age"].max() <= 94  # of a price that begins years after the service
    assert (grants["age"] >= 67).sum() > 50
    assert grants.filter(service_area="stu")["age"].max() <= 25
    assert (
        grants.group_by("municipality_code", "citizen_id").agg(pl.col("birth_year").n_unique())["birth_year"].max() == 1
    )


def test_every_service_area_and_several_services_of_a_citizen_are_there():
    assert set(accepted_grants()["service_area"]) == set(load_extract(GRANTS).question("service_area").codes)
    areas = accepted_grants().group_by("municipality_code", "citizen_id").agg(pl.col("service_area").n_unique())
    assert (areas["service_area"] > 1).mean() > 0.25


def test_some_pay_themselves_and_some_have_a_grant_by_an_initiative():
    assert accepted_grants()["own_payment_dkk"].drop_nulls().is_between(30_000, 90_000).all()
    assert set(accepted_grants()["initiative"].drop_nulls()) == {"T1", "T2", "T3"}
    assert {"T1", "T2", "T3", "T4", "T5"} == set(planned(INITIATIVES)["initiative"])
    assert set(planned(INITIATIVES).filter(counted="no")["initiative"]) == {"T5"}


def test_nothing_but_the_planted_fault_looks_like_a_cpr_number():
    found = [
        (file.municipality_code, cell)
        for file in readable()
        for cell in cells(file)
        if re.search(r"(?<!\d)\d{6}[- ]?\d{4}(?!\d)", cell)
    ]
    assert [cell for _, cell in found] == ["1207880000"]


def test_every_fault_is_in_one_municipality_and_no_file_that_counts_has_more_than_one():
    of_rules = planned(GRANTS).drop_nulls("rule")
    assert sorted(of_rules["rule"]) == sorted(fault.rule for fault in FAULTS)
    assert of_rules["municipality_code"].n_unique() == len(FAULTS)


def test_the_rows_of_a_municipality_without_a_fault_are_those_of_its_citizens():
    rows = grant_rows("741", None)
    assert all(not row.broken for row in rows)
    assert len({row.answers["citizen_id"] for row in rows}) == len({service.citizen for service in services("741")})


def test_weights_of_nothing_are_never_drawn():
    assert {Draws("weights", str(place)).weighted({"a": 0, "b": 1, "c": 0}) for place in range(100)} == {"b"}


@pytest.fixture(scope="module")
def taken(tmp_path_factory) -> Extracts:
    root = tmp_path_factory.mktemp("inbox")
    for file in files():
        folder = root / file.extract / file.municipality_code
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_bytes(file.content)
    return take_extracts({extract: root / extract for extract in EXTRACTS}, now=NOW)


def test_the_products_own_ingest_finds_the_files_that_count(taken):
    key = ("extract", "municipality_code", "file", "status", "rule")
    assert sorted(taken.log.select(key).rows(), key=str) == sorted(expected_log().select(key).rows(), key=str)
    assert Counter(expected_log()["status"]) == {"current": 49, "superseded": 1, "rejected": 2}
    require_conserved(taken)


def test_the_products_own_ingest_rejects_the_faulty_rows_and_no_others(taken):
    key = ("municipality_code", "file", "row", "question", "rule")
    expected = planned(GRANTS).drop_nulls("rule").select(key)
    assert sorted(taken.rejected_rows.select(key).rows()) == sorted(expected.rows())
    assert set(taken.rejected_rows["extract"]) == {GRANTS}


def test_the_products_own_ingest_keeps_the_grants_as_they_were_meant(taken):
    same = (
        *("municipality_code", "row", "birth_year", "service_area", "provider", "start_date", "end_date"),
        *("price_dkk", "price_unit", "own_payment_dkk"),
    )
    assert taken.grants.select(same).rows() == accepted_grants().select(same).rows()
    citizens = taken.grants.n_unique(["municipality_code", "citizen_id"])
    assert citizens == accepted_grants().n_unique(["municipality_code", "citizen_id"])
    assert set(taken.grants["as_of"]) == {"2025-02-28"}


@pytest.mark.parametrize("extract", [BUDGETS, PLANNED_CHANGES, INITIATIVES])
def test_the_products_own_ingest_keeps_the_other_extracts_as_they_were_meant(extract, taken):
    found: pl.DataFrame = getattr(taken, extract)
    numbers = [q.key for q in load_extract(extract).questions if q.is_number and q.key in found.columns]
    same = ["municipality_code", *numbers]
    assert sorted(found.select(same).rows()) == sorted(planned(extract).select(same).rows())


def test_the_products_own_ingest_warns_of_the_rows_that_overlap_and_no_others(taken):
    """Brute force: whether a row starts by the end of any row that starts before it."""
    case = ("municipality_code", "citizen_id", "service_area")
    pairs = accepted_grants().join(accepted_grants(), on=case, suffix="_before")
    overlapping = pairs.filter(
        pl.col("start_date_before") < pl.col("start_date"),
        pl.col("end_date_before").is_null() | (pl.col("end_date_before") >= pl.col("start_date")),
    )
    expected = overlapping.select("municipality_code", "row").unique().sort("municipality_code", "row")
    assert taken.warnings.select("municipality_code", "row").rows() == expected.rows()
    assert Counter(expected["municipality_code"]) == dict.fromkeys(CITIZENS, 2)
    assert set(overlapping["service_area"]) <= set(OVERLAPPING)


def test_the_made_up_reference_tables_are_read_and_say_what_they_are(tmp_path):
    (tmp_path / "reference").mkdir()
    for name, content in reference_tables().items():
        (tmp_path / "reference" / name).write_bytes(content)
        assert {line.rpartition(";")[2] for line in content.decode().splitlines()[1:]} == {"Opdigtet til demonstration"}
    assert {2022, 2023, 2024, 2025} <= set(refund_thresholds(tmp_path).by_year)
    assert set(price_index(tmp_path).values) == set(range(2019, 2026))
