"""Reading comprehension: passages with questions and answers, per variety."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, did_you_mean
from arabench.evaluation.data.source import (
    ENGLISH,
    HUB_PREFIX,
    Source,
    check_folder,
    code_of,
    known_codes,
    note_fallback,
    packaged_file,
    read_json_lines,
    warn_fallback,
)


@dataclass(frozen=True)
class ReadingItem:
    """One question on one passage in one variety. Questions of a passage share `item`."""

    item: str
    code: str
    context: str
    question: str
    answers: tuple[str, ...]
    split: str = "test"


_PASSAGES: Final = "reading questions (reading.jsonl)"


def load_reading(source: Source) -> tuple[ReadingItem, ...]:
    """Reading-comprehension questions of a source, in order."""
    items, path = _load(source)
    if source.data is not None and path == _packaged():
        note_fallback(source.data, _PASSAGES)
    return items


def place_of(source: Source) -> Path:
    """The file that the questions of a source come from."""
    return _load(source)[1]


def _packaged() -> Path:
    return packaged_file("arabench_dialects", "reading.jsonl")


@functools.lru_cache(maxsize=8)
def _load(source: Source) -> tuple[tuple[ReadingItem, ...], Path]:
    """Questions, and the file that they come from."""
    path = _packaged()
    if source.data is not None:
        on_hub = source.data.startswith(HUB_PREFIX)
        local = None if on_hub else check_folder(source.data) / "reading.jsonl"
        if local is not None and local.exists():
            path = local
        else:
            warn_fallback(source.data, _PASSAGES)
    rows = enumerate(read_json_lines(path), 1)
    return tuple(_reading_item(row, f"{path}: row {number}") for number, row in rows), path


def _reading_item(row: dict[str, Any], where: str) -> ReadingItem:
    missing = [key for key in ("id", "code", "context", "question", "answers") if key not in row]
    if missing:
        raise DataError(
            f"{where} lacks {missing[0]!r}. "
            "A row has id, code, context, question and answers (a list)."
        )
    code, answers = code_of(str(row["code"])), row["answers"]
    if code in (None, ENGLISH):
        raise DataError(
            f"{where} has code {row['code']!r}. {did_you_mean(str(row['code']), known_codes())}"
        )
    if not isinstance(answers, list):
        raise DataError(f"{where} has answers {answers!r:.80}; give a list.")
    if not answers or not all(isinstance(answer, str) and answer.strip() for answer in answers):
        raise DataError(f"{where} has an empty answer or an empty list of answers.")
    return ReadingItem(
        str(row.get("passage", row["id"])),
        str(code),
        str(row["context"]),
        str(row["question"]),
        tuple(answers),
        str(row.get("split", "test")),
    )
