"""How much of one short run of words another one holds, by the hashes of the words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from arabench.text.hash_arrays import I64, U64, phrases

#: Windows are as long as the part, and at most so much longer on either side.
_MARGIN: Final = 3
#: Places in the text from which a window is measured.
_WINDOWS: Final = 3


@dataclass(frozen=True)
class Alignment:
    """What of a part is in a stretch of text.

    Attributes:
        whole: place of the part as it is, word for word; -1 where it is not.
        covered: share of its words that lie in runs of `gram` words or more of the text.
        covered_at: place of the longest of these runs, or 0.
        similarity: greatest Jaccard similarity of its words and pairs of words with those of a
            stretch of about its length, 0 to 1.
        shared: how many words and pairs of words both have.
        contained: share of the part's distinct words that are in that stretch.
        start, end: that stretch.
    """

    whole: int
    covered: float
    covered_at: int
    similarity: float
    shared: int
    contained: float
    start: int
    end: int


def align(part: U64, text: U64, gram: int) -> Alignment:
    """Compare a part with the text around it.

    Args:
        part: hashes of its words, two or more.
        text: hashes of the words around the place where it is suspected.
        gram: words of a run that counts, at most as many as the part has.
    """
    places, offsets, lengths = common_runs(part, text)
    if not len(places):
        return Alignment(-1, 0.0, 0, 0.0, 0, 0.0, 0, 0)
    complete = np.flatnonzero(lengths == len(part))
    counted = np.flatnonzero(lengths >= gram)
    covered = np.zeros(len(part), dtype=np.bool_)
    for run in counted:
        covered[offsets[run] : offsets[run] + lengths[run]] = True
    longest = counted[lengths[counted].argmax()] if len(counted) else None
    similarity, shared, start, end = _nearest(part, text, places, offsets, lengths)
    words = np.unique(part)
    contained = float(np.isin(words, text[start:end]).mean())
    return Alignment(
        int(places[complete[0]]) if len(complete) else -1,
        float(covered.mean()),
        0 if longest is None else int(places[longest]),
        similarity,
        shared,
        contained,
        start,
        end,
    )


def common_runs(part: U64, text: U64) -> tuple[I64, I64, I64]:
    """Longest runs of two words or more that both hold: place in text, place in part, words."""
    at, own = np.nonzero(text[:, None] == part[None, :])
    diagonal = at - own
    order = np.lexsort((own, diagonal))
    at, own, diagonal = at[order], own[order], diagonal[order]
    follows = (np.diff(diagonal) == 0) & (np.diff(own) == 1)
    starts = np.flatnonzero(np.concatenate(([True], ~follows))) if len(at) else at
    lengths = np.diff(np.append(starts, len(at)))
    long = lengths > 1
    return at[starts[long]], own[starts[long]], lengths[long]


def shingles(words: U64) -> U64:
    """The distinct words and pairs of words, sorted."""
    return np.unique(np.concatenate([words, phrases(words, 2)]))


def _nearest(
    part: U64, text: U64, places: I64, offsets: I64, lengths: I64
) -> tuple[float, int, int, int]:
    """(similarity, shared, start, end) of the best of the stretches that long runs point to."""
    size, best = len(part), (0.0, 0, 0, 0)
    own = shingles(part)
    slack = max(1, size // _MARGIN)
    ends = places + lengths
    for run in np.argsort(-lengths, kind="stable")[:_WINDOWS]:
        exact = int(places[run] - offsets[run])
        inside = (places >= exact - slack) & (ends <= exact + size + slack)
        for start, end in (
            (exact, exact + size),
            (int(places[inside].min()), int(ends[inside].max())),
            (exact, max(exact + size, int(ends[inside].max()))),
        ):
            start, end = max(start, 0), min(end, len(text))
            found = shingles(text[start:end])
            both = len(np.intersect1d(own, found, assume_unique=True))
            similarity = both / (len(own) + len(found) - both)
            if similarity > best[0]:
                best = (similarity, both, start, end)
    return best
