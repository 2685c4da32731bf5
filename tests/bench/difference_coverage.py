"""How often the intervals of `arabench compare` hold the true difference, in seeded simulations.

    OMP_NUM_THREADS=1 python tests/bench/difference_coverage.py [RUNS]

Two models answer the same items; the second spends 3 % more bits in expectation, normal or
skewed by an exponential tail. Under "missed" stands how often the truth lay below the interval,
and how often above it. Not a test: 2,000 runs take minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from arabench.evaluation.reports.differences import find_differences
from arabench.evaluation.reports.runs import Run
from tests.gate.synthetic import evaluation, lm_task

TRUTH = 0.03
SIZES = (10, 30, 100, 300)


def missed(kind: str, items: int, runs: int, seed: int = 11) -> tuple[float, float]:
    """Share of runs in which the truth lay below the interval, and above it."""
    rng = np.random.default_rng(seed)
    below = above = 0
    for _ in range(runs):
        chars = rng.integers(20, 120, items).astype(np.float64)
        ours = chars * rng.gamma(30, 0.1, items)
        if kind == "normal":
            factors = rng.normal(1 + TRUTH, 0.08, items)
        else:
            factors = 1 + TRUTH + 0.06 * (rng.gamma(1, 1, items) - 1)
        base, other = (
            Run(name, evaluation([lm_task("egy", bits, chars)]))
            for name, bits in (("base", ours), ("other", ours * factors))
        )
        (row,) = find_differences(base, [other]).rows
        below += row.difference.low > TRUTH
        above += row.difference.high < TRUTH
    return below / runs, above / runs


def main() -> None:
    """A line a kind of residuals and number of items."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for kind in ("normal", "skewed"):
        for items in SIZES:
            below, above = missed(kind, items, runs)
            held = f"{100 * (1 - below - above):.1f}"
            print(f"{kind}, {items:>3} items: {held} % hold it; missed {below:.3f} and {above:.3f}")


if __name__ == "__main__":
    main()
