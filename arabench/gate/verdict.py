"""What the policy asks of a row, and what the row shows.

A row passes where the policy's demand is shown, fails where the opposite is shown, and is
undecided where the items show neither. Errors are kept for the whole run:

- a candidate passes only when every row passes, so the chance to let through one that is at the
  margin of some row is at most that row's error, however many rows there are;
- "shown worse" is one family over all rows that decide (Holm), so the chance to call a candidate
  worse somewhere that is within its margins everywhere is at most the same error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from arabench.evaluation.metrics.contrast import Contrast
from arabench.gate.criteria.criterion import Criterion
from arabench.gate.criteria.table import CRITERIA
from arabench.gate.policy import TAIL_DRAWS, Policy
from arabench.statistics.multiplicity import holm_levels

Verdict = Literal["pass", "fail", "undecided", "info"]
#: Why a row is undecided: too few items, 0 on both sides, or bounds on both sides of the margin.
Cause = Literal["items", "zero", "interval"]
Decision = Literal["pass", "stop", "undecided"]


@dataclass(frozen=True)
class Question:
    """One metric of one task, and what the policy asks of it.

    Attributes:
        variety: None for tasks that have none.
        demand, margin: what decides, and at which degradation; None where the row is only
            reported.
    """

    task: str
    variety: str | None
    metric: str
    baseline: float
    candidate: float
    contrast: Contrast
    demand: Criterion | None
    margin: float


@dataclass(frozen=True)
class Answer:
    """What a row shows.

    Attributes:
        low_level, high_level: errors at which the two bounds were held against the margin.
        cause: why it is undecided.
    """

    verdict: Verdict
    low_level: float
    high_level: float
    cause: Cause | None = None


def demand_of(variety: str | None, metric: str, policy: Policy) -> tuple[Criterion | None, float]:
    """What the policy asks of a metric of a variety, and the degradation it is tested at."""
    rule = policy.rules.get(metric)
    bits = metric == "bits_per_char"
    allowed = math.nan if rule is None else rule.margin
    if bits and variety in policy.margins:
        allowed = policy.margins[variety]
    if bits and variety in policy.improve:
        demand = CRITERIA["improve"]
    elif rule is None or (variety is not None and variety not in policy.varieties):
        return None, math.nan
    else:
        demand = CRITERIA[rule.test]
    return demand, demand.margin(allowed)


def draws_for(deciding: int, policy: Policy) -> int:
    """Bootstrap draws: those of the policy, and more where many rows decide.

    The smallest p-value that can be drawn must lie well below the level of one row of the family.
    """
    return max(policy.draws, math.ceil(TAIL_DRAWS * deciding / (1 - policy.confidence) - 1e-6))


def answer_all(questions: list[Question], policy: Policy) -> list[Answer]:
    """The verdict of every row, at error levels that hold for all rows together."""
    level = 1 - policy.confidence
    causes = [_too_little(question, policy) for question in questions]
    tested = [
        index
        for index, question in enumerate(questions)
        if question.demand is not None and causes[index] is None
    ]
    worse = [questions[i].contrast.shown_worse(questions[i].margin) for i in tested]
    family = dict(zip(tested, zip(worse, holm_levels(worse, level), strict=True), strict=True))
    answers = []
    for index, question in enumerate(questions):
        if question.demand is not None and index in family:
            answers.append(_answer(question.demand, question, *family[index], level))
        else:
            verdict: Verdict = "info" if question.demand is None else "undecided"
            answers.append(Answer(verdict, level, level, causes[index]))
    return answers


def decide(verdicts: Iterable[Verdict], policy: Policy) -> Decision:
    """stop: a row failed. undecided: none failed, but one shows too little, and that blocks.

    Where no row passes nothing was shown at all: undecided, whatever the policy lets pass.
    """
    found = set(verdicts)
    if "fail" in found:
        return "stop"
    open_rows = "undecided" in found and policy.undecided == "block"
    return "undecided" if open_rows or "pass" not in found else "pass"


def _too_little(question: Question, policy: Policy) -> Cause | None:
    if question.demand is None:
        return None
    if question.contrast.items < policy.min_items:
        return "items"
    return "zero" if question.baseline == 0 == question.candidate else None


def _answer(
    demand: Criterion, question: Question, worse: float, low_level: float, level: float
) -> Answer:
    if demand.fails(worse, low_level):
        return Answer("fail", low_level, level)
    if demand.passes(question.contrast, question.margin, level):
        return Answer("pass", low_level, level)
    return Answer("undecided", low_level, level, "interval")
