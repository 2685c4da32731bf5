"""Holm's procedure by hand, and its family-wise error."""

from __future__ import annotations

import numpy as np
import pytest

from arabench.statistics.multiplicity import holm_levels


def test_by_hand() -> None:
    # Ordered: 0.01 <= 0.05/4, 0.015 <= 0.05/3, 0.03 > 0.05/2: that one and 0.04 share 0.05/2.
    assert holm_levels([0.04, 0.01, 0.03, 0.015], 0.05) == pytest.approx(
        [0.025, 0.0125, 0.025, 0.05 / 3]
    )
    assert holm_levels([0.2, 0.01], 0.05) == pytest.approx([0.05, 0.025])
    assert holm_levels([0.3], 0.05) == [0.05]
    assert holm_levels([], 0.05) == []


def test_error_of_the_family() -> None:
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(4000):
        values = list(rng.random(20))
        levels = holm_levels(values, 0.05)
        false += any(value <= level for value, level in zip(values, levels, strict=True))
    assert false / 4000 == pytest.approx(0.05, abs=0.011)  # three standard errors
