"""How uncertain a count, a rate and a share are, each taken alone.

What belongs here: rates with their intervals. What does not: what the other municipalities say about a rate
(`shrinkage`), and whether it differs from a reference (`comparison`, `funnel`).
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from pipelines.statistics.counts import Interval, Numbers, Words, as_counts, as_populations, tail_of
from schemas.errors import BotilbudError

BYARS_FROM = 10
EXACT, BYARS = "exact", "byars"


def rate(cases: npt.ArrayLike, population: npt.ArrayLike, per: float = 1_000) -> Numbers:
    """Cases per so many residents, unrounded.

    Source: World Health Organization, crude rate; the population is the residents aged 18-66, the cases are of all ages.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    return as_counts(cases) / as_populations(population) * per


def rate_interval(
    cases: npt.ArrayLike, population: npt.ArrayLike, confidence: float = 0.95, per: float = 1_000
) -> Interval:
    """Interval of a rate: that of its count (`count_interval`), by the population.

    Source: as `count_interval`.

    Raises:
        BotilbudError: a count is negative, a population is not above 0, or the confidence is not between 0 and 1.
    """
    residents = as_populations(population)
    limits = count_interval(cases, confidence)
    return Interval(limits.lower / residents * per, limits.upper / residents * per)


def count_interval(cases: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Interval of a Poisson count: exact below 10, Byar's approximation from 10.

    Source: Office for Health Improvement and Disparities, PHEindicatormethods, which switches at the same count.

    Raises:
        BotilbudError: a count is negative, or the confidence is not between 0 and 1.
    """
    counts = as_counts(cases)
    few, many = garwood(counts, confidence), byars(counts, confidence)
    is_few = counts < BYARS_FROM
    return Interval(np.where(is_few, few.lower, many.lower), np.where(is_few, few.upper, many.upper))


def interval_method(cases: npt.ArrayLike) -> Words:
    """Which interval `count_interval` gives a count: 'exact' or 'byars'."""
    return np.where(as_counts(cases) < BYARS_FROM, EXACT, BYARS)


def garwood(cases: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Exact interval of a Poisson count x: half the chi-square quantiles of 2x and of 2x + 2 degrees of freedom.

    Never covers less than it says, and covers more where counts are small. The lower limit of 0 is 0.

    Source: Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28.

    Raises:
        BotilbudError: a count is negative, or the confidence is not between 0 and 1.
    """
    counts, tail = as_counts(cases), tail_of(confidence)
    # chdtri takes the probability above the quantile.
    lower = np.where(counts == 0, 0.0, special.chdtri(2 * counts, 1 - tail) / 2)
    return Interval(lower, special.chdtri(2 * counts + 2, tail) / 2)


def byars(cases: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Byar's approximation of the exact interval of a Poisson count.

    From a count of 10 it is within 0.2 % of the exact limits at 95 %, on the outer side of both. The lower limit is NaN
    where a count is too small for the confidence (the cube root is negative).

    Source: Breslow, N. E. and Day, N. E. (1987). Statistical Methods in Cancer Research II, IARC, page 69.

    Raises:
        BotilbudError: a count is negative, or the confidence is not between 0 and 1.
    """
    counts, z = as_counts(cases), -special.ndtri(tail_of(confidence))
    above = counts + 1
    with np.errstate(divide="ignore", invalid="ignore"):  # a count of 0 has no lower limit
        lower_root = 1 - 1 / (9 * counts) - z / (3 * np.sqrt(counts))
        lower = np.where(lower_root >= 0, counts * lower_root**3, np.nan)
    upper_root = 1 - 1 / (9 * above) + z / (3 * np.sqrt(above))
    return Interval(lower, above * upper_root**3)


def wilson(numerator: npt.ArrayLike, denominator: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share, always within 0 and 1; NaN where the denominator is 0.

    Source: Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22. The form is Newcombe's (1998), Statistics in Medicine 17.

    Raises:
        BotilbudError: a count is negative, a numerator is larger than its denominator, or the confidence is not between
            0 and 1.
    """
    part, whole = as_counts(numerator), as_counts(denominator)
    if (part > whole).any():
        raise BotilbudError("A share has a numerator larger than its denominator: count both over the same cases")
    z = -special.ndtri(tail_of(confidence))
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 of 0 is no share
        spread = z * np.sqrt(z**2 + 4 * part * (1 - part / whole))
    # At 0 and at 1 the two terms cancel, but for the last digit.
    lower = np.where(part == 0, 0.0, (2 * part + z**2 - spread) / (2 * (whole + z**2)))
    upper = np.where(part == whole, 1.0, (2 * part + z**2 + spread) / (2 * (whole + z**2)))
    return Interval(np.where(whole > 0, lower, np.nan), np.where(whole > 0, upper, np.nan))
