"""Blocks of whole lines from a stream of bytes, in bounded memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from arabench.corpus.formats.compression import ByteSource, DamagedStreamError
from arabench.corpus.formats.rows import BATCH_BYTES
from arabench.errors import DataError

#: A longer line is no text but a file of another kind, or a bomb; it would have to be held whole.
MAX_LINE_BYTES: Final = 256 << 20
#: Lines that Python splits and parses one by one stay in the processor's cache.
READ_BYTES: Final = 256 << 10
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

#: First bytes of files that are no UTF-8 text, with what to do about them.
_OTHER_KINDS: Final = {
    b"\xff\xfe": "is UTF-16, not UTF-8. Convert it with: iconv -f UTF-16 -t UTF-8",
    b"\xfe\xff": "is UTF-16, not UTF-8. Convert it with: iconv -f UTF-16 -t UTF-8",
    b"\x1f\x8b": "is compressed with gzip: its name must end in .gz, or the format in jsonl.gz",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd: its name must end in .zst, or the format in "
    "jsonl.zst",
    b"\xfd7zXZ\x00": "is compressed with xz: its name must end in .xz, or the format in jsonl.xz",
    b"PAR1\x15": "is Parquet, not lines of text. Name it .parquet or use --input-format parquet",
    b"ARROW1\x00\x00": "is Arrow, not lines of text. Name it .arrow or use --input-format arrow",
}


@dataclass(slots=True)
class LineBlock:
    """Whole lines.

    Attributes:
        data: lines with their ends; only the last line of a file may lack one.
        first_line: number of the first line, from 1.
        consumed: bytes of the file that were read for it (compressed ones, if it is compressed).
    """

    data: bytes
    first_line: int
    consumed: int


def line_blocks(source: ByteSource, size: int = BATCH_BYTES) -> Iterator[LineBlock]:
    """Blocks of about `size` bytes (more only for a longer line), without a byte order mark.

    Raises:
        DataError: the stream fails, is another kind of file, is a compressed file of
            nothing, or has a line beyond `MAX_LINE_BYTES`.
    """
    parts: list[bytes] = []
    held = 0
    line = 1
    consumed = 0
    at_start = True
    while data := _read(source, size, line):
        if at_start:
            refuse_other_kinds(source.name, data)
            data = data.removeprefix(BYTE_ORDER_MARK)
            at_start = False
        cut = data.rfind(b"\n") + 1
        if not cut:
            parts.append(data)
            held += len(data)
            if held > MAX_LINE_BYTES:
                raise too_long(source.name, line)
            continue
        parts.append(data[:cut])
        block = b"".join(parts)
        parts, held = [data[cut:]], len(data) - cut
        del data
        # Of plain files what lies in `parts` counts for the block that it will be in.
        upto = source.consumed - (held if source.codec is None else 0)
        yield LineBlock(block, line, upto - consumed)
        line += block.count(b"\n")
        consumed = upto
    if at_start and source.codec is not None:
        raise DataError(f"input {source.name!r} is empty: there is nothing to process.")
    if held:
        yield LineBlock(b"".join(parts), line, source.consumed - consumed)


def too_long(name: str, line: int) -> DataError:
    """The error about a line that would have to be held whole."""
    return DataError(
        f"line {line} of {name!r} is longer than {MAX_LINE_BYTES >> 20} MiB. "
        "Split it, or check that the file is text."
    )


@contextlib.contextmanager
def read_errors(source: ByteSource, line: int) -> Iterator[None]:
    """Say of a failed read how far it got: up to `line`, the next one to come."""
    try:
        yield
    except DamagedStreamError as error:
        raise DataError(f"{error} (line {line - 1} was the last whole one).") from error
    except OSError as error:
        raise DataError(
            f"{source.name!r} cannot be read beyond line {line - 1}: {error.strerror or error}. "
            "Check the file and its disk."
        ) from error


def _read(source: ByteSource, size: int, line: int) -> bytes:
    with read_errors(source, line):
        return source.read(size)


def refuse_other_kinds(name: str, data: bytes) -> None:
    """Raise `DataError` where the first bytes of a file say that it is no UTF-8 text."""
    for mark, remedy in _OTHER_KINDS.items():
        if data.startswith(mark):
            raise DataError(f"{name!r} {remedy}.")
