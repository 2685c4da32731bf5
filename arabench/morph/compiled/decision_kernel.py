"""The best candidate of each word, with what candidates share worked out once.

The same sums as `describe` and `features` of `segmenter_kernel` give candidate by candidate, in
another order: the hash of a feature is a sum of terms, one per fact, before it is mixed. The
terms of a stem are added once per stem, and features that look at a single affix are summed
once per stem and affix.

Numba compiles the functions on first use and caches the result on disk; they release the GIL.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np

from arabench.morph.compiled.segmenter_kernel import (
    MAX_CANDIDATES,
    MULTIPLIERS,
    TEMPLATE_SALT,
    WEIGHTS,
    candidates,
    describe_stem,
    mix,
)
from arabench.morph.letters import MAX_LETTERS
from arabench.morph.segmenter_templates import FACTS, PLACE, compiled_templates

_MASK: Final = np.uint64(WEIGHTS - 1)
#: Terms of a template that come from the stem; no template has more.
_MOST_TERMS: Final = 3
_SINGLE: Final = ("last_before", "first_after")
_OF_PAIR: Final = ("before", "after", "last_after", "both")


def _grouped() -> list[list[list[int]]]:
    """Templates in three groups: last affix before the stem (or none at all), first one after
    it, and all that tell more of the affixes.

    Returns:
        Rows of salt, pairs of (fact of the stem, multiplier), multipliers of the affix facts.
    """
    affixes = {PLACE[name]: name for name in (*_SINGLE, *_OF_PAIR)}
    groups: list[list[list[int]]] = [[], [], []]
    for place, template in enumerate(compiled_templates()[0]):
        times = {
            affixes[fact]: int(multiplier)
            for fact, multiplier in zip(template, MULTIPLIERS, strict=True)
            if fact in affixes
        }
        terms = [
            number
            for fact, multiplier in zip(template, MULTIPLIERS, strict=True)
            if fact and fact not in affixes
            for number in (fact, int(multiplier))
        ]
        group = 0 if set(times) <= {"last_before"} else 1 if set(times) == {"first_after"} else 2
        salt = (place + 1) * int(TEMPLATE_SALT) % (1 << 64)
        names = (*_SINGLE, *_OF_PAIR)
        groups[group].append(
            [salt, *terms, *[0] * (2 * _MOST_TERMS - len(terms)), *(times.get(n, 0) for n in names)]
        )
    return groups


_groups = _grouped()
_rows = np.array([row for group in _groups for row in group], dtype=np.uint64)
_SALT = _rows[:, 0].copy()
_FACT = _rows[:, 1 : 1 + 2 * _MOST_TERMS : 2].T.astype(np.int64)
_TIMES = _rows[:, 2 : 2 + 2 * _MOST_TERMS : 2].T.copy()
_factors = _rows[:, 1 + 2 * _MOST_TERMS :].T
_TEMPLATES: Final = len(_rows)
_FIRST, _PAIR = len(_groups[0]), len(_groups[0]) + len(_groups[1])
_OF_LAST = _factors[0, :_FIRST].copy()
_OF_FIRST = _factors[1, _FIRST:_PAIR].copy()
_PAIR_LAST, _PAIR_FIRST, _PAIR_BEFORE, _PAIR_AFTER, _PAIR_END, _PAIR_BOTH = (
    row.copy() for row in _factors[:, _PAIR:]
)
del _groups, _rows, _factors
#: No affix has this number.
_NONE: Final = -1


@numba.njit(cache=True, nogil=True)
def _terms_of_stem(facts, terms):
    """The sum of the terms of each template that are the stem's."""
    for t in range(_TEMPLATES):
        terms[t] = (
            _SALT[t]
            + facts[_FACT[0, t]] * _TIMES[0, t]
            + facts[_FACT[1, t]] * _TIMES[1, t]
            + facts[_FACT[2, t]] * _TIMES[2, t]
        )


@numba.njit(cache=True, nogil=True)
def _total(weights, places, count):
    total = 0
    for t in range(count):
        total += np.int64(weights[places[t]])
    return total


@numba.njit(cache=True, nogil=True)
def best_candidates(words, offsets, grammar, lexicon, weights, best):
    """The best candidate of each word; of equal ones the first.

    Args:
        words: (letters,) uint8, read: the codes of all words, one after another.
        offsets: (words + 1,) int64, read: where each starts, and the end of the last.
        grammar: read.
        lexicon: (places,) uint16, read: table of `store`.
        weights: (WEIGHTS,) int8, read.
        best: (words, 4) int32, written: before, after, start and end of the stem.
    """
    out = np.empty((MAX_CANDIDATES, 4), dtype=np.int32)
    facts = np.empty(FACTS, dtype=np.uint64)
    sums = np.empty(MAX_LETTERS + 2, dtype=np.uint64)
    terms = np.empty(_TEMPLATES, dtype=np.uint64)
    places = np.empty(_TEMPLATES, dtype=np.uint64)
    # Slices, because places that cannot be negative let the loops over them run on vectors.
    of_last, of_first, of_pair = terms[:_FIRST], terms[_FIRST:_PAIR], terms[_PAIR:]
    # What the first affix after this stem adds, and for which stem it was worked out.
    by_first = np.empty(grammar.singles, dtype=np.int64)
    first_seen = np.full(grammar.singles, _NONE, dtype=np.int64)
    stem = 0
    for w in range(offsets.size - 1):
        word = words[offsets[w] : offsets[w + 1]]
        total = candidates(word, sums, grammar, out)
        top = np.int64(-1) << 60
        start, end, last = _NONE, _NONE, _NONE
        by_last = np.int64(0)
        for c in range(total):
            # Candidates with the same stem follow each other, among them those with the same
            # affixes before it.
            if out[c, 2] != start or out[c, 3] != end:
                start, end, last = out[c, 2], out[c, 3], _NONE
                stem += 1
                describe_stem(word, sums, lexicon, start, end, facts)
                _terms_of_stem(facts, terms)
            before, after = np.uint64(out[c, 0]), np.uint64(out[c, 1])
            if grammar.before_last[before] != last:
                last = grammar.before_last[before]
                value = np.uint64(last)
                for t in range(of_last.size):
                    places[t] = mix(of_last[t] + _OF_LAST[t] * value) & _MASK
                by_last = _total(weights, places, of_last.size)
            first = grammar.after_first[after]
            if first_seen[first] != stem:
                first_seen[first] = stem
                value = np.uint64(first)
                for t in range(of_first.size):
                    places[t] = mix(of_first[t] + _OF_FIRST[t] * value) & _MASK
                by_first[first] = _total(weights, places, of_first.size)
            of_end = np.uint64(grammar.after_last[after])
            both = np.uint64((last << 8) | first)
            for t in range(of_pair.size):
                h = of_pair[t] + _PAIR_LAST[t] * np.uint64(last) + _PAIR_FIRST[t] * np.uint64(first)
                h += _PAIR_BEFORE[t] * before + _PAIR_AFTER[t] * after
                h += _PAIR_END[t] * of_end + _PAIR_BOTH[t] * both
                places[t] = mix(h) & _MASK
            score = by_last + by_first[first] + _total(weights, places, of_pair.size)
            if score > top:
                top = score
                best[w, 0] = out[c, 0]
                best[w, 1] = out[c, 1]
                best[w, 2] = start
                best[w, 3] = end
