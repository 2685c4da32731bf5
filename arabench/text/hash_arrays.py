"""Hashes of many words at once, from one running sum over the text; sets of hashes.

The hash of a word (of any run of units) is a polynomial in an odd base modulo 2**64, spread
by the finalizer of SplitMix64 (Karp and Rabin 1987). It does not depend on the word's place,
the machine or the interpreter.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from arabench.text import hashes

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

#: Base of the polynomial; odd, so that it has an inverse modulo 2**64.
_BASE: Final = hashes.SPLITMIX_STEP
_INVERSE: Final = pow(_BASE, -1, 1 << 64)
#: Powers are kept for so many places; a longer text has its own.
_USUAL_SIZE: Final = 1 << 17


def mix(values: U64) -> U64:
    """`hashes.splitmix_finish` of every value."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(hashes.SPLITMIX_1)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(hashes.SPLITMIX_2)
    return values ^ (values >> np.uint64(31))


@functools.lru_cache(maxsize=1)
def _powers(size: int) -> tuple[U64, U64]:
    """Powers of the base and of its inverse, modulo 2**64, for the places 0 .. size-1."""

    def power(base: int) -> U64:
        factors = np.full(size, base, dtype=np.uint64)
        factors[0] = 1
        return np.multiply.accumulate(factors)

    return power(_BASE), power(_INVERSE)


class RunningHash:
    """Hashes of runs of units, each in constant time.

    Args:
        units: (n,) unsigned whole numbers: code points, or hashes of words.
    """

    def __init__(self, units: npt.NDArray[np.unsignedinteger]) -> None:
        size = _USUAL_SIZE
        while size < len(units) + 1:  # only for one very long text
            size *= 2
        power, self._inverse = _powers(size)
        self._sums = np.zeros(len(units) + 1, dtype=np.uint64)
        np.multiply(units, power[: len(units)], out=self._sums[1:])
        np.cumsum(self._sums, out=self._sums)

    def of(self, starts: I64, ends: I64) -> U64:
        """Hash of the units `starts[i] .. ends[i]` for every i; equal runs have equal hashes."""
        return mix((self._sums[ends] - self._sums[starts]) * self._inverse[starts])


def runs(units: npt.NDArray[np.unsignedinteger], starts: I64, ends: I64) -> U64:
    """Hash of the runs `starts[i] .. ends[i]` of `units`; equal runs have equal hashes."""
    return RunningHash(units).of(starts, ends)


def phrases(words: U64, length: int) -> U64:
    """Hash of every run of `length` hashes of words; (words - length + 1,) or empty."""
    count = max(0, len(words) - length + 1)
    total = np.zeros(count, dtype=np.uint64)
    for offset in range(length):
        total = total * np.uint64(_BASE) + words[offset : offset + count]
    return mix(total)


class HashSet:
    """A few hashes to look for among many.

    Args:
        values: (any number,) the hashes, in any order.
        filter_bits: the first look-up is by so many of the highest bits, in a table of
            2**filter_bits bytes; most hashes that are not in the set end there.
    """

    def __init__(self, values: U64, filter_bits: int = 16) -> None:
        self._sorted = np.unique(values)
        self._shift = np.uint64(64 - filter_bits)
        self._maybe = np.zeros(1 << filter_bits, dtype=np.bool_)
        self._maybe[self._sorted >> self._shift] = True

    def places(self, values: U64) -> I64:
        """Places of the hashes that are in the set."""
        likely = np.flatnonzero(self._maybe[values >> self._shift])
        near = np.searchsorted(self._sorted, values[likely])
        near[near == len(self._sorted)] = 0
        found: I64 = likely[self._sorted[near] == values[likely]]
        return found
