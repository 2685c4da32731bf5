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
import operator
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
        codes = [arabench_codes] if isinstance(arabench_codes, str) else arabench_codes
        return cls(
            arabench_data,
            arabench_config,
            str(arabench_split),
            _checked_columns(arabench_columns or {}),
            tuple(_checked_code(code) for code in codes or ()),
        )


def _checked_code(name: Any) -> str:
    code = code_of(str(name))
    if code in (None, ENGLISH):
        raise UsageError(f"arabench_codes names {name!r}. {did_you_mean(str(name), known_codes())}")
    return str(code)


def _checked_columns(columns: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(columns, dict):
        raise UsageError(
            f"arabench_columns is {columns!r}; give an object of column names and codes, "
            'such as {"sentence_arz": "arz"}.'
        )
    for name, code in columns.items():
        if code_of(str(code)) is None:
            raise UsageError(
                f"arabench_columns gives column {name!r} the code {code!r}. "
                f"{did_you_mean(str(code), [ENGLISH, *known_codes()])}"
            )
    return tuple(sorted((str(name), str(code)) for name, code in columns.items()))


def known_codes() -> list[str]:
    """Every code that names Arabic text."""
    return [*VARIETIES, *FINER_CODES]


def code_of(name: str) -> str | None:
    """`egy`, `arz` or `en` for a column or file stem such as `arz_Arab` or `eng_Latn`.

    Other suffixes name something else: `glf_city` is no text, `arb_Latn` no Arabic script.
    """
    bare, _, script = name.strip().lower().partition("_")
    if bare in {"en", "eng", "english"}:
        return ENGLISH if script in {"", "latn"} else None
    return bare if script in {"", "arab"} and variety_of(bare) else None


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
        texts: dict[str, str] = {}
        for key, value in row.items():
            code = code_of(key)
            if code is None or value is None:
                continue
            if not isinstance(value, str):
                raise DataError(f"{where}: row {number} has {value!r:.80} under {key!r}, not text.")
            if code in texts and value.strip():
                raise DataError(f"{where}: row {number} has two texts for {code!r}.")
            if value.strip():
                texts[code] = value.strip()
        if not texts:
            raise DataError(
                f"{where}: row {number} has no text under a known code. Its keys are "
                f"{', '.join(map(str, row))}; allowed: {ENGLISH}, {', '.join(known_codes())}."
            )
        items.append(ParallelItem(str(row.get("id", number)), texts, str(row.get("split", "test"))))
    return tuple(items)


def _aligned_files(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.txt")):
        code = code_of(path.stem)
        if code and code in found:
            raise DataError(f"{found[code]} and {path.name} both hold {code!r}: keep one of them.")
        if code:
            found[code] = path
    return found


def _aligned_items(found: dict[str, Path]) -> tuple[ParallelItem, ...]:
    lines: dict[str, list[str]] = {}
    for code, path in found.items():
        try:
            # Not splitlines(): a sentence may hold U+2028 or a form feed.
            lines[code] = path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not valid UTF-8 at byte {error.start}.") from error
    counts = {found[code].name: len(text) for code, text in lines.items()}
    if len(set(counts.values())) > 1:
        raise DataError(f"aligned files differ in their number of lines: {counts}.")
    number = next(iter(counts.values()))
    items = tuple(
        ParallelItem(
            f"{index + 1:05d}",
            {code: text[index].strip() for code, text in lines.items() if text[index].strip()},
        )
        for index in range(number)
    )
    if not any(item.texts for item in items):
        raise DataError(f"the files {', '.join(counts)} hold no text.")
    return items


def _hub_parallel(source: Source) -> tuple[ParallelItem, ...]:
    rows = load_hub(str(source.data), source.config, source.split)
    renamed = dict(source.columns)
    unknown = set(renamed) - set(rows.column_names)
    if unknown:
        name = sorted(unknown)[0]
        raise UsageError(
            f"arabench_columns names column {name!r}. {did_you_mean(name, rows.column_names)}"
        )
    # The split was chosen by arabench_split; a column of that name would choose again.
    left_out = {"split", *renamed}
    table = (
        {key: value for key, value in row.items() if key not in left_out}
        | {code: row[name] for name, code in renamed.items()}
        for row in rows
    )
    return _parallel_rows(table, str(source.data))


def codes_for(variety: str, items: Sequence[ParallelItem], source: Source) -> list[str]:
    """Codes of `variety` that the items hold, in pooling order."""
    held = {code for item in items for code in item.texts}
    codes = [code for code in known_codes() if code in held and variety_of(code) == variety]
    if source.codes:
        codes = [code for code in codes if code in source.codes]
    if not codes:
        wanted = [code for code in known_codes() if variety_of(code) == variety]
        chosen = f" arabench_codes allows {', '.join(source.codes)}." if source.codes else ""
        raise UsageError(
            f"the data has no text for {variety!r}. It holds {', '.join(sorted(held)) or 'none'}; "
            f"{variety} needs one of {', '.join(wanted)}.{chosen} "
            "Run only the tasks of varieties it has."
        )
    return codes


# --- reading comprehension -------------------------------------------------------------------


@functools.lru_cache(maxsize=8)
def load_reading(source: Source) -> tuple[ReadingItem, ...]:
    """Reading-comprehension questions of a source, in order."""
    path = packaged_file("arabench_dialects", "reading.jsonl")
    if source.data is not None:
        on_hub = source.data.startswith(HUB_PREFIX)
        local = None if on_hub else check_folder(source.data) / "reading.jsonl"
        if local is not None and local.exists():
            path = local
        else:
            _warn_fallback(source.data, "reading questions (reading.jsonl)")
    rows = enumerate(read_json_lines(path), 1)
    return tuple(_reading_item(row, f"{path}: row {number}") for number, row in rows)


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
    parts = ("parallel.jsonl", "reading.jsonl", "questions.jsonl", "test/*.csv")
    if not any(any(folder.glob(part)) for part in parts) and not _aligned_files(folder):
        raise UsageError(
            f"{folder} holds none of parallel.jsonl, CODE.txt, reading.jsonl, questions.jsonl, "
            "test/*.csv. See tasks/README.md for the layout."
        )
    return folder


def _warn_fallback(data: Path | str, what: str) -> None:
    log.warning("%s has no %s: the packaged ones are used for the tasks that need them", data, what)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON-lines file; the first broken line is named."""
    rows = []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if not text.strip():
                    continue
                row = json.loads(text)
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
