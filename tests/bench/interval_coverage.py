"""How often 95 % intervals hold what they estimate: the table of docs/measure.md, "Intervals".

    OMP_NUM_THREADS=1 python tests/bench/interval_coverage.py [--quick | --repeats N]

Data sets are drawn from a law whose score is known, and every interval is that of the package
(`arabench.evaluation.metrics.intervals`). A cell is the share of data sets, in percent, whose
interval holds the known score, at 5, 10, 30, 100 and 300 items. Seeded: the same numbers every
time.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from arabench.evaluation.data.parallel import load_parallel
from arabench.evaluation.data.source import Source
from arabench.evaluation.metrics.contrast import kept_weights
from arabench.evaluation.metrics.intervals import INTERVAL_DRAWS, interval
from arabench.evaluation.metrics.ngrams import bleu, chrf, counts
from arabench.evaluation.metrics.score import Score, point
from arabench.evaluation.metrics.table import SCORES
from arabench.statistics.resampling import BOOTSTRAP_SEED, Array

COUNTS: Final = (5, 10, 30, 100, 300)
#: What a cell is allowed to be from 30 items on.
PROMISED: Final = (93.0, 97.0)
SEED: Final = 20261130
Draw = Callable[[np.random.Generator, int], Array]
Ends = Callable[[Score, Array], tuple[float, float]]


@dataclass(frozen=True)
class Law:
    """Where items come from.

    Attributes:
        name: in the table.
        metric: whose interval is asked.
        truth: the score of the law itself.
        draw: (generator, items) -> sums (items, width).
        repeats: data sets a cell, in proportion.
    """

    name: str
    metric: str
    truth: float
    draw: Draw
    repeats: float = 1.0


def of_means() -> list[Law]:
    """Items that count alike: the mean of a law."""

    def law(name: str, truth: float, values: Draw) -> Law:
        return Law(
            name, "bits_per_char", truth,
            lambda rng, n: np.stack([values(rng, n), np.ones(n)], axis=1),
        )  # fmt: skip

    def mixture(rng: np.random.Generator, n: int, times: float) -> Array:
        return np.where(rng.random(n) < 0.1, times, 1.0) * rng.normal(0, 1, n)

    return [
        law("normal", 10, lambda rng, n: rng.normal(10, 3, n)),
        law("exponential (skewness 2)", 1, lambda rng, n: rng.exponential(1, n)),
        law("lognormal, sigma 0.5 (1.8)", math.exp(1 / 8), lambda r, n: r.lognormal(0, 0.5, n)),
        law("lognormal, sigma 1 (6.2)", math.exp(1 / 2), lambda rng, n: rng.lognormal(0, 1, n)),
        law("Student's t, 3 degrees of freedom", 10, lambda r, n: 10 + r.standard_t(3, n)),
        law("normal, one in ten 3 times as wide", 10, lambda r, n: 10 + mixture(r, n, 3)),
        law("ties: whole numbers, Poisson of 2", 2, lambda rng, n: rng.poisson(2, n).astype(float)),
    ]


def hard_ones() -> list[Law]:
    """Laws of which thirty items do not show what makes them hard."""

    def one_in_ten(rng: np.random.Generator, n: int, mean: float, width: float) -> Array:
        rare = rng.random(n) < 0.1
        values = np.where(rare, rng.normal(mean, width, n), rng.normal(10, 1, n))
        return np.stack([values, np.ones(n)], axis=1)

    return [
        Law("normal, one in ten 10 times as wide", "bits_per_char", 10,
            lambda rng, n: one_in_ten(rng, n, 10, 10)),
        Law("normal, one in ten costs double", "bits_per_char", 11,
            lambda rng, n: one_in_ten(rng, n, 20, 5)),
        Law("lognormal, sigma 1.5 (33)", "bits_per_char", math.exp(9 / 8),
            lambda rng, n: np.stack([rng.lognormal(0, 1.5, n), np.ones(n)], axis=1)),
    ]  # fmt: skip


def of_ratios() -> list[Law]:
    """Texts of varying lengths, perplexities, taxes, noise curves."""

    def even(rng: np.random.Generator, n: int) -> Array:
        chars = rng.integers(20, 120, n).astype(float)
        return np.stack([chars * rng.gamma(8, 0.5, n), chars], axis=1)

    def wild(rng: np.random.Generator, n: int) -> Array:
        chars = rng.lognormal(4, 0.8, n)
        return np.stack([chars * rng.lognormal(0, 0.5, n), chars], axis=1)

    def short_cost_more(rng: np.random.Generator, n: int) -> Array:
        chars = rng.lognormal(4, 0.6, n)
        return np.stack([(20 + 2.5 * chars) * rng.gamma(10, 0.1, n), chars], axis=1)

    def words(rng: np.random.Generator, n: int) -> Array:
        chars = rng.integers(4, 20, n).astype(float)
        return np.stack([chars * rng.gamma(8, 1.5, n), chars], axis=1)

    def of_both(rng: np.random.Generator, n: int) -> Array:
        shared = rng.lognormal(4, 0.5, n)
        return np.stack([shared * 1.3 * rng.gamma(20, 1 / 20, n),
                         shared * rng.gamma(20, 1 / 20, n)], axis=1)  # fmt: skip

    def with_tokens(rng: np.random.Generator, n: int) -> Array:
        tokens = rng.integers(8, 40, n).astype(float)
        more = tokens * rng.gamma(50, 1.2 / 50, n)
        return np.stack([more * rng.gamma(30, 0.2, n), tokens * rng.gamma(30, 1 / 6, n),
                         np.zeros(n), more, tokens], axis=1)  # fmt: skip

    def curve(rng: np.random.Generator, n: int) -> Array:
        clean = rng.lognormal(5, 0.5, n)
        return clean[:, None] * (1 + np.arange(6) * rng.gamma(4, 0.03, n)[:, None])

    mean_chars = math.exp(4 + 0.6**2 / 2)
    return [
        Law("bits/char, lengths 20 to 120", "bits_per_char", 4, even),
        Law("bits/char, lengths and bits lognormal", "bits_per_char", math.exp(1 / 8), wild),
        Law("bits/char, short texts cost more", "bits_per_char", 20 / mean_chars + 2.5,
            short_cost_more),
        Law("word perplexity", "word_perplexity", 2**12, words),
        Law("dialect tax", "dialect_tax", 1.3, of_both),
        Law("the model's share of the tax", "model_tax", 6 / 5, with_tokens, 0.5),
        # 12 % more a step on average: 1, 1.12, ... 1.6, whose mean height is 1.3.
        Law("area of a noise curve", "noise_cost", 1.3, curve, 0.5),
    ]  # fmt: skip


def of_shares() -> list[Law]:
    """Right answers, on items of one question and of several that go together."""

    def law(share: float, size: int, correlation: float) -> Law:
        def draw(rng: np.random.Generator, n: int) -> Array:
            chance: float | Array = share
            if correlation:
                left = 1 / correlation - 1
                chance = rng.beta(share * left, (1 - share) * left, n)
            return np.stack([rng.binomial(size, chance, n), np.full(n, size)], axis=1).astype(float)

        what = f"of {size}, correlated {correlation:g}" if size > 1 else "of one"
        return Law(f"share {share:g}, items {what}", "acc", share, draw)

    def f1(rng: np.random.Generator, n: int) -> Array:
        kind = rng.random((n, 3)) * 0.5 + rng.random((n, 1)) * 0.5  # three questions a passage
        score = np.where(kind < 0.5, 0.0, np.where(kind > 0.8, 1.0, rng.uniform(0.1, 0.9, (n, 3))))
        return np.stack([score.sum(axis=1), np.full(n, 3.0)], axis=1)

    def words(rng: np.random.Generator, n: int) -> Array:
        size = rng.integers(4, 16, n)
        return np.stack([rng.binomial(size, rng.beta(2, 18, n)), size], axis=1).astype(float)

    # The sum of two uniform numbers on 0-0.5: P(< 0.5) = 1/2, P(> 0.8) = 2 * 0.2^2 = 0.08.
    return [
        *(law(share, 1, 0) for share in (0.02, 0.1, 0.5, 0.9)),
        *(law(share, 3, 0.2) for share in (0.02, 0.1, 0.5, 0.9)),
        *(law(share, 5, 0.5) for share in (0.02, 0.1, 0.5, 0.9)),
        Law("F1, three questions a passage", "f1", 0.08 + 0.42 * 0.5, f1),
        Law("next words, 4 to 15 a sentence", "next_word_acc", 0.1, words),
    ]


def of_translations(sentences: int) -> list[Law]:
    """BLEU and chrF++ of packaged sentences that lost and changed words, counted by sacreBLEU.

    The law is drawing from so many; its score is that of all of them together.
    """
    rng = random.Random(SEED)
    references = [item.texts["msa"] for item in load_parallel(Source()) if "msa" in item.texts]
    every = [word for text in references for word in text.split()]
    pairs = []
    for _ in range(sentences):
        reference = rng.choice(references)
        kept = rng.betavariate(2, 1.5)
        words = [
            word if rng.random() < kept else rng.choice(every)
            for word in reference.split()
            if rng.random() < 0.95
        ]
        pairs.append((" ".join(words), reference))
    laws = []
    for name, metric, repeats in (("bleu", bleu(), 0.25), ("chrf++", chrf(), 0.1)):
        pool = np.array([counts(metric, *pair) for pair in pairs])

        def draw(generator: np.random.Generator, n: int, pool: Array = pool) -> Array:
            return pool[generator.integers(len(pool), size=n)]

        title = {"bleu": "BLEU", "chrf++": "chrF++"}[name]
        laws.append(
            Law(f"{title} of {sentences:,} sentences", name, point(SCORES[name], pool), draw,
                repeats)
        )  # fmt: skip
    return laws


def percentiles(score: Score, sums: Array) -> tuple[float, float]:
    """The interval of the bootstrap's percentiles, which is what most programs print."""
    parts = kept_weights(len(sums), INTERVAL_DRAWS, BOOTSTRAP_SEED)
    drawn = np.concatenate([score.compute(weights @ sums) for weights in parts])
    return float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))


def covered(law: Law, items: int, repeats: int, ends: Ends = interval) -> float:
    """Percent of data sets whose interval holds the truth; a rounding error is inside."""
    rng = np.random.default_rng([SEED, items])
    held = 0
    for _ in range(repeats):
        low, high = ends(SCORES[law.metric], law.draw(rng, items))
        slack = 1e-9 * abs(law.truth)
        held += low - slack <= law.truth <= high + slack
    return 100 * held / repeats


def rows(laws: list[Law], repeats: int, ends: Ends = interval) -> list[tuple[str, list[float]]]:
    """(name, coverage at each of COUNTS)."""
    table = []
    for law in laws:
        asked = max(round(repeats * law.repeats), 2)
        table.append((law.name, [covered(law, count, asked, ends) for count in COUNTS]))
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{law.name}")
    return table


def markdown(title: str, table: list[tuple[str, list[float]]]) -> str:
    """The table; what is outside the promise from 30 items on is bold."""
    low, high = PROMISED
    lines = [
        f"| {title} | {' | '.join(f'{count} items' for count in COUNTS)} |",
        "|---" * (len(COUNTS) + 1) + "|",
    ]
    for name, values in table:
        cells = []
        for count, value in zip(COUNTS, values, strict=True):
            missed = count >= 30 and not low <= round(value, 1) <= high
            cells.append(f"**{value:.1f}**" if missed else f"{value:.1f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def tables(sentences: int) -> dict[str, tuple[list[Law], Ends]]:
    """Title -> laws, and whose intervals are asked."""
    return {
        "means": (of_means(), interval),
        "ratios": ([*of_ratios(), *of_translations(sentences)], interval),
        "shares": (of_shares(), interval),
        "hard ones": (hard_ones(), interval),
        "means, bootstrap percentiles": (of_means(), percentiles),
    }


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=3000, help="data sets a cell [3000]")
    parser.add_argument("--quick", action="store_true", help="60 data sets a cell")
    parser.add_argument("--only", metavar="TITLE", help="one table, such as 'shares'")
    options = parser.parse_args()
    repeats = 60 if options.quick else options.repeats
    for title, (laws, ends) in tables(200 if repeats < 100 else 4000).items():
        if options.only in (None, title):
            print(markdown(title, rows(laws, repeats, ends)), flush=True)
    error = 100 * math.sqrt(0.95 * 0.05 / repeats)
    print(
        f"{repeats:,} data sets a cell (standard error {error:.1f}; the model's share and noise "
        "curves half of them, BLEU a quarter, chrF++ a tenth); bold is outside "
        f"{PROMISED[0]:g}-{PROMISED[1]:g}. {time.process_time():.0f} s of one core."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
