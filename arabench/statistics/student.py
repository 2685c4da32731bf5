"""Student's t distribution, without SciPy (which the base install does not bring)."""

from __future__ import annotations

import functools
import math
from typing import Final

#: Steps of the continued fraction; it needs about sqrt(freedom) of them.
_STEPS: Final = 10_000
_TINY: Final = 1e-300
_EXACT: Final = 1e-15


def upper_tail(value: float, freedom: float) -> float:
    """P(T >= value) of Student's t with `freedom` > 0 degrees of freedom; NaN for NaN.

    By the regularised incomplete beta function (Abramowitz and Stegun 26.7.1, 26.5.8).
    """
    if math.isnan(value):
        return math.nan
    if math.isinf(value):
        return 0.0 if value > 0 else 1.0
    # The two parts of 1, each computed from `value`: 1 - x has no digits left where x is near 1.
    ratio = value * value / freedom
    half = _beta(1 / (1 + ratio), ratio / (1 + ratio), freedom / 2, 0.5) / 2
    return half if value >= 0 else 1 - half


@functools.lru_cache(maxsize=1024)
def upper_quantile(share: float, freedom: float) -> float:
    """The value that Student's t exceeds with the chance of `share`, which is at most one half.

    Raises:
        ValueError: a share of 0 or less, or of more than one half.
    """
    if not 0 < share <= 0.5:
        raise ValueError(f"no upper quantile of {share}")
    low, high = 0.0, 1.0
    while upper_tail(high, freedom) > share:
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in (low, high):
        if upper_tail(middle, freedom) > share:
            low = middle
        else:
            high = middle
    return high


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b) for 0 <= x <= 1 and rest = 1 - x."""
    if rest <= 0:
        return 1.0
    if x <= 0 or math.isnan(rest):  # a value so large that its square drowns the freedom
        return 0.0
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log(rest))
    # The fraction converges fast on one side of the mean; I_x(a, b) = 1 - I_{1-x}(b, a).
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(rest, b, a) / b
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Continued fraction of the incomplete beta function, by Lentz's method."""
    numerator, denominator = 1.0, _away_from_zero(1 - (a + b) * x / (a + 1))
    denominator = 1 / denominator
    value = denominator
    for step in range(1, _STEPS):
        for term in (
            step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step)),
            -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1)),
        ):
            denominator = 1 / _away_from_zero(1 + term * denominator)
            numerator = _away_from_zero(1 + term / numerator)
            change = numerator * denominator
            value *= change
        if abs(change - 1) < _EXACT:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
