"""Samples whose answers two models differ in most: right turned wrong, wrong turned right, and the
largest changes of a score.

Samples are read twice and never all held: first for what each of them scored, then those that are
shown. What they hold was written elsewhere, so it is text to be shown and nothing else.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from arabench.errors import DataError
from arabench.evaluation.metrics.score import Score
from arabench.evaluation.metrics.table import SCORES
from arabench.evaluation.reports.runs import Run
from arabench.evaluation.runner.results import TaskResult, samples_file
from arabench.varieties import VARIETIES

Kind = Literal["right to wrong", "wrong to right", "higher", "lower"]
#: A word or a space between words, and what became of it.
Piece = tuple[Literal["same", "gone", "new"], str]
#: Characters of a text that are shown.
LONGEST_TEXT: Final = 1200
#: Words of two answers that are laid beside each other.
_WORDS_COMPARED: Final = 300
#: Fields of a document that say what was asked, in the order they are shown.
_FIELDS: Final = ("subject", "context", "question", "source", "text")


@dataclass(frozen=True)
class Change:
    """One sample that two models answered.

    Attributes:
        number: of the document in its task.
        metric: whose values `before` and `after` are.
        asked: (what it is, text) of the document.
        target: what would have been right; empty for texts that are only scored.
        answers: of the base and of the run; empty where a text is only scored.
        words: from the base's answer to the run's, word by word.
    """

    run: str
    task: str
    number: int
    kind: Kind
    metric: str
    before: float
    after: float
    asked: tuple[tuple[str, str], ...]
    target: str
    answers: tuple[str, str] | None
    words: tuple[Piece, ...]

    @property
    def flip(self) -> bool:
        """Whether right became wrong or wrong right."""
        return self.kind in ("right to wrong", "wrong to right")


@dataclass(frozen=True)
class _Scored:
    """What a sample scored, and where its line begins.

    `right` is its share that is right or wrong, NaN for tasks that have no such metric.
    """

    start: int
    right: float
    value: float


def changed_samples(base: Run, run: Run, tasks: Sequence[str], most: int) -> list[Change]:
    """Up to `most` samples a task: flips first, then the largest changes.

    Args:
        base, run: who answered.
        tasks: names of tasks that both have on the same documents.
        most: samples a task.

    Raises:
        UsageError: samples are gone since the results were read.
        DataError: a file is damaged.
    """
    found = []
    for name in tasks:
        ours, theirs = base.evaluation.tasks[name], run.evaluation.tasks[name]
        found += _of_task(base, run, (ours, theirs), most)
    return found


def shown_metrics(task: TaskResult) -> tuple[Score | None, Score]:
    """(metric that says right or wrong, metric that ranks what is left) of a task's samples."""
    scores = [SCORES[name] for name in task.signatures if name in task.scores]
    names = ("exact_match", "acc")
    binary = next((score for score in scores if score.name in names), None)
    binary = binary or next((score for score in scores if score.name.startswith("acc")), None)
    # Of one sentence BLEU says little: most have no four words in a row in common.
    return binary, next((score for score in scores if score.name == "chrf++"), scores[0])


def compare_words(before: str, after: str) -> tuple[Piece, ...]:
    """What became of each word of an answer; spaces go with the word before them."""
    left, right = before.split()[:_WORDS_COMPARED], after.split()[:_WORDS_COMPARED]
    pieces: list[Piece] = []
    matcher = difflib.SequenceMatcher(a=left, b=right, autojunk=False)
    for operation, a, b, c, d in matcher.get_opcodes():
        if operation == "equal":
            pieces.append(("same", " ".join(left[a:b])))
            continue
        if b > a:
            pieces.append(("gone", " ".join(left[a:b])))
        if d > c:
            pieces.append(("new", " ".join(right[c:d])))
    return tuple(pieces)


def _of_task(base: Run, run: Run, tasks: tuple[TaskResult, TaskResult], most: int) -> list[Change]:
    name = tasks[0].name
    files = [samples_file(one.evaluation.path, name) for one in (base, run)]
    binary, ranking = shown_metrics(tasks[0])
    try:
        before, after = (_scored(file, binary, ranking) for file in files)
        chosen = _most_changed(before, after, most)
        rows = [
            _lines(file, [scored[number].start for number in chosen])
            for file, scored in zip(files, (before, after), strict=True)
        ]
        return [
            _change(run.name, tasks[0], number, (before[number], after[number]), pair)
            for number, pair in zip(chosen, zip(*rows, strict=True), strict=True)
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{files[0]} or {files[1]} changed while it was read: {str(error)[:200]}. "
            "Compare again when nothing writes there."
        ) from error


def _most_changed(
    before: Mapping[int, _Scored], after: Mapping[int, _Scored], most: int
) -> list[int]:
    """Numbers of documents, flips first, then by the size of the change."""
    changes = []
    for number in before.keys() & after.keys():
        flips = abs(after[number].right - before[number].right) == 1
        size = abs(after[number].value - before[number].value)
        if flips or size > 0:  # NaN is neither
            changes.append((not flips, -size if size > 0 else 0.0, number))
    return [number for *_, number in sorted(changes)[:most]]


def _scored(file: Path, binary: Score | None, ranking: Score) -> dict[int, _Scored]:
    """Number of a document -> what it scored. One row a filter: the first."""
    found: dict[int, _Scored] = {}
    start = 0
    with file.open("rb") as stream:
        for line in stream:
            row = json.loads(line)
            number = row.get("doc_id")
            if isinstance(number, int) and number not in found:
                right = math.nan if binary is None else _value(row, binary)
                found[number] = _Scored(start, right, _value(row, ranking))
            start += len(line)
    return found


def _value(row: Mapping[str, Any], score: Score) -> float:
    """Of one sample; of a text its bits, which its length would only make smaller."""
    sums = row[score.name]["sums"]
    if score.likelihood and score.width == 2 and score.unit != "ratio":
        return float(sums[0])
    return float(score.compute(np.asarray(sums, dtype=np.float64)))


def _lines(file: Path, starts: Sequence[int]) -> Iterator[dict[str, Any]]:
    with file.open("rb") as stream:
        for start in starts:
            stream.seek(start)
            yield json.loads(stream.readline())


def _change(
    run: str,
    task: TaskResult,
    number: int,
    scored: tuple[_Scored, _Scored],
    rows: Sequence[Mapping[str, Any]],
) -> Change:
    ours, theirs = scored
    binary, ranking = shown_metrics(task)
    kind: Kind
    if binary is not None and abs(theirs.right - ours.right) == 1:
        metric = binary
        values = ours.right, theirs.right
        kind = "wrong to right" if theirs.right > ours.right else "right to wrong"
    else:
        metric = ranking
        values = ours.value, theirs.value
        kind = "higher" if theirs.value > ours.value else "lower"
    document = rows[0].get("doc")
    document = document if isinstance(document, dict) else {}
    answers = [_answer(row, document, ranking) for row in rows]
    both = None if answers[0] is None or answers[1] is None else (answers[0], answers[1])
    return Change(
        run, task.name, number, kind, metric.name, *values,
        tuple(_asked(document)), _target(rows[0], document) if both else "", both,
        compare_words(*both) if both else (),
    )  # fmt: skip


def _asked(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(what it is, text) of what a reader needs to judge an answer."""
    for field in _FIELDS:
        if isinstance(value := document.get(field), str) and value.strip():
            yield field, _cut(value)
    choices = document.get("choices")
    if isinstance(choices, list):
        yield "choices", _cut("\n".join(str(choice) for choice in choices))
    texts = document.get("texts")
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts) and texts:
        if "text" not in document:  # a text and its MSA rendering
            yield "text", _cut(texts[0])
            if len(texts) > 1:
                yield "MSA rendering", _cut(texts[1])
        else:  # the same text at rising noise
            yield "with most noise", _cut(texts[-1])


def _target(row: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    choices, right = document.get("choices"), document.get("answer")
    if isinstance(choices, list) and isinstance(right, int) and 0 <= right < len(choices):
        return _cut(str(choices[right]))
    target = row.get("target")
    return _cut(target) if isinstance(target, str) else ""


def _answer(row: Mapping[str, Any], document: Mapping[str, Any], ranking: Score) -> str | None:
    """What the model wrote or chose; None where it only scored a text."""
    found, choices = row.get("filtered_resps"), document.get("choices")
    if not isinstance(found, list) or not found or ranking.likelihood:
        return None
    if isinstance(choices, list) and choices:
        likelihoods = [_likelihood(one) for one in found]
        if len(found) != len(choices) or any(map(math.isnan, likelihoods)):
            return None
        return _cut(str(choices[likelihoods.index(max(likelihoods))]))
    return _cut(found[0]) if isinstance(found[0], str) else None


def _likelihood(response: object) -> float:
    """Of [log-likelihood, is greedy], as either command writes it; NaN for anything else."""
    value = response[0] if isinstance(response, list) and response else response
    try:
        return float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        return math.nan


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def task_order(name: str, tasks: Mapping[str, TaskResult]) -> tuple[str, int]:
    """Tasks of a family together, their varieties in the usual order."""
    variety = tasks[name].variety
    place = VARIETIES.index(variety) if variety in VARIETIES else len(VARIETIES)
    return (name if variety is None else name.replace(f"_{variety}", "", 1)), place
