r"""Words of many texts at once: character classes, folded words and their 64-bit hashes.

Filters and deduplication look at every word of a corpus. A Python object per word would
cost more than everything else they do, so a block of texts becomes arrays: one class per
character, one hash per word. Two words have the same hash when they differ only in what
`arabench.text.rules.folding` ignores (diacritics, tatweel, alif and hamza forms, final ya, ta
marbuta, digits of other scripts, the case of ASCII letters). Words end at white space,
punctuation and symbols; links (`arabench.text.rules.links`) are no words. The hashes are those of
`arabench.text.hash_arrays`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from arabench import chars
from arabench.text.hash_arrays import I64, U64, RunningHash
from arabench.text.rules.folding import ALIKE, folding
from arabench.text.rules.links import link_spans

Flags = npt.NDArray[np.bool_]

#: Character classes; every code point has exactly one.
ARABIC: Final = 1  # letters of Arabic script
LETTER: Final = 2  # letters of any other script
DIGIT: Final = 4
SYMBOL: Final = 8
PUNCTUATION: Final = 16
SPACE: Final = 32  # white space and line breaks
IGNORED: Final = 64  # marks, tatweel and what shows nothing
LINK: Final = 128  # links, mentions, e-mail addresses
OTHER_THAN_ARABIC: Final = (LETTER, DIGIT, SYMBOL, PUNCTUATION, SPACE, IGNORED, LINK)

#: Texts are scanned in blocks of about this many characters: arrays that stay in cache.
BLOCK_CHARS: Final = 1 << 16

#: Of a longer text only so much is scanned (a book of some 350,000 words): memory is about
#: 50 bytes per character of the longest text.
MAX_TEXT_CHARS: Final = 1 << 21

#: Folded values that are no letters.
_BREAK: Final = 0
_DROP: Final = 1
_EXPAND: Final = 2

#: ASCII signs that prose has few of and markup, code and spam many.
_ASCII_SYMBOLS: Final = "#*+<=>\\^_`{|}~"
#: Blocks of symbols: no letter or mark of a script is in them.
_SYMBOL_SPANS: Final = (
    (0x20A0, 0x20CF),  # Currency Symbols
    (0x2100, 0x214F),  # Letterlike Symbols
    (0x2190, 0x2BFF),  # Arrows to Miscellaneous Symbols and Arrows
    (0xE000, 0xF8FF),  # Private Use Area
    (0xFFF9, 0xFFFF),  # Specials, REPLACEMENT CHARACTER with them
    (0xD800, 0xDFFF),  # lone surrogates
    (0x1F000, 0x1FAFF),  # emoji and pictographs
    (0xF0000, 0x10FFFF),  # Supplementary Private Use Areas
)
_LATIN1_SYMBOLS: Final = (
    "\u00a2\u00a3\u00a4\u00a5\u00a6\u00a7\u00a8"  # CENT SIGN to DIAERESIS
    "\u00a9\u00ac\u00ae\u00af\u00b0\u00b1"  # COPYRIGHT, NOT, REGISTERED, MACRON, DEGREE, PLUS-MINUS
    "\u00b4\u00b6\u00b8\u00d7\u00f7"  # ACUTE, PILCROW, CEDILLA, MULTIPLICATION, DIVISION SIGN
)
#: Spans that show nothing by themselves: combining marks of Latin, variation selectors.
_IGNORED_SPANS: Final = ((0x0300, 0x036F), (0x20D0, 0x20FF), (0xFE00, 0xFE0F))
#: General Punctuation and CJK punctuation, beyond `chars.PUNCTUATION`.
_PUNCTUATION_SPANS: Final = ((0x2010, 0x2027), (0x2030, 0x205E), (0x3001, 0x303F))


@functools.cache
def _ligatures() -> tuple[re.Pattern[str], dict[str, str]]:
    """Presentation forms that stand for several letters or for a phrase."""
    several = {form: word for form, word in folding().letters.items() if len(word) > 1}
    several |= folding().phrases
    return re.compile(f"[{chars.char_class(several)}]"), several


@functools.cache
def _tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Class and folded value of every code point."""
    size = 0x110000
    classes = np.full(size, LETTER, dtype=np.uint8)

    def mark(characters: Any, value: int) -> None:
        classes[[ord(char) for char in characters]] = value

    for spans, value in (
        (_SYMBOL_SPANS, SYMBOL),
        (_PUNCTUATION_SPANS, PUNCTUATION),
        (_IGNORED_SPANS, IGNORED),
    ):
        for first, last in spans:
            classes[first : last + 1] = value
    mark(chars.ARABIC_SCRIPT, PUNCTUATION)  # what is no letter, mark or digit below
    mark(chars.LETTERS | set(chars.PRESENTATION_FORMS), ARABIC)
    mark(chars.PUNCTUATION, PUNCTUATION)
    mark(_ASCII_SYMBOLS, SYMBOL)
    mark(_LATIN1_SYMBOLS, SYMBOL)
    mark(chars.LATIN_DIGITS + chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS, DIGIT)
    mark(chars.HORIZONTAL_SPACE | chars.LINE_BREAKS, SPACE)
    arabic = folding()
    mark(arabic.ignored, IGNORED)

    folded = np.arange(size, dtype=np.uint32)

    for source, target in ALIKE.items():
        folded[ord(source)] = ord(target)
    for source, word in arabic.letters.items():
        folded[ord(source)] = ord(word) if len(word) == 1 else _EXPAND
    folded[[ord(form) for form in arabic.phrases]] = _EXPAND
    folded[(classes == SPACE) | (classes == PUNCTUATION) | (classes == SYMBOL)] = _BREAK
    folded[classes == IGNORED] = _DROP
    return classes, folded


@dataclass(slots=True)
class Block:
    """Scanned texts.

    Attributes:
        given: the texts, each followed by one line feed.
        text: the same with the letters of ligatures; the same object where there are none.
        codes: code point of every character of `text`.
        classes: class of every character of `text`.
        text_starts: place of the first character of every text, and the end of all; (texts + 1,).
        hashes: hash of every word, in order; (words,).
        tails: hash of every word without its first letter; (words,).
        firsts: first folded code point of every word; (words,).
        lengths: folded characters of every word; (words,).
        digits: digits of every word; (words,).
        starts: place of every word in `classes`; (words,).
        text_words: index of the first word of every text, and the number of words; (texts + 1,).
        breaks: places of line feeds in `classes`.
        folded: folded code points without what is ignored, 0 where a word ends; (folded,).
        text_folded: place of the first folded code point of every text, and their number;
            (texts + 1,).
    """

    given: str
    text: str
    codes: npt.NDArray[np.uint32]
    classes: npt.NDArray[np.uint8]
    text_starts: I64
    hashes: U64
    tails: U64
    firsts: npt.NDArray[np.uint32]
    lengths: I64
    digits: I64
    starts: I64
    text_words: I64
    breaks: I64
    folded: npt.NDArray[np.uint32]
    text_folded: I64


def blocks(texts: Sequence[str], block_chars: int = BLOCK_CHARS) -> Iterator[Block]:
    """Scanned texts in order, in blocks of about `block_chars` characters."""
    start, size = 0, 0
    for place, text in enumerate(texts):
        size += min(len(text), MAX_TEXT_CHARS) + 1
        if size >= block_chars:
            yield scan(texts[start : place + 1])
            start, size = place + 1, 0
    if start < len(texts):
        yield scan(texts[start:])


def scan(texts: Sequence[str]) -> Block:
    """Classes, words and hashes of texts. Total: any string, lone surrogates included."""
    class_table, fold_table = _tables()
    if max(map(len, texts), default=0) > MAX_TEXT_CHARS:
        texts = [text[:MAX_TEXT_CHARS] for text in texts]
    given = joined = "\n".join(texts) + "\n"
    points = code_points(joined)
    folded = fold_table[points]
    if bool((points >= 0xFB50).any()) and bool((folded == _EXPAND).any()):
        texts = [_without_ligatures(text) for text in texts]
        joined = "\n".join(texts) + "\n"
        points = code_points(joined)
        folded = fold_table[points]
    classes = class_table[points]
    for start, end in link_spans(joined):
        folded[start:end] = _BREAK
        classes[start:end] = LINK
    text_starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(text) + 1 for text in texts], out=text_starts[1:])
    breaks = np.flatnonzero(points == 10)

    places: I64 | None = None  # of the kept characters
    kept = folded != _DROP
    if not kept.all():
        places = np.flatnonzero(kept)
        folded = folded[places]
    edges = np.flatnonzero(np.diff(folded != _BREAK, prepend=False))
    starts, ends = edges[0::2], edges[1::2]  # the last character is a line feed: pairs
    hashes = RunningHash(folded)
    digit_sum = np.zeros(len(folded) + 1, dtype=np.int32)
    np.cumsum((folded - np.uint32(48)) < 10, out=digit_sum[1:])
    original = starts if places is None else places[starts]
    return Block(
        given=given,
        text=joined,
        codes=points,
        classes=classes,
        text_starts=text_starts,
        hashes=hashes.of(starts, ends),
        tails=hashes.of(starts + 1, ends),
        firsts=folded[starts],
        lengths=ends - starts,
        digits=(digit_sum[ends] - digit_sum[starts]).astype(np.int64),
        starts=original,
        text_words=np.searchsorted(original, text_starts),
        breaks=breaks,
        folded=folded,
        text_folded=text_starts if places is None else np.searchsorted(places, text_starts),
    )


def _without_ligatures(text: str) -> str:
    """The text with the letters of ligatures, but in links, which would end at a phrase."""
    pattern, forms = _ligatures()
    if pattern.search(text) is None:
        return text
    parts: list[str] = []
    position = 0
    for start, end in [*link_spans(text), (len(text), len(text))]:
        parts += [
            pattern.sub(lambda found: forms[found[0]], text[position:start]),
            text[start:end],
        ]
        position = end
    return "".join(parts)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """The code points of a text, lone surrogates included; (characters,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
