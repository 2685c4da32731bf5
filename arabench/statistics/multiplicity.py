"""Several tests in one decision."""

from __future__ import annotations

from collections.abc import Sequence


def holm_levels(p_values: Sequence[float], level: float) -> list[float]:
    """The error level at which each test is decided, so that all together keep `level`.

    The smallest p-value is held against level / m, the next against level / (m - 1), and so on
    until one is not rejected; that one and all larger ones share its level (Holm 1979). A test
    is rejected exactly where its p-value is at most the level returned for it.

    The chance of one false rejection or more is at most `level`, whatever the tests have to do
    with each other.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    levels = [level] * len(p_values)
    share = level
    rejecting = True
    for rank, index in enumerate(order):
        if rejecting:
            share = level / (len(p_values) - rank)
            rejecting = p_values[index] <= share
        levels[index] = share
    return levels


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """p-values of all tests together: a test holds at a level where its own is at most that.

    The smallest times m, the next times m - 1, and so on, none below the one before it and none
    above 1 (Holm 1979); at every level the same tests are rejected as by `holm_levels`.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        adjusted[index] = largest
    return adjusted
