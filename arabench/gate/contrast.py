"""Moved to `arabench.evaluation.metrics.contrast`. These names stay."""

from arabench.evaluation.metrics.contrast import (
    Contrast,
    Pair,
    contrast,
    contrast_all,
    degradation,
)

__all__ = ["Contrast", "Pair", "contrast", "contrast_all", "degradation"]
