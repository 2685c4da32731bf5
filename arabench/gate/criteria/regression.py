"""Not shown to be worse than the margin."""

from __future__ import annotations

import math
from typing import ClassVar

from arabench.evaluation.metrics.contrast import Contrast
from arabench.gate.criteria.criterion import Criterion


class Regression(Criterion):
    """Passes wherever it does not fail: for scores too noisy to show that nothing was lost.

    What could not be measured shows nothing, and does not pass.
    """

    words: ClassVar[str] = "not shown worse than margin"
    bounded_above: ClassVar[bool] = False

    def passes(self, contrast: Contrast, margin: float, level: float) -> bool:
        """Whether the metric could be measured, or else is shown to stay below the margin."""
        measured = math.isfinite(contrast.paired.estimate)
        return measured or contrast.shown_better(margin) <= level
