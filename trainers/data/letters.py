"""What the characters of rows are: Arabic letters, vowel marks, tatweel, and letters of others."""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from arabench.chars import DIACRITICS, LETTERS, TATWEEL

#: Kinds of characters, in the order of the columns that `count` gives.
KINDS: Final = ("arabic", "diacritics", "tatweel", "latin", "other")
_NONE: Final = len(KINDS)


@functools.cache
def _table() -> npt.NDArray[np.uint8]:
    """(code points,) the kind of each character; `_NONE` for digits, signs and space."""
    table = np.full(sys.maxunicode + 1, _NONE, dtype=np.uint8)
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        if letter.isalpha():
            table[code] = KINDS.index("other")
            if code < 0x250 or unicodedata.name(letter, "").startswith("LATIN "):
                table[code] = KINDS.index("latin")
    for kind, letters in (
        ("arabic", LETTERS), ("diacritics", DIACRITICS), ("tatweel", (TATWEEL,)),
    ):  # fmt: skip
        table[[ord(letter) for letter in letters]] = KINDS.index(kind)
    return table


def count(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """(texts, kinds) how many characters of each kind every text has."""
    joined = "\n".join(texts)
    codes = np.frombuffer(joined.encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    ends = np.cumsum(lengths + 1) - 1
    kinds = _table()[codes]
    found = np.empty((len(texts), len(KINDS)), dtype=np.int64)
    for kind in range(len(KINDS)):
        before = np.concatenate([[0], np.cumsum(kinds == kind, dtype=np.int64)])
        found[:, kind] = before[ends] - before[ends - lengths]
    return found
