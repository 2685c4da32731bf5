"""Sentence segmentation of Arabic text: spans that rejoin to the text exactly.

The rules:

1. A line break ends a sentence. So does the Quranic end of a verse, with its number,
   and a bullet starts a new one.
2. `؟ ! ? ۔` end one; a comma, a semicolon and a colon never do, nor does a stop with one
   of these behind it ("؟،").
3. An ellipsis ends one; three dots with white space on both sides are a pause (between
   the halves of a verse, or for what a citation leaves out) and do not.
4. A full stop does not where it belongs to a number (3.14, a list item "1."), to an
   abbreviation (one letter as in "د." and "ص.ب.", or a listed one), or to a Latin name
   (example.com, e.g.). Units and eras behind a number ("5 كم.", "1990 م.", "256 هـ.") and
   "الخ." are written without a stop of their own, so there it ends the sentence: of what
   Arabic Wikipedia has of these, most do.
5. Without white space behind it a full stop ends one only between Arabic words: web text
   often leaves the space out ("متأخرا.ثم") or puts it on the wrong side ("متأخرا .ثم").
6. Inside quotation marks or brackets that close within `MAX_ENCLOSED_CHARS` on the same
   line nothing ends a sentence. Behind them one ends if a full stop closed what they hold
   and no word that reports or goes on ("قال", "ثم") follows; if any stop did and the
   brackets hold the whole sentence; or if that is so of a quotation and another follows.

Closing marks, invisible characters, citations ("[1]"), faces and hearts behind a stop,
and then the white space, belong to the sentence that it ends. No sentence is blank
unless the whole text is. Time grows linearly with the text, whatever it holds.

`arabench.text.sentence_scanner` is the procedure, `arabench.text.compiled.sentence_kernel`
the same compiled, over UTF-8 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from arabench import chars
from arabench.text.sentence_characters import CLASSES, INVISIBLE, WHITE
from arabench.text.sentence_characters import MAX_ENCLOSED_CHARS as MAX_ENCLOSED_CHARS
from arabench.text.sentence_scanner import scan_ends

#: Signature of the rules: raise the number when a span may change.
RULES_VERSION: Final = 2
#: Characters after which `SentenceSplitter` changes to the compiled procedure. The reference
#: needs about half a second for these, which is what loading numba and cached code costs.
COMPILE_AFTER_CHARS: Final = 4_000_000
_ALL_WHITE = "".join(char for char, bits in CLASSES.items() if bits & WHITE)
_SHOWS_NOTHING = "".join(char for char, bits in CLASSES.items() if bits & (WHITE | INVISIBLE))


class Span(NamedTuple):
    """A sentence as character offsets: `text[start:end]`, trailing white space included."""

    start: int
    end: int


def sentence_spans(text: str) -> list[Span]:
    """Sentences of `text` in order; the spans cover it without gaps.

    >>> [text[a:b] for text in ["مرحبا. كيف حالك؟ بخير"] for a, b in sentence_spans(text)]
    ['مرحبا. ', 'كيف حالك؟ ', 'بخير']
    """
    return _spans(scan_ends(text))


def sentences(text: str) -> list[str]:
    """The sentences without surrounding white space; blank ones are left out."""
    found = (trimmed(text, span) for span in sentence_spans(text))
    return [text[start:end] for start, end in found if start < end]


def trimmed(text: str, span: Span) -> Span:
    """`span` without white space at its ends; empty where nothing in it can be seen."""
    sentence = text[span.start : span.end]
    if not sentence.strip(_SHOWS_NOTHING):
        return Span(span.start, span.start)
    start = span.end - len(sentence.lstrip(_ALL_WHITE))
    return Span(start, span.start + len(sentence.rstrip(_ALL_WHITE)))


class SentenceSplitter:
    """Splits batches of texts, with the compiled procedure once there is much text.

    Both give the same spans (tests compare them), so that a run may change from one to
    the other in the middle. Threads may share one splitter.

    Attributes:
        chars_seen: characters split so far.
    """

    def __init__(self, compile_after_chars: int = COMPILE_AFTER_CHARS) -> None:
        self.chars_seen = 0
        self._compile_after = compile_after_chars

    @property
    def signature(self) -> str:
        """Version of the rules and of Unicode."""
        return f"sentences:{RULES_VERSION}|unicode:{chars.UNICODE_VERSION}"

    def split_many(self, texts: Sequence[str]) -> list[list[Span]]:
        """The sentences of each text in order; see `sentence_spans`."""
        self.chars_seen += sum(map(len, texts))
        if self.chars_seen < self._compile_after:
            return [sentence_spans(text) for text in texts]
        from arabench.text.compiled.sentence_kernel import split_encoded

        encoded: list[bytes] = []
        for text in texts:
            try:
                encoded.append(text.encode("utf-8"))
            except UnicodeEncodeError:  # half of a surrogate pair: only the reference takes it
                encoded.append(b"")
        return [
            sentence_spans(text) if text and not ends else _spans(ends)
            for text, ends in zip(texts, split_encoded(encoded), strict=True)
        ]


def _spans(ends: list[int]) -> list[Span]:
    return list(map(Span, [0, *ends], ends))
