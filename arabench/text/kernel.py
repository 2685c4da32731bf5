"""The compiled engine: one pass over UTF-8 bytes, driven by `arabench.text.tables`.

Numba compiles it on first use and caches the result on disk. It releases the GIL.
Rows go in and out as Arrow string arrays hold them: bytes and offsets.

One pass works in clusters: a written character and the Arabic marks that follow it. A
cluster is finished when the next character that is no mark arrives, which is also when
it is known whether a word ended.
"""

from __future__ import annotations

import numba
import numpy as np

from arabench import chars
from arabench.text.tables import (
    BREAK,
    DELETE,
    DELETE_LATE,
    EMOJI,
    FOREIGN,
    JOINER,
    LETTER,
    MARK,
    SEQUENCE,
    SPACE,
    SPECIAL,
)

#: Marks on one letter that the kernel sorts; longer runs go to the reference engine.
MAX_MARKS = 24

#: Bytes that one input character can add to the output: a full run of marks, then a
#: sequence of the longest expansion (18 letters).
MARGIN = 256

# Status of a row.
DONE, INVALID_UTF8, TO_REFERENCE = 0, 1, 2

_ALIF, _WAW, _YA = ord(chars.ALIF), ord(chars.WAW), ord(chars.YA)
_HAMZA, _MAQSURA = ord(chars.HAMZA), ord(chars.ALIF_MAQSURA)
_WAW_HAMZA, _YA_HAMZA = ord(chars.WAW_HAMZA), ord(chars.YA_HAMZA)
_ALIF_FORMS = tuple(sorted(map(ord, chars.ALIF_VARIANTS | {chars.ALIF})))
_JOINER = ord(chars.ZERO_WIDTH_JOINER)
_CR, _LF, _SPACE = 13, 10, 32


@numba.njit(cache=True, nogil=True)
def _put(out, at, code):
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
def _decode(data, at, end):
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
def normalize_rows(
    data, starts, ends, out, out_ends, status, first_row, out_at,
    action, kind, sequence_start, sequence, mark_class, is_hamza_mark, composed, flags,
):  # fmt: skip
    """Normalize rows `first_row...` of `data[starts[i]:ends[i]]` into `out`.

    Args:
        data: uint8 input bytes.
        starts, ends: int64 byte spans of the rows.
        out: uint8 output bytes; out_ends: int64, end of each row in `out`.
        status: uint8, DONE, INVALID_UTF8 or TO_REFERENCE; rows that are not DONE are empty.
        first_row, out_at: where to go on after `out` was too small.

    Returns:
        (row, position): the number of rows when finished, else the row that did not fit.

    Everything is in one function: a call per character that passes arrays costs more than
    the work itself.
    """
    compose, unify, hamza = flags[0] != 0, flags[1] != 0, flags[2]
    final_ya, collapse, keep_joiners = flags[3] != 0, flags[4] != 0, flags[5] != 0
    marks = np.empty(MAX_MARKS, dtype=np.int32)
    capacity = len(out)
    for row in range(first_row, len(starts)):
        row_start = out_at
        at, end = starts[row], ends[row]
        base, count = np.int64(-1), 0
        spaces, breaks, last_white, written = False, 0, np.int64(0), False
        foreign, after_emoji, joiner = False, False, False
        result = DONE
        finished = False
        while not finished:
            if out_at + MARGIN > capacity:
                return row, row_start
            # --- next piece of text to write: `pieces` code points from `piece` on ---
            act, in_sequence = np.int64(-1), False
            piece, pieces = np.int64(0), np.int64(1)
            if at < end:
                code = np.int64(data[at])
                if code < 0x80:
                    at += 1
                elif 0xC2 <= code < 0xE0 and at + 1 < end and (data[at + 1] & 0xC0) == 0x80:
                    code = ((code & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F)
                    at += 2
                else:
                    code, at = _decode(data, at, end)
                    if code < 0:
                        result = INVALID_UTF8
                        break
                act = np.int64(action[code])
                if act < 0 and act > -SEQUENCE:
                    if act == DELETE:
                        continue
                    if act == JOINER:
                        joiner = after_emoji and keep_joiners
                        after_emoji = False
                        continue
                    if act != FOREIGN:  # ZERO_WIDTH, DELETE_LATE
                        joiner = False
                        after_emoji = False
                        if act == DELETE_LATE:
                            foreign = False
                        continue
                    if foreign:
                        continue
                    foreign = True
                    act = np.int64(_SPACE)
                else:
                    foreign = False
                if keep_joiners:
                    is_emoji = kind[code] & EMOJI != 0
                    if joiner and is_emoji:
                        # Write the joiner first, then come back to this character.
                        act = np.int64(_JOINER)
                        at -= 4 if code > 0xFFFF else 3
                        after_emoji = False
                    else:
                        after_emoji = is_emoji
                    joiner = False
                if act < 0:
                    in_sequence = True
                    piece = np.int64(sequence_start[-act - SEQUENCE])
                    pieces = np.int64(sequence_start[-act - SEQUENCE + 1]) - piece
            else:
                finished = True
            for step in range(pieces):
                write = np.int64(sequence[piece + step]) if in_sequence else act
                if write >= 0 and kind[write] & MARK:
                    if count == MAX_MARKS:
                        result = TO_REFERENCE
                        finished = True
                        break
                    marks[count] = write
                    count += 1
                    continue
                # --- finish the cluster before `write` ---
                drop_hamza = False
                if base >= 0x600 and kind[base] & SPECIAL:
                    if compose and count > 0:
                        base, count = _compose(base, marks, count, mark_class, composed)
                    if unify and base in _ALIF_FORMS:
                        base = np.int64(_ALIF)
                        drop_hamza = True
                    if hamza:
                        if base in (_WAW_HAMZA, _YA_HAMZA):
                            if hamza == 2:
                                base = np.int64(_HAMZA)
                            else:
                                base = np.int64(_WAW if base == _WAW_HAMZA else _YA)
                            drop_hamza = True
                        elif base in (_WAW, _YA):
                            drop_hamza = True
                    if final_ya and base == _YA and not (write >= 0 and kind[write] & LETTER):
                        base = np.int64(_MAQSURA)
                elif compose and count > 1:
                    _sort_marks(marks, count, mark_class)
                # --- write it ---
                for place in range(-1, count):
                    if place < 0:
                        if base < 0:
                            continue
                        char = base
                        if collapse and kind[char] & (SPACE | BREAK):
                            if kind[char] & SPACE:
                                spaces = True
                            elif not (char == _LF and last_white == _CR):
                                breaks += 1
                            last_white = char
                            continue
                    else:
                        char = np.int64(marks[place])
                        if drop_hamza and is_hamza_mark[char]:
                            continue
                    if spaces or breaks:
                        if written:
                            if breaks:
                                out[out_at] = _LF
                                out_at += 1
                                if breaks > 1:
                                    out[out_at] = _LF
                                    out_at += 1
                            else:
                                out[out_at] = _SPACE
                                out_at += 1
                        spaces, breaks, last_white = False, 0, np.int64(0)
                    written = True
                    if char < 0x80:
                        out[out_at] = char
                        out_at += 1
                    elif char < 0x800:
                        out[out_at] = 0xC0 | (char >> 6)
                        out[out_at + 1] = 0x80 | (char & 0x3F)
                        out_at += 2
                    else:
                        out_at = _put(out, out_at, char)
                base, count = write, 0
        if result != DONE:
            out_at = row_start
        status[row] = result
        out_ends[row] = out_at
    return len(starts), out_at


@numba.njit(cache=True, nogil=True)
def _sort_marks(marks, count, mark_class):
    """Stable insertion sort by canonical combining class: runs are short."""
    for right in range(1, count):
        mark = marks[right]
        left = right - 1
        while left >= 0 and mark_class[marks[left]] > mark_class[mark]:
            marks[left + 1] = marks[left]
            left -= 1
        marks[left + 1] = mark


@numba.njit(cache=True, nogil=True)
def _compose(base, marks, count, mark_class, composed):
    """Order the marks and join hamza and madda with `base`; (base, marks left).

    A mark is blocked when one of the same class stands before it (UAX #15).
    """
    _sort_marks(marks, count, mark_class)
    kept, last_class = 0, 0
    for index in range(count):
        mark = marks[index]
        joined = 0
        if 0x600 <= base < 0x700 and 0x653 <= mark < 0x656:
            joined = composed[base - 0x600, mark - 0x653]
        if joined != 0 and mark_class[mark] != last_class:
            base = np.int64(joined)
        else:
            marks[kept] = mark
            kept += 1
            last_class = mark_class[mark]
    return base, kept
