"""Probabilities that mean what they say: temperatures, and how far they are from the truth.

A model is calibrated if, of the texts that it gives its label with probability 0.8, 80 % have
that label. Temperature scaling (Guo et al. 2017, arXiv 1706.04599) divides logits by a number,
here one that depends on the length of the text; the expected calibration error is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from arabench.errors import UsageError

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

#: Bins of equal width for the expected calibration error, as in the paper.
BINS: Final = 15
#: Temperatures are kept within these.
_COLDEST, _HOTTEST = 0.2, 20.0
#: Number of words up to which a model has a temperature of its own.
_LONGEST: Final = 80


class Sample(NamedTuple):
    """Texts with a known variety, scored by a model that was not trained on them.

    Attributes:
        logits: (texts, 5) not calibrated.
        varieties: (texts,) right answers.
        n_words: (texts,)
        weights: (texts,) how much each counts.
    """

    logits: F64
    varieties: I64
    n_words: I64
    weights: F64


class Bin(NamedTuple):
    """Texts whose highest probability lies between two bounds."""

    low: float
    high: float
    share: float
    """Of all texts."""
    confidence: float
    """Mean highest probability; 0 in an empty bin."""
    accuracy: float


def softmax(logits: F64) -> F64:
    """Probabilities (texts, classes) of logits."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: F64 = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def reliability(
    probabilities: F64, varieties: I64, weights: F64 | None = None, bins: int = BINS
) -> list[Bin]:
    """Confidence and accuracy in bins of equal width.

    Args:
        probabilities: (texts, classes)
        varieties: (texts,) right classes.
        weights: (texts,) None counts each text once.
        bins: how many.

    Raises:
        UsageError: there is no text.
    """
    if not len(varieties):
        raise UsageError("calibration cannot be measured on no text. Give labelled texts.")
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == varieties
    mass = np.ones(len(top)) if weights is None else np.asarray(weights, dtype=np.float64)
    place = np.minimum((top * bins).astype(np.int64), bins - 1)
    found = []
    for index in range(bins):
        inside = place == index
        of = float(mass[inside].sum())
        found.append(
            Bin(
                low=index / bins,
                high=(index + 1) / bins,
                share=of / float(mass.sum()),
                confidence=float((mass * top)[inside].sum()) / of if of else 0.0,
                accuracy=float((mass * right)[inside].sum()) / of if of else 0.0,
            )
        )
    return found


def calibration_error(
    probabilities: F64, varieties: I64, weights: F64 | None = None, bins: int = BINS
) -> float:
    """Expected calibration error of the label: mean distance of confidence and accuracy."""
    found = reliability(probabilities, varieties, weights, bins)
    return sum(part.share * abs(part.confidence - part.accuracy) for part in found)


def fit_temperature(sample: Sample) -> tuple[float, float]:
    """(t0, t1) of temperatures t0 + t1 * log(words) with the least cross entropy.

    A search over a grid that is refined around its best point: two parameters, no local
    minima to speak of, and the same answer everywhere.

    Raises:
        UsageError: there is no text.
    """
    if not len(sample.varieties):
        raise UsageError("temperatures cannot be fitted to no text. Give labelled texts.")
    best = (1.0, 0.0)
    width = (1.5, 0.75)
    for _ in range(5):
        grid = [
            (round(best[0] + i * width[0] / 4, 4), round(best[1] + j * width[1] / 4, 4))
            for i in range(-4, 5)
            for j in range(-4, 5)
        ]
        best = min(grid, key=lambda pair: (_cross_entropy(sample, pair), pair))
        width = (width[0] / 3, width[1] / 3)
    return best


def temperatures(fitted: tuple[float, float], most: int = _LONGEST) -> tuple[float, ...]:
    """One temperature per number of words from 0 to `most`."""
    found = warmth(fitted, np.arange(most + 1))
    return tuple(round(float(value), 6) for value in found)


def warmth(fitted: tuple[float, float], n_words: I64) -> F64:
    """(texts,) the temperature of texts of so many words."""
    counts = np.clip(n_words, 1, _LONGEST)
    found: F64 = np.clip(fitted[0] + fitted[1] * np.log(counts), _COLDEST, _HOTTEST)
    return found


def calibrated(logits: F64, n_words: I64, fitted: tuple[float, float]) -> F64:
    """Probabilities (texts, classes) at the temperatures of the texts."""
    return softmax(logits / warmth(fitted, n_words)[:, None])


def _cross_entropy(sample: Sample, fitted: tuple[float, float]) -> float:
    probabilities = calibrated(sample.logits, sample.n_words, fitted)
    given = probabilities[np.arange(len(sample.varieties)), sample.varieties]
    losses = -np.log(np.maximum(given, 1e-12)) * sample.weights
    return float(losses.sum() / sample.weights.sum())


class Coverage(NamedTuple):
    """What becomes of texts when only sure labels are given.

    Attributes:
        threshold: Least probability of a label.
        covered: Share of texts that get a label.
        accuracy: Of those, the share with the right one.
    """

    threshold: float
    covered: float
    accuracy: float


def coverage(probabilities: F64, varieties: I64, thresholds: F64) -> Iterator[Coverage]:
    """Coverage and accuracy at some thresholds of the highest probability."""
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == varieties
    for threshold in thresholds.tolist():
        inside = top >= threshold
        share = float(inside.mean()) if len(inside) else 0.0
        yield Coverage(threshold, share, float(right[inside].mean()) if inside.any() else 0.0)


def draw_reliability(bins: list[Bin], path: str, title: str) -> None:
    """Write a reliability diagram as an image; the format is that of the path's suffix."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.5, 4.5))
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    used = [part for part in bins if part.share > 0]
    axes.bar(
        [part.low for part in used],
        [part.accuracy for part in used],
        width=1 / len(bins),
        align="edge",
        edgecolor="white",
        alpha=0.8,
        label="accuracy",
    )
    axes.plot(
        [part.confidence for part in used],
        [part.accuracy for part in used],
        "o-",
        color="black",
        markersize=3,
        linewidth=1,
        label="by mean confidence",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the label", ylabel="accuracy")
    axes.set_title(title, fontsize=10)
    axes.legend(loc="upper left", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
