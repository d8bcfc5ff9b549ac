"""What all municipalities together say about each of them: rates drawn towards the pooled rate, the more the smaller.

What belongs here: Marshall's global empirical Bayes and what follows from its posterior. What does not: ranks, which
need the posteriors of all municipalities at once (`ranks`).
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from pipelines.statistics.counts import Interval, Numbers, Words, as_counts, as_populations, tail_of
from pipelines.statistics.funnel import funnel_label, label_of_tails
from pipelines.statistics.intervals import count_interval


class Spread(NamedTuple):
    """What the rates of a set of municipalities have in common; rates are cases per resident.

    b is the pooled rate, s2 the variance of the observed rates weighted by residents, a what is left of it when chance
    is taken away: the variance of the true rates, 0 where chance explains all.
    """

    b: float
    s2: float
    a: float


def estimate_spread(cases: npt.ArrayLike, population: npt.ArrayLike) -> Spread:
    """Marshall's moments: b = sum n / sum x, s2 = sum x (n/x - b)^2 / sum x, a = max(0, s2 - b / mean x).

    Sums are exact (math.fsum), so that the order of the municipalities does not matter to the last digit. All are 0
    where there are no municipalities.

    Source: Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators. Applied
    Statistics 40.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    counts, residents = as_counts(cases), as_populations(population)
    if not counts.size:
        return Spread(0.0, 0.0, 0.0)
    total = math.fsum(residents)
    b = math.fsum(counts) / total
    s2 = math.fsum(residents * (counts / residents - b) ** 2) / total
    return Spread(b, s2, max(0.0, s2 - b / (total / counts.size)))


def shrunken_rates(cases: npt.ArrayLike, population: npt.ArrayLike, per: float = 1_000) -> Numbers:
    """Empirical Bayes estimates: (a n + b^2) / (a x + b), which is b everywhere when a = 0.

    It is the mean of the posterior gamma distribution of shape b^2/a + n and rate b/a + x, and lies between the observed
    rate and the pooled one.

    Source: Marshall (1991), as `estimate_spread`.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    counts, residents = as_counts(cases), as_populations(population)
    b, _, a = estimate_spread(counts, residents)
    if a == 0:
        return np.full_like(residents, b * per)
    return (a * counts + b**2) / (a * residents + b) * per


def shrunken_interval(
    cases: npt.ArrayLike, population: npt.ArrayLike, confidence: float = 0.95, per: float = 1_000
) -> Interval:
    """Credible interval of `shrunken_rates`: quantiles of the posterior gamma distribution.

    When a = 0 that distribution is a point, which would claim to know the rate exactly: then every municipality has the
    interval of the pooled rate, the one rate that all are taken to have. A very skewed posterior has its mean above its
    upper quantile; then the mean is the limit, so that an interval always holds its estimate.

    Source: Marshall (1991), as `estimate_spread`; Clayton, D. and Kaldor, J. (1987), Biometrics 43, for the gamma.

    Raises:
        BotilbudError: a count is negative, a population is not above 0, or the confidence is not between 0 and 1.
    """
    counts, residents, tail = as_counts(cases), as_populations(population), tail_of(confidence)
    spread = estimate_spread(counts, residents)
    if spread.a == 0:
        pooled = count_interval(counts.sum(), confidence)
        total = residents.sum() if residents.size else 1.0
        return Interval(*(np.full_like(residents, limit / total * per) for limit in pooled))
    shape, rate = posterior(counts, residents, spread)
    return Interval(
        special.gammaincinv(shape, tail) / rate * per,
        np.maximum(special.gammainccinv(shape, tail), shape) / rate * per,
    )


def posterior(counts: Numbers, residents: Numbers, spread: Spread) -> tuple[Numbers, Numbers]:
    """Shape and rate of each municipality's posterior gamma distribution; only where a > 0."""
    return spread.b**2 / spread.a + counts, spread.b / spread.a + residents


def overdispersed_funnel_label(cases: npt.ArrayLike, population: npt.ArrayLike) -> Words:
    """The funnel's label when true rates differ as the gamma prior says: counts are negative binomial, limits wider.

    Same words as `funnel_label`, and the same label when a = 0.

    Source: the prior of Marshall (1991), as `estimate_spread`; Greenwood, M. and Yule, G. U. (1920), Journal of the
    Royal Statistical Society 83, for its mixture.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    counts, residents = as_counts(cases), as_populations(population)
    b, _, a = estimate_spread(counts, residents)
    if a == 0:
        return funnel_label(counts, residents, b, per=1)
    # The chance that a case is one more, not the last: computed as it is, as its complement may round to 1.
    shape, further = b**2 / a, a * residents / (b + a * residents)
    so_few = special.betaincc(counts + 1, shape, further)
    so_many = np.where(counts == 0, 1.0, special.betainc(np.maximum(counts, 1), shape, further))
    return label_of_tails(so_few, so_many)


def dispersion(cases: npt.ArrayLike, population: npt.ArrayLike) -> float:
    """How much more the rates vary than by chance: Pearson's chi-square by its degrees of freedom; about 1 is chance.

    NaN where there is only one municipality, or no cases.

    Source: Spiegelhalter, D. J. (2005). Handling over-dispersion of performance indicators. Quality and Safety in
    Health Care 14; with Pearson residuals.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    counts, residents = as_counts(cases), as_populations(population)
    expected = residents * estimate_spread(counts, residents).b
    if counts.size < 2 or not counts.any():
        return math.nan
    return math.fsum((counts - expected) ** 2 / expected) / (counts.size - 1)
