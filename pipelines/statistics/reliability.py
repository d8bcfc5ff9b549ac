"""Whether a rate is steady enough to be read by itself.

What belongs here: the rule and its two words. What does not: hiding a rate, which is disclosure control.
"""

import numpy as np
import numpy.typing as npt

from pipelines.statistics.counts import Words
from pipelines.statistics.intervals import rate, rate_interval

RELIABLE, UNSTABLE = "reliable", "unstable"
FEWEST_CASES = 10
WIDEST_SHARE_OF_RATE = 1.6


def reliability(cases: npt.ArrayLike, population: npt.ArrayLike) -> Words:
    """'reliable' with at least 10 cases and a 95 % interval no wider than 160 % of the rate, else 'unstable'.

    Source: National Center for Health Statistics (2023). Data presentation standards for rates and counts. Vital and
    Health Statistics 2, 200.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    rates, interval = rate(cases, population), rate_interval(cases, population)
    is_narrow = interval.upper - interval.lower <= WIDEST_SHARE_OF_RATE * rates
    return np.where((np.asarray(cases) >= FEWEST_CASES) & is_narrow, RELIABLE, UNSTABLE)
