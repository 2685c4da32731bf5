"""N-gram counts of BLEU and chrF++, counted by sacreBLEU."""

from __future__ import annotations

import functools
import sys
import unicodedata
from typing import Any


@functools.cache
def bleu() -> Any:
    """sacreBLEU's BLEU with the tokenizer `intl`, which separates Arabic punctuation."""
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize="intl")


@functools.cache
def chrf() -> Any:
    """sacreBLEU's chrF++ with every punctuation mark of Unicode separated from words.

    sacreBLEU 2.6 knows ASCII's: a space before the Arabic question mark costs 11 points there,
    one before the Latin question mark none. On text whose punctuation is ASCII the two agree.
    """
    from sacrebleu.metrics import CHRF

    class UnicodeCHRF(CHRF):  # type: ignore[misc]
        _PUNCTS = CHRF._PUNCTS | punctuation()

    return UnicodeCHRF(word_order=2)


def punctuation() -> frozenset[str]:
    """Characters of Unicode's general category P, as this Python knows it."""
    every = map(chr, range(sys.maxunicode + 1))
    return frozenset(char for char in every if unicodedata.category(char).startswith("P"))


def counts(metric: Any, hypothesis: str, reference: str) -> list[float]:
    """The counts of one sentence, as sacreBLEU's own significance tests resample them."""
    found: list[float] = metric._extract_corpus_statistics([hypothesis], [[reference]])[0]
    return found
