"""Intervals of every kind of score: by hand, at the ends of a range, on few and on many items."""

from __future__ import annotations

import math

import numpy as np
import pytest

from arabench.evaluation.metrics.intervals import (
    LEAST_ITEMS,
    MOST_RESAMPLED,
    bootstrap,
    gain,
    interval,
    standard_error,
    why_none,
)
from arabench.evaluation.metrics.score import by_item, point, sample
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.tasks import score_translation
from arabench.statistics.proportions import wilson_interval
from arabench.statistics.resampling import Array


def translated(name: str, hypothesis: str, reference: str, items: int = 15) -> Array:
    """Sums of as many translations of one kind."""
    return by_item(
        score_translation({"item": str(item), "target": reference}, [hypothesis])[name]
        for item in range(items)
    ).sums


def test_shares_at_the_edge_get_a_wilson_interval() -> None:
    # Wilson 1927, by hand for 0 of n: z^2 / (n + z^2); five questions on two passages are two.
    z2 = 1.959964**2
    for value, items in ((0.0, 5), (1.0, 5), (0.0, 2)):
        sums = by_item(sample(str(i % items), [value, 1]) for i in range(10)).sums
        low, high = interval(SCORES["acc"], sums)
        width = z2 / (items + z2)
        assert (low, high) == pytest.approx((0, width) if value == 0 else (1 - width, 1), abs=1e-6)
        assert standard_error(SCORES["acc"], sums) == pytest.approx(
            width / (2 * 1.959964), rel=1e-5
        )
    for count in range(1, 300):
        assert wilson_interval(0, count)[0] == 0 < wilson_interval(0, count)[1]
        assert wilson_interval(1, count)[1] == 1 > wilson_interval(1, count)[0]
    mixed = by_item(sample(str(i), [float(i > 0), 1]) for i in range(40)).sums
    proportion = pytest.importorskip("scipy.stats").binomtest(39, 40).proportion_ci(method="wilson")
    assert wilson_interval(39 / 40, 40) == pytest.approx((proportion.low, proportion.high))
    # Between the edges the count is that of the items here (one question each), and Student's t.
    t = pytest.importorskip("scipy.stats").t.isf(0.025, 39)
    seen = 39 / 40 * 1 / 40 / 39  # of the share, between items
    effective = 40 * 2 / (seen / (39 / 40 * 1 / 40 / 40) * 1 + 1)
    centre = (39 / 40 + t * t / (2 * effective)) / (1 + t * t / effective)
    spread = t * math.sqrt(39 / 1600 / effective + t * t / (4 * effective**2))
    spread /= 1 + t * t / effective
    assert interval(SCORES["acc"], mixed) == pytest.approx((centre - spread, centre + spread))


def test_questions_that_go_together_count_as_fewer() -> None:
    # Passages of which all or none of five questions are right: a passage is one observation.
    together = by_item(sample(str(i), [5.0 * (i % 2), 5]) for i in range(60)).sums
    single = by_item(sample(str(i), [float(i % 2), 1]) for i in range(60)).sums
    apart = by_item(sample(str(i), [float(i % 2), 1]) for i in range(300)).sums
    widths = [high - low for low, high in (
        interval(SCORES["acc"], sums) for sums in (together, single, apart)
    )]  # fmt: skip
    assert widths[0] == pytest.approx(widths[1], rel=0.01)
    assert widths[2] < 0.5 * widths[0]


@pytest.mark.parametrize("name", ["f1", "bleu", "bits_per_char", "word_perplexity"])
def test_intervals_stay_where_the_metric_can_be(name: str) -> None:
    rng = np.random.default_rng(11)
    score = SCORES[name]
    wide = rng.integers(0, 2, (LEAST_ITEMS, score.width)) * 1.0
    wide[:, -1] = 1
    wide[0] = 1
    low, high = interval(score, wide)
    assert 0 <= low <= point(score, wide) <= high
    assert high <= {"0-1": 1, "0-100": 100 * (1 + 1e-12)}.get(score.unit, math.inf)


def test_perplexities_have_their_interval_in_bits() -> None:
    rng = np.random.default_rng(12)
    sums = np.stack([rng.gamma(9, 5, 40), rng.integers(3, 12, 40)], axis=1)
    bits, words = SCORES["bits_per_char"], SCORES["word_perplexity"]
    expected = [2.0**bound for bound in interval(bits, sums)]
    assert interval(words, sums) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["word_perplexity", "byte_perplexity", "token_perplexity"])
def test_perplexities_are_cut_at_one(name: str) -> None:
    # Bits per unit whose interval reaches below 0: one item of five has nearly all of them.
    bits, units = np.array([0.5, 90.0, 0.5, 0.5, 1.0]), np.array([8.0, 9, 10, 11, 12])
    columns = [bits, np.zeros(5), units] if name == "token_perplexity" else [bits, units]
    sums = np.stack(columns, axis=1)
    assert interval(SCORES["bits_per_char"], sums[:, [0, -1]])[0] == 0
    low, high = interval(SCORES[name], sums)
    assert (low, math.isfinite(high)) == (1, True)
    # A likelihood that is rounded to above 1 leaves the value a little below it.
    sums[:, 0] = [-1e-6, 0, 1e-7, 0, 0]
    value = point(SCORES[name], sums)
    assert interval(SCORES[name], sums)[0] == value < 1


#: Bits, code points, bytes and words of five texts, two of which cost all but the same.
TEXTS = np.array(
    [[212.4, 48, 87, 9], [210.1, 50, 91, 10], [214.3, 51, 93, 10], [181.0, 40, 70, 7],
     [390.2, 80, 149, 14]]
)  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_items_have_no_interval_but_of_shares(count: int) -> None:
    for name, place in (("bits_per_char", 1), ("bits_per_byte", 2), ("word_perplexity", 3)):
        sums = TEXTS[:count][:, [0, place]]
        assert all(map(math.isnan, interval(SCORES[name], sums))), name
        assert why_none(SCORES[name], sums) == "it needs 5 items or more"
        five = TEXTS[:, [0, place]]
        assert all(map(math.isfinite, interval(SCORES[name], five)))
        assert why_none(SCORES[name], five) == ""
    answers = np.array([[float(i == 1), 1.0] for i in range(count)])
    bounded = count >= 2
    assert all(map(math.isfinite, interval(SCORES["acc"], answers))) == bounded
    assert why_none(SCORES["acc"], answers) == ("" if bounded else "it needs 2 items or more")


@pytest.mark.parametrize("seed", range(20))
def test_numbers_of_the_same_bits_do_not_contradict_each_other(seed: int) -> None:
    # Bytes are nearly twice the characters, so each relative interval is nearly the same.
    rng = np.random.default_rng(seed)
    chars = rng.integers(30, 90, 5).astype(float)
    columns = np.stack([chars * rng.gamma(30, 0.14, 5), chars, chars * rng.normal(1.8, 0.02, 5)])
    widths = []
    for name, place in (("bits_per_char", 1), ("bits_per_byte", 2)):
        sums = columns[[0, place]].T
        low, high = interval(SCORES[name], sums)
        widths.append((high - low) / point(SCORES[name], sums))
    assert max(widths) < 2.5 * min(widths)
    assert interval(SCORES["byte_perplexity"], columns[[0, 2]].T) == pytest.approx(
        tuple(2 ** np.array(interval(SCORES["bits_per_byte"], columns[[0, 2]].T))), rel=1e-5
    )


def test_gains_of_few_items_have_no_interval() -> None:
    before = np.array([[0.1 * i, 1.0] for i in range(6)])
    after = before.copy()
    after[:, 0] += [0.1, 0.2, 0, 0.1, 0.3, 0.2]
    value, low, high = gain(SCORES["f1"], before, after)
    assert value == pytest.approx(0.15)
    assert low < value < high
    value, low, high = gain(SCORES["f1"], before[:4], after[:4])
    assert value == pytest.approx(0.1)
    assert all(map(math.isnan, (low, high)))
    assert gain(SCORES["f1"], before[:4], before[:4]) == (0, 0, 0)


@pytest.mark.parametrize("name", ["bleu", "chrf++"])
def test_translations_of_nothing_right_are_as_sure_as_a_share_of_nothing(name: str) -> None:
    wrong = translated(name, "لا شيء هنا", "كتب نعم")
    wrong[:, [place for place in range(wrong.shape[1]) if place % 3 == 2]] *= name == "bleu"
    assert point(SCORES[name], wrong) == 0
    # By hand, as for shares: z^2 / (15 + z^2) of 100.
    width = 100 * 1.959964**2 / (15 + 1.959964**2)
    assert interval(SCORES[name], wrong) == pytest.approx((0, width), abs=1e-5)
    assert standard_error(SCORES[name], wrong) == pytest.approx(width / (2 * 1.959964), rel=1e-5)
    right = translated(name, "كتب الولد درسه ثم نام", "كتب الولد درسه ثم نام")
    low, high = interval(SCORES[name], right)
    assert (low, high) == pytest.approx((100 - width, 100), abs=1e-5)
    assert why_none(SCORES[name], wrong) == ""


def test_items_that_do_not_differ_do_not_say_how_sure_a_number_is() -> None:
    sums = np.array([[4.0 * i, 2.0 * i] for i in range(1, 9)])
    for name in ("bits_per_char", "word_perplexity", "dialect_tax"):
        assert all(map(math.isnan, interval(SCORES[name], sums)))
        assert why_none(SCORES[name], sums) == "the items do not differ"


@pytest.mark.parametrize("count", [5, 8, 10, 12, 15, 20, 30])
def test_shares_of_0_and_1_hold_95_percent_on_average(count: int) -> None:
    # Exact: the binomial chances of all counts, on average over every share (Brown et al. 2001).
    binom = pytest.importorskip("scipy.stats").binom
    sums = [np.array([[float(i < right), 1] for i in range(count)]) for right in range(count + 1)]
    low, high = np.array([interval(SCORES["acc"], one) for one in sums]).T
    shares = np.linspace(0.001, 0.999, 999)
    chances = binom.pmf(np.arange(count + 1), count, shares[:, None])
    held = (chances * ((low <= shares[:, None]) & (shares[:, None] <= high))).sum(axis=1)
    assert held.mean() >= 0.95
    # The end of 0 right is the normal one, and no share beyond it is missed too often for it.
    z2 = 1.959964**2
    assert high[0] == pytest.approx(z2 / (count + z2))
    beyond = (shares > high[0]) & (shares < 0.5)
    assert held[beyond].min() >= 0.925


def test_many_items_need_no_draws() -> None:
    rng = np.random.default_rng(13)
    sums = np.stack([rng.normal(5, 1, MOST_RESAMPLED + 1), np.ones(MOST_RESAMPLED + 1)], axis=1)
    low, high = interval(SCORES["bits_per_char"], sums)
    error = sums[:, 0].std(ddof=1) / math.sqrt(len(sums))
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, rel=0.01)


def test_interval_covers_the_truth_at_its_level() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        bits, chars = rng.gamma(4, 2, size=80), rng.integers(20, 120, size=80)
        low, high = interval(SCORES["bits_per_char"], np.stack([bits, chars], axis=-1))
        covered += low <= 8 / 69.5 <= high  # E[gamma(4, 2)] = 8, E[chars] = 69.5
    # Binomial standard deviation 1.3 %.
    assert 0.915 <= covered / 300 <= 0.985


def test_intervals_hold_skewed_items_that_the_percentile_interval_misses() -> None:
    rng, count = np.random.default_rng(14), 30
    held = percentile = 0
    for _ in range(300):
        sums = np.stack([rng.lognormal(0, 1, count), np.ones(count)], axis=1)
        low, high = interval(SCORES["bits_per_char"], sums)
        held += low <= math.exp(0.5) <= high
        ends = np.quantile(bootstrap(SCORES["bits_per_char"], sums), [0.025, 0.975])
        percentile += ends[0] <= math.exp(0.5) <= ends[1]
    assert held / 300 >= 0.90  # 93 % and more are expected; a standard error is 1.5
    assert held - percentile >= 6
