"""`arabench.dialect.features` compiled: features and scores of many texts at once.

Rows come as Arrow string arrays hold them, bytes and offsets; `word_kernel` reads their words.
Sums of weights are whole numbers, so that they are the same in any order, with or without
the cache of words.

What the n-grams of a word add up to depends on the word alone, so it is kept in a cache of
fixed size with one place per hash (a later word takes the place of an earlier one): a text
costs a look-up per word and one per pair. Two words of the same 64-bit hash would be taken
for one; with a million types the odds of a single such pair are one in 37 million.

Numba compiles the functions on first use and caches the result on disk; they release the GIL.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numba
import numpy as np

from arabench.dialect.compiled.word_kernel import next_word, tables
from arabench.dialect.features import (
    MAX_LETTERS,
    SALTS,
    SPELLING_MIN,
    WORD_END,
    WORD_START,
    FeatureSpec,
)
from arabench.dialect.neutral import PROBES, SALT
from arabench.text.column import Column
from arabench.text.compiled.hash_kernel import FNV_OFFSET, FNV_PRIME, murmur_finish

if TYPE_CHECKING:
    import numpy.typing as npt

#: Places of the cache of word scores, of 28 bytes each: 1.8 MB, of which the common words stay in
#: the processor's cache.
CACHE_LOG2: Final = 16
#: Varieties, the columns of the table of weights.
CLASSES: Final = 5

_NGRAM, _WORD, _PAIR, _SPELLING = map(np.uint64, SALTS.values())
_NEUTRAL = np.uint64(SALT)
_START, _END = np.uint64(WORD_START), np.uint64(WORD_END)
_U1, _U3, _U7, _LOW = map(np.uint64, (1, 3, 7, 0xFFFFFFFF))


@numba.njit(cache=True, nogil=True)
def _unit(letters, place, units):
    """A letter of a word, or the mark before or after it."""
    if place == 0:
        return _START
    if place == units - 1:
        return _END
    return np.uint64(letters[place - 1])


@numba.njit(cache=True, nogil=True)
def _ngrams(letters, length, char_min, char_max, found):
    """Hashes of the n-grams of a word, in the order of the reference; returns how many."""
    count = 0
    units = length + 2
    for first in range(units):
        value = FNV_OFFSET
        for place in range(first, min(first + min(char_max, units - 1), units)):
            value = (value ^ _unit(letters, place, units)) * FNV_PRIME
            if place - first + 1 >= char_min:
                found[count] = murmur_finish(value ^ _NGRAM)
                count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _spellings(letters, spelled, length, char_min, char_max, found):
    """Hashes of the n-grams as spelled with a letter that folding changed; returns how many.

    Args:
        letters, spelled: (MAX_LETTERS,) uint16, read: the word folded, and as typed.
        length: letters of the word.
        char_min, char_max: shortest and longest n-gram.
        found: (capacity,) uint64, written.
    """
    count = 0
    units = length + 2
    for first in range(units):
        value = FNV_OFFSET
        is_changed = False
        for place in range(first, min(first + char_max, units)):
            value = (value ^ _unit(spelled, place, units)) * FNV_PRIME
            if 0 < place < units - 1 and spelled[place - 1] != letters[place - 1]:
                is_changed = True
            if is_changed and place - first + 1 >= max(char_min, SPELLING_MIN):
                found[count] = murmur_finish(value ^ _SPELLING)
                count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _folded_hash(letters, length):
    """FNV-1a of a folded word."""
    value = FNV_OFFSET
    for place in range(length):
        value = (value ^ np.uint64(letters[place])) * FNV_PRIME
    return value


@numba.njit(cache=True, nogil=True)
def _is_neutral(value, neutral):
    """Whether a word of FNV-1a `value` is in a filter; see `neutral.probes`."""
    hashed = murmur_finish(value ^ _NEUTRAL)
    place, step = hashed & _LOW, (hashed >> np.uint64(32)) | _U1
    mask = np.uint64(8 * len(neutral) - 1)
    for _ in range(PROBES):
        bit = place & mask
        if (neutral[bit >> _U3] >> (bit & _U7)) & 1 == 0:
            return False
        place += step
    return True


@numba.njit(cache=True, nogil=True)
def extract_rows(
    data, starts, ends, fold, expansions, kinds, char_min, char_max, words, pairs, spelling,
    first_row, indptr, found, n_words,
):  # fmt: skip
    """Write the hashes of the features of rows into `found`.

    Args:
        data: (bytes,) uint8, read: UTF-8; what is none parts words.
        starts, ends: (rows,) int64, read: row `i` is `data[starts[i]:ends[i]]`.
        fold, expansions, kinds: `Tables`, read.
        char_min, char_max: shortest and longest n-gram of characters; 0 for none.
        words, pairs, spelling: whether words, pairs of them, and n-grams as typed are features.
        first_row: where to go on after `found` was too small; `indptr[first_row]` is set.
        indptr: (rows + 1,) int64, written: ends of the rows in `found`.
        found: (capacity,) uint64, written: hashes of all rows.
        n_words: (rows,) int32, written: words of each row.

    Returns:
        The number of rows when finished, else the row that did not fit.
    """
    letters = np.empty(MAX_LETTERS, dtype=np.uint16)
    spelled = np.empty(MAX_LETTERS, dtype=np.uint16)
    most = 2 * (MAX_LETTERS + 2) * max(0, char_max - char_min + 1) + 2
    for row in range(first_row, len(starts)):
        at, end = starts[row], ends[row]
        out, count, before = indptr[row], 0, np.uint64(0)
        while True:
            at, length, _ = next_word(
                data, at, starts[row], end, fold, expansions, kinds, letters, spelled
            )
            if length == 0:
                break
            value = _folded_hash(letters, length)
            if out + most > len(found):
                return row
            if char_max > 0:
                out += _ngrams(letters, length, char_min, char_max, found[out:])
                if spelling:
                    out += _spellings(letters, spelled, length, char_min, char_max, found[out:])
            if words:
                found[out] = murmur_finish(value ^ _WORD)
                out += 1
            if pairs and count > 0:
                found[out] = murmur_finish(before * _PAIR + value)
                out += 1
            before = value
            count += 1
        n_words[row] = count
        indptr[row + 1] = out
    return len(starts)


@numba.njit(cache=True, nogil=True)
def score_rows(
    data, starts, ends, fold, expansions, kinds, char_min, char_max, words, pairs, spelling,
    shift, weights, neutral, keys, values, sums, n_words,
):  # fmt: skip
    """Add up the weights of all features of each row.

    Args:
        data: (bytes,) uint8, read: UTF-8; what is none parts words.
        starts, ends: (rows,) int64, read: row `i` is `data[starts[i]:ends[i]]`.
        fold, expansions, kinds: `Tables`, read.
        char_min, char_max: shortest and longest n-gram of characters; 0 for none.
        words, pairs, spelling: whether words, pairs of them, and n-grams as typed are features.
        shift: uint64, 64 - buckets_log2.
        weights: (buckets, CLASSES) int8, read.
        neutral: (bytes,) uint8, read: filter of words without weight, of 2**n bytes or none.
        keys: (places,) uint64, read and written: the words in the cache. A power of two of
            places, all keys 0 when it is new; not to be shared between threads.
        values: (places, CLASSES) int32, read and written: the sums of their weights.
        sums: (rows, CLASSES) int64, written.
        n_words: (rows,) int32, written: words of each row.
    """
    letters = np.empty(MAX_LETTERS, dtype=np.uint16)
    spelled = np.empty(MAX_LETTERS, dtype=np.uint16)
    found = np.empty((MAX_LETTERS + 2) * max(1, char_max - char_min + 1), dtype=np.uint64)
    mask = np.uint64(len(keys) - 1)
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        count, before = 0, np.uint64(0)
        s0 = s1 = s2 = s3 = s4 = np.int64(0)
        while True:
            at, length, typed = next_word(
                data, at, starts[row], end, fold, expansions, kinds, letters, spelled
            )
            if length == 0:
                break
            key = murmur_finish(typed ^ _WORD)
            place = key & mask
            if keys[place] != key:
                keys[place] = key
                for c in range(CLASSES):
                    values[place, c] = 0
                value = _folded_hash(letters, length)
                silent = len(neutral) > 0 and _is_neutral(value, neutral)
                if char_max > 0 and not silent:
                    for step in range(_ngrams(letters, length, char_min, char_max, found)):
                        bucket = found[step] >> shift
                        for c in range(CLASSES):
                            values[place, c] += weights[bucket, c]
                if spelling and not silent:
                    for step in range(
                        _spellings(letters, spelled, length, char_min, char_max, found)
                    ):
                        bucket = found[step] >> shift
                        for c in range(CLASSES):
                            values[place, c] += weights[bucket, c]
                if words and not silent:
                    bucket = murmur_finish(value ^ _WORD) >> shift
                    for c in range(CLASSES):
                        values[place, c] += weights[bucket, c]
            s0 += values[place, 0]
            s1 += values[place, 1]
            s2 += values[place, 2]
            s3 += values[place, 3]
            s4 += values[place, 4]
            if not pairs:
                count += 1
                continue
            value = _folded_hash(letters, length)
            if count > 0:
                bucket = murmur_finish(before * _PAIR + value) >> shift
                s0 += weights[bucket, 0]
                s1 += weights[bucket, 1]
                s2 += weights[bucket, 2]
                s3 += weights[bucket, 3]
                s4 += weights[bucket, 4]
            before = value
            count += 1
        n_words[row] = count
        sums[row, 0], sums[row, 1], sums[row, 2] = s0, s1, s2
        sums[row, 3], sums[row, 4] = s3, s4


class Features(NamedTuple):
    """Features of texts as rows of a sparse matrix (CSR); a bucket may occur twice in a row.

    Attributes:
        indptr: (texts + 1,) int64.
        indices: (features,) uint32 buckets, or uint64 hashes.
        n_words: (texts,) int32.
    """

    indptr: Any
    indices: Any
    n_words: Any


def extract(texts: Sequence[str], spec: FeatureSpec, hashes: bool = False) -> Features:
    """The features of texts, as `features.features_of` gives them and in its order.

    Args:
        texts: any strings.
        spec: which features.
        hashes: 64-bit hashes instead of buckets (`hash >> (64 - buckets_log2)`).
    """
    column = column_of(texts)
    rows = len(column.starts)
    indptr = np.zeros(rows + 1, dtype=np.int64)
    n_words = np.zeros(rows, dtype=np.int32)
    lengths = max(0, spec.char_max - spec.char_min + 1) if spec.char_max else 0
    # A letter has two bytes and begins one n-gram of each length; a word has two marks.
    found = np.empty(int(column.size * (lengths / 2 + 1) * 1.3) + 1024, dtype=np.uint64)
    done = 0
    while True:
        done = extract_rows(
            column.data, column.starts, column.ends, *tables(), spec.char_min, spec.char_max,
            spec.words, spec.pairs, spec.spelling, done, indptr, found, n_words,
        )  # fmt: skip
        if done == rows:
            break
        found = np.concatenate([found, np.empty(len(found) + 1024, dtype=np.uint64)])
    found = found[: indptr[-1]]
    if not hashes:
        found = (found >> np.uint64(64 - spec.buckets_log2)).astype(np.uint32)
    return Features(indptr, found, n_words)


def word_buckets(
    words: Sequence[str], spec: FeatureSpec
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    """Buckets of the features of words as spelled: (indptr int64, uint32), the word itself last."""
    found = extract(words, dataclasses.replace(spec, pairs=False))
    return found.indptr, found.indices


def column_of(texts: Sequence[str]) -> Column:
    """Texts as bytes and spans; lone surrogates become bytes that part words."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    data = np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8)
    ends = np.cumsum([len(row) for row in encoded], dtype=np.int64)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])[:-1]
    return Column(data, starts, ends)
