"""Tables for `arabench.text.compiled.entity_kernel`, made from the rules that they stand for.

Character classes are those of the patterns in `entities`, read by running them; what may
stand around an entity and what a rule writes are found by applying it to examples;
elements and character references are those of `markup` and of the standard library. A
change there changes these tables.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arabench import chars
from arabench.text.hashes import fnv1a
from arabench.text.rules import entities, markup
from arabench.text.rules.rule import Rule

#: Stands before and behind a row: a "character" that only ends web addresses.
END: Final = 0x110000

# Class bits of a code point.
ALNUM, ASCII_LETTER, DIGIT, NOT_ZERO = 1, 2, 4, 8
LETTER, WORD, WHITE, LOCAL = 1 << 4, 1 << 5, 1 << 6, 1 << 7
URL_STOP, URL_TAIL, TAG_BODY, TAG_LETTER = 1 << 8, 1 << 9, 1 << 10, 1 << 11
TAG_NO_LETTER, EMOJI, IF_SELECTED, SKIN = 1 << 12, 1 << 13, 1 << 14, 1 << 15
FLAG_TAG, FLAG, KEYCAP_BASE, TAG_PLACE = 1 << 16, 1 << 17, 1 << 18, 1 << 19
HEX, PHONE_PART, PHONE_HYPHEN = 1 << 20, 1 << 21, 1 << 22
# What an entity does not follow, and what does not follow one.
NO_URL_BEFORE, NO_MENTION_BEFORE, NO_TAG_BEFORE = 1 << 23, 1 << 24, 1 << 25
NO_PHONE_BEFORE, NO_TAG_AFTER, NO_PHONE_AFTER = 1 << 26, 1 << 27, 1 << 28

#: The rules in the order in which they run; their places in `EntityTables.after` and, as
#: bits, in `EntityTables.triggers`.
RULES: Final = (
    "tags-read", "markup-tags", "markup-references", "urls", "emails", "emoji", "mentions",
    "hashtags", "phones",
)  # fmt: skip
TAGS_READ, MARKUP_TAGS, REFERENCES, URLS, EMAILS, EMOJIS, MENTIONS, HASHTAGS, PHONES = range(9)

#: `EntityTables.after` where a rule is off, and where hashtags become their words.
OFF, SPLIT = -1, -2

# Kinds of elements: what a tag becomes; script and style take their content along.
BLOCK, CELL, INLINE, SCRIPT, STYLE = 1, 2, 3, 4, 5
#: Element names are numbers in base 37, which 63 bits hold up to this length.
MAX_NAME: Final = 12

_EXAMPLES: Final = {
    "urls": "http://a",
    "emails": "a@b.cc",
    "emoji": "\U0001f600",  # GRINNING FACE
    "mentions": "@a",
    "hashtags": "#a",
    "phones": "0512345678",
}
#: Characters tried for keeping an entity from being one, full-width forms with them. Tests
#: go through all others.
_NEIGHBOURS: Final = (*range(0x700), *range(0xFF00, 0xFF70))


class EntityTables(NamedTuple):
    """Input of `entity_kernel.prepare_rows`.

    Attributes:
        after: (9,) int64: by rule, OFF, SPLIT, or the code point it writes (0 where it
            writes something else).
        triggers: (65536,) uint16: for two bytes, little-endian, the rules (1 << place in
            RULES) that may find something in a row that holds these bytes. Only rules
            that are on.
        classes: (0x110001,) uint32: class bits of code points and of END.
        tags: (n, longest + 1) int32: texts of tags that are protected, each ended by END;
            places: (n,) int32: the characters of `chars.TAG_PLACES` they become.
        elements: (n,) int64: names of elements, sorted, and kinds: (n,) uint8.
        reference_hashes: (n,) uint64, sorted, of names as in `html.entities.html5`;
            reference_spans: (n,) int32 and reference_names: uint8: the names;
            reference_values: (n, 2) int32: their one or two code points, else 0.
        low_references: (256,) int32: what `&#n;` becomes, -1 for nothing.
    """

    after: NDArray[np.int64]
    triggers: NDArray[np.uint16]
    classes: NDArray[np.uint32]
    tags: NDArray[np.int32]
    places: NDArray[np.int32]
    elements: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    reference_hashes: NDArray[np.uint64]
    reference_spans: NDArray[np.int32]
    reference_names: NDArray[np.uint8]
    reference_values: NDArray[np.int32]
    low_references: NDArray[np.int32]


def fits(rules: Sequence[Rule], rule: Rule) -> bool:
    """Whether the kernel can run `rule` in the same pass, after `rules` that it can."""
    if rule.name not in RULES:
        return False
    return all(RULES.index(earlier.name) < RULES.index(rule.name) for earlier in rules)


def build_tables(rules: Sequence[Rule]) -> EntityTables:
    """Tables for rules of which each `fits` after those before it."""
    after = np.full(len(RULES), OFF, dtype=np.int64)
    tags: list[tuple[str, str]] = []
    for rule in rules:
        place = RULES.index(rule.name)
        after[place] = 0
        if rule.name == "tags-read":
            tags = _tags_read(rule)
        elif rule.name in _EXAMPLES:
            written = rule.apply(_EXAMPLES[rule.name])
            after[place] = SPLIT if (rule.name, written) == ("hashtags", "a") else ord(written)
    assert len({text[0] for text, _ in tags}) <= 1  # the kernel looks for it
    longest = max((len(text) for text, _ in tags), default=0)
    elements, kinds = _elements()
    return EntityTables(
        after,
        _triggers([rule.name for rule in rules], [text for text, _ in tags]),
        _classes(),
        np.asarray(
            [[*map(ord, text), *[END] * (longest + 1 - len(text))] for text, _ in tags],
            dtype=np.int32,
        ).reshape(len(tags), longest + 1),
        np.asarray([ord(place) for _, place in tags], dtype=np.int32),
        elements,
        kinds,
        *_references(),
    )


def _tags_read(rule: Rule) -> list[tuple[str, str]]:
    """The tags that a `read_tags` rule knows, and what it makes of them."""
    texts = [text for style in entities.TAGS.values() for text in style.values()]
    return [(text, rule.apply(text)) for text in texts if rule.apply(text) in chars.TAG_PLACES]


@functools.cache
def _classes() -> NDArray[np.uint32]:
    """Class bits, by running the character classes that the patterns are made of."""
    table = np.zeros(END + 1, dtype=np.uint32)
    alnum, every = entities.ALNUM, "".join(map(chr, range(END)))
    letter, latin = entities.LETTER, chars.char_class(chars.LATIN_LETTERS)
    marks, digit = chars.char_class(chars.MARKS), entities.DIGIT
    for bit, body in (
        (ALNUM, alnum),
        (ASCII_LETTER, "A-Za-z"),
        (DIGIT, digit),
        (NOT_ZERO, entities.NOT_ZERO),
        (LETTER, letter),
        (WORD, entities.WORD),
        (WHITE, entities.WHITE),
        (LOCAL, f"{alnum}._%+\\-"),
        (URL_STOP, chars.char_class(entities.URL_STOPS)),
        (URL_TAIL, chars.char_class(entities.URL_TAIL)),
        (TAG_BODY, f"{entities.WORD}{latin}\u200c"),
        (TAG_LETTER, f"{letter}{latin}"),
        (TAG_NO_LETTER, f"_{digit}{marks}\u200c"),
        (EMOJI, chars.char_class(chars.EMOJI)),
        (IF_SELECTED, chars.char_class(chars.EMOJI_IF_SELECTED)),
        (SKIN, chars.char_class(chars.SKIN_TONES)),
        (FLAG_TAG, chars.char_class(chars.FLAG_TAGS)),
        (FLAG, chars.char_class(chars.FLAG_LETTERS)),
        (KEYCAP_BASE, chars.char_class(chars.KEYCAP_BASES)),
        (TAG_PLACE, chars.char_class(chars.TAG_PLACES)),
        (HEX, "0-9A-Fa-f"),
        (PHONE_PART, entities.PART[1:-1]),
        (PHONE_HYPHEN, entities.HYPHENS),
    ):
        for run in re.finditer(f"[{body}]+", every):
            table[run.start() : run.end()] |= bit
    for bit, rule, text in (
        (NO_URL_BEFORE, entities.urls("tag"), "{}www.a"),
        (NO_MENTION_BEFORE, entities.mentions("tag"), "{}@a"),
        (NO_TAG_BEFORE, entities.hashtags("tag"), "{}#a"),
        (NO_TAG_AFTER, entities.hashtags("tag"), "#a{}"),
        (NO_PHONE_BEFORE, entities.phones("tag"), "{}+966501234567"),
        (NO_PHONE_AFTER, entities.phones("tag"), "05123456789{}"),
    ):
        for code in _NEIGHBOURS:
            around = text.format(chr(code))
            if rule.apply(around) == around:
                table[code] |= bit
    table[END] = URL_STOP
    return table


def _triggers(names: Sequence[str], tags: Sequence[str]) -> NDArray[np.uint16]:
    """Pairs of bytes without which a rule finds nothing."""
    table = np.zeros((256, 256), dtype=np.uint16)  # [second, first]: little-endian pairs

    def mark(name: str, first: Iterable[int], second: Iterable[int]) -> None:
        if name in names:
            for byte in first:
                table[list(second), byte] |= 1 << RULES.index(name)

    def mark_chars(name: str, members: Iterable[str]) -> None:
        for start in {char.encode()[:2] for char in members}:
            mark(name, start[:1], start[1:])

    every, digits = range(256), b"0123456789\xd9\xdb"  # and what Arabic digits start with
    letters = bytes({*range(65, 91), *range(97, 123)})
    mark_chars("tags-read", chars.TAG_PLACES)
    for text in tags:
        mark("tags-read", text.encode()[:1], text.encode()[1:2])
    mark("markup-tags", b"<", letters + b"!?/")
    mark("markup-references", b"&", letters + b"#")
    mark("urls", b":", b"/")
    mark("urls", b"wW", b"wW")
    mark("emails", b"@", every)
    mark("mentions", b"@", every)
    mark("hashtags", b"#", every)
    mark_chars("mentions", "\uff20")  # FULLWIDTH COMMERCIAL AT
    mark_chars("hashtags", "\uff03")  # FULLWIDTH NUMBER SIGN
    # The characters that are emoji only with one of these need not be looked for.
    selectors = {chars.EMOJI_SELECTOR, chars.KEYCAP}
    mark_chars("emoji", chars.EMOJI | chars.FLAG_LETTERS | selectors)
    mark("phones", b"+", digits + b"(")
    mark("phones", b"0", digits)
    mark_chars("phones", entities.ZERO[1:])
    return table.reshape(-1)


def element_number(name: str) -> int:
    """A name of lower-case ASCII letters and digits as the kernel computes it."""
    number = 0
    for char in name:
        number = number * 37 + (ord(char) - 86 if char >= "a" else ord(char) - 47)
    return number


def _elements() -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    kinds = dict.fromkeys(markup.INLINE, INLINE)
    kinds |= dict.fromkeys(markup.CELLS, CELL) | dict.fromkeys(markup.BLOCKS, BLOCK)
    kinds |= {"script": SCRIPT, "style": STYLE}
    assert {"script", "style"} == markup.RAW <= markup.INLINE
    assert max(map(len, kinds)) <= MAX_NAME
    table = sorted((element_number(name), kind) for name, kind in kinds.items())
    return (
        np.asarray([number for number, _ in table], dtype=np.int64),
        np.asarray([kind for _, kind in table], dtype=np.uint8),
    )


@functools.cache
def _references() -> tuple[
    NDArray[np.uint64], NDArray[np.int32], NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32]
]:
    from html.entities import html5

    table = sorted((fnv1a(name.encode()), name.encode(), value) for name, value in html5.items())
    assert len({value for value, _, _ in table}) == len(table)
    assert max(map(len, html5.values())) <= 2
    rule = markup.decode_references()
    low = [rule.apply(f"&#{number};") for number in range(256)]
    return (
        np.asarray([value for value, _, _ in table], dtype=np.uint64),
        np.cumsum([0, *(len(name) for _, name, _ in table)], dtype=np.int32),
        np.frombuffer(b"".join(name for _, name, _ in table), dtype=np.uint8),
        np.asarray(
            [[ord(value[0]), ord(value[1]) if value[1:] else 0] for _, _, value in table],
            dtype=np.int32,
        ),
        np.asarray([ord(char) if char else -1 for char in low], dtype=np.int32),
    )
