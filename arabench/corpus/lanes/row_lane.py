"""Rows as dicts: the lane for any step and any pair of formats."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arabench.corpus.formats.names import Format, codec_of
from arabench.corpus.formats.readers import Batch, read_batches
from arabench.corpus.formats.rows import BATCH_BYTES, restore_text
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.lane import Outcome
from arabench.corpus.step import Step
from arabench.files.atomic import STDIO

if TYPE_CHECKING:
    from arabench.corpus.formats.rows import RowWriter


@dataclass
class RowLane:
    """Rows as dicts: any step, any pair of formats."""

    source: str
    source_format: Format
    step: Step
    io: IoOptions
    writer: RowWriter
    keep_columns: bool = False

    def chunks(self) -> Iterator[Batch]:
        """Batches of parsed rows."""
        self.step.start_source("<stdin>" if self.source == STDIO else self.source)
        return read_batches(
            self.source,
            self.source_format,
            self.io.text_field,
            keep_columns=self.keep_columns,
            codec=codec_of(self.source, self.io.input_format),
            batch_bytes=self.io.chunk_bytes(BATCH_BYTES),
        )

    def process(self, chunk: Batch) -> Outcome:
        """Apply the step to the rows of a batch."""
        read = len(chunk.rows) + len(chunk.rejects)
        null = sum(row[self.io.text_field] is None for row in chunk.rows)
        if self.keep_columns:
            self._add_columns(chunk)
        processed = self.step(chunk.rows)
        if self.keep_columns and len(processed.rows) != len(chunk.rows):
            from arabench.corpus.formats.text_columns import take_rows

            kept = {id(row) for row in processed.rows}
            places = [place for place, row in enumerate(chunk.rows) if id(row) in kept]
            chunk.columns = take_rows(chunk.columns, places)
        chunk.rows = processed.rows
        if "." in self.io.text_field:
            for row in itertools.chain(chunk.rows, (row for row, _ in processed.dropped)):
                restore_text(row, self.io.text_field)
        return Outcome(
            payload=chunk,
            read=read,
            written=len(chunk.rows),
            changed=processed.changed,
            null=null,
            rejects=chunk.rejects,
            dropped=processed.dropped,
            bytes_read=chunk.bytes_read,
        )

    def _add_columns(self, chunk: Batch) -> None:
        """Let the step see whole rows; what is written comes from the columns."""
        assert chunk.columns is not None
        try:
            whole = chunk.columns.to_pylist()
        except UnicodeDecodeError:  # in a column that is copied and not looked at
            return
        for row, others in zip(chunk.rows, whole, strict=True):
            for name, value in others.items():
                row.setdefault(name, value)

    def write(self, outcome: Outcome) -> None:
        """Write the kept rows."""
        self.writer.write(outcome.payload)
