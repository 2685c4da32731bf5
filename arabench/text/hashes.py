"""The hash functions of the package, each defined once, on Python's whole numbers.

They never change: models, tokens and orders that are stored depend on them. For arrays the
same functions are in `arabench.text.hash_arrays`, for compiled loops in
`arabench.text.compiled.hash_kernel`; tests hold them equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MASK: Final = (1 << 64) - 1

# SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). The step is odd, 2**64 over the golden ratio.
SPLITMIX_STEP: Final = 0x9E3779B97F4A7C15
SPLITMIX_1: Final = 0xBF58476D1CE4E5B9
SPLITMIX_2: Final = 0x94D049BB133111EB
# FNV-1a of 64 bits (Fowler, Noll, Vo 1991).
FNV_OFFSET: Final = 0xCBF29CE484222325
FNV_PRIME: Final = 0x100000001B3
# MurmurHash3, fmix64 (Appleby 2011).
MURMUR_1: Final = 0xFF51AFD7ED558CCD
MURMUR_2: Final = 0xC4CEB9FE1A85EC53


def splitmix64(state: int) -> int:
    """The number that SplitMix64 draws in a state; the next state is `state + SPLITMIX_STEP`.

    >>> hex(splitmix64(0))
    '0xe220a8397b1dcdaf'
    """
    return splitmix_finish(state + SPLITMIX_STEP & MASK)


def splitmix_finish(value: int) -> int:
    """The finalizer of SplitMix64: every bit of 64 is spread over all others."""
    value = (value ^ value >> 30) * SPLITMIX_1 & MASK
    value = (value ^ value >> 27) * SPLITMIX_2 & MASK
    return value ^ value >> 31


def fnv1a(units: Iterable[int]) -> int:
    """FNV-1a of bytes or of other units, one multiplication each.

    >>> hex(fnv1a(b"a"))
    '0xaf63dc4c8601ec8c'
    """
    value = FNV_OFFSET
    for unit in units:
        value = (value ^ unit) * FNV_PRIME & MASK
    return value


def murmur_finish(value: int) -> int:
    """The finalizer of MurmurHash3: every bit of the input changes half of the output.

    >>> hex(murmur_finish(1))
    '0xb456bcfc34c2cb2c'
    """
    value ^= value >> 33
    value = value * MURMUR_1 & MASK
    value ^= value >> 33
    value = value * MURMUR_2 & MASK
    return value ^ value >> 33
