"""Multiple-choice questions: packaged, JSON lines, MMLU-style CSV, or ArabicMMLU's columns."""

from __future__ import annotations

import csv
import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.evaluation.data.source import (
    HUB_PREFIX,
    Source,
    check_folder,
    load_hub,
    packaged_file,
    read_json_lines,
)

CHOICE_LETTERS: Final = "ABCDE"
#: As Arabic exam papers name choices; the fifth is a heh that stands alone.
ARABIC_LETTERS: Final = ("أ", "ب", "ج", "د", "هـ")


@dataclass(frozen=True)
class Question:
    """A multiple-choice question; `answer` indexes `choices`."""

    item: str
    subject: str
    question: str
    choices: tuple[str, ...]
    answer: int
    split: str = "test"

    def document(self) -> dict[str, Any]:
        """The row that a task's prompt and score read."""
        return {
            "id": self.item,
            "item": self.item,
            "subject": self.subject,
            "question": self.question,
            "choices": list(self.choices),
            "answer": self.answer,
        }


@functools.lru_cache(maxsize=8)
def load_questions(source: Source) -> tuple[Question, ...]:
    """Multiple-choice questions of a source, in order; `split` is dev or test."""
    if source.data is None:
        path = packaged_file("arabench_mmlu", "questions.jsonl")
        return _question_rows(read_json_lines(path), str(path))
    if source.data.startswith(HUB_PREFIX):
        return _hub_questions(source)
    folder = check_folder(source.data)
    if (folder / "questions.jsonl").exists():
        path = folder / "questions.jsonl"
        return _question_rows(read_json_lines(path), str(path))
    files = [
        (split, path) for split in ("dev", "test") for path in sorted(folder.glob(f"{split}/*.csv"))
    ]
    if not any(split == "test" for split, _ in files):
        raise UsageError(
            f"{folder} has neither questions.jsonl nor test/*.csv. "
            "See tasks/README.md for the layout."
        )
    return tuple(question for split, path in files for question in _csv_questions(path, split))


def _question_rows(rows: Iterable[dict[str, Any]], where: str) -> tuple[Question, ...]:
    questions = []
    for number, row in enumerate(rows, 1):
        try:
            question = Question(
                str(row["id"]),
                str(row["subject"]),
                str(row["question"]),
                _choices(row["choices"]),
                operator.index(row["answer"]),
                str(row.get("split", "test")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{where}: row {number} is broken ({error!r}). "
                "A row has id, subject, question, choices (a list) and answer (an index)."
            ) from error
        _check_answer(question, where, number)
        questions.append(question)
    return tuple(questions)


def _choices(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):  # a string would fall apart into letters
        raise TypeError(f"choices is {value!r:.80}")
    return tuple(map(str, value))


def _check_answer(question: Question, where: str, number: int) -> None:
    if not question.question.strip():
        raise DataError(f"{where}: row {number} has an empty question. Mend it, or leave it out.")
    count = len(question.choices)
    if not 2 <= count <= len(CHOICE_LETTERS) or not 0 <= question.answer < count:
        raise DataError(
            f"{where}: row {number} has {count} choices and answer {question.answer}; allowed are "
            f"2 to {len(CHOICE_LETTERS)} choices and an index into them."
        )


def _csv_questions(path: Path, split: str) -> list[Question]:
    subject = path.stem.removesuffix(f"_{split}")
    questions = []
    for number, row in enumerate(_csv_rows(path), 1):
        letter = row[-1].strip().upper()
        if len(row) < 4 or _letter_index(letter) < 0:
            raise DataError(f"{path}: row {number} is not question, choices, letter: {row!r:.200}")
        question = Question(
            f"{subject}-{number}",
            subject,
            row[0].strip(),
            tuple(choice.strip() for choice in row[1:-1]),
            _letter_index(letter),
            split,
        )
        _check_answer(question, str(path), number)
        questions.append(question)
    return questions


def _csv_rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [row for row in csv.reader(stream) if row]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not valid UTF-8 at byte {error.start}.") from error
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV: {error}.") from error


def _letter_index(letter: str) -> int:
    """0 for A; -1 for anything but one choice letter."""
    return CHOICE_LETTERS.find(letter) if len(letter) == 1 else -1


def _hub_questions(source: Source) -> tuple[Question, ...]:
    """ArabicMMLU's columns: Question, Context, Option 1-5, Answer Key, Subject."""
    rows = load_hub(str(source.data), source.config, source.split)
    needed = {"Question", "Option 1", "Option 2", "Answer Key"}
    if not needed <= set(rows.column_names):
        raise UsageError(
            f"{source.data} has columns {', '.join(rows.column_names)}; "
            f"multiple choice needs {', '.join(sorted(needed))}."
        )
    questions = []
    for number, row in enumerate(rows, 1):
        options = [row.get(f"Option {index}") for index in range(1, 6)]
        while options and not options[-1]:
            options.pop()
        if not all(options):
            raise DataError(f"{source.data}: row {number} has an empty option before a full one.")
        context = row.get("Context")
        question = Question(
            str(row.get("ID", number)),
            str(row.get("Subject") or "all"),
            f"{context}\n{row['Question']}" if context else str(row["Question"]),
            tuple(map(str, options)),
            _letter_index(str(row["Answer Key"]).strip().upper()),
        )
        _check_answer(question, str(source.data), number)
        questions.append(question)
    return tuple(questions)
