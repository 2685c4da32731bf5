"""Lookup tables over code points, as arrays that whole blocks of text are indexed with."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from arabench import chars
from arabench.text.rules.folding import ALIKE, folding

CODE_POINTS: Final = 0x110000

Codes: TypeAlias = NDArray[np.uint32]
Bytes: TypeAlias = NDArray[np.uint8]
Ints: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]


class Kind(IntEnum):
    """What a character is; every code point has exactly one kind."""

    OTHER = 0
    ARABIC = 1
    MARK = 2
    LATIN = 3
    LATIN_DIGIT = 4
    ARABIC_DIGIT = 5
    PUNCTUATION = 6
    SPACE = 7
    EMOJI = 8
    OTHER_LETTER = 9
    INVISIBLE = 10
    BROKEN = 11
    TATWEEL = 12


KINDS: Final = len(Kind)

#: Blocks of Latin letters: ASCII, Latin-1 (with the two signs inside), Extended-A and -B,
#: IPA extensions, Extended Additional, full-width forms.
_LATIN: Final = (
    (0x41, 0x5A),
    (0x61, 0x7A),
    (0xC0, 0x2AF),
    (0x1E00, 0x1EFF),
    (0xFF21, 0xFF3A),
    (0xFF41, 0xFF5A),
)
#: Blocks of other scripts: Greek to Hebrew, Syriac to NKo, Indic to Georgian and on to
#: Greek Extended, kana to Yi, Hangul, Han compatibility and supplementary Han.
_OTHER_LETTERS: Final = (
    (0x370, 0x5F4),
    (0x700, 0x74F),
    (0x780, 0x86F),
    (0x900, 0x1DFF),
    (0x1F00, 0x1FFF),
    (0x3040, 0xA95F),
    (0xAC00, 0xD7FB),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
#: General punctuation, superscripts, currency, letterlike, number forms, CJK punctuation
#: and the signs of Latin-1.
_SYMBOLS: Final = (
    (0xA1, 0xBF),
    (0xD7, 0xD7),
    (0xF7, 0xF7),
    (0x2010, 0x2027),
    (0x2030, 0x205E),
    (0x2070, 0x218F),
    (0x2200, 0x25FF),
    (0x3001, 0x303F),
    (0xFF01, 0xFF0F),
    (0x600, 0x60F),
    (0x61D, 0x61F),
)


def _codes(characters: Iterable[str]) -> list[int]:
    return [ord(char) for char in characters]


@functools.cache
def kind_table() -> Bytes:
    """Code point -> `Kind`."""
    table = np.zeros(CODE_POINTS, dtype=np.uint8)
    for spans, kind in (
        (_OTHER_LETTERS, Kind.OTHER_LETTER),
        (_LATIN, Kind.LATIN),
        (_SYMBOLS, Kind.PUNCTUATION),
    ):
        for first, last in spans:
            table[first : last + 1] = kind
    for characters, kind in (
        (chars.PUNCTUATION, Kind.PUNCTUATION),
        (chars.EMOJI_PARTS, Kind.EMOJI),
        (chars.LETTERS, Kind.ARABIC),
        (chars.PRESENTATION_FORMS, Kind.ARABIC),
        (chars.MARKS, Kind.MARK),
        (chars.QURANIC_MARKS, Kind.MARK),
        (chars.TATWEEL, Kind.TATWEEL),
        (chars.LATIN_DIGITS, Kind.LATIN_DIGIT),
        (chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS, Kind.ARABIC_DIGIT),
        (chars.CONTROLS | chars.ZERO_WIDTH | chars.BIDI_CONTROLS, Kind.INVISIBLE),
        (chars.HORIZONTAL_SPACE | chars.LINE_BREAKS, Kind.SPACE),
        (chars.SURROGATES | {chars.REPLACEMENT}, Kind.BROKEN),
    ):
        table[_codes(characters)] = kind
    return table


# --- words, folded so that spellings meet ---------------------------------------------------
#: What ends a word, what leaves no trace, and what stands for several letters.
BREAK: Final = 0
DROP: Final = 0xFFFF
EXPAND: Final = 0xFFFE
#: Folded letters are ASCII or in the Arabic blocks below this.
FOLDED_CODES: Final = 0x900


@functools.cache
def fold_table() -> NDArray[np.uint16]:
    """Code point -> folded letter or digit, `BREAK`, `DROP` or `EXPAND`.

    Words are those of `arabench.text.rules.folding.fold_words`; digits belong to them, for Arabizi.
    """
    arabic = folding()
    table = np.full(CODE_POINTS, BREAK, dtype=np.uint16)
    for source, target in ALIKE.items():
        table[ord(source)] = table[ord(target)] = ord(target)
    for source, letters in arabic.letters.items():
        table[ord(source)] = ord(letters) if len(letters) == 1 else EXPAND
    table[_codes(arabic.phrases)] = EXPAND
    table[_codes(arabic.ignored)] = DROP
    return table


@functools.cache
def expansions() -> dict[int, NDArray[np.uint16]]:
    """Code point -> the folded letters that it stands for, for all that `EXPAND`.

    The words of a phrase are parted by `BREAK`.
    """
    several = {form: word for form, word in folding().letters.items() if len(word) > 1}
    return {
        ord(form): np.array([BREAK if char == " " else ord(char) for char in word], dtype=np.uint16)
        for form, word in (several | folding().phrases).items()
    }


# --- mojibake -----------------------------------------------------------------------------
#: UTF-8 bytes 0xD8 to 0xDB begin nearly all Arabic letters, 0x80 to 0xBF follow them.
LEAD_1252: Final = 1
TRAIL_1252: Final = 2
LEAD_1256: Final = 4
TRAIL_1256: Final = 8


@functools.cache
def mojibake_table() -> Bytes:
    """Code point -> flags: what a byte of UTF-8 Arabic looks like in another encoding."""
    table = np.zeros(CODE_POINTS, dtype=np.uint8)
    for encodings, leads, lead_flag, trail_flag in (
        (("cp1252", "latin-1"), b"\xd8\xd9\xda\xdb", LEAD_1252, TRAIL_1252),
        (("cp1256",), b"\xd8\xd9", LEAD_1256, TRAIL_1256),
    ):
        for encoding in encodings:
            table[_codes(leads.decode(encoding))] |= lead_flag
            trail = bytes(range(0x80, 0xC0)).decode(encoding, errors="ignore")
            table[_codes(set(trail))] |= trail_flag
    return table


# --- languages in Arabic script --------------------------------------------------------------
#: Letters that Arabic does not have (or keeps for foreign sounds) -> who writes them. Where
#: two languages share a letter it stands with the more widely written one.
LANGUAGE_LETTERS: Final = {
    "persian": "\u067e\u0686\u0698\u06af",  # PEH, TCHEH, JEH, GAF
    "persian_keys": "\u06a9\u06cc",  # KEHEH, FARSI YEH: also Urdu, Kurdish, bad keyboards
    # TTEH, DDAL, RREH, NOON GHUNNA, YEH BARREE, YEH BARREE WITH HAMZA, HEH GOAL and its
    # hamza form, TEH MARBUTA GOAL
    "urdu": "\u0679\u0688\u0691\u06ba\u06d2\u06d3\u06c1\u06c2\u06c3",
    # YEH WITH SMALL V, OE, REH WITH SMALL V BELOW, LAM WITH SMALL V
    "kurdish": "\u06ce\u06c6\u0695\u06b5",
    "ae": "\u06d5",  # AE: a vowel of Kurdish and Uyghur
    # TEH, DAL, REH, NOON WITH RING; REH WITH DOT BELOW AND ABOVE; SEEN WITH DOTS; KAF WITH
    # RING; YEH WITH TAIL; HAH WITH HAMZA, HAH WITH THREE DOTS ABOVE
    "pashto": "\u067c\u0689\u0693\u06bc\u0696\u069a\u06ab\u06cd\u0681\u0685",
    "uyghur": "\u06c7\u06c8\u06cb",  # U, YU, VE
    # BEEH, BEHEH, TEHEH, TTEHEH, DYEH, NYEH, TCHEHEH, DAL WITH DOT BELOW, DAHAL, DDAHAL,
    # DUL, PEHEH, NGOEH, GUEH
    "sindhi": "\u067b\u0680\u067f\u067a\u0684\u0683\u0687"
    "\u068a\u068c\u068d\u068f\u06a6\u06b1\u06b3",
}


@functools.cache
def language_table() -> Bytes:
    """Code point -> 1 + index into `LANGUAGE_LETTERS`; 0 for all others."""
    table = np.zeros(CODE_POINTS, dtype=np.uint8)
    for number, letters in enumerate(LANGUAGE_LETTERS.values(), start=1):
        table[_codes(letters)] = number
    return table
