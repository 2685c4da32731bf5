"""What cannot be compared: other settings, and one model measured twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from arabench.errors import UsageError
from arabench.gate.compare import Comparison, compare
from arabench.gate.policy import Policy
from tests.gate.synthetic import Task, evaluation, lm_task, pair_of_bits

CHARS, OURS, THEIRS = pair_of_bits(40, -0.05, seed=1, noise=0.01)
Settings = Mapping[str, str]


def judge(
    left: list[Task],
    right: list[Task],
    settings: tuple[Settings, Settings] = ({}, {}),
    **policy: Any,
) -> Comparison:
    return compare(
        evaluation(left, "base", settings[0]),
        evaluation(right, "mine", settings[1]),
        Policy(draws=200, **policy),
    )


def lm(variety: str, bits: Any) -> Task:
    return lm_task(variety, bits, CHARS)


def accuracy(right: Any) -> Task:
    return Task("mmlu", {"acc": [(f"{i}", (float(v), 1)) for i, v in enumerate(right)]})


def test_one_likelihood_task_that_a_cache_answered_is_refused() -> None:
    left = [lm("egy", OURS), lm("msa", OURS)]
    right = [lm("egy", THEIRS), lm("msa", OURS)]
    says = r"task 'arabench_lm_msa': .*equal in every sample.*--use_cache answered.*allow_identical"
    with pytest.raises(UsageError, match=says):
        judge(left, right)
    assert judge(left, right, allow_identical=True).passed


@pytest.mark.parametrize(
    "metric", ["bits_per_byte", "word_perplexity", "dialect_tax", "bits_per_char@0.2", "noise_cost"]
)
def test_every_kind_of_likelihood_is_held_to_it(metric: str) -> None:
    width = 6 if metric == "noise_cost" else 2
    rows = [(f"{i}", tuple(float(i + k + 1) for k in range(width))) for i in range(20)]
    extra = Task("extra", {metric: rows})
    with pytest.raises(UsageError, match="task 'extra'"):
        judge([lm("egy", OURS), extra], [lm("egy", THEIRS), extra])


def test_one_different_sample_is_enough() -> None:
    changed = OURS.copy()
    changed[7] += 0.001
    assert judge([lm("egy", OURS)], [lm("egy", changed)]).rows


def test_answers_may_agree() -> None:
    same = accuracy([1, 0] * 20)
    assert judge([lm("egy", OURS), same], [lm("egy", THEIRS), same]).passed


def test_nothing_but_equal_answers_is_one_model() -> None:
    with pytest.raises(UsageError, match=r"equal in every sample: their results name no adapter"):
        judge([accuracy([1, 0] * 20)], [accuracy([1, 0] * 20)])
    assert judge([accuracy([1, 0] * 20)], [accuracy([1, 0] * 20)], allow_identical=True).rows


def test_one_model_measured_twice() -> None:
    task = lm("egy", OURS)
    with pytest.raises(UsageError, match=r"one model was measured twice.*allow_identical"):
        judge([task], [task])
    left, right = evaluation([task], "base"), replace(evaluation([task], "mine"), adapter="a/")
    with pytest.raises(UsageError, match=r"equal in every sample: the adapter was probably not"):
        compare(left, right, Policy(draws=200))
    row = judge([task], [task], allow_identical=True).rows[0]
    assert (row.degradation, row.verdict) == (0, "pass")
    assert not judge([task], [task], allow_identical=True, improve=("egy",)).passed


@pytest.mark.parametrize("tasks", [[lm("egy", OURS)], [lm("egy", OURS), accuracy([1, 0] * 20)]])
def test_rounded_scores_are_not_called_an_adapter_that_was_not_loaded(tasks: list[Task]) -> None:
    short = {"softmax_dtype": "bfloat16"}
    with pytest.raises(UsageError, match=r"rounded.*bfloat16.*softmax_dtype=float32") as caught:
        judge(tasks, tasks, (short, short))
    assert "adapter" not in str(caught.value)
    with pytest.raises(UsageError, match="one model was measured twice"):
        judge(tasks, tasks, ({"softmax_dtype": "float32"},) * 2)


def test_settings_are_compared_one_by_one() -> None:
    left, right = [lm("egy", OURS)], [lm("egy", THEIRS)]
    same = {"dtype": "float32", "prefix": "BOS"}
    assert judge(left, right, (same, dict(reversed(same.items())))).passed
    says = r"dtype is float32 in the baseline and bfloat16 in the candidate\. Evaluate both"
    with pytest.raises(UsageError, match=says):
        judge(left, right, (same, {**same, "dtype": "bfloat16"}))
    with pytest.raises(UsageError, match=r"dtype is .*\(also: prefix\)"):
        judge(left, right, (same, {"dtype": "float16", "prefix": "EOS"}))
    with pytest.raises(UsageError, match="prefix is BOS in the baseline and not recorded in the"):
        judge(left, right, (same, {"dtype": "float32"}))
    with pytest.raises(UsageError, match="dtype is not recorded in the baseline and float32"):
        judge(left, right, ({}, {"dtype": "float32"}))
    many = dict.fromkeys("abcdefgh", "1")
    with pytest.raises(UsageError, match=r"prefix is EOS .*BOS .*\(also: dtype, .* and 4 more\)"):
        judge(left, right, ({"prefix": "EOS"}, {**same, **many}))


def test_conditions_of_a_task_are_compared() -> None:
    left, right = evaluation([lm("egy", OURS)]), evaluation([lm("egy", THEIRS)])
    task = right.tasks["arabench_lm_egy"]
    object.__setattr__(task, "conditions", "vocabulary cut")
    with pytest.raises(UsageError, match="its condition is none in the baseline and vocabulary"):
        compare(left, right, Policy())


def answered(scores: Any, none: tuple[int, ...], metric: str = "f1") -> Any:
    """A reading or translation task in which some documents have no answer."""
    width = {"f1": 2, "bleu": 10}[metric]
    rows = [
        (f"{i:02}", (*[value] * (width - 1), 1.0) if i not in none else (0.0,) * width)
        for i, value in enumerate(scores)
    ]
    found = evaluation([Task("arabench_rc_egy", {metric: rows}, variety="egy")])
    task = found.tasks["arabench_rc_egy"]
    object.__setattr__(task, "run", {"answers_only_thinking": str(len(none))})
    object.__setattr__(found, "settings", {"answers_only_thinking": str(len(none))})
    return found


@pytest.mark.parametrize("metric", ["f1", "bleu"])
@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((), (3,), "0 answers of the baseline and 1 of the candidate"),
        ((3, 7), (3,), "2 answers of the baseline and 1 of the candidate"),
        ((3,), (4,), "1 answers of the baseline and 1 of the candidate"),
    ],
)
def test_models_that_think_to_the_end_on_other_documents_do_not_compare(
    ours: tuple[int, ...], theirs: tuple[int, ...], said: str, metric: str
) -> None:
    left = answered(np.linspace(0.2, 0.8, 40), ours, metric)
    right = answered(np.linspace(0.3, 0.9, 40), theirs, metric)
    with pytest.raises(UsageError, match=rf"'arabench_rc_egy' cannot.*{said} are thinking"):
        compare(left, right, Policy())


@pytest.mark.parametrize("metric", ["f1", "bleu"])
def test_models_that_think_to_the_end_on_the_same_documents_do(metric: str) -> None:
    left = answered(np.linspace(0.2, 0.8, 40), (3, 7), metric)
    right = answered(np.linspace(0.3, 0.9, 40), (3, 7), metric)
    assert compare(left, right, Policy(varieties=("egy",))).rows


def counted(metric: str, numerator: float, counts: Any) -> Task:
    width = {"noise_acc": 7, "noise_cost": 6}.get(metric, 2)
    rows = [
        (f"{i:02}", (*[numerator * (i + k + 1) for k in range(width - 1)], float(count)))
        for i, count in enumerate(counts)
    ]
    return Task("x", {metric: rows})


@pytest.mark.parametrize(
    "metric",
    ["bits_per_char", "bits_per_byte", "word_perplexity", "byte_perplexity", "acc", "f1",
     "exact_match", "bits_per_char@0.2", "acc@0.5", "noise_acc"],
)  # fmt: skip
def test_an_item_counts_the_same_on_both_sides(metric: str) -> None:
    counts = np.full(40, 50.0)
    longer = counts.copy()
    longer[[3, 7]] = 51
    left, right = counted(metric, 1.0, counts), counted(metric, 1.01, longer)
    says = (
        rf"task 'x', {metric}: item '03' has a count of 50 in the baseline and of 51 in the "
        r"candidate \(2 items differ\)\. .*Evaluate both again"
    )
    with pytest.raises(UsageError, match=says):
        judge([lm("egy", OURS), left], [lm("egy", THEIRS), right])
    equal = counted(metric, 1.01, counts)
    assert judge([lm("egy", OURS), left], [lm("egy", THEIRS), equal], varieties=("egy",)).rows


@pytest.mark.parametrize("metric", ["dialect_tax", "noise_cost"])
def test_ratios_of_a_models_own_bits_have_no_counts(metric: str) -> None:
    left, right = counted(metric, 1.0, np.full(40, 50.0)), counted(metric, 1.01, np.full(40, 51.0))
    assert judge([lm("egy", OURS), left], [lm("egy", THEIRS), right]).rows


def test_different_items_are_refused() -> None:
    other = Task(
        "arabench_lm_egy",
        {"bits_per_char": [(f"x{i}", (b, 1.0)) for i, b in enumerate(np.arange(40) + 1.0)]},
        variety="egy",
    )
    with pytest.raises(UsageError, match="the items differ"):
        judge([lm("egy", OURS)], [other])
