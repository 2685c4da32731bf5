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
from arabench.files.digests import files_below
from arabench.trainers.data.arrow import RowFile
from arabench.trainers.data.cleaning import normalized
from arabench.trainers.data.datasets_library import read_hub, read_saved
from arabench.trainers.data.known_sets import KNOWN
from arabench.trainers.data.mixtures import draw_mixture
from arabench.trainers.data.objects import read_objects
from arabench.trainers.data.sources import Place, reworded
from arabench.trainers.recipe.sections import DataSection

if TYPE_CHECKING:
    from datasets import Dataset

#: A row as it was read -> the training row, or None.
RowOf = Callable[[Mapping[str, Any]], dict[str, Any] | None]


@dataclass(frozen=True)
class Rows:
    """Training rows.

    Attributes:
        dataset: with the columns that the method makes.
        sha256: of its content, and of those held out.
        skipped: rows that held no text (empty, blank or null).
        held_out: rows that are only measured on; None where `validation` is 0.
        said: what a user should know of a mixture, in words.
    """

    dataset: Dataset
    sha256: str
    skipped: int
    held_out: Dataset | None = None
    said: tuple[str, ...] = ()


def load_rows(
    section: DataSection,
    places: Sequence[Place],
    row_of: RowOf,
    file: Path | None = None,
    seed: int = 0,
) -> Rows:
    """Read the training rows; those without text are left out and counted.

    Args:
        section: the recipe's `data`, with its fields named (`shapes.resolve`).
        places: from `find_places`.
        row_of: the training row of a row that was read, by the method; None where it has no text.
        file: gets the rows, which are then mapped from it, and NAME.held_out those held out;
            None to hold them in memory.
        seed: of the choice of rows that are held out, and of those of a mixture.

    Raises:
        UsageError: a data set cannot be loaded, or a field does not exist.
        DataError: rows are broken or nothing is left, or a file changed while it was read.
    """
    read = 0
    aside = None if file is None else file.with_name(f"{file.name}.held_out")
    digest = hashlib.sha256()
    sizes = [0] * len(section.sources)
    whole = file if file is None or not section.weights else file.with_name(f"{file.name}.whole")
    with RowFile(whole) as kept, RowFile(aside) as held:
        for place, number, source in numbered(section, places):
            read += 1
            try:
                row = row_of(source)
            except DataError as error:
                raise DataError(f"row {number} of data {place.path!r}: {error}") from error
            if row:
                line = orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
                digest.update(line)
                if _is_held_out(line, section.validation, seed):
                    held.add(row)
                else:
                    kept.add(row)
                    sizes[place.source] += 1
        if not kept.count and not held.count:
            raise DataError(
                f"data {section.source!r} holds no row with text in "
                f"{' and '.join(map(repr, section.fields))}: "
                f"all {read} are empty. Check the source and data.split."
            )
        skipped = read - kept.count - held.count
        if section.validation and not (kept.count and held.count):
            raise DataError(
                f"data.validation ({section.validation:g}) of {read - skipped:,} rows holds out "
                f"{held.count:,} and leaves {kept.count:,} to train on: both must have "
                "rows. Change the share, or use more data."
            )
        rows = kept.finish()
        said: tuple[str, ...] = ()
        if section.weights:
            drawn = draw_mixture(sizes, section, seed)
            said = (drawn.said,)
            rows = drawn.take(rows, file)
            if whole is not None:
                whole.unlink()
        return Rows(
            rows, digest.hexdigest(), skipped, held.finish() if section.validation else None, said
        )


def numbered(
    section: DataSection, places: Sequence[Place]
) -> Iterator[tuple[Place, int, dict[str, Any]]]:
    """Rows as they were read, normalized, with their place and their number in it, from 1.

    Raises:
        UsageError: a data set cannot be loaded, or a field does not exist.
        DataError: a row is broken or holds no text, or a file changed while it was read.
    """
    read = (
        (place, number, row)
        for place in places
        for number, row in enumerate(_read_unchanged(place, section), start=1)
    )
    # Of a mixture rows are drawn when all are known.
    for place, number, row in itertools.islice(
        read, None if section.weights else section.max_samples
    ):
        _check_texts(place, number, row, section)
        yield place, number, row


def _is_held_out(row: bytes, share: float, seed: int) -> bool:
    """Whether a row is held out: by its content, so that equal rows are on one side."""
    if not share:
        return False
    drawn = hashlib.blake2b(row, digest_size=8, key=seed.to_bytes(8, "little")).digest()
    return int.from_bytes(drawn, "little") < share * 2**64


def _check_texts(
    place: Place, number: int, source: Mapping[str, Any], section: DataSection
) -> None:
    """Refuse fields of something else than text; of conversations their reader speaks."""
    for field in section.fields:
        value = source.get(field)
        if value is None or isinstance(value, str) or field in _read_by_method(section):
            continue
        raise DataError(
            f"row {number} of data {place.path!r}: field {field!r} is "
            f"{type(value).__name__}, not text. {_set_aside(place.path, field, place.kind)}"
        )


def _read_by_method(section: DataSection) -> tuple[str | None, ...]:
    """Fields of something else than text, whose reader speaks of what it cannot read."""
    return (
        section.messages_field, section.label_field, section.chosen_field, section.rejected_field,
    )  # fmt: skip


def _read_unchanged(place: Place, section: DataSection) -> Iterator[dict[str, Any]]:
    """Rows of a place, whose files must be the same at the end as at the beginning.

    Raises:
        DataError: they are not.
    """
    if place.kind == "hub":
        yield from normalized(_read(place, section), section)
        return
    before = _marks(place.path)
    yield from normalized(_read(place, section), section)
    if _marks(place.path) != before:
        raise DataError(
            f"data {place.path!r} changed while it was read, so that its rows are of two states. "
            "Wait until it is written, and start again."
        )


def _marks(path: str) -> list[tuple[str, int, int]]:
    """Names, sizes in bytes and times of change of the files of a place."""
    found = ((str(file), file.stat()) for file in files_below(path))
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in found]


def _read(place: Place, section: DataSection) -> Iterator[dict[str, Any]]:
    if place.known:
        known = KNOWN[place.known]
        _check_fields(place.path, section.fields, known.columns)
        for row in known.rows(_read_known(place, section), place.path):
            yield {field: row.get(field) for field in section.fields}
        return
    if place.kind in {"file", "array"}:
        in_objects = (
            place.kind == "array"
            or section.messages_field is not None
            or (section.chosen_field is not None and format_of(place.path) not in {"csv", "tsv"})
        )
        reader = _read_objects if in_objects else _read_file
        yield from reader(place.path, section)
        return
    if place.kind == "hub":
        table = read_hub(place.path, section)
    else:
        table = read_saved(place.path, section.split)
    _check_fields(place.path, section.fields, table.column_names)
    yield from table.select_columns(list(section.fields))


def _read_known(place: Place, section: DataSection) -> Iterator[dict[str, Any]]:
    """Rows of a known set as it lies on the hub, or of a copy of it, with all their columns."""
    known = KNOWN[place.known]
    there = section.model_copy(update={"config": known.config, "split": known.split})
    if place.kind == "hub":
        yield from read_hub(known.hub, there)
    elif place.kind == "saved":
        yield from read_saved(place.path, known.split)
    else:
        yield from read_objects(place.path)


def _check_fields(path: str, fields: Sequence[str], present: Sequence[str]) -> None:
    for field in fields:
        if field not in present:
            raise UsageError(
                f"data {path!r} has no field {field!r}. {did_you_mean(field, present)}"
            )


def _read_objects(path: str, section: DataSection) -> Iterator[dict[str, Any]]:
    present: set[str] = set()
    for row in read_objects(path):
        present.update(row)
        yield {field: row.get(field) for field in section.fields}
    if present:
        _check_fields(path, section.fields, sorted(present))


def _read_file(path: str, section: DataSection) -> Iterator[dict[str, Any]]:
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
            yield from ({field: row.get(field) for field in section.fields} for row in batch.rows)
    except UsageError as error:
        raise reworded(error) from error
    if present:
        _check_fields(path, section.fields, sorted(present))


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
