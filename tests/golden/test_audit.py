"""The audit: published cases with known bounds, and agreement with counting every table that can be."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.disclosure.audit import audit, bounds, rounded
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
