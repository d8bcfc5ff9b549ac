"""Whether a rate lies below, at or above a reference.

What belongs here: one rate against one known value. What does not: a rate against another round's, which is uncertain
itself (`rounds`), and control limits that take chance among many municipalities into account (`funnel`).
"""

import numpy as np
import numpy.typing as npt

from pipelines.statistics.counts import Interval, Words

LOWER, SIMILAR, HIGHER = "lower", "similar", "higher"


def compared_with(interval: Interval, reference: npt.ArrayLike) -> Words:
    """'lower', 'similar' or 'higher' by where the interval lies; it must be strictly outside the reference to differ.

    A limit that is not known (NaN) does not tell the two apart. Rate and reference are taken unrounded.

    Source: Office for Health Improvement and Disparities, Fingertips, comparison by confidence interval.
    """
    value = np.asarray(reference, dtype=np.float64)
    return np.select([interval.upper < value, interval.lower > value], [LOWER, HIGHER], SIMILAR)
