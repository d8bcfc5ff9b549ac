"""The demonstration deliveries: what they add up to, that they never change, and that others' readers can read them."""

import csv
import datetime as dt
import io
import re
import zipfile
from collections import Counter
from functools import cache

import openpyxl
import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from pipelines.demo.answers import eligible_answers
from pipelines.demo.deliveries import DemoFile, cases, deliveries, expected_log
from pipelines.demo.draws import Draws, quotas
from pipelines.demo.plan import CASES, eligible_cases
from pipelines.ingest.intake import take_inbox
from pipelines.reference.population import PACKAGED_CSV
from schemas.questionnaire import Catalogue, load_catalogue
from schemas.rounds import find_round

PUBLISHED = find_round("2022-10-01")
LATER = find_round("2024-10-01")
CATALOGUE = load_catalogue("2022")
NOW = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


@cache
def files_of(name: str) -> tuple[DemoFile, ...]:
    return tuple(deliveries(find_round(name), CATALOGUE))


@cache
def rows_of(name: str) -> pl.DataFrame:
    return cases(find_round(name), CATALOGUE)


@cache
def log_of(name: str) -> pl.DataFrame:
    return expected_log(find_round(name), CATALOGUE)


BOTH = pytest.mark.parametrize("name", ["2022-10-01", "2024-10-01"])


def eligible(name: str) -> pl.DataFrame:
    return rows_of(name).filter(pl.col("outcome") == "eligible")


def population() -> dict[str, int]:
    frame = pl.read_csv(PACKAGED_CSV, schema_overrides={"municipality_code": pl.String})
    return dict(frame.iter_rows())


@cache
def table(file: DemoFile) -> tuple[list[str], list[list[object]]]:
    """Header and case rows, by a reader that is not the product's own."""
    name, content = file.name, file.content
    if name.endswith(".parquet"):
        frame = pl.read_parquet(content)
        return frame.columns, [list(row) for row in frame.iter_rows()]
    if name.endswith(".csv"):
        rows = list(csv.reader(io.StringIO(decoded(content)), delimiter=";"))
    elif name.endswith(".ods"):
        rows = CalamineWorkbook.from_object(io.BytesIO(content)).get_sheet_by_name("Skema").to_python()
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(content))["Skema"]
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    top = next(place for place, row in enumerate(rows) if sum(cell not in (None, "") for cell in row) >= 10)
    return [str(cell) for cell in rows[top]], rows[top + 1 :]


def decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def counting(name: str):
    current = set(log_of(name).filter(pl.col("status") == "current").select("municipality_code", "file").iter_rows())
    return [file for file in files_of(name) if (file.municipality_code, file.name) in current]


def test_the_published_round_has_845_eligible_cases_in_59_municipalities():
    assert eligible("2022-10-01").height == 845 == sum(CASES.values())
    assert len(counting("2022-10-01")) == 59 == len({file.municipality_code for file in files_of("2022-10-01")})


@pytest.mark.parametrize(
    ("finding", "percent"),
    [
        (pl.col("age") < 35, 61),
        (pl.col("time_above_threshold") == "since_age_18", 41),
        (pl.col("target_group").is_in(["intellectual_disability", "autism_with_intellectual_disability"]), 52),
        (pl.col("behaviour_decisive") == "yes", 86),
        (pl.col("sentence") != "none", 19),
        (pl.col("choice_at_referral") == "only_existing", 54),
        (pl.col("provider").is_in(["own_municipality", "other_municipality"]), 41),
        (pl.col("provider") == "region", 20),
        (pl.col("provider") == "private", 39),
        (pl.col("places_in_facility") == "over_8", 66),
        (pl.col("places_in_facility") == "alone", 9),
        (pl.col("viso_involved") == "yes", 34),
    ],
)
def test_a_headline_share_of_the_published_round_is_the_published_one(finding, percent):
    assert round(eligible("2022-10-01").filter(finding).height / 845 * 100) == percent


def test_special_psychiatric_places_were_used_for_exactly_11_citizens():
    assert eligible("2022-10-01").filter(pl.col("special_psychiatric_place") == "yes").height == 11


def test_75_cases_of_the_published_round_cost_4_million_or_more_and_the_cheapest_exactly_2_million():
    total = eligible("2022-10-01").select(pl.col("residential_cost_dkk") + pl.col("day_programme_cost_dkk")).to_series()
    assert (total >= 4_000_000).sum() == 75
    assert total.min() == 2_000_000


def test_the_rates_of_the_published_round_are_as_published():
    rates = {code: cases / population()[code] * 1_000 for code, cases in eligible_cases(PUBLISHED).items()}
    mean = sum(rates.values()) / 59
    assert round(mean, 1) == 0.5
    assert max(rates.values()) > 5 * min(rate for rate in rates.values() if rate > 0)
    assert rates["461"] / mean == pytest.approx(0.5, abs=0.05)
    assert rates["223"] / mean == pytest.approx(2.0, abs=0.15)
    assert eligible_cases(PUBLISHED)["183"] == 14


def test_one_municipality_reports_that_it_has_no_cases_and_some_have_one_to_three():
    counts = eligible_cases(PUBLISHED)
    assert [code for code, count in counts.items() if count == 0] == ["563"]
    assert sum(1 <= count <= 3 for count in counts.values()) >= 3
    (fanoe,) = [file for file in counting("2022-10-01") if file.municipality_code == "563"]
    assert fanoe.name.endswith("nulindberetning.xlsx")
    assert table(fanoe)[1] == []


def test_the_later_round_has_62_municipalities_about_900_cases_and_other_participants():
    assert eligible("2024-10-01").height == pytest.approx(900, rel=0.03)
    counts = eligible_cases(LATER)
    assert len(counts) == 59 - 5 + 8
    assert set(CASES) - set(counts)
    assert set(counts) - set(CASES)


def test_faults_are_spread_over_25_deliveries_and_never_exceed_a_fifth():
    for rows in (rows_of("2022-10-01"), rows_of("2024-10-01")):
        by_municipality = rows.group_by("municipality_code").agg(
            faulty=(pl.col("outcome") == "rejected").sum(), rows=pl.len()
        )
        assert by_municipality["faulty"].sum() == 25 == (by_municipality["faulty"] > 0).sum()
        assert by_municipality.select((pl.col("faulty") / pl.col("rows")).max()).item() <= 0.2
        outcomes = Counter(rows["outcome"])
        assert (outcomes["below_threshold"], outcomes["not_in_residential_care"]) == (6, 4)


@BOTH
def test_every_row_rule_is_broken_somewhere(name):
    rules = set(rows_of(name).explode("broken").drop_nulls("broken").unnest("broken")["rule"])
    assert rules == {
        *("missing", "option", "integer", "range", "amount"),
        *("unit", "municipality", "duplicate", "cpr", "columns"),
    }


def test_a_rejected_newer_delivery_leaves_an_older_good_one_and_one_older_delivery_is_superseded():
    log = log_of("2022-10-01")
    assert Counter(log["status"]) == {"current": 59, "rejected": 3, "superseded": 1}
    assert set(log["rule"].drop_nulls()) == {"unreadable", "empty", "missing_questions"}
    for code, file, status in (
        log.filter(pl.col("status") != "current").select(pl.col(pl.String).exclude("rule")).rows()
    ):
        (good,) = log.filter((pl.col("municipality_code") == code) & (pl.col("status") == "current"))["file"]
        assert (file > good) == (status == "rejected")


def test_only_the_later_round_has_a_municipality_whose_only_delivery_is_rejected():
    log = log_of("2024-10-01")
    (alone,) = set(log["municipality_code"]) - set(log.filter(pl.col("status") == "current")["municipality_code"])
    assert log.filter(pl.col("municipality_code") == alone)["rule"].to_list() == ["too_many_rejected_rows"]
    assert alone not in eligible_cases(LATER)


@BOTH
def test_the_same_round_gives_the_same_bytes_every_time(name):
    assert tuple(deliveries(find_round(name), CATALOGUE)) == files_of(name)


@BOTH
def test_no_file_holds_the_time_at_which_it_was_written(name):
    for file in files_of(name):
        if file.name.endswith((".xlsx", ".ods")) and zipfile.is_zipfile(io.BytesIO(file.content)):
            years = {entry.date_time[0] for entry in zipfile.ZipFile(io.BytesIO(file.content)).infolist()}
            assert years <= {1980, 2022}


@BOTH
def test_other_readers_find_every_row_of_every_delivery_that_counts(name):
    expected = Counter(rows_of(name)["municipality_code"])
    for file in counting(name):
        header, rows = table(file)
        assert len(header) >= len(CATALOGUE.questions)
        assert len(rows) == expected[file.municipality_code]


@BOTH
def test_other_readers_find_the_answers_in_every_format(name):
    """The age is the one answer that every style writes alike."""
    for file in counting(name):
        header, rows = table(file)
        place = next(i for i, cell in enumerate(header) if "alder på opgørelsesdatoen" in cell or cell == "age")
        expected = rows_of(name).filter(pl.col("municipality_code") == file.municipality_code)
        for row, (age, outcome) in zip(rows, expected.select("age", "outcome").iter_rows(), strict=True):
            assert outcome == "rejected" or int(row[place]) == age


@BOTH
def test_files_come_in_four_formats_three_encodings_and_three_kinds_of_header(name):
    good = counting(name)
    formats = Counter(file.name.rpartition(".")[2] for file in good)
    assert formats["xlsx"] > len(good) / 2
    assert formats["csv"] >= 10
    assert formats["ods"] >= 5
    assert formats["parquet"] == 2
    texts = [file.content for file in good if file.name.endswith(".csv")]
    with_mark = [text for text in texts if text.startswith(b"\xef\xbb\xbf")]
    windows = [text for text in texts if decoded(text) != text.decode("utf-8-sig", errors="replace")]
    assert with_mark
    assert windows
    assert len(texts) > len(with_mark) + len(windows)
    question = CATALOGUE.question("target_group")
    headers = {cell for file in good for cell in table(file)[0]}
    assert {question.header, question.text_da, question.key} <= headers
    assert "Team" in headers


@BOTH
def test_an_open_document_starts_with_its_unpacked_type_as_libreoffice_writes_it(name):
    for file in (file for file in files_of(name) if file.name.endswith(".ods")):
        first = zipfile.ZipFile(io.BytesIO(file.content)).infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert b"application/vnd.oasis.opendocument.spreadsheet" in file.content[:100]


@BOTH
def test_every_file_says_that_it_is_made_up(name):
    for file in files_of(name):
        assert re.fullmatch(r"\d{8}T\d{6}Z__Demonstration .+\.(xlsx|csv|ods|parquet)", file.name)
    for file in (file for file in counting(name) if file.name.endswith((".xlsx", ".ods"))):
        front = CalamineWorkbook.from_object(io.BytesIO(file.content)).get_sheet_by_name("Forside").to_python()
        assert "Opdigtede demonstrationsdata" in {row[0] for row in front}


@BOTH
def test_comments_are_blank_or_say_that_the_case_is_made_up(name):
    assert set(rows_of(name)["comment"].drop_nulls()) == {"Opdigtet sag"}


@BOTH
def test_numbers_that_look_like_cpr_numbers_end_in_0000(name):
    for file in counting(name):
        for cell in (str(cell) for row in table(file)[1] for cell in row):
            for serial in re.findall(r"\b\d{6}[- ]?(\d{4})\b", cell):
                assert serial == "0000"


@BOTH
def test_no_case_has_been_above_the_threshold_for_longer_than_its_citizen_has_been_an_adult(name):
    years = {"under_1_year": 0, "1_to_2_years": 1, "3_to_5_years": 3, "over_5_years": 5, "since_age_18": 0}
    for age, answer in eligible(name).select("age", "time_above_threshold").iter_rows():
        assert age - 18 >= years[answer]


@BOTH
def test_the_products_own_ingest_finds_what_the_demonstration_expects(name, tmp_path):
    for file in files_of(name):
        folder = tmp_path / file.municipality_code
        folder.mkdir(exist_ok=True)
        (folder / file.name).write_bytes(file.content)
    found = take_inbox(tmp_path, find_round(name), CATALOGUE, now=NOW)

    key = ("municipality_code", "file", "status", "rule")
    assert sorted(found.delivery_log.select(key).rows(), key=str) == sorted(log_of(name).select(key).rows(), key=str)

    expected = rows_of(name).explode("broken").drop_nulls("broken").unnest("broken")
    broken = ("municipality_code", "file", "row", "question", "rule")
    assert set(found.rejected_rows.select(broken).rows()) == set(expected.select(broken).rows())

    accepted = rows_of(name).filter(pl.col("outcome") != "rejected")
    same = [q.key for q in CATALOGUE.questions if q.kind not in ("multiple", "text")] + ["case_id"]
    assert sorted(found.responses.select(same).rows()) == sorted(accepted.select(same).rows())


@pytest.mark.parametrize("name", ["2019-04-01", "2031-10-01"])
def test_any_other_round_is_derived_from_its_name(name):
    other = PUBLISHED.model_copy(
        update={"name": name, "threshold_dkk": 1_500_001, "reports_for": {"183": ("187", "165")}}
    )
    rows = cases(other, CATALOGUE)
    assert "165" not in set(rows["municipality_code"])
    total = pl.col("residential_cost_dkk") + pl.col("day_programme_cost_dkk")
    assert rows.filter(pl.col("outcome") == "eligible").select((total >= 1_500_001).all()).item()
    assert len(list(deliveries(other, CATALOGUE))) > 59


def test_a_later_catalogue_with_other_questions_and_options_needs_no_change_here():
    questions = [question for question in CATALOGUE.questions if question.key != "viso_involved"]
    sentence = CATALOGUE.question("sentence")
    options = (*sentence.options[:2], sentence.options[2].model_copy(update={"code": "new", "label_da": "Ny"}))
    questions = [q.model_copy(update={"options": options}) if q.key == "sentence" else q for q in questions]
    extra = CATALOGUE.question("goal_progress").model_copy(update={"key": "new_question", "text_da": "Nyt spørgsmål"})
    later = Catalogue.model_construct(
        version="later",
        note_da="",
        questions=tuple(q.model_copy(update={"number": n}) for n, q in enumerate([*questions, extra], start=1)),
        rollups=(),
        bands=(),
    )
    answers = eligible_answers(LATER, later)
    assert {answer["sentence"] for answer in answers} <= {"none", "placement", "new"}
    assert {answer["new_question"] for answer in answers} == {"progress", "unchanged", "decline", "not_assessed"}
    assert "viso_involved" not in answers[0]


def test_quotas_add_up_and_differ_from_the_exact_share_by_less_than_one():
    assert quotas({"a": 1, "b": 1, "c": 1}, 10) == {"a": 4, "b": 3, "c": 3}
    assert quotas({"yes": 1.3, "no": 98.7}, 845) == {"yes": 11, "no": 834}  # 10.985 and 834.015
    assert quotas({"yes": 100, "no": 0}, 7) == {"yes": 7, "no": 0}


def test_the_same_names_give_the_same_draws():
    assert Draws("round", "x").some(range(100), 5) == Draws("round", "x").some(range(100), 5)
    assert Draws("round", "x").some(range(100), 5) != Draws("round", "y").some(range(100), 5)
