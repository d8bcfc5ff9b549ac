"""How fast is management information on 10,000,000 grants, beside pandas and DuckDB doing the same work?

    python bench/management_information.py [--rows 10000000] [--runs 5]

The work: from the stored grants (parquet, as `write_parquet` writes it) to one year's two basic tables: unique active
citizens by municipality, month and service area or all of them; full-year cases (the days on which a citizen has a service,
each once, by months) and cost by municipality and service area.

- The grants are made up: drawn with a fixed seed, nothing of any real citizen is in them. A grant is a service at one price,
  so that a service of several years is several rows; some rows of a citizen and service area overlap.
- Every run is a fresh process, so that its peak memory is its own; the contenders take turns.
- Imports are not part of the time; they are shown beside it. Reading the parquet file is.
- Before any time is shown, all tables of all contenders are compared: counts and kroner exactly, full-year cases to 1e-9.

The peers read only the columns and rows they need, as their users would, and count in whole numbers as the product does.
DuckDB has as many threads as the product. Each is written in two ways, and both are shown: plainly (citizens counted
distinct in each month), and tuned with what was found fastest here (months as bits in DuckDB; in pandas, cases numbered and
marked in numpy arrays). Targets are pandas as it is plainly written, and the faster DuckDB. The product makes groups and unit
costs besides.
"""

# ruff: noqa: S608, PD010, C901, PLR0915
# The SQL is put together from dates and numbers made here, and the peers are written in the idioms of their users.

import argparse
import calendar
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEED = 20250228
YEAR = 2024
THREADS = 2
PRODUCT = "product"
CONTENDERS = (PRODUCT, "duckdb", "duckdb_tuned", "pandas", "pandas_tuned")
TABLES = ("active_cases", "full_year_cases")
POPULATION = ROOT / "pipelines" / "reference" / "population_18_66_2020K1.csv"
TARGETS = {"pandas": 10, "duckdb_tuned": 1}

NEW_YEAR, NEW_YEARS_EVE = f"{YEAR}-01-01", f"{YEAR}-12-31"
LENGTHS = [calendar.monthrange(YEAR, month)[1] for month in range(1, 13)]
MONTH_PARTS = math.lcm(*LENGTHS)


# The data ------------------------------------------------------------------------------------------------------------


def write_grants(path, rows):
    """Made-up grants in the stored types, by municipality, in no order within one."""
    import numpy as np
    import polars as pl

    from schemas.service_areas import service_areas

    rng = np.random.default_rng(SEED)
    population = pl.read_csv(POPULATION, schema_overrides={"municipality_code": pl.String}).sort("municipality_code")
    weights = population["population_18_66"].to_numpy() / population["population_18_66"].sum()
    years = np.arange(2021, 2026)
    new_years = np.array([f"{year}-01-01" for year in range(2021, 2027)], dtype="datetime64[D]").astype(np.int64)

    # Services first, then a row for each year that one goes on in, as prices change on 1 January.
    services = int(rows / 1.6)
    municipality = rng.choice(len(weights), services, p=weights).astype(np.int16)
    citizen = (rng.random(services) * np.maximum(rows / 5 * weights[municipality], 1)).astype(np.int64)
    area = rng.choice(len(service_areas()), services, p=rng.dirichlet([3.0] * len(service_areas()))).astype(np.int8)
    start = rng.integers(new_years[0] - 5 * 365, new_years[-1], services)
    end = start + (rng.exponential(1_500, services)).astype(np.int64)
    first = np.clip(np.searchsorted(new_years, start, "right") - 1, 0, None)
    last = np.clip(np.searchsorted(new_years, end, "right") - 1, 0, len(years) - 1)
    pieces = np.where(end >= new_years[0], last - first + 1, 0)
    of = np.repeat(np.arange(services), pieces)
    place = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    of_year = first[of] + place
    is_last = place == pieces[of] - 1
    # Where nobody ended a price, it goes on through January beside the next one.
    forgotten = np.where(rng.random(len(of)) < 0.03, 31, 0)
    row_start = np.where(place == 0, start[of], new_years[of_year])
    row_end = np.where(is_last, end[of], new_years[of_year + 1] - 1 + forgotten)
    goes_on = is_last & (end[of] >= new_years[-1])
    unit = rng.choice(3, services, p=[0.5, 0.35, 0.15])[of]
    yearly = np.exp(rng.normal(12.8, 1.0, services))[of] * 1.03**of_year

    kept = rng.permutation(len(of))[:rows]
    if len(kept) < rows:
        sys.exit(f"{len(kept)} grants were drawn, {rows} are wanted")
    kept = kept[np.argsort(municipality[of[kept]], kind="stable")]
    codes = population["municipality_code"]
    areas = pl.Series(list(service_areas()))
    units = pl.Series(["day", "month", "year"])
    providers = pl.Series(["own_municipality", "other_municipality", "region", "private"])
    of_kept = of[kept]
    numbers = pl.Series(citizen[of_kept])
    of_rows = codes[municipality[of_kept].astype(np.uint32)]
    pl.DataFrame(
        {
            "municipality_code": of_rows,
            "row": np.arange(2, rows + 2),
            "citizen_id": pl.select(pl.lit(of_rows) + "-" + pl.lit(numbers).cast(pl.String).str.zfill(7)).to_series(),
            "birth_year": rng.integers(1935, 2005, services)[of_kept],
            "service_area": areas[area[of_kept].astype(np.uint32)],
            "provider": providers[rng.integers(0, 4, services)[of_kept].astype(np.uint32)],
            "start_date": pl.Series(row_start[kept]).cast(pl.Int32).cast(pl.Date),
            "end_date": pl.Series(row_end[kept]).cast(pl.Int32).cast(pl.Date).set(pl.Series(goes_on[kept]), None),
            "price_dkk": (yearly[kept] / np.array([365, 12, 1])[unit[kept]]).astype(np.int64),
            "price_unit": units[unit[kept].astype(np.uint32)],
            "own_payment_dkk": pl.Series(rng.integers(0, 90_000, services)[of_kept]),
            "initiative": pl.Series([None], dtype=pl.String).new_from_index(0, rows),
            "as_of": pl.Series(["2025-02-28"]).new_from_index(0, rows),
        }
    ).write_parquet(path)


# The contenders: each returns the two tables and, unmeasured, a way to write them -------------------------------------


def product(path):
    import polars as pl

    from pipelines.management_information.active_cases import monthly_active_cases
    from pipelines.management_information.full_year_cases import full_year_cases

    def step():
        grants = pl.scan_parquet(path)
        participants = pl.read_csv(POPULATION, infer_schema=False).select(
            "municipality_code", as_of=pl.lit("2025-02-28")
        )
        return {
            "active_cases": monthly_active_cases(grants, participants, YEAR),
            "full_year_cases": full_year_cases(grants, participants, YEAR, "months"),
        }

    def write(table, to):
        of_areas = table.filter(service_area_level="service_area") if "service_area_level" in table.columns else table
        of_areas.write_parquet(to)

    return step, write


def pandas_step(path, *, tuned):
    import numpy as np
    import pandas as pd
    import pyarrow.compute as pc
    import pyarrow.parquet  # noqa: F401  read_parquet imports it, which is not part of the time

    from schemas.service_areas import ALL, service_areas

    areas = list(service_areas())
    case = ["municipality_code", "citizen_id", "service_area"]
    until = np.concatenate([[0], np.cumsum(np.repeat([MONTH_PARTS // n for n in LENGTHS], LENGTHS))])
    month_of = np.repeat(np.arange(12), LENGTHS)

    def grants_of_year():
        starts, ends = pc.field("start_date"), pc.field("end_date")
        new_year, eve = (pd.Timestamp(day).date() for day in (NEW_YEAR, NEW_YEARS_EVE))
        columns = [*case, "start_date", "end_date", "price_dkk", "price_unit"]
        is_active = (starts <= eve) & (ends.is_null() | (ends >= new_year))
        grants = pd.read_parquet(path, columns=columns, filters=is_active)
        grants = grants.astype(dict.fromkeys(["municipality_code", "service_area", "price_unit"], "category"))
        first, last = pd.to_datetime(grants["start_date"]), pd.to_datetime(grants["end_date"])
        grants["first_day"] = first.clip(lower=NEW_YEAR).dt.day_of_year
        grants["last_day"] = last.fillna(pd.Timestamp(NEW_YEARS_EVE)).clip(upper=NEW_YEARS_EVE).dt.day_of_year
        return grants

    def active_in_months(grants):
        """Citizens counted distinct in each month."""
        counts = {}
        first, last = month_of[grants["first_day"] - 1], month_of[grants["last_day"] - 1]
        for month in range(12):
            active = grants[(first <= month) & (month <= last)]
            of_areas = active.groupby(["municipality_code", "service_area"], observed=True)["citizen_id"].nunique()
            of_all = active.groupby("municipality_code", observed=True)["citizen_id"].nunique()
            counts[f"{YEAR}-{month + 1:02}"] = pd.concat([of_areas.unstack(), of_all.rename(ALL)], axis=1)
        return counts

    def active_in_months_by_number(grants):
        """Cases and citizens numbered once, and counted by marking their numbers in each month."""
        counts = {}
        first, last = month_of[grants["first_day"] - 1], month_of[grants["last_day"] - 1]
        numbered = {}
        for keys, of in ((["municipality_code", "service_area"], "case"), (["municipality_code"], "citizen")):
            numbers = grants[of].to_numpy()
            one_of_each = grants.drop_duplicates(of).set_index(of)[keys].sort_index()
            numbered[of] = numbers, one_of_each
        for month in range(12):
            active = (first <= month) & (month <= last)
            tables = []
            for numbers, one_of_each in numbered.values():
                seen = np.zeros(len(one_of_each), dtype=bool)
                seen[numbers[active]] = True
                tables.append(one_of_each[seen].groupby(list(one_of_each.columns), observed=True).size())
            counts[f"{YEAR}-{month + 1:02}"] = pd.concat([tables[0].unstack(), tables[1].rename(ALL)], axis=1)
        return counts

    def long(counts, municipalities):
        wide = pd.concat(counts, names=["month", "municipality_code"])
        wide.columns = wide.columns.astype(str)
        everything = pd.MultiIndex.from_product([counts, municipalities], names=["month", "municipality_code"])
        wide = wide.reindex(index=everything, columns=[*areas, ALL]).fillna(0).astype("int64")
        return wide.rename_axis(columns="service_area").stack().rename("active_cases").reset_index()  # noqa: PD013

    def with_parts(grants, keys):
        """Of days that several rows of a case have, one row has them."""
        grants = grants.sort_values([*keys, "first_day", "last_day"])
        reached = grants.groupby(keys, observed=True, sort=False)["last_day"].cummax()
        is_new = ~grants.duplicated(keys)
        before = reached.shift(fill_value=0).where(~is_new, 0)
        first_own = np.maximum(grants["first_day"], before + 1)
        last = np.maximum(grants["last_day"], first_own - 1)
        grants["active_parts"] = until[last] - until[first_own - 1]
        grants["citizens"] = is_new
        return grants

    def of_areas(grants, keys, municipalities):
        parts = until[grants["last_day"]] - until[grants["first_day"] - 1]
        days = grants["last_day"] - grants["first_day"] + 1
        price, unit = grants["price_dkk"], grants["price_unit"]
        grants["day_money"] = (price * days).where(unit == "day", 0)
        grants["month_money"] = (price * parts).where(unit == "month", 0)
        grants["year_money"] = (price * parts).where(unit == "year", 0)
        sums = (
            with_parts(grants, keys)
            .groupby(["municipality_code", "service_area"], observed=True)[
                ["citizens", "active_parts", "day_money", "month_money", "year_money"]
            ]
            .sum()
        )
        sums.index = sums.index.set_levels([level.astype(str) for level in sums.index.levels])
        everything = pd.MultiIndex.from_product([municipalities, areas], names=sums.index.names)
        sums = sums.reindex(everything, fill_value=0)
        money, whole = 12 * sums["month_money"] + sums["year_money"], 12 * MONTH_PARTS
        return pd.DataFrame(
            {
                "citizens": sums["citizens"].astype("int64"),
                "full_year_cases": sums["active_parts"] / whole,
                "cost_dkk": sums["day_money"] + (2 * money + whole) // (2 * whole),
            }
        ).reset_index()

    def step():
        municipalities = pd.read_csv(POPULATION, dtype=str)["municipality_code"]
        grants = grants_of_year()
        if not tuned:
            counts = active_in_months(grants)
            return {
                "active_cases": long(counts, municipalities),
                "full_year_cases": of_areas(grants, case, municipalities),
            }
        citizen = pd.factorize(grants["citizen_id"])[0].astype("int64")
        place = grants["municipality_code"].cat.codes.to_numpy().astype("int64")
        grants["citizen"] = pd.factorize(citizen * 1_000 + place)[0]
        grants["case"] = pd.factorize(grants["citizen"] * 100 + grants["service_area"].cat.codes)[0]
        grants = grants.drop(columns="citizen_id")
        counts = active_in_months_by_number(grants)
        return {
            "active_cases": long(counts, municipalities),
            "full_year_cases": of_areas(grants, ["case"], municipalities),
        }

    return step, lambda table, to: table.to_parquet(to, index=False)


def duckdb_step(path, *, tuned):
    import duckdb

    from schemas.service_areas import ALL, service_areas

    areas = ", ".join(f"('{code}')" for code in service_areas())

    def parts(first, last):
        """Month parts from one day to another, both included."""

        def until(day):
            return f"((month({day}) - 1) * {MONTH_PARTS} + day({day}) * ({MONTH_PARTS} // day(last_day({day}))))"

        return f"({until(last)} - {until(first)} + {MONTH_PARTS} // day(last_day({first})))"

    def step():
        db = duckdb.connect(config={"threads": THREADS})
        run = db.execute
        run(
            f"create table municipalities as select municipality_code from read_csv('{POPULATION}', all_varchar = true)"
        )
        run(f"create table areas as from (values {areas}) as areas(service_area)")
        run(f"""create table months as select strftime(month, '%Y-%m') as month, month::date as first,
            last_day(month) as last, 1 << (month(month) - 1) as bit
            from generate_series(date '{NEW_YEAR}', date '{NEW_YEARS_EVE}', interval 1 month) as months(month)""")
        run(f"""create view grants as
            select municipality_code, citizen_id, service_area, price_dkk, price_unit,
                greatest(start_date, date '{NEW_YEAR}') as first,
                least(coalesce(end_date, date '{NEW_YEARS_EVE}'), date '{NEW_YEARS_EVE}') as last
            from read_parquet('{path}')
            where start_date <= date '{NEW_YEARS_EVE}' and (end_date is null or end_date >= date '{NEW_YEAR}')""")
        if tuned:
            run("""create temp table cases as
                select municipality_code, citizen_id, service_area,
                    bit_or((2 << (month(last) - 1)) - (1 << (month(first) - 1))) as active
                from grants group by all""")
            run("""create temp table citizens as
                select municipality_code, citizen_id, bit_or(active) as active from cases group by all""")
            found = f"""
                with sets as (
                    select municipality_code, service_area, active, count(*) as n from cases group by all
                    union all
                    select municipality_code, '{ALL}', active, count(*) from citizens group by all)
                select municipality_code, service_area, month, sum(n)::bigint as active_cases
                from sets join months on active & bit <> 0 group by all"""
        else:
            found = f"""
                select municipality_code, service_area, month, count(distinct citizen_id) as active_cases
                from grants g join months m on g.first <= m.last and g.last >= m.first group by all
                union all
                select municipality_code, '{ALL}', month, count(distinct citizen_id)
                from grants g join months m on g.first <= m.last and g.last >= m.first group by all"""
        run(f"""create table active_cases as
            select municipality_code, month, service_area, coalesce(active_cases, 0) as active_cases
            from municipalities cross join (select month from months)
            cross join (from areas union all select '{ALL}')
            left join ({found}) using (municipality_code, month, service_area)""")
        run(f"""create table full_year_cases as
            with rows as (
                select *, max(last) over (partition by municipality_code, citizen_id, service_area order by first, last
                    rows between unbounded preceding and 1 preceding) as reached
                from grants),
            own as (select *, greatest(first, coalesce(reached + 1, first)) as own from rows),
            sums as (
                select municipality_code, service_area,
                    count(*) filter (reached is null) as citizens,
                    sum(case when own <= last then {parts("own", "last")} end) as active_parts,
                    sum(price_dkk * (last - first + 1)) filter (price_unit = 'day') as day_money,
                    sum(price_dkk * {parts("first", "last")}) filter (price_unit = 'month') as month_money,
                    sum(price_dkk * {parts("first", "last")}) filter (price_unit = 'year') as year_money
                from own group by all)
            select municipality_code, service_area, coalesce(citizens, 0) as citizens,
                coalesce(active_parts, 0) / {12 * MONTH_PARTS} as full_year_cases,
                (coalesce(day_money, 0) + (2 * (12 * coalesce(month_money, 0) + coalesce(year_money, 0))
                    + {12 * MONTH_PARTS}) // {24 * MONTH_PARTS})::bigint as cost_dkk
            from municipalities cross join areas left join sums using (municipality_code, service_area)""")
        return {table: db.table(table) for table in TABLES}

    return step, lambda table, to: table.write_parquet(str(to))


def contender(name, path):
    library, _, tuned = name.partition("_")
    if library == PRODUCT:
        return product(path)
    return {"pandas": pandas_step, "duckdb": duckdb_step}[library](path, tuned=bool(tuned))


# The runs ------------------------------------------------------------------------------------------------------------


def run_once(name, path, out):
    """One contender in this process: seconds, seconds of imports, and peak memory in MB."""
    start = time.perf_counter()
    step, write = contender(name, path)
    imported = time.perf_counter()
    tables = step()
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    if out:
        for table in TABLES:
            write(tables[table], Path(out) / f"{name}.{table}.parquet")
    print(json.dumps({"seconds": done - imported, "imports": imported - start, "peak_mb": peak}))


def compare(folder):
    """Every table of every contender holds the same rows as the product's."""
    import polars as pl
    from polars.testing import assert_frame_equal

    columns = {
        "active_cases": ["municipality_code", "month", "service_area", "active_cases"],
        "full_year_cases": ["municipality_code", "service_area", "citizens", "full_year_cases", "cost_dkk"],
    }
    for table in TABLES:
        mine = pl.read_parquet(Path(folder) / f"{PRODUCT}.{table}.parquet").select(columns[table])
        for name in CONTENDERS[1:]:
            theirs = pl.read_parquet(Path(folder) / f"{name}.{table}.parquet").select(mine.columns).cast(mine.schema)
            assert_frame_equal(mine, theirs, check_row_order=False, abs_tol=0, rel_tol=1e-9)
        print(f"  {table}: {mine.height:,} rows, the same in all {len(CONTENDERS)}")


def child(*arguments):
    """This script in a fresh process.

    A process starts with the peak memory of its parent as its own, so this one imports no library and holds no data.
    """
    command = [sys.executable, "-P", __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grants.parquet"
        child("write", path, arguments.rows)
        print(f"{arguments.rows:,} made-up grants, {path.stat().st_size / 1e6:.1f} MB of parquet")
        for name in CONTENDERS:
            child("run", name, path, folder)
        print(child("compare", folder), end="")
        runs = {name: [] for name in CONTENDERS}
        for _ in range(arguments.runs):
            for name in CONTENDERS:
                runs[name].append(json.loads(child("run", name, path)))
    print(f"{arguments.runs} runs of each, taking turns")
    print(f"{'':14}{'median s':>10}{'fastest s':>11}{'peak MB':>9}{'imports s':>11}{'product is faster by':>22}")
    median = {name: statistics.median(run["seconds"] for run in of) for name, of in runs.items()}
    for name, of in runs.items():
        fastest = min(run["seconds"] for run in of)
        peak, imports = (statistics.median(run[key] for run in of) for key in ("peak_mb", "imports"))
        ratio = "" if name == PRODUCT else f"{median[name] / median[PRODUCT]:.1f} times"
        print(f"{name:14}{median[name]:10.3f}{fastest:11.3f}{peak:9.0f}{imports:11.2f}{ratio:>22}")
    for peer, target in TARGETS.items():
        ratio = median[peer] / median[PRODUCT]
        reached = "reached" if ratio >= target else "not reached"
        print(f"target: at least {target} times as fast as {peer}: {ratio:.1f} times, {reached}")


if __name__ == "__main__":
    # Run as a script, Python looks for modules beside the script; the product's are one level up.
    sys.path.insert(0, str(ROOT))
    match sys.argv[1:]:
        case ["write", path, rows]:
            write_grants(path, int(rows))
        case ["run", name, path, *out]:
            run_once(name, path, *(out or [None]))
        case ["compare", folder]:
            compare(folder)
        case _:
            main()
