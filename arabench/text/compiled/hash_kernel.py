"""`arabench.text.hashes` compiled, on numbers of 64 bits that wrap around.

FNV-1a is a loop of its own wherever it runs, `value = (value ^ unit) * FNV_PRIME` from
`FNV_OFFSET` on, for the units come from different places.
"""

from __future__ import annotations

import numba
import numpy as np

from arabench.text import hashes

#: As numbers that numba does not widen.
FNV_OFFSET, FNV_PRIME = np.uint64(hashes.FNV_OFFSET), np.uint64(hashes.FNV_PRIME)
_STEP = np.uint64(hashes.SPLITMIX_STEP)
_SPLITMIX_1, _SPLITMIX_2 = np.uint64(hashes.SPLITMIX_1), np.uint64(hashes.SPLITMIX_2)
_MURMUR_1, _MURMUR_2 = np.uint64(hashes.MURMUR_1), np.uint64(hashes.MURMUR_2)
_U27, _U30, _U31, _U33 = map(np.uint64, (27, 30, 31, 33))


@numba.njit(cache=True, nogil=True)
def splitmix64(state):
    """See `hashes.splitmix64`; uint64 in and out."""
    value = state + _STEP
    value = (value ^ (value >> _U30)) * _SPLITMIX_1
    value = (value ^ (value >> _U27)) * _SPLITMIX_2
    return value ^ (value >> _U31)


@numba.njit(cache=True, nogil=True)
def murmur_finish(value):
    """See `hashes.murmur_finish`; uint64 in and out."""
    value ^= value >> _U33
    value *= _MURMUR_1
    value ^= value >> _U33
    value *= _MURMUR_2
    return value ^ (value >> _U33)
