"""Every metric by name, in the order of reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arabench.evaluation.metrics import (
    answers,
    choice,
    classes,
    likelihood,
    next_words,
    ngrams,
    noise_curves,
    pseudo,
)
from arabench.evaluation.metrics.score import Score

SCORES: Final[Mapping[str, Score]] = {
    score.name: score
    for score in (
        likelihood.BITS_PER_CHAR,
        likelihood.BITS_PER_BYTE,
        likelihood.WORD_PERPLEXITY,
        likelihood.BYTE_PERPLEXITY,
        likelihood.TOKEN_PERPLEXITY,
        likelihood.DIALECT_TAX,
        likelihood.TOKENIZER_TAX,
        likelihood.MODEL_TAX,
        next_words.NEXT_WORD,
        ngrams.BLEU,
        ngrams.CHRF,
        answers.F1,
        answers.EXACT_MATCH,
        choice.ACC,
        choice.ACC_NORM,
        choice.ACC_BYTES,
        classes.MACRO_F1,
        noise_curves.NOISE_COST,
        noise_curves.NOISE_ACC,
        *noise_curves.BITS_AT,
        *noise_curves.ACC_AT,
        *pseudo.TWINS.values(),
        pseudo.MASKED_ACC,
    )
}
