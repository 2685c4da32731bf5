"""A table of 128-bit text digests in flat arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

#: 128 bits: among 10**12 texts two different ones have the same digest with odds of 1 : 10**14.
DIGEST_BYTES: Final = 16
_FIRST_SLOTS: Final = 1 << 12
_EMPTY: Final = -1


def digest_texts(texts: Iterable[str]) -> U64:
    """BLAKE2b digest of every text (UTF-8, lone surrogates included), as two words; (texts, 2)."""
    digests = [
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
        for text in texts
    ]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64).reshape(-1, 2)


class DigestTable:
    """Digest -> number, by open addressing: 24 bytes per slot, 34 to 68 per text.

    A dict of bytes needs about 140 bytes per text. While the table doubles, the old one and
    a copy of its digests are in memory too.
    """

    def __init__(self) -> None:
        self._allocate(_FIRST_SLOTS)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self._digests.nbytes + self._numbers.nbytes

    def find(self, digests: U64) -> I64:
        """Number of every digest, -1 where it is not in the table; (texts,)."""
        found = np.full(len(digests), _EMPTY, dtype=np.int64)
        pending = np.arange(len(digests))
        slots = self._first_slots(digests)
        while len(pending):
            numbers = self._numbers[slots]
            same = (self._digests[slots] == digests[pending]).all(axis=1) & (numbers != _EMPTY)
            found[pending[same]] = numbers[same]
            further = (numbers != _EMPTY) & ~same
            pending, slots = pending[further], (slots[further] + 1) & self._mask
        return found

    def insert(self, digests: U64, numbers: I64) -> None:
        """Add digests that are distinct and not in the table."""
        while (self._used + len(digests)) * 10 > (self._mask + 1) * 7:
            self._double()
        self._place(digests, numbers)
        self._used += len(digests)

    def _allocate(self, slots: int) -> None:
        self._mask = slots - 1
        self._digests = np.zeros((slots, 2), dtype=np.uint64)
        self._numbers = np.full(slots, _EMPTY, dtype=np.int64)

    def _first_slots(self, digests: U64) -> I64:
        return (digests[:, 0] & np.uint64(self._mask)).astype(np.int64)

    def _place(self, digests: U64, numbers: I64) -> None:
        pending = np.arange(len(digests))
        slots = self._first_slots(digests)
        while len(pending):
            free = np.flatnonzero(self._numbers[slots] == _EMPTY)
            taken, which = np.unique(slots[free], return_index=True)  # one text per slot
            placed = free[which]
            self._digests[taken] = digests[pending[placed]]
            self._numbers[taken] = numbers[pending[placed]]
            rest = np.ones(len(pending), dtype=np.bool_)
            rest[placed] = False
            pending, slots = pending[rest], (slots[rest] + 1) & self._mask

    def _double(self) -> None:
        filled = self._numbers != _EMPTY
        digests, numbers = self._digests[filled], self._numbers[filled]
        self._allocate(2 * (self._mask + 1))
        self._place(digests, numbers)
