"""Paired evidence: against SciPy, against its own definition written out, and in the long run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from arabench.statistics.paired import SKEW_ALLOWANCE, Paired
from arabench.statistics.resampling import Array


def weights(count: int, draws: int = 2000, seed: int = 1) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.multinomial(count, np.full(count, 1 / count), draws).astype(np.float64)]


def paired(excess: Any, size: Any = None, draws: int = 2000) -> Paired:
    values = np.asarray(excess, dtype=np.float64)
    sizes = np.ones(len(values)) if size is None else np.asarray(size, dtype=np.float64)
    return Paired.measure(values, sizes, weights(len(values), draws))


def by_definition(excess: Array, size: Array, value: float, draws: Array) -> float:
    """p-value of "theta is `value` or more", each of its parts written out with SciPy."""
    stats = pytest.importorskip("scipy.stats")
    optimize = pytest.importorskip("scipy.optimize")
    residual = value * size - excess  # large where theta lies below
    count = len(residual)
    found = stats.ttest_1samp(residual, 0.0, alternative="greater")
    skewness = stats.skew(residual) - SKEW_ALLOWANCE * math.sqrt(6 / count)
    corrected = found.statistic
    if skewness < 0:
        corrected = optimize.brentq(
            lambda q: q - skewness * (1 + 2 * q * q) / (6 * math.sqrt(count)) - found.statistic,
            -0.5, 50,
        )  # fmt: skip
    beyond = 0
    for row in draws:
        sample = np.repeat(residual, row.astype(int))
        error = sample.std(ddof=1) / math.sqrt(count)
        beyond += (sample.mean() - residual.mean()) / error >= found.statistic
    return max(
        float(found.pvalue), float(stats.t.sf(corrected, count - 1)),
        (1 + beyond) / (1 + len(draws)),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_equals_its_definition_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = rng.lognormal(3, 0.5, 40)
    excess = size * (1 + 0.05 * (rng.gamma(2, 1, 40) - 2))
    draws = weights(40, 400)
    found = Paired.measure(excess, size, draws)
    for value in (1.0, 1.02, 1.05):
        if value > found.estimate:
            expected = by_definition(excess, size, value, draws[0])
            assert found.below(value) == pytest.approx(expected, rel=1e-6)


def test_without_an_allowance_both_directions_are_alike() -> None:
    values = np.random.default_rng(3).normal(0.2, 1, 25)
    one, other = (replace(paired(sign * values), skew_allowance=0.0) for sign in (1, -1))
    assert one.above(0.0) == pytest.approx(other.below(0.0))
    assert one.lower(0.025) == pytest.approx(-other.upper(0.025), abs=1e-4)
    assert paired(-values).below(0.0) > other.below(0.0)


def test_residuals_that_are_skewed_by_rounding_alone_are_not_skewed() -> None:
    stats = pytest.importorskip("scipy.stats")
    half = np.random.default_rng(7).normal(0, 5, 40)
    for shift in (1.1, 1.2, 1.3, 1.4):
        values = shift + np.concatenate([half, -half])  # symmetric but for the last digit
        expected = float(stats.ttest_1samp(values, 0, alternative="greater").pvalue)
        assert paired(values).above(0.0) == pytest.approx(expected, rel=0.3)


def test_two_items_by_hand() -> None:
    # Values 1 and 3: mean 2, standard error 1, so t = 2 against 0; the upper tail of t with one
    # degree of freedom is 1/2 - atan(2)/pi = 0.148. A quarter of the draws holds 3 twice, which
    # varies not at all and is infinitely far above 2.
    found = paired([1, 3], draws=40_000)
    assert found.estimate == 2
    assert found.above(0) == pytest.approx(0.25, abs=0.01)
    # With 8 values of each sort no draw does: the first part decides.
    many = paired([1, 3] * 8, draws=4000)
    assert many.standard_error == pytest.approx(1 / math.sqrt(15))
    assert many.above(1.8) == pytest.approx(0.2255, abs=0.02)


def test_intervals_equal_scipys_on_many_items() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    values = rng.normal(1, 1, 400)
    found = paired(values, draws=4000)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    width = expected.high - expected.low
    assert found.lower(0.05) == pytest.approx(expected.low, abs=0.05 * width)
    assert found.upper(0.05) == pytest.approx(expected.high, abs=0.08 * width)
    assert found.upper(0.05) >= expected.high  # the more careful of two


def test_ratios_equal_scipys_bca_bootstrap() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(4)
    size = rng.integers(20, 120, 300) * rng.gamma(30, 0.1, 300)
    excess = size * rng.normal(1.01, 0.08, 300)

    def ratio(e: Any, s: Any, axis: int = -1) -> Any:
        return e.sum(axis) / s.sum(axis)

    answer = stats.bootstrap(
        (excess, size), ratio, paired=True, method="BCa", confidence_level=0.9,
        n_resamples=4000, rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    found, width = paired(excess, size), answer.high - answer.low
    assert found.estimate == pytest.approx(excess.sum() / size.sum())
    assert found.lower(0.05) == pytest.approx(answer.low, abs=0.08 * width)
    assert found.upper(0.05) == pytest.approx(answer.high, abs=0.1 * width)


def test_bounds_are_where_the_test_turns() -> None:
    rng = np.random.default_rng(6)
    found = paired(rng.gamma(2, 1, 25), rng.lognormal(0, 0.6, 25))
    for level in (0.05, 0.002):
        high, low = found.upper(level), found.lower(level)
        assert low < found.estimate < high
        assert found.below(high) <= level < found.below(high - 1e-3 * (high - found.estimate))
        assert found.above(low) <= level < found.above(low + 1e-3 * (found.estimate - low))


def test_what_does_not_vary_is_known() -> None:
    # 3 % more on each item, of whatever size; 0.1 + 0.2 is not 0.3, which is no variation.
    size = np.random.default_rng(7).integers(20, 120, 80) * 0.1
    found = paired(size * 1.03, size)
    assert (found.lower(0.05), found.upper(0.05)) == pytest.approx((1.03, 1.03), abs=1e-9)
    still = paired([0.3, 0.1 + 0.2, 0.3])
    assert still.above(0.2) < 0.01
    assert still.above(0.3) > 0.4


def test_nothing_is_shown_by_what_is_no_sample() -> None:
    for excess, size in (([2.0], None), ([1, 2], [0, 0]), ([1, math.nan], None)):
        found = paired(excess, size)
        assert (found.above(0), found.below(9)) == (1, 1)
    one = paired([2.0])
    assert (one.lower(0.05), one.upper(0.05)) == (-math.inf, math.inf)
    assert math.isnan(paired([1, math.nan]).upper(0.05))


def test_sizes_that_show_nothing_have_no_bound() -> None:
    # All but one item are empty: the ratio could be anything.
    found = paired([5.0, 0.1, 0.2, 0.1], [5.0, 0, 0, 0])
    assert found.upper(0.05) == math.inf


def share_of_passes(skewness: int, count: int) -> float:
    """How often a candidate worse by exactly 2 % is shown to be less than that."""
    rng = np.random.default_rng([skewness, count])
    drawn = weights(count, 500)
    passed = 0
    for _ in range(1500):
        size = rng.integers(20, 120, count) * rng.gamma(30, 0.1, count)
        noise = rng.normal(0, 1, count) if skewness == 0 else (rng.gamma(4, 1, count) - 4) / 2
        passed += Paired.measure(size * 1.02 * (1 + 0.08 * noise), size, drawn).below(1.02) <= 0.05
    return passed / 1500


@pytest.mark.parametrize("skewness", [0, 1])
@pytest.mark.parametrize("count", [10, 30])
def test_the_level_holds_on_few_and_skewed_items(skewness: int, count: int) -> None:
    # 5 % has a standard error of 0.56 % in 1,500 runs.
    assert share_of_passes(skewness, count) <= 0.06 + 2 * 0.0056
