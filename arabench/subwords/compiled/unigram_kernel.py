"""Compiled loops of the Unigram trainer: one lattice of pieces per word.

A lattice is a run of positions; the edges of position p are edge_starts[p] to
edge_starts[p + 1], each with the length and the number of a piece. A piece whose log
probability is -inf is no piece any more. One thread and a fixed order of additions: the same words
give the same bits.
"""

# mypy: ignore-errors
from __future__ import annotations

import numba
import numpy as np

_NONE = -np.inf


@numba.njit(cache=True, nogil=True)
def _add_logs(first, second):
    """log(exp(first) + exp(second))."""
    if first < second:
        first, second = second, first
    if second == _NONE:
        return first
    return first + np.log1p(np.exp(second - first))


@numba.njit(cache=True, nogil=True)
def expected_counts(
    word_starts, word_counts, edge_starts, edge_lengths, edge_pieces, log_probs, expected
):
    """Add to `expected` how often each piece is used; returns the log likelihood per word.

    Args:
        word_starts: (words + 1,) int64, read: first position of each word.
        word_counts: (words,) float64, read: how often each was met.
        edge_starts: (positions + 1,) int64, read.
        edge_lengths, edge_pieces: (edges,) int64, read: positions that an edge goes over, and
            the number of its piece.
        log_probs: (pieces,) float64, read: -inf for what is no piece any more.
        expected: (pieces,) float64, read and written.
    """
    likelihood = 0.0
    total = 0.0
    longest = 0
    for word in range(len(word_counts)):
        longest = max(longest, word_starts[word + 1] - word_starts[word])
    forward = np.empty(longest + 1)
    backward = np.empty(longest + 1)
    for word in range(len(word_counts)):
        start = word_starts[word]
        size = word_starts[word + 1] - start
        forward[: size + 1] = _NONE
        backward[: size + 1] = _NONE
        forward[0] = 0.0
        backward[size] = 0.0
        for place in range(size):
            if forward[place] == _NONE:
                continue
            for edge in range(edge_starts[start + place], edge_starts[start + place + 1]):
                score = log_probs[edge_pieces[edge]]
                if score > _NONE:
                    end = place + edge_lengths[edge]
                    forward[end] = _add_logs(forward[end], forward[place] + score)
        if forward[size] == _NONE:
            continue
        for place in range(size - 1, -1, -1):
            for edge in range(edge_starts[start + place], edge_starts[start + place + 1]):
                score = log_probs[edge_pieces[edge]]
                if score > _NONE:
                    end = place + edge_lengths[edge]
                    backward[place] = _add_logs(backward[place], backward[end] + score)
        count = word_counts[word]
        likelihood += count * forward[size]
        total += count
        for place in range(size):
            if forward[place] == _NONE:
                continue
            for edge in range(edge_starts[start + place], edge_starts[start + place + 1]):
                score = log_probs[edge_pieces[edge]]
                if score > _NONE:
                    end = place + edge_lengths[edge]
                    share = forward[place] + score + backward[end] - forward[size]
                    expected[edge_pieces[edge]] += count * np.exp(share)
    return likelihood / max(total, 1.0)


@numba.njit(cache=True, nogil=True)
def _best_path(
    start, size, edge_starts, edge_lengths, edge_pieces, log_probs, whole_allowed, score, back
):
    """Viterbi over `size` positions from `start`; back[end] is the edge that ends there.

    Of equal paths to a position the one whose last piece is longest wins: it begins first.

    Args:
        start, size: first position, and how many.
        edge_starts: (positions + 1,) int64, read.
        edge_lengths, edge_pieces: (edges,) int64, read: positions that an edge goes over, and
            the number of its piece.
        log_probs: (pieces,) float64, read: -inf for what is no piece any more.
        whole_allowed: whether one piece may go over all positions.
        score: (size + 1 or more,) float64, written: best log probability up to each position.
        back: (size + 1 or more,) int64, written: the edge that ends there, -1 for none.
    """
    score[: size + 1] = _NONE
    back[: size + 1] = -1
    score[0] = 0.0
    for place in range(size):
        if score[place] == _NONE:
            continue
        for edge in range(edge_starts[start + place], edge_starts[start + place + 1]):
            end = place + edge_lengths[edge]
            if end > size or (not whole_allowed and edge_lengths[edge] == size):
                continue
            value = score[place] + log_probs[edge_pieces[edge]]
            if value > score[end]:
                score[end] = value
                back[end] = edge


@numba.njit(cache=True, nogil=True)
def best_counts(word_starts, word_counts, edge_starts, edge_lengths, edge_pieces, log_probs, used):
    """Add to `used` how often each piece stands in the best segmentation of the words.

    Args:
        word_starts: (words + 1,) int64, read: first position of each word.
        word_counts: (words,) float64, read: how often each was met.
        edge_starts: (positions + 1,) int64, read.
        edge_lengths, edge_pieces: (edges,) int64, read: positions that an edge goes over, and
            the number of its piece.
        log_probs: (pieces,) float64, read: -inf for what is no piece any more.
        used: (pieces,) float64, read and written.
    """
    longest = 0
    for word in range(len(word_counts)):
        longest = max(longest, word_starts[word + 1] - word_starts[word])
    score = np.empty(longest + 1)
    back = np.empty(longest + 1, dtype=np.int64)
    for word in range(len(word_counts)):
        start = word_starts[word]
        size = word_starts[word + 1] - start
        _best_path(
            start, size, edge_starts, edge_lengths, edge_pieces, log_probs, True, score, back
        )
        end = size
        while end > 0 and back[end] >= 0:
            edge = back[end]
            used[edge_pieces[edge]] += word_counts[word]
            end -= edge_lengths[edge]


@numba.njit(cache=True, nogil=True)
def removal_losses(
    piece_at, piece_lengths, edge_starts, edge_lengths, edge_pieces, log_probs, used, losses
):
    """What the likelihood of the words loses without each piece (SentencePiece's estimate).

    Its occurrences would be spelled by the best other pieces: those of the place `piece_at`
    where it stands. -inf for pieces that are not used or spelled better by others, +inf for
    those that nothing else can spell.

    Args:
        piece_at: (pieces,) int64, read: a position where each stands.
        piece_lengths: (pieces,) int64, read: its characters.
        edge_starts: (positions + 1,) int64, read.
        edge_lengths, edge_pieces: (edges,) int64, read: positions that an edge goes over, and
            the number of its piece.
        log_probs: (pieces,) float64, read: -inf for what is no piece any more.
        used: (pieces,) float64, read: of `best_counts`.
        losses: (pieces,) float64, written.
    """
    longest = 0
    for piece in range(len(piece_lengths)):
        longest = max(longest, piece_lengths[piece])
    score = np.empty(longest + 1)
    back = np.empty(longest + 1, dtype=np.int64)
    total = 0.0
    for piece in range(len(used)):
        total += used[piece]
    for piece in range(len(piece_lengths)):
        losses[piece] = _NONE
        if log_probs[piece] == _NONE:
            continue
        size = piece_lengths[piece]
        _best_path(
            piece_at[piece], size, edge_starts, edge_lengths, edge_pieces, log_probs, False,
            score, back,
        )  # fmt: skip
        if back[size] < 0:
            losses[piece] = np.inf
            continue
        if used[piece] <= 0 or score[size] > log_probs[piece]:
            continue
        parts = 0
        end = size
        while end > 0:
            parts += 1
            end -= edge_lengths[back[end]]
        log_total = np.log(total)
        log_without = np.log(total + used[piece] * (parts - 1))
        spelled = 0.0
        end = size
        while end > 0:
            edge = back[end]
            spelled += np.log(used[edge_pieces[edge]] + used[piece]) - log_without
            end -= edge_lengths[edge]
        losses[piece] = used[piece] / total * (np.log(used[piece]) - log_total - spelled)
