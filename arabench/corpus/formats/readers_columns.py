"""Reading Parquet, Arrow IPC and `datasets` folders: record batches of bounded size."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.corpus.formats import dataset_folders
from arabench.corpus.formats.names import Format
from arabench.corpus.formats.rows import BATCH_BYTES, BATCH_ROWS, Batch, Reject, lift_text
from arabench.corpus.formats.text_columns import (
    check_text_column,
    column_names,
    take_rows,
    text_column,
)
from arabench.errors import DataError, UsageError
from arabench.files.atomic import STDIO

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_FILE_MARK: Final = b"ARROW1"
#: Bytes of a mapped file that may be read before its pages are given back.
_MAPPED_BYTES: Final = 64 << 20


def column_batches(
    path: str, file_format: Format, text_field: str, keep_columns: bool, batch_bytes: int
) -> Iterator[Batch]:
    """Batches of rows; with `keep_columns` also as Arrow data. See `record_batches`."""
    schema = read_schema(path, file_format)
    check_text_column(path, schema, text_field)
    first_row = 1
    for columns, consumed in record_batches(path, file_format, batch_bytes):
        batch = _rows_of(columns, path, first_row, text_field, keep_columns)
        batch.bytes_read = consumed
        first_row += columns.num_rows
        yield batch


def record_batches(
    path: str, file_format: Format, batch_bytes: int = BATCH_BYTES
) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Record batches of at most `BATCH_ROWS` rows and about `batch_bytes`, and bytes consumed.

    Raises:
        UsageError: standard input, where the format cannot be read from it.
        DataError: the file is no readable file of its format, or is damaged.
    """
    if file_format == "parquet":
        batches = _parquet_batches(path, batch_bytes)
    elif file_format == "datasets":
        batches = _folder_batches(path, batch_bytes)
    else:
        batches = _ipc_batches(path, batch_bytes)
    rows = 0
    # An error of the code that takes the batches must not be taken for a damaged file.
    while True:
        try:
            item = next(batches, None)
        except _errors() as error:
            raise DataError(f"{path!r} is damaged after row {rows}: {error}") from error
        if item is None:
            return
        yield item
        rows += item[0].num_rows


def read_schema(path: str, file_format: Format = "parquet") -> pa.Schema:
    """The Arrow schema of a file of columns.

    Raises:
        UsageError: standard input.
        DataError: it is not a readable file of its format.
    """
    kind = {"parquet": "Parquet"}.get(file_format, "Arrow")
    if path == STDIO:
        raise UsageError(f"{kind} cannot be read from standard input. Name the file.")
    if file_format == "datasets":
        first = dataset_folders.data_files(path)[0]
        return read_schema(first, "arrow")
    try:
        if file_format == "parquet":
            import pyarrow.parquet as pq

            schema = pq.read_schema(path)
        else:
            with _Mapped(path) as mapped:
                schema = _open_ipc(mapped).schema
        list(column_names(schema))  # whether they are UTF-8 shows when they are looked at
        return schema
    except _errors() as error:
        raise DataError(
            f"{path!r} is not a readable {kind} file: {error}. Check its format, or fetch it again."
        ) from error


def _errors() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException, OSError, UnicodeDecodeError)


def _parquet_batches(path: str, batch_bytes: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    import pyarrow.parquet as pq

    total = max(1, Path(path).stat().st_size)
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        rows_total = max(1, file.metadata.num_rows)
        for columns in file.iter_batches(batch_size=_rows_per_batch(file.metadata, batch_bytes)):
            yield columns, total * columns.num_rows // rows_total


def _rows_per_batch(metadata: pq.FileMetaData, batch_bytes: int) -> int:
    size: int = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    bytes_per_row = max(1, size // max(1, int(metadata.num_rows)))
    return max(1, min(BATCH_ROWS, batch_bytes // bytes_per_row))


def _folder_batches(path: str, batch_bytes: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    schema = None
    for file in dataset_folders.data_files(path):
        for columns, consumed in _ipc_batches(file, batch_bytes):
            if schema is None:
                schema = columns.schema
            elif not columns.schema.equals(schema):
                raise DataError(f"{file!r} has other columns than the files before it.")
            yield columns, consumed


def _ipc_batches(path: str, batch_bytes: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    with _Mapped(path) as mapped:
        reader = _open_ipc(mapped)
        before = 0
        for whole in _all_batches(reader):
            _validate_whole(whole)
            consumed = mapped.position() - before
            before += consumed
            size = max(1, _bytes_of_rows(whole))
            per_slice = max(1, min(BATCH_ROWS, batch_bytes * whole.num_rows // size))
            for start in range(0, whole.num_rows, per_slice):
                columns = whole.slice(start, per_slice)
                _validate_rows(columns)
                yield columns, consumed * columns.num_rows // whole.num_rows
                mapped.release(columns.nbytes)


def _all_batches(
    reader: pa.RecordBatchFileReader | pa.RecordBatchStreamReader,
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    if isinstance(reader, pa.RecordBatchFileReader):
        for place in range(reader.num_record_batches):
            yield reader.get_batch(place)
    else:
        yield from reader


def _open_ipc(mapped: _Mapped) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    """A reader of an IPC file or stream, whatever the name says."""
    import pyarrow as pa

    if mapped.mark() == _FILE_MARK:
        return pa.ipc.open_file(mapped.buffer)
    return pa.ipc.open_stream(mapped.buffer)


def _bytes_of_rows(batch: pa.RecordBatch) -> int:
    """Bytes of a batch without its dictionaries, which all slices share."""
    import pyarrow as pa

    return sum(
        column.indices.nbytes if pa.types.is_dictionary(column.type) else column.nbytes
        for column in batch.columns
    )


def _validate_whole(batch: pa.RecordBatch) -> None:
    """Check a batch as far as it can be done without reading all of it, and its dictionaries."""
    import pyarrow as pa

    batch.validate()
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            column.validate(full=True)


def _validate_rows(batch: Any) -> None:
    """Refuse offsets that point outside: Arrow trusts them, and reading would end the process.

    Text that is not UTF-8 at the top is left to be found row by row.
    """
    import pyarrow as pa

    as_bytes = {
        "string": pa.binary,
        "large_string": pa.large_binary,
        "string_view": pa.binary_view,
    }
    for column in batch.columns:
        kind = str(column.type)
        if not pa.types.is_dictionary(column.type):
            checked = column.view(as_bytes[kind]()) if kind in as_bytes else column
            checked.validate(full=True)


class _Mapped:
    """A file mapped into memory whose read pages are given back from time to time.

    Arrow data is used where it lies, so that one batch may be larger than memory.
    """

    def __init__(self, path: str) -> None:
        import pyarrow as pa

        with Path(path).open("rb") as stream:
            try:
                self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            except ValueError as error:  # an empty file cannot be mapped
                raise OSError("it is empty") from error
        self.buffer = pa.BufferReader(pa.py_buffer(self._map))
        self._read = 0

    def mark(self) -> bytes:
        """The first bytes."""
        return self._map[: len(_FILE_MARK)]

    def position(self) -> int:
        """Bytes that the reader has gone through."""
        return int(self.buffer.tell())

    def release(self, count: int) -> None:
        """`count` more bytes were used. Data still in use is read again from the file."""
        self._read += count
        if self._read >= _MAPPED_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
            self._read = 0

    def __enter__(self) -> _Mapped:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing: batches in use hold the mapping, and the last one ends it."""


def _rows_of(
    columns: pa.RecordBatch, path: str, first_row: int, text_field: str, keep_columns: bool
) -> Batch:
    import pyarrow as pa

    if keep_columns:
        wanted = pa.RecordBatch.from_arrays([text_column(columns, text_field)], [text_field])
    else:
        wanted = columns
    batch = Batch(columns=columns if keep_columns else None)
    try:
        batch.rows = wanted.to_pylist()
    except UnicodeDecodeError:
        # Some string in the batch is not UTF-8: find the rows one by one.
        readable = []
        for offset in range(wanted.num_rows):
            try:
                batch.rows += wanted.slice(offset, 1).to_pylist()
                readable.append(offset)
            except UnicodeDecodeError as error:
                raw = bytes(error.object)
                reason = f"invalid UTF-8 at byte {error.start}"
                batch.rejects.append(Reject(path, first_row + offset, reason, raw))
        if keep_columns:
            batch.columns = take_rows(columns, readable)
    for row in batch.rows:
        if text_field not in row and not lift_text(row, text_field):
            row[text_field] = None  # a struct on the way is null
    return batch
