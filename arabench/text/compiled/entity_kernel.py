"""The rules of `entities` and `markup` compiled: all that are on, row by row.

A row in which no rule can find anything (`EntityTables.triggers`) is copied. Any other is
decoded to code points, rewritten by one rule after the other, each reading what the one
before wrote (`entity_rules_kernel`, `markup_kernel`), and encoded again.

Numba compiles the functions on first use and caches the result on disk; they release the GIL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from arabench.text.compiled.entity_rules_kernel import (
    emails,
    emoji,
    hashtags,
    mentions,
    phones,
    read_tags,
    urls,
)
from arabench.text.compiled.entity_tables import (
    EMAILS,
    EMOJIS,
    END,
    HASHTAGS,
    MARKUP_TAGS,
    MENTIONS,
    NO_PHONE_BEFORE,
    OFF,
    PHONES,
    REFERENCES,
    SPLIT,
    TAGS_READ,
    URLS,
    EntityTables,
)
from arabench.text.compiled.kernel import CHANGED, DONE, INVALID_UTF8
from arabench.text.compiled.markup_kernel import markup_tags, references
from arabench.text.compiled.memory import load_pair, store_pair
from arabench.text.compiled.rewrite_kernel import copy
from arabench.text.compiled.utf8_kernel import decode, differ, put

if TYPE_CHECKING:
    from numpy.typing import NDArray

_U1, _U2, _U6, _U7, _U8 = map(np.uint64, (1, 2, 6, 7, 8))
_U1F, _U3F, _U80, _UC0, _UC2, _UE0 = map(np.uint64, (0x1F, 0x3F, 0x80, 0xC0, 0xC2, 0xE0))
_U800, _UC080 = np.uint64(0x800), np.uint64(0x80C0)
#: Above this many bytes the memory for a row's characters is measured instead of estimated.
_LARGE_ROW = 1 << 20


@numba.njit(cache=True, nogil=True)
def _found_triggers(data, at, end, triggers):
    """The rules that may find something in `data[at:end]`, as bits."""
    found = np.uint16(0)
    for place in range(np.uint64(at), np.uint64(max(end - 1, at))):
        found |= triggers[load_pair(data, place)]
    return np.int64(found)


@numba.njit(cache=True, nogil=True)
def _may_start_phone(data, at, end, triggers, classes):
    """Whether a telephone number may start in bytes that no rule before rewrites.

    Most long rows hold a year or another number with a zero and one more digit.
    """
    start = np.uint64(at)
    for i in range(start, np.uint64(max(end - 1, at))):
        if triggers[load_pair(data, i)] >> PHONES & 1:
            before = np.int64(END)
            if i > start and data[i - _U1] < 0x80:
                before = np.int64(data[i - _U1])
            elif i > start + _U1 and data[i - _U2] & 0xE0 == 0xC0:
                before = np.int64(data[i - _U2] & 0x1F) << 6 | np.int64(data[i - _U1] & 0x3F)
            if classes[before] & NO_PHONE_BEFORE == 0:
                return True
    return False


@numba.njit(cache=True, nogil=True)
def _count_characters(data, at, end):
    count = 0
    for place in range(np.uint64(at), np.uint64(end)):
        count += data[place] & 0xC0 != 0x80
    return count


@numba.njit(cache=True, nogil=True)
def _decode_row(data, at, end, text):
    """Write the code points of `data[at:end]` to `text[1:]`; how many, or -1: not UTF-8."""
    n, i, stop = np.uint64(0), np.uint64(at), np.uint64(end)
    while i < stop:
        first = np.uint64(data[i])
        # Written without a branch between one byte and two: letters and spaces alternate
        # in no way that a processor could foresee.
        long = first >> _U7
        following = i + long
        if following < stop:
            second = np.uint64(data[following])
            if (first < _U80) | ((first >= _UC2) & (first < _UE0) & ((second & _UC0) == _U80)):
                n += _U1
                text[n] = first if first < _U80 else ((first & _U1F) << _U6) | (second & _U3F)
                i = following + _U1
                continue
        code, after = decode(data, np.int64(i), end)
        if code < 0:
            return -1
        n += _U1
        text[n] = code
        i = np.uint64(after)
    return np.int64(n)


@numba.njit(cache=True, nogil=True)
def _encode_row(text, n, out, at):
    """Write `text[1:n+1]` to `out`, which has room for a byte more than that; its end."""
    o = np.uint64(at)
    for place in range(_U1, np.uint64(n + 1)):
        code = np.uint64(text[place])
        if code < _U800:
            # One byte or two, without a branch: see above.
            pair = code if code < _U80 else (_UC080 | code >> _U6) | (code & _U3F) << _U8
            store_pair(out, o, np.uint16(pair))
            o += _U1 if code < _U80 else _U2
        else:
            o = np.uint64(put(out, np.int64(o), np.int64(code)))
    return np.int64(o)


@numba.njit(cache=True, nogil=True)
def _run_rule(rule, text, n, out, tables):
    """Apply one rule; the number of characters in `out`, or -1 if the text stays."""
    after = tables.after[rule]
    if rule == TAGS_READ:
        return read_tags(text, n, out, tables.classes, tables.tags, tables.places)
    if rule == MARKUP_TAGS:
        return markup_tags(text, n, out, tables.classes, tables.elements, tables.kinds)
    if rule == REFERENCES:
        return references(
            text, n, out, tables.classes, tables.reference_hashes, tables.reference_spans,
            tables.reference_names, tables.reference_values, tables.low_references,
        )  # fmt: skip
    if rule == URLS:
        return urls(text, n, out, tables.classes, after)
    if rule == EMAILS:
        return emails(text, n, out, tables.classes, after)
    if rule == EMOJIS:
        return emoji(text, n, out, tables.classes, after)
    if rule == MENTIONS:
        return mentions(text, n, out, tables.classes, after)
    if rule == HASHTAGS:
        return hashtags(text, n, out, tables.classes, after)
    return phones(text, n, out, tables.classes, after)


@numba.njit(cache=True, nogil=True)
def prepare_rows(data, starts, ends, out, out_starts, out_ends, status, first_row, out_at, tables):
    """Rewrite rows `first_row...` of `data[starts[i]:ends[i]]` into `out`.

    Args:
        data: uint8 input bytes.
        starts, ends: int64 byte spans of the rows.
        out: uint8 output bytes, at most three for two of the input.
        out_starts, out_ends: int64 byte spans of the rows in `out`.
        status: uint8, INVALID_UTF8 where a row is not UTF-8, which is then empty; CHANGED
            where the text is not what it was. A row in which no rule can find anything is
            copied without a look at its encoding.
        first_row, out_at: where to go on after `out` was too small.
        tables: `EntityTables`.

    Returns:
        (row, position): the number of rows when finished, else the row that did not fit.
    """
    capacity = len(out)
    first, second = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    split_hashtags = tables.after[HASHTAGS] == SPLIT
    for row in range(first_row, len(starts)):
        at, end = starts[row], ends[row]
        if out_at + end - at > capacity:
            return row, out_at
        found = _found_triggers(data, at, end, tables.triggers)
        n, changed = 0, False
        if found == 1 << PHONES and not _may_start_phone(
            data, at, end, tables.triggers, tables.classes
        ):
            found = 0
        if found:
            if len(first) < end - at + 2:
                room = 2 * (end - at) + 1024
                if room > _LARGE_ROW:
                    room = _count_characters(data, at, end) + 2
                if len(first) < room:
                    first = np.empty(room, dtype=np.int32)
                    second = np.empty(room, dtype=np.int32)
            n = _decode_row(data, at, end, first)
            first[0] = second[0] = first[n + 1] = END
            for rule in range(len(tables.after)):
                if n < 0 or tables.after[rule] == OFF or not found >> rule & 1:
                    continue
                size = _run_rule(rule, first, n, second, tables)
                if size < 0:
                    continue
                changed, n = True, size
                first, second = second, first
                first[n + 1] = END
                if rule == MARKUP_TAGS or rule == REFERENCES:
                    found = -1  # what they take away may have hidden anything
                elif rule == HASHTAGS and split_hashtags:
                    found |= 1 << PHONES  # "+#966..."
        out_starts[row] = out_at
        result = DONE
        if n < 0:
            result = INVALID_UTF8
        elif changed:
            if out_at + (end - at) + (end - at) // 2 + 1 > capacity:
                return row, out_at
            start = out_at
            out_at = _encode_row(first, n, out, out_at)
            if out_at - start != end - at or differ(
                out, np.uint64(start), data, np.uint64(at), np.uint64(end - at)
            ):
                result = CHANGED
        else:
            out_at = copy(data, at, end, out, out_at)
        status[row] = result
        out_ends[row] = out_at
    return len(starts), out_at


def prepare(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    tables: EntityTables,
    out: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Rewrite spans of bytes, with as much room as they need; see `prepare_rows`.

    Args:
        data: (bytes,) uint8.
        starts, ends: (rows,) int64.
        tables: of the rules that run.
        out: (capacity,) uint8 to write to; another is made where it is too small.

    Returns:
        (out, out_starts, out_ends, status): uint8 cut to what was written, (rows,) int64
        spans of the rows in it, and (rows,) uint8 status bits.
    """
    count = len(starts)
    out_starts, out_ends = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    status = np.empty(count, dtype=np.uint8)
    if out is None:
        out = np.empty(int((ends - starts).sum()) + 4096, dtype=np.uint8)
    row, position = 0, 0
    while True:
        row, position = prepare_rows(
            data, starts, ends, out, out_starts, out_ends, status, row, position, tables
        )
        if row == count:
            return out[:position], out_starts, out_ends, status
        larger = np.empty(2 * len(out) + 4096, dtype=np.uint8)
        larger[:position] = out[:position]
        out = larger
