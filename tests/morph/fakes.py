"""A segmenter of a few words, and one that cuts anywhere."""

from __future__ import annotations

import random
from collections.abc import Sequence

from arabench.morph.analysis import KINDS, PROCLITICS, Analysis, Kind, Segment

_SHORT: dict[str, Kind] = {
    "c": "conjunction",
    "p": "preposition",
    "q": "particle",
    "b": "progressive",
    "f": "future",
    "n": "negation",
    "d": "demonstrative",
    "a": "article",
    "s": "stem",
    "N": "noun_suffix",
    "V": "verb_suffix",
    "C": "case",
    "i": "indirect_object",
    "o": "pronoun",
}


def analysis_of(line: str) -> Analysis:
    """Segments from `kind:surface` or `kind:surface=form`, separated by spaces."""
    segments = []
    for piece in line.split():
        kind, spelled = piece.split(":")
        surface, _, form = spelled.partition("=")
        segments.append(Segment(surface, form or surface, _SHORT[kind]))
    return tuple(segments)


class Lexicon:
    """Knows the words of `lines`, each as `analysis_of` reads it; other words are one stem."""

    in_context = False

    def __init__(self, *lines: str, in_context: bool = False) -> None:
        analyses = map(analysis_of, lines)
        self.known = {"".join(s.surface for s in analysis): analysis for analysis in analyses}
        self.in_context = in_context
        self.calls: list[list[str]] = []

    signature = "lexicon:1"

    def segment(self, words: Sequence[str]) -> list[Analysis]:
        """The analyses."""
        self.calls.append(list(words))
        return [self.known.get(word, (Segment(word, word, "stem"),)) for word in words]


class Scissors:
    """Cuts words at random places, with kinds and forms that mostly make no sense."""

    in_context = False
    signature = "scissors:1"
    forms = ("ال", "ة", "ى", "وا", "ء", "على", "ل", "", "+", " ", "x", "\u2060")

    def __init__(self, seed: int, *, in_context: bool = False) -> None:
        self._seed = seed
        self.in_context = in_context

    def segment(self, words: Sequence[str]) -> list[Analysis]:
        """The same analysis for the same word."""
        return [self._cut(word) for word in words]

    def _cut(self, word: str) -> Analysis:
        rng = random.Random(f"{self._seed}{word}")
        if rng.random() < 0.03:
            return ()
        kinds = KINDS
        before = [kind for kind in kinds if kind in PROCLITICS]
        count = rng.randint(1, min(6, len(word)))
        cuts = sorted(rng.choices(range(len(word) + 1), k=count - 1))
        pieces = [word[i:j] for i, j in zip([0, *cuts], [*cuts, len(word)], strict=True)]
        stem = rng.randrange(count)
        segments = []
        for place, piece in enumerate(pieces):
            side = before if place < stem else [kind for kind in kinds if kind not in before]
            kind: Kind = "stem" if place == stem else rng.choice(side)
            if rng.random() < 0.1:
                kind = rng.choice(kinds)
            form = piece
            if rng.random() < 0.4:
                form = rng.choice([rng.choice(self.forms), piece + rng.choice(self.forms)])
            segments.append(Segment(piece, form, kind))
        if rng.random() < 0.03:
            segments.append(Segment("x", "x", "stem"))
        return tuple(segments)
