"""Control limits for a rate, given how many residents there are and what all municipalities have together.

What belongs here: the plain funnel, in which only chance moves a municipality. What does not: the funnel that allows for
real differences between municipalities (`shrinkage.overdispersed_funnel_label`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from pipelines.statistics.counts import Interval, Numbers, Words, as_counts, as_populations, tail_of

INNER, OUTER = 0.95, 0.998
BELOW_OUTER, BELOW_INNER, WITHIN = "below_998", "below_95", "within"
ABOVE_INNER, ABOVE_OUTER = "above_95", "above_998"
LABELS = (BELOW_OUTER, BELOW_INNER, WITHIN, ABOVE_INNER, ABOVE_OUTER)


class FunnelLimits(NamedTuple):
    """Where a number of events lies on the lower and on the upper line: expected events, and the rate it makes there."""

    lower_expected: Numbers
    lower: Numbers
    upper_expected: Numbers
    upper: Numbers


def funnel_limits(events: npt.ArrayLike, baseline: float, confidence: float = INNER) -> FunnelLimits:
    """The points of the funnel's lines at which so many events are seen.

    E events lie on the lower line where expected = chi-square quantile of (1 - p, 2E + 2) / 2, on the upper where
    expected = chi-square quantile of (p, 2E) / 2, with p = (1 - confidence) / 2; the limit is E / expected x baseline,
    in the baseline's unit. The population of such a point is expected / baseline. No events: the lower limit is 0 and
    the upper is NaN.

    Source: Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics in Medicine
    24; Office for Health Improvement and Disparities, PHEindicatormethods, whose bisection these forms solve.

    Raises:
        BotilbudError: a count is negative, or the confidence is not between 0 and 1.
    """
    counts, tail = as_counts(events), tail_of(confidence)
    lower_expected = special.chdtri(2 * counts + 2, tail) / 2
    upper_expected = np.where(counts == 0, 0.0, special.chdtri(2 * counts, 1 - tail) / 2)
    with np.errstate(invalid="ignore"):  # no events, none expected
        upper = counts / upper_expected * baseline
    return FunnelLimits(lower_expected, counts / lower_expected * baseline, upper_expected, upper)


def funnel_limits_at(
    population: npt.ArrayLike, baseline: float, confidence: float = INNER, per: float = 1_000
) -> Interval:
    """The same lines at given populations: the rates between which only chance need be at work.

    The events on each line are found as the (not whole) number that `funnel_limits` takes to the expected count of the
    population. Lower is 0 where even no events are not too few. All 0 where the baseline is 0.

    Source: as `funnel_limits`.

    Args:
        population: residents.
        baseline: the pooled rate, in the same unit as the lines (per 1,000).
        confidence: 0.95 or 0.998.
        per: the unit of the rates.

    Raises:
        BotilbudError: a population is not above 0, or the confidence is not between 0 and 1.
    """
    residents, tail = as_populations(population), tail_of(confidence)
    if baseline == 0:
        return Interval(np.zeros_like(residents), np.zeros_like(residents))
    expected = residents * baseline / per
    # gdtrib finds the shape of the gamma distribution: the chi-square's degrees of freedom by 2.
    lower = np.maximum(special.gdtrib(1, 1 - tail, expected) - 1, 0)
    return Interval(lower / residents * per, special.gdtrib(1, tail, expected) / residents * per)


def funnel_label(cases: npt.ArrayLike, population: npt.ArrayLike, baseline: float, per: float = 1_000) -> Words:
    """Where a rate lies in the funnel: 'below_998', 'below_95', 'within', 'above_95' or 'above_998'.

    Below the line exactly when so few cases or fewer have a probability under p, above it when so many or more have.

    Source: as `funnel_limits`.

    Args:
        cases: eligible cases.
        population: residents.
        baseline: the pooled rate per so many residents as `per` says.
        per: the unit of the baseline.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    counts = as_counts(cases)
    expected = as_populations(population) * baseline / per
    so_few = special.gammaincc(counts + 1, expected)
    so_many = np.where(counts == 0, 1.0, special.gammainc(counts, expected))
    return label_of_tails(so_few, so_many)


def label_of_tails(so_few: Numbers, so_many: Numbers) -> Words:
    """The funnel's label from the probabilities of so few cases or fewer, and of so many or more."""
    inner, outer = tail_of(INNER), tail_of(OUTER)
    return np.select(
        [so_few < outer, so_few < inner, so_many < outer, so_many < inner],
        [BELOW_OUTER, BELOW_INNER, ABOVE_OUTER, ABOVE_INNER],
        WITHIN,
    )
