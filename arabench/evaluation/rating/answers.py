"""Answers of two runs to the same documents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError, did_you_mean
from arabench.evaluation.reports.difference_page import shown
from arabench.evaluation.runner.results import Evaluation, TaskResult, samples_file

#: Field of a document -> what a rater reads above it.
_FIELDS: Final = {"context": "النص", "question": "السؤال", "source": "الجملة"}
#: Target of a translation -> what is asked for.
_TARGETS: Final = {"en": "الترجمة إلى الإنجليزية", "msa": "الترجمة إلى العربية الفصحى"}
#: Metrics of answers that a model writes; all others are of likelihoods.
WRITTEN: Final = frozenset({"bleu", "chrf++", "f1", "exact_match"})
#: Characters of a text that are shown.
LONGEST_TEXT: Final = 4000


@dataclass(frozen=True)
class Answered:
    """A document and what two models answered.

    Attributes:
        document: its number in the task.
        item: documents of one item are not independent.
        asked: (what it is, text) of the document.
        answers: of the first and of the second run.
    """

    task: str
    variety: str | None
    document: int
    item: str
    asked: tuple[tuple[str, str], ...]
    answers: tuple[str, str]

    @property
    def same(self) -> bool:
        """Whether there is nothing to choose between."""
        return self.answers[0].split() == self.answers[1].split()


def paired_answers(
    first: Evaluation, second: Evaluation, tasks: Sequence[str] = ()
) -> dict[str, list[Answered]]:
    """Task -> what both runs answered, in the order of the documents.

    Args:
        first, second: who answered.
        tasks: names; without any all tasks of both in which answers are written.

    Raises:
        UsageError: a task that one has not, that was measured on other documents, or whose
            answers are not written; no task at all.
        DataError: a file is damaged.
    """
    both = [name for name in first.tasks if name in second.tasks]
    for name in tasks:
        if name not in both:
            raise UsageError(f"task {name!r} is not in both runs. {did_you_mean(name, both)}")
        if not _is_written(first.tasks[name]):
            raise UsageError(
                f"task {name!r} scores likelihoods: there is no answer that could be rated. Name "
                "tasks of translation or reading."
            )
    chosen = list(tasks) or [name for name in both if _is_written(first.tasks[name])]
    if not chosen:
        raise UsageError(
            f"{first.path.parent} and {second.path.parent} have no task in common whose answers "
            f"are written (translation, reading). In common: {', '.join(both[:8]) or 'none'}."
        )
    return {name: _of_task(first, second, name) for name in chosen}


def _is_written(task: TaskResult) -> bool:
    return bool(WRITTEN.intersection(task.signatures))


def _of_task(first: Evaluation, second: Evaluation, name: str) -> list[Answered]:
    if first.tasks[name].data_hash != second.tasks[name].data_hash:
        raise UsageError(
            f"task {name!r} was measured on other documents or with other prompts in "
            f"{second.path.parent} than in {first.path.parent}. Rate runs of the same data."
        )
    rows = [dict(_rows(samples_file(run.path, name))) for run in (first, second)]
    return [
        _answered(name, first.tasks[name].variety, rows[0][number], rows[1][number])
        for number in sorted(rows[0])
    ]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number of a document -> its row; one row a filter: the last."""
    number = 0
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                row = json.loads(line)
                if not isinstance(row["filtered_resps"][0], str) or not isinstance(
                    row["doc"], dict
                ):
                    raise DataError(f"{path}:{number} holds no written answer. Evaluate again.")
                yield int(row["doc_id"]), row
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(f"{path}:{number} is damaged: {error!r:.200}. Evaluate again.") from error


def _answered(
    task: str, variety: str | None, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Answered:
    document = ours["doc"]
    asked = [
        (label, _cut(document[name]))
        for name, label in _FIELDS.items()
        if isinstance(document.get(name), str) and document[name].strip()
    ]
    target = _TARGETS.get(str(document.get("target_code")))
    if target is not None:
        asked.append(("المطلوب", target))
    item = str(document.get("item", document.get("id", ours["doc_id"])))
    answers = (_cut(ours["filtered_resps"][0]), _cut(theirs["filtered_resps"][0]))
    return Answered(task, variety, int(ours["doc_id"]), item, tuple(asked), answers)


def _cut(text: str) -> str:
    text = shown(text.strip())
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
