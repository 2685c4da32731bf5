"""Consonants of words in Latin letters, so that spellings of one Arabizi word meet.

Vowels, `h`, `w`, `y`, `2`, `3` and `7` are left out, doubled letters are one, what is typed for one
letter in different places is one (`p` b, `6` t, `5` `q` `9` k, `8` g, `c` s, `v` f), and an article
before its word is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from arabench.corpus.word_hashes import Block
from arabench.text.hash_arrays import I64, U64, runs

#: Letters of one class stand together; all others leave no trace.
_CLASSES: Final = ("bp", "t6", "j", "g8", "d", "r", "z", "sc", "fv", "k5qx9", "l", "m", "n")
#: Words of so many letters may begin with the article.
_WITH_ARTICLE: Final = 5
_ARTICLE_VOWELS: Final = np.array([ord(letter) for letter in "aei"], dtype=np.uint32)


def _table() -> npt.NDArray[np.uint8]:
    """Class of every ASCII character, from 1 on; 0 for what is left out."""
    table = np.zeros(128, dtype=np.uint8)
    for number, letters in enumerate(_CLASSES, 1):
        for letter in letters:
            table[ord(letter)] = number
    return table


_TABLE: Final = _table()


@dataclass(frozen=True)
class Skeletons:
    """Words in Latin letters of a block of texts, in order.

    Attributes:
        hashes: of the consonants of each; (words,).
        numbers: of each among all words of the block; (words,).
        text_words: place of the first of each text, and the number of words; (texts + 1,).
    """

    hashes: U64
    numbers: I64
    text_words: I64


def skeletons(block: Block) -> Skeletons | None:
    """Words that have a Latin letter and none of other scripts; None where there is none.

    Words without a consonant, and `l` alone, which is mostly an article, are passed over.
    """
    folded = block.folded
    latin = (folded >= ord("a")) & (folded <= ord("z"))
    if not latin.any():
        return None
    edges = np.flatnonzero(np.diff(folded != 0, prepend=False))
    starts, ends = edges[0::2], edges[1::2]
    plain = _count(folded < 128, starts, ends) == ends - starts
    numbers = np.flatnonzero(plain & (_count(latin, starts, ends) > 0))
    starts, ends = starts[numbers], ends[numbers]
    classes = _TABLE[np.minimum(folded, 127)]
    articled = starts[(ends - starts >= _WITH_ARTICLE) & np.isin(folded[starts], _ARTICLE_VOWELS)]
    classes[articled[folded[articled + 1] == ord("l")] + 1] = 0
    owners, units = _letters(classes, starts, ends)
    bounds = np.searchsorted(owners, np.arange(len(numbers) + 1))
    first, last = bounds[:-1], bounds[1:]
    lam = np.append(units == _TABLE[ord("l")], False)
    kept = (last > first) & ~((last - first == 1) & lam[first])
    numbers = numbers[kept]
    hashes = runs(units.astype(np.uint64), first[kept], last[kept])
    return Skeletons(hashes, numbers, np.searchsorted(numbers, block.text_words))


def _count(flags: npt.NDArray[np.bool_], starts: I64, ends: I64) -> I64:
    """How many are set in each run."""
    total = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=total[1:])
    return total[ends] - total[starts]


def _letters(
    classes: npt.NDArray[np.uint8], starts: I64, ends: I64
) -> tuple[I64, npt.NDArray[np.uint8]]:
    """Owner and class of every letter that leaves a trace, doubled ones once."""
    sizes = ends - starts
    owners = np.repeat(np.arange(len(starts)), sizes)
    steps = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    units = classes[np.repeat(starts, sizes) + steps]
    owners, units = owners[units > 0], units[units > 0]
    again = (units[1:] == units[:-1]) & (owners[1:] == owners[:-1])
    kept = np.append(True, ~again)[: len(units)]
    return owners[kept], units[kept]
