"""Scores as functions of summed per-sample statistics.

Every metric here is a function of sums over samples: bits per character is
(sum of bits) / (sum of characters), BLEU a function of summed n-gram counts,
accuracy a mean. Each sample therefore carries a short vector of sums and the item
it belongs to, and one mechanism serves the point estimate, the bootstrap interval
and the paired comparison of two models, with no metric ever averaged over groups.

Samples of one item (renderings of one sentence, questions on one passage) are
resampled together: they are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arabench.statistics.proportions import wilson_interval

Array = NDArray[np.float64]

#: Rises when a score's definition changes; part of every signature.
SCORES_VERSION: Final = 2
#: Bootstrap draws for standard errors and intervals: the Monte-Carlo error of a
#: standard error from B draws is about 1/sqrt(2B), 2 % here.
BOOTSTRAP_DRAWS: Final = 1000
BOOTSTRAP_SEED: Final = 20241217
#: Bootstrap weights held in memory at once: 64 MB.
WEIGHTS_IN_MEMORY: Final = 8_000_000
#: Rates at which robustness is measured; 0 is the clean text.
NOISE_RATES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Score:
    """A metric.

    Attributes:
        name: as it appears in results.
        width: length of the vector of sums of one sample.
        compute: sums (..., width) -> value (...), in the unit named.
        higher_is_better: direction.
        unit: of the value.
        signature: everything that fixes the number; equal signatures are comparable.
    """

    name: str
    width: int
    compute: Callable[[Array], Array]
    higher_is_better: bool
    unit: str
    signature: str


def _ratio(sums: Array) -> Array:
    return _divide(sums[..., 0], sums[..., 1])


def _divide(numerator: Array, denominator: Array) -> Array:
    result = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def _perplexity(sums: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(np.exp2(_ratio(sums)))


def bleu_from_sums(sums: Array) -> Array:
    """Corpus BLEU (Papineni et al. 2002) with sacreBLEU's exponential smoothing.

    Args:
        sums: (..., 10): system length, reference length, correct 1-4-grams, total 1-4-grams.

    Returns:
        (...): BLEU in 0-100, equal to sacreBLEU's corpus score of the same counts.
    """
    system, reference = sums[..., 0], sums[..., 1]
    correct, total = sums[..., 2:6], sums[..., 6:10]
    log_precision = np.zeros(system.shape)
    smoothing = np.ones(system.shape)
    defined = np.ones(system.shape, dtype=bool)
    for order in range(4):
        matched, possible = correct[..., order], total[..., order]
        # Once an order has no n-grams at all its precision is 0, and BLEU with it.
        defined &= possible > 0
        smoothing = np.where(defined & (matched == 0), smoothing * 2, smoothing)
        safe_total = np.maximum(possible, 1)
        precision = np.where(
            matched > 0, 100 * matched / safe_total, 100 / (smoothing * safe_total)
        )
        log_precision += np.log(precision)
    safe_system = np.maximum(system, 1e-9)
    brevity = np.where(system < reference, np.exp(1 - reference / safe_system), 1.0)
    score = brevity * np.exp(log_precision / 4)
    return np.asarray(np.where(defined & (correct.sum(-1) > 0) & (system > 0), score, 0.0))


def chrf_from_sums(sums: Array) -> Array:
    """Corpus chrF++ (Popovic 2017; beta 2, character order 6, word order 2).

    Args:
        sums: (..., 24): (hypothesis, reference, matching) n-gram counts of the eight orders.

    Returns:
        (...): chrF++ in 0-100, equal to sacreBLEU's corpus score of the same counts.
    """
    counts = sums.reshape(*sums.shape[:-1], 8, 3)
    hypothesis, reference, matching = counts[..., 0], counts[..., 1], counts[..., 2]
    used = (hypothesis > 0) & (reference > 0)
    orders = np.maximum(used.sum(-1), 1)
    precision = np.where(used, matching / np.maximum(hypothesis, 1), 0).sum(-1) / orders
    recall = np.where(used, matching / np.maximum(reference, 1), 0).sum(-1) / orders
    beta2 = 4.0
    denominator = beta2 * precision + recall
    score = _divide((1 + beta2) * precision * recall, denominator)
    return np.asarray(100 * np.nan_to_num(score))


def _curve_area(values: Array) -> Array:
    """Trapezoid area under values (..., 6) at NOISE_RATES, divided by the range of rates."""
    steps = np.diff(np.asarray(NOISE_RATES))
    heights = (values[..., 1:] + values[..., :-1]) / 2
    return np.asarray((heights * steps).sum(-1) / (NOISE_RATES[-1] - NOISE_RATES[0]))


def _noise_cost(sums: Array) -> Array:
    """Mean over rates of bits(rate) / bits(0); sums are the bits at the six rates."""
    return _curve_area(_divide(sums, sums[..., :1]))


def _noise_accuracy(sums: Array) -> Array:
    """Mean accuracy over rates; sums are correct answers at the six rates, then samples."""
    return _curve_area(_divide(sums[..., :-1], sums[..., -1:]))


def _simple(name: str, unit: str, higher: bool, detail: str) -> Score:
    return Score(name, 2, _ratio, higher, unit, f"{name}|v:{SCORES_VERSION}|{detail}")


#: sacreBLEU settings. `intl` separates Arabic punctuation from words, `13a` does not.
BLEU_SETTINGS: Final = "nrefs:1|case:mixed|eff:no|tok:intl|smooth:exp"
CHRF_SETTINGS: Final = "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|punct:unicode"

#: See `arabench.evaluation.harness`: what a tokenizer adds is not counted.
_BITS = "bits:-log2 p of the text's own tokens, rolling, after one BOS or else EOS"

_ALL = [
    _simple("bits_per_char", "bits", False, f"{_BITS}|chars:code points"),
    _simple("bits_per_byte", "bits", False, f"{_BITS}|bytes:UTF-8"),
    Score(
        "word_perplexity", 2, _perplexity, False, "perplexity",
        f"word_perplexity|v:{SCORES_VERSION}|{_BITS}|words:white space",
    ),
    Score(
        "byte_perplexity", 2, _perplexity, False, "perplexity",
        f"byte_perplexity|v:{SCORES_VERSION}|{_BITS}|bytes:UTF-8",
    ),
    _simple("dialect_tax", "ratio", False, f"{_BITS}|over:MSA rendering of the same sentences"),
    Score("bleu", 10, bleu_from_sums, True, "0-100", f"bleu|{BLEU_SETTINGS}"),
    Score("chrf++", 24, chrf_from_sums, True, "0-100", f"chrf++|{CHRF_SETTINGS}"),
    _simple("f1", "0-1", True, "tokens:SQuAD|answers:arabic"),
    _simple("exact_match", "0-1", True, "answers:arabic"),
    _simple("acc", "0-1", True, "argmax of log-likelihood"),
    Score(
        "noise_cost", len(NOISE_RATES), _noise_cost, False, "ratio",
        f"noise_cost|v:{SCORES_VERSION}|{_BITS}|rates:0-0.5",
    ),
    Score(
        "noise_acc", len(NOISE_RATES) + 1, _noise_accuracy, True, "0-1",
        f"noise_acc|v:{SCORES_VERSION}|rates:0-0.5",
    ),
    *[
        _simple(f"bits_per_char@{rate}", "bits", False, f"{_BITS}|over:clean code points")
        for rate in NOISE_RATES
    ],
    *[_simple(f"acc@{rate}", "0-1", True, "argmax of log-likelihood") for rate in NOISE_RATES],
]  # fmt: skip

#: Every score by name.
SCORES: Final[Mapping[str, Score]] = {score.name: score for score in _ALL}


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


def resample_weights(count: int, draws: int, seed: int) -> Iterator[Array]:
    """How often each of `count` items is drawn in each of `draws` bootstrap samples.

    Yields (part of draws, count), so that memory stays bounded; the draws do not depend on
    how they are parted.
    """
    rng = np.random.default_rng(seed)
    share = np.full(count, 1 / count)
    size = max(1, WEIGHTS_IN_MEMORY // count)
    for start in range(0, draws, size):
        yield rng.multinomial(count, share, min(size, draws - start)).astype(np.float64)


def bootstrap(
    score: Score, sums: Array, draws: int = BOOTSTRAP_DRAWS, seed: int = BOOTSTRAP_SEED
) -> Array:
    """(draws,): the score of bootstrap samples of items (Efron 1979), seeded."""
    parts = resample_weights(len(sums), draws, seed)
    return np.concatenate([score.compute(weights @ sums) for weights in parts])


def standard_error(score: Score, sums: Array) -> float:
    """Bootstrap standard error; NaN with fewer than two items.

    Of a share of 0 or 1, where every draw is the same, what its Wilson interval amounts to.
    """
    if len(sums) < 2:
        return float("nan")
    if _at_the_edge(score, sums):
        low, high = interval(score, sums)
        return (high - low) / (2 * NormalDist().inv_cdf(0.975))
    return float(np.std(bootstrap(score, sums), ddof=1))


def interval(score: Score, sums: Array, level: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the score; NaN with fewer than two items.

    A share of 0 or 1 gets a Wilson interval on the number of items.
    """
    if len(sums) < 2:
        return float("nan"), float("nan")
    if _at_the_edge(score, sums):
        return wilson_interval(point(score, sums), len(sums), level)
    tail = (1 - level) / 2
    low, high = np.quantile(bootstrap(score, sums), [tail, 1 - tail])
    return float(low), float(high)


def _at_the_edge(score: Score, sums: Array) -> bool:
    return score.unit == "0-1" and point(score, sums) in (0.0, 1.0)
