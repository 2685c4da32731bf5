"""The dialect mix of a corpus: labels, shares by probability, and how dialectal its texts are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from arabench.audit.figures import share
from arabench.varieties import NAMES, VARIETIES

if TYPE_CHECKING:
    from arabench.dialect.identification import Identifier

#: Bars of the histogram of dialectness.
BINS: Final = 10
#: Why a document is unknown -> what that means.
REASONS: Final = {
    "no_arabic": "no Arabic word",
    "short": "too few words",
    "ambiguous": "valid in several varieties, or too close a call",
}


def variety_name(label: str) -> str:
    """What a label is called on the page."""
    return NAMES.get(label, "unknown")


class DialectMix:
    """Labels documents for `audit_files(variety=...)`, and sums up more than their labels."""

    def __init__(self, identifier: Identifier | None = None) -> None:
        from arabench.dialect.identification import Identifier

        self._identifier = identifier or Identifier()
        self._documents = 0
        self._probs = np.zeros(len(VARIETIES))
        self._dialectness = np.zeros(BINS, dtype=np.int64)
        self._reasons: Counter[str] = Counter()

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """The label of each text; counts them."""
        from arabench.dialect.identification import REASONS as NUMBERED

        labels = self._identifier.label(texts)
        judged = labels.n_words > 0
        self._documents += int(judged.sum())
        self._probs += labels.probs[judged].sum(axis=0)
        bins = np.minimum((labels.dialectness[judged] * BINS).astype(np.int64), BINS - 1)
        self._dialectness += np.bincount(bins, minlength=BINS)
        self._reasons.update(NUMBERED[why] or "" for why in labels.reasons.tolist())
        return labels.varieties()

    def figures(self) -> dict[str, Any]:
        """The numbers of the report.

        The expected share of a variety is the mean of its probabilities: it counts texts that
        no label fits, and its errors cancel out where the model is calibrated. Documents
        without an Arabic word are in neither it nor the histogram.
        """
        return {
            "model": self._identifier.signature,
            "documents": self._documents,
            "expected": [
                {
                    "variety": variety,
                    "name": variety_name(variety),
                    "share": round(float(total) / self._documents, 6) if self._documents else 0.0,
                }
                for variety, total in zip(VARIETIES, self._probs, strict=True)
            ],
            "dialectness": [
                {
                    "from": place / BINS,
                    "to": (place + 1) / BINS,
                    "documents": count,
                    "share": share(count, self._documents),
                }
                for place, count in enumerate(self._dialectness.tolist())
            ],
            "unknown": [
                {"reason": reason, "meaning": meaning, "documents": self._reasons[reason]}
                for reason, meaning in REASONS.items()
            ],
        }
