"""Shown to be no worse than the margin."""

from __future__ import annotations

from typing import ClassVar

from arabench.evaluation.metrics.contrast import Contrast
from arabench.gate.criteria.criterion import Criterion


class NonInferiority(Criterion):
    """Passes where "degradation is the margin or more" is rejected: p-value <= level.

    The burden of proof is on the candidate (ICH E9, 3.3.2): too few items leave it undecided.
    """

    words: ClassVar[str] = "shown not worse than margin"

    def passes(self, contrast: Contrast, margin: float, level: float) -> bool:
        """Whether degradation is shown to stay below the margin."""
        return contrast.shown_better(margin) <= level
