"""Numbers written to as many digits as their intervals support."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

#: Digits of half an interval that are shown; its end is known no better.
_DIGITS_OF_ERROR: Final = 2
#: Digits of a number of which nobody knows how sure it is.
_DIGITS_ALONE: Final = 3
#: Half intervals up to here, or up to this share of the value, are rounding: nothing varies.
NO_WIDTH: Final = 1e-9
_LEAST_SHARE: Final = 1e-6
#: Decimals after which nothing is read.
_MOST_DECIMALS: Final = 8
#: Numbers from here on are written with an exponent.
_LARGE: Final = 1e9
#: Instead of a number that there is none of.
NOTHING: Final = "n/a"


@dataclass(frozen=True)
class Estimate:
    """A value and the bounds of its 95 % interval.

    NaN where one could not be had, infinite where nothing bounds it.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def bounded(self) -> bool:
        """Whether both bounds are numbers."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def scaled(self, factor: float) -> Estimate:
        """All three times a positive factor."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Words:
    """An estimate in words: `value`, and `interval` as `low to high`, empty where there is none."""

    value: str
    low: str
    high: str

    @property
    def interval(self) -> str:
        return f"{self.low} to {self.high}" if self.low and self.high else ""


def decimals(estimate: Estimate) -> int:
    """Decimals that show half the interval to two digits, 0 to 8."""
    half = (estimate.high - estimate.low) / 2
    if math.isinf(half):
        half = min(estimate.high - estimate.value, estimate.value - estimate.low)
    if math.isfinite(half) and half > max(NO_WIDTH, _LEAST_SHARE * abs(estimate.value)):
        wanted = _DIGITS_OF_ERROR - 1 - math.floor(math.log10(half))
    elif estimate.value and math.isfinite(estimate.value):
        wanted = _DIGITS_ALONE - 1 - math.floor(math.log10(abs(estimate.value)))
    else:
        wanted = _DIGITS_ALONE - 1
    return min(max(wanted, 0), _MOST_DECIMALS)


def rounded(estimate: Estimate, *, signed: bool = False, unit: str = "") -> Words:
    """Value and bounds to the same decimals.

    Args:
        signed: write + before what is above 0; nothing is neither above nor below.
        unit: after each number.
    """
    places = decimals(estimate)
    shown = [end for end in (estimate.value, estimate.low, estimate.high) if math.isfinite(end)]
    if places == _MOST_DECIMALS and all(abs(end) < 0.5 * 10**-places for end in shown):
        places = _DIGITS_ALONE - 1  # nothing but zeros would be read

    def word(number: float) -> str:
        if math.isnan(number):
            return ""
        if math.isinf(number):
            return "infinite" if number > 0 else "-infinite"
        form = f"{'+' if signed else ''}{'.3g' if abs(number) >= _LARGE else f',.{places}f'}"
        text = format(number, form)
        return (text if text.strip("+-0.,") else text.lstrip("+-")) + unit

    low = "no lower bound" if estimate.low == -math.inf else word(estimate.low)
    high = "no upper bound" if estimate.high == math.inf else word(estimate.high)
    return Words(word(estimate.value) or NOTHING, low, high)


def p_words(value: float) -> str:
    """A p-value to two digits; below 0.0001 only that."""
    if math.isnan(value):
        return ""
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"
