"""Counts and the residents they are counted among, as every method takes them.

What belongs here: the types that the methods share, and the refusal of what is no count. What does not: any method.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.errors import BotilbudError

Numbers = npt.NDArray[np.float64]
Words = npt.NDArray[np.str_]


class Interval(NamedTuple):
    """Lower and upper limit, elementwise; NaN where there is none."""

    lower: Numbers
    upper: Numbers


def as_counts(counts: npt.ArrayLike) -> Numbers:
    """Counts as an array; one that is not known (null, NaN) is NaN.

    Raises:
        BotilbudError: a count is negative.
    """
    array = np.asarray(counts, dtype=np.float64)
    if (array < 0).any():
        raise BotilbudError("A count is below 0: cases are counted from 0 and up")
    return array


def as_populations(population: npt.ArrayLike) -> Numbers:
    """Populations as an array; one that is not known (null, NaN) is NaN.

    Raises:
        BotilbudError: a population is 0 or less.
    """
    array = np.asarray(population, dtype=np.float64)
    if (array <= 0).any():
        raise BotilbudError("A population is 0 or less: a rate needs residents to be counted among")
    return array


def tail_of(confidence: float) -> float:
    """The probability that lies outside a two-sided interval on each side: 0.025 for 0.95.

    Raises:
        BotilbudError: the confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise BotilbudError(f"A confidence of {confidence} is not between 0 and 1: write 95 % as 0.95")
    return (1 - confidence) / 2
