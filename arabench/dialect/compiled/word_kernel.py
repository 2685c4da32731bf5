"""Reading words compiled: the folded letters of `arabench.dialect.features` from UTF-8 bytes.

Bytes that are no UTF-8 part words; nothing outside of a row is read.
"""

from __future__ import annotations

import functools
from typing import Any, Final, NamedTuple

import numba
import numpy as np

from arabench import chars
from arabench.dialect.features import MAX_LETTERS
from arabench.text.compiled.hash_kernel import FNV_OFFSET, FNV_PRIME
from arabench.text.compiled.utf8_kernel import decode
from arabench.text.rules import entities
from arabench.text.rules.folding import folding

# Entries of the folding table that are no letter (the least one is U+0620).
_BREAK, _IGNORED = 0, 1
#: From here on an entry is a row of the table of expansions.
_EXPANSION: Final = 0x1000
_LONGEST_EXPANSION: Final = 4
_BMP: Final = 0x10000

# Bits of what a character is for addresses and mentions.
_IN_NAME, _ENDS_URL, _STARTS_HOST = 1, 2, 4

_U0, _U1, _U2, _U6 = map(np.uint64, (0, 1, 2, 6))
_U1F, _U3F, _U80, _UC0, _UC2, _UE0 = map(np.uint64, (0x1F, 0x3F, 0x80, 0xC0, 0xC2, 0xE0))
_UIGNORED, _UEXPANSION, _UMOST = map(np.uint64, (_IGNORED, _EXPANSION, MAX_LETTERS))
_AT, _WIDE_AT = 0x40, 0xFF20  # COMMERCIAL AT, FULLWIDTH COMMERCIAL AT


class Tables(NamedTuple):
    """What becomes of characters.

    Attributes:
        fold: (65536,) uint16: a folded letter, `_BREAK`, `_IGNORED` or `_EXPANSION` + row.
        expansions: (n, 4) uint16: folded letters, 0 after the last.
        kinds: (65536,) uint8: bits for addresses and mentions.
    """

    fold: Any
    expansions: Any
    kinds: Any


@functools.cache
def tables() -> Tables:
    """The tables, made from `folding` and the tables of `entities`."""
    letters, _, ignored = folding()
    fold = np.full(_BMP, _BREAK, dtype=np.uint16)
    expansions: list[list[int]] = []
    for char in ignored:
        fold[ord(char)] = _IGNORED
    for char, folded in letters.items():
        fold[ord(char)] = ord(folded[0])
        if len(folded) > 1:
            fold[ord(char)] = _EXPANSION + len(expansions)
            row = [*map(ord, folded), *[0] * _LONGEST_EXPANSION][:_LONGEST_EXPANSION]
            expansions.append(row)
    kinds = np.zeros(_BMP, dtype=np.uint8)
    ascii_word = [*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)]
    kinds[[*ascii_word, ord("_")]] |= _IN_NAME
    in_name = chars.LETTERS | chars.MARKS | set(chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS)
    kinds[[ord(char) for char in in_name]] |= _IN_NAME
    kinds[[ord(char) for char in entities.URL_STOPS]] |= _ENDS_URL
    kinds[[*ascii_word, *map(ord, chars.LETTERS)]] |= _STARTS_HOST
    return Tables(fold, np.array(expansions, dtype=np.uint16), kinds)


@numba.njit(cache=True, nogil=True)
def _character(data, at, end):
    """(code point, next position); (-1, at + 1) for a byte that is no UTF-8."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, at + 1
    code, following = decode(data, at, end)
    if code < 0:
        return np.int64(-1), at + 1
    return code, following


@numba.njit(cache=True, nogil=True)
def _is_alnum(byte):
    return 0x30 <= byte <= 0x39 or 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A


@numba.njit(cache=True, nogil=True)
def _lower(byte):
    return byte | 0x20 if 0x41 <= byte <= 0x5A else byte


@numba.njit(cache=True, nogil=True)
def _host(data, at, start, end):
    """Where the host of a web address begins that starts at `at`, or -1."""
    if at > start and _is_alnum(data[at - 1]):
        return -1
    left = end - at
    first = _lower(data[at])
    if first == 0x77:  # www.
        if (
            left > 4
            and _lower(data[at + 1]) == 0x77
            and _lower(data[at + 2]) == 0x77
            and data[at + 3] == 0x2E
        ):
            return at + 4
        return -1
    if first == 0x68:  # http, https
        if (
            left < 8
            or _lower(data[at + 1]) != 0x74
            or _lower(data[at + 2]) != 0x74
            or _lower(data[at + 3]) != 0x70
        ):
            return -1
        at += 5 if _lower(data[at + 4]) == 0x73 else 4
    elif first == 0x66:  # ftp
        if left < 7 or _lower(data[at + 1]) != 0x74 or _lower(data[at + 2]) != 0x70:
            return -1
        at += 3
    else:
        return -1
    if at + 3 < end and data[at] == 0x3A and data[at + 1] == 0x2F and data[at + 2] == 0x2F:
        return at + 3
    return -1


@numba.njit(cache=True, nogil=True)
def _after_url(data, at, start, end, kinds):
    """Where a web address that starts at `at` ends, or -1 where none does.

    Full stops and brackets at its end belong to the text, but part words as it does.
    """
    host = _host(data, at, start, end)
    if host < 0:
        return -1
    code, at = _character(data, host, end)
    if code < 0 or code >= 0x10000 or kinds[code] & _STARTS_HOST == 0:
        return -1
    while at < end:
        code, following = _character(data, at, end)
        if 0 <= code < 0x10000 and kinds[code] & _ENDS_URL:
            return at
        at = following
    return at


@numba.njit(cache=True, nogil=True)
def _after_mentions(data, at, start, end, kinds):
    """Where mentions end of which the first has its sign at `at`, or `at` where none does."""
    if at > start:
        before = data[at - 1]
        if _is_alnum(before) or before == 0x5F or before == 0x2F:  # _ /
            return at
    done = at
    while at < end:
        code, at = _character(data, at, end)
        if code != _AT and code != _WIDE_AT:
            return done
        name = at
        while at < end:
            code, following = _character(data, at, end)
            if code < 0 or code >= 0x10000 or kinds[code] & _IN_NAME == 0:
                break
            if code < 0x80 and _after_url(data, at, start, end, kinds) >= 0:
                break
            at = following
        if at == name:
            return done
        done = at
    return done


@numba.njit(cache=True, nogil=True)
def next_word(data, at, start, end, fold, expansions, kinds, letters, spelled):
    """Read on to the end of the next word.

    Args:
        data: (bytes,) uint8, read.
        at: where to read on.
        start, end: the span of the row; nothing outside of it is read.
        fold, expansions, kinds: `Tables`, read.
        letters: (MAX_LETTERS,) uint16, written: the folded letters.
        spelled: (MAX_LETTERS,) uint16, written: the same as typed.

    Returns:
        (position after the word, number of letters, FNV-1a of `spelled`): 0 letters when
        there is none.
    """
    length, last, last_but_one = _U0, _U0, _U0
    value = FNV_OFFSET
    while at < end:
        # Most bytes are letters of two bytes that fold to one: a stretch of them, counted in
        # unsigned numbers, because indices that may be negative cost a test each.
        place, stop = np.uint64(at), np.uint64(end)
        while place + _U1 < stop:
            first, second = np.uint64(data[place]), np.uint64(data[place + _U1])
            if first < _UC2 or first >= _UE0 or (second & _UC0) != _U80:
                break
            typed = ((first & _U1F) << _U6) | (second & _U3F)
            letter = np.uint64(fold[typed])
            if letter <= _UIGNORED or letter >= _UEXPANSION:
                break
            place += _U2
            if length < _UMOST and (letter != last or letter != last_but_one):
                letters[length] = letter
                spelled[length] = typed
                length += _U1
                value = (value ^ typed) * FNV_PRIME
                last_but_one, last = last, letter
        at = np.int64(place)
        if at >= end:
            break
        lead = np.int64(data[at])
        if lead < 0x80:
            if fold[lead] == _IGNORED:
                at += 1
                continue
            if length > _U0:
                break
            if lead == _AT:
                following = _after_mentions(data, at, start, end, kinds)
                at = following if following > at else at + 1
            elif lead | 0x20 == 0x68 or lead | 0x20 == 0x77 or lead | 0x20 == 0x66:  # h, w, f
                following = _after_url(data, at, start, end, kinds)
                at = following if following >= 0 else at + 1
            else:
                at += 1
            continue
        code, following = _character(data, at, end)
        entry = np.int64(_BREAK) if code < 0 or code >= _BMP else np.int64(fold[code])
        if entry == _BREAK:
            if length > _U0:
                break
            if code == _WIDE_AT:
                following = max(_after_mentions(data, at, start, end, kinds), following)
        at = following
        if entry <= _IGNORED:
            continue
        # A letter of three bytes, or one character that stands for several letters.
        letter = np.uint64(entry)
        for step in range(_LONGEST_EXPANSION):
            if entry >= _EXPANSION:
                letter = np.uint64(expansions[entry - _EXPANSION, step])
                if letter == _U0:
                    break
            elif step > 0:
                break
            if length < _UMOST and (letter != last or letter != last_but_one):
                letters[length] = letter
                spelled[length] = letter
                length += _U1
                value = (value ^ letter) * FNV_PRIME
                last_but_one, last = last, letter
    return at, np.int64(length), value
