"""A word is written in Latin chat letters."""

from __future__ import annotations

import random
import re

from arabench import chars
from arabench.evaluation.perturbations.tables import tables

_WORD = re.compile(r"\S+")


def change(text: str, rate: float, rng: random.Random) -> str:
    """A word may be written in Latin chat letters."""
    table: dict[str, list[str]] = tables()["arabizi"]

    def spelled(match: re.Match[str]) -> str:
        word = match.group()
        draw, spelling = rng.random(), random.Random(rng.getrandbits(64))
        if draw >= rate or not any(char in table for char in word):
            return word
        return "".join(
            "" if char in chars.MARKS or char == chars.TATWEEL
            else spelling.choice(table[char]) if char in table
            else char
            for char in word
        )  # fmt: skip

    return _WORD.sub(spelled, text)
