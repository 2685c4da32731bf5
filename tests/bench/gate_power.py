"""How often the gate errs: tables of docs/gate.md.

    python tests/bench/gate_power.py [--runs 1000] [--results BASE CANDIDATE]...

Every decision is made by the gate's own code under its default policy. `--results` names two
folders of results of `arabench_dialects` (and `arabench_mmlu`); give it once per pair. Seeded: the
same numbers come out every time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from arabench.evaluation.metrics.contrast import contrast
from arabench.evaluation.metrics.score import Sums
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.runner.results import Evaluation
from arabench.gate.compare import ask
from arabench.gate.criteria.table import CRITERIA
from arabench.gate.policy import Policy
from arabench.gate.verdict import Question, answer_all, decide
from arabench.statistics.resampling import Array
from tests.bench import gate_models as models

POLICY = Policy()
MARGIN = POLICY.rules["bits_per_char"].margin
BITS = SCORES["bits_per_char"]
COUNTS = (10, 30, 100, 205)
#: Without a least number of items: what the bounds alone hold on fewer.
ANY_COUNT = Policy(min_items=2)
Pair = tuple[Evaluation, Evaluation]


class Progress:
    """A line on the terminal while a table is made; nothing where there is none."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, what: str, done: int, of: int) -> None:
        if sys.stderr.isatty() and (done % 20 == 0 or done == of):
            seconds = time.monotonic() - self.began
            sys.stderr.write(f"\r\x1b[K{what}: {done}/{of} ({seconds:.0f} s)")
            sys.stderr.flush()

    def over(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


def question(ours: Array, theirs: Array, demand: str = "non_inferiority") -> Question:
    """One row of bits per character, as the gate asks it."""
    items = tuple(f"{index:04}" for index in range(len(ours)))
    left, right = (Sums(items, np.stack([bits, np.ones(len(ours))], 1)) for bits in (ours, theirs))
    found = contrast(BITS, left, right, POLICY.draws, POLICY.seed)
    return Question("bits", None, "bits_per_char", 1.0, 1.0, found, CRITERIA[demand], MARGIN)


def percentile_passes(asked: Question) -> bool:
    """What the percentile bootstrap of the same draws would say."""
    paired = asked.contrast.paired
    ratios = paired.estimate + paired.draws[:, 0] / paired.draws[:, 1]
    return bool(np.quantile(ratios, POLICY.confidence) <= 1 + MARGIN)


def judge(pair: Pair) -> tuple[str, int, bool]:
    """The decision, how many rows decide, and whether one fails at the full error level.

    Without bounds, which only reports need.
    """
    questions = [asked for asked in ask(*pair, POLICY) if asked.demand is not None]
    found = [answer.verdict for answer in answer_all(questions, POLICY)]
    level = 1 - POLICY.confidence
    alone = any(asked.contrast.shown_worse(asked.margin) <= level for asked in questions)
    return decide(found, POLICY), len(found), alone


def table(title: str, headings: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Markdown on standard output."""
    heads = list(headings)
    sys.stdout.write(f"\n{title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n")
    for row in rows:
        sys.stdout.write(f"| {' | '.join(str(cell) for cell in row)} |\n")
        sys.stdout.flush()


def percent(share: float) -> str:
    """One digit after the point."""
    return f"{100 * share:.1f} %"


def false_passes(pairs: list[Pair], runs: int, seed: int, progress: Progress) -> None:
    """Share of candidates that are worse by exactly the margin and pass all the same."""
    cases: dict[str, models.Bits] = {
        "normal noise": models.normal(0.08),
        "heavy tails: log-normal lengths, t(2) noise": models.heavy,
        "heavy tails, noise added": models.heavy_added,
        "skewed noise (skewness 1)": models.skewed,
        "very skewed (exponential, log-normal lengths)": models.very_skewed,
    }
    for number, (baseline, candidate) in enumerate(pairs, 1):
        for task in ("arabench_lm_msa", "arabench_lm_egy"):
            if task in baseline.tasks:
                cases[f"pair {number}, {task}"] = models.resampled(task, baseline, candidate)

    def rows() -> Iterable[list[str]]:
        for name, draw in cases.items():
            cells, before = [], []
            for count in (5, *COUNTS):
                rng = np.random.default_rng([seed, count])
                passed = old = 0
                for run in range(runs):
                    asked = question(*draw(count, MARGIN, rng))
                    passed += answer_all([asked], ANY_COUNT)[0].verdict == "pass"
                    old += percentile_passes(asked)
                    progress(f"{name}, {count} items", run + 1, runs)
                cells.append(percent(passed / runs))
                before.append(percent(old / runs))
            yield [name, *cells, " / ".join(before)]

    table(
        f"False passes: a bits rule at its margin ({runs:,} runs each; {percent(0.05)} promised)",
        ["results", *[f"{count} items" for count in (5, *COUNTS)], "percentile bootstrap"], rows(),
    )  # fmt: skip


def false_stops(pairs: list[Pair], runs: int, seed: int, progress: Progress) -> None:
    """Share of equally good candidates that do not get through, the whole policy deciding."""
    cases: dict[str, Callable[[np.random.Generator], Pair]] = {
        f"working model, {percent(noise)} noise per sentence": _suite(noise)
        for noise in (0.015, 0.05)
    }
    for number, both in enumerate(pairs, 1):
        shown = _without_empty(both, number)
        cases[f"pair {number}, swapped by item"] = _exchanged(shown)

    def rows() -> Iterable[list[object]]:
        for name, draw in cases.items():
            rng = np.random.default_rng([seed, 1])
            found: Counter[str] = Counter()
            alone = deciding = 0
            for run in range(runs):
                decision, deciding, uncorrected = judge(draw(rng))
                found[decision] += 1
                alone += uncorrected
                progress(name, run + 1, runs)
            yield [
                name, deciding, percent(found["stop"] / runs), percent(found["undecided"] / runs),
                percent(1 - found["pass"] / runs), percent(alone / runs),
            ]  # fmt: skip

    table(
        f"False stops: the default policy on two equally good models ({runs:,} runs each)",
        ["results", "deciding rows", "stop", "undecided", "together", "stop, rows uncorrected"],
        rows(),
    )


def _suite(noise: float) -> Callable[[np.random.Generator], Pair]:
    return lambda rng: models.suite(rng, noise)


def _exchanged(both: Pair) -> Callable[[np.random.Generator], Pair]:
    return lambda rng: models.exchanged(*both, rng)


def _without_empty(both: Pair, number: int) -> Pair:
    """Without the rows that are 0 on both sides: these block, whatever else there is."""
    empty = [
        answered.task
        for answered in ask(*both, POLICY)
        if answered.baseline == 0 == answered.candidate
    ]
    if empty:
        sys.stdout.write(f"\npair {number}: left out, 0 on both sides: {', '.join(empty)}\n")
    left, right = both
    for name in empty:
        left, right = models.without(left, name), models.without(right, name)
    return left, right


def undecided(runs: int, seed: int, progress: Progress) -> None:
    """Share of equally good candidates that a bits rule lets through, by items and noise."""

    def rows() -> Iterable[list[str]]:
        for noise in (0.015, 0.03, 0.05, 0.08):
            cells = []
            for count in COUNTS:
                rng = np.random.default_rng([seed, 2, count])
                passed = 0
                for run in range(runs):
                    asked = question(*models.normal(noise)(count, 0.0, rng))
                    passed += answer_all([asked], POLICY)[0].verdict == "pass"
                    progress(f"noise {noise}, {count} items", run + 1, runs)
                cells.append(percent(passed / runs))
            yield [percent(noise), *cells]

    table(
        f"Passes of an equally good model under one bits rule, margin {percent(MARGIN)} "
        f"({runs:,} runs each); the others are undecided",
        ["noise per sentence", *[f"{count} items" for count in COUNTS]], rows(),
    )  # fmt: skip


def power(runs: int, seed: int, progress: Progress) -> None:
    """Share of candidates that are worse on one task and are kept out."""
    plants = [
        ("bits_per_char", "bits +2 % (the margin)", 0.02),
        ("bits_per_char", "bits +3 %", 0.03),
        ("bits_per_char", "bits +5 %", 0.05),
        ("bleu", "10 % of the matching n-grams lost", 0.1),
        ("bleu", "20 % of the matching n-grams lost", 0.2),
        ("f1", "right answers -0.25 in 22 passages", 0.25),
        ("f1", "right answers -0.45 in 22 passages", 0.45),
        ("acc", "accuracy -0.1 in 129 questions", 0.1),
        ("acc", "accuracy -0.2 in 129 questions", 0.2),
    ]

    def rows() -> Iterable[list[str]]:
        for metric, name, worse in plants:
            rng = np.random.default_rng([seed, 3])
            found: Counter[str] = Counter()
            for run in range(runs):
                found[judge(models.suite(rng, 0.05, {metric: worse}))[0]] += 1
                progress(name, run + 1, runs)
            yield [name, *[percent(found[which] / runs) for which in ("stop", "undecided", "pass")]]

    table(
        f"Power: one task of the whole suite is worse, {percent(0.05)} noise ({runs:,} runs each)",
        ["planted", "stop", "undecided", "pass"], rows(),
    )  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000, help="simulated pairs per cell [1000]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--results", nargs=2, action="append", default=[], metavar=("BASE", "CANDIDATE"),
        help="two results folders to draw from (repeatable)",
    )  # fmt: skip
    options = parser.parse_args()
    pairs = [models.pair(*folders) for folders in options.results]
    progress = Progress()
    for number, (baseline, candidate) in enumerate(pairs, 1):
        sys.stdout.write(f"\npair {number}: {baseline.model} and {candidate.model}\n")
    false_passes(pairs, 2 * options.runs, options.seed, progress)
    false_stops(pairs, options.runs, options.seed, progress)
    undecided(options.runs, options.seed, progress)
    power(max(options.runs // 4, 20), options.seed, progress)
    progress.over()
    sys.stdout.write(f"\n{time.monotonic() - progress.began:.0f} s\n")


if __name__ == "__main__":
    main()
