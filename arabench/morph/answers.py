"""What a candidate says about a word: where it is cut, and what each piece is."""

from __future__ import annotations

import functools
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
        return _shape(self.before, self.after, self.start < self.end)[1]

    def ends(self) -> list[int]:
        """After how many letters each segment ends, the last one included."""
        first, second = _offsets(self.before, self.after)
        stem = [self.end] if self.start < self.end else []
        return [*first, *stem, *(self.end + offset for offset in second)]


@functools.cache
def _offsets(before: int, after: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return _ends(grammar.prefixes()[before]), _ends(grammar.suffixes()[after])


def _ends(sequence: grammar.AffixSequence) -> tuple[int, ...]:
    ends: list[int] = []
    for letters, _ in sequence:
        ends.append((ends[-1] if ends else 0) + len(letters))
    return tuple(ends)


@functools.cache
def _shape(before: int, after: int, has_stem: bool) -> tuple[int, tuple[Kind, ...]]:
    first = [kind for _, kind in grammar.prefixes()[before]]
    second = [kind for _, kind in grammar.suffixes()[after]]
    stem: list[Kind] = ["stem"] if has_stem else []
    return len(first), (*first, *stem, *second)


def cuts_of(cut: Cut) -> tuple[int, ...]:
    """After how many letters the word is cut."""
    return tuple(cut.ends()[:-1])


def cuts_of_treebank(cut: Cut) -> tuple[int, ...]:
    """The same with article, noun suffixes, verb subjects and case left on the stem."""
    kinds = cut.kinds()
    apart = [kind in TREEBANK_CLITICS for kind in kinds]
    return tuple(end for n, end in enumerate(cut.ends()[:-1]) if apart[n] or apart[n + 1])
