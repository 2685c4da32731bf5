"""What paired samples show about a ratio of sums, with error levels that hold on few items.

Two models answered the same n items; each item gives an `excess` e (what the candidate spends,
or loses) and a `size` s (what it is measured against). The quantity is theta = sum e / sum s.
Whether theta is shown to lie below a value v is tested on the residuals d = e - v s, whose mean
is 0 where theta is exactly v: no ratio has to be linearised (Fieller 1954).

A p-value is the larger of two, each of which fails elsewhere:

- Student's t on d, which is exact for normal residuals and safe where tails are heavy on both
  sides, corrected where residuals are skewed to the bad side (Johnson 1978, Hall 1992). Few items
  show little of a long tail, and that is when it does harm: before theta is called smaller (the
  candidate may pass) the sample's skewness is moved `SKEW_ALLOWANCE` of its standard errors to
  that side;
- the bootstrap-t (Efron and Tibshirani 1993, 12.5), for what the first does not see, such as
  answers that are right or wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from arabench.statistics.resampling import Array
from arabench.statistics.student import upper_tail

#: Standard errors of the sample's skewness that are added to it before theta is called smaller.
#: With none, 7 % of candidates at the margin pass on ten items of skewness 1, and 12 % on items
#: of skewness 2. Before theta is called larger it would cost half of what little power 22
#: passages have.
SKEW_ALLOWANCE: Final = 3.0
#: Variances below this share of the squared scale are rounding, and mean that nothing varies.
ROUNDING: Final = 1e-22
#: A bound is searched until two ends differ by this share of a standard error.
_HALVINGS: Final = 20
#: Standard errors from the estimate after which a bound is called infinite, as a power of 2.
_FAR: Final = 60


@dataclass(frozen=True)
class Paired:
    """Items, and how often each is drawn in bootstrap samples.

    Attributes:
        excess, size: (items,); the last `assumed` items were not seen but are assumed, in every
            bootstrap sample once.
        draws: (draws, 5), mean over each bootstrap sample of r, s, r^2, r s, s^2, where r is
            the residual at the estimate.
        skew_allowance: see `SKEW_ALLOWANCE`; 0 treats both directions alike.
    """

    excess: Array
    size: Array
    draws: Array
    assumed: int = 0
    skew_allowance: float = SKEW_ALLOWANCE

    @classmethod
    def measure(
        cls, excess: Array, size: Array, weights: Iterable[Array], assumed: int = 0
    ) -> Paired:
        """`weights` yields (part of draws, items seen): how often each of them was drawn."""
        return measure_together([(excess, size, assumed)], weights)[0]

    @cached_property
    def estimate(self) -> float:
        """sum e / sum s; NaN where there is no size."""
        return _estimate(self.excess, self.size)

    @cached_property
    def standard_error(self) -> float:
        """Of the estimate, by the delta method."""
        count = len(self.excess)
        residual = self.excess - self.estimate * self.size
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.std(residual) / np.sqrt(max(count - 1, 0)) / abs(self.size.mean()))

    def below(self, value: float) -> float:
        """p-value of "theta is `value` or more": small where it is shown to be less.

        1 where nothing can be shown: fewer than two items, or numbers that are not finite.
        """
        return self._shown(value, -1)

    def above(self, value: float) -> float:
        """p-value of "theta is `value` or less": small where it is shown to be more."""
        return self._shown(value, 1)

    def upper(self, level: float) -> float:
        """The least value that theta is shown to lie below, at error `level`; or infinity."""
        return self._bound(level, -1)

    def lower(self, level: float) -> float:
        """The largest value that theta is shown to lie above, at error `level`; or -infinity."""
        return self._bound(level, 1)

    def _bound(self, level: float, sign: int) -> float:
        """Nearest value on the other side of the estimate that the same test rejects."""
        if not math.isfinite(self.estimate):
            return math.nan
        step = max(self.standard_error, abs(self.estimate) * 1e-12, 1e-12)
        inner, outer = self.estimate, self.estimate - sign * step / 4
        for power in range(_FAR):
            if self._shown(outer, sign) <= level:
                break
            inner, outer = outer, self.estimate - sign * step * 2.0 ** (power / 2 - 1)
        else:
            return -sign * math.inf
        for _ in range(_HALVINGS):
            middle = (inner + outer) / 2
            if self._shown(middle, sign) <= level:
                outer = middle
            else:
                inner = middle
        return outer

    def _shown(self, value: float, sign: int) -> float:
        """p-value against theta on the side of `sign` (1: above `value`, -1: below)."""
        count = len(self.excess)
        if count - self.assumed < 2 or not (math.isfinite(self.estimate) and math.isfinite(value)):
            return 1.0
        shift = value - self.estimate
        residual = sign * (self.excess - self.estimate * self.size - shift * self.size)
        scale = float(np.mean(self.excess**2) + value**2 * np.mean(self.size**2))
        mean, least = float(residual.mean()), ROUNDING * scale
        statistic, drawn = self._statistics(mean, residual, shift, sign, least)
        allowance = self.skew_allowance if sign < 0 else 0.0
        seen = residual[: count - self.assumed]
        ties = int(np.count_nonzero(drawn >= statistic))
        return max(
            upper_tail(_unskewed(statistic, seen - seen.mean(), allowance, least), count - 1),
            (1 + ties) / (1 + len(drawn)),
        )

    def _statistics(
        self, mean: float, residual: Array, shift: float, sign: int, least: float
    ) -> tuple[float, Array]:
        """t of the residuals, and of each bootstrap sample about their mean."""
        r, s, rr, rs, ss = self.draws.T
        means = sign * (r - shift * s)
        spreads = rr - 2 * shift * rs + shift**2 * ss - means**2
        freedom = len(residual) - 1
        ours = _studentized(np.asarray([mean]), np.asarray([residual.var()]), freedom, least)
        return float(ours[0]), _studentized(means - mean, spreads, freedom, least)


def measure_together(
    measures: Sequence[tuple[Array, Array, int]], weights: Iterable[Array]
) -> list[Paired]:
    """Several (excess, size, assumed) of the same items, whose weights are gone through once.

    Args:
        measures: see `Paired`.
        weights: yields (part of draws, items seen): how often each of them was drawn.
    """
    tables = [_columns(*measure) for measure in measures]
    parts: list[list[Array]] = [[] for _ in measures]
    for part in weights:
        for held, (seen, always, count) in zip(parts, tables, strict=True):
            held.append((part @ seen + always) / max(count, 1))
    return [
        Paired(excess, size, np.concatenate(held), assumed)
        for (excess, size, assumed), held in zip(measures, parts, strict=True)
    ]


def _columns(excess: Array, size: Array, assumed: int) -> tuple[Array, Array, int]:
    """r, s, r^2, r s, s^2 of items seen, sums of them over those assumed, and how many all are."""
    count = len(excess)
    residual = excess - _estimate(excess, size) * size
    columns = np.stack([residual, size, residual**2, residual * size, size**2], axis=1)
    return columns[: count - assumed], columns[count - assumed :].sum(axis=0), count


def _studentized(means: Array, variances: Array, freedom: int, least: float) -> Array:
    """Means over their standard errors; where nothing varies 0 or infinity."""
    varies = variances > least
    errors = np.sqrt(np.where(varies, variances, 1.0) / freedom)
    still = np.where(means**2 > least, np.copysign(np.inf, means), 0.0)
    return np.asarray(np.where(varies, means / errors, still))


def _unskewed(statistic: float, deviations: Array, allowance: float, least: float) -> float:
    """The t value that is as unlikely under normal residuals as `statistic` under skewed ones.

    `statistic` itself where they are not skewed to the bad side.

    To first order the t that is exceeded with the chance of q is q - g (1 + 2 q^2), with
    g = skewness / (6 sqrt n); solved for q. A long tail on the lower side makes large t likely.
    """
    count = len(deviations)
    if math.isinf(statistic):
        return statistic
    variance = float(np.mean(deviations**2))
    third = float(np.mean(deviations**3))
    skewness = third / variance**1.5 if variance > least else 0.0
    skewness -= allowance * math.sqrt(6 / count)
    if skewness >= 0:
        return statistic
    share = -skewness / (6 * math.sqrt(count))
    inside = 1 - 8 * share * (share - statistic)
    if inside < 0:
        return -math.inf
    # (sqrt(inside) - 1) / (4 share) without its cancellation: residuals can be skewed by rounding.
    return 2 * (statistic - share) / (math.sqrt(inside) + 1)


def _estimate(excess: Array, size: Array) -> float:
    total = float(size.sum())
    return float(excess.sum()) / total if total > 0 else math.nan
