"""Compressed streams of bytes: gzip, zstd, bz2 and xz, in constant memory.

Reading gzip and zstd goes through pyarrow, a base dependency that carries these codecs; bz2
and xz through the standard library. Writing makes a chain of complete members (gzip),
frames (zstd) or streams (bz2, xz), one per block, which every tool reads as one file: so
threads can compress blocks on their own with `compress_block`. Each carries a checksum.

A file cut exactly between two members cannot be told from a complete one; cut anywhere
else it is refused.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import IO, Any, Final

from arabench.corpus.formats.names import Codec
from arabench.errors import DataError
from arabench.files.atomic import STDIO

#: Bytes that one written member holds before compression. Larger members compress no better
#: (zstd's window at level 3 is 2 MiB, gzip's 32 KiB).
MEMBER_BYTES: Final = 4 << 20
#: zstd's own default. On Arabic Wikipedia: the size of gzip -6 at eight times its speed.
ZSTD_LEVEL: Final = 3
#: gzip's own default. 9 is 3 % smaller on Arabic Wikipedia, at a third of the speed.
GZIP_LEVEL: Final = 6
#: More output per input byte than this is no text: Arabic text shrinks 3 to 8 times, and lines
#: that are all the same about 1,000 times only while there are few of them.
MAX_EXPANSION: Final = 1000
#: Output that is let through before the expansion is judged, so that a small file of
#: one repeated line, or 100 MB on one line, still passes.
EXPANSION_FREE_BYTES: Final = 256 << 20
#: Memory that one xz stream may ask for; xz -9 needs 65 MiB.
XZ_MEMORY_BYTES: Final = 256 << 20
_BLOCK_BYTES: Final = 1 << 20

_Bytes = bytes | bytearray | memoryview


def compress_block(data: _Bytes, codec: Codec) -> bytes:
    """`data` as one complete member or frame; members may be joined by writing one after another.

    Safe in threads, which run at once: every codec releases the interpreter's lock.
    """
    if codec == "zstd":
        import pyarrow as pa

        frame = pa.Codec("zstd", compression_level=ZSTD_LEVEL).compress(data, asbytes=True)
        return _with_checksum(frame, data)
    if codec == "gzip":
        import zlib

        return zlib.compress(data, level=GZIP_LEVEL, wbits=31)  # 31: gzip header, no time in it
    if codec == "bz2":
        import bz2

        return bz2.compress(data)
    import lzma

    return lzma.compress(data)


def _with_checksum(frame: bytes, data: _Bytes) -> bytes:
    """A zstd frame with the content checksum that the `zstd` program writes and pyarrow does not.

    RFC 8878, 3.1.1: bit 2 of the descriptor behind the magic number announces four bytes
    behind the last block, the lower half of XXH64 of the content.
    """
    import xxhash

    checksum = xxhash.xxh64_intdigest(data) & 0xFFFFFFFF
    descriptor = bytes([frame[4] | 0x04])
    return b"".join([frame[:4], descriptor, frame[5:], checksum.to_bytes(4, "little")])


class CompressedWriter:
    """Compresses what is written to it, in members of `member_bytes`, onto another stream.

    `finish` writes the last member; the other stream stays open. Where the members lie
    depends only on what is written, not on how it is cut into calls of `write`.
    """

    def __init__(self, stream: IO[bytes], codec: Codec, member_bytes: int | None = None) -> None:
        self.codec = codec
        self._member_bytes = min(MEMBER_BYTES, member_bytes or MEMBER_BYTES)
        self._stream = stream
        self._waiting = bytearray()
        self._members = 0

    def write(self, data: _Bytes, /) -> int:
        """Take bytes; compress them once there are enough for a member."""
        self._waiting += data
        size = self._member_bytes
        if len(self._waiting) >= size:
            with memoryview(self._waiting) as view:
                whole = len(view) - len(view) % size
                for start in range(0, whole, size):
                    self._put(compress_block(view[start : start + size], self.codec))
            del self._waiting[:whole]
        return memoryview(data).nbytes

    def write_member(self, member: bytes) -> None:
        """Take a member made by `compress_block`; it follows what was written before."""
        self._finish_member()
        self._put(member)

    def finish(self) -> None:
        """Write the last member; without any, an empty one, because no member is no file."""
        self._finish_member()
        if not self._members:
            self._put(compress_block(b"", self.codec))

    def _finish_member(self) -> None:
        if self._waiting:
            self._put(compress_block(bytes(self._waiting), self.codec))
            self._waiting.clear()

    def _put(self, member: bytes) -> None:
        self._stream.write(member)
        self._members += 1


class DamagedStreamError(DataError):
    """A compressed file that ends too early, is damaged or expands beyond measure."""


class ByteSource:
    """The bytes of a file or of standard input, decompressed while they are read.

    Attributes:
        name: the path, or `<stdin>`, for messages.
        codec: how it is compressed; None if it is not.
        consumed: bytes of the file itself that were read so far, for progress.
    """

    def __init__(self, path: str, codec: Codec | None = None) -> None:
        self.name = "<stdin>" if path == STDIO else path
        self.codec = codec
        self._file = _Counted(sys.stdin.buffer if path == STDIO else open(path, "rb"))  # noqa: SIM115, PTH123
        self._owned = path != STDIO
        self._given_out = 0
        self._stream: Any = self._file
        self._errors: tuple[type[Exception], ...] = (OSError, EOFError)
        if codec in ("bz2", "xz"):
            import lzma

            self._errors = (OSError, EOFError, lzma.LZMAError)
            self._stream = _MemberReader(self._file, codec)
        elif codec is not None:
            import pyarrow as pa

            self._errors = (OSError, pa.ArrowException)
            self._stream = pa.CompressedInputStream(pa.PythonFile(self._file, mode="r"), codec)

    @property
    def consumed(self) -> int:
        """Bytes of the file that were read so far."""
        return self._file.count

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end of the data, where it is b"".

        Raises:
            DamagedStreamError: the compressed data is cut, damaged or a decompression bomb.
            OSError: the disk or pipe cannot be read.
        """
        if self.codec is None:
            return self._file.read(size)
        try:
            data: bytes = self._stream.read(size)
        except self._errors as error:
            if self._file.failed:
                raise
            raise DamagedStreamError(self._complaint(str(error))) from error
        self._given_out += len(data)
        if (
            self._given_out > EXPANSION_FREE_BYTES
            and self._given_out > MAX_EXPANSION * self.consumed
        ):
            raise DamagedStreamError(
                f"{self.name!r} expands more than {MAX_EXPANSION} times "
                f"({self.consumed} bytes gave {self._given_out} so far): that is no text but a "
                "decompression bomb. Leave the file out"
            )
        return data

    def read_into(self, buffer: memoryview) -> int:
        """Fill the beginning of `buffer` from a file that is not compressed; 0 at its end."""
        assert self.codec is None
        return self._file.read_into(buffer)

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._owned:
            self._file.stream.close()

    def __enter__(self) -> ByteSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _complaint(self, fault: str) -> str:
        where = f"after {self._given_out} decompressed bytes"
        lower = fault.lower()
        if "truncated" in lower or "ended before" in lower:
            return f"{self.name!r} is cut short: its {self.codec} data ends {where}. Fetch it again"
        if "memory" in lower:
            return (
                f"{self.name!r} needs more than 128 MiB to decompress one window ({where}). "
                "Compress it again without --long or --ultra"
            )
        return (
            f"{self.name!r} is damaged or no {self.codec} data ({where}: {fault}). "
            "Check its suffix, or fetch it again"
        )


class _Counted:
    """Counts the bytes read from a stream, and remembers whether reading it failed."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.count = 0
        self.failed = False
        self.closed = False

    def read(self, size: int) -> bytes:
        try:
            data = self.stream.read(size)
        except OSError:
            self.failed = True
            raise
        self.count += len(data)
        return data

    def read_into(self, buffer: memoryview) -> int:
        try:
            size: int = self.stream.readinto(buffer)  # type: ignore[attr-defined]  # buffered
        except OSError:
            self.failed = True
            raise
        self.count += size
        return size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Left to `ByteSource.close`."""


class _MemberReader:
    """One xz or bz2 stream after another, each within `XZ_MEMORY_BYTES`.

    pyarrow has no xz, and fails on a bz2 stream of nothing among others.
    """

    def __init__(self, file: _Counted, codec: Codec) -> None:
        self._file = file
        self._codec = codec
        self._decoder: Any = None
        self._waiting = b""

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end."""
        parts: list[bytes] = []
        wanted = size
        while wanted > 0 and (part := self._some(wanted)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def _some(self, size: int) -> bytes:
        """At least one byte, unless the data has ended."""
        while True:
            if (self._decoder is None or self._decoder.eof) and not self._begin_member():
                return b""
            if self._decoder.needs_input and not self._waiting:
                self._waiting = self._file.read(_BLOCK_BYTES)
                if not self._waiting:
                    raise OSError("truncated stream")
            given, self._waiting = self._waiting, b""
            data: bytes = self._decoder.decompress(given, max_length=size)
            if data:
                return data

    def _begin_member(self) -> bool:
        """Whether there is one more."""
        is_first = self._decoder is None
        rest = b"" if is_first else self._decoder.unused_data
        while True:
            if self._codec == "xz" and not is_first:
                rest = rest.lstrip(b"\0")  # padding to a multiple of four bytes
            if rest:
                break
            rest = self._file.read(_BLOCK_BYTES)
            if not rest:
                return False
        self._waiting = rest
        self._decoder = self._new_decoder()
        return True

    def _new_decoder(self) -> Any:
        if self._codec == "bz2":
            import bz2

            return bz2.BZ2Decompressor()
        import lzma

        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)
