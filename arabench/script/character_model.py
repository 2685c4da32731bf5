"""How likely a string of Arabic letters is as a word: word frequencies and letter n-grams."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

#: Letters of the model, in order of their numbers from 1; 0 is the edge of a word. The
#: order is part of the format of the model files.
ALPHABET: Final = (
    "\u0621\u0622\u0623\u0624\u0625\u0626\u0627\u0628\u0629\u062a"  # HAMZA to TEH
    "\u062b\u062c\u062d\u062e\u062f\u0630\u0631\u0632\u0633\u0634"  # THEH to SHEEN
    "\u0635\u0636\u0637\u0638\u0639\u063a\u0641\u0642\u0643\u0644"  # SAD to LAM
    "\u0645\u0646\u0647\u0648\u0649\u064a"  # MEEM to YEH
    "\u067e\u0686\u06a4\u06a8\u06ad\u06af"  # PEH, TCHEH, VEH, QAF WITH 3 DOTS, NG, GAF
)
NUMBERS: Final = {letter: number for number, letter in enumerate(ALPHABET, start=1)}
EDGE: Final = 0
#: Bits of one letter in an n-gram, so that a 5-gram is a whole number of 30 bits.
BITS: Final = 6
MASK: Final = (1 << BITS) - 1
#: Letters of an n-gram. A sixth gained nothing on the development pairs.
ORDER: Final = 5
CONTEXT_MASK: Final = (1 << (BITS * (ORDER - 1))) - 1

#: Answers kept per model before its memory is emptied.
_MEMORY: Final = 400_000


class CharacterModel:
    """Letter n-grams with Witten-Bell smoothing, counted from a list of words.

    Contexts are whole numbers: the last `ORDER - 1` letters, `BITS` each, edges before them.

    Source: I. Witten and T. Bell, "The zero-frequency problem", IEEE Trans. Information
    Theory 37(4), 1991; interpolated as in Chen and Goodman, TR-10-98, 1998.
    """

    def __init__(self, words: Sequence[bytes], weights: Sequence[int]) -> None:
        """Count.

        Args:
            words: letters as bytes of their `NUMBERS`.
            weights: how often each counts, above 0.
        """
        self._keys: list[array[int]] = [array("q")]
        self._sums: list[array[int]] = [array("q")]
        # Per order: context -> (first, last n-gram, sum of its counts), n-gram -> probability.
        self._spans: list[dict[int, tuple[int, int, int]]] = [{} for _ in range(ORDER + 1)]
        self._shares: list[dict[int, float]] = [{} for _ in range(ORDER + 1)]
        self._costs: dict[int, float] = {}
        padded, heavy = _padded(words, weights)
        for order in range(1, ORDER + 1):
            keys, counts = _count(padded, heavy, order)
            self._keys.append(array("q", keys.tobytes()))
            sums = array("q", [0])
            sums.frombytes(counts.cumsum().tobytes())
            self._sums.append(sums)

    def cost(self, context: int, letter: int) -> float:
        """-log probability of a letter (or `EDGE`) after a context."""
        key = context << BITS | letter
        known = self._costs.get(key)
        if known is None:
            if len(self._costs) > _MEMORY:
                self._costs.clear()
                for order in range(ORDER + 1):
                    self._shares[order].clear()
                    self._spans[order].clear()
            known = self._costs[key] = -math.log(self._share(ORDER, key))
        return known

    def word_cost(self, word: str) -> float:
        """-log probability of a whole word; infinite with a letter outside the alphabet."""
        context, cost = 0, 0.0
        for letter in word:
            number = NUMBERS.get(letter)
            if number is None:
                return math.inf
            cost += self.cost(context, number)
            context = (context << BITS | number) & CONTEXT_MASK
        return cost + self.cost(context, EDGE)

    def _share(self, order: int, key: int) -> float:
        """Probability of the last letter of an n-gram after the others."""
        if not order:
            return 1.0 / (len(ALPHABET) + 1)
        known = self._shares[order].get(key)
        if known is None:
            lower = self._share(order - 1, key & ((1 << (BITS * (order - 1))) - 1))
            low, high, total = self._span(order, key >> BITS)
            keys, sums = self._keys[order], self._sums[order]
            place = bisect_left(keys, key, low, high)
            found = place < high and keys[place] == key
            count = sums[place + 1] - sums[place] if found else 0
            kinds = high - low
            known = (count + kinds * lower) / (total + kinds) if kinds else lower
            self._shares[order][key] = known
        return known

    def _span(self, order: int, context: int) -> tuple[int, int, int]:
        """Where the n-grams of a context are, and the sum of their counts."""
        span = self._spans[order].get(context)
        if span is None:
            keys, sums = self._keys[order], self._sums[order]
            low = bisect_left(keys, context << BITS)
            high = bisect_left(keys, (context + 1) << BITS, low)
            span = self._spans[order][context] = (low, high, sums[high] - sums[low])
        return span


def _padded(
    words: Sequence[bytes], weights: Sequence[int]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """All words in one row, `ORDER - 1` edges before each and after the last, and weights.

    A letter that is an edge before a word weighs nothing; the one that ends a word counts.
    """
    import numpy as np

    edges = bytes(ORDER - 1)
    joined = np.frombuffer(edges + edges.join(words) + edges, dtype=np.uint8)
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    starts = np.concatenate([[0], np.cumsum(lengths + ORDER - 1)])[:-1] + ORDER - 1
    heavy = np.zeros(len(joined) + 1, dtype=np.int64)
    amounts = np.asarray(weights, dtype=np.int64)
    # Differences: the weight begins with the first letter and ends after the closing edge.
    np.add.at(heavy, starts, amounts)
    np.add.at(heavy, starts + lengths + 1, -amounts)
    return joined.astype(np.int64), np.cumsum(heavy)[:-1]


def _count(
    padded: np.ndarray[Any, Any], heavy: np.ndarray[Any, Any], order: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Sorted n-grams of one order, and the weight of each."""
    import numpy as np

    places = np.flatnonzero(heavy)
    keys = np.zeros(len(places), dtype=np.int64)
    for back in range(order - 1, -1, -1):
        keys = keys << BITS | padded[places - back]
    order_of_keys = np.argsort(keys, kind="stable")
    keys, amounts = keys[order_of_keys], heavy[places][order_of_keys]
    if not len(keys):
        return keys, amounts
    firsts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[firsts], np.add.reduceat(amounts, firsts)
