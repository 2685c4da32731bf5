"""Paired comparison of two evaluations and the decision.

Both models answered the same items, so items are compared pairwise: what makes an item hard for
both cancels out. How a row is tested is in arabench.statistics.paired, what it must show in
arabench.gate.verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from arabench.errors import UsageError
from arabench.evaluation.metrics.contrast import Pair, contrast_all
from arabench.evaluation.metrics.score import Score, point
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.runner.comparable import (
    check_comparable,
    check_not_identical,
    in_one_unit,
)
from arabench.evaluation.runner.results import Evaluation, TaskResult
from arabench.gate.policy import Policy
from arabench.gate.verdict import (
    Answer,
    Cause,
    Decision,
    Question,
    Verdict,
    answer_all,
    decide,
    demand_of,
    draws_for,
)
from arabench.varieties import VARIETIES

#: Beyond this many items nobody goes on; the difference is then the margin itself.
MOST_ITEMS: Final = 10_000_000

#: Instead of a test, of rows that do not decide.
_REPORTED: Final = "reported"


@dataclass(frozen=True)
class Row:
    """One metric of one task, compared.

    Attributes:
        degradation: point estimate; negative is better than the baseline.
        low, high: one-sided bounds of the degradation. `high` is at the policy's confidence;
            `low` too, but for all rows that decide together.
        margin: allowed degradation; 0 when improvement is demanded; None for info rows.
        rule: what was tested, in words.
        cause: why the row is undecided, None where it is not.
        needed_items: about how many items would settle an undecided row, where that can be said.
    """

    task: str
    variety: str | None
    metric: str
    baseline: float
    candidate: float
    degradation: float
    low: float
    high: float
    margin: float | None
    rule: str
    items: int
    verdict: Verdict
    cause: Cause | None = None
    needed_items: int | None = None


@dataclass(frozen=True)
class Comparison:
    """All rows and the decision."""

    baseline: Evaluation
    candidate: Evaluation
    policy: Policy
    rows: tuple[Row, ...]

    @property
    def decision(self) -> Decision:
        """Of the run: a failed row stops it, an undecided one blocks it unless the policy says."""
        return decide((row.verdict for row in self.rows), self.policy)

    @property
    def undecided_blocks(self) -> bool:
        """Whether rows that show too little keep the candidate out."""
        return self.policy.undecided == "block" or self.decision == "undecided"

    @property
    def draws(self) -> int:
        """Bootstrap draws that were made."""
        return draws_for(sum(row.margin is not None for row in self.rows), self.policy)

    @property
    def passed(self) -> bool:
        """Nothing stops the candidate, and nothing that blocks is open."""
        return self.decision == "pass"


def compare(baseline: Evaluation, candidate: Evaluation, policy: Policy) -> Comparison:
    """Compare every metric of every task.

    Raises:
        UsageError: the evaluations are not comparable, or nothing would decide.
    """
    check_comparable(baseline, candidate)
    questions = ask(baseline, candidate, policy)
    _check_policy_applies(questions, policy)
    if not policy.allow_identical:
        check_not_identical(baseline, candidate)
    answers = answer_all(questions, policy)
    rows = [_row(*pair, policy) for pair in zip(questions, answers, strict=True)]
    return Comparison(baseline, candidate, policy, tuple(sorted(rows, key=_row_order)))


def ask(baseline: Evaluation, candidate: Evaluation, policy: Policy) -> list[Question]:
    """Every metric of every task with what the policy asks of it; both hold the same ones.

    Raises:
        UsageError: a metric that decides has a value that no working model has.
    """
    measured = {
        left.name: _comparable(left, candidate.tasks[left.name], policy)
        for left in baseline.tasks.values()
    }
    deciding = sum(
        demand_of(left.variety, metric, policy)[0] is not None
        for left in baseline.tasks.values()
        for metric in measured[left.name]
    )
    draws = draws_for(deciding, policy)
    return [
        question
        for left in baseline.tasks.values()
        for question in _ask(left, candidate.tasks[left.name], measured[left.name], draws, policy)
    ]


def _comparable(left: TaskResult, right: TaskResult, policy: Policy) -> list[str]:
    """Metrics of a task that both sides hold in one unit.

    A metric per token of two tokenizers is left out.

    Raises:
        UsageError: such a metric should decide.
    """
    found = []
    for metric in left.signatures:
        if metric not in left.scores:
            continue
        if in_one_unit(SCORES[metric], left.scores[metric], right.scores[metric]):
            found.append(metric)
        elif demand_of(left.variety, metric, policy)[0] is not None:
            raise UsageError(
                f"task {left.name!r}: {metric} is per token, and the two models cut different "
                "tokens, so it does not compare between them. Let bits_per_char decide, and take "
                f"{metric} out of the policy's rules."
            )
    return found


def _ask(
    left: TaskResult, right: TaskResult, metrics: Sequence[str], draws: int, policy: Policy
) -> list[Question]:
    """All metrics of a task: their items are drawn once."""
    demands = [demand_of(left.variety, metric, policy) for metric in metrics]
    pairs = [Pair(SCORES[name], left.scores[name], right.scores[name]) for name in metrics]
    values = [(point(p.score, p.baseline.sums), point(p.score, p.candidate.sums)) for p in pairs]
    for pair, (demand, _), (ours, theirs) in zip(pairs, demands, values, strict=True):
        if demand is not None:
            _check_measured(left.name, pair.score, ours, theirs)
    found = contrast_all(pairs, draws, policy.seed)
    return [
        Question(left.name, left.variety, metric, *both, contrast, *asked)
        for metric, both, contrast, asked in zip(metrics, values, found, demands, strict=True)
    ]


def _check_measured(task: str, score: Score, baseline: float, candidate: float) -> None:
    """Refuse values that no working model has: nothing can be decided from them.

    A candidate that is infinitely worse was measured, and fails.
    """
    for who, value in (("baseline", baseline), ("candidate", candidate)):
        if score.higher_is_better:
            fine = math.isfinite(value)
        else:
            fine = value > 0 and (math.isfinite(value) or who == "candidate")
        if not fine:
            raise UsageError(
                f"task {task!r}: {score.name} of the {who} is {value:g}, which no working model "
                "has. Look at its samples, or take the metric out of the policy's rules."
            )


def _check_policy_applies(questions: Sequence[Question], policy: Policy) -> None:
    covered = {question.variety for question in questions if question.metric == "bits_per_char"}
    absent = [variety for variety in policy.improve if variety not in covered]
    if absent:
        raise UsageError(
            f"the policy wants {absent[0]!r} to improve, but the results hold no bits per "
            f"character of it. Run arabench_lm_{absent[0]}."
        )
    if all(question.demand is None for question in questions):
        raise UsageError(
            f"no row decides: the policy names {', '.join(policy.rules)} for "
            f"{', '.join(policy.varieties)}, the results hold none of them."
        )
    decided = {question.variety for question in questions if question.demand is not None}
    named = policy.varieties if "varieties" in policy.model_fields_set else ()
    silent = [variety for variety in named if variety not in decided]
    if silent:
        raise UsageError(
            f"the policy lets {silent[0]!r} decide, but the results hold no metric of it that the "
            "policy has a rule for. Evaluate its tasks too, or take it out of `varieties`."
        )


def _row(question: Question, answer: Answer, policy: Policy) -> Row:
    found = question.contrast
    low, high = found.low(answer.low_level), found.high(answer.high_level)
    if question.demand is not None and answer.cause in (None, "interval"):
        low, high = _agreeing(low, high, question, answer, upper=question.demand.bounded_above)
    return Row(
        question.task, question.variety, question.metric, question.baseline, question.candidate,
        found.degradation, low, high, None if question.demand is None else question.margin,
        question.demand.words if question.demand else _REPORTED, found.items, answer.verdict,
        answer.cause, _needed_items(question, answer, low, high, policy),
    )  # fmt: skip


def _agreeing(
    low: float, high: float, question: Question, answer: Answer, *, upper: bool
) -> tuple[float, float]:
    """Bounds, the upper one if asked, on the side of the margin on which the test put them.

    A bound is the nearest value that its test rejects. Where sizes vary so much that the test
    accepts again farther out, the margin itself can be on the other side of it.
    """
    margin = question.margin
    beyond = math.nextafter(margin, math.inf)
    low = max(low, beyond) if answer.verdict == "fail" else min(low, margin)
    if upper:
        high = min(high, margin) if answer.verdict == "pass" else max(high, beyond)
    return low, high


def _needed_items(
    question: Question, answer: Answer, low: float, high: float, policy: Policy
) -> int | None:
    """About how many items settle an undecided row, if its degradation stays what it is.

    A bound's distance from the estimate shrinks with the square root of the number of items.
    Nothing can be said where a few wild items alone put the estimate beyond the margin.
    """
    if answer.cause == "items":
        return policy.min_items
    if answer.cause != "interval":
        return None
    better = question.contrast.degradation <= question.margin
    estimate = question.contrast.degradation if better else question.contrast.capped_degradation
    gap = question.margin - estimate
    width = (high if better else low) - estimate
    if gap == 0 or (gap > 0) != better or not math.isfinite(width):
        return None
    needed = question.contrast.items * (width / gap) ** 2
    return math.ceil(needed) if needed <= MOST_ITEMS else None


def _row_order(row: Row) -> tuple[int, int, str]:
    variety = VARIETIES.index(row.variety) if row.variety in VARIETIES else len(VARIETIES)
    return list(SCORES).index(row.metric), variety, row.task
