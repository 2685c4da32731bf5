"""The compiled engine: one pass over UTF-8 bytes, driven by `arabench.text.compiled.tables`.

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
from arabench.text.compiled.memory import load_pair, load_word, store_pair, store_word
from arabench.text.compiled.tables import (
    BREAK,
    DELETE,
    DELETE_LATE,
    EMOJI,
    FAST_COPY,
    FAST_DELETE,
    FAST_MARK,
    FAST_SPACE,
    FOREIGN,
    JOINER,
    LETTER,
    MARK,
    SEQUENCE,
    SPACE,
    SPECIAL,
)
from arabench.text.compiled.utf8_kernel import decode, differ, put

#: Marks on one letter that the kernel sorts; longer runs go to the reference engine.
MAX_MARKS = 24

#: Bytes that one input character can add to the output: a full run of marks, then a
#: sequence of the longest expansion (18 letters).
MARGIN = 256

# Modes.
PLAIN, AS_JSON, AS_LINE = 0, 1, 2
# Status of a row.
DONE, INVALID_UTF8, TO_REFERENCE, CHANGED = 0, 1, 2, 4

_ALIF, _WAW, _YA = ord(chars.ALIF), ord(chars.WAW), ord(chars.YA)
_HAMZA, _MAQSURA = ord(chars.HAMZA), ord(chars.ALIF_MAQSURA)
_TANWIN_FATH = ord(chars.TANWIN_FATH)
_WAW_HAMZA, _YA_HAMZA = ord(chars.WAW_HAMZA), ord(chars.YA_HAMZA)
_ALIF_FORMS = tuple(sorted(map(ord, chars.ALIF_VARIANTS | {chars.ALIF})))
_JOINER = ord(chars.ZERO_WIDTH_JOINER)
_CR, _LF, _SPACE, _QUOTE, _BACKSLASH = 13, 10, 32, 34, 92

# The fast stretch counts in unsigned 64 bits: indices that may be negative cost a test
# each, and mixing both kinds gives floats.
_U1, _U2, _U3, _U6, _U11 = map(np.uint64, (1, 2, 3, 6, 11))
_U1F, _U3F, _U7FF, _U80, _UC0, _UC2, _UE0, _UF0 = map(
    np.uint64, (0x1F, 0x3F, 0x7FF, 0x80, 0xC0, 0xC2, 0xE0, 0xF0)
)
_UCOPY, _USPACE, _UDELETE, _UMARK = map(np.uint64, (FAST_COPY, FAST_SPACE, FAST_DELETE, FAST_MARK))


@numba.njit(cache=True, nogil=True)
def normalize_rows(
    data, frame, heads, starts, ends, tails, out, out_ends, status, first_row, out_at, mode, tables
):
    """Normalize rows `first_row...` of `data[starts[i]:ends[i]]` into `out`.

    Args:
        data: in, (bytes,) uint8.
        frame: in, (bytes,) uint8: what `heads` and `tails` point to.
        heads, tails: in, (rows, 2) int64: spans of `frame` copied as they are before and after
            each row (the rest of a JSON line); empty arrays (0, 2) copy nothing.
        starts, ends: in, (rows,) int64: byte spans of the rows.
        out: out, (capacity,) uint8, written from `out_at` on.
        out_ends: out, (rows,) int64: end of each row in `out`.
        status: out, (rows,) uint8 bits: DONE, or why a row is empty (INVALID_UTF8,
            TO_REFERENCE); CHANGED where the text is not what it was.
        first_row, out_at: in, int: where to go on after `out` was too small.
        mode: in, int: PLAIN; AS_JSON writes what a JSON string cannot hold as escapes;
            AS_LINE leaves rows whose text would hold CR or LF to the reference. Framed rows
            end with LF.
        tables: in, `tables.Tables` of the rules that run.

    Returns:
        (row, position): the number of rows when finished, else the row that did not fit.

    Everything is in one function: a call per character that passes arrays costs more than
    the work itself. Rows are mostly letters that nothing happens to, so a fast stretch
    writes characters at once; where it meets anything else it goes back to the last
    letter it wrote, and the general path, which waits for the marks of a letter, takes
    over until a plain character follows a finished cluster.
    """
    # Names of their own: the compiler then knows that no table changes within a row.
    action, kind = tables.action, tables.kind
    sequence_start, sequence = tables.sequence_start, tables.sequence
    mark_class, is_hamza_mark, composed = tables.mark_class, tables.is_hamza_mark, tables.composed
    is_ending, late = tables.is_ending, tables.late
    compose, unify, hamza = tables.compose, tables.unify_alif, tables.hamza
    final_ya, collapse, keep_joiners = tables.final_ya, tables.collapse, tables.keep_joiners
    case_endings = tables.case_endings
    as_json, as_line = mode == AS_JSON, mode == AS_LINE
    fast, pairs = tables.fast[mode], tables.fast_pairs[mode]
    marks = np.empty(MAX_MARKS, dtype=np.int32)
    capacity = len(out)
    framed = len(heads) > 0
    for row in range(first_row, len(starts)):
        row_start = out_at
        at, end = starts[row], ends[row]
        if framed:
            head, head_end = heads[row, 0], heads[row, 1]
            around = head_end - head + tails[row, 1] - tails[row, 0]
            if out_at + around + 2 * MARGIN > capacity:
                return row, row_start
            out_at = _copy(frame, head, head_end, out, out_at)
        text_start = out_at
        base, count = np.int64(-1), 0
        spaces, breaks, last_white, written = False, 0, np.int64(0), False
        foreign, after_emoji, joiner = False, False, False
        result = DONE
        finished, plain = False, True
        while not finished:
            if out_at + MARGIN > capacity:
                return row, row_start
            if plain:
                plain = False
                # A byte becomes at most two here (an ASCII digit to an Arabic one).
                limit = np.uint64(min(end, at + (capacity - out_at - 8) // 2))
                stop, first_out = np.uint64(end), np.uint64(text_start)
                i, o = np.uint64(at), np.uint64(out_at)
                begin_out = o
                last_in, last_out, marked = i, o, o
                last_class, mark_count = 0, 0
                while i < limit:
                    if i + _U1 < stop:
                        pair = load_pair(data, i)
                        written_pair = pairs[pair]
                        if written_pair != 0:
                            last_in, last_out = i, o
                            store_pair(out, o, written_pair)
                            i += _U2
                            o += _U2
                            continue
                    lead = np.uint64(data[i])
                    if lead < _U80:
                        index, following = lead, i + _U1
                    elif lead < _UE0:
                        following = i + _U2
                        if lead < _UC2 or following > stop:
                            break
                        second = np.uint64(data[i + _U1])
                        if (second & _UC0) != _U80:
                            break
                        index = ((lead & _U1F) << _U6) | (second & _U3F)
                    else:
                        if lead >= _UF0:
                            break
                        code, at = decode(data, np.int64(i), end)
                        if code < 0 or action[code] != code or kind[code] & ~LETTER:
                            break
                        last_in, last_out = i, o
                        out[o] = data[i]
                        out[o + _U1] = data[i + _U1]
                        out[o + _U2] = data[i + _U2]
                        o += _U3
                        i += _U3
                        continue
                    entry = np.uint64(fast[index])
                    what = entry >> _U11
                    entry &= _U7FF
                    if what == _USPACE:
                        if o > first_out and out[o - _U1] != _SPACE:
                            last_in, last_out = i, o
                            out[o] = _SPACE
                            o += _U1
                    elif what == _UCOPY:
                        last_in, last_out = i, o
                        if entry < _U80:
                            out[o] = entry
                            o += _U1
                        else:
                            out[o] = _UC0 | (entry >> _U6)
                            out[o + _U1] = _U80 | (entry & _U3F)
                            o += _U2
                    elif what == _UMARK:
                        if o == begin_out or out[o - _U1] == _SPACE:
                            break
                        if marked != last_out:
                            marked, last_class, mark_count = last_out, 0, 0
                        high, low = _UC0 | (entry >> _U6), _U80 | (entry & _U3F)
                        rank = np.int64(mark_class[entry])
                        if rank >= last_class or not compose:
                            out[o] = high
                            out[o + _U1] = low
                            last_class = rank
                        elif mark_count == 1:  # shadda and then its vowel, as most keyboards give
                            out[o] = out[o - _U2]
                            out[o + _U1] = out[o - _U1]
                            out[o - _U2] = high
                            out[o - _U1] = low
                        else:
                            break
                        o += _U2
                        mark_count += 1
                        if mark_count == MAX_MARKS:
                            break
                    elif what != _UDELETE:
                        break
                    i = following
                if o > begin_out:
                    if i < stop:
                        i, o = last_in, last_out
                    elif collapse and out[o - _U1] == _SPACE:
                        o -= _U1
                at, out_at = np.int64(i), np.int64(o)
                if at >= end:
                    break
                written = out_at > text_start
            # --- next piece of text to write: `pieces` code points from `piece` on ---
            act, in_sequence = np.int64(-1), False
            piece, pieces = np.int64(0), np.int64(1)
            begin = at
            code = np.int64(0)
            if at < end:
                code = np.int64(data[at])
                if code < 0x80:
                    at += 1
                elif 0xC2 <= code < 0xE0 and at + 1 < end and (data[at + 1] & 0xC0) == 0x80:
                    code = ((code & 0x1F) << 6) | (np.int64(data[at + 1]) & 0x3F)
                    at += 2
                else:
                    code, at = decode(data, at, end)
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
                if case_endings:
                    if count > 0:
                        # Marks count as endings from the first that follows a letter or mark.
                        kept = 0 if base >= 0 and kind[base] & LETTER else 1
                        only_tanwin = False
                        if write >= 0 and kind[write] & LETTER:
                            only_tanwin = True
                            if write not in (_ALIF, _MAQSURA):
                                kept = count
                            else:
                                rest = (piece + step + 1, piece + pieces) if in_sequence else (0, 0)
                                if _goes_on(
                                    data, at, end, action, kind, sequence_start, sequence, rest
                                ):
                                    kept = count
                        for place in range(kept, count):
                            mark = marks[place]
                            drop = mark == _TANWIN_FATH if only_tanwin else is_ending[mark]
                            if not drop:
                                marks[kept] = mark
                                kept += 1
                        count = min(kept, count)
                    if 0x600 <= base < 0x700:
                        base = np.int64(late[base - 0x600])
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
                            if breaks and as_line:
                                result = TO_REFERENCE
                                finished = True
                            out_at = _put_white(out, out_at, breaks, as_json)
                        spaces, breaks, last_white = False, 0, np.int64(0)
                    written = True
                    if char < 0x80:
                        if as_json and (char < 0x20 or char == _QUOTE or char == _BACKSLASH):
                            out_at = _put_escape(out, out_at, char)
                        else:
                            if as_line and (char == _LF or char == _CR):
                                result = TO_REFERENCE
                                finished = True
                            out[out_at] = char
                            out_at += 1
                    elif char < 0x800:
                        out[out_at] = 0xC0 | (char >> 6)
                        out[out_at + 1] = 0x80 | (char & 0x3F)
                        out_at += 2
                    else:
                        out_at = put(out, out_at, char)
                waited = base >= 0  # else the fast stretch has just come from here
                base, count = write, 0
                if (
                    waited
                    and act >= 0
                    and write >= 0
                    and code < 0x800
                    and fast[code] >> 11 == FAST_COPY
                    and act != _JOINER
                ):
                    # Nothing waits but this character: go on fast with it.
                    if spaces or breaks:
                        if written:
                            if breaks and as_line:
                                result = TO_REFERENCE
                                finished = True
                            out_at = _put_white(out, out_at, breaks, as_json)
                        spaces, breaks, last_white = False, 0, np.int64(0)
                    base, at, plain = np.int64(-1), begin, True
        if result != DONE:
            out_at = row_start
        else:
            size = ends[row] - starts[row]
            if out_at - text_start != size or differ(
                out, np.uint64(text_start), data, np.uint64(starts[row]), np.uint64(size)
            ):
                # A row that was unescaped elsewhere differs from its own escapes at least.
                if not (framed and as_json and starts[row] != heads[row, 1]) or _differ_unescaped(
                    out, text_start, out_at, data, starts[row], ends[row]
                ):
                    result |= CHANGED
            if framed:
                tail, tail_end = tails[row, 0], tails[row, 1]
                out_at = _copy(frame, tail, tail_end, out, out_at)
                out[out_at] = _LF
                out_at += 1
        status[row] = result
        out_ends[row] = out_at
    return len(starts), out_at


@numba.njit(cache=True, nogil=True)
def _put_white(out, at, breaks, as_json):
    """Write what a run of white space becomes: a space, or one or two line feeds."""
    if breaks == 0:
        out[at] = _SPACE
        return at + 1
    for _ in range(2 if breaks > 1 else 1):
        if as_json:
            at = _put_escape(out, at, np.int64(_LF))
        else:
            out[at] = _LF
            at += 1
    return at


@numba.njit(cache=True, nogil=True)
def _put_escape(out, at, char):
    """Write a quote, backslash or control character as JSON does (RFC 8259, shortest form)."""
    out[at] = _BACKSLASH
    short = 0
    if char == _QUOTE or char == _BACKSLASH:
        short = char
    elif char == 8:
        short = 98  # b
    elif char == 9:
        short = 116  # t
    elif char == 10:
        short = 110  # n
    elif char == 12:
        short = 102  # f
    elif char == 13:
        short = 114  # r
    if short:
        out[at + 1] = short
        return at + 2
    out[at + 1] = 117  # u
    out[at + 2] = 48
    out[at + 3] = 48
    out[at + 4] = 48 + (char >> 4)
    low = char & 15
    out[at + 5] = 48 + low if low < 10 else 87 + low
    return at + 6


@numba.njit(cache=True, nogil=True)
def mark_changed(data, heads, starts, ends, tails, out, out_ends, status, mode):
    """Set CHANGED in `status` of rows that are DONE and differ from their input.

    Arguments as in `normalize_rows`, with `out` complete.
    """
    framed = len(heads) > 0
    for row in range(len(starts)):
        if status[row] != DONE:
            continue
        at = out_ends[row - 1] if row else 0
        end = out_ends[row]
        if framed:
            at += heads[row, 1] - heads[row, 0]
            end -= tails[row, 1] - tails[row, 0] + 1
        if mode == AS_JSON:
            if _differ_unescaped(out, at, end, data, starts[row], ends[row]):
                status[row] |= CHANGED
        elif end - at != ends[row] - starts[row] or differ(
            out, np.uint64(at), data, np.uint64(starts[row]), np.uint64(end - at)
        ):
            status[row] |= CHANGED


@numba.njit(cache=True, nogil=True)
def _goes_on(data, at, end, action, kind, sequence_start, sequence, rest):
    """Whether a letter follows a letter, across its marks and what is deleted.

    `rest`: elements of `sequence` that come before `data[at:end]`.
    """
    for place in range(rest[0], rest[1]):
        if kind[sequence[place]] & MARK == 0:
            return kind[sequence[place]] & LETTER != 0
    while at < end:
        code, at = decode(data, at, end)
        if code < 0:
            return False  # the row is refused when the kernel gets there
        act = np.int64(action[code])
        if act >= 0:
            if kind[act] & MARK == 0:
                return kind[act] & LETTER != 0
        elif act <= -SEQUENCE:
            for place in range(
                sequence_start[-act - SEQUENCE], sequence_start[-act - SEQUENCE + 1]
            ):
                if kind[sequence[place]] & MARK == 0:
                    return kind[sequence[place]] & LETTER != 0
        elif act == FOREIGN:
            return False
    return False


@numba.njit(cache=True, nogil=True)
def _copy(source, start, end, out, out_at):
    """Copy a span of usually a few dozen bytes; the end in `out`."""
    place, stop, to = np.uint64(start), np.uint64(end), np.uint64(out_at)
    while place + np.uint64(8) <= stop:
        store_word(out, to, load_word(source, place))
        place += np.uint64(8)
        to += np.uint64(8)
    while place < stop:
        out[to] = source[place]
        place += _U1
        to += _U1
    return np.int64(to)


@numba.njit(cache=True, nogil=True)
def _differ_unescaped(out, at, end, data, place, stop):
    """Whether JSON text that `_put_escape` wrote differs from plain bytes."""
    while at < end:
        char = np.int64(out[at])
        at += 1
        if char == _BACKSLASH:
            kind = np.int64(out[at])
            at += 1
            char = kind
            if kind == 117:  # u
                low = np.int64(out[at + 3])
                char = ((np.int64(out[at + 2]) - 48) << 4) + (low - 48 if low < 58 else low - 87)
                at += 4
            elif kind == 98:
                char = 8
            elif kind == 116:
                char = 9
            elif kind == 110:
                char = 10
            elif kind == 102:
                char = 12
            elif kind == 114:
                char = 13
        if place >= stop or data[place] != char:
            return True
        place += 1
    return place != stop


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
