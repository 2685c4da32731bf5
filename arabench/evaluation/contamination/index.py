"""The pairs of words of many parts, and where text has enough of them to be looked at closely.

Items are few and training text is long: the items are indexed, the text runs past them, and what
is compared in the end is the true similarity. Sketches (MinHash), which stand in for it where
both sides are a corpus, are not needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from arabench.text.hash_arrays import I64, U64, HashSet, phrases

#: Parts of fewer words are found only as a whole.
WHOLE_BELOW: Final = 5
#: Share of its pairs of words that a stretch of text must have to be looked at, and the most that
#: is asked: of ten words every third may be another and four pairs in nine are left.
_SHARE: Final = 0.25
_MOST_PAIRS: Final = 7
#: Pairs that stand in so many parts (of, which of the following) point at none of them ...
_COMMON: Final = 32
#: ... but for parts that would have fewer than so many others left.
_LEAST_PAIRS: Final = 4
_FILTER_BITS: Final = 20
#: Words between two texts, so that no stretch reaches over their border.
_APART: Final = 1 << 20


@dataclass(frozen=True)
class Suspect:
    """A part that may be in a stretch of text.

    Attributes:
        part: its number.
        text: number of the text.
        start, end: places of its first pair and behind its last, counted over all texts.
    """

    part: int
    text: int
    start: int
    end: int


class PairIndex:
    """Parts by their pairs of words.

    Args:
        parts: hashes of the words of each, two or more.
    """

    def __init__(self, parts: Sequence[U64]) -> None:
        pairs = [np.unique(phrases(part, 2)) for part in parts]
        sizes = np.array([len(found) for found in pairs], dtype=np.int64)
        values = np.concatenate(pairs) if pairs else np.zeros(0, dtype=np.uint64)
        owners = np.repeat(np.arange(len(parts)), sizes)
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        kept = _rare(counts[inverse] if len(values) else counts, owners, sizes)
        order = np.argsort(values[kept], kind="stable")
        values, self._owners = values[kept][order], owners[kept][order]
        self._values, self._first = np.unique(values, return_index=True)
        self._first = np.append(self._first, len(values))
        self._set = HashSet(values, _FILTER_BITS)
        words = np.array([len(part) for part in parts], dtype=np.int64)
        indexed = np.bincount(self._owners, minlength=len(parts))
        wanted = np.clip(np.ceil(_SHARE * indexed).astype(np.int64), 2, _MOST_PAIRS)
        self._wanted = np.where(words < WHOLE_BELOW, indexed, np.minimum(wanted, indexed))
        self._reach = words + words // 3 + 2

    def suspects(self, words: U64, text_words: I64) -> list[Suspect]:
        """Parts that may be in some texts.

        Args:
            words: hashes of the words of all texts, one after the other.
            text_words: (texts + 1,) place of the first word of each, and the number of words.
        """
        if not len(self._values):
            return []
        pairs = phrases(words, 2)
        places = self._set.places(pairs)
        texts = np.searchsorted(text_words, places, side="right") - 1
        inside = places + 1 < text_words[texts + 1]
        places, texts = places[inside], texts[inside]
        which = np.searchsorted(self._values, pairs[places])
        first, last = self._first[which], self._first[which + 1]
        counts = last - first
        if not counts.sum():
            return []
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        owners = self._owners[np.repeat(first, counts) + steps]
        return self._dense(owners, np.repeat(places, counts), np.repeat(texts, counts))

    def _dense(self, owners: I64, places: I64, texts: I64) -> list[Suspect]:
        """Stretches in which a part has as many pairs as are asked of it."""
        apart = places + texts * _APART
        order = np.lexsort((apart, owners))
        owners, places, texts, apart = owners[order], places[order], texts[order], apart[order]
        key = owners.astype(np.int64) * (int(apart.max()) + 2 * _APART) + apart
        until = np.searchsorted(key, key + self._reach[owners])
        count = until - np.arange(len(key))
        found = np.flatnonzero(count >= self._wanted[owners])
        suspects: list[Suspect] = []
        for place in found.tolist():
            part, text = int(owners[place]), int(texts[place])
            start, end = int(places[place]), int(places[until[place] - 1]) + 2
            before = suspects[-1] if suspects else None
            if before and (before.part, before.text) == (part, text) and start <= before.end:
                suspects[-1] = Suspect(part, text, before.start, max(end, before.end))
            else:
                suspects.append(Suspect(part, text, start, end))
        return suspects


def _rare(counts: I64, owners: I64, sizes: I64) -> I64:
    """Which pairs are indexed: of each part those that few others have, and its rarest few."""
    order = np.lexsort((counts, owners))
    rank = np.empty(len(counts), dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    rank[order] = np.arange(len(counts)) - np.repeat(starts, sizes)
    return np.flatnonzero((counts <= _COMMON) | (rank < _LEAST_PAIRS))
