"""Reading rows of text from .txt, .jsonl and .parquet in batches of bounded size."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator
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
#: Beyond 64 bits orjson turns an integer into a float without a word.
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
#: Brackets in a line below which it cannot be too deep for orjson to write (254 levels).
_SAFE_BRACKETS = 250
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
        record: dict[str, Any] = {
            "file": _printable(self.file),
            "line": self.line,
            "reason": self.reason,
        }
        kept = self.raw[:MAX_REJECT_BYTES]
        if len(kept) < len(self.raw):
            record["truncated_from_bytes"] = len(self.raw)
        try:
            record["raw"] = kept.decode("utf-8")
        except UnicodeDecodeError:
            record["raw"] = kept.decode("utf-8", errors="replace")
            record["base64"] = base64.b64encode(kept).decode("ascii")
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _printable(path: str) -> str:
    """A file name as UTF-8 text, whatever bytes it has on disk."""
    return os.fsencode(path).decode("utf-8", errors="replace")


@dataclass(slots=True)
class Batch:
    """Rows of one file in order; each row is a dict whose `text_field` holds the text or None.

    With `columns` (a `pyarrow.RecordBatch` of the same rows) the dicts hold only the text.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    bytes_read: int = 0
    columns: Any = None


def read_batches(
    path: str,
    file_format: Format,
    text_field: str,
    on_bytes: Callable[[int], None] | None = None,
    *,
    keep_columns: bool = False,
) -> Iterator[Batch]:
    """Batches of rows of one file.

    Args:
        path: a file, or `-` for standard input.
        file_format: how to read it.
        text_field: the field or column that holds the text ("text" for plain lines).
        on_bytes: called with the bytes consumed by each batch, for progress.
        keep_columns: of Parquet, hand on the other columns as Arrow data in `Batch.columns`.

    Raises:
        UsageError: the field or column does not exist or is no text.
        DataError: a file cannot be read to its end, or is UTF-16.
    """
    if file_format == "parquet":
        batches = _parquet_batches(path, text_field, keep_columns)
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
        line = _next_line(stream, name, number)
        if not line:
            break
        batch.bytes_read += len(line)
        content = line.removesuffix(b"\n").removesuffix(b"\r")
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


def _next_line(stream: IO[bytes], name: str, number: int) -> bytes:
    try:
        line = stream.readline()
    except OSError as error:
        raise DataError(
            f"{name!r} cannot be read beyond line {number - 1}: {error.strerror or error}. "
            "Check the file and its disk."
        ) from error
    if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{name!r} is UTF-16, not UTF-8. Convert it with: iconv -f UTF-16 -t UTF-8")
    return line


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
            f"no row of {name!r} has a field {text_field!r}. {_choices(text_field, fields_seen)}"
        )


def _choices(text_field: str, names: Collection[str]) -> str:
    if not names:
        return "It has no fields at all: check the file."
    return f"{did_you_mean(text_field, names)} Choose one with --field."


def _parse_text_line(content: bytes, text_field: str) -> dict[str, Any]:
    try:
        return {text_field: content.decode("utf-8")}
    except UnicodeDecodeError as error:
        raise ValueError(f"invalid UTF-8 at byte {error.start}") from error


def _parse_json_line(content: bytes, text_field: str) -> dict[str, Any]:
    if _LONG_NUMBER.search(content):
        row = _parse_json_exactly(content, "the number is too large")
    else:
        try:
            row = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            row = _parse_json_exactly(content, str(error))
    if content.count(b"[") + content.count(b"{") > _SAFE_BRACKETS:
        _refuse_deep(row)
    if not isinstance(row, dict):
        raise ValueError(f"not a JSON object but {type(row).__name__}")
    if text_field not in row:
        raise _MissingFieldError(text_field, list(row))
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


def _parquet_batches(path: str, text_field: str, keep_columns: bool) -> Iterator[Batch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path == STDIO:
        raise UsageError("Parquet cannot be read from standard input. Name the file.")
    schema = read_schema(path)
    check_text_column(path, schema, text_field)
    total = max(1, Path(path).stat().st_size)
    first_row = 1
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            rows_total = max(1, file.metadata.num_rows)
            for columns in file.iter_batches(batch_size=_rows_per_batch(file.metadata)):
                batch = _rows_of(columns, path, first_row, text_field, keep_columns)
                batch.bytes_read = total * columns.num_rows // rows_total
                first_row += columns.num_rows
                yield batch
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path!r} is damaged after row {first_row - 1}: {error}") from error


def read_schema(path: str) -> Any:
    """The Arrow schema of a Parquet file.

    Raises:
        DataError: it is not a readable Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path!r} is not a readable Parquet file: {error}. "
            "Check its format, or fetch it again."
        ) from error


def _rows_per_batch(metadata: Any) -> int:
    size: int = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    bytes_per_row = max(1, size // max(1, int(metadata.num_rows)))
    return max(1, min(BATCH_ROWS, BATCH_BYTES // bytes_per_row))


def check_text_column(path: str, schema: Any, text_field: str) -> None:
    """Raise `UsageError` unless the column exists once and holds text."""
    import pyarrow as pa

    if text_field not in schema.names:
        raise UsageError(
            f"{path!r} has no column {text_field!r}. {_choices(text_field, schema.names)}"
        )
    twice = {name for name in schema.names if schema.names.count(name) > 1}
    if twice:
        raise UsageError(
            f"{path!r} has several columns of the name {min(twice)!r}. Rename them first."
        )
    kind = schema.field(text_field).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if str(value) not in {"string", "large_string", "string_view"}:
        raise UsageError(
            f"column {text_field!r} of {path!r} is {kind}, not text. "
            "Choose a text column with --field."
        )


def _rows_of(columns: Any, path: str, first_row: int, text_field: str, keep_columns: bool) -> Batch:
    wanted = columns.select([text_field]) if keep_columns else columns
    batch = Batch(columns=columns if keep_columns else None)
    try:
        batch.rows = wanted.to_pylist()
    except UnicodeDecodeError:
        # Some string in the batch is not UTF-8: find the rows one by one.
        readable = []
        for offset in range(wanted.num_rows):
            try:
                batch.rows += wanted.slice(offset, 1).to_pylist()
                readable.append(offset)
            except UnicodeDecodeError as error:
                raw = bytes(error.object)
                reason = f"invalid UTF-8 at byte {error.start}"
                batch.rejects.append(Reject(path, first_row + offset, reason, raw))
        if keep_columns:
            batch.columns = columns.take(readable)
    return batch
