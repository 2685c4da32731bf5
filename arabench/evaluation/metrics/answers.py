"""Answer comparison for Arabic reading comprehension.

SQuAD's evaluation (Rajpurkar et al. 2016) lower-cases, drops ASCII punctuation and
English articles. For Arabic an answer is normalized as follows, and nothing else:

1. the `search` preset: diacritics, tatweel, alif and hamza forms, final ya and ta
   marbuta, Persian letters, digits, punctuation and white space;
2. lower case for Latin letters;
3. the definite article `al-` is removed from the front of a token that keeps at
   least three letters, so that "الكتاب" meets "كتاب" and "الم" or "الى" stay whole.
   Prefixed conjunctions and prepositions are not touched: removing them needs
   morphology, and guessing would make wrong answers right.

Token F1 and exact match are then SQuAD's, the maximum over the accepted answers.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from arabench.chars import DEFINITE_ARTICLE
from arabench.evaluation.metrics.score import SCORES_VERSION, Score, ratio
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

#: Letters a token must keep for its article to be taken off.
MIN_STEM = 3


@functools.cache
def _normalizer() -> Normalizer:
    return Normalizer(options_from("search"))


def answer_tokens(answer: str) -> list[str]:
    """Tokens of an answer after the normalization described above."""
    return _tokens_with(_normalizer(), answer)


def _tokens_with(normalizer: Normalizer, answer: str) -> list[str]:
    return [_without_article(token) for token in normalizer(answer).lower().split()]


def _without_article(token: str) -> str:
    stem = token.removeprefix(DEFINITE_ARTICLE)
    return stem if len(stem) >= MIN_STEM else token


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """Largest token F1 of the prediction against the accepted answers, 0-1.

    Two empty token lists agree (1); one empty list does not (0), as in SQuAD 2.0.
    """
    return max(overlap_f1(answer_tokens(prediction), answer_tokens(answer)) for answer in answers)


def overlap_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Token F1 of two lists of tokens, 0-1; order does not count, repetition does."""
    if not predicted or not gold:
        return float(list(predicted) == list(gold))
    common = sum((Counter(predicted) & Counter(gold)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(predicted), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1 when the normalized prediction equals an accepted answer, else 0."""
    tokens = answer_tokens(prediction)
    return float(any(tokens == answer_tokens(answer) for answer in answers))


def answers_digest() -> str:
    """What `answer_tokens` makes of every letter and sign it may meet, in eight digits.

    The normalizer is asked, not its name: a preset or a rule that changes shows here.
    """
    return _digest_with(_normalizer())


@functools.lru_cache(maxsize=1)
def _digest_with(normalizer: Normalizer) -> str:
    singles = [chr(code) for block in _BLOCKS for code in range(*block)]
    made = [_tokens_with(normalizer, text) for text in (*singles, *_PHRASES)]
    return hashlib.sha256(repr(made).encode("utf-8")).hexdigest()[:8]


#: Latin, general punctuation, the Arabic blocks and the presentation forms.
_BLOCKS: Final = (
    (0x20, 0x180), (0x2000, 0x2070), (0x600, 0x700), (0x750, 0x780), (0x8A0, 0x900),
    (0xFB50, 0xFE00), (0xFE70, 0xFF00),
)  # fmt: skip
#: What happens between letters: articles, marks on them, elongation, digits and their signs.
_PHRASES: Final = (
    "الكتاب", "الى", "والكتاب", "كِتَابٌ", "مدرسةٌ", "علىٰ", "شيئًا", "١٬٠٠٠", "٣٫١٤", "1,000.5",
    "رائـــع", "هههههه", "a  B", "لا.نعم", "إلى/أو",
)  # fmt: skip


def _described(detail: str = "") -> Callable[[], str]:
    return lambda: f"v:{SCORES_VERSION}|{detail}answers:{answers_digest()}"


F1: Final = Score("f1", 2, ratio, True, "0-1", _described("tokens:SQuAD|"))
EXACT_MATCH: Final = Score("exact_match", 2, ratio, True, "0-1", _described())
