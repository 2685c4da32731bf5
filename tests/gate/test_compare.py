"""The comparison: numbers against independent computations, decisions against theory."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from arabench.errors import UsageError
from arabench.evaluation import scores
from arabench.evaluation.scores import SCORES, Sums
from arabench.gate.compare import Comparison, Row, compare, degradation, paired_degradation
from arabench.gate.policy import Policy, Rule
from tests.gate.synthetic import Task, evaluation, lengths, lm_task, pair_of_bits

BITS = SCORES["bits_per_char"]
FAST = {"draws": 400}


def sums(*rows: Sequence[float]) -> Sums:
    return Sums(tuple(f"{i}" for i in range(len(rows))), np.asarray(rows, dtype=np.float64))


def judge(ours: Sequence[Task] | Task, theirs: Sequence[Task] | Task, **policy: Any) -> Comparison:
    left = [ours] if isinstance(ours, Task) else ours
    right = [theirs] if isinstance(theirs, Task) else theirs
    return compare(
        evaluation(left, "base"), evaluation(right, "mine"), Policy(**{**FAST, **policy})
    )


def judge_bits(ratio: float, data: int, count: int = 200, **policy: Any) -> Row:
    chars, ours, theirs = pair_of_bits(count, ratio, data)
    rows = judge(lm_task("egy", ours, chars), lm_task("egy", theirs, chars), **policy).rows
    return rows[0]


def accuracy(name: str, right: Any, metric: str = "acc") -> Task:
    return Task(name, {metric: [(f"{i}", (value, 1)) for i, value in enumerate(right)]})


# --- numbers -------------------------------------------------------------------------------------


def test_degradation_by_hand() -> None:
    # 2 -> 2.1 bits is 5 % worse; 0.8 -> 0.7 accuracy is 0.1 worse.
    assert degradation(BITS, np.array(2.0), np.array(2.1)) == pytest.approx(0.05)
    assert degradation(SCORES["acc"], np.array(0.8), np.array(0.7)) == pytest.approx(0.1)
    assert degradation(SCORES["bleu"], np.array(20.0), np.array(25.0)) == pytest.approx(-5)


def test_two_items_have_the_exact_bootstrap_distribution() -> None:
    # Of two items the bootstrap draws (both, first twice, second twice) with 1/2, 1/4, 1/4.
    ours, theirs = sums((10, 10), (30, 10)), sums((11, 10), (30, 10))
    estimate, draws = paired_degradation(BITS, ours, theirs, 20_000, 1)
    assert estimate == pytest.approx(41 / 40 - 1)
    found = dict(zip(*np.unique(draws.round(9), return_counts=True), strict=True))
    assert set(found) == {0.0, 0.025, 0.1}
    for value, share in ((0.0, 0.25), (0.025, 0.5), (0.1, 0.25)):
        assert found[value] / 20_000 == pytest.approx(share, abs=0.015)  # 4 standard errors


def test_bounds_equal_an_independent_bootstrap() -> None:
    chars, ours, theirs = pair_of_bits(150, 0.03, seed=5)
    rng = np.random.default_rng(99)
    draws = np.empty(4000)
    for index in range(4000):
        chosen = rng.integers(0, 150, 150)
        draws[index] = theirs[chosen].sum() / ours[chosen].sum() - 1
    low, high = np.quantile(draws, [0.05, 0.95])
    row = judge_bits(0.03, 5, 150, draws=4000)
    assert row.degradation == pytest.approx(theirs.sum() / ours.sum() - 1)
    assert row.baseline == pytest.approx(ours.sum() / chars.sum())
    assert row.candidate == pytest.approx(theirs.sum() / chars.sum())
    assert row.low == pytest.approx(low, abs=0.06 * (high - low))
    assert row.high == pytest.approx(high, abs=0.06 * (high - low))


def test_bounds_equal_scipys_paired_bootstrap() -> None:
    stats = pytest.importorskip("scipy.stats")
    _, ours, theirs = pair_of_bits(120, 0.02, seed=6)

    def ratio(a: Any, b: Any, axis: int = -1) -> Any:
        return b.sum(axis) / a.sum(axis) - 1

    answer = stats.bootstrap(
        (ours, theirs), ratio, paired=True, method="percentile", confidence_level=0.9,
        n_resamples=4000, rng=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    row = judge_bits(0.02, 6, 120, draws=4000)
    width = answer.high - answer.low
    assert (row.low, row.high) == pytest.approx((answer.low, answer.high), abs=0.06 * width)


def test_both_models_see_the_same_resampled_items() -> None:
    # A candidate that is 3 % worse on every item is 3 % worse in every draw: no spread at all.
    chars, ours, _ = pair_of_bits(80, 0, seed=1)
    row = judge(lm_task("egy", ours, chars), lm_task("egy", ours * 1.03, chars)).rows[0]
    assert (row.low, row.high) == pytest.approx((0.03, 0.03), abs=1e-12)


def test_samples_of_an_item_are_resampled_together() -> None:
    _, ours, theirs = pair_of_bits(60, 0.02, seed=2)

    def task(bits: Any, copies: int) -> Task:
        rows = [(f"{i:02}", (value, 50.0)) for i, value in enumerate(bits)] * copies
        return Task("arabench_lm_egy", {"bits_per_char": rows}, variety="egy")

    once = judge(task(ours, 1), task(theirs, 1)).rows[0]
    four = judge(task(ours, 4), task(theirs, 4)).rows[0]
    assert once.items == four.items == 60
    # Four copies of each sentence are no new evidence: the interval stays as wide.
    assert (four.low, four.high) == pytest.approx((once.low, once.high))


def test_large_comparisons_are_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = sums((10, 9), (12, 8), (7, 7)), sums((11, 9), (12, 8), (8, 7))
    rng = np.random.default_rng(7)
    weights = rng.multinomial(3, np.full(3, 1 / 3), size=1000).astype(float)
    whole = degradation(
        BITS, BITS.compute(weights @ ours.sums), BITS.compute(weights @ theirs.sums)
    )
    monkeypatch.setattr(scores, "WEIGHTS_IN_MEMORY", 3 * 130)
    assert np.array_equal(paired_degradation(BITS, ours, theirs, 1000, 7)[1], whole)


def test_same_seed_same_decision() -> None:
    first, again, other = judge_bits(0.01, 3), judge_bits(0.01, 3), judge_bits(0.01, 3, seed=5)
    assert first == again
    assert first.high != other.high


# --- decisions in the long run -------------------------------------------------------------------

RUNS = 300


def passes(ratio: float, rule: Rule, **policy: Any) -> float:
    """Share of seeded simulations in which a candidate worse by `ratio` passes."""
    rules = {"bits_per_char": rule}
    verdicts = [judge_bits(ratio, seed, rules=rules, **policy).verdict for seed in range(RUNS)]
    return verdicts.count("pass") / RUNS


def test_non_inferiority_at_the_margin_passes_at_most_one_in_twenty() -> None:
    # Binomial standard error of 5 % in 300 runs is 1.3 %; three of them above 5 %.
    assert passes(0.02, Rule(margin=0.02)) <= 0.05 + 0.038


def test_non_inferiority_at_another_confidence() -> None:
    # 20 % nominal, standard error 2.3 %: the share is neither above nor far below it.
    assert 0.13 <= passes(0.02, Rule(margin=0.02), confidence=0.8) <= 0.27


def test_non_inferiority_passes_an_equal_and_a_better_candidate() -> None:
    # Standard error of the ratio 0.08 / sqrt(200) = 0.6 %: 2 % is more than three of them.
    assert passes(0.0, Rule(margin=0.02)) >= 0.9
    assert passes(-0.02, Rule(margin=0.02)) >= 0.99


def test_regression_rarely_stops_an_equal_candidate() -> None:
    assert passes(0.0, Rule(margin=0.0, test="regression")) >= 1 - 0.05 - 0.038
    assert passes(0.0, Rule(margin=0.02, test="regression")) >= 0.99


@pytest.mark.parametrize("test", ["regression", "non_inferiority"])
def test_five_per_cent_worse_on_200_items_is_stopped(test: Any) -> None:
    assert passes(0.05, Rule(margin=0.02, test=test)) <= 0.03


def test_improvement_must_be_shown() -> None:
    rule = Rule(margin=0.02)
    assert passes(0.0, rule, improve=("egy",)) <= 0.05 + 0.038
    assert passes(-0.03, rule, improve=("egy",)) >= 0.99


def test_accuracy_regression_in_the_long_run() -> None:
    def stopped(drop: float) -> float:
        count = 0
        for seed in range(150):
            rng = np.random.default_rng(seed)
            skill = rng.uniform(0.4, 0.8, 300)
            ours = accuracy("mmlu", rng.random(300) < skill)
            theirs = accuracy("mmlu", rng.random(300) < skill - drop)
            count += not judge(ours, theirs).passed
        return count / 150

    assert stopped(0.02) <= 0.05 + 0.053  # at the margin: three standard errors above 5 %
    assert stopped(0.2) >= 0.97


# --- what decides --------------------------------------------------------------------------------


def two_varieties(egy: float, msa: float, **policy: Any) -> Comparison:
    chars, ours, _ = pair_of_bits(100, 0, seed=4)
    noise = np.random.default_rng(1).normal(1, 0.01, 100)
    left = [lm_task("egy", ours, chars), lm_task("msa", ours, chars)]
    right = [
        lm_task("egy", ours * (1 + egy) * noise, chars),
        lm_task("msa", ours * (1 + msa) * noise, chars),
    ]
    return judge(left, right, **policy)


def verdicts(comparison: Comparison) -> dict[str, str]:
    return {row.task.removeprefix("arabench_"): row.verdict for row in comparison.rows}


def test_every_variety_decides() -> None:
    assert two_varieties(-0.05, 0.0).passed
    stopped = two_varieties(-0.05, 0.05)
    assert not stopped.passed
    assert verdicts(stopped) == {"lm_egy": "pass", "lm_msa": "fail"}


def test_margin_of_a_variety_replaces_the_rules() -> None:
    row = two_varieties(-0.05, 0.05, margins={"msa": 0.08}).rows[0]
    assert (row.task, row.margin, row.verdict) == ("arabench_lm_msa", 0.08, "pass")
    assert not two_varieties(-0.05, 0.015, margins={"msa": 0.005}).passed


def test_varieties_that_do_not_decide_are_reported() -> None:
    comparison = two_varieties(-0.05, 0.5, varieties=("egy",))
    assert comparison.passed
    assert verdicts(comparison) == {"lm_egy": "pass", "lm_msa": "info"}
    info = comparison.rows[0]
    assert (info.margin, info.rule) == (None, "reported")


def test_improve_demands_more_than_the_rule() -> None:
    assert two_varieties(0.01, 0.0).passed
    stopped = two_varieties(0.01, 0.0, improve=("egy",))
    assert verdicts(stopped) == {"lm_egy": "fail", "lm_msa": "pass"}
    assert stopped.rows[1].rule == "must improve"
    assert two_varieties(-0.05, 0.0, improve=("egy",)).passed


def test_metrics_without_a_rule_are_reported() -> None:
    chars, ours, theirs = pair_of_bits(50, 0.5, seed=1)
    rows = {
        "bits_per_byte": [(f"{i}", pair) for i, pair in enumerate(zip(theirs, chars, strict=True))]
    }
    extra, base = (
        Task("x", rows),
        Task(
            "x",
            {
                "bits_per_byte": [
                    (n, (b, c)) for (n, (_, c)), b in zip(rows["bits_per_byte"], ours, strict=True)
                ]
            },
        ),
    )
    better = ours * 0.9
    comparison = judge([lm_task("egy", ours, chars), base], [lm_task("egy", better, chars), extra])
    assert comparison.passed
    assert [row.verdict for row in comparison.rows] == ["pass", "info"]


def test_rows_come_in_the_order_of_metrics_and_varieties() -> None:
    rng = np.random.default_rng(0)
    left = [accuracy("b", rng.random(30) < 0.5), accuracy("a", rng.random(30) < 0.5)]
    chars = lengths(30)
    left += [lm_task(code, chars * 2, chars) for code in ("mgr", "msa", "egy")]
    right = [*left[:2], *[lm_task(code, chars * 1.9, chars) for code in ("mgr", "msa", "egy")]]
    tasks = [row.task for row in judge(left, right).rows]
    assert tasks == ["arabench_lm_msa", "arabench_lm_egy", "arabench_lm_mgr", "a", "b"]


# --- values that mean nothing --------------------------------------------------------------------


@pytest.mark.parametrize("test", ["regression", "non_inferiority"])
@pytest.mark.parametrize(
    ("ours", "theirs", "who"),
    [
        ([0, 0, 0], [2, 3, 4], "baseline"),
        ([0, 0, 0], [math.nan] * 3, "baseline"),
        ([2, 3, 4], [math.nan] * 3, "candidate"),
        ([math.nan] * 3, [2, 3, 4], "baseline"),
        ([math.inf] * 3, [2, 3, 4], "baseline"),
        ([2, 3, 4], [0, 0, 0], "candidate"),
        ([2, 3, 4], [-2, -3, -4], "candidate"),
        ([-2, -3, -4], [2, 3, 4], "baseline"),
    ],
)
def test_values_of_no_working_model_are_refused(
    ours: Any, theirs: Any, who: str, test: Any
) -> None:
    rules = {"bits_per_char": Rule(margin=1, test=test)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        with pytest.raises(UsageError, match=f"of the {who} is .* no working model"):
            judge(lm_task("egy", ours, [1] * 3), lm_task("egy", theirs, [1] * 3), rules=rules)


@pytest.mark.parametrize("test", ["regression", "non_inferiority"])
def test_infinitely_worse_is_worse(test: Any) -> None:
    # 5000 bits in one word: a perplexity beyond floating point.
    def task(bits: float) -> Task:
        return Task("x", {"word_perplexity": [(f"{i}", (bits + i, 1.0)) for i in range(5)]})

    rules = {"word_perplexity": Rule(margin=1, test=test)}
    row = judge(task(3), task(5000), rules=rules).rows[0]
    assert (row.candidate, row.verdict) == (math.inf, "fail")


@pytest.mark.parametrize("test", ["regression", "non_inferiority"])
def test_draws_that_measure_nothing_fail(test: Any) -> None:
    # All characters are in one of three items: some draws hold none.
    ours = lm_task("egy", [4, 0, 0], [4, 0, 0])
    theirs = lm_task("egy", [4.01, 0, 0], [4, 0, 0])
    rules = {"bits_per_char": Rule(margin=0.5, test=test)}
    assert judge(ours, theirs, rules=rules).rows[0].verdict == "fail"


def test_zero_accuracy_of_a_baseline_is_a_value() -> None:
    comparison = judge(accuracy("a", [0] * 20), accuracy("a", [0, 1] * 10))
    assert comparison.passed
    assert comparison.rows[0].degradation == pytest.approx(-0.5)


# --- refusals ------------------------------------------------------------------------------------


def test_identical_evaluations_are_refused_unless_allowed() -> None:
    task = lm_task("egy", [2, 3, 4], [1, 1, 1])
    with pytest.raises(UsageError, match=r"equal in every sample.*allow_identical"):
        judge(task, task)
    comparison = judge(task, task, allow_identical=True)
    assert comparison.passed
    assert comparison.rows[0].degradation == 0
    assert not judge(task, task, allow_identical=True, improve=("egy",)).passed


def test_one_different_sample_is_not_identical() -> None:
    assert judge(lm_task("egy", [2, 3, 4], [1] * 3), lm_task("egy", [2, 3, 4.001], [1] * 3)).rows


def test_one_item_decides_nothing() -> None:
    with pytest.raises(UsageError, match=r"has one item.*Raise --limit"):
        judge(lm_task("egy", [2], [1]), lm_task("egy", [3], [1]))


def test_one_item_can_be_reported() -> None:
    left, right = accuracy("a", [1, 0, 1]), accuracy("a", [1, 1, 1])
    rows = judge(
        [left, accuracy("b", [1], "exact_match")], [right, accuracy("b", [0], "exact_match")]
    )
    assert [row.verdict for row in rows.rows] == ["info", "pass"]


def test_no_row_that_decides_is_refused() -> None:
    left, right = accuracy("a", [1, 0], "exact_match"), accuracy("a", [1, 1], "exact_match")
    with pytest.raises(UsageError, match="no row decides"):
        judge(left, right)


def test_improve_without_that_variety_is_refused() -> None:
    with pytest.raises(UsageError, match=r"wants 'lev' to improve.*arabench_lm_lev"):
        judge(lm_task("egy", [2, 3], [1, 1]), lm_task("egy", [1, 2], [1, 1]), improve=("lev",))


def test_named_varieties_must_be_there() -> None:
    left, right = lm_task("egy", [2, 3], [1, 1]), lm_task("egy", [1, 2], [1, 1])
    with pytest.raises(UsageError, match=r"lets 'lev' decide.*varieties"):
        judge(left, right, varieties=("egy", "lev"))
    assert judge(left, right, varieties=("egy",)).passed
