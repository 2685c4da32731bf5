"""Noise that Arabic writers make, at a rate, seeded, nested across rates.

Each kind looks at units (letters, words or word boundaries) and changes a unit when a
uniform draw falls below the rate. The draws depend on the seed, the kind and the text,
never on the rate: what is changed at rate 0.1 is changed in the same way at 0.2, so a
dose-response curve is not blurred by resampling. Rate 0 returns the text itself.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Final

from arabench.errors import UsageError, did_you_mean
from arabench.evaluation.perturbations import arabizi, confusions, keyboard, spacing, vowels

#: Rises when a rule or table changes the noise made from some text.
NOISE_VERSION: Final = 1
NOISE_SEED: Final = 20241217

#: Kind -> function of (text, rate, random numbers).
KINDS: Final[dict[str, Callable[[str, float, random.Random], str]]] = {
    "keyboard": keyboard.change,
    "confusions": confusions.change,
    "vowels": vowels.change,
    "spacing": spacing.change,
    "arabizi": arabizi.change,
}


def perturb(text: str, kind: str, rate: float, seed: int = NOISE_SEED) -> str:
    """`text` with noise of `kind` at `rate`.

    Args:
        text: any string; only Arabic letters and the spaces between words change.
        kind: keyboard, confusions, vowels, spacing or arabizi.
        rate: probability that a unit (letter, word or boundary) is changed, 0 to 1.
        seed: equal seeds give equal noise.

    Raises:
        UsageError: unknown kind or a rate outside 0 to 1.
    """
    if kind not in KINDS:
        raise UsageError(f"noise kind {kind!r} is not known. {did_you_mean(kind, KINDS)}")
    if not 0 <= rate <= 1:
        raise UsageError(f"noise rate is {rate}; allowed is 0 to 1.")
    if rate == 0:
        return text
    return KINDS[kind](text, rate, _random(kind, text, seed))


def _random(kind: str, text: str, seed: int) -> random.Random:
    key = f"{seed}|{NOISE_VERSION}|{kind}|{text}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(key).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))
