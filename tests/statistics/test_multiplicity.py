"""Holm's procedure by hand, and its family-wise error."""

from __future__ import annotations

import numpy as np
import pytest

from arabench.statistics.multiplicity import holm_adjusted, holm_levels


def test_by_hand() -> None:
    # Ordered: 0.01 <= 0.05/4, 0.015 <= 0.05/3, 0.03 > 0.05/2: that one and 0.04 share 0.05/2.
    assert holm_levels([0.04, 0.01, 0.03, 0.015], 0.05) == pytest.approx(
        [0.025, 0.0125, 0.025, 0.05 / 3]
    )
    assert holm_levels([0.2, 0.01], 0.05) == pytest.approx([0.05, 0.025])
    assert holm_levels([0.3], 0.05) == [0.05]
    assert holm_levels([], 0.05) == []


def test_adjusted_by_hand() -> None:
    # Ordered: 0.01 x 4, 0.015 x 3, 0.03 x 2, and 0.04 no less than the one before it.
    assert holm_adjusted([0.04, 0.01, 0.03, 0.015]) == pytest.approx([0.06, 0.04, 0.06, 0.045])
    assert holm_adjusted([0.9, 0.6]) == [1.0, 1.0]
    assert holm_adjusted([0.3]) == [0.3]
    assert holm_adjusted([]) == []


def test_adjusted_values_reject_where_levels_do() -> None:
    rng = np.random.default_rng(2)
    for level in (0.01, 0.05, 0.2):
        values = list(rng.beta(0.3, 3, 15))
        rejected = [v <= own for v, own in zip(values, holm_levels(values, level), strict=True)]
        assert [adjusted <= level for adjusted in holm_adjusted(values)] == rejected
        assert any(rejected)


def test_error_of_the_family() -> None:
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(4000):
        values = list(rng.random(20))
        levels = holm_levels(values, 0.05)
        false += any(value <= level for value, level in zip(values, levels, strict=True))
    assert false / 4000 == pytest.approx(0.05, abs=0.011)  # three standard errors
