"""Writing rows as .txt, .jsonl or .parquet to an open stream."""

from __future__ import annotations

import json
from typing import IO, Any, Protocol

import orjson

from arabench.corpus.files import Format
from arabench.errors import DataError


class RowWriter(Protocol):
    """Writes batches of rows; `close` finishes the file but not the stream."""

    def write(self, rows: list[dict[str, Any]]) -> None: ...

    def close(self) -> None: ...


class TextWriter:
    """One line per row: the text field, its line breaks as spaces."""

    def __init__(self, stream: IO[bytes], text_field: str) -> None:
        self._stream = stream
        self._field = text_field

    def write(self, rows: list[dict[str, Any]]) -> None:
        lines = [" ".join((row[self._field] or "").split("\n")) for row in rows]
        if lines:
            self._stream.write(("\n".join(lines) + "\n").encode("utf-8"))

    def close(self) -> None:
        pass


class JsonLinesWriter:
    """One JSON object per row, keys in their order."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, rows: list[dict[str, Any]]) -> None:
        self._stream.writelines(_json_line(row) for row in rows)

    def close(self) -> None:
        pass


def _json_line(row: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # integers beyond 64 bits, or values of Parquet that JSON lacks
        return (json.dumps(row, ensure_ascii=False, default=str) + "\n").encode("utf-8")


class ParquetWriter:
    """Parquet with the given schema, or the schema of the first batch."""

    def __init__(self, stream: IO[bytes], schema: Any = None) -> None:
        self._stream = stream
        self._schema = schema
        self._writer: Any = None

    def write(self, rows: list[dict[str, Any]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not rows and self._schema is None:
            return
        try:
            table = pa.Table.from_pylist(rows, schema=self._schema)
        except pa.ArrowException as error:
            raise DataError(
                f"a row does not fit the columns of the first rows: {error}. "
                "Write .jsonl instead, or make the types of each field uniform."
            ) from error
        if self._writer is None:
            self._schema = table.schema
            self._writer = pq.ParquetWriter(self._stream, self._schema, compression="zstd")
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is None:
            import pyarrow as pa

            self.write([]) if self._schema is not None else None
            if self._writer is None:
                self._schema = pa.schema([])
                self.write([])
        self._writer.close()


def open_writer(
    stream: IO[bytes], file_format: Format, text_field: str, schema: Any = None
) -> RowWriter:
    """The writer of a format. `schema` (pyarrow) is kept when Parquet is copied to Parquet."""
    if file_format == "txt":
        return TextWriter(stream, text_field)
    if file_format == "jsonl":
        return JsonLinesWriter(stream)
    return ParquetWriter(stream, schema)
