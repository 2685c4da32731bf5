"""The Unigram trainer against its definition, computed in the plain way."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.subwords.compiled import unigram_kernel
from arabench.subwords.unigram import MAX_PIECE_CHARS, _digamma, _lattices, train_unigram

_WORDS = Counter(
    {"▁كتاب": 50, "▁كتابه": 20, "▁كتابها": 15, "▁قلم": 30, "▁قلمه": 12, "▁و": 60, "▁وكتاب": 9}
)


def segmentations(word: str, scores: dict[str, float]) -> list[tuple[float, list[str]]]:
    """All ways to spell a word with pieces, with their log probabilities."""
    if not word:
        return [(0.0, [])]
    return [
        (scores[word[:size]] + rest, [word[:size], *parts])
        for size in range(1, len(word) + 1)
        if word[:size] in scores
        for rest, parts in segmentations(word[size:], scores)
    ]


def test_all_frequent_substrings_are_seeds() -> None:
    words = {"abab": 1, "ab": 3, "c": 1, "abx": 1}
    lattices = _lattices(words, 10_000)
    found = dict(zip(lattices.pieces(), lattices.piece_counts.tolist(), strict=True))
    assert found == {"a": 6, "b": 6, "c": 1, "x": 1, "ab": 6}
    # Longer substrings occur once: no seeds, however often their parts do.
    assert "aba" not in found


def test_expected_counts_are_those_of_all_segmentations() -> None:
    lattices = _lattices(_WORDS, 10_000)
    pieces = lattices.pieces()
    rng = np.random.default_rng(3)
    log_probs = np.log(rng.dirichlet(np.ones(len(pieces))))
    scores = dict(zip(pieces, log_probs.tolist(), strict=True))
    expected: defaultdict[str, float] = defaultdict(float)
    likelihood = 0.0
    for word, count in _WORDS.items():
        ways = segmentations(word, scores)
        total = sum(math.exp(score) for score, _ in ways)
        likelihood += count * math.log(total)
        for score, parts in ways:
            for part in parts:
                expected[part] += count * math.exp(score) / total
    found = np.zeros(len(pieces))
    per_word = unigram_kernel.expected_counts(*lattices.words(), log_probs, found)
    assert per_word == pytest.approx(likelihood / sum(_WORDS.values()))
    for piece, number in zip(pieces, found, strict=True):
        assert number == pytest.approx(expected[piece], abs=1e-9)


def test_best_counts_are_those_of_the_likeliest_segmentation() -> None:
    lattices = _lattices(_WORDS, 10_000)
    pieces = lattices.pieces()
    log_probs = np.log(np.random.default_rng(4).dirichlet(np.ones(len(pieces))))
    scores = dict(zip(pieces, log_probs.tolist(), strict=True))
    expected: Counter[str] = Counter()
    for word, count in _WORDS.items():
        for part in max(segmentations(word, scores))[1]:
            expected[part] += count
    used = np.zeros(len(pieces))
    unigram_kernel.best_counts(*lattices.words(), log_probs, used)
    assert {p: n for p, n in zip(pieces, used, strict=True) if n} == dict(expected)


def test_removal_losses_are_differences_of_likelihood() -> None:
    # One word, its whole and its letters: without the whole, four pieces stand for each use.
    words = {"ابتث": 10}
    lattices = _lattices(words, 10_000)
    pieces = lattices.pieces()
    log_probs = np.full(len(pieces), -np.inf)
    for piece, score in (("ابتث", -1.0), ("ا", -3.0), ("ب", -3.0), ("ت", -3.0), ("ث", -3.0)):
        log_probs[pieces.index(piece)] = score
    used = np.zeros(len(pieces))
    unigram_kernel.best_counts(*lattices.words(), log_probs, used)
    losses = np.empty(len(pieces))
    unigram_kernel.removal_losses(
        lattices.piece_at, lattices.piece_lengths, *lattices.edges(), log_probs, used, losses
    )
    # log(10/10) against four times log(10/40), per use.
    assert losses[pieces.index("ابتث")] == pytest.approx(4 * math.log(4))
    assert losses[pieces.index("ا")] == np.inf
    assert losses[pieces.index("اب")] == -np.inf


@pytest.mark.parametrize("value", [0.5, 1.0, 2.5, 7.0, 123.4, 1e6])
def test_digamma_is_the_derivative_of_log_gamma(value: float) -> None:
    step = 1e-5 * value
    slope = (math.lgamma(value + step) - math.lgamma(value - step)) / (2 * step)
    assert float(_digamma(np.array([value]))[0]) == pytest.approx(slope, rel=1e-6, abs=1e-6)
    # psi(1) = -gamma, psi(n + 1) = psi(n) + 1 / n
    assert float(_digamma(np.array([1.0]))[0]) == pytest.approx(-0.5772156649015329, abs=1e-9)


def test_pieces_are_sorted_by_score_and_hold_every_letter() -> None:
    pieces = train_unigram(_WORDS, 14)
    assert len(pieces) == 14
    scores = [score for _, score in pieces]
    assert scores == sorted(scores, reverse=True)
    letters = {letter for word in _WORDS for letter in word}
    assert letters <= {piece for piece, _ in pieces}
    assert all(math.isfinite(score) and score < 0 for score in scores)


def test_a_stem_that_recurs_becomes_a_piece() -> None:
    pieces = dict(train_unigram(_WORDS, 14))
    assert "▁كتاب" in pieces
    assert "▁قلم" in pieces


def test_too_many_letters_are_refused() -> None:
    with pytest.raises(ValueError, match="different characters do not fit"):
        train_unigram({"ابتثجح": 2}, 5)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text("ابتكهو▁", min_size=1, max_size=MAX_PIECE_CHARS + 4),
        st.integers(1, 9),
        min_size=1,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_words_changes_no_bit(words: dict[str, int], random: object) -> None:
    shuffled = list(words.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = train_unigram(words, 20), train_unigram(dict(shuffled), 20)
    assert first == second
    assert len(first) <= 20
    assert {letter for word in words for letter in word} <= {piece for piece, _ in first}
    assert all(any(piece in word for word in words) for piece, _ in first)
