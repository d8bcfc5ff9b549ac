"""Which deliveries count and what becomes of every row: nothing is lost, nothing counted twice, nothing displaced."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.ingest import intake
from pipelines.ingest.intake import judge as judge_frames
from pipelines.ingest.text import CPR_REMOVED
from schemas import tables
from schemas.errors import ConservationError
from tests.unit.ingest_scenario import (
    CATALOGUE,
    ROUND,
    case,
    costly_property_test,
    csv_bytes,
    delivered_files,
    delivered_rows,
    judge,
    property_test,
)

GOOD = [case(case_id="A-1"), case(case_id="A-2")]
# Five of six rows are broken: more than the round's 20 %, and more than one.
BAD = [case(case_id=f"A-{i}", age="17" if i else "18") for i in range(6)]


def statuses(judged):
    return judged.delivery_log.sort("delivery")["status"].to_list()


def conserves(judged):
    intake.require_conservation(judged.delivery_log, judged.responses, judged.rejected_rows)
    return True


# --- which delivery counts -------------------------------------------------------------------------------------------


def test_the_newest_good_delivery_of_each_municipality_counts():
    judged = judge(("147", GOOD), ("147", GOOD[:1]), ("101", [case("101")]))
    assert statuses(judged) == ["superseded", "current", "current"]
    assert judged.responses.select("municipality_code", "file").rows() == [("101", "2.xlsx"), ("147", "1.xlsx")]


@pytest.mark.parametrize("newer", [None, BAD])
def test_a_rejected_newer_file_never_displaces_an_older_good_one(newer):
    judged = judge(("147", GOOD[:1]), ("147", GOOD), ("147", newer))
    assert statuses(judged) == ["superseded", "current", "rejected"]
    assert set(judged.responses["file"]) == {"1.xlsx"}
    assert judged.rejected_rows.is_empty()


def test_a_municipality_with_rejected_files_only_has_no_delivery_that_counts():
    judged = judge(("147", None), ("147", BAD))
    assert statuses(judged) == ["rejected", "rejected"]
    assert judged.responses.is_empty()
    assert judged.rejected_rows.is_empty()
    assert conserves(judged)


def test_a_newer_delivery_without_cases_counts():
    judged = judge(("147", GOOD), ("147", []))
    assert statuses(judged) == ["superseded", "current"]
    assert judged.responses.is_empty()
    counts = judged.delivery_log.filter(status="current").select("rows", "eligible", "out_of_scope", "rejected")
    assert counts.rows() == [(0, 0, 0, 0)]


def test_no_files_at_all_give_empty_tables_of_the_right_form():
    judged = judge()
    assert all(frame.is_empty() for frame in judged)
    assert tables.failures(judged.delivery_log, tables.DELIVERY_LOG) == {}
    assert tables.failures(judged.responses, tables.responses(CATALOGUE.version)) == {}
    assert tables.failures(judged.rejected_rows, tables.REJECTED_ROWS) == {}
    assert conserves(judged)


# --- too many rejected rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "rejected", "status"),
    [
        (1, 1, "current"),  # one row never rejects a delivery, whatever its share
        (2, 1, "current"),
        (2, 2, "rejected"),
        (9, 2, "rejected"),
        (10, 2, "current"),  # 2 / 10 is 20 %, not more
        (11, 2, "current"),
        (14, 3, "rejected"),
        (15, 3, "current"),
        (3, 0, "current"),
    ],
)
def test_a_delivery_is_rejected_beyond_the_rounds_share_and_more_than_one_row(rows, rejected, status):
    judged = judge(("147", [case(case_id=f"A-{i}", age="17" if i < rejected else "18") for i in range(rows)]))
    assert statuses(judged) == [status]
    assert judged.delivery_log["rejected"].to_list() == [rejected]
    assert judged.delivery_log["rule"].to_list() == [None if status == "current" else "too_many_rejected_rows"]


@pytest.mark.parametrize(
    ("share", "status"), [(0.0, "rejected"), (0.1, "rejected"), (0.3, "current"), (1.0, "current")]
)
def test_the_share_is_the_rounds(share, status):
    round_ = ROUND.model_copy(update={"rejected_rows_share": share})
    cases = [case(case_id=f"A-{i}", age="17" if i < 3 else "18") for i in range(10)]
    judged = judge_frames(delivered_files((0, "147", 10, None)), delivered_rows((0, "147", cases)), round_, CATALOGUE)
    assert statuses(judged) == [status]


def test_a_row_that_breaks_several_rules_is_rejected_once():
    spoilt = case(case_id="A-9", age="17", gender=None, use_of_force="1. maj")
    judged = judge(("147", [*GOOD, spoilt]))
    assert judged.delivery_log["rejected"].to_list() == [1]
    assert judged.rejected_rows.select("row", "question", "rule").rows() == [
        (4, 3, "range"),
        (4, 4, "missing"),
        (4, 20, "option"),
    ]


def test_messages_are_written_for_the_rows_of_deliveries_that_count_alone(monkeypatch):
    written = []
    monkeypatch.setattr(intake.messages, "row_message", lambda *_, row, **__: written.append(row) or "besked")
    spoilt = case(case_id="A-3", age="hemmelig")
    judged = judge(
        ("147", [*GOOD, spoilt]), ("147", [spoilt] * 5), ("147", [*GOOD, GOOD[0] | {"case_id": "B"}, spoilt])
    )
    assert statuses(judged) == ["superseded", "rejected", "current"]
    assert written == judged.rejected_rows["row"].to_list() == [5]


def test_the_message_of_a_delivery_with_too_many_rejected_rows_names_the_first_and_shows_no_answer():
    cases = [case(case_id="A-1", age="hemmelig", gender="hemmelig") for _ in range(7)]
    message = judge(("147", cases)).delivery_log["message"][0]
    assert message.startswith("7 af 7 rækker har fejl, og højst 20 % må have det. De første: række 2 (")
    assert "række 6 (" in message
    assert "række 7 (" not in message
    assert "spørgsmål 3: ikke et helt tal" in message
    assert "hemmelig" not in message


# --- every row is somewhere ------------------------------------------------------------------------------------------

ANSWERS = {
    "code": st.sampled_from(["147", "0147", "Frederiksberg", "101", "x"]),
    "text": st.sampled_from(["A-1", "a1", "B", "C", CPR_REMOVED]),
    "integer": st.sampled_from(["34", "18,0", "0", "17", "999", "x"]),
    "amount": st.sampled_from(["2.000.000", "2 mio.", "0", "5", "-1", "99 mio.", "x", "∞"]),
    "single": st.sampled_from(["Ja", "Nej", "yes", "NO", "x", CPR_REMOVED]),
    "multiple": st.sampled_from(["Udadreagerende", "outward; inward", ";", "x"]),
}
some_answers = st.fixed_dictionaries(
    {},
    optional={
        key: st.one_of(st.none(), ANSWERS[CATALOGUE.question(key).kind], st.text(max_size=3))
        for key in (
            *(
                "municipality_code",
                "case_id",
                "age",
                "in_residential_care",
                "residential_cost_dkk",
                "day_programme_cost_dkk",
            ),
            *("behaviour_types", "months_since_follow_up", "comment"),
        )
    }
    | {"surplus_fields": st.booleans(), "cpr_elsewhere": st.booleans()},
)
good_answers = st.sampled_from([{}, {"in_residential_care": "Nej"}, {"residential_cost_dkk": "1,9 mio. kr."}])


def numbered(code, good, spoilt):
    """The cases of one delivery: the good ones, the spoilt ones between them, each with a number of its own or a given one."""
    changes = [*good[:2], *spoilt, *good[2:]]
    return [case() | {"municipality_code": code, "case_id": f"S-{i}"} | change for i, change in enumerate(changes)]


some_deliveries = st.lists(
    st.tuples(
        st.sampled_from(["101", "147", "461"]),
        st.lists(good_answers, max_size=12),
        st.lists(some_answers, max_size=3),
        st.sampled_from([True, True, True, True, False]),
    ),
    max_size=6,
).map(
    lambda deliveries: [
        (code, numbered(code, good, spoilt) if is_readable else None)
        for code, good, spoilt, is_readable in sorted(deliveries, key=lambda delivery: delivery[0])
    ]
)


@property_test
@given(some_deliveries)
def test_every_file_is_in_the_log_once_and_every_row_of_a_delivery_that_counts_ends_in_one_place(deliveries):
    judged = judge(*deliveries)
    log = judged.delivery_log
    assert conserves(judged)
    assert sorted(log["delivery"]) == list(range(len(deliveries)))

    current = {row["municipality_code"]: row for row in log.filter(status="current").iter_rows(named=True)}
    good = log.filter(pl.col("status") != "rejected")
    assert log.filter(status="current").height == len(current)
    assert set(current) == set(good["municipality_code"])
    assert all(
        row["delivery"] == good.filter(municipality_code=code)["delivery"].max() for code, row in current.items()
    )

    for code, row in current.items():
        accepted = set(judged.responses.filter(municipality_code=code)["row"])
        rejected = set(judged.rejected_rows.filter(municipality_code=code)["row"])
        cases = deliveries[row["delivery"]][1]
        assert accepted | rejected == set(range(2, 2 + len(cases)))
        assert not accepted & rejected
        assert (row["rows"], row["rejected"]) == (len(cases), len(rejected))
        assert row["eligible"] + row["out_of_scope"] == len(accepted)
    assert set(judged.responses["municipality_code"]) | set(judged.rejected_rows["municipality_code"]) <= set(current)


@costly_property_test
@given(some_deliveries)
def test_the_tables_are_sound_whatever_is_delivered(deliveries):
    judged = judge(*deliveries)
    assert tables.failures(judged.delivery_log, tables.DELIVERY_LOG) == {}
    assert tables.failures(judged.responses, tables.responses(CATALOGUE.version)) == {}
    assert tables.failures(judged.rejected_rows, tables.REJECTED_ROWS) == {}


@costly_property_test
@given(some_deliveries, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_and_files_stand_in_the_tables_does_not_matter(deliveries, random):
    files = delivered_files(
        *[
            (i, code, len(cases or []), None if cases is not None else "unreadable")
            for i, (code, cases) in enumerate(deliveries)
        ]
    )
    rows = delivered_rows(*[(i, code, cases) for i, (code, cases) in enumerate(deliveries) if cases is not None])
    straight = judge_frames(files, rows, ROUND, CATALOGUE)
    seed = random.randrange(1000)
    shuffled = judge_frames(
        files.sample(fraction=1, shuffle=True, seed=seed),
        rows.sample(fraction=1, shuffle=True, seed=seed),
        ROUND,
        CATALOGUE,
    )
    assert_frame_equal(straight.delivery_log, shuffled.delivery_log.sort("delivery"))
    assert_frame_equal(straight.responses, shuffled.responses)
    assert_frame_equal(straight.rejected_rows, shuffled.rejected_rows)


@costly_property_test
@given(some_deliveries)
def test_what_one_municipality_hands_in_changes_nothing_for_another(deliveries):
    together, alone = judge(*deliveries), judge(*[d for d in deliveries if d[0] == "101"])
    for name in ("responses", "rejected_rows"):
        both = getattr(together, name).filter(municipality_code="101").drop("file")
        assert_frame_equal(both, getattr(alone, name).drop("file"))


# --- the stop at the end ---------------------------------------------------------------------------------------------

MIXED = judge(
    (
        "101",
        [case("101", "hemmelig-1"), case("101", "hemmelig-2", in_residential_care="Nej"), case("101", "hemmelig-3")],
    ),
    (
        "147",
        [case(case_id="hemmelig-4"), case(case_id="hemmelig-5", age="17"), *(case(case_id=f"x{i}") for i in range(9))],
    ),
)


def broken_conservation(**changed):
    judged = MIXED._replace(**changed)
    with pytest.raises(ConservationError) as error:
        conserves(judged)
    return str(error.value)


def test_sound_tables_pass():
    assert conserves(MIXED)


@pytest.mark.parametrize("row", range(MIXED.responses.height))
def test_a_response_that_is_lost_or_stands_twice_stops_the_run(row):
    responses = MIXED.responses.with_row_index()
    lost = responses.filter(pl.col("index") != row).drop("index")
    twice = pl.concat([MIXED.responses, responses.filter(index=row).drop("index")])
    for changed in (lost, twice):
        message = broken_conservation(responses=changed)
        assert MIXED.responses["municipality_code"][row] in message
        assert "hemmelig" not in message


def test_a_rejected_row_that_is_lost_or_added_stops_the_run():
    assert "147: 11 rows read" in broken_conservation(rejected_rows=MIXED.rejected_rows.clear())
    added = MIXED.rejected_rows.with_columns(row=pl.lit(99, pl.Int64))
    assert "147: 11 rows read" in broken_conservation(rejected_rows=pl.concat([MIXED.rejected_rows, added]))


@pytest.mark.parametrize("column", ["rows", "eligible", "out_of_scope", "rejected"])
@pytest.mark.parametrize("change", [pl.lit(1), pl.lit(-1), pl.lit(None, pl.Int64)])
def test_a_wrong_count_in_the_log_stops_the_run(column, change):
    log = MIXED.delivery_log.with_columns(pl.col(column) + change)
    message = broken_conservation(delivery_log=log)
    assert "hemmelig" not in message


def test_rows_of_a_delivery_that_does_not_count_stop_the_run():
    demoted = MIXED.delivery_log.with_columns(status=pl.lit("superseded"))
    assert "101: None rows read" in broken_conservation(delivery_log=demoted)


# --- files -----------------------------------------------------------------------------------------------------------


def file_rule(name, rows, declared):
    now = dt.datetime(2022, 12, 1, tzinfo=dt.UTC)
    file = intake.InboxFile("147", f"/inbox/{name}", name, now, None, None)
    delivery = {"rows": list(range(rows)), "declared_cases": declared}
    return intake._file_rule(file, delivery)[0]


@pytest.mark.parametrize(
    ("name", "rows", "declared", "rule"),
    [
        ("svar.xlsx", 3, None, None),
        ("svar.xlsx", 3, 3, None),
        ("svar.xlsx", 3, 4, "declared_count"),
        ("svar.xlsx", 3, 0, "declared_count"),
        ("svar.xlsx", 0, None, "empty"),
        ("svar.xlsx", 0, 0, None),
        ("svar.xlsx", 0, 3, "empty"),
        ("20221114T093000Z__nulindberetning.csv", 0, None, None),
        ("Odense NULINDBERETNING.csv", 0, None, None),
        ("nulindberetning", 0, None, "empty"),
        ("nulindberetning.csv.csv", 0, None, "empty"),
        ("nulindberetning 2.csv", 0, None, "empty"),
        ("nulindberetning.csv", 3, None, None),
        ("nulindberetning.csv", 0, 3, "declared_count"),
    ],
)
def test_a_delivery_without_rows_says_so_and_a_declared_number_holds(name, rows, declared, rule):
    assert file_rule(name, rows, declared) == rule


@pytest.mark.parametrize(
    ("declared", "is_warned"),
    [(None, False), ("147", False), ("Frederiksberg Kommune", False), ("101", True), (CPR_REMOVED, True)],
)
def test_a_front_sheet_of_another_municipality_is_a_warning(declared, is_warned):
    now = dt.datetime(2022, 12, 1, tzinfo=dt.UTC)
    file = intake.InboxFile("147", "/inbox/a.xlsx", "a.xlsx", now, None, None)
    assert bool(intake._front_municipality_warning(file, declared)) == is_warned


def test_an_inbox_is_taken_in_from_files_to_rows(tmp_path):
    (tmp_path / "147").mkdir()
    (tmp_path / "147/20221114T093000Z__svar.csv").write_bytes(csv_bytes([[a or "" for a in c.values()] for c in GOOD]))
    (tmp_path / "147/20221115T093000Z__svar.pdf").write_bytes(b"%PDF")
    (tmp_path / "411").mkdir()
    taken = intake.take_inbox(tmp_path, ROUND, CATALOGUE, now=dt.datetime(2022, 12, 1, tzinfo=dt.UTC))
    assert taken.delivery_log.select("status", "rule", "rows", "eligible").rows() == [
        ("current", None, 2, 2),
        ("rejected", "unsupported_format", None, None),
    ]
    assert taken.responses["row"].to_list() == [2, 3]
    assert taken.rejected_rows.is_empty()
    assert len(taken.warnings) == 1
    assert conserves(taken)
