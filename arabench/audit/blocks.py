"""Texts of a batch as arrays of code points, in blocks of bounded size."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arabench.audit.tables import (
    BREAK,
    DROP,
    EXPAND,
    Bytes,
    Codes,
    Ints,
    Kind,
    Mask,
    expansions,
    fold_table,
    kind_table,
)

#: Characters of a block. Half a megabyte of code points stays in the processor's cache,
#: and a document of any length costs no more memory than this.
BLOCK_CHARS: Final = 1 << 18
#: How far a long document is searched for a space to be cut at.
_CUT_WINDOW: Final = 256


@dataclass(frozen=True)
class TextBlock:
    """Texts, or pieces of long ones, joined by line feeds.

    Attributes:
        joined: every piece followed by LINE FEED.
        codes: the same as code points; positions agree with `joined`.
        starts: where each piece starts in `codes`.
        rows: which text of the batch each piece belongs to.
    """

    joined: str
    codes: Codes
    starts: Ints
    rows: Ints

    @functools.cached_property
    def kinds(self) -> Bytes:
        """The `Kind` of every character."""
        return kind_table()[self.codes]

    @functools.cached_property
    def code_counts(self) -> Ints:
        """How often every code point occurs, up to the largest there is."""
        return np.bincount(self.codes)

    def count(self, code: int) -> int:
        """How often one code point occurs."""
        return int(self.code_counts[code]) if code < len(self.code_counts) else 0

    def positions(self, *wanted: Kind) -> Ints:
        """Where characters of these kinds are."""
        mask = self.kinds == wanted[0]
        for kind in wanted[1:]:
            mask |= self.kinds == kind
        return np.flatnonzero(mask)

    def add_per_row(self, positions: Ints, totals: Ints) -> None:
        """Add to `totals`, one number per text, how many of `positions` each text has."""
        bounds = np.append(self.starts, len(self.codes))
        np.add.at(totals, self.rows, np.diff(np.searchsorted(positions, bounds)))

    @functools.cached_property
    def words(self) -> Words:
        """Folded words."""
        return Words.of(self.codes)

    def rows_at(self, positions: ArrayLike) -> Ints:
        """Numbers of the texts that hold these positions."""
        return np.asarray(self.rows[np.searchsorted(self.starts, positions, "right") - 1])


def blocks(texts: Sequence[str], block_chars: int = BLOCK_CHARS) -> Iterator[TextBlock]:
    """All texts in order; a text longer than a block is cut at a space where there is one."""
    pieces: list[str] = []
    rows: list[int] = []
    size = 0
    for row, text in enumerate(texts):
        for piece in _pieces(text, block_chars):
            if size and size + len(piece) > block_chars:
                yield _block(pieces, rows)
                pieces, rows, size = [], [], 0
            pieces.append(piece)
            rows.append(row)
            size += len(piece) + 1
    if pieces:
        yield _block(pieces, rows)


def _pieces(text: str, block_chars: int) -> Iterator[str]:
    start = 0
    while len(text) - start > block_chars:
        end = start + block_chars
        space = text.rfind(" ", end - min(_CUT_WINDOW, block_chars // 2), end)
        end = space + 1 if space > start else end
        yield text[start:end]
        start = end
    yield text[start:] if start else text


def _block(pieces: list[str], rows: list[int]) -> TextBlock:
    joined = "\n".join(pieces) + "\n"
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    sizes = np.fromiter(map(len, pieces), dtype=np.int64, count=len(pieces)) + 1
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)[:-1]])
    return TextBlock(joined, codes, starts, np.array(rows, dtype=np.int64))


@dataclass(frozen=True)
class Words:
    """Folded words of a block.

    Attributes:
        folded: folded characters without the dropped ones; `BREAK` between words.
        positions: of every folded character in the block; those of a ligature share one.
        starts, ends: of every word in `folded`.
    """

    folded: NDArray[np.uint16]
    positions: Ints
    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, codes: Codes) -> Words:
        """Fold a block."""
        folded = fold_table()[codes]
        kept: Mask = folded != DROP
        positions = np.flatnonzero(kept)
        folded = folded[positions]
        if (folded == EXPAND).any():
            folded, positions = _expand(folded, positions, codes)
        letter = folded != BREAK
        # A block ends with LINE FEED, so every word has an end.
        edges = np.flatnonzero(letter[1:] != letter[:-1]) + 1
        if len(letter) and letter[0]:
            edges = np.concatenate([np.zeros(1, dtype=np.int64), edges])
        return cls(folded, positions, edges[0::2], edges[1::2])

    def word(self, number: int) -> str:
        """The folded word."""
        codes = self.folded[self.starts[number] : self.ends[number]]
        return codes.astype("<u2").tobytes().decode("utf-16-le")

    def span(self, number: int) -> tuple[int, int]:
        """Start and end of a word in the block, as it was written."""
        # Up to the break behind it, so that the marks on its last letter belong to it; the
        # words of one character that stands for a phrase all stand there.
        end = int(self.positions[self.ends[number]])
        last = int(self.positions[self.ends[number] - 1])
        return int(self.positions[self.starts[number]]), max(end, last + 1)


def _expand(
    folded: NDArray[np.uint16], positions: Ints, codes: Codes
) -> tuple[NDArray[np.uint16], Ints]:
    """Folded letters and their positions, with the letters of every ligature."""
    places = np.flatnonzero(folded == EXPAND)
    letters = [expansions()[code] for code in codes[positions[places]].tolist()]
    more = np.array([len(word) - 1 for word in letters], dtype=np.int64)
    behind = np.repeat(places + 1, more)  # room for all letters but the first
    full = np.insert(folded, behind, EXPAND)
    full[np.flatnonzero(full == EXPAND)] = np.concatenate(letters)
    return full, np.insert(positions, behind, positions[behind - 1])
