"""The training steps of the segmenter, compiled; see `training`."""

from __future__ import annotations

import numba
import numpy as np

from arabench.morph.compiled.segmenter_kernel import (
    MAX_CANDIDATES,
    MAX_FEATURES,
    candidates,
    describe,
    features,
    mix,
)
from arabench.morph.letters import MAX_LETTERS
from arabench.morph.segmenter_templates import FACTS

_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
#: Gradients smaller than this change nothing that is kept.
_LEAST_GRADIENT = 1e-4


@numba.njit(cache=True, nogil=True)
def exponential(x):
    """e to the x for x <= 0 in additions, products and divisions alone: the same everywhere."""
    if x < -40.0:
        return 0.0
    y = x / 64.0
    total = 1.0
    term = 1.0
    for n in range(1, 12):
        term = term * y / n
        total += term
    for _ in range(6):
        total = total * total
    return total


@numba.njit(cache=True, nogil=True)
def train_epoch(
    words, offsets, order, gold_from, gold_to, gold, weight, grammar, lexicon, weights, squares,
    rate, decay, drop_seed, drop_share, blind_share
):  # fmt: skip
    """One pass of stochastic gradient ascent on the likelihood of the right candidates.

    Args:
        words: (letters,) uint8, read: the codes of all words, one after another.
        offsets: (words + 1,) int64, read: where each starts, and the end of the last.
        order: (chosen,) int64, read: which words, in which order.
        gold_from, gold_to: (words,) int64, read: the right candidates of word w are
            gold[gold_from[w]:gold_to[w]].
        gold: (any,) int32, read: places in what `candidates` gives.
        weight: (words,) float64, read: how much each counts.
        grammar: read.
        lexicon: (places,) uint16, read: table of `store`.
        weights, squares: (WEIGHTS,) float32, read and written: weights and sums of squared
            gradients.
        rate: step of AdaGrad.
        decay: pull of each touched weight towards zero, per step.
        drop_seed: of the draws below.
        drop_share: of 1,000 words, for how many the memory features are left out.
        blind_share: of 1,000 words, for how many the lexicon is taken to be empty.

    Returns:
        Sum of the negative log-likelihood (for the log only, in nats, rough).
    """
    out = np.empty((MAX_CANDIDATES, 4), dtype=np.int32)
    feats = np.empty((MAX_CANDIDATES, MAX_FEATURES), dtype=np.int32)
    facts = np.empty(FACTS, dtype=np.uint64)
    counts = np.empty(MAX_CANDIDATES, dtype=np.int32)
    scores = np.empty(MAX_CANDIDATES, dtype=np.float64)
    sums = np.empty(MAX_LETTERS + 2, dtype=np.uint64)
    right = np.zeros(MAX_CANDIDATES, dtype=np.bool_)
    nothing = np.zeros(2, dtype=np.uint16)
    wrong = 0
    for turn in range(order.size):
        w = order[turn]
        word = words[offsets[w] : offsets[w + 1]]
        if gold_to[w] <= gold_from[w]:
            continue
        total = candidates(word, sums, grammar, out)
        drop = mix(np.uint64(w) * _MIX_1 + np.uint64(drop_seed)) % np.uint64(1000) < drop_share
        blind = mix(np.uint64(w) * _MIX_2 + np.uint64(drop_seed)) % np.uint64(1000) < blind_share
        counted = nothing if blind else lexicon
        best = -1e30
        for c in range(total):
            describe(
                word, sums, grammar, counted, out[c, 0], out[c, 1], out[c, 2], out[c, 3], facts
            )  # fmt: skip
            counts[c] = features(facts, not drop, feats[c])
            s = 0.0
            for m in range(counts[c]):
                s += weights[feats[c, m]]
            scores[c] = s
            best = max(best, s)
        right[:total] = False
        for g in range(gold_from[w], gold_to[w]):
            right[gold[g]] = True
        all_mass = 0.0
        right_mass = 0.0
        for c in range(total):
            scores[c] = exponential(scores[c] - best)
            all_mass += scores[c]
            if right[c]:
                right_mass += scores[c]
        if right_mass * 2 < all_mass:
            wrong += 1
        if right_mass < 1e-12:
            # All right candidates are hopeless: treat them as equally likely.
            right_mass = 0.0
            for c in range(total):
                if right[c]:
                    scores[c] = 1e-12
                    right_mass += 1e-12
        for c in range(total):
            q = scores[c] / all_mass
            p = scores[c] / right_mass if right[c] else 0.0
            gradient = (p - q) * weight[w]
            if abs(gradient) < _LEAST_GRADIENT:
                continue
            for m in range(counts[c]):
                at = feats[c, m]
                g2 = gradient - decay * weights[at]
                squares[at] += np.float32(g2 * g2)
                weights[at] += np.float32(rate * g2 / np.sqrt(squares[at] + 1e-3))
    return wrong
