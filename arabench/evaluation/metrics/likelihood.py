"""Bits of texts: per character, per byte, as perplexities, over those of an MSA rendering."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from arabench.evaluation.metrics.score import SCORES_VERSION, Score, ratio
from arabench.statistics.resampling import Array

#: See `arabench.evaluation.harness`: what a tokenizer adds is not counted.
BITS: Final = "bits:-log2 p of the text's own tokens, rolling, after one BOS or else EOS"


def bits(log_likelihood: float) -> float:
    """Bits of a natural-log likelihood."""
    return -float(log_likelihood) / math.log(2)


def perplexity(sums: Array) -> Array:
    """Two to the power of bits over units."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp2(ratio(sums)))


def _of_bits(name: str, unit: str, detail: str) -> Score:
    compute = perplexity if unit == "perplexity" else ratio
    words = f"v:{SCORES_VERSION}|{BITS}|{detail}"
    return Score(name, 2, compute, False, unit, lambda: words, likelihood=True)


BITS_PER_CHAR: Final = _of_bits("bits_per_char", "bits", "chars:code points")
BITS_PER_BYTE: Final = _of_bits("bits_per_byte", "bits", "bytes:UTF-8")
WORD_PERPLEXITY: Final = _of_bits("word_perplexity", "perplexity", "words:white space")
BYTE_PERPLEXITY: Final = _of_bits("byte_perplexity", "perplexity", "bytes:UTF-8")
DIALECT_TAX: Final = _of_bits("dialect_tax", "ratio", "over:MSA rendering of the same sentences")
