"""A letter hits a neighbouring key."""

from __future__ import annotations

import functools
import random

from arabench import chars
from arabench.evaluation.perturbations.tables import tables


@functools.cache
def keyboard_neighbours() -> dict[str, str]:
    """Letter -> letters on adjacent keys of the Arabic 101 layout."""
    rows: list[str] = tables()["keyboard"]["rows"]
    keys = {
        (number, column): letter
        for number, row in enumerate(rows)
        for column, letter in enumerate(row)
        if letter in chars.LETTERS  # not the placeholder of a key that types two letters
    }
    around = ((0, -1), (0, 1), (-1, 0), (1, 0))
    return {
        letter: "".join(keys.get((number + down, column + right), "") for down, right in around)
        for (number, column), letter in keys.items()
    }


def change(text: str, rate: float, rng: random.Random) -> str:
    """A letter may be one of a neighbouring key of the Arabic 101 layout."""
    table = keyboard_neighbours()
    result = []
    for char in text:
        options = table.get(char)
        if options:
            draw, choice = rng.random(), rng.choice(options)
            result.append(choice if draw < rate else char)
        else:
            result.append(char)
    return "".join(result)
