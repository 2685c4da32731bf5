"""Every score of several models against those of one, item by item.

Both models answered the same items, so items are compared pairwise, with the statistics of
arabench.evaluation.metrics.contrast. A gate asks whether one candidate may replace the model in
use, and takes more care before it says yes; here neither side is favoured: a against b says the
opposite of b against a. p-values are two-sided and corrected for all rows of a report (Holm).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final, Literal, NamedTuple

import numpy as np

from arabench.errors import UsageError, did_you_mean
from arabench.evaluation.metrics.contrast import Contrast, Pair, contrast_all
from arabench.evaluation.metrics.intervals import interval
from arabench.evaluation.metrics.score import Sums, point
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.rounding import Estimate
from arabench.evaluation.reports.runs import Run, one_line
from arabench.evaluation.runner.comparable import (
    check_task,
    differing_settings,
    in_one_unit,
    why_identical,
)
from arabench.evaluation.runner.results import TaskResult
from arabench.statistics.multiplicity import holm_adjusted
from arabench.statistics.resampling import BOOTSTRAP_SEED
from arabench.varieties import VARIETIES

Found = Literal["better", "worse", "no difference shown", "too few items", "not measured"]
#: Error of the whole report, and of each interval.
LEVEL: Final = 0.05
#: Characters of a note or a reason; a setting that differs can be a whole template.
LONGEST_NOTE: Final = 600
_DRAWS: Final = 4000
#: Bootstrap draws that lie beyond the level of one row of the family.
_DRAWS_BEYOND: Final = 5
#: More are not made; with more rows than `MOST_ROWS` nothing could be shown.
_MOST_DRAWS: Final = 40_000
MOST_ROWS: Final = int(LEVEL * _MOST_DRAWS / 2)
#: Metrics whose draws are held at once: 200 MB.
_TOGETHER: Final = 128


@dataclass(frozen=True)
class Difference:
    """One metric of one task, of a run and of the one it is held against.

    Attributes:
        base, other: value of each with its own interval.
        difference: other against base: a share of the base's value where `relative`
            (lower is better), else in the metric's unit; with the interval of the paired test.
        p_value: two-sided, of this row alone; NaN where nothing was tested.
        corrected: the same for all rows together.
    """

    run: str
    task: str
    variety: str | None
    metric: str
    base: Estimate
    other: Estimate
    difference: Estimate
    items: int
    p_value: float = math.nan
    corrected: float = math.nan

    @property
    def relative(self) -> bool:
        """Whether the difference is a share of the base's value."""
        return not SCORES[self.metric].higher_is_better

    @property
    def found(self) -> Found:
        """What the row shows, in words."""
        if not (math.isfinite(self.base.value) and math.isfinite(self.other.value)):
            return "not measured"
        if math.isnan(self.p_value):
            return "too few items"
        if self.corrected > LEVEL:
            return "no difference shown"
        return "worse" if (self.difference.value > 0) == self.relative else "better"


@dataclass(frozen=True)
class LeftOut:
    """A task, or a metric of one, that was not compared, and why."""

    run: str
    task: str
    reason: str


@dataclass(frozen=True)
class Differences:
    """A report: all rows, in the order of metrics, varieties and tasks.

    Attributes:
        notes: what a reader of the numbers must know.
        draws: bootstrap draws that were made.
        tests: that share the correction. Bits per character, bits per byte and the perplexities
            made of the bits of one text are one test.
    """

    base: Run
    runs: tuple[Run, ...]
    rows: tuple[Difference, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    draws: int
    tests: int

    def of(self, run: Run) -> tuple[Difference, ...]:
        """Rows of one run."""
        return tuple(row for row in self.rows if row.run == run.name)


def find_differences(
    base: Run,
    runs: Sequence[Run],
    tasks: Sequence[str] = (),
    metrics: Sequence[str] = (),
    *,
    strict: bool = False,
) -> Differences:
    """Compare every metric of every task that the base and a run share.

    Args:
        tasks: names or patterns (`arabench_lm_*`) of tasks; empty for all.
        metrics: names of metrics; empty for all.
        strict: refuse what is measured differently instead of saying so.

    Raises:
        UsageError: nothing is left to compare, an unknown name, or, where `strict`, a task or a
            setting that differs.
    """
    _check_names([base, *runs], tasks, metrics)
    pairs: list[tuple[Run, TaskResult, TaskResult]] = []
    left_out: list[LeftOut] = []
    for run in runs:
        for name in dict.fromkeys([*base.evaluation.tasks, *run.evaluation.tasks]):
            if tasks and not any(fnmatchcase(name, pattern) for pattern in tasks):
                continue
            reason = _why_not(base, run, name)
            if reason:
                left_out.append(LeftOut(run.name, one_line(name), one_line(reason, LONGEST_NOTE)))
            else:
                pairs.append((run, base.evaluation.tasks[name], run.evaluation.tasks[name]))
    places, of_tokens = _places(pairs, metrics)
    left_out += of_tokens
    notes = [one_line(note, LONGEST_NOTE) for run in runs for note in _notes(base, run)]
    if strict and (left_out or notes):
        raise UsageError(
            f"--strict: {left_out[0].run}: {left_out[0].reason}" if left_out else
            f"--strict: {notes[0]}"
        )  # fmt: skip
    rows, draws, tests = _compared(places)
    if not rows:
        why = f" ({left_out[0].reason})" if left_out else ""
        raise UsageError(
            f"{base.name!r} and {', '.join(repr(run.name) for run in runs)} share no task and "
            f"metric that can be compared{why}. Evaluate them with the same --tasks, and look at "
            "what --tasks and --metrics leave."
        )
    if tests > MOST_ROWS:
        notes.append(
            f"{tests:,} tests are more than the {MOST_ROWS:,} among which a difference can be "
            "shown. Name fewer with --tasks and --metrics."
        )
    return Differences(base, tuple(runs), rows, tuple(left_out), tuple(notes), draws, tests)


def _check_names(runs: Sequence[Run], tasks: Sequence[str], metrics: Sequence[str]) -> None:
    known = {name for run in runs for name in run.evaluation.tasks}
    for pattern in tasks:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise UsageError(
                f"--tasks {pattern!r} is no task of the results. {did_you_mean(pattern, known)}"
            )
    measured = {
        metric
        for run in runs
        for task in run.evaluation.tasks.values()
        for metric in task.scores
    }  # fmt: skip
    for metric in metrics:
        if metric not in measured:
            raise UsageError(
                f"--metrics {metric!r} is no metric of the results. "
                f"{did_you_mean(metric, measured)}"
            )


def _why_not(base: Run, run: Run, name: str) -> str | None:
    """Why a task cannot be compared; None where it can."""
    left, right = base.evaluation.tasks.get(name), run.evaluation.tasks.get(name)
    if left is None or right is None:
        return f"task {name!r} is only in {(base if right is None else run).name!r}."
    try:
        check_task(left, right)
    except UsageError as error:
        return str(error).replace("in the baseline", f"in {base.name!r}").replace(
            "in the candidate", f"in {run.name!r}"
        )  # fmt: skip
    return None


def _notes(base: Run, run: Run) -> list[str]:
    """Settings that differ, and answers that are the same in every sample."""
    notes = []
    ours, theirs = base.evaluation.settings, run.evaluation.settings
    if differing := differing_settings(ours, theirs):
        words = "; ".join(
            f"{name}: {ours.get(name, 'not recorded')} against {theirs.get(name, 'not recorded')}"
            for name in differing
        )
        notes.append(
            f"{base.name} and {run.name} were measured under different settings, which are part "
            f"of every difference between them ({words})."
        )
    if reason := why_identical(base.evaluation, run.evaluation):
        notes.append(
            reason.replace("baseline and candidate", f"{base.name} and {run.name}").replace(
                "the candidate", run.name
            )
        )
    return notes


class _Place(NamedTuple):
    """One metric of one task of two models, on the same items."""

    run: Run
    task: TaskResult
    pair: Pair

    @property
    def test(self) -> tuple[str, bytes | str]:
        """What is tested: whether two models spend as much on a text is one question, whatever
        their bits are divided by."""
        score, ours, theirs = self.pair
        if score.width == 2 and score.likelihood and np.array_equal(
            ours.sums[:, 1], theirs.sums[:, 1]
        ):  # fmt: skip
            bits = np.stack([ours.sums[:, 0], theirs.sums[:, 0]])
            return self.run.name, sha256(bits.tobytes()).digest()
        return self.run.name, f"{self.task.name} {score.name}"


def _places(
    found: Sequence[tuple[Run, TaskResult, TaskResult]], metrics: Sequence[str]
) -> tuple[list[_Place], list[LeftOut]]:
    """Metrics that are compared, and those per token of two tokenizers."""
    places, left_out = [], []
    for run, left, right in found:
        for name in left.signatures:
            if name not in left.scores or (metrics and name not in metrics):
                continue
            pair = Pair(SCORES[name], left.scores[name], right.scores[name])
            if in_one_unit(*pair):
                places.append(_Place(run, left, pair))
            else:
                reason = f"{name} is per token, and the two models cut text into other tokens."
                left_out.append(LeftOut(run.name, left.name, reason))
    return places, left_out


def _compared(places: Sequence[_Place]) -> tuple[tuple[Difference, ...], int, int]:
    """Rows with corrected p-values, bootstrap draws that were made, and tests."""
    tests = [place.test for place in places]
    wanted = math.ceil(2 * _DRAWS_BEYOND * len(set(tests)) / LEVEL)
    draws = min(max(_DRAWS, wanted), _MOST_DRAWS)
    values: dict[tuple[str, str], Estimate] = {}
    rows = []
    for start in range(0, len(places), _TOGETHER):
        part = places[start : start + _TOGETHER]
        contrasts = contrast_all(
            [place.pair for place in part], draws, BOOTSTRAP_SEED, skew_allowance=0.0
        )
        for place, contrast in zip(part, contrasts, strict=True):
            score, ours, theirs = place.pair
            key = place.task.name, score.name
            if key not in values:
                values[key] = _estimate(score.name, ours)
            rows.append(_row(place, values[key], _estimate(score.name, theirs), contrast))
    largest: dict[tuple[str, bytes | str], float] = {}
    for test, row in zip(tests, rows, strict=True):
        if not math.isnan(row.p_value):
            largest[test] = max(largest.get(test, 0.0), row.p_value)
    corrected = dict(zip(largest, holm_adjusted(list(largest.values())), strict=True))
    rows = [
        row if math.isnan(row.p_value) else replace(row, corrected=corrected[test])
        for test, row in zip(tests, rows, strict=True)
    ]
    return tuple(sorted(rows, key=_order)), draws, len(corrected)


def _estimate(metric: str, sums: Sums) -> Estimate:
    score = SCORES[metric]
    value = point(score, sums.sums)
    if not math.isfinite(value):
        return Estimate(value)
    return Estimate(value, *interval(score, sums.sums))


def _row(place: _Place, base: Estimate, other: Estimate, contrast: Contrast) -> Difference:
    fair = replace(contrast, capped=contrast.paired)
    worse, better = fair.shown_worse(0.0), fair.shown_better(0.0)
    measured = all(math.isfinite(one.value) for one in (base, other))
    tested = measured and contrast.items >= 2
    low, high = _bounds(fair) if tested else (math.nan, math.nan)
    score, task = place.pair.score, place.task
    if score.higher_is_better:
        change = Estimate(0.0 - contrast.degradation, 0.0 - high, 0.0 - low)
    else:
        change = Estimate(contrast.degradation, low, high)
    return Difference(
        place.run.name, task.name, task.variety, score.name, base, other, change, contrast.items,
        min(1.0, 2 * min(worse, better)) if tested else math.nan,
    )  # fmt: skip


def _bounds(contrast: Contrast) -> tuple[float, float]:
    """Of the degradation; infinite where a bound is no nearer than what the metric can reach."""
    low, high = contrast.low(LEVEL / 2), contrast.high(LEVEL / 2)
    return (
        -math.inf if low <= contrast.least else low,
        math.inf if high >= contrast.most else high,
    )


def _order(row: Difference) -> tuple[int, int, str]:
    variety = VARIETIES.index(row.variety) if row.variety in VARIETIES else len(VARIETIES)
    return list(SCORES).index(row.metric), variety, row.task


def count(rows: Iterable[Difference]) -> dict[Found, int]:
    """How many rows show what; all that can be shown are named."""
    counted: dict[Found, int] = {
        "better": 0, "worse": 0, "no difference shown": 0, "too few items": 0, "not measured": 0,
    }  # fmt: skip
    for row in rows:
        counted[row.found] += 1
    return counted
