"""Every line of "Deliveries" and "Limits and hard cases" of the screening format, as files in an inbox.

Each inbox is read once, each municipality's folder in it is one case, and two municipalities next door hold a good
delivery. The cases stand in `cases_*`, the bytes are made in `files`.
"""

import os
import re
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from tests.limits import cases_files, cases_parquet, cases_slow, cases_text, cases_workbooks, files
from tests.limits.corpus import (
    CONTROLS,
    MODIFIED,
    RECEIVED,
    ROUND,
    SECRET,
    Case,
    Taken,
    broken_of,
    current,
    differences,
    log_of,
    take,
)

INBOXES: dict[str, list[Case]] = {
    "kinds": cases_files.KINDS,
    "which": [*cases_files.WHICH, *cases_files.IRREGULAR, *cases_files.NAMES],
    "archives": cases_files.ARCHIVES,
    "sheets": [*cases_workbooks.SHEETS, *cases_workbooks.HIDING, *cases_workbooks.PLACES, *cases_workbooks.BESIDE],
    "values": cases_workbooks.VALUES,
    "lines": [*cases_text.LINES, *cases_text.HEADS],
    "encodings": [*cases_text.ENCODINGS, *cases_text.INTEGERS, *cases_text.OPTIONS[:20]],
    "amounts": cases_text.AMOUNTS[:90],
    "answers": [*cases_text.AMOUNTS[90:], *cases_text.OPTIONS[20:], *cases_text.MUNICIPALITIES, *cases_text.IDS],
    "cpr": cases_text.CPR,
    "parquet": [*cases_parquet.TYPES, *cases_parquet.FILES],
    "long cells": cases_slow.LONG_CELLS,
    "far cells": cases_slow.FAR_CELLS,
}
# What takes long has an inbox of its own, so that its time is known.
SLOW = {case.name: [case] for case in [*cases_slow.SIZES, *cases_slow.ROWS, *cases_slow.HANGS]}
BOUND_SECONDS = 10

EACH_CASE = [
    *(pytest.param(inbox, case, id=f"{inbox}: {case.name}") for inbox, cases in INBOXES.items() for case in cases),
    *(
        pytest.param(inbox, case, id=f"slow: {inbox}", marks=pytest.mark.slow)
        for inbox, cases in SLOW.items()
        for case in cases
    ),
]
EACH_INBOX = [*INBOXES, *(pytest.param(name, id=f"slow: {name}", marks=pytest.mark.slow) for name in SLOW)]


@pytest.fixture(scope="session")
def taken(tmp_path_factory):
    """Read an inbox on first use."""
    read: dict[str, Taken] = {}

    def of(inbox: str) -> Taken:
        if inbox not in read:
            read[inbox] = take({**INBOXES, **SLOW}[inbox], tmp_path_factory.mktemp("limits"))
        return read[inbox]

    return of


@pytest.mark.parametrize(("inbox", "case"), EACH_CASE)
def test_every_hard_case_ends_as_the_specification_states(inbox, case, taken):
    read = taken(inbox)
    if case.name in read.not_built:
        pytest.skip(f"this machine does not let us build it: {read.not_built[case.name]}")
    code = read.places[case.name].code
    rows = {row["file"]: row for row in log_of(read, code)}
    if "" in case.outcomes and len(rows) == 1:
        rows = {"": next(iter(rows.values()))}
    assert sorted(rows) == sorted(case.outcomes), "other files are in the log than were delivered"
    for file, outcomes in case.outcomes.items():
        found = [differences(outcome, read, code, rows[file]) for outcome in outcomes]
        assert any(not lines for lines in found), "\n".join("; ".join(lines) for lines in found)
    if case.warning:
        assert re.search(case.warning, "\n".join(read.intake.warnings)), read.intake.warnings


@pytest.mark.parametrize("inbox", EACH_INBOX)
def test_the_municipalities_next_door_keep_their_figures(inbox, taken):
    read = taken(inbox)
    for code in CONTROLS:
        [row] = log_of(read, code)
        assert differences(current(4, 1, 2, broken={(5, 3, "range")}), read, code, row) == []


@pytest.mark.parametrize("inbox", EACH_INBOX)
def test_rows_are_conserved_and_one_delivery_counts(inbox, taken):
    read = taken(inbox)
    log = read.intake.delivery_log
    counting = log.filter(pl.col("status") == "current")
    assert counting["municipality_code"].is_duplicated().sum() == 0
    accepted = Counter(read.intake.responses["municipality_code"])
    for row in counting.to_dicts():
        assert row["rows"] == row["eligible"] + row["out_of_scope"] + row["rejected"], row
        assert accepted[row["municipality_code"]] == row["eligible"] + row["out_of_scope"], row
        assert len({row for row, _, _ in broken_of(read, row["municipality_code"], row["file"])}) == row["rejected"]
    assert set(accepted) <= set(counting["municipality_code"])


@pytest.mark.parametrize("inbox", EACH_INBOX)
def test_what_is_rejected_has_a_rule_and_a_message_and_nothing_else_has(inbox, taken):
    log = taken(inbox).intake.delivery_log
    assert set(log["status"]) <= {"current", "superseded", "rejected"}
    for row in log.to_dicts():
        assert (row["rule"] is not None) == (row["status"] == "rejected"), row
        assert bool(row["message"]) == (row["status"] == "rejected"), row
    assert all(taken(inbox).intake.rejected_rows["message"])


def _looks_like_cpr(text: str) -> list[str]:
    """Find ten digits that start with a possible date, by a way of its own."""
    plain = "".join(
        "" if unicodedata.category(sign) == "Cf" else "-" if unicodedata.category(sign) == "Pd" else sign
        for sign in unicodedata.normalize("NFKC", text)
    )
    return [
        found.group()
        for found in re.finditer(r"(?<!\d)(\d\d)(\d\d)\d\d[-−. ]?\d{4}(?!\d)", plain)
        if 1 <= int(found[1]) <= 31 and 1 <= int(found[2]) <= 12
    ]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [str(value)] if isinstance(value, int) else []


# Answers that are right though they look alike to a coarse search: dates that do not exist, and what the
# specification leaves open.
_MAY_STAND = {*cases_text.NOT_CPR, "290289-0000", "101900000"}


@pytest.mark.parametrize("inbox", EACH_INBOX)
def test_no_cpr_number_leaves_the_inbox(inbox, taken):
    intake = taken(inbox).intake
    frames = [intake.delivery_log, intake.rejected_rows, intake.responses]
    texts = {
        text
        for frame in frames
        for name in frame.columns
        if name != "sha256"  # ten figures in a row are chance there
        for value in frame[name].to_list()
        for text in _texts(value)
        if text not in _MAY_STAND
    } | set(intake.warnings)
    assert [found for text in texts for found in _looks_like_cpr(text)] == []
    # Nor as a number that lost its zero, grouped or not.
    assert not [text for text in texts if SECRET in text or "101900000" in re.sub(r"[.\s]", "", text)]


@pytest.mark.parametrize("inbox", EACH_INBOX)
def test_an_inbox_is_left_as_it_was_and_nothing_else_is_touched(inbox, taken):
    read = taken(inbox)
    assert read.changed == []
    assert read.strays == []
    assert not read.was_called


@pytest.mark.parametrize("inbox", ["long cells", "far cells", *EACH_INBOX[len(INBOXES) :]])
def test_even_the_worst_file_is_done_with_in_seconds(inbox, taken):
    assert taken(inbox).seconds < BOUND_SECONDS


def test_a_file_that_kills_its_reader_takes_no_other_along(tmp_path):
    hostile = [case for case in cases_slow.FAR_CELLS if case.name == "a value in the last cell"]
    read = take([*hostile, *cases_files.KINDS[:5]], tmp_path)
    for case in cases_files.KINDS[:5]:
        code = read.places[case.name].code
        [row] = log_of(read, code)
        assert differences(current(), read, code, row) == []


def test_two_names_that_are_alike_once_masked_stay_two_deliveries(tmp_path):
    def both(at):
        broken = [files.case(at.code, "A-4", age="17")]
        for number, rows in (("010190-0000", files.fill(at.code, 9)), ("020290-0000", files.good(at.code))):
            at.write(f"{RECEIVED}__sag {number}.csv", files.csv_bytes(files.grid([*rows, *broken])), modified=MODIFIED)

    read = take([Case("alike", both, {})], tmp_path)
    older, newer = sorted(log_of(read, read.places["alike"].code), key=lambda row: row["status"] == "current")
    assert older["status"] == "superseded"
    assert (newer["rows"], newer["eligible"], newer["out_of_scope"], newer["rejected"]) == (4, 1, 2, 1)


@pytest.mark.parametrize("seconds", [10**12, -(10**12)], ids=["33658", "before Christ"])
def test_a_file_changed_in_a_year_beyond_the_calendar_stops_nobody(seconds):
    memory = Path("/dev/shm")  # noqa: S108 the usual place of a file system that keeps such times
    if not os.access(memory, os.W_OK):
        pytest.skip("no file system in memory")

    def changed(at):
        path = at.write("skema.csv", cases_files.good_csv(at.code))
        os.utime(path, (seconds, seconds))
        if path.stat().st_mtime != seconds:
            pytest.skip("the file system keeps no such time")

    with tempfile.TemporaryDirectory(dir=memory) as root:
        read = take([Case("changed", changed, {})], Path(root))
    [row] = log_of(read, read.places["changed"].code)
    assert row["status"] in {"current", "rejected"}
    for code in CONTROLS:
        [row] = log_of(read, code)
        assert differences(current(4, 1, 2, broken={(5, 3, "range")}), read, code, row) == []


def test_reading_an_inbox_twice_gives_the_same_tables(tmp_path):
    cases = [*cases_files.WHICH, *cases_text.IDS[:20]]
    first, second = take(cases, tmp_path / "a").intake, take(cases, tmp_path / "b").intake
    assert first.delivery_log.equals(second.delivery_log)
    assert first.rejected_rows.equals(second.rejected_rows)
    assert first.responses.equals(second.responses)
    assert first.warnings == second.warnings


def test_an_inbox_without_a_folder_in_it_gives_empty_tables(tmp_path):
    from pipelines.ingest.intake import take_inbox
    from schemas.questionnaire import load_catalogue
    from schemas.rounds import load_rounds
    from tests.limits.corpus import NOW

    round_ = load_rounds()[ROUND]
    intake = take_inbox(tmp_path, round_, load_catalogue(round_.questionnaire), now=NOW)
    assert (intake.delivery_log.height, intake.rejected_rows.height, intake.responses.height) == (0, 0, 0)
    assert intake.warnings == []
