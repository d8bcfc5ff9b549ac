"""How sure a rank is, and how few cases it takes to move it. Rank 1 is the highest rate; ties share the smallest.

What belongs here: ranks and their intervals. What does not: the rates that are ranked.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.statistics.counts import Numbers, as_counts, as_populations, tail_of
from pipelines.statistics.shrinkage import estimate_spread, posterior

DRAWS = 20_000
SEED = 1991
Ranks = npt.NDArray[np.int64]


class RankInterval(NamedTuple):
    """The highest (smallest number) and the lowest rank, elementwise."""

    lower: Ranks
    upper: Ranks


def ranks(cases: npt.ArrayLike, population: npt.ArrayLike) -> Ranks:
    """Rank of each municipality's observed rate among all.

    Source: standard competition ranking.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    rates = as_counts(cases) / as_populations(population)
    return _rank_among(rates, rates)


def rank_interval(cases: npt.ArrayLike, population: npt.ArrayLike, confidence: float = 0.95) -> RankInterval:
    """The ranks that the true rate of each municipality may have, given the cases of all.

    True rates are drawn from the posteriors of `shrinkage`, all municipalities at once, and ranked within each draw; the
    limits are the smallest and largest rank left when the tails are cut off. An interval always holds the rank that is
    shown beside it: a rank that the posterior finds unlikely, as that of a small municipality at the top, widens it.
    When a = 0 nothing tells the true rates apart, and every rank is possible.

    The draws are the same in every run, and follow the order that the municipalities come in: sort them first.

    Source: Marshall, E. C. and Spiegelhalter, D. J. (1998). Reliability of league tables of in vitro fertilisation
    clinics. BMJ 316; Goldstein, H. and Spiegelhalter, D. J. (1996), Journal of the Royal Statistical Society A 159.

    Raises:
        BotilbudError: a count is negative, a population is not above 0, or the confidence is not between 0 and 1.
    """
    counts, residents, tail = as_counts(cases), as_populations(population), tail_of(confidence)
    shown = ranks(counts, residents)
    spread = estimate_spread(counts, residents)
    if spread.a == 0:
        return RankInterval(np.ones_like(shown), np.full_like(shown, shown.size))
    shape, rate = posterior(counts, residents, spread)
    generator = np.random.Generator(np.random.PCG64(SEED))
    rates = generator.standard_gamma(shape, (DRAWS, counts.size)) / rate
    drawn = np.sort(_places(rates), axis=0)
    cut = math.floor(tail * DRAWS)
    return RankInterval(np.minimum(drawn[cut], shown), np.maximum(drawn[DRAWS - 1 - cut], shown))


def _places(rates: Numbers) -> Ranks:
    """The place of each column within its row, 1 for the largest; drawn rates have no ties."""
    return np.argsort(np.argsort(-rates, axis=1), axis=1) + 1


def rank_if(cases: npt.ArrayLike, population: npt.ArrayLike, more: int) -> Ranks:
    """The rank that each municipality would have with so many cases more, all others as they are.

    Fewer cases are a negative number; nobody has fewer than none, so that a municipality with 2 cases has with 3 fewer
    the rank of no cases.

    Source: this project; KL and Komponent (December 2023) warn that 2 or 3 citizens move the ranking.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    counts, residents = as_counts(cases), as_populations(population)
    changed = np.maximum(counts + more, 0) / residents
    rates = counts / residents
    # A municipality's own rate as it was is not among the others: take it out where it is the higher one.
    return _rank_among(changed, rates) - (rates > changed)


def _rank_among(rates: Numbers, all_rates: Numbers) -> Ranks:
    """1 more than how many are higher."""
    higher = all_rates.size - np.searchsorted(np.sort(all_rates), rates, side="right")
    return np.asarray(higher + 1, dtype=np.int64)
