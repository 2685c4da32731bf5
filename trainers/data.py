"""Training data: files, `datasets` folders and hub data sets as one kind of rows."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from arabench.corpus.files import STDIO, Format, check_input, format_of
from arabench.corpus.readers import Batch, read_batches
from arabench.errors import DataError, UsageError, did_you_mean
from arabench.evaluation.source import HUB_PREFIX
from arabench.trainers.recipe import DataSection


@dataclass(frozen=True)
class Rows:
    """Training rows.

    Attributes:
        dataset: a `datasets.Dataset` with `text`, or with `prompt` and `completion`.
        sha256: of its content.
        skipped: rows that held no text (empty, blank or null).
    """

    dataset: Any
    sha256: str
    skipped: int


def load_rows(section: DataSection, end_of_text: str) -> Rows:
    """Read the training rows; those without text are left out and counted.

    Args:
        section: the recipe's `data`.
        end_of_text: appended to every text, so that the model learns where it ends.

    Raises:
        UsageError: the source or a field does not exist.
        DataError: rows are broken or nothing is left.
    """
    import datasets

    fields = _fields(section)
    rows: list[dict[str, str]] = []
    read = 0
    for source in itertools.islice(_read(section, fields), section.max_samples):
        read += 1
        _refuse_other_types(source, fields, f"row {read} of data {section.source!r}")
        if row := _row(source, section, end_of_text):
            rows.append(row)
    if not rows:
        raise DataError(
            f"data {section.source!r} holds no row with text in {' and '.join(map(repr, fields))}: "
            f"all {read} are empty. Check the source and data.split."
        )
    digest = hashlib.sha256()
    for row in rows:
        digest.update(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return Rows(datasets.Dataset.from_list(rows), digest.hexdigest(), read - len(rows))


def _fields(section: DataSection) -> list[str]:
    """Names of the fields that are read; the one every row must have comes last."""
    if section.prompt_field and section.response_field:
        return [section.prompt_field, section.response_field]
    return [str(section.text_field)]


def _check_fields(section: DataSection, fields: Sequence[str], present: Sequence[str]) -> None:
    for field in fields:
        if field not in present:
            raise UsageError(
                f"data {section.source!r} has no field {field!r}. {did_you_mean(field, present)}"
            )


def _refuse_other_types(source: dict[str, Any], fields: Sequence[str], where: str) -> None:
    for field in fields:
        value = source.get(field)
        if value is not None and not isinstance(value, str):
            raise DataError(f"{where}: field {field!r} is {type(value).__name__}, not text.")


def _row(source: dict[str, Any], section: DataSection, end_of_text: str) -> dict[str, str] | None:
    if section.prompt_field and section.response_field:
        prompt, response = source.get(section.prompt_field), source.get(section.response_field)
        if prompt is None or response is None or not response.strip():
            return None
        return {
            # Not str.format: data may hold braces.
            "prompt": section.prompt_template.replace("{prompt}", prompt),
            "completion": response + end_of_text,
        }
    text = source.get(str(section.text_field)) or ""
    return {"text": text + end_of_text} if text.strip() else None


def _read(section: DataSection, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    path = Path(section.source).expanduser()
    if section.source.startswith(HUB_PREFIX):
        table = _read_hub(section)
    elif path.is_dir():
        table = _read_folder(path, section.split)
    else:
        return iter(_read_file(str(path), section, fields))
    _check_fields(section, fields, table.column_names)
    return iter(table.select_columns(list(fields)))


def files_sha256(section: DataSection) -> str | None:
    """SHA-256 of the local files that the data is read from; None for a hub data set.

    Raises:
        UsageError: there is no such file.
    """
    if section.source.startswith(HUB_PREFIX):
        return None
    path = Path(section.source).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
    else:
        _check_file(str(path))
        files = [path]
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(path)).encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 22):
                digest.update(chunk)
    return digest.hexdigest()


def _check_file(path: str) -> None:
    if path == STDIO:
        raise UsageError(
            "data.source '-' is standard input, which a resumed run cannot read again. Name a file."
        )
    check_input(path)
    format_of(path)


def _read_hub(section: DataSection) -> Any:
    import datasets

    name = section.source.removeprefix(HUB_PREFIX)
    if Path(name).expanduser().is_dir():
        name = str(Path(name).expanduser())
    try:
        return datasets.load_dataset(name, section.config, split=section.split)
    except Exception as error:
        raise UsageError(
            f"data set {name!r} (configuration {section.config!r}, split {section.split!r}) could "
            f"not be loaded: {type(error).__name__}: {str(error)[:300]}"
        ) from error


def _read_folder(path: Path, split: str) -> Any:
    import datasets

    try:
        loaded = datasets.load_from_disk(str(path))
    except (FileNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"{path} is no folder written by datasets' save_to_disk: {error} "
            f"For a folder of data files use {HUB_PREFIX}{path}."
        ) from error
    if isinstance(loaded, datasets.DatasetDict):
        if split not in loaded:
            raise UsageError(f"{path} has no split {split!r}. {did_you_mean(split, loaded)}")
        return loaded[split]
    return loaded


def _read_file(path: str, section: DataSection, fields: Sequence[str]) -> list[dict[str, Any]]:
    _check_file(path)
    file_format = format_of(path)
    if file_format == "txt" and section.prompt_field:
        raise UsageError(
            f"data {path!r} is plain text and has no fields. Set data.prompt_field and "
            "data.response_field to null and data.text_field to text, or use .jsonl or .parquet."
        )
    rows: list[dict[str, Any]] = []
    present: set[str] = set()
    for batch in _batches(path, file_format, fields[-1]):
        if batch.rejects:
            first = batch.rejects[0]
            raise DataError(
                f"{first.file}:{first.line}: {first.reason}. "
                "Run `arabench normalize` on the file: it sets such rows aside."
            )
        present.update(*batch.rows)
        rows += [{field: row.get(field) for field in fields} for row in batch.rows]
    if rows:
        _check_fields(section, fields, sorted(present))
    return rows


def _batches(path: str, file_format: Format, field: str) -> Iterator[Batch]:
    try:
        yield from read_batches(path, file_format, field)
    except UsageError as error:
        # The reader speaks to users of `arabench normalize`.
        raise UsageError(str(error).replace("with --field", "in the recipe's data")) from error
