"""What protection hides, how long it takes, and whether the independent audit finds nothing.

    python bench/disclosure.py [--runs 20]

A made-up cube (fixed seed) of 98 municipalities x 12 groups x 3 providers with about 1,400 cases, of which the tables
municipality x group and municipality x provider are published: 1,584 cells with all totals.

Every pattern is audited as an outsider and as each of the 98 municipalities, three times: by somebody who knows nothing of
a hidden count, by somebody who takes each for at least 1 (zeros are shown), and by somebody who knows every
municipality's total from elsewhere. A small count fails when it is known exactly, or within less than 3 and its
municipality's total. Each run is a fresh process, so that nothing but the input can make the outcome.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
THRESHOLD = 5
SECRET = b"a secret that is made up for timing"
# What a greedy pattern hid in another made-up cube of this size: for no exact count, and for width 3. How many cells must
# be hidden depends on the cube; one with more small counts needs more.
KNOWN = (588, 647)


def digest():
    """Of all that is hidden and shown; what a fresh process prints."""
    from pipelines.disclosure.cube import protect, rounded_margins
    from tests.golden import disclosure_scenario as scenario

    cube = scenario.cube()
    shown = rounded_margins(cube, 3, secret=SECRET, round_name=scenario.ROUND_NAME)
    text = repr((sorted(protect(cube, THRESHOLD)), sorted(shown.items())))
    return hashlib.sha256(text.encode()).hexdigest()


def same_in(runs):
    outcomes = set()
    for run in range(runs):
        environment = os.environ | {"PYTHONHASHSEED": str(run)}
        made = subprocess.run([sys.executable, __file__, "--digest"], env=environment, capture_output=True, check=True)
        outcomes.add(made.stdout)
    return len(outcomes) == 1


def by_suppression(cube):
    from pipelines.disclosure.audit import audit
    from pipelines.disclosure.cube import margins, protected

    counts, relations = margins(cube)
    started = time.perf_counter()
    hidden, unsafe = protected(cube, THRESHOLD)
    seconds = time.perf_counter() - started
    small = {cell for cell, count in counts.items() if 0 < count < THRESHOLD}
    zeros = sum(counts[cell] == 0 for cell in hidden)
    print(f"suppression at {THRESHOLD}: {len(hidden)} of {len(counts)} cells hidden ({len(small)} small, {zeros} zeros), "
          f"{len(unsafe)} unsafe, {seconds:.1f} s; in another cube {KNOWN[0]} and {KNOWN[1]} were known")  # fmt: skip
    told(len(hidden) < KNOWN[0], f"fewer than {KNOWN[0]} cells hidden")
    totals = {cell for cell in hidden if cell.endswith("|total|total") and not cell.startswith("total|")}
    attacks = (("knows nothing", hidden, 0), ("at least 1", hidden, 1), ("knows totals", hidden - totals, 0))
    for name, unseen, lower_bound in attacks:
        for who, municipalities in (("outsider", [None]), ("98 insiders", sorted({place[0] for place in cube}))):
            exact = narrow = 0
            started = time.perf_counter()
            for municipality in municipalities:
                own = {cell for cell in unseen if cell.startswith(f"{municipality}|")}
                for cell, (low, high) in audit(counts, relations, unseen - own, lower_bound).items():
                    if cell in small:
                        exact += low == high
                        narrow += high - low < min(3, counts[f"{cell.split('|')[0]}|total|total"])
            seconds = time.perf_counter() - started
            told(exact == narrow == 0, f"{who}, {name}: {exact} exact, {narrow} narrow, {seconds:.1f} s")


def by_rounding(cube, base):
    from pipelines.disclosure.audit import bounds, rounded
    from pipelines.disclosure.cube import margins, rounded_margins
    from tests.golden import disclosure_scenario as scenario

    counts, relations = margins(cube)
    started = time.perf_counter()
    shown = rounded_margins(cube, base, secret=SECRET, round_name=scenario.ROUND_NAME)
    seconds = time.perf_counter() - started
    inner = [cell for cell in counts if not cell.startswith("total|") and not cell.endswith("|total|total")]
    errors = [abs(shown[cell] - counts[cell]) for cell in inner]
    print(
        f"rounding to base {base}: largest error {max(errors)}, mean {sum(errors) / len(errors):.2f}, {seconds:.1f} s"
    )
    known = {cell: (value, value) for cell, value in shown.items()} | {
        cell: rounded(shown[cell], base) for cell in inner
    }
    small = [cell for cell in inner if 0 < counts[cell] < base]
    for who, municipalities in (("outsider", [None]), ("98 insiders", sorted({place[0] for place in cube}))):
        exact = 0
        started = time.perf_counter()
        for municipality in municipalities:
            own = {cell: (count, count) for cell, count in counts.items() if cell.startswith(f"{municipality}|")}
            targets = [cell for cell in small if cell not in own]
            exact += sum(low == high for low, high in bounds(known | own, relations, targets).values())
        told(exact == 0, f"{who}: {exact} exact, {time.perf_counter() - started:.1f} s")


def told(reached, what):
    print(f"  {'reached' if reached else 'MISSED '}  {what}")


def main():
    from tests.golden import disclosure_scenario as scenario

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--digest", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.digest:
        print(digest())
        return
    cube = scenario.cube()
    print(
        f"made-up cube: {sum(cube.values())} cases, {sum(not count for count in cube.values())} of {len(cube)} cells are 0"
    )
    by_suppression(cube)
    for base in (3, 5):
        by_rounding(cube, base)
    told(same_in(arguments.runs), f"the same outcome in {arguments.runs} runs")


if __name__ == "__main__":
    main()
