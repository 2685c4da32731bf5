"""Rows in Arrow files that are mapped into memory, so that they need not fit into it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import ArabenchError

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

#: Rows that are written at once, and held until then, unless they are long.
BATCH_ROWS: Final = 1000
#: Tokens and characters that are held at most, but for one longer row.
_HELD: Final = 1 << 20


class RowFile:
    """Rows written batch by batch to an Arrow stream; used as a context.

    The file appears whole under its name when it is finished; one that is not finished leaves
    nothing. Without a path rows are held in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.count = 0
        self._path = path
        self._rows: list[Mapping[str, Any]] = []
        self._held = 0
        self._schema: pa.Schema | None = None
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._sink: Any = None

    def __enter__(self) -> RowFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            # On a full disk closing fails as writing did, which is told already.
            for part in (self._writer, self._sink):
                with contextlib.suppress(OSError):
                    part.close()
        if self._path is not None:
            self._partial.unlink(missing_ok=True)

    @property
    def _partial(self) -> Path:
        return Path(f"{self._path}.partial")

    def add(self, row: Mapping[str, Any]) -> None:
        """One more row; all have the keys of the first, and none of its values is None.

        Raises:
            ArabenchError: the file cannot be written, as on a full disk.
        """
        self._rows.append(row)
        self.count += 1
        self._held += sum(len(value) for value in row.values() if isinstance(value, list | str))
        if len(self._rows) == BATCH_ROWS or self._held >= _HELD:
            self._write()

    def finish(self) -> Dataset:
        """The rows that were added, at least one.

        Raises:
            ArabenchError: the file cannot be written, as on a full disk.
        """
        import datasets
        import pyarrow as pa

        self._write()
        assert self._writer is not None, "finish is called when there are rows"
        writer, self._writer = self._writer, None
        try:
            writer.close()
            if self._path is None:
                table = pa.ipc.open_stream(self._sink.getvalue()).read_all()
                return datasets.Dataset(table)
            self._sink.close()
            self._partial.replace(self._path)
        except OSError as error:
            raise self._failed(error) from error
        return open_rows(self._path)

    def _write(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        try:
            if self._schema is None:
                self._schema = _narrow(pa.RecordBatch.from_pylist(self._rows).schema)
            batch = pa.RecordBatch.from_pylist(self._rows, schema=self._schema)
            if self._writer is None:
                if self._path is None:
                    self._sink = pa.BufferOutputStream()
                else:
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    self._sink = pa.OSFile(str(self._partial), "wb")
                self._writer = pa.ipc.new_stream(self._sink, self._schema)
            self._writer.write_batch(batch)
        except OSError as error:
            raise self._failed(error) from error
        self._rows.clear()
        self._held = 0

    def _failed(self, error: OSError) -> ArabenchError:
        return ArabenchError(
            f"training rows cannot be written to {str(self._path)!r}: {error.strerror or error}. "
            "Make room there, or choose another output_dir."
        )


def _narrow(schema: pa.Schema) -> pa.Schema:
    """The schema with tokens in 32 bits, which half the file holds."""
    import pyarrow as pa

    wide = pa.list_(pa.int64())
    return pa.schema(
        [one.with_type(pa.list_(pa.int32())) if one.type == wide else one for one in schema]
    )


def open_rows(path: Path) -> Dataset:
    """Rows of a finished file, mapped: the system reads the pages that are used."""
    import datasets

    return datasets.Dataset.from_file(str(path))
