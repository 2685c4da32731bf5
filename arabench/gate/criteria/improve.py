"""Shown to be better than the baseline."""

from __future__ import annotations

from typing import ClassVar

from arabench.evaluation.metrics.contrast import Contrast
from arabench.gate.criteria.criterion import Criterion


class Improve(Criterion):
    """Passes where "degradation is 0 or more" is rejected, whatever margin a rule allows.

    A policy asks for it by variety, in `improve`.
    """

    words: ClassVar[str] = "must improve"
    of_rules: ClassVar[bool] = False

    def margin(self, allowed: float) -> float:
        """0: no degradation is allowed."""
        return 0.0

    def passes(self, contrast: Contrast, margin: float, level: float) -> bool:
        """Whether degradation is shown to be less than none."""
        return contrast.shown_better(margin) <= level
