"""Sources of every kind as one kind of rows."""

from __future__ import annotations

import hashlib
import itertools
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from arabench.corpus.formats.names import format_of
from arabench.corpus.formats.readers import read_batches
from arabench.corpus.formats.rows import field_names
from arabench.errors import DataError, UsageError, did_you_mean
from arabench.models.checkpoints import is_local
from arabench.models.hub import cache_only, why_unreachable
from arabench.trainers.data.sources import Place, reworded
from arabench.trainers.recipe.sections import DataSection

if TYPE_CHECKING:
    from datasets import Dataset

#: A row as it was read -> the training row, or None.
RowOf = Callable[[Mapping[str, Any]], dict[str, str] | None]


@dataclass(frozen=True)
class Rows:
    """Training rows.

    Attributes:
        dataset: with the columns that the method makes.
        sha256: of its content.
        skipped: rows that held no text (empty, blank or null).
    """

    dataset: Dataset
    sha256: str
    skipped: int


def load_rows(section: DataSection, places: Sequence[Place], row_of: RowOf) -> Rows:
    """Read the training rows; those without text are left out and counted.

    Args:
        section: the recipe's `data`.
        places: from `find_places`.
        row_of: the training row of a row that was read, by the method; None where it has no text.

    Raises:
        UsageError: a data set cannot be loaded, or a field does not exist.
        DataError: rows are broken or nothing is left.
    """
    import datasets

    rows: list[dict[str, str]] = []
    read = 0
    numbered = itertools.chain.from_iterable(
        ((place, number, row) for number, row in enumerate(_read(place, section), start=1))
        for place in places
    )
    for place, number, source in itertools.islice(numbered, section.max_samples):
        read += 1
        for field in section.fields:
            value = source.get(field)
            if value is not None and not isinstance(value, str):
                raise DataError(
                    f"row {number} of data {place.path!r}: field {field!r} is "
                    f"{type(value).__name__}, not text. {_set_aside(place.path, field, place.kind)}"
                )
        if row := row_of(source):
            rows.append(row)
    if not rows:
        raise DataError(
            f"data {section.source!r} holds no row with text in "
            f"{' and '.join(map(repr, section.fields))}: "
            f"all {read} are empty. Check the source and data.split."
        )
    digest = hashlib.sha256()
    for row in rows:
        digest.update(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return Rows(datasets.Dataset.from_list(rows), digest.hexdigest(), read - len(rows))


def _read(place: Place, section: DataSection) -> Iterator[dict[str, Any]]:
    if place.kind == "file":
        yield from _read_file(place.path, section)
        return
    if place.kind == "hub":
        table = _read_hub(place.path, section)
    else:
        table = _read_saved(place.path, section.split)
    _check_fields(place.path, section.fields, table.column_names)
    yield from table.select_columns(list(section.fields))


def _check_fields(path: str, fields: Sequence[str], present: Sequence[str]) -> None:
    for field in fields:
        if field not in present:
            raise UsageError(
                f"data {path!r} has no field {field!r}. {did_you_mean(field, present)}"
            )


def _read_hub(name: str, section: DataSection) -> Dataset:
    import datasets

    why = ""
    if is_local(name):
        name = str(Path(name).expanduser())
    else:
        why = why_unreachable(name, kind="dataset")
    try:
        with cache_only(bool(why)):
            return datasets.load_dataset(name, section.config, split=section.split)
    except Exception as error:
        tried = f"{why}, and no copy in the cache could be used: " if why else ""
        raise UsageError(
            f"data set {name!r} (configuration {section.config!r}, split {section.split!r}) could "
            f"not be loaded: {tried}{type(error).__name__}: {str(error)[:300]}"
        ) from error


def _read_saved(path: str, split: str) -> Dataset:
    import datasets

    try:
        loaded = datasets.load_from_disk(path)
    except (FileNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"{path} is no folder written by datasets' save_to_disk: {error}"
        ) from error
    if isinstance(loaded, datasets.DatasetDict):
        if split not in loaded:
            raise UsageError(f"{path} has no split {split!r}. {did_you_mean(split, loaded)}")
        return loaded[split]
    return loaded


def _read_file(path: str, section: DataSection) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    present: set[str] = set()
    try:
        for batch in read_batches(path, format_of(path), section.fields[-1]):
            if batch.rejects:
                first, field = batch.rejects[0], section.fields[-1]
                raise DataError(
                    f"{first.file}:{first.line}: {first.reason}. {_fields_in(first.raw)}"
                    f"{_set_aside(path, field)}"
                )
            present.update(*batch.rows)
            rows += [{field: row.get(field) for field in section.fields} for row in batch.rows]
    except UsageError as error:
        raise reworded(error) from error
    if rows:
        _check_fields(path, section.fields, sorted(present))
    return rows


def _fields_in(line: bytes) -> str:
    """What fields a row of JSON has, in words with a space behind; empty if it is none."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(row, dict):
        return ""
    named = ", ".join(field_names(row))
    return f"This row has {f'the fields {named[:200]}' if named else 'no fields'}. "


def _set_aside(path: str, field: str, kind: str = "file") -> str:
    """What to do about single rows that are no text."""
    if kind == "hub":
        return "Choose another field in the recipe's data."
    return (
        f"Run `arabench normalize {shlex.quote(path)} --field {shlex.quote(field)} -o OUTPUT`, "
        "which sets such rows aside, or choose another field in the recipe's data."
    )
