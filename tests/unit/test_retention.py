"""What is kept how long, and what of the data root goes."""

import copy
import datetime as dt
import hashlib
import json
import shutil
import zlib

import polars as pl
import pytest
from upath import UPath

from pipelines import storage
from pipelines.retention.purging import due_files, note, remove
from schemas.data_files import SCHEMAS_DIR, load_yaml
from schemas.errors import CatalogueError
from schemas.retention import load_rules, rules_from
from schemas.tables import DELIVERY_LOG
from tests.scenario import ROUND, hand_in, row

DOCUMENT = load_yaml(SCHEMAS_DIR / "retention.yaml")
CLOSED = ROUND.model_copy(update={"open": False})
DEADLINE = dt.datetime(2023, 3, 31, tzinfo=dt.UTC)
RULES = load_rules()
LATER = DEADLINE + dt.timedelta(days=366)
RECEIVED = dt.datetime(2022, 11, 1, 8, tzinfo=dt.UTC)
NAMES = {
    "old": "20221101T080000Z__bo hansen.csv",
    "new": "20221102T080000Z__sager.csv",
    "bad": "20221103T080000Z__fejl.csv",
}


def log_row(code, path, status, received_at):
    rejected = {"rule": "unreadable", "message": "Filen kan ikke læses."} if status == "rejected" else {}
    return dict.fromkeys(DELIVERY_LOG.dtypes) | {
        "delivery": zlib.crc32(str(path).encode()),
        "municipality_code": code,
        "file": path.name,
        "received_at": received_at,
        "status": status,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "warnings": [],
        **rejected,
    }


def write_log(root, rows):
    frame = pl.DataFrame(rows, schema=dict(DELIVERY_LOG.dtypes))
    path = storage.warehouse(root) / "delivery_log" / f"{ROUND.name}.parquet"
    storage.write_bytes(path, storage.parquet_bytes(frame))


@pytest.fixture
def root(tmp_path):
    """A closed round in which 147 handed in three files, of which the second counts."""
    files = [hand_in(tmp_path, "147", [row("147", i)], name=name) for i, name in enumerate(NAMES.values())]
    received = [RECEIVED + dt.timedelta(days=days) for days in range(3)]
    statuses = ("superseded", "current", "rejected")
    root = UPath(tmp_path)
    write_log(root, [log_row("147", *entry) for entry in zip(files, statuses, received, strict=True)])
    storage.write_bytes(storage.warehouse(root) / "delivered_rows" / f"{ROUND.name}.parquet", b"rows")
    storage.write_bytes(root / "alerts" / f"{ROUND.name}.json", b"{}")
    return root


def due(root, now=LATER, round_=CLOSED):
    return list(due_files(root, [round_], RULES, now))


def names(found):
    return sorted(entry.path.name for entry in found)


def test_of_a_closed_round_what_does_not_count_goes_and_what_counts_stays(root):
    assert names(due(root)) == sorted([NAMES["old"], NAMES["bad"], "2022-10-01.parquet", "2022-10-01.json"])
    for entry in due(root):
        remove(entry)
    assert names_below(root / "inbox") == [NAMES["new"]]
    assert due(root) == []


def names_below(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_nothing_of_an_open_round_goes(root):
    assert due(root, round_=ROUND) == []


@pytest.mark.parametrize(("days", "gone"), [(30, 0), (31, 1), (365, 1), (366, 4)])
def test_the_days_are_counted_from_the_deadline(root, days, gone):
    assert len(due(root, DEADLINE + dt.timedelta(days=days))) == gone


def test_a_round_without_a_deadline_is_counted_from_its_snapshot_date(root):
    round_ = CLOSED.model_copy(update={"deadline": None})
    snapshot = dt.datetime(2022, 10, 1, tzinfo=dt.UTC)
    assert due(root, snapshot + dt.timedelta(days=365), round_)[0].what == "told_alerts"
    assert len(due(root, snapshot + dt.timedelta(days=366), round_)) == 4


def test_a_delivery_that_no_night_has_judged_stays(root):
    hand_in(root, "147", [row("147", 9)], name="20221104T080000Z__efter.csv")
    hand_in(root, "151", [row("151", 1)])
    assert {entry.path.name for entry in due(root)} & {
        "20221104T080000Z__efter.csv",
        "20221101T080000Z__sager.csv",
    } == set()


def test_a_delivery_that_was_changed_since_stays(root):
    (root / "inbox" / ROUND.name / "147" / NAMES["old"]).write_bytes(b"another content")
    assert NAMES["old"] not in names(due(root))


def test_where_the_delivery_that_counts_is_gone_nothing_else_goes(root):
    (root / "inbox" / ROUND.name / "147" / NAMES["new"]).unlink()
    assert [entry.what for entry in due(root)] == ["delivered_rows", "told_alerts"]


def test_a_copy_of_the_delivery_that_counts_may_go_but_never_the_one(root):
    folder = root / "inbox" / ROUND.name / "147"
    shutil.copy(folder / NAMES["new"], folder / NAMES["old"])
    files = [folder / NAMES["old"], folder / NAMES["new"]]
    write_log(
        root,
        [
            log_row("147", files[0], "superseded", RECEIVED),
            log_row("147", files[1], "current", RECEIVED + dt.timedelta(days=1)),
        ],
    )
    assert NAMES["old"] in names(due(root))
    assert NAMES["new"] not in names(due(root))


def test_a_shortcut_goes_without_what_it_points_at(root, tmp_path):
    target = tmp_path / "elsewhere.csv"
    target.write_bytes(b"kept")
    link = tmp_path / "inbox" / ROUND.name / "183" / "20221101T080000Z__link.csv"
    link.parent.mkdir()
    link.symlink_to(target)
    write_log(root, [log_row("183", target, "rejected", RECEIVED) | {"file": link.name, "sha256": None}])
    for entry in due(root):
        remove(entry)
    assert not link.is_symlink()
    assert target.read_bytes() == b"kept"


def test_a_round_that_never_ran_loses_nothing_of_its_inbox(tmp_path):
    hand_in(tmp_path, "147", [row("147", 1)])
    assert due(UPath(tmp_path)) == []


def test_what_is_told_of_a_delivery_holds_no_name(root):
    told = [entry.told() for entry in due(root)]
    note(root, told, LATER)
    note(root, [], LATER)
    noted = (root / "purged" / "2024-03-31.jsonl").read_text(encoding="utf-8")
    assert "hansen" not in noted
    assert [json.loads(line) for line in noted.splitlines()] == [{"at": LATER.isoformat(), **entry} for entry in told]
    of_147 = [entry for entry in told if entry["what"] == "deliveries_not_counting"]
    assert [set(entry) for entry in of_147] == [{"what", "round", "municipality_code", "received_at", "sha256"}] * 2


def test_what_is_gone_already_stays_gone(root):
    entry = due(root)[0]
    remove(entry)
    remove(entry)
    assert not entry.path.exists()


@pytest.mark.parametrize("kept", sorted(DOCUMENT["rules"]))
def test_a_rule_that_is_missing_or_counts_from_elsewhere_is_refused(kept):
    document = copy.deepcopy(DOCUMENT)
    rule = document["rules"].pop(kept)
    with pytest.raises(CatalogueError, match=f"{kept}: no rule says how long"):
        rules_from(document)
    elsewhere = "end of the run" if rule["from"] != "end of the run" else "time of the tick"
    document["rules"][kept] = rule | {"from": elsewhere}
    with pytest.raises(CatalogueError, match=f"{kept}: the days are counted from the {rule['from']}"):
        rules_from(document)


@pytest.mark.parametrize("days", [0, -1, 1.5, "30", None])
def test_a_number_of_days_that_is_none_is_refused(days):
    document = copy.deepcopy(DOCUMENT)
    document["rules"]["told_alerts"]["days"] = days
    with pytest.raises(CatalogueError, match=r"rules\.told_alerts\.days"):
        rules_from(document)
