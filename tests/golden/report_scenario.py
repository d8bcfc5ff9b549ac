"""Made-up releases of a few municipalities, for the tests of the reports: what is shared, and what each may see of itself.

Counts below 5 are hidden in areas, counts of municipalities are rounded down to multiples of 3; that is as a release looks,
without the search that makes one safe.
"""

import datetime as dt
from functools import cache
from typing import NamedTuple

import polars as pl

from pipelines.benchmark import breakdowns, rates
from pipelines.benchmark.answer_counts import answer_counts
from pipelines.benchmark.averages import area_averages
from pipelines.benchmark.key_findings import key_findings
from pipelines.benchmark.question_answers import question_answers
from pipelines.reports.lookup import Own, Published, own_tables, shared_tables
from pipelines.statistics import tables as statistics
from pipelines.statistics.rounds import round_changes
from schemas import tables
from tests.golden import benchmark_scenario as scenario
from tests.golden.benchmark_scenario import CATALOGUE, MUNICIPALITIES

ROUND = scenario.ROUND
RELEASE = "0123456789abcdef"
# Ishøj and Ballerup are of one region and one group, Odense is alone in its group, Fanø and Læsø are of a third.
RESIDENTS = {"183": 14_581, "151": 30_000, "461": 130_000, "563": 2_000, "825": 1_000, "187": 10_000}
CASES = {"183": 14, "151": 9, "461": 34, "563": 0, "825": 1}


class Made(NamedTuple):
    """A release: what is shared, and the folders."""

    published: Published
    own: dict[str, Own]


def round_of(**changes):
    return ROUND.model_copy(update=changes)


@cache
def _made(cases, reports_for, earlier):
    round_ = round_of(reports_for={code: tuple(others) for code, others in reports_for})
    given = scenario.responses(
        *(
            # Every third case answers otherwise, so that there is something to break down.
            [
                *scenario.cases(code, number - number // 3),
                *scenario.cases(code, number // 3, target_group="personality_disorder", provider="private", age=30),
            ]
            for code, number in cases
        )
    )
    codes = [code for code, _ in cases]
    plain = rates.case_rates(given, population(), MUNICIPALITIES, scenario.participants(*codes), round_)
    case_rates = statistics.with_statistics(plain, area_averages(plain)).select(*tables.CASE_RATES.dtypes)
    counts = answer_counts(given, scenario.participants(*codes), CATALOGUE)
    exact = {
        "target_groups": breakdowns.target_groups(counts, case_rates),
        "provider_types": breakdowns.provider_types(counts, case_rates),
        "question_answers": question_answers(counts, case_rates, CATALOGUE),
    }
    found = statistics.with_share_limits(key_findings(given, round_.name), "numerator", "denominator")
    before = case_rates.clear() if earlier is None else earlier_rates(dict(earlier))
    shared = {name: _shared(frame) for name, frame in exact.items()}
    published = Published(
        case_rates=case_rates,
        area_averages=statistics.with_spread(area_averages(case_rates), case_rates),
        funnel_limits=statistics.funnel_limits(case_rates),
        round_changes=round_changes(before, case_rates),
        **shared,
        key_findings=found.with_columns(figures_from_release=pl.lit(None, pl.String)),
    )
    return Made(published, {code: _own(code, exact, shared) for code in codes})


def release(cases=None, *, reports_for=None, earlier=None):
    """The release of these cases by municipality; `earlier` are those of the round before."""
    chosen = CASES if cases is None else cases
    return _made(
        tuple(chosen.items()),
        tuple((reports_for or {}).items()),
        None if earlier is None else tuple(earlier.items()),
    )


def population():
    return pl.DataFrame(
        {
            "municipality_code": list(RESIDENTS),
            "population_18_66": list(RESIDENTS.values()),
            "population_quarter": [ROUND.population_quarter] * len(RESIDENTS),
        }
    )


def earlier_rates(cases):
    rows = [("2020-10-01", code, number, RESIDENTS[code]) for code, number in cases.items()]
    frame = pl.DataFrame(rows, ["round", "municipality_code", "cases", "population_18_66"], orient="row")
    return frame.with_columns(rate_per_1000=pl.col("cases") / pl.col("population_18_66") * 1_000)


_FIGURES = ("cases", "share", "share_ci95_lower", "share_ci95_upper", "rate_per_1000", "ci95_lower", "ci95_upper")


def _shared(exact):
    """A breakdown as shared: municipalities rounded (main groups and providers), small counts of areas hidden."""
    of_municipality = pl.col("area_type") == "municipality"
    if "question" in exact.columns:
        exact = exact.filter(~of_municipality)
    if "target_group_level" in exact.columns:
        exact = exact.filter(~of_municipality | (pl.col("target_group_level") == "main"))
    is_small = ~of_municipality & pl.col("cases").is_between(1, 4)
    return (
        exact.with_columns(pl.when(of_municipality).then(pl.col("cases") // 3 * 3).otherwise("cases").alias("cases"))
        .with_columns(
            value_status=pl.when(is_small)
            .then(pl.lit("suppressed"))
            .when(of_municipality)
            .then(pl.lit("rounded"))
            .otherwise(pl.lit("published")),
            rounding_base=pl.when(of_municipality).then(pl.lit(3, pl.Int64)),
        )
        .with_columns(pl.when(~is_small).then(pl.col(*_FIGURES)))
        .with_columns(figures_from_release=pl.lit(None, pl.String))
    )


def _own(code, exact, shared):
    folder = {}
    for name, frame in exact.items():
        country = shared[name].filter(area_type="country")
        own = frame.filter(area_type="municipality", area_code=code)
        folder[name] = pl.concat([country, own], how="diagonal")
    return Own(**folder)


def named(code="183", made=None, own=None, round_=ROUND, **changed):
    """The tables that sentences about a municipality are looked up in; `changed` are columns of its row of `case_rates`."""
    if (made, own, round_, changed) == (None, None, ROUND, {}):
        return _named(code)
    made = made or release()
    if changed:
        is_own = pl.col("municipality_code") == code
        new = [pl.when(is_own).then(pl.lit(v)).otherwise(pl.col(k)).alias(k) for k, v in changed.items()]
        made = made._replace(published=made.published._replace(case_rates=made.published.case_rates.with_columns(new)))
    mine = own or made.own.get(code, Own())
    return {**shared_tables(made.published, round_), **own_tables(mine, code)}


@cache  # checking every table takes its while
def _named(code):
    return named(code, release())


def delivery_log(code, *statuses):
    """The files of a municipality with these statuses, oldest first."""
    rows = [
        {
            "delivery": n,
            "municipality_code": code,
            "file": f"{n}.csv",
            "received_at": dt.datetime(2022, 11, 1 + n, tzinfo=dt.UTC),
            "status": status,
            "warnings": [],
        }
        for n, status in enumerate(statuses)
    ]
    return pl.DataFrame(rows, schema=dict(tables.DELIVERY_LOG.dtypes))


def rejected_rows(code, *broken):
    """Rows that break these rules: row, question, rule."""
    rows = [(code, "0.csv", row, question, rule, 'Fundet "hemmeligt svar"') for row, question, rule in broken]
    return pl.DataFrame(rows, schema=dict(tables.REJECTED_ROWS.dtypes), orient="row")


def suppressed(frame, **key):
    """The frame with the rows of this key hidden."""
    is_hidden = pl.all_horizontal(pl.col(column) == value for column, value in key.items())
    return frame.with_columns(
        pl.when(~is_hidden).then(pl.col(*_FIGURES, "rounding_base")),
        value_status=pl.when(is_hidden).then(pl.lit("suppressed")).otherwise("value_status"),
    )
