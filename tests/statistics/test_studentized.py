"""Studentized intervals: against Student's by hand, an independent bootstrap-t, and invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest

from arabench.statistics.resampling import Array, resample_weights
from arabench.statistics.student import upper_quantile, upper_tail
from arabench.statistics.studentized import (
    FARTHEST,
    SKEWNESS_RAISED,
    linearise,
    studentized_interval,
)

NORMAL = np.array([3.0, 5.0, 4.0, 6.0, 2.0])  # symmetric: no skewness


def mean(sums: Array) -> Array:
    return np.asarray(sums[..., 0] / sums[..., 1])


def of(values: Array) -> Array:
    return np.stack([values, np.ones(len(values))], axis=1)


def weights(count: int, draws: int = 2000) -> tuple[Array, ...]:
    return tuple(resample_weights(count, draws, 1))


def test_students_interval_by_hand() -> None:
    # Mean 4, variance 2.5 (n - 1), error sqrt(2.5 / 5); t of 4 degrees of freedom 2.7764.
    low, high = studentized_interval(mean, of(NORMAL), ())
    half = 2.7764451 * math.sqrt(2.5 / 5)
    assert (low, high) == pytest.approx((4 - half, 4 + half), rel=1e-6)


def test_a_long_tail_moves_its_own_end_only() -> None:
    values = np.array([1.0, 1.0, 1.0, 2.0, 10.0])
    linear = linearise(mean, of(values))
    centred = values - 3
    skewness = np.mean(centred**3) / np.mean(centred**2) ** 1.5
    error = values.std(ddof=1) / math.sqrt(5)
    assert (linear.error, linear.skewness) == pytest.approx((error, skewness))
    t = upper_quantile(0.025, 4)
    moved = SKEWNESS_RAISED * skewness / (6 * math.sqrt(5)) * (1 + 2 * t**2)
    low, high = studentized_interval(mean, of(values), ())
    assert low == pytest.approx(3 - t * error)
    assert high == pytest.approx(3 + (t + moved) * error)
    mirrored = studentized_interval(mean, of(-values), ())
    assert mirrored == pytest.approx((-high, -low))


def test_bootstrap_t_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    sums = np.stack([rng.lognormal(0, 0.5, 12), rng.uniform(1, 3, 12)], axis=1)
    value = sums[:, 0].sum() / sums[:, 1].sum()

    def error(sample: Array) -> float:
        ratio = sample[:, 0].sum() / sample[:, 1].sum()
        residual = (sample[:, 0] - ratio * sample[:, 1]) / sample[:, 1].mean()
        return float(np.sqrt(np.mean(residual**2) / (len(sample) - 1)))

    drawn = []
    for row in np.concatenate(weights(12)):
        sample = np.repeat(sums, row.astype(int), axis=0)
        drawn.append((sample[:, 0].sum() / sample[:, 1].sum() - value) / error(sample))
    t = upper_quantile(0.025, 11)
    skewness = linearise(mean, sums).skewness
    moved = SKEWNESS_RAISED * skewness / (6 * math.sqrt(12)) * (1 + 2 * t**2)
    low = value - max(np.quantile(drawn, 0.975), t + max(-moved, 0)) * error(sums)
    high = value + max(-np.quantile(drawn, 0.025), t + max(moved, 0)) * error(sums)
    assert studentized_interval(mean, sums, weights(12)) == pytest.approx((low, high), rel=1e-6)
    assert -np.quantile(drawn, 0.025) < FARTHEST * t
    # Of two kinds of end both are there: the upper one is the bootstrap's, the lower Student's.
    assert -np.quantile(drawn, 0.025) > t + moved
    assert np.quantile(drawn, 0.975) < t


def test_draws_of_items_that_hardly_differ_move_no_end_far() -> None:
    # Seven of ten items are next to equal: 3 of 100 draws have nothing else, and an error of 1e-7.
    values = np.array([4.0, 5.0, 6.5, *(4.0 + 1e-6 * np.arange(7))])
    t = upper_quantile(0.025, 9)
    linear = linearise(mean, of(values))
    low, high = studentized_interval(mean, of(values), weights(10))
    assert linear.value - FARTHEST * t * linear.error <= low * (1 + 1e-12)
    assert high <= (linear.value + FARTHEST * t * linear.error) * (1 + 1e-12)
    assert high == pytest.approx(linear.value + FARTHEST * t * linear.error)


def test_scale_of_the_sums_and_of_the_value_change_nothing() -> None:
    rng = np.random.default_rng(4)
    sums = np.stack([rng.gamma(2, 1, 20), rng.uniform(1, 3, 20)], axis=1)
    low, high = studentized_interval(mean, sums, weights(20))
    scaled = studentized_interval(mean, sums * 1e6, weights(20))
    assert scaled == pytest.approx((low, high), rel=1e-6)
    ten_times = studentized_interval(lambda s: 10 * mean(s), sums, weights(20))
    assert ten_times == pytest.approx((10 * low, 10 * high), rel=1e-6)


def test_what_does_not_vary_has_no_width() -> None:
    low, high = studentized_interval(mean, of(np.full(9, 0.1)), weights(9))
    assert low == high == pytest.approx(0.1)
    sums = np.array([[2.0, 1.0], [4.0, 2.0], [6.0, 3.0]])  # one ratio at three sizes
    low, high = studentized_interval(mean, sums, weights(3))
    assert low == high == pytest.approx(2)


def test_two_items_have_a_finite_interval() -> None:
    low, high = studentized_interval(mean, of(np.array([1.0, 2.0])), weights(2))
    assert -math.inf < low < 1.5 < high < math.inf


def test_values_that_are_no_numbers_have_none() -> None:
    for broken in (math.nan, math.inf):
        found = studentized_interval(mean, of(np.array([1.0, 2.0, broken])), weights(3))
        assert all(map(math.isnan, found))
    nothing = np.zeros((3, 2))
    with np.errstate(invalid="ignore"):
        assert all(map(math.isnan, studentized_interval(mean, nothing, ())))


def test_a_statistic_that_no_item_has_is_left_alone() -> None:
    sums = np.stack([NORMAL, np.ones(5), np.zeros(5)], axis=1)
    assert studentized_interval(mean, sums, ()) == pytest.approx(
        studentized_interval(mean, of(NORMAL), ())
    )


@pytest.mark.parametrize("freedom", [1, 2, 9, 29, 204, 4999, 1e6])
@pytest.mark.parametrize("share", [1e-6, 0.025, 0.3, 0.5])
def test_upper_quantile_is_scipys(freedom: float, share: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    found = upper_quantile(share, freedom)
    assert found == pytest.approx(stats.t.isf(share, freedom), rel=1e-6, abs=1e-9)
    assert upper_tail(found, freedom) == pytest.approx(share, rel=1e-9)


@pytest.mark.parametrize("share", [0.0, -0.1, 0.51, math.nan])
def test_no_upper_quantile_of_what_is_no_upper_share(share: float) -> None:
    with pytest.raises(ValueError, match="no upper quantile"):
        upper_quantile(share, 5)
