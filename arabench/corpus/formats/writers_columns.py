"""Writing Arrow IPC streams and files, and folders for `datasets.load_from_disk`."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from arabench.corpus.formats import dataset_folders
from arabench.corpus.formats.names import DICT_FILE, INFO_FILE, STATE_FILE, is_dataset_folder
from arabench.corpus.formats.rows import Batch, RowWriter
from arabench.corpus.formats.text_columns import text_type, with_text_column
from arabench.errors import DataError
from arabench.files.atomic import atomic_folder, write_text_atomically
from arabench.files.digests import Digest

if TYPE_CHECKING:
    import pyarrow as pa
    from typing_extensions import Buffer

#: Bytes after which a `datasets` folder goes on in a new file, as in the library itself.
SHARD_BYTES: Final = 500 << 20


class TableWriter(RowWriter):
    """Turns batches into Arrow tables of one schema: the one given, or that of the first batch."""

    #: What the format is called in messages.
    name = "Arrow"

    def __init__(self, text_field: str, schema: pa.Schema | None = None) -> None:
        self._field = text_field
        self._schema = schema
        self._is_given = schema is not None

    def write(self, batch: Batch) -> None:
        """Take the rows of a batch."""
        if not batch.rows:
            return
        self._put(
            self._from_rows(batch.rows) if batch.columns is None else self._from_columns(batch)
        )

    def write_columns(self, columns: pa.RecordBatch) -> None:
        """Take rows whose text is already what it shall be."""
        import pyarrow as pa

        if columns.num_rows:
            self._put(self._fitted(pa.Table.from_batches([columns])))

    def _put(self, table: pa.Table) -> None:
        raise NotImplementedError

    def _known_schema(self) -> pa.Schema:
        """The schema; of an output without rows that of its text alone."""
        import pyarrow as pa

        if self._schema is None:
            self._schema = pa.schema([(self._field, pa.string())])
        return self._schema

    def _from_columns(self, batch: Batch) -> pa.Table:
        """The Arrow columns as they were, with the text replaced."""
        import pyarrow as pa

        columns = batch.columns
        assert columns is not None
        texts = pa.array(
            [row[self._field] for row in batch.rows], type=text_type(columns.schema, self._field)
        )
        return self._fitted(pa.Table.from_batches([with_text_column(columns, self._field, texts)]))

    def _fitted(self, table: pa.Table) -> pa.Table:
        """A table with the columns of the schema, in its order."""
        import pyarrow as pa

        if self._schema is None:
            self._schema = table.schema
        if table.schema.equals(self._schema):
            return table.replace_schema_metadata(self._schema.metadata)
        for name in set(self._schema.names) - set(table.schema.names):
            nulls = pa.nulls(table.num_rows, self._schema.field(name).type)
            table = table.append_column(self._schema.field(name), nulls)
        return table.select(self._schema.names).cast(self._schema)

    def _from_rows(self, rows: list[dict[str, Any]]) -> pa.Table:
        import pyarrow as pa

        try:
            names = dict.fromkeys(name for row in rows for name in row)
            given = self._schema if self._is_given else None
            if given is not None and names.keys() <= set(given.names):
                # Types as they are known: of a column that is null here, or narrow.
                return pa.Table.from_pylist(rows, schema=given)
            table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
            if self._schema is None:
                self._schema = table.schema
            if table.schema.equals(self._schema):
                return table
            both = pa.unify_schemas([self._schema, table.schema], promote_options="permissive")
            if not both.equals(self._schema):
                raise pa.ArrowInvalid(_difference(self._schema, both))
            return pa.Table.from_pylist(rows, schema=self._schema)
        except (pa.ArrowException, OverflowError) as error:
            raise DataError(
                f"a row does not fit the columns of the first rows: {error}. "
                "Write .jsonl instead, or make the types of each field uniform."
            ) from error

    def _misfit(self, error: Exception) -> DataError:
        return DataError(f"{self.name} cannot hold these columns: {error}. Write .jsonl instead.")


def _difference(first: pa.Schema, later: pa.Schema) -> str:
    """The first field that `later` has otherwise than `first`."""
    for field in later:
        place = first.get_field_index(field.name)
        if place < 0:
            return f"field {field.name!r} ({field.type}) is new"
        if not first.field(place).equals(field):
            return f"field {field.name!r} was {first.field(place).type} and is now {field.type}"
    return "the fields differ"


class ArrowWriter(TableWriter):
    """Arrow IPC without compression, so that it can be mapped into memory.

    Args:
        stream: where to.
        as_file: the IPC file format (`.feather`) instead of a stream (`.arrow`).
    """

    def __init__(
        self,
        stream: IO[bytes],
        text_field: str,
        schema: pa.Schema | None = None,
        *,
        as_file: bool = False,
    ) -> None:
        super().__init__(text_field, schema)
        self._stream = stream
        self._as_file = as_file
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._decoded: list[str] = []

    def close(self) -> None:
        """Finish the file, but not the stream."""
        self._open(self._known_schema()).close()

    def losses(self) -> list[str]:
        """Columns that are no dictionaries any more."""
        if not self._decoded:
            return []
        return [f"columns {', '.join(self._decoded)} are written out, not as dictionaries"]

    def _put(self, table: pa.Table) -> None:
        import pyarrow as pa

        if self._as_file:  # a file can hold only one dictionary per column, known before
            table, self._decoded = decode_dictionaries(table)
        try:
            self._open(table.schema).write_table(table)
        except pa.ArrowException as error:
            raise self._misfit(error) from error

    def _open(self, schema: pa.Schema) -> pa.RecordBatchStreamWriter:
        import pyarrow as pa

        if self._writer is None:
            new = pa.ipc.new_file if self._as_file else pa.ipc.new_stream
            self._writer = new(self._stream, schema)
        return self._writer


def decode_dictionaries(table: pa.Table) -> tuple[pa.Table, list[str]]:
    """A table without dictionary columns, and the names of those it had."""
    import pyarrow as pa

    names = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    for name in names:
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        table = table.set_column(
            place,
            field.with_type(field.type.value_type),
            table.column(place).cast(field.type.value_type),
        )
    return table, names


@contextlib.contextmanager
def atomic_dataset(path: str, sources: Sequence[str]) -> Iterator[Path]:
    """`atomic_folder` for a dataset; what is a split becomes a split again.

    An existing `datasets` folder is replaced. The list of splits is written once all of them
    are there, so that what can be loaded is complete.

    Raises:
        UsageError: `path` exists and is something else, or holds other files too.
    """
    dataset_folders.refuse_to_replace(path)
    splits = dataset_folders.list_of_splits(sources, path)
    with atomic_folder(path) as folder:
        yield folder
    parent = Path(path).parent
    if splits and all(is_dataset_folder(str(parent / name)) for name in splits):
        write_text_atomically(parent / DICT_FILE, json.dumps({"splits": splits}))


class DatasetWriter(TableWriter):
    """A folder as `datasets.Dataset.save_to_disk` writes it; `load_from_disk` maps it.

    Args:
        folder: an empty folder.
        text_field: column of the text.
        schema: what the columns must have; None takes that of the first batch.
        sources: the inputs; of a single `datasets` folder split, description and licence are kept.
        shard_bytes: size from which on the next file is begun.
    """

    name = "datasets"

    def __init__(
        self,
        folder: Path,
        text_field: str,
        schema: pa.Schema | None = None,
        sources: Sequence[str] = (),
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        super().__init__(text_field, schema)
        self._folder = folder
        self._sources = list(sources)
        self._shard_bytes = shard_bytes
        self._digest = hashlib.blake2b(digest_size=8)
        self._files: list[Path] = []
        self._file: _HashedFile | None = None
        self._ipc: ArrowWriter | None = None
        self._decoded: list[str] = []

    def close(self) -> None:
        """Give the files their names and write what `load_from_disk` reads first."""
        if not self._files:
            self._begin_file()
            assert self._ipc is not None
            self._ipc._schema = self._checked(self._known_schema())
        self._end_file()
        names = []
        for place, file in enumerate(self._files):
            names.append(f"data-{place:05d}-of-{len(self._files):05d}.arrow")
            file.rename(self._folder / names[-1])
        split = dataset_folders.split_of(self._sources)
        state = dataset_folders.state_of(names, self._digest.hexdigest(), split)
        (self._folder / STATE_FILE).write_text(state, encoding="utf-8")
        info = dataset_folders.info_of(self._sources)
        (self._folder / INFO_FILE).write_text(info, encoding="utf-8")

    def abandon(self) -> None:
        """Close what is open; the folder is the caller's to remove."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def losses(self) -> list[str]:
        """Columns that are no dictionaries any more."""
        if not self._decoded:
            return []
        return [f"columns {', '.join(self._decoded)} are written out, not as dictionaries"]

    def _put(self, table: pa.Table) -> None:
        table, self._decoded = decode_dictionaries(table)
        if self._file is None:
            self._checked(table.schema)
            self._begin_file()
        assert self._file is not None
        assert self._ipc is not None
        self._ipc._put(table)
        if self._file.size >= self._shard_bytes:
            self._end_file()

    def _begin_file(self) -> None:
        self._files.append(self._folder / f"data-{len(self._files):05d}")
        self._file = _HashedFile(self._files[-1], self._digest)
        self._ipc = ArrowWriter(self._file, self._field, None)

    def _end_file(self) -> None:
        if self._file is None or self._ipc is None:
            return
        self._ipc.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = self._ipc = None

    def _checked(self, schema: pa.Schema) -> pa.Schema:
        for field in schema:
            if not _loads(field.type):
                raise DataError(
                    f"datasets cannot hold column {field.name!r} of type {field.type}. "
                    "Write .parquet instead."
                )
        return schema


def _loads(kind: pa.DataType) -> bool:
    """Whether `datasets` has a feature for an Arrow type (as of datasets 5.2)."""
    import pyarrow as pa

    unknown = (
        pa.types.is_map(kind)
        or pa.types.is_union(kind)
        or pa.types.is_interval(kind)
        or pa.types.is_run_end_encoded(kind)
        or str(kind).startswith(("list_view", "large_list_view", "decimal32", "decimal64"))
    )
    if unknown:
        return False
    if pa.types.is_nested(kind):
        return all(_loads(kind.field(place).type) for place in range(kind.num_fields))
    return True


class _HashedFile(io.FileIO):
    """A new file that hashes and counts what is written to it."""

    def __init__(self, path: Path, digest: Digest) -> None:
        super().__init__(path, "wb")
        self.size = 0
        self._digest = digest

    def write(self, data: Buffer, /) -> int:
        rest = memoryview(data).cast("B")
        self._digest.update(rest)
        self.size += len(rest)
        while rest:  # one call takes 2 GiB at most
            rest = rest[super().write(rest) :]
        return memoryview(data).nbytes
