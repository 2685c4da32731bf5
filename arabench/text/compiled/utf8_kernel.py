"""UTF-8 and spans of bytes in compiled code: what every kernel needs.

Positions may be signed or unsigned, as the caller counts.
"""

from __future__ import annotations

import numba
import numpy as np

from arabench.text.compiled.memory import load_word


@numba.njit(cache=True, nogil=True)
def put(out, at, code):
    """Write a code point as UTF-8 at `at`; returns the next position."""
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | (code >> 6)
        out[at + 1] = 0x80 | (code & 0x3F)
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | (code >> 12)
        out[at + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[at + 2] = 0x80 | (code & 0x3F)
        return at + 3
    out[at] = 0xF0 | (code >> 18)
    out[at + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[at + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[at + 3] = 0x80 | (code & 0x3F)
    return at + 4


@numba.njit(cache=True, nogil=True)
def decode(data, at, end):
    """(code point, next position), or (-1, at) where the bytes are not valid UTF-8."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xC2:
        return np.int64(-1), at
    if first < 0xE0:
        if at + 1 >= end or (data[at + 1] & 0xC0) != 0x80:
            return np.int64(-1), at
        return ((first & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), at + 2
    if first < 0xF0:
        if at + 2 >= end or (data[at + 1] & 0xC0) != 0x80 or (data[at + 2] & 0xC0) != 0x80:
            return np.int64(-1), at
        code = (
            ((first & 0x0F) << 12)
            | ((np.int64(data[at + 1]) & 0x3F) << 6)
            | (np.int64(data[at + 2]) & 0x3F)
        )
        if code < 0x800 or 0xD800 <= code <= 0xDFFF:
            return np.int64(-1), at
        return code, at + 3
    if first > 0xF4 or at + 3 >= end:
        return np.int64(-1), at
    for step in range(1, 4):
        if (data[at + step] & 0xC0) != 0x80:
            return np.int64(-1), at
    code = (
        ((first & 0x07) << 18)
        | ((np.int64(data[at + 1]) & 0x3F) << 12)
        | ((np.int64(data[at + 2]) & 0x3F) << 6)
        | (np.int64(data[at + 3]) & 0x3F)
    )
    if code < 0x10000 or code > 0x10FFFF:
        return np.int64(-1), at
    return code, at + 4


@numba.njit(cache=True, nogil=True)
def differ(left, left_at, right, right_at, size):
    """Whether two spans of equal size differ."""
    different = np.uint64(0)
    place = np.uint64(0)
    words = size & ~np.uint64(7)
    while place < words:
        different |= load_word(left, left_at + place) ^ load_word(right, right_at + place)
        place += np.uint64(8)
    while place < size:
        different |= np.uint64(left[left_at + place] ^ right[right_at + place])
        place += np.uint64(1)
    return different != 0
