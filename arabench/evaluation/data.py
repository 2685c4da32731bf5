"""Evaluation data: packaged, from a local folder, or from a hub data set.

Local folder layout (any subset; see tasks/README.md):

    parallel.jsonl        {"id": ..., "en": ..., "msa": ..., "egy": ..., ...} a line
    CODE.txt              or aligned text files, one sentence a line, same order in all;
                          CODE is a variety (egy), an ISO 639-3 code (arz, apc, ...) or
                          either with a script suffix (arz_Arab); English is en or eng
    reading.jsonl         {"id", "code", "context", "question", "answers": [...]} a line
    questions.jsonl       {"id", "subject", "question", "choices": [...], "answer": 0} a line
    test/*.csv            or MMLU files without header: question, A, B, C, D, letter
"""

from __future__ import annotations

import csv
import functools
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError, did_you_mean
from arabench.resources import tasks_dir
from arabench.varieties import FINER_CODES, VARIETIES, variety_of

log = logging.getLogger(__name__)

ENGLISH: Final = "en"
HUB_PREFIX: Final = "hub:"
CHOICE_LETTERS: Final = "ABCDE"
PACKAGED: Final = "packaged"


@dataclass(frozen=True)
class ParallelItem:
    """One meaning in several codes. `texts` maps a code (`egy`, `arz`, `en`) to its sentence."""

    item: str
    texts: dict[str, str]
    split: str = "test"


@dataclass(frozen=True)
class ReadingItem:
    """One question on one passage in one variety. Questions of a passage share `item`."""

    item: str
    code: str
    context: str
    question: str
    answers: tuple[str, ...]
    split: str = "test"


@dataclass(frozen=True)
class Question:
    """A multiple-choice question; `answer` indexes `choices`."""

    item: str
    subject: str
    question: str
    choices: tuple[str, ...]
    answer: int
    split: str = "test"


@dataclass(frozen=True)
class Source:
    """Where evaluation data comes from.

    Attributes:
        data: a folder, `hub:OWNER/NAME`, or None for the packaged data.
        config, split: hub configuration and split.
        columns: hub column -> code, where column names are no known codes.
        codes: restrict to these codes (all known ones when empty).
    """

    data: str | None = None
    config: str | None = None
    split: str = "test"
    columns: tuple[tuple[str, str], ...] = ()
    codes: tuple[str, ...] = ()

    @classmethod
    def from_metadata(
        cls,
        arabench_data: str | None = None,
        arabench_config: str | None = None,
        arabench_split: str = "test",
        arabench_columns: dict[str, str] | None = None,
        arabench_codes: Sequence[str] | str = (),
    ) -> Source:
        """Build from lm-eval's `--metadata` keys."""
        if arabench_data is not None and not isinstance(arabench_data, str):
            raise UsageError(
                f"arabench_data is {arabench_data!r}; give a folder or 'hub:OWNER/NAME'."
            )
        codes = [arabench_codes] if isinstance(arabench_codes, str) else list(arabench_codes)
        for code in codes:
            if variety_of(code) is None:
                raise UsageError(
                    f"arabench_codes names {code!r}. {did_you_mean(code, known_codes())}"
                )
        return cls(
            arabench_data,
            arabench_config,
            arabench_split,
            tuple(sorted((arabench_columns or {}).items())),
            tuple(codes),
        )


def known_codes() -> list[str]:
    """Every code that names Arabic text."""
    return [*VARIETIES, *FINER_CODES]


def code_of(name: str) -> str | None:
    """`egy`, `arz` or `en` for a column or file stem such as `arz_Arab` or `eng_Latn`."""
    bare = name.strip().lower().split("_", 1)[0]
    if bare in {"en", "eng", "english"}:
        return ENGLISH
    return bare if variety_of(bare) else None


# --- parallel ------------------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def load_parallel(source: Source) -> tuple[ParallelItem, ...]:
    """Parallel items of a source, in order, train and test.

    Raises:
        UsageError: the folder or hub name is wrong.
        DataError: files are not aligned or rows are broken.
    """
    if source.data is None:
        rows = read_json_lines(packaged_file("arabench_dialects", "parallel.jsonl"))
        return _parallel_rows(rows, "the packaged data")
    if source.data.startswith(HUB_PREFIX):
        return _hub_parallel(source)
    folder = check_folder(source.data)
    if (folder / "parallel.jsonl").exists():
        path = folder / "parallel.jsonl"
        return _parallel_rows(read_json_lines(path), str(path))
    found = _aligned_files(folder)
    if found:
        return _aligned_items(found)
    _warn_fallback(folder, "parallel sentences")
    return load_parallel(Source(codes=source.codes))


def _parallel_rows(rows: Iterable[dict[str, Any]], where: str) -> tuple[ParallelItem, ...]:
    items = []
    for number, row in enumerate(rows, 1):
        texts = {
            code: value.strip()
            for key, value in row.items()
            if isinstance(value, str) and (code := code_of(key)) and value.strip()
        }
        if not texts:
            raise DataError(
                f"{where}: row {number} has no text under a known code. Its keys are "
                f"{', '.join(row)}; allowed: {ENGLISH}, {', '.join(known_codes())}."
            )
        items.append(
            ParallelItem(str(row.get("id", number)), texts, str(row.get("split", "test")))
        )
    return tuple(items)


def _aligned_files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.txt")):
        code = code_of(path.stem)
        if code and code not in found:
            found[code] = path
    return found


def _aligned_items(found: dict[str, Path]) -> tuple[ParallelItem, ...]:
    lines: dict[str, list[str]] = {}
    for code, path in found.items():
        try:
            # Not splitlines(): a sentence may hold U+2028 or a form feed.
            lines[code] = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not valid UTF-8 at byte {error.start}.") from error
    counts = {found[code].name: len(text) for code, text in lines.items()}
    if len(set(counts.values())) > 1:
        raise DataError(f"aligned files differ in their number of lines: {counts}.")
    number = next(iter(counts.values()))
    return tuple(
        ParallelItem(
            f"{index + 1:05d}",
            {code: text[index].strip() for code, text in lines.items() if text[index].strip()},
        )
        for index in range(number)
    )


def _hub_parallel(source: Source) -> tuple[ParallelItem, ...]:
    rows = load_hub(str(source.data), source.config, source.split)
    renamed = dict(source.columns)
    unknown = set(renamed) - set(rows.column_names)
    if unknown:
        name = sorted(unknown)[0]
        raise UsageError(
            f"arabench_columns names column {name!r}. {did_you_mean(name, rows.column_names)}"
        )
    table = ({renamed.get(key, key): value for key, value in row.items()} for row in rows)
    return _parallel_rows(table, str(source.data))


def codes_for(variety: str, items: Sequence[ParallelItem], source: Source) -> list[str]:
    """Codes of `variety` that the items hold, in pooling order."""
    held = {code for item in items for code in item.texts}
    codes = [code for code in known_codes() if code in held and variety_of(code) == variety]
    if source.codes:
        codes = [code for code in codes if code in source.codes]
    if not codes:
        wanted = [code for code in known_codes() if variety_of(code) == variety]
        raise UsageError(
            f"the data has no text for {variety!r}. It holds {', '.join(sorted(held))}; "
            f"{variety} needs one of {', '.join(wanted)}. Run only the tasks of varieties it has."
        )
    return codes


# --- reading comprehension -------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def load_reading(source: Source) -> tuple[ReadingItem, ...]:
    """Reading-comprehension questions of a source, in order."""
    path = packaged_file("arabench_dialects", "reading.jsonl")
    if source.data is not None and not source.data.startswith(HUB_PREFIX):
        local = check_folder(source.data) / "reading.jsonl"
        if local.exists():
            path = local
        else:
            _warn_fallback(Path(source.data), "reading questions (reading.jsonl)")
    items = []
    for number, row in enumerate(read_json_lines(path), 1):
        try:
            items.append(
                ReadingItem(
                    str(row.get("passage", row["id"])),
                    str(row["code"]),
                    str(row["context"]),
                    str(row["question"]),
                    tuple(map(str, row["answers"])),
                    str(row.get("split", "test")),
                )
            )
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{path}: row {number} lacks {error}. "
                "A row has id, code, context, question and answers (a list)."
            ) from error
        if not items[-1].answers:
            raise DataError(f"{path}: row {number} has an empty list of answers.")
    return tuple(items)


# --- multiple choice -------------------------------------------------------------------------


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
    files = [(split, path) for split in ("dev", "test") for path in sorted(folder.glob(f"{split}/*.csv"))]
    if not files:
        raise UsageError(
            f"{folder} has neither questions.jsonl nor test/*.csv. See tasks/README.md for the layout."
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
                tuple(map(str, row["choices"])),
                int(row["answer"]),
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


def _check_answer(question: Question, where: str, number: int) -> None:
    if not 0 <= question.answer < len(question.choices) <= len(CHOICE_LETTERS):
        raise DataError(
            f"{where}: row {number} has {len(question.choices)} choices and answer "
            f"{question.answer}; allowed are 2 to {len(CHOICE_LETTERS)} choices and an index into them."
        )


def _csv_questions(path: Path, split: str) -> list[Question]:
    subject = path.stem.removesuffix(f"_{split}")
    questions = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for number, row in enumerate(csv.reader(stream), 1):
            letter = row[-1].strip().upper() if row else ""
            if len(row) < 4 or len(letter) != 1 or letter not in CHOICE_LETTERS:
                raise DataError(
                    f"{path}: row {number} is not question, choices, letter: {row!r:.200}"
                )
            question = Question(
                f"{subject}-{number}",
                subject,
                row[0].strip(),
                tuple(choice.strip() for choice in row[1:-1]),
                CHOICE_LETTERS.index(letter),
                split,
            )
            _check_answer(question, str(path), number)
            questions.append(question)
    return questions


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
        context = row.get("Context")
        question = Question(
            str(row.get("ID", number)),
            str(row.get("Subject") or "all"),
            f"{context}\n{row['Question']}" if context else str(row["Question"]),
            tuple(str(option) for option in options if option),
            CHOICE_LETTERS.find(str(row["Answer Key"]).strip().upper()),
            source.split,
        )
        _check_answer(question, str(source.data), number)
        questions.append(question)
    return tuple(questions)


# --- files -------------------------------------------------------------------------------------


def packaged_file(suite: str, name: str) -> Path:
    """A data file that travels with the package."""
    return tasks_dir() / suite / "data" / name


def check_folder(data: str) -> Path:
    """The folder, or a message that says what is allowed."""
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise UsageError(
            f"arabench_data is {data!r}, which is no folder. "
            f"Give a folder (layout: tasks/README.md) or '{HUB_PREFIX}OWNER/NAME'."
        )
    parts = ("parallel.jsonl", "reading.jsonl", "questions.jsonl", "test")
    if not any((folder / part).exists() for part in parts) and not _aligned_files(folder):
        raise UsageError(
            f"{folder} holds none of parallel.jsonl, CODE.txt, reading.jsonl, questions.jsonl, "
            "test/*.csv. See tasks/README.md for the layout."
        )
    return folder


def _warn_fallback(folder: Path, what: str) -> None:
    log.warning("%s has no %s: the packaged ones are used for the tasks that need them", folder, what)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON-lines file; the first broken line is named."""
    rows = []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"))
            except ValueError as error:
                raise DataError(f"{path}:{number}: {error}") from error
            if not isinstance(row, dict):
                raise DataError(f"{path}:{number}: not a JSON object.")
            rows.append(row)
    if not rows:
        raise DataError(f"{path} is empty.")
    return rows


def load_hub(data: str, config: str | None, split: str) -> Any:
    """A `datasets.Dataset` by hub name or local path; data sets with scripts are refused."""
    import datasets

    name = data.removeprefix(HUB_PREFIX)
    try:
        loaded = datasets.load_dataset(name, config, split=split)
    except Exception as error:
        raise UsageError(
            f"data set {name!r} (configuration {config!r}, split {split!r}) could not be loaded: "
            f"{type(error).__name__}: {str(error)[:300]}"
        ) from error
    if not len(loaded):
        raise DataError(f"data set {name!r}, split {split!r}, is empty.")
    return loaded
