"""Lines to lines of the same format without parsing rows: JSON lines and plain text.

Of a JSON line only the string of the text field is written anew; every other byte is
kept, other fields, their order and their white space included. Lines the compiled scan
is unsure of, and all lines of small inputs, take the exact path through Python objects,
which gives the same bytes. A line that has the field twice is written anew from what a
parser sees (the last one counts).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from arabench.corpus.formats import lines, readers
from arabench.corpus.formats.compression import MEMBER_BYTES, ByteSource, compress_block
from arabench.corpus.formats.lines import (
    BYTE_ORDER_MARK,
    LineBlock,
    line_blocks,
    read_errors,
    refuse_other_kinds,
    too_long,
)
from arabench.corpus.formats.names import Codec
from arabench.corpus.formats.readers import Reject
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.lane import Outcome
from arabench.files.atomic import STDIO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arabench.corpus.formats.writers import RowWriter
    from arabench.corpus.step import SpanRewriter, TextEngine

#: Bytes read at once: small enough for the processor's cache, large enough that the work
#: per block outweighs Python's.
BLOCK_BYTES: Final = 2 << 20
#: Bytes behind the lines: one LF more, and what the compiled scan may read.
SLACK: Final = 16

_LF: Final = 10
_LINE_BREAKS = re.compile(r"[\r\n]+")
_SPACES = re.compile(r"[ \t\n\r]*")


@dataclass(slots=True)
class Block:
    """Whole lines.

    Attributes:
        data: (bytes,) uint8: the lines, each ended by LF, then at least as many free bytes and
            `SLACK`.
        size: bytes of the lines.
        first_line: number of the first line, from 1.
        lines: how many there are.
        consumed: bytes of the file that were read for it.
    """

    data: NDArray[np.uint8]
    size: int
    first_line: int
    lines: int
    consumed: int

    @classmethod
    def of(cls, block: LineBlock, buffers: _Buffers) -> Block:
        """A copy of `block`."""
        size = len(block.data)
        data = buffers.take(2 * size + SLACK)
        data[:size] = np.frombuffer(block.data, dtype=np.uint8)
        return cls._ended(data, size, block.first_line, block.consumed)

    @classmethod
    def _ended(cls, data: NDArray[np.uint8], size: int, line: int, consumed: int) -> Block:
        if data[size - 1] != _LF:
            data[size] = _LF
            size += 1
        return cls(data, size, line, int(np.count_nonzero(data[:size] == _LF)), consumed)


@dataclass
class LineLane:
    """Normalizes the text of lines; `as_json` for JSON lines, else plain text."""

    source: str
    codec: Codec | None
    as_json: bool
    engine: TextEngine
    io: IoOptions
    writer: RowWriter
    target_codec: Codec | None = None
    _inputs: _Buffers = field(default_factory=lambda: _Buffers())
    _outputs: _Buffers = field(default_factory=lambda: _Buffers())
    _rows_seen: int = 0
    _missing: int = 0
    _fields_seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.name = "<stdin>" if self.source == STDIO else self.source

    def chunks(self) -> Iterator[Block]:
        """Blocks of whole lines; where they are cut depends on the source and options alone."""
        size = self.io.chunk_bytes(BLOCK_BYTES)
        if self.target_codec is not None:
            size = self.io.chunk_bytes(MEMBER_BYTES, shrinks=True)
        with ByteSource(self.source, self.codec) as source:
            if self.codec is None:
                yield from _read_blocks(source, size, self._inputs)
            else:
                for block in line_blocks(source, size):
                    yield Block.of(block, self._inputs)

    def process(self, chunk: Block) -> Outcome:
        """Normalize the lines of a block."""
        work = _Work(self.name, self.as_json, self.io.text_field, self.engine)
        # Two bytes make an Arabic letter.
        kernel = self.engine.kernel_for(chunk.size // 2)
        if kernel is None:
            work.by_reference(chunk)
        else:
            # Most options lengthen no text; where one does, the kernel takes a larger buffer.
            out = self._outputs.take(chunk.size + chunk.size // 8 + 65536)
            work.compiled(chunk, kernel, out)
        self._inputs.give_back(chunk.data)
        outcome = work.outcome
        outcome.bytes_read = chunk.consumed
        outcome.read = outcome.written + len(outcome.rejects)
        outcome.payload = work
        if self.target_codec is not None and work.pieces:
            # Here and not in the writer: threads compress at the same time.
            work.pieces = [compress_block(b"".join(work.pieces), self.target_codec)]
        return outcome

    def write(self, outcome: Outcome) -> None:
        """Write the lines, after a check that the field exists at all."""
        work: _Work = outcome.payload
        self._rows_seen += outcome.written
        self._missing += work.missing
        self._fields_seen |= work.fields
        readers.refuse_wrong_field(
            self.name, self.io.text_field, self._rows_seen, self._missing, self._fields_seen
        )
        self.writer.write_lines(work.pieces, work.joined, compressed=self.target_codec is not None)
        if work.buffer is not None:
            self._outputs.give_back(work.buffer)


class _Buffers:
    """Memory used again: fresh pages cost more than the work done in them."""

    def __init__(self) -> None:
        self._free: SimpleQueue[NDArray[np.uint8]] = SimpleQueue()

    def take(self, capacity: int) -> NDArray[np.uint8]:
        """A buffer of at least `capacity` bytes."""
        try:
            buffer = self._free.get_nowait()
        except Empty:
            return np.empty(capacity, dtype=np.uint8)
        return buffer if len(buffer) >= capacity else np.empty(capacity, dtype=np.uint8)

    def give_back(self, buffer: NDArray[np.uint8]) -> None:
        """Hand over a buffer that nothing refers to any more."""
        self._free.put(buffer)


def _read_blocks(source: ByteSource, size: int, buffers: _Buffers) -> Iterator[Block]:
    """As `line_blocks`, read where the lines will stay: of a file that is not compressed."""
    rest = np.empty(0, dtype=np.uint8)
    line, is_first = 1, True
    while True:
        held = len(rest)
        data = buffers.take(2 * (held + size) + SLACK)
        data[:held] = rest
        end = consumed = 0
        while not end:
            if held > lines.MAX_LINE_BYTES:
                raise too_long(source.name, line)
            if 2 * (held + size) + SLACK > len(data):
                data = np.concatenate([data[:held], np.empty(3 * held + 2 * size, dtype=np.uint8)])
            with read_errors(source, line):
                count = source.read_into(memoryview(data)[held : held + size])  # type: ignore[arg-type]
            consumed += count
            ended = count == 0
            if is_first:
                is_first = False
                refuse_other_kinds(source.name, data[: min(count, 16)].tobytes())
                if data[:3].tobytes() == BYTE_ORDER_MARK:
                    count -= 3
                    data[:count] = data[3 : count + 3].copy()
            if ended:
                if held:
                    yield Block._ended(data, held, line, consumed + len(rest))
                return
            end = _after_last_line(data, held, held + count)
            held += count
        # Bytes of a line that is not whole count for the block that it will be in.
        carried = held - end
        block = Block._ended(data, end, line, consumed + len(rest) - carried)
        rest = data[end:held].copy()
        line += block.lines
        yield block


def _after_last_line(data: NDArray[np.uint8], first: int, end: int) -> int:
    """One past the last LF in `data[first:end]`, or 0."""
    while end > first:
        start = max(first, end - 4096)
        found = data[start:end].tobytes().rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


class _Work:
    """One block on its way."""

    def __init__(self, name: str, as_json: bool, text_field: str, engine: TextEngine) -> None:
        self.name = name
        self.as_json = as_json
        self.text_field = text_field
        self.normalize = engine.reference.normalize
        self.outcome = Outcome(payload=None, read=0, written=0)
        self.pieces: list[Any] = []
        self.joined = 0
        self.missing = 0
        self.fields: set[str] = set()
        self.buffer: NDArray[np.uint8] | None = None

    def by_reference(self, block: Block) -> None:
        """All lines through Python."""
        for offset, line in enumerate(block.data[: block.size - 1].tobytes().split(b"\n")):
            self._rewrite(line.removesuffix(b"\r"), block.first_line + offset)

    def compiled(self, block: Block, kernel: SpanRewriter, buffer: NDArray[np.uint8]) -> None:
        """Most lines through the kernel, the odd ones through Python.

        Args:
            block: the lines; what is free behind them is used.
            kernel: the engine.
            buffer: memory for the result, which `pieces` refers to.
        """
        from arabench.corpus.lanes.compiled import json_kernel as scan
        from arabench.text.compiled.kernel import AS_JSON, AS_LINE, CHANGED, DONE

        data, size, count = block.data, block.size, block.lines
        spans = np.empty((count, 2), dtype=np.int64)
        kinds = np.full(count, scan.FOUND, dtype=np.uint8)
        if self.as_json:
            key = np.frombuffer(self.text_field.encode() or b"\0", dtype=np.uint8)
            heads, tails = np.empty_like(spans), np.empty_like(spans)
            starts, ends = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
            _, rows = scan.scan_json_lines(
                data, size, key, kinds, spans, heads, starts, ends, tails
            )
            starts, ends, heads, tails = starts[:rows], ends[:rows], heads[:rows], tails[:rows]
        else:
            scan.scan_text_lines(data, size, spans)
            starts, ends = spans[:, 0].copy(), spans[:, 1].copy()
            heads, tails = np.stack([starts, starts], axis=1), np.stack([ends, ends], axis=1)
        out, out_ends, status = kernel.normalize_spans(
            data, starts, ends, heads, tails, AS_JSON if self.as_json else AS_LINE, buffer
        )
        self.buffer = out.base if out.base is not None else out
        is_row = kinds <= scan.NULL
        done = (status & ~np.uint8(CHANGED)) == DONE
        self.outcome.written += int(done.sum())
        self.outcome.changed += int((status[done] & CHANGED != 0).sum())
        self.outcome.null += int((kinds == scan.NULL).sum())
        odd = kinds == scan.ODD
        odd[np.flatnonzero(is_row)[~done]] = True
        rows_before = np.cumsum(is_row)
        position = 0
        view = out.data
        for line in np.flatnonzero(odd).tolist():
            row = int(rows_before[line]) - int(is_row[line])
            cut = int(out_ends[row - 1]) if row else 0
            if cut > position:
                self.pieces.append(view[position:cut])
            # A row that an early pass could not settle has an empty frame here.
            position = int(out_ends[row]) if is_row[line] else cut
            start, end = spans[line].tolist()
            self._rewrite(data[start:end].tobytes(), block.first_line + line)
        if position < len(out):
            self.pieces.append(view[position:])

    def _rewrite(self, content: bytes, number: int) -> None:
        if self.as_json and not content.strip():
            return
        try:
            parse = readers.parse_json_line if self.as_json else readers.parse_text_line
            row = parse(content, self.text_field)
        except readers.MissingFieldError as error:
            self.missing += 1
            self.fields.update(error.fields)
            self.outcome.rejects.append(Reject(self.name, number, str(error), content))
            return
        except ValueError as error:
            self.outcome.rejects.append(Reject(self.name, number, str(error), content))
            return
        self.outcome.written += 1
        before = row[self.text_field]
        if before is None:
            self.outcome.null += 1
            self.pieces.append(content + b"\n")
            return
        after = self.normalize(before)
        self.outcome.changed += after != before
        if self.as_json:
            self.pieces.append(splice(content, self.text_field, row, after) + b"\n")
        else:
            line, joined = _LINE_BREAKS.subn(" ", after)
            self.joined += joined
            self.pieces.append(line.encode() + b"\n")


def splice(content: bytes, text_field: str, row: dict[str, Any], after: str) -> bytes:
    """A JSON line with the string of one top-level field replaced, all other bytes kept.

    Args:
        content: a valid JSON object with that field.
        text_field: its key.
        row: what a parser made of `content`; used where the field stands twice.
        after: the new string.
    """
    text = content.decode("utf-8")
    span = _value_span(text, text_field)
    if span is None:
        from arabench.corpus.formats.writers import json_line

        return json_line({**row, text_field: after}).removesuffix(b"\n")
    start, end = span
    return text[:start].encode() + orjson.dumps(after) + text[end:].encode()


def _value_span(text: str, name: str) -> tuple[int, int] | None:
    """Where the value of a top-level key stands; None if the key stands twice."""
    decoder = json.JSONDecoder(strict=True)
    found: tuple[int, int] | None = None
    at = _blank(text, _blank(text, 0) + 1)
    while text[at] != "}":
        if text[at] == ",":
            at = _blank(text, at + 1)
        key, at = decoder.raw_decode(text, at)
        at = _blank(text, _blank(text, at) + 1)  # the colon
        _, end = decoder.raw_decode(text, at)
        if key == name:
            if found is not None:
                return None
            found = (at, end)
        at = _blank(text, end)
    return found


def _blank(text: str, at: int) -> int:
    match = _SPACES.match(text, at)
    return match.end() if match else at
