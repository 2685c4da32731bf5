"""How sure a score is: standard errors and intervals over items."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from arabench.evaluation.metrics.score import Score, point
from arabench.statistics.proportions import wilson_interval
from arabench.statistics.resampling import (
    BOOTSTRAP_DRAWS,
    BOOTSTRAP_SEED,
    Array,
    resample_weights,
)


def bootstrap(
    score: Score, sums: Array, draws: int = BOOTSTRAP_DRAWS, seed: int = BOOTSTRAP_SEED
) -> Array:
    """(draws,): the score of bootstrap samples of items (Efron 1979), seeded."""
    parts = resample_weights(len(sums), draws, seed)
    return np.concatenate([score.compute(weights @ sums) for weights in parts])


def standard_error(score: Score, sums: Array) -> float:
    """Bootstrap standard error; NaN with fewer than two items.

    Of a share of 0 or 1, where every draw is the same, what its Wilson interval amounts to.
    """
    if len(sums) < 2:
        return float("nan")
    if _at_the_edge(score, sums):
        low, high = interval(score, sums)
        return (high - low) / (2 * NormalDist().inv_cdf(0.975))
    return float(np.std(bootstrap(score, sums), ddof=1))


def interval(score: Score, sums: Array, level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the score; NaN with fewer than two items.

    A share of 0 or 1 gets a Wilson interval on the number of items.
    """
    if len(sums) < 2:
        return float("nan"), float("nan")
    if _at_the_edge(score, sums):
        return wilson_interval(point(score, sums), len(sums), level)
    tail = (1 - level) / 2
    low, high = np.quantile(bootstrap(score, sums), [tail, 1 - tail])
    return float(low), float(high)


def _at_the_edge(score: Score, sums: Array) -> bool:
    return score.unit == "0-1" and point(score, sums) in (0.0, 1.0)
