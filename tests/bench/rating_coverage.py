"""How often the interval of a win rate holds the true one, and p-values of no preference.

    OMP_NUM_THREADS=1 python tests/bench/rating_coverage.py [--repeats N]

Items differ in how often the second model's answer is preferred (a beta law), raters choose by
that, and a fifth of their choices are ties. Printed per number of items and of raters: the share
of runs whose 95 % interval holds the true win rate, and where nobody is preferred the share with p
at most 0.05. At last the table of one such run, as `arabench rate import` prints it. Seeded.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from arabench.evaluation.rating.reading import Rated
from arabench.evaluation.rating.results import preferences, table

SEED: Final = 20261130
TIES: Final = 0.2
RAISED: Final = (2.0, 1.0)  # beta law of a true win rate of 0.5 * TIES + (1 - TIES) * 2 / 3
EVEN: Final = (1.0, 1.0)


def key_of(items: int) -> dict[str, Any]:
    """A key of items of one variety, the first run shown first in every other."""
    told = {
        f"q{n:03d}": {"item": str(n), "variety": "egy", "first": ("base", "egy")[n % 2]}
        for n in range(items)
    }
    return {
        "runs": ["base", "egy"], "items": told, "documents": {"task": items}, "same": {"task": 0}
    }  # fmt: skip


def rate(key: dict[str, Any], raters: int, law: tuple[float, float], seed: int) -> list[Rated]:
    """What raters choose."""
    generator = np.random.default_rng(seed)
    preferred = generator.beta(*law, len(key["items"]))
    rated = []
    for number in range(raters):
        choices = {}
        for (code, one), share in zip(key["items"].items(), preferred, strict=True):
            second = generator.random() < share
            choices[code] = "1" if second == (one["first"] == "egy") else "2"
            if generator.random() < TIES:
                choices[code] = "tie"
        rated.append(Rated(f"rater {number + 1}", choices))
    return rated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    repeats = parser.parse_args().repeats
    truth = 0.5 * TIES + (1 - TIES) * RAISED[0] / sum(RAISED)
    print(f"true win rate {truth:.3f}, {repeats} runs a cell\n")
    print("| items | raters | interval holds it | p at most 0.05 where nobody is preferred |")
    print("|---|---|---|---|")
    for items in (20, 50, 100):
        for raters in (1, 3):
            key, held, alarms = key_of(items), 0, 0
            for run in range(repeats):
                (row,) = preferences(key, rate(key, raters, RAISED, SEED + run))
                held += row.low <= truth <= row.high
                (row,) = preferences(key, rate(key, raters, EVEN, SEED + run))
                alarms += row.p <= 0.05
            print(
                f"| {items} | {raters} | {held / repeats:.1%} | {alarms / repeats:.1%} |",
                flush=True,
            )
    print()
    key = key_of(50)
    print(table(key, rate(key, 3, RAISED, SEED)))


if __name__ == "__main__":
    main()
