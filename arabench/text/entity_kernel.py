"""The rules of `entities` and `markup` compiled: all that are on, row by row.

A row in which no rule can find anything (`EntityTables.triggers`) is copied. Any other is
decoded to code points, rewritten by one rule after the other, each reading what the one
before wrote, and encoded again. What a rule does is defined by its reference; the functions
below follow it and say only what is not plain from it.

A row stands in `text[1]` to `text[n]` with END on both sides, so that looking one character
back, or on while characters match, needs no test of bounds. Every rule writes at most as
many characters as it reads. None goes over a stretch of text more than a few times: an
attempt that fails has looked no further than something that also ends the next ones.

Numba compiles the functions on first use and caches the result on disk; they release the GIL.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from arabench import chars
from arabench.text.entity_tables import (
    ALNUM,
    ASCII_LETTER,
    BLOCK,
    CELL,
    DIGIT,
    EMAILS,
    EMOJI,
    EMOJIS,
    END,
    FLAG,
    FLAG_TAG,
    HASHTAGS,
    HEX,
    IF_SELECTED,
    INLINE,
    KEYCAP_BASE,
    LETTER,
    LOCAL,
    MARKUP_TAGS,
    MAX_NAME,
    MENTIONS,
    NO_MENTION_BEFORE,
    NO_PHONE_AFTER,
    NO_PHONE_BEFORE,
    NO_TAG_AFTER,
    NO_TAG_BEFORE,
    NO_URL_BEFORE,
    NOT_ZERO,
    OFF,
    PHONE_HYPHEN,
    PHONE_PART,
    PHONES,
    REFERENCES,
    SCRIPT,
    SKIN,
    SPLIT,
    STYLE,
    TAG_BODY,
    TAG_LETTER,
    TAG_NO_LETTER,
    TAG_PLACE,
    TAGS_READ,
    URL_STOP,
    URL_TAIL,
    URLS,
    WHITE,
    WORD,
    EntityTables,
)
from arabench.text.kernel import CHANGED, DONE, INVALID_UTF8
from arabench.text.memory import load_pair, store_pair
from arabench.text.utf8_kernel import decode, differ, put

_TEXT_SELECTOR, _SELECTOR = ord(chars.TEXT_SELECTOR), ord(chars.EMOJI_SELECTOR)
_KEYCAP, _JOINER = ord(chars.KEYCAP), ord(chars.ZERO_WIDTH_JOINER)
_REPLACEMENT = ord(chars.REPLACEMENT)
_WIDE_AT, _WIDE_HASH = 0xFF20, 0xFF03  # FULLWIDTH COMMERCIAL AT, FULLWIDTH NUMBER SIGN
_U1, _U2, _U6, _U7, _U8 = map(np.uint64, (1, 2, 6, 7, 8))
_U1F, _U3F, _U80, _UC0, _UC2, _UE0 = map(np.uint64, (0x1F, 0x3F, 0x80, 0xC0, 0xC2, 0xE0))
_U800, _UC080 = np.uint64(0x800), np.uint64(0x80C0)
_FNV_START, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
#: Above this many bytes the memory for a row's characters is measured instead of estimated.
_LARGE_ROW = 1 << 20

# ASCII as the functions below name it.
_SPACE, _LF, _NUMBER, _AMPERSAND, _PLUS, _DASH, _DOT, _SLASH = 32, 10, 35, 38, 43, 45, 46, 47
_COLON, _SEMICOLON, _LESS, _EQUALS, _MORE, _QUESTION, _AT = 58, 59, 60, 61, 62, 63, 64
_EXCLAMATION, _QUOTE, _APOSTROPHE, _OPENING, _COMMA, _UNDERSCORE = 33, 34, 39, 40, 44, 95


@numba.njit(cache=True, nogil=True)
def _copy(text, first, last, out, size):
    # Unsigned indices need no test for negative ones: 16 times as fast.
    begin, target = np.uint64(first), np.uint64(size)
    for place in range(np.uint64(last - first)):
        out[target + place] = text[begin + place]
    return size + last - first


@numba.njit(cache=True, nogil=True)
def _finish(text, n, out, done, size):
    """Copy what is left; the number of characters written, or -1 if nothing was replaced."""
    if done == 1:
        return -1
    return _copy(text, done, n + 1, out, size) - 1


@numba.njit(cache=True, nogil=True)
def _read_tags(text, n, out, classes, tags, places):
    bracket = tags[0, 0]
    size, done, at = 1, 1, 1
    while at <= n:
        end, after = 0, _REPLACEMENT
        if classes[text[at]] & TAG_PLACE:
            end = at + 1
        elif text[at] == bracket:
            for tag in range(len(tags)):
                length = 0
                while tags[tag, length] != END and tags[tag, length] == text[at + length]:
                    length += 1
                if tags[tag, length] == END:
                    end, after = at + length, places[tag]
                    break
        if end == 0:
            at += 1
            continue
        size = _copy(text, done, at, out, size)
        out[size] = after
        size += 1
        at = done = end
    return _finish(text, n, out, done, size)


# --- markup ------------------------------------------------------------------------------
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
def _tags(text, n, out, classes, elements, kinds):
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
        size = _copy(text, done, at, out, size)
        if after:
            out[size] = after
            size += 1
        at = done = end
    return _finish(text, n, out, done, size)


@numba.njit(cache=True, nogil=True)
def _named(text, first, end, hashes, spans, names):
    """The place of the name `text[first:end]` in the tables, or -1."""
    value = _FNV_START
    for place in range(first, end):
        value = (value ^ np.uint64(text[place])) * _FNV_PRIME
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
def _references(text, n, out, classes, hashes, spans, names, values, low):
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
        size = _copy(text, done, at, out, size)
        if first >= 0:
            out[size] = first
            size += 1
        if second:
            out[size] = second
            size += 1
        at = done = place
    return _finish(text, n, out, done, size)


# --- entities ----------------------------------------------------------------------------
@numba.njit(cache=True, nogil=True)
def _after_scheme(text, at):
    """The place behind `http://`, `https://`, `ftp://` or `www.`, or 0."""
    lower = text[at] | 32
    if lower == 119:  # w
        if text[at + 1] | 32 == 119 and text[at + 2] | 32 == 119 and text[at + 3] == _DOT:
            return at + 4
        return 0
    if lower == 104:  # h
        if not (text[at + 1] | 32 == 116 and text[at + 2] | 32 == 116):  # t
            return 0
        at += 3
    else:
        if text[at + 1] | 32 != 116:
            return 0
        at += 2
    if text[at] | 32 != 112:  # p
        return 0
    at += 1
    if lower == 104 and text[at] | 32 == 115:  # s
        at += 1
    if text[at] == _COLON and text[at + 1] == _SLASH and text[at + 2] == _SLASH:
        return at + 3
    return 0


@numba.njit(cache=True, nogil=True)
def _urls(text, n, out, classes, after):
    size, done, at = 1, 1, 1
    while at <= n:
        lower = text[at] | 32
        if lower != 104 and lower != 119 and lower != 102:
            at += 1
            continue
        end = _after_scheme(text, at)
        if (
            end == 0
            or classes[text[end]] & (ALNUM | LETTER) == 0
            or classes[text[at - 1]] & NO_URL_BEFORE
        ):
            at += 1
            continue
        end += 1
        while classes[text[end]] & URL_STOP == 0:
            end += 1
        while classes[text[end - 1]] & URL_TAIL:
            end -= 1
        size = _copy(text, done, at, out, size)
        out[size] = after
        size += 1
        at = done = end
    return _finish(text, n, out, done, size)


@numba.njit(cache=True, nogil=True)
def _domain_end(text, at, classes):
    """The end of the furthest domain that starts at `at`, or 0."""
    end = 0
    for label in range(9):
        start, letters = at, True
        while at - start < 64 and (classes[text[at]] & ALNUM or text[at] == _DASH):
            letters = letters and classes[text[at]] & ASCII_LETTER != 0
            at += 1
        length = at - start
        if label and letters and 2 <= length <= 63:
            end = at
        if not (1 <= length <= 63 and text[at] == _DOT):
            break
        at += 1
    return end


@numba.njit(cache=True, nogil=True)
def _emails(text, n, out, classes, after):
    size, done, at = 1, 1, 1
    while at <= n:
        if text[at] == _AT:
            start = at
            while at - start <= 64 and classes[text[start - 1]] & LOCAL:
                start -= 1
            if done <= start < at <= start + 64:
                end = _domain_end(text, at + 1, classes)
                if end:
                    size = _copy(text, done, start, out, size)
                    out[size] = after
                    size += 1
                    at = done = end
                    continue
        at += 1
    return _finish(text, n, out, done, size)


@numba.njit(cache=True, nogil=True)
def _emoji_element(text, at, classes):
    """The end of one element of a sequence, or 0."""
    kind = classes[text[at]]
    if kind & EMOJI and text[at + 1] != _TEXT_SELECTOR:
        at += 1
        if text[at] == _SELECTOR:
            at += 1
    elif kind & IF_SELECTED and text[at + 1] == _SELECTOR:
        at += 2
    else:
        return 0
    if classes[text[at]] & SKIN:
        at += 1
    while classes[text[at]] & FLAG_TAG:
        at += 1
    return at


@numba.njit(cache=True, nogil=True)
def _emoji(text, n, out, classes, after):
    size, done, at = 1, 1, 1
    while at <= n:
        kind = classes[text[at]]
        if kind & (FLAG | KEYCAP_BASE | EMOJI | IF_SELECTED) == 0:
            at += 1
            continue
        end = 0
        if kind & FLAG:
            end = at + 1
            if classes[text[end]] & FLAG:
                end += 1
        elif kind & KEYCAP_BASE:
            place = at + 1
            if text[place] == _SELECTOR:
                place += 1
            if text[place] == _KEYCAP:
                end = place + 1
        else:
            end = _emoji_element(text, at, classes)
            while end and text[end] == _JOINER:
                more = _emoji_element(text, end + 1, classes)
                if more == 0:
                    break
                end = more
        if end == 0:
            at += 1
            continue
        size = _copy(text, done, at, out, size)
        out[size] = after
        size += 1
        at = done = end
    return _finish(text, n, out, done, size)


@numba.njit(cache=True, nogil=True)
def _mentions(text, n, out, classes, after):
    size, done, at = 1, 1, 1
    while at <= n:
        if text[at] != _AT and text[at] != _WIDE_AT:
            at += 1
            continue
        if classes[text[at - 1]] & NO_MENTION_BEFORE:
            at += 1
            continue
        end = at
        while (text[end] == _AT or text[end] == _WIDE_AT) and classes[text[end + 1]] & WORD:
            if end == at:
                size = _copy(text, done, at, out, size)
            out[size] = after
            size += 1
            end += 2
            while classes[text[end]] & WORD:
                end += 1
        if end == at:
            at += 1
        else:
            at = done = end
    return _finish(text, n, out, done, size)


@numba.njit(cache=True, nogil=True)
def _hashtag_end(text, at, classes):
    """The end of the one hashtag that starts at `at`, or 0."""
    if text[at] != _NUMBER and text[at] != _WIDE_HASH:
        return 0
    at += 1
    while classes[text[at]] & TAG_NO_LETTER:
        at += 1
    if classes[text[at]] & TAG_LETTER == 0:
        return 0
    while classes[text[at]] & TAG_BODY:
        at += 1
    return 0 if classes[text[at]] & NO_TAG_AFTER else at


@numba.njit(cache=True, nogil=True)
def _hashtags(text, n, out, classes, after):
    size, done, at = 1, 1, 1
    while at <= n:
        if text[at] != _NUMBER and text[at] != _WIDE_HASH:
            at += 1
            continue
        before = classes[text[at - 1]]
        if before & NO_TAG_BEFORE:
            at += 1
            continue
        start, end = at, _hashtag_end(text, at, classes)
        if end == 0:
            at += 1
            continue
        size = _copy(text, done, at, out, size)
        while end:
            if after == SPLIT:
                if at > start or before & TAG_BODY:
                    out[size] = _SPACE
                    size += 1
                for place in range(at + 1, end):
                    out[size] = _SPACE if text[place] == _UNDERSCORE else text[place]
                    size += 1
            else:
                out[size] = after
                size += 1
            at = done = end
            end = _hashtag_end(text, at, classes)
    return _finish(text, n, out, done, size)


@numba.njit(cache=True, nogil=True)
def _is_zero(code):
    return code == 0x30 or code == 0x660 or code == 0x6F0


@numba.njit(cache=True, nogil=True)
def _ends_phone(text, at, classes):
    """Whether a number may end before `text[at]`."""
    code = text[at]
    if classes[code] & NO_PHONE_AFTER:
        return False
    if code == _DOT or code == _COMMA or code == _COLON or code == _SLASH or code == _DASH:
        return classes[text[at + 1]] & DIGIT == 0
    return True


@numba.njit(cache=True, nogil=True)
def _digits(text, at, classes, most):
    """The end of the digits from `at`, no more than `most`."""
    end = at
    while end - at < most and classes[text[end]] & DIGIT:
        end += 1
    return end


@numba.njit(cache=True, nogil=True)
def _phone_abroad(text, at, start, classes):
    """The end of an international number whose first digit is at `at`, or 0."""
    digits, end = 0, start
    while True:
        place = _digits(text, at, classes, 16)
        if place == at or digits + place - at > 15:
            break
        digits += place - at
        end = place
        # A separator: white space, at most two hyphens, white space.
        white, hyphens = False, 0
        while classes[text[place]] & WHITE:
            place += 1
            white = True
        while hyphens < 2 and classes[text[place]] & PHONE_HYPHEN:
            place += 1
            hyphens += 1
        if hyphens:
            while classes[text[place]] & WHITE:
                place += 1
                white = True
        if place == end or (digits >= 11 and white):
            break
        at = place
    return end if digits >= 8 and _ends_phone(text, end, classes) else 0


@numba.njit(cache=True, nogil=True)
def _phone_at_home(text, start, classes):
    """The end of a national number that starts at `start`, or 0."""
    if not (_is_zero(text[start]) and classes[text[start + 1]] & NOT_ZERO):
        return 0
    first = start + 2
    end = _digits(text, first, classes, 9)
    if end - first >= 7 and _ends_phone(text, end, classes):
        return end
    # Groups, if 9 to 11 digits follow one another with at most one part between two.
    digits, end = 0, start
    while digits < 11:
        place = end + 1 if classes[text[end]] & PHONE_PART else end
        if classes[text[place]] & DIGIT == 0:
            break
        end = place + 1
        digits += 1
    if digits >= 9 and _ends_phone(text, end, classes):
        end = _digits(text, first, classes, 3)
        if end > first:
            groups = 0
            while groups < 2 and classes[text[end]] & PHONE_PART:
                place = _digits(text, end + 1, classes, 4)
                if place - end < 4:
                    break
                end = place
                groups += 1
            if groups and _ends_phone(text, end, classes):
                return end
    # Pairs.
    end = first
    for _ in range(4):
        if not (
            classes[text[end]] & PHONE_PART
            and classes[text[end + 1]] & DIGIT
            and classes[text[end + 2]] & DIGIT
        ):
            return 0
        end += 3
    return end if _ends_phone(text, end, classes) else 0


@numba.njit(cache=True, nogil=True)
def _phones(text, n, out, classes, after):
    size, done, at = 1, 1, 1
    while at <= n:
        code = text[at]
        if not (code == _PLUS or _is_zero(code)) or classes[text[at - 1]] & NO_PHONE_BEFORE:
            at += 1
            continue
        sign = 0
        if code == _PLUS:
            sign = at + 2 if text[at + 1] == _OPENING else at + 1
        elif _is_zero(text[at + 1]):
            sign = at + 2
        if sign and classes[text[sign]] & NOT_ZERO:
            end = _phone_abroad(text, sign, at, classes)
        else:
            end = _phone_at_home(text, at, classes)
        if end == 0:
            at += 1
            continue
        size = _copy(text, done, at, out, size)
        out[size] = after
        size += 1
        at = done = end
    return _finish(text, n, out, done, size)


# --- rows --------------------------------------------------------------------------------
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
        return _read_tags(text, n, out, tables.classes, tables.tags, tables.places)
    if rule == MARKUP_TAGS:
        return _tags(text, n, out, tables.classes, tables.elements, tables.kinds)
    if rule == REFERENCES:
        return _references(
            text, n, out, tables.classes, tables.reference_hashes, tables.reference_spans,
            tables.reference_names, tables.reference_values, tables.low_references,
        )  # fmt: skip
    if rule == URLS:
        return _urls(text, n, out, tables.classes, after)
    if rule == EMAILS:
        return _emails(text, n, out, tables.classes, after)
    if rule == EMOJIS:
        return _emoji(text, n, out, tables.classes, after)
    if rule == MENTIONS:
        return _mentions(text, n, out, tables.classes, after)
    if rule == HASHTAGS:
        return _hashtags(text, n, out, tables.classes, after)
    return _phones(text, n, out, tables.classes, after)


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
            out_at = _copy(data, at, end, out, out_at)
        status[row] = result
        out_ends[row] = out_at
    return len(starts), out_at


def prepare(
    data: Any, starts: Any, ends: Any, tables: EntityTables, out: Any = None
) -> tuple[Any, Any, Any, Any]:
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
