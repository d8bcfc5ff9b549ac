"""How long does `botilbud nightly` take, as a multiple of importing the libraries that it cannot do without?

    python bench/nightly.py [--pairs 5]

The yardstick is a process that does nothing but import dagster, polars and pandera.polars: no night of these libraries
can be shorter, and a slow or busy machine slows both.

- The night is that of the demonstration round, in a folder of its own with a Dagster storage of its own. Statistics
  Denmark is not asked: the address in its place refuses at once.
- A first night starts from an inbox and nothing else: storage, tables and a new release are made. An unchanged night
  follows it on the same folder: everything is computed again, and the release is found to exist.
- Every measurement is a fresh process. Yardstick and nights take turns, and each night is divided by the yardstick just
  before it, so that a machine that is busy for a while spoils neither side alone.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUND = "2022-10-01"
TARGET = 3
BOTILBUD = Path(sys.executable).with_name("botilbud")
IMPORTS = [sys.executable, "-c", "import dagster, polars, pandera.polars"]
NIGHTLY = [BOTILBUD, "nightly", "--round", ROUND]
REFUSES_AT_ONCE = "http://127.0.0.1:9"
NIGHTS = ("first", "unchanged")


def settings(folder):
    """The environment of a data root and a Dagster storage in this folder."""
    home = folder / "dagster"
    home.mkdir(parents=True)
    configured = (ROOT / "dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(configured.replace("base_dir: var/dagster", f"base_dir: {home}"), "utf-8")
    return os.environ | {
        "BOTILBUD_DATA": str(folder / "data"),
        "DAGSTER_HOME": str(home),
        "BOTILBUD_STATBANK_URL": REFUSES_AT_ONCE,
    }


def seconds(command, env=None):
    start = time.perf_counter()
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return elapsed


def releases(folder):
    return {path.name for path in (folder / "data" / "releases" / ROUND).iterdir() if path.is_dir()}


def pair_of_nights(inbox, folder):
    """A first night and an unchanged one, each as seconds of the yardstick and of the night."""
    env = settings(folder)
    shutil.copytree(inbox, folder / "data" / "inbox")
    measured = {}
    for night in NIGHTS:
        before = releases(folder) if night == "unchanged" else set()
        measured[night] = seconds(IMPORTS), seconds(NIGHTLY, env)
        made = len(releases(folder) - before)
        if made != (night == "first"):
            sys.exit(f"the {night} night made {made} releases")
    shutil.rmtree(folder)
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds([BOTILBUD, "demo", "--round", ROUND], settings(folder / "demo"))
        inbox = folder / "demo" / "data" / "inbox"
        deliveries = sum(1 for path in inbox.rglob("*") if path.is_file())
        runs = [pair_of_nights(inbox, folder / "run") for _ in range(1 + pairs)][1:]  # the first one warms up
    print(f"botilbud nightly on the demonstration round, {deliveries} made-up deliveries.")
    print("Statistics Denmark is not asked: the address in its place refuses at once.")
    print(f"{pairs} pairs of each after one to warm up, taking turns.")
    print(f"{'':12}{'imports s':>11}{'night s':>9}{'median ratio':>14}{'of pairs':>14}   at most {TARGET}")
    for night in NIGHTS:
        imports, nights = zip(*(run[night] for run in runs), strict=True)
        ratio = statistics.median(nights) / statistics.median(imports)
        of_pairs = sorted(slow / fast for fast, slow in zip(imports, nights, strict=True))
        print(
            f"{night:12}{statistics.median(imports):11.2f}{statistics.median(nights):9.2f}{ratio:14.2f}"
            f"{of_pairs[0]:8.2f}-{of_pairs[-1]:.2f}   {'reached' if ratio <= TARGET else 'not reached'}"
        )


if __name__ == "__main__":
    main()
