"""Rules compiled as passes over code points: what is left is copied, by one function.

A row stands in `text[1]` to `text[n]` with END on both sides, so that looking one character
back, or on while characters match, needs no test of bounds. Every rule writes at most as
many characters as it reads. None goes over a stretch of text more than a few times: an
attempt that fails has looked no further than something that also ends the next ones.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def copy(text, first, last, out, size):
    # Unsigned indices need no test for negative ones: 16 times as fast.
    begin, target = np.uint64(first), np.uint64(size)
    for place in range(np.uint64(last - first)):
        out[target + place] = text[begin + place]
    return size + last - first


@numba.njit(cache=True, nogil=True)
def finish(text, n, out, done, size):
    """Copy what is left; the number of characters written, or -1 if nothing was replaced."""
    if done == 1:
        return -1
    return copy(text, done, n + 1, out, size) - 1
