"""A column of text as bytes and spans: what Arrow string arrays are, without their variety."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from arabench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: What offsets of 32 bits reach.
_MAX_STRING_BYTES = 2**31 - 1


@dataclass
class Column:
    """Rows of UTF-8 text.

    Attributes:
        data: (bytes,) uint8; row `i` is `data[starts[i]:ends[i]]`.
        starts, ends: (rows,) int64.
        valid: (rows,) bool, False where the row is null (and its span empty); None: all valid.
        changed: rows that were changed to get here.
        left_to_reference: rows still to be settled by the reference engine.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    valid: NDArray[np.bool_] | None = None
    changed: int = 0
    left_to_reference: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, array: pa.Array) -> Column:
        """From an array of strings, or of a dictionary of them; without a copy of the text.

        Spans outside the data are refused: Arrow trusts its offsets.
        """
        import numpy as np
        import pyarrow as pa

        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if array.type == pa.null():
            array = array.cast(pa.string())
        if array.type not in (pa.string(), pa.large_string()):
            array = array.cast(pa.large_string())
        kind = np.int32 if array.type == pa.string() else np.int64
        _, offset_buffer, text = array.buffers()
        if offset_buffer is None or len(array) == 0:
            offsets = np.zeros(len(array) + 1, dtype=np.int64)
        else:
            every = np.frombuffer(offset_buffer, dtype=kind)
            offsets = every[array.offset : array.offset + len(array) + 1].astype(np.int64)
        data = np.frombuffer(text or b"\0", dtype=np.uint8)
        starts, ends = offsets[:-1], offsets[1:]
        valid = None
        if array.null_count:
            valid = array.is_valid().to_numpy(zero_copy_only=False)
            ends = np.where(valid, ends, starts)
        if len(starts) and (
            offsets[0] < 0 or (np.diff(offsets) < 0).any() or offsets[-1] > len(data)
        ):
            raise DataError("a column of text has offsets outside its data: the file is damaged.")
        return cls(data, np.ascontiguousarray(starts), np.ascontiguousarray(ends), valid)

    @property
    def size(self) -> int:
        """Bytes of text."""
        return int((self.ends - self.starts).sum())

    @property
    def null_count(self) -> int:
        """Rows that are null."""
        return 0 if self.valid is None else int((~self.valid).sum())

    def filled(self) -> list[int]:
        """Rows that are not null."""
        import numpy as np

        if self.valid is None:
            return list(range(len(self.starts)))
        rows: list[int] = np.flatnonzero(self.valid).tolist()
        return rows

    def raw(self, row: int) -> bytes:
        """The bytes of one row."""
        return self.data[self.starts[row] : self.ends[row]].tobytes()

    def text(self, row: int) -> str:
        """One row; raises `UnicodeDecodeError` where it is not UTF-8."""
        return self.raw(row).decode("utf-8")

    def with_texts(self, texts: Mapping[int, str]) -> Column:
        """The column with some rows replaced."""
        import numpy as np

        if not texts:
            return self
        encoded = {row: text.encode("utf-8") for row, text in texts.items()}
        rows = [
            encoded[row] if row in encoded else self.raw(row) for row in range(len(self.starts))
        ]
        ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])[:-1]
        data = np.frombuffer(b"".join(rows) or b"\0", dtype=np.uint8)
        return Column(data, starts, ends, self.valid, self.changed)

    def as_type(self, kind: pa.DataType) -> pa.Array:
        """As an array of `kind`; the rows must lie one behind the other in `data`.

        Raises:
            DataError: the text is larger than the offsets of `kind` reach.
        """
        import numpy as np
        import pyarrow as pa

        if kind == pa.null():
            return pa.nulls(len(self.starts))
        wide = kind != pa.string()
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), self.ends])
        if not wide and offsets[-1] > _MAX_STRING_BYTES:
            raise DataError(
                "normalized text of one batch exceeds 2 GiB, more than a `string` column holds. "
                "Use smaller batches or a large_string column."
            )
        if not wide:
            offsets = offsets.astype(np.int32)
        nulls = None
        if self.valid is not None:
            nulls = pa.py_buffer(np.packbits(self.valid, bitorder="little"))
        array = pa.Array.from_buffers(
            pa.large_string() if wide else pa.string(),
            len(self.starts),
            [nulls, pa.py_buffer(offsets), pa.py_buffer(self.data)],
            self.null_count,
        )
        if pa.types.is_dictionary(kind):
            return array.cast(kind.value_type).dictionary_encode().cast(kind)
        return array if array.type == kind else array.cast(kind)
