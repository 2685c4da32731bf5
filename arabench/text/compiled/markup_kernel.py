"""The rules of `markup` compiled: HTML elements and character references.

The references in `markup` define what they do; rows stand as `rewrite_kernel` says.
"""

from __future__ import annotations

import numba
import numpy as np

from arabench import chars
from arabench.text.compiled.entity_tables import (
    ALNUM,
    ASCII_LETTER,
    BLOCK,
    CELL,
    END,
    HEX,
    INLINE,
    MAX_NAME,
    SCRIPT,
    STYLE,
)
from arabench.text.compiled.hash_kernel import FNV_OFFSET, FNV_PRIME
from arabench.text.compiled.rewrite_kernel import copy, finish

_REPLACEMENT = ord(chars.REPLACEMENT)

# ASCII as the functions below name it.
_SPACE, _LF, _NUMBER, _AMPERSAND, _DASH, _SLASH, _COLON = 32, 10, 35, 38, 45, 47, 58
_SEMICOLON, _LESS, _EQUALS, _MORE, _QUESTION, _EXCLAMATION, _QUOTE = 59, 60, 61, 62, 63, 33, 34
_APOSTROPHE = 39


@numba.njit(cache=True, nogil=True)
def _is_html_space(code):
    return code == 32 or code == 9 or code == 10 or code == 12 or code == 13


@numba.njit(cache=True, nogil=True)
def _element(text, at, classes, elements, kinds):
    """(kind, end of the name) of the tag whose name starts at `at`; kind 0: no tag."""
    number, length, compound = np.int64(0), 0, False
    if classes[text[at]] & ASCII_LETTER == 0:
        return 0, at
    while True:
        while classes[text[at]] & ALNUM:
            code = np.int64(text[at])
            if length < MAX_NAME:
                number = number * 37 + (code - 47 if code < 58 else (code | 32) - 86)
            length += 1
            at += 1
        if (text[at] == _COLON or text[at] == _DASH) and classes[text[at + 1]] & ALNUM:
            compound = True
            at += 1
        else:
            break
    if not (_is_html_space(text[at]) or text[at] == _SLASH or text[at] == _MORE):
        return 0, at
    if compound:
        return INLINE, at
    if length > MAX_NAME:
        return 0, at
    place = np.searchsorted(elements, number)
    if place == len(elements) or elements[place] != number:
        return 0, at
    return np.int64(kinds[place]), at


@numba.njit(cache=True, nogil=True)
def _tag_rest(text, at):
    """The place behind the `>` that ends a tag, 0 if `<` or the text's end comes first."""
    while True:
        code = text[at]
        at += 1
        if code == _MORE:
            return at
        if code == _LESS or code == END:
            return 0
        if code == _EQUALS:
            while _is_html_space(text[at]):
                at += 1
            quote = text[at]
            if quote == _QUOTE or quote == _APOSTROPHE:
                close = at + 1
                while text[close] != quote and text[close] != _LESS and text[close] != END:
                    close += 1
                if text[close] == quote:
                    at = close + 1


@numba.njit(cache=True, nogil=True)
def _raw_end(text, at, n, name, name_end):
    """The place behind the next end tag of the element in `text[name:name_end]`, or 0."""
    while at <= n:
        if text[at] == _LESS and text[at + 1] == _SLASH:
            place, letter = at + 2, name
            while letter < name_end and text[place] | 32 == text[letter] | 32:
                place += 1
                letter += 1
            if letter == name_end and (
                _is_html_space(text[place]) or text[place] == _SLASH or text[place] == _MORE
            ):
                while text[place] != _LESS and text[place] != _MORE and text[place] != END:
                    place += 1
                if text[place] == _MORE:
                    return place + 1
        at += 1
    return 0


@numba.njit(cache=True, nogil=True)
def markup_tags(text, n, out, classes, elements, kinds):
    size, done, at = 1, 1, 1
    # What was looked for up to the end of the text, in vain.
    no_comment_end, no_script_end, no_style_end = False, False, False
    while at <= n:
        if text[at] != _LESS:
            at += 1
            continue
        end, after, place = 0, 0, at + 1
        if text[place] == _EXCLAMATION and text[place + 1] == _DASH and text[place + 2] == _DASH:
            place += 1
            if not no_comment_end:
                while place <= n and not (
                    text[place] == _DASH and text[place + 1] == _DASH and text[place + 2] == _MORE
                ):
                    place += 1
                if place <= n:
                    end = place + 3
                else:
                    no_comment_end = True
        elif text[place] == _EXCLAMATION or text[place] == _QUESTION:
            place += 1
            if classes[text[place]] & ASCII_LETTER:
                while text[place] != _LESS and text[place] != _MORE and text[place] != END:
                    place += 1
                if text[place] == _MORE:
                    end = place + 1
        else:
            closing = text[place] == _SLASH
            if closing:
                place += 1
            kind, name_end = _element(text, place, classes, elements, kinds)
            if kind:
                end = _tag_rest(text, name_end)
                if kind == BLOCK:
                    after = _LF
                elif kind == CELL:
                    after = _SPACE
                elif end and not closing:
                    if kind == SCRIPT and not no_script_end:
                        close = _raw_end(text, end, n, place, name_end)
                        no_script_end = close == 0
                        end = max(end, close)
                    elif kind == STYLE and not no_style_end:
                        close = _raw_end(text, end, n, place, name_end)
                        no_style_end = close == 0
                        end = max(end, close)
        if end == 0:
            at += 1
            continue
        size = copy(text, done, at, out, size)
        if after:
            out[size] = after
            size += 1
        at = done = end
    return finish(text, n, out, done, size)


@numba.njit(cache=True, nogil=True)
def _named(text, first, end, hashes, spans, names):
    """The place of the name `text[first:end]` in the tables, or -1."""
    value = FNV_OFFSET
    for place in range(first, end):
        value = (value ^ np.uint64(text[place])) * FNV_PRIME
    entry = np.searchsorted(hashes, value)
    if entry == len(hashes) or hashes[entry] != value:
        return -1
    start = spans[entry]
    if spans[entry + 1] - start != end - first:
        return -1
    for place in range(first, end):
        if names[start + place - first] != text[place]:
            return -1
    return np.int64(entry)


@numba.njit(cache=True, nogil=True)
def references(text, n, out, classes, hashes, spans, names, values, low):
    size, done, at = 1, 1, 1
    while at <= n:
        if text[at] != _AMPERSAND:
            at += 1
            continue
        place, number = at + 1, np.int64(-1)
        first, second = np.int64(-1), np.int64(0)  # what is written
        found = False
        if text[place] == _NUMBER:
            place += 1
            if text[place] | 32 == 120:  # x
                place += 1
                start, value = place, np.int64(0)
                while classes[text[place]] & HEX:
                    code = np.int64(text[place])
                    if place - start < 6:
                        value = value * 16 + (code - 48 if code < 58 else (code | 32) - 87)
                    place += 1
                if 1 <= place - start <= 6:
                    number = value
            else:
                start, value = place, np.int64(0)
                while 48 <= text[place] <= 57:
                    if place - start < 7:
                        value = value * 10 + np.int64(text[place]) - 48
                    place += 1
                if 1 <= place - start <= 7:
                    number = value
            if number >= 0:
                found = True
                if number < 256:
                    first = np.int64(low[number])
                elif number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
                    first = np.int64(_REPLACEMENT)
                elif not (0xFDD0 <= number <= 0xFDEF or number & 0xFFFE == 0xFFFE):
                    first = number  # the others are noncharacters
            if text[place] == _SEMICOLON:
                place += 1
        elif classes[text[place]] & ASCII_LETTER:
            start = place
            while classes[text[place]] & ALNUM:
                place += 1
            if 2 <= place - start <= 32:
                if text[place] == _SEMICOLON:
                    place += 1
                if text[place - 1] == _SEMICOLON or text[place] != _EQUALS:
                    entry = _named(text, start, place, hashes, spans, names)
                    if entry >= 0:
                        found = True
                        first, second = np.int64(values[entry, 0]), np.int64(values[entry, 1])
        if not found:
            at = max(place, at + 1)  # no `&` stands between
            continue
        size = copy(text, done, at, out, size)
        if first >= 0:
            out[size] = first
            size += 1
        if second:
            out[size] = second
            size += 1
        at = done = place
    return finish(text, n, out, done, size)
