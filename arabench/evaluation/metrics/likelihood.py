"""Bits of texts: per character, per byte, as perplexities, over those of an MSA rendering.

A dialect tax is a product: how many more tokens the tokenizer makes of the dialect (its share),
times how many more bits a token costs the model (its share).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from arabench.evaluation.harness.own_tokens import Likelihood
from arabench.evaluation.metrics.score import SCORES_VERSION, Score, divide, ratio
from arabench.statistics.resampling import Array

#: See `arabench.evaluation.harness`: what a tokenizer adds is not counted.
BITS: Final = "bits:-log2 p of the text's own tokens, rolling, after one BOS or else EOS"


def bits(log_likelihood: float) -> float:
    """Bits of a natural-log likelihood."""
    return -float(log_likelihood) / math.log(2)


def own_tokens(log_likelihood: float) -> tuple[float, float]:
    """(1 where their number is unknown, tokens that the likelihood sums).

    Backends other than transformers give a plain number and say nothing of tokens.
    """
    count = log_likelihood.tokens if isinstance(log_likelihood, Likelihood) else 0
    return float(not count), float(count)


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


def _known(values: Array, unknown: Array) -> Array:
    """Not a number where the tokens of a sample are unknown: the others alone would mislead."""
    return np.where(unknown > 0, np.nan, values)


def _token_perplexity(sums: Array) -> Array:
    """Sums are bits, samples of unknown tokens, tokens."""
    return _known(perplexity(sums[..., [0, 2]]), sums[..., 1])


def _tokenizer_tax(sums: Array) -> Array:
    """Sums are tokens of the dialect, samples of unknown tokens, tokens of MSA."""
    return _known(divide(sums[..., 0], sums[..., 2]), sums[..., 1])


def _model_tax(sums: Array) -> Array:
    """Sums are bits of dialect and of MSA, samples of unknown tokens, tokens of both."""
    of_bits = divide(sums[..., 0], sums[..., 1])
    return _known(of_bits * divide(sums[..., 4], sums[..., 3]), sums[..., 2])


#: Of a token, and a token is what a tokenizer makes it: says nothing between two of them.
TOKEN_PERPLEXITY: Final = Score(
    "token_perplexity", 3, _token_perplexity, False, "perplexity",
    lambda: f"v:{SCORES_VERSION}|{BITS}|tokens:own", likelihood=True, per_token=True,
)  # fmt: skip
TOKENIZER_TAX: Final = Score(
    "tokenizer_tax", 3, _tokenizer_tax, False, "ratio",
    lambda: f"v:{SCORES_VERSION}|own tokens|over:MSA rendering of the same sentences",
)  # fmt: skip
MODEL_TAX: Final = Score(
    "model_tax", 5, _model_tax, False, "ratio",
    lambda: f"v:{SCORES_VERSION}|{BITS}, per own token|over:MSA rendering of the same sentences",
    likelihood=True,
)  # fmt: skip
