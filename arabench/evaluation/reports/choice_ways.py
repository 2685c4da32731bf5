"""How far multiple choice depends on the way it is asked: letters, texts, texts per length.

Public tables of Arabic models differ by ten points over this alone, for one model and one set of
questions. A report that holds several ways says what each gives, and on how many questions they
pick different answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from arabench.errors import DataError
from arabench.evaluation.families.choice import code_points
from arabench.evaluation.metrics.choice import ACC, pick
from arabench.evaluation.metrics.contrast import Pair, contrast_all
from arabench.evaluation.metrics.intervals import interval
from arabench.evaluation.metrics.score import Score, Sums, by_item, point, ratio, sample
from arabench.evaluation.reports.rounding import Estimate, rounded
from arabench.evaluation.runner.results import Evaluation, samples_file
from arabench.statistics.resampling import BOOTSTRAP_DRAWS, BOOTSTRAP_SEED

#: Lengths that a question's likelihoods are divided by; None for nothing.
Lengths = Callable[[dict[str, Any]], Sequence[int]]
#: (name, task, lengths) of each way.
WAYS: Final[tuple[tuple[str, str, Lengths | None], ...]] = (
    ("Latin letters", "arabench_mmlu_all", None),
    ("Arabic letters", "arabench_mmlu_arabic_letters", None),
    ("text of the answer", "arabench_mmlu_text", None),
    ("text, per code point", "arabench_mmlu_text", code_points),
)
_DISAGREE: Final = Score("ways_disagree", 2, ratio, False, "0-1", lambda: "share of questions")
#: Level of the interval on either side.
_TAIL: Final = 0.025


@dataclass(frozen=True)
class Way:
    """One way of asking.

    Attributes:
        name: in words.
        sums: right answers and questions, by question.
    """

    name: str
    sums: Sums

    @property
    def accuracy(self) -> Estimate:
        """Share of right answers."""
        return _share(ACC, self.sums)


@dataclass(frozen=True)
class ChoiceWays:
    """Several ways of asking the same questions of one model.

    Attributes:
        ways: in the order of `WAYS`.
        questions: how many all ways have in common; only these are counted.
        disagreement: share of them on which not all ways pick the same choice.
        spread: accuracy of the best way less that of the worst, paired by question.
        best, worst: their names.
    """

    ways: tuple[Way, ...]
    questions: int
    disagreement: Estimate
    spread: Estimate
    best: str
    worst: str


def compare_ways(evaluation: Evaluation) -> ChoiceWays | None:
    """What an evaluation shows of it; None where it holds one way or none.

    Raises:
        DataError: its samples are damaged.
    """
    picks: dict[str, dict[str, tuple[int, int]]] = {}
    for name, task, lengths in WAYS:
        if task in evaluation.tasks:
            picks[name] = dict(_picks(samples_file(evaluation.path, task), lengths))
    if len(picks) < 2:
        return None
    common = sorted(set.intersection(*(set(found) for found in picks.values())))
    if not common:
        return None
    ways = tuple(
        Way(name, _sums((item, found[item][0] == found[item][1]) for item in common))
        for name, found in picks.items()
    )
    differ = _sums((item, len({found[item][0] for found in picks.values()}) > 1) for item in common)
    ranked = sorted(ways, key=lambda way: way.accuracy.value)
    worst, best = ranked[0], ranked[-1]
    (paired,) = contrast_all(
        [Pair(ACC, best.sums, worst.sums)], BOOTSTRAP_DRAWS, BOOTSTRAP_SEED, skew_allowance=0
    )
    spread = Estimate(paired.degradation, paired.low(_TAIL), paired.high(_TAIL))
    return ChoiceWays(ways, len(common), _share(_DISAGREE, differ), spread, best.name, worst.name)


def ways_lines(evaluation: Evaluation) -> list[str]:
    """Lines of Markdown that show it; none where there is nothing to compare."""
    found = compare_ways(evaluation)
    if found is None:
        return []
    lines = ["| multiple choice by | accuracy | 95 % interval |", "|---|---|---|"]
    for way in found.ways:
        words = rounded(way.accuracy)
        lines.append(f"| {way.name} | {words.value} | {words.low} to {words.high} |")
    differ, spread = rounded(found.disagreement.scaled(100)), rounded(found.spread.scaled(100))
    lines += [
        "",
        f"On {differ.value} % [{differ.low}, {differ.high}] of {found.questions:,} questions the "
        f"ways pick different answers; {found.best} and {found.worst}, the best and the worst of "
        f"them here, are {spread.value} [{spread.low}, {spread.high}] points apart.",
        "",
    ]
    return lines


def _picks(file: Path, lengths: Lengths | None) -> Iterator[tuple[str, tuple[int, int]]]:
    """(question, (choice that was picked, right choice)) of every sample."""
    try:
        with file.open(encoding="utf-8") as stream:
            for line in stream:
                row = json.loads(line)
                document = row["doc"]
                # lm-eval's own command writes numbers as words.
                results = [(float(value), False) for value, _ in row["filtered_resps"]]
                if len(results) != len(document["choices"]):
                    raise ValueError(f"document {row['doc_id']} has other choices")
                sizes = None if lengths is None else lengths(document)
                yield str(document["id"]), (pick(results, sizes), int(document["answer"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise DataError(f"{file} is damaged: {str(error)[:200]}. Evaluate again.") from error


def _sums(values: Iterable[tuple[str, bool]]) -> Sums:
    return by_item(sample(item, [value, 1]) for item, value in values)


def _share(score: Score, sums: Sums) -> Estimate:
    return Estimate(point(score, np.asarray(sums.sums)), *interval(score, sums.sums))
