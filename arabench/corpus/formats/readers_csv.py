"""Reading CSV and TSV: every cell's text exactly as it stands, no guessing of types.

CSV follows RFC 4180: cells between commas, quoted ones may hold commas, line breaks and doubled
quotes. TSV is read the same with tabs, except that a cell which begins with a quote
but is not quoted to its end is plain text, because most TSV corpora of tweets quote nothing.
The first row names the columns. Rows with other than that number of cells, or
with quoting that does not hold, are rejects.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final, Literal

from arabench.corpus.formats.compression import ByteSource
from arabench.corpus.formats.lines import MAX_LINE_BYTES, READ_BYTES, line_blocks
from arabench.corpus.formats.rows import BATCH_BYTES, BATCH_LINES, Batch, Reject, choices
from arabench.errors import DataError, UsageError

DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
#: Characters of one TSV row over several lines beyond which its quote is taken for plain text.
_TSV_ROW_CHARS: Final = 1 << 20


def csv_batches(
    source: ByteSource,
    text_field: str,
    file_format: Literal["csv", "tsv"] | str,
    batch_chars: int = BATCH_BYTES,
) -> Iterator[Batch]:
    """Batches of rows; all values are strings.

    Raises:
        UsageError: no such column, or two of one name.
        DataError: no header, or a quote that is not closed within `MAX_LINE_BYTES`.
    """
    # The module's own limit of 128 KiB per cell is for the whole process; it is only raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    records = _Records(source, DELIMITERS[file_format], lenient=file_format == "tsv")
    header = _header(records, source.name, text_field, file_format)
    batch = Batch()
    size = 0
    for number, cells, fault in records:
        if cells is None:
            batch.rejects.append(Reject(source.name, number, fault, records.raw()))
        elif len(cells) == len(header):
            batch.rows.append(dict(zip(header, cells, strict=True)))
        elif cells:  # an empty line is no row
            reason = f"wrong number of cells: {len(cells)} instead of {len(header)}"
            batch.rejects.append(Reject(source.name, number, reason, records.raw()))
        size += records.chars
        if size >= batch_chars or len(batch.rows) + len(batch.rejects) >= BATCH_LINES:
            batch.bytes_read = records.take_consumed()
            yield batch
            batch, size = Batch(), 0
    batch.bytes_read = records.take_consumed()
    if batch.rows or batch.rejects or batch.bytes_read:
        yield batch


def _header(records: _Records, name: str, text_field: str, file_format: str) -> list[str]:
    for number, cells, fault in records:
        if cells is None:
            raise DataError(f"{name}:{number}: the row of column names has {fault}.")
        if cells:
            break
    else:
        raise DataError(f"input {name!r} has no row of column names: there is nothing to process.")
    for cell in cells:
        if cells.count(cell) > 1:
            raise UsageError(f"{name!r} has several columns of the name {cell!r}. Rename them.")
    if text_field not in cells:
        hint = _other_delimiter(cells, file_format)
        raise UsageError(
            f"{name!r} has no column {text_field!r}. {choices(text_field, cells)}{hint}"
        )
    return cells


def _other_delimiter(cells: list[str], file_format: str) -> str:
    if len(cells) > 1:
        return ""
    other = next((mark for mark in ("\t", ";", ",", "|") if mark in cells[0]), None)
    if other is None:
        return ""
    remedy = {"\t": "use --input-format tsv", ",": "use --input-format csv"}.get(
        other, "write it with commas or tabs"
    )
    return f" The names seem to be separated by {other!r}, not as {file_format} is: {remedy}."


class _Records:
    """Iterates over (line number, cells or None, fault) of logical rows.

    Attributes:
        chars: length of the last row in characters.
    """

    def __init__(self, source: ByteSource, delimiter: str, *, lenient: bool) -> None:
        self.chars = 0
        self._delimiter = delimiter
        self._lenient = lenient
        self._lines = _Lines(source, _TSV_ROW_CHARS if lenient else MAX_LINE_BYTES)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self._width: int | None = None

    def raw(self) -> bytes:
        """The last row as it stands in the file, without its line end."""
        text = "".join(self._lines.taken).removesuffix("\n").removesuffix("\r")
        return text.encode("utf-8", errors="surrogateescape")

    def take_consumed(self) -> int:
        """Bytes of the file read since the last call."""
        consumed, self._lines.consumed = self._lines.consumed, 0
        return consumed

    def __iter__(self) -> Iterator[tuple[int, list[str] | None, str]]:
        lines = self._lines
        while True:
            lines.taken.clear()
            lines.taken_chars = 0
            lines.broken = False
            number = lines.number
            try:
                cells: list[str] | None = next(self._reader)
                fault = ""
            except StopIteration:
                return
            except _EndlessError:
                if not self._lenient:
                    raise DataError(
                        f"{lines.name}:{number}: a quoted cell does not end within "
                        f"{MAX_LINE_BYTES >> 20} MiB. Close its quote, or remove the row."
                    ) from None
                cells, fault = None, ""
            except csv.Error as error:
                cells, fault = None, self._fault(error)
            if self._lenient and (cells is None or self._odd(cells)):
                literal = lines.taken[0].removesuffix("\n").removesuffix("\r")
                plain = literal.split(self._delimiter)
                if cells is None or len(plain) == self._width:
                    lines.push_back_rest()
                    cells = plain
            if lines.broken:
                cells, fault = None, self._bad_byte()
            self.chars = lines.taken_chars
            if self._width is None and cells:
                self._width = len(cells)
            yield number, cells, fault

    def _odd(self, cells: list[str]) -> bool:
        """A row of several lines with a wrong number of cells: a quote was no quoting."""
        return len(self._lines.taken) > 1 and self._width not in {None, len(cells)}

    def _fault(self, error: csv.Error) -> str:
        message = str(error)
        if "end of data" in message:
            # The rest of the file is in that cell. It holds no other lone quote, so that its
            # lines are rows of their own.
            self._lines.push_back_rest()
            return "a quote that is never closed"
        if "new-line" in message:
            return "a lone carriage return outside of quotes"
        if "expected after" in message:
            return "text behind a closing quote"
        return message

    def _bad_byte(self) -> str:
        try:
            self.raw().decode("utf-8")
        except UnicodeDecodeError as error:
            return f"invalid UTF-8 at byte {error.start}"
        return "invalid UTF-8"


class _EndlessError(Exception):
    """A quoted cell went on beyond what may be held."""


class _Lines:
    """Feeds lines to `csv.reader` and remembers those of the row at hand.

    Attributes:
        number: of the line that comes next, from 1.
        taken: lines of the row at hand; `taken_chars` is their length.
        broken: one of them was not UTF-8.
        consumed: bytes read from the file.
    """

    def __init__(self, source: ByteSource, max_chars: int) -> None:
        self.name = source.name
        self.number = 1
        self.taken: list[str] = []
        self.taken_chars = 0
        self.broken = False
        self.consumed = 0
        self._blocks = line_blocks(source, READ_BYTES)
        self._waiting: deque[str] = deque()
        self._max_chars = max_chars
        self._block_broken = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.taken_chars > self._max_chars:
            raise _EndlessError
        if not self._waiting:
            self._fill()
        line = self._waiting.popleft()
        self.taken.append(line)
        self.taken_chars += len(line)
        self.number += 1
        if self._block_broken and not line.isascii():
            self.broken = self.broken or any("\udc80" <= char <= "\udcff" for char in line)
        return line

    def push_back_rest(self) -> None:
        """Give back all lines of the row at hand but the first."""
        rest = self.taken[1:]
        del self.taken[1:]
        self._waiting.extendleft(reversed(rest))
        self.number -= len(rest)
        self.taken_chars = len(self.taken[0])

    def _fill(self) -> None:
        block = next(self._blocks)  # StopIteration ends the rows
        self.consumed += block.consumed
        try:
            text = block.data.decode("utf-8")
        except UnicodeDecodeError:
            text = block.data.decode("utf-8", errors="surrogateescape")
            self._block_broken = True
        ends = text.split("\n")
        last = ends.pop()
        self._waiting.extend([line + "\n" for line in ends])
        if last:
            self._waiting.append(last)
