"""Text to tokenized text and back, exactly.

Words are maximal runs of Arabic letters, marks and tatweel; every other character is copied, and
so are hashtags and mentions, which are names and would no longer be found in pieces.
How tokens are told from words is said in `arabench.morph.marks`.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, cast

from arabench.morph.analysis import Analysis, Segmenter
from arabench.morph.backends import open_backend
from arabench.morph.marks import DEFAULT_MARK as DEFAULT_MARK
from arabench.morph.marks import MARKS as MARKS
from arabench.morph.marks import SIGNS, mark_named, notation_of
from arabench.morph.memo import Memo
from arabench.morph.schemes import (
    DEFAULT_SCHEME,
    SCHEMES_VERSION,
    WORD_CLASS,
    scheme_named,
    tokens_of,
)
from arabench.morph.segmenter import BuiltinSegmenter

if TYPE_CHECKING:
    from arabench.morph.plans import PlannedWriter

_NAME_SIGNS: Final = "#@"
#: Words, hashtags and mentions. Marks and zero-width characters are no `\\w`.
_WORDS: Final = re.compile(f"([{_NAME_SIGNS}][\\w{WORD_CLASS}]+|[{WORD_CLASS}]+)")
_WORD_EDGE: Final = re.compile(f"[{WORD_CLASS}]")


class Detokenizer:
    """Undoes a `Tokenizer` of the same scheme and mark; any text is taken.

    Raises:
        UsageError: the scheme or mark is unknown.
    """

    def __init__(self, scheme: str = DEFAULT_SCHEME, mark: str = DEFAULT_MARK) -> None:
        self._scheme = scheme_named(scheme)
        self._notation = notation_of(mark_named(mark))
        self.signature = f"detokenize:{SCHEMES_VERSION}|scheme:{scheme}|mark:{mark}"

    def detokenize(self, text: str) -> str:
        """The text as it was before."""
        if not self._scheme.split:
            return text
        return self._notation.read(text, surface=self._scheme.surface)

    def detokenize_many(self, texts: Sequence[str]) -> list[str]:
        """The texts as they were before."""
        return [self.detokenize(text) for text in texts]


class Tokenizer:
    """Splits the words of texts into tokens.

    Threads may share one: a segmenter is asked by one thread at a time, and what it does
    depends on nothing but the word (the line, for those that look at context).

    Args:
        scheme: one of `arabench.morph.schemes.SCHEMES`.
        mark: one of `MARKS`.
        backend: a name of `arabench.morph.backends.BACKENDS`, or a segmenter.
        database: what a named backend reads; see `open_backend`.

    Raises:
        UsageError: a name is unknown, or the backend's packages or data are missing.
    """

    def __init__(
        self,
        scheme: str = DEFAULT_SCHEME,
        mark: str = DEFAULT_MARK,
        backend: str | Segmenter = "builtin",
        database: str | None = None,
    ) -> None:
        self._scheme = scheme_named(scheme)
        self.scheme = scheme
        self.mark = mark_named(mark)
        self._notation = notation_of(self.mark)
        self._segmenter = open_backend(backend, database) if isinstance(backend, str) else backend
        self._detokenizer = Detokenizer(scheme, mark)
        self._words = Memo(self._write)
        self._pieces = Memo(self._rewrite_pieces)
        self._lock = threading.Lock()

    @property
    def signature(self) -> str:
        """Versions of the schemes and of the backend, scheme and mark."""
        return (
            f"tokenize:{SCHEMES_VERSION}|scheme:{self.scheme}|mark:{self.mark}"
            f"|backend:{self._segmenter.signature}"
        )

    def tokenize(self, text: str) -> str:
        """`text` with its words split and marked."""
        return self.tokenize_many([text])[0]

    def tokenize_many(self, texts: Sequence[str]) -> list[str]:
        """Each of `texts` with its words split and marked."""
        if not self._scheme.split:
            return list(texts)
        if self._segmenter.in_context:
            return [self._rewrite_in_context(text) for text in texts]
        sign = SIGNS[self.mark]
        plain = [text for text in texts if sign not in text]
        written = iter(self._rewrite_by_pieces(plain))
        if len(plain) == len(texts):
            return list(written)
        others = iter(self._rewrite([text for text in texts if sign in text]))
        return [next(others if sign in text else written) for text in texts]

    def detokenize(self, text: str) -> str:
        """The text of which `text` is the tokenized form."""
        return self._detokenizer.detokenize(text)

    def _rewrite_by_pieces(self, texts: Sequence[str]) -> list[str]:
        """Texts without the sign of the mark, each piece between spaces written once.

        No word goes across a space, and nothing is to be escaped.
        """
        known, get = self._pieces, self._pieces.get
        written: list[str] = []
        unknown: list[tuple[int, list[str]]] = []
        for text in texts:
            pieces = text.split(" ")
            found = list(map(get, pieces))
            if None in found:
                unknown.append((len(written), pieces))
                written.append("")
            else:
                written.append(" ".join(cast(list[str], found)))
        if unknown:
            known.learn({piece for _, pieces in unknown for piece in pieces})
            for place, pieces in unknown:
                written[place] = " ".join(map(known.__getitem__, pieces))
            known.make_room()
        return written

    def _rewrite_pieces(self, pieces: Sequence[str]) -> list[str]:
        """Pieces between spaces, most of which are a word."""
        planned = self._planned
        if planned is None:
            return self._rewrite(pieces)
        given = [piece for piece in pieces if piece]
        found = planned.write(given) if given else []
        written = {
            piece: text for piece, text in zip(given, found, strict=True) if text is not None
        }
        # Words that stand alone in one place are met beside punctuation in another.
        self._words.update(written)
        others = [piece for piece in pieces if piece not in written]
        written.update(zip(others, self._rewrite(others), strict=True))
        return [written[piece] for piece in pieces]

    def _rewrite(self, texts: Sequence[str]) -> list[str]:
        """Any texts, word by word."""
        known = self._words
        all_parts = [_WORDS.split(text) for text in texts]
        known.learn({word for parts in all_parts for word in parts[1::2]})
        for parts in all_parts:
            parts[1::2] = map(known.__getitem__, parts[1::2])
            self._escape(parts)
        known.make_room()
        return ["".join(parts) for parts in all_parts]

    def _rewrite_in_context(self, text: str) -> str:
        """A text, the words of a line looked at together."""
        parts = _WORDS.split(text)
        words = parts[1::2]
        ends = [0]
        for number, between in enumerate(parts[2::2], start=1):
            if "\n" in between or number == len(words):
                ends.append(number)
        parts[1::2] = [
            written for start, end in pairwise(ends) for written in self._write(words[start:end])
        ]
        self._escape(parts)
        return "".join(parts)

    def _escape(self, parts: list[str]) -> None:
        """Escape what stands between two words; `parts` has words and names at odd places."""
        escape = self._notation.escape
        for place in range(2, len(parts) - 1, 2):
            between = parts[place]
            if len(between) == 1 and between == " ":
                continue
            escaped = escape(between)
            # A name may end in a digit, and begins with its sign: no seam is seen there.
            if (
                escaped is not between
                and _WORD_EDGE.match(parts[place - 1], len(parts[place - 1]) - 1)
                and _WORD_EDGE.match(parts[place + 1])
            ):
                parts[place] = escaped

    @functools.cached_property
    def _planned(self) -> PlannedWriter | None:
        """What writes plain words without making segments of them, if the backend allows it."""
        if not isinstance(self._segmenter, BuiltinSegmenter):
            return None
        from arabench.morph.plans import PlannedWriter

        write = self._notation.write
        return PlannedWriter(self._segmenter, self._scheme, write, surface=self.mark == "plus")

    def _write(self, words: Sequence[str]) -> list[str]:
        planned = self._planned
        if planned is None:
            return self._write_segments(words)
        written = planned.write(words)
        others = iter(
            self._write_segments(
                [word for word, text in zip(words, written, strict=True) if text is None]
            )
        )
        return [next(others) if text is None else text for text in written]

    def _write_segments(self, words: Sequence[str]) -> list[str]:
        surface = self.mark == "plus"
        split = [word for word in words if word[0] not in _NAME_SIGNS]
        analyses = iter(self._ask(split))
        return [
            word
            if word[0] in _NAME_SIGNS
            else self._notation.write(
                tokens_of(word, next(analyses), self._scheme, surface=surface)
            )
            for word in words
        ]

    def _ask(self, words: Sequence[str]) -> list[Analysis]:
        with self._lock:
            return self._segmenter.segment(words)
