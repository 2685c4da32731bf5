"""Noise that Arabic writers make, at a rate, seeded, nested across rates.

Each kind looks at units (letters, words or word boundaries) and changes a unit when a
uniform draw falls below the rate. The draws depend on the seed, the kind and the text,
never on the rate: what is changed at rate 0.1 is changed in the same way at 0.2, so a
dose-response curve is not blurred by resampling. Rate 0 returns the text itself.
"""

from __future__ import annotations

import functools
import hashlib
import random
import re
import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from arabench import chars
from arabench.errors import UsageError, did_you_mean

#: Rises when a rule or table changes the noise made from some text.
NOISE_VERSION: Final = 1
NOISE_SEED: Final = 20241217

#: Short vowels and sukun, what writers add when they vocalise.
_SHORT_VOWELS: Final = "\u064e\u064f\u0650\u0652"  # FATHA, DAMMA, KASRA, SUKUN
_WORD = re.compile(r"\S+")
_MIN_SPLIT_LENGTH: Final = 4


@functools.cache
def _tables() -> dict[str, Any]:
    text = files("arabench.evaluation").joinpath("noise_tables.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def keyboard_neighbours() -> dict[str, str]:
    """Letter -> letters on adjacent keys of the Arabic 101 layout."""
    rows: list[str] = _tables()["keyboard"]["rows"]
    neighbours: dict[str, str] = {}
    for number, row in enumerate(rows):
        for column, letter in enumerate(row):
            found = [row[near] for near in (column - 1, column + 1) if 0 <= near < len(row)]
            for other in (number - 1, number + 1):
                if 0 <= other < len(rows) and column < len(rows[other]):
                    found.append(rows[other][column])
            neighbours[letter] = "".join(found)
    return neighbours


def _random(kind: str, text: str, seed: int) -> random.Random:
    digest = hashlib.sha256(f"{seed}|{NOISE_VERSION}|{kind}|{text}".encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def _keyboard(text: str, rate: float, rng: random.Random) -> str:
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


def _confusions(text: str, rate: float, rng: random.Random) -> str:
    tables = _tables()["confusions"]
    anywhere, final = dict(tables["anywhere"]), dict(tables["final"])
    result = []
    for index, char in enumerate(text):
        at_end = index + 1 == len(text) or text[index + 1] not in chars.LETTERS | chars.MARKS
        options = anywhere.get(char) or (final.get(char) if at_end else None)
        if options:
            draw, choice = rng.random(), rng.choice(options)
            result.append(choice if draw < rate else char)
        else:
            result.append(char)
    return "".join(result)


def _vowels(text: str, rate: float, rng: random.Random) -> str:
    """A letter with vowel marks may lose them; one without may gain one."""
    pattern = re.compile(
        f"([{chars.char_class(chars.LETTERS - {chars.TATWEEL})}])"
        f"([{chars.char_class(chars.MARKS)}]*)"
    )

    def change(match: re.Match[str]) -> str:
        letter, marks = match.groups()
        draw, vowel = rng.random(), rng.choice(_SHORT_VOWELS)
        if draw >= rate:
            return match.group()
        if any(mark in chars.DIACRITICS for mark in marks):
            return letter + "".join(mark for mark in marks if mark not in chars.DIACRITICS)
        return letter + marks + vowel

    return pattern.sub(change, text)


def _spacing(text: str, rate: float, rng: random.Random) -> str:
    """A space may vanish between words; a word of four letters or more may be split."""
    parts: list[str] = []
    position = 0
    for match in _WORD.finditer(text):
        gap, word = text[position : match.start()], match.group()
        join_draw, split_draw = rng.random(), rng.random()
        cut = rng.randrange(2, max(3, len(word) - 1))
        if gap == " " and join_draw < rate:
            gap = ""
        letters_only = all(char in chars.LETTERS for char in word)
        if letters_only and len(word) >= _MIN_SPLIT_LENGTH and split_draw < rate:
            word = f"{word[:cut]} {word[cut:]}"
        parts += [gap, word]
        position = match.end()
    return "".join(parts) + text[position:]


def _arabizi(text: str, rate: float, rng: random.Random) -> str:
    """A word may be written in Latin chat letters."""
    table: dict[str, list[str]] = _tables()["arabizi"]

    def change(match: re.Match[str]) -> str:
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

    return _WORD.sub(change, text)


#: Kind -> (function, what it does).
KINDS: Final[dict[str, Callable[[str, float, random.Random], str]]] = {
    "keyboard": _keyboard,
    "confusions": _confusions,
    "vowels": _vowels,
    "spacing": _spacing,
    "arabizi": _arabizi,
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
