"""Paired comparison of two evaluations and the decision.

Both models answered the same items, so items are resampled for both together: what
makes an item hard for both cancels out (paired bootstrap; Koehn 2004, Berg-Kirkpatrick
et al. 2012). All decisions are one-sided at the policy's confidence. A candidate passes
when every deciding row passes, so the chance to let through one that is at the margin of
a non-inferiority rule is at most about 1 - confidence, however many rows there are (more
on a handful of items: at 95 % confidence 8 % on ten items, 17 % on three).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from arabench.errors import UsageError
from arabench.evaluation.results import Evaluation, TaskResult
from arabench.evaluation.scores import SCORES, Array, Score, Sums, point, resample_weights
from arabench.gate.policy import Policy
from arabench.varieties import VARIETIES

Verdict = Literal["pass", "fail", "info"]


@dataclass(frozen=True)
class Row:
    """One metric of one task, compared.

    Attributes:
        degradation: point estimate; negative is better than the baseline.
        low, high: two one-sided bounds of the degradation at the policy's confidence.
        margin: allowed degradation; 0 when improvement is demanded; None for info rows.
        rule: what was tested, in words.
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


@dataclass(frozen=True)
class Comparison:
    """All rows and the decision."""

    baseline: Evaluation
    candidate: Evaluation
    policy: Policy
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """No deciding row failed."""
        return all(row.verdict != "fail" for row in self.rows)


def compare(baseline: Evaluation, candidate: Evaluation, policy: Policy) -> Comparison:
    """Compare every metric of every shared task.

    Raises:
        UsageError: the evaluations are not comparable, or nothing would decide.
    """
    names = _shared_tasks(baseline, candidate)
    rows = []
    for name in names:
        left, right = baseline.tasks[name], candidate.tasks[name]
        _check_comparable(left, right)
        for metric in left.signatures:
            if metric in left.scores:
                rows.append(_compare_metric(left, right, metric, policy))
    _check_policy_applies(rows, policy)
    if not policy.allow_identical:
        _check_not_identical(baseline, candidate)
    return Comparison(baseline, candidate, policy, tuple(sorted(rows, key=_row_order)))


def _row_order(row: Row) -> tuple[int, int, str]:
    variety = VARIETIES.index(row.variety) if row.variety in VARIETIES else len(VARIETIES)
    return list(SCORES).index(row.metric), variety, row.task


def _shared_tasks(baseline: Evaluation, candidate: Evaluation) -> list[str]:
    missing = sorted(set(baseline.tasks) ^ set(candidate.tasks))
    if missing:
        holder = baseline if missing[0] in baseline.tasks else candidate
        raise UsageError(
            f"the evaluations cover different tasks: {missing[0]!r} is only in {holder.path} "
            f"({len(missing)} tasks differ). Run both with the same --tasks."
        )
    return list(baseline.tasks)


def _check_comparable(left: TaskResult, right: TaskResult) -> None:
    """Refuse two results that were not measured the same way on the same data."""
    checks = [
        ("variety", str(left.variety), str(right.variety)),
        ("task version", left.version, right.version),
        ("condition", left.conditions or "none", right.conditions or "none"),
        ("metric signature", str(left.signatures), str(right.signatures)),
        ("list of metrics", str(sorted(left.scores)), str(sorted(right.scores))),
        ("settings", left.settings, right.settings),
        ("number of samples", str(left.samples), str(right.samples)),
        ("data hash", left.data_hash[:12], right.data_hash[:12]),
    ]
    for what, ours, theirs in checks:
        if ours != theirs:
            raise UsageError(
                f"task {left.name!r} cannot be compared: its {what} is {ours} in the baseline and "
                f"{theirs} in the candidate. Evaluate both with the same arabench and data."
            )
    for metric, sums in left.scores.items():
        if right.scores[metric].items != sums.items:
            raise UsageError(
                f"task {left.name!r}, {metric}: the items differ. Evaluate both again."
            )


def _check_policy_applies(rows: Sequence[Row], policy: Policy) -> None:
    if all(row.verdict == "info" for row in rows):
        raise UsageError(
            f"no row decides: the policy names {', '.join(policy.rules)} for "
            f"{', '.join(policy.varieties)}, the results hold none of them."
        )
    covered = {row.variety for row in rows if row.metric == "bits_per_char"}
    absent = [variety for variety in policy.improve if variety not in covered]
    if absent:
        raise UsageError(
            f"the policy wants {absent[0]!r} to improve, but the results hold no bits per "
            f"character of it. Run arabench_lm_{absent[0]}."
        )
    decided = {row.variety for row in rows if row.verdict != "info"}
    named = policy.varieties if "varieties" in policy.model_fields_set else ()
    silent = [variety for variety in named if variety not in decided]
    if silent:
        raise UsageError(
            f"the policy lets {silent[0]!r} decide, but the results hold no metric of it that the "
            "policy has a rule for. Evaluate its tasks too, or take it out of `varieties`."
        )


def _check_not_identical(baseline: Evaluation, candidate: Evaluation) -> None:
    """Equal sums in every sample of every task mean that one model was measured twice."""
    for name, left in baseline.tasks.items():
        for metric, sums in left.scores.items():
            other = candidate.tasks[name].scores.get(metric)
            if other is None or not np.array_equal(sums.sums, other.sums):
                return
    raise UsageError(
        "baseline and candidate are equal in every sample: the adapter was probably not loaded, "
        "or lm-eval's --use_cache answered for it. Set allow_identical in the policy to compare."
    )


def degradation(score: Score, baseline: Array, candidate: Array) -> Array:
    """Relative increase where lower is better, absolute decrease where higher is."""
    if score.higher_is_better:
        return np.asarray(baseline - candidate)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(candidate / baseline - 1)


def paired_degradation(
    score: Score, baseline: Sums, candidate: Sums, draws: int, seed: int
) -> tuple[float, Array]:
    """Degradation on all items, and on `draws` paired bootstrap samples of items."""
    parts = [
        degradation(
            score, score.compute(weights @ baseline.sums), score.compute(weights @ candidate.sums)
        )
        for weights in resample_weights(len(baseline.items), draws, seed)
    ]
    ours = np.asarray(point(score, baseline.sums))
    theirs = np.asarray(point(score, candidate.sums))
    return float(degradation(score, ours, theirs)), np.concatenate(parts)


def _compare_metric(left: TaskResult, right: TaskResult, metric: str, policy: Policy) -> Row:
    score = SCORES[metric]
    ours, theirs = left.scores[metric], right.scores[metric]
    estimate, draws = paired_degradation(score, ours, theirs, policy.draws, policy.seed)
    with np.errstate(invalid="ignore"):  # draws that divide by nothing: the bounds are NaN
        bounds = np.quantile(draws, [1 - policy.confidence, policy.confidence])
    low, high = float(bounds[0]), float(bounds[1])
    margin, rule, verdict = _decide(left.variety, metric, low, high, policy)
    if len(ours.items) < 2 and verdict != "info":
        raise UsageError(
            f"task {left.name!r} has one item: nothing can be decided from it. Raise --limit."
        )
    values = point(score, ours.sums), point(score, theirs.sums)
    if verdict != "info":
        _check_measured(left.name, score, *values)
    return Row(
        left.name, left.variety, metric, *values,
        estimate, low, high, margin, rule, len(ours.items), verdict,
    )  # fmt: skip


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


def _decide(
    variety: str | None, metric: str, low: float, high: float, policy: Policy
) -> tuple[float | None, str, Verdict]:
    rule = policy.rules.get(metric)
    if metric == "bits_per_char" and variety in policy.improve:
        return 0.0, "must improve", "pass" if high < 0 else "fail"
    if rule is None or (variety is not None and variety not in policy.varieties):
        return None, "reported", "info"
    margin = rule.margin
    if metric == "bits_per_char" and variety in policy.margins:
        margin = policy.margins[variety]
    # Comparisons with NaN are false: whatever could not be measured fails.
    if rule.test == "non_inferiority":
        return margin, "shown not worse than margin", "pass" if high <= margin else "fail"
    return margin, "not shown worse than margin", "pass" if low <= margin else "fail"
