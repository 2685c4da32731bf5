"""Which short vowel follows each letter of an unvocalised word: counts of its neighbours.

The counts are of vocalised standard Arabic. Dialects share many of its vowels and not all;
what they are used for, spelling Arabizi, writes vowels loosely too.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final

from arabench.chars import SHADDA, TATWEEL
from arabench.errors import DataError
from arabench.script.character_model import BITS, EDGE, NUMBERS
from arabench.script.containers import read_packaged, seal, unseal

MAGIC: Final = b"ARABVOW\0"
VERSION: Final = 1
NAME: Final = "vowels.model"

#: None, fatha, kasra, damma; with 4 added the letter is doubled.
NONE, FATHA, KASRA, DAMMA = range(4)
DOUBLED: Final = 4
CLASSES: Final = 8

#: Mark -> vowel; tanwin counts as its vowel.
VOWEL_OF: Final = {
    "\u064e": FATHA,  # ARABIC FATHA
    "\u064b": FATHA,  # ARABIC FATHATAN
    "\u0650": KASRA,  # ARABIC KASRA
    "\u064d": KASRA,  # ARABIC KASRATAN
    "\u064f": DAMMA,  # ARABIC DAMMA
    "\u064c": DAMMA,  # ARABIC DAMMATAN
    "\u0652": NONE,  # ARABIC SUKUN
}
#: Set in contexts of four letters.
WIDE: Final = 1 << (4 * BITS)
#: Contexts seen less often back off to a shorter one.
LEAST: Final = 5


def split_marks(word: str) -> Iterator[tuple[str, int | None]]:
    """(letter, vowel class) of each letter; None where it has no mark."""
    letter, vowel, doubled = "", None, False
    for char in word:
        if char in VOWEL_OF:
            vowel = VOWEL_OF[char]
        elif char == SHADDA:
            doubled = True
        elif char in NUMBERS:
            if letter:
                yield letter, _class(vowel, doubled)
            letter, vowel, doubled = char, None, False
        elif char != TATWEEL:
            continue
    if letter:
        yield letter, _class(vowel, doubled)


def _class(vowel: int | None, doubled: bool) -> int | None:
    if doubled:
        return DOUBLED + (vowel or NONE)
    return vowel


def contexts(letters: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(letter and both neighbours on each side, letter and its two nearest) as whole numbers."""
    padded = [EDGE, EDGE, *letters, EDGE, EDGE]
    for place in range(2, len(padded) - 2):
        _, before, letter, after, beyond = padded[place - 2 : place + 3]
        near = (before << BITS | letter) << BITS | after
        yield near << BITS | beyond, near


def count_vowels(words: Iterable[str]) -> dict[int, list[int]]:
    """Context -> how often each class stands in it; the case vowel of a word is left out.

    Contexts of four letters have the bit above their letters set, so that both kinds share
    one table.
    """
    counts: Counter[tuple[int, int]] = Counter()
    for word, times in Counter(words).items():
        marked = list(split_marks(word))
        if len(marked) < 2:
            continue
        numbers = [NUMBERS[letter] for letter, _ in marked]
        for (wide, near), (_, vowel) in zip(contexts(numbers), marked[:-1], strict=False):
            counts[WIDE | wide, vowel or NONE] += times
            counts[near, vowel or NONE] += times
    table: dict[int, list[int]] = {}
    for (context, vowel), count in counts.items():
        table.setdefault(context, [0] * CLASSES)[vowel] += count
    return {context: row for context, row in sorted(table.items()) if sum(row) >= LEAST}


def pack_vowels(table: Mapping[int, list[int]]) -> bytes:
    """The model file: of each context the two commonest classes.

    Contexts of four letters that say the same as their three nearest are left out.
    """
    kept: dict[int, int] = {}
    for context in sorted(table):
        ranked = sorted(range(CLASSES), key=lambda vowel: (-table[context][vowel], vowel))
        best = ranked[0] << 4 | ranked[1]
        if context & WIDE and kept.get((context ^ WIDE) >> BITS, -1) >> 4 == ranked[0]:
            continue
        kept[context] = best
    before, body = 0, bytearray(struct.pack("<I", len(kept)))
    for context in kept:
        body += struct.pack("<I", context - before)
        before = context
    return seal(MAGIC, VERSION, bytes(body) + bytes(kept.values()))


def unpack_vowels(data: bytes, name: str = NAME) -> dict[int, int]:
    """Context -> commonest class << 4 | second class.

    Raises:
        DataError: it is no such file, damaged, or of another version.
    """
    body = unseal(data, MAGIC, VERSION, name)
    count = struct.unpack_from("<I", body)[0] if len(body) >= 4 else -1
    if count < 0 or len(body) != 4 + 5 * count:
        raise DataError(f"{name} is damaged: its parts do not fit. Reinstall arabench.")
    context, table = 0, {}
    for step, best in zip(
        struct.unpack_from(f"<{count}I", body, 4), body[4 + 4 * count :], strict=True
    ):
        context += step
        table[context] = best
    return table


@cache
def load_vowels() -> dict[int, int]:
    """The vowel table of the package.

    Raises:
        DataError: it is absent, damaged, or of another version.
    """
    return unpack_vowels(read_packaged(NAME))


def guess_vowels(word: str) -> list[tuple[int, int]]:
    """(likeliest class, second likeliest) after each letter of a word of plain letters."""
    table = load_vowels()
    found = []
    for wide, near in contexts(NUMBERS[letter] for letter in word):
        best = table.get(WIDE | wide)
        if best is None:
            best = table.get(near, NONE << 4 | FATHA)
        found.append((best >> 4, best & 15))
    return found
