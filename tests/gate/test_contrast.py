"""Degradation of every metric, and what its items show, against independent computations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pytest

from arabench.evaluation.metrics.contrast import WORST_COUNTED, Contrast, contrast, degradation
from arabench.evaluation.metrics.score import Sums, point
from arabench.evaluation.metrics.table import SCORES
from arabench.statistics.resampling import Array
from tests.gate.synthetic import pair_of_bits

BITS = SCORES["bits_per_char"]


#: Metrics per token -> the place of the sum that counts samples of unknown tokens.
UNKNOWN = {"token_perplexity": 1, "tokenizer_tax": 1, "model_tax": 2}


def sums(rows: Array | Sequence[Sequence[float]]) -> Sums:
    values = np.asarray(rows, dtype=np.float64)
    return Sums(tuple(f"{i:04}" for i in range(len(values))), values)


def of(metric: str, ours: Array, theirs: Array, draws: int = 2000) -> Contrast:
    return contrast(SCORES[metric], sums(ours), sums(theirs), draws, 1)


def shares(right: Sequence[float]) -> Array:
    return np.stack([np.asarray(right, dtype=np.float64), np.ones(len(right))], axis=1)


def one_model(metric: str, sizes: Array, rng: np.random.Generator) -> Array:
    """Plausible sums of any metric on items of these sizes, (items, 1)."""
    count, width = len(sizes), SCORES[metric].width
    whole = sizes.astype(int)
    if metric == "bleu":
        orders = [whole - k for k in range(4)]
        parts = [whole, whole + 2, *[rng.binomial(order, 0.5) for order in orders], *orders]
        return np.concatenate(parts, axis=1).astype(np.float64)
    if metric == "chrf++":
        matching = rng.binomial(whole, 0.6, (count, 8))
        parts = [
            np.broadcast_to(sizes, (count, 8)),
            np.broadcast_to(sizes + 1, (count, 8)),
            matching,
        ]
        return np.stack(parts, axis=2).reshape(count, 24)
    if SCORES[metric].unit == "0-1":
        return np.concatenate([rng.random((count, width - 1)).round(), np.ones((count, 1))], axis=1)
    spent = sizes * np.linspace(1, 1.5, width) * rng.gamma(300, 0.01, (count, width))
    if metric.removeprefix("pseudo_") in {"dialect_tax", "noise_cost"}:
        return spent
    found = np.concatenate([spent[:, :-1], sizes], axis=1)
    plain = metric.removeprefix("pseudo_")
    if plain in UNKNOWN:
        found[:, UNKNOWN[plain]] = 0
    return found


def two_models(metric: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 120, (120, 1)).astype(np.float64)
    return one_model(metric, sizes, rng), one_model(metric, sizes, rng)


@pytest.mark.parametrize("metric", sorted(SCORES))
def test_degradation_and_error_of_every_metric_equal_a_plain_bootstrap(metric: str) -> None:
    score, (ours, theirs) = SCORES[metric], two_models(metric)
    found = of(metric, ours, theirs)
    expected = degradation(score, np.array(point(score, ours)), np.array(point(score, theirs)))
    assert found.degradation == pytest.approx(float(expected))
    rng = np.random.default_rng(9)
    drawn = []
    for _ in range(1500):
        chosen = rng.integers(0, len(ours), len(ours))
        pair = (np.array(point(score, values[chosen])) for values in (ours, theirs))
        drawn.append(float(degradation(score, *pair)))
    # Two bounds 2 x 1.645 standard errors apart; shares hold a little more, for what is unseen.
    width = (found.high(0.05) - found.low(0.05)) / (2 * 1.645)
    assert 0.93 * np.std(drawn) <= width <= 1.25 * np.std(drawn)


def test_degradation_by_hand() -> None:
    # 2 -> 2.1 bits is 5 % worse; 0.8 -> 0.7 accuracy is 0.1 worse.
    assert degradation(BITS, np.array(2.0), np.array(2.1)) == pytest.approx(0.05)
    assert degradation(SCORES["acc"], np.array(0.8), np.array(0.7)) == pytest.approx(0.1)
    assert degradation(SCORES["bleu"], np.array(20.0), np.array(25.0)) == pytest.approx(-5)


def test_margins_are_on_the_scale_of_the_metric() -> None:
    chars, ours, theirs = pair_of_bits(200, 0.03, seed=5)
    bits = of("bits_per_char", np.stack([ours, chars], 1), np.stack([theirs, chars], 1))
    assert bits.paired.estimate == pytest.approx(1 + bits.degradation)
    assert bits.shown_worse(bits.degradation) == pytest.approx(0.5, abs=0.05)
    words = np.stack([ours, chars / 5], 1), np.stack([theirs, chars / 5], 1)
    perplexity = of("word_perplexity", *words)
    assert 2**perplexity.paired.estimate == pytest.approx(1 + perplexity.degradation)
    assert perplexity.shown_worse(perplexity.degradation) == pytest.approx(0.5, abs=0.05)
    assert perplexity.low(0.05) < perplexity.degradation < perplexity.high(0.05)


def test_both_models_see_the_same_items() -> None:
    # A candidate that is 3 % worse on every item has no spread at all.
    chars, ours, _ = pair_of_bits(80, 0, seed=1)
    found = of("bits_per_char", np.stack([ours, chars], 1), np.stack([ours * 1.03, chars], 1))
    assert (found.low(0.05), found.high(0.05)) == pytest.approx((0.03, 0.03), abs=1e-9)


def test_shares_that_agree_say_little_of_what_is_rare() -> None:
    # No pair of 30 differs: one in ten may (1 - 0.9^30 = 96 %), one in a hundred certainly.
    few, many = (
        of("acc", shares([1] * 30), shares([1] * 30)),
        of("acc", shares([1] * 400), shares([1] * 400)),
    )
    assert few.shown_better(0.02) > 0.2
    assert many.shown_better(0.02) < 0.05
    assert few.high(0.05) == pytest.approx(1 - 0.05 ** (1 / 30), rel=0.4)


@pytest.mark.parametrize(("lost", "won"), [(8, 0), (4, 0), (10, 1), (12, 4), (6, 2)])
def test_shares_are_as_careful_as_an_exact_test(lost: int, won: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    ours = [1] * (25 + lost) + [0] * won
    theirs = [1] * 25 + [0] * lost + [1] * won
    exact = stats.binomtest(lost, lost + won, 0.5, alternative="greater").pvalue
    found = of("acc", shares(ours), shares(theirs)).shown_worse(0.0)
    assert 0.7 * exact <= found <= 1.4 * exact


@pytest.mark.parametrize("count", [10, 22, 205])
def test_a_model_that_lost_every_answer_is_shown_worse(count: int) -> None:
    # Also as one of forty rows.
    assert of("acc", shares([1] * count), shares([0] * count), 4000).shown_worse(0.02) < 0.05 / 40


def test_bounds_stay_where_the_metric_can_be() -> None:
    found = of("f1", shares([0] * 21 + [1]), shares([1] + [0] * 21))
    assert -1 <= found.low(0.0001) < found.high(0.0001) <= 1


def test_the_kink_of_bleu_is_seen_from_both_sides() -> None:
    # Answers on average one part in a thousand longer than the references: no penalty on all
    # items, but one in nearly every second sample.
    rng = np.random.default_rng(4)
    words = rng.integers(8, 25, 200)

    def model(seed: int) -> Array:
        own = np.random.default_rng(seed)
        system = words + own.permutation(np.repeat([-3, 3], 100))
        system[0] += 1
        orders = [system - k for k in range(4)]
        parts = [system, words, *[own.binomial(o, 0.5) for o in orders], *orders]
        return np.stack(parts, axis=1).astype(np.float64)

    ours, theirs = model(1), model(2)
    drawn = []
    for _ in range(1500):
        chosen = rng.integers(0, 200, 200)
        drawn.append(point(SCORES["bleu"], ours[chosen]) - point(SCORES["bleu"], theirs[chosen]))
    found = of("bleu", ours, theirs)
    width = (found.high(0.05) - found.low(0.05)) / (2 * 1.645)
    assert 0.93 * np.std(drawn) <= width


@pytest.mark.parametrize("metric", sorted(SCORES))
@pytest.mark.parametrize("count", [1, 2])
def test_one_and_two_items_are_compared_without_a_warning(metric: str, count: int) -> None:
    ours, theirs = (values[:count] for values in two_models(metric))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = of(metric, ours, theirs)
        bounds = found.low(0.05), found.high(0.05)
    if count == 1:
        assert (found.shown_worse(0.0), found.shown_better(0.02)) == (1, 1)
        assert not (math.isfinite(bounds[0]) and abs(bounds[0]) < 1)
    assert found.shown_worse(0.0) > 0.01


def test_what_cannot_be_measured_shows_nothing() -> None:
    found = of("bits_per_char", np.zeros((12, 2)), np.ones((12, 2)))
    assert (found.shown_worse(0.1), found.shown_better(0.1)) == (1, 1)
    assert math.isnan(found.low(0.05))


def test_items_count_as_at_most_so_many_times_the_baseline_before_worse_is_shown() -> None:
    chars, ours, theirs = pair_of_bits(60, 0.1, seed=2)
    left = np.stack([ours, chars], axis=1)
    plain = of("bits_per_char", left, np.stack([theirs, chars], axis=1))
    assert plain.capped is plain.paired
    assert plain.capped_degradation == plain.degradation
    theirs[[4, 9]] = ours[[4, 9]] * (WORST_COUNTED * 40)
    counted = theirs.copy()
    counted[[4, 9]] = ours[[4, 9]] * WORST_COUNTED
    wild, tame = (
        of("bits_per_char", left, np.stack([b, chars], axis=1)) for b in (theirs, counted)
    )
    assert tame.capped is tame.paired
    assert wild.degradation > 1 > wild.capped_degradation == pytest.approx(tame.degradation)
    for margin in (0.02, 0.15, 0.9):
        assert wild.shown_worse(margin) == tame.shown_worse(margin)
    assert wild.low(0.05) == tame.low(0.05)
    assert wild.high(0.05) > 5 * tame.high(0.05)
    assert wild.shown_better(0.5) > tame.shown_better(0.5)


def test_nobody_is_called_worse_by_a_tail_of_wild_items() -> None:
    """At the margin, where one item in ten costs 11 times as much and pays for the others."""
    rng, runs, called = np.random.default_rng(5), 400, 0
    for _ in range(runs):
        ours = 50 + 100 * rng.random(60)
        factors = np.where(rng.random(60) < 0.1, 11.0, 0.02 / 0.9)  # 1.12 on average
        found = contrast(
            BITS, sums(np.stack([ours, ours], axis=1)),
            sums(np.stack([ours * factors, ours], axis=1)), 200, 1,
        )  # fmt: skip
        called += found.shown_worse(0.12) <= 0.05
    assert called / runs <= 0.05
