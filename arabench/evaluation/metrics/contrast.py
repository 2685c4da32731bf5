"""How much worse the candidate is on one metric, and what the items show of it."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import numpy as np

from arabench.evaluation.metrics.score import Score, Sums, point
from arabench.statistics.jackknife import contributions
from arabench.statistics.paired import SKEW_ALLOWANCE, Paired, measure_together
from arabench.statistics.resampling import (
    BOOTSTRAP_DRAWS,
    WEIGHTS_IN_MEMORY,
    Array,
    resample_weights,
)

#: How theta of the items relates to degradation: as a ratio of the two models' sums, as the
#: binary logarithm of such a ratio, or as degradation itself.
Scale = Literal["ratio", "log2 ratio", "plain"]


#: Before a candidate is called worse, its bits on an item count as at most so many times the
#: baseline's. Sums can only fall by it, so nobody is called worse who is not, and one broken item
#: cannot hide what all others show. More than any margin allows, which is less than twice.
WORST_COUNTED: Final = 2.5


@dataclass(frozen=True)
class Contrast:
    """One metric of both models, item by item.

    Attributes:
        degradation: on all items: relative where lower is better (candidate / baseline - 1),
            absolute where higher is better (baseline - candidate).
        items: independent pairs of answers.
        paired: what they show.
        capped: the same with no item beyond `WORST_COUNTED`, which is what can show a candidate
            to be worse; `paired` itself where there is none.
        least, most: degradation that the metric can have.
    """

    degradation: float
    items: int
    paired: Paired
    capped: Paired
    scale: Scale
    least: float
    most: float

    def shown_worse(self, margin: float) -> float:
        """p-value against "degradation is `margin` or less"."""
        return self.capped.above(self._theta(margin))

    def shown_better(self, margin: float) -> float:
        """p-value against "degradation is `margin` or more"."""
        return self.paired.below(self._theta(margin))

    def low(self, level: float) -> float:
        """One-sided lower bound of the degradation at error `level`."""
        return self._degradation(self.capped.lower(level))

    @property
    def capped_degradation(self) -> float:
        """The point estimate without what items beyond `WORST_COUNTED` exceed it by."""
        if self.capped is self.paired:
            return self.degradation
        return self._degradation(self.capped.estimate)

    def high(self, level: float) -> float:
        """One-sided upper bound of the degradation at error `level`."""
        return self._degradation(self.paired.upper(level))

    def _theta(self, degradation: float) -> float:
        if self.scale == "log2 ratio":
            return float(np.log2(1 + degradation))
        return degradation + (self.scale == "ratio")

    def _degradation(self, theta: float) -> float:
        with np.errstate(over="ignore"):
            plain = float(np.exp2(theta)) if self.scale == "log2 ratio" else theta
        value = plain - (self.scale != "plain")
        return value if math.isnan(value) else min(max(value, self.least), self.most)


def degradation(score: Score, baseline: Array, candidate: Array) -> Array:
    """Relative increase where lower is better, absolute decrease where higher is."""
    if score.higher_is_better:
        return np.asarray(baseline - candidate)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(candidate / baseline - 1)


class Pair(NamedTuple):
    """One metric of two models on the same items."""

    score: Score
    baseline: Sums
    candidate: Sums


def contrast(score: Score, baseline: Sums, candidate: Sums, draws: int, seed: int) -> Contrast:
    """Pair the items of two models. The items must be the same."""
    return contrast_all([Pair(score, baseline, candidate)], draws, seed)[0]


def contrast_all(
    pairs: Sequence[Pair], draws: int, seed: int, *, skew_allowance: float = SKEW_ALLOWANCE
) -> list[Contrast]:
    """The same of several metrics; those of as many items share their bootstrap draws.

    Draws depend on the number of items and on `seed` alone, so that a metric's numbers are the
    same whatever is compared beside it.

    Args:
        pairs: metrics, in the order of the result.
        draws: bootstrap draws.
        seed: of the draws.
        skew_allowance: see `arabench.statistics.paired.SKEW_ALLOWANCE`.
    """
    found: dict[int, Contrast] = {}
    for count in dict.fromkeys(len(pair.baseline.sums) for pair in pairs):
        alike = [place for place, p in enumerate(pairs) if len(p.baseline.sums) == count]
        drawn = _Draws(_weights(count, draws, seed))
        with np.errstate(invalid="ignore"):  # what cannot be measured is NaN, and shows nothing
            ready = [_Prepared.of(pairs[place], drawn) for place in alike]
            measures = [(one.excess, one.size, one.assumed) for one in ready]
            measures += [(one.capped, one.size, 0) for one in ready if one.capped is not None]
            measured = [
                replace(paired, skew_allowance=skew_allowance)
                for paired in measure_together(measures, drawn.all())
            ]
        paireds, tamed = measured[: len(ready)], iter(measured[len(ready) :])
        for place, one, paired in zip(alike, ready, paireds, strict=True):
            score = pairs[place].score
            capped = paired if one.capped is None else next(tamed)
            most = {"0-1": 1.0, "0-100": 100.0}.get(score.unit, math.inf)
            least = -most if score.higher_is_better else -1.0
            found[place] = Contrast(one.whole, count, paired, capped, one.scale, least, most)
    return [found[place] for place in range(len(pairs))]


class _Draws:
    """Bootstrap weights that are made once, in parts: the first are looked at before all are."""

    def __init__(self, parts: Iterable[Array]) -> None:
        self._parts = iter(parts)
        self._seen: list[Array] = []

    def first(self, draws: int) -> Array:
        """(draws, items): as many draws as asked for, or all where there are fewer."""
        held = sum(map(len, self._seen))
        while held < draws and (part := next(self._parts, None)) is not None:
            self._seen.append(part)
            held += len(part)
        return np.concatenate(self._seen)[:draws]

    def all(self) -> Iterator[Array]:
        """Every part, once."""
        return itertools.chain(self._seen, self._parts)


@dataclass(frozen=True)
class _Prepared:
    """Items of one metric as the paired test wants them; see `Paired` and `Contrast`.

    `capped` is None where no excess is beyond `WORST_COUNTED`.
    """

    whole: float
    excess: Array
    size: Array
    assumed: int
    scale: Scale
    capped: Array | None

    @classmethod
    def of(cls, pair: Pair, drawn: _Draws) -> _Prepared:
        score, ours, theirs = pair.score, pair.baseline.sums, pair.candidate.sums
        values = np.asarray(point(score, ours)), np.asarray(point(score, theirs))
        whole = float(degradation(score, *values))
        scale: Scale = "plain"
        if score.width == 2 and np.array_equal(ours[:, 1], theirs[:, 1]):
            excess, size, scale = _as_ratio(score, ours, theirs)
        else:
            excess = _linearised(score, ours, theirs, whole, drawn)
            size = np.ones(len(ours))
        assumed = 0
        if score.unit == "0-1":
            excess, size, assumed = _with_unseen(excess, size)
        capped = None
        if scale == "ratio" and np.any(excess > WORST_COUNTED * size):
            capped = np.minimum(excess, WORST_COUNTED * size)
        return cls(whole, excess, size, assumed, scale, capped)


def _as_ratio(score: Score, ours: Array, theirs: Array) -> tuple[Array, Array, Scale]:
    """(excess, size, scale), so that sum excess / sum size is the degradation on that scale.

    Both models' sums are over the same counts: of characters, words, questions.
    """
    counts = ours[:, 1]
    if score.unit == "perplexity":
        return theirs[:, 0] - ours[:, 0], counts, "log2 ratio"
    if score.higher_is_better:
        return ours[:, 0] - theirs[:, 0], counts, "plain"
    return theirs[:, 0], ours[:, 0], "ratio"


def _linearised(score: Score, ours: Array, theirs: Array, whole: float, drawn: _Draws) -> Array:
    """(items,) with mean `whole`: BLEU, chrF++, the tax and areas, as sums of contributions.

    BLEU has a kink where the answers are as long as the references, and one more item moves it
    less, or more, than a sample does. Where the bootstrap varies more, contributions are spread
    as far.
    """

    def of_both(sums: Array) -> Array:
        base, mine = sums[..., : score.width], sums[..., score.width :]
        return degradation(score, score.compute(base), score.compute(mine))

    both = np.concatenate([ours, theirs], axis=1)
    shares = contributions(of_both, both)
    spread = float(np.std(shares)) / math.sqrt(max(len(both) - 1, 1))
    # As many draws as a standard error needs.
    varied = float(np.std(of_both(drawn.first(BOOTSTRAP_DRAWS) @ both)))
    return whole + shares * (varied / spread if varied > spread > 0 else 1.0)


def _with_unseen(excess: Array, size: Array) -> tuple[Array, Array, int]:
    """One more item lost and one more won (Agresti and Min 2005).

    Shares of few items say nothing of what is rare: where all answers of thirty pairs agree,
    one in twenty may still differ. The items added are as far apart as any seen, or wholly.
    """
    typical = float(size.mean())
    widest = float(np.abs(excess).max()) or typical
    return np.append(excess, [widest, -widest]), np.append(size, [typical, typical]), 2


def _weights(count: int, draws: int, seed: int) -> Iterable[Array]:
    if count * draws > WEIGHTS_IN_MEMORY:
        return resample_weights(count, draws, seed)
    return kept_weights(count, draws, seed)


@functools.lru_cache(maxsize=4)
def kept_weights(count: int, draws: int, seed: int) -> tuple[Array, ...]:
    """Tasks with as many items share their draws: made once."""
    return tuple(_as_drawn(resample_weights(count, draws, seed)))


def _as_drawn(parts: Iterator[Array]) -> Iterator[Array]:
    for part in parts:
        part.flags.writeable = False
        yield part
