"""Stochastic gradient descent for the dialect model, compiled; `training` says what it does.

Single-threaded, in a fixed order, and with its own random numbers and exponential
function, so that the same data give the same weights bit for bit.
"""

from __future__ import annotations

import numba
import numpy as np

#: Most features of one text: 60 words of 30 letters have fewer.
MOST_FEATURES = 16_384
_U7, _U11, _U13, _U17 = (np.uint64(shift) for shift in (7, 11, 13, 17))
#: A rate of chance is compared in steps of one in so many.
_STEPS = 1 << 20
_LN2 = 0.6931471805599453
#: Added to the sums of squared gradients, so that the first step is bounded.
_FIRST = np.float32(1e-3)
_FIRST_BIAS = 0.1


@numba.njit(cache=True)
def _next(state):
    """Xorshift of 64 bits (Marsaglia 2003)."""
    state ^= state << _U13
    state ^= state >> _U7
    state ^= state << _U17
    return state


@numba.njit(cache=True)
def _below(state, bound):
    return np.int64((state >> _U11) % np.uint64(bound))


@numba.njit(cache=True)
def _exp(x):
    """e**x for x <= 0 by range reduction and a series: the same on every machine."""
    if x < -40.0:
        return 0.0
    halvings = np.floor(-x / _LN2)
    rest = x + halvings * _LN2
    term = 1.0
    total = 1.0
    for n in range(1, 16):
        term *= rest / n
        total += term
    for _ in range(int(halvings)):
        total *= 0.5
    return total


@numba.njit(cache=True)
def feature_mass(rows, weights, starts, words, word_starts, word_features, size):
    """Weighted number of occurrences of each feature: (size,) float64.

    Args:
        rows: (chosen,) int64, read: which texts.
        weights: (texts,) float32, read: how much each counts.
        starts: (texts + 1,) int64, read, and words: (all,) int32, read: the words of text t are
            words[starts[t]:starts[t + 1]].
        word_starts: (words + 1,) int64, read, and word_features: (all,) int32, read: the
            features of word w, likewise.
        size: number of features.
    """
    mass = np.zeros(size)
    for row in rows:
        for at in range(starts[row], starts[row + 1]):
            for f in range(word_starts[words[at]], word_starts[words[at] + 1]):
                mass[word_features[f]] += weights[row]
    return mass


@numba.njit(cache=True)
def _add_word(word, word_starts, word_features, found, count):
    for f in range(word_starts[word], word_starts[word + 1]):
        if count < MOST_FEATURES:
            found[count] = word_features[f]
            count += 1
    return count


@numba.njit(cache=True)
def descend(
    rows, targets, weights, starts, words, word_starts, word_features, penalty, backgrounds,
    shrink, epochs, rate, word_dropout, window_rate, mix_rate, mix_most, seed,
):  # fmt: skip
    """Weights (features, classes) and bias (classes,) of softmax regression by AdaGrad.

    Averages over the second half of the passes (Polyak and Juditsky 1992).

    Args:
        rows: (chosen,) int64, read: texts to train on.
        targets: (texts, classes) float32, read: probabilities that the model should give.
        weights: (texts,) float32, read: of the loss.
        starts: (texts + 1,) int64, read, and words: (all,) int32, read: the words of text t are
            words[starts[t]:starts[t + 1]].
        word_starts: (words + 1,) int64, read, and word_features: (all,) int32, read: the
            features of word w, likewise.
        penalty: (features,) float32, read: of the squared weights, per occurrence.
        backgrounds: (any,) int64, read: MSA texts of which pieces are added to dialect texts.
        shrink: (words + 1,) float64, read: factor of the sum of weights of a text of so many words.
        epochs, rate: passes over the rows, and the step size of the first.
        word_dropout: share of words that are left out.
        window_rate: share of texts of which only a random stretch is used.
        mix_rate, mix_most: share of dialect texts that get a piece of an MSA text added, and
            its most words, as a multiple of theirs.
        seed: of the random numbers.
    """
    classes = targets.shape[1]
    size = len(penalty)
    table = np.zeros((size, classes), np.float32)
    squares = np.full((size, classes), _FIRST)
    mean_table = np.zeros((size, classes), np.float32)
    mean_bias = np.zeros(classes)
    averaged = epochs - epochs // 2
    bias = np.zeros(classes)
    bias_squares = np.full(classes, _FIRST_BIAS)
    state = np.uint64(seed) * np.uint64(2654435761) + np.uint64(88172645463325252)
    order = rows.copy()
    found = np.empty(MOST_FEATURES, np.int32)
    logits = np.empty(classes)
    drop = np.int64(word_dropout * _STEPS)
    cut = np.int64(window_rate * _STEPS)
    mix = np.int64(mix_rate * _STEPS)
    for epoch in range(epochs):
        for i in range(len(order) - 1, 0, -1):
            state = _next(state)
            j = _below(state, i + 1)
            order[i], order[j] = order[j], order[i]
        step = rate * (1.0 - 0.9 * epoch / epochs)
        for row in order:
            length = starts[row + 1] - starts[row]
            first = starts[row]
            if length > 3:
                state = _next(state)
                if _below(state, _STEPS) < cut:
                    state = _next(state)
                    kept = 3 + _below(state, length - 2)
                    state = _next(state)
                    first += _below(state, length - kept + 1)
                    length = kept
            count = 0
            n_words = 0
            for at in range(first, first + length):
                state = _next(state)
                if _below(state, _STEPS) < drop:
                    continue
                n_words += 1
                count = _add_word(words[at], word_starts, word_features, found, count)
            if n_words == 0:
                continue
            if mix > 0 and targets[row, 0] < 0.5:
                state = _next(state)
                if _below(state, _STEPS) < mix:
                    state = _next(state)
                    other = backgrounds[_below(state, len(backgrounds))]
                    available = starts[other + 1] - starts[other]
                    state = _next(state)
                    added = 1 + _below(state, max(1, np.int64(mix_most * length)))
                    added = min(added, available)
                    state = _next(state)
                    first = starts[other] + _below(state, available - added + 1)
                    for at in range(first, first + added):
                        n_words += 1
                        count = _add_word(words[at], word_starts, word_features, found, count)
            factor = shrink[n_words]
            logits[:] = 0.0
            for f in range(count):
                for c in range(classes):
                    logits[c] += table[found[f], c]
            largest = -1e30
            for c in range(classes):
                logits[c] = logits[c] * factor + bias[c]
                largest = max(largest, logits[c])
            total = 0.0
            for c in range(classes):
                logits[c] = _exp(logits[c] - largest)
                total += logits[c]
            for c in range(classes):
                slope = (logits[c] / total - targets[row, c]) * weights[row]
                bias_squares[c] += slope * slope
                bias[c] -= step * slope / np.sqrt(bias_squares[c])
                logits[c] = slope * factor
            for f in range(count):
                feature = found[f]
                for c in range(classes):
                    slope = logits[c] + penalty[feature] * table[feature, c]
                    squares[feature, c] += slope * slope
                    table[feature, c] -= step * slope / np.sqrt(squares[feature, c])
        if epoch >= epochs // 2:
            for f in range(size):
                for c in range(classes):
                    mean_table[f, c] += table[f, c] / averaged
            mean_bias += bias / averaged
    return mean_table, mean_bias


@numba.njit(cache=True)
def sum_words(rows, table, starts, words, word_starts, word_features):
    """Sums of the weights of texts: (rows, classes) float64.

    Args:
        rows: (chosen,) int64, read: which texts.
        table: (features, classes) float64, read: the weights.
        starts: (texts + 1,) int64, read, and words: (all,) int32, read: the words of text t are
            words[starts[t]:starts[t + 1]].
        word_starts: (words + 1,) int64, read, and word_features: (all,) int32, read: the
            features of word w, likewise.
    """
    sums = np.zeros((len(rows), table.shape[1]))
    for r in range(len(rows)):
        for at in range(starts[rows[r]], starts[rows[r] + 1]):
            for f in range(word_starts[words[at]], word_starts[words[at] + 1]):
                for c in range(table.shape[1]):
                    sums[r, c] += table[word_features[f], c]
    return sums
