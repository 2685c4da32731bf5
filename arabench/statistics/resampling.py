"""Bootstrap samples of items (Efron 1979), seeded."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Bootstrap draws for standard errors and intervals: the Monte-Carlo error of a
#: standard error from B draws is about 1/sqrt(2B), 2 % here.
BOOTSTRAP_DRAWS: Final = 1000
BOOTSTRAP_SEED: Final = 20241217
#: Bootstrap weights held in memory at once: 64 MB.
WEIGHTS_IN_MEMORY: Final = 8_000_000
#: Weights that are kept for the next metric of the same items: 8 MB each, four of them.
_WEIGHTS_KEPT: Final = 1_000_000


def resample_weights(count: int, draws: int, seed: int) -> Iterator[Array]:
    """How often each of `count` items is drawn in each of `draws` bootstrap samples.

    Yields (part of draws, count), so that memory stays bounded; the draws do not depend on
    how they are parted.
    """
    if count * draws <= min(_WEIGHTS_KEPT, WEIGHTS_IN_MEMORY):
        yield _drawn(count, draws, seed)
        return
    rng = np.random.default_rng(seed)
    share = np.full(count, 1 / count)
    size = max(1, WEIGHTS_IN_MEMORY // count)
    for start in range(0, draws, size):
        yield rng.multinomial(count, share, min(size, draws - start)).astype(np.float64)


@functools.lru_cache(maxsize=4)
def _drawn(count: int, draws: int, seed: int) -> Array:
    """All draws at once, read-only: every metric of a task asks for the same."""
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), draws)
    drawn = weights.astype(np.float64)
    drawn.setflags(write=False)
    return drawn
