"""What the audit of the shared benchmark finds. Citizens and prices are made up (opdigtet)."""

from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from pipelines.management_information.benchmark_audit import (
    Exposure,
    audit_benchmark,
    exposures,
    require_audited,
)
from pipelines.management_information.benchmarks import (
    CELL,
    citizens_behind,
    service_area_benchmarks,
    units_of,
    with_comparisons,
)
from pipelines.management_information.shared_benchmarks import rounded_cases, shared_benchmarks
from pipelines.reference.municipalities import municipalities
from pipelines.storage import parquet_bytes
from schemas.errors import BotilbudError, DisclosureError
from schemas.management_tables import BENCHMARK_AUDIT, SHARED_SERVICE_AREA_BENCHMARKS
from schemas.service_areas import labels_da, service_areas
from schemas.tables import failures
from schemas.years import find_year
from tests.golden.management_scenario import grant, grants, participants
from tests.unit.ingest_scenario import costly_property_test, property_test

YEAR = find_year("2023")
SECRET = b"opdigtet hemmelighed"
CHECKSUM = "0" * 64
MUNICIPALITIES = municipalities()
# Five of Region Hovedstaden in group 1, and two more of others.
FIVE = ("151", "153", "155", "157", "159")
MORE = (*FIVE, "461", "825")
POPULATION = MUNICIPALITIES.select(
    "municipality_code", population_18_66=pl.lit(20_000, pl.Int64), population_quarter=pl.lit("2023K1")
)
LONE = ("municipality", "151", "service_area", "sel_108")


class World:
    """Extracts by (municipality, service area): yearly prices of citizens who have it the whole year."""

    def __init__(self, prices, codes=FIVE):
        rows = [
            grant(f"{area}{i}", area, "2023-01-01", municipality_code=code, price_dkk=price)
            for (code, area), each in prices.items()
            for i, price in enumerate(each)
        ]
        taking_part = participants(**{f"m{code}": "2024-02-01" for code in codes})
        self.exact = service_area_benchmarks(grants(*rows), taking_part, POPULATION, MUNICIPALITIES, YEAR)
        self.citizens = citizens_behind(grants(*rows), taking_part, MUNICIPALITIES, YEAR)

    def shared(self, secret=SECRET):
        return shared_benchmarks(self.exact, self.citizens, YEAR, secret)

    def exposures(self, shared):
        return exposures(shared, self.citizens, self.exact, YEAR)

    def audit(self, shared):
        return audit_benchmark(shared, self.citizens, self.exact, YEAR, CHECKSUM)


@cache
def lone_world():
    """Eight citizens in sel_107 in each of five municipalities, and one in sel_108 in the first."""
    prices = {(code, "sel_107"): [600_000 + 10_000 * i for i in range(8)] for code in FIVE}
    return World({**prices, ("151", "sel_108"): [1_500_000]})


def where(area_code, *service_area):
    return (pl.col("area_code") == area_code) & pl.col("service_area").is_in(service_area)


def planted(table, rows, **columns):
    """A table with other figures in some rows, and the comparisons that follow."""
    changed = table.with_columns(
        pl.when(rows).then(pl.lit(value, table.schema[name])).otherwise(name).alias(name)
        for name, value in columns.items()
    )
    return with_comparisons(changed, units_of(lone_world().citizens))


def as_they_are(world, shared, rows):
    """A shared table with the exact figures in some rows, as `published`."""
    names = ["full_year_cases", "unit_cost_dkk", "value_status", "unit_cost_status", "rounding_base"]
    true = world.exact.select(*CELL, pl.col(*names, "unit_cost_rounding_dkk").name.prefix("_"))
    return (
        shared.join(true, on=CELL, maintain_order="left")
        .with_columns(
            pl.when(rows).then(pl.col(f"_{name}")).otherwise(name).alias(name)
            for name in (*names, "unit_cost_rounding_dkk")
        )
        .select(shared.columns)
    )


# What is found -------------------------------------------------------------------------------------------------------


def test_the_table_as_it_is_shared_is_clean():
    world = lone_world()
    audit = world.audit(world.shared())
    assert failures(audit, BENCHMARK_AUDIT) == {}
    require_audited(audit)
    figures = dict(audit.select("audited", "cells").rows())
    # Two figures for each of 21 services, groups and all of them; one region, one group, five municipalities.
    assert figures == {"country": 42, "region": 42, "municipality_group": 42, "municipality": 5 * 42}
    assert (audit["hidden_cells"] + audit["rounded_cells"]).to_list() == audit["cells"].to_list()


def test_the_unit_cost_of_one_citizen_is_found():
    world = lone_world()
    shown = planted(
        world.shared(),
        where("151", "sel_108"),
        unit_cost_dkk=1_500_000,
        unit_cost_rounding_dkk=1,
        unit_cost_status="rounded",
    )
    # The full-year cases are still rounded, so the cost does not follow; the price does.
    assert world.exposures(shown) == [Exposure(LONE, "price")]


def test_a_lone_citizen_is_found_in_exact_totals():
    world = lone_world()
    services = ("sel_107", "abl_105_sel_85", "independent_care_home", "residential_care")
    shown = as_they_are(world, world.shared(), where("151", *services))
    # Of 9 full-year cases and their cost 8 are in sel_107.
    assert {found.figure for found in world.exposures(shown) if found.cell == LONE} == {"cases", "cost", "price"}


def test_what_only_a_neighbour_can_find_is_found():
    # Each of two municipalities has one citizen in sel_108; the region's total is shown exactly, and that of the three who
    # have none. Nobody else can tell the two apart, but each can tell the other's.
    prices = {(code, "sel_107"): [600_000 + 10_000 * i for i in range(8)] for code in FIVE}
    world = World({**prices, ("151", "sel_108"): [1_500_000], ("153", "sel_108"): [400_000]})
    shown = as_they_are(
        world, world.shared(), (pl.col("service_area") == "sel_108") & ~pl.col("area_code").is_in(["151", "153"])
    )
    found = world.exposures(shown)
    assert Exposure(LONE, "cases") in found
    assert Exposure(LONE, "cost") in found
    both = as_they_are(world, world.shared(), where("155", "sel_108"))
    assert world.exposures(both) == []


def test_a_refusal_tells_numbers_and_no_figure():
    world = lone_world()
    shown = planted(
        world.shared(),
        where("151", "sel_108"),
        unit_cost_dkk=1_500_000,
        unit_cost_rounding_dkk=1,
        unit_cost_status="rounded",
    )
    with pytest.raises(DisclosureError, match="1 exposed and 0 faulty figures of municipality") as refused:
        require_audited(world.audit(shown))
    assert "1500000" not in str(refused.value)
    assert "151" not in str(refused.value)


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        (where("151", "sel_108"), {"unit_cost_ci95_upper_dkk": 1_500_000, "unit_cost_ci95_lower_dkk": 0}),
        (where("151", "sel_107"), {"unit_cost_dkk": 635_000}),
        (where("151", "sel_107"), {"unit_cost_dkk": 800_000}),
        (where("151", "sel_107"), {"unit_cost_rounding_dkk": None}),
        (where("151", "sel_107"), {"unit_cost_ci95_upper_dkk": 1_200_000}),
        (where("151", "sel_107"), {"unit_cost_status": "suppressed"}),
        (where("151", "sel_107"), {"full_year_cases": 8.0}),
        (where("151", "sel_107"), {"full_year_cases": 12.0}),
        (where("151", "sel_107"), {"full_year_cases_per_1000": 0.4}),
        (where("151", "sel_107"), {"full_year_cases_ci95_upper": 0.8}),
        (where("151", "sel_107"), {"value_status": "published"}),
        (where("151", "sel_107"), {"value_status": "suppressed"}),
        (where("151", "sel_107"), {"rounding_base": 5}),
    ],
)
def test_a_figure_that_says_more_or_otherwise_than_it_may_is_counted(row, columns):
    world = lone_world()
    audit = world.audit(planted(world.shared(), row, **columns))
    assert audit.filter(audited="municipality")["faulty_figures"].item() > 0
    assert audit.filter(audited="country")["faulty_figures"].item() == 0


def test_a_comparison_that_follows_from_something_else_is_counted():
    world = lone_world()
    shown = world.shared().with_columns(
        pl.when(where("151", "sel_107"))
        .then(pl.lit("lower"))
        .otherwise("volume_comparison_region")
        .alias("volume_comparison_region")
    )
    assert world.audit(shown)["faulty_figures"].to_list() == [0, 0, 0, 1]


def test_tables_of_other_cells_are_refused():
    world = lone_world()
    with pytest.raises(BotilbudError, match="not of the same cells"):
        world.audit(world.shared().reverse())


def test_without_participants_there_is_nothing_to_find():
    world = World({}, codes=())
    audit = world.audit(world.shared())
    assert audit["cells"].to_list() == [0, 0, 0, 0]
    require_audited(audit)


# The answer is that of another solver ------------------------------------------------------------------------------


def narrowest(world, shared, knows=()):
    """Of each small cell of a municipality that knows not itself, (cases, cost) by how far apart they can be."""
    names = shared.select(CELL).rows()
    places = sorted({code for kind, code, *_ in names if kind == "municipality"})
    leaves = [(code, area) for code in places for area in service_areas()]
    true = world.exact.join(world.citizens, on=CELL).select(*CELL, "full_year_cases", "cost_dkk")
    truth = {(code, service): (cases, cost / 1e5) for _, code, _, service, cases, cost in true.iter_rows()}
    region = {m: (r, g) for m, r, g in units_of(world.citizens).iter_rows()}

    def inside(cell):
        kind, code, _, service = cell
        return np.array(
            [
                (kind == "country" or code in (m, *region[m])) and (service in ("all", a, service_areas()[a].group))
                for m, a in leaves
            ],
            float,
        )

    rows, most = [], []
    for cell, told in zip(names, shared.iter_rows(named=True), strict=True):
        x, nothing = inside(cell), np.zeros(len(leaves))
        if told["full_year_cases"] is not None:
            rows += [np.concatenate([x, nothing]), np.concatenate([-x, nothing])]
            reach = told["rounding_base"] or 0
            most += [told["full_year_cases"] + reach, reach - told["full_year_cases"]]
        if told["unit_cost_dkk"] is not None:
            reach = (told["unit_cost_rounding_dkk"] or 0) / 2 + 0.5
            rows += [np.concatenate([-(told["unit_cost_dkk"] + reach) / 1e5 * x, x])]
            rows += [np.concatenate([(told["unit_cost_dkk"] - reach) / 1e5 * x, -x])]
            most += [1e-9, 1e-9]
    for number, (_, area) in enumerate(leaves):
        rows.append(np.zeros(2 * len(leaves)))
        rows[-1][[number, number + len(leaves)]] = -service_areas()[area].price_max_dkk / 1e5, 1
        most.append(0)
    bounds = [(truth[leaf][0],) * 2 if leaf[0] in knows else (0, None) for leaf in leaves]
    bounds += [(truth[leaf][1],) * 2 if leaf[0] in knows else (0, 1e5) for leaf in leaves]
    found = {}
    for cell, (citizens, share) in zip(
        names, world.citizens.select("citizens", "largest_cost_share").iter_rows(), strict=True
    ):
        if cell[0] == "municipality" and cell[1] not in knows and citizens and (citizens < 5 or share > 0.5):
            x, nothing = inside(cell), np.zeros(len(leaves))
            needs = truth[cell[1], cell[3]][0] / citizens, truth[cell[1], cell[3]][1] * share
            for figure, aim, need in zip(("cases", "cost"), ([x, nothing], [nothing, x]), needs, strict=True):
                ends = [
                    linprog(sign * np.concatenate(aim), np.array(rows), most, bounds=bounds).fun for sign in (1, -1)
                ]
                found[cell, figure] = (-ends[1] - ends[0]) / need
    return found


@pytest.mark.parametrize(("told", "by_outsider", "by_anybody"), [(0.3, 0, 0), (0.6, 3, 6), (0.9, 8, 8)])
def test_what_is_found_is_what_another_solver_finds_for_each_attacker_alone(told, by_outsider, by_anybody):
    world = World(
        {
            **{(code, "sel_107"): [600_000 + 10_000 * i for i in range(8)] for code in FIVE},
            **{(code, "sel_104"): [300_000 + 10_000 * i for i in range(5)] for code in FIVE},
            ("151", "sel_108"): [2_500_000],
            ("153", "sel_108"): [900_000, 1_200_000],
            ("155", "sel_103"): [150_000],
            ("157", "sel_103"): [120_000],
        }
    )
    # All but the small cells are shown exactly, each with this probability.
    drawn = pl.Series(np.random.default_rng(20231001).random(world.exact.height) < told)
    is_small = (world.citizens["citizens"] > 0) & (world.citizens["citizens"] < YEAR.disclosure_threshold)
    shared = as_they_are(world, world.shared(), pl.lit(drawn & ~is_small))
    outsider, *insiders = (narrowest(world, shared, knows) for knows in ((), *((code,) for code in FIVE)))
    told_to = [{key for key, width in each.items() if width < 1 - 1e-6} for each in (outsider, *insiders)]
    found = {(f.cell, f.figure) for f in world.exposures(shared) if f.cell[0] == "municipality" and f.figure != "price"}
    assert found == set.union(*told_to)
    assert (len(told_to[0]), len(found), len(outsider)) == (by_outsider, by_anybody, 8)


# Properties ----------------------------------------------------------------------------------------------------------

prices = st.lists(st.integers(10_000, 3_000_000), max_size=9)
worlds = st.dictionaries(
    st.tuples(st.sampled_from(MORE), st.sampled_from(["sel_107", "sel_108", "sel_97", "stu", "sel_103"])),
    prices,
    max_size=14,
)


@pytest.mark.slow
@costly_property_test
@given(worlds, st.sampled_from([FIVE, MORE, MORE[:3]]), st.binary(min_size=16, max_size=16))
def test_what_is_shared_is_clean_whatever_the_grants_and_the_secret(world_prices, codes, secret):
    world = World({key: each for key, each in world_prices.items() if key[0] in codes}, codes)
    shared = world.shared(secret)
    assert failures(shared, SHARED_SERVICE_AREA_BENCHMARKS) == {}
    assert shared.select(CELL).equals(world.exact.select(CELL))
    require_audited(world.audit(shared))
    assert parquet_bytes(shared) == parquet_bytes(world.shared(secret))


@pytest.mark.slow
@property_test
@given(
    st.floats(0, 5_000),
    st.floats(0, 5_000),
    st.integers(0, 2**32 - 1).map(lambda drawn: drawn / 2**32),
    st.sampled_from([3, 5]),
)
def test_more_cases_never_show_less_and_what_is_shown_is_less_than_the_base_away(one, other, draw, base):
    fewer, more = (rounded_cases(cases, draw, base) for cases in sorted((one, other)))
    assert fewer <= more
    assert fewer % base == 0
    assert fewer - base <= min(one, other) < fewer + base


def test_every_service_and_group_of_every_area_is_in_the_shared_table():
    shared = lone_world().shared()
    assert shared.group_by("area_type", "area_code").len()["len"].unique().to_list() == [len(labels_da())]
