"""Intervals of a function of summed statistics that hold on few and on skewed items.

The value is f(m), m the mean vector of n items; its standard error is that of the items'
contributions g . (x - m), g the gradient of f at m (delta method). Each end of the interval is
the farther of two, each of which falls short elsewhere:

- Student's t on n - 1 degrees of freedom, which is exact for normal contributions and safe for
  heavy tails on both sides, moved outwards on the side of a long tail by the first term of the
  Edgeworth expansion (Johnson 1978, Hall 1992);
- the bootstrap-t (Efron and Tibshirani 1993, 12.5), every draw divided by a standard error of its
  own, which sees what the expansion's first term does not, such as answers that are right or wrong;
  at most `FARTHEST` times as far as Student's.

What they cover is measured by tests/bench/interval_coverage.py (docs/measure.md, "Intervals").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from arabench.statistics.resampling import Array
from arabench.statistics.student import upper_quantile

#: The skewness of a sample understates that of what it was drawn from; raised by half, lognormal
#: items of skewness 6 are covered as often as items of skewness 2, and normal ones no more often.
SKEWNESS_RAISED: Final = 1.5
#: The bootstrap-t's ends are at most so many times Student's. Farther ones are made by draws of
#: items that hardly differ, whose standard error is next to nothing: on few items they reach any
#: distance, another one for bits per character than for bits per byte of the same texts. No law of
#: tests/bench/interval_coverage.py is held less often for it.
FARTHEST: Final = 3.0
#: Variances below this share of the squared value are rounding (of the gradient too).
ROUNDING: Final = 1e-18
#: Step of the numeric gradient, as a share of each mean: rounding and curvature weigh the same.
_STEP: Final = 1e-5

Compute = Callable[[Array], Array]


@dataclass(frozen=True)
class Linear:
    """A value and what each item contributes to it.

    Attributes:
        value: f(m).
        deviations: (items,), with mean 0.
    """

    value: float
    deviations: Array

    @property
    def error(self) -> float:
        """Standard error of the value; 0 where nothing varies."""
        variance = float(np.mean(self.deviations**2))
        still = variance <= ROUNDING * self.value**2
        return 0.0 if still else math.sqrt(variance / (len(self.deviations) - 1))

    @property
    def skewness(self) -> float:
        """Of the deviations; 0 where nothing varies."""
        if not self.error:
            return 0.0
        return float(np.mean(self.deviations**3) / np.mean(self.deviations**2) ** 1.5)


def linearise(compute: Compute, sums: Array) -> Linear:
    """The value of all items and their contributions.

    Args:
        compute: sums (..., width) -> value (...); the same for sums as for their mean.
        sums: (items, width), two items or more.
    """
    mean = sums.mean(axis=0)
    slope = _gradient(compute, mean)
    return Linear(float(compute(sums.sum(axis=0))), (sums - mean) @ slope)


def studentized_interval(
    compute: Compute, sums: Array, weights: Iterable[Array], level: float = 0.95
) -> tuple[float, float]:
    """Two-sided interval of the value at confidence `level`.

    Args:
        compute, sums: see `linearise`.
        weights: yields (part of draws, items): how often each item is drawn. None yielded leaves
            the bootstrap-t out.
        level: 0 to 1.

    Returns:
        (low, high); NaN where the value is not finite, both the value where nothing varies.
    """
    if not np.all(np.isfinite(sums)):
        return math.nan, math.nan
    linear = linearise(compute, sums)
    if not math.isfinite(linear.value) or not np.all(np.isfinite(linear.deviations)):
        return math.nan, math.nan
    if not linear.error:
        return linear.value, linear.value
    tail = (1 - level) / 2
    below, above = _student_ends(linear, tail)
    drawn = _studentized(compute, sums, weights)
    if len(drawn):
        farthest = FARTHEST * upper_quantile(tail, len(sums) - 1)
        below = max(below, min(float(np.quantile(drawn, 1 - tail)), farthest))
        above = max(above, min(-float(np.quantile(drawn, tail)), farthest))
    return linear.value - below * linear.error, linear.value + above * linear.error


def _student_ends(linear: Linear, tail: float) -> tuple[float, float]:
    """Distances of both ends in standard errors.

    The t that is exceeded with the chance of q is q - g (1 + 2 q^2), g = skewness / (6 sqrt n):
    contributions with a long tail upwards make low values of t likely, and need the upper end
    farther out. The end on the other side stays where it is for normal contributions.
    """
    count = len(linear.deviations)
    plain = upper_quantile(tail, count - 1)
    share = SKEWNESS_RAISED * linear.skewness / (6 * math.sqrt(count)) * (1 + 2 * plain**2)
    return plain + max(-share, 0.0), plain + max(share, 0.0)


def _studentized(compute: Compute, sums: Array, weights: Iterable[Array]) -> Array:
    """(draws,): each draw's distance from the value in its own standard errors.

    Draws of one item alone, or in which nothing varies, have none and are left out.
    """
    count, width = sums.shape
    mean = sums.mean(axis=0)
    value = compute(mean)
    centred = sums - mean
    rows, columns = np.triu_indices(width)
    products = centred[:, rows] * centred[:, columns]
    found = []
    for part in weights:
        shift = part @ centred / count
        means = mean + shift
        slopes = _gradient(compute, means)
        twice = np.where(rows == columns, 1.0, 2.0) * slopes[:, rows] * slopes[:, columns]
        seconds = np.einsum("ij,ij->i", part @ products / count, twice)
        variances = seconds - np.einsum("ij,ij->i", shift, slopes) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = (compute(means) - value) / np.sqrt(variances / (count - 1))
        found.append(drawn[(variances > ROUNDING * value**2) & np.isfinite(drawn)])
    return np.concatenate(found) if found else np.empty(0)


def _gradient(compute: Compute, means: Array) -> Array:
    """(..., width): central differences; 0 for a statistic whose mean is 0, which no item has."""
    steps = _STEP * np.abs(means)
    width = means.shape[-1]
    moved = means[..., None, :] + steps[..., None, :] * np.eye(width)
    back = means[..., None, :] - steps[..., None, :] * np.eye(width)
    wide = np.where(steps > 0, 2 * steps, 1.0)
    return np.asarray((compute(moved) - compute(back)) / wide)
