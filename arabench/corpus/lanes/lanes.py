"""Lanes: how rows travel from one source to a writer.

`RowLane` parses rows into dicts and serves every format and step. Where source and
target have the same format and the step can work on it, `LineLane` rewrites the bytes of
JSON lines or text lines, and `ColumnLane` rewrites Arrow columns; neither makes Python
objects of rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from arabench.corpus.formats.names import COLUMN_FORMATS, Codec, Format, codec_of, format_of
from arabench.corpus.formats.readers import Batch, read_batches
from arabench.corpus.formats.rows import restore_text
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.lane import Lane, Outcome
from arabench.corpus.step import Step
from arabench.files.atomic import STDIO

if TYPE_CHECKING:
    import pyarrow as pa

    from arabench.corpus.formats.writers import RowWriter


def open_lane(
    source: str,
    target_format: Format,
    step: Step,
    io: IoOptions,
    writer: RowWriter,
    schema: pa.Schema | None,
    target_codec: Codec | None = None,
) -> Lane:
    """The fastest lane that gives the exact result for this source, step and target."""
    source_format = format_of(source, io.input_format)
    # A name with a dot may be a path into the row, which only parsing tells.
    is_path = source_format == "jsonl" and "." in io.text_field
    as_lines = source_format in ("jsonl", "txt") and not is_path
    as_columns = {source_format, target_format} <= COLUMN_FORMATS
    annotator, engine = step.annotator, step.engine
    if annotator is not None and as_lines and target_format == "jsonl":
        from arabench.corpus.lanes.label_lane import LabelLineLane

        codec, as_json = codec_of(source, io.input_format), source_format == "jsonl"
        return LabelLineLane(source, codec, as_json, annotator, io, writer, target_codec)
    if annotator is not None and as_columns:
        from arabench.corpus.lanes.label_lane import LabelColumnLane

        return LabelColumnLane(source, source_format, annotator, io, writer)
    if engine is not None and as_lines and source_format == target_format:
        from arabench.corpus.lanes.line_lane import LineLane

        codec, as_json = codec_of(source, io.input_format), source_format == "jsonl"
        return LineLane(source, codec, as_json, engine, io, writer, target_codec)
    if engine is not None and as_columns:
        from arabench.corpus.lanes.column_lane import ColumnLane

        return ColumnLane(source, source_format, engine, io, writer)
    keep_columns = schema is not None and not step.reshapes
    return RowLane(source, source_format, step, io, writer, keep_columns=keep_columns)


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
        )

    def process(self, chunk: Batch) -> Outcome:
        """Apply the step to the rows of a batch."""
        read = len(chunk.rows) + len(chunk.rejects)
        null = sum(row[self.io.text_field] is None for row in chunk.rows)
        if self.keep_columns:
            self._add_columns(chunk)
        processed = self.step(chunk.rows)
        if self.keep_columns and len(processed.rows) != len(chunk.rows):
            from arabench.corpus.formats.readers_columns import take_rows

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
