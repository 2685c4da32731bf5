"""Parallel items: one meaning in English and several varieties."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError, did_you_mean
from arabench.evaluation.data.source import (
    ENGLISH,
    HUB_PREFIX,
    Source,
    aligned_files,
    check_folder,
    check_held,
    code_of,
    known_codes,
    load_hub,
    note_fallback,
    packaged_file,
    read_json_lines,
    warn_fallback,
    warn_unread,
)
from arabench.varieties import variety_of


@dataclass(frozen=True)
class ParallelItem:
    """One meaning in several codes. `texts` maps a code (`egy`, `arz`, `en`) to its sentence."""

    item: str
    texts: dict[str, str]
    split: str = "test"


#: Where packaged sentences come from, in messages.
_PACKAGED: Final = "the packaged data"
_SENTENCES: Final = "parallel sentences"


def load_parallel(source: Source) -> tuple[ParallelItem, ...]:
    """Parallel items of a source, in order, train and test.

    Raises:
        UsageError: the folder or hub name is wrong.
        DataError: files are not aligned or rows are broken.
    """
    items, where = _load(source)
    if source.data is not None and where == _PACKAGED:
        note_fallback(source.data, _SENTENCES)
    return items


def place_of(source: Source) -> str:
    """Where the parallel items of a source come from: file, files or data set."""
    return _load(source)[1]


@functools.lru_cache(maxsize=8)
def _load(source: Source) -> tuple[tuple[ParallelItem, ...], str]:
    """Items, and where they come from."""
    if source.data is None:
        rows = read_json_lines(packaged_file("arabench_dialects", "parallel.jsonl"))
        return _parallel_rows(rows, _PACKAGED), _PACKAGED
    if source.data.startswith(HUB_PREFIX):
        return _hub_parallel(source), source.data
    folder = check_folder(source.data)
    if (folder / "parallel.jsonl").exists():
        path = folder / "parallel.jsonl"
        return _parallel_rows(read_json_lines(path), str(path)), str(path)
    found = aligned_files(folder)
    if found:
        warn_unread((path.stem for path in sorted(folder.glob("*.txt"))), folder)
        return _aligned_items(found), str(folder / "*.txt")
    warn_fallback(folder, _SENTENCES)
    return _load(Source(codes=source.codes))


def _parallel_rows(rows: Iterable[dict[str, Any]], where: str) -> tuple[ParallelItem, ...]:
    codes: dict[str, str | None] = {}
    items = []
    for number, row in enumerate(rows, 1):
        texts: dict[str, str] = {}
        for key, value in row.items():
            if key not in codes:
                codes[key] = code_of(key)
            code = codes[key]
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
    warn_unread(codes, where)
    return tuple(items)


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
    chosen = f" arabench_codes allows {', '.join(source.codes)}." if source.codes else ""
    if not codes:
        check_held(variety, codes, held, place_of(source), chosen)
    return codes
