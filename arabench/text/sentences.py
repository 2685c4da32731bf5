"""Sentence segmentation of Arabic text: spans that rejoin to the text exactly.

Rules, in the order in which they decide about a run of terminators:

1. A line break always ends a sentence.
2. `؟ ? ! ۔` and the ellipsis end one; a comma, a semicolon and a colon never do.
3. A full stop does not where it belongs to a number (3.14, a list item "1."), to an
   abbreviation (one Arabic letter as in "د." and "ص.ب.", a listed one, a Latin initial),
   or to a Latin name (example.com, e.g.).
4. A full stop needs white space behind it, or an Arabic letter where the word before it
   has three letters or more: web text often leaves the space out.
5. Inside a quotation that closes within `MAX_QUOTE_CHARS` nothing ends a sentence, and a
   terminator just before the closing mark only when another quotation or nothing follows.

White space belongs to the sentence before it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from arabench import chars

#: A quotation longer than this, or one that is never closed, does not protect what is in it.
MAX_QUOTE_CHARS: Final = 200
#: Words before a full stop that are no ends: titles, units, references, eras.
ABBREVIATIONS: Final = frozenset(
    {"أ.د", "م.م", "ص.ب", "ق.م", "ق.ه", "ت.ع", "ج.م.ع", "إلخ", "هـ", "كم", "سم", "مم", "كغ", "كجم"}
    | {"Dr", "Mr", "Mrs", "Ms", "Prof", "St", "vs", "etc", "al", "No", "Vol", "pp", "Fig"}
)
#: Characters before a full stop that are looked at to find its word.
_LOOK_BACK: Final = 40
_OPENING: Final = {"«": "»", "“": "”", "‹": "›"}
_CLOSERS: Final = "»”›\"')]}"

_LETTER = chars.char_class(chars.LETTERS - {chars.TATWEEL})
_MARK = chars.char_class(chars.MARKS)
_BREAKS = chars.char_class(chars.LINE_BREAKS)
_SPACES = chars.char_class(chars.HORIZONTAL_SPACE)
_STOPS = ".!?…" + chars.ARABIC_QUESTION + chars.ARABIC_FULL_STOP
_CANDIDATE = re.compile(
    f"[{re.escape(_STOPS)}]+(?P<closers>[{re.escape(_CLOSERS)}]*)|[{_BREAKS}]+|[«“‹]"
)
_WORD_BEFORE = re.compile(rf"[\w.{_MARK}]*\Z")
_ARABIC = re.compile(f"[{_LETTER}]")
_GAP = re.compile(f"[{_SPACES}{_BREAKS}]*")


class Span(NamedTuple):
    """A sentence as character offsets: `text[start:end]`, trailing white space included."""

    start: int
    end: int


def sentence_spans(text: str) -> list[Span]:
    """Sentences of `text` in order; the spans cover it without gaps.

    >>> [text[a:b] for text in ["مرحبا. كيف حالك؟ بخير"] for a, b in sentence_spans(text)]
    ['مرحبا. ', 'كيف حالك؟ ', 'بخير']
    """
    spans: list[Span] = []
    start = position = 0
    while (match := _CANDIDATE.search(text, position)) is not None:
        first = match.group()[0]
        position = match.end()
        if first in _OPENING:
            position = _after_quotation(text, match.start())
            if position > match.end() and _ends_after_quotation(text, position):
                start, position = _close(text, spans, start, position)
        elif first in chars.LINE_BREAKS or _is_end(text, match):
            start, position = _close(text, spans, start, position)
    if start < len(text):
        spans.append(Span(start, len(text)))
    return spans


def sentences(text: str) -> list[str]:
    """The sentences without surrounding white space; empty ones are left out."""
    found = (text[start:end].strip() for start, end in sentence_spans(text))
    return [sentence for sentence in found if sentence]


def _close(text: str, spans: list[Span], start: int, position: int) -> tuple[int, int]:
    """End a sentence at `position` and the white space behind it."""
    gap = _GAP.match(text, position)
    end = gap.end() if gap else position
    if not text[start:end].strip() and spans:
        spans[-1] = Span(spans[-1].start, end)  # only white space: it belongs to what precedes
    else:
        spans.append(Span(start, end))
    return end, end


def _after_quotation(text: str, opening: int) -> int:
    """Position after the closing mark, or after the opening one when it protects nothing."""
    mark = _OPENING[text[opening]]
    closing = text.find(mark, opening + 1, opening + 1 + MAX_QUOTE_CHARS)
    line = re.search(f"[{_BREAKS}]", text[opening + 1 : closing + 1])
    return opening + 1 if closing < 0 or line else closing + 1


def _ends_after_quotation(text: str, position: int) -> bool:
    """A quotation that ends with a terminator ends a sentence before another or nothing."""
    if text[position - 2] not in _STOPS:
        return False
    gap = _GAP.match(text, position)
    after = gap.end() if gap else position
    return after == len(text) or text[after] in _OPENING


def _is_end(text: str, match: re.Match[str]) -> bool:
    """Whether a run of terminators (and closing marks) ends a sentence."""
    stops = match.group()[: len(match.group()) - len(match["closers"] or "")]
    following = text[match.end() : match.end() + 1]
    if following and following in chars.PUNCTUATION - set(_OPENING):
        return False  # "؟،" and the like: the sentence goes on
    if stops != ".":
        return not following or following.isspace() or _ARABIC.match(following) is not None
    found = _WORD_BEFORE.search(text[max(0, match.start() - _LOOK_BACK) : match.start()])
    word = found.group() if found else ""
    if following and not following.isspace():
        letters = len(_ARABIC.findall(word.rpartition(".")[2]))
        return letters >= 3 and _ARABIC.match(following) is not None
    return not _is_abbreviation(word, text, match.start() - len(word))


def _is_abbreviation(word: str, text: str, start: int) -> bool:
    last = word.rpartition(".")[2]
    if word in ABBREVIATIONS or last in ABBREVIATIONS:
        return True
    if last.isdigit():  # a list item at the start of a line
        before = text[max(0, start - _LOOK_BACK) : start].rstrip(" \t")
        return word == last and len(last) <= 2 and (not before or before[-1] in chars.LINE_BREAKS)
    bare = "".join(char for char in last if char not in chars.MARKS)
    return len(bare) == 1 and bare.isalpha()
