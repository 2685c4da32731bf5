"""Moved to `arabench.evaluation.metrics.answers`. These names stay."""

from arabench.evaluation.metrics.answers import (
    answer_tokens,
    exact_match,
    token_f1,
)

__all__ = [
    "answer_tokens",
    "exact_match",
    "token_f1",
]
