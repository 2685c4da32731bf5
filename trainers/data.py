"""Training data: files, folders, patterns and hub data sets as one kind of rows."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import orjson

from arabench.corpus.formats.names import format_of, is_dataset_dict, is_dataset_folder
from arabench.corpus.formats.readers import read_batches
from arabench.corpus.runs.digests import files_below
from arabench.corpus.runs.inputs import SIDE_SUFFIXES, check_input, expand_inputs
from arabench.errors import DataError, UsageError, did_you_mean
from arabench.evaluation.data.source import HUB_PREFIX
from arabench.files.atomic import STDIO
from arabench.models.checkpoints import is_local
from arabench.models.hub import cache_only, why_unreachable
from arabench.trainers.recipe import DataSection

#: What readers say to users of other commands, and what it is called in a recipe.
_WORDS: Final = {
    "with --field": "in the recipe's data",
    ", or the format of all with --input-format": "",
}


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


class Place(NamedTuple):
    """Something rows are read from: a file, a folder that `datasets` saved, or a hub data set.

    `name` tells it apart within its source, wherever that lies.
    """

    kind: Literal["file", "saved", "hub"]
    path: str
    name: str


def find_places(section: DataSection) -> tuple[list[Place], list[str]]:
    """What `data.source` names, checked as far as can be told without reading it.

    Returns:
        places in order, and what was left out of folders, in words.

    Raises:
        UsageError: nothing of that name, an unknown format, or fields of plain text.
        DataError: an empty file.
    """
    places: list[Place] = []
    notes: list[str] = []
    for source in section.sources:
        if source.startswith(HUB_PREFIX):
            name = source.removeprefix(HUB_PREFIX)
            if not name:
                raise UsageError(f"data.source {source!r} names no data set. Write hub:OWNER/NAME.")
            if not _has_side_files(Path(name).expanduser() if name[:2] == "~/" else Path(name)):
                places.append(Place("hub", name, name))
                continue
            source = name
        found, left_out = _below(source)
        places += found
        notes += left_out
    for place in places:
        if place.kind == "file" and format_of(place.path) == "txt" and section.prompt_field:
            raise UsageError(
                f"data {place.path!r} is plain text and has no fields. Set data.prompt_field and "
                "data.response_field to null and data.text_field to text, or use .jsonl or "
                ".parquet."
            )
    return places, notes


def _has_side_files(folder: Path) -> bool:
    """Whether a command left rejected or dropped rows in it, which `datasets` takes for data."""
    return folder.is_dir() and any(
        file.name.endswith(SIDE_SUFFIXES) for file in folder.rglob("*.json*")
    )


def _below(source: str) -> tuple[list[Place], list[str]]:
    """Files and saved data sets of a path or pattern."""
    if source == STDIO:
        raise UsageError(
            "data.source '-' is standard input, which a resumed run cannot read again. Name a file."
        )
    try:
        path = str(Path(source).expanduser())
        if is_dataset_folder(path) or is_dataset_dict(path):
            return [Place("saved", path, ".")], []
        found = expand_inputs([path])
    except RuntimeError as error:  # ~ of a user who is not known here
        raise UsageError(f"data {source!r}: {error} Check the path.") from error
    except UsageError as error:
        raise _reworded(error) from error
    places = []
    for file in found.files:
        named = file.path == path
        if not named and not file.bytes_on_disk():
            continue  # what a command writes when all rows of a file were dropped
        check_input(file.path)
        kind: Literal["file", "saved"] = "saved" if is_dataset_folder(file.path) else "file"
        format_of(file.path)
        places.append(Place(kind, file.path, "." if named else file.relative))
    if not places:
        raise DataError(f"data {source!r} holds only empty files.")
    return places, found.notes


def load_rows(section: DataSection, places: Sequence[Place], end_of_text: str) -> Rows:
    """Read the training rows; those without text are left out and counted.

    Args:
        section: the recipe's `data`.
        places: from `find_places`.
        end_of_text: appended to every text, so that the model learns where it ends.

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
                    f"{type(value).__name__}, not text."
                )
        if row := _row(source, section, end_of_text):
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


def files_sha256(places: Sequence[Place]) -> str | None:
    """SHA-256 of the local files that the data is read from; None where all is on a hub."""
    local = [place for place in places if place.kind != "hub"]
    digest = hashlib.sha256()
    for place in local:
        for file in files_below(place.path):
            inside = "" if place.kind == "file" else f"/{file.relative_to(place.path)}"
            digest.update(f"{place.name}{inside}".encode(errors="surrogateescape"))
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 22):
                    digest.update(chunk)
    return digest.hexdigest() if local else None


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


def _read_hub(name: str, section: DataSection) -> Any:
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


def _read_saved(path: str, split: str) -> Any:
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
                first = batch.rejects[0]
                raise DataError(
                    f"{first.file}:{first.line}: {first.reason}. "
                    "Run `arabench normalize` on the file: it sets such rows aside."
                )
            present.update(*batch.rows)
            rows += [{field: row.get(field) for field in section.fields} for row in batch.rows]
    except UsageError as error:
        raise _reworded(error) from error
    if rows:
        _check_fields(path, section.fields, sorted(present))
    return rows


def _reworded(error: UsageError) -> UsageError:
    message = str(error)
    for said, meant in _WORDS.items():
        message = message.replace(said, meant)
    return UsageError(message)
