"""Fixed random rounding: the draw, the rows drawn again, and the tables that show it."""

import math
import stat

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from pipelines.benchmark.measures import area_measures
from pipelines.disclosure.audit import bounds
from pipelines.disclosure.audit import rounded as interval
from pipelines.disclosure.cube import margins, rounded_margins
from pipelines.disclosure.protection import municipal_rows, rounding
from pipelines.disclosure.rounding import Rounding, given_away, rounded_count
from pipelines.disclosure.secret import rounding_secret
from pipelines.disclosure.shared import shared_table
from pipelines.disclosure.suppression import Municipal, public_knowledge, systems
from schemas.errors import BotilbudError
from tests.golden import disclosure_scenario as scenario

SECRET = b"a secret that is made up for tests"
ROUND = scenario.ROUND_NAME
MUNICIPAL_QUESTIONS = ("target_group", "provider")


def shown(count, cell="municipality/101/provider_type/regional", base=3, secret=SECRET, draw=0):
    return rounded_count(secret, ROUND, cell, count, base, draw)


def test_a_count_becomes_one_of_its_two_neighbouring_multiples_and_a_multiple_stays():
    assert {shown(7, cell=f"cell {number}") for number in range(50)} == {6, 9}
    assert {shown(6, cell=f"cell {number}") for number in range(50)} == {6}
    assert {shown(0, cell=f"cell {number}") for number in range(50)} == {0}
    assert {shown(7, cell=f"cell {number}", base=5) for number in range(50)} == {5, 10}


@pytest.mark.parametrize(("count", "base"), [(1, 3), (2, 3), (16, 3), (1, 5), (2, 5), (3, 5), (4, 5)])
def test_the_mean_error_over_10_000_keys_is_within_three_standard_errors_of_zero(count, base):
    keys = 10_000
    up = count % base / base
    standard_error = base * math.sqrt(up * (1 - up)) / math.sqrt(keys)
    mean_error = sum(shown(count, cell=f"cell {number}", base=base) - count for number in range(keys)) / keys
    assert abs(mean_error) < 3 * standard_error


def test_the_same_cell_and_count_show_the_same_number_every_time():
    assert len({shown(7) for _ in range(20)}) == 1


def test_round_cell_count_secret_and_draw_all_change_the_draw():
    cells = [f"cell {number}" for number in range(64)]

    def numbers(**changed):
        return [
            shown(changed.get("count", 7), cell, **{k: v for k, v in changed.items() if k != "count"}) for cell in cells
        ]

    assert numbers() == numbers()
    assert numbers() != numbers(secret=b"another secret of the same length.")
    assert numbers() != numbers(draw=1)
    assert [n - 6 for n in numbers()] != [n - 9 for n in numbers(count=10)]
    assert numbers() != [rounded_count(SECRET, "2024-10-01", cell, 7, 3) for cell in cells]


def test_a_row_whose_total_gives_a_count_away_is_drawn_again():
    # The single case shown as 3 can only be 1 to 5, and the total is 1.
    assert given_away({"a": 1, "b": 0}, {"a": 3, "b": 0}, 3, 3) == ["a"]
    assert given_away({"a": 1, "b": 0}, {"a": 0, "b": 0}, 3, 3) == []
    # 1 + 1 shown as 3 + 3: each at least 1, and the total is 2.
    assert given_away({"a": 1, "b": 1, "c": 0}, {"a": 3, "b": 3, "c": 0}, 3, 3) == ["a", "b"]
    rows = {f"row {number}": {f"{number}/a": 1, f"{number}/b": 0} for number in range(30)}
    drawn = Rounding(rows, secret=SECRET, round_name=ROUND, base=3, threshold=3, released={})
    assert set(drawn.shown.values()) == {0}


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=5), st.sampled_from([3, 5]))
def test_no_row_gives_a_small_count_away_and_no_error_reaches_the_base(counts, base):
    row = {f"cell {number}": count for number, count in enumerate(counts)}
    drawn = Rounding({"row": row}, secret=SECRET, round_name=ROUND, base=base, threshold=5, released={}).shown
    assert given_away(row, drawn, base, 5) == []
    assert all(abs(drawn[cell] - count) < base for cell, count in row.items())


def test_a_number_that_is_released_stays_when_the_secret_is_lost():
    tables = scenario.tables(questions=MUNICIPAL_QUESTIONS)
    first = rounding(tables, 5, 3, secret=SECRET, released={})
    counts = {cell: count for row in municipal_rows(tables).values() for cell, count in row.items()}
    released = {(cell, counts[cell], 3): shown for cell, shown in first.rounded.items()}
    again = rounding(tables, 5, 3, secret=b"another secret of the same length.", released=released)
    assert again.rounded == first.rounded
    assert rounding(tables, 5, 3, secret=b"another secret of the same length.", released={}).rounded != first.rounded


def test_a_count_that_changed_since_the_release_is_drawn_anew():
    rows = {"row": {"a": 7, "b": 8}}
    released = {("a", 7, 3): 9, ("b", 5, 3): 3}
    drawn = Rounding(rows, secret=SECRET, round_name=ROUND, base=3, threshold=3, released=released)
    assert drawn.shown["a"] == 9
    assert drawn.shown["b"] in (6, 9)


def test_other_bases_are_refused():
    with pytest.raises(BotilbudError, match="set it to 3 or 5"):
        rounding(scenario.tables(questions=()), 5, 4, secret=SECRET, released={})


# Tables --------------------------------------------------------------------------------------------------------------


def test_every_municipality_is_shown_and_nothing_small_can_be_computed():
    tables = scenario.tables(questions=MUNICIPAL_QUESTIONS)
    for base in (3, 5):
        done = rounding(tables, 5, base, secret=SECRET, released={})
        counts = {cell: count for row in municipal_rows(tables).values() for cell, count in row.items()}
        assert done.unsafe == frozenset()
        assert done.rounded.keys() == counts.keys()
        assert max(abs(done.rounded[cell] - count) for cell, count in counts.items()) == base - 1
        for system in systems(tables, 5, Municipal(done.intervals, base)):
            small = [cell for cell in system.cells if 0 < counts.get(cell, 0) < base]
            found = bounds(public_knowledge(system, done.hidden), system.relations, small)
            assert all(low < high for low, high in found.values())


def test_share_and_rate_follow_from_the_rounded_count_and_the_exact_totals():
    tables = scenario.tables(totals=[12, *[14] * 9], questions=MUNICIPAL_QUESTIONS)
    done = rounding(tables, 5, 3, secret=SECRET, released={})
    rates = tables.case_rates.with_columns(rate_per_1000=pl.lit(0.0))
    exact = area_measures(tables.answer_counts.filter(pl.col("question") == "provider_type"), rates)
    exact = exact.drop("question").rename({"answer": "provider_type"})
    table = shared_table(exact, tables.case_rates, done)
    own = table.filter(pl.col("area_type") == "municipality")
    assert own["value_status"].unique().to_list() == ["rounded"]
    assert own["rounding_base"].unique().to_list() == [3]
    assert (own["cases"] % 3).unique().to_list() == [0]
    first = own.row(0, named=True)
    assert first["share"] == min(1.0, first["cases"] / 12)
    assert first["rate_per_1000"] == first["cases"] / 10_000 * 1_000
    others = table.filter(pl.col("area_type") != "municipality")
    assert others["rounding_base"].null_count() == others.height
    hidden = others.filter(pl.col("value_status") == "suppressed")
    assert hidden.select("cases", "share", "rate_per_1000").null_count().row(0) == (hidden.height,) * 3


def test_a_cube_is_rounded_so_that_neither_outsider_nor_insider_learns_a_small_count():
    cube = scenario.cube(20, 200)
    counts, relations = margins(cube)
    table = rounded_margins(cube, 3, secret=SECRET, round_name=ROUND)
    inner = [cell for cell in counts if not cell.startswith("total|") and not cell.endswith("|total|total")]
    known = {cell: (value, value) for cell, value in table.items()} | {cell: interval(table[cell], 3) for cell in inner}
    small = [cell for cell in inner if 0 < counts[cell] < 3]
    for own in ("nobody", "m00", "m07", "m19"):
        knows = known | {cell: (count, count) for cell, count in counts.items() if cell.startswith(f"{own}|")}
        found = bounds(knows, relations, [cell for cell in small if not cell.startswith(f"{own}|")])
        assert all(low < high for low, high in found.values())


# The secret ----------------------------------------------------------------------------------------------------------


def test_the_secret_is_made_once_for_its_owner_only(tmp_path):
    root = UPath(tmp_path)
    secret = rounding_secret(root, None)
    assert len(secret) == 32
    assert rounding_secret(root, None) == secret
    file = tmp_path / "secrets" / "rounding.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["rounding.key"]


def test_a_given_secret_is_used_and_a_short_one_refused(tmp_path):
    assert rounding_secret(UPath(tmp_path), "sixteen letters!") == b"sixteen letters!"
    assert not (tmp_path / "secrets").exists()
    with pytest.raises(BotilbudError, match="at least 16 characters") as refused:
        rounding_secret(UPath(tmp_path), "short and secret"[:5])
    assert "short" not in str(refused.value).replace("too short", "")


def test_a_damaged_secret_is_refused_rather_than_replaced(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "rounding.key").write_bytes(b"")
    with pytest.raises(BotilbudError, match="is damaged"):
        rounding_secret(UPath(tmp_path), None)
