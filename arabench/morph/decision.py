"""From the model's choice for a word to its segments in the original spelling."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from arabench.morph import grammar
from arabench.morph.analysis import Analysis, Kind, Segment
from arabench.morph.answers import Cut, pieces_of
from arabench.morph.compiled.decision_kernel import best_candidates
from arabench.morph.compiled_grammar import compiled
from arabench.morph.model_file import Model
from arabench.morph.restoration import citation_forms

if TYPE_CHECKING:
    import numpy.typing as npt


def best_cuts(
    codes: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], model: Model
) -> npt.NDArray[np.int32]:
    """The best candidate of each word: (words, 4) int32, the fields of a `Cut`.

    Args:
        codes: (letters,) uint8 codes of all words in a row.
        offsets: (words + 1,) int64, where each starts; none is empty.
        model: the weights and the lexicon.
    """
    count = len(offsets) - 1
    best = np.zeros((count, 4), dtype=np.int32)
    best_candidates(codes, offsets, compiled(), model.lexicon, model.weights, best)
    return best


def analyse_plain(word: str, before: int, after: int, start: int, end: int) -> Analysis:
    """The segments of a word of plain letters, one per character.

    Args:
        word: as it is spelled.
        before, after, start, end: the model's choice, as in `Cut`.
    """
    if not before and not after:
        return (Segment(word, word, "stem"),)
    pieces = pieces_of(before, after, start < end)
    last = 0
    surfaces = []
    for place in pieces.first:
        surfaces.append(word[last:place])
        last = place
    if start < end:
        surfaces.append(word[start:end])
    last = end
    for place in pieces.second:
        surfaces.append(word[last : end + place])
        last = end + place
    forms = surfaces
    if _may_change(before, after):
        forms = citation_forms(surfaces, pieces.kinds)
    return tuple(map(Segment, surfaces, forms, pieces.kinds))


def analyse(
    word: str, starts: Sequence[int], before: int, after: int, start: int, end: int
) -> Analysis:
    """The segments of any word.

    Marks, tatweel and zero-width characters stay with the letter before them. Segments that
    meet inside one character (a ligature) come back as one.

    Args:
        word: as it is spelled.
        starts: where each of its letters starts; see `letters.Letters`.
        before, after, start, end: the model's choice, as in `Cut`.
    """
    if not before and not after:
        return (Segment(word, word, "stem"),)
    cut = Cut(before, after, start, end)
    surfaces, kinds = _spread(word, starts, cut.ends(), cut.kinds())
    forms = citation_forms(surfaces, kinds) if _may_change(before, after) else surfaces
    return tuple(map(Segment, surfaces, forms, kinds))


def _spread(
    word: str, starts: Sequence[int], ends: Sequence[int], kinds: Sequence[Kind]
) -> tuple[list[str], tuple[Kind, ...]]:
    """Segments of a word in which letters and characters do not go one by one."""
    surfaces: list[str] = []
    kept: list[Kind] = []
    pending: list[Kind] = []
    start = 0
    for end, kind in zip(ends, kinds, strict=True):
        pending.append(kind)
        stop = starts[end] if end < len(starts) else len(word)
        if end < len(starts) and stop == starts[end - 1]:
            continue  # inside a ligature
        surfaces.append(word[start:stop])
        kept.append("stem" if "stem" in pending else pending[0])
        pending.clear()
        start = stop
    return surfaces, tuple(kept)


@functools.cache
def _may_change(before: int, after: int) -> bool:
    """Whether a citation form may differ from the surface between these affixes."""
    last = grammar.prefixes()[before][-1:]
    kinds = {kind for _, kind in grammar.suffixes()[after]}
    return "pronoun" in kinds or (bool(last) and last[0][0] == "\u0644")  # LAM
