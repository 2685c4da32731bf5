"""Leaving out of an evaluation the items that `arabench contamination -o FILE` names."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import DataError, UsageError
from arabench.evaluation.harness.conditions import COLUMN
from arabench.files.digests import file_sha256

if TYPE_CHECKING:
    from datasets import Dataset

#: Keys of --metadata: the file, and the digest by which a run knows its content.
KEY: Final = "arabench_exclude"
DIGEST_KEY: Final = "arabench_exclude_sha256"
_SHOWN: Final = 12


def excluded_items(path: str | Path) -> Mapping[str, frozenset[str]]:
    """Task -> ids of its documents, from a file of one JSON object a line with `task` and `id`.

    Raises:
        UsageError: the file cannot be read.
        DataError: a line is broken; it is named.
    """
    try:
        return _read(str(path), file_sha256(Path(path).expanduser()))
    except OSError as error:
        raise UsageError(
            f"items to leave out: {str(path)!r} cannot be read: {error.strerror}. Name the file "
            "that `arabench contamination -o FILE` wrote."
        ) from error


@functools.lru_cache(maxsize=4)
def _read(path: str, digest: str) -> Mapping[str, frozenset[str]]:
    """The items, read once for every content: a name may come to mean another file."""
    del digest
    found: dict[str, set[str]] = {}
    number = 0
    try:
        with Path(path).expanduser().open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not (isinstance(row, dict) and isinstance(row.get("task"), str)):
                    raise DataError(f"{path}:{number} names no task: {line.strip()[:80]!r}.")
                if not isinstance(row.get("id"), str):
                    raise DataError(f"{path}:{number} names no id: {line.strip()[:80]!r}.")
                found.setdefault(row["task"], set()).add(row["id"])
    except (ValueError, RecursionError) as error:
        line_number = number + isinstance(error, UnicodeDecodeError)
        raise DataError(
            f"{path}:{line_number} is no JSON: {error}. Write it anew with `arabench contamination "
            "-o FILE`."
        ) from error
    return {task: frozenset(ids) for task, ids in found.items()}


def exclusion_metadata(path: str) -> dict[str, str]:
    """Keys of --metadata that leave out what a file names, its content among them.

    Raises:
        UsageError: the file cannot be read.
        DataError: a line is broken.
    """
    excluded_items(path)
    return {KEY: path, DIGEST_KEY: file_sha256(Path(path).expanduser())}


def leave_out(
    splits: dict[str, Dataset], split: str, task: str, metadata: Mapping[str, Any]
) -> dict[str, Dataset]:
    """The documents of a task without those that `metadata` excludes.

    Those that stay say in their conditions how many were left out, and by which file, so that what
    was measured with and without them is not compared.

    Args:
        splits: name -> documents.
        split: the one that is measured.
        task: name of the task.
        metadata: of the run.

    Raises:
        UsageError: the file cannot be read, or changed since the run was asked for; the task
            measures no documents with an `id`; nothing is left.
    """
    path = metadata.get(KEY)
    if path is None:
        return splits
    if not isinstance(path, str):
        raise UsageError(f"{KEY} is {path!r}; give the file that `arabench contamination` wrote.")
    ids = excluded_items(path).get(task, frozenset())
    digest = file_sha256(Path(path).expanduser())
    if metadata.get(DIGEST_KEY, digest) != digest:
        raise UsageError(f"{path} has changed since the run was asked for. Give the command again.")
    if not ids:
        return splits
    documents = splits[split]
    if "id" not in documents.column_names:
        raise UsageError(f"task {task!r} has documents without id: none can be left out.")
    known = [str(name) for name in documents["id"]]
    places = [place for place, name in enumerate(known) if name not in ids]
    if not places:
        raise UsageError(
            f"{path} leaves out all {len(known)} documents of task {task!r}. Leave the task out."
        )
    if missing := ids.difference(known):
        raise UsageError(
            f"{path} names {sorted(missing)[0]!r} of task {task!r}, which the data does not hold. "
            "Search for contamination with the data that is measured."
        )
    kept = documents.select(places)
    said = f"{len(known) - len(places)} of {len(known)} documents left out ({_named(ids)})"
    before = kept[COLUMN] if COLUMN in kept.column_names else [""] * len(kept)
    conditions = ["; ".join(filter(None, (own, said))) for own in before]
    kept = kept.remove_columns([COLUMN]) if COLUMN in kept.column_names else kept
    return {**splits, split: kept.add_column(COLUMN, conditions)}


def _named(ids: frozenset[str]) -> str:
    """A short digest of the ids, whatever else stands in the file."""
    return hashlib.sha256("\n".join(sorted(ids)).encode("utf-8")).hexdigest()[:_SHOWN]
