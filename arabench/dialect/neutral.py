"""Words that say nothing about the variety of a text, such as names and the words of news.

Every writer uses them, so that what a corpus makes of them is where it comes from. They count
as words of a text, but have no features of their own: neither n-grams nor the word.

The set is a Bloom filter (Bloom 1970): a word of the set is always found, another one by
mistake with the probability that `PROBES` bits of the filter are all set.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from arabench.dialect.features import word_hash
from arabench.errors import UsageError
from arabench.text.hashes import murmur_finish

#: Bits that a word sets. Four are best for a set of a sixth of the bits, and near it for less.
PROBES: Final = 4
#: Distinguishes these hashes from those of features.
SALT: Final = 0xA24BAED4963EE407
#: Bits of the filter unless another number is given, as a power of two: 256 KiB.
BITS_LOG2: Final = 21
_LOW: Final = 0xFFFFFFFF


def probes(folded: str, bits: int) -> list[int]:
    """The bits of a folded word in a filter of `bits`, a power of two."""
    value = murmur_finish(word_hash(folded) ^ SALT)
    first, step = value & _LOW, value >> 32 | 1
    return [(first + number * step) & (bits - 1) for number in range(PROBES)]


@dataclasses.dataclass(frozen=True, eq=False)
class NeutralWords:
    """A set of folded words (`features.fold_word`)."""

    bits: npt.NDArray[np.uint8]
    """(2**n / 8,) eight bits each, the lowest first; empty for the empty set."""

    def __post_init__(self) -> None:
        size = self.bits.size
        if self.bits.dtype != np.uint8 or self.bits.ndim != 1 or size & (size - 1):
            raise UsageError(
                f"a filter of {self.bits.dtype} {self.bits.shape} is none: it has 2**n bytes."
            )

    @classmethod
    def of(cls, words: Iterable[str], bits_log2: int = BITS_LOG2) -> NeutralWords:
        """The set of some folded words."""
        if not 3 <= bits_log2 <= 24:
            raise UsageError(f"bits_log2={bits_log2} is not allowed. Use 3 to 24.")
        bits = np.zeros(1 << (bits_log2 - 3), dtype=np.uint8)
        for word in words:
            for place in probes(word, 8 * bits.size):
                bits[place >> 3] |= 1 << (place & 7)
        return cls(bits)

    def __contains__(self, folded: str) -> bool:
        """Whether a folded word is in the set (or taken for one that is)."""
        size = 8 * self.bits.size
        return bool(size) and all(
            self.bits[place >> 3] >> (place & 7) & 1 for place in probes(folded, size)
        )


#: No word is neutral.
NONE: Final = NeutralWords(np.zeros(0, dtype=np.uint8))
