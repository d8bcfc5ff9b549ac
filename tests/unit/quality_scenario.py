"""A made-up round, with a round and a release before it, that meets every expectation of the quality gate.

What belongs here: the candidate's tables, made by the pipeline from cases whose answers have the published report's shares.
Tests put one fault in at a time.
"""

import datetime as dt
from functools import cache

import polars as pl

from pipelines.benchmark import averages, breakdowns, rates
from pipelines.benchmark import key_findings as findings
from pipelines.benchmark import question_answers as answers
from pipelines.benchmark.answer_counts import answer_counts
from pipelines.disclosure.protected_tables import Exact, protected_tables
from pipelines.quality.gate import Before, Material
from pipelines.reference.municipalities import municipalities
from pipelines.release.manifest import table_schema
from pipelines.statistics import rounds as changes
from pipelines.statistics import tables as statistics
from schemas import tables
from schemas.municipalities import municipality_codes
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round
from tests.golden.benchmark_scenario import cases, participants, responses
from tests.release_scenario import filled

ROUND, EARLIER = find_round("2024-10-01"), find_round("2022-10-01")
CATALOGUE = load_catalogue(ROUND.questionnaire)
CASES = {"101": 60, "147": 20, "151": 15, "157": 12, "183": 10, "461": 40, "563": 0, "607": 13, "751": 30}
BREAKDOWNS = ("target_groups", "provider_types", "question_answers")
# The answer that a headline finding is about, the share of cases that give it, and what the others answer.
SHARES = {
    "time_above_threshold": ("since_age_18", 0.41, "under_1_year"),
    "behaviour_decisive": ("yes", 0.86, "no"),
    "sentence": ("treatment", 0.19, "none"),
    "choice_at_referral": ("only_existing", 0.54, "several_existing"),
    "viso_involved": ("yes", 0.34, "no"),
    "special_psychiatric_place": ("yes", 0.013, "no"),
}


def case(municipality_code, share):
    """The case that stands at this share of all cases."""

    def by(*parts):
        """The answer whose part of all cases this one lies in."""
        return next(answer for answer, end in parts if share < end)

    (row,) = cases(
        municipality_code,
        age=30 if share < 0.61 else 50,
        target_group=by(("intellectual_disability", 0.52), ("personality_disorder", 0.8), ("acquired_brain_injury", 1)),
        provider=by(("own_municipality", 0.41), ("region", 0.61), ("private", 1)),
        places_in_facility=by(("over_8", 0.66), ("alone", 0.75), ("2_to_4", 1)),
        **{question: by((answer, part), (other, 1)) for question, (answer, part, other) in SHARES.items()},
    )
    return row


@cache
def population():
    """The 98 municipalities; 10,000 residents in each."""
    codes = sorted(municipality_codes())
    rows = [{"municipality_code": code, "population_18_66": 10_000} for code in codes]
    return filled(tables.POPULATION, rows).with_columns(population_quarter=pl.lit(ROUND.population_quarter))


def plain(round_, number_of):
    """The exact tables of a round by name, with so many cases per municipality."""
    every = [code for code, number in number_of.items() for _ in range(number)]
    given = responses([case(code, (i + 0.5) / len(every)) for i, code in enumerate(every)])
    taking_part = participants(*sorted(number_of))
    counted = rates.case_rates(given, population(), municipalities(), taking_part, round_)
    case_rates = statistics.with_statistics(counted, averages.area_averages(counted))
    counts = answer_counts(given, taking_part, CATALOGUE)
    found = findings.key_findings(given, round_.name)
    return {
        "case_rates": case_rates,
        "area_averages": statistics.with_spread(averages.area_averages(case_rates), case_rates),
        "answer_counts": counts,
        "target_groups": breakdowns.target_groups(counts, case_rates),
        "provider_types": breakdowns.provider_types(counts, case_rates),
        "question_answers": answers.question_answers(counts, case_rates, CATALOGUE),
        "key_findings": statistics.with_share_limits(found, "numerator", "denominator"),
    }


def protected(made, round_):
    """The tables of a round that everybody may see, by name."""
    exact = Exact(*(made[name] for name in Exact._fields))
    return protected_tables(exact, round_, CATALOGUE, secret=b"s" * 32, earlier=[])


def log(*deliveries):
    """A delivery log: per file the municipality, its number, the status, rows and rejected rows."""
    names = ("municipality_code", "delivery", "status", "rows", "rejected")
    at = dt.datetime(2024, 11, 1, tzinfo=dt.UTC)
    rows = [dict(zip(names, delivery, strict=True)) | {"received_at": at, "warnings": []} for delivery in deliveries]
    return filled(tables.DELIVERY_LOG, rows)


@cache
def sound():
    """The candidate, and what was before it."""
    now = plain(ROUND, CASES)
    earlier = plain(EARLIER, CASES | {"101": 55, "461": 42})
    material = Material(
        ROUND,
        now["case_rates"],
        now["area_averages"],
        changes.round_changes(earlier["case_rates"], now["case_rates"]),
        *(now[name] for name in (*BREAKDOWNS, "key_findings")),
        protected(now, ROUND),
        population(),
        log(*((code, i, "current", number, 0) for i, (code, number) in enumerate(CASES.items()))),
        "c" * 64,
    )
    shown_before = protected(earlier, EARLIER)["question_answers"]
    before = {"case_rates": earlier["case_rates"], "shared_question_answers": shown_before}
    return material, Before(manifest(), before)


def manifest(**changed):
    """The manifest of the round's current release, as far as the gate reads it."""
    released = tables.released(ROUND.questionnaire)
    resources = [
        {"path": f"shared/{name}.parquet", "schemaVersion": table.version, "schema": table_schema(table)}
        for name, table in released.items()
    ]
    return {
        "participants": sorted(CASES),
        "populationQuarter": ROUND.population_quarter,
        "resources": [*resources, {"path": "municipalities/101/correction.xlsx"}],
        **changed,
    }


def changed(frame, where, **values):
    """The frame with other values in the rows where this holds."""
    return frame.with_columns(
        pl.when(where).then(pl.lit(value) if not isinstance(value, pl.Expr) else value).otherwise(name).alias(name)
        for name, value in values.items()
    )
