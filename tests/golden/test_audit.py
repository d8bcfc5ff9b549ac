"""The audit: published cases with known bounds, and agreement with counting every table that can be."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.disclosure.audit import OUTSIDER, UNBOUNDED, Failure, Insider, audit, bounds, rounded, verdict
from schemas.errors import BotilbudError

# Each with its source: small published or reported cases, bounds checked with a solver.
PATTERNS = json.loads((Path(__file__).parent / "known_patterns.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("pattern", PATTERNS, ids=[pattern["id"] for pattern in PATTERNS])
def test_a_known_pattern_gets_its_known_bounds(pattern):
    relations = [(relation["total"], relation["parts"]) for relation in pattern["relations"]]
    found = audit(pattern["cells"], relations, pattern["suppressed"], pattern["attacker_lower_bound"])
    assert found == {cell: tuple(map(int, limits)) for cell, limits in pattern["lp_bounds_verified"].items()}
    exact = [cell for cell, (low, high) in found.items() if low == high]
    assert sorted(exact) == sorted(pattern["exactly_disclosed"])


def test_a_hidden_cell_beside_a_shown_total_follows_from_the_rest():
    cells = {"a": 3, "b": 4, "total": 7}
    relations = [("total", ["a", "b"])]
    assert audit(cells, relations, {"a"}, 0) == {"a": (7 - 4, 7 - 4)}
    assert audit(cells, relations, {"a", "b"}, 1) == {"a": (1, 7 - 1), "b": (1, 7 - 1)}


def test_a_rounded_count_stands_for_what_is_less_than_the_base_away():
    assert rounded(6, 3) == (4, 8)
    assert rounded(0, 3) == (0, 2)


def test_two_rounded_counts_with_an_exact_total_are_narrowed_by_it():
    known = {"a": rounded(3, 3), "b": rounded(0, 3), "total": (6, 6)}
    # b is at most 2, so a is at least 4; a is at most 5, so b is at least 1.
    assert bounds(known, [("total", ["a", "b"])]) == {"a": (4, 5), "b": (1, 2), "total": (6, 6)}


def test_an_unknown_cell_and_numbers_that_contradict_each_other_are_refused():
    with pytest.raises(BotilbudError):
        audit({"a": 1, "total": 1}, [("total", ["a"])], {"b"}, 0)
    with pytest.raises(BotilbudError):
        bounds({"a": (0, 1), "b": (0, 1), "total": (5, 5)}, [("total", ["a", "b"])])


def judged(insiders, width=3):
    """Of 3 municipalities' counts 2, 4 and 6 only the total of 12 is shown."""
    table = {"a": 2, "b": 4, "c": 6, "total": 12}
    known = dict.fromkeys("abc", (0, UNBOUNDED)) | {"total": (12, 12)}
    relations = [("total", ["a", "b", "c"])]
    return verdict(known, relations, table, {"a": width}, insiders, {"a": "municipality"})


def test_a_count_is_safe_where_its_interval_is_as_wide_as_is_asked():
    assert judged({}) == ((), {"municipality": 12})
    assert judged({}, width=12).failures == ()
    assert judged({}, width=13).failures == (Failure("a", "narrow", OUTSIDER),)
    # Who knows c is left with 12 - 6.
    assert judged({"c": Insider({"c": (6, 6)})}) == ((), {"municipality": 6})
    assert judged({"both": Insider({"b": (4, 4), "c": (6, 6)})}) == (
        (Failure("a", "exact", "both"),),
        {"municipality": 0},
    )


def test_an_insider_may_know_more_of_what_is_mostly_its_own():
    # c knows that b is 2 to 4, so that a is 2 to 4: 2 wide.
    c = {"b": (2, 4), "c": (6, 6)}
    assert judged({"c": Insider(c)}).failures == (Failure("a", "narrow", "c"),)
    assert judged({"c": Insider(c, {"a": 2})}) == ((), {"municipality": 2})
    # Others are asked for the whole width all the same.
    assert judged({"c": Insider(c, {"a": 2}), "d": Insider(c)}).failures == (Failure("a", "narrow", "d"),)


def test_nothing_is_asked_of_a_count_that_is_all_an_insider_s_own():
    both = {"b": (4, 4), "c": (6, 6)}
    assert judged({"both": Insider(both, {"a": 0})}) == ((), {"municipality": 12})
    assert judged({"both": Insider(both, {"a": 1})}).failures == (Failure("a", "exact", "both"),)


def test_an_insider_may_be_asked_for_more_than_the_outsider():
    # What is left of a count without its own may be small where the count is not; even where all the world knows it.
    table = {"part": 5, "rest": 0, "region": 5}
    known = {"part": (0, UNBOUNDED), "rest": (0, 0), "region": (5, 5)}
    sees = Insider({"part": (4, UNBOUNDED)}, {"part": 1})
    found = verdict(known, [("region", ["part", "rest"])], table, {}, {"217": sees}, {"part": "difference"})
    assert found.failures == (Failure("part", "exact", "217"),)


def test_a_small_count_that_is_shown_is_no_interval():
    table = {"a": 2, "b": 4, "total": 6}
    known = {cell: (count, count) for cell, count in table.items()}
    found = verdict(known, [("total", ["a", "b"])], table, {"a": 1}, {}, {"a": "country"})
    assert found == ((Failure("a", "published", OUTSIDER),), {})


def test_each_kind_has_its_narrowest_interval():
    table = {"a": 1, "b": 1, "c": 1, "d": 2, "ab": 2, "cd": 3}
    known = dict.fromkeys("abcd", (0, UNBOUNDED)) | {"ab": (2, 2), "cd": (3, 3)}
    relations = [("ab", ["a", "b"]), ("cd", ["c", "d"])]
    kinds = {"a": "region", "b": "region", "c": "country"}
    found = verdict(known, relations, table, dict.fromkeys("abc", 1), {"d": Insider({"d": (1, 2)})}, kinds)
    assert found == ((), {"region": 2, "country": 1})


@st.composite
def tables(draw):
    """Rows x columns with margins, and a group of cells across them: linked, and no network."""
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    counts = {(r, c): draw(st.integers(0, 3)) for r in range(rows) for c in range(columns)}
    name = "{}-{}".format
    cells = {name(r, c): count for (r, c), count in counts.items()}
    relations = [(f"row {r}", [name(r, c) for c in range(columns)]) for r in range(rows)]
    relations += [(f"column {c}", [name(r, c) for r in range(rows)]) for c in range(columns)]
    relations.append(("group", sorted(draw(st.sets(st.sampled_from(sorted(cells)), min_size=1)))))
    cells |= {total: sum(cells[part] for part in parts) for total, parts in relations}
    inner = [name(r, c) for r, c in counts]
    known = {}
    for cell, count in cells.items():
        how = draw(st.sampled_from(["exact", "hidden", "rounded"]))
        if how == "exact" or cell not in inner:
            known[cell] = (count, count)
        elif how == "hidden":
            known[cell] = (0, 9)
        else:
            known[cell] = rounded(3 * (count // 3 + draw(st.integers(0, 1 if count % 3 else 0))), 3)
    return known, relations, inner


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tables())
def test_the_bounds_are_those_of_all_tables_that_can_be(world):
    known, relations, inner = world
    seen = {cell: set() for cell in known}
    for values in itertools.product(*(range(known[cell][0], known[cell][1] + 1) for cell in inner)):
        table = dict(zip(inner, values, strict=True))
        table |= {total: sum(table[part] for part in parts) for total, parts in relations}
        if all(known[total][0] <= table[total] <= known[total][1] for total, _ in relations):
            for cell, value in table.items():
                seen[cell].add(value)
    assert bounds(known, relations) == {cell: (min(values), max(values)) for cell, values in seen.items()}


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)
@given(tables(), st.data())
def test_an_insider_s_bounds_are_those_of_all_tables_that_agree_with_what_it_knows(world, data):
    known, relations, inner = world
    every = []
    for values in itertools.product(*(range(known[cell][0], known[cell][1] + 1) for cell in inner)):
        table = dict(zip(inner, values, strict=True))
        table |= {total: sum(table[part] for part in parts) for total, parts in relations}
        if all(known[total][0] <= table[total] <= known[total][1] for total, _ in relations):
            every.append(table)
    truth = data.draw(st.sampled_from(every))
    own = data.draw(st.sets(st.sampled_from(inner)))
    views = {OUTSIDER: every, "insider": [table for table in every if all(table[cell] == truth[cell] for cell in own)]}
    expected = {}
    hidden = [cell for cell in inner if known[cell][0] < known[cell][1]]
    for attacker, seen in views.items():
        for cell in hidden:
            width = max(table[cell] for table in seen) - min(table[cell] for table in seen)
            if width < 2 and cell not in expected and not (attacker == "insider" and cell in own):
                expected[cell] = Failure(cell, "narrow" if width else "exact", attacker)
    insider = Insider({cell: (truth[cell], truth[cell]) for cell in own})
    found = verdict(known, relations, truth, dict.fromkeys(hidden, 2), {"insider": insider}, dict.fromkeys(hidden, ""))
    assert set(found.failures) == set(expected.values())
