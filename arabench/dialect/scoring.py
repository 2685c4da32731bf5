"""Sums of the weights of all features of texts: by the plain definition, and compiled."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from arabench.dialect import features
from arabench.dialect.model import CLASSES, I64, DialectModel

if TYPE_CHECKING:
    from arabench.text.column import Column


def reference_sums(
    model: DialectModel, texts: Sequence[str], *, words: bool = True, pairs: bool = True
) -> tuple[I64, npt.NDArray[np.int32]]:
    """Sums of weights (texts, 5) and numbers of words (texts,), by the plain definition.

    Args:
        model: whose weights are added.
        texts: any strings.
        words: count what words and their n-grams add.
        pairs: count what pairs add.
    """
    spec = model.spec
    sums = np.zeros((len(texts), len(CLASSES)), dtype=np.int64)
    n_words = np.zeros(len(texts), dtype=np.int32)
    for row, text in enumerate(texts):
        spelled = features.spelled_words_of(text)
        folded = [features.fold_word(word) for word in spelled]
        n_words[row] = len(folded)
        found = [
            item
            for word, written in zip(folded, spelled, strict=True)
            if words and word not in model.neutral
            for item in features.word_features(written, spec)
        ]
        if pairs and spec.pairs:
            found += [features.pair_feature(*pair) for pair in itertools.pairwise(folded)]
        buckets = [features.bucket(item, spec) for item in found]
        sums[row] = model.weights[buckets].sum(axis=0, dtype=np.int64)
    return sums, n_words


class Kernel:
    """The compiled scorer of one model. Safe to share between threads."""

    def __init__(self, model: DialectModel) -> None:
        from arabench.dialect.compiled import feature_kernel
        from arabench.dialect.compiled.word_kernel import tables

        self._module = feature_kernel
        self._model = model
        self._tables = tables()
        self._weights = _read_only(model.weights)
        self._neutral = _read_only(model.neutral.bits)
        # Caches of words that no thread is using. A list's append and pop are atomic.
        self._caches: list[tuple[Any, Any]] = []

    def sums(
        self, column: Column, *, words: bool = True, pairs: bool = True
    ) -> tuple[I64, npt.NDArray[np.int32]]:
        """What `reference_sums` gives, for the rows of a column."""
        spec = self._model.spec
        rows = len(column.starts)
        sums = np.empty((rows, len(CLASSES)), dtype=np.int64)
        n_words = np.empty(rows, dtype=np.int32)
        keys, values = self._cache() if words else self._new_cache(1)
        self._module.score_rows(
            _read_only(column.data), column.starts, column.ends, *self._tables, spec.char_min,
            spec.char_max if words else 0, spec.words and words, spec.pairs and pairs,
            spec.spelling and words,
            np.uint64(64 - spec.buckets_log2), self._weights, self._neutral, keys,
            values, sums, n_words,
        )  # fmt: skip
        if words:
            self._caches.append((keys, values))
        return sums, n_words

    def _cache(self) -> tuple[Any, Any]:
        try:
            return self._caches.pop()
        except IndexError:
            return self._new_cache(1 << self._module.CACHE_LOG2)

    @staticmethod
    def _new_cache(places: int) -> tuple[Any, Any]:
        return (
            np.zeros(places, dtype=np.uint64),
            np.zeros((places, len(CLASSES)), dtype=np.int32),
        )


def _read_only(array: Any) -> Any:
    """A view that cannot be written to: numba compiles once more for arrays that can."""
    view = array.view()
    view.flags.writeable = False
    return view
