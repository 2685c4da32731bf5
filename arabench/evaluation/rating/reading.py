"""Reading rated sheets back: they went through browsers, spreadsheets and mail."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.evaluation.rating.sheets import (
    ANSWERS_FORMAT,
    CHOICES,
    COLUMNS,
    FORMAT,
    KEY_NAME,
    original,
    sheet_name,
    text_digest,
)
from arabench.files.records import read_json_object

#: What a spreadsheet or a person may make of a choice.
_SPELLINGS: Final = {
    **{choice: choice for choice in CHOICES},
    "1.0": "1", "2.0": "2", "١": "1", "٢": "2", "=": "tie", "0": "tie", "0.0": "tie", "٠": "tie",
}  # fmt: skip
_NEEDED: Final = ("sheet", "item", "choice")
_TEXTS: Final = ("asked", "answer_1", "answer_2")
_DELIMITERS: Final = ",;\t"


@dataclass(frozen=True)
class Rated:
    """One rater's choices.

    Attributes:
        rater: name; of a sheet without one that of the file.
        choices: item -> 1, 2 or tie; items without a choice are absent.
    """

    rater: str
    choices: dict[str, str]


def read_key(folder: str | Path) -> dict[str, Any]:
    """The key of a folder that `arabench rate export` wrote.

    Raises:
        UsageError: there is none.
        DataError: it is damaged.
    """
    path = Path(folder) / KEY_NAME
    if not path.is_file():
        raise UsageError(
            f"{folder} has no {KEY_NAME}. Give the folder that `arabench rate export` wrote."
        )
    key = read_json_object(path)
    items, runs = key.get("items"), key.get("runs")
    if key.get("format") != FORMAT or not isinstance(items, dict) or not isinstance(runs, list):
        raise DataError(f"{path} is no key of sheets ({FORMAT}). Export again.")
    return key


def read_sheets(key: Mapping[str, Any], paths: list[str]) -> list[Rated]:
    """What raters chose, from files that the page saved (JSON, CSV) or a filled sheet.csv.

    Raises:
        UsageError: a file is missing, or one rater gave two.
        DataError: a sheet is foreign, edited or damaged; the row is named.
    """
    found: dict[str, tuple[str, Rated]] = {}
    for path in paths:
        rated = _read_sheet(key, Path(path))
        if rated.rater in found:
            raise UsageError(
                f"{found[rated.rater][0]} and {path} are both by {rated.rater!r}. Give one sheet a "
                "rater, or name the raters apart."
            )
        found[rated.rater] = path, rated
    return [rated for _, rated in found.values()]


def _read_sheet(key: Mapping[str, Any], path: Path) -> Rated:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"sheet {str(path)!r} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 at byte {error.start}. Save it as 'CSV UTF-8'."
        ) from error
    if text.lstrip().startswith("{"):
        rows, rater = _json_rows(key, text, path)
    else:
        rows, rater = _csv_rows(key, text, path)
    choices: dict[str, str] = {}
    seen: dict[str, str] = {}
    for where, item, choice in rows:
        if item not in key["items"]:
            raise DataError(f"{where}: item {item[:40]!r} is not on this sheet. Take the row out.")
        if item in seen:
            raise DataError(f"{where}: item {item!r} was rated in {seen[item]} too. Keep one row.")
        seen[item] = where
        if not choice:
            continue
        if choice.casefold() not in _SPELLINGS:
            raise DataError(
                f"{where}: the choice for {item} is {choice[:40]!r}. Allowed: "
                f"{', '.join(CHOICES)}, or nothing."
            )
        choices[item] = _SPELLINGS[choice.casefold()]
    if not choices:
        raise DataError(f"{path} holds no choice. Fill in the sheet.")
    return Rated(rater, choices)


_Rows = Iterator[tuple[str, str, str]]


def _json_rows(key: Mapping[str, Any], text: str, path: Path) -> tuple[_Rows, str]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged: {error}. Save the page again.") from error
    choices = content.get("choices")
    if content.get("format") != ANSWERS_FORMAT or not isinstance(choices, dict):
        raise DataError(f"{path} is not what a sheet saves ({ANSWERS_FORMAT}). Save it again.")
    _check_sheet(key, content.get("sheet"), str(path))
    rows = ((f"{path}, {item[:40]}", item, str(value).strip()) for item, value in choices.items())
    return rows, _rater(content.get("rater"), path)


def _csv_rows(key: Mapping[str, Any], text: str, path: Path) -> tuple[_Rows, str]:
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV: {error}. Save it again.") from error
    names = [name.strip().casefold() for name in table[0]] if table else []
    missing = [name for name in _NEEDED if name not in names]
    if missing or len(set(names)) < len(names):
        raise DataError(
            f"{path} has the columns {', '.join(names)[:200] or 'none'}; a sheet has "
            f"{', '.join(COLUMNS)}. Fill in sheet.csv and leave its first row as it is."
        )
    raters: set[str] = set()
    rows: list[tuple[str, str, str]] = []
    for number, cells in enumerate(table[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}, row {number}"
        if len(cells) != len(names):
            raise DataError(f"{where} has {len(cells)} cells and not {len(names)}. Mend the row.")
        row = {name: original(cell) for name, cell in zip(names, cells, strict=True)}
        item = row["item"].strip()
        _check_sheet(key, row["sheet"].strip(), where)
        if item in key["items"] and set(_TEXTS) <= row.keys():
            _check_texts(key["items"][item], [row[name] for name in _TEXTS], f"{where}, {item}")
        raters.add(row.get("rater", "").strip())
        rows.append((where, item, row["choice"].strip()))
    raters.discard("")
    if len(raters) > 1:
        raise DataError(f"{path} is by several raters: {', '.join(sorted(raters))[:200]}. Part it.")
    return iter(rows), _rater(next(iter(raters), None), path)


def _check_texts(told: Mapping[str, Any], texts: list[str], where: str) -> None:
    if text_digest(*texts) != told["sha256"]:
        raise DataError(
            f"{where}: the question or an answer is not what was exported. Only rater, choice and "
            "comment may be filled in."
        )


def _check_sheet(key: Mapping[str, Any], name: object, where: str) -> None:
    if name != sheet_name(key):
        raise DataError(
            f"{where}: it belongs to the sheet {str(name)[:40]!r}, and the key to "
            f"{sheet_name(key)!r}. Give the folder it was exported to; if that is the one, the key "
            "was changed."
        )


def _rater(name: object, path: Path) -> str:
    return name.strip()[:80] if isinstance(name, str) and name.strip() else path.stem
