"""Compiled passes for the rules that the kernel does not know: one rule, all rows.

Each row is decoded to code points, rewritten, and encoded again. What a rule does is
defined by its reference in `letters`, `diacritics`, `elongation` and `clean`; tests hold
both equal.
"""

from __future__ import annotations

import numba
import numpy as np

from arabench import chars
from arabench.text.compiled.hash_kernel import splitmix64
from arabench.text.compiled.kernel import INVALID_UTF8
from arabench.text.compiled.utf8_kernel import decode, put

# Classes of code points, bits of the table `classes`.
MARK, LETTER, WHITE, ELONGATED, PUNCTUATION, DIGIT, DIACRITIC, SPACED = (
    1 << bit for bit in range(8)
)

# Which rule a pass runs.
ELONGATION, REPEATED_PUNCTUATION, FIRST_VOWEL, PARTIAL = 0, 1, 2, 3
SKELETON_INNER, FINAL_MAQSURA, ALIF_HAMZA, SPACING = 4, 5, 6, 7

_YA, _MAQSURA = ord(chars.YA), ord(chars.ALIF_MAQSURA)
_ALIF, _ALIF_MADDA, _MADDA = ord(chars.ALIF), ord(chars.ALIF_MADDA), ord(chars.MADDA)
_ALIF_FORMS = tuple(sorted(map(ord, chars.ALIF_VARIANTS | {chars.ALIF})))
_HAMZA_MARKS = tuple(sorted(map(ord, chars.HAMZA_MARKS)))
_INNER = tuple(sorted(map(ord, chars.INNER_SKELETONS)))
_INNER_TO = tuple(ord(chars.INNER_SKELETONS[chr(code)]) for code in _INNER)
_UNJOINED = tuple(sorted(map(ord, chars.UNJOINED)))


@numba.njit(cache=True, nogil=True)
def _copy(codes, first, last, out, size):
    for place in range(first, last):
        out[size] = codes[place]
        size += 1
    return size


@numba.njit(cache=True, nogil=True)
def _after_marks(codes, place, count, classes):
    while place < count and classes[codes[place]] & MARK:
        place += 1
    return place


@numba.njit(cache=True, nogil=True)
def _cap_letters(codes, count, out, classes, longest):
    at, size = 0, 0
    while at < count:
        code = codes[at]
        if classes[code] & ELONGATED == 0:
            out[size] = code
            size += 1
            at += 1
            continue
        # Clusters of the same letter: where the kept ones end, where the last one starts.
        start, kept_end, last, clusters = at, at, at, 0
        while at < count and codes[at] == code:
            last = at
            at = _after_marks(codes, at + 1, count, classes)
            clusters += 1
            if clusters == longest - 1:
                kept_end = at
        if clusters <= longest:
            size = _copy(codes, start, at, out, size)
        else:
            size = _copy(codes, start, kept_end, out, size)
            size = _copy(codes, last, at, out, size)
    return size


@numba.njit(cache=True, nogil=True)
def _cap_punctuation(codes, count, out, classes, longest):
    at, size = 0, 0
    while at < count:
        code = codes[at]
        start = at
        at += 1
        if classes[code] & PUNCTUATION:
            while at < count and codes[at] == code:
                at += 1
        size = _copy(codes, start, min(at, start + longest), out, size)
    return size


@numba.njit(cache=True, nogil=True)
def _first_vowel(codes, count, out, classes):
    size = 0
    drop = False
    for at in range(count):
        kind = classes[codes[at]]
        if kind & MARK == 0:
            drop = False
        elif at > 0 and classes[codes[at - 1]] & MARK == 0:
            inner = at > 1 and classes[codes[at - 2]] & (LETTER | MARK) != 0
            drop = inner and classes[codes[at - 1]] & LETTER != 0
        if not (drop and kind & DIACRITIC):
            out[size] = codes[at]
            size += 1
    return size


@numba.njit(cache=True, nogil=True)
def _partial(codes, count, out, classes, threshold, seed):
    at, size = 0, 0
    state = np.uint64(seed)
    while at < count:
        if classes[codes[at]] & MARK == 0:
            out[size] = codes[at]
            size += 1
            at += 1
            continue
        start = at
        vowels = False
        while at < count and classes[codes[at]] & MARK:
            vowels = vowels or classes[codes[at]] & DIACRITIC != 0
            at += 1
        keep = True
        if vowels:
            base = np.uint64(codes[start - 1]) if start > 0 else np.uint64(0)
            state = splitmix64(state ^ ((base << np.uint64(21)) | np.uint64(codes[start])))
            keep = (state >> np.uint64(11)) < np.uint64(threshold)
        for place in range(start, at):
            if keep or classes[codes[place]] & DIACRITIC == 0:
                out[size] = codes[place]
                size += 1
    return size


@numba.njit(cache=True, nogil=True)
def _skeleton_inner(codes, count, out, classes):
    for at in range(count):
        code = codes[at]
        if at + 1 < count and classes[codes[at + 1]] & LETTER and codes[at + 1] not in _UNJOINED:
            for place in range(len(_INNER)):
                if code == _INNER[place]:
                    code = _INNER_TO[place]
                    break
        out[at] = code
    return count


@numba.njit(cache=True, nogil=True)
def _final_maqsura(codes, count, out, classes):
    for at in range(count):
        out[at] = codes[at]
        if codes[at] == _MAQSURA:
            after = _after_marks(codes, at + 1, count, classes)
            if after == count or classes[codes[after]] & LETTER == 0:
                out[at] = _YA
    return count


@numba.njit(cache=True, nogil=True)
def _alif_hamza(codes, count, out, classes):
    at, size = 0, 0
    while at < count:
        code = codes[at]
        at += 1
        if code not in _ALIF_FORMS:
            out[size] = code
            size += 1
            continue
        letter = size
        size += 1
        madda = code == _ALIF_MADDA
        while at < count and classes[codes[at]] & MARK:
            if codes[at] == _MADDA:
                madda = True
            if codes[at] not in _HAMZA_MARKS:
                out[size] = codes[at]
                size += 1
            at += 1
        out[letter] = _ALIF_MADDA if madda else _ALIF
    return size


@numba.njit(cache=True, nogil=True)
def _spacing(codes, count, out, classes):
    size = 0
    for at in range(count):
        out[size] = codes[at]
        size += 1
        if at + 1 == count:
            break
        left, right = classes[codes[at]], classes[codes[at + 1]]
        if (
            (left & SPACED and right & WHITE == 0)
            or (right & SPACED and left & WHITE == 0)
            or (left & DIGIT and right & LETTER)
            or (left & (LETTER | MARK) and right & DIGIT)
        ):
            out[size] = 32
            size += 1
    return size


@numba.njit(cache=True, nogil=True)
def run_pass(which, data, starts, ends, out, out_ends, status, classes, first, second):
    """Rewrite rows by one rule.

    Args:
        which: ELONGATION ... SPACING.
        data, starts, ends: rows of UTF-8, as in `kernel.normalize_rows`.
        out: uint8, at least as long as the rows, twice that for SPACING.
        out_ends: int64, end of each row in `out`.
        status: uint8, INVALID_UTF8 is set where a row is not UTF-8; such a row is empty.
        classes: (code points,) uint8 of class bits.
        first, second: the cap, or threshold and seed of PARTIAL.

    Returns:
        Bytes written.
    """
    longest = np.int64(0)
    for row in range(len(starts)):
        longest = max(longest, ends[row] - starts[row])
    codes = np.empty(longest, dtype=np.int32)
    rewritten = np.empty(2 * longest, dtype=np.int32)
    out_at = np.int64(0)
    for row in range(len(starts)):
        at, end, count = starts[row], ends[row], 0
        while at < end:
            code = np.int64(data[at])
            if code < 0x80:
                at += 1
            else:
                code, at = decode(data, at, end)
                if code < 0:
                    status[row] |= INVALID_UTF8
                    count = 0
                    break
            codes[count] = code
            count += 1
        if which == ELONGATION:
            size = _cap_letters(codes, count, rewritten, classes, first)
        elif which == REPEATED_PUNCTUATION:
            size = _cap_punctuation(codes, count, rewritten, classes, first)
        elif which == FIRST_VOWEL:
            size = _first_vowel(codes, count, rewritten, classes)
        elif which == PARTIAL:
            size = _partial(codes, count, rewritten, classes, first, second)
        elif which == SKELETON_INNER:
            size = _skeleton_inner(codes, count, rewritten, classes)
        elif which == FINAL_MAQSURA:
            size = _final_maqsura(codes, count, rewritten, classes)
        elif which == ALIF_HAMZA:
            size = _alif_hamza(codes, count, rewritten, classes)
        else:
            size = _spacing(codes, count, rewritten, classes)
        for place in range(size):
            code = np.int64(rewritten[place])
            if code < 0x80:
                out[out_at] = code
                out_at += 1
            else:
                out_at = put(out, out_at, code)
        out_ends[row] = out_at
    return out_at
