"""Contributions against the exact ones of a mean, and against a bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from arabench.evaluation.metrics.intervals import bootstrap
from arabench.evaluation.metrics.table import SCORES
from arabench.statistics.jackknife import contributions
from arabench.statistics.resampling import Array


def ratio(sums: Array) -> Array:
    return np.asarray(sums[..., 0] / sums[..., 1])


def test_contributions_to_a_mean_are_deviations() -> None:
    values = np.array([1.0, 4.0, 7.0, 0.0])
    found = contributions(ratio, np.stack([values, np.ones(4)], axis=1))
    assert found == pytest.approx(values - 3)


def test_their_spread_is_the_bootstraps() -> None:
    rng = np.random.default_rng(2)
    system, reference = rng.integers(8, 30, 200), rng.integers(8, 20, 200)  # no brevity penalty
    correct = [rng.binomial(np.maximum(system - k, 0), 0.7 / (k + 1)) for k in range(4)]
    total = [np.maximum(system - k, 0) for k in range(4)]
    sums = np.stack([system, reference, *correct, *total], axis=1).astype(np.float64)
    found = contributions(SCORES["bleu"].compute, sums)
    assert found.mean() == pytest.approx(0, abs=1e-9)
    error = found.std() / np.sqrt(199)
    assert error == pytest.approx(bootstrap(SCORES["bleu"], sums, draws=4000).std(), rel=0.06)
