"""How fast is the benchmark step on 1,000,000 responses, beside pandas and DuckDB doing the same work?

    python bench/benchmark_step.py [--rows 1000000] [--runs 7]

The work: from the stored responses (parquet, as `write_parquet` writes it) to the six tables of the step: rates, area
averages, target groups, provider types, the answers to every closed question (each for the country, the regions, the
municipality groups and every municipality), and the key findings.

- The responses are made up: drawn with a fixed seed from the catalogue's options, nothing of any real case is in them.
- Every run is a fresh process, so that its peak memory is its own; the contenders take turns.
- Imports are not part of the time; they are shown beside it. Reading the parquet file is.
- Before any time is shown, all tables of all contenders are compared, and the run stops at the first difference.

The peers read only the columns and rows they need, as their users would. Each is written in two ways, and both are
shown: plainly (one GROUP BY per question, several answers split and unnested), and tuned with what was found fastest
here (grouping sets; distinct combinations of answers counted first, as the product does).
"""

# ruff: noqa: S608, PD010, PD013, PLR0915
# The SQL is put together from the catalogue's own codes, and the peers are written in the idioms of their users.

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEED = 20221001
ROUND = "2022-10-01"
PRODUCT = "product"
CONTENDERS = (PRODUCT, "duckdb", "duckdb_tuned", "pandas", "pandas_tuned")
TABLES = ("case_rates", "area_averages", "target_groups", "provider_types", "question_answers", "key_findings")
LIMITS = ("share_ci95_lower", "share_ci95_upper", "ci95_lower", "ci95_upper", "rounding_base")
# These participate, and reported that they had no case.
WITHOUT_CASES = ("492", "825")
POPULATION = ROOT / "pipelines" / "reference" / "population_18_66_2020K1.csv"
MUNICIPALITIES = ROOT / "schemas" / "municipalities.csv"


# The data ------------------------------------------------------------------------------------------------------------


def write_responses(path, rows):
    """Made-up responses in the stored types: single answers as Enum, multiple ones as text with `;` between."""
    import numpy as np
    import polars as pl

    from pipelines.reference.municipalities import municipalities
    from schemas.questionnaire import load_catalogue

    rng = np.random.default_rng(SEED)
    catalogue = load_catalogue("2022")
    codes = municipalities().filter(~pl.col("municipality_code").is_in(WITHOUT_CASES))["municipality_code"]

    def answers(question):
        options = question.codes
        if question.key == "in_residential_care":
            return pl.Series(options, dtype=pl.Enum(options))[(rng.random(rows) > 0.97).astype(int)]
        if question.kind == "single":
            weights = rng.dirichlet([2.0] * len(options))
            return pl.Series(options, dtype=pl.Enum(options))[rng.choice(len(options), rows, p=weights)]
        # Two in five leave it blank, the others choose one to three.
        sets = [[i for i in range(len(options)) if bits >> i & 1] for bits in range(1, 1 << len(options))]
        chosen = [None, *(";".join(options[i] for i in each) for each in sets if len(each) <= 3)]
        return pl.Series(chosen)[np.where(rng.random(rows) < 0.4, 0, rng.integers(1, len(chosen), rows))]

    def column(question):
        match question.kind:
            case "code":
                return codes[np.sort(rng.integers(0, len(codes), rows))]
            case "text":
                return [None] * rows if question.optional else [f"S-{number:07}" for number in range(rows)]
            case "integer":
                return rng.integers(question.minimum, question.minimum + 72, rows)
            case "amount":
                return rng.integers(0, 8_000_000 if question.key == "residential_cost_dkk" else 500_000, rows)
            case _:
                return answers(question)

    total = pl.col("residential_cost_dkk") + pl.col("day_programme_cost_dkk")
    in_scope = (pl.col("in_residential_care") == "yes") & (pl.col("total_cost_dkk") >= 2_000_000)
    (
        pl.select(pl.lit(ROUND).repeat_by(rows).explode().alias("round"))
        .with_columns(pl.Series(question.key, column(question)) for question in catalogue.questions)
        .with_columns(total_cost_dkk=total.cast(pl.Int64), comment=pl.lit(None, pl.String))
        .with_columns(eligible=in_scope, out_of_scope_reason=pl.lit(None, pl.String))
        .write_parquet(path)
    )


# The contenders: each returns the six tables and, unmeasured, a way to write them ------------------------------------


def product(path):
    import polars as pl

    from pipelines.benchmark.answer_counts import answer_counts
    from pipelines.benchmark.averages import area_averages
    from pipelines.benchmark.breakdowns import provider_types, target_groups
    from pipelines.benchmark.key_findings import key_findings
    from pipelines.benchmark.question_answers import question_answers
    from pipelines.benchmark.rates import case_rates
    from pipelines.reference.municipalities import municipalities
    from schemas.questionnaire import load_catalogue
    from schemas.rounds import find_round

    round_, catalogue = find_round(ROUND), load_catalogue("2022")

    def step():
        population = pl.read_csv(POPULATION, infer_schema=False).with_columns(
            pl.col("population_18_66").cast(pl.Int64), population_quarter=pl.lit("2020K1")
        )
        participants = municipalities().select("municipality_code")
        responses = pl.scan_parquet(path)
        rates = case_rates(responses, population, municipalities(), participants, round_)
        counts = answer_counts(responses, participants, catalogue)
        # The limits of shares and rates are the product's alone: computed in its time, and not compared.
        return {
            "case_rates": rates,
            "area_averages": area_averages(rates),
            "target_groups": target_groups(counts, rates).drop(LIMITS),
            "provider_types": provider_types(counts, rates).drop(LIMITS),
            "question_answers": question_answers(counts, rates, catalogue).drop(LIMITS),
            "key_findings": key_findings(responses, ROUND),
        }

    return step, lambda table, to: table.write_parquet(to)


def questions():
    from schemas.questionnaire import load_catalogue

    catalogue = load_catalogue("2022")
    closed = catalogue.closed_questions
    single = {question.key: question.codes for question in closed if question.kind == "single"}
    multiple = {question.key: question.codes for question in closed if question.kind == "multiple"}
    rollups = {
        rollup.key: (rollup.question, {option: group.code for group in rollup.groups for option in group.options})
        for rollup in catalogue.rollups
    }
    return single, multiple, rollups, {question.key: question.codes for question in closed}


def labels():
    from pipelines.benchmark.key_findings import FINDINGS

    return {finding.code: finding.label_da for finding in FINDINGS}


def pandas_step(path, *, tuned):
    import pandas as pd
    import pyarrow.parquet  # noqa: F401  read_parquet imports it, which is not part of the time

    single, multiple, rollups, closed = questions()
    label_da = labels()
    area = ["area_type", "area_code", "area_name"]

    def counted(cases):
        """Cases by municipality and answer, zeros included, and how many answered each question."""
        given, answered = [], []
        for question, options in single.items():
            table = cases.groupby(["municipality_code", question], observed=False).size().unstack()[list(options)]
            given.append(long(table, question))
            answered.append(table.sum(axis=1).rename(question))
        for question, options in multiple.items():
            if tuned:
                sets = cases.groupby(["municipality_code", question], observed=True).size().rename("n").reset_index()
                answered.append(sets.groupby("municipality_code", observed=False)["n"].sum().rename(question))
                each = sets.assign(answer=sets[question].str.split(";")).explode("answer")
                table = each.groupby(["municipality_code", "answer"], observed=False)["n"].sum().unstack()
            else:
                asked = cases[["municipality_code", question]].dropna()
                answered.append(asked.groupby("municipality_code", observed=False).size().rename(question))
                each = asked.assign(answer=asked[question].str.split(";")).explode("answer")
                table = each.groupby(["municipality_code", "answer"], observed=False).size().unstack()
            given.append(long(table.reindex(columns=list(options), fill_value=0), question))
        answered = pd.concat(answered, axis=1).rename_axis(columns="question").stack().rename("answered").reset_index()
        return pd.concat(given).merge(answered, on=["municipality_code", "question"])

    def long(table, question):
        table.columns = pd.Index([str(option) for option in table.columns], name="answer")
        return table.fillna(0).astype("int64").stack().rename("cases").reset_index().assign(question=question)

    def rolled_up(counts, question, groups, name):
        part = counts[counts["question"] == question]
        part = part.assign(answer=part["answer"].map(groups), question=name)
        keys = ["municipality_code", "question", "answer"]
        return part.groupby(keys, as_index=False, sort=False).agg(
            cases=("cases", "sum"), answered=("answered", "first")
        )

    def measured(counts, members):
        keys = ["round", *area, "question", "answer"]
        rows = members.merge(counts, on="municipality_code")
        rows = rows.groupby(keys, as_index=False, sort=False)[["cases", "answered", "population_18_66"]].sum()
        rows["share"] = (rows["cases"] / rows["answered"]).where(rows["answered"] > 0)
        rows["rate_per_1000"] = rows["cases"] / rows["population_18_66"] * 1_000
        rows["value_status"] = "published"
        return rows[[*keys, "cases", "share", "rate_per_1000", "value_status"]]

    def step():
        columns = ["municipality_code", "age", *closed]
        cases = pd.read_parquet(path, columns=columns, filters=[("eligible", "==", True)])
        municipalities = pd.read_csv(MUNICIPALITIES, dtype=str)
        population = pd.read_csv(POPULATION, dtype={"municipality_code": str}).assign(population_quarter="2020K1")
        cases["municipality_code"] = pd.Categorical(cases["municipality_code"], municipalities["municipality_code"])

        rates = municipalities.merge(population, on="municipality_code")
        number = cases.groupby("municipality_code", observed=False).size().rename("cases").reset_index()
        rates = rates.merge(number.astype({"municipality_code": str}), on="municipality_code")
        rates.insert(0, "round", ROUND)
        rates["rate_per_1000"] = rates["cases"] / rates["population_18_66"] * 1_000
        rates["rank"] = rates["rate_per_1000"].rank(method="min", ascending=False).astype("int64")

        own = {
            "country": ("000", "Hele landet"),
            "region": (rates["region_code"], rates["region_name"]),
            "municipality_group": (rates["municipality_group_code"], rates["municipality_group"]),
            "municipality": (rates["municipality_code"], rates["municipality_name"]),
        }
        members = pd.concat(
            rates.assign(area_type=kind, area_code=code, area_name=name) for kind, (code, name) in own.items()
        )
        by_area = members[members["area_type"] != "municipality"].groupby(["round", *area], sort=False)
        averages = by_area.agg(
            municipalities=("cases", "size"),
            cases=("cases", "sum"),
            population_18_66=("population_18_66", "sum"),
            unweighted_mean_rate_per_1000=("rate_per_1000", "mean"),
            min_rate_per_1000=("rate_per_1000", "min"),
            median_rate_per_1000=("rate_per_1000", "median"),
            max_rate_per_1000=("rate_per_1000", "max"),
        )
        averages["pooled_rate_per_1000"] = averages["cases"] / averages["population_18_66"] * 1_000
        averages["lower_quartile_rate_per_1000"] = by_area["rate_per_1000"].quantile(0.25)
        averages["upper_quartile_rate_per_1000"] = by_area["rate_per_1000"].quantile(0.75)

        counts = counted(cases).astype({"municipality_code": str})
        main, provider = (rolled_up(counts, *rollup, name) for name, rollup in rollups.items())
        members = members[["round", *area, "municipality_code", "population_18_66"]]
        target = measured(pd.concat([main, counts[counts["question"] == "target_group"]]), members)
        target["question"] = target["question"].map({"main_target_group": "main", "target_group": "detailed"})

        holds = pd.DataFrame(
            {
                "under_35": cases["age"] < 35,
                "above_threshold_since_age_18": cases["time_above_threshold"] == "since_age_18",
                "intellectual_disability": cases["target_group"].isin(
                    ["intellectual_disability", "autism_with_intellectual_disability"]
                ),
                "behaviour_decisive": cases["behaviour_decisive"] == "yes",
                "sentence": cases["sentence"] != "none",
                "only_existing_choice": cases["choice_at_referral"] == "only_existing",
                "provider_municipal": cases["provider"].isin(["own_municipality", "other_municipality"]),
                "provider_regional": cases["provider"] == "region",
                "provider_private": cases["provider"] == "private",
                "over_8_places": cases["places_in_facility"] == "over_8",
                "alone_in_placement": cases["places_in_facility"] == "alone",
                "viso_involved": cases["viso_involved"] == "yes",
                "special_psychiatric_place": cases["special_psychiatric_place"] == "yes",
            }
        )
        findings = holds.sum().rename("numerator").rename_axis("finding").reset_index()
        findings = findings.assign(round=ROUND, label_da=findings["finding"].map(label_da), denominator=len(holds))
        findings["share"] = findings["numerator"] / findings["denominator"]
        return {
            "case_rates": rates,
            "area_averages": averages.reset_index(),
            "target_groups": target.rename(columns={"question": "target_group_level", "answer": "target_group"}),
            "provider_types": measured(provider, members)
            .drop(columns="question")
            .rename(columns={"answer": "provider_type"}),
            "question_answers": measured(counts, members),
            "key_findings": findings,
        }

    return step, lambda table, to: table.to_parquet(to, index=False)


def duckdb_step(path, *, tuned):
    import duckdb

    single, multiple, rollups, closed = questions()
    label_da = labels()
    eligible = f"from read_parquet('{path}') where eligible"

    def values(rows):
        return ", ".join("(" + ", ".join(f"'{field}'" for field in row) + ")" for row in rows)

    options = values((question, option) for question, codes in closed.items() for option in codes)
    groups = values((name, q, option, group) for name, (q, of) in rollups.items() for option, group in of.items())

    def single_counts():
        if tuned:
            # With grouping sets, the question of a row is the only one that is not grouped away.
            which = " ".join(f"when grouping({key}) = 0 then '{key}'" for key in single)
            sets = ", ".join(f"(municipality_code, {key})" for key in single)
            answer = f"coalesce({', '.join(f'{key}::varchar' for key in single)})"
            return (
                f"select municipality_code, case {which} end as question, {answer} as answer, count(*) as cases "
                f"{eligible} group by grouping sets ({sets})"
            )
        return " union all ".join(
            f"select municipality_code, '{key}' as question, {key}::varchar as answer, count(*) as cases "
            f"{eligible} group by all"
            for key in single
        )

    def step():
        db = duckdb.connect()
        run = db.execute
        run(f"create table municipalities as from read_csv('{MUNICIPALITIES}', all_varchar = true)")
        run(f"""create table population as select municipality_code, population_18_66::bigint as population_18_66,
            '2020K1' as population_quarter from read_csv('{POPULATION}', all_varchar = true)""")
        run(f"""create table case_rates as
            select '{ROUND}' as round, m.*, p.population_18_66, p.population_quarter, coalesce(c.cases, 0) as cases,
                coalesce(c.cases, 0) / p.population_18_66 * 1000 as rate_per_1000,
                rank() over (order by coalesce(c.cases, 0) / p.population_18_66 * 1000 desc) as rank
            from municipalities m join population p using (municipality_code)
            left join (select municipality_code, count(*) as cases {eligible} group by all) c using (municipality_code)
            """)
        run("""create table members as
            select 'country' as area_type, '000' as area_code, 'Hele landet' as area_name, * from case_rates
            union all select 'region', region_code, region_name, * from case_rates
            union all select 'municipality_group', municipality_group_code, municipality_group, * from case_rates
            union all select 'municipality', municipality_code, municipality_name, * from case_rates""")
        run("""create table area_averages as
            select round, area_type, area_code, area_name, count(*) as municipalities, sum(cases)::bigint as cases,
                sum(population_18_66)::bigint as population_18_66,
                sum(cases) / sum(population_18_66) * 1000 as pooled_rate_per_1000,
                avg(rate_per_1000) as unweighted_mean_rate_per_1000, min(rate_per_1000) as min_rate_per_1000,
                quantile_cont(rate_per_1000, 0.25) as lower_quartile_rate_per_1000,
                quantile_cont(rate_per_1000, 0.5) as median_rate_per_1000,
                quantile_cont(rate_per_1000, 0.75) as upper_quartile_rate_per_1000,
                max(rate_per_1000) as max_rate_per_1000
            from members where area_type <> 'municipality' group by all""")
        run(f"create table given as {single_counts()}")
        run("""create table answered as
            select municipality_code, question, sum(cases)::bigint as answered from given group by all""")
        for key in multiple:
            if tuned:
                run(f"""create or replace temp table sets as
                    select municipality_code, {key} as answers, count(*) as n {eligible} and {key} is not null
                    group by all""")
                run(f"""insert into given select municipality_code, '{key}', answer, sum(n) from (
                    select municipality_code, unnest(string_split(answers, ';')) as answer, n from sets)
                    group by all""")
                run(f"insert into answered select municipality_code, '{key}', sum(n) from sets group by all")
            else:
                run(f"""insert into given select municipality_code, '{key}', answer, count(*) from (
                    select municipality_code, unnest(string_split({key}, ';')) as answer {eligible}) group by all""")
                run(f"""insert into answered select municipality_code, '{key}', count({key}) {eligible} group by all""")
        run(f"""create table counts as
            select municipality_code, question, answer, coalesce(cases, 0) as cases, coalesce(answered, 0) as answered
            from (select municipality_code from municipalities)
            cross join (values {options}) as options(question, answer)
            left join given using (municipality_code, question, answer)
            left join answered using (municipality_code, question)""")
        run(f"""create table rolled_up as
            select municipality_code, rollup as question, "group" as answer, sum(cases) as cases,
                any_value(answered) as answered
            from counts join (values {groups}) as groups(rollup, question, answer, "group") using (question, answer)
            group by all""")
        run("""create table measures as
            select round, area_type, area_code, area_name, question, answer, sum(c.cases)::bigint as cases,
                case when sum(answered) > 0 then sum(c.cases) / sum(answered) end as share,
                sum(c.cases) / sum(population_18_66) * 1000 as rate_per_1000, 'published' as value_status
            from members join (from counts union all from rolled_up) c using (municipality_code) group by all""")
        run("""create table target_groups as
            select * exclude (question, answer), answer as target_group,
                case question when 'target_group' then 'detailed' else 'main' end as target_group_level
            from measures where question in ('target_group', 'main_target_group')""")
        run("""create table provider_types as
            select * exclude (question, answer), answer as provider_type
            from measures where question = 'provider_type'""")
        run("""create table question_answers as
            from measures where question not in ('main_target_group', 'provider_type')""")
        findings = {
            "under_35": "age < 35",
            "above_threshold_since_age_18": "time_above_threshold = 'since_age_18'",
            "intellectual_disability": "target_group in "
            "('intellectual_disability', 'autism_with_intellectual_disability')",
            "behaviour_decisive": "behaviour_decisive = 'yes'",
            "sentence": "sentence <> 'none'",
            "only_existing_choice": "choice_at_referral = 'only_existing'",
            "provider_municipal": "provider in ('own_municipality', 'other_municipality')",
            "provider_regional": "provider = 'region'",
            "provider_private": "provider = 'private'",
            "over_8_places": "places_in_facility = 'over_8'",
            "alone_in_placement": "places_in_facility = 'alone'",
            "viso_involved": "viso_involved = 'yes'",
            "special_psychiatric_place": "special_psychiatric_place = 'yes'",
        }
        holds = ", ".join(f"count(*) filter ({condition}) as {code}" for code, condition in findings.items())
        run(f"""create table key_findings as
            select '{ROUND}' as round, finding, label_da, numerator, denominator, numerator / denominator as share
            from (unpivot (select count(*) as denominator, {holds} {eligible}) on {", ".join(findings)}
                into name finding value numerator)
            join (values {values(label_da.items())}) as labels(finding, label_da) using (finding)""")
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

    for table in TABLES:
        # A label of the round's settings, not computed from the responses; the peers leave it out.
        mine = pl.read_parquet(Path(folder) / f"{PRODUCT}.{table}.parquet").drop("reports_for", strict=False)
        for name in CONTENDERS[1:]:
            theirs = pl.read_parquet(Path(folder) / f"{name}.{table}.parquet").select(mine.columns).cast(mine.schema)
            assert_frame_equal(mine, theirs, check_row_order=False, rel_tol=1e-10)
        print(f"  {table}: {mine.height:,} rows, the same in all {len(CONTENDERS)}")


def child(*arguments):
    """This script in a fresh process.

    A process starts with the peak memory of its parent as its own, so this one imports no library and holds no data.
    """
    command = [sys.executable, "-P", __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "responses.parquet"
        child("write", path, arguments.rows)
        print(f"{arguments.rows:,} made-up responses, {path.stat().st_size / 1e6:.1f} MB of parquet")
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


if __name__ == "__main__":
    # Run as a script, Python looks for modules beside the script; the product's are one level up.
    sys.path.insert(0, str(ROOT))
    match sys.argv[1:]:
        case ["write", path, rows]:
            write_responses(path, int(rows))
        case ["run", name, path, *out]:
            run_once(name, path, *(out or [None]))
        case ["compare", folder]:
            compare(folder)
        case _:
            main()
