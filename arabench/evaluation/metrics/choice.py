"""Multiple choice: whether the right letter has the highest log-likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arabench.evaluation.metrics.score import SCORES_VERSION, Score, ratio

ARGMAX: Final = f"v:{SCORES_VERSION}|argmax of log-likelihood, ties to the first"


def correct(results: Sequence[tuple[float, bool]], answer: int) -> float:
    """1 when the answer's log-likelihood is the highest, else 0; ties go to the first."""
    likelihoods = [value for value, _ in results]
    return float(likelihoods.index(max(likelihoods)) == answer)


ACC: Final = Score("acc", 2, ratio, True, "0-1", lambda: ARGMAX)
