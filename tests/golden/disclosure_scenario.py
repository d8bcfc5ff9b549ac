"""Made-up counts to protect: a round of 24 municipalities, and a cube of municipalities, groups and providers.

Everything is drawn with a fixed seed; nothing of any real case is in it.
"""

import numpy as np
import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE
from pipelines.disclosure.suppression import Tables
from pipelines.reference.municipalities import municipalities
from schemas.questionnaire import load_catalogue

SEED = 20221001
ROUND_NAME = "2022-10-01"
CATALOGUE = load_catalogue("2022")
# Of the 12 groups and 3 providers of a cube.
GROUP_WEIGHTS = (0.32, 0.20, 0.15, 0.04, 0.03, 0.065, 0.085, 0.04, 0.01, 0.02, 0.03, 0.01)
PROVIDER_WEIGHTS = (0.41, 0.20, 0.39)


def cube(number_of_municipalities=98, cases=1_400, seed=SEED):
    """Counts by municipality, group and provider. Most are 0: each municipality has a few groups of its own."""
    rng = np.random.default_rng(seed)
    size = rng.lognormal(0, 0.5, number_of_municipalities)
    groups = rng.dirichlet(np.array(GROUP_WEIGHTS) * 3, number_of_municipalities)
    providers = rng.dirichlet(np.array(PROVIDER_WEIGHTS) * 3, number_of_municipalities)
    weights = size[:, None, None] * groups[:, :, None] * providers[:, None, :]
    counts = rng.multinomial(cases, (weights / weights.sum()).ravel()).reshape(weights.shape)
    return {(f"m{m:02}", f"g{g:02}", f"p{p}"): int(count) for (m, g, p), count in np.ndenumerate(counts)}


def tables(totals=None, questions=None):
    """Counts of a round; `totals` are the municipalities' cases, `questions` the keys that are answered."""
    rng = np.random.default_rng(SEED)
    chosen = municipalities().gather_every(4).head(24)
    if totals is None:
        totals = [int(total) for total in rng.poisson(14, chosen.height)]
        totals[:4] = [0, 1, 3, 40]
    chosen = chosen.head(len(totals))
    rows = []
    for code, total in zip(chosen["municipality_code"], totals, strict=True):
        for question in CATALOGUE.closed_questions:
            if questions is not None and question.key not in questions:
                continue
            counts = dict(zip(question.codes, answers(rng, question, total), strict=True))
            rows += [(code, question.key, answer, count, total) for answer, count in counts.items()]
            for rollup in CATALOGUE.rollups:
                if rollup.question == question.key:
                    rows += [
                        (code, rollup.key, group.code, sum(counts[option] for option in group.options), total)
                        for group in rollup.groups
                    ]
    schema = {
        "municipality_code": pl.String,
        "question": pl.String,
        "answer": pl.String,
        "cases": pl.Int64,
        "answered": pl.Int64,
    }
    case_rates = chosen.with_columns(
        pl.lit(ROUND_NAME).alias("round"),
        pl.lit(10_000, pl.Int64).alias("population_18_66"),
        pl.Series("cases", totals, pl.Int64),
    )
    return Tables(pl.DataFrame(rows, schema, orient="row"), case_rates, CATALOGUE, findings={})


def answers(rng, question, total):
    if question.kind == "multiple":
        return [int(rng.binomial(total, 0.3)) for _ in question.codes]
    weights = GROUP_WEIGHTS if question.key == "target_group" else rng.dirichlet([2.0] * len(question.codes))
    return [int(count) for count in rng.multinomial(total, weights)]


def country_key(question, answer):
    return f"country/{COUNTRY_CODE}/{question}/{answer}"
