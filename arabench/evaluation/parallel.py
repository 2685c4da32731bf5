"""Moved to `arabench.evaluation.data.parallel`. These names stay."""

from arabench.evaluation.data.parallel import (
    ParallelItem,
    codes_for,
    load_parallel,
)

__all__ = [
    "ParallelItem",
    "codes_for",
    "load_parallel",
]
