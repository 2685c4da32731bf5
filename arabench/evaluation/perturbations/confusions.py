"""A letter is written as one it is confused with."""

from __future__ import annotations

import random
import re
from typing import Final

from arabench import chars
from arabench.evaluation.perturbations.tables import tables

_LETTER_CLASS: Final = chars.char_class(chars.LETTERS)
_MARK_CLASS: Final = chars.char_class(chars.MARKS)
_ARABIC_WORD = re.compile(f"[{_LETTER_CLASS}][{_LETTER_CLASS}{_MARK_CLASS}]*")


def change(text: str, rate: float, rng: random.Random) -> str:
    """A letter may be written as one it is confused with where it stands in its word."""
    written_for = {where: dict(pairs) for where, pairs in tables()["confusions"].items()}

    def written(match: re.Match[str]) -> str:
        word = match.group()
        places = [index for index, char in enumerate(word) if char in chars.LETTERS]
        result = list(word)
        for index in places:
            options = written_for["anywhere"].get(word[index], "")
            options += written_for["initial"].get(word[index], "") if index == places[0] else ""
            options += written_for["final"].get(word[index], "") if index == places[-1] else ""
            if options:
                draw, choice = rng.random(), rng.choice(options)
                result[index] = choice if draw < rate else word[index]
        return "".join(result)

    return _ARABIC_WORD.sub(written, text)
