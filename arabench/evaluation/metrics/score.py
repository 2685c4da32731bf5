"""A metric as a function of summed per-sample statistics.

Every metric here is a function of sums over samples: bits per character is
(sum of bits) / (sum of characters), BLEU a function of summed n-gram counts,
accuracy a mean. Each sample therefore carries a short vector of sums and the item
it belongs to, and one mechanism serves the point estimate, its interval
and the paired comparison of two models, with no metric ever averaged over groups.

Samples of one item (renderings of one sentence, questions on one passage) are
resampled together: they are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from arabench.statistics.resampling import Array

#: Rises when a score's definition changes; part of every signature.
SCORES_VERSION: Final = 2


@dataclass(frozen=True)
class Score:
    """A metric.

    Attributes:
        name: as it appears in results.
        width: length of the vector of sums of one sample.
        compute: sums (..., width) -> value (...), in the unit named.
        higher_is_better: direction.
        unit: of the value.
        describe: asks the object that computes the sums what fixes the number.
        likelihood: whether the sums are likelihoods of text: two models never agree in all.
        per_token: whether the value is a quantity per token of the model's own tokenizer, so that
            values under two tokenizers do not compare. The last sum is then tokens.
    """

    name: str
    width: int
    compute: Callable[[Array], Array]
    higher_is_better: bool
    unit: str
    describe: Callable[[], str]
    likelihood: bool = False
    per_token: bool = False

    @property
    def signature(self) -> str:
        """Everything that fixes the number; equal signatures are comparable."""
        return f"{self.name}|{self.describe()}"


def ratio(sums: Array) -> Array:
    """First sum over the second; NaN over nothing."""
    return divide(sums[..., 0], sums[..., 1])


def divide(numerator: Array, denominator: Array) -> Array:
    """Quotients where the denominator is positive, NaN elsewhere."""
    result = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


@dataclass(frozen=True)
class Sums:
    """Summed statistics of a set of samples, one row per item.

    Attributes:
        items: item names, sorted.
        sums: (items, width).
    """

    items: tuple[str, ...]
    sums: Array


def sample(item: str, sums: Sequence[float]) -> dict[str, Any]:
    """The per-sample value a task returns and lm-eval logs."""
    return {"item": item, "sums": [float(value) for value in sums]}


def without_sums(value: Mapping[str, Any]) -> dict[str, Any]:
    """A sample that adds nothing: of an answer that could not be scored."""
    return {"item": value["item"], "sums": [0.0] * len(value["sums"])}


def by_item(values: Iterable[Mapping[str, Any]]) -> Sums:
    """Add up the samples of each item."""
    totals: dict[str, Array] = {}
    for value in values:
        vector = np.asarray(value["sums"], dtype=np.float64)
        name = str(value["item"])
        totals[name] = totals[name] + vector if name in totals else vector
    items = tuple(sorted(totals))
    return Sums(items, np.stack([totals[item] for item in items]))


def point(score: Score, sums: Array) -> float:
    """The score of all items together. `sums` is (items, width)."""
    return float(score.compute(sums.sum(axis=0)))
