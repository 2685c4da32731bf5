"""Arrow columns to Arrow columns: the text is normalized in its buffers, nothing else touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arabench.corpus.formats.names import Format
from arabench.corpus.formats.readers_columns import read_schema, record_batches
from arabench.corpus.formats.rows import BATCH_BYTES, Reject
from arabench.corpus.formats.text_columns import (
    check_text_column,
    take_rows,
    text_column,
    with_text_column,
)
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.lane import Outcome

if TYPE_CHECKING:
    import pyarrow as pa

    from arabench.corpus.formats.rows import RowWriter
    from arabench.corpus.step import TextEngine


@dataclass(slots=True)
class _Chunk:
    columns: pa.RecordBatch
    first_row: int
    consumed: int


@dataclass
class ColumnLane:
    """Normalizes the text column of record batches."""

    source: str
    source_format: Format
    engine: TextEngine
    io: IoOptions
    writer: RowWriter

    def chunks(self) -> Iterator[_Chunk]:
        """Record batches in order."""
        check_text_column(
            self.source, read_schema(self.source, self.source_format), self.io.text_field
        )
        first_row = 1
        for columns, consumed in record_batches(
            self.source, self.source_format, self.io.chunk_bytes(BATCH_BYTES)
        ):
            yield _Chunk(columns, first_row, consumed)
            first_row += columns.num_rows

    def process(self, chunk: _Chunk) -> Outcome:
        """Normalize one batch; rows that are not UTF-8 are set aside."""
        from arabench.text.column import Column

        columns, name = chunk.columns, self.io.text_field
        rows = columns.num_rows
        rejects: list[Reject] = []
        text = Column.of(text_column(columns, name))
        try:
            normalized = self.engine.normalize_column(text)
        except UnicodeDecodeError:
            readable = []
            for row in range(rows):
                try:
                    text.text(row)
                    readable.append(row)
                except UnicodeDecodeError as error:
                    reason = f"invalid UTF-8 at byte {error.start}"
                    number = chunk.first_row + row
                    rejects.append(Reject(self.source, number, reason, text.raw(row)))
            columns = take_rows(columns, readable)
            text = Column.of(text_column(columns, name))
            normalized = self.engine.normalize_column(text)
        if normalized.changed:
            kind = text_column(columns, name).type
            columns = with_text_column(columns, name, normalized.as_type(kind))
        return Outcome(
            payload=columns,
            read=rows,
            written=columns.num_rows,
            changed=normalized.changed,
            null=text.null_count,
            rejects=rejects,
            bytes_read=chunk.consumed,
        )

    def write(self, outcome: Outcome) -> None:
        """Write the batch."""
        self.writer.write_columns(outcome.payload)
