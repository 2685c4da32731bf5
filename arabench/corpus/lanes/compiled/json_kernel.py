"""Compiled search for one field in JSON lines: every line is validated, none is parsed.

The scan is sound, not complete: a line it calls FOUND or NULL is valid JSON (RFC 8259)
with one top-level field of that name; any line it is unsure of is ODD, and the exact
parser decides. Unsure are: escapes in keys, the field twice, very long numbers, exponents,
half surrogate pairs, other control characters, deep nesting, anything invalid. UTF-8 is
checked everywhere except inside the field, where the normalizer does.
"""

from __future__ import annotations

import numba
import numpy as np

from arabench.text.compiled.memory import load_word, trailing_zeros
from arabench.text.compiled.utf8_kernel import put

# What a line is.
FOUND, NULL, BLANK, ODD = 0, 1, 2, 3

#: Nesting beyond which a line is ODD: what the exact path can write.
MAX_DEPTH = 250
#: Longer numbers are ODD: beyond 4,300 digits Python reads none, and beyond 308 before the
#: point they are no finite float. Their digits are copied, so 64 bits are no bound here.
MAX_DIGITS = 300
#: Bytes that may be read beyond the end of the data.
SLACK = 8

_U3, _U8 = np.uint64(3), np.uint64(8)
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_QUOTES, _SLASHES = np.uint64(0x2222222222222222), np.uint64(0x5C5C5C5C5C5C5C5C)
_BLANKS = np.uint64(0x2020202020202020)
_LINE_FEEDS = np.uint64(0x0A0A0A0A0A0A0A0A)
_QUOTE, _BACKSLASH, _COLON, _COMMA = 0x22, 0x5C, 0x3A, 0x2C
_OBJECT, _OBJECT_END, _ARRAY, _ARRAY_END = 0x7B, 0x7D, 0x5B, 0x5D
_LF, _CR = 10, 13


@numba.njit(cache=True, nogil=True)
def _line_feed(data, at):
    """First LF from `at`; there must be one."""
    place = np.uint64(at)
    while True:
        word = load_word(data, place) ^ _LINE_FEEDS
        found = (word - _ONES) & ~word & _HIGHS
        if found:
            return np.int64(place + (trailing_zeros(found) >> _U3))
        place += _U8


@numba.njit(cache=True, nogil=True)
def _skip_blanks(data, at, end):
    while at < end and (data[at] == 0x20 or data[at] == 9):
        at += 1
    return at


@numba.njit(cache=True, nogil=True)
def _plain_end(data, at, end):
    """First quote, backslash or control character from `at`; at most `end`."""
    place, stop = np.uint64(at), np.uint64(end)
    while place < stop:
        word = load_word(data, place)
        quotes, slashes = word ^ _QUOTES, word ^ _SLASHES
        found = (quotes - _ONES) & ~quotes
        found |= (slashes - _ONES) & ~slashes
        found |= (word - _BLANKS) & ~word
        found &= _HIGHS
        if found:  # of its bits the lowest is exact, others may come from a borrow
            place += trailing_zeros(found) >> _U3
            return np.int64(place) if place < stop else end
        place += _U8
    return end


@numba.njit(cache=True, nogil=True)
def _hex4(data, at, end):
    """Value of four hexadecimal digits, or -1."""
    if at + 4 > end:
        return -1
    value = 0
    for place in range(at, at + 4):
        byte = np.int64(data[place])
        if 48 <= byte <= 57:
            digit = byte - 48
        elif 97 <= byte <= 102:
            digit = byte - 87
        elif 65 <= byte <= 70:
            digit = byte - 55
        else:
            return -1
        value = value * 16 + digit
    return value


@numba.njit(cache=True, nogil=True)
def _string_end(data, at, end):
    """(closing quote, has escapes) of a string whose content starts at `at`; (-1, _) if odd."""
    escaped = False
    while True:
        at = _plain_end(data, at, end)
        if at >= end or data[at] < 0x20:
            return -1, escaped
        if data[at] == _QUOTE:
            return at, escaped
        escaped = True
        if at + 1 >= end:
            return -1, escaped
        kind = data[at + 1]
        if kind == 0x75:  # u
            code = _hex4(data, at + 2, end)
            if code < 0 or 0xDC00 <= code <= 0xDFFF:
                return -1, escaped
            at += 6
            if 0xD800 <= code <= 0xDBFF:
                if at + 1 >= end or data[at] != _BACKSLASH or data[at + 1] != 0x75:
                    return -1, escaped
                low = _hex4(data, at + 2, end)
                if low < 0xDC00 or low > 0xDFFF:
                    return -1, escaped
                at += 6
        elif (
            kind == _QUOTE or kind == _BACKSLASH or kind == 0x2F or kind == 0x62
            or kind == 0x66 or kind == 0x6E or kind == 0x72 or kind == 0x74
        ):  # fmt: skip
            at += 2
        else:
            return -1, escaped


@numba.njit(cache=True, nogil=True)
def _is_utf8(data, at, end):
    """Whether the bytes are well-formed UTF-8 (Unicode, table 3-7)."""
    place, stop = np.uint64(at), np.uint64(end)
    while place < stop:
        if load_word(data, place) & _HIGHS == 0:
            place += _U8
            continue
        first = data[place]
        place += np.uint64(1)
        if first < 0x80:
            continue
        low, high, more = 0x80, 0xBF, 1
        if first < 0xC2 or first > 0xF4:
            return False
        if first >= 0xF0:
            more = 3
            if first == 0xF0:
                low = 0x90
            elif first == 0xF4:
                high = 0x8F
        elif first >= 0xE0:
            more = 2
            if first == 0xE0:
                low = 0xA0
            elif first == 0xED:
                high = 0x9F
        for _ in range(more):
            if place >= stop or data[place] < low or data[place] > high:
                return False
            low, high = 0x80, 0xBF
            place += np.uint64(1)
    return True


@numba.njit(cache=True, nogil=True)
def _literal_end(data, at, end):
    """End of a number, true, false or null that starts at `at`; -1 if odd."""
    first = data[at]
    if first == 0x74:  # true
        good = at + 4 <= end and data[at + 1] == 0x72 and data[at + 2] == 0x75
        return at + 4 if good and data[at + 3] == 0x65 else -1
    if first == 0x6E:  # null
        good = at + 4 <= end and data[at + 1] == 0x75 and data[at + 2] == 0x6C
        return at + 4 if good and data[at + 3] == 0x6C else -1
    if first == 0x66:  # false
        good = at + 5 <= end and data[at + 1] == 0x61 and data[at + 2] == 0x6C
        return at + 5 if good and data[at + 3] == 0x73 and data[at + 4] == 0x65 else -1
    if first == 0x2D:  # minus
        at += 1
    digits = at
    while at < end and 48 <= data[at] <= 57:
        at += 1
    if at == digits or at - digits > MAX_DIGITS or (data[digits] == 48 and at - digits > 1):
        return -1
    if at < end and data[at] == 0x2E:
        digits = at + 1
        at = digits
        while at < end and 48 <= data[at] <= 57:
            at += 1
        if at == digits or at - digits > MAX_DIGITS:
            return -1
    return at


@numba.njit(cache=True, nogil=True)
def _unescape(data, at, end, to):
    """Write the content of a valid JSON string at `to` (never longer); the end there."""
    while at < end:
        byte = data[at]
        if byte != _BACKSLASH:
            data[to] = byte
            to += 1
            at += 1
            continue
        kind = data[at + 1]
        if kind != 0x75:
            code = np.int64(kind)
            if kind == 0x62:
                code = 8
            elif kind == 0x66:
                code = 12
            elif kind == 0x6E:
                code = 10
            elif kind == 0x72:
                code = 13
            elif kind == 0x74:
                code = 9
            data[to] = code
            to += 1
            at += 2
            continue
        code = np.int64(_hex4(data, at + 2, end))
        at += 6
        if 0xD800 <= code <= 0xDBFF:
            low = np.int64(_hex4(data, at + 2, end))
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            at += 6
        to = put(data, to, code)
    return to


@numba.njit(cache=True, nogil=True)
def _find_field(data, at, end, key, found, stack):
    """Validate the line `data[at:end]`; fills `found` with (start, end, escaped) of the string.

    Args:
        data: (bytes,) uint8, read.
        at, end: the span of the line.
        key: (length,) uint8, read: the name of the field.
        found: (3,) int64, written where FOUND: first byte of the string, one past its last, and
            whether it has escapes.
        stack: (levels,) bool, scratch: whether each open container is an object.

    Returns:
        FOUND, NULL or ODD.
    """
    depth = 0
    seen = False
    result = ODD
    wanted = False
    at = _skip_blanks(data, at, end)
    if at >= end or data[at] != _OBJECT:
        return ODD
    expect_value = True
    while True:
        if expect_value:
            at = _skip_blanks(data, at, end)
            if at >= end:
                return ODD
            byte = data[at]
            opened = False
            if byte == _QUOTE:
                close, escaped = _string_end(data, at + 1, end)
                if close < 0:
                    return ODD
                if wanted:
                    found[0], found[1], found[2] = at + 1, close, escaped
                    result = FOUND
                elif not _is_utf8(data, at + 1, close):
                    return ODD
                at = close + 1
            elif byte == _OBJECT or byte == _ARRAY:
                if wanted or depth == MAX_DEPTH:
                    return ODD
                stack[depth] = byte == _OBJECT
                depth += 1
                opened = True
                at = _skip_blanks(data, at + 1, end)
                if at >= end:
                    return ODD
                if data[at] == _OBJECT_END or data[at] == _ARRAY_END:
                    opened = False  # empty: closed below
            else:
                after = _literal_end(data, at, end)
                if after < 0 or (wanted and byte != 0x6E):
                    return ODD
                if wanted:
                    result = NULL
                at = after
            wanted = False
            expect_value = False
            if opened:
                if not stack[depth - 1]:
                    expect_value = True
                    continue
                # fall through to the key
            else:
                # after a value (or an empty container): commas and closings
                fresh = False
                while True:
                    at = _skip_blanks(data, at, end)
                    if depth == 0:
                        if at != end or not seen:
                            return ODD
                        return result
                    if at >= end:
                        return ODD
                    byte = data[at]
                    at += 1
                    if byte == _COMMA:
                        fresh = True
                        break
                    if byte != (_OBJECT_END if stack[depth - 1] else _ARRAY_END):
                        return ODD
                    depth -= 1
                if fresh and not stack[depth - 1]:
                    expect_value = True
                    # A comma must not follow an opening bracket: `[,` was refused as a value.
                    continue
        # a key
        at = _skip_blanks(data, at, end)
        if at >= end or data[at] != _QUOTE:
            return ODD
        start = at + 1
        close, escaped = _string_end(data, start, end)
        if close < 0 or escaped or not _is_utf8(data, start, close):
            return ODD
        if depth == 1 and close - start == len(key):
            same = True
            for place in range(len(key)):
                if data[start + place] != key[place]:
                    same = False
                    break
            if same:
                if seen:
                    return ODD
                seen = True
                wanted = True
        at = _skip_blanks(data, close + 1, end)
        if at >= end or data[at] != _COLON:
            return ODD
        at += 1
        expect_value = True


@numba.njit(cache=True, nogil=True)
def scan_json_lines(data, size, key, kinds, lines, heads, starts, ends, tails):
    """Find the field in every line of `data[:size]`, which ends with LF.

    Args:
        data: (bytes,) uint8, read, and written behind the lines: there are as many free bytes
            for unescaped text, and `SLACK` more that may be read.
        size: bytes of the lines.
        key: (length,) uint8, read: the name of the field.
        kinds: (lines,) uint8, written: FOUND, NULL, BLANK or ODD.
        lines: (lines, 2) int64, written: the span of each line without its line break.
        heads, tails: (lines, 2) int64, the first `rows` written: spans of `data` before and
            behind the text of the i-th FOUND or NULL line, quotes included.
        starts, ends: (lines,) int64, the first `rows` written: the span of that text, unescaped
            behind the lines where it had escapes.

    Returns:
        (lines, rows): how many there are.
    """
    found = np.empty(3, dtype=np.int64)
    stack = np.empty(MAX_DEPTH, dtype=np.bool_)
    at, line, row, scratch = 0, 0, 0, size
    while at < size:
        start = at
        end = _line_feed(data, at)
        at = end + 1
        if end > start and data[end - 1] == _CR:
            end -= 1
        lines[line, 0], lines[line, 1] = start, end
        if _skip_blanks(data, start, end) == end:
            kind = BLANK
        else:
            kind = _find_field(data, start, end, key, found, stack)
        if kind == FOUND:
            heads[row, 0], heads[row, 1] = start, found[0]
            tails[row, 0], tails[row, 1] = found[1], end
            if found[2]:
                ends[row] = _unescape(data, found[0], found[1], scratch)
                starts[row] = scratch
                scratch = ends[row]
            else:
                starts[row], ends[row] = found[0], found[1]
            row += 1
        elif kind == NULL:  # a row without text: only its frame
            heads[row, 0], heads[row, 1] = start, end
            tails[row, 0], tails[row, 1] = end, end
            starts[row], ends[row] = end, end
            row += 1
        kinds[line] = kind
        line += 1
    return line, row


@numba.njit(cache=True, nogil=True)
def scan_text_lines(data, size, lines):
    """Spans of the lines of `data[:size]` without their line breaks; how many there are.

    Args:
        data: (bytes,) uint8, read; the last of the `size` bytes is LF.
        size: bytes of the lines.
        lines: (lines, 2) int64, written.
    """
    at, line = 0, 0
    while at < size:
        start = at
        end = _line_feed(data, at)
        at = end + 1
        if end > start and data[end - 1] == _CR:
            end -= 1
        lines[line, 0], lines[line, 1] = start, end
        line += 1
    return line
