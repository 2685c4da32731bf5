"""Classification: F1 averaged over classes, each of which counts the same."""

from __future__ import annotations

from typing import Final

import numpy as np

from arabench.evaluation.metrics.score import SCORES_VERSION, Score, divide
from arabench.statistics.resampling import Array
from arabench.varieties import VARIETIES


def counts(chosen: int, right: int) -> list[float]:
    """Of one sample: hits of each class, wrong choices of each, misses of each, and 1."""
    found = np.zeros((3, len(VARIETIES)))
    if chosen == right:
        found[0, right] = 1
    else:
        found[1, chosen] = found[2, right] = 1
    return [*map(float, found.ravel()), 1.0]


def _macro_f1(sums: Array) -> Array:
    """Mean F1 over the classes that samples are of; sums are (..., 3 x classes + 1)."""
    hits, wrong, missed = np.split(sums[..., :-1], 3, axis=-1)
    f1 = divide(2 * hits, 2 * hits + wrong + missed)
    there = hits + missed > 0
    return divide(np.where(there, np.nan_to_num(f1), 0.0).sum(-1), there.sum(-1))


MACRO_F1: Final = Score(
    "macro_f1", 3 * len(VARIETIES) + 1, _macro_f1, True, "0-1",
    lambda: f"v:{SCORES_VERSION}|argmax of log-likelihood, ties to the first|mean F1 of: "
    + " ".join(VARIETIES),
)  # fmt: skip
