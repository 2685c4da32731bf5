"""Which lane rows take from a source to a writer.

`RowLane` parses rows into dicts and serves every format and step. Where source and target have
the same format and the step has a `TextEngine`, `LineLane` rewrites the bytes of JSON lines or
text lines, and `ColumnLane` rewrites Arrow columns; where it has an `Annotator`, `LabelLineLane`
and `LabelColumnLane` add fields to them. None of these makes Python objects of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arabench.corpus.formats.names import COLUMN_FORMATS, Codec, Format, codec_of, format_of
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.lane import SomeLane
from arabench.corpus.lanes.row_lane import RowLane
from arabench.corpus.step import Step

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
) -> SomeLane:
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
