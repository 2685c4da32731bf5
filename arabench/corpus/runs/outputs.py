"""One open output: its stream, its writer, and the files for rows set aside beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, cast

import orjson

from arabench.corpus.formats.writers import (
    ROW_GROUP_BYTES,
    RowWriter,
    json_value,
    open_writer,
)
from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.lane import Outcome
from arabench.corpus.runs.manifest import Counts, FileRecord, record_of
from arabench.corpus.runs.output_names import side_path
from arabench.files.atomic import atomic_writer
from arabench.files.digests import Digest, HashName, digest_path, files_below, new_digest

if TYPE_CHECKING:
    import pyarrow as pa
    from typing_extensions import Buffer

    from arabench.corpus.runs.plan import Target


class RecordedStream:
    """Counts and hashes what is written to a stream."""

    def __init__(self, stream: IO[bytes], digest: Digest | None) -> None:
        self._stream = stream
        self._digest = digest
        self._abandoned = False
        self.size = 0
        self.closed = False

    def write(self, data: Buffer, /) -> int:
        """Write bytes."""
        size = memoryview(data).nbytes
        if self._abandoned:
            return size
        if self._digest is not None:
            self._digest.update(data)
        self._stream.write(data)
        self.size += size
        return size

    def abandon(self) -> None:
        """Let go of what is written from now on: a Parquet writer ends its file when freed."""
        self._abandoned = True

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    def flush(self) -> None:
        """Hand on what is buffered."""
        self._stream.flush()

    def writable(self) -> bool:
        """Always."""
        return True

    def record(self, path: str, rows: int) -> FileRecord:
        """What was written, as the file `path`."""
        digest = None if self._digest is None else self._digest.hexdigest()
        return record_of(path, bytes=self.size, digest=digest, rows=rows)


class RecordedFolder:
    """The files of a `datasets` folder, which are counted and hashed when they are complete."""

    #: A folder is no part of a sharded output, so that nobody asks how full it is.
    size = 0

    def __init__(self, path: str, hash_name: HashName | None) -> None:
        self._path = path
        self._hash_name = hash_name

    def abandon(self) -> None:
        """Nothing to do: the files are removed with their folder."""

    def record(self, path: str, rows: int) -> FileRecord:
        """What was written, as the folder `path`."""
        size = sum(file.stat().st_size for file in files_below(self._path))
        digest = None if self._hash_name is None else digest_path(self._path, self._hash_name)
        return record_of(path, bytes=size, digest=digest, rows=rows)


class OpenOutput:
    """A file that is being written; it appears under its name in `finish`.

    Args:
        target: the file, or one of its shards: where it is and how rows are written.
        io: the field of the text.
        schema: what the columns must have.
        hash_name: digest to take of every file; None for none.
        sources: the inputs; a `datasets` folder takes over their description and licence.
    """

    def __init__(
        self,
        target: Target,
        io: IoOptions,
        schema: pa.Schema | None,
        hash_name: HashName | None,
        sources: Sequence[str] = (),
    ) -> None:
        path, file_format, codec = target.path, target.file_format, target.codec
        self.path = path
        self._is_device = target.is_device
        self.counts = Counts()
        self.losses: list[str] = []
        digest = None if hash_name is None else new_digest(hash_name)
        self._compressor: Any = None
        self.writer: RowWriter
        self.stream: RecordedStream | RecordedFolder
        with contextlib.ExitStack() as stack:
            if file_format == "datasets":
                from arabench.corpus.formats.writers_columns import DatasetWriter, atomic_dataset

                self.stream = RecordedFolder(path, hash_name)
                folder = stack.enter_context(atomic_dataset(path, sources))
                self.writer = DatasetWriter(folder, io.text_field, schema, sources)
                stack.callback(self.writer.abandon)
            else:
                self.stream = RecordedStream(
                    stack.enter_context(atomic_writer(path, to_device=target.is_device)), digest
                )
                sink: Any = self.stream
                if codec is not None:
                    from arabench.corpus.formats.compression import MEMBER_BYTES, CompressedWriter

                    member = io.chunk_bytes(MEMBER_BYTES, shrinks=True)
                    self._compressor = sink = CompressedWriter(
                        cast(IO[bytes], self.stream), codec, member
                    )
                group = io.chunk_bytes(ROW_GROUP_BYTES, shrinks=True)
                self.writer = open_writer(sink, file_format, io.text_field, schema, group)
            self._stack = stack.pop_all()
        rejects = side_path(path, "rejects", to_device=target.is_device)
        dropped = side_path(path, "dropped", to_device=target.is_device)
        self.rejects = SideFile(rejects, self._stack, hash_name)
        self.dropped = SideFile(dropped, self._stack, hash_name)

    def set_aside(self, outcome: Outcome) -> None:
        """Write the rows that the output does not hold, and count all."""
        self.rejects.write([reject.as_json() for reject in outcome.rejects])
        self.dropped.write([_dropped_line(row, reason) for row, reason in outcome.dropped])
        self.counts.count(outcome)

    def finish(self) -> None:
        """Complete the files: side files first, so that an output is never without them."""
        with self._stack:
            self.writer.close()
            if self._compressor is not None:
                self._compressor.finish()
            self.losses = self.writer.losses()
        for side in (self.rejects, self.dropped):
            if side.stream is None and not self._is_device:
                Path(side.path).unlink(missing_ok=True)  # of an earlier run on other data

    def abandon(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was written."""
        self.stream.abandon()
        self._stack.__exit__(kind, error, trace)

    def sides(self) -> list[SideFile]:
        """The side files that exist."""
        return [side for side in (self.rejects, self.dropped) if side.stream is not None]


class SideFile:
    """A file beside an output that exists only if something is written to it."""

    def __init__(self, path: str, stack: contextlib.ExitStack, hash_name: HashName | None) -> None:
        self.path = path
        self.rows = 0
        self.stream: RecordedStream | None = None
        self._stack = stack
        self._hash_name = hash_name

    def write(self, lines: list[bytes]) -> None:
        """Write lines; open the file with the first."""
        if not lines:
            return
        if self.stream is None:
            digest = None if self._hash_name is None else new_digest(self._hash_name)
            raw = self._stack.enter_context(atomic_writer(self.path))
            self.stream = RecordedStream(raw, digest)
        self.rows += len(lines)
        self.stream.write(b"".join(lines))

    def record(self, path: str) -> FileRecord:
        """What was written, as the file `path`."""
        if self.stream is None:
            raise ValueError("nothing was written")
        return self.stream.record(path, self.rows)


def _dropped_line(row: dict[str, Any], reason: str) -> bytes:
    return orjson.dumps(
        {"reason": reason, "row": row}, default=json_value, option=orjson.OPT_APPEND_NEWLINE
    )
