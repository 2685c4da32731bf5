"""Dose-response curves: a score at each noise rate, and the area under it."""

from __future__ import annotations

from typing import Final

import numpy as np

from arabench.evaluation.metrics.choice import ARGMAX
from arabench.evaluation.metrics.likelihood import BITS
from arabench.evaluation.metrics.score import SCORES_VERSION, Score, divide, ratio
from arabench.statistics.resampling import Array

#: Rates at which robustness is measured; 0 is the clean text.
NOISE_RATES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


def _curve_area(values: Array) -> Array:
    """Trapezoid area under values (..., 6) at NOISE_RATES, divided by the range of rates."""
    steps = np.diff(np.asarray(NOISE_RATES))
    heights = (values[..., 1:] + values[..., :-1]) / 2
    return np.asarray((heights * steps).sum(-1) / (NOISE_RATES[-1] - NOISE_RATES[0]))


def _noise_cost(sums: Array) -> Array:
    """Mean over rates of bits(rate) / bits(0); sums are the bits at the six rates."""
    return _curve_area(divide(sums, sums[..., :1]))


def _noise_accuracy(sums: Array) -> Array:
    """Mean accuracy over rates; sums are correct answers at the six rates, then samples."""
    return _curve_area(divide(sums[..., :-1], sums[..., -1:]))


_RATES = f"v:{SCORES_VERSION}|rates:{NOISE_RATES[0]:g}-{NOISE_RATES[-1]:g}"

NOISE_COST: Final = Score(
    "noise_cost", len(NOISE_RATES), _noise_cost, False, "ratio",
    lambda: f"v:{SCORES_VERSION}|{BITS}|rates:{NOISE_RATES[0]:g}-{NOISE_RATES[-1]:g}",
    likelihood=True,
)  # fmt: skip
NOISE_ACC: Final = Score(
    "noise_acc", len(NOISE_RATES) + 1, _noise_accuracy, True, "0-1", lambda: _RATES
)
#: Bits per clean character at each rate.
BITS_AT: Final = tuple(
    Score(
        f"bits_per_char@{rate}", 2, ratio, False, "bits",
        lambda: f"v:{SCORES_VERSION}|{BITS}|over:clean code points", likelihood=True,
    )
    for rate in NOISE_RATES
)  # fmt: skip
#: Accuracy at each rate.
ACC_AT: Final = tuple(
    Score(f"acc@{rate}", 2, ratio, True, "0-1", lambda: ARGMAX) for rate in NOISE_RATES
)
