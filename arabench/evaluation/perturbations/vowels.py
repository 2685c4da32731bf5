"""Vowel marks come and go."""

from __future__ import annotations

import random
import re
from typing import Final

from arabench import chars

#: Short vowels and sukun, what writers add when they vocalise.
_SHORT_VOWELS: Final = "\u064e\u064f\u0650\u0652"  # FATHA, DAMMA, KASRA, SUKUN
_LETTER_WITH_MARKS = re.compile(
    f"([{chars.char_class(chars.LETTERS - {chars.TATWEEL})}])([{chars.char_class(chars.MARKS)}]*)"
)
#: Letters of long vowels, which nobody vocalises.
_BARE: Final = frozenset({chars.ALIF, chars.ALIF_MAQSURA, "\u0622"})  # and ALEF WITH MADDA ABOVE


def change(text: str, rate: float, rng: random.Random) -> str:
    """A letter with vowel marks may lose them; one without may gain one, long vowels aside."""

    def vocalised(match: re.Match[str]) -> str:
        letter, marks = match.groups()
        draw, vowel = rng.random(), rng.choice(_SHORT_VOWELS)
        if draw >= rate:
            return match.group()
        if any(mark in chars.DIACRITICS for mark in marks):
            return letter + "".join(mark for mark in marks if mark not in chars.DIACRITICS)
        return match.group() if letter in _BARE else letter + marks + vowel

    return _LETTER_WITH_MARKS.sub(vocalised, text)
