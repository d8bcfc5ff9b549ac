"""Do the statistics keep what they promise? Coverage of intervals and ranks, and the gain of shrinkage.

    python bench/statistics_coverage.py [--worlds 100]

A world is a round whose true rates are known: municipalities with the populations of 2020K1, true rates drawn around
0.42 cases per 1,000 residents with a coefficient of variation (cv), and cases drawn from them. Seeds are fixed.

- 95 % intervals of a rate: the share of draws in which they hold the expected count, for expected counts of 0.5 to 50.
  Beside the simulation stands the exact sum over all counts, at 9,901 expected counts and on both sides of every limit,
  where coverage jumps: its smallest value is the worst there is.
- Shrunken rates: the share of worlds in which they miss the true rates by less (mean squared error) than observed rates.
- 95 % rank intervals: the share of municipalities whose true rank they hold, and how many places they are wide.

Targets: 95 % each. Shrinkage's is set for true rates that differ as the published report's may (cv 0.1 to 0.5, 59
municipalities); rates that differ more are shown as well, as there is less to gain where differences are large and
everybody's own count says enough.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy import special

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pipelines.statistics.intervals import count_interval, rate  # noqa: E402
from pipelines.statistics.ranks import rank_interval, ranks  # noqa: E402
from pipelines.statistics.shrinkage import shrunken_rates  # noqa: E402

SEED = 20221001
TARGET = 0.95
MEAN_PER_1000 = 0.42
POPULATION = ROOT / "pipelines" / "reference" / "population_18_66_2020K1.csv"
COUNTS = np.arange(400)


def verdict(share, target=TARGET):
    return "reached" if share >= target else "NOT REACHED"


def exact_coverage(expected, confidence):
    limits = count_interval(COUNTS, confidence)
    chance = np.exp(special.xlogy(COUNTS, expected[:, None]) - expected[:, None] - special.gammaln(COUNTS + 1))
    held = (limits.lower <= expected[:, None]) & (expected[:, None] <= limits.upper)
    return (chance * held).sum(axis=1)


def intervals():
    print("Rate intervals, expected counts 0.5 to 50")
    generator = np.random.default_rng(SEED)
    for confidence in (0.95, 0.998):
        limits = count_interval(COUNTS, confidence)
        jumps = np.concatenate([limits.lower, limits.upper])
        jumps = jumps[(jumps > 0.5) & (jumps < 50)]
        expected = np.concatenate([np.linspace(0.5, 50, 9_901), jumps - 1e-9, jumps + 1e-9])
        exact = exact_coverage(expected, confidence)
        worst = exact.argmin()
        print(
            f"  {confidence:.1%}  exact: worst {exact[worst]:.4%} at {expected[worst]:.3f}, mean {exact.mean():.2%}: "
            f"{verdict(exact[worst], confidence)}"
        )
    simulated = {}
    limits = count_interval(COUNTS)
    for mean in np.arange(0.5, 50.01, 0.5):
        drawn = generator.poisson(mean, 200_000)
        simulated[mean] = ((limits.lower[drawn] <= mean) & (mean <= limits.upper[drawn])).mean()
    worst = min(simulated, key=simulated.get)
    share = sum(simulated.values()) / len(simulated)
    print(f"  95.0%  simulated, 200,000 draws each: worst {simulated[worst]:.2%} at {worst:g}, mean {share:.2%}")


def world(generator, municipalities, cv, shape):
    """Populations, true rates per 1,000 and cases."""
    population = generator.choice(pl.read_csv(POPULATION)["population_18_66"].to_numpy(), municipalities, replace=False)
    if cv == 0:
        true = np.full(municipalities, MEAN_PER_1000)
    elif shape == "gamma":
        true = generator.gamma(1 / cv**2, MEAN_PER_1000 * cv**2, municipalities)
    else:
        spread = math.sqrt(math.log1p(cv**2))
        true = MEAN_PER_1000 * np.exp(generator.normal(-(spread**2) / 2, spread, municipalities))
    return population, true, generator.poisson(true * population / 1_000)


def shrinkage(worlds):
    print("Shrunken rates nearer the true rates than observed ones, share of worlds")
    targeted = []
    for municipalities, shape in ((59, "gamma"), (59, "lognormal"), (98, "gamma")):
        for cv in (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8):
            generator = np.random.default_rng([SEED, municipalities, round(cv * 100)])
            wins = 0
            for _ in range(worlds):
                population, true, cases = world(generator, municipalities, cv, shape)
                missed = [np.mean((rates - true) ** 2) for rates in estimates(cases, population)]
                wins += missed[0] < missed[1]
            is_targeted = municipalities == 59 and cv <= 0.5
            if is_targeted:
                targeted.append(wins / worlds)
            told = verdict(wins / worlds) if is_targeted else "for comparison"
            print(f"  {municipalities} municipalities, {shape:9} cv {cv:.2f}: {wins / worlds:6.1%}  {told}")
    share = sum(targeted) / len(targeted)
    print(f"  all worlds of the target: {share:.1%}: {verdict(share)}")


def estimates(cases, population):
    return shrunken_rates(cases, population), rate(cases, population)


def rank_intervals(worlds):
    print("95 % rank intervals, share of municipalities whose true rank they hold")
    least = 1.0
    settings = [(59, "gamma", cv) for cv in (0, 0.1, 0.2, 0.3, 0.5, 0.8)]
    settings += [(59, "lognormal", cv) for cv in (0.3, 0.8)] + [(98, "gamma", 0.3), (12, "gamma", 0.3)]
    for municipalities, shape, cv in settings:
        generator = np.random.default_rng([SEED, municipalities, round(cv * 100), 1])
        held, wide = [], []
        for _ in range(worlds):
            population, true, cases = world(generator, municipalities, cv, shape)
            # Rates that are all the same have ranks in any order.
            true_ranks = generator.permutation(municipalities) + 1 if cv == 0 else ranks(true, np.ones(municipalities))
            limits = rank_interval(cases, population)
            held.append(np.mean((limits.lower <= true_ranks) & (true_ranks <= limits.upper)))
            wide.append(np.mean(limits.upper - limits.lower + 1))
        share, error = np.mean(held), np.std(held) / math.sqrt(worlds)
        least = min(least, share)
        print(
            f"  {municipalities} municipalities, {shape:9} cv {cv:.2f}: {share:6.2%} (+- {error:.2%}), "
            f"{np.mean(wide):4.1f} places wide  {verdict(share)}"
        )
    print(f"  the least: {least:.2%}: {verdict(least)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--worlds", type=int, default=100, help="rounds drawn per line of ranks; ten times of shrinkage"
    )
    worlds = parser.parse_args().worlds
    begun = time.perf_counter()
    intervals()
    shrinkage(worlds * 10)
    rank_intervals(worlds)
    print(f"{time.perf_counter() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
