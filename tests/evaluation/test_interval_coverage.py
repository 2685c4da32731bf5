"""The simulation behind docs/measure.md, "Intervals": its laws have the scores they claim."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from arabench.evaluation.metrics.score import point
from arabench.evaluation.metrics.table import SCORES
from tests.bench.interval_coverage import (
    Law,
    covered,
    hard_ones,
    markdown,
    of_means,
    of_ratios,
    of_shares,
    of_translations,
)

ROOT = Path(__file__).resolve().parents[2]
LAWS = [*of_means(), *of_ratios(), *of_shares(), *hard_ones(), *of_translations(100)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_the_known_score_is_that_of_the_law(law: Law) -> None:
    sums = law.draw(np.random.default_rng(1), 400_000)
    found = point(SCORES[law.metric], sums)
    assert sums.shape == (400_000, SCORES[law.metric].width)
    # The error of 400,000 items, by halves of a hundred parts; perplexity moves with its exponent.
    parts = [point(SCORES[law.metric], part) for part in np.split(sums, 100)]
    assert abs(found - law.truth) <= 5 * np.std(parts) / 10 + 1e-12 + 1e-4 * law.truth


def test_a_wrong_truth_is_not_covered() -> None:
    law = of_means()[0]
    assert covered(law, 30, 100) > 85
    assert covered(dataclasses.replace(law, truth=law.truth + 5), 30, 100) == 0


def test_what_is_outside_the_promise_is_bold() -> None:
    cells = [("a", [60.0, 80.0, 92.9, 93.0, 97.1]), ("b", [99.0, 95.0, 95.0, 95.0, 97.04])]
    assert markdown("means", cells).splitlines()[2:] == [
        "| a | 60.0 | 80.0 | **92.9** | 93.0 | **97.1** |",
        "| b | 99.0 | 95.0 | 95.0 | 95.0 | 97.0 |",
    ]


def test_quick_run_prints_every_law() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/bench/interval_coverage.py"), "--repeats", "2"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = [line.split(" | ")[0].removeprefix("| ") for line in done.stdout.splitlines()]
    for law in (*of_means(), *of_ratios(), *of_shares(), *hard_ones()):
        assert law.name in names
