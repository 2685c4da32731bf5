"""Trains and measures the built-in segmenter.

A log-linear model ranks the candidates of each word (Abdelali et al. 2016, "Farasa", rank
candidates likewise), trained by stochastic gradient (AdaGrad, Duchi et al. 2011) on tweets of
four varieties and on news together (Samih et al. 2017, "Learning from Relatives"). The news
says nothing of articles and noun suffixes: there every candidate with the annotated cuts is
right, and the likelihood of all of them together is raised.

Every step is a fixed order of additions, products, quotients and square roots of IEEE
numbers, so that a second run gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from arabench.morph import lexicon
from arabench.morph.analysis import Kind
from arabench.morph.answers import Cut, cuts_of, cuts_of_treebank
from arabench.morph.compiled.segmenter_kernel import MAX_CANDIDATES, WEIGHTS, candidates, decide
from arabench.morph.compiled.segmenter_training_kernel import train_epoch
from arabench.morph.compiled_grammar import compiled
from arabench.morph.gold import (
    TWEETS,
    UNREACHABLE,
    Convention,
    GoldWord,
    folded,
    read_news,
    read_tweets,
)
from arabench.morph.letters import MAX_LETTERS, decode
from arabench.morph.lexicon import Entries
from arabench.morph.model_file import Model
from arabench.morph.written import read_written
from arabench.text.hashes import MASK, SPLITMIX_STEP, splitmix64

#: (WEIGHTS,) in steps of 1 / `STEPS`.
Weights = npt.NDArray[np.int8]
#: The lexicon of `lexicon.build`.
Table = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of training.

    Attributes:
        epochs: passes over the words; the weights of the second half are averaged.
        runs: models, each over other orders of the words, that the last round averages.
        rate: step of AdaGrad.
        decay: pull of every touched weight towards zero.
        forget: thousandths of the words shown without the features that know words and stems
            by heart, so that the others learn what to do with unseen words.
        blind: thousandths of the words shown without the lexicon, for varieties that running
            text does not cover.
        repeat: a word type seen n times counts n ** repeat.
        seed: of the order of the words.
    """

    epochs: int = 16
    runs: int = 3
    rate: float = 0.05
    decay: float = 2e-4
    forget: int = 300
    blind: int = 100
    repeat: float = 0.7
    seed: int = 1


#: Times a word type counts are capped here.
_MOST_TIMES: Final = 100
#: Weights are stored in steps of 1/32 of a nat, -4 to 4.
STEPS: Final = 32
#: Lead in nats from which a first model is taken to be sure of a word.
SURE: Final = 1.5
_NEWS_PARTS: Final = 5

Item = tuple[bytes, tuple[int, ...], tuple[Kind, ...], Convention]


@dataclass(frozen=True, slots=True)
class Score:
    """Words answered exactly right.

    Attributes:
        right, words: of all tokens, punctuation, mentions and links included.
        right_arabic, arabic: of words of Arabic letters.
    """

    right: int = 0
    words: int = 0
    right_arabic: int = 0
    arabic: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.right + other.right,
            self.words + other.words,
            self.right_arabic + other.right_arabic,
            self.arabic + other.arabic,
        )


@dataclass(slots=True)
class Report:
    """Scores per source and what went wrong: (source, word, gold, answer, seen) -> times."""

    scores: dict[str, Score] = field(default_factory=dict)
    errors: Counter[tuple[str, str, str, str, bool]] = field(default_factory=Counter)


def read_gold(data: Path) -> list[GoldWord]:
    """All annotated words; the parts of the news are numbered 1 to 5 by document.

    Args:
        data: the folder that holds `dialect_segmentation` and `ud_arabic_pud`.
    """
    words = [w for v in TWEETS for w in read_tweets(data / "dialect_segmentation", v)]
    news = read_news(data)
    documents = sorted({w.part for w in news})
    part = {name: str(number % _NEWS_PARTS + 1) for number, name in enumerate(documents)}
    return words + [
        GoldWord(w.word, w.codes, w.cuts, w.kinds, w.convention, w.source, part[w.part])
        for w in news
    ]


def _items(words: Iterable[GoldWord]) -> list[tuple[Item, float]]:
    """Distinct annotated words and how often each was seen, in a fixed order."""
    counts: dict[Item, float] = {}
    for w in words:
        if w.codes and w.cuts != UNREACHABLE:
            item = (w.codes, w.cuts, w.kinds, w.convention)
            counts[item] = counts.get(item, 0.0) + w.weight
    return sorted(counts.items())


def _right_candidates(item: Item) -> list[int]:
    """Places of the right candidates: those with the annotated kinds too, where there are any."""
    codes, cuts, kinds, convention = item
    found = np.empty((MAX_CANDIDATES, 4), dtype=np.int32)
    sums = np.empty(MAX_LETTERS + 2, dtype=np.uint64)
    count = candidates(np.frombuffer(codes, dtype=np.uint8), sums, compiled(), found)
    right: list[int] = []
    labelled: list[int] = []
    for place in range(count):
        cut = Cut(*map(int, found[place]))
        if convention == "treebank":
            if cuts_of_treebank(cut) == cuts:
                right.append(place)
        elif cuts_of(cut) == cuts:
            right.append(place)
            if cut.kinds() == kinds:
                labelled.append(place)
    return labelled or right


def _with_written(words: Sequence[GoldWord]) -> list[GoldWord]:
    """The words, and the written ones whose spelling is not among them with another answer."""
    annotated: dict[bytes, set[tuple[int, ...]]] = {}
    for w in words:
        if w.convention == "full":
            annotated.setdefault(folded(w.codes), set()).add(w.cuts)
    return [
        *words,
        *(w for w in read_written() if w.cuts in annotated.get(folded(w.codes), {w.cuts})),
    ]


def fit(words: Sequence[GoldWord], table: Table, recipe: Recipe) -> Weights:
    """Weights, (WEIGHTS,) int8 in steps of 1 / `STEPS`.

    Args:
        words: the annotated words; those written for the package are added.
        table: the lexicon of `lexicon.build`.
        recipe: the settings.
    """
    items = _items(_with_written(words))
    right = [_right_candidates(item) for item, _ in items]
    letters = np.frombuffer(b"".join(item[0] for item, _ in items), dtype=np.uint8)
    offsets = _offsets(len(item[0]) for item, _ in items)
    bounds = _offsets(map(len, right))
    gold = np.array([place for places in right for place in places], dtype=np.int32)
    times = np.array([min(n, _MOST_TIMES) for _, n in items], dtype=np.float64)
    weight = times if recipe.repeat == 1 else _power(times, recipe.repeat)
    total = np.zeros(WEIGHTS, dtype=np.float64)
    for run in range(recipe.runs):
        weights = np.zeros(WEIGHTS, dtype=np.float32)
        squares = np.zeros(WEIGHTS, dtype=np.float32)
        for epoch in range(recipe.epochs):
            seed = recipe.seed * 1_000_003 + run * 1009 + epoch
            train_epoch(
                letters, offsets, _shuffled(len(items), seed), bounds[:-1].copy(),
                bounds[1:].copy(), gold, weight, compiled(), table, weights, squares,
                recipe.rate, recipe.decay, seed, recipe.forget, recipe.blind,
            )  # fmt: skip
            if epoch >= recipe.epochs // 2:
                total += weights
    averaged = recipe.runs * (recipe.epochs - recipe.epochs // 2)
    steps = np.rint(total / averaged * STEPS)
    return np.clip(steps, -127, 127).astype(np.int8)


def _offsets(lengths: Iterable[int]) -> npt.NDArray[np.int64]:
    return np.cumsum([0, *lengths], dtype=np.int64)


def _power(times: npt.NDArray[np.float64], exponent: float) -> npt.NDArray[np.float64]:
    """`times ** exponent` in sixteenths: libraries differ in the last bit of a power."""
    return np.rint(times**exponent * 16) / 16


def _shuffled(count: int, seed: int) -> npt.NDArray[np.int64]:
    """0 to count - 1 in an order that depends on the seed alone (Fisher-Yates, SplitMix64)."""
    order = list(range(count))
    state = seed & MASK
    for last in range(count - 1, 0, -1):
        place = splitmix64(state) % (last + 1)
        state = (state + SPLITMIX_STEP) & MASK
        order[last], order[place] = order[place], order[last]
    return np.array(order, dtype=np.int64)


def answer(
    words: Sequence[bytes], weights: Weights, table: Table
) -> tuple[list[Cut], npt.NDArray[np.float32]]:
    """The best candidate of each word of letter codes, none of them empty, and its lead.

    The lead, (words,) float32 in steps of the weights, is that over the next candidate.
    """
    letters = np.frombuffer(b"".join(words), dtype=np.uint8)
    best = np.zeros((len(words), 4), dtype=np.int32)
    margin = np.zeros(len(words), dtype=np.float32)
    decide(letters, _offsets(map(len, words)), compiled(), table, weights, best, margin)
    return [Cut(*row) for row in best.tolist()], margin


def learn(words: Sequence[GoldWord], entries: Entries, recipe: Recipe) -> tuple[Weights, Table]:
    """Weights and lexicon, in two rounds.

    The first model cuts the words of running text; how often it finds each stem there goes
    into the lexicon of the second.

    Args:
        words: the annotated words.
        entries: the lexicon without stems.
        recipe: the settings.
    """
    table = lexicon.build(entries)
    first = fit(words, table, replace(recipe, runs=1))
    cuts, lead = answer(entries.words, first, table)
    sure = (lead >= SURE * STEPS).tolist()
    table = lexicon.build(lexicon.with_stems(entries, cuts, sure))
    return fit(words, table, recipe), table


def measure(
    test: Sequence[GoldWord], train: Iterable[GoldWord], weights: Weights, table: Table
) -> Report:
    """How many words of `test` come out exactly as annotated, in their own convention."""
    seen = {w.codes for w in train}
    types = sorted({w.codes for w in test if w.codes})
    answers = dict(zip(types, answer(types, weights, table)[0], strict=True))
    report = Report()
    for w in test:
        score = Score(1, 1)
        if w.codes:
            cut = answers[w.codes]
            got = cuts_of(cut) if w.convention == "full" else cuts_of_treebank(cut)
            right = got == w.cuts
            score = Score(right, 1, right, 1)
            if not right:
                key = (w.source, w.word, _show(w.codes, w.cuts), _show(w.codes, got))
                report.errors[(*key, w.codes in seen)] += 1
        report.scores[w.source] = report.scores.get(w.source, Score()) + score
    return report


def _show(codes: bytes, cuts: Sequence[int]) -> str:
    return "+".join(decode(codes[a:b]) for a, b in pairwise([0, *cuts, len(codes)]))


def cross_validate(words: Sequence[GoldWord], entries: Entries, recipe: Recipe) -> Report:
    """Every part answered by a model trained on the others: tweets by fold, news by document.

    Args:
        words: `read_gold`.
        entries: the lexicon, which holds nothing of any annotation.
        recipe: the settings.
    """
    report = Report()
    for part in sorted({w.part for w in words}):
        train = [w for w in words if w.part != part]
        test = [w for w in words if w.part == part]
        weights, table = learn(train, entries, recipe)
        one = measure(test, train, weights, table)
        report.errors.update(one.errors)
        for source, score in one.scores.items():
            report.scores[source] = report.scores.get(source, Score()) + score
    return report


def read_entries(data: Path) -> Entries:
    """The lexicon without stems, from the folder of corpora."""
    return lexicon.collect(lexicon.count_words(data), lexicon.read_verb_stems(data))


def train(data: Path, recipe: Recipe | None = None) -> Model:
    """The model, from the folder of corpora.

    Raises:
        DataError: a corpus is absent or cannot be read.
    """
    settings = recipe or Recipe()
    weights, table = learn(read_gold(data), read_entries(data), settings)
    about = {
        "recipe": asdict(settings),
        "annotated": "QCRI dialectal segmentation folds 1-4; UD Arabic-PUD first half; written",
        "counted": "wiki ar arz; shami; motaz_tweets; arsarcasm_v2; madar_coda; flores200; tico19",
        "verbs": "Camel Morph databases of MSA, EGY and GLF verbs",
    }
    return Model(weights, table, about)
