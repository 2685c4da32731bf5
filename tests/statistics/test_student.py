"""Student's t against SciPy and against values of printed tables."""

from __future__ import annotations

import math

import pytest

from arabench.statistics.student import upper_tail


@pytest.mark.parametrize(
    ("value", "freedom", "tail"),
    [(6.314, 1, 0.05), (1.833, 9, 0.05), (2.262, 9, 0.025), (1.645, 1e7, 0.05), (0, 3, 0.5)],
)
def test_printed_tables(value: float, freedom: float, tail: float) -> None:
    assert upper_tail(value, freedom) == pytest.approx(tail, abs=1e-4)
    assert upper_tail(-value, freedom) == pytest.approx(1 - tail, abs=1e-4)


def test_equals_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in (1, 2, 3.5, 9, 29, 204, 4999, 1e6):
        for value in (-40, -3.1, -1e-9, 0, 1e-5, 0.3, 1, 2.5, 7, 60, 1e4):
            expected = stats.t.sf(value, freedom)
            assert upper_tail(value, freedom) == pytest.approx(expected, rel=1e-7, abs=1e-300)


def test_the_ends() -> None:
    assert upper_tail(math.inf, 5) == 0
    assert upper_tail(-math.inf, 5) == 1
    assert upper_tail(1e300, 5) == 0
    assert math.isnan(upper_tail(math.nan, 5))
