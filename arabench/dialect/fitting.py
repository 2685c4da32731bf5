"""Weights of the dialect model: a linear model that shall not learn where a text comes from.

Softmax regression over the features of `arabench.dialect.features`, by AdaGrad (Duchi et al.
2011), with what makes it travel between sources:

- every pair of source and variety has about the same weight, however many texts it has;
- a text is seen as random stretches of it, with words left out, so that neither length nor
  one word decides;
- dialect texts get pieces of MSA texts added: MSA words in a text are no evidence against
  dialect, a dialect word is evidence against MSA;
- MSA sentences rewritten by rule into each dialect, and project-written renderings of one
  meaning, differ in nothing but the dialect;
- spellings in the marker list share a few features (strength and variety), whose weights
  also count for listed words that no training text has.

The same data and settings give the same weights bit for bit: one thread, fixed order, own
random numbers.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from arabench.dialect.features import FeatureSpec, fold_word, spelled_words_of, words_of
from arabench.dialect.markers import Lexicon, shipped_lexicon
from arabench.dialect.neutral import NONE as NO_WORDS
from arabench.dialect.neutral import NeutralWords
from arabench.dialect.sources import Labelled, read_msa, rewritten_forms
from arabench.errors import DataError
from arabench.varieties import VARIETIES

I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

#: Occurrences in MSA text that make a word neutral.
NEUTRAL_COUNT: Final = 5
#: Words of a text that are trained on; longer ones lose the rest.
MOST_WORDS: Final = 60
#: Least occurrences (weighted) that set the penalty of a rare feature.
_LEAST_MASS: Final = 1e-2
#: Background texts drawn per source.
_BACKGROUNDS: Final = 1_000
#: Share of the weights that the 8-bit scale covers.
_CUT: Final = 0.9999
#: Sources whose MSA texts serve as background of dialect texts.
_BACKGROUND_SOURCES: Final = (
    "wiki", "tico", "tashkeela", "parallel", "written", "flores", "arsarcasm",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults are those of the shipped model; docs/log-dialect.md has the
    numbers behind them."""

    spec: FeatureSpec = field(
        default_factory=lambda: FeatureSpec(
            char_min=1, char_max=4, pairs=False, spelling=True, alpha=0.4
        )
    )
    epochs: int = 12
    """Passes over the texts."""
    rate: float = 0.1
    """Step size of the first pass; it falls to a tenth."""
    penalty: float = 0.5
    """Of squared weights."""
    word_dropout: float = 0.15
    """Share of words left out of a text."""
    window_rate: float = 0.5
    """Share of texts of which only a random stretch is seen."""
    mix_rates: tuple[float, ...] = (0.8, 0.0, 0.8, 0.0)
    """Share of dialect texts with a piece of an MSA text added, for each training: their
    weights are averaged, and each has a seed of its own."""
    mix_most: float = 1.0
    """Longest such piece, as a multiple of the words of the text."""
    balance: float = 0.75
    """A source of n texts weighs n**(1 - balance)."""
    class_balance: float = 0.75
    """The same of the varieties within a source: 1 gives them equal weight."""
    smoothing: float = 0.05
    """Probability that the target gives to the five varieties evenly."""
    source_weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "flores": 6.0,
            "madar": 5.0,
            "written": 4.0,
            "parallel": 3.0,
            "wiki": 0.4,
            "tico": 0.4,
            "tashkeela": 0.2,
            "arsarcasm/msa": 3.0,
        }
    )
    """Factor of the weight of a source, or of `source/variety`."""
    msa_shift: float = 0.8
    """Added to the logit of MSA after training: text without evidence is MSA."""
    seed: int = 1
    """Of the first training."""


class Texts(NamedTuple):
    """Labelled texts as arrays.

    Attributes:
        items: The texts.
        varieties: (texts,) index into `VARIETIES`.
        starts: (texts + 1,) where the words of each begin in `words`.
        words: Index into `vocabulary` of each word.
        vocabulary: Distinct words as spelled.
        word_starts: (vocabulary + 1,) where the features of each begin in `word_features`.
        word_features: Rows of the table of weights; those from `spec.buckets` on are `classes`
            of markers.
        marker_classes: (strength, number of varieties, variety) of those rows.
        listed: Folded word of the marker list -> its classes (indices).
    """

    items: list[Labelled]
    varieties: I64
    starts: I64
    words: npt.NDArray[np.int32]
    vocabulary: list[str]
    word_starts: I64
    word_features: npt.NDArray[np.int32]
    marker_classes: list[tuple[str, int, str]]
    listed: dict[str, list[int]]

    @property
    def n_words(self) -> I64:
        """(texts,) number of words."""
        return np.diff(self.starts)


def neutral_words(folder: str | Path, least: int = NEUTRAL_COUNT) -> NeutralWords:
    """Words that MSA text has often, names among them, and no list of dialect words.

    Any writer uses them, so that what a corpus makes of them tells its source. Words of the
    marker list and of the rewriting rules are never neutral: `that` and `not` of MSA tell.

    Args:
        folder: holds the public corpora.
        least: occurrences in the MSA texts that make a word neutral.
    """
    counts: Counter[str] = Counter()
    for text in read_msa(folder):
        counts.update(words_of(text))
    telling = set(marker_features(shipped_lexicon())[1])
    telling.update(word for form in rewritten_forms() for word in words_of(form))
    return NeutralWords.of(
        word for word, count in sorted(counts.items()) if count >= least and word not in telling
    )


def prepare(
    items: Sequence[Labelled], spec: FeatureSpec, neutral: NeutralWords = NO_WORDS
) -> Texts:
    """Words and features of labelled texts; neutral words have none."""
    from arabench.dialect.compiled.feature_kernel import word_buckets

    vocabulary: dict[str, int] = {}
    rows = [
        [
            vocabulary.setdefault(word, len(vocabulary))
            for word in spelled_words_of(item.text)[:MOST_WORDS]
        ]
        for item in items
    ]
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=starts[1:])
    words = np.array([word for row in rows for word in row], dtype=np.int32)
    classes, listed = marker_features(shipped_lexicon())
    names = list(vocabulary)
    bucket_starts, buckets = word_buckets(names, spec)
    folded = [fold_word(name) for name in names]
    silent = np.array([name in neutral for name in folded], dtype=bool)
    extra = [listed.get(name, []) for name in folded]
    lengths = np.diff(bucket_starts) + [len(found) for found in extra]
    word_starts = np.zeros(len(names) + 1, dtype=np.int64)
    np.cumsum(np.where(silent, 0, lengths), out=word_starts[1:])
    features = np.empty(word_starts[-1], dtype=np.int32)
    for word, found in enumerate(extra):
        if silent[word]:
            continue
        begin, end = bucket_starts[word], bucket_starts[word + 1]
        at = word_starts[word]
        features[at : at + end - begin] = buckets[begin:end]
        features[at + end - begin : word_starts[word + 1]] = [spec.buckets + c for c in found]
    return Texts(
        items=list(items),
        varieties=np.array([VARIETIES.index(item.variety) for item in items], dtype=np.int64),
        starts=starts,
        words=words,
        vocabulary=names,
        word_starts=word_starts,
        word_features=features,
        marker_classes=classes,
        listed=listed,
    )


def marker_features(
    lexicon: Lexicon,
) -> tuple[list[tuple[str, int, str]], dict[str, list[int]]]:
    """The classes of markers that are one word, and the classes of each folded word."""
    found: dict[str, set[tuple[str, int, str]]] = defaultdict(set)
    for marker in lexicon.markers:
        if marker.match != "word":
            continue
        for form in marker.forms:
            folded = words_of(form)
            if len(folded) == 1:
                found[folded[0]].update(
                    (marker.strength, len(marker.varieties), variety)
                    for variety in marker.varieties
                )
    classes = sorted(set().union(*found.values()))
    place = {name: index for index, name in enumerate(classes)}
    return classes, {word: sorted(place[c] for c in of) for word, of in sorted(found.items())}


def fit(texts: Texts, rows: I64, settings: Settings) -> tuple[F64, F64]:
    """Table of weights (buckets, 5) and bias (5,) from some of the texts.

    Args:
        texts: what `prepare` gave for `settings.spec`.
        rows: indices of the texts to train on.

    Raises:
        DataError: a variety has no text.
    """
    from arabench.dialect.compiled.feature_kernel import word_buckets
    from arabench.dialect.compiled.training_kernel import descend, feature_mass

    rows = rows[texts.n_words[rows] > 0]
    for index, variety in enumerate(VARIETIES):
        if not (texts.varieties[rows] == index).any():
            raise DataError(f"there is no training text of {variety!r}.")
    spec = settings.spec
    size = spec.buckets + len(texts.marker_classes)
    weights = text_weights(texts, rows, settings)
    mass = feature_mass(
        rows, weights, texts.starts, texts.words, texts.word_starts, texts.word_features, size
    )
    penalty = np.zeros(size, dtype=np.float32)
    seen = mass > 0
    penalty[seen] = settings.penalty / np.maximum(mass[seen], _LEAST_MASS)
    targets = np.full((len(texts.items), 5), settings.smoothing / 5, dtype=np.float32)
    targets[np.arange(len(texts.items)), texts.varieties] += 1 - settings.smoothing
    longest = 1 + int((1 + settings.mix_most) * MOST_WORDS) + MOST_WORDS
    shrink = np.array([max(n, 1) ** -spec.alpha for n in range(longest)])
    table, bias = np.zeros((size, 5)), np.zeros(5)
    for run, mix_rate in enumerate(settings.mix_rates):
        one, its_bias = descend(
            rows, targets, weights, texts.starts, texts.words, texts.word_starts,
            texts.word_features, penalty, _backgrounds(texts, rows, settings), shrink,
            settings.epochs, settings.rate, settings.word_dropout, settings.window_rate,
            mix_rate, settings.mix_most, settings.seed + run,
        )  # fmt: skip
        table += one.astype(np.float64) / len(settings.mix_rates)
        bias += its_bias.astype(np.float64) / len(settings.mix_rates)
    folded = table[: spec.buckets]
    listed = list(texts.listed)
    ends, buckets = word_buckets(listed, dataclasses.replace(spec, char_max=0))
    for index, word in enumerate(listed):
        for marker_class in texts.listed[word]:
            folded[buckets[ends[index]]] += table[spec.buckets + marker_class]
    bias[0] += settings.msa_shift
    return folded, bias


def text_weights(texts: Texts, rows: I64, settings: Settings) -> F32:
    """(texts,) weights of the loss, one on average over the rows."""
    cells = Counter((texts.items[row].source, texts.varieties[row]) for row in rows)
    totals = Counter(texts.items[row].source for row in rows)
    factor = {
        (source, variety): totals[source] ** -settings.balance
        * (count / totals[source]) ** -settings.class_balance
        * settings.source_weights.get(source, 1.0)
        * settings.source_weights.get(f"{source}/{VARIETIES[variety]}", 1.0)
        for (source, variety), count in cells.items()
    }
    weights = np.zeros(len(texts.items))
    for row in rows:
        weights[row] = factor[texts.items[row].source, texts.varieties[row]]
    total = math.fsum(weights[rows])
    return (weights * (len(rows) / total)).astype(np.float32)


def _backgrounds(texts: Texts, rows: I64, settings: Settings) -> I64:
    """MSA texts to mix in, each source in equal parts."""
    by_source: dict[str, list[int]] = defaultdict(list)
    for row in rows.tolist():
        if texts.varieties[row] == 0:
            by_source[texts.items[row].source].append(row)
    chosen = [by_source[source] for source in _BACKGROUND_SOURCES if source in by_source]
    return np.array([of[i % len(of)] for of in chosen for i in range(_BACKGROUNDS)], dtype=np.int64)


def scores(texts: Texts, rows: I64, table: F64, bias: F64, spec: FeatureSpec) -> F64:
    """Logits (rows, 5) of prepared texts; marker classes are in the table already."""
    from arabench.dialect.compiled.training_kernel import sum_words

    full = np.vstack([table, np.zeros((len(texts.marker_classes), 5))])
    sums = sum_words(rows, full, texts.starts, texts.words, texts.word_starts, texts.word_features)
    shrink = np.array([max(int(n), 1) ** -spec.alpha for n in texts.n_words[rows]])
    logits: F64 = bias + shrink[:, None] * sums
    return logits


def quantize(table: F64) -> tuple[npt.NDArray[np.int8], tuple[float, ...]]:
    """Weights as 8-bit ones, and the scale of each class; the very largest are cut.

    A few frequent markers have weights many times as large as all others: with their
    largest as the end of the scale, small weights would round to nothing.
    """
    largest = np.array([np.quantile(np.abs(column[column != 0]), _CUT) for column in table.T])
    scales = largest / 127.0
    whole = np.clip(np.rint(table / scales), -127, 127).astype(np.int8)
    return whole, tuple(float(scale) for scale in scales)
