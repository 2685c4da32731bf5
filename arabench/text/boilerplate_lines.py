"""`boilerplate.is_boilerplate` of many lines at once: those that may be some are found as arrays.

A line that is boilerplate consists of the letters of a phrase, or begins with them, or holds
a separator of menus; nearly all other lines need not be looked at.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from arabench import chars
from arabench.text.boilerplate import MENU_SEPARATORS, MOST_CHARS, is_boilerplate, phrases
from arabench.text.folding import ALIKE, folding
from arabench.text.hash_arrays import HashSet, RunningHash

Flags = npt.NDArray[np.bool_]

# Entries of the table that are no letter.
_NONE: Final = 0
_SUSPECT: Final = 1  # a separator of menus, or one character for several letters
_BREAK: Final = 2


@functools.cache
def _table() -> npt.NDArray[np.uint16]:
    """Code point -> its folded letter, or one of the entries above."""
    table = np.full(0x110000, _NONE, dtype=np.uint16)
    arabic = folding()
    for upper, lower in ALIKE.items():
        if lower.isalpha():
            table[ord(upper)] = table[ord(lower)] = ord(lower)
    for char, folded in arabic.letters.items():
        table[ord(char)] = ord(folded) if len(folded) == 1 else _SUSPECT
    table[[ord(char) for char in (*arabic.phrases, *MENU_SEPARATORS)]] = _SUSPECT
    table[[ord(char) for char in chars.LINE_BREAKS]] = _BREAK
    return table


@functools.cache
def _known() -> tuple[HashSet, dict[int, HashSet]]:
    """Lines, and beginnings by their number of letters, without the spaces in them."""
    whole, beginning = phrases()
    by_size: dict[int, list[str]] = {}
    for phrase in beginning:
        letters = phrase.replace(" ", "")
        by_size.setdefault(len(letters), []).append(letters)
    return (
        _hash_set([phrase.replace(" ", "") for phrase in whole]),
        {size: _hash_set(letters) for size, letters in by_size.items()},
    )


def _hash_set(words: list[str]) -> HashSet:
    units = np.frombuffer("".join(words).encode("utf-32-le"), dtype="<u4")
    ends = np.cumsum([len(word) for word in words], dtype=np.int64)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]])
    return HashSet(RunningHash(units).of(starts, ends))


def line_breaks(codes: npt.NDArray[Any]) -> Any:
    """Places of the characters of `chars.LINE_BREAKS` among code points; int64."""
    return np.flatnonzero(_table()[codes] == _BREAK)


def boilerplate_lines(text: str, codes: npt.NDArray[Any]) -> tuple[Any, Flags]:
    """Where lines end, and which of them are boilerplate.

    Args:
        text: lines, each with its break (a character of `chars.LINE_BREAKS`), the last too.
        codes: (characters,) the code points of `text`.

    Returns:
        (lines,) int64 places of the breaks, and (lines,) bool. Between CARRIAGE RETURN and
        LINE FEED there is an empty line.
    """
    letters = _table()[codes]
    breaks = np.flatnonzero(letters == _BREAK)
    begins = np.concatenate([np.zeros(1, dtype=np.int64), breaks[:-1] + 1])
    found = np.zeros(len(breaks), dtype=np.bool_)
    sizes = breaks - begins
    short = (sizes > 0) & (sizes <= MOST_CHARS)
    if not short.any():
        return breaks, found

    suspect = np.zeros(len(breaks), dtype=np.bool_)
    suspect[np.searchsorted(breaks, np.flatnonzero(letters == _SUSPECT))] = True
    places = np.flatnonzero(letters > _BREAK)
    ends = np.searchsorted(places, breaks[short])
    starts = np.searchsorted(places, begins[short])
    hashes = RunningHash(letters[places])
    whole, beginning = _known()
    likely = suspect[short]
    likely[whole.places(hashes.of(starts, ends))] = True
    for size, known in beginning.items():
        longer = np.flatnonzero(ends - starts >= size)
        likely[longer[known.places(hashes.of(starts[longer], starts[longer] + size))]] = True
    for line in np.flatnonzero(short)[likely].tolist():
        found[line] = is_boilerplate(text[begins[line] : breaks[line]])
    return breaks, found
