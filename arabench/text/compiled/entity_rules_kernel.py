"""The rules of `entities` compiled: links, addresses, emoji, mentions, hashtags, phones.

The references in `entities` define what they do; rows stand as `rewrite_kernel` says.
"""

from __future__ import annotations

import numba

from arabench import chars
from arabench.text.compiled.entity_tables import (
    ALNUM,
    ASCII_LETTER,
    DIGIT,
    EMOJI,
    END,
    FLAG,
    FLAG_TAG,
    IF_SELECTED,
    KEYCAP_BASE,
    LETTER,
    LOCAL,
    NO_MENTION_BEFORE,
    NO_PHONE_AFTER,
    NO_PHONE_BEFORE,
    NO_TAG_AFTER,
    NO_TAG_BEFORE,
    NO_URL_BEFORE,
    NOT_ZERO,
    PHONE_HYPHEN,
    PHONE_PART,
    SKIN,
    SPLIT,
    TAG_BODY,
    TAG_LETTER,
    TAG_NO_LETTER,
    TAG_PLACE,
    URL_STOP,
    URL_TAIL,
    WHITE,
    WORD,
)
from arabench.text.compiled.rewrite_kernel import copy, finish

_TEXT_SELECTOR = ord(chars.TEXT_SELECTOR)
_SELECTOR = ord(chars.EMOJI_SELECTOR)
_KEYCAP = ord(chars.KEYCAP)
_JOINER = ord(chars.ZERO_WIDTH_JOINER)
_REPLACEMENT = ord(chars.REPLACEMENT)
_WIDE_AT = 0xFF20  # FULLWIDTH COMMERCIAL AT
_WIDE_HASH = 0xFF03  # FULLWIDTH NUMBER SIGN

# ASCII as the functions below name it.
_SPACE, _NUMBER, _PLUS, _DASH, _DOT, _SLASH, _COLON = 32, 35, 43, 45, 46, 47, 58
_AT, _OPENING, _COMMA, _UNDERSCORE = 64, 40, 44, 95


@numba.njit(cache=True, nogil=True)
def read_tags(text, n, out, classes, tags, places):
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
        size = copy(text, done, at, out, size)
        out[size] = after
        size += 1
        at = done = end
    return finish(text, n, out, done, size)


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
def urls(text, n, out, classes, after):
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
        size = copy(text, done, at, out, size)
        out[size] = after
        size += 1
        at = done = end
    return finish(text, n, out, done, size)


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
def emails(text, n, out, classes, after):
    size, done, at = 1, 1, 1
    while at <= n:
        if text[at] == _AT:
            start = at
            while at - start <= 64 and classes[text[start - 1]] & LOCAL:
                start -= 1
            if done <= start < at <= start + 64:
                end = _domain_end(text, at + 1, classes)
                if end:
                    size = copy(text, done, start, out, size)
                    out[size] = after
                    size += 1
                    at = done = end
                    continue
        at += 1
    return finish(text, n, out, done, size)


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
def emoji(text, n, out, classes, after):
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
        size = copy(text, done, at, out, size)
        out[size] = after
        size += 1
        at = done = end
    return finish(text, n, out, done, size)


@numba.njit(cache=True, nogil=True)
def mentions(text, n, out, classes, after):
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
                size = copy(text, done, at, out, size)
            out[size] = after
            size += 1
            end += 2
            while classes[text[end]] & WORD:
                end += 1
        if end == at:
            at += 1
        else:
            at = done = end
    return finish(text, n, out, done, size)


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
def hashtags(text, n, out, classes, after):
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
        size = copy(text, done, at, out, size)
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
    return finish(text, n, out, done, size)


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
def phones(text, n, out, classes, after):
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
        size = copy(text, done, at, out, size)
        out[size] = after
        size += 1
        at = done = end
    return finish(text, n, out, done, size)
