"""What changed between two rounds, for the municipalities that took part in both.

What belongs here: the ratio of two rates, each from its own count. What does not: any trend, which two snapshots do not
show.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special

from pipelines.statistics.comparison import compared_with
from pipelines.statistics.counts import Interval, Numbers, as_counts, as_populations, tail_of
from schemas.errors import BotilbudError

SNAPSHOT_WARNING = (
    "To øjebliksbilleder viser ikke en udvikling: tallene gælder kun de to opgørelsesdatoer, og i små kommuner kan 2-3 "
    "borgere flytte resultatet."
)


def rate_ratio(
    earlier_cases: npt.ArrayLike,
    earlier_population: npt.ArrayLike,
    later_cases: npt.ArrayLike,
    later_population: npt.ArrayLike,
) -> Numbers:
    """Later rate by earlier rate; NaN where there were no cases earlier.

    Source: Rothman, K. J., Greenland, S. and Lash, T. L. (2008). Modern Epidemiology, third edition, chapter 14.

    Raises:
        BotilbudError: a count is negative or a population is not above 0.
    """
    earlier, later = as_counts(earlier_cases), as_counts(later_cases)
    residents = as_populations(earlier_population) / as_populations(later_population)
    with np.errstate(divide="ignore", invalid="ignore"):  # no cases earlier
        return np.where(earlier > 0, later / earlier * residents, np.nan)


def rate_ratio_interval(
    earlier_cases: npt.ArrayLike,
    earlier_population: npt.ArrayLike,
    later_cases: npt.ArrayLike,
    later_population: npt.ArrayLike,
    confidence: float = 0.95,
) -> Interval:
    """Exact interval of a ratio of two Poisson rates: given both counts' sum, the later one is binomial.

    The limits are those of Clopper and Pearson for the later round's part p of the cases, as p / (1 - p) by the
    residents. No cases later: lower is 0. No cases earlier: upper is NaN, as there is no upper limit.

    Source: Clopper, C. J. and Pearson, E. S. (1934). Biometrika 26; Przyborowski, J. and Wilenski, H. (1940).
    Homogeneity of results in testing samples from Poisson series. Biometrika 31.

    Raises:
        BotilbudError: a count is negative, a population is not above 0, or the confidence is not between 0 and 1.
    """
    earlier, later, tail = as_counts(earlier_cases), as_counts(later_cases), tail_of(confidence)
    residents = as_populations(earlier_population) / as_populations(later_population)
    # Odds p / (1 - p), both parts as quantiles, so that neither is lost where the other is all but 1.
    lower_odds = special.betaincinv(np.maximum(later, 1), earlier + 1, tail) / special.betaincinv(
        earlier + 1, np.maximum(later, 1), 1 - tail
    )
    upper_odds = special.betaincinv(later + 1, np.maximum(earlier, 1), 1 - tail) / special.betaincinv(
        np.maximum(earlier, 1), later + 1, tail
    )
    return Interval(
        np.where(later > 0, lower_odds * residents, 0.0), np.where(earlier > 0, upper_odds * residents, np.nan)
    )


def round_changes(earlier: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """The rates of two rounds beside each other, for the municipalities in both.

    Grain: municipality with a rate in both rounds, sorted. Empty where none is.
    Columns: municipality_code, municipality_name (the later round's), earlier_round, later_round, earlier_cases,
    later_cases, earlier_population_18_66, later_population_18_66, earlier_rate_per_1000, later_rate_per_1000, rate_ratio
    (later by earlier; null without earlier cases), rate_ratio_ci95_lower, rate_ratio_ci95_upper (null where there is no
    upper limit), change ('lower', 'similar', 'higher' by whether the interval holds 1), warning_da (what two snapshots
    do not say).

    Counts of the two rounds are taken as independent. Many citizens stand in both, which makes the true uncertainty
    smaller: the answer says 'similar' too often rather than too seldom.

    Source: as `rate_ratio_interval`.

    Args:
        earlier: the earlier round's case rates.
        later: the later round's.

    Raises:
        BotilbudError: the first round is not the earlier one.
    """
    columns = ("round", "cases", "population_18_66", "rate_per_1000")
    both = (
        earlier.select("municipality_code", pl.col(*columns).name.prefix("earlier_"))
        .join(
            later.select("municipality_code", "municipality_name", pl.col(*columns).name.prefix("later_")),
            on="municipality_code",
            validate="1:1",
        )
        .sort("municipality_code")
    )
    if (both["earlier_round"] >= both["later_round"]).any():
        raise BotilbudError(
            "The rounds to compare come in the wrong order, or are the same: give the earlier one first"
        )
    counts = (
        both["earlier_cases"],
        both["earlier_population_18_66"],
        both["later_cases"],
        both["later_population_18_66"],
    )
    ratio, interval = rate_ratio(*counts), rate_ratio_interval(*counts)
    return both.select(
        "municipality_code",
        "municipality_name",
        *(f"{when}_{column}" for column in columns for when in ("earlier", "later")),
        pl.Series("rate_ratio", ratio, pl.Float64).fill_nan(None),
        pl.Series("rate_ratio_ci95_lower", interval.lower, pl.Float64),
        pl.Series("rate_ratio_ci95_upper", interval.upper, pl.Float64).fill_nan(None),
        pl.Series("change", compared_with(interval, 1).tolist(), pl.String),
        pl.lit(SNAPSHOT_WARNING).alias("warning_da"),
    )
