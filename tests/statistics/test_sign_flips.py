"""The sign-flip test: known values, SciPy's, and its level."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.stats import binomtest, permutation_test

from arabench.statistics.sign_flips import MOST_EXACT, sign_flip_p


@pytest.mark.parametrize(
    ("differences", "p"),
    [([], 1.0), ([0, 0], 1.0), ([1], 1.0), ([1, 1], 0.5), ([1, 2, 3], 0.25), ([1, -1], 1.0),
     ([1.0] * 10, 2 / 1024), ([0.1, 0.2, -0.3, 0.0], 1.0)],
)  # fmt: skip
def test_few_items_by_hand(differences: list[float], p: float) -> None:
    assert sign_flip_p(differences) == pytest.approx(p)


def test_equal_sizes_are_the_sign_test() -> None:
    for wins in range(MOST_EXACT + 1):
        values = [1.0] * wins + [-1.0] * (MOST_EXACT - wins)
        assert sign_flip_p(values) == pytest.approx(binomtest(wins, MOST_EXACT).pvalue)


@pytest.mark.parametrize("seed", range(5))
def test_many_items_as_scipy_draws_them(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0.3, 1, 40)
    drawn = permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=20_000, rng=seed
    )
    assert sign_flip_p(values.tolist()) == pytest.approx(drawn.pvalue, abs=0.012)


def test_false_alarms_are_as_rare_as_promised() -> None:
    draw = random.Random(1)
    found = [
        sign_flip_p([draw.choice([-1, -0.5, 0, 0.5, 1]) for _ in range(12)]) <= 0.05
        for _ in range(400)
    ]
    assert sum(found) / len(found) <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5
