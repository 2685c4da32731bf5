"""How measures of texts are spread over a corpus: histograms, for `arabench filter --report`."""

from __future__ import annotations

from threading import Lock
from typing import Final

import numpy as np

from arabench.corpus.steps.filters.text_measures import F64, MEASURES, Measures
from arabench.text.hash_arrays import I64

#: Bins of a histogram: shares in steps of a thousandth, counts in steps of 2.3 %.
_BINS: Final = 1000
_BINS_PER_DECADE: Final = 100
_QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class Spread:
    """How measures are spread over a corpus, in constant memory and any order of texts."""

    def __init__(self) -> None:
        self._counts = {name: np.zeros(_BINS + 1, dtype=np.int64) for name in MEASURES}
        self._lock = Lock()
        self.texts = 0
        """Texts counted."""

    def add(self, measures: Measures) -> None:
        """Count the texts of a batch; may be called from any thread."""
        binned = {name: _bin(name, getattr(measures, name)) for name in MEASURES}
        with self._lock:
            self.texts += len(measures.words)
            for name, places in binned.items():
                self._counts[name] += np.bincount(places, minlength=_BINS + 1)

    def quantiles(self) -> dict[str, dict[str, float]]:
        """Measure -> quantile (as `p01` .. `p99`) -> value, to about three digits."""
        return {name: self._quantiles(name) for name in MEASURES if self._counts[name].any()}

    def _quantiles(self, name: str) -> dict[str, float]:
        total = np.cumsum(self._counts[name])
        places = np.searchsorted(total, np.array(_QUANTILES) * total[-1])
        return {
            f"p{round(100 * quantile):02d}": _unbin(name, int(place))
            for quantile, place in zip(_QUANTILES, places, strict=True)
        }


def _is_count(name: str) -> bool:
    return name in {"words", "mean_word_chars"}


def _bin(name: str, values: F64) -> I64:
    scaled = np.log10(values + 1) * _BINS_PER_DECADE if _is_count(name) else values * _BINS
    bins: I64 = np.minimum(np.round(scaled), _BINS).astype(np.int64)
    return bins


def _unbin(name: str, place: int) -> float:
    if _is_count(name):
        return float(f"{10 ** (place / _BINS_PER_DECADE) - 1:.3g}")
    return place / _BINS
