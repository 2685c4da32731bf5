"""Training data: files, `datasets` folders and hub data sets as one kind of rows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from arabench.corpus.files import check_input, format_of
from arabench.corpus.readers import read_batches
from arabench.errors import DataError, UsageError, did_you_mean
from arabench.trainers.recipe import DataSection

HUB_PREFIX = "hub:"


def load_rows(section: DataSection, end_of_text: str) -> tuple[Any, str]:
    """The training rows and their hash.

    Args:
        section: the recipe's `data`.
        end_of_text: appended to every text, so that the model learns where it ends.

    Returns:
        A `datasets.Dataset` with `text`, or with `prompt` and `completion`; and the
        SHA-256 of its content.

    Raises:
        UsageError: the source or a field does not exist.
        DataError: rows are broken or nothing is left.
    """
    import datasets

    raw = _read(section)
    if section.max_samples is not None:
        raw = raw.select(range(min(section.max_samples, len(raw))))
    fields = (
        [section.prompt_field, section.response_field]
        if section.prompt_field
        else [section.text_field]
    )
    for field in fields:
        if field not in raw.column_names:
            raise UsageError(
                f"data {section.source!r} has no field {field!r}. "
                f"{did_you_mean(str(field), raw.column_names)}"
            )
    rows = [row for source in raw if (row := _row(source, section, end_of_text))]
    if not rows:
        raise DataError(f"data {section.source!r} holds no row with text.")
    digest = hashlib.sha256()
    for row in rows:
        digest.update(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return datasets.Dataset.from_list(rows), digest.hexdigest()


def _row(source: dict[str, Any], section: DataSection, end_of_text: str) -> dict[str, str] | None:
    if section.prompt_field and section.response_field:
        prompt, response = source[section.prompt_field], source[section.response_field]
        if not (isinstance(prompt, str) and isinstance(response, str) and response.strip()):
            return None
        return {
            # Not str.format: data may hold braces.
            "prompt": section.prompt_template.replace("{prompt}", prompt),
            "completion": response + end_of_text,
        }
    text = source[str(section.text_field)]
    if not isinstance(text, str) or not text.strip():
        return None
    return {"text": text + end_of_text}


def _read(section: DataSection) -> Any:
    if section.source.startswith(HUB_PREFIX):
        return _read_hub(section)
    path = Path(section.source).expanduser()
    if path.is_dir():
        return _read_folder(path, section.split)
    return _read_file(section)


def _read_hub(section: DataSection) -> Any:
    import datasets

    name = section.source.removeprefix(HUB_PREFIX)
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
            f"{path} is no folder written by datasets' save_to_disk: {error}"
        ) from error
    if isinstance(loaded, datasets.DatasetDict):
        if split not in loaded:
            raise UsageError(f"{path} has no split {split!r}. {did_you_mean(split, loaded)}")
        return loaded[split]
    return loaded


def _read_file(section: DataSection) -> Any:
    import datasets

    check_input(section.source)
    file_format = format_of(section.source)
    field = section.response_field or section.text_field or "text"
    rows: list[dict[str, Any]] = []
    for batch in read_batches(section.source, file_format, field):
        if batch.rejects:
            first = batch.rejects[0]
            raise DataError(
                f"{first.file}:{first.line}: {first.reason}. "
                "Run `arabench normalize` on the file: it sets such rows aside."
            )
        wanted = {section.prompt_field, section.response_field, section.text_field} - {None}
        rows += [{key: row.get(key) for key in wanted if key in row} for row in batch.rows]
    return datasets.Dataset.from_list(rows)
