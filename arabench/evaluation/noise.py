"""Moved to `arabench.evaluation.perturbations.table`. These names stay."""

from arabench.evaluation.perturbations.table import (
    KINDS,
    NOISE_SEED,
    NOISE_VERSION,
    perturb,
)

__all__ = [
    "KINDS",
    "NOISE_SEED",
    "NOISE_VERSION",
    "perturb",
]
