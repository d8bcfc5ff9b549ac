"""What becomes of a release: final, withdrawn, and which one stands."""

import datetime as dt
import json
import threading
from dataclasses import replace

import pytest
from upath import UPath

from pipelines.release import life
from pipelines.release.compatibility import breaks, require_compatible
from pipelines.release.contents import ReleaseFile
from pipelines.release.manifest import table_schema
from pipelines.release.publish import publish
from pipelines.storage import parquet_bytes, write_once
from schemas import tables
from schemas.errors import ReleaseError
from tests.release_scenario import basis, content, filled, no_others, released, warning
from tests.scenario import ROUND

AT = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)
CASES = {"101": 3, "147": 2}
ROUND_NAME = ROUND.name


@pytest.fixture
def root(tmp_path):
    return UPath(tmp_path)


def decide(decision, root, release, by="En konsulent", reason="Gennemgået"):
    decision(root, ROUND_NAME, release, by=by, reason=reason, at=AT)


def two_releases(root):
    return released(root, CASES).release, released(root, CASES | {"101": 4}, files="second").release


def pointer(root):
    latest = root / "releases" / ROUND_NAME / "latest.json"
    return json.loads(latest.read_bytes())["release"] if latest.exists() else None


def test_a_release_is_preliminary_until_somebody_decides(root):
    release = released(root, CASES).release
    assert life.status(root, ROUND_NAME, release) == life.PRELIMINARY
    decide(life.promote, root, release)
    assert life.status(root, ROUND_NAME, release) == life.FINAL
    assert life.decisions(root, ROUND_NAME, release) == [life.Decision("final", "En konsulent", "Gennemgået", AT)]


def test_a_decision_leaves_the_release_as_it_is(root):
    release = released(root, CASES).release
    folder = root / "releases"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    decide(life.promote, root, release)
    decide(life.withdraw, root, release)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("x", ""), (" ", "x"), ("x", "\n")])
def test_a_decision_without_a_name_or_a_reason_is_refused(root, by, reason):
    release = released(root, CASES).release
    with pytest.raises(ReleaseError, match="needs the name"):
        decide(life.promote, root, release, by, reason)
    assert life.decisions(root, ROUND_NAME, release) == []


def test_a_release_with_a_warning_that_nobody_accepted_is_not_made_final(root):
    release = released(root, CASES, warnings=[warning()]).release
    with pytest.raises(ReleaseError, match=r"warnings that nobody accepted \(0123456789ab\): accept them"):
        decide(life.promote, root, release)
    assert life.status(root, ROUND_NAME, release) == life.PRELIMINARY
    decide(life.withdraw, root, release)


def test_an_accepted_warning_makes_another_release_that_can_be_made_final(root):
    first = released(root, CASES, warnings=[warning()]).release
    second = released(root, CASES, warnings=[warning("En konsulent")])
    assert second.is_new
    assert life.manifest_of(root, ROUND_NAME, second.release)["previous"] == first
    decide(life.promote, root, second.release)
    assert life.status(root, ROUND_NAME, second.release) == life.FINAL


def test_what_cannot_follow_is_refused(root):
    release = released(root, CASES).release
    decide(life.promote, root, release)
    with pytest.raises(ReleaseError, match="is final; it cannot become final"):
        decide(life.promote, root, release)
    decide(life.withdraw, root, release)
    for decision in (life.promote, life.withdraw):
        with pytest.raises(ReleaseError, match="is withdrawn"):
            decide(decision, root, release)
    with pytest.raises(ReleaseError, match="has no release"):
        decide(life.promote, root, "../../etc")


def test_a_withdrawn_release_is_kept_and_the_one_before_stands_again(root):
    first, second = two_releases(root)
    assert life.releases(root, ROUND_NAME) == [second, first]
    decide(life.withdraw, root, second)
    assert life.current_release(root, ROUND_NAME) == first
    life.repoint(root, ROUND_NAME)
    assert pointer(root) == first
    assert life.releases(root, ROUND_NAME) == [second, first]
    decide(life.withdraw, root, first)
    life.repoint(root, ROUND_NAME)
    assert life.current_release(root, ROUND_NAME) is None
    assert pointer(root) is None


def test_what_was_withdrawn_is_not_published_again_until_something_changes(root):
    first, second = two_releases(root)
    decide(life.withdraw, root, second)
    again = released(root, CASES | {"101": 4}, files="second")
    assert (again.release, again.is_new, again.withdrawn) == (first, False, second)
    assert pointer(root) == first
    mended = released(root, CASES | {"101": 5}, files="third")
    assert mended.is_new
    assert life.manifest_of(root, ROUND_NAME, mended.release)["previous"] == first
    assert life.releases(root, ROUND_NAME) == [mended.release, second, first]


def test_a_release_whose_breakdowns_another_one_shows_is_not_withdrawn_before_it(root):
    first, second = two_releases(root)
    path = root / "releases" / ROUND_NAME / second / "datapackage.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"figuresFrom": first}))
    with pytest.raises(ReleaseError, match=f"while release {second} shows its breakdowns"):
        decide(life.withdraw, root, first)
    decide(life.withdraw, root, second)
    decide(life.withdraw, root, first)


def test_of_two_who_decide_at_once_one_is_told(root, monkeypatch):
    release = released(root, CASES).release
    decide(life.promote, root, release)
    monkeypatch.setattr(life, "decisions", lambda *_: [])
    with pytest.raises(ReleaseError, match="somebody else decided"):
        decide(life.withdraw, root, release)


def test_what_is_written_once_is_never_replaced(root):
    path = root / "a" / "1.json"
    write_once(path, b"first")
    with pytest.raises(FileExistsError):
        write_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert [p.name for p in (root / "a").iterdir()] == ["1.json"]


def test_a_new_column_breaks_nobody_and_a_lost_one_does():
    now = table_schema(tables.CASE_RATES)
    fewer = now | {"fields": now["fields"][:-1]}
    lost = now["fields"][-1]["name"]
    assert breaks(fewer, now) == []
    assert breaks(now, fewer) == [f"column {lost} is gone"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda field: field.update(type="string"), "has another type"),
        (lambda field: field.update(unit="persons"), "has another unit"),
        (lambda field: field.update(constraints={"enum": ["a"]}), "no longer has b"),
    ],
)
def test_another_type_unit_or_fewer_values_break(change, told):
    earlier = {"fields": [{"name": "x", "type": "integer", "unit": "cases", "constraints": {"enum": ["a", "b"]}}]}
    now = json.loads(json.dumps(earlier))
    change(now["fields"][0])
    assert any(told in fault for fault in breaks(earlier, now))


def test_a_breaking_change_is_refused_unless_the_table_has_a_new_version(root):
    before = life.manifest_of(root, ROUND_NAME, released(root, CASES).release)
    require_compatible(content(CASES), before)
    promised = next(r for r in before["resources"] if "schema" in r and r["path"].startswith("shared/"))
    promised["schema"]["fields"].append({"name": "once_there", "type": "integer"})
    with pytest.raises(ReleaseError, match=r"case_rates: column once_there is gone\. Raise the table's version"):
        require_compatible(content(CASES), before)
    promised["schemaVersion"] = tables.CASE_RATES.version - 1
    require_compatible(content(CASES), before)


def test_breakdowns_of_a_release_that_was_withdrawn_meanwhile_are_not_published(root):
    first = released(root, CASES).release
    decide(life.withdraw, root, first)
    shown_again = replace(basis(CASES | {"101": 4}, files="second"), figures_from=first)
    with pytest.raises(ReleaseError, match="was withdrawn meanwhile; run the night again"):
        publish(root, content(CASES | {"101": 4}), no_others, shown_again)
    assert life.releases(root, ROUND_NAME) == [first]


def test_whoever_publishes_or_decides_waits_for_whoever_does(root):
    release = released(root, CASES).release
    order = []

    def later():
        decide(life.promote, root, release)
        order.append("promoted")

    with life.alone(root, ROUND_NAME):
        waiting = threading.Thread(target=later)
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        assert life.decisions(root, ROUND_NAME, release) == []
        order.append("done")
    waiting.join(10)
    assert order == ["done", "promoted"]


def test_a_table_that_is_gone_is_not_overlooked(root):
    released(root, CASES)
    rejected = filled(tables.REJECTED_ROWS, [{"municipality_code": "101", "rule": "missing", "row": 2}])
    file = ReleaseFile("municipalities/101/rejected_rows.parquet", parquet_bytes(rejected), tables.REJECTED_ROWS, 1)
    second = basis(CASES, files="second")
    assert publish(root, [*content(CASES), file], no_others, second).is_new
    # The same deliveries, and a table less.
    with pytest.raises(ReleaseError, match=r"municipalities/101/rejected_rows.parquet \(message\)"):
        publish(root, content(CASES), no_others, second)


def test_a_reason_is_one_line_however_it_was_written(root):
    release = released(root, CASES).release
    decide(life.promote, root, release, by="En\nkonsulent", reason="Først\r\n  så\x1b[2J")
    (decision,) = life.decisions(root, ROUND_NAME, release)
    assert decision.by == "En konsulent"
    assert decision.reason == "Først så\\x1b[2J"
