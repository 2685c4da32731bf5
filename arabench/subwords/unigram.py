"""Training a Unigram vocabulary (Kudo 2018), the same bits from the same words.

The trainer of the `tokenizers` library adds up probabilities in the order of a hash table with
a random key, so that two runs differ in the last digits of the scores and, where losses tie, in
the pieces. This one follows the same procedure in a fixed order: frequent substrings are the
seeds; expectation maximisation estimates their probabilities; those whose removal costs the
likelihood least are dropped, a quarter at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arabench.subwords.compiled import unigram_kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Characters of the longest piece, and rates of the procedure: SentencePiece's defaults.
MAX_PIECE_CHARS: Final = 16
_SHRINKING: Final = 0.75
_ROUNDS_BETWEEN: Final = 2
#: Seeds per wanted piece. SentencePiece takes a million for any size; beyond some dozens the
#: seeds are too rare to survive, and they cost memory.
_SEEDS_PER_PIECE: Final = 40
_MIN_SEEDS: Final = 200_000
#: Pieces expected less often than this are dropped by the M step, as in SentencePiece.
_MIN_EXPECTED: Final = 0.5
#: Pieces kept before the last cut, per wanted piece.
_SLACK: Final = 1.1


@dataclass
class _Lattices:
    """Word types as characters, and every piece that stands at every position.

    Attributes:
        word_starts: (words + 1,) first position of each word.
        word_counts: (words,) occurrences.
        codes: (positions,) characters.
        edge_starts, edge_lengths, edge_pieces: see `unigram_kernel`. Longer pieces come first.
        piece_at: (pieces,) a position where each piece stands.
        piece_lengths: (pieces,) in characters.
        piece_counts: (pieces,) occurrences in the words.
    """

    word_starts: Ints
    word_counts: Floats
    codes: Ints
    edge_starts: Ints
    edge_lengths: Ints
    edge_pieces: Ints
    piece_at: Ints
    piece_lengths: Ints
    piece_counts: Floats

    def words(self) -> tuple[Any, ...]:
        """Arguments of the kernels that go through the words."""
        return self.word_starts, self.word_counts, *self.edges()

    def edges(self) -> tuple[Any, ...]:
        """Arguments of the kernels that look at edges."""
        return self.edge_starts, self.edge_lengths, self.edge_pieces

    def keep(self, kept: NDArray[np.bool_]) -> _Lattices:
        """The same words without the pieces that are not kept; pieces are numbered anew."""
        numbers = np.cumsum(kept) - 1
        staying = kept[self.edge_pieces]
        before = np.concatenate([[0], np.cumsum(staying)])
        return _Lattices(
            self.word_starts,
            self.word_counts,
            self.codes,
            before[self.edge_starts],
            self.edge_lengths[staying],
            numbers[self.edge_pieces[staying]],
            self.piece_at[kept],
            self.piece_lengths[kept],
            self.piece_counts[kept],
        )

    def pieces(self) -> list[str]:
        """The pieces as text."""
        spans = zip(self.piece_at.tolist(), self.piece_lengths.tolist(), strict=True)
        return ["".join(map(chr, self.codes[at : at + size])) for at, size in spans]


def train_unigram(
    words: Mapping[str, int],
    size: int,
    on_round: Callable[[int], None] | None = None,
) -> list[tuple[str, float]]:
    """Pieces and their log probabilities, likeliest first.

    Args:
        words: how often each word occurs; pieces never cross the end of a word.
        size: pieces wanted; fewer where the words do not hold as many.
        on_round: called with the number of pieces left after each round.

    Raises:
        ValueError: the words hold more different characters than `size`.
    """
    lattices = _lattices(words, max(_MIN_SEEDS, _SEEDS_PER_PIECE * size))
    required = int((lattices.piece_lengths == 1).sum())
    if required > size:
        raise ValueError(f"{required} different characters do not fit in {size} pieces")
    weights = lattices.piece_counts * lattices.piece_lengths
    log_probs = np.log(weights / weights.sum())
    wanted = max(int(size * _SLACK), required)
    while True:
        for _ in range(_ROUNDS_BETWEEN):
            lattices, log_probs = _maximise(lattices, log_probs)
        if on_round is not None:
            on_round(len(log_probs))
        if len(log_probs) <= wanted:
            break
        kept = _prune(lattices, log_probs, max(wanted, int(len(log_probs) * _SHRINKING)))
        if kept.all():
            break
        lattices, log_probs = lattices.keep(kept), log_probs[kept]
    return _best(lattices, log_probs, size)


def _best(lattices: _Lattices, log_probs: Floats, size: int) -> list[tuple[str, float]]:
    """All single characters and the likeliest longer pieces; ties go by spelling."""
    pieces = sorted(
        zip(lattices.pieces(), log_probs.tolist(), strict=True),
        key=lambda pair: (len(pair[0]) > 1, -pair[1], pair[0]),
    )[:size]
    return sorted(pieces, key=lambda pair: (-pair[1], pair[0]))


def _maximise(lattices: _Lattices, log_probs: Floats) -> tuple[_Lattices, Floats]:
    """One round of expectation maximisation, with the sparse prior of SentencePiece."""
    expected = np.zeros(len(log_probs))
    unigram_kernel.expected_counts(*lattices.words(), log_probs, expected)
    single = lattices.piece_lengths == 1
    expected[single] = np.maximum(expected[single], _MIN_EXPECTED)
    kept = expected >= _MIN_EXPECTED
    lattices, expected = lattices.keep(kept), expected[kept]
    return lattices, np.asarray(_digamma(expected) - _digamma(expected.sum(keepdims=True)))


def _digamma(values: Floats) -> Floats:
    """Derivative of log gamma (Abramowitz and Stegun 6.3.18 after shifting to 7 and above)."""
    values = np.array(values, dtype=np.float64)
    result = np.zeros_like(values)
    for _ in range(7):
        low = values < 7
        result[low] -= 1 / values[low]
        values[low] += 1
    inverse = 1 / (values * values)
    series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse / 240)))
    return np.asarray(result + np.log(values) - 0.5 / values - series)


def _prune(lattices: _Lattices, log_probs: Floats, size: int) -> NDArray[np.bool_]:
    """Which pieces stay: those whose removal would cost most, and all single characters."""
    used = np.zeros(len(log_probs))
    unigram_kernel.best_counts(*lattices.words(), log_probs, used)
    losses = np.empty(len(log_probs))
    unigram_kernel.removal_losses(
        lattices.piece_at, lattices.piece_lengths, *lattices.edges(), log_probs, used, losses
    )
    single: NDArray[np.bool_] = lattices.piece_lengths == 1
    losses[single] = np.inf
    # A stable sort of pieces in a fixed order: ties cannot fall one way today, another tomorrow.
    order = np.argsort(-losses, kind="stable")[:size]
    kept = single.copy()
    kept[order] = losses[order] > -np.inf
    return kept


def _lattices(words: Mapping[str, int], seeds: int) -> _Lattices:
    """Words in a fixed order with all their frequent substrings.

    Substrings are numbered length by length: one of n + 1 characters is the number of its first n
    and a character, so that no hash is needed and no two are taken for one.
    """
    spelled = sorted(word for word in words if word)
    lengths = np.array([len(word) for word in spelled], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    codes = np.frombuffer("".join(spelled).encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
    counts = np.array([words[word] for word in spelled], dtype=np.float64)
    _, letters = np.unique(codes, return_inverse=True)
    kinds = int(letters.max()) + 1 if len(letters) else 0
    room = np.repeat(starts[1:], lengths) - np.arange(len(codes))  # characters to the word's end
    weight = np.repeat(counts, lengths)

    at = np.arange(len(codes))
    numbers = letters.astype(np.int64)
    edges: list[tuple[Ints, Ints, int]] = []
    piece_at: list[Ints] = []
    piece_counts: list[Floats] = []
    pieces = 0
    for length in range(1, MAX_PIECE_CHARS + 1):
        if length > 1:
            inside = room[at] >= length
            at, numbers = at[inside], numbers[inside]
            numbers = numbers * kinds + letters[at + length - 1]
        if not len(at):
            break
        _, first, numbers = np.unique(numbers, return_index=True, return_inverse=True)
        sums = np.bincount(numbers, weights=weight[at], minlength=len(first))
        found = np.asarray(sums, dtype=np.float64)
        frequent = (found >= 2) if length > 1 else np.ones(len(first), dtype=np.bool_)
        staying = frequent[numbers]
        places = at[first[frequent]]
        renumbered = np.cumsum(frequent) - 1
        at, numbers = at[staying], renumbered[numbers[staying]]
        edges.append((at, numbers + pieces, length))
        piece_at.append(places)
        piece_counts.append(found[frequent])
        pieces += len(places)
    lattices = _gather(starts, counts, codes, edges, piece_at, piece_counts)
    return _cut_seeds(lattices, seeds)


def _gather(
    starts: Ints,
    counts: Floats,
    codes: Ints,
    edges: list[tuple[Ints, Ints, int]],
    piece_at: list[Ints],
    piece_counts: list[Floats],
) -> _Lattices:
    positions = np.concatenate([at for at, _, _ in edges])
    pieces = np.concatenate([numbers for _, numbers, _ in edges])
    lengths = np.concatenate([np.full(len(at), length) for at, _, length in edges])
    order = np.lexsort((-lengths, positions))
    edge_starts = np.searchsorted(positions[order], np.arange(len(codes) + 1))
    piece_lengths = [np.full(len(at), place + 1) for place, at in enumerate(piece_at)]
    return _Lattices(
        starts,
        counts,
        codes,
        edge_starts.astype(np.int64),
        lengths[order].astype(np.int64),
        pieces[order].astype(np.int64),
        np.concatenate(piece_at).astype(np.int64),
        np.concatenate(piece_lengths).astype(np.int64),
        np.concatenate(piece_counts),
    )


def _cut_seeds(lattices: _Lattices, seeds: int) -> _Lattices:
    """The single characters and the longer substrings that cover most of the text."""
    single = lattices.piece_lengths == 1
    if len(single) <= seeds:
        return lattices
    covered = np.where(single, np.inf, lattices.piece_counts * lattices.piece_lengths)
    kept = single.copy()
    kept[np.argsort(-covered, kind="stable")[:seeds]] = True
    return lattices.keep(kept)
