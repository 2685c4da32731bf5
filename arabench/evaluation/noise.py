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
_LETTER_CLASS: Final = chars.char_class(chars.LETTERS)
_MARK_CLASS: Final = chars.char_class(chars.MARKS)
_ARABIC_WORD = re.compile(f"[{_LETTER_CLASS}][{_LETTER_CLASS}{_MARK_CLASS}]*")
_LETTER_WITH_MARKS = re.compile(
    f"([{chars.char_class(chars.LETTERS - {chars.TATWEEL})}])([{_MARK_CLASS}]*)"
)
#: Letters of long vowels, which nobody vocalises.
_BARE: Final = frozenset({chars.ALIF, chars.ALIF_MAQSURA, "\u0622"})  # and ALEF WITH MADDA ABOVE
_MIN_SPLIT_LENGTH: Final = 4


@functools.cache
def _tables() -> dict[str, Any]:
    text = files("arabench.evaluation").joinpath("noise_tables.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def keyboard_neighbours() -> dict[str, str]:
    """Letter -> letters on adjacent keys of the Arabic 101 layout."""
    rows: list[str] = _tables()["keyboard"]["rows"]
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


def _random(kind: str, text: str, seed: int) -> random.Random:
    key = f"{seed}|{NOISE_VERSION}|{kind}|{text}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(key).digest()
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
    """A letter may be written as one it is confused with where it stands in its word."""
    tables = {where: dict(pairs) for where, pairs in _tables()["confusions"].items()}

    def change(match: re.Match[str]) -> str:
        word = match.group()
        places = [index for index, char in enumerate(word) if char in chars.LETTERS]
        result = list(word)
        for index in places:
            options = tables["anywhere"].get(word[index], "")
            options += tables["initial"].get(word[index], "") if index == places[0] else ""
            options += tables["final"].get(word[index], "") if index == places[-1] else ""
            if options:
                draw, choice = rng.random(), rng.choice(options)
                result[index] = choice if draw < rate else word[index]
        return "".join(result)

    return _ARABIC_WORD.sub(change, text)


def _vowels(text: str, rate: float, rng: random.Random) -> str:
    """A letter with vowel marks may lose them; one without may gain one, long vowels aside."""

    def change(match: re.Match[str]) -> str:
        letter, marks = match.groups()
        draw, vowel = rng.random(), rng.choice(_SHORT_VOWELS)
        if draw >= rate:
            return match.group()
        if any(mark in chars.DIACRITICS for mark in marks):
            return letter + "".join(mark for mark in marks if mark not in chars.DIACRITICS)
        return match.group() if letter in _BARE else letter + marks + vowel

    return _LETTER_WITH_MARKS.sub(change, text)


def _spacing(text: str, rate: float, rng: random.Random) -> str:
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
