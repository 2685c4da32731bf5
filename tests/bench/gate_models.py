"""Pairs of results for the gate's simulations: drawn from distributions, or from real results.

All draws come from the generator handed in. Degradation is known by construction: bits of the
candidate are those of the baseline times (1 + worse) times a noise of mean 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from arabench.evaluation.metrics.score import Sums
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.runner.results import Evaluation, TaskResult, load_evaluation
from arabench.statistics.resampling import Array
from arabench.varieties import DIALECTS, VARIETIES

Generator = np.random.Generator
#: (items, worse, generator) -> bits of the baseline and of the candidate, (items,) each.
Bits = Callable[[int, float, Generator], tuple[Array, Array]]

SUBJECTS = 10


def _bits(chars: Array, worse: float, noise: Array, rng: Generator) -> tuple[Array, Array]:
    ours = chars * rng.gamma(30, 1 / 10, len(chars))
    return ours, ours * (1 + worse) * (1 + noise)


def _uniform(count: int, rng: Generator) -> Array:
    return rng.integers(20, 120, count).astype(np.float64)


def normal(spread: float) -> Bits:
    """Lengths of 20 to 119 characters, normal noise."""

    def draw(count: int, worse: float, rng: Generator) -> tuple[Array, Array]:
        return _bits(_uniform(count, rng), worse, rng.normal(0, spread, count), rng)

    return draw


def heavy(count: int, worse: float, rng: Generator) -> tuple[Array, Array]:
    """Log-normal lengths (sigma 1), noise of t with 2 degrees of freedom."""
    noise = 0.08 * rng.standard_t(2, count)
    return _bits(np.exp(rng.normal(4, 1, count)), worse, noise, rng)


def heavy_added(count: int, worse: float, rng: Generator) -> tuple[Array, Array]:
    """Log-normal lengths (sigma 1.5); t with 2 degrees of freedom is added, whatever the length."""
    ours, theirs = _bits(np.exp(rng.normal(4, 1.5, count)), worse, np.zeros(count), rng)
    return ours, theirs + 20 * rng.standard_t(2, count)


def skewed(count: int, worse: float, rng: Generator) -> tuple[Array, Array]:
    """Noise of skewness 1: a few items are much worse, most a little better."""
    return _bits(_uniform(count, rng), worse, 0.04 * (rng.gamma(4, 1, count) - 4), rng)


def very_skewed(count: int, worse: float, rng: Generator) -> tuple[Array, Array]:
    """The same with exponential noise (skewness 2) and log-normal lengths."""
    noise = 0.08 * (rng.exponential(1, count) - 1)
    return _bits(np.exp(rng.normal(4, 0.5, count)), worse, noise, rng)


def resampled(task: str, baseline: Evaluation, candidate: Evaluation) -> Bits:
    """Items of two results, the candidate scaled so that it is worse by what is asked."""
    ours, theirs = (e.tasks[task].scores["bits_per_char"].sums[:, 0] for e in (baseline, candidate))
    level = theirs * (ours.sum() / theirs.sum())

    def draw(count: int, worse: float, rng: Generator) -> tuple[Array, Array]:
        chosen = rng.integers(0, len(ours), count)
        return ours[chosen], level[chosen] * (1 + worse)

    return draw


def pair(baseline: str, candidate: str) -> tuple[Evaluation, Evaluation]:
    """Two results folders, without the scores that the default policy has no rule for."""
    return _deciding(load_evaluation(Path(baseline))), _deciding(load_evaluation(Path(candidate)))


def _deciding(evaluation: Evaluation) -> Evaluation:
    wanted = ("bits_per_char", "bleu", "chrf++", "f1", "acc")
    tasks = {}
    for name, task in evaluation.tasks.items():
        scores = {metric: sums for metric, sums in task.scores.items() if metric in wanted}
        if scores:
            tasks[name] = replace(task, scores=scores)
    return replace(evaluation, tasks=tasks)


def without(evaluation: Evaluation, task: str) -> Evaluation:
    """The evaluation without a task."""
    kept = {name: result for name, result in evaluation.tasks.items() if name != task}
    return replace(evaluation, tasks=kept)


def exchanged(
    baseline: Evaluation, candidate: Evaluation, rng: Generator
) -> tuple[Evaluation, Evaluation]:
    """The two with every item's answers swapped by the toss of a coin: equally good by design.

    Bits are first scaled to the same total per task: what is 12 % better would otherwise become a
    noise of 12 % per sentence, which no two equally good models have. Tasks of the same sentences
    are swapped together.
    """
    coins: dict[str, bool] = {}
    left, right = {}, {}
    for name, ours in baseline.tasks.items():
        ones, others = {}, {}
        for metric, sums in ours.scores.items():
            theirs = candidate.tasks[name].scores[metric].sums
            if not SCORES[metric].higher_is_better:
                theirs = theirs * np.array([sums.sums[:, 0].sum() / theirs[:, 0].sum(), 1.0])
            for item in sums.items:
                if item not in coins:
                    coins[item] = bool(rng.random() < 0.5)
            swap = np.array([coins[item] for item in sums.items])[:, None]
            ones[metric] = Sums(sums.items, np.where(swap, theirs, sums.sums))
            others[metric] = Sums(sums.items, np.where(swap, sums.sums, theirs))
        left[name], right[name] = replace(ours, scores=ones), replace(ours, scores=others)
    return replace(baseline, tasks=left), replace(candidate, tasks=right)


def suite(
    rng: Generator, noise: float, planted: Mapping[str, float] | None = None
) -> tuple[Evaluation, Evaluation]:
    """Results of a working model and of one that is as good, on the packaged tasks.

    As many items as arabench_dialects and arabench_mmlu have: 205 sentences in five varieties,
    nine directions of translation, 22 passages with three questions, 129 questions and ten
    subjects of 13. `noise` is the spread of a sentence's bits between the two.

    Args:
        planted: metric -> how much worse the candidate is on one task of it.
    """
    worse = dict(planted or {})
    left: dict[str, TaskResult] = {}
    right: dict[str, TaskResult] = {}

    def add(name: str, variety: str | None, pairs: Mapping[str, tuple[Array, Array]]) -> None:
        for tasks, side in ((left, 0), (right, 1)):
            scores = {metric: _sums(both[side]) for metric, both in pairs.items()}
            signatures = {metric: SCORES[metric].signature for metric in pairs}
            tasks[name] = TaskResult(name, variety, "1", signatures, "{}", "", 0, scores)

    for code in VARIETIES:
        ours, theirs = normal(noise)(205, worse.pop("bits_per_char", 0.0), rng)
        chars = np.full(205, 60.0)
        sums = np.stack([ours, chars], 1), np.stack([theirs, chars], 1)
        add(f"arabench_lm_{code}", code, {"bits_per_char": sums})
    targets = [(code, "en") for code in VARIETIES] + [(code, "msa") for code in DIALECTS]
    for code, target in targets:
        add(f"arabench_mt_{code}_{target}", code, _translations(205, worse.pop("bleu", 0.0), rng))
    for code in VARIETIES:
        add(f"arabench_rc_{code}", code, {"f1": _readings(22, worse.pop("f1", 0.0), rng)})
    add("arabench_mmlu_all", None, {"acc": _choices(129, worse.pop("acc", 0.0), rng)})
    for subject in range(SUBJECTS):
        add(f"arabench_mmlu_{subject}", None, {"acc": _choices(13, 0.0, rng)})
    return Evaluation(Path("base"), "base", left), Evaluation(Path("mine"), "mine", right)


def _sums(values: Array) -> Sums:
    return Sums(tuple(f"{index:04}" for index in range(len(values))), values)


def _choices(count: int, drop: float, rng: Generator) -> tuple[Array, Array]:
    """Right or wrong; the two models agree on half of the questions whatever they know."""
    skill, luck = rng.uniform(0.3, 0.8, count), rng.random(count)
    own = np.where(rng.random(count) < 0.5, luck, rng.random(count))
    ones = np.ones(count)
    return (
        np.stack([(luck < skill).astype(float), ones], 1),
        np.stack([(own < skill - drop).astype(float), ones], 1),
    )


def _readings(passages: int, drop: float, rng: Generator) -> tuple[Array, Array]:
    """Summed F1 of three questions per passage, which is easy or hard for both models."""
    skill = rng.beta(2, 2, (passages, 1))

    def answers(lost: float) -> Array:
        right = rng.random((passages, 3)) < np.clip(skill - lost, 0, 1)
        partly = rng.beta(2, 3, (passages, 3)) * (rng.random((passages, 3)) < 0.5)
        return np.stack([np.where(right, 1.0, partly).sum(1), np.full(passages, 3.0)], 1)

    return answers(0.0), answers(drop)


def _translations(count: int, lost: float, rng: Generator) -> dict[str, tuple[Array, Array]]:
    """Counts of BLEU and chrF++, of a model that finds a sentence easy or hard.

    `lost` is the share of matches that the candidate misses: 0.1 costs about 4 BLEU of 30.
    """
    words = rng.integers(5, 25, count)
    ease = rng.beta(6, 4, count)

    def counts(missed: float) -> tuple[Array, Array]:
        quality = np.clip(ease * (1 + rng.normal(0, 0.15, count)), 0.02, 0.98) * (1 - missed)
        system = np.maximum(1, words + rng.integers(-2, 3, count))
        bleu = np.zeros((count, 10))
        bleu[:, 0], bleu[:, 1] = system, words
        matched = rng.binomial(system, quality)
        for order in range(4):
            total = np.maximum(system - order, 0)
            if order:
                matched = np.minimum(rng.binomial(matched, 0.4 + 0.6 * quality), total)
            bleu[:, 2 + order], bleu[:, 6 + order] = matched, total
        chrf = np.zeros((count, 8, 3))
        for order in range(8):
            length = system * 5 - order if order < 6 else system - (order - 6)
            other = words * 5 - order if order < 6 else words - (order - 6)
            chance = quality ** (1 + 0.3 * (order % 6))
            chrf[:, order] = np.stack(
                [length, other, np.minimum(rng.binomial(np.maximum(length, 0), chance), other)], 1
            )
        return bleu, np.maximum(chrf, 0).reshape(count, 24)

    ours, theirs = counts(0.0), counts(lost)
    return {"bleu": (ours[0], theirs[0]), "chrf++": (ours[1], theirs[1])}
