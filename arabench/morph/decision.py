"""From the model's choice for a word to its segments in the original spelling."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from arabench.morph import grammar
from arabench.morph.analysis import Analysis, Kind, Segment
from arabench.morph.answers import Cut
from arabench.morph.compiled_grammar import compiled
from arabench.morph.letters import Letters
from arabench.morph.model_file import Model
from arabench.morph.restoration import citation_forms
from arabench.morph.segmenter_kernel import decide


def best_cuts(words: Sequence[bytes], model: Model) -> list[Cut]:
    """The best candidate of each word.

    Args:
        words: letter codes, none empty.
        model: the weights and the lexicon.
    """
    letters = np.frombuffer(b"".join(words), dtype=np.uint8)
    offsets = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum([len(word) for word in words], out=offsets[1:])
    best = np.zeros((len(words), 4), dtype=np.int32)
    margin = np.zeros(len(words), dtype=np.float32)
    decide(letters, offsets, compiled(), model.lexicon, model.weights, best, margin)
    return [Cut(*row) for row in best.tolist()]


def analyse(word: str, letters: Letters, cut: Cut) -> Analysis:
    """The segments of `word`, whose surfaces rejoin to it exactly.

    Marks, tatweel and zero-width characters stay with the letter before them. Segments that
    meet inside one character (a ligature) come back as one.

    Args:
        word: as it is spelled.
        letters: its letters.
        cut: the model's choice.
    """
    if not cut.before and not cut.after:
        return (Segment(word, word, "stem"),)
    kinds = cut.kinds()
    ends = cut.ends()
    if isinstance(letters.starts, range):  # one letter per character
        surfaces = [word[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    else:
        surfaces, kinds = _spread(word, letters.starts, ends, kinds)
    forms = citation_forms(surfaces, kinds) if _may_change(cut.before, cut.after) else surfaces
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
