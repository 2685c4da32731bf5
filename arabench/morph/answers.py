"""What a candidate says about a word: where it is cut, and what each piece is."""

from __future__ import annotations

import functools
import itertools
from typing import Final, NamedTuple

from arabench.morph import grammar
from arabench.morph.analysis import Kind

#: Kinds that the Arabic Treebank writes apart; the others stay on the stem.
TREEBANK_CLITICS: Final[frozenset[Kind]] = frozenset(
    {
        "conjunction", "preposition", "particle", "progressive", "future", "negation",
        "demonstrative", "indirect_object", "pronoun",
    }
)  # fmt: skip


class Cut(NamedTuple):
    """A candidate.

    Attributes:
        before, after: places in `grammar.prefixes()` and `grammar.suffixes()`.
        start, end: letters of the stem, equal where there is none.
    """

    before: int
    after: int
    start: int
    end: int

    def kinds(self) -> tuple[Kind, ...]:
        """One kind per segment."""
        return pieces_of(self.before, self.after, self.start < self.end).kinds

    def ends(self) -> list[int]:
        """After how many letters each segment ends, the last one included."""
        first, second, _ = pieces_of(self.before, self.after, self.start < self.end)
        stem = [self.end] if self.start < self.end else []
        return [*first, *stem, *(self.end + offset for offset in second)]


class Pieces(NamedTuple):
    """What two affix sequences make of a word.

    Attributes:
        first: after how many letters of the word each segment before the stem ends.
        second: after how many letters behind the stem each segment after it ends.
        kinds: one per segment.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    kinds: tuple[Kind, ...]


@functools.cache
def pieces_of(before: int, after: int, has_stem: bool) -> Pieces:
    """The segments of the sequences at these places, with or without a stem."""
    first, second = grammar.prefixes()[before], grammar.suffixes()[after]
    stem: list[Kind] = ["stem"] if has_stem else []
    kinds = (*(kind for _, kind in first), *stem, *(kind for _, kind in second))
    return Pieces(_ends(first), _ends(second), kinds)


def _ends(sequence: grammar.AffixSequence) -> tuple[int, ...]:
    return tuple(itertools.accumulate(len(letters) for letters, _ in sequence))


def cuts_of(cut: Cut) -> tuple[int, ...]:
    """After how many letters the word is cut."""
    return tuple(cut.ends()[:-1])


def cuts_of_treebank(cut: Cut) -> tuple[int, ...]:
    """The same with article, noun suffixes, verb subjects and case left on the stem."""
    kinds = cut.kinds()
    apart = [kind in TREEBANK_CLITICS for kind in kinds]
    return tuple(end for n, end in enumerate(cut.ends()[:-1]) if apart[n] or apart[n + 1])
