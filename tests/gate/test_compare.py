"""The comparison: what decides, what passes, fails or is undecided, and what is refused."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from arabench.errors import UsageError
from arabench.gate.compare import Comparison, Row, compare
from arabench.gate.policy import Policy, Rule
from tests.bench import gate_models
from tests.gate.synthetic import Task, evaluation, lengths, lm_task, pair_of_bits

FAST = {"draws": 400}


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


def test_same_results_same_report() -> None:
    assert judge_bits(0.01, 3) == judge_bits(0.01, 3)


def test_draws_suffice_for_the_level_of_one_row_among_many() -> None:
    # With 400 draws no p-value is below 1/401, and none of 100 rows could ever fail at 0.05/100.
    others = [accuracy(f"other-{index:02}", [1, 0] * 30) for index in range(99)]
    ours, theirs = [1] * 60, [0] * 50 + [1] * 10
    found = judge([accuracy("a", ours), *others], [accuracy("a", theirs), *others])
    assert found.draws == 10_000
    assert found.rows[0].verdict == "fail"
    assert judge(accuracy("a", ours), accuracy("a", theirs)).draws == 400


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


# --- undecided -----------------------------------------------------------------------------------


def few(count: int, better: float) -> tuple[Task, Task]:
    chars, ours, _ = pair_of_bits(count, 0, seed=4)
    noise = np.random.default_rng(1).normal(1, 0.01, count)
    return lm_task("egy", ours, chars), lm_task("egy", ours * (1 - better) * noise, chars)


@pytest.mark.parametrize("better", [0.3, -0.3])
def test_too_few_items_are_undecided_on_either_side(better: float) -> None:
    ours, theirs = few(9, better)
    for pair in ((ours, theirs), (theirs, ours)):
        comparison = judge(*pair)
        row = comparison.rows[0]
        assert (row.verdict, row.cause, row.needed_items) == ("undecided", "items", 10)
        assert comparison.decision == "undecided"
        assert not comparison.passed
    assert judge(*few(10, 0.3)).decision == "pass"
    assert judge(*few(10, -0.3)).decision == "stop"
    assert judge(*few(40, 0.3), min_items=41).decision == "undecided"
    assert judge(*few(4, 0.3), min_items=4).rows[0].cause != "items"


def test_items_are_counted_not_samples() -> None:
    # Four questions on each of five passages are five items.
    def reading(right: int) -> Task:
        rows = [(f"p{i % 5}", (float(i < right), 1)) for i in range(20)]
        return Task("arabench_rc_egy", {"f1": rows}, variety="egy")

    row = judge(reading(12), reading(11)).rows[0]
    assert (row.items, row.verdict, row.cause) == (5, "undecided", "items")


def test_nothing_right_on_both_sides_is_undecided() -> None:
    # A score that is 0 on both sides cannot fall, so that it did not fall says nothing.
    other = few(40, 0.05)
    nothing = accuracy("a", [0] * 40)
    comparison = judge([other[0], nothing], [other[1], nothing])
    row = comparison.rows[1]
    assert (row.task, row.verdict, row.cause, row.needed_items) == ("a", "undecided", "zero", None)
    assert comparison.decision == "undecided"
    one = accuracy("a", [0] * 39 + [1])
    assert judge([other[0], nothing], [other[1], one]).decision == "pass"


def test_the_policy_can_let_undecided_rows_pass() -> None:
    ours, theirs = few(40, 0.3)
    failing = [few(40, -0.3)[side] for side in (0, 1)]
    left, right = [ours, accuracy("a", [0] * 40)], [theirs, accuracy("a", [0] * 40)]
    assert judge(left, right).decision == "undecided"
    assert judge(left, right, undecided="pass").passed
    assert judge(*failing, undecided="pass").decision == "stop"


def test_a_run_in_which_no_row_passes_is_undecided_under_any_policy() -> None:
    for ours, theirs in (few(9, 0.3), few(9, -0.3)):
        found = judge(ours, theirs, undecided="pass")
        assert (found.decision, found.passed, found.undecided_blocks) == ("undecided", False, True)
        other = accuracy("x", [1, 0] * 9, "exact_match")  # reported only: it shows nothing
        assert not judge([ours, other], [theirs, other], undecided="pass").passed


def test_a_failed_row_stops_whatever_is_undecided() -> None:
    ours, theirs = few(40, -0.3)
    nothing = accuracy("a", [0] * 40)
    assert judge([ours, nothing], [theirs, nothing]).decision == "stop"


def test_a_wide_interval_is_undecided_and_says_what_would_settle_it() -> None:
    chars, ours, theirs = pair_of_bits(60, 0.0, seed=3)
    row = judge(lm_task("egy", ours, chars), lm_task("egy", theirs, chars)).rows[0]
    assert (row.verdict, row.cause) == ("undecided", "interval")
    assert row.low < 0.02 < row.high
    # Bounds close in with the square root of the items: as far as the margin is wanted.
    assert row.needed_items is not None
    ratio = (row.high - row.degradation) / (0.02 - row.degradation)
    assert row.needed_items == math.ceil(60 * ratio**2)
    copies = math.ceil(row.needed_items / 60)
    more = [
        lm_task("egy", np.tile(bits, copies), np.tile(chars, copies)) for bits in (ours, theirs)
    ]
    assert judge(*more).rows[0].verdict == "pass"


def test_bounds_and_verdicts_agree() -> None:
    for seed in range(30):
        ours, theirs = gate_models.suite(np.random.default_rng(seed), 0.08, {"bits_per_char": 0.03})
        lm = [name for name in ours.tasks if "lm" in name]
        pair = [replace(e, tasks={name: e.tasks[name] for name in lm}) for e in (ours, theirs)]
        for row in compare(*pair, Policy(draws=200)).rows:
            assert row.margin is not None
            assert row.low <= row.degradation <= row.high
            expected = "pass" if row.high <= row.margin else "undecided"
            assert row.verdict == ("fail" if row.low > row.margin else expected)


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
    rules = {"bits_per_char": Rule(margin=0.9, test=test)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        with pytest.raises(UsageError, match=f"of the {who} is .* no working model"):
            judge(lm_task("egy", ours, [1] * 3), lm_task("egy", theirs, [1] * 3), rules=rules)


@pytest.mark.parametrize("test", ["regression", "non_inferiority"])
def test_infinitely_worse_is_worse(test: Any) -> None:
    # 5000 bits in one word: a perplexity beyond floating point.
    def task(bits: float) -> Task:
        return Task("x", {"word_perplexity": [(f"{i}", (bits + i, 1.0)) for i in range(20)]})

    rules = {"word_perplexity": Rule(margin=0.9, test=test)}
    row = judge(task(3), task(5000), rules=rules).rows[0]
    assert (row.candidate, row.verdict) == (math.inf, "fail")


def wild(others: float, count: int = 40) -> tuple[Task, Task]:
    """One item costs a million million times its bits, the others `others` times."""
    chars, ours, theirs = pair_of_bits(count, 0.0, seed=3, noise=0.01)
    theirs *= others
    theirs[5] *= 1e12
    return lm_task("egy", ours, chars), lm_task("egy", theirs, chars)


@pytest.mark.parametrize("test", ["regression", "non_inferiority"])
@pytest.mark.parametrize("others", [1.1, 1.5, 20.0])
def test_one_wild_item_does_not_hide_that_all_are_worse(others: float, test: Any) -> None:
    row = judge(*wild(others), rules={"bits_per_char": Rule(margin=0.02, test=test)}).rows[0]
    assert (row.verdict, row.degradation > 1e9) == ("fail", True)
    assert 0.02 < row.low < 1.5


def test_one_wild_item_alone_shows_nothing() -> None:
    row = judge(*wild(1.0)).rows[0]
    assert (row.verdict, row.cause) == ("undecided", "interval")
    assert -0.05 < row.low < 0.02
    few_seen = judge(*wild(0.9)).rows[0]  # worse by that item alone, however many there are
    assert (few_seen.verdict, few_seen.needed_items) == ("undecided", None)


@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_a_candidate_that_broke_everywhere_is_stopped(spread: float) -> None:
    chars, ours, _ = pair_of_bits(40, 0.0, seed=3)
    broken = ours * 1e12 * np.exp(np.random.default_rng(1).normal(0, spread, 40))
    found = judge(lm_task("egy", ours, chars), lm_task("egy", broken, chars))
    assert found.decision == "stop"
    lost = judge(lm_task("egy", ours, chars), lm_task("egy", [math.inf] * 40, chars))
    assert lost.decision == "stop"


def test_what_only_one_item_measures_is_not_shown() -> None:
    # All characters are in one of twelve items: the ratio of the others could be anything.
    ours = lm_task("egy", [4] + [0] * 11, [4] + [0] * 11)
    theirs = lm_task("egy", [4.01] + [0] * 11, [4] + [0] * 11)
    row = judge(ours, theirs, rules={"bits_per_char": Rule(margin=0.5)}).rows[0]
    assert (row.verdict, row.cause, row.high) == ("undecided", "interval", math.inf)


@pytest.mark.parametrize("test", ["regression", "non_inferiority"])
def test_a_value_that_cannot_be_compared_item_by_item_never_passes(test: Any) -> None:
    # The tax is a ratio of each model's own sums; without the first item nothing is left of it.
    rows = [("00", (4.0, 4.0)), *[(f"{i:02}", (0.0, 0.0)) for i in range(1, 12)]]
    mine = [("00", (4.0, 4.1)), *rows[1:]]
    tasks = [Task("x", {"dialect_tax": values}, variety="egy") for values in (rows, mine)]
    row = judge(*tasks, rules={"dialect_tax": Rule(margin=0.5, test=test)}).rows[0]
    assert math.isnan(row.low)
    assert math.isnan(row.high)
    assert row.verdict == "undecided"


def test_zero_accuracy_of_a_baseline_is_a_value() -> None:
    comparison = judge(accuracy("a", [0] * 20), accuracy("a", [0, 1] * 10))
    assert comparison.passed
    assert comparison.rows[0].degradation == pytest.approx(-0.5)


# --- refusals ------------------------------------------------------------------------------------


def test_no_row_that_decides_is_refused() -> None:
    left, right = accuracy("a", [1, 0], "exact_match"), accuracy("a", [1, 1], "exact_match")
    with pytest.raises(UsageError, match="no row decides"):
        judge(left, right)


def test_improve_without_that_variety_is_refused() -> None:
    with pytest.raises(UsageError, match=r"wants 'lev' to improve.*arabench_lm_lev"):
        judge(lm_task("egy", [2, 3], [1, 1]), lm_task("egy", [1, 2], [1, 1]), improve=("lev",))


def test_named_varieties_must_be_there() -> None:
    left, right = lm_task("egy", [2, 3] * 9, [1] * 18), lm_task("egy", [1, 2] * 9, [1] * 18)
    with pytest.raises(UsageError, match=r"lets 'lev' decide.*varieties"):
        judge(left, right, varieties=("egy", "lev"))
    assert judge(left, right, varieties=("egy",)).passed


# --- metrics per token ---------------------------------------------------------------------------


def with_tokens(bits: Any, chars: Any, tokens: Any, unknown: int = 0) -> Task:
    pairs = list(zip(bits, chars, tokens, strict=True))
    return Task(
        "arabench_lm_egy",
        {
            "bits_per_char": [(f"{i}", (b, c)) for i, (b, c, _) in enumerate(pairs)],
            "token_perplexity": [(f"{i}", (b, unknown, t)) for i, (b, _, t) in enumerate(pairs)],
        },
        variety="egy",
    )


def test_a_metric_per_token_is_left_out_between_tokenizers() -> None:
    chars, ours, theirs = pair_of_bits(60, 0, seed=3)
    same = judge(with_tokens(ours, chars, chars // 4), with_tokens(theirs, chars, chars // 4))
    assert [row.metric for row in same.rows] == ["bits_per_char", "token_perplexity"]
    other = judge(with_tokens(ours, chars, chars // 4), with_tokens(theirs, chars, chars // 3))
    assert [row.metric for row in other.rows] == ["bits_per_char"]
    assert other.rows[0] == same.rows[0]


def test_a_metric_per_token_cannot_decide_between_tokenizers() -> None:
    chars, ours, theirs = pair_of_bits(60, 0, seed=3)
    rules = {"token_perplexity": Rule(margin=0.02)}
    found = judge(
        with_tokens(ours, chars, chars // 4), with_tokens(theirs, chars, chars // 4), rules=rules
    )
    assert found.rows[1].margin == 0.02
    with pytest.raises(UsageError, match="token_perplexity is per token, and the two models cut"):
        judge(with_tokens(ours, chars, chars // 4), with_tokens(theirs, chars, chars // 3),
              rules=rules)  # fmt: skip


def test_unknown_tokens_decide_nothing() -> None:
    chars, ours, theirs = pair_of_bits(60, 0, seed=3)
    left = with_tokens(ours, chars, chars // 4, unknown=1)
    right = with_tokens(theirs, chars, chars // 4, unknown=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = judge(left, right).rows[1]
    assert math.isnan(row.baseline)
    assert row.verdict not in ("pass", "fail")
    with pytest.raises(UsageError, match="token_perplexity of the baseline is nan"):
        judge(left, right, rules={"token_perplexity": Rule(margin=0.02)})
