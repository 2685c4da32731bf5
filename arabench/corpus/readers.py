"""Reading rows of text from .txt, .jsonl and .parquet in batches of bounded size."""

from __future__ import annotations

import base64
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from arabench.corpus.files import STDIO, Format
from arabench.errors import DataError, UsageError, did_you_mean

#: A batch holds at most this many bytes of input lines (one longer line may exceed it).
BATCH_BYTES = 4 << 20
#: Rows per Parquet batch.
BATCH_ROWS = 4096
#: Bytes of an unreadable line kept in the rejects file.
MAX_REJECT_BYTES = 1 << 16


@dataclass(slots=True)
class Reject:
    """A row that could not be read, as written to the rejects file."""

    file: str
    line: int
    reason: str
    raw: bytes

    def as_json(self) -> bytes:
        """One JSON line; undecodable bytes are given in base64 beside a readable form."""
        record: dict[str, Any] = {"file": self.file, "line": self.line, "reason": self.reason}
        kept = self.raw[:MAX_REJECT_BYTES]
        if len(kept) < len(self.raw):
            record["truncated_from_bytes"] = len(self.raw)
        try:
            record["raw"] = kept.decode("utf-8")
        except UnicodeDecodeError:
            record["raw"] = kept.decode("utf-8", errors="replace")
            record["base64"] = base64.b64encode(kept).decode("ascii")
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(slots=True)
class Batch:
    """Rows of one file in order; each row is a dict whose `text_field` holds the text or None."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    bytes_read: int = 0


def read_batches(
    path: str, file_format: Format, text_field: str, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Batch]:
    """Batches of rows of one file.

    Args:
        path: a file, or `-` for standard input.
        file_format: how to read it.
        text_field: the field or column that holds the text ("text" for plain lines).
        on_bytes: called with the bytes consumed by each batch, for progress.

    Raises:
        UsageError: the field or column does not exist or is no text.
        DataError: a Parquet file is damaged.
    """
    if file_format == "parquet":
        batches = _parquet_batches(path, text_field)
    elif path == STDIO:
        batches = _line_batches(sys.stdin.buffer, "<stdin>", file_format, text_field)
    else:
        batches = _open_line_batches(path, file_format, text_field)
    for batch in batches:
        if on_bytes is not None:
            on_bytes(batch.bytes_read)
        yield batch


def _open_line_batches(path: str, file_format: Format, text_field: str) -> Iterator[Batch]:
    with Path(path).open("rb") as stream:
        yield from _line_batches(stream, path, file_format, text_field)


def _line_batches(
    stream: IO[bytes], name: str, file_format: Format, text_field: str
) -> Iterator[Batch]:
    parse = _parse_text_line if file_format == "txt" else _parse_json_line
    batch = Batch()
    rows_seen = 0
    missing = 0
    fields_seen: set[str] = set()
    for number in itertools.count(1):
        line = stream.readline()
        if not line:
            break
        batch.bytes_read += len(line)
        content = line[:-1] if line.endswith(b"\n") else line
        if number == 1:
            content = content.removeprefix(b"\xef\xbb\xbf")  # byte order mark
        if file_format == "jsonl" and not content.strip():
            continue
        try:
            row = parse(content, text_field)
        except _MissingFieldError as error:
            missing += 1
            fields_seen.update(error.fields)
            batch.rejects.append(Reject(name, number, str(error), content))
        except ValueError as error:
            batch.rejects.append(Reject(name, number, str(error), content))
        else:
            rows_seen += 1
            batch.rows.append(row)
        if batch.bytes_read >= BATCH_BYTES:
            _refuse_wrong_field(name, text_field, rows_seen, missing, fields_seen)
            yield batch
            batch = Batch()
    _refuse_wrong_field(name, text_field, rows_seen, missing, fields_seen)
    if batch.bytes_read:
        yield batch


class _MissingFieldError(ValueError):
    def __init__(self, text_field: str, fields: list[str]) -> None:
        super().__init__(f"no field {text_field!r}")
        self.fields = fields


def _refuse_wrong_field(
    name: str, text_field: str, rows_seen: int, missing: int, fields_seen: set[str]
) -> None:
    """A field that no row so far has is a wrong option, not bad data."""
    if missing and not rows_seen:
        raise UsageError(
            f"no row of {name!r} has a field {text_field!r}. {did_you_mean(text_field, fields_seen)} "
            "Choose one with --field."
        )


def _parse_text_line(content: bytes, text_field: str) -> dict[str, Any]:
    try:
        return {text_field: content.decode("utf-8")}
    except UnicodeDecodeError as error:
        raise ValueError(f"invalid UTF-8 at byte {error.start}") from error


def _parse_json_line(content: bytes, text_field: str) -> dict[str, Any]:
    try:
        row = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        row = _parse_json_exactly(content, error)
    if not isinstance(row, dict):
        raise ValueError(f"not a JSON object but {type(row).__name__}")
    if text_field not in row:
        raise _MissingFieldError(text_field, list(row))
    if row[text_field] is not None and not isinstance(row[text_field], str):
        raise ValueError(f"field {text_field!r} is {type(row[text_field]).__name__}, not text")
    return row


def _parse_json_exactly(content: bytes, error: ValueError) -> Any:
    """Lines that orjson refuses and the standard library reads: integers beyond 64 bits."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as decode_error:
        raise ValueError(f"invalid UTF-8 at byte {decode_error.start}") from decode_error
    try:
        row = json.loads(text)
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a string holds half of a surrogate pair") from None
    except (ValueError, RecursionError):
        raise ValueError(f"invalid JSON: {error}") from None
    return row


def _parquet_batches(path: str, text_field: str) -> Iterator[Batch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path == STDIO:
        raise UsageError("Parquet cannot be read from standard input. Name the file.")
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path!r} is not a readable Parquet file: {error}") from error
    check_text_column(path, file.schema_arrow, text_field)
    total = max(1, Path(path).stat().st_size)
    rows_total = max(1, file.metadata.num_rows)
    first_row = 1
    try:
        for record_batch in file.iter_batches(batch_size=BATCH_ROWS):
            batch = _rows_of(record_batch, path, first_row, text_field)
            batch.bytes_read = total * record_batch.num_rows // rows_total
            first_row += record_batch.num_rows
            yield batch
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path!r} is damaged after row {first_row - 1}: {error}"
        ) from error


def check_text_column(path: str, schema: Any, text_field: str) -> None:
    """Raise `UsageError` unless the column exists and holds text."""
    import pyarrow as pa

    if text_field not in schema.names:
        raise UsageError(
            f"{path!r} has no column {text_field!r}. {did_you_mean(text_field, schema.names)} "
            "Choose one with --field."
        )
    kind = schema.field(text_field).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (
        pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
    ):
        raise UsageError(
            f"column {text_field!r} of {path!r} is {kind}, not text. Choose a text column with --field."
        )


def _rows_of(record_batch: Any, path: str, first_row: int, text_field: str) -> Batch:
    batch = Batch()
    try:
        batch.rows = record_batch.to_pylist()
    except UnicodeDecodeError:
        # Some string in the batch is not UTF-8: find the rows one by one.
        for offset in range(record_batch.num_rows):
            one = record_batch.slice(offset, 1)
            try:
                batch.rows += one.to_pylist()
            except UnicodeDecodeError as error:
                raw = bytes(error.object)
                reason = f"invalid UTF-8 at byte {error.start}"
                batch.rejects.append(Reject(path, first_row + offset, reason, raw))
    return batch
