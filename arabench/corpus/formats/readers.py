"""Reading rows of text from files of every format in batches of bounded size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from arabench.corpus.formats.compression import ByteSource
from arabench.corpus.formats.lines import MAX_LINE_BYTES, READ_BYTES, line_blocks
from arabench.corpus.formats.names import COLUMN_FORMATS, Codec, Format, codec_of
from arabench.corpus.formats.rows import (
    BATCH_BYTES,
    BATCH_LINES,
    BATCH_ROWS,
    MAX_REJECT_BYTES,
    Batch,
    MissingFieldError,
    Reject,
    field_names,
    lift_text,
    refuse_wrong_field,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "BATCH_BYTES",
    "BATCH_ROWS",
    "MAX_LINE_BYTES",
    "MAX_REJECT_BYTES",
    "Batch",
    "MissingFieldError",
    "Reject",
    "check_text_column",
    "parse_json_line",
    "parse_text_line",
    "read_batches",
    "read_schema",
    "refuse_wrong_field",
]

#: Integers that may lie beyond 64 bits, which orjson turns into floats without a word.
_LONG_NUMBER: Final = re.compile(rb"[-0-9][0-9]{19}")
#: A row of nothing but these has no such integer in it.
_NO_FLOAT: Final = frozenset({str, int, bool, type(None)})
#: Brackets in a line below which it cannot be too deep for orjson to write (254 levels).
_SAFE_BRACKETS: Final = 250


def read_batches(
    path: str,
    file_format: Format,
    text_field: str,
    on_bytes: Callable[[int], None] | None = None,
    *,
    keep_columns: bool = False,
    codec: Codec | None = None,
    batch_bytes: int | None = None,
) -> Iterator[Batch]:
    """Batches of rows of one file.

    Args:
        path: a file, a `datasets` folder, or `-` for standard input.
        file_format: how to read it.
        text_field: the field or column that holds the text ("text" for plain lines). In JSON
            and Arrow structs a path such as `meta.body`, unless a field has that very name; the
            text is then found at `row["meta.body"]` all the same.
        on_bytes: called with the bytes consumed by each batch, for progress.
        keep_columns: of Arrow formats, hand on the other columns as data in `Batch.columns`.
        codec: how the file is compressed, where its name does not tell.
        batch_bytes: about how much a batch holds, where that shall be less than `BATCH_BYTES`.

    Raises:
        UsageError: the field or column does not exist or is no text.
        DataError: a file cannot be read to its end, or is of another kind.
    """
    size = min(BATCH_BYTES, BATCH_BYTES if batch_bytes is None else batch_bytes)
    if file_format in COLUMN_FORMATS:
        from arabench.corpus.formats.readers_columns import column_batches

        batches = column_batches(path, file_format, text_field, keep_columns, size)
    else:
        batches = _line_format_batches(path, file_format, text_field, codec or codec_of(path), size)
    for batch in batches:
        if on_bytes is not None:
            on_bytes(batch.bytes_read)
        yield batch


def _line_format_batches(
    path: str, file_format: Format, text_field: str, codec: Codec | None, batch_bytes: int
) -> Iterator[Batch]:
    with ByteSource(path, codec) as source:
        if file_format == "txt":
            yield from _gathered(source, _TextLines(source.name, text_field), batch_bytes)
        elif file_format == "jsonl":
            yield from _gathered(source, _JsonLines(source.name, text_field), batch_bytes)
        else:
            from arabench.corpus.formats.readers_csv import csv_batches

            yield from csv_batches(source, text_field, file_format, batch_bytes)


class _LineReader(Protocol):
    """Turns lines into rows."""

    def add(self, batch: Batch, first: int, lines: list[bytes]) -> None:
        """Add the rows and rejects of lines without their LF, numbered from `first`."""
        ...

    def finish(self, batch: Batch) -> Batch:
        """The batch, once nothing more is added to it."""
        ...


def _gathered(source: ByteSource, reader: _LineReader, batch_bytes: int) -> Iterator[Batch]:
    """Batches of about `batch_bytes`, read and parsed in smaller pieces."""
    batch = Batch()
    size = count = 0
    read_bytes = min(READ_BYTES, batch_bytes)
    for block in line_blocks(source, read_bytes):
        batch.bytes_read += block.consumed
        lines = block.data.split(b"\n")
        if not lines[-1]:
            lines.pop()  # what stands behind the last line end
        for start in range(0, len(lines), BATCH_LINES):
            piece = lines[start : start + BATCH_LINES]
            reader.add(batch, block.first_line + start, piece)
            count += len(piece)
            if count >= BATCH_LINES:
                yield reader.finish(batch)
                batch, size, count = Batch(), 0, 0
        size += len(block.data)
        if size + read_bytes > batch_bytes:
            yield reader.finish(batch)
            batch, size, count = Batch(), 0, 0
    if count or batch.bytes_read:
        yield reader.finish(batch)


@dataclass
class _TextLines:
    name: str
    text_field: str

    def add(self, batch: Batch, first: int, lines: list[bytes]) -> None:
        """Every line is a row."""
        name = self.text_field
        try:
            joined = b"\n".join(lines).decode("utf-8")
        except UnicodeDecodeError:
            self._add_each(batch, first, lines)
            return
        texts = joined.split("\n")
        if "\r" in joined:
            texts = [text.removesuffix("\r") for text in texts]
        batch.rows += [{name: text} for text in texts]

    def finish(self, batch: Batch) -> Batch:
        """The batch."""
        return batch

    def _add_each(self, batch: Batch, first: int, lines: list[bytes]) -> None:
        for number, line in enumerate(lines, first):
            content = line.removesuffix(b"\r")
            try:
                batch.rows.append(parse_text_line(content, self.text_field))
            except ValueError as error:
                batch.rejects.append(Reject(self.name, number, str(error), content))


@dataclass
class _JsonLines:
    name: str
    text_field: str
    rows_seen: int = 0
    missing: int = 0
    fields_seen: set[str] = field(default_factory=set)

    def add(self, batch: Batch, first: int, lines: list[bytes]) -> None:
        """Every line that is not blank is a row."""
        for number, line in enumerate(lines, first):
            content = line.removesuffix(b"\r")
            if not content or content.isspace():
                continue
            try:
                batch.rows.append(parse_json_line(content, self.text_field))
            except MissingFieldError as error:
                self.missing += 1
                self.fields_seen.update(error.fields)
                batch.rejects.append(Reject(self.name, number, str(error), content))
            except ValueError as error:
                batch.rejects.append(Reject(self.name, number, str(error), content))

    def finish(self, batch: Batch) -> Batch:
        """The batch, unless no row so far has the field."""
        self.rows_seen += len(batch.rows)
        refuse_wrong_field(
            self.name, self.text_field, self.rows_seen, self.missing, self.fields_seen
        )
        return batch


def parse_text_line(content: bytes, text_field: str) -> dict[str, Any]:
    """A plain line as a row; raises `ValueError` with the reason where it is none."""
    try:
        return {text_field: content.decode("utf-8")}
    except UnicodeDecodeError as error:
        raise ValueError(f"invalid UTF-8 at byte {error.start}") from error


def parse_json_line(content: bytes, text_field: str) -> dict[str, Any]:
    """One row from one line of JSON, exactly: integers of any size, no half surrogate pairs.

    Of duplicate keys the last one counts, as in every JSON library for Python.

    Args:
        content: the line without its end.
        text_field: where the text is; see `lift_text` for a path.

    Raises:
        MissingFieldError: the row has no such field.
        ValueError: the line is no readable row; the message says why.
    """
    try:
        row = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        is_number = _LONG_NUMBER.search(content) is not None
        row = _parse_json_exactly(content, "the number is too large" if is_number else str(error))
    else:
        may_hold_float = not (
            isinstance(row, dict) and _NO_FLOAT.issuperset(map(type, row.values()))
        )
        if may_hold_float and _LONG_NUMBER.search(content):
            row = _parse_json_exactly(content, "the number is too large")
    if content.count(b"[") + content.count(b"{") > _SAFE_BRACKETS:
        _refuse_deep(row)
    if not isinstance(row, dict):
        raise ValueError(f"not a JSON object but {type(row).__name__}")
    if text_field not in row and not lift_text(row, text_field):
        raise MissingFieldError(text_field, list(field_names(row)))
    if row[text_field] is not None and not isinstance(row[text_field], str):
        raise ValueError(f"field {text_field!r} is {type(row[text_field]).__name__}, not text")
    return row


def _refuse_deep(row: Any) -> None:
    try:
        orjson.dumps(row)
    except TypeError as error:
        if "ecursion" in str(error):
            raise ValueError("nested more than 250 levels deep") from None


def _parse_json_exactly(content: bytes, fault: str) -> Any:
    """What the standard library reads and orjson does not: integers beyond 64 bits.

    Raises:
        ValueError: the line is broken; `fault` says how where orjson knows better.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as decode_error:
        raise ValueError(f"invalid UTF-8 at byte {decode_error.start}") from decode_error
    try:
        row = json.loads(text)
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a string holds half of a surrogate pair") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"invalid JSON: {error}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"invalid JSON: {fault}") from None
    return row


def read_schema(path: str, file_format: Format = "parquet") -> pa.Schema:
    """The Arrow schema of a file of columns; see `readers_columns.read_schema`."""
    from arabench.corpus.formats import readers_columns

    return readers_columns.read_schema(path, file_format)


def check_text_column(path: str, schema: pa.Schema, text_field: str) -> None:
    """Raise `UsageError` unless the schema has one column of that name, and it holds text."""
    from arabench.corpus.formats import text_columns

    text_columns.check_text_column(path, schema, text_field, nested=False)
