"""`arabench.text.sentence_scanner` compiled: the same procedure over UTF-8 bytes.

Rows come as Arrow string arrays hold them, bytes and offsets, and ends go out as byte
offsets. Most bytes of Arabic text can decide nothing: the scan looks at each byte once,
by table, and only where it may begin or end a character that matters does the rest of
the procedure run. That rest mirrors the reference branch by branch, with these names.

The functions expect valid UTF-8; other bytes give meaningless ends but no read outside
the row, and `invalid_rows` finds them.

Numba compiles the functions on first use and caches the result on disk; they release the
GIL. The two smallest are written into their callers: passing arrays to a function costs
more than what they do, and doing so with more of them doubles the time of compilation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numba
import numpy as np

from arabench import chars
from arabench.errors import DataError
from arabench.text.sentence_characters import (
    ABBREVIATIONS,
    AFTER_COLON,
    AND_SO_ON,
    ARABIC,
    ARABIC_STOPS,
    BEFORE_FACE,
    BEFORE_NUMBERS,
    BLANK,
    BREAK,
    BULLETS,
    CLASSES,
    CLOSER,
    CONTINUING,
    DIGIT,
    DIRECTED,
    ENDS_QUOTE,
    ERA_LETTERS,
    GOES_ON,
    INVISIBLE,
    KIND,
    LATIN,
    LOOK_BACK,
    LOWER,
    MAX_DEPTH,
    MAX_ENCLOSED_CHARS,
    MAX_LISTED,
    NEUTRAL,
    ORNATE,
    REACTION,
    ROUND,
    SPACE,
    SQUARE,
    STARTS_QUOTE,
    STOP,
    STOPS,
    TRAILING,
    TURNING,
    UNWRITTEN,
    VERSE_END,
    WHITE,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

#: What the character at a candidate is; 0 for one that decides nothing.
_IS_STOP, _IS_BREAK, _IS_TURNING, _IS_OPENING, _IS_CLOSING, _IS_VERSE_END, _IS_BULLET = range(1, 8)
#: Characters above this have no class and decide nothing.
_LIMIT: Final = 0x20000


def _class_table() -> np.ndarray:
    """Bits of every code point below `_LIMIT`, with its candidate kind and mark kind on top.

    (_LIMIT,) int32: bits 0-15 as in `sentence_characters`, 16-19 the candidate kind, 20-23
    1 + the kind of mark.
    """
    table = np.zeros(_LIMIT, dtype=np.int32)
    for char, bits in CLASSES.items():
        table[ord(char)] = bits
    for char, kind in KIND.items():
        table[ord(char)] |= (kind + 1) << 20
    groups = (
        (STOPS, _IS_STOP),
        (chars.LINE_BREAKS, _IS_BREAK),
        (TURNING, _IS_TURNING),
        (DIRECTED, _IS_OPENING),
        (DIRECTED.values(), _IS_CLOSING),
        (VERSE_END, _IS_VERSE_END),
        (BULLETS, _IS_BULLET),
    )
    for members, candidate in groups:
        for char in members:
            table[ord(char)] |= candidate << 16
    return table


def _hot_bytes(classes: np.ndarray) -> np.ndarray:
    """1 for each byte at which a candidate is looked for, else 0.

    That is its first byte, but for the Arabic question mark: U+0600 to U+063F share its
    first byte and are a third of all letters, while its second byte is rare.
    """
    hot = np.zeros(256, dtype=np.uint8)
    for code in np.flatnonzero(classes & 0xF0000).tolist():
        encoded = chr(code).encode()
        hot[encoded[1] if code == _QUESTION else encoded[0]] = 1
    return hot


def _pack(word: str) -> int:
    """Up to five code points below U+0800 as one integer."""
    assert len(word) <= MAX_LISTED
    assert max(map(ord, word)) < 0x800
    packed = 0
    for char in word:
        packed = packed << 11 | ord(char)
    return packed


_QUESTION = ord(chars.ARABIC_QUESTION)
_QUESTION_LEAD, _QUESTION_TRAIL = chars.ARABIC_QUESTION.encode()
_FULL_STOP, _COLON, _NUMBER_SIGN, _AT_SIGN = ord("."), ord(":"), ord("#"), ord("@")
_LEFT_ROUND, _RIGHT_ROUND, _LEFT_SQUARE, _RIGHT_SQUARE = (ord(mark) for mark in "()[]")
_ELLIPSIS, _WAW = 0x2026, ord(chars.WAW)
_ARABIC_STOPS = tuple(sorted(map(ord, ARABIC_STOPS)))
_AFTER_COLON = tuple(map(ord, AFTER_COLON))
_BEFORE_FACE = tuple(map(ord, BEFORE_FACE))
_ERAS = tuple(ord(char) for char in ERA_LETTERS)
_ABBREVIATIONS = np.array(sorted(map(_pack, ABBREVIATIONS)), dtype=np.int64)
_BEFORE_NUMBERS = np.array(sorted(map(_pack, BEFORE_NUMBERS)), dtype=np.int64)
_AND_SO_ON = np.array(sorted(map(_pack, AND_SO_ON)), dtype=np.int64)
_GOES_ON = np.array(sorted(map(_pack, GOES_ON)), dtype=np.int64)

#: Tables that `scan_rows` takes.
CLASS_TABLE: Final = _class_table()
HOT_BYTES: Final = _hot_bytes(CLASS_TABLE)


@numba.njit(cache=True, nogil=True, inline="always")
def _code_at(data, at, end):
    """(code point, next position); (-1, at) at the end of the row."""
    if at >= end:
        return np.int64(-1), at
    first = np.int64(data[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xE0 and at + 1 < end:
        return ((first & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F), at + 2
    if first < 0xF0 and at + 2 < end:
        return (
            ((first & 0x0F) << 12)
            | ((np.int64(data[at + 1]) & 0x3F) << 6)
            | (np.int64(data[at + 2]) & 0x3F)
        ), at + 3
    if at + 3 < end:
        return (
            ((first & 0x07) << 18)
            | ((np.int64(data[at + 1]) & 0x3F) << 12)
            | ((np.int64(data[at + 2]) & 0x3F) << 6)
            | (np.int64(data[at + 3]) & 0x3F)
        ), at + 4
    return np.int64(0xFFFD), at + 1  # cut short: not valid UTF-8


@numba.njit(cache=True, nogil=True, inline="always")
def _before(data, at, begin):
    """Position of the character that ends at `at`; `at` at the beginning of the row."""
    if at <= begin:
        return at
    at -= 1
    while at > begin and (data[at] & 0xC0) == 0x80:
        at -= 1
    return at


@numba.njit(cache=True, nogil=True)
def _bits_at(data, at, end, classes):
    """(bits, next position); bits are 0 at the end of the row."""
    code, following = _code_at(data, at, end)
    if code < 0 or code >= _LIMIT:
        return np.int64(0), following
    return np.int64(classes[code]), following


@numba.njit(cache=True, nogil=True)
def _bits_before(data, at, begin, end, classes):
    """(bits, position) of the character before `at`; bits are 0 at the beginning."""
    previous = _before(data, at, begin)
    if previous == at:
        return np.int64(0), at
    bits, _ = _bits_at(data, previous, end, classes)
    return bits, previous


@numba.njit(cache=True, nogil=True)
def _skip(data, at, end, classes, wanted):
    """End of the run of characters from `at` that have one of the bits."""
    while at < end:
        bits, following = _bits_at(data, at, end, classes)
        if not bits & wanted:
            break
        at = following
    return at


@numba.njit(cache=True, nogil=True)
def _is_open(kinds, depth, kind):
    for level in range(depth):  # noqa: SIM110 (numba has no generators here)
        if kinds[level] == kind:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _direction(data, place, after, begin, end, is_open, classes):
    """1 opens, -1 closes; `after` is the position behind the mark at `place`."""
    at, bits = place, np.int64(0)
    while at > begin:
        bits, at = _bits_before(data, at, begin, end, classes)
        if not bits & INVISIBLE:
            break
        bits = np.int64(-1)
    starts = bits < 0 or place == begin or bits & STARTS_QUOTE != 0
    after = _skip(data, after, end, classes, INVISIBLE)
    bits, _ = _bits_at(data, after, end, classes)
    ends = after == end or bits & ENDS_QUOTE != 0
    if starts != ends:
        return 1 if starts else -1
    return -1 if is_open else 1


@numba.njit(cache=True, nogil=True)
def _tail(data, at, begin, end, kinds, depth, classes):
    """(end of what belongs to a stop before `at`, whether with a face or heart)."""
    reaction = False
    while at < end:
        code, following = _code_at(data, at, end)
        bits = np.int64(classes[code]) if code < _LIMIT else np.int64(0)
        if bits & (TRAILING | CLOSER):
            at = following
        elif (bits >> 16) & 15 == _IS_TURNING:
            is_open = _is_open(kinds, depth, (bits >> 20) - 1)
            if _direction(data, at, following, begin, end, is_open, classes) >= 0:
                break
            at = following
        else:
            if code == _LEFT_SQUARE:
                count, inside = 0, following
                while count < 4:
                    bits, following = _bits_at(data, inside, end, classes)
                    if not bits & DIGIT:
                        break
                    inside = following
                    count += 1
                if 0 < count < 4 and inside < end and data[inside] == _RIGHT_SQUARE:
                    at = inside + 1
                    continue
            inside = _skip(data, at, end, classes, SPACE)
            bits, following = _bits_at(data, inside, end, classes)
            if not bits & REACTION:
                break
            at, reaction = following, True
    return at, reaction


@numba.njit(cache=True, nogil=True)
def _listed(words, packed):
    for word in words:  # noqa: SIM110
        if word == packed:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _goes_on(data, at, end, classes):
    packed, letters = np.int64(0), 0
    for _ in range(LOOK_BACK):
        code, following = _code_at(data, at, end)
        if code < 0:
            break
        bits = np.int64(classes[code]) if code < _LIMIT else np.int64(0)
        if bits & ARABIC:
            letters += 1
            if letters > MAX_LISTED or code >= 0x800:
                return False
            packed = packed << 11 | code
        elif not bits & UNWRITTEN:
            break
        at = following
    return letters > 0 and _listed(_GOES_ON, packed)


@numba.njit(cache=True, nogil=True)
def _is_word(data, at, end, classes):
    code, following = _code_at(data, at, end)
    if code == _WAW:
        bits, _ = _bits_at(data, following, end, classes)
        if bits & WHITE:
            return True
    letters = 0
    while letters < 3:
        bits, following = _bits_at(data, at, end, classes)
        if not bits & (ARABIC | UNWRITTEN):
            break
        if bits & ARABIC:
            letters += 1
        at = following
    return letters == 3 or (letters == 2 and not (at < end and data[at] == _FULL_STOP))


@numba.njit(cache=True, nogil=True)
def _is_full_stop_end(
    data, place, stops_end, following, spaced, quotation, next_bits, first_word, begin, end, classes
):  # fmt: skip
    # Walk back over the word: the part behind its last full stop, and all of it.
    word_end = place
    while True:
        bits, previous = _bits_before(data, word_end, begin, end, classes)
        if not bits & BLANK:
            break
        word_end = previous
    last_bits, last_place = bits, previous
    word = word_end
    dotted, packed, length, digits = False, np.int64(0), 0, 0
    bare_last, bare_code = np.int64(0), np.int64(0)
    all_numbers, first_part = True, 0
    for _ in range(LOOK_BACK):
        previous = _before(data, word, begin)
        if previous == word:
            break
        code, _unused = _code_at(data, previous, end)
        bits = np.int64(classes[code]) if code < _LIMIT else np.int64(0)
        if bits & (NEUTRAL | INVISIBLE) == NEUTRAL and code != _FULL_STOP:
            break
        word = previous
        if code == _FULL_STOP:
            dotted, first_part = True, 0
        elif not bits & UNWRITTEN:
            first_part += 1
            if not bits & DIGIT:
                all_numbers = False
            if not dotted:
                if length == 0:
                    bare_last, bare_code = bits, code
                if length < MAX_LISTED and code < 0x800 and packed >= 0:
                    packed |= code << (11 * length)
                else:
                    packed = np.int64(-1)
                length += 1
                if bits & DIGIT:
                    digits += 1
                elif length > MAX_LISTED:
                    break  # neither listed, nor a number, nor spelled out
    if length > 0:
        closing, _unused = _bits_at(data, stops_end, end, classes)
        closed = closing & CLOSER != 0 or (closing >> 16) & 15 == _IS_TURNING
        if digits == length:
            if first_word >= word and all_numbers and first_part <= 3:
                return False
        elif length == 1:
            if bare_last & LATIN:
                if dotted or not next_bits & ARABIC:
                    return False
            elif not dotted and not closed and (bare_code == _ERAS[0] or bare_code == _ERAS[1]):
                at = word
                while True:
                    bits, previous = _bits_before(data, at, begin, end, classes)
                    if not bits & BLANK:
                        break
                    at = previous
                if not bits & DIGIT:
                    return False
            elif bare_last & ARABIC:
                return False
        elif (
            (length == 2 and dotted and bare_last & ARABIC)
            or (bare_last & LATIN and next_bits & LOWER)
            or (closed and _listed(_AND_SO_ON, packed))
            or _listed(_ABBREVIATIONS, packed)
            or (next_bits & DIGIT and _listed(_BEFORE_NUMBERS, packed))
        ):
            return False
    if spaced:
        return True
    if not (
        quotation or data[following] == _NUMBER_SIGN or _is_word(data, following, end, classes)
    ):
        return False
    if length == 0:
        return last_place < word_end and (
            last_bits & CLOSER != 0 or (last_bits >> 16) & 15 == _IS_TURNING
        )
    return last_bits & (ARABIC | UNWRITTEN | DIGIT) != 0


@numba.njit(cache=True, nogil=True)
def _is_end(
    data, place, stops_end, dots, pauses, arabic_stops, others, tail, reaction, first_word,
    begin, end, classes,
):  # fmt: skip
    """Whether stops end a sentence: full stops, ellipsis characters, Arabic marks, others."""
    following = _skip(data, tail, end, classes, INVISIBLE)
    follows, _ = _bits_at(data, following, end, classes)
    spaced = following == end or follows & WHITE != 0 or reaction
    after = _skip(data, tail, end, classes, BLANK)
    next_bits, after_next = _bits_at(data, after, end, classes)
    if next_bits & STOP:
        return False
    if next_bits & CONTINUING:
        if data[after] != _COLON:
            return False
        code, _ = _code_at(data, after_next, end)
        if code not in _AFTER_COLON:
            return False
    mark = follows >> 20
    quotation = mark > 0 and (mark - 1 < ROUND or mark - 1 == ORNATE)
    if arabic_stops + others == 0:
        if dots == 1 and pauses == 0:
            return _is_full_stop_end(
                data, place, stops_end, following, spaced, quotation, next_bits, first_word,
                begin, end, classes,
            )  # fmt: skip
        before, _ = _bits_before(data, place, begin, end, classes)
        if before & WHITE:
            return spaced and dots == 2 and pauses == 0
        return spaced or follows & ARABIC != 0
    if spaced or quotation or follows & ARABIC:
        return True
    if arabic_stops == 0:
        return False
    return not follows & NEUTRAL or data[following] == _NUMBER_SIGN or data[following] == _AT_SIGN


@numba.njit(cache=True, nogil=True)
def _is_longer(data, begin, end, limit):
    """Whether the bytes hold more than `limit` characters."""
    if end - begin <= limit:
        return False
    if end - begin > 4 * limit:
        return True
    count = 0
    for at in range(begin, end):
        count += (data[at] & 0xC0) != 0x80
    return count > limit


@numba.njit(cache=True, nogil=True)
def _is_verse_number(data, at, end, classes):
    digits = 0
    while at < end:
        bits, at = _bits_at(data, at, end, classes)
        if bits & DIGIT:
            digits += 1
        elif not bits & BLANK:
            return False
    return digits > 0


@numba.njit(cache=True, nogil=True)
def scan_rows(data, starts, ends, first_row, position, out, out_ends, hot, classes):
    """Sentence ends of rows `first_row...`, written to `out` from `position` on.

    Args:
        data: uint8 bytes; starts, ends: int64 spans of the rows in it.
        out: int64, byte offsets into `data`; out_ends: int64, where in `out` each row ends.
        hot, classes: HOT_BYTES, CLASS_TABLE.

    Returns:
        (row, position): the number of rows when finished, else the row for which `out`
        was too small and where to write its ends.
    """
    capacity = len(out)
    kinds = np.empty(MAX_DEPTH, dtype=np.int64)
    places = np.empty(MAX_DEPTH, dtype=np.int64)
    behind = np.empty(MAX_DEPTH, dtype=np.int64)  # position after the opening mark
    counts = np.empty(MAX_DEPTH, dtype=np.int64)
    firsts = np.empty(MAX_DEPTH, dtype=np.bool_)
    count = position
    for row in range(first_row, len(starts)):
        begin, end = starts[row], ends[row]
        row_count = count
        start, first_word, scanned = begin, np.int64(-1), begin
        seen, looked = False, begin
        stop_reach, full_stop, depth = np.int64(-1), False, 0
        at = begin
        while True:
            while at + 8 <= end and not (
                hot[data[at]]
                | hot[data[at + 1]]
                | hot[data[at + 2]]
                | hot[data[at + 3]]
                | hot[data[at + 4]]
                | hot[data[at + 5]]
                | hot[data[at + 6]]
                | hot[data[at + 7]]
            ):
                at += 8
            while at < end and hot[data[at]] == 0:
                at += 1
            if at >= end:
                break
            if count + 2 > capacity:
                return row, row_count
            place = at
            code = np.int64(data[at])
            if code < 0x80:
                at += 1
            elif code == _QUESTION_TRAIL:
                at += 1
                if place == begin or data[place - 1] != _QUESTION_LEAD:
                    continue
                place -= 1
                code = np.int64(_QUESTION)
            else:
                code, at = _code_at(data, at, end)
                if code >= _LIMIT:
                    continue
            bits = np.int64(classes[code])
            candidate = (bits >> 16) & 15
            if candidate == 0:
                continue
            if candidate == _IS_BREAK:
                depth = 0
                if place < start:
                    at = start
                    continue
                at = _skip(data, at, end, classes, WHITE)
                while not seen and looked < place:
                    bits, looked = _bits_at(data, looked, end, classes)
                    seen = not bits & (BLANK | BREAK)
                if seen:
                    out[count] = at
                    count += 1
                elif count > row_count:
                    out[count - 1] = at
                else:
                    continue
                start = scanned = looked = at
                first_word, seen = np.int64(-1), False
                continue
            # --- what else decides looks at whether words precede it ---
            while first_word < 0 and scanned < place:
                bits_there, following = _bits_at(data, scanned, end, classes)
                if not bits_there & NEUTRAL:
                    first_word = scanned
                scanned = following
            new_end = np.int64(-1)
            opening, closing = candidate == _IS_OPENING, candidate == _IS_CLOSING
            kind = (bits >> 20) - 1
            if candidate == _IS_STOP:
                dots, pauses, arabic_stops, others = 0, 0, 0, 0
                stops_end = at
                while True:
                    if code == _FULL_STOP:
                        dots += 1
                    elif code == _ELLIPSIS:
                        pauses += 1
                    elif code in _ARABIC_STOPS:
                        arabic_stops += 1
                    else:
                        others += 1
                    stop_reach = _skip(data, stops_end, end, classes, BLANK)
                    code, following = _code_at(data, stop_reach, end)
                    if code < 0 or code >= _LIMIT or not classes[code] & STOP:
                        break
                    stops_end = following
                full_stop = False
                at = stops_end
                if first_word >= 0:
                    tail, reaction = _tail(data, stops_end, begin, end, kinds, depth, classes)
                    if _is_end(
                        data, place, stops_end, dots, pauses, arabic_stops, others, tail,
                        reaction, first_word, begin, end, classes,
                    ):  # fmt: skip
                        full_stop = stops_end == place + 1 and dots == 1
                        new_end = _skip(data, tail, end, classes, WHITE)
            elif candidate == _IS_TURNING:
                is_open = _is_open(kinds, depth, kind)
                direction = _direction(data, place, at, begin, end, is_open, classes)
                opening, closing = direction > 0, is_open and direction < 0
            elif candidate == _IS_VERSE_END:
                at = _skip(data, at, end, classes, DIGIT)
                if first_word >= 0:
                    new_end = _skip(data, at, end, classes, WHITE)
            elif candidate == _IS_BULLET and first_word >= 0:
                before, _ = _bits_before(data, place, begin, end, classes)
                after, _ = _bits_at(data, at, end, classes)
                if before & WHITE and (at == end or after & WHITE):
                    new_end = place
            if opening:
                if code == _LEFT_ROUND and place > begin and data[place - 1] in _BEFORE_FACE:
                    after, _ = _bits_at(data, at, end, classes)
                    if (
                        at == end
                        or after & WHITE
                        or data[at] == _LEFT_ROUND
                        or data[at] == _RIGHT_ROUND
                    ):
                        continue
                if depth == MAX_DEPTH:
                    depth = 0
                kinds[depth], places[depth], behind[depth] = kind, place, at
                counts[depth], firsts[depth] = count, first_word < 0
                depth += 1
            elif closing:
                stopped = stop_reach == place
                if stopped:
                    stop_reach = _skip(data, at, end, classes, BLANK)
                if not _is_open(kinds, depth, kind):
                    continue
                depth -= 1
                while kinds[depth] != kind:
                    depth -= 1
                if _is_longer(data, behind[depth], place, MAX_ENCLOSED_CHARS):
                    continue
                if count > counts[depth]:
                    count = counts[depth]
                    start = out[count - 1] if count > row_count else begin
                    first_word, seen = start, True
                if place < start or first_word < 0:
                    continue
                after = _skip(data, at, end, classes, TRAILING)
                if kind == ORNATE and _is_verse_number(data, behind[depth], place, classes):
                    new_end = _skip(data, after, end, classes, WHITE)
                else:
                    following = _skip(data, after, end, classes, BLANK)
                    next_bits, _ = _bits_at(data, following, end, classes)
                    if not stopped or next_bits & (STOP | CONTINUING):
                        continue
                    next_to, _ = _bits_at(data, after, end, classes)
                    spaced = after == end or next_to & WHITE != 0
                    bracket = kind == ROUND or kind == SQUARE
                    is_end = False
                    if full_stop:
                        is_end = spaced and (bracket or not _goes_on(data, following, end, classes))
                    elif bracket:
                        is_end = firsts[depth] and spaced
                    if not is_end and not bracket and (firsts[depth] or full_stop):
                        candidate = (next_bits >> 16) & 15
                        is_end = (next_bits >> 20) - 1 == kind and (
                            candidate == _IS_OPENING
                            or (candidate == _IS_TURNING and following > after)
                        )
                    if is_end:
                        new_end = _skip(data, after, end, classes, WHITE)
            if new_end >= 0:
                out[count] = new_end
                count += 1
                start = scanned = looked = new_end
                first_word, seen = np.int64(-1), False
        if start < end:
            while not seen and looked < end:
                bits, looked = _bits_at(data, looked, end, classes)
                seen = not bits & (BLANK | BREAK)
            if count + 1 > capacity:
                return row, row_count
            if count > row_count and not seen:
                out[count - 1] = end
            else:
                out[count] = end
                count += 1
        out_ends[row] = count
    return len(starts), count


@numba.njit(cache=True, nogil=True)
def invalid_rows(data, starts, ends, invalid):
    """Set `invalid` (uint8, one per row) to 1 where the bytes are not valid UTF-8."""
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        bad = False
        while at < end:
            first = np.int64(data[at])
            if first < 0x80:
                at += 1
                continue
            if first < 0xE0:
                size, least = 2, 0x80
            elif first < 0xF0:
                size, least = 3, 0x800
            else:
                size, least = 4, 0x10000
            if first < 0xC2 or first > 0xF4 or at + size > end:
                bad = True
                break
            for step in range(1, size):
                if (data[at + step] & 0xC0) != 0x80:
                    bad = True
            code, at = _code_at(data, at, end)
            if bad or code < least or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                bad = True
                break
        invalid[row] = bad
    return 0


@numba.njit(cache=True, nogil=True)
def to_characters(data, starts, byte_ends, out_ends, out):
    """Character offsets, counted from the start of its row, for each byte offset."""
    index = 0
    for row in range(len(starts)):
        at, count = starts[row], 0
        while index < out_ends[row]:
            for place in range(at, byte_ends[index]):
                count += (data[place] & 0xC0) != 0x80
            at = byte_ends[index]
            out[index] = count
            index += 1
    return index


class SentenceEnds(NamedTuple):
    """Where the sentences of an array end.

    The ends of row `i` are `byte_ends[row_ends[i - 1]:row_ends[i]]` (from 0 for the first).
    """

    row_ends: npt.NDArray[np.int64]
    """int64 (rows,): ends of the rows in `byte_ends`. Null and empty rows have none."""
    byte_ends: npt.NDArray[np.int64]
    """int64 (sentences,): bytes of UTF-8 from the start of the row; the last is its length."""
    invalid: npt.NDArray[np.uint8]
    """uint8 (rows,): 1 where a row is not valid UTF-8; it has no ends."""

    @property
    def row_index(self) -> npt.NDArray[np.int64]:
        """int64 (sentences,): the row of each end."""
        counts = np.diff(self.row_ends, prepend=0)
        return np.repeat(np.arange(len(counts), dtype=np.int64), counts)


def sentence_ends(array: pa.StringArray | pa.LargeStringArray) -> SentenceEnds:
    """Sentence ends of a pyarrow string or large_string array, without copying its text.

    Raises:
        DataError: the offsets of the array are damaged.
        TypeError: the array is of another type.
    """
    import pyarrow as pa

    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise TypeError(f"sentence_ends takes string or large_string arrays, not {array.type}")
    rows = len(array)
    invalid = np.zeros(rows, dtype=np.uint8)
    if rows == 0:
        none = np.zeros(0, dtype=np.int64)
        return SentenceEnds(none, none, invalid)
    _, offset_buffer, data_buffer = array.buffers()
    width = np.int32 if pa.types.is_string(array.type) else np.int64
    every = np.frombuffer(offset_buffer, dtype=width, count=array.offset + rows + 1)
    offsets = every[array.offset :].astype(np.int64)
    size = 0 if data_buffer is None else data_buffer.size
    data = np.frombuffer(data_buffer if size else b"\0", dtype=np.uint8)
    starts, ends = offsets[:-1], offsets[1:]
    if array.null_count:
        null = array.is_null().to_numpy(zero_copy_only=False)
        ends = np.where(null, starts, ends)
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        if offsets[0] < 0 or offsets[-1] > size or (np.diff(offsets) < 0).any():
            raise DataError(f"the text column is damaged: {error}. Read the file again.") from error
        invalid_rows(data, starts, ends, invalid)
        ends = np.where(invalid == 1, starts, ends)
    row_ends, found = _scan(data, starts, ends)
    found -= np.repeat(starts, np.diff(row_ends, prepend=0))
    return SentenceEnds(row_ends, found, invalid)


def split_encoded(rows: Sequence[bytes]) -> list[list[int]]:
    """Character offsets of the sentence ends of each row of valid UTF-8."""
    if not rows:
        return []
    data = np.frombuffer(b"".join(rows) or b"\0", dtype=np.uint8)
    ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]])
    row_ends, found = _scan(data, starts, ends)
    characters = np.empty(len(found), dtype=np.int64)
    to_characters(data, starts, found, row_ends, characters)
    flat = characters.tolist()
    bounds = row_ends.tolist()
    return [flat[first:last] for first, last in zip([0, *bounds], bounds, strict=False)]


#: Bytes per sentence at which the first buffer for ends is full; it doubles when it is.
_BYTES_PER_SENTENCE: Final = 48


def _scan(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(end of each row in the ends, ends as offsets into `data`)."""
    data = data.view()
    data.flags.writeable = False  # of one type for numba, which compiles for each
    rows = len(starts)
    row_ends = np.empty(rows, dtype=np.int64)
    out = np.empty(len(data) // _BYTES_PER_SENTENCE + rows + 64, dtype=np.int64)
    row, position = 0, 0
    while True:
        row, position = scan_rows(
            data, starts, ends, row, position, out, row_ends, HOT_BYTES, CLASS_TABLE
        )
        if row == rows:
            return row_ends, out[:position]
        out = np.concatenate([out, np.empty(len(out), dtype=np.int64)])
