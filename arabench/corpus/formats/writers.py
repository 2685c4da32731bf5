"""Writing rows in any format to an open stream."""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import orjson

from arabench.corpus.formats.names import Format
from arabench.corpus.formats.rows import Batch, text_of
from arabench.corpus.formats.rows import RowWriter as RowWriter
from arabench.corpus.formats.writers_columns import ArrowWriter, TableWriter
from arabench.corpus.formats.writers_csv import CsvWriter

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: Arrow bytes per Parquet row group.
ROW_GROUP_BYTES = 32 << 20
_LINE_BREAKS = re.compile(r"[\r\n]+")


class TextWriter(RowWriter):
    """One line per row: the text field, each run of line breaks in it as one space."""

    def __init__(self, stream: IO[bytes], text_field: str) -> None:
        self._stream = stream
        self._field = text_field
        self._dropped: dict[str, None] = {}
        self._joined = 0

    def write(self, batch: Batch) -> None:
        lines = []
        for row in batch.rows:
            line, joined = _LINE_BREAKS.subn(" ", text_of(row, self._field) or "")
            self._joined += joined
            self._dropped.update(dict.fromkeys(row))
            lines.append(line)
        if lines:
            self._stream.write(("\n".join(lines) + "\n").encode("utf-8"))

    def write_lines(
        self, pieces: Sequence[bytes | memoryview], joined: int = 0, *, compressed: bool = False
    ) -> None:
        """Write finished lines of text."""
        self._joined += joined
        _write_pieces(self._stream, pieces, compressed)

    def close(self) -> None:
        pass

    def losses(self) -> list[str]:
        fields = [name for name in self._dropped if name != self._field]
        notes = [f"fields {', '.join(fields)} are not in plain text"] if fields else []
        return notes + ([f"{self._joined} line breaks became spaces"] if self._joined else [])


class JsonLinesWriter(RowWriter):
    """One JSON object per row, keys in their order."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, batch: Batch) -> None:
        self._stream.write(b"".join([json_line(row) for row in batch.rows]))

    def write_lines(
        self, pieces: Sequence[bytes | memoryview], joined: int = 0, *, compressed: bool = False
    ) -> None:
        """Write finished lines of JSON."""
        _write_pieces(self._stream, pieces, compressed)

    def close(self) -> None:
        pass


def _write_pieces(stream: Any, pieces: Sequence[bytes | memoryview], compressed: bool) -> None:
    for piece in pieces:
        if compressed:
            stream.write_member(piece)
        else:
            stream.write(piece)


def json_line(row: dict[str, Any]) -> bytes:
    """A row as one line of JSON."""
    try:
        return orjson.dumps(row, default=json_value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # integers beyond 64 bits
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=json_value)
        return f"{text}\n".encode()


def json_cell(value: object) -> str:
    """A value that is no string as the text of a cell: JSON, dates without quotes."""
    if isinstance(value, dict | list | bool | int | float):
        return json_line({"": value})[4:-2].decode("utf-8")
    return str(json_value(value))


def json_value(value: object) -> str:
    """Values of Parquet that JSON lacks: ISO 8601 times, base64 bytes, decimals as text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


class ParquetWriter(TableWriter):
    """Parquet with the given schema, or the schema of the first batch."""

    name = "Parquet"

    def __init__(
        self,
        stream: IO[bytes],
        text_field: str,
        schema: pa.Schema | None = None,
        group_bytes: int | None = None,
    ) -> None:
        super().__init__(text_field, schema)
        self._stream = stream
        self._group_bytes = min(ROW_GROUP_BYTES, group_bytes or ROW_GROUP_BYTES)
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._waiting_bytes = 0

    def close(self) -> None:
        """Write what is left and the footer."""
        self._known_schema()
        self._write_row_group()
        assert self._writer is not None
        self._writer.close()

    def _put(self, table: pa.Table) -> None:
        self._waiting.append(table)
        self._waiting_bytes += table.nbytes
        if self._waiting_bytes >= self._group_bytes:
            self._write_row_group()

    def _write_row_group(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._stream, self._schema, compression="zstd")
            if self._waiting:
                self._writer.write_table(pa.concat_tables(self._waiting))
        except pa.ArrowException as error:
            raise self._misfit(error) from error
        self._waiting, self._waiting_bytes = [], 0


def open_writer(
    stream: IO[bytes],
    file_format: Format,
    text_field: str,
    schema: pa.Schema | None = None,
    group_bytes: int | None = None,
) -> RowWriter:
    """The writer of a format that is one file.

    Args:
        stream: where to.
        file_format: any but "datasets"; see `writers_columns.DatasetWriter` for that.
        text_field: field or column of the text.
        schema: kept where columns are copied to columns.
        group_bytes: Arrow bytes of a row group of Parquet, if less than `ROW_GROUP_BYTES`.
    """
    if file_format == "txt":
        return TextWriter(stream, text_field)
    if file_format == "jsonl":
        return JsonLinesWriter(stream)
    if file_format in ("csv", "tsv"):
        return CsvWriter(stream, text_field, file_format, json_cell)
    if file_format == "parquet":
        return ParquetWriter(stream, text_field, schema, group_bytes)
    return ArrowWriter(stream, text_field, schema, as_file=file_format == "feather")
