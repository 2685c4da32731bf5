"""Moved to `arabench.evaluation.runner.results`. These names stay."""

from arabench.evaluation.runner.results import (
    Evaluation,
    TaskResult,
    load_evaluation,
)

__all__ = [
    "Evaluation",
    "TaskResult",
    "load_evaluation",
]
