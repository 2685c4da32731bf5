"""Spaces get lost, and words fall apart."""

from __future__ import annotations

import random
import re
from typing import Final

from arabench import chars

_WORD = re.compile(r"\S+")
_MIN_SPLIT_LENGTH: Final = 4


def change(text: str, rate: float, rng: random.Random) -> str:
    """A space beside an Arabic word may vanish; a word of four letters or more may be split."""
    parts: list[str] = []
    position = 0
    for match in _WORD.finditer(text):
        gap, word = text[position : match.start()], match.group()
        join_draw, split_draw = rng.random(), rng.random()
        cut = rng.randrange(2, max(3, len(word) - 1))
        if gap == " " and join_draw < rate and _between_words(text, position):
            gap = ""
        letters_only = all(char in chars.LETTERS for char in word)
        if letters_only and len(word) >= _MIN_SPLIT_LENGTH and split_draw < rate:
            word = f"{word[:cut]} {word[cut:]}"
        parts += [gap, word]
        position = match.end()
    return "".join(parts) + text[position:]


def _between_words(text: str, space: int) -> bool:
    """Whether an Arabic word ends or begins at the space: "New York" and "10 20" stay."""
    around = text[space - 1 : space] + text[space + 1 : space + 2]
    return any(char in chars.LETTERS or char in chars.MARKS for char in around)
