"""How often the gate is wrong, in seeded simulations; tables with more runs: docs/gate.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from arabench.evaluation.runner.results import Evaluation
from arabench.gate.compare import ask, compare
from arabench.gate.policy import Policy, Rule
from arabench.gate.verdict import answer_all, decide
from tests.bench import gate_models
from tests.gate.synthetic import Task, evaluation, lm_task, pair_of_bits


def verdicts(ours: Evaluation, theirs: Evaluation, policy: Policy) -> list[str]:
    """Of every deciding row, without the bounds that only reports need."""
    answers = answer_all(ask(ours, theirs, policy), policy)
    return [answer.verdict for answer in answers if answer.verdict != "info"]


def of_bits(ours: Any, theirs: Any, chars: Any, **policy: Any) -> str:
    left, right = (evaluation([lm_task("egy", bits, chars)]) for bits in (ours, theirs))
    return verdicts(left, right, Policy(**{"draws": 400, **policy}))[0]


def accuracy(name: str, right: Sequence[Any]) -> Task:
    return Task(name, {"acc": [(f"{i}", (float(value), 1)) for i, value in enumerate(right)]})


RUNS = 300


def passes(ratio: float, rule: Rule, **policy: Any) -> float:
    """Share of seeded simulations in which a candidate worse by `ratio` passes."""
    found = []
    for seed in range(RUNS):
        chars, ours, theirs = pair_of_bits(200, ratio, seed)
        found.append(of_bits(ours, theirs, chars, rules={"bits_per_char": rule}, **policy))
    return found.count("pass") / RUNS


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
            ours = evaluation([accuracy("mmlu", rng.random(300) < skill)])
            theirs = evaluation([accuracy("mmlu", rng.random(300) < skill - drop)])
            count += verdicts(ours, theirs, Policy(draws=400)) != ["pass"]
        return count / 150

    assert stopped(0.02) <= 0.05 + 0.053  # at the margin: three standard errors above 5 %
    assert stopped(0.2) >= 0.97


@pytest.mark.parametrize("count", [10, 205])
@pytest.mark.parametrize("draw", [gate_models.heavy, gate_models.heavy_added])
def test_heavy_tails_at_the_margin(draw: gate_models.Bits, count: int) -> None:
    rng = np.random.default_rng(count)
    passed = 0
    for _ in range(RUNS):
        ours, theirs = draw(count, 0.02, rng)
        passed += of_bits(ours, theirs, ours) == "pass"
    assert passed / RUNS <= 0.05 + 0.038


def test_a_whole_run_rarely_stops_an_equal_candidate() -> None:
    """39 rows decide at once; each at 5 % would stop one run in six."""
    rng, policy = np.random.default_rng(8), Policy()
    stopped = 0
    for _ in range(60):
        ours, theirs = gate_models.suite(rng, 0.05)
        stopped += decide(verdicts(ours, theirs, policy), policy) != "pass"
    assert stopped / 60 <= 0.05


def test_a_loss_in_one_of_many_rows_is_found() -> None:
    rng = np.random.default_rng(9)
    ours, theirs = gate_models.suite(rng, 0.05, {"bleu": 0.3})
    found = compare(ours, theirs, Policy())
    failed = {row.task for row in found.rows if row.verdict == "fail"}
    assert failed == {"arabench_mt_msa_en"}
    assert found.decision == "stop"


def test_the_more_rows_decide_the_more_each_must_show() -> None:
    # 14 of 60 lost and 2 won: enough for a row that decides alone, not for one of twelve.
    ours, theirs = [1] * 58 + [0] * 2, [0] * 14 + [1] * 46
    others = [accuracy(f"other-{index}", [1, 0] * 30) for index in range(11)]
    rules = {"acc": Rule(margin=0.05, test="regression")}
    policy = Policy(rules=rules)
    alone, many = (
        compare(
            evaluation([accuracy("a", ours), *beside]),
            evaluation([accuracy("a", theirs), *beside]),
            policy,
        )
        for beside in ([], others)
    )
    assert (alone.decision, many.decision) == ("stop", "pass")
    assert many.rows[0].low < 0.05 < alone.rows[0].low
