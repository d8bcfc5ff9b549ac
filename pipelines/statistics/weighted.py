"""How uncertain a weighted sum of cases and a ratio of two sums over cases are.

What belongs here: intervals where a case counts by a weight or comes with an amount. What does not: cases that each count
once (`intervals`).
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from pipelines.statistics.counts import Interval, as_counts, tail_of
from pipelines.statistics.intervals import count_interval


def weighted_count_interval(
    cases: npt.ArrayLike, weights: npt.ArrayLike, squared_weights: npt.ArrayLike, confidence: float = 0.95
) -> Interval:
    """Interval of a weighted sum of Poisson counts: that of the count (`count_interval`), stretched and moved to the sum.

    With O cases and the weighted sum T, a limit is T + sqrt(Var(T) / Var(O)) x (limit of O - O); Var(T) is the sum of the
    squared weights, Var(O) is O. Where all weights are 1 it is the count's own interval. Without cases no weight is known,
    and a case is taken to weigh 1. A limit may lie below 0 where few cases weigh very differently: it is 0 then.

    Args:
        cases: how many cases there are.
        weights: the sum of their weights.
        squared_weights: the sum of the squares of their weights.
        confidence: the probability that the interval is to cover.

    Source: Dobson, A. J., Kuulasmaa, K., Eberle, E. and Scherer, J. (1991). Confidence intervals for weighted sums of
    Poisson parameters. Statistics in Medicine 10. As in PHEindicatormethods (directly standardised rates).

    Raises:
        BotilbudError: a count or a sum is negative, or the confidence is not between 0 and 1.
    """
    counts, sums, squares = as_counts(cases), as_counts(weights), as_counts(squared_weights)
    limits = count_interval(counts, confidence)
    stretch = np.sqrt(np.divide(squares, counts, out=np.ones_like(counts), where=counts > 0))
    lower, upper = (sums + stretch * (limit - counts) for limit in limits)
    return Interval(np.maximum(lower, 0.0), upper)


def ratio_interval(
    cases: npt.ArrayLike,
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    squared_residuals: npt.ArrayLike,
    confidence: float = 0.95,
) -> Interval:
    """Interval of a ratio R of two sums over the same cases, by linearisation; NaN with fewer than two cases.

    The variance of R = sum y / sum x is n / (n - 1) x sum (y - R x)^2 / (sum x)^2; the limits lie Student's t with n - 1
    degrees of freedom times its root away, the lower one not below 0. The cases are taken as drawn from what might have
    been, so there is no correction for a finite population.

    Args:
        cases: n.
        numerators: sum of y.
        denominators: sum of x.
        squared_residuals: sum of (y - R x)^2.
        confidence: the probability that the interval is to cover.

    Source: Cochran, W. G. (1977). Sampling Techniques, 3rd edition, chapter 6.

    Raises:
        BotilbudError: a count or a sum is negative, or the confidence is not between 0 and 1.
    """
    n, y, x, squares = (as_counts(sums) for sums in (cases, numerators, denominators, squared_residuals))
    quantile = -special.stdtrit(np.maximum(n - 1, 1), tail_of(confidence))
    is_told = (n >= 2) & (x > 0)
    none = np.full_like(n, np.nan)
    ratio = np.divide(y, x, out=none.copy(), where=is_told)
    variance = np.divide(n * squares, np.maximum(n - 1, 1) * x**2, out=none, where=is_told)
    reach = quantile * np.sqrt(variance)
    return Interval(np.maximum(ratio - reach, 0.0), ratio + reach)
