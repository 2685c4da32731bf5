"""The contract of a criterion: what a row that decides must show, and what stops it.

A criterion is one file with one class, and one line in arabench/gate/criteria/table.py. It sees
what the items show (a `Contrast`) and the margin that the policy allows; error levels come from
arabench.gate.verdict, which keeps them for all rows together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from arabench.evaluation.metrics.contrast import Contrast


class Criterion(ABC):
    """What a row must show to pass.

    Attributes:
        words: the test, as reports name it.
        of_rules: whether a policy can name it as the `test` of a metric.
        bounded_above: whether the upper bound decides: where it does, reports keep it on the side
            of the margin on which the test at the margin put it.
    """

    words: ClassVar[str]
    of_rules: ClassVar[bool] = True
    bounded_above: ClassVar[bool] = True

    def margin(self, allowed: float) -> float:
        """The degradation it is tested at, of the one that the policy allows: the same."""
        return allowed

    def fails(self, worse: float, level: float) -> bool:
        """Whether it is shown that the row is worse than the margin, and stops the candidate.

        Args:
            worse: p-value against "degradation is the margin or less".
            level: error level of this row, from Holm's procedure over all rows that decide.
        """
        return worse <= level

    @abstractmethod
    def passes(self, contrast: Contrast, margin: float, level: float) -> bool:
        """Whether a row that does not fail passes; else it is undecided. Has no default.

        Args:
            contrast: the metric of both models, item by item.
            margin: from `margin`.
            level: error level of the policy, 1 - confidence.
        """
