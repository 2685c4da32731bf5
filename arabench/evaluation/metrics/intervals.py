"""How sure a score is: one rule for the interval of every number, over items.

- A share (unit 0-1): Wilson's interval on the effective number of items; from two items on.
- BLEU and chrF++ (unit 0-100) of 0 or 100, where no item says how far another may be from it: that
  of a share of 0 or 1, each item one answer.
- Everything else: the studentized interval (`arabench.statistics.studentized`) over items, of
  perplexities in their exponent, cut where the unit ends.
- Fewer than `LEAST_ITEMS` items, items that do not differ at all, or a value that is no number:
  none (`why_none` says it in words).

What these intervals cover is measured by tests/bench/interval_coverage.py; below `FEW_ITEMS` it
is less than they promise where items are skewed, and reports say so beside the number.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from arabench.evaluation.metrics.contrast import kept_weights
from arabench.evaluation.metrics.score import Score, point
from arabench.statistics.proportions import effective_count, wilson_interval
from arabench.statistics.resampling import (
    BOOTSTRAP_DRAWS,
    BOOTSTRAP_SEED,
    WEIGHTS_IN_MEMORY,
    Array,
    resample_weights,
)
from arabench.statistics.studentized import Compute, linearise, studentized_interval

#: Draws of an interval: its ends are quantiles, which vary more than a standard error does.
INTERVAL_DRAWS: Final = 2000
#: Beyond so many items the bootstrap-t is Student's t, and takes long.
MOST_RESAMPLED: Final = WEIGHTS_IN_MEMORY // INTERVAL_DRAWS
#: Below so many items only shares have an interval: on four, its ends may be ten standard errors
#: away (three times Student's quantile), and its width is several times the value.
LEAST_ITEMS: Final = 5
#: Below so many items intervals cover less than they promise where items are skewed.
FEW_ITEMS: Final = 30
_RANGES: Final = {"0-100": (0.0, 100.0), "perplexity": (1.0, math.inf)}
#: Rounding of a corpus score of 100.
_ROUNDING: Final = 1e-9


def bootstrap(
    score: Score, sums: Array, draws: int = BOOTSTRAP_DRAWS, seed: int = BOOTSTRAP_SEED
) -> Array:
    """(draws,): the score of bootstrap samples of items (Efron 1979), seeded."""
    parts = resample_weights(len(sums), draws, seed)
    return np.concatenate([score.compute(weights @ sums) for weights in parts])


def standard_error(score: Score, sums: Array) -> float:
    """Bootstrap standard error; NaN with fewer than two items.

    At the ends of a score's range, where every draw is the same, what its Wilson interval amounts
    to.
    """
    value = point(score, sums)
    if len(sums) < 2 or not math.isfinite(value):
        return float("nan")
    if _edge(score, value) is not None:
        low, high = interval(score, sums)
        return (high - low) / (2 * NormalDist().inv_cdf(0.975))
    return float(np.std(bootstrap(score, sums), ddof=1))


def interval(score: Score, sums: Array, level: float = 0.95) -> tuple[float, float]:
    """Two-sided interval of the score at confidence `level`, by the rule of this module.

    Args:
        score: the metric.
        sums: (items, width).
        level: 0 to 1.

    Returns:
        (low, high) in the score's unit; NaN where there is none. `high` of a perplexity may be
        infinite.
    """
    value = point(score, sums)
    if len(sums) < 2 or not math.isfinite(value):
        return math.nan, math.nan
    if score.unit == "0-1":
        return _of_a_share(score, sums, level)
    edge = _edge(score, value)
    if edge is not None:
        low, high = wilson_interval(edge, len(sums), level)
        return min(100 * low, value), max(100 * high, value)
    if len(sums) < LEAST_ITEMS:
        return math.nan, math.nan
    low, high = studentized_interval(_scale(score), sums, _weights(len(sums)), level)
    if low == high:
        return math.nan, math.nan
    if score.unit == "perplexity":
        with np.errstate(over="ignore"):
            low, high = float(np.exp2(low)), float(np.exp2(high))
    least, most = _RANGES.get(score.unit, (0.0, math.inf))
    # Rounding must not leave the value itself outside.
    return min(max(low, least), value), max(min(high, most), value)


def why_none(score: Score, sums: Array) -> str:
    """Why `interval` has no bounds for a value, in words; empty where it has, or for no value.

    Args:
        score, sums: see `interval`.
    """
    value, count = point(score, sums), len(sums)
    of_counts = score.unit == "0-1" or _edge(score, value) is not None
    least = 2 if of_counts else LEAST_ITEMS
    if not math.isfinite(value):
        return ""
    if count < least:
        return f"it needs {least} items or more"
    if of_counts:
        return ""
    return "" if linearise(_scale(score), sums).error else "the items do not differ"


def gain(score: Score, before: Array, after: Array) -> tuple[float, float, float]:
    """(difference, low, high) of a score of the same items measured twice, after less before.

    Paired: the studentized interval of what each item contributes to the difference. 0 to 0 where
    no item changes; NaN bounds with fewer than `LEAST_ITEMS`.

    Args:
        score: the metric.
        before, after: (items, width), the same items in the same order.
    """
    value = point(score, after) - point(score, before)
    if np.array_equal(before, after):
        return 0.0, 0.0, 0.0
    if len(before) < LEAST_ITEMS or not math.isfinite(value):
        return value, math.nan, math.nan
    ours, theirs = linearise(score.compute, before), linearise(score.compute, after)
    shares = value + theirs.deviations - ours.deviations
    weights = _weights(len(shares))
    low, high = studentized_interval(_mean, np.stack([shares, np.ones(len(shares))], 1), weights)
    return value, min(low, value), max(high, value)


def _mean(sums: Array) -> Array:
    return np.asarray(sums[..., 0] / sums[..., 1])


def _weights(count: int) -> tuple[Array, ...]:
    if count > MOST_RESAMPLED:
        return ()
    return kept_weights(count, INTERVAL_DRAWS, BOOTSTRAP_SEED)


def _scale(score: Score) -> Compute:
    """What is linearised: a perplexity's exponent, else the score itself."""
    if score.unit == "perplexity":
        return lambda sums: np.log2(score.compute(sums))
    return score.compute


def _edge(score: Score, value: float) -> float | None:
    """0 or 1 at the lower or upper end of a score's range, None elsewhere."""
    if score.unit == "0-1":
        return value if value in (0.0, 1.0) else None
    if score.unit != "0-100":
        return None
    return 0.0 if value <= 0 else 1.0 if value >= 100 * (1 - _ROUNDING) else None


def _of_a_share(score: Score, sums: Array, level: float) -> tuple[float, float]:
    """Wilson's interval; the last sum of a share is its number of answers."""
    linear = linearise(score.compute, sums)
    share = min(max(linear.value, 0.0), 1.0)
    counts = sums[:, -1]
    total = float(counts.sum())
    effective = effective_count(
        share, total, linear.error**2, float((counts**2).sum()) / total, len(sums)
    )
    # At the ends the count is known, that of items, and the normal quantile holds 95 %.
    freedom = None if share in (0.0, 1.0) else len(sums) - 1
    return wilson_interval(share, effective, level, freedom)
