"""Whether paired differences are of one sign by more than chance, without a law for them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np

#: Items up to which all signs are tried, and how many are drawn beyond.
MOST_EXACT: Final = 14
DRAWS: Final = 20_000
SEED: Final = 20261130
#: Sums nearer than this share of all are equal but for rounding.
_ROUNDING: Final = 1e-9


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of "each difference may as well have the other sign" (Fisher 1935, 21).

    Exact up to `MOST_EXACT` differences that are not 0; beyond by seeded draws, the data themselves
    counted among them (Phipson and Smyth 2010). 1 where all are 0.

    Args:
        differences: one per independent item.
    """
    values = np.asarray([value for value in differences if value], dtype=np.float64)
    if not len(values):
        return 1.0
    observed = abs(float(values.sum())) - _ROUNDING * float(np.abs(values).sum())
    if len(values) <= MOST_EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(values))))
        return float((np.abs(signs @ values) >= observed).mean())
    generator = np.random.default_rng(SEED)
    signs = generator.integers(0, 2, (DRAWS, len(values))) * 2.0 - 1.0
    extreme = int((np.abs(signs @ values) >= observed).sum())
    return (extreme + 1) / (DRAWS + 1)
