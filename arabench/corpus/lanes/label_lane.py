"""Fields added to JSON lines, text lines and Arrow columns without rows as Python objects.

Of a JSON line every byte is kept, and the new fields are put before its last brace. Lines
that the compiled scan is unsure of, lines that may have a field of the same name, and all lines
of small inputs are parsed, which gives the same bytes. Columns are added to record batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from arabench.corpus.formats import readers
from arabench.corpus.formats.compression import MEMBER_BYTES, ByteSource, compress_block
from arabench.corpus.formats.lines import LineBlock, line_blocks
from arabench.corpus.formats.names import Codec, Format
from arabench.corpus.formats.readers_columns import read_schema, record_batches
from arabench.corpus.formats.rows import BATCH_BYTES, Reject
from arabench.corpus.formats.text_columns import check_text_column, take_rows, text_column
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.lane import Outcome
from arabench.files.atomic import STDIO
from arabench.text.column import Column

if TYPE_CHECKING:
    import pyarrow as pa

    from arabench.corpus.formats.rows import RowWriter
    from arabench.corpus.step import Annotator

#: Bytes of lines processed at once.
BLOCK_BYTES: Final = 2 << 20
#: Bytes behind the lines that the compiled scan may read.
_SLACK: Final = 16
_BLANKS: Final = b" \t\r\n"
_BRACE: Final = ord("}")


@dataclass
class LabelLineLane:
    """Adds fields to JSON lines, or makes JSON lines of text lines (not `as_json`)."""

    source: str
    codec: Codec | None
    as_json: bool
    annotator: Annotator
    io: IoOptions
    writer: RowWriter
    target_codec: Codec | None = None
    _rows_seen: int = 0
    _missing: int = 0
    _fields_seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.name = "<stdin>" if self.source == STDIO else self.source

    def chunks(self) -> Iterator[LineBlock]:
        """Blocks of whole lines; where they are cut depends on the source and options alone."""
        size = self.io.chunk_bytes(BLOCK_BYTES)
        if self.target_codec is not None:
            size = self.io.chunk_bytes(MEMBER_BYTES, shrinks=True)
        with ByteSource(self.source, self.codec) as source:
            yield from line_blocks(source, size)

    def process(self, chunk: LineBlock) -> Outcome:
        """Label the lines of a block."""
        kind = _JsonLines if self.as_json else _TextLines
        work = kind(self.name, self.annotator, self.io.text_field, chunk)
        # Two bytes make an Arabic letter.
        if self.annotator.compiles_for(len(chunk.data) // 2):
            work.parse(work.scan())
        else:
            work.parse(range(len(work.lines)))
        pieces: Any = work.written()
        if self.target_codec is not None and pieces:
            # Here and not in the writer: threads compress at the same time.
            pieces = [compress_block(b"".join(pieces), self.target_codec)]
        outcome = work.outcome
        outcome.payload = (pieces, work.missing, work.fields)
        outcome.bytes_read = chunk.consumed
        outcome.read = outcome.written + len(outcome.rejects)
        return outcome

    def write(self, outcome: Outcome) -> None:
        """Write the lines, after a check that the field exists at all."""
        pieces, missing, fields = outcome.payload
        self._rows_seen += outcome.written
        self._missing += missing
        self._fields_seen |= fields
        readers.refuse_wrong_field(
            self.name, self.io.text_field, self._rows_seen, self._missing, self._fields_seen
        )
        self.writer.write_lines(pieces, compressed=self.target_codec is not None)


class _Lines:
    """The lines of one block on their way."""

    def __init__(self, name: str, annotator: Annotator, text_field: str, block: LineBlock) -> None:
        self.name = name
        self.annotator = annotator
        self.text_field = text_field
        self.first_line = block.first_line
        self.data = block.data if block.data.endswith(b"\n") else block.data + b"\n"
        self.lines = self.data[:-1].split(b"\n")
        #: What is put into each line; None for lines that are no rows.
        self.added: list[bytes | None] = [None] * len(self.lines)
        self.outcome = Outcome(payload=None, read=0, written=0)
        self.nulls = annotator.nulls
        self.missing = 0
        self.fields: set[str] = set()

    def scan(self) -> list[int]:
        """Label what the compiled scan is sure of; the numbers of all other lines."""
        raise NotImplementedError

    def row_of(self, content: bytes) -> dict[str, Any] | None:
        """The row that a line is; None of a blank line.

        Raises:
            ValueError: it is none; the message says why.
        """
        raise NotImplementedError

    def front(self, line: bytes) -> bytes:
        """What stands before the added fields: a JSON object without its last brace."""
        raise NotImplementedError

    def label_rows(self, column: Column, numbers: Any, unsure: Any) -> list[bytes]:
        """What is added to each row of a column, where it is text.

        Args:
            column: the texts.
            numbers: (rows,) line of each.
            unsure: (lines,) bool, set where a text is not UTF-8.
        """
        from arabench.text.compiled.sentence_kernel import invalid_rows

        invalid = np.zeros(len(column.starts), dtype=np.uint8)
        invalid_rows(column.data, column.starts, column.ends, invalid)
        unsure[numbers[invalid != 0]] = True
        return self.annotator.json_of_column(column)

    def parse(self, numbers: Sequence[int]) -> None:
        """Label lines through a parser; what is no row is set aside.

        Raises:
            UsageError: a row has a field of the name of one that is added.
        """
        filled: list[int] = []
        texts: list[str] = []
        for number in numbers:
            row = self._row(number)
            if row is None:
                continue
            self.annotator.refuse_fields_of(row)
            text = row[self.text_field]
            if text is None:
                self.added[number] = self.nulls
                self.outcome.null += 1
            else:
                filled.append(number)
                texts.append(text)
        parts = self.annotator.json_of_texts(texts)
        for number, part in zip(filled, parts, strict=True):
            self.added[number] = part

    def _row(self, number: int) -> dict[str, Any] | None:
        content = self.lines[number].removesuffix(b"\r")
        try:
            return self.row_of(content)
        except readers.MissingFieldError as error:
            self.missing += 1
            self.fields.update(error.fields)
            reason = str(error)
        except ValueError as error:
            reason = str(error)
        line = self.first_line + number
        self.outcome.rejects.append(Reject(self.name, line, reason, content))
        return None

    def written(self) -> list[bytes]:
        """The lines with what was added."""
        front = self.front
        pieces = [
            b"%b,%b}\n" % (front(line), part)
            for line, part in zip(self.lines, self.added, strict=True)
            if part is not None
        ]
        self.outcome.written = len(pieces)
        # In the order of lines: those that a scan was unsure of came later.
        self.outcome.rejects.sort(key=lambda reject: reject.line)
        return pieces


class _JsonLines(_Lines):
    """JSON lines, of which every byte is kept."""

    def scan(self) -> list[int]:
        from arabench.corpus.lanes.compiled import json_kernel

        size, count = len(self.data), len(self.lines)
        data = np.empty(2 * size + _SLACK, dtype=np.uint8)
        data[:size] = np.frombuffer(self.data, dtype=np.uint8)
        key = np.frombuffer(self.text_field.encode("utf-8", "surrogatepass") or b"\0", np.uint8)
        kinds = np.empty(count, dtype=np.uint8)
        spans, heads, tails = (np.empty((count, 2), dtype=np.int64) for _ in range(3))
        starts, ends = (np.empty(count, dtype=np.int64) for _ in range(2))
        _, rows = json_kernel.scan_json_lines(
            data, size, key, kinds, spans, heads, starts, ends, tails
        )
        numbers = np.flatnonzero(kinds <= json_kernel.NULL)
        unsure = kinds == json_kernel.ODD
        parts = self.label_rows(Column(data, starts[:rows], ends[:rows]), numbers, unsure)
        unsure[self._may_have_fields()] = True
        sure = ~unsure[numbers]
        null = (kinds == json_kernel.NULL) & ~unsure
        for row, line in zip(np.flatnonzero(sure).tolist(), numbers[sure].tolist(), strict=True):
            self.added[line] = parts[row]
        for line in np.flatnonzero(null).tolist():
            self.added[line] = self.nulls
        self.outcome.null += int(null.sum())
        rest: list[int] = np.flatnonzero(unsure).tolist()
        return rest

    def _may_have_fields(self) -> list[int]:
        """Lines in which the name of a new field stands as a string."""
        names = [orjson.dumps(name) for name in self.annotator.fields]
        if not any(name in self.data for name in names):
            return []
        return [
            number for number, line in enumerate(self.lines) if any(name in line for name in names)
        ]

    def row_of(self, content: bytes) -> dict[str, Any] | None:
        return readers.parse_json_line(content, self.text_field) if content.strip() else None

    def front(self, line: bytes) -> bytes:
        return line[:-1] if line[-1] == _BRACE else line.rstrip(_BLANKS)[:-1]


class _TextLines(_Lines):
    """Lines of plain text, each a row with nothing but its text."""

    def __init__(self, name: str, annotator: Annotator, text_field: str, block: LineBlock) -> None:
        super().__init__(name, annotator, text_field, block)
        annotator.refuse_fields_of([text_field])
        self._key = b"{" + orjson.dumps(text_field) + b":"

    def scan(self) -> list[int]:
        from arabench.corpus.lanes.compiled import json_kernel

        size, count = len(self.data), len(self.lines)
        data = np.empty(size + _SLACK, dtype=np.uint8)
        data[:size] = np.frombuffer(self.data, dtype=np.uint8)
        spans = np.empty((count, 2), dtype=np.int64)
        json_kernel.scan_text_lines(data, size, spans)
        unsure = np.zeros(count, dtype=np.bool_)
        column = Column(data, spans[:, 0].copy(), spans[:, 1].copy())
        self.added = list(self.label_rows(column, np.arange(count), unsure))
        rest: list[int] = np.flatnonzero(unsure).tolist()
        for line in rest:
            self.added[line] = None
        return rest

    def row_of(self, content: bytes) -> dict[str, Any] | None:
        return readers.parse_text_line(content, self.text_field)

    def front(self, line: bytes) -> bytes:
        return self._key + orjson.dumps(line.removesuffix(b"\r").decode("utf-8"))


@dataclass
class LabelColumnLane:
    """Adds columns to record batches."""

    source: str
    source_format: Format
    annotator: Annotator
    io: IoOptions
    writer: RowWriter

    def chunks(self) -> Iterator[tuple[pa.RecordBatch, int, int]]:
        """Record batches in order, the number of their first row, and bytes read for them."""
        schema = read_schema(self.source, self.source_format)
        check_text_column(self.source, schema, self.io.text_field)
        self.annotator.refuse_fields_of(schema.names)
        first_row = 1
        for columns, consumed in record_batches(
            self.source, self.source_format, self.io.chunk_bytes(BATCH_BYTES)
        ):
            yield columns, first_row, consumed
            first_row += columns.num_rows

    def process(self, chunk: tuple[pa.RecordBatch, int, int]) -> Outcome:
        """Label one batch; rows that are not UTF-8 are set aside."""
        columns, first_row, consumed = chunk
        rows = columns.num_rows
        text = Column.of(text_column(columns, self.io.text_field))
        rejects: list[Reject] = []
        bad = _invalid(text, compiled=self.annotator.compiles_for(text.size // 2))
        if bad:
            for row in bad:
                reason = _why_invalid(text.raw(row))
                rejects.append(Reject(self.source, first_row + row, reason, text.raw(row)))
            known = set(bad)
            columns = take_rows(columns, [row for row in range(rows) if row not in known])
            text = Column.of(text_column(columns, self.io.text_field))
        for name, array in self.annotator.arrays_of_column(text):
            columns = columns.append_column(name, array)
        return Outcome(
            payload=columns,
            read=rows,
            written=columns.num_rows,
            null=text.null_count,
            rejects=rejects,
            bytes_read=consumed,
        )

    def write(self, outcome: Outcome) -> None:
        """Write the batch."""
        self.writer.write_columns(outcome.payload)


def _invalid(text: Column, *, compiled: bool) -> list[int]:
    """Rows that are not UTF-8."""
    if not compiled:
        return [row for row in text.filled() if _why_invalid(text.raw(row))]
    from arabench.text.compiled.sentence_kernel import invalid_rows

    invalid = np.zeros(len(text.starts), dtype=np.uint8)
    invalid_rows(text.data, text.starts, text.ends, invalid)
    rows: list[int] = np.flatnonzero(invalid).tolist()
    return rows


def _why_invalid(raw: bytes) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"invalid UTF-8 at byte {error.start}"
    return ""
