"""BLEU and chrF++ as functions of summed n-gram counts, which sacreBLEU counts."""

from __future__ import annotations

import functools
import sys
import unicodedata
from typing import TYPE_CHECKING, Final

import numpy as np

from arabench.evaluation.metrics.score import Score, divide
from arabench.statistics.resampling import Array

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric


def bleu_from_sums(sums: Array) -> Array:
    """Corpus BLEU (Papineni et al. 2002) with sacreBLEU's exponential smoothing.

    Args:
        sums: (..., 10): system length, reference length, correct 1-4-grams, total 1-4-grams.

    Returns:
        (...): BLEU in 0-100, equal to sacreBLEU's corpus score of the same counts; NaN where
        nothing was counted.
    """
    system, reference = sums[..., 0], sums[..., 1]
    correct, total = sums[..., 2:6], sums[..., 6:10]
    log_precision = np.zeros(system.shape)
    smoothing = np.ones(system.shape)
    defined = np.ones(system.shape, dtype=bool)
    for order in range(4):
        matched, possible = correct[..., order], total[..., order]
        # Once an order has no n-grams at all its precision is 0, and BLEU with it.
        defined &= possible > 0
        smoothing = np.where(defined & (matched == 0), smoothing * 2, smoothing)
        safe_total = np.maximum(possible, 1)
        precision = np.where(
            matched > 0, 100 * matched / safe_total, 100 / (smoothing * safe_total)
        )
        log_precision += np.log(precision)
    safe_system = np.maximum(system, 1e-9)
    brevity = np.where(system < reference, np.exp(1 - reference / safe_system), 1.0)
    score = brevity * np.exp(log_precision / 4)
    score = np.where(defined & (correct.sum(-1) > 0) & (system > 0), score, 0.0)
    return np.where(sums.any(-1), score, np.nan)


def chrf_from_sums(sums: Array) -> Array:
    """Corpus chrF++ (Popovic 2017; beta 2, character order 6, word order 2).

    Args:
        sums: (..., 24): (hypothesis, reference, matching) n-gram counts of the eight orders.

    Returns:
        (...): chrF++ in 0-100, equal to sacreBLEU's corpus score of the same counts; NaN where
        nothing was counted.
    """
    counts = sums.reshape(*sums.shape[:-1], 8, 3)
    hypothesis, reference, matching = counts[..., 0], counts[..., 1], counts[..., 2]
    used = (hypothesis > 0) & (reference > 0)
    orders = np.maximum(used.sum(-1), 1)
    precision = np.where(used, matching / np.maximum(hypothesis, 1), 0).sum(-1) / orders
    recall = np.where(used, matching / np.maximum(reference, 1), 0).sum(-1) / orders
    beta2 = 4.0
    denominator = beta2 * precision + recall
    score = divide((1 + beta2) * precision * recall, denominator)
    return np.where(sums.any(-1), 100 * np.nan_to_num(score), np.nan)


@functools.cache
def bleu() -> Metric:
    """sacreBLEU's BLEU with the tokenizer `intl`, which separates Arabic punctuation."""
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize="intl")


@functools.cache
def chrf() -> Metric:
    """sacreBLEU's chrF++ with the punctuation of Unicode in place of ASCII's.

    Of each word one mark at its end, or else at its start, is a word of its own. With the marks
    of ASCII, which sacreBLEU 2.6 knows, a space before the Arabic question mark costs 11 points,
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


def counts(metric: Metric, hypothesis: str, reference: str) -> list[float]:
    """The counts of one sentence, as sacreBLEU's own significance tests resample them."""
    found: list[float] = metric._extract_corpus_statistics([hypothesis], [[reference]])[0]
    return found


def described(metric: Metric) -> str:
    """sacreBLEU's own signature of the object that counts, without sacreBLEU's version.

    The version is a condition of the run (`arabench.evaluation.harness.conditions`).
    """
    metric.corpus_score(["نعم"], [["نعم"]])  # the number of references is known after a score
    theirs = str(metric.get_signature().format()).rsplit("|version:", 1)[0]
    marks = getattr(metric, "_PUNCTS", None)
    return theirs if marks is None or len(marks) == len(ASCII_MARKS) else f"{theirs}|punct:unicode"


#: What sacreBLEU's chrF++ splits off words by itself.
ASCII_MARKS: Final = frozenset(r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""")

BLEU: Final = Score("bleu", 10, bleu_from_sums, True, "0-100", lambda: described(bleu()))
CHRF: Final = Score("chrf++", 24, chrf_from_sums, True, "0-100", lambda: described(chrf()))
