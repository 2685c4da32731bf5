"""Moved: metrics are in `arabench.evaluation.metrics`. These names stay."""

from arabench.evaluation.metrics.answers import EXACT_MATCH, F1
from arabench.evaluation.metrics.intervals import bootstrap, interval, standard_error
from arabench.evaluation.metrics.ngrams import bleu_from_sums, chrf_from_sums
from arabench.evaluation.metrics.noise_curves import NOISE_RATES
from arabench.evaluation.metrics.score import (
    SCORES_VERSION,
    Score,
    Sums,
    by_item,
    point,
    sample,
)
from arabench.evaluation.metrics.table import SCORES
from arabench.statistics.resampling import BOOTSTRAP_DRAWS, BOOTSTRAP_SEED, Array, resample_weights

__all__ = [
    "BOOTSTRAP_DRAWS",
    "BOOTSTRAP_SEED",
    "EXACT_MATCH",
    "F1",
    "NOISE_RATES",
    "SCORES",
    "SCORES_VERSION",
    "Array",
    "Score",
    "Sums",
    "bleu_from_sums",
    "bootstrap",
    "by_item",
    "chrf_from_sums",
    "interval",
    "point",
    "resample_weights",
    "sample",
    "standard_error",
]
