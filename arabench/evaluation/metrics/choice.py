"""Multiple choice: whether the right choice has the highest log-likelihood, or the highest per
code point or byte, as lm-eval's acc, acc_norm and acc_bytes have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arabench.evaluation.metrics.score import SCORES_VERSION, Score, ratio

ARGMAX: Final = f"v:{SCORES_VERSION}|argmax of log-likelihood, ties to the first"


def pick(results: Sequence[tuple[float, bool]], lengths: Sequence[int] | None = None) -> int:
    """Place of the choice with the highest log-likelihood; ties go to the first.

    Args:
        results: (log-likelihood in nats, ...) of each choice.
        lengths: what each is divided by, in code points or bytes; None for nothing.
    """
    likelihoods = [result[0] for result in results]
    if lengths is not None:
        likelihoods = [value / size for value, size in zip(likelihoods, lengths, strict=True)]
    return likelihoods.index(max(likelihoods))


def correct(
    results: Sequence[tuple[float, bool]], answer: int, lengths: Sequence[int] | None = None
) -> float:
    """1 when `pick` gives the answer's place, else 0."""
    return float(pick(results, lengths) == answer)


def _per(unit: str) -> str:
    return ARGMAX.replace("log-likelihood", f"log-likelihood per {unit} of the choice")


ACC: Final = Score("acc", 2, ratio, True, "0-1", lambda: ARGMAX)
ACC_NORM: Final = Score("acc_norm", 2, ratio, True, "0-1", lambda: _per("code point"))
ACC_BYTES: Final = Score("acc_bytes", 2, ratio, True, "0-1", lambda: _per("UTF-8 byte"))
