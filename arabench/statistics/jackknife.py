"""What each item contributes to a function of summed statistics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from arabench.statistics.resampling import Array


def contributions(compute: Callable[[Array], Array], sums: Array) -> Array:
    """(items,): contributions whose mean is 0 and whose spread is that of the value.

    Their standard deviation over sqrt(items - 1) is the jackknife standard error (Tukey 1958,
    up to its factor sqrt((n - 1) / n)).

    Args:
        compute: sums (..., width) -> value (...).
        sums: (items, width), two items or more.
    """
    without = np.asarray(compute(sums.sum(axis=0) - sums))
    return np.asarray((len(sums) - 1) * (without.mean() - without))
